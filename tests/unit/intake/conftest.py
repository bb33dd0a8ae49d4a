"""A synthetic vehicle whose truth is known, and what vendors do to its columns."""

from dataclasses import dataclass

import numpy as np
import pytest

from voltherd.types.table import RawTable

START = 1_620_205_800.0  # 2021-05-05T09:10:00Z


@dataclass(frozen=True)
class Truth:
    """Canonical columns of one vehicle."""

    second: np.ndarray
    current: np.ndarray
    cells: np.ndarray
    probes: np.ndarray
    pack: np.ndarray
    soc: np.ndarray
    speed: np.ndarray
    odometer: np.ndarray


def low_pass(values: np.ndarray, share: float) -> np.ndarray:
    reach = min(len(values), int(8 / share))
    response = share * (1 - share) ** np.arange(reach)
    return np.convolve(values - values[0], response)[: len(values)] + values[0]


def make_truth(seed: int = 1, rows: int = 6000, cells: int = 24, step: float = 5.0) -> Truth:
    """Drive, rest and charge a 120 Ah string: R and one RC pair, an OCV, spread, rounding."""
    chance = np.random.default_rng(seed)
    second = START + step * np.arange(rows)
    phase = (np.arange(rows) * step / 3600.0) % 4.0  # 2 h drive, 0.7 h rest, 1.3 h charge
    pace = np.clip(45 + 40 * low_pass(chance.normal(0, 1, rows), 0.2) * 3, 0, 130)
    speed = np.where(phase < 2.0, np.round(pace, 1), 0.0)
    pull = -np.abs(low_pass(chance.normal(0, 1, rows), 0.5)) * 80 + 30 * chance.normal(0, 1, rows)
    drive = np.where(speed > 0.5, pull - 10.0, -1.0)
    current = np.where(phase < 2.0, drive, np.where(phase < 2.7, -0.5, 40.0))
    soc = 0.7 + np.cumsum(current) * step / 3600.0 / 120.0
    soc = np.clip(soc - (soc - 0.6) * 0.2, 0.05, 0.98)
    ocv = 3.4 + 0.75 * soc + 0.04 * np.sin(6 * soc)
    spread = chance.normal(0, 0.006, cells)
    resistance = 0.8e-3 * (1 + 0.1 * chance.normal(0, 1, cells))
    slow = low_pass(current, 0.15) * 0.5e-3
    volts = ocv[:, None] + spread + current[:, None] * resistance + slow[:, None]
    volts = np.round(volts + chance.normal(0, 5e-4, volts.shape), 3)
    warm = 24 + 6 * low_pass(np.abs(current) / 80.0, 0.01)[:, None] + chance.normal(0, 0.8, 6)
    return Truth(
        second=second,
        current=np.round(current, 1),
        cells=volts,
        probes=np.round(warm),
        pack=np.round(volts.sum(axis=1), 1),
        soc=np.round(soc, 3),
        speed=speed,
        odometer=np.round(30_000 + np.cumsum(speed) * step / 3600.0, 1),
    )


def vendor_columns(truth: Truth) -> dict[str, np.ndarray]:
    """The truth as a telematics export would have it: V, A discharging, °C, percent."""
    columns = {
        "tboxTime": (truth.second * 1e3).astype("M8[ms]"),
        "vehSpeed": truth.speed,
        "BMSBatteryVoltage": truth.pack,
        "BMSBatteryCurrent": -truth.current,
        "vehBMSPackSOC": truth.soc * 100,
        "vehOdo": truth.odometer,
    }
    columns |= {f"V_{k + 1}": v.astype(np.float32) for k, v in enumerate(truth.cells.T)}
    return columns | {f"T_{k + 1}": v.astype(np.float32) for k, v in enumerate(truth.probes.T)}


@pytest.fixture(scope="session")
def truth() -> Truth:
    return make_truth()


@pytest.fixture
def columns(truth: Truth) -> dict[str, np.ndarray]:
    return vendor_columns(truth)


@pytest.fixture
def table(columns: dict[str, np.ndarray]) -> RawTable:
    return RawTable(source="data/bus7.csv", columns=columns)

"""What the map makes of recorded pulses: the voltage after ten seconds, from other pulses.

The LG HG2 of the recorded data was pulsed for ten seconds, both ways, up to 6C, at a dozen states
of charge and six temperatures.  Each state of charge is predicted from all others of the same
temperature, or, with a second folder, all of that folder from the first.
"""

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from voltherd.bench.compose import read_columns
from voltherd.errors import InputError
from voltherd.numerics.resistance_map import OHM_MIN

FILE: Final = "lg_hg2/characterisation.parquet"
CAPACITY_AH: Final = 2.778
PULSE_SECOND: Final = (9.0, 12.0)
_AMPERE_MIN: Final = 0.5
_STEADY: Final = 0.05
STATES_MIN: Final = 3


class TenSeconds(NamedTuple):
    """A recorded pulse of ten seconds.

    Attributes:
        celsius: Of the chamber [°C].
        soc: Where it began.
        ampere: Charging positive [A].
        rest_volt: Just before [V].
        end_volt: Its last sample [V].
    """

    celsius: float
    soc: float
    ampere: float
    rest_volt: float
    end_volt: float

    @property
    def ohm(self) -> float:
        """Change of voltage over current [Ω]."""
        return max((self.end_volt - self.rest_volt) / self.ampere, OHM_MIN)


class PulseRow(NamedTuple):
    """How far predicted ends of pulses are off, by temperature and direction."""

    dataset: str
    celsius: float
    direction: str
    pulses: int
    rmse_millivolt: float
    bias_millivolt: float
    mae_percent: float

    def told(self) -> str:
        """Say it in a line."""
        return (
            f"{self.dataset:<16}{self.celsius:>5.0f} °C {self.direction:<10}{self.pulses:>4} pulses"
            f"{self.rmse_millivolt:>8.1f} mV rmse{self.bias_millivolt:>8.1f} mV bias"
            f"{self.mae_percent:>7.1f} % of the change"
        )


def recorded_pulses(train: Path, test: Path) -> list[PulseRow]:
    """Predict pulses of one folder from those of another, or of the others of the same.

    Args:
        train: Folder with the pulses to learn from.
        test: Folder with the pulses to predict.

    Returns:
        A row per temperature and direction; none where no pulses are recorded.
    """
    known, asked = pulses_in(train), pulses_in(test)
    left_out = train.resolve() == test.resolve()
    rows = []
    for celsius in sorted({pulse.celsius for pulse in asked}, reverse=True):
        for way in (-1.0, 1.0):
            there, here = (
                [p for p in some if p.celsius == celsius and p.ampere * way > 0.0]
                for some in (known, asked)
            )
            row = _row(celsius, way, list(_predicted(there, here, left_out=left_out)))
            rows += [row] if row else []
    return rows


def _predicted(
    known: Sequence[TenSeconds], asked: Iterable[TenSeconds], *, left_out: bool
) -> Iterable[tuple[TenSeconds, float]]:
    """Give each pulse with the resistance that its neighbours say it should have."""
    for pulse in asked:
        near = [p for p in known if not left_out or abs(p.soc - pulse.soc) > _STEADY / 2.0]
        socs = sorted({p.soc for p in near})
        # Beyond the outermost states that were pulsed the map is not asked.
        if len(socs) < STATES_MIN or not socs[0] <= pulse.soc <= socs[-1]:
            continue
        groups = _by_state(near)
        below = max((g for g in groups if g[0].soc <= pulse.soc), key=lambda g: g[0].soc)
        above = min((g for g in groups if g[0].soc >= pulse.soc), key=lambda g: g[0].soc)
        share = (pulse.soc - below[0].soc) / max(above[0].soc - below[0].soc, 1e-9)
        logs = [_log_ohm(group, abs(pulse.ampere)) for group in (below, above)]
        if all(map(math.isfinite, logs)):
            yield pulse, math.exp(logs[0] + share * (logs[1] - logs[0]))


def _by_state(pulses: Iterable[TenSeconds]) -> list[list[TenSeconds]]:
    groups: list[list[TenSeconds]] = []
    for pulse in sorted(pulses, key=lambda p: p.soc):
        if groups and pulse.soc - groups[-1][0].soc < _STEADY / 2.0:
            groups[-1].append(pulse)
        else:
            groups.append([pulse])
    return groups


def _log_ohm(group: Sequence[TenSeconds], ampere: float) -> float:
    """Interpolate over the current; NaN above the largest pulse of a state."""
    order = sorted(group, key=lambda p: abs(p.ampere))
    sizes = [abs(p.ampere) for p in order]
    if ampere > sizes[-1] * (1.0 + _STEADY):
        return math.nan
    return float(np.interp(ampere, sizes, [math.log(p.ohm) for p in order]))


def _row(celsius: float, way: float, told: list[tuple[TenSeconds, float]]) -> PulseRow | None:
    if not told:
        return None
    off = np.array([1e3 * p.ampere * (ohm - p.ohm) for p, ohm in told])
    return PulseRow(
        dataset="lg_hg2",
        celsius=celsius,
        direction="charge" if way > 0.0 else "discharge",
        pulses=len(told),
        rmse_millivolt=float(np.sqrt(np.mean(off**2))),
        bias_millivolt=float(np.mean(off)),
        mae_percent=float(np.mean([100.0 * abs(ohm / p.ohm - 1.0) for p, ohm in told])),
    )


def asked_for(folder: Path) -> Path:
    """Give a folder back that was named for its pulses.

    Raises:
        InputError: It has none.
    """
    if not (folder / FILE).is_file():
        raise InputError(
            "no recorded pulses are there",
            where=str(folder),
            mend=f"give a folder with {FILE}, or leave the option away",
        )
    return folder


def pulses_in(folder: Path) -> list[TenSeconds]:
    """Find the ten-second pulses of a recorded characterisation; none where it is not there.

    Raises:
        InputError: The file is unreadable or lacks a column.
    """
    file = folder / FILE
    if not file.is_file():
        return []
    columns = read_columns(file, ("test", "set_temp_c", *_COLUMNS))
    hppc = columns["test"].astype(str) == "HPPC"
    found: list[TenSeconds] = []
    for celsius in np.unique(columns["set_temp_c"][hppc]):
        rows = np.flatnonzero(hppc & (columns["set_temp_c"] == celsius))
        rows = rows[np.argsort(columns["t_s"][rows], kind="stable")]
        parts = [columns[key][rows].astype(np.float64) for key in _COLUMNS]
        found += _pulses(float(celsius), *parts)
    return found


_COLUMNS: Final = ("t_s", "current_a", "voltage_v", "ah")


def _pulses(
    celsius: float, second: np.ndarray, ampere: np.ndarray, volt: np.ndarray, ah: np.ndarray
) -> Iterable[TenSeconds]:
    jumps = np.flatnonzero(np.abs(np.diff(ampere)) > _AMPERE_MIN / 2.0) + 1
    for start, end in pairwise([*jumps.tolist(), len(ampere)]):
        flow = ampere[start:end]
        lasted = second[end - 1] - second[start - 1]
        rested = abs(ampere[start - 1]) < _STEADY
        steady = np.ptp(flow) < _STEADY * abs(flow.mean())
        if abs(flow.mean()) < _AMPERE_MIN or not (rested and steady):
            continue
        if PULSE_SECOND[0] <= lasted <= PULSE_SECOND[1]:
            soc = 1.0 + (float(ah[start - 1]) - float(ah[0])) / CAPACITY_AH
            yield TenSeconds(
                celsius, soc, float(flow.mean()), float(volt[start - 1]), float(volt[end - 1])
            )

"""Recorded cells in the layout of the open campaigns: drives, charges, and a curve beside.

A dataset is a folder with a Parquet file of drives whose state of charge was counted in the
laboratory: truth for scoring, never an input.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from voltherd.bench.compose import read_columns
from voltherd.errors import InputError
from voltherd.estimation.identify import Drive
from voltherd.numerics.cell_parameters import CellParameters
from voltherd.numerics.ocv import measured_curve
from voltherd.numerics.presets import LFP, NCA, NMC

CHARGE_AH_MIN: Final = 1.0
"""A recorded charge that brought less says little."""


class Dataset(NamedTuple):
    """A recorded cell.

    Attributes:
        file: Its drives.
        place: The column there that tells the chamber's temperature.
        base: The chemistry to begin with.
        curve: File of a measured curve beside, if any.
        charges: File of recorded charges beside, if any.
    """

    file: str
    place: str
    base: CellParameters
    curve: str = ""
    charges: str = ""


DATASETS: Final[Mapping[str, Dataset]] = {
    "lg_hg2": Dataset(
        "drive_cycles_1hz.parquet",
        "set_temp_c",
        NMC.resized(2.778),
        charges="characterisation.parquet",
    ),
    "panasonic_18650pf": Dataset("drive_cycles_1hz.parquet", "folder", NCA.resized(2.9)),
    "lfp_flat_tao": Dataset(
        "lfp_1p2ah_1hz.parquet", "temp_c", LFP.resized(1.2), "ocv_hysteresis.parquet"
    ),
}


class Cycle(NamedTuple):
    """A recorded discharge."""

    name: str
    temperature: float
    drive: Drive


ROWS_MIN: Final = 100
"""A record with fewer says nothing of a drive."""
_WANTED: Final = ("t_s", "current_a", "voltage_v", "temp_c", "soc_ref")
_OF_CHARGES: Final = ("t_s", "current_a", "voltage_v", "temp_c", "ah")


def base_of(folder: Path, dataset: str) -> CellParameters:
    """Give what a cell is identified from: the preset, with a measured curve where there is one."""
    known = DATASETS[dataset]
    file = folder / dataset / known.curve
    if not known.curve or not file.is_file():
        return known.base
    columns = read_columns(file, ("soc", "ocv_charge", "ocv_discharge"))
    mean, gap = measured_curve(columns["soc"], columns["ocv_charge"], columns["ocv_discharge"])
    return replace(known.base, ocv_volt=mean, hysteresis_volt=gap)


def cycles_of(folder: Path, dataset: str) -> list[Cycle]:
    """Read the recorded discharges of a cell; nothing where they are not there."""
    file = folder / dataset / DATASETS[dataset].file
    if not file.is_file():
        return []
    columns = read_columns(file, (*_WANTED, "test", DATASETS[dataset].place))
    count = len(columns["t_s"])
    usable = columns.get("ok", np.ones(count, bool)).astype(bool)
    place = columns[DATASETS[dataset].place].astype(str)
    names = np.char.add(np.char.add(place, " "), columns["test"].astype(str))
    found = []
    for name in dict.fromkeys(names[usable].tolist()):
        rows = np.flatnonzero(usable & (names == name))
        rows = rows[np.argsort(columns["t_s"][rows], kind="stable")]
        parts = np.array([columns[key][rows].astype(np.float64) for key in _WANTED])
        whole = np.isfinite(parts).all(axis=0)
        if whole.sum() < ROWS_MIN:
            raise InputError(
                f"record {name} has {whole.sum()} whole rows, at least {ROWS_MIN} are needed",
                where=str(file),
                mend="take it out, or mark it with ok = false",
            )
        celsius = float(name.split(" ")[0].removesuffix("degC"))
        found.append(Cycle(name, celsius, Drive(*parts[:, whole])))
    return found


def charges_of(folder: Path, dataset: str) -> list[Cycle]:
    """Read the recorded charges of a cell that end full; their charge is counted from that end."""
    file = folder / dataset / DATASETS[dataset].charges
    if not DATASETS[dataset].charges or not file.is_file():
        return []
    columns = read_columns(file, (*_OF_CHARGES, "test", "test_no", "set_temp_c"))
    kind = columns["test"].astype(str)
    key = [
        f"{c} {t} {n}"
        for c, t, n in zip(columns["set_temp_c"], kind, columns["test_no"], strict=True)
    ]
    names = np.array(key)
    found = []
    for name in dict.fromkeys(names[np.char.startswith(kind, "Charge")].tolist()):
        rows = np.flatnonzero(names == name)
        rows = rows[np.argsort(columns["t_s"][rows], kind="stable")]
        counted = columns["ah"][rows]
        end = int(np.argmax(counted)) + 1
        if counted[end - 1] < CHARGE_AH_MIN or len(rows) > 2 * end:
            continue
        parts = np.array([columns[one][rows[:end]].astype(np.float64) for one in _OF_CHARGES])
        parts[4] = 1.0 + (parts[4] - parts[4, -1]) / DATASETS[dataset].base.capacity_ah
        # All were charged in the room; a degree more or less is no other temperature.
        celsius = round(float(np.median(parts[3])), -1)
        found.append(Cycle(name, celsius, Drive(*parts)))
    return found


def splittable(train: Path, test: Path | None, dataset: str) -> bool:
    """Say whether a dataset is there to train and to test on."""
    known = DATASETS[dataset].file
    if test is not None:
        return (train / dataset / known).is_file() and (test / dataset / known).is_file()
    return (train / dataset / known).is_file() and len(cycles_of(train, dataset)) >= 2


def halved(cycles: list[Cycle]) -> tuple[list[Cycle], list[Cycle]]:
    """Let the cycles of each temperature take turns."""
    order = sorted(cycles, key=lambda cycle: (cycle.temperature, cycle.name))
    return order[::2], order[1::2]

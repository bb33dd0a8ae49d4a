"""How right is the energy until empty, on recorded discharges of a cell?

Question: by how many percent the predicted energy differs from what the LG HG2 gave from 80 % on,
its power and temperature known as recorded.  The cell is identified from other drives than those
predicted.  Of a drive the charge at its end is given, and the energy until there is asked; of a
discharge at 1C only the voltage that ends it, so that its end is predicted too.
"""

import math
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from voltherd.bench.compose import read_columns
from voltherd.bench.soc_data import base_of, cycles_of, halved, splittable
from voltherd.bench.soc_protocol import mean
from voltherd.bench.sop_pulses import CAPACITY_AH, FILE
from voltherd.estimation.identify import Drive, identify
from voltherd.estimation.soe import Energy, PowerProfile, energy_to_empty
from voltherd.numerics.cell_map import CellMap
from voltherd.units import SECOND_PER_HOUR

DATASET: Final = "lg_hg2"
ESTIMATOR: Final = "soe"
FROM: Final = 0.8
DRIVES: Final = "drives, to the charge at their end"
ONE_C: Final = "1C, to the voltage at its end"
_COLUMNS: Final = ("t_s", "current_a", "voltage_v", "temp_c", "ah")
_AMPERE_MIN: Final = 2.5
_FREE_VOLT: Final = 2.0
"""A recorded drive went on at peaks that touched its limit: here they are not cut."""


class EnergyRow(NamedTuple):
    """The energy of one record; errors in percent, of one answer the three are the same."""

    dataset: str
    cycle: str
    temperature: float
    condition: str
    estimator: str
    rmse: float
    mae: float
    max: float
    coverage90: float
    microsecond: float
    watthour: float
    watthour_told: float
    error: float


def recorded_energies(
    train: Path, test: Path | None, progress: Callable[[str], None]
) -> list[EnergyRow]:
    """Identify the cell, predict the energy of every record it was not identified from.

    Args:
        train: Folder to identify from.
        test: Folder to predict; every other drive of ``train`` where not given.
        progress: Told where it stands.

    Returns:
        A row per record; none where no drives are recorded.

    Raises:
        InputError: A file is unreadable or lacks a column.
    """
    if not splittable(train, test, DATASET):
        return []
    progress("identifying the cell whose energy is asked for")
    known = cycles_of(train, DATASET)
    fitted, asked = (known, cycles_of(test, DATASET)) if test else halved(known)
    cell = identify([cycle.drive for cycle in fitted], base_of(train, DATASET), DATASET)
    rows = [
        energy_row(cell, cycle.name, cycle.temperature, cycle.drive, to_voltage=False)
        for cycle in asked
    ]
    return rows + [
        energy_row(cell, name, celsius, drive, to_voltage=True)
        for name, celsius, drive in discharges_in(test or train)
    ]


def discharges_in(folder: Path) -> Iterable[tuple[str, float, Drive]]:
    """Read the recorded discharges at 1C; none where they are not there."""
    file = folder / FILE
    if not file.is_file():
        return
    columns = read_columns(file, ("test", "set_temp_c", "test_no", *_COLUMNS))
    rows = (columns["test"].astype(str) == "Cap_1C") & (columns["current_a"] < -_AMPERE_MIN)
    for number in np.unique(columns["test_no"][rows]):
        here = np.flatnonzero(rows & (columns["test_no"] == number))
        here = here[np.argsort(columns["t_s"][here], kind="stable")]
        celsius = float(columns["set_temp_c"][here[0]])
        parts = np.array([columns[key][here].astype(np.float64) for key in _COLUMNS])
        parts[4] = 1.0 + parts[4] / CAPACITY_AH
        yield f"{celsius:g} 1C {number}", celsius, Drive(*parts)


def energy_row(
    cell: CellMap, name: str, celsius: float, drive: Drive, *, to_voltage: bool
) -> EnergyRow:
    """Compare what a record gave from 80 % on with what was predicted there."""
    # What comes back may lift the charge above once more: that is part of the record.
    rows = slice(int(np.argmax(drive.soc <= FROM)), None)
    second = drive.time_second[rows] - drive.time_second[rows][0]
    watt = drive.current_ampere[rows] * drive.voltage_volt[rows]
    given = -float((watt * np.diff(second, prepend=second[0])).sum()) / SECOND_PER_HOUR
    began = time.process_time()
    told: Energy = energy_to_empty(
        cell,
        float(drive.soc[rows][0]),
        0.0,
        PowerProfile(second, watt, drive.temperature_celsius[rows]),
        float(drive.voltage_volt.min()) if to_voltage else _FREE_VOLT,
        soc_min=0.0 if to_voltage else float(drive.soc[-1]),
    )
    cost = time.process_time() - began
    error = 100.0 * (told.watthour / given - 1.0)
    return EnergyRow(
        dataset=DATASET,
        cycle=name,
        temperature=celsius,
        condition=ONE_C if to_voltage else DRIVES,
        estimator=ESTIMATOR,
        rmse=abs(error),
        mae=abs(error),
        max=abs(error),
        coverage90=float(told.low_watthour <= given <= told.high_watthour),
        microsecond=1e6 * cost,
        watthour=given,
        watthour_told=told.watthour,
        error=error,
    )


def energy_summary(rows: Iterable[EnergyRow]) -> dict[str, Any]:
    """Sum up in the keys of every benchmark, and by condition."""
    rows = list(rows)
    whole: dict[str, Any] = _summed(rows)
    whole["conditions"] = {
        condition: _summed([row for row in rows if row.condition == condition])
        for condition in dict.fromkeys(row.condition for row in rows)
    }
    return {ESTIMATOR: whole, "primary": ESTIMATOR}


def _summed(rows: list[EnergyRow]) -> dict[str, float]:
    return {
        "rmse": math.sqrt(mean([row.rmse**2 for row in rows])),
        "mae": mean([row.mae for row in rows]),
        "max": max((row.max for row in rows), default=math.nan),
        "coverage90": mean([row.coverage90 for row in rows]),
        "weighted": math.nan,
        "microsecond": mean([row.microsecond for row in rows]),
        "records": len(rows),
    }


def energy_lines(rows: Iterable[EnergyRow]) -> list[str]:
    """Tell the rows, summed up."""
    rows = list(rows)
    lines = ["", "energy from 80 % of recorded discharges, error in percent"]
    if not rows:
        return [*lines, "  no recorded drives are there"]
    for condition, told in energy_summary(rows)[ESTIMATOR]["conditions"].items():
        lines.append(
            f"{DATASET:<16}{condition:<36}{told['records']:>4} records{told['max']:>6.1f} largest"
            f"{told['mae']:>6.1f} mean{told['coverage90']:>7.0%} in the 90 % interval"
            f"{told['microsecond'] / 1e6:>6.1f} s each"
        )
    return lines

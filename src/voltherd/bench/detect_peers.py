"""What others raise on the same record: fixed thresholds, and the distance from siblings.

The fixed thresholds are those of a conventional battery management: limits of voltage and
temperature, the spread of the cells at which vehicles warn (GB/T 32960 leaves the numbers to the
maker; three levels of 0.3, 0.4 and 0.5 V are usual), insulation by UN R100.  The sibling score is
the plainest statistics that field studies use: a cell more than six standard deviations from its
siblings' mean in 80 of the last 100 samples.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from voltherd.numerics.robust import median
from voltherd.types.event import Location, LocationKind
from voltherd.types.sample import SampleBatch

SPREAD_VOLT: Final = 0.3
CELL_VOLT: Final = (2.5, 4.3)
HOT_CELSIUS: Final = 60.0
PROBES_APART_KELVIN: Final = 15.0
OHM_PER_VOLT: Final = 500.0
HELD_ROWS: Final = 3
"""Readings in a row that a threshold must be passed in."""
Z_SCORE: Final = 6.0
Z_ROWS: Final = 100
Z_SHARE: Final = 0.8


class Raised(NamedTuple):
    """Where somebody first raised an alarm."""

    unix_time_second: float
    location: Location


def cell_at(index: int) -> Location:
    """Give the place of a cell counted from 1."""
    return Location(kind=LocationKind.CELL, index=index, cells=(index,))


def fixed_thresholds(batch: SampleBatch) -> tuple[Raised, ...]:
    """Give the first passing of each threshold at each place."""
    volt, time = batch.cell_voltage_volt, batch.unix_time_second
    low, high = np.fmin.reduce(volt, axis=1), np.fmax.reduce(volt, axis=1)
    wide = (high - low) > SPREAD_VOLT
    out = (low < CELL_VOLT[0]) | (high > CELL_VOLT[1])
    raised = []
    rows = np.flatnonzero(held(wide | out, HELD_ROWS))
    if len(rows):
        middle = median(volt[rows], axis=1)[:, None]
        far = np.argmax(np.abs(np.nan_to_num(volt[rows] - middle)), axis=1)
        for cell in np.unique(far):
            row = rows[np.argmax(far == cell)]
            raised.append(Raised(float(time[row]), cell_at(int(cell) + 1)))
    raised += _probes(batch)
    ohm, pack = (batch.scalar.get(n) for n in ("insulation_resistance_ohm", "voltage_volt"))
    if ohm is not None and pack is not None:
        rows = np.flatnonzero(held(ohm < OHM_PER_VOLT * pack, HELD_ROWS))
        raised += [Raised(float(time[r]), Location(kind=LocationKind.PACK)) for r in rows[:1]]
    return tuple(raised)


def _probes(batch: SampleBatch) -> Iterable[Raised]:
    celsius = batch.probe_temperature_celsius
    if not batch.probes:
        return
    apart = np.abs(celsius - median(celsius, axis=1)[:, None]) > PROBES_APART_KELVIN
    far = held(np.nan_to_num(celsius) > HOT_CELSIUS, HELD_ROWS) | held(apart, HELD_ROWS)
    for probe in np.flatnonzero(far.any(axis=0)):
        row = int(np.argmax(far[:, probe]))
        place = Location(kind=LocationKind.PROBE, index=int(probe) + 1)
        yield Raised(float(batch.unix_time_second[row]), place)


def sibling_scores(batch: SampleBatch) -> tuple[Raised, ...]:
    """Give when each cell was first far from its siblings in most of the last hundred samples."""
    volt = batch.cell_voltage_volt
    if batch.rows < Z_ROWS or batch.cells < 3:
        return ()
    mean = np.nanmean(volt, axis=1, keepdims=True)
    sigma = np.nanstd(volt, axis=1, keepdims=True)
    far = np.abs(volt - mean) > Z_SCORE * np.maximum(sigma, 1e-6)
    suspects = np.flatnonzero(far.sum(axis=0) >= Z_SHARE * Z_ROWS)
    raised = []
    for cell in suspects:
        count = np.cumsum(np.concatenate([[0], far[:, cell]]))
        rows = np.flatnonzero(count[Z_ROWS:] - count[:-Z_ROWS] >= Z_SHARE * Z_ROWS)
        if len(rows):
            last = rows[0] + Z_ROWS - 1
            raised.append(Raised(float(batch.unix_time_second[last]), cell_at(int(cell) + 1)))
    return tuple(raised)


def furthest_volt(batch: SampleBatch) -> Float[np.ndarray, " c"]:
    """Give how far each cell at most stood from the median cell for three readings together [V].

    A threshold on this is the imbalance alarm of a conventional management, its limit left open.
    """
    apart = np.abs(batch.cell_voltage_volt - median(batch.cell_voltage_volt, axis=1)[:, None])
    if batch.rows < HELD_ROWS:
        return np.zeros(batch.cells)
    least = np.nan_to_num(apart[: batch.rows - HELD_ROWS + 1])
    for later in range(1, HELD_ROWS):
        stop = batch.rows - HELD_ROWS + 1 + later
        least = np.minimum(least, np.nan_to_num(apart[later:stop]))
    return np.asarray(least.max(axis=0), np.float64)


def held(flags: Bool[np.ndarray, "t *rest"], rows: int) -> Bool[np.ndarray, "t *rest"]:
    """Tell the rows that end a run of at least so many.

    >>> held(np.array([True, False, True, True, True]), 3).tolist()
    [False, False, False, False, True]
    """
    run = flags.copy()
    for later in range(1, rows):
        run[later:] &= flags[:-later]
        run[:later] = False
    return run

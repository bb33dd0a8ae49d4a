"""Hands on a record: rows of a vehicle changed on their way, as an attacker would.

Pure functions over batches, for tests and benchmarks of detection: which rows is drawn from a
generator, and not told to the detector.  Every attack is consistent where it is easy to be: the
reported extremes follow the cells, and where an attacker can reach it, so does the pack voltage.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from voltherd.types.sample import SampleBatch
from voltherd.units import SECOND_PER_DAY

_DRIVING: Final = 5.0
"""Speed above which a row is driven [km/h]."""
DRIVEN_ROWS_MIN: Final = 60


class Attack(NamedTuple):
    """One attack on one record.

    Attributes:
        batch: The changed rows.
        begin_second: First changed row [unix s].
        end_second: Last one [unix s].
    """

    batch: SampleBatch
    begin_second: float
    end_second: float


Changed = Callable[
    [SampleBatch, Int[np.ndarray, " n"], float, np.random.Generator], SampleBatch | None
]


class AttackKind(NamedTuple):
    """One row of the table.

    Attributes:
        meaning: One clause for people.
        change: Gives the batch with some rows changed by a size.
        sizes: Sizes worth trying.
        minutes: Length of the attack; nothing for until the end [min].
    """

    meaning: str
    change: Changed
    sizes: tuple[float, ...]
    minutes: float | None


def attacked(
    batch: SampleBatch,
    kind: AttackKind,
    size: float,
    rng: np.random.Generator,
    after_second: float = -np.inf,
) -> Attack | None:
    """Attack a record at a drawn moment of driving.

    Args:
        batch: A record, left as it is.
        kind: One of a table of such.
        size: In the kind's unit; its sign is drawn where both make sense.
        rng: Draws the moment.
        after_second: The attack begins within a day of it [unix s].

    Returns:
        The attack, None where the vehicle does not drive then or has no such cells.
    """
    time = batch.unix_time_second
    driven = np.flatnonzero(in_use(batch) & (time > after_second))
    driven = driven[time[driven] <= max(after_second, time[0]) + SECOND_PER_DAY]
    if len(driven) < DRIVEN_ROWS_MIN:
        return None
    begin = int(rng.choice(driven[len(driven) // 10 : len(driven) * 9 // 10]))
    end = batch.rows
    if kind.minutes is not None:
        end = int(np.searchsorted(time, time[begin] + 60.0 * kind.minutes))
    changed = kind.change(batch, np.arange(begin, end), size, rng)
    return None if changed is None else Attack(changed, float(time[begin]), float(time[end - 1]))


def in_use(batch: SampleBatch) -> np.ndarray:
    """Tell the rows in which the vehicle drives."""
    return np.asarray(batch.scalar["speed_kilometre_per_hour"] > _DRIVING)


def with_cells(
    batch: SampleBatch,
    cells: Float[np.ndarray, "time cells"],
    *,
    pack: bool,
    scalar: Mapping[str, np.ndarray] | None = None,
) -> SampleBatch:
    """Give a batch with other cells, the extremes following them, and the pack voltage if wanted.

    Args:
        batch: Left as it is.
        cells: The cells' voltages [V].
        pack: Whether the pack voltage moves with their sum.
        scalar: Further channels to replace.
    """
    told = dict(batch.scalar) | dict(scalar or {})
    cells = np.round(cells, 3).astype(np.float32)
    moved = (cells - batch.cell_voltage_volt).astype(np.float64).sum(axis=1)
    if pack:
        told["voltage_volt"] = np.round(told["voltage_volt"] + moved, 1)
    told["cell_voltage_volt_max"] = cells.max(axis=1).astype(np.float64)
    told["cell_voltage_volt_min"] = cells.min(axis=1).astype(np.float64)
    return replace(batch, cell_voltage_volt=cells, scalar=told)


def _moved(
    batch: SampleBatch, rows: Int[np.ndarray, " n"], moved: Float[np.ndarray, "n cells"], pack: bool
) -> SampleBatch:
    cells = batch.cell_voltage_volt.copy()
    cells[rows] += moved.astype(np.float32)
    return with_cells(batch, cells, pack=pack)


def _scaled(
    batch: SampleBatch, rows: Int[np.ndarray, " n"], size: float, rng: np.random.Generator
) -> SampleBatch:
    factor = size * rng.choice([-1.0, 1.0])
    return _moved(batch, rows, batch.cell_voltage_volt[rows] * factor, pack=False)


def _scaled_together(
    batch: SampleBatch, rows: Int[np.ndarray, " n"], size: float, rng: np.random.Generator
) -> SampleBatch:
    factor = size * rng.choice([-1.0, 1.0])
    return _moved(batch, rows, batch.cell_voltage_volt[rows] * factor, pack=True)


def _biased(
    batch: SampleBatch, rows: Int[np.ndarray, " n"], size: float, rng: np.random.Generator
) -> SampleBatch:
    moved = np.full((len(rows), batch.cells), size * rng.choice([-1.0, 1.0]))
    return _moved(batch, rows, moved, pack=True)


def _replayed(
    batch: SampleBatch, rows: Int[np.ndarray, " n"], size: float, rng: np.random.Generator
) -> SampleBatch:
    """Send rows of some hours before again, the clock and the odometer going on."""
    time = batch.unix_time_second
    used = np.flatnonzero(in_use(batch)[: rows[0]])
    earlier = used[time[used] <= time[rows[0]] - 60.0 * size] if len(used) else used
    first = int(rng.choice(earlier)) if len(earlier) else 0
    source = np.minimum(first + np.arange(len(rows)), rows[0] - 1)
    return _copied(batch, rows, source)


def _frozen(
    batch: SampleBatch, rows: Int[np.ndarray, " n"], size: float, rng: np.random.Generator
) -> SampleBatch:
    return _copied(batch, rows, np.full(len(rows), rows[0] - 1))


def _copied(
    batch: SampleBatch, rows: Int[np.ndarray, " n"], source: Int[np.ndarray, " n"]
) -> SampleBatch:
    kept = ("odometer_kilometre", "speed_kilometre_per_hour", "ambient_temperature_celsius")
    scalar = {name: values.copy() for name, values in batch.scalar.items()}
    for name, values in scalar.items():
        if name not in kept:
            values[rows] = batch.scalar[name][source]
    cells, probes = batch.cell_voltage_volt.copy(), batch.probe_temperature_celsius.copy()
    cells[rows], probes[rows] = cells[source], probes[source]
    return replace(batch, cell_voltage_volt=cells, probe_temperature_celsius=probes, scalar=scalar)


def _swapped(
    batch: SampleBatch, rows: Int[np.ndarray, " n"], size: float, rng: np.random.Generator
) -> SampleBatch | None:
    """Exchange two cells at least ``size`` apart in use, as who hides a bad one would."""
    deviation = batch.cell_voltage_volt - np.median(batch.cell_voltage_volt, axis=1)[:, None]
    usual = np.median(deviation, axis=0)
    order = np.argsort(usual)
    apart = usual[order[::-1]][:, None] - usual[order][None, :]
    pairs = np.argwhere(apart >= size)
    if not len(pairs):
        return None
    high, low = pairs[int(rng.integers(len(pairs)))]
    pair = np.array([order[::-1][high], order[low]])
    cells = batch.cell_voltage_volt.copy()
    cells[np.ix_(rows, pair)] = cells[np.ix_(rows, pair[::-1])]
    return with_cells(batch, cells, pack=False)


ATTACKS: Final[Mapping[str, AttackKind]] = {
    "replay": AttackKind("rows from so many minutes before, sent again", _replayed, (120.0,), 30.0),
    "freeze": AttackKind("the last row sent again and again", _frozen, (0.0,), 15.0),
    "scale": AttackKind(
        "all cells by a share, the pack voltage not", _scaled, (0.01, 0.02, 0.05), None
    ),
    "scale together": AttackKind(
        "all cells and the pack voltage by a share", _scaled_together, (0.02, 0.05), None
    ),
    "bias": AttackKind("all cells and the pack voltage by volts", _biased, (0.05, 0.1), None),
    "swap": AttackKind("two cells so many volts apart exchanged", _swapped, (0.006,), None),
}
"""What can be done to a record."""

"""A single reading far from those before and after it, in a cell whose siblings stayed.

Cells of a pack are read one after another, and an answer may come a second late: while the current
moves, such a reading strays by part of what the whole pack moves within a sample, and comes back.
So a reading counts only where it strays further than the pack itself moved in any of the samples
before; at rest and while charging that leaves the floor.  The row after it decides.  Judged with a
reading's own neighbours alone, it is raised at once; ``spikes`` judges how many there are.
"""

from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from voltherd.detection.verdict import Verdict
from voltherd.numerics.robust import median, or_zero
from voltherd.types.event import Location, LocationKind, Phenomenon, Severity
from voltherd.types.sample import SampleBatch

CAUSE: Final = "glitch"
CELLS_MIN: Final = 6
SPIKE_VOLT: Final = 0.06
SWINGS: Final = 1.3
"""Moves of the whole pack in one sample that a reading out of time cannot exceed."""
ROWS_BEFORE: Final = 16
RETURN_SHARE: Final = 0.5
"""It comes back by at least so much of what it strayed by, and no more than twice."""
ALONE_MAX: Final = 2
OTHERS_TIMES: Final = 3.0
"""Further than the third of them by so much: skewed sampling makes many cells stray at once."""
SIGMA_VOLT: Final = 0.01
"""What a reading of a moving pack strays by, for the score [V]."""
OVER_ROWS: Final = 360
"""An hour of samples without another, and it is over."""
ROWS_PER_SLAB: Final = 512


class Last(NamedTuple):
    """What a row must remember of those before it.

    Attributes:
        cell_volt: Each cell in the two rows before [V].
        swing_volt: What the pack's mean cell moved by in each of the rows before [V].
        spikes: Of each cell, so far.
        wait: Rows without another until the last spike is called over; 0 when it was.
        back: Cells that came back in the row before: that is no spike of their usual reading.
    """

    cell_volt: Float[np.ndarray, "2 c"]
    swing_volt: Float[np.ndarray, " n"]
    spikes: Int[np.ndarray, " c"]
    wait: int
    back: tuple[int, ...]


def init(cells: int) -> Last:
    """Have seen nothing yet."""
    return Last(
        np.full((2, cells), np.nan, np.float32),
        np.zeros(ROWS_BEFORE, np.float32),
        np.zeros(cells, np.int64),
        0,
        (),
    )


def look(
    last: Last, batch: SampleBatch
) -> tuple[Last, tuple[tuple[float, tuple[Verdict, ...]], ...]]:
    """Look at every row.

    Args:
        last: What came before.
        batch: Further rows, at least one.

    Returns:
        What to remember; and for every row that saw readings come back, or that calls them over,
        its time [unix s] and the verdicts.
    """
    if batch.cells < CELLS_MIN:
        return last, ()
    judged: list[tuple[float, tuple[Verdict, ...]]] = []
    for begin in range(0, batch.rows, ROWS_PER_SLAB):
        slab = slice(begin, begin + ROWS_PER_SLAB)
        last, found = _slab(last, batch.cell_voltage_volt[slab], batch.unix_time_second[slab])
        judged += found
    return last, tuple(judged)


def _slab(
    last: Last, volt: Float[np.ndarray, "t c"], time: Float[np.ndarray, " t"]
) -> tuple[Last, list[tuple[float, tuple[Verdict, ...]]]]:
    rows = np.concatenate([last.cell_volt, volt])
    change = rows[1:] - rows[:-1]  # the first of them is of the row before the slab
    swing = np.concatenate([last.swing_volt, np.abs(_mean(change[1:]))])
    found = _strayed(change, swing)
    count, wait, since = last.spikes.copy(), last.wait, 0
    told: list[tuple[float, tuple[Verdict, ...]]] = []
    back, back_row = last.back, -1
    for row in (*found, len(volt)):
        fresh = [c for c in found.get(row, ()) if row - back_row > 1 or c[0] not in back]
        if 0 < wait <= row - since:
            told.append((float(time[since + wait - 1]), ()))
            wait = 0
        if row == len(volt):
            break
        if not fresh:
            continue
        for cell, _ in fresh:
            count[cell] += 1
        verdicts = tuple(_verdict(cell, size, int(count[cell])) for cell, size in fresh)
        told.append((float(time[row]), verdicts))
        wait, since = OVER_ROWS, row + 1
        back, back_row = tuple(cell for cell, _ in fresh), row
    known = Last(
        rows[-2:].copy(),
        swing[-ROWS_BEFORE:].copy(),
        count,
        max(wait - (len(volt) - since), 0),
        back if back_row == len(volt) - 1 else (),
    )
    return known, told


def _strayed(
    change: Float[np.ndarray, "m c"], swing: Float[np.ndarray, " n"]
) -> dict[int, list[tuple[int, float]]]:
    """Give, by the row that saw them come back, the cells that strayed alone, and how far [V]."""
    wide = np.fmax.reduce(change, axis=1) - np.fmin.reduce(change, axis=1)
    both = ((wide[:-1] >= SPIKE_VOLT) & (wide[1:] >= SPIKE_VOLT)).nonzero()[0]
    if not len(both):
        return {}
    around = np.lib.stride_tricks.sliding_window_view(swing, ROWS_BEFORE + 1)[both]
    limit = np.maximum(SPIKE_VOLT, SWINGS * around.max(axis=1))
    far = wide[both] >= limit  # no cell strays further than the cells lie apart
    both, limit = both[far], limit[far]
    if not len(both):
        return {}
    there, back = (_own(change[both + k]) for k in (0, 1))
    size = np.where(there * back < 0.0, np.abs(there), 0.0)
    share = np.abs(back) / np.maximum(size, SPIKE_VOLT)
    far = (size >= limit[:, None]) & (share >= RETURN_SHARE) & (share <= 1.0 / RETURN_SHARE)
    others = np.partition(np.maximum(np.abs(there), np.abs(back)), -1 - ALONE_MAX, axis=1)
    far &= size >= OTHERS_TIMES * others[:, -1 - ALONE_MAX, None]
    found: dict[int, list[tuple[int, float]]] = {}
    for k, cell in np.argwhere(far):
        found.setdefault(int(both[k]), []).append((int(cell), float(there[k, cell])))
    return found


def _own(change: Float[np.ndarray, "k c"]) -> Float[np.ndarray, "k c"]:
    """Give each cell's change beyond its siblings', 0 where it was not measured."""
    return or_zero(change - median(change, axis=1)[:, None])


def _mean(change: Float[np.ndarray, "t c"]) -> Float[np.ndarray, " t"]:
    """Give the mean over the cells measured, 0 where none was."""
    total = np.add.reduce(change, axis=1)
    if not (total != total).any():
        return np.asarray(total / change.dtype.type(change.shape[1]))
    measured = np.isfinite(change)
    total = np.where(measured, change, 0.0).sum(axis=1)
    return np.asarray(total / np.maximum(measured.sum(axis=1), 1), change.dtype)


def _verdict(cell: int, volt: float, count: int) -> Verdict:
    return Verdict(
        cause=CAUSE,
        phenomenon=Phenomenon.SENSOR_SPIKES,
        location=Location(kind=LocationKind.CELL, index=cell + 1, cells=(cell + 1,)),
        severity=Severity.OPERATING,
        score=volt / SIGMA_VOLT,
        persistence=1,
        numbers={"volt": volt, "count": float(count)},
    )

"""A cell channel that keeps its value, to the last bit, while the load changes: row by row.

A row tells something when nine tenths of the cells moved in it by more than noise and coarse steps
make of nothing: then hardly any healthy channel stands still, and none does nine times running.
Rows in which the pack hardly moves count neither for nor against; one changed bit ends the run.
``stuck`` judges the same over windows and needs no moving rows; it takes ten minutes instead.
"""

from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from voltherd.detection.verdict import Verdict
from voltherd.types.event import Location, LocationKind, Phenomenon, Severity
from voltherd.types.sample import SampleBatch

CAUSE: Final = "freeze"
CELLS_MIN: Final = 6
MOVED_VOLT: Final = 0.003
MOVED_SHARE: Final = 0.9
"""Of the cells measured; a coarse converter, slow board or resting pack does not reach it."""
ROWS_OPERATING: Final = 9
"""Moving rows without a change: ten samples of one value."""
ROWS_RECOMMENDED: Final = 36
"""A link that pauses for a minute holds its values too."""
TOGETHER_SHARE_MAX: Final = 0.25
"""More cells than this stand still together: a slow or silent board."""
SCORE: Final = 20.0
"""No distance but a fact."""
ROWS_PER_SLAB: Final = 512


class Still(NamedTuple):
    """What a row must remember of those before it.

    Attributes:
        cell_volt: Each cell in the row before [V].
        held: Moving rows through which each cell kept its value so far.
    """

    cell_volt: Float[np.ndarray, " c"]
    held: Int[np.ndarray, " c"]


def init(cells: int) -> Still:
    """Have seen nothing yet."""
    return Still(np.full(cells, np.nan, np.float32), np.zeros(cells, np.int64))


def look(
    still: Still, batch: SampleBatch
) -> tuple[Still, tuple[tuple[float, tuple[Verdict, ...]], ...]]:
    """Look at every row.

    Args:
        still: What came before.
        batch: Further rows, at least one.

    Returns:
        What to remember; and for every row that changes what is known, its time [unix s] and the
        verdicts on all cells frozen then.
    """
    if batch.cells < CELLS_MIN:
        return still, ()
    judged: list[tuple[float, tuple[Verdict, ...]]] = []
    for begin in range(0, batch.rows, ROWS_PER_SLAB):
        slab = slice(begin, begin + ROWS_PER_SLAB)
        still, events = _slab(still, batch.cell_voltage_volt[slab], batch.unix_time_second[slab])
        judged += events
    return still, tuple(judged)


def _slab(
    still: Still, volt: Float[np.ndarray, "t c"], time: Float[np.ndarray, " t"]
) -> tuple[Still, list[tuple[float, tuple[Verdict, ...]]]]:
    change = np.concatenate([still.cell_volt[None], volt])
    change = change[1:] - change[:-1]
    kept = change == 0.0
    moving = _moving(change)
    held = np.zeros_like(still.held)
    may = still.held + np.add.reduce(kept[moving], axis=0) >= ROWS_OPERATING
    columns = (may | kept[-1]).nonzero()[0]
    if len(columns):
        moved = np.add.accumulate(moving, dtype=np.int64)[:, None]
        base = np.where(kept[:, columns], -still.held[columns], moved)
        held[columns] = moved[-1] - np.maximum.reduce(base, axis=0)
    known = Still(volt[-1].copy(), held)
    if not may.any():  # mostly
        return known, []
    run = moved - np.maximum.accumulate(base, axis=0)
    before = np.concatenate([still.held[columns][None], run[:-1]])
    told = (run // ROWS_OPERATING != before // ROWS_OPERATING).any(axis=1)
    return known, [
        (float(time[row]), _verdicts(columns, run[row], volt.shape[1]))
        for row in np.flatnonzero(told)
    ]


def _moving(change: Float[np.ndarray, "t c"]) -> Bool[np.ndarray, " t"]:
    """Tell the rows in which nearly every cell moved."""
    far = np.add.reduce(np.abs(change) >= MOVED_VOLT, axis=1, dtype=np.int64)
    total = float(np.add.reduce(change, axis=None))
    if total == total:
        return np.asarray(far >= MOVED_SHARE * change.shape[1])
    measured = np.add.reduce(np.isfinite(change), axis=1, dtype=np.int64)
    return np.asarray((far >= MOVED_SHARE * measured) & (measured >= CELLS_MIN))


def _verdicts(
    columns: Int[np.ndarray, " k"], run: Int[np.ndarray, " k"], cells: int
) -> tuple[Verdict, ...]:
    frozen = run >= ROWS_OPERATING
    if frozen.sum() > TOGETHER_SHARE_MAX * cells:
        return ()
    return tuple(
        Verdict(
            cause=CAUSE,
            phenomenon=Phenomenon.SENSOR_STUCK,
            location=Location(kind=LocationKind.CELL, index=int(c) + 1, cells=(int(c) + 1,)),
            severity=Severity.RECOMMENDED if rows >= ROWS_RECOMMENDED else Severity.OPERATING,
            score=SCORE,
            persistence=1,
            numbers={"rows": float(rows)},
        )
        for c, rows in zip(columns[frozen], run[frozen], strict=True)
    )

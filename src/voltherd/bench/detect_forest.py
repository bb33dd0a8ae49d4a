"""The isolation forest beside the others: told of cells by what they do, half hour by half hour.

Each cell and half hour observed is a row of physical numbers: how far it stands from the median
cell, how much more it follows the current, how much it moves, how often it jumps, and by how much
the first two have changed since its own first days.  The forest is grown on healthy rows and raises
a cell whose mean score of the last half hours passes a limit.  The limit is set on other healthy
rows, so that it errs as often there as voltherd does.

Source of the method: Liu, Ting and Zhou, Isolation Forest, ICDM (2008) 413.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Float

from voltherd.bench.detect_peers import Raised, cell_at
from voltherd.detection.windows import Windows, closing_rows, summarise
from voltherd.errors import UsageError
from voltherd.learning.extra import need_learn
from voltherd.learning.isolation_forest import (
    IsolationForest,
    fit_isolation_forest,
    isolation_score,
)
from voltherd.numerics.robust import median
from voltherd.types.sample import SampleBatch

NAME: Final = "isolation forest"
WINDOWS: Final = 6
OWN_ROWS: Final = 24
"""Half hours that make a cell's own first days."""
HELD: Final = 4
"""Half hours over which the score is averaged."""
TRAINED_MAX: Final = 20_000
BEYOND: Final = 1e-9


class Course(NamedTuple):
    """What the cells of one vehicle did.

    Attributes:
        second: End of each half hour [unix s].
        raw: Deviation [V], resistance beyond the median cell's [Ω], share of the median cell's
            range, share of readings that jump; by half hour and cell.
    """

    second: Float[np.ndarray, " n"]
    raw: Float[np.ndarray, "n c 4"]


class Forest(NamedTuple):
    """A forest and the score from which on it raises a cell."""

    model: IsolationForest
    limit: float


def is_there() -> bool:
    """Say whether a forest can be grown: scikit-learn is an extra."""
    try:
        need_learn()
    except UsageError:
        return False
    return True


def course(batch: SampleBatch) -> Course:
    """Sum up a record, half hour by half hour; the rest of less than one is left out."""
    closing, _ = closing_rows(batch.unix_time_second)
    count = len(closing) // WINDOWS
    if not count or not batch.cells:
        return Course(np.empty(0), np.empty((0, batch.cells, 4)))
    windows = summarise(
        batch.between(0, int(closing[count * WINDOWS - 1]) + 1), closing[: count * WINDOWS]
    )
    parts = [
        _raw(Windows(*(field[k : k + WINDOWS] for field in windows)))
        for k in range(0, count * WINDOWS, WINDOWS)
    ]
    return Course(windows.end_second[WINDOWS - 1 :: WINDOWS], np.stack(parts))


def _raw(windows: Windows) -> Float[np.ndarray, "c 4"]:
    deviation = median(windows.deviation_volt.reshape(-1, windows.range_volt.shape[1]), axis=0)
    ampere2 = np.maximum(windows.follow_cell_ampere2.sum(axis=0), 1.0)
    ohm = windows.follow_watt.sum(axis=0) / ampere2
    ranges = windows.range_volt / np.maximum(median(windows.range_volt, axis=1), 1e-3)[:, None]
    jumps = windows.spikes.sum(axis=0) / max(int(windows.looked.sum()), 1)
    raw = np.stack([deviation, ohm, median(ranges, axis=0), jumps], axis=1)
    return np.asarray(np.nan_to_num(raw))


def joined(courses: Sequence[Course]) -> Course:
    """Put a vehicle's days one after the other."""
    return Course(
        np.concatenate([each.second for each in courses]),
        np.concatenate([each.raw for each in courses]),
    )


def _features(known: Course) -> Float[np.ndarray, "n c 6"]:
    own = known.raw[:OWN_ROWS, :, :2].mean(axis=0) if len(known.raw) else 0.0
    return np.concatenate([known.raw, known.raw[:, :, :2] - own], axis=2)


def grown(healthy: Sequence[Course], others: Sequence[Course], allowed: int, seed: int) -> Forest:
    """Grow a forest and set its limit.

    Args:
        healthy: What it learns from.
        others: Healthy courses on which the limit is set.
        allowed: How many cells of these it may raise.
        seed: Of the forest and of the rows it sees.

    Raises:
        UsageError: scikit-learn is not installed.
    """
    rows = np.concatenate([_features(each).reshape(-1, 6) for each in healthy])
    if len(rows) > TRAINED_MAX:
        rows = rows[np.random.default_rng(seed).choice(len(rows), TRAINED_MAX, replace=False)]
    model = fit_isolation_forest(rows, seed)
    highest = np.concatenate([scores(model, each).max(axis=0, initial=0.0) for each in others])
    ranked = np.sort(highest)[::-1]
    return Forest(model, float(ranked[min(allowed, len(ranked) - 1)]) + BEYOND)


def scores(model: IsolationForest, known: Course) -> Float[np.ndarray, "n c"]:
    """Give each cell's mean score of the last half hours; 0 where there are too few."""
    rows, cells = len(known.raw), known.raw.shape[1]
    plain = isolation_score(model, _features(known).reshape(-1, 6)).reshape(rows, cells)
    total = np.cumsum(np.concatenate([np.zeros((1, cells)), plain]), axis=0)
    held = np.zeros((rows, cells))
    held[HELD - 1 :] = (total[HELD:] - total[:-HELD]) / HELD
    return held


def forest_alarms(forest: Forest, known: Course) -> tuple[Raised, ...]:
    """Give when each cell first passed the limit."""
    passed = scores(forest.model, known) >= forest.limit
    return tuple(
        Raised(float(known.second[np.argmax(passed[:, cell])]), cell_at(int(cell) + 1))
        for cell in np.flatnonzero(passed.any(axis=0))
    )

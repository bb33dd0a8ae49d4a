"""A module that stands apart as a whole: its cooling, its measuring board, its fuse or joints.

Neighbours share a board, a coolant channel and a measuring chip.  Means over modules hide single
cells and show what their cells have in common; cells that a module explains are not named singly.
Where the layout is unknown, equal modules of the usual sizes are tried, then runs of neighbours;
the module's first cell stands for its number.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np
from jaxtyping import Float

from voltherd.detection import cells
from voltherd.detection.memory import Memory
from voltherd.detection.verdict import Verdict
from voltherd.numerics.robust import median, sibling_score
from voltherd.types.asset import PackLayout
from voltherd.types.event import Location, LocationKind, Phenomenon, Severity

CAUSE: Final = "module"
MODULES_MIN: Final = 5
CELLS_MIN: Final = 4
USUAL_SIZES: Final = (4, 6, 8, 10, 12, 14, 16, 24)
PERIODS_MIN: Final = 2
SCORE_MIN: Final = 6.0
VOLT_FLOOR: Final = 0.0015
VOLT_OPERATING: Final = 0.006
VOLT_RECOMMENDED: Final = 0.025
OWN_SHARE_MAX: Final = 2.0
"""A cell that strays this much farther than its module has a cause of its own."""
RUN_SCORE_MIN: Final = 3.0
"""Of each cell of a run: four neighbours beyond it on one side are chance once in 10^11."""
TOGETHER_MIN: Final = 0.75
"""Share of the module's cells that must lie beyond half of its mean, on its side."""


def judge(memory: Memory, found: cells.Fit, layout: PackLayout | None) -> tuple[Verdict, ...]:
    """Name the modules that stand apart now, by the division into modules that shows it best.

    Args:
        memory: The past.
        found: What ``cells.fit`` makes of it.
        layout: Which cells are a module, None where unknown.
    """
    count = len(memory.square)
    if memory.periods < PERIODS_MIN or count < MODULES_MIN * CELLS_MIN:
        return ()
    if found.volt.max() - found.volt.min() < VOLT_OPERATING:
        return ()  # mostly: what follows is spared
    if layout is not None and layout.module_series and layout.series == count:
        return _judge_division(found, layout.module_series, numbered=True)
    best: tuple[Verdict, ...] = ()
    for size in USUAL_SIZES:
        if count % size or count // size < MODULES_MIN:
            continue
        named = _judge_division(found, (size,) * (count // size), numbered=False)
        if len(named) == 1 and (not best or abs(named[0].score) > abs(best[0].score)):
            best = named
    return best or _judge_run(found)


def without(single: Sequence[Verdict], module: Sequence[Verdict]) -> tuple[Verdict, ...]:
    """Leave out the cells that a module explains."""
    return tuple(v for v in single if not any(explains(m, v) for m in module))


def explains(module: Verdict, single: Verdict) -> bool:
    """Whether a cell deviates because its module does, not far beyond it or against it.

    A lack of capacity swings with the charge, which no board or coolant shared with others does.
    """
    if single.location.index not in module.location.cells:
        return False
    if single.phenomenon is Phenomenon.WEAK_CELL:
        return False
    share = single.numbers["volt"] / module.numbers["volt"]
    return 0.0 <= share <= OWN_SHARE_MAX


def _judge_run(found: cells.Fit) -> tuple[Verdict, ...]:
    """Name the longest run of neighbours that stand apart together, wherever it begins."""
    apart = found.volt - float(median(found.volt, axis=0))
    if (np.abs(apart) >= VOLT_OPERATING).sum() < CELLS_MIN:
        return ()
    score, _, _ = sibling_score(found.volt, VOLT_FLOOR)
    side = np.where(
        (np.abs(score) >= RUN_SCORE_MIN) & (np.abs(apart) >= VOLT_OPERATING), np.sign(apart), 0.0
    )
    # Runs of one side: where it changes, a new one begins.
    bounded = np.concatenate([[0.0], side, [0.0]])
    edges = np.flatnonzero(bounded[1:] != bounded[:-1])
    runs = [(a, b) for a, b in pairwise(edges.tolist()) if side[a]]
    first, stop = max(runs, key=lambda run: run[1] - run[0], default=(0, 0))
    if not CELLS_MIN <= stop - first <= len(side) // MODULES_MIN:
        return ()
    return (_verdict(found, first, stop, first + 1, float(median(score[first:stop], axis=0))),)


def _judge_division(
    found: cells.Fit, sizes: tuple[int, ...], numbered: bool
) -> tuple[Verdict, ...]:
    if len(sizes) < MODULES_MIN or min(sizes) < CELLS_MIN:
        return ()
    level = _levels(found.volt, sizes)
    centre = float(median(level, axis=0))
    apart = level - centre
    if not (np.abs(apart) >= VOLT_OPERATING).any():
        return ()
    ends = np.cumsum(sizes)
    parts = np.split(found.volt, ends[:-1])
    score, _, _ = sibling_score(level, VOLT_FLOOR)
    verdicts = []
    for m in np.flatnonzero((np.abs(score) >= SCORE_MIN) & (np.abs(apart) >= VOLT_OPERATING)):
        side = (parts[m] - centre) * np.sign(apart[m])
        if (side >= 0.5 * abs(apart[m])).mean() < TOGETHER_MIN:
            continue
        stop = int(ends[m])
        first = stop - sizes[m]
        index = int(m) + 1 if numbered else first + 1
        verdicts.append(_verdict(found, first, stop, index, float(score[m])))
    return tuple(verdicts)


def _levels(volt: Float[np.ndarray, " c"], sizes: tuple[int, ...]) -> Float[np.ndarray, " m"]:
    """Give the median of each module's cells."""
    if min(sizes) == max(sizes):
        return median(volt.reshape(len(sizes), sizes[0]), axis=1)
    return np.array([float(median(p, axis=0)) for p in np.split(volt, np.cumsum(sizes)[:-1])])


def _verdict(found: cells.Fit, first: int, stop: int, index: int, score: float) -> Verdict:
    """Speak of the cells from one position to before another."""
    volt = float(median(found.volt[first:stop], axis=0) - median(found.volt, axis=0))
    charge = float(median(found.charge[first:stop], axis=0) - median(found.charge, axis=0))
    grave = abs(volt) >= VOLT_RECOMMENDED
    return Verdict(
        cause=CAUSE,
        phenomenon=Phenomenon.MODULE_OFFSET,
        location=Location(
            kind=LocationKind.MODULE, index=index, cells=tuple(range(first + 1, stop + 1))
        ),
        severity=Severity.RECOMMENDED if grave else Severity.OPERATING,
        score=score,
        persistence=3,
        numbers={"volt": volt, "charge": charge},
    )

"""A cell whose reading steps by a few millivolts from one sample to the next, within two windows.

Charge does not jump and the current's effect is known, so a step that siblings do not share is a
measurement: a converter's reference, a loose sense lead, or a balancing circuit that came on.
``jump`` finds larger ones against the cell's long past, after the fact that it was not looking.
"""

from typing import Final

import numpy as np
from jaxtyping import Float, Int

from voltherd.detection.memory import Memory, cell_resistance_ohm, resistance_ohm
from voltherd.detection.step_shape import EDGE_ROWS, SIDE_ROWS, Step, shared_courses, step_in
from voltherd.detection.trail import WINDOWS_BEFORE, Trail, rows_upto
from voltherd.detection.verdict import Verdict
from voltherd.detection.windows import Windows
from voltherd.numerics.robust import SIGMA_PER_MAD, median, or_zero, sibling_score
from voltherd.types.event import Location, LocationKind, Phenomenon, Severity

CAUSE: Final = "step"
SIBLINGS_MIN: Final = 12
CANDIDATE_VOLT: Final = 0.003
CANDIDATE_SCORE_MIN: Final = 3.5
FLOOR_VOLT: Final = 0.0005
HABITS: Final = 4
CELLS_PER_HABIT: Final = 12
HABIT_START_VOLT: Final = 1e-3
CLIP_SPREADS: Final = 4.0
KEEP: Final = 0.95
"""Of a habit from period to period."""
VOLT_OPERATING: Final = 0.004
"""A step of 5 mV, less what half a dozen readings leave uncertain of it."""
VOLT_RECOMMENDED: Final = 0.03
SURE: Final = 6.0
"""Standard uncertainties that a step must exceed; many cells are asked, every five minutes."""
DOUBT_SHARE: Final = 0.1
"""Of a healthy cell's resistance by which one cell's may differ from what is known of it."""
OWN_DOUBT_SHARE: Final = 0.5
"""The same, of what is known to be added to it."""
SHARED: Final = 2
"""Courses that siblings share and that may move the cell, too: skewed sampling, resistance."""
SHARED_DOUBT: Final = 3.0
"""Of a typical sibling's part in them."""
SCATTERS: Final = 2.0
"""Standard deviations of a single reading, which in a stop-and-go minute are no noise."""
SIBLINGS_SCORE_MIN: Final = 7.0
OTHERS_TIMES: Final = 1.5
"""Of what all but the few that changed most did: half a pack may shift when a load is gone."""
LEVEL_SHARE: Final = 0.2
"""Of what the cell stood away by: on the steep ends of its curve it moves by as much."""
STANDS_ROWS: Final = 31
CELLS_MAX: Final = 3
"""More cells at once are a changed pack, not a changed cell."""


def init(cells: int) -> Float[np.ndarray, "c k"]:
    """Give the habit of a pack of which nothing is known: slow patterns along the string."""
    angle = np.arange(cells) * np.pi / max(cells, 1)
    waves = np.arange(1, min(HABITS, cells // CELLS_PER_HABIT) + 1)
    return np.asarray(HABIT_START_VOLT**2 * np.cos(angle[:, None] * waves))


def learn(habit: Float[np.ndarray, "c k"], windows: Windows) -> Float[np.ndarray, "c k"]:
    """Learn in which patterns the cells of a pack usually move together.

    They are the leading principal directions of what moves from window to window, forgetting: a
    streaming subspace iteration (Mitliagkas, Caramanis and Jain 2013, Memory limited, streaming
    PCA).  One cell's own moves are clipped, so that a step does not become a habit.

    Args:
        habit: What was learned.
        windows: Of one period.
    """
    if not habit.size:
        return habit
    moved = _moved(_levels(windows, np.zeros(len(habit))), 1)
    reach = CLIP_SPREADS * _spread(np.abs(moved))
    moved = np.minimum(np.maximum(or_zero(moved), -reach), reach)
    return np.asarray(KEEP * habit + moved.T @ (moved @ np.linalg.qr(habit)[0]))


def judge(
    trail: Trail, first: int, memory: Memory, habit: Float[np.ndarray, "c k"]
) -> tuple[tuple[float, tuple[Verdict, ...]], ...]:
    """Name the cells that stepped, window by window.

    Args:
        trail: Windows known and new.
        first: The first new one.
        memory: Tells the current's effect on each cell.
        habit: Tells the patterns in which cells move together.

    Returns:
        Time of each window with a candidate [unix s], with its verdicts.
    """
    if trail.cell_volt.shape[1] < SIBLINGS_MIN:
        return ()
    own_ohm = cell_resistance_ohm(memory)
    doubt_ohm = np.hypot(DOUBT_SHARE * resistance_ohm(memory), OWN_DOUBT_SHARE * own_ohm)
    far = _candidates(_levels(trail.windows, own_ohm), first, habit)
    judged = []
    for window in np.flatnonzero((far > 0.0).any(axis=1)):
        cells = np.argsort(-far[window], kind="stable")[:CELLS_MAX]
        rows = rows_upto(trail, first + int(window))
        cells = np.sort(cells[far[window, cells] > 0.0])
        verdicts = _steps(trail, rows, cells, own_ohm, doubt_ohm)
        judged.append((float(trail.windows.end_second[first + window]), verdicts))
    return tuple(judged)


def _levels(windows: Windows, own_ohm: Float[np.ndarray, " c"]) -> Float[np.ndarray, "w c"]:
    """Give each cell's deviation in each window, the current's effect taken out [V]."""
    ampere = or_zero(windows.current_ampere)
    level = windows.deviation_volt - ampere[:, :, None] * own_ohm
    seen = windows.rows[:, :, None] * (level == level)
    total = np.add.reduce(or_zero(level) * seen, axis=1)
    rows = np.add.reduce(seen, axis=1)
    return np.where(rows > 0, total / np.maximum(rows, 1), np.nan)


def _moved(level: Float[np.ndarray, "w c"], back: int) -> Float[np.ndarray, "n c"]:
    """Give what cells moved by against so many windows before, beyond the median cell [V]."""
    moved = level[back:] - level[:-back]
    return np.asarray(moved - median(moved, axis=1)[:, None])


def _spread(size: Float[np.ndarray, "n c"]) -> Float[np.ndarray, "n 1"]:
    """Give what is usual of the sizes of cells' moves [V]."""
    return np.maximum(SIGMA_PER_MAD * median(size, axis=1), FLOOR_VOLT)[:, None]


def _candidates(
    level: Float[np.ndarray, "w c"], first: int, habit: Float[np.ndarray, "c k"]
) -> Float[np.ndarray, "n c"]:
    """Give how far each cell moved alone against the two windows before; 0 for not far [V]."""
    out = np.zeros((len(level) - first, level.shape[1]))
    usual = np.linalg.qr(habit)[0]
    for back in range(1, min(WINDOWS_BEFORE, len(level) - 1) + 1):
        lacking = max(0, back - first)
        moved = _moved(level[first + lacking - back :], back)
        size = np.abs(moved - (or_zero(moved) @ usual) @ usual.T)
        far = size >= np.maximum(CANDIDATE_VOLT, CANDIDATE_SCORE_MIN * _spread(size))
        out[lacking:] = np.maximum(out[lacking:], np.where(far, size, 0.0))
    return out


def _steps(
    trail: Trail,
    rows: slice,
    cells: Int[np.ndarray, " k"],
    own_ohm: Float[np.ndarray, " c"],
    doubt_ohm: Float[np.ndarray, " c"],
) -> tuple[Verdict, ...]:
    second, volt = trail.second[rows], trail.cell_volt[rows].astype(np.float64)
    if len(second) < 2 * EDGE_ROWS:
        return ()
    load = or_zero(trail.ampere[rows])
    deviation = volt - median(volt, axis=1)[:, None] - load[:, None] * own_ohm
    shared = shared_courses(np.delete(deviation, cells, axis=1), SHARED)
    courses = np.vstack([load, shared])
    verdicts = []
    for cell in cells:
        doubts = np.array([doubt_ohm[cell], *[SHARED_DOUBT] * SHARED])
        step = step_in(deviation[:, cell], second, courses, doubts, FLOOR_VOLT, VOLT_OPERATING)
        if step is None or abs(step.size) < max(SURE * step.sigma, SCATTERS * step.scatter):
            continue
        row = int(np.searchsorted(second, step.second))
        score = _score(deviation, shared, row, int(cell), step.size)
        if score is not None:
            before = deviation[max(0, row - SIDE_ROWS) : row, cell]
            verdicts.append(_verdict(int(cell), step, score, float(median(before, axis=0))))
    return tuple(verdicts)


def _score(
    deviation: Float[np.ndarray, "n c"],
    shared: Float[np.ndarray, "m n"],
    row: int,
    cell: int,
    size: float,
) -> float | None:
    """Give how far a step lies from what siblings did at that moment, None if not apart."""
    near = slice(max(0, row - SIDE_ROWS), row + SIDE_ROWS)
    values, course = or_zero(deviation[near]), shared[:, near]
    row = min(row, SIDE_ROWS)
    if abs(size) < LEVEL_SHARE * abs(float(median(values[:row, cell], axis=0))):
        return None
    alone = np.delete(values, cell, axis=1)
    if abs(size) < OTHERS_TIMES * _few_but(CELLS_MAX, _change(alone, row)):
        return None
    course = course - course.mean(axis=1)[:, None]
    shares = np.linalg.lstsq(course.T, alone - alone.mean(axis=0), rcond=None)[0]
    score, centre, sigma = sibling_score(_change(alone - course.T @ shares, row), FLOOR_VOLT)
    apart = abs(size - centre)
    if apart < sigma * max(SIBLINGS_SCORE_MIN, OTHERS_TIMES * _few_but(CELLS_MAX, score)):
        return None
    return float((size - centre) / sigma)


def _change(values: Float[np.ndarray, "n k"], row: int) -> Float[np.ndarray, " k"]:
    return np.asarray(median(values[row:], axis=0) - median(values[:row], axis=0))


def _few_but(few: int, values: Float[np.ndarray, " k"]) -> float:
    """Give the largest size but for a few less than so many."""
    return float(np.sort(np.abs(values))[-few])


def _verdict(cell: int, step: Step, score: float, before_volt: float) -> Verdict:
    grave = abs(step.size) >= VOLT_RECOMMENDED and step.rows_after >= STANDS_ROWS
    return Verdict(
        cause=CAUSE,
        phenomenon=Phenomenon.SENSOR_BIAS,
        location=Location(kind=LocationKind.CELL, index=cell + 1, cells=(cell + 1,)),
        severity=Severity.RECOMMENDED if grave else Severity.OPERATING,
        score=score,
        persistence=1,
        event=True,
        numbers={
            "volt": step.size,
            "before_volt": before_volt,
            "step_sigma_volt": step.sigma,
            "since_second": step.second,
        },
    )

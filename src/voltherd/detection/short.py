"""A cell that loses charge against its siblings day by day: an internal short or self-discharge.

The charge-equivalent deviation of each cell is regressed on time over four windows, with the state
of charge beside it so that a lack of capacity (which comes and goes with every cycle) is not
mistaken for a loss.  Minor drift adds up: the longest window finds 1 mV a day.
"""

from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Float

from voltherd.detection.memory import Memory, days
from voltherd.detection.verdict import Verdict
from voltherd.numerics.robust import median, sibling_score
from voltherd.types.event import Location, LocationKind, Phenomenon, Severity

CAUSE: Final = "short"
SIBLINGS_MIN: Final = 6
WINDOWS_DAY: Final = (0.5, 2.0, 7.0, 28.0)
SCORE_MIN: Final = (8.0, 7.0, 6.0, 6.0)
ROWS_MIN: Final = 8
FILL_MIN: Final = 0.7
"""Share of a window that must lie between its first and last period."""
PER_DAY_OPERATING: Final = 0.001
PER_DAY_RECOMMENDED: Final = 0.003
PER_DAY_SAFETY: Final = 0.05
"""Leak as a fraction of the cell's charge per day."""
CHANGE_MIN: Final = 0.006
"""What must actually have been lost over the window before it counts [fraction]."""


class Leak(NamedTuple):
    """Slopes over one window.

    Attributes:
        per_day: Change of charge of each cell against its siblings [1/day].
        sigma_per_day: Standard error of the slopes, median over the cells.
        window_day: Time between the first and last period used.
    """

    per_day: Float[np.ndarray, " c"]
    sigma_per_day: float
    window_day: float


def leak(memory: Memory, window_day: float) -> Leak | None:
    """Fit the slopes over the last days, None where the window is not filled."""
    age = days(memory)
    first = int(np.searchsorted(age, -window_day))
    rows = len(age) - first
    if rows < ROWS_MIN or -age[first] < FILL_MIN * window_day:
        return None
    t, z = age[first:], memory.history_soc[first:]
    charge = np.nan_to_num(memory.history_charge[first:]).astype(np.float64)
    x = np.stack([t - t.mean(), z - z.mean(), np.ones(rows)], axis=1)
    inverse = np.linalg.inv(x.T @ x + np.diag([1e-9, 1e-3, 0.0]))
    terms = inverse @ (x.T @ charge)
    noise = ((charge - x @ terms) ** 2).sum(axis=0) / max(rows - 3, 1)
    sigma = np.sqrt(float(median(noise, axis=0)) * inverse[0, 0])
    return Leak(terms[0], float(sigma), float(-age[first]))


def judge(memory: Memory) -> tuple[Verdict, ...]:
    """Name the cells that leak now, each by the window that shows it best."""
    if len(memory.square) < SIBLINGS_MIN or memory.periods < ROWS_MIN:
        return ()
    best: dict[int, Verdict] = {}
    for window_day, score_min in zip(WINDOWS_DAY, SCORE_MIN, strict=True):
        found = leak(memory, window_day)
        if found is None:
            continue
        score, centre, sigma = sibling_score(found.per_day, max(found.sigma_per_day, 1e-4))
        loss = centre - found.per_day
        named = (
            (score <= -score_min)
            & (loss >= PER_DAY_OPERATING)
            & (loss * found.window_day >= CHANGE_MIN)
        )
        for cell in np.flatnonzero(named):
            verdict = _verdict(int(cell), float(loss[cell]), float(score[cell]), sigma, found)
            if cell not in best or abs(verdict.score) > abs(best[int(cell)].score):
                best[int(cell)] = verdict
    return tuple(best.values())


def _verdict(cell: int, loss: float, score: float, sigma: float, found: Leak) -> Verdict:
    if loss >= PER_DAY_SAFETY:
        severity = Severity.SAFETY
    else:
        severity = Severity.RECOMMENDED if loss >= PER_DAY_RECOMMENDED else Severity.OPERATING
    return Verdict(
        cause=CAUSE,
        phenomenon=Phenomenon.INTERNAL_SHORT,
        location=Location(kind=LocationKind.CELL, index=cell + 1, cells=(cell + 1,)),
        severity=severity,
        score=score,
        persistence=3,
        numbers={
            "loss_per_day": loss,
            "sigma_per_day": sigma,
            "window_day": found.window_day,
        },
    )

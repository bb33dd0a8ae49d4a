"""When a cell begins to lose charge against its siblings, told by its own past.

A cell that has differed for ever shows no leak by differing.  Each cell's course of charge is
regressed on what has always moved it (a constant, the state of charge, an error of the voltage) and
on one term more: a loss that begins so many hours ago and goes on since.  The size of that term in
its own standard errors, against the same of its siblings, tells a leak days before its slope stands
out in the window alone (generalised likelihood ratio of a bend: Basseville and Nikiforov, Detection
of Abrupt Changes, 1993, chapter 2.4).
"""

from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Float

from voltherd.detection.memory import Memory, days
from voltherd.numerics.robust import median, sibling_score, spread

BEGUN_DAY: Final = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
"""How long ago the loss may have begun."""
_BEGUN: Final = np.array(BEGUN_DAY)
ROWS_MAX: Final = 192
"""Periods looked back on: some weeks of ordinary use, so that the cost stays bounded."""
PAST_DAY: Final = 28.0
NEW_MIN: Final = 3
OLD_MIN: Final = 8
"""Periods needed since and before the beginning."""
SCORE_MIN: Final = 6.5
SCREEN: Final = 4.0
"""Robust deviations of the losses below which nobody can reach the score."""
ERRORS_FLOOR: Final = 2.0
"""Least spread of the siblings, in standard errors of their own: periods repeat their errors."""
LOSS_MIN: Final = 0.002
"""Charge that must be gone since the beginning [fraction]."""
LOSS_MIN_PER_DAY: Final = 0.002
WEIGHT: Final = (0.3, 1.5)
MISSING_MAX: Final = 0.3
"""Share of the periods that a cell may be missing in before it is left out."""
BEND_SHARE: Final = 0.9
"""What a bend must explain of what the best single step does."""
_SLOPE_MIN: Final = 0.1


class Bend(NamedTuple):
    """A loss that began.

    Attributes:
        cell: Whose, counted from 0.
        per_day: Charge lost against the median sibling [1/day].
        sigma_per_day: Its standard error by the cell's own scatter.
        score: Robust standard deviations among the siblings, negative for a loss.
        begun_day: How long ago it began, of those tried [day].
    """

    cell: int
    per_day: float
    sigma_per_day: float
    score: float
    begun_day: float


class _Past(NamedTuple):
    """The periods looked back on, weighted by how well they tell charge.

    Attributes:
        age_day: Before the last one, at most 0 [day].
        weight: Of each.
        soc: The pack's state of charge in each.
        basis: What has always moved the cells, as orthonormal columns.
        charge: Each cell's weighted charge.
    """

    age_day: Float[np.ndarray, " n"]
    weight: Float[np.ndarray, " n"]
    soc: Float[np.ndarray, " n"]
    basis: Float[np.ndarray, "n 3"]
    charge: Float[np.ndarray, "n c"]

    def beyond(self, columns: Float[np.ndarray, "n k"]) -> Float[np.ndarray, "n k"]:
        """Give what the basis cannot explain of some weighted columns."""
        return np.asarray(columns - self.basis @ (self.basis.T @ columns))


def bends(memory: Memory) -> tuple[Bend, ...]:
    """Give the cells that have begun to lose charge, each by the beginning that tells it best."""
    past = _past(memory)
    if past is None:
        return ()
    new = past.age_day.searchsorted(-_BEGUN, "right")
    begun = _BEGUN[(new >= OLD_MIN) & (new <= len(past.age_day) - NEW_MIN)]
    since = np.maximum(past.age_day[:, None] + begun, 0.0)
    tried = past.beyond(since * past.weight[:, None])
    power = np.maximum((tried**2).sum(axis=0), 1e-12)[:, None]
    rate = (tried.T @ past.charge) / power
    loss = median(rate, axis=1)[:, None] - rate if len(begun) else rate
    enough = (loss >= LOSS_MIN_PER_DAY) & (loss * begun[:, None] >= LOSS_MIN)
    best: dict[int, Bend] = {}
    for row in np.flatnonzero(enough.any(axis=1)).tolist():
        if loss[row].max() < SCREEN * spread(rate[row]):
            continue  # mostly: what follows is spared
        sigma = _errors(past, rate[row], float(power[row, 0]))
        score, _, _ = sibling_score(rate[row] / sigma, ERRORS_FLOOR)
        for cell in np.flatnonzero(enough[row] & (score <= -SCORE_MIN)).tolist():
            if cell in best and best[cell].score <= score[cell]:
                continue
            if not _steps(past, tried[:, row], cell):
                told = (loss[row, cell], sigma[cell], score[cell], begun[row])
                best[cell] = Bend(cell, *map(float, told))
    return tuple(best.values())


def _errors(past: _Past, rate: Float[np.ndarray, " c"], power: float) -> Float[np.ndarray, " c"]:
    """Give each rate's standard error, by the cell's own scatter but no less than the median's."""
    whole = (past.charge**2).sum(axis=0) - ((past.basis.T @ past.charge) ** 2).sum(axis=0)
    left = (whole - rate**2 * power) / max(len(past.charge) - 4, 1)
    least = max(float(median(left, axis=0)), 1e-14)
    return np.asarray(np.sqrt(np.maximum(left, least) / power))


def _past(memory: Memory) -> _Past | None:
    volt, charge, soc = (
        history[-ROWS_MAX:]
        for history in (memory.history_volt, memory.history_charge, memory.history_soc)
    )
    missing = np.isnan(charge + volt)
    holed, rows = missing.any(), np.isfinite(soc)
    if holed:
        rows &= ~missing.all(axis=1)
    if rows.sum() < NEW_MIN + OLD_MIN:
        return None
    if holed and missing[rows].any():  # a cell hardly ever read stands at nothing, hiding nobody
        seldom = missing[rows].mean(axis=0) > MISSING_MAX
        charge, volt = (np.where(seldom, np.float32(0.0), values) for values in (charge, volt))
        rows &= ~missing[:, ~seldom].any(axis=1)
    if rows.sum() < NEW_MIN + OLD_MIN:
        return None
    age = days(memory)[-ROWS_MAX:]
    rows &= age >= age[rows][-1] - PAST_DAY
    age = age[rows] - age[rows][-1]
    charge, volt = charge[rows], volt[rows]
    # What a volt of deviation stands for in each period, as all cells together show it.
    slope = np.einsum("nc,nc->n", volt, charge) / np.maximum(
        np.einsum("nc,nc->n", charge, charge), 1e-9
    )
    slope = np.maximum(slope.astype(np.float64), _SLOPE_MIN)
    weight = np.minimum(np.maximum(slope / float(median(slope, axis=0)), WEIGHT[0]), WEIGHT[1])
    terms = np.ones((len(age), 3))
    terms[:, 1], terms[:, 2] = soc[rows] - 0.5, 1.0 / slope
    basis, _ = np.linalg.qr(terms * weight[:, None])
    return _Past(age, weight, soc[rows].astype(np.float64), basis, charge * weight[:, None])


def _steps(past: _Past, bend: Float[np.ndarray, " n"], cell: int) -> bool:
    """Whether one step, or a capacity that is less from then on, explains more than a bend does."""
    rows = np.arange(len(bend))
    since = (rows[:, None] >= rows[None, 1:]) * past.weight[:, None]
    drawn = since * (past.soc[:, None] - past.soc[None, :-1])
    tried = np.concatenate(
        [bend[:, None], past.beyond(np.concatenate([since, drawn], axis=1))], axis=1
    )
    gain = (tried.T @ past.charge[:, cell]) ** 2 / np.maximum((tried**2).sum(axis=0), 1e-12)
    steps, weak = gain[1 : len(bend)], gain[len(bend) :]
    return bool(gain[0] < max(BEND_SHARE * steps.max(), weak.max()))

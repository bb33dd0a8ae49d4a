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
from jaxtyping import Float, Int

from voltherd.detection.memory import Memory, days
from voltherd.numerics.robust import median, sibling_score, spread

BEGUN_DAY: Final = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
"""How long ago the loss may have begun."""
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
_RIDGE: Final = np.diag([0.0, 1e-3, 1e-3, 1e-9])
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
    """The periods looked back on: their age, terms, weights and each cell's charge."""

    age_day: Float[np.ndarray, " n"]
    terms: Float[np.ndarray, "n 3"]
    weight: Float[np.ndarray, " n"]
    charge: Float[np.ndarray, "n c"]


def bends(memory: Memory) -> tuple[Bend, ...]:
    """Give the cells that have begun to lose charge, each by the beginning that tells it best."""
    past = _past(memory)
    if past is None:
        return ()
    best: dict[int, Bend] = {}
    for begun in BEGUN_DAY:
        new = int((past.age_day > -begun).sum())
        if new < NEW_MIN or len(past.age_day) - new < OLD_MIN:
            continue
        for bend in _bent(past, begun):
            if bend.cell not in best or bend.score < best[bend.cell].score:
                best[bend.cell] = bend
    return tuple(best.values())


def _past(memory: Memory) -> _Past | None:
    volt, charge, soc = (
        history[-ROWS_MAX:]
        for history in (memory.history_volt, memory.history_charge, memory.history_soc)
    )
    missing = np.isnan(charge) | np.isnan(volt)
    rows = ~missing.all(axis=1) & np.isfinite(soc)
    if rows.sum() < NEW_MIN + OLD_MIN:
        return None
    if missing[rows].any():  # a cell hardly ever read stands at nothing and hides nobody else
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
    weight = np.clip(slope / float(median(slope, axis=0)), *WEIGHT)
    terms = np.stack([np.ones(len(age)), soc[rows] - 0.5, 1.0 / slope], axis=1)
    return _Past(age, terms, weight, charge)


def _bent(past: _Past, begun: float) -> list[Bend]:
    since = np.maximum(past.age_day + begun, 0.0)
    x = np.concatenate([past.terms, since[:, None]], axis=1) * past.weight[:, None]
    inverse = np.linalg.inv(x.T @ x + _RIDGE)
    reader = (inverse[3] @ x.T) * past.weight
    rate = reader.astype(np.float32) @ past.charge
    loss = float(median(rate, axis=0)) - rate
    span = float(since[-1])
    least = max(LOSS_MIN_PER_DAY, LOSS_MIN / span, SCREEN * spread(rate))
    if not loss.max() >= least:
        return []  # mostly: what follows is spared
    y = past.charge.astype(np.float64)
    y = (y - median(y, axis=1)[:, None]) * past.weight[:, None]
    coefficients = inverse @ (x.T @ y)
    left = ((y - x @ coefficients) ** 2).sum(axis=0) / max(len(y) - 4, 1)
    left = np.maximum(left, float(median(left, axis=0)))
    sigma = np.sqrt(left * inverse[3, 3])
    score, _, _ = sibling_score(coefficients[3] / sigma, ERRORS_FLOOR)
    loss = float(median(coefficients[3], axis=0)) - coefficients[3]
    named: Int[np.ndarray, " n"] = np.flatnonzero(
        (score <= -SCORE_MIN) & (loss >= LOSS_MIN_PER_DAY) & (loss * span >= LOSS_MIN)
    )
    return [
        Bend(int(c), float(loss[c]), float(sigma[c]), float(score[c]), begun)
        for c in named
        if not _steps(past, since, y[:, c])
    ]


def _steps(past: _Past, since_day: Float[np.ndarray, " n"], own: Float[np.ndarray, " n"]) -> bool:
    """Whether one step explains a cell's course better than the loss that goes on.

    Args:
        past: The periods.
        since_day: The bend's term.
        own: The cell's weighted charge against its siblings.
    """
    later = np.arange(len(own))[:, None] >= np.arange(1, len(own))[None]
    tried = np.concatenate([since_day[:, None], later], axis=1) * past.weight[:, None]
    basis, _ = np.linalg.qr(past.terms * past.weight[:, None])
    tried = tried - basis @ (basis.T @ tried)
    rest = own - basis @ (basis.T @ own)
    gain = (tried.T @ rest) ** 2 / np.maximum((tried**2).sum(axis=0), 1e-12)
    return bool(gain[0] < BEND_SHARE * gain[1:].max())

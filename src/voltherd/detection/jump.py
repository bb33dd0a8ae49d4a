"""A cell that suddenly reads differently from what its own past predicts.

Siblings differ, so a new offset of 15 mV can hide among them; against the cell's own regression it
cannot.  Charge does not jump, so a jump that then stays is a measurement or a connection.  Errors
of the prediction itself are known from the cell's own past residuals.
"""

from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Float

from voltherd.detection.cells import fit
from voltherd.detection.memory import Memory, Period
from voltherd.detection.verdict import Verdict
from voltherd.numerics.robust import median, sibling_score
from voltherd.types.event import Location, LocationKind, Phenomenon, Severity

CAUSE: Final = "jump"
SIBLINGS_MIN: Final = 12
PERIODS_MIN: Final = 6
SCORE_MIN: Final = 6.0
FLOOR_VOLT: Final = 0.001
OWN_MIN: Final = 1.5
"""Beside its own usual residual, into which the jump itself soon enters."""
VOLT_OPERATING: Final = 0.008
VOLT_RECOMMENDED: Final = 0.03
CELLS_MAX: Final = 3
"""More cells at once are a changed pack, not a changed cell."""


class Surprise(NamedTuple):
    """A period against what the past predicts.

    Attributes:
        volt: Median over the states, of each cell [V].
        usual_volt: The cell's own root-mean-square residual so far [V].
    """

    volt: Float[np.ndarray, " c"]
    usual_volt: Float[np.ndarray, " c"]


def surprise(before: Memory, period: Period) -> Surprise | None:
    """Compare a period with the regression as it was before it."""
    if before.periods < PERIODS_MIN or not len(period.state):
        return None
    terms = fit(before).terms
    rows = period.deviation_volt - period.features @ terms  # NaN stays: silence is no jump
    left = before.square - 2.0 * (terms * before.moment).sum(axis=0)
    left += np.einsum("ic,ij,jc->c", terms, before.normal, terms)
    usual = np.sqrt(np.maximum(left, 0.0) / max(before.rows, 1.0))
    return Surprise(median(rows, axis=0), usual)


def judge(before: Memory, period: Period) -> tuple[Verdict, ...]:
    """Name the cells that jumped, while the past still remembers where they were."""
    found = surprise(before, period)
    if found is None or len(found.volt) < SIBLINGS_MIN:
        return ()
    score, centre, sigma = sibling_score(found.volt, FLOOR_VOLT)
    jump = found.volt - centre
    own = jump / np.maximum(found.usual_volt, FLOOR_VOLT)
    out = (np.abs(score) >= SCORE_MIN) & (np.abs(own) >= OWN_MIN) & (np.abs(jump) >= VOLT_OPERATING)
    if not 0 < out.sum() <= CELLS_MAX:
        return ()
    return tuple(
        Verdict(
            cause=CAUSE,
            phenomenon=Phenomenon.SENSOR_BIAS,
            location=Location(kind=LocationKind.CELL, index=int(c) + 1, cells=(int(c) + 1,)),
            severity=Severity.RECOMMENDED
            if abs(jump[c]) >= VOLT_RECOMMENDED
            else Severity.OPERATING,
            score=float(score[c]),
            persistence=3,
            event=True,
            numbers={"volt": float(jump[c]), "sigma_volt": sigma},
        )
        for c in np.flatnonzero(out)
    )

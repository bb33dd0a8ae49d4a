"""A cell that suddenly reads differently from what its own past predicts.

Siblings differ, so a new offset of 15 mV can hide among them; against the cell's own regression it
cannot.  Charge does not jump, so a jump that then stays is a measurement or a connection.  Errors
of the prediction itself are known from the cell's own past residuals.
"""

from typing import Final

import numpy as np

from voltherd.detection.cells import left_over, terms_of
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


def judge(before: Memory, period: Period) -> tuple[Verdict, ...]:
    """Name the cells that jumped, while the past still remembers where they were."""
    cells = len(before.square)
    if cells < SIBLINGS_MIN or before.periods < PERIODS_MIN or not len(period.state):
        return ()
    terms = terms_of(before)
    # Median over the states; NaN stays: silence is no jump.
    volt = median(period.deviation_volt - period.features @ terms, axis=0)
    jump = volt - float(median(volt, axis=0))
    if not (np.abs(jump) >= VOLT_OPERATING).any():
        return ()  # mostly: what follows is spared
    score, _, sigma = sibling_score(volt, FLOOR_VOLT)
    out = (np.abs(score) >= SCORE_MIN) & (np.abs(jump) >= VOLT_OPERATING)
    if not out.any():
        return ()
    usual = np.sqrt(left_over(before, terms, before.square) / max(before.rows, 1.0))
    out &= np.abs(jump / np.maximum(usual, FLOOR_VOLT)) >= OWN_MIN
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

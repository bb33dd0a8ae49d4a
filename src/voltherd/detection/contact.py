"""A cell whose voltage follows the current too strongly: its resistance, or its connection.

Within each window and operating state, the slope of a cell's deviation on the current is summed up;
a difference in charge cancels there, because it does not follow the current.
"""

from typing import Final

import numpy as np

from voltherd.detection.memory import Memory, cell_resistance_ohm, resistance_ohm
from voltherd.detection.verdict import Verdict
from voltherd.numerics.robust import median, sibling_score
from voltherd.types.event import Location, LocationKind, Phenomenon, Severity

CAUSE: Final = "contact"
SIBLINGS_MIN: Final = 6
SCORE_MIN: Final = 6.0
AMPERE2_MIN: Final = 5e5
"""Excitation needed: some ten minutes of ordinary driving [A²]."""
PLAUSIBLE_OHM: Final = 1e-4
"""Below it the cells do not follow the current at all: slow or unsynchronised channels [Ω]."""
SHARE_FLOOR: Final = 0.03
SHARE_OPERATING: Final = 0.2
SHARE_RECOMMENDED: Final = 0.5
SHARE_SAFETY: Final = 5.0
"""Added resistance as a share of a healthy cell's own."""


def judge(memory: Memory) -> tuple[Verdict, ...]:
    """Name the cells with too much resistance now."""
    cells = len(memory.square)
    if cells < SIBLINGS_MIN or memory.follow_ampere2 < AMPERE2_MIN:
        return ()
    own = memory.follow_pack_watt / memory.follow_ampere2
    if own < PLAUSIBLE_OHM:
        return ()
    ohm = cell_resistance_ohm(memory)
    if ohm.max() - ohm.min() < SHARE_OPERATING * own:
        return ()  # nobody can be so far from the median
    score, centre, sigma = sibling_score(ohm, SHARE_FLOOR * own)
    added = ohm - centre
    named = np.flatnonzero(
        (score >= SCORE_MIN)
        & (added >= SHARE_OPERATING * own)
        & (memory.follow_cell_ampere2 >= AMPERE2_MIN)
    )
    return tuple(
        Verdict(
            cause=CAUSE,
            phenomenon=Phenomenon.CONTACT_RESISTANCE,
            location=Location(kind=LocationKind.CELL, index=int(c) + 1, cells=(int(c) + 1,)),
            severity=_severity(float(added[c] / own)),
            score=float(score[c]),
            persistence=3,
            numbers={
                "added_ohm": float(added[c]),
                "own_ohm": resistance_ohm(memory),
                "sigma_ohm": sigma,
                "median_ohm": float(median(ohm, axis=0)),
            },
        )
        for c in named
    )


def _severity(share: float) -> Severity:
    if share >= SHARE_SAFETY:
        return Severity.SAFETY
    return Severity.RECOMMENDED if share >= SHARE_RECOMMENDED else Severity.OPERATING

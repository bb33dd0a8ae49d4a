"""A cell channel that jumps and returns far more often than its siblings.

Readings of healthy cells jump too, when the cells of a pack are read at different moments of a
current step; then many jump together, and such rows are not counted.  The counts that remain are
compared between siblings by two outlier tests with a set false-alarm level, which must agree.
"""

from typing import Final

import numpy as np

from voltherd.detection.memory import Memory, cell_resistance_ohm, resistance_ohm
from voltherd.detection.verdict import Verdict
from voltherd.numerics.outliers import grubbs, iqr_outliers
from voltherd.numerics.robust import median, sibling_score
from voltherd.types.event import Location, LocationKind, Phenomenon, Severity

CAUSE: Final = "spikes"
SIBLINGS_MIN: Final = 8
ALPHA: Final = 1e-4
"""Chance of naming anyone in a healthy pack, at each judgement."""
OHMIC_SHARE: Final = 0.1
SPIKES_MIN: Final = 8.0
SHARE_MIN: Final = 0.01
"""Spikes in fewer readings than this disturb nobody."""


def judge(memory: Memory) -> tuple[Verdict, ...]:
    """Name the cells with too many spikes now."""
    cells = len(memory.spikes)
    if cells < SIBLINGS_MIN or memory.looked <= 0.0:
        return ()
    share = memory.spikes / memory.looked
    many = (memory.spikes >= SPIKES_MIN) & (share >= SHARE_MIN)
    if not many.any():
        return ()
    # The square root makes the scatter of a count independent of its size; the counts of quiet
    # siblings are mostly zero, so a share of one count keeps their spread from vanishing.
    level = np.sqrt(memory.spikes + 0.375)
    jittered = level + np.linspace(-0.2, 0.2, cells)
    named = grubbs(jittered, ALPHA) & iqr_outliers(jittered, ALPHA)
    # Under high current a bad joint stands far off too, and comes back with the current.
    added = cell_resistance_ohm(memory) - float(median(cell_resistance_ohm(memory), axis=0))
    named &= ~(added >= OHMIC_SHARE * resistance_ohm(memory))
    named &= many
    score, _, _ = sibling_score(level, 0.5)
    return tuple(
        Verdict(
            cause=CAUSE,
            phenomenon=Phenomenon.SENSOR_SPIKES,
            location=Location(kind=LocationKind.CELL, index=int(c) + 1, cells=(int(c) + 1,)),
            severity=Severity.OPERATING,
            score=float(score[c]),
            numbers={"share": float(share[c]), "spikes": float(memory.spikes[c])},
        )
        for c in np.flatnonzero(named & (score > 0.0))
    )

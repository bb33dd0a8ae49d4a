"""The cells' sum against the pack voltage: two measurements of one thing."""

from typing import Final

import numpy as np

from voltherd.detection.verdict import Verdict
from voltherd.detection.windows import Windows
from voltherd.numerics.robust import median
from voltherd.types.event import Location, LocationKind, Phenomenon, Severity

CAUSE: Final = "pack_sum"
SHARE_MIN: Final = 0.012
"""Beyond the usual 1 % accuracy of a pack voltage channel."""


def judge(windows: Windows) -> tuple[Verdict, ...]:
    """Say whether the two disagree now."""
    if not windows.range_volt.shape[1]:
        return ()
    difference = windows.sum_volt - windows.pack_volt
    if not np.isfinite(difference).any():
        return ()
    volt = float(median(difference, axis=0))
    pack = float(median(windows.pack_volt, axis=0))
    share = volt / pack
    if abs(share) < SHARE_MIN:
        return ()
    return (
        Verdict(
            cause=CAUSE,
            phenomenon=Phenomenon.PACK_VOLTAGE_MISMATCH,
            location=Location(kind=LocationKind.PACK),
            severity=Severity.OPERATING,
            score=abs(share) / (SHARE_MIN / 3.0),
            persistence=3,
            numbers={
                "volt": volt,
                "share": share,
                "cells_missing": -volt
                / float(median(windows.sum_volt, axis=0))
                * windows.range_volt.shape[1],
            },
        ),
    )

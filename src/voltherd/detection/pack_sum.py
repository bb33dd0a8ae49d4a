"""The cells' sum against the pack voltage: two measurements of one thing."""

from typing import Final

from voltherd.detection.verdict import Verdict
from voltherd.detection.windows import Windows
from voltherd.numerics.robust import median
from voltherd.types.event import Location, LocationKind, Phenomenon, Severity

CAUSE: Final = "pack_sum"
OPEN_SHARE: Final = 0.1
"""Pack voltage as a share of the cells' sum below which the contactors are taken to be open."""
SHARE_MIN: Final = 0.012
"""Beyond the usual 1 % accuracy of a pack voltage channel."""


def judge(windows: Windows) -> tuple[Verdict, ...]:
    """Say whether the two disagree now."""
    if not windows.range_volt.shape[1]:
        return ()
    # With the contactors open the pack's terminals read next to nothing, and rightly so.
    closed = windows.pack_volt > OPEN_SHARE * windows.sum_volt
    if not closed.any():
        return ()
    pack_volt, sum_volt = windows.pack_volt[closed], windows.sum_volt[closed]
    volt = float(median(sum_volt - pack_volt, axis=0))
    share = volt / float(median(pack_volt, axis=0))
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
                / float(median(sum_volt, axis=0))
                * windows.range_volt.shape[1],
            },
        ),
    )

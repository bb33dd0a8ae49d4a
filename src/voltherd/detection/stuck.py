"""A cell channel that stops moving while its siblings move.

Five to thirty-one readings spread over a window that are equal to the last bit, while the median
sibling moves by 10 mV, twice running, are no coincidence: the channel is frozen and protection is
blind to that cell.
"""

from typing import Final

import numpy as np
from jaxtyping import Bool, Float, Int

from voltherd.detection.verdict import Verdict
from voltherd.detection.windows import Windows
from voltherd.numerics.robust import median
from voltherd.types.event import Location, LocationKind, Phenomenon, Severity

CAUSE: Final = "stuck"
SIBLING_RANGE_VOLT: Final = 0.010


def cells_move(windows: Windows) -> Bool[np.ndarray, " w"]:
    """Tell the windows in which the pack is in use: the median cell's range says so."""
    return np.asarray(median(windows.range_volt, axis=1) >= SIBLING_RANGE_VOLT)


def judge(windows: Windows) -> tuple[tuple[float, tuple[Verdict, ...]], ...]:
    """Name frozen cells window by window; windows that cannot tell are left out.

    Returns:
        Time of each window that could tell [unix s], with its verdicts.
    """
    sibling = median(windows.range_volt, axis=1)
    still = (windows.range_volt == 0.0).any(axis=1)
    return tuple(
        (
            float(windows.end_second[w]),
            _verdicts(windows.range_volt[w], float(sibling[w])) if still[w] else (),
        )
        for w in np.flatnonzero(sibling >= SIBLING_RANGE_VOLT)
    )


def _verdicts(range_volt: Float[np.ndarray, " c"], sibling: float) -> tuple[Verdict, ...]:
    frozen: Int[np.ndarray, " n"] = np.flatnonzero(range_volt == 0.0)
    if len(frozen) > len(range_volt) // 4:
        return ()  # a pack whose channels stand still together is slow, not broken
    return tuple(
        Verdict(
            cause=CAUSE,
            phenomenon=Phenomenon.SENSOR_STUCK,
            location=Location(kind=LocationKind.CELL, index=int(c) + 1, cells=(int(c) + 1,)),
            severity=Severity.RECOMMENDED,
            score=sibling / 0.001,
            numbers={"sibling_range_volt": sibling},
        )
        for c in frozen
    )

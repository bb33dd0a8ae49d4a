"""Insulation of the high-voltage bus against the vehicle's body.

UN R100 and ISO 6469-3 ask for at least 100 Ω per volt on a DC bus and 500 Ω per volt where AC is
joined to it.  A channel that has never moved is not believed: it is reported as frozen instead.
"""

from typing import Final

import numpy as np
from jaxtyping import Bool

from voltherd.detection.verdict import Verdict
from voltherd.detection.windows import Windows
from voltherd.types.channel import SCALARS
from voltherd.types.event import Location, LocationKind, Phenomenon, Severity

CAUSE: Final = "insulation"
SAFETY_OHM_PER_VOLT: Final = 100.0
RECOMMENDED_OHM_PER_VOLT: Final = 500.0
HIGH_VOLTAGE_VOLT: Final = 60.0
"""Where UN R100 begins; a bus below it is judged as if it were at it."""
ACCURACY_OHM: Final = SCALARS["insulation_resistance_ohm"].accuracy
SAFETY_WINDOWS: Final = 2
RECOMMENDED_WINDOWS: Final = 6
"""A damp morning passes within half an hour of driving; a fault does not."""


def judge(
    windows: Windows, moved: Bool[np.ndarray, " w"]
) -> tuple[tuple[float, tuple[Verdict, ...]], ...]:
    """Compare each window's median with the limits.

    Args:
        windows: To judge.
        moved: Whether the channel had shown more than one value by the end of each.

    Returns:
        Time of each window that could tell [unix s], with its verdict.
    """
    if not moved.any():
        return ()
    # With the contactors open the pack reads 0 V and is still one: its cells tell the voltage.
    volt = np.maximum(np.fmax(windows.pack_volt, windows.sum_volt), HIGH_VOLTAGE_VOLT)
    return tuple(
        (float(windows.end_second[w]), _verdicts(float(windows.insulation_ohm[w]), float(volt[w])))
        for w in np.flatnonzero(np.isfinite(windows.insulation_ohm) & np.isfinite(volt) & moved)
    )


def _verdicts(ohm: float, volt: float) -> tuple[Verdict, ...]:
    ohm_per_volt = ohm / volt
    if ohm_per_volt >= RECOMMENDED_OHM_PER_VOLT:
        return ()
    low = ohm_per_volt < SAFETY_OHM_PER_VOLT
    return (
        Verdict(
            cause=CAUSE,
            phenomenon=Phenomenon.INSULATION_LOW,
            location=Location(kind=LocationKind.PACK),
            severity=Severity.SAFETY if low else Severity.RECOMMENDED,
            score=(RECOMMENDED_OHM_PER_VOLT * volt - ohm) / ACCURACY_OHM,
            persistence=SAFETY_WINDOWS if low else RECOMMENDED_WINDOWS,
            numbers={"ohm_per_volt": ohm_per_volt, "accuracy": ACCURACY_OHM / volt},
        ),
    )

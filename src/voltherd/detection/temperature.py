"""A temperature probe that strays from its siblings, stands still, or a pack that is too hot.

Probes see different places, so a steady difference of a few degrees is normal; what counts is a
distance no coolant gradient makes, or a limit that no place in the pack may pass.
"""

from typing import Final

import numpy as np

from voltherd.detection.verdict import Verdict
from voltherd.detection.windows import Windows
from voltherd.numerics.robust import median, sibling_score
from voltherd.types.event import Location, LocationKind, Phenomenon, Severity

CAUSE: Final = "temperature"
SIBLINGS_MIN: Final = 4
SCORE_MIN: Final = 6.0
FLOOR_CELSIUS: Final = 1.0
APART_OPERATING_CELSIUS: Final = 7.0
APART_RECOMMENDED_CELSIUS: Final = 12.0
SAFETY_CELSIUS: Final = 65.0
"""Above it most makers forbid operation; self-heating of the anode's film starts near 80 °C."""


def judge(windows: Windows) -> tuple[Verdict, ...]:
    """Name the probes that stray now."""
    celsius = median(windows.probe_celsius, axis=0).astype(np.float64)
    if not np.isfinite(celsius).any():
        return ()
    highest, lowest = np.fmax.reduce(celsius), np.fmin.reduce(celsius)
    if highest - lowest < APART_OPERATING_CELSIUS and highest < SAFETY_CELSIUS:
        return ()
    score, centre, sigma = sibling_score(celsius, FLOOR_CELSIUS)
    apart = np.nan_to_num(celsius - centre)
    strays = (
        (np.isfinite(celsius).sum() >= SIBLINGS_MIN)
        & (np.abs(np.nan_to_num(score)) >= SCORE_MIN)
        & (np.abs(apart) >= APART_OPERATING_CELSIUS)
    )
    hot = np.nan_to_num(celsius) >= SAFETY_CELSIUS
    return tuple(
        Verdict(
            cause=CAUSE,
            phenomenon=Phenomenon.TEMPERATURE_OUTLIER,
            location=Location(kind=LocationKind.PROBE, index=int(p) + 1),
            severity=_severity(float(celsius[p]), float(apart[p])),
            score=float(score[p]),
            numbers={
                "celsius": float(celsius[p]),
                "apart_celsius": float(apart[p]),
                "sigma_celsius": sigma,
            },
        )
        for p in np.flatnonzero(strays | hot)
    )


def _severity(celsius: float, apart: float) -> Severity:
    if celsius >= SAFETY_CELSIUS:
        return Severity.SAFETY
    grave = abs(apart) >= APART_RECOMMENDED_CELSIUS
    return Severity.RECOMMENDED if grave else Severity.OPERATING

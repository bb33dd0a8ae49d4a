"""A pack that is shaken more than it was at the same speeds: a loose mount, a wheel, a bearing.

How much a pack is shaken is mostly a matter of speed and road.  Its own first hours at each speed
are the measure; after that nothing is learned from what may already be the fault.  Logarithms are
averaged, because roads multiply.
"""

from math import exp
from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from voltherd.detection.verdict import Verdict
from voltherd.types.event import Location, LocationKind, Phenomenon, Severity
from voltherd.types.sample import SampleBatch

CAUSE: Final = "vibration"
CHANNEL: Final = "vibration_metre_per_second_squared"
SPEED_STEP: Final = 10.0
"""Width of a class of speeds [km/h]."""
CLASSES: Final = 16
STANDING_CLASSES: Final = 2
"""Below 20 km/h it is kerbs and manoeuvres, not the vehicle."""
LEARNED_ROWS: Final = 240
"""Rows that make the measure of a class: forty minutes at ten seconds each, then it is kept."""
KNOWN_ROWS: Final = 20
"""Rows from which on it is held against: five per cent of error, at a fifth from row to row."""
ROWS_MIN: Final = 15
"""Rows at known speeds that a period must have to be judged."""
LEAST: Final = 1e-3
"""Smallest vibration that is told apart from none [m/s²]."""
OPERATING: Final = 1.6
RECOMMENDED: Final = 2.5
"""Times the usual: roads of one vehicle differ by a fifth, weeks of them hardly."""
RELEASE: Final = 1.3
SIGMA: Final = 0.1
"""Of the logarithm of a period's mean, between roads."""


class Shake(NamedTuple):
    """What is known of how the pack is shaken, by class of speed.

    Attributes:
        usual_rows: Rows behind the measure.
        usual: Sum of the logarithms of the vibration in them.
        now_rows: Rows of the period under way.
        now: Sum of the logarithms in them.
        named: Whether the pack counts as shaken.
    """

    usual_rows: Float[np.ndarray, " k"]
    usual: Float[np.ndarray, " k"]
    now_rows: Float[np.ndarray, " k"]
    now: Float[np.ndarray, " k"]
    named: bool


def init() -> Shake:
    """Have seen nothing yet."""
    nothing = np.zeros(CLASSES)
    return Shake(nothing, nothing, nothing, nothing, named=False)


def look(shake: Shake, batch: SampleBatch, ends: Int[np.ndarray, " w"]) -> Shake:
    """Take windows into account.

    Args:
        shake: What was known.
        batch: Their rows.
        ends: Last row of each.
    """
    values, speed = batch.scalar.get(CHANNEL), batch.scalar.get("speed_kilometre_per_hour")
    if values is None or speed is None:
        return shake
    known = np.isfinite(values) & (speed >= STANDING_CLASSES * SPEED_STEP)
    if not known.any():
        return shake
    log = np.log(np.maximum(np.where(known, values, 1.0), LEAST))
    place = np.minimum(np.where(known, speed, 0.0) / SPEED_STEP, CLASSES - 1).astype(np.int64)
    now_rows, now, begin = shake.now_rows, shake.now, 0
    for end in (ends + 1).tolist():  # window by window, so that sums do not depend on the pieces
        mine = np.flatnonzero(known[begin:end]) + begin
        now_rows = now_rows + np.bincount(place[mine], minlength=CLASSES)
        now = now + np.bincount(place[mine], log[mine], minlength=CLASSES)
        begin = end
    return shake._replace(now_rows=now_rows, now=now)


def judge(shake: Shake) -> tuple[Shake, tuple[Verdict, ...] | None]:
    """Compare a period with the usual at its speeds, and learn from it while that is not known.

    Returns:
        What is known now; and the verdicts, None where the period tells nothing.
    """
    told = (shake.usual_rows >= KNOWN_ROWS) & (shake.now_rows > 0.0)
    rows = float(shake.now_rows[told].sum())
    verdicts: tuple[Verdict, ...] | None = None
    if rows >= ROWS_MIN:
        usual = shake.usual[told] / shake.usual_rows[told]
        beyond = float((shake.now[told] - shake.now_rows[told] * usual).sum()) / rows
        factor = exp(beyond)
        named = factor >= (RELEASE if shake.named else OPERATING)
        level = exp(float(shake.now[told].sum()) / rows)
        verdicts = (_verdict(factor, beyond, level),) if named else ()
        shake = shake._replace(named=named)
    learns = (shake.usual_rows < LEARNED_ROWS) & (not shake.named)
    nothing = np.zeros(CLASSES)
    return shake._replace(
        usual_rows=shake.usual_rows + np.where(learns, shake.now_rows, 0.0),
        usual=shake.usual + np.where(learns, shake.now, 0.0),
        now_rows=nothing,
        now=nothing,
    ), verdicts


def _verdict(factor: float, beyond: float, level: float) -> Verdict:
    return Verdict(
        cause=CAUSE,
        phenomenon=Phenomenon.VIBRATION_HIGH,
        location=Location(kind=LocationKind.PACK),
        severity=Severity.RECOMMENDED if factor >= RECOMMENDED else Severity.OPERATING,
        score=beyond / SIGMA,
        numbers={"factor": factor, "level": level},
    )

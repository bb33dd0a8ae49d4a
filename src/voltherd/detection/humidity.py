"""Damp inside the pack that stays: water condenses there, or comes in.

A housing that breathes is damp while it is cold, in the small hours, and dry again when it is warm.
Water that came in keeps the air damp in the warmest hours, too.  So the driest hours of the last
day decide, what nine tenths of the day exceed: where that is wet, or far damper than it used to be.
"""

from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from voltherd.detection.verdict import Verdict
from voltherd.numerics.robust import quantile
from voltherd.types.channel import SCALARS
from voltherd.types.estimate import NORMAL_90
from voltherd.types.event import Location, LocationKind, Phenomenon, Severity
from voltherd.types.sample import SampleBatch
from voltherd.units import SECOND_PER_DAY

CAUSE: Final = "humidity"
CHANNEL: Final = "relative_humidity_fraction"
OPERATING: Final = 0.8
"""Above it a film of water forms that metals corrode in (ISO 9223 counts these hours as wet)."""
RISEN: Final = 0.3
"""Rise above the usual that no weather of some days makes, where it ends above ``RISEN_TO``."""
RISEN_TO: Final = 0.6
USUAL_DAYS: Final = 10.0
"""Half-life of what is usual: the seasons may change."""
RECOMMENDED: Final = 0.9
"""Where any surface two kelvin colder than the air is wet."""
RELEASE: Final = 0.05
"""By how much it must have fallen before a damp pack counts as dry again."""
DRIEST_SHARE: Final = 0.1
SPAN_SECOND: Final = 0.75 * SECOND_PER_DAY
"""Least time the windows looked at must span: a night is not a day."""
WINDOWS_MIN: Final = 12
WINDOWS_MAX: Final = 300
"""Of five minutes each: somewhat more than a day holds."""
ACCURACY: Final = SCALARS[CHANNEL].accuracy


class Damp(NamedTuple):
    """The last day.

    Attributes:
        second: End of each window [unix s].
        humidity: Mean relative humidity in it.
        usual: What its driest hours were on days when it was not damp; NaN before the first.
        judged_second: When that was last renewed [unix s].
        named: Whether the pack counts as damp.
    """

    second: Float[np.ndarray, " n"]
    humidity: Float[np.ndarray, " n"]
    usual: float
    judged_second: float
    named: bool


def init() -> Damp:
    """Have seen nothing yet."""
    return Damp(np.empty(0), np.empty(0), float("nan"), float("nan"), named=False)


def look(damp: Damp, batch: SampleBatch, ends: Int[np.ndarray, " w"]) -> Damp:
    """Take windows into account.

    Args:
        damp: What was known.
        batch: Their rows.
        ends: Last row of each.
    """
    values = batch.scalar.get(CHANNEL)
    if values is None:
        return damp
    known = np.isfinite(values)
    begin = np.concatenate([[0], ends[:-1] + 1])
    rows = np.add.reduceat(known, begin, dtype=np.int64)
    seen = rows > 0
    if not seen.any():
        return damp
    mean = np.add.reduceat(np.where(known, values, 0.0), begin)[seen] / rows[seen]
    second = np.concatenate([damp.second, batch.unix_time_second[ends][seen]])
    humidity = np.concatenate([damp.humidity, mean])
    late = second >= second[-1] - SECOND_PER_DAY
    return damp._replace(second=second[late][-WINDOWS_MAX:], humidity=humidity[late][-WINDOWS_MAX:])


def judge(damp: Damp) -> tuple[Damp, tuple[Verdict, ...]]:
    """Say whether the pack is damp now, and remember that it was."""
    if len(damp.second) < WINDOWS_MIN or damp.second[-1] - damp.second[0] < SPAN_SECOND:
        return damp, ()
    driest, now = quantile(damp.humidity, DRIEST_SHARE), float(damp.second[-1])
    usual = driest if np.isnan(damp.usual) else damp.usual
    eased = driest + (RELEASE if damp.named else 0.0)
    named = eased >= OPERATING or (eased >= RISEN_TO and eased - usual >= RISEN)
    if not named:
        age_day = 0.0 if np.isnan(damp.usual) else (now - damp.judged_second) / SECOND_PER_DAY
        usual += (1.0 - 0.5 ** (age_day / USUAL_DAYS)) * (driest - usual)
    damp = damp._replace(usual=usual, judged_second=now, named=named)
    if not named:
        return damp, ()
    return damp, (
        Verdict(
            cause=CAUSE,
            phenomenon=Phenomenon.HUMIDITY_HIGH,
            location=Location(kind=LocationKind.PACK),
            severity=Severity.RECOMMENDED if driest >= RECOMMENDED else Severity.OPERATING,
            # From an ordinary pack's driest hours, by what the channel is declared to be right to.
            score=(driest - 0.5) / (ACCURACY / NORMAL_90),
            persistence=3,
            numbers={"driest": driest, "highest": float(damp.humidity.max()), "usual": usual},
        ),
    )

"""The state of charge that the vehicle reports is not the one its battery has.

Four witnesses, from the one that needs least to the one that assumes most:

* **Stand**: the reading stays while much charge moves.  Needs a current and a capacity.
* **Jump**: the reading changes while next to nothing flows.
* **Change**: at rest the reading lies elsewhere above the cells' voltage than it used to: it has
  stepped, or drifts day by day.  Needs a sloping chemistry and rests before and after.
* **Offset**: at rest the reading lies far from what the chemistry's curve says.  Makers' curves,
  and their ideas of full and empty, differ by some eight points of charge within one chemistry (the
  two recorded vehicles of the tests by up to twelve from the preset), so only a gross error shows.

Severity follows the size of the error: *operating* from the five points that the channel is
declared to be right within, *recommended* where the 90 % interval leaves no doubt that it is more.
What rests on a guessed chemistry, on a jump alone, or on a reading held at an end of its scale,
where makers hold it back on purpose, stays *operating*.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from voltherd.detection.anchors import END, usable
from voltherd.detection.gauge import Gauge, Pack, Stand
from voltherd.detection.verdict import Verdict
from voltherd.numerics.presets import PRESETS
from voltherd.numerics.robust import median
from voltherd.types.channel import SCALARS
from voltherd.types.estimate import NORMAL_90
from voltherd.types.event import Location, LocationKind, Phenomenon, Severity
from voltherd.units import SECOND_PER_DAY

CAUSE: Final = "soc_report"
CHANNEL: Final = "soc_fraction"
ACCURACY: Final = SCALARS[CHANNEL].accuracy
BACKED_MIN: Final = 0.04
"""Least change told of where the gauge was seen to jump: what wanders does not jump."""
CHANGE_SIGMA: Final = 0.015
"""Of a change: a good gauge wanders by one point, and so may the voltage of a rest."""
CURVE_HALF: Final = 0.08
"""Half of the 90 % interval of a curve of the right chemistry."""
GUESSED_HALF: Final = 0.12
"""The same where the chemistry is only what the voltages look like."""
OFFSET_RESTS: Final = 5
STAND_MIN: Final = 0.06
"""Share of the capacity that must move under a reading before it is said to stand."""
STAND_SIGMA: Final = 0.015
"""Of such a share: what a coarse gauge's step and the capacity's own error come to."""
PINNED_MIN: Final = 0.08
"""The same at an end of the scale, where a good gauge may be some points early."""
JUMP_MIN: Final = 0.08
"""Least jump told of by itself; smaller ones are corrections, as good gauges make them."""
JUMP_SIGMA: Final = 0.01
JUMP_DAYS: Final = 14.0
"""How long one is told of."""


class Witness(NamedTuple):
    """What one of them says.

    Attributes:
        severity: By size of the error.
        score: How sure, in standard deviations.
        numbers: For the evidence, by names of its own; the first is the one it speaks of.
    """

    severity: Severity
    score: float
    numbers: Mapping[str, float]


def judge(gauge: Gauge, pack: Pack) -> tuple[Verdict, ...]:
    """Say whether the reading is wrong now.

    Args:
        gauge: What was seen of it.
        pack: What it is held against.
    """
    stands = _stand(gauge.stand, pack)
    heard = (
        # A reading that stands changes against the voltage, too: that is no second error.
        (stands,)
        if stands is not None
        else (_change(gauge), _offset(gauge, pack), _jump(gauge), _pinned(gauge, pack))
    )
    told = [witness for witness in heard if witness is not None]
    if not told:
        return ()
    lead = max(told, key=lambda witness: witness.severity)  # the first of equals: the surest
    numbers = dict(lead.numbers)
    for witness in told:
        numbers |= {name: v for name, v in witness.numbers.items() if name not in numbers}
    return (
        Verdict(
            cause=CAUSE,
            phenomenon=Phenomenon.SOC_MISREPORTED,
            location=Location(kind=LocationKind.CHANNEL, channel=CHANNEL),
            severity=lead.severity,
            score=lead.score,
            numbers=numbers,
        ),
    )


def _stand(stand: Stand, pack: Pack) -> Witness | None:
    """Tell of a reading that stays, not at an end of its scale, while charge moves."""
    if pack.capacity_ah is None or not END < stand.soc < 1.0 - END:
        return None
    share = stand.ah / pack.capacity_ah
    if share < STAND_MIN:
        return None
    sure = share - NORMAL_90 * STAND_SIGMA >= ACCURACY
    return Witness(
        Severity.RECOMMENDED if sure else Severity.OPERATING,
        share / STAND_SIGMA,
        {
            "stand": share,
            "stand_soc": stand.soc,
            "stand_ah": stand.ah,
            "since_second": stand.begin_second,
        },
    )


def _change(gauge: Gauge) -> Witness | None:
    """Tell of a step or a drift against what the same voltages stood for."""
    found, size = gauge.change, abs(gauge.change.size)
    if size < (BACKED_MIN if found.backed else ACCURACY):
        return None
    half = NORMAL_90 * CHANGE_SIGMA
    return Witness(
        Severity.RECOMMENDED if size - half >= ACCURACY else Severity.OPERATING,
        size / CHANGE_SIGMA,
        {
            "change": found.size,
            "change_half": half,
            "per_day": found.per_day,
            "backed": float(found.backed),
            "since_second": found.second,
        },
    )


def _offset(gauge: Gauge, pack: Pack) -> Witness | None:
    """Tell of a reading that no curve of the chemistry can explain."""
    if len(gauge.anchors.soc) < OFFSET_RESTS or pack.chemistry not in PRESETS:
        return None
    rests, charge = usable(gauge.anchors, pack.chemistry)
    if len(charge) < OFFSET_RESTS:
        return None
    offset = float(median((rests.soc - charge)[-OFFSET_RESTS:], axis=0))
    half = CURVE_HALF if pack.told else GUESSED_HALF
    if abs(offset) - half < ACCURACY:
        return None
    return Witness(
        Severity.RECOMMENDED if pack.told else Severity.OPERATING,
        NORMAL_90 * abs(offset) / half,
        {"offset": offset, "offset_half": half},
    )


def _jump(gauge: Gauge) -> Witness | None:
    """Tell of a reading that changed while next to nothing flowed."""
    jump = gauge.jump
    recent = gauge.last.second - jump.second <= JUMP_DAYS * SECOND_PER_DAY
    if abs(jump.size) < JUMP_MIN or not recent:
        return None
    return Witness(
        Severity.OPERATING,
        abs(jump.size) / JUMP_SIGMA,
        {"jump": jump.size, "since_second": jump.second},
    )


def _pinned(gauge: Gauge, pack: Pack) -> Witness | None:
    """Tell of a reading that stays at an end of its scale though much more charge moves."""
    if pack.capacity_ah is None:
        return None
    stand = gauge.pinned
    if not END < gauge.stand.soc < 1.0 - END and gauge.stand.ah >= stand.ah:
        stand = gauge.stand
    share = stand.ah / pack.capacity_ah
    if share < PINNED_MIN:
        return None
    return Witness(
        Severity.OPERATING,
        share / STAND_SIGMA,
        {"pinned": share, "pinned_soc": stand.soc, "pinned_ah": stand.ah},
    )

"""What people are told of a station's past: its faults, when the next may come, and what it obeyed.

The failure law is the one of :mod:`voltherd.charging.station_health`; a station counts as failed
from the first connector that is faulty until none is.
"""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from voltherd.charging.schedule_fit import compare
from voltherd.charging.station_health import Span, TooFew, availability_fraction, time_to_failure
from voltherd.types.station import ChargingSchedule, StatusTold

HORIZON_SECOND: Final = 7 * 86_400.0
"""For which failures are foretold [s]."""


class Fault(NamedTuple):
    """A time in which a connector was faulty.

    Attributes:
        begin_second: When it was told [unix s].
        end_second: When none was faulty any more; None while one is [unix s].
        evse_id: Where it began.
        error: What the station said of it; may be empty.
    """

    begin_second: float
    end_second: float | None
    evse_id: int
    error: str


class Outlook(NamedTuple):
    """How likely a fault is within ``HORIZON_SECOND``.

    Attributes:
        chance: With its interval; None while it cannot be told.
        text: In words, why not or by which law.
        faults: How many it rests on.
    """

    chance: Span | None
    text: str
    faults: int


class Deviation(NamedTuple):
    """Something that a station did otherwise than the protocol or its orders say.

    Attributes:
        text: What.
        times: How often, as far back as was looked.
        last_second: When last [unix s].
    """

    text: str
    times: int
    last_second: float


def faults(told: Iterable[StatusTold]) -> tuple[Fault, ...]:
    """Give the faults of a station from the statuses of its connectors, in any order."""
    faulty: set[tuple[int, int]] = set()
    found: list[Fault] = []
    for one in sorted(told, key=lambda one: one.time_second):
        before = bool(faulty)
        place = (one.evse_id, one.connector_id)
        (faulty.add if one.status == "Faulted" else faulty.discard)(place)
        if faulty and not before:
            found.append(Fault(one.time_second, None, one.evse_id, one.error))
        elif before and not faulty:
            found[-1] = found[-1]._replace(end_second=one.time_second)
    return tuple(found)


def outlook(found: Sequence[Fault], since_second: float, now_second: float) -> Outlook:
    """Foretell a fault.

    Args:
        found: The faults so far.
        since_second: From when on faults would be known [unix s].
        now_second: When [unix s].
    """
    if found and found[-1].end_second is None:
        return Outlook(None, "it is faulty now", len(found))
    times, begin = [], since_second
    for fault in found:
        if fault.begin_second > begin:
            times.append((fault.begin_second - begin, True))
        begin = now_second if fault.end_second is None else fault.end_second
    if now_second > begin:
        times.append((now_second - begin, False))
    fit = time_to_failure(times)
    if isinstance(fit, TooFew):
        return Outlook(None, str(fit), len(found))
    law = {"exponential": "as likely at any age", "weibull": "its age counts"}[fit.kind]
    chance = fit.fails_within(max(now_second - begin, 0.0), HORIZON_SECOND)
    return Outlook(chance, law, len(found))


def served_fraction(
    told: Sequence[StatusTold], start_second: float, stop_second: float
) -> float | None:
    """Give the mean share of a time in which a station's connectors could be used.

    The station as a whole, told as EVSE or connector 0, is no connector.  None where no status was
    told.
    """
    places = {(one.evse_id, one.connector_id) for one in told if one.evse_id and one.connector_id}
    shares = []
    for place in sorted(places):
        here = [one for one in told if (one.evse_id, one.connector_id) == place]
        here.sort(key=lambda one: one.time_second)
        share = availability_fraction(here, start_second, stop_second)
        if share is not None:
            shares.append(share)
    return sum(shares) / len(shares) if shares else None


def disobeyed(
    asked: ChargingSchedule, status: str, held: ChargingSchedule | None, *, told: bool
) -> str:
    """Say how a station answered a profile otherwise than it should; empty where it did not.

    Args:
        asked: What it was told.
        status: What it answered.
        held: What it then said it holds.
        told: Whether it was asked that at all.
    """
    if status != "Accepted":
        return f"answered {status or 'nothing'} to a profile"
    if not told:
        return ""
    if held is None:
        return "accepted a profile and did not say what it holds"
    if held.start_second is None:
        held = held._replace(start_second=asked.start_second)
    found = compare(asked, held)
    if found.verdict == "equal":
        return ""
    return f"accepted a profile and holds {found.verdict} limits"


def gathered(noted: Iterable[tuple[float, str]]) -> tuple[Deviation, ...]:
    """Count what was noted of one kind, the latest first."""
    found: dict[str, Deviation] = {}
    for second, text in noted:
        before = found.get(text, Deviation(text, 0, second))
        found[text] = Deviation(text, before.times + 1, max(before.last_second, second))
    return tuple(sorted(found.values(), key=lambda one: -one.last_second))

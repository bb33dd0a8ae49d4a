"""A finding's place, and which alarms were raised there."""

from collections.abc import Callable
from typing import NamedTuple

from voltherd.detection.engine import Detection
from voltherd.detection.verdict import Alarm
from voltherd.types.event import Location, LocationKind, Phenomenon


class Sight(NamedTuple):
    """What the evidence of one finding is looked for in.

    Attributes:
        state: Everything detection knows of the vehicle.
        place: Where the finding is.
        onset_second: Where hindsight puts its beginning [unix s].
        phenomenon: What it calls itself, None where no finding is asked about.
        shape: What ``shape`` makes of it, once it was asked.
    """

    state: Detection
    place: Location
    onset_second: float
    phenomenon: Phenomenon | None = None
    shape: "Shape | None" = None


class Shape(NamedTuple):
    """How a cell's deviation since its beginning depends on the charge.

    Attributes:
        constant_odds: Logarithm of how much better a constant explains it than charge does.
        capacity: Lack of capacity [fraction].
        capacity_sigma: Its standard uncertainty.
        volt: Mean deviation [V].
        per_day: Change of charge [1/day].
        per_day_sigma: Its standard uncertainty.
        soc_span: Range of charge seen.
    """

    constant_odds: float
    capacity: float
    capacity_sigma: float
    volt: float
    per_day: float
    per_day_sigma: float
    soc_span: float


def alarms_at(sight: Sight, *causes: str) -> list[Alarm]:
    """Give the alarms that were raised and concern the place, of causes or of families of them."""
    place, wanted = sight.place, set(causes)
    return [
        alarm
        for alarm in sight.state.book.values()
        if alarm.severity is not None
        and wanted & {alarm.verdict.cause, alarm.verdict.cause.split(".")[0]}
        and same_place(alarm.verdict.location, place)
    ]


def raised(*causes: str) -> Callable[[Sight], bool | None]:
    """Observe whether an alarm was raised there; unknown before there is any past."""

    def look(sight: Sight) -> bool | None:
        if alarms_at(sight, *causes):
            return True
        return False if sight.state.memory.periods else None

    return look


def called(phenomenon: Phenomenon) -> Callable[[Sight], bool | None]:
    """Observe whether any alarm there bears a name, whichever detector raised it."""

    def look(sight: Sight) -> bool | None:
        if any(
            alarm.severity is not None
            and alarm.telling.phenomenon is phenomenon
            and same_place(alarm.verdict.location, sight.place)
            for alarm in sight.state.book.values()
        ):
            return True
        return False if sight.state.memory.periods else None

    return look


def same_place(there: Location, here: Location) -> bool:
    """Tell whether two places are the same one, or overlap."""
    if there.kind is not here.kind:
        return False
    if here.kind is LocationKind.CHANNEL:
        return there.channel == here.channel
    if here.kind is LocationKind.PROBE:
        return there.index in (here.indices or (here.index,))
    return here.kind is LocationKind.PACK or bool(set(there.cells) & set(here.cells))


def first_raised(alarm: Alarm) -> float:
    """Give when an alarm first counted [unix s]."""
    return min(time for time in alarm.raised_second if time is not None)

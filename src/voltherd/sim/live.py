"""The virtual fleet as it lives: weeks of history first, then on and on, a few minutes at a time.

History is what ``voltherd.sim.fleet.simulate`` gives, the same bits.  The vehicles that come out of
it go on from where they stand: same packs, faults, charge, sensors and odometers, sampled more
finely.  ``advance`` gives the next stretch, whole days while there is history and segments of a
few minutes after it; what a day brings is drawn once and depends neither on how it is cut nor, but
for the moments at which rows fall, on how it is sampled.

>>> from voltherd.sim.fleet import fleet_spec
>>> state = begin(LiveSpec(fleet=fleet_spec(vehicles=2, days=1, seed=7)))
>>> rows = []
>>> for _ in range(3):
...     state, stretches = advance(state)
...     rows.append((is_live(state), len(stretches)))
>>> rows  # a day, the hours of the next one before live begins, and five minutes of it
[(False, 2), (True, 2), (True, 2)]
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import ceil, inf
from typing import Final, NamedTuple, final

from voltherd.sim import running
from voltherd.sim.activity import Activity, Sampling
from voltherd.sim.running import Running, Stretch
from voltherd.sim.spec import DAY_BEGINS_SECOND, FleetSpec, drivers_offset
from voltherd.sim.unit import foreseen
from voltherd.sim.usage import THURSDAY
from voltherd.units import SECOND_PER_DAY, SECOND_PER_HOUR

LIVE_FROM: Final = (7.0 + 40.0 / 60.0) * SECOND_PER_HOUR - DAY_BEGINS_SECOND
"""Twenty to eight, when most vehicles are on the road [s since the day began]."""
SEGMENT_SECOND: Final = 300.0
ROWS_PER_SECOND: Final = 6.0
"""Most rows a vehicle sends in a second of real time: 186 CAN frames of a pack of 96 cells."""
PERIOD_SECOND_MAX: Final = 600.0
PARK_PERIOD_SECOND: Final = 60.0
FRIDAY: Final = 4


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class LiveSpec:
    """A fleet with its history, and how it goes on.

    Attributes:
        fleet: The fleet; its days and its sampling are those of the history.
        live_from: Time of the day after them at which live begins [s].
        sampling: How telematics samples from there on.
        segment_second: Length of a segment [s].
    """

    fleet: FleetSpec
    live_from: float = LIVE_FROM
    sampling: Sampling = field(
        default=Sampling(period_second=1.0, park_period_second=PARK_PERIOD_SECOND)
    )
    segment_second: float = SEGMENT_SECOND

    def __post_init__(self) -> None:
        assert 0.0 <= self.live_from < SECOND_PER_DAY and self.segment_second > 0.0

    @property
    def live_second(self) -> float:
        """When live begins [unix s]."""
        return self.fleet.start_second + self.fleet.days * SECOND_PER_DAY + self.live_from


class LiveState(NamedTuple):
    """A fleet between two stretches."""

    spec: LiveSpec
    now: Running
    day: int
    """The day in hand, counted from 0."""
    second: float
    """Up to here everything has been given [unix s]."""
    plans: tuple[tuple[Activity, ...], ...]
    """What each vehicle does on that day; empty where it has not begun."""


def can_period_second(speed: float) -> float:
    """Give the distance of two rows of a vehicle that is on or charging [s of simulated time].

    At real time a row each second; the faster time goes, the further apart, so that the frames in
    a second of real time stay the same.

    >>> [can_period_second(speed) for speed in (0.5, 1.0, 6.0, 60.0, 100.0, 1e5)]
    [1.0, 1.0, 1.0, 10.0, 17.0, 600.0]
    """
    return min(max(1.0, float(ceil(speed / ROWS_PER_SECOND))), PERIOD_SECOND_MAX)


def live_sampling(speed: float) -> Sampling:
    """Give how telematics samples where so many simulated seconds pass in a real one.

    >>> sampling = live_sampling(60.0)
    >>> sampling.period_second, sampling.park_period_second
    (10.0, 60.0)
    """
    period = can_period_second(speed)
    return Sampling(period_second=period, park_period_second=max(PARK_PERIOD_SECOND, period))


def record_start(live_second: float, days: int, live_from: float = LIVE_FROM) -> float:
    """Give the start of a record after whose history live begins at an instant [unix s].

    >>> record_start(1_742_197_200.0, 14) == 1_742_197_200.0 - 14 * 86_400 - 13_200
    True
    """
    return float(round(live_second - days * SECOND_PER_DAY - live_from))


def working_day_offset(start_second: float, days: int) -> float:
    """Give an offset of the drivers' clocks by which live falls on a working day.

    Args:
        start_second: First instant of the record [unix s].
        days: Days of history, after which live begins.

    Returns:
        What the drivers are ahead of UTC [s]: their day begins with the record, and where the
        calendar says weekend they are up to two days behind it.

    >>> saturday = 1_742_011_200.0  # 2025-03-15T04:00:00Z
    >>> [working_day_offset(saturday + day * 86_400.0 - 14 * 86_400.0, 14) for day in range(3)]
    [-86400.0, -172800.0, 0.0]
    """
    offset = drivers_offset(start_second)
    weekday = (start_second + offset) // SECOND_PER_DAY + days + THURSDAY
    return offset - SECOND_PER_DAY * max(weekday % 7 - FRIDAY, 0.0)


def begin(spec: LiveSpec, only: Sequence[int] | None = None) -> LiveState:
    """Give a fleet as it stands just before its history.

    Args:
        spec: The fleet.
        only: Vehicles wanted, counted from 1; all where not given.
    """
    wanted = list(only) if only is not None else list(range(1, spec.fleet.vehicles + 1))
    return LiveState(spec, running.begin(spec.fleet, wanted), 0, spec.fleet.start_second, ())


def together(parts: Sequence[LiveState]) -> LiveState:
    """Lay vehicles side by side whose history was simulated apart, in whatever processes.

    Args:
        parts: States of one specification that stand at the same time, between two days or not.
    """
    first = parts[0]
    assert all((p.spec, p.day, p.second) == (first.spec, first.day, first.second) for p in parts)
    return first._replace(
        now=running.together([part.now for part in parts]),
        plans=tuple(plan for part in parts for plan in part.plans),
    )


def is_live(state: LiveState) -> bool:
    """Say whether the history has all been given."""
    return state.second >= state.spec.live_second


def paced(state: LiveState, sampling: Sampling) -> LiveState:
    """Let a fleet go on with another sampling."""
    return state._replace(spec=replace(state.spec, sampling=sampling))


def advance(state: LiveState) -> tuple[LiveState, tuple[Stretch, ...]]:
    """Let the fleet live on.

    Args:
        state: The fleet.

    Returns:
        The fleet after it, and what each vehicle sent meanwhile: a whole day of history, then its
        last hours, then segment after segment without end.  A parked vehicle may send nothing.
    """
    spec, fleet = state.spec, state.spec.fleet
    begins = fleet.start_second + state.day * SECOND_PER_DAY
    now, plans = state.now, state.plans
    if not plans:
        units = tuple(foreseen(unit, fleet.seed, state.day + 1) for unit in now.units)
        now = now._replace(units=units)
        plans = running.draw_days(fleet, now, state.day)
    segment: int | None
    if state.day < fleet.days:
        segment, until, sampling = None, begins + SECOND_PER_DAY, fleet.sampling
    elif not is_live(state):
        segment, until, sampling = 0, spec.live_second, fleet.sampling
    else:
        segment = int((state.second - begins) // spec.segment_second) + 1
        until = begins + min(segment * spec.segment_second, SECOND_PER_DAY)
        sampling = spec.sampling
    now, stretches = running.run_until(
        fleet,
        now,
        plans,
        sampling,
        day=state.day,
        segment=segment,
        after_second=-inf if segment is None else state.second,
        until_second=inf if segment is None else until,
    )
    if until >= begins + SECOND_PER_DAY:
        return LiveState(spec, running.next_day(now), state.day + 1, until, ()), stretches
    return LiveState(spec, now, state.day, until, plans), stretches

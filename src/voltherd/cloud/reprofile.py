"""A plan on its way into a station: fitted, set, read back and compared.

A station that says yes is not believed: what counts is the composite schedule it then reports, and
in the end the meter, which the guard watches.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Final, Literal, NamedTuple, final

from voltherd.charging.central import Central, StationBook
from voltherd.charging.schedule_fit import VOLTAGE_VOLT, Comparison, compare, fit
from voltherd.types.station import ChargingProfile, ChargingSchedule, RateUnit
from voltherd.types.station_command import (
    GetSchedule,
    Outcome,
    Refused,
    ScheduleTold,
    SetProfile,
    StationCommand,
    StationResult,
)

Ask = Callable[[str, StationCommand], Awaitable[StationResult | Refused | None]]
PERIODS_UNKNOWN: Final = 24
"""Periods that a station is taken to hold while it has not said how many."""
STATIONS_AT_ONCE: Final = 50
CLOCK_SECOND: Final = 60.0
"""A clock that is off by less is left alone: as much may be the delay of a message [s]."""


class Order(NamedTuple):
    """A plan for one EVSE.

    Attributes:
        station_id: Of which station.
        evse_id: Which of its EVSEs.
        plan: In watts, with a start and a duration.
        is_endless: Whether its last limit goes on to hold when its duration is over.
        is_default: Whether it is for whoever comes, though somebody may be there.
    """

    station_id: str
    evse_id: int
    plan: ChargingSchedule
    is_endless: bool = False
    is_default: bool = False


@final
@dataclass(frozen=True, slots=True)
class Profiled:
    """What became of an order.

    Attributes:
        order: What was wanted.
        verdict: ``accepted``: it holds what it was told.  ``differs``: it says yes and holds
            something else.  ``refused``: it says no.  ``deaf``: it is away or says nothing.
        fitted: What it was told last; None where nothing was.
        comparison: What it holds beside what it was told; None where it does not say.
        detail: In words.
    """

    order: Order
    verdict: Literal["accepted", "differs", "refused", "deaf"]
    fitted: ChargingSchedule | None = None
    comparison: Comparison | None = None
    detail: str = ""


async def reprofile_all(
    ask: Ask, central: Central, orders: Sequence[Order], voltage_volt: float = VOLTAGE_VOLT
) -> list[Profiled]:
    """Carry out orders, many at once; each by itself."""
    places = asyncio.Semaphore(STATIONS_AT_ONCE)

    async def one(order: Order) -> Profiled:
        async with places:
            return await reprofile(ask, central, order, voltage_volt)

    return await asyncio.gather(*map(one, orders))


async def reprofile(
    ask: Ask, central: Central, order: Order, voltage_volt: float = VOLTAGE_VOLT
) -> Profiled:
    """Carry out an order.

    Args:
        ask: Asks a station.
        central: The books, for what the station can hold and what runs there.
        order: A plan whose start is now or soon.
        voltage_volt: Of one phase, to turn watts into amperes [V].

    Returns:
        What became of it.
    """
    book = central.stations.get(order.station_id, StationBook(order.station_id))
    done = Profiled(order, "deaf", detail="it is away or does not answer")
    for unit in _units(book.settings):
        schedule = fit(order.plan, _periods_max(book.settings), unit, voltage_volt).schedule
        schedule = _by_its_clock(schedule, book.clock_offset_second)
        if order.is_endless:
            schedule = schedule._replace(duration_second=None)
        profile = _profile(book, order, schedule)
        answer = await ask(order.station_id, SetProfile(order.evse_id, profile))
        if answer is None:
            return done
        if isinstance(answer, Outcome) and answer.status == "Accepted":
            if order.is_default and book.running(order.evse_id) is not None:
                return Profiled(order, "accepted", schedule, detail="another limit holds now")
            return await _read_back(ask, order, schedule, voltage_volt)
        words = answer.code if isinstance(answer, Refused) else getattr(answer, "status", "")
        done = Profiled(order, "refused", schedule, detail=words)
    return done


async def _read_back(
    ask: Ask, order: Order, schedule: ChargingSchedule, voltage_volt: float
) -> Profiled:
    asked = GetSchedule(order.evse_id, order.plan.duration_second or 0, schedule.unit)
    answer = await ask(order.station_id, asked)
    if not isinstance(answer, ScheduleTold) or answer.schedule is None:
        detail = "it says yes, and not what it holds"
        return Profiled(order, "differs", schedule, detail=detail)
    held = answer.schedule
    if held.start_second is None:
        held = held._replace(start_second=schedule.start_second)
    found = compare(schedule, held, voltage_volt)
    if found.verdict == "equal" and found.covered_second > 0.0:
        return Profiled(order, "accepted", schedule, found)
    return Profiled(order, "differs", schedule, found, f"it holds {found.verdict} limits")


def _by_its_clock(schedule: ChargingSchedule, offset_second: float) -> ChargingSchedule:
    """Say times as a station's clock will show them, where it is clearly wrong."""
    if schedule.start_second is None or not CLOCK_SECOND < abs(offset_second) < inf:
        return schedule
    return schedule._replace(start_second=schedule.start_second + round(offset_second))


def _profile(book: StationBook, order: Order, schedule: ChargingSchedule) -> ChargingProfile:
    """Make the profile of what runs there, or of what will."""
    running, level = book.running(order.evse_id), _level(book.settings)
    if running is None or order.is_default:
        profile = ChargingProfile(order.evse_id * 10 + 2, "default", level, schedule)
    else:
        number = running.transaction_id
        profile = ChargingProfile(order.evse_id * 10 + 1, "transaction", level, schedule, number)
    start, duration = schedule.start_second, schedule.duration_second
    if start is None or duration is None:
        return profile
    # Certified stations expect an absolute profile to say how long it is valid, too.
    return profile._replace(valid_from_second=start, valid_to_second=start + duration)


def _level(settings: Mapping[str, str]) -> int:
    highest = _number(
        settings, "ChargeProfileMaxStackLevel", "SmartChargingCtrlr.ProfileStackLevel"
    )
    return 1 if highest is None else min(highest, 1)


def _periods_max(settings: Mapping[str, str]) -> int:
    told = _number(settings, "ChargingScheduleMaxPeriods", "SmartChargingCtrlr.PeriodsPerSchedule")
    return PERIODS_UNKNOWN if told is None or told < 1 else told


def _units(settings: Mapping[str, str]) -> tuple[RateUnit, ...]:
    """Give the units to try, the best first."""
    told = settings.get("SmartChargingCtrlr.RateUnit", "")
    told += settings.get("ChargingScheduleAllowedChargingRateUnit", "")
    if "W" in told or "Power" in told:
        return ("W",)
    return ("A",) if told else ("W", "A")


def _number(settings: Mapping[str, str], *names: str) -> int | None:
    told = next((settings[name] for name in names if name in settings), "")
    return int(told) if told.isascii() and told.isdigit() and len(told) < 7 else None

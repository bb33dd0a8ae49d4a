"""A depot as it is now: who stands where, what is drawn, and what each limit leaves for vehicles.

Between the books of the central system, the planner and the guard: nothing is decided here.
"""

from collections.abc import Sequence
from math import inf
from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from voltherd.charging.central import Central, StationBook
from voltherd.charging.guard import Seen
from voltherd.charging.guard_site import (
    LEAST_AMPERE,
    PHASES,
    Limit,
    Site,
    Station,
    make_site,
)
from voltherd.charging.transactions import Transaction
from voltherd.errors import UsageError
from voltherd.types.station import POWER, MeterReading

CURRENT: Final = "Current.Import"
STEP_AMPERE: Final = 0.1
"""Stations hold limits to a tenth of an ampere."""
_WATT: Final = {"W": 1.0, "kW": 1000.0}


class Charger(NamedTuple):
    """One place to charge.

    Attributes:
        name: For people.
        station_id: The station it is part of, as it connects.
        evse_id: Which of the station's.
        phases: Of the grid that it is connected to, from 0.
        hardware_ampere: The most it gives, per phase [A].
        default_ampere: What it falls back to when the central system is gone, per phase [A].
        metered: Whether it reports what it draws.
        switched: Whether it follows no limits, and is started and stopped instead.
        tells_plug: Whether it tells of such a one when a vehicle leaves.
    """

    name: str
    station_id: str
    evse_id: int
    phases: tuple[int, ...]
    hardware_ampere: float
    default_ampere: float
    metered: bool
    switched: bool = False
    tells_plug: bool = True


class Headroom(NamedTuple):
    """What limits leave for vehicles over time, on each phase alike.

    Attributes:
        names: Of the limits, the site's connection first.
        members: Places of the chargers behind each.
        ampere: By limit and step [A].
    """

    names: tuple[str, ...]
    members: tuple[tuple[int, ...], ...]
    ampere: Float[np.ndarray, "limits steps"]


class Setpoints(NamedTuple):
    """What a plan wants of chargers.

    Attributes:
        made_second: When it was made [unix s].
        start_second: When its first step begins [unix s].
        step_second: Length of a step [s].
        ampere: By charger and step, per phase [A].
    """

    made_second: float
    start_second: float
    step_second: float
    ampere: Float[np.ndarray, "chargers steps"]

    def at(self, now_second: float) -> Float[np.ndarray, " chargers"]:
        """Give what is wanted at a moment; nothing outside the plan [A]."""
        step = int((now_second - self.start_second) // self.step_second)
        if not 0 <= step < self.ampere.shape[1]:
            return np.zeros(len(self.ampere))
        return np.asarray(self.ampere[:, step])


class Answers(NamedTuple):
    """What chargers last answered to the guard's limits: the number of a limit, and whether yes."""

    serial: Int[np.ndarray, " chargers"]
    accepted: Float[np.ndarray, " chargers"]


class Metered(NamedTuple):
    """What a meter at the connection read: imports of each phase [A], and when [unix s]."""

    ampere: tuple[float, float, float]
    time_second: float


class Moment(NamedTuple):
    """What is known at a moment.

    Attributes:
        now_second: [unix s].
        online: Stations that are connected.
        setpoints: Of the plan, None without one.
        room_ampere: What each limit leaves for vehicles now [A].
        base_ampere: What is expected to be drawn beside vehicles at the connection [A].
        meter: Of the connection, None without one.
        answers: Of chargers.
        waiting: Chargers at which a vehicle waits between two transactions of its stay.
    """

    now_second: float
    online: frozenset[str]
    setpoints: Setpoints | None
    room_ampere: Float[np.ndarray, " limits"]
    base_ampere: float
    meter: Metered | None
    answers: Answers
    waiting: frozenset[str] = frozenset()


def guarded(chargers: Sequence[Charger], headroom: Headroom) -> Site:
    """Lay the site out for its guard.

    A charger that is started and stopped has no currents between none and all.  Left alone it goes
    on with all, so that counts for it at any time: whoever shows a card there draws it at once.

    Raises:
        UsageError: A charger or limit makes no sense, or safe defaults do not fit at the tightest
            time.
    """
    stations = [
        Station(
            name=charger.name,
            hardware_ampere=charger.hardware_ampere,
            phases=charger.phases,
            default_ampere=charger.default_ampere,
            least_ampere=charger.hardware_ampere
            if charger.switched
            else min(LEAST_AMPERE, charger.hardware_ampere),
            step_ampere=charger.hardware_ampere if charger.switched else STEP_AMPERE,
            metered=charger.metered,
        )
        for charger in chargers
    ]
    for ampere in (headroom.ampere.min(axis=1), headroom.ampere.max(axis=1)):
        each = zip(headroom.names, headroom.members, ampere.tolist(), strict=True)
        limits = [Limit(name=n, ampere=(a, a, a), stations=places) for n, places, a in each]
        site = _made(stations, limits, chargers)
    return site


def _made(
    stations: Sequence[Station], limits: Sequence[Limit], chargers: Sequence[Charger]
) -> Site:
    """Lay the site out; where it is not safe, say what only starts and stops has to do with it."""
    try:
        return make_site(stations, limits)
    except UsageError as error:
        names = [charger.name for charger in chargers if charger.switched]
        if not names:
            raise
        few = ", ".join(names[:3]) + (" …" if len(names) > 3 else "")
        raise UsageError(
            error.what,
            where=error.where,
            mend=f"raise the limit at its tightest time; started and stopped, {few} count in full",
        ) from error


def occupants(central: Central, chargers: Sequence[Charger]) -> tuple[Transaction | None, ...]:
    """Give the transaction that goes on at each charger; None where none does."""
    books = central.stations
    return tuple(
        books[charger.station_id].running(charger.evse_id) if charger.station_id in books else None
        for charger in chargers
    )


def seen(
    central: Central, chargers: Sequence[Charger], moment: Moment, voltage_volt: float
) -> Seen:
    """Tell the guard what is known.

    Args:
        central: The books.
        chargers: In the guard's order.
        moment: What is known beside the books.
        voltage_volt: Of a phase, where stations report power and not currents [V].
    """
    now, count = moment.now_second, len(chargers)
    running = occupants(central, chargers)
    drawn = [
        _drawn(central, charger, transaction, moment, voltage_volt)
        for charger, transaction in zip(chargers, running, strict=True)
    ]
    plan = moment.setpoints
    meter = np.full((len(moment.room_ampere), PHASES), np.nan)
    meter_age = np.full(len(moment.room_ampere), np.nan)
    if moment.meter is not None:  # what was expected beside vehicles is not in the room either
        meter[0] = np.array(moment.meter.ampere) - moment.base_ampere
        meter_age[0] = now - moment.meter.time_second
    return Seen(
        now_second=now,
        plan_ampere=np.zeros(count) if plan is None else plan.at(now),
        plan_age_second=inf if plan is None else now - plan.made_second,
        limit_ampere=np.repeat(moment.room_ampere[:, None], PHASES, axis=1),
        meter_ampere=meter,
        meter_age_second=meter_age,
        current_ampere=np.array([ampere for ampere, _ in drawn]).reshape(count, PHASES),
        current_age_second=np.array([age for _, age in drawn]),
        asks=np.array(
            [
                transaction is not None or charger.name in moment.waiting
                for charger, transaction in zip(chargers, running, strict=True)
            ],
            bool,
        ),
        answered_serial=moment.answers.serial,
        accepted=moment.answers.accepted.astype(bool),
    )


def _drawn(
    central: Central,
    charger: Charger,
    transaction: Transaction | None,
    moment: Moment,
    voltage_volt: float,
) -> tuple[list[float], float]:
    """Give what a charger draws from each phase [A], and how long ago that was known [s]."""
    book = central.stations.get(charger.station_id)
    if book is None:
        return [np.nan] * PHASES, np.nan
    if transaction is None:  # a station that is connected would have told of a vehicle
        online = charger.station_id in moment.online
        return [0.0] * PHASES, 0.0 if online else moment.now_second - book.heard_second
    found = _currents(book, charger, voltage_volt)
    if found is None or found[1] < (transaction.start_second or -inf):
        return [np.nan] * PHASES, np.nan
    offset = book.clock_offset_second if np.isfinite(book.clock_offset_second) else 0.0
    return found[0], max(moment.now_second - (found[1] - offset), 0.0)


def _currents(
    book: StationBook, charger: Charger, voltage_volt: float
) -> tuple[list[float], float] | None:
    """Give the latest currents by the grid's phases, and when they were measured."""
    readings = book.readings.get(charger.evse_id, {})
    by_phase = [readings.get((CURRENT, f"L{place + 1}")) for place in range(len(charger.phases))]
    power = readings.get((POWER, ""))
    measured = [reading for reading in by_phase if reading is not None]
    if len(measured) == len(charger.phases) and (
        power is None or measured[0].time_second >= power.time_second
    ):
        return _placed(charger, [m.value for m in measured]), measured[0].time_second
    if power is None or power.unit not in _WATT:
        return None
    each = _power_watt(power) / (voltage_volt * len(charger.phases))
    return _placed(charger, [each] * len(charger.phases)), power.time_second


def _power_watt(power: MeterReading) -> float:
    return power.value * _WATT[power.unit]


def _placed(charger: Charger, ampere: Sequence[float]) -> list[float]:
    """Put a station's own phases, the first of which is the grid's first of it, in their places."""
    placed = [0.0] * PHASES
    for phase, value in zip(charger.phases, ampere, strict=True):
        placed[phase] = value
    return placed

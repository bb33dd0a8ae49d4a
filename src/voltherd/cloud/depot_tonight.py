"""The site file from now on: the vehicles that are there, and those that are still to come.

A site file tells of one night; a depot that runs plans anew at every step.  What is planned is the
same file with another start, and with vehicles as they are by then.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from jaxtyping import Float

from voltherd.charging.guard_site import PHASES
from voltherd.charging.live import Charger, Headroom
from voltherd.charging.problem import Problem
from voltherd.charging.site import Group, Site
from voltherd.charging.transactions import Transaction
from voltherd.cloud.depot_file import Frame, Night, frame_of, moment, night
from voltherd.cloud.depot_limits import as_known, limited
from voltherd.cloud.depot_sections import PHASES as PHASE_NAMES
from voltherd.cloud.depot_sections import (
    START_CURRENT_AMPERE,
    ChargerSection,
    Course,
    SiteFile,
    VehicleSection,
    full_ampere,
)
from voltherd.types.depot import BatteryNow
from voltherd.types.station import NeedsTold

EARLY_SECOND: Final = 4 * 3600.0
"""A vehicle that comes earlier than this comes for another stay [s]."""
BEYOND_SECOND: Final = 3600.0
"""A vehicle that stays longer than announced is expected to stay so much longer [s]."""
_DAY: Final = timedelta(days=1)
_NONE: Final = 1e-6
_PLAIN: Final[dict[str, object]] = {"storage": [], "reserve": None, "outage": None}
"""What a running depot cannot order from anybody."""


class Guest(NamedTuple):
    """A vehicle at a charger.

    Attributes:
        charger: The charger's id.
        transaction: What is known of its charging.
        needs: What it asks for by itself (ISO 15118); None where it says nothing.
        battery: What the fleet's estimators said of its battery when it came; None where nothing.
    """

    charger: str
    transaction: Transaction
    needs: NeedsTold | None = None
    battery: BatteryNow | None = None

    @property
    def key(self) -> str:
        """What its stay is known by: stations number transactions each for itself."""
        return stay_key(self.charger, self.transaction)


def stay_key(charger: str, transaction: Transaction) -> str:
    """Give what a stay is known by at all chargers."""
    return f"{charger}/{transaction.transaction_id}"


class Wanted(NamedTuple):
    """What a stay is to come to.

    Attributes:
        vehicle: The vehicle's id.
        known: Whether it is one of the file.
        announced_second: When it was to come; None where nobody said [unix s].
        arrival_second: When it came or is to come [unix s].
        departure_second: When it is to be ready [unix s].
        section: The file's words for it, with this stay's times.
    """

    vehicle: str
    known: bool
    announced_second: float | None
    arrival_second: float
    departure_second: float
    section: VehicleSection

    @property
    def energy_kwh(self) -> float:
        """To come into its battery in this stay [kWh]."""
        section = self.section
        return max(section.soc_departure - section.soc_arrival, 0.0) * section.battery_kwh


def chargers(file: SiteFile) -> tuple[Charger, ...]:
    """Give the places to charge."""
    volt = file.connection.voltage_volt
    return tuple(
        Charger(
            name=one.id,
            station_id=one.station or one.id,
            evse_id=one.evse,
            phases=(PHASE_NAMES.index(one.phase),) if one.phases == 1 else tuple(range(PHASES)),
            hardware_ampere=full_ampere(one, volt),
            default_ampere=full_ampere(one, volt) if one.switched else one.default_ampere or 0.0,
            metered=one.metered,
            switched=one.switched,
            tells_plug=one.tells_plug,
        )
        for one in file.chargers
    )


def headroom(file: SiteFile, site: Site) -> Headroom:
    """Give what limits leave for vehicles in each step, evenly on three phases [A]."""
    to_ampere = 1000.0 / (PHASES * file.connection.voltage_volt)
    connection = site.limit_kilowatt
    if site.phase_limit_kilowatt is not None:
        connection = np.minimum(connection, PHASES * site.phase_limit_kilowatt.min(axis=0))
    rows = [connection - site.base_kilowatt, *(group.limit_kilowatt for group in site.groups)]
    place = {one.id: number for number, one in enumerate(file.chargers)}
    return Headroom(
        names=("connection", *(group.name for group in file.groups)),
        members=(
            tuple(range(len(file.chargers))),
            *(tuple(place[name] for name in group.chargers) for group in file.groups),
        ),
        ampere=np.maximum(np.array(rows), 0.0) * to_ampere,
    )


def wanted(file: SiteFile, guest: Guest) -> Wanted:
    """Say what is expected of a stay: by the vehicle's token, else by its charger.

    Args:
        file: The site.
        guest: The vehicle.
    """
    start = guest.transaction.start_second or 0.0
    found = _announced(file, guest)
    if found is None:
        visit = file.visitors
        section = VehicleSection(
            id=guest.transaction.id_token or f"somebody at {guest.charger}",
            charger=guest.charger,
            arrives=_utc(start),
            departs=_utc(start + visit.stay_hours * 3600.0),
            battery_kwh=visit.energy_kwh,
            soc_arrival=0.0,
            soc_departure=1.0,
        )
        end = start + visit.stay_hours * 3600.0
        stay = Wanted(section.id, False, None, start, end, section)
    else:
        section, announced, end = found
        # Nobody gives back in a depot that runs, so what limits a battery counts for all.
        times = {"charger": guest.charger, "arrives": _utc(start), "departs": _utc(end)}
        times |= {"v2g": False}
        told = as_known(section.model_copy(update=times), guest.battery)
        told = limited(told, file.site)
        stay = Wanted(section.id, True, announced, start, end, told)
    return stay if guest.needs is None else _as_told(stay, guest.needs)


def tonight(
    file: SiteFile,
    now_second: float,
    guests: Sequence[Guest],
    gone: Mapping[str, float],
    astray: Mapping[str, float],
    where: str,
) -> Night | None:
    """Make the problem of the hours from now on.

    Args:
        file: The site.
        now_second: [unix s].
        guests: Who is there.
        gone: When vehicles that have left came, by id [unix s].
        astray: What chargers may draw that follow no limit: it is left free, and who charges
            there is not planned [kW].
        where: For messages.

    Returns:
        The site with the vehicles that are there, in their order, and then those still to come;
        None where there is neither.

    Raises:
        InputError: What the file says makes no sense together.
    """
    step = file.step_minutes * 60.0
    begin = now_second - now_second % step
    moved = _moved(file, begin, where)
    here = [_row(wanted(file, guest), guest, begin, step) for guest in guests]
    there = {section.id for section in here}
    free = {section.charger: _stamp(section.departs) for section in here}
    end = frame_of(moved, where).local[-1].timestamp() + step
    coming = [
        section
        for section in to_come(file, now_second, gone)
        if section.id not in there and section.charger not in astray
        for section in _after(section, max(free.get(section.charger, begin), begin), step, end)
    ]
    rows = [*here, *_apart(coming)]
    if not rows:
        return None
    whole = {one.id for one in file.chargers if one.switched}
    early = [
        _early(
            row,
            file,
            step,
            in_whole_steps=row.charger in whole and not (row.power_curve or row.battery),
        )
        for row in rows
    ]
    found = night(moved.model_copy(update=_PLAIN | {"vehicles": early}), where)
    return _with_margin(found, file, astray)


def _early(
    section: VehicleSection, file: SiteFile, step: float, *, in_whole_steps: bool
) -> VehicleSection:
    """Let a vehicle be ready before it leaves, and ask for a last step at its least current more.

    A plan leaves out what is less than such a step; when the vehicle has what it wants it stops.
    What is only on or off is planned in whole steps anyway.
    """
    leaves, arrives = _stamp(section.departs), _stamp(section.arrives)
    ready = max(leaves - file.run.ready_early_minutes * 60.0, arrives + step)
    wanted = section.soc_departure - section.soc_arrival
    least = START_CURRENT_AMPERE * file.connection.voltage_volt * PHASES * step / 3.6e6
    more = least * section.efficiency / section.battery_kwh if wanted > _NONE else 0.0
    more = 0.0 if in_whole_steps else more
    return section.model_copy(
        update={
            "departs": _utc(min(ready, leaves)),
            "soc_departure": min(section.soc_departure + more, 1.0),
        }
    )


def _with_margin(found: Night, file: SiteFile, astray: Mapping[str, float]) -> Night:
    """Plan for a little less than limits and those who follow none leave.

    What only starts and stops counts with the guard in full at any time: it needs no margin, and
    the others never get its share.
    """
    site, rest = found.problem.site, 1.0 - file.run.margin_fraction
    base, lost = site.base_kilowatt, sum(astray.values())
    phases = np.tile(site.limit_kilowatt / PHASES, (PHASES, 1))  # the guard looks at each phase
    if site.phase_limit_kilowatt is not None:
        phases = np.minimum(phases, site.phase_limit_kilowatt)
    single = bool((found.problem.fleet.phases == 1).any())
    switched = {one.id: one for one in file.chargers if one.switched and one.id not in astray}
    follows = np.array([name not in switched for name in found.chargers], bool)

    def left(limit: np.ndarray, taken: np.ndarray | float, wild: float) -> np.ndarray:
        return np.asarray(taken + np.maximum(limit - taken - wild, 0.0) * rest)

    groups: list[Group] = []
    for told, group in zip(site.groups, file.groups, strict=True):
        wild = sum(astray.get(name, 0.0) for name in group.chargers)
        kept = PHASES * _by_phase([switched[n] for n in group.chargers if n in switched]).max()
        limit = left(told.limit_kilowatt, kept, wild)
        groups.append(told._replace(limit_kilowatt=limit, by_phase=single))
        if kept:
            rest_of = f"{told.name}, those that follow limits"
            groups.append(Group(rest_of, told.member & follows, limit - kept, single))
    full = _by_phase(list(switched.values()))
    kept = PHASES * full.max()
    limit = left(PHASES * phases.min(axis=0), base + kept, lost)
    if kept:
        groups.append(Group("those that follow limits", follows, limit - base - kept, single))
    taken = base / PHASES + full[:, None]
    site = replace(
        site,
        limit_kilowatt=limit,
        phase_limit_kilowatt=left(phases, taken, lost / PHASES) if single else None,
        groups=tuple(groups),
    )
    return found._replace(problem=replace(found.problem, site=site))


def _by_phase(some: Sequence[ChargerSection]) -> Float[np.ndarray, " phases"]:
    """Give the full power of chargers on each phase [kW]."""
    power = np.zeros(PHASES)
    for one in some:
        on = [PHASE_NAMES.index(one.phase)] if one.phases == 1 else list(range(PHASES))
        power[on] += one.power_kilowatt / len(on)
    return power


def hasty(problem: Problem, haste_fraction: float) -> Problem:
    """Let energy be worth a little more sooner, since what is put off may not come.

    Args:
        problem: What is planned.
        haste_fraction: Of the mean price, for each hour.
    """
    site = problem.site
    price, hours = site.price_eur_per_kwh, np.arange(site.steps) * site.step_hour
    dearer = price + haste_fraction * float(np.abs(price).mean()) * hours
    return replace(problem, site=replace(site, price_eur_per_kwh=dearer))


def site_from(file: SiteFile, now_second: float, where: str) -> Site:
    """Give the site's limits and prices of a day from now on, without vehicles."""
    begin = now_second - now_second % (file.step_minutes * 60.0)
    moved = _moved(file, begin, where, hours=24)
    return night(moved.model_copy(update=_PLAIN | {"vehicles": []}), where).problem.site


def _row(stay: Wanted, guest: Guest, begin: float, step: float) -> VehicleSection:
    """Give a vehicle as it is now: with what it has got, until it leaves."""
    section, got = stay.section, guest.transaction.energy_wh / 1000.0
    soc = section.soc_arrival + got * section.efficiency / section.battery_kwh
    leaves = stay.departure_second
    if leaves < begin + step:
        leaves = begin + BEYOND_SECOND
    return section.model_copy(
        update={
            "soc_arrival": min(soc, 1.0),
            "arrives": _utc(begin),
            "departs": _utc(leaves),
            "v2g": False,
            "single_phase": False,
        }
    )


def _as_told(stay: Wanted, needs: NeedsTold) -> Wanted:
    """Believe a vehicle what it says of itself."""
    section, end = stay.section, stay.departure_second
    battery = section.battery_kwh if needs.capacity_wh is None else needs.capacity_wh / 1000.0
    risen = needs.drawn_wh / 1000.0 * section.efficiency / battery  # by when it said so
    soc = section.soc_arrival + risen if needs.soc_fraction is None else needs.soc_fraction
    came = min(max(soc - risen, 0.0), 1.0)
    update: dict[str, object] = {"battery_kwh": battery, "soc_arrival": came}
    if needs.energy_wh is not None:
        update["soc_departure"] = min(soc + needs.energy_wh / 1000.0 / battery, 1.0)
    if needs.power_watt_max is not None:
        update["power_kilowatt"] = needs.power_watt_max / 1000.0
    if needs.departure_second is not None and needs.departure_second > stay.arrival_second:
        end = needs.departure_second
        update["departs"] = _utc(end)
    return stay._replace(departure_second=end, section=section.model_copy(update=update))


def _announced(file: SiteFile, guest: Guest) -> tuple[VehicleSection, float | None, float] | None:
    """Find a vehicle in the file, and when the stay it came for begins and ends."""
    token, start = guest.transaction.id_token, guest.transaction.start_second or 0.0
    named = [one for one in file.vehicles if token and token in (one.token, one.id)]
    for section in named:
        for arrival, departure in _stays(file, section, start):
            if arrival - EARLY_SECOND <= start < departure:
                return section, arrival, departure
    return (named[0], None, start + file.visitors.stay_hours * 3600.0) if named else None


def to_come(file: SiteFile, now: float, gone: Mapping[str, float]) -> Iterator[VehicleSection]:
    """Give who is still to come, and those who are late, with the dates of that stay.

    Args:
        file: The site.
        now: [unix s].
        gone: When vehicles that have left came, by id [unix s].
    """
    for section in file.vehicles:
        for arrival, departure in _stays(file, section, now):
            came = arrival - EARLY_SECOND <= gone.get(section.id, -np.inf) < departure
            if departure > now and not came:
                yield section.model_copy(
                    update={
                        "arrives": _utc(arrival),
                        "departs": _utc(departure),
                        "v2g": False,
                        "single_phase": False,
                    }
                )
                break


def _stays(file: SiteFile, section: VehicleSection, second: float) -> Iterator[tuple[float, float]]:
    """Give a vehicle's stays about a moment: the last that began before it, and the next."""
    zone = ZoneInfo(file.timezone)
    local = Frame(zone, _utc(second), timedelta(minutes=file.step_minutes), ())
    for back in (_DAY, timedelta()):
        arrival = moment(section.arrives, local, local.start - back)
        departure = moment(section.departs, local, arrival)
        yield arrival.timestamp(), departure.timestamp()


def _after(
    section: VehicleSection, free: float, step: float, end: float
) -> Iterator[VehicleSection]:
    """Let a vehicle come no earlier than its place is free, if a step of the plan is left then."""
    arrives = max(_stamp(section.arrives), free)
    first = -(-arrives // step) * step
    if first + step <= min(_stamp(section.departs), end):
        yield section.model_copy(update={"arrives": _utc(first)})


def _apart(coming: list[VehicleSection]) -> Iterator[VehicleSection]:
    """Leave out who comes to a place before another has left it."""
    until: dict[str, float] = {}
    for section in sorted(coming, key=lambda one: _stamp(one.arrives)):
        if _stamp(section.arrives) >= until.get(section.charger, -np.inf):
            until[section.charger] = _stamp(section.departs)
            yield section


def _moved(file: SiteFile, begin: float, where: str, hours: int | None = None) -> SiteFile:
    """Let the file begin at another moment; what it lists goes on day after day."""
    listed = frame_of(file, where)
    moved = file.model_copy(update={"start": _utc(begin), "hours": hours or file.hours})
    steps = frame_of(moved, where).local
    since = [(one.timestamp() - listed.start.timestamp()) for one in steps]
    length = listed.step.total_seconds()

    def again(value: Course) -> Course:
        if not isinstance(value, list):
            return value
        each = length if len(value) == listed.steps else 3600.0
        return [value[_place(second, each, len(value))] for second in since]

    def section(old: object, *names: str) -> object:
        found = {n: again(getattr(old, n)) for n in names if getattr(old, n) is not None}
        return old.model_copy(update=found)  # type: ignore[attr-defined]

    return moved.model_copy(
        update={
            "connection": section(
                file.connection, "limit_kilowatt", "base_kilowatt", "pv_kilowatt"
            ),
            "prices": section(file.prices, "buy_eur_per_kwh", "sell_eur_per_kwh"),
            "groups": [section(group, "limit_kilowatt") for group in file.groups],
        }
    )


def _place(second: float, each: float, count: int) -> int:
    """Give which of listed values holds at a time; beyond them, that of the same time of day."""
    place, day = int(second // each), max(int(86_400.0 // each), 1)
    if place >= count:
        place -= -(-(place - count + 1) // day) * day
    if place < 0:
        place += -(place // day) * day
    return min(max(place, 0), count - 1)


def _utc(second: float) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=second)


def _stamp(value: object) -> float:
    assert isinstance(value, datetime)
    return value.timestamp()

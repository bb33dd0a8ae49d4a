"""``site.yaml``: a depot, its prices and who stays tonight, made into a planning problem.

Times are local: a plan covers the hours that really pass between two clock times, so a day on which
clocks change has 23 or 25 of them.
"""

import difflib
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from math import nan
from pathlib import Path
from typing import Final, NamedTuple, final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import yaml
from jaxtyping import Float
from pydantic import ValidationError

from voltherd.charging.battery_wear import Battery
from voltherd.charging.problem import Discharge, Fleet, Problem
from voltherd.charging.site import Band, Group, Outage, Site, Tier
from voltherd.cloud.depot_batteries import battery_of, discharge_of, single_of, taper_of, waiting_of
from voltherd.cloud.depot_limits import as_known, read_health, with_batteries
from voltherd.cloud.depot_sections import (
    PHASES,
    START_CURRENT_AMPERE,
    ChargerSection,
    Course,
    SiteFile,
    VehicleSection,
    full_ampere,
)
from voltherd.cloud.depot_stores import with_stores
from voltherd.errors import InputError, UsageError
from voltherd.types.depot import BatteryNow
from voltherd.units import SECOND_PER_HOUR

_ALTERNATIVE: Final = re.compile(r"float$|list\[|dict\[|\[key\]$|time$|datetime$|function-before")
"""What pydantic puts into a place for alternatives and keys."""
_ROUNDING: Final = 1e-6


@final
class Night(NamedTuple):
    """A site and its plan's frame.

    Attributes:
        name: Of the site.
        zone: Its time zone's name.
        start_second: Begin of the first step [unix s].
        chargers: Where each vehicle stands; of the site's batteries, their names.
        problem: What is to be planned.
        giving: What vehicles could give back if all were allowed to; None where none could.
        batteries: What is known of each vehicle's, None where it is not.
    """

    name: str
    zone: str
    start_second: float
    chargers: tuple[str, ...]
    problem: Problem
    giving: Discharge | None
    batteries: tuple[Battery | None, ...]


def read_site(path: Path) -> Night:
    """Read a site and tonight's stays.

    Raises:
        UsageError: The file cannot be read, is no YAML, or says what no site file says.
        InputError: What it says makes no sense together.
    """
    return night(read_file(path), str(path))


def read_file(path: Path) -> SiteFile:
    """Read what a site file says.

    Raises:
        UsageError: The file cannot be read, is no YAML, or says what no site file says.
    """
    try:
        plain = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        told = error.strerror if isinstance(error, OSError) else " ".join(str(error).split())
        raise UsageError(
            f"not a readable site file ({told})",
            where=str(path),
            mend="voltherd depot example writes one to begin with",
        ) from error
    file = site_file(plain, str(path))
    if file.fleet.health is None:
        return file
    soh = read_health(path.parent / file.fleet.health)
    batteries = {name: BatteryNow(nan, nan, nan, share) for name, share in soh.items()}
    known = [as_known(one, batteries.get(one.id)) for one in file.vehicles]
    return file.model_copy(update={"vehicles": known})


def parse(plain: object, where: str) -> Night:
    """Make a site of what a file says.

    Raises:
        UsageError: With the first thing that is wrong, and what may be meant.
        InputError: What it says makes no sense together.
    """
    return night(site_file(plain, where), where)


def site_file(plain: object, where: str) -> SiteFile:
    """Take mappings, lists and numbers for a site file.

    Args:
        plain: What a file says.
        where: For messages.

    Raises:
        UsageError: With the first thing that is wrong, and what may be meant.
    """
    if not isinstance(plain, dict):
        raise UsageError("not a site file: no keys", where=where)
    try:
        return SiteFile.model_validate(plain)
    except ValidationError as error:
        raise _told(error, where) from error


def night(file: SiteFile, where: str) -> Night:
    """Make a site and its stays of what a file says.

    Raises:
        UsageError: A time zone that is none, or a plan without steps.
        InputError: What it says makes no sense together.
    """
    file, frame = with_batteries(file, where), frame_of(file, where)
    stations = {charger.id: charger for charger in file.chargers}
    _known(file, stations, where)
    site = _site(file, frame, where)
    fleet = _fleet(file, stations, frame, where)
    _apart(file, fleet, where)
    problem = Problem(
        fleet=fleet,
        site=site,
        discharge=discharge_of(file, stations, asked=True),
        taper=taper_of(file.vehicles, where),
        waiting_eur_per_kwh_hour=waiting_of(file.vehicles),
        single=single_of(file, fleet),
    )
    giving = with_stores(
        replace(problem, discharge=discharge_of(file, stations, asked=False)), file.storage
    )
    return Night(
        name=file.site,
        zone=file.timezone,
        start_second=frame.start.timestamp(),
        chargers=tuple(at.charger for at in file.vehicles)
        + tuple(store.name for store in file.storage),
        problem=with_stores(problem, file.storage),
        giving=giving.discharge,
        batteries=tuple(battery_of(vehicle) for vehicle in file.vehicles),
    )


class Frame(NamedTuple):
    """When the plan's steps begin: in UTC, and on the site's clocks."""

    zone: ZoneInfo
    start: datetime
    step: timedelta
    local: tuple[datetime, ...]

    @property
    def steps(self) -> int:
        """How many."""
        return len(self.local)


def frame_of(file: SiteFile, where: str) -> Frame:
    """Give a plan's steps.

    Raises:
        UsageError: A time zone that is none, or a plan without steps.
    """
    try:
        zone = ZoneInfo(file.timezone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise UsageError(
            f"no time zone is called {file.timezone}", where=where, mend="say Europe/Berlin or UTC"
        ) from error
    local = file.start if file.start.tzinfo else file.start.replace(tzinfo=zone)
    local = local.astimezone(zone)
    start = local.astimezone(UTC)
    end = (local + timedelta(hours=file.hours)).astimezone(UTC)  # so much later on the clock
    step = timedelta(minutes=file.step_minutes)
    count = (end - start) // step
    if not count:
        raise UsageError("the plan has no step", where=where, mend="raise hours")
    begun = tuple((start + n * step).astimezone(zone) for n in range(count))
    return Frame(zone, start, step, begun)


def _course(value: Course, frame: Frame, where: str) -> Float[np.ndarray, " steps"]:
    """Give a quantity's value in every step."""
    if isinstance(value, float):
        return np.full(frame.steps, value)
    if isinstance(value, dict):
        return _daily(value, frame, where)
    known = np.array([np.nan if number is None else number for number in value])
    if len(known) == frame.steps:
        return known
    seconds = np.arange(frame.steps) * frame.step.total_seconds()
    hours = int(seconds[-1] // SECOND_PER_HOUR) + 1
    if len(known) != hours:
        raise InputError(
            f"{len(known)} values for {hours} hours or {frame.steps} steps",
            where=where,
            mend="give one for each; where clocks change a day has 23 or 25 hours",
        )
    return known[(seconds // SECOND_PER_HOUR).astype(np.int64)]


def _daily(value: dict[time, float], frame: Frame, where: str) -> Float[np.ndarray, " steps"]:
    if not value:
        raise InputError("no value from any time of day on", where=where, mend="give one")
    times = sorted(value)
    place = [sum(t <= local.time() for t in times) - 1 for local in frame.local]
    return np.array([value[times[n]] for n in place])  # before the first, the last still holds


def _site(file: SiteFile, frame: Frame, where: str) -> Site:
    connection, prices = file.connection, file.prices
    phase_limit = None
    if connection.phase_limit_ampere is not None:
        kilowatt = connection.phase_limit_ampere * connection.voltage_volt / 1000.0
        phase_limit = np.full((len(PHASES), frame.steps), kilowatt)
    sell, outage = prices.sell_eur_per_kwh, _outage(file, frame, where)
    there = np.ones(frame.steps) if outage is None else ~outage.gone * 1.0
    return Site(
        step_hour=frame.step.total_seconds() / SECOND_PER_HOUR,
        price_eur_per_kwh=there
        * _course(prices.buy_eur_per_kwh, frame, f"{where}: buy_eur_per_kwh"),
        limit_kilowatt=_course(connection.limit_kilowatt, frame, f"{where}: limit_kilowatt"),
        base_kilowatt=_course(connection.base_kilowatt, frame, f"{where}: base_kilowatt"),
        pv_kilowatt=_course(connection.pv_kilowatt, frame, f"{where}: pv_kilowatt"),
        phase_limit_kilowatt=phase_limit,
        feed_in_eur_per_kwh=None
        if sell is None
        else there * _course(sell, frame, f"{where}: sell_eur_per_kwh"),
        demand_eur_per_kilowatt=connection.demand_eur_per_kilowatt,
        groups=tuple(
            Group(
                group.name,
                np.array([vehicle.charger in group.chargers for vehicle in file.vehicles], bool),
                _course(group.limit_kilowatt, frame, f"{where}: {group.name}"),
            )
            for group in file.groups
        ),
        power_tiers=tuple(
            Tier(tier.above_kilowatt, tier.added_eur_per_kwh) for tier in connection.power_tiers
        ),
        volume_tiers=tuple(
            Tier(tier.above_kwh - tier.used_kwh, tier.added_eur_per_kwh)
            for tier in prices.volume_tiers
        ),
        band=None
        if file.reserve is None
        else Band(
            _course(file.reserve.kilowatt, frame, f"{where}: reserve"),
            _course(file.reserve.eur_per_kilowatt_hour, frame, f"{where}: reserve"),
        ),
        outage=outage,
    )


def _outage(file: SiteFile, frame: Frame, where: str) -> Outage | None:
    """Give the steps that are without a grid, wholly or in part."""
    if file.outage is None:
        return None
    begin = moment(file.outage.begins, frame, frame.start)
    end = moment(file.outage.ends, frame, begin)
    gone = [begin < at + frame.step and end > at for at in frame.local]
    if not any(gone):
        raise InputError(
            f"the outage from {file.outage.begins} to {file.outage.ends} is not in the plan",
            where=where,
            mend="correct begins and ends, or start and hours of the plan",
        )
    return Outage(np.array(gone), file.outage.shed_eur_per_kwh)


def _fleet(file: SiteFile, stations: dict[str, ChargerSection], frame: Frame, where: str) -> Fleet:
    vehicles = file.vehicles
    at = [stations[vehicle.charger] for vehicle in vehicles]
    phases = np.array(
        [min(s.phases, v.phases or s.phases) for s, v in zip(at, vehicles, strict=True)], np.int64
    )
    power = [
        min(s.power_kilowatt, v.power_kilowatt or np.inf) for s, v in zip(at, vehicles, strict=True)
    ]
    stays = np.array([_stay(at, frame, where) for at in vehicles], np.int64).reshape(-1, 2)
    need = np.array([max(v.soc_departure - v.soc_arrival, 0.0) * v.battery_kwh for v in vehicles])
    least = START_CURRENT_AMPERE * file.connection.voltage_volt * phases / 1000.0
    hour = frame.step.total_seconds() / SECOND_PER_HOUR
    full = np.array([_full_kilowatt(s, v, hour) for s, v in zip(at, vehicles, strict=True)])
    least = np.minimum(np.fmax(least, full), power)
    efficiency = np.array([v.efficiency for v in vehicles])
    battery = np.array([v.battery_kwh for v in vehicles])
    stored = np.array([v.soc_arrival for v in vehicles]) * battery
    # In whole steps: a plan leaves out what is less than one, and a vehicle that is full stops by
    # itself, so what is beyond its battery is planned and not drawn.
    each = full * hour * efficiency
    need = np.where(each > 0.0, np.ceil(need / each - _ROUNDING) * each, need)
    battery = np.where(each > 0.0, np.maximum(battery, stored + need), battery)
    return Fleet(
        arrival_step=stays[:, 0],
        departure_step=stays[:, 1],
        power_max_kilowatt=np.array(power),
        energy_kwh=need,
        battery_kwh=battery,
        stored_kwh=stored,
        phases=phases,
        phase=np.array([PHASES.index(station.phase) for station in at], np.int64),
        charge_efficiency=efficiency,
        power_min_kilowatt=least,
        names=tuple(vehicle.id for vehicle in vehicles),
    )


def _full_kilowatt(station: ChargerSection, vehicle: VehicleSection, hour: float) -> float:
    """Give all that a vehicle takes, where it gets that or nothing; NaN elsewhere [kW].

    One that takes less as it fills does so by itself: it gets what it takes or nothing.
    """
    if not station.switched:
        return np.nan
    full, curve = min(station.power_kilowatt, vehicle.power_kilowatt or np.inf), vehicle.power_curve
    last = min(vehicle.soc_departure + full * hour / vehicle.battery_kwh, 1.0)
    takes = np.interp(last, sorted(curve), [curve[soc] for soc in sorted(curve)]) if curve else full
    return full if takes >= full else np.nan


def _stay(vehicle: VehicleSection, frame: Frame, where: str) -> tuple[int, int]:
    """Give the first step that begins after arrival, and that under way at departure."""
    arrival = moment(vehicle.arrives, frame, frame.start)
    departure = moment(vehicle.departs, frame, arrival)
    first = max(0, -((frame.start - arrival) // frame.step))
    last = min(frame.steps, (departure - frame.start) // frame.step)
    if last <= first:
        raise InputError(
            f"its stay from {vehicle.arrives} to {vehicle.departs} holds no step of the plan",
            where=f"{where}: {vehicle.id}",
            mend="correct arrives and departs, or start and hours of the plan",
        )
    return first, last


def moment(value: time | datetime, frame: Frame, after: datetime) -> datetime:
    """Give the moment of a date and time, or the first of a time of day from another moment on."""
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=frame.zone)).astimezone(UTC)
    day: date = after.astimezone(frame.zone).date()
    found = datetime.combine(day, value, frame.zone).astimezone(UTC)
    if found < after:
        found = datetime.combine(day + timedelta(days=1), value, frame.zone).astimezone(UTC)
    return found


def _known(file: SiteFile, stations: dict[str, ChargerSection], where: str) -> None:
    """Refuse names that mean nothing or two things, and two vehicles at one charger."""
    for what, ids in (
        ("chargers", [charger.id for charger in file.chargers]),
        ("vehicles", [vehicle.id for vehicle in file.vehicles]),
    ):
        twice = (
            sorted({one for one in ids if ids.count(one) > 1}) if len(set(ids)) < len(ids) else []
        )
        if twice:
            raise InputError(f"{what} has {twice[0]} twice", where=where, mend="name each once")
    for name, owner in _named(file):
        if name not in stations:
            like = difflib.get_close_matches(name, stations, n=1, cutoff=0.5)
            mend = f"did you mean {like[0]}?" if like else "add it under chargers"
            raise InputError(f"no charger is called {name}", where=f"{where}: {owner}", mend=mend)
    for charger in file.chargers:
        _switched(charger, file.connection.voltage_volt, f"{where}: {charger.id}")
        if charger.phase not in PHASES or charger.phases == len(PHASES) - 1:
            raise InputError(
                f"phase {charger.phase} of {charger.phases}",
                where=f"{where}: {charger.id}",
                mend="say 1 phase and L1, L2 or L3, or 3 phases",
            )
        if (charger.latitude is None) != (charger.longitude is None):
            raise InputError(
                "half a position", where=f"{where}: {charger.id}", mend="latitude and longitude"
            )


def _switched(charger: ChargerSection, volt: float, where: str) -> None:
    """Refuse a charger that is started and stopped and is to do what that cannot."""
    if not charger.switched:
        return
    default, full = charger.default_ampere, full_ampere(charger, volt)
    if default is not None and default < full:
        raise InputError(
            f"started and stopped, it goes on with its full {full:.1f} A when it is left alone, "
            f"not with {default:g} A",
            where=where,
            mend="leave default_ampere out",
        )
    if charger.discharge_kilowatt:
        raise InputError(
            "started and stopped, it takes nothing back",
            where=where,
            mend="leave discharge_kilowatt out",
        )


def _apart(file: SiteFile, fleet: Fleet, where: str) -> None:
    """Refuse two vehicles at one charger at one time."""
    order = sorted(
        range(fleet.size), key=lambda n: (file.vehicles[n].charger, int(fleet.arrival_step[n]))
    )
    for one, other in pairwise(order):
        first, second = file.vehicles[one], file.vehicles[other]
        if (
            first.charger == second.charger
            and fleet.departure_step[one] > fleet.arrival_step[other]
        ):
            raise InputError(
                f"{first.id} and {second.id} are at {first.charger} at the same time",
                where=where,
                mend="give each a charger of its own, or stays that do not overlap",
            )


def _named(file: SiteFile) -> Iterator[tuple[str, str]]:
    for vehicle in file.vehicles:
        yield vehicle.charger, vehicle.id
    for group in file.groups:
        for name in group.chargers:
            yield name, group.name


def _told(error: ValidationError, where: str) -> UsageError:
    """Tell the first mistake; of alternatives, the one that what was written came nearest to."""
    errors = error.errors()
    begin = errors[0]["loc"][:2]
    first = max((one for one in errors if one["loc"][:2] == begin), key=lambda one: len(one["loc"]))
    at = ".".join(str(part) for part in first["loc"] if not _ALTERNATIVE.match(str(part)))
    show = "voltherd depot example shows"
    if first["type"] == "extra_forbidden":
        return UsageError(f"unknown key {at}", where=where, mend=f"{show} the known ones")
    if first["type"] == "missing":
        return UsageError(f"{at} is missing", where=where, mend=f"{show} one")
    return UsageError(f"{at}: {first['msg'][:1].lower()}{first['msg'][1:]}", where=where)

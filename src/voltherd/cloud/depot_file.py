"""``site.yaml``: a depot, its prices and who stays tonight, made into a planning problem.

Times are local: a plan covers the hours that really pass between two clock times, so a day on which
clocks change has 23 or 25 of them.
"""

import difflib
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Final, NamedTuple, final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import yaml
from jaxtyping import Float
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from voltherd.charging.problem import Discharge, Fleet, Group, Problem, Site
from voltherd.cloud.depot_meter import MeterSection
from voltherd.errors import InputError, UsageError
from voltherd.units import SECOND_PER_HOUR

PHASES: Final = ("L1", "L2", "L3")
START_CURRENT_AMPERE: Final = 6.0
"""Least current that IEC 61851-1 lets a station offer."""
VEHICLES_MAX: Final = 100_000
_MINUTES: Final = 60
_EXAMPLE_DAY: Final = "2026-11-26"
_ALTERNATIVE: Final = re.compile(r"float$|list\[|dict\[|\[key\]$|time$|datetime$|function-before")
"""What pydantic puts into a place for alternatives and keys."""


def _clock(value: object) -> object:
    """Read 18:05, which YAML takes for 1085 in sixties, as the time of day it is."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= _MINUTES:
        hour, minute = divmod(value, _MINUTES)
        return f"{hour:02d}:{minute:02d}"
    return value


Clock = Annotated[time, BeforeValidator(_clock)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]
Course = float | list[float | None] | dict[Clock, float]
"""One number, one for each hour or step from the start on, or one from each time of day on."""


class Section(BaseModel):
    """Ground of every section: values do not change, unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class ConnectionSection(Section):
    """What the site may draw, and draws and makes without vehicles."""

    limit_kilowatt: Course
    phase_limit_ampere: Positive | None = None
    """Of each phase, where that is limited, too [A]."""
    voltage_volt: Positive = 230.0
    """Phase to neutral [V]."""
    base_kilowatt: Course = 0.0
    """What draws beside the vehicles [kW]."""
    pv_kilowatt: Course = 0.0
    demand_eur_per_kilowatt: NotNegative = 0.0


class PricesSection(Section):
    """What energy costs."""

    buy_eur_per_kwh: Course
    sell_eur_per_kwh: Course | None = None
    """Paid for surplus; the price of buying where not given."""


class GroupSection(Section):
    """Chargers behind one fuse or transformer."""

    name: str
    chargers: list[str]
    limit_kilowatt: Course


class ChargerSection(Section):
    """A station."""

    id: str
    power_kilowatt: Positive
    phases: Annotated[int, Field(ge=1, le=3)] = 3
    phase: str = "L1"
    """Which one, where it has one."""
    discharge_kilowatt: NotNegative = 0.0
    """What it can take back from a vehicle [kW]."""


class VehicleSection(Section):
    """A vehicle and tonight's stay."""

    id: str
    charger: str
    arrives: Clock | datetime
    departs: Clock | datetime
    battery_kwh: Positive
    soc_arrival: Share
    soc_departure: Share
    power_kilowatt: Positive | None = None
    """Most it takes, where that is less than the charger gives [kW]."""
    phases: Annotated[int, Field(ge=1, le=3)] | None = None
    efficiency: Annotated[float, Field(gt=0, le=1)] = 0.95
    """Energy in the battery per energy drawn."""
    v2g: bool = False
    """Whether it may give energy back."""


class V2gSection(Section):
    """What giving back wears."""

    wear_eur_per_kwh: Annotated[list[NotNegative], Field(min_length=1)] = [0.05]
    """Of each kWh given, from the gentlest share of the power to the last [EUR/kWh]."""
    efficiency: Annotated[float, Field(gt=0, le=1)] = 0.95


class SiteFile(Section):
    """All of it."""

    site: str
    timezone: str = "UTC"
    start: datetime
    """Local time at which the plan begins."""
    hours: Annotated[int, Field(ge=1, le=192)] = 24
    """Length of the plan on the clock; hours that pass may be one more or less [h]."""
    step_minutes: Annotated[int, Field(ge=1, le=60)] = 15
    currency: str = "EUR"
    connection: ConnectionSection
    prices: PricesSection
    chargers: Annotated[list[ChargerSection], Field(min_length=1)]
    groups: list[GroupSection] = []
    vehicles: Annotated[list[VehicleSection], Field(max_length=VEHICLES_MAX)]
    v2g: V2gSection = V2gSection()
    meter: MeterSection | None = None


EXAMPLE: Final = """\
# voltherd depot plan site.yaml

site: North depot
timezone: Europe/Berlin
start: 2026-11-26 14:00         # local time; the plan covers so many hours from here
hours: 24
step_minutes: 15

connection:
  limit_kilowatt: 60            # one number; or a list, one for each hour or step
  phase_limit_ampere: 120       # without it phases are not looked at
  base_kilowatt: {06:00: 18, 18:00: 9}   # or from each time of day on
  pv_kilowatt: 0
  demand_eur_per_kilowatt: 0    # price of the highest power of the plan

prices:
  buy_eur_per_kwh: {00:00: 0.16, 06:00: 0.31, 17:00: 0.42, 21:00: 0.24}
  # sell_eur_per_kwh: 0.08      # without it surplus is worth what buying costs

chargers:
  - {id: CP-01, power_kilowatt: 22, discharge_kilowatt: 10}
  - {id: CP-02, power_kilowatt: 22}
  - {id: CP-03, power_kilowatt: 11}
  - {id: CP-04, power_kilowatt: 7.4, phases: 1, phase: L2}

groups:                         # chargers behind one fuse or transformer
  - {name: west wall, chargers: [CP-03, CP-04], limit_kilowatt: 15}

vehicles:
  - {id: bus-1, charger: CP-01, arrives: 17:40, departs: 05:30, battery_kwh: 120,
     soc_arrival: 0.35, soc_departure: 0.9, v2g: true}
  - {id: bus-2, charger: CP-02, arrives: 18:20, departs: 06:00, battery_kwh: 120,
     soc_arrival: 0.2, soc_departure: 0.9}
  - {id: van-1, charger: CP-03, arrives: 16:10, departs: 06:45, battery_kwh: 60,
     soc_arrival: 0.5, soc_departure: 0.8}
  - {id: van-2, charger: CP-04, arrives: 15:05, departs: 07:00, battery_kwh: 50,
     soc_arrival: 0.4, soc_departure: 1.0, power_kilowatt: 6.6}

v2g:
  wear_eur_per_kwh: [0.05, 0.09]   # of each kWh given, gentle to full power
"""


def example(second: float) -> str:
    """Give the example for the day of a time, from 14:00 on [unix s]."""
    day = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=second)).date()
    return EXAMPLE.replace(_EXAMPLE_DAY, day.isoformat()).replace(
        "site: North depot", "site: North depot (an example)"
    )


@final
class Night(NamedTuple):
    """A site and its plan's frame.

    Attributes:
        name: Of the site.
        zone: Its time zone's name.
        start_second: Begin of the first step [unix s].
        chargers: Where each vehicle stands.
        problem: What is to be planned.
        giving: What vehicles could give back if all were allowed to; None where none could.
    """

    name: str
    zone: str
    start_second: float
    chargers: tuple[str, ...]
    problem: Problem
    giving: Discharge | None


def read_site(path: Path) -> Night:
    """Read a site and tonight's stays.

    Raises:
        UsageError: The file cannot be read, is no YAML, or says what no site file says.
        InputError: What it says makes no sense together.
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
    return parse(plain, str(path))


def parse(plain: object, where: str) -> Night:
    """Make a site of what a file says.

    Args:
        plain: Of mappings, lists and numbers.
        where: For messages.

    Raises:
        UsageError: With the first thing that is wrong, and what may be meant.
        InputError: What it says makes no sense together.
    """
    if not isinstance(plain, dict):
        raise UsageError("not a site file: no keys", where=where)
    try:
        file = SiteFile.model_validate(plain)
    except ValidationError as error:
        raise _told(error, where) from error
    frame = _frame(file, where)
    stations = {charger.id: charger for charger in file.chargers}
    _known(file, stations, where)
    site = _site(file, frame, where)
    fleet = _fleet(file, stations, frame, where)
    _apart(file, fleet, where)
    return Night(
        name=file.site,
        zone=file.timezone,
        start_second=frame.start.timestamp(),
        chargers=tuple(vehicle.charger for vehicle in file.vehicles),
        problem=Problem(fleet=fleet, site=site, discharge=_discharge(file, stations, asked=True)),
        giving=_discharge(file, stations, asked=False),
    )


class _Frame(NamedTuple):
    """When the plan's steps begin: in UTC, and on the site's clocks."""

    zone: ZoneInfo
    start: datetime
    step: timedelta
    local: tuple[datetime, ...]

    @property
    def steps(self) -> int:
        return len(self.local)


def _frame(file: SiteFile, where: str) -> _Frame:
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
    return _Frame(zone, start, step, begun)


def _course(value: Course, frame: _Frame, where: str) -> Float[np.ndarray, " steps"]:
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


def _daily(value: dict[time, float], frame: _Frame, where: str) -> Float[np.ndarray, " steps"]:
    if not value:
        raise InputError("no value from any time of day on", where=where, mend="give one")
    times = sorted(value)
    place = [sum(t <= local.time() for t in times) - 1 for local in frame.local]
    return np.array([value[times[n]] for n in place])  # before the first, the last still holds


def _site(file: SiteFile, frame: _Frame, where: str) -> Site:
    connection, prices = file.connection, file.prices
    phase_limit = None
    if connection.phase_limit_ampere is not None:
        kilowatt = connection.phase_limit_ampere * connection.voltage_volt / 1000.0
        phase_limit = np.full((len(PHASES), frame.steps), kilowatt)
    sell = prices.sell_eur_per_kwh
    return Site(
        step_hour=frame.step.total_seconds() / SECOND_PER_HOUR,
        price_eur_per_kwh=_course(prices.buy_eur_per_kwh, frame, f"{where}: buy_eur_per_kwh"),
        limit_kilowatt=_course(connection.limit_kilowatt, frame, f"{where}: limit_kilowatt"),
        base_kilowatt=_course(connection.base_kilowatt, frame, f"{where}: base_kilowatt"),
        pv_kilowatt=_course(connection.pv_kilowatt, frame, f"{where}: pv_kilowatt"),
        phase_limit_kilowatt=phase_limit,
        feed_in_eur_per_kwh=None
        if sell is None
        else _course(sell, frame, f"{where}: sell_eur_per_kwh"),
        demand_eur_per_kilowatt=connection.demand_eur_per_kilowatt,
        groups=tuple(
            Group(
                group.name,
                np.array([vehicle.charger in group.chargers for vehicle in file.vehicles], bool),
                _course(group.limit_kilowatt, frame, f"{where}: {group.name}"),
            )
            for group in file.groups
        ),
    )


def _fleet(file: SiteFile, stations: dict[str, ChargerSection], frame: _Frame, where: str) -> Fleet:
    vehicles = file.vehicles
    at = [stations[vehicle.charger] for vehicle in vehicles]
    phases = np.array(
        [min(s.phases, v.phases or s.phases) for s, v in zip(at, vehicles, strict=True)], np.int64
    )
    power = [
        min(s.power_kilowatt, v.power_kilowatt or np.inf) for s, v in zip(at, vehicles, strict=True)
    ]
    stays = np.array([_stay(vehicle, frame, where) for vehicle in vehicles]).reshape(-1, 2)
    need = np.array([max(v.soc_departure - v.soc_arrival, 0.0) * v.battery_kwh for v in vehicles])
    least = START_CURRENT_AMPERE * file.connection.voltage_volt * phases / 1000.0
    return Fleet(
        arrival_step=stays[:, 0],
        departure_step=stays[:, 1],
        power_max_kilowatt=np.array(power),
        energy_kwh=need,
        battery_kwh=np.array([v.battery_kwh for v in vehicles]),
        stored_kwh=np.array([v.soc_arrival * v.battery_kwh for v in vehicles]),
        phases=phases,
        phase=np.array([PHASES.index(station.phase) for station in at], np.int64),
        charge_efficiency=np.array([v.efficiency for v in vehicles]),
        power_min_kilowatt=np.minimum(least, power),
        names=tuple(vehicle.id for vehicle in vehicles),
    )


def _stay(vehicle: VehicleSection, frame: _Frame, where: str) -> tuple[int, int]:
    """Give the first step that begins after arrival, and that under way at departure."""
    arrival = _moment(vehicle.arrives, frame, frame.start)
    departure = _moment(vehicle.departs, frame, arrival)
    first = max(0, -((frame.start - arrival) // frame.step))
    last = min(frame.steps, (departure - frame.start) // frame.step)
    if last <= first:
        raise InputError(
            f"its stay from {vehicle.arrives} to {vehicle.departs} holds no step of the plan",
            where=f"{where}: {vehicle.id}",
            mend="correct arrives and departs, or start and hours of the plan",
        )
    return first, last


def _moment(value: time | datetime, frame: _Frame, after: datetime) -> datetime:
    """Give the moment of a date and time, or the first of a time of day from another moment on."""
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=frame.zone)).astimezone(UTC)
    day: date = after.astimezone(frame.zone).date()
    found = datetime.combine(day, value, frame.zone).astimezone(UTC)
    if found < after:
        found = datetime.combine(day + timedelta(days=1), value, frame.zone).astimezone(UTC)
    return found


def _discharge(
    file: SiteFile, stations: dict[str, ChargerSection], *, asked: bool
) -> Discharge | None:
    """Give what vehicles may give back: those whose owner asked for it, or all."""
    limit = np.array(
        [
            stations[v.charger].discharge_kilowatt if v.v2g or not asked else 0.0
            for v in file.vehicles
        ],
        np.float64,
    )
    if not limit.any():
        return None
    wear = np.array(file.v2g.wear_eur_per_kwh)
    return Discharge(
        limit_kilowatt=limit,
        efficiency=np.full(len(limit), file.v2g.efficiency),
        tier_fraction=np.full(len(wear), 1.0 / len(wear)),
        tier_wear_eur_per_kwh=wear,
    )


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
        if charger.phase not in PHASES or charger.phases == len(PHASES) - 1:
            raise InputError(
                f"phase {charger.phase} of {charger.phases}",
                where=f"{where}: {charger.id}",
                mend="say 1 phase and L1, L2 or L3, or 3 phases",
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

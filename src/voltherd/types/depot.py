"""What is told of a depot's plan: who charges when, at what cost, and who waits for what."""

from dataclasses import dataclass
from typing import Final, NamedTuple, final

AS_IT_GOES: Final = "planned as it goes"
ALL_KNOWN: Final = "planned, all known"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Spell:
    """A stretch of steps of one vehicle with nearly the same power.

    Attributes:
        begin_second: Its begin [unix s].
        end_second: Its end [unix s].
        kilowatt: Mean power at the charger, negative where the vehicle gives [kW].
    """

    begin_second: float
    end_second: float
    kilowatt: float


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """One vehicle's night.

    Attributes:
        vehicle: Its name.
        charger: Where it stands.
        arrival_second: When it can begin [unix s].
        departure_second: When it must be ready [unix s].
        soc_arrival: State of charge then, 0 to 1.
        soc_planned: At departure, by the plan.
        soc_wanted: At departure, as asked for.
        need_kwh: To be in the battery beyond what is in it [kWh].
        missing_kwh: What the plan leaves out [kWh].
        drawn_kwh: Drawn at the charger [kWh].
        given_kwh: Given back there [kWh].
        energy_eur: Price of what it draws less what it gives [EUR].
        wear_eur: Wear of giving back [EUR].
        spells: When it charges.
        waits: Why it does not charge from its arrival on; empty where it does.
    """

    vehicle: str
    charger: str
    arrival_second: float
    departure_second: float
    soc_arrival: float
    soc_planned: float
    soc_wanted: float
    need_kwh: float
    missing_kwh: float
    drawn_kwh: float
    given_kwh: float
    energy_eur: float
    wear_eur: float
    spells: tuple[Spell, ...]
    waits: str

    @property
    def ready(self) -> bool:
        """Whether it leaves with what was asked for, to a watt-hour in a thousand."""
        return self.missing_kwh <= 1e-3 * max(self.need_kwh, 1e-3)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """The site over the plan's steps.

    Attributes:
        second: Begins of the steps [unix s].
        vehicles_kilowatt: Drawn by all vehicles [kW].
        site_kilowatt: Drawn from the grid, with base load and less own generation [kW].
        uncontrolled_kilowatt: The same where every vehicle charges at once [kW].
        limit_kilowatt: Of the connection [kW].
        base_kilowatt: Beside the vehicles [kW].
        pv_kilowatt: Own generation [kW].
        price_eur_per_kwh: Of buying [EUR/kWh].
        site_price_eur_per_kwh: The same with what limits add to it [EUR/kWh].
    """

    second: tuple[float, ...]
    vehicles_kilowatt: tuple[float, ...]
    site_kilowatt: tuple[float, ...]
    uncontrolled_kilowatt: tuple[float, ...]
    limit_kilowatt: tuple[float, ...]
    base_kilowatt: tuple[float, ...]
    pv_kilowatt: tuple[float, ...]
    price_eur_per_kwh: tuple[float, ...]
    site_price_eur_per_kwh: tuple[float, ...]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Uncontrolled:
    """What happens where every vehicle charges as soon as it is there.

    Attributes:
        cost_eur: Of it, wear and demand charge included [EUR].
        peak_kilowatt: Highest power from the grid [kW].
        over_hour: How long it is above a limit [h].
    """

    cost_eur: float
    peak_kilowatt: float
    over_hour: float


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """A battery of the site.

    Attributes:
        name: What it is called.
        capacity_kwh: What it holds [kWh].
        taken_kwh: Drawn from the site [kWh].
        given_kwh: Given to it [kWh].
        wear_eur: Of giving [EUR].
        soc: State of charge at the ends of the steps, the first where it begins.
        kilowatt: Power in each step, negative where it gives [kW].
    """

    name: str
    capacity_kwh: float
    taken_kwh: float
    given_kwh: float
    wear_eur: float
    soc: tuple[float, ...]
    kilowatt: tuple[float, ...]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Worn:
    """What charges wear by ageing models, moving and waiting together.

    Attributes:
        median_eur: Of the models [EUR].
        lowest_eur: Of the models [EUR].
        highest_eur: Of the models [EUR].
        batteries: How many are known.
        models: Fewest that know one of them.
        untested: Names of models whose cells were not tested so.
    """

    median_eur: float
    lowest_eur: float
    highest_eur: float
    batteries: int
    models: int
    untested: tuple[str, ...]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class DepotSheet:
    """A plan, told.

    Attributes:
        site: Its name.
        zone: Time zone that it tells times in.
        step_second: Length of a step [s].
        cost_eur: What charging adds to the bill, wear and demand charge included [EUR].
        bound_eur: No plan that delivers as much costs less [EUR].
        gap: Cost beyond the bound, as a share of the cost.
        wear_eur: Part of the cost that is wear of giving back [EUR].
        peak_kilowatt: Highest power from the grid [kW].
        own_share: Share of what vehicles draw that comes from own generation, None without any.
        uncontrolled: What happens without a plan.
        stays: Vehicles, in the order of the file.
        course: The site over time.
        short: Which limits stand in the way of what is missing, in words; empty where nothing is.
        own_used_share: Share of own generation that the site uses, None without any.
        own_used_share_uncontrolled: The same without a plan.
        stores: Batteries of the site.
        worn: Wear of all batteries that are known, by ageing models; None where none is.
        worn_uncontrolled: The same without a plan.
        notes: What else is to be said of the plan, in words.
    """

    site: str
    zone: str
    step_second: float
    cost_eur: float
    bound_eur: float
    gap: float
    wear_eur: float
    peak_kilowatt: float
    own_share: float | None
    uncontrolled: Uncontrolled
    stays: tuple[Stay, ...]
    course: Course
    short: tuple[str, ...]
    own_used_share: float | None = None
    own_used_share_uncontrolled: float | None = None
    stores: tuple[Store, ...] = ()
    worn: Worn | None = None
    worn_uncontrolled: Worn | None = None
    notes: tuple[str, ...] = ()

    @property
    def ready(self) -> int:
        """How many vehicles leave with what was asked for."""
        return sum(stay.ready for stay in self.stays)


class Way(NamedTuple):
    """What one way of charging made of a day, or of several.

    Attributes:
        name: Of the way.
        cost_eur: Added to the site's bill [EUR].
        wanted_kwh: Energy that vehicles could have taken [kWh].
        drawn_kwh: Energy that they took [kWh].
        peak_kilowatt: Highest power from the grid [kW].
        over_hour: How long the site's limit was passed [h].
    """

    name: str
    cost_eur: float
    wanted_kwh: float
    drawn_kwh: float
    peak_kilowatt: float
    over_hour: float

    @property
    def missing_kwh(self) -> float:
        """What vehicles left without [kWh]."""
        return self.wanted_kwh - self.drawn_kwh


class BatteryNow(NamedTuple):
    """What estimators say of a vehicle's battery; NaN where they cannot tell.

    Attributes:
        second: Of when it is [unix s].
        soc: State of charge, 0 to 1.
        celsius: Of its warmest cell [°C].
        soh: Share of its capacity when new that it holds.
    """

    second: float
    soc: float
    celsius: float
    soh: float


class Account(NamedTuple):
    """One stay.

    Attributes:
        vehicle: Its name, or what it showed at the station.
        charger: Where.
        transaction_id: Of its charging.
        start_second: When that began [unix s].
        stop_second: When it ended; None while it goes on [unix s].
        departure_second: When it is to be ready [unix s].
        drawn_wh: By the station's meter: what is billed [Wh].
        stored_kwh: Of that in the battery [kWh].
        wanted_kwh: To come into the battery [kWh].
        ready: Whether that is reached.
        why: Why not, in words; empty where it is, or may yet be.
        flags: What is to be looked at before it is billed.
    """

    vehicle: str
    charger: str
    transaction_id: str
    start_second: float
    stop_second: float | None
    departure_second: float
    drawn_wh: float
    stored_kwh: float
    wanted_kwh: float
    ready: bool
    why: str
    flags: tuple[str, ...]

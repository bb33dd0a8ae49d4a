"""A depot's plan as the API tells it."""

from pydantic import Field

from voltherd.cloud.schema import Shape, Time


class Spell(Shape):
    """A stretch of time with nearly the same power."""

    begin: Time
    end: Time
    kilowatt: float
    """At the charger; negative where the vehicle gives."""


class DepotStay(Shape):
    """One vehicle's night."""

    vehicle: str
    charger: str
    arrival: Time
    departure: Time
    ready: bool
    """Whether it leaves with what was asked for."""
    soc_arrival: float
    soc_planned: float
    soc_wanted: float
    need_kwh: float
    missing_kwh: float
    drawn_kwh: float
    given_kwh: float
    energy_eur: float
    """Price of what it draws less what it gives."""
    wear_eur: float
    waits: str
    """Why it does not charge from its arrival on; empty where it does."""
    spells: list[Spell]


class WithoutPlan(Shape):
    """What happens where every vehicle charges as soon as it is there."""

    cost_eur: float
    peak_kilowatt: float
    over_hour: float
    """How long it is above a limit."""


class DepotCourse(Shape):
    """The site over the plan's steps."""

    time: list[Time]
    vehicles_kilowatt: list[float]
    site_kilowatt: list[float]
    uncontrolled_kilowatt: list[float]
    limit_kilowatt: list[float]
    base_kilowatt: list[float]
    pv_kilowatt: list[float]
    price_eur_per_kwh: list[float]
    site_price_eur_per_kwh: list[float]
    """The price with what limits add to it."""


class DepotStore(Shape):
    """A battery of the site over the plan."""

    name: str
    capacity_kwh: float
    taken_kwh: float
    given_kwh: float
    wear_eur: float
    soc: list[float]
    """At the ends of the steps, the first where the plan begins."""
    kilowatt: list[float]
    """Negative where it gives."""


class DepotWear(Shape):
    """What charges wear by ageing models, moving and waiting together."""

    median_eur: float
    lowest_eur: float
    highest_eur: float
    batteries: int
    """How many it is known of."""
    models: int
    """Fewest that know one of them."""
    untested: list[str]
    """Models whose cells were not tested so."""


class DepotPlan(Shape):
    """Who charges when, what it costs, and how near the best possible that is."""

    plan_schema: str = Field(alias="schema")
    site: str
    timezone: str
    step_second: float
    cost_eur: float
    bound_eur: float
    """No plan that delivers as much costs less."""
    gap: float
    """Cost beyond the bound, as a share of the cost."""
    wear_eur: float
    peak_kilowatt: float
    own_share: float | None
    """Share of what vehicles draw that is the site's own generation."""
    own_used_share: float | None
    """Share of the site's own generation that it uses."""
    own_used_share_uncontrolled: float | None
    stores: list[DepotStore]
    worn: DepotWear | None
    """Null where no vehicle's cells are known."""
    worn_uncontrolled: DepotWear | None
    notes: list[str]
    """What else is to be said of the plan."""
    ready: int
    short: list[str]
    """Which limits stand in the way of what is missing."""
    uncontrolled: WithoutPlan
    vehicles: list[DepotStay]
    course: DepotCourse


class DepotStretch(Shape):
    """The site over one step; null where nothing is known."""

    begin: Time
    vehicles_kilowatt: float | None
    site_kilowatt: float | None
    limit_kilowatt: float
    price_eur_per_kwh: float
    highest_kilowatt: float | None
    """The most at any look."""
    looks: int
    """How often it was looked at; 0 in the future."""


class DepotGuest(Shape):
    """A vehicle's stay, as far as it has got."""

    vehicle: str
    charger: str
    session: str
    begin: Time
    end: Time | None
    """Null while it is there."""
    departure: Time
    """When it is to be ready."""
    drawn_kwh: float
    """By the station's meter."""
    stored_kwh: float
    wanted_kwh: float
    ready: bool
    why: str
    """Why it left without; empty otherwise."""
    flags: list[str]


class DepotPlace(Shape):
    """A charger now."""

    charger: str
    station: str
    online: bool
    guest: DepotGuest | None
    kilowatt: float | None
    """Null while its meter does not say."""
    age_second: float | None
    allowed_kilowatt: float
    planned_kilowatt: float
    might_kilowatt: float
    """The most it may draw, as far as is known for sure."""
    why: str
    """Why it has this limit."""
    next_begin: Time | None
    """When the plan lets it charge."""


class DepotNow(Shape):
    """A depot while it runs: the last day, now, and the hours to come."""

    time: Time
    """By the depot's clock."""
    age_second: float
    """How long ago this was told."""
    site: str
    timezone: str
    step_second: float
    kilowatt: float | None
    metered: bool
    """Whether the connection's meter says so; else what stations tell and what is expected."""
    limit_kilowatt: float
    spare_kilowatt: float
    """What the connection has left beside all that might be drawn."""
    plan_made: Time | None
    plan_eur: float | None
    """What is still to come costs by the plan."""
    plan_gap: float | None
    places: list[DepotPlace]
    left: list[DepotGuest]
    """Stays that ended within a day, the latest first."""
    past: list[DepotStretch]
    next: list[DepotStretch]
    notes: list[str]
    """What else is to be said."""

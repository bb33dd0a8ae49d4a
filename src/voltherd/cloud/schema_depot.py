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
    ready: int
    short: list[str]
    """Which limits stand in the way of what is missing."""
    uncontrolled: WithoutPlan
    vehicles: list[DepotStay]
    course: DepotCourse

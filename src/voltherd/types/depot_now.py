"""A depot that runs, as it is told: what was, what is, and what is to come."""

from typing import NamedTuple

from voltherd.types.depot import Account


class Stretch(NamedTuple):
    """The site over one step of its plan; powers are means, NaN where nothing is known.

    Attributes:
        begin_second: Where it begins [unix s].
        vehicles_kilowatt: Drawn by vehicles [kW].
        site_kilowatt: Drawn from the grid [kW].
        limit_kilowatt: Of the connection [kW].
        price_eur_per_kwh: Of buying [EUR/kWh].
        highest_kilowatt: The most drawn from the grid at any look [kW].
        looks: How often it was looked at; 0 in the future.
    """

    begin_second: float
    vehicles_kilowatt: float
    site_kilowatt: float
    limit_kilowatt: float
    price_eur_per_kwh: float
    highest_kilowatt: float
    looks: int = 0


class Place(NamedTuple):
    """A charger now.

    Attributes:
        charger: Its name.
        station: The station it is part of.
        online: Whether that is connected.
        stay: Who is there, and what it got; None where nobody is.
        kilowatt: Drawn, by its meter; NaN where it does not say [kW].
        age_second: How old that is [s].
        allowed_kilowatt: Its limit [kW].
        planned_kilowatt: What the plan wants [kW].
        might_kilowatt: The most that it may draw, as far as is known for sure [kW].
        why: Why it has this limit.
        next_second: When the plan lets it charge, from now on; NaN where it does not [unix s].
    """

    charger: str
    station: str
    online: bool
    stay: Account | None
    kilowatt: float
    age_second: float
    allowed_kilowatt: float
    planned_kilowatt: float
    might_kilowatt: float
    why: str
    next_second: float


class DepotNow(NamedTuple):
    """A depot at a moment.

    Attributes:
        now_second: By the depot's clock [unix s].
        site: Its name.
        zone: Time zone that its times are told in.
        step_second: Length of a stretch [s].
        kilowatt: Drawn from the grid [kW].
        is_metered: Whether a meter says so; else it is what stations tell, and what is expected
            beside them.
        limit_kilowatt: Of the connection [kW].
        spare_kilowatt: What it has left beside all that might be drawn; below 0 where the limit
            cannot be promised [kW].
        plan_second: When the plan was made; NaN without one [unix s].
        plan_eur: What is still to come costs by it [EUR].
        plan_gap: How much dearer that is than the best, at most, as a share.
        places: Chargers, in the order of the site file.
        left: Stays that have ended in the last day, the latest first.
        past: The last day.
        next: The hours to come, by the plan.
        notes: What else is to be said, in words.
    """

    now_second: float
    site: str
    zone: str
    step_second: float
    kilowatt: float
    is_metered: bool
    limit_kilowatt: float
    spare_kilowatt: float
    plan_second: float
    plan_eur: float
    plan_gap: float
    places: tuple[Place, ...]
    left: tuple[Account, ...]
    past: tuple[Stretch, ...]
    next: tuple[Stretch, ...]
    notes: tuple[str, ...] = ()

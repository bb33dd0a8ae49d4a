"""Ways of charging a depot that need no plan: what every plan is measured against.

Each looks at one step at a time and gives the site's room away by a rule; none but ``uncontrolled``
ever exceeds it.  A vehicle gets nothing or at least its least power, except where its last
kilowatt-hours are less than that.

Sources of the rules: earliest deadline first and least laxity first, Liu and Layland, J. ACM 20
(1973) 46, and Xu et al., IEEE Trans. Control Systems Technology 24 (2016) 1609; equal share and
round robin as in ACN-Sim, Lee et al., IEEE Trans. Smart Grid 12 (2021) 5113.
"""

from collections.abc import Callable
from typing import Final, NamedTuple, TypeAlias

import numpy as np
from jaxtyping import Float, Int

from voltherd.charging.problem import Problem
from voltherd.errors import InputError

PerVehicle: TypeAlias = Float[np.ndarray, " vehicles"]
_NOTHING: Final = 1e-9


class Depot(NamedTuple):
    """Vehicles and the room that a site leaves them.

    Attributes:
        arrival: First step at the charger.
        departure: First step away again.
        power_max_kilowatt: Of vehicle and charger together [kW].
        power_min_kilowatt: Below which it does not charge [kW].
        energy_kwh: Wanted by departure [kWh].
        site_cap_kilowatt: Left to charging, by step [kW].
        step_hour: Length of a step [h].
    """

    arrival: Int[np.ndarray, " vehicles"]
    departure: Int[np.ndarray, " vehicles"]
    power_max_kilowatt: PerVehicle
    power_min_kilowatt: PerVehicle
    energy_kwh: PerVehicle
    site_cap_kilowatt: Float[np.ndarray, " steps"]
    step_hour: float


class Charged(NamedTuple):
    """What came of it.

    Attributes:
        power_kilowatt: By step and vehicle [kW].
        unmet_kwh: Energy that vehicles left without [kWh].
        over_kilowatt: The most by which the site's room was exceeded; 0 if it never was [kW].
    """

    power_kilowatt: Float[np.ndarray, "steps vehicles"]
    unmet_kwh: PerVehicle
    over_kilowatt: float


class Now(NamedTuple):
    """What a rule sees at a step.

    Attributes:
        step: Which.
        need_kwh: What is missing yet; 0 for who is away [kWh].
        want_kilowatt: What each would draw; 0 for who is away or done [kW].
        served: Step at which each was last given power, -1 for never.
    """

    step: int
    need_kwh: PerVehicle
    want_kilowatt: PerVehicle
    served: Int[np.ndarray, " vehicles"]


def depot_of(problem: Problem) -> Depot:
    """Give what rules see of a problem: one room at a time, and energy that stays can hold."""
    fleet, site = problem.fleet, problem.site
    return Depot(
        fleet.arrival_step,
        fleet.departure_step,
        fleet.power_max_kilowatt,
        fleet.power_min_kilowatt,
        problem.reachable_kwh,
        site.headroom_kilowatt,
        site.step_hour,
    )


Rule: TypeAlias = Callable[[Depot, Now], PerVehicle]
"""Gives the power of every vehicle at a step."""


def checked(depot: Depot) -> Depot:
    """Refuse a depot that makes no sense.

    Raises:
        InputError: With the first vehicle or step at fault.
    """
    steps = len(depot.site_cap_kilowatt)
    faults = {
        "leaves before it arrives": depot.departure <= depot.arrival,
        "is there outside the time looked at": (depot.arrival < 0) | (depot.departure > steps),
        "has powers that make no sense": ~(
            (depot.power_min_kilowatt >= 0.0)
            & (depot.power_min_kilowatt <= depot.power_max_kilowatt)
            & (depot.power_max_kilowatt < np.inf)
        ),
        "wants an energy that makes no sense": ~(
            (depot.energy_kwh >= 0.0) & (depot.energy_kwh < np.inf)
        ),
    }
    for what, wrong in faults.items():
        if wrong.any():
            raise InputError(what, where=f"vehicle {int(wrong.argmax()) + 1}")
    missing = ~np.isfinite(depot.site_cap_kilowatt)
    if missing.any():
        raise InputError("the site's room is not known", where=f"step {int(missing.argmax()) + 1}")
    if not 0.0 < depot.step_hour < np.inf:
        raise InputError(f"a step of {depot.step_hour:g} h is none")
    return depot


def run(depot: Depot, rule: Rule) -> Charged:
    """Go through the steps and charge by a rule.

    Raises:
        InputError: The depot makes no sense.
    """
    depot = checked(depot)
    steps, vehicles = len(depot.site_cap_kilowatt), len(depot.energy_kwh)
    power = np.zeros((steps, vehicles))
    need, served = depot.energy_kwh.copy(), np.full(vehicles, -1)
    for step in range(steps):
        here = (depot.arrival <= step) & (step < depot.departure)
        there = np.where(here & (need > _NOTHING), need, 0.0)
        want = np.minimum(depot.power_max_kilowatt, there / depot.step_hour)
        power[step] = rule(depot, Now(step, there, want, served))
        need = need - power[step] * depot.step_hour
        served = np.where(power[step] > 0.0, step, served)
    over = power.sum(axis=1) - np.maximum(depot.site_cap_kilowatt, 0.0)
    unmet = np.where(need > _NOTHING, need, 0.0)
    return Charged(power, unmet, float(np.maximum(over.max(initial=0.0), 0.0)))


def uncontrolled(depot: Depot, now: Now) -> PerVehicle:
    """Give everybody everything, whatever the site bears."""
    return now.want_kilowatt


def first_come(depot: Depot, now: Now) -> PerVehicle:
    """Serve who came first."""
    return in_order(depot, now, depot.arrival.astype(np.float64))


def earliest_deadline(depot: Depot, now: Now) -> PerVehicle:
    """Serve who leaves first."""
    return in_order(depot, now, depot.departure.astype(np.float64))


def least_laxity(depot: Depot, now: Now) -> PerVehicle:
    """Serve who could wait least: time left less time to charge at full power."""
    at_full = now.need_kwh / np.maximum(depot.power_max_kilowatt, _NOTHING) / depot.step_hour
    return in_order(depot, now, depot.departure - now.step - at_full)


def round_robin(depot: Depot, now: Now) -> PerVehicle:
    """Serve who has been without the longest, of equals who came first."""
    return in_order(depot, now, now.served + depot.arrival / (len(depot.site_cap_kilowatt) + 1.0))


def equal_share(depot: Depot, now: Now) -> PerVehicle:
    """Give everybody the same, as many as least powers allow, who has had least coming first."""
    room = max(float(depot.site_cap_kilowatt[now.step]), 0.0)
    floor = np.minimum(depot.power_min_kilowatt, now.want_kilowatt)
    had = np.where(now.want_kilowatt > 0.0, depot.energy_kwh - now.need_kwh, np.inf)
    order = np.argsort(had, kind="stable")
    admitted = np.zeros(len(order), dtype=bool)
    admitted[order] = np.cumsum(floor[order]) <= room + _NOTHING
    want, floor = now.want_kilowatt * admitted, floor * admitted
    low, high = 0.0, float(want.max(initial=0.0))
    if want.sum() <= room:
        return want
    for _ in range(50):
        level = 0.5 * (low + high)
        low, high = (level, high) if np.clip(level, floor, want).sum() <= room else (low, level)
    return np.asarray(np.clip(low, floor, want))


RULES: Final[dict[str, Rule]] = {
    "uncontrolled": uncontrolled,
    "first come": first_come,
    "equal share": equal_share,
    "earliest deadline": earliest_deadline,
    "least laxity": least_laxity,
    "round robin": round_robin,
}
"""Every rule, by its name for people."""


def in_order(depot: Depot, now: Now, key: PerVehicle) -> PerVehicle:
    """Give who comes first by a key all it wants, then the next, until the room is used up.

    Who no longer fits gets the rest if that is not too little for it, and is passed over else.
    """
    given = np.zeros(len(key))
    room = max(float(depot.site_cap_kilowatt[now.step]), 0.0)
    order = np.argsort(key, kind="stable")
    order = order[now.want_kilowatt[order] > 0.0]
    floor = np.minimum(depot.power_min_kilowatt, now.want_kilowatt)
    while len(order) and room > _NOTHING:
        total = np.cumsum(now.want_kilowatt[order])
        whole = int(np.searchsorted(total, room + _NOTHING, side="right"))
        given[order[:whole]] = now.want_kilowatt[order[:whole]]
        room -= float(total[whole - 1]) if whole else 0.0
        rest = order[whole:]
        fits = rest[floor[rest] <= room]
        if len(fits):
            given[fits[0]] = min(room, float(now.want_kilowatt[fits[0]]))
            room -= float(given[fits[0]])
            order = fits[1:]
        else:
            break
    return given

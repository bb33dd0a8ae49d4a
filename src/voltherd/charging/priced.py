"""Rows that money can widen: peak, surplus, tiers of price, reserve for the grid, an outage's load.

Each is a bound on the power of all vehicles together, with a price at which it may be passed.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from voltherd.charging.problem import DRAWS, GIVES, SWITCHES, Problem
from voltherd.charging.site import Band, Outage, PerStep, Site


class Priced(NamedTuple):
    """One of them, over all steps.

    Attributes:
        name: Of it.
        sign: Of the vehicles' power in it: at most, or at least.
        room_kilowatt: What may be drawn, or less what must be; infinite where it is no bound [kW].
        eur: Price of each relief [EUR/kW]; None where it cannot be widened.
        number: Which of its reliefs belongs to each step.
        constant_eur: What passing it costs where nobody charges [EUR].
        cumulative: Whether it is of all that was drawn up to a step.
        shares: Whether it has the reliefs of the row before it.
        member: Vehicles that count; all where it is not given.
    """

    name: str
    sign: float
    room_kilowatt: PerStep
    eur: Float[np.ndarray, "reliefs"] | None
    number: Int[np.ndarray, "steps"]
    constant_eur: float = 0.0
    cumulative: bool = False
    shares: bool = False
    member: Bool[np.ndarray, "vehicles"] | None = None


def priced_rows(problem: Problem) -> list[Priced]:
    """Give all such rows of a problem."""
    site = problem.site
    base, hour, each = site.net_base_kilowatt, site.step_hour, np.arange(site.steps)
    grid = np.ones(site.steps, dtype=bool) if site.outage is None else ~site.outage.gone
    rows = []
    if site.demand_eur_per_kilowatt > 0:
        price = np.array([site.demand_eur_per_kilowatt])
        room = np.where(grid, site.peak_kilowatt - base, np.inf)
        rows.append(Priced("peak", 1.0, room, price, 0 * each))
    if site.feed_in_eur_per_kwh is not None:
        lost = (site.price_eur_per_kwh - site.feed_in_eur_per_kwh) * hour
        constant = float(lost @ np.maximum(-base, 0.0))
        rows.append(Priced("surplus", -1.0, base, lost, each, constant))
    for number, tier in enumerate(site.power_tiers, start=1):
        price = np.full(site.steps, tier.added_eur_per_kwh * hour)
        constant = float(price[grid] @ np.maximum(base - tier.above, 0.0)[grid])
        room = np.where(grid, tier.above - base, np.inf)
        rows.append(Priced(f"power tier {number}", 1.0, room, price, each, constant))
    for number, tier in enumerate(site.volume_tiers, start=1):
        rows.append(_volume(f"volume tier {number}", site, tier.above, tier.added_eur_per_kwh))
    if site.band is not None:
        rows += _reserve(problem, site.band, grid)
    if site.outage is not None:
        rows += _alone(site, site.outage)
    return rows


def _volume(name: str, site: Site, above_kwh: float, added_eur_per_kwh: float) -> Priced:
    """Bound all energy of the plan; a kW in one step is that of a step's length."""
    base, none = float(site.net_base_kilowatt.sum()), np.full(site.steps, np.inf)
    none[-1] = above_kwh / site.step_hour - base
    price = added_eur_per_kwh * site.step_hour
    constant = price * max(-float(none[-1]), 0.0)
    number = np.zeros(site.steps, dtype=int)
    return Priced(name, 1.0, none, np.array([price]), number, constant, cumulative=True)


def could_draw_more(problem: Problem) -> Bool[np.ndarray, "vehicles"]:
    """Tell which vehicles have room for a step at full power beyond what they are to have.

    They can take more at whatever time they are there.  Of batteries that are filled and emptied
    meanwhile this is not known.
    """
    fleet = problem.fleet
    room_kwh = fleet.battery_kwh - fleet.stored_kwh - fleet.energy_kwh
    step_kwh = fleet.power_max_kilowatt * problem.site.step_hour * fleet.charge_efficiency
    return np.asarray(np.isin(problem.kind, (DRAWS, SWITCHES)) & (room_kwh >= step_kwh))


def _reserve(problem: Problem, band: Band, grid: Bool[np.ndarray, "steps"]) -> list[Priced]:
    """Keep power ready: as much that is drawn and could stop, and as much that could be drawn."""
    site, each = problem.site, np.arange(problem.site.steps)
    able, only_draw = could_draw_more(problem), problem.kind != GIVES
    could = (problem.fleet.power_max_kilowatt * able) @ problem.window
    wanted = np.where(grid, band.kilowatt, 0.0)
    room = [np.where(grid, most - wanted, np.inf) for most in (site.headroom_kilowatt, could)]
    price = band.eur_per_kilowatt_hour * site.step_hour
    without = np.maximum(wanted, wanted - np.minimum(site.headroom_kilowatt, could))
    need = np.where(grid, -wanted, np.inf)
    constant = float(price @ np.where(grid, without, 0.0))
    return [
        Priced("reserve down", 1.0, room[0], price, each, constant),
        Priced("reserve down, by vehicles", 1.0, room[1], price, each, shares=True, member=able),
        Priced("reserve up", -1.0, need, price, each, shares=True, member=only_draw),
    ]


def reserve_kilowatt(
    problem: Problem, power_kilowatt: Float[np.ndarray, "vehicles steps"]
) -> PerStep:
    """Give the reserve that a plan keeps ready in each step, up and down alike [kW]."""
    site = problem.site
    band = site.band
    assert band is not None
    grid = np.ones(site.steps, dtype=bool) if site.outage is None else ~site.outage.gone
    kept = np.where(grid, band.kilowatt, 0.0)
    wanted = kept
    for row in _reserve(problem, band, grid):
        some = power_kilowatt if row.member is None else power_kilowatt[row.member]
        over = np.maximum(row.sign * some.sum(axis=0) - row.room_kilowatt, 0.0)
        kept = np.minimum(kept, np.maximum(wanted - over, 0.0))
    return np.asarray(kept)


def _alone(site: Site, outage: Outage) -> list[Priced]:
    """Let vehicles carry the load that own generation leaves, at most all of it."""
    load = np.where(outage.gone, np.maximum(site.net_base_kilowatt, 0.0), np.inf)
    lacking = outage.gone & (site.net_base_kilowatt > 0.0)
    price = np.full(site.steps, outage.shed_eur_per_kwh * site.step_hour)
    each = np.arange(site.steps)
    constant = float(price[lacking] @ load[lacking])
    room = np.where(lacking, -load, np.inf)
    return [
        Priced("outage", 1.0, room, price, each, constant),
        Priced("outage, no more than its load", -1.0, load, None, each),
    ]

"""A plan told: each vehicle's night, the site's course, and what would happen without a plan."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from jaxtyping import Float

from voltherd.charging.battery_wear import Battery
from voltherd.charging.plan import Plan
from voltherd.charging.problem import Problem
from voltherd.charging.sheet_site import by_models, notes, own_used_share, stores
from voltherd.types.depot import Course, DepotSheet, Spell, Stay, Uncontrolled
from voltherd.units import SECOND_PER_HOUR

_IDLE_KILOWATT: Final = 1e-6
_ALIKE: Final = 0.02
"""Powers within this share of each other are one spell."""
_LIMITED_EUR_PER_KWH: Final = 1e-6
"""A limit that adds more than this to the price of a step keeps vehicles waiting there."""

_LOOSE: Final = 1e-3
"""Share of what is missing that a plan leaves out beyond the least, from which on it is said."""

PerStep = Float[np.ndarray, "steps"]
Powers = Float[np.ndarray, "vehicles steps"]


def depot_sheet(
    problem: Problem,
    plan: Plan,
    *,
    site: str,
    zone: str,
    start_second: float,
    chargers: Sequence[str],
    batteries: Sequence[Battery | None] = (),
) -> DepotSheet:
    """Tell a plan.

    Args:
        problem: What was planned.
        plan: Its plan.
        site: Name of the site.
        zone: Its time zone.
        start_second: Begin of the first step [unix s].
        chargers: Where each vehicle stands.
        batteries: What is known of each vehicle's; of none where it is not given.
    """
    step_second = problem.site.step_hour * SECOND_PER_HOUR
    begin = start_second + step_second * np.arange(problem.site.steps + 1)
    greedy = problem.at_once_kilowatt
    drawn = plan.power_kilowatt.sum(axis=0)
    vehicles = plan.power_kilowatt[: problem.vehicles].sum(axis=0)
    return DepotSheet(
        site=site,
        zone=zone,
        step_second=step_second,
        cost_eur=plan.cost_eur,
        bound_eur=plan.bound_eur,
        gap=plan.gap,
        wear_eur=float(plan.wear_eur.sum()),
        peak_kilowatt=float((drawn + problem.site.net_base_kilowatt).max()),
        own_share=_own_share(problem, vehicles),
        uncontrolled=_uncontrolled(problem, greedy),
        stays=tuple(
            _stay(problem, plan, vehicle, begin, chargers[vehicle])
            for vehicle in range(problem.vehicles)
        ),
        course=_course(problem, plan, begin, greedy.sum(axis=0)),
        short=_short(problem, plan),
        own_used_share=own_used_share(problem, drawn),
        own_used_share_uncontrolled=own_used_share(problem, greedy.sum(axis=0)),
        stores=stores(problem, plan),
        worn=by_models(problem, plan.power_kilowatt, batteries),
        worn_uncontrolled=by_models(problem, greedy, batteries),
        notes=notes(problem, plan, batteries),
    )


def site_cost_eur(problem: Problem, power: Powers) -> float:
    """Give what charging adds to the site's bill, without wear [EUR]."""
    site, drawn = problem.site, power.sum(axis=0)

    def bill(grid_kilowatt: PerStep) -> float:
        energy = grid_kilowatt * site.step_hour
        sold = (
            site.price_eur_per_kwh
            if site.feed_in_eur_per_kwh is None
            else (site.feed_in_eur_per_kwh)
        )
        price = np.where(energy > 0, site.price_eur_per_kwh, sold)
        peak = max(float(grid_kilowatt.max()) - site.peak_kilowatt, 0.0)
        return float(energy @ price) + site.demand_eur_per_kilowatt * peak

    base = site.net_base_kilowatt
    return bill(base + drawn) - bill(base)


def _own_share(problem: Problem, drawn: PerStep) -> float | None:
    """Give the share of own generation, of which the base load takes its part first."""
    site, used = problem.site, np.maximum(drawn, 0.0)
    if not site.pv_kilowatt.any() or not used.any():
        return None
    surplus = np.maximum(site.pv_kilowatt - site.base_kilowatt, 0.0)
    return float(np.minimum(surplus, used).sum() / used.sum())


def _uncontrolled(problem: Problem, greedy: Powers) -> Uncontrolled:
    return Uncontrolled(
        cost_eur=site_cost_eur(problem, greedy),
        peak_kilowatt=float((greedy.sum(axis=0) + problem.site.net_base_kilowatt).max()),
        over_hour=over_hour(problem, greedy),
    )


def over_hour(problem: Problem, power: Powers) -> float:
    """Give how long vehicles' powers are above a limit of the site, of a phase or a group [h]."""
    site = problem.site
    slack = 1e-9 * site.limit_kilowatt + _IDLE_KILOWATT
    over = power.sum(axis=0) > site.headroom_kilowatt + slack
    for group in site.groups:
        together, most = power[group.member].sum(axis=0), group.limit_kilowatt + slack
        if group.by_phase:
            together = 3.0 * phase_kilowatt(problem, power * group.member[:, None]).max(axis=0)
        over |= together > most
    if site.phase_limit_kilowatt is not None:
        by_phase = phase_kilowatt(problem, power) + site.net_base_kilowatt / 3.0
        over |= (by_phase > site.phase_limit_kilowatt + slack).any(axis=0)
    return float(over.sum()) * site.step_hour


def phase_kilowatt(problem: Problem, power: Powers) -> Float[np.ndarray, "3 steps"]:
    """Give what vehicles draw from each phase [kW]."""
    fleet = problem.fleet
    share = np.where((fleet.phases == 3)[:, None], 1.0 / 3.0, fleet.phase[:, None] == np.arange(3))
    return np.asarray(share.T @ power)


def _stay(
    problem: Problem, plan: Plan, vehicle: int, begin: Float[np.ndarray, " edges"], charger: str
) -> Stay:
    fleet, site = problem.fleet, problem.site
    power = plan.power_kilowatt[vehicle]
    energy = power * site.step_hour
    missing = 0.0 if plan.shortage is None else float(plan.shortage.missing_kwh[vehicle])
    battery = float(fleet.battery_kwh[vehicle])
    wanted = float(fleet.stored_kwh[vehicle] + fleet.energy_kwh[vehicle])
    return Stay(
        vehicle=fleet.name(vehicle),
        charger=charger,
        arrival_second=float(begin[fleet.arrival_step[vehicle]]),
        departure_second=float(begin[fleet.departure_step[vehicle]]),
        soc_arrival=float(fleet.stored_kwh[vehicle]) / battery,
        soc_planned=(wanted - missing) / battery,
        soc_wanted=wanted / battery,
        need_kwh=float(fleet.energy_kwh[vehicle]),
        missing_kwh=missing,
        drawn_kwh=float(np.maximum(energy, 0.0).sum()),
        given_kwh=float(np.maximum(-energy, 0.0).sum()),
        energy_eur=float(energy @ site.price_eur_per_kwh),
        wear_eur=float(plan.wear_eur[vehicle]),
        spells=_spells(power, begin),
        waits=_waits(problem, plan, vehicle),
    )


def _spells(power: PerStep, begin: Float[np.ndarray, " edges"]) -> tuple[Spell, ...]:
    """Join steps with nearly the same power."""
    spells = []
    first = 0
    for step in range(1, len(power) + 1):
        reach = _ALIKE * float(np.abs(power).max(initial=0.0)) + _IDLE_KILOWATT
        if step < len(power) and abs(power[step] - power[first]) <= reach:
            continue
        mean = float(power[first:step].mean())
        if abs(mean) > reach / 2.0:
            spells.append(
                Spell(
                    begin_second=float(begin[first]), end_second=float(begin[step]), kilowatt=mean
                )
            )
        first = step
    return tuple(spells)


def _waits(problem: Problem, plan: Plan, vehicle: int) -> str:
    """Say what keeps a vehicle from charging between its arrival and its first energy."""
    fleet, site = problem.fleet, problem.site
    power = plan.power_kilowatt[vehicle]
    charging = np.flatnonzero(power > _IDLE_KILOWATT)
    first = int(fleet.arrival_step[vehicle])
    if not len(charging) or charging[0] == first:
        return ""
    idle, used = slice(first, int(charging[0])), charging
    gives = "; it gives back meanwhile" if (power[idle] < -_IDLE_KILOWATT).any() else ""
    added = plan.site_price_eur_per_kwh - site.price_eur_per_kwh
    dear = float(site.price_eur_per_kwh[idle].mean())
    cheap = float(np.average(site.price_eur_per_kwh[used], weights=power[used]))
    if dear > cheap + _LIMITED_EUR_PER_KWH:
        return f"energy is cheaper later: {cheap:.3f} against {dear:.3f} EUR/kWh{gives}"
    if float(added[idle].mean()) > _LIMITED_EUR_PER_KWH:
        return "others need the power more then: a limit is reached, and it has time"
    return "it has time, and waiting costs nothing"


def _course(
    problem: Problem, plan: Plan, begin: Float[np.ndarray, " edges"], greedy: PerStep
) -> Course:
    site, drawn = problem.site, plan.power_kilowatt.sum(axis=0)
    vehicles = plan.power_kilowatt[: problem.vehicles].sum(axis=0)
    return Course(
        second=_listed(begin[:-1]),
        vehicles_kilowatt=_listed(vehicles),
        site_kilowatt=_listed(drawn + site.net_base_kilowatt),
        uncontrolled_kilowatt=_listed(greedy + site.net_base_kilowatt),
        limit_kilowatt=_listed(site.limit_kilowatt),
        base_kilowatt=_listed(site.base_kilowatt),
        pv_kilowatt=_listed(site.pv_kilowatt),
        price_eur_per_kwh=_listed(site.price_eur_per_kwh),
        site_price_eur_per_kwh=_listed(plan.site_price_eur_per_kwh),
    )


def _listed(values: np.ndarray) -> tuple[float, ...]:
    return tuple(values.tolist())


def _short(problem: Problem, plan: Plan) -> tuple[str, ...]:
    """Say which limits stand in the way, and by how much."""
    shortage = plan.shortage
    if shortage is None:
        return ()
    own = np.flatnonzero(shortage.own_kwh > _IDLE_KILOWATT)
    told = [
        f"{problem.fleet.name(int(vehicle))}: its own power and stay leave "
        f"{shortage.own_kwh[vehicle]:.1f} kWh out, whatever the site's limits"
        for vehicle in own[np.argsort(-shortage.own_kwh[own], kind="stable")]
    ]
    if shortage.drawn_kwh > _IDLE_KILOWATT:
        told.append(
            f"limits leave {shortage.drawn_kwh:.1f} kWh undrawn; no plan leaves less than "
            f"{shortage.least_kwh:.1f} kWh"
        )
    beyond = shortage.drawn_kwh - shortage.least_kwh
    if beyond > _LOOSE * max(shortage.drawn_kwh, 1.0):
        told.append(
            f"{beyond:.1f} kWh of it for least powers, in whole steps: that plans without them "
            "could deliver it is all that is known, and the bound on the cost is theirs"
        )
    told += [
        f"{obstacle.name} is in the way for {len(obstacle.steps) * problem.site.step_hour:.2g} h: "
        "a kilowatt more all that time would deliver up to "
        f"{obstacle.kwh_per_kilowatt.sum():.2g} kWh"
        for obstacle in shortage.obstacles
    ]
    return tuple(told)

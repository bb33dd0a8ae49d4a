"""What a plan says of the site: its batteries, its own generation, and what else is to be said."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from jaxtyping import Float

from voltherd.charging.battery_wear import Battery, worn
from voltherd.charging.fairness import fairness
from voltherd.charging.plan import Plan
from voltherd.charging.priced import reserve_kilowatt
from voltherd.charging.problem import Problem
from voltherd.types.depot import Store, Worn

_SOME_KWH: Final = 0.05
_READY_KILOWATT: Final = 0.01


def own_used_share(problem: Problem, drawn: Float[np.ndarray, "steps"]) -> float | None:
    """Give the share of own generation that is not sold, where there is any.

    Args:
        problem: What was planned.
        drawn: By vehicles and batteries together [kW].
    """
    site = problem.site
    made = float(site.pv_kilowatt.sum())
    if made <= 0.0:
        return None
    sold = np.clip(site.pv_kilowatt - site.base_kilowatt - drawn, 0.0, site.pv_kilowatt)
    return 1.0 - float(sold.sum()) / made


def stores(problem: Problem, plan: Plan) -> tuple[Store, ...]:
    """Tell the site's batteries."""
    return tuple(_store(problem, plan, n) for n in range(problem.vehicles, problem.fleet.size))


def _store(problem: Problem, plan: Plan, number: int) -> Store:
    fleet, discharge = problem.fleet, problem.discharge
    power, size = plan.power_kilowatt[number], float(fleet.battery_kwh[number])
    taken, given = (np.maximum(way, 0.0) * problem.site.step_hour for way in (power, -power))
    out = 1.0 if discharge is None else float(discharge.efficiency[number])
    gained = np.cumsum(taken * fleet.charge_efficiency[number] - given / out)
    stored = float(fleet.stored_kwh[number]) + np.concatenate([[0.0], gained])
    return Store(
        name=fleet.name(number),
        capacity_kwh=size,
        taken_kwh=float(taken.sum()),
        given_kwh=float(given.sum()),
        wear_eur=float(plan.wear_eur[number]),
        soc=tuple((stored / size).tolist()),
        kilowatt=tuple(power.tolist()),
    )


def by_models(
    problem: Problem,
    power: Float[np.ndarray, "vehicles steps"],
    batteries: Sequence[Battery | None],
) -> Worn | None:
    """Tell what charges wear by the ageing models; None where no battery is known."""
    found = worn(problem, power, batteries)
    return None if found is None else Worn(**found._asdict())


def notes(
    problem: Problem, plan: Plan, batteries: Sequence[Battery | None] = ()
) -> tuple[str, ...]:
    """Say what else there is to say."""
    told = _wear(problem, plan, batteries)
    for store in stores(problem, plan):
        if store.taken_kwh + store.given_kwh < _SOME_KWH:
            told.append(f"{store.name} rests: no price pays for its losses and wear")
            continue
        told.append(
            f"{store.name} takes in {store.taken_kwh:.1f} kWh and gives {store.given_kwh:.1f} kWh, "
            f"{store.wear_eur:.2f} EUR of wear; it ends at {100 * store.soc[-1]:.0f} %, begun at "
            f"{100 * store.soc[0]:.0f} %"
        )
    told += _switched(problem, plan) + _fairness(problem, plan)
    told += _tiers(problem, plan) + _band(problem, plan) + _outage(problem, plan)
    return tuple(told)


def _switched(problem: Problem, plan: Plan) -> list[str]:
    """Say who is charged on one phase that could be charged on three."""
    fleet = problem.fleet
    some = np.flatnonzero(plan.phases != fleet.phases)
    if not len(some):
        return []
    named = ", ".join(f"{fleet.name(int(n))} (L{fleet.phase[n] + 1})" for n in some)
    return [f"charged on one phase instead of three: {named}"]


def _fairness(problem: Problem, plan: Plan) -> list[str]:
    """Say how evenly it falls on vehicles that not all can be delivered."""
    if plan.shortage is None or plan.shortage.drawn_kwh <= 0.0:
        return []
    share = delivered_share(problem, plan)
    return [
        f"fairness {fairness(share):.3f} (Jain's index, 1 is even): vehicles get "
        f"{100 * float(share.min()):.0f} to {100 * float(share.max()):.0f} % of the energy that "
        "their own power and stay could bring"
    ]


def delivered_share(problem: Problem, plan: Plan) -> Float[np.ndarray, " some"]:
    """Give what each vehicle in need gets of what its own power and stay could bring."""
    could = problem.reachable_kwh * problem.fleet.charge_efficiency
    some = could > _SOME_KWH
    missing = np.zeros(len(could))
    if plan.shortage is not None:
        missing = plan.shortage.missing_kwh - plan.shortage.own_kwh
    return np.asarray(np.clip(1.0 - missing[some] / could[some], 0.0, 1.0))


def _tiers(problem: Problem, plan: Plan) -> list[str]:
    """Say how much is drawn beyond each tier of price."""
    site = problem.site
    grid = plan.power_kilowatt.sum(axis=0) + site.net_base_kilowatt
    if site.outage is not None:
        grid = np.where(site.outage.gone, 0.0, grid)
    told = []
    for tier in site.power_tiers:
        over = float(np.maximum(grid - tier.above, 0.0).sum()) * site.step_hour
        told.append(
            f"{over:.1f} kWh above {tier.above:.0f} kW cost "
            f"{tier.added_eur_per_kwh:.3f} EUR/kWh more"
        )
    whole = float((plan.power_kilowatt.sum(axis=0) + site.net_base_kilowatt).sum()) * site.step_hour
    for tier in site.volume_tiers:
        over = max(whole - tier.above, 0.0)
        told.append(
            f"{over:.1f} kWh beyond the first {tier.above:.0f} kWh of the plan cost "
            f"{tier.added_eur_per_kwh:.3f} EUR/kWh more"
        )
    return told


def _band(problem: Problem, plan: Plan) -> list[str]:
    """Say how much reserve is kept ready, for how long, and what that earns."""
    site = problem.site
    if site.band is None:
        return []
    kept = reserve_kilowatt(problem, plan.power_kilowatt)
    paid = float(kept @ site.band.eur_per_kilowatt_hour) * site.step_hour
    ready = float((kept > _READY_KILOWATT).sum()) * site.step_hour
    return [
        f"reserve: {ready:.1f} of {site.steps * site.step_hour:.1f} h with up to "
        f"{float(kept.max()):.1f} kW ready up and down, {paid:.2f} EUR for it"
    ]


def _outage(problem: Problem, plan: Plan) -> list[str]:
    """Say how much of the load is carried while there is no grid."""
    site = problem.site
    if site.outage is None:
        return []
    gone, hour = site.outage.gone, site.step_hour
    load = np.maximum(site.net_base_kilowatt, 0.0)[gone]
    carried = np.clip(-plan.power_kilowatt.sum(axis=0)[gone], 0.0, load)
    of = f"{float(carried.sum()) * hour:.1f} of {float(load.sum()) * hour:.1f} kWh"
    return [
        f"without a grid for {float(gone.sum()) * hour:.1f} h: vehicles and batteries carry {of} "
        "that own generation leaves; what vehicles need at departure comes first"
    ]


def _wear(problem: Problem, plan: Plan, batteries: Sequence[Battery | None]) -> list[str]:
    """Set the wear of the plan beside that of charging at once, with how far models differ."""
    planned = by_models(problem, plan.power_kilowatt, batteries)
    at_once = by_models(problem, problem.at_once_kilowatt, batteries)
    if planned is None or at_once is None:
        return []
    untested = f"; not tested so: {', '.join(planned.untested)}" if planned.untested else ""
    return [
        f"wear of {planned.batteries} batteries by {planned.models} ageing models: "
        f"{_range(planned)} EUR, charged at once {_range(at_once)}{untested}"
    ]


def _range(one: Worn) -> str:
    return f"{one.median_eur:.2f} ({one.lowest_eur:.2f} … {one.highest_eur:.2f})"

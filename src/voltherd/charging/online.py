"""Charging as it goes: a plan made anew whenever a vehicle comes, of what is known by then.

Nobody knows who comes next; prices and limits are known.  Every plan is for the vehicles that are
there, and holds until the next one comes (receding horizon).  Room is kept free for those that
usually come later: without it, vehicles put off to a cheap hour would meet them there and leave
short.  What the site would have cost had all been known is the planner's optimum, and the
difference is the regret.
"""

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any, Final

import numpy as np
from jaxtyping import Float, Int

from voltherd.charging.baselines import Charged, depot_of, least_laxity, run
from voltherd.charging.plan import Plan, planned
from voltherd.charging.problem import Discharge, Fleet, Problem, Site

Powers = Float[np.ndarray, "vehicles steps"]
Planner = Callable[[Problem], Plan]
_NONE_KWH: Final = 1e-9


def as_it_goes(
    problem: Problem,
    like: Problem | None = None,
    plan: Planner = planned,
) -> Powers:
    """Charge with the vehicles of each moment in mind, and a usual day's later ones.

    Args:
        problem: A day as it came about.
        like: An earlier day of the same site; nobody is expected where it is not given.
        plan: How the vehicles that are there are planned.

    Returns:
        What each vehicle draws in each step, negative where it gives [kW].
    """
    fleet, site = problem.fleet, problem.site
    power = np.zeros((fleet.size, site.steps))
    arrivals = np.unique(fleet.arrival_step)
    for step, until in zip(arrivals.tolist(), [*arrivals[1:].tolist(), site.steps], strict=True):
        there = np.flatnonzero((fleet.arrival_step <= step) & (fleet.departure_step > step))
        now = remaining(problem, power, there, step)
        if like is not None:
            now = _expecting(now, like.fleet, step)
        found = plan(now)
        short = found.shortage is not None and found.shortage.drawn_kwh > 0.0
        drawn = urgent(now).power_kilowatt.T if short else found.power_kilowatt
        power[there, step:until] = drawn[: len(there), : until - step]
    return power


def urgent(problem: Problem) -> Charged:
    """Charge who can wait least: where room will not do for all, none of it is left unused."""
    return run(depot_of(problem), least_laxity)


def _expecting(now: Problem, like: Fleet, step: int) -> Problem:
    """Put vehicles behind those that are there: the ones that came later on an earlier day."""
    later = _some(like, np.flatnonzero(like.arrival_step > step))
    later = replace(
        later, arrival_step=later.arrival_step - step, departure_step=later.departure_step - step
    )
    there = _arrays(now.fleet)
    both = {name: np.concatenate([there[name], more]) for name, more in _arrays(later).items()}
    return replace(now, fleet=replace(now.fleet, names=(), **both))


def _arrays(fleet: Fleet) -> dict[str, Any]:
    return {of.name: getattr(fleet, of.name) for of in fields(fleet) if of.name != "names"}


def remaining(
    problem: Problem, power: Powers, there: Int[np.ndarray, " present"], step: int
) -> Problem:
    """Give what is left to plan from a step on for some vehicles.

    Args:
        problem: The whole day.
        power: What vehicles have drawn so far [kW].
        there: The vehicles.
        step: From when on.
    """
    fleet, hour = problem.fleet, problem.site.step_hour
    before = power[there, :step]
    gained = np.maximum(before, 0.0).sum(axis=1) * hour * fleet.charge_efficiency[there]
    if problem.discharge is not None:
        given = np.maximum(-before, 0.0).sum(axis=1) * hour
        gained = gained - given / problem.discharge.efficiency[there]
    need = fleet.energy_kwh[there] - gained
    stored = np.clip(fleet.stored_kwh[there] + gained, 0.0, fleet.battery_kwh[there])
    left = _some(fleet, there)
    left = replace(
        left,
        arrival_step=np.maximum(left.arrival_step - step, 0),
        departure_step=left.departure_step - step,
        energy_kwh=np.clip(np.where(need > _NONE_KWH, need, 0.0), 0.0, left.battery_kwh - stored),
        stored_kwh=stored,
    )
    return Problem(
        fleet=left,
        site=_later(problem.site, there, step),
        discharge=None if problem.discharge is None else _giving(problem.discharge, there),
    )


def _some(fleet: Fleet, there: Int[np.ndarray, " present"]) -> Fleet:
    return Fleet(
        arrival_step=fleet.arrival_step[there],
        departure_step=fleet.departure_step[there],
        power_max_kilowatt=fleet.power_max_kilowatt[there],
        energy_kwh=fleet.energy_kwh[there],
        battery_kwh=fleet.battery_kwh[there],
        stored_kwh=fleet.stored_kwh[there],
        phases=fleet.phases[there],
        phase=fleet.phase[there],
        charge_efficiency=fleet.charge_efficiency[there],
        power_min_kilowatt=fleet.power_min_kilowatt[there],
        names=tuple(fleet.name(int(vehicle)) for vehicle in there),
    )


def _later(site: Site, there: Int[np.ndarray, " present"], step: int) -> Site:
    phases, feed_in = site.phase_limit_kilowatt, site.feed_in_eur_per_kwh
    return replace(
        site,
        price_eur_per_kwh=site.price_eur_per_kwh[step:],
        limit_kilowatt=site.limit_kilowatt[step:],
        base_kilowatt=site.base_kilowatt[step:],
        pv_kilowatt=site.pv_kilowatt[step:],
        phase_limit_kilowatt=None if phases is None else phases[:, step:],
        feed_in_eur_per_kwh=None if feed_in is None else feed_in[step:],
        groups=tuple(
            group._replace(member=group.member[there], limit_kilowatt=group.limit_kilowatt[step:])
            for group in site.groups
        ),
    )


def _giving(discharge: Discharge, there: Int[np.ndarray, " present"]) -> Discharge:
    return discharge.of(there)

"""Charging as it goes: a plan made anew in every step, of what is known by then.

Nobody knows who comes next; prices and limits are known.  Every plan is for the vehicles that are
there and is followed for one step (receding horizon).  To wait for a cheaper step is safe only
where there will be room: so as much room is left alone as later vehicles needed on the fullest of
the last days, in each step by itself.  They can wait, too, but not to the end: each is taken to
charge evenly over the first half of its stay.  Where what is left does not do for all, who can wait
least goes first, as the rule of least laxity has it; the plan only says how much is drawn in all.

What waits for a step that then is fuller than ever before may leave without.  Never to risk that
is to charge at once, as the rule does.  What the site would have cost had all been known is the
planner's optimum, and the difference is the regret.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from jaxtyping import Float, Int

from voltherd.charging.baselines import Now, PerVehicle, depot_of, least_laxity
from voltherd.charging.decomposition import Effort
from voltherd.charging.plan import Plan, planned
from voltherd.charging.problem import Discharge, Fleet, Problem, Site

Powers = Float[np.ndarray, "vehicles steps"]
Later = Float[np.ndarray, "steps steps"]
Planner = Callable[[Problem], Plan]
DAYS: Final = 28
"""Earlier days looked back upon."""
EARLY_SHARE: Final = 0.5
"""Of its stay, in which a vehicle that may come is taken to charge."""
_NONE_KWH: Final = 1e-9


def roughly(problem: Problem) -> Plan:
    """Plan to a thousandth: the next step plans again."""
    return planned(problem, Effort(gap=1e-3))


def as_it_goes(problem: Problem, past: Sequence[Problem] = (), plan: Planner = roughly) -> Powers:
    """Charge with the vehicles of each moment in mind, and the most that may still come.

    Args:
        problem: A day as it came about.
        past: Earlier days of the same site, the latest last; nobody is expected without any.
        plan: How the vehicles that are there are planned.

    Returns:
        What each vehicle draws in each step, negative where it gives [kW].
    """
    fleet, site = problem.fleet, problem.site
    later = most_later(past, site.steps)
    power = np.zeros((fleet.size, site.steps))
    for step in range(site.steps):
        there = np.flatnonzero((fleet.arrival_step <= step) & (fleet.departure_step > step))
        now = remaining(problem, power, there, step)
        if len(there) and (now.discharge is not None or (now.fleet.energy_kwh > 0.0).any()):
            power[there, step] = _first_step(now, later[step, step:], plan)
    return power


def most_later(past: Sequence[Problem], steps: int) -> Later:
    """Give the most that vehicles which come later needed in a step.

    Args:
        past: Earlier days; of those with as many steps the latest count.
        steps: Of the day.

    Returns:
        Row: the step that it is; column: the step looked at [kW].
    """
    most = np.zeros((steps, steps))
    for day in [one for one in past if one.site.steps == steps][-DAYS:]:
        by_arrival = np.zeros((steps + 1, steps))
        np.add.at(by_arrival, day.fleet.arrival_step, _early(day))
        from_then_on = by_arrival[::-1].cumsum(axis=0)[::-1]
        most = np.maximum(most, from_then_on[1:])
    return most


def _early(day: Problem) -> Powers:
    """Charge evenly over the first half of each stay, and longer only where that is too short."""
    fleet, hour = day.fleet, day.site.step_hour
    stay = fleet.departure_step - fleet.arrival_step
    need = day.reachable_kwh
    power = np.minimum(need / (np.ceil(EARLY_SHARE * stay) * hour), fleet.power_max_kilowatt)
    steps = np.arange(day.site.steps) - fleet.arrival_step[:, None]
    left = need[:, None] / hour - np.maximum(steps, 0) * power[:, None]
    return np.where(steps >= 0, np.clip(left, 0.0, power[:, None]), 0.0)


def _first_step(
    now: Problem, later_kilowatt: Float[np.ndarray, " left"], plan: Planner
) -> PerVehicle:
    """Plan, leaving others' room alone from the next step on; give the power of this one."""
    site = now.site
    kept = np.minimum(later_kilowatt, np.maximum(site.headroom_kilowatt, 0.0))
    kept[0] = 0.0
    found = plan(replace(now, site=replace(site, base_kilowatt=site.base_kilowatt + kept)))
    drawn = found.power_kilowatt[:, 0]
    short = found.shortage is not None and found.shortage.drawn_kwh > 0.0
    one_limit = now.discharge is None and not site.groups and site.phase_limit_kilowatt is None
    return _least_laxity_of(now, float(drawn.sum())) if short and one_limit else drawn


def _least_laxity_of(now: Problem, kilowatt: float) -> PerVehicle:
    """Share power among those that can wait least: each is as much at risk as its laxity tells."""
    depot, need = depot_of(now), now.reachable_kwh
    depot = depot._replace(site_cap_kilowatt=np.full(now.site.steps, kilowatt))
    want = np.minimum(depot.power_max_kilowatt, need / depot.step_hour)
    return least_laxity(depot, Now(0, need, want, np.full(len(need), -1)))


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

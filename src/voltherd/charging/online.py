"""Charging as it goes: a plan made anew in every step, of what is known by then.

Nobody knows who comes next; prices and limits are known.  Every plan is for the vehicles that are
there and is followed for one step (receding horizon).  To wait for a cheaper step is safe only
where there will be room: so as much room is left alone as later vehicles needed on the fullest of
the last days, in each step by itself.  They can wait, too, but not to the end: each is taken to
charge evenly over the first half of its stay.  Where what is left does not do for all, those that
would go short do not wait at all, and who can wait least goes first, as the rule of least laxity
has it; the others follow the plan.

What waits for a step that then is fuller than ever before may leave without.  Never to risk that
is to charge at once, as the rule does.  What the site would have cost had all been known is the
planner's optimum, and the difference is the regret.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from voltherd.charging.baselines import Now, PerVehicle, depot_of, least_laxity
from voltherd.charging.decomposition import Effort
from voltherd.charging.plan import Plan, planned
from voltherd.charging.problem import Problem
from voltherd.charging.shortage import ROUNDING_KWH
from voltherd.charging.switching import begun

Powers = Float[np.ndarray, "vehicles steps"]
Later = Float[np.ndarray, "steps steps"]
Planner = Callable[[Problem], Plan]
DAYS: Final = 56
"""Earlier days looked back upon."""
EARLY_SHARE: Final = 0.5
"""Of its stay, in which a vehicle that may come is taken to charge."""
_NONE_KILOWATT: Final = 1e-6


class Course(NamedTuple):
    """What vehicles do.

    Attributes:
        power_kilowatt: Drawn, negative where given [kW].
        phases: On how many each charges.
    """

    power_kilowatt: Powers
    phases: Int[np.ndarray, "vehicles"]


def roughly(problem: Problem) -> Plan:
    """Plan to a thousandth: the next step plans again."""
    return planned(problem, Effort(gap=1e-3))


def as_it_goes(problem: Problem, past: Sequence[Problem] = (), plan: Planner = roughly) -> Course:
    """Charge with the vehicles of each moment in mind, and the most that may still come.

    Args:
        problem: A day as it came about.
        past: Earlier days of the same site, the latest last; nobody is expected without any.
        plan: How the vehicles that are there are planned.

    Returns:
        What each vehicle does.
    """
    fleet, site = problem.fleet, problem.site
    later = most_later(past, site.steps)
    power = np.zeros((fleet.size, site.steps))
    for step in range(site.steps):
        there = np.flatnonzero((fleet.arrival_step <= step) & (fleet.departure_step > step))
        now = remaining(problem, power, there, step)
        if len(there) and (now.discharge is not None or (now.fleet.energy_kwh > 0.0).any()):
            power[there, step], phases = _first_step(now, later[step, step:], plan)
            draws = power[there, step] > _NONE_KILOWATT
            problem = begun(problem, there[draws], phases[draws])
    return Course(power, problem.fleet.phases)


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
) -> tuple[PerVehicle, Int[np.ndarray, " present"]]:
    """Plan, leaving others' room alone from the next step on; give power and phases of this one."""
    site = now.site
    kept = np.minimum(later_kilowatt, np.maximum(site.headroom_kilowatt, 0.0))
    kept[0] = 0.0
    found = plan(replace(now, site=replace(site, base_kilowatt=site.base_kilowatt + kept)))
    power, short = found.power_kilowatt[:, 0], found.shortage
    one_limit = now.discharge is None and not site.groups and site.phase_limit_kilowatt is None
    if short is not None and short.drawn_kwh > 0.0 and one_limit:
        power = _hurried(now, power, short.missing_kwh - short.own_kwh > ROUNDING_KWH)
    return power, found.phases


def _hurried(
    now: Problem, planned_kilowatt: PerVehicle, short: Bool[np.ndarray, " present"]
) -> PerVehicle:
    """Let those that go short in the plan wait for nothing; who can wait least goes first."""
    depot, need = depot_of(now), now.reachable_kwh
    most = np.minimum(depot.power_max_kilowatt, need / depot.step_hour)
    if now.taper is not None:
        most = np.minimum(most, now.bend_kilowatt(now.fleet.stored_kwh))
    want = np.where(short, most, np.minimum(planned_kilowatt, most))
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
    left = problem.later(step, power[:, :step]).of(there)
    names = tuple(problem.fleet.name(vehicle) for vehicle in there.tolist())
    return replace(left, fleet=replace(left.fleet, names=names))

"""What is left of a day keeps every feature: no field is forgotten, no plan gets worse by it."""

from collections.abc import Iterator
from dataclasses import is_dataclass, replace
from typing import get_args, get_type_hints

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.charging.depots import depot
from tests.unit.charging.promises import cost_eur, keeps_every_limit, keeps_every_promise
from voltherd.bench.charging_reference import solved
from voltherd.charging.decomposition import Effort
from voltherd.charging.online import as_it_goes
from voltherd.charging.plan import planned
from voltherd.charging.problem import DRAWS, Discharge, Problem, Single, Taper
from voltherd.charging.site import Band, Group, Outage, Site, Tier
from voltherd.charging.switching import begun

pytestmark = pytest.mark.long
STEPS, STEP, KWH = 10, 4, 1e-5
FINE = Effort(gap=1e-7)
TOLD = (Problem, Site, Discharge, Taper, Single, Group, Tier, Band, Outage)
MOVED = {
    "arrival_step",
    "departure_step",
    "energy_kwh",
    "stored_kwh",
    "reserve_kwh",
    "peak_kilowatt",
    "volume_tiers",
}
"""Fields that depend on what was drawn before, or count from another step on."""
KINDS = {
    "plain": {},
    "short": {"room": 0.3},
    "phases and groups": {"phased": True, "grouped": True},
    "falls": {"tapers": True},
    "waits": {"waits": True},
    "gives": {"gives": True},
    "gives, keeps a reserve": {"gives": True, "reserve": True, "waits": True},
    "stores": {"stores": 2, "solar": True},
    "peak": {"demand": 2.0},
    "surplus": {"solar": True},
    "tiers": {"tiered": True},
    "tiers and gives": {"tiered": True, "gives": True},
    "outage": {"outage": True, "gives": True, "solar": True},
    "band": {"band": True},
    "one phase or three": {"switches": True, "phased": True},
}


def day(seed, *, reserve=False, stores=0, switches=False, **kinds):
    """A random depot with what tests of plans leave out."""
    problem = depot(seed, vehicles=8, steps=STEPS, **({"room": 1.2} | kinds))
    fleet = problem.fleet
    if switches:
        able = (np.arange(8) < 4) & (problem.kind == DRAWS)
        single = Single(able, fleet.power_max_kilowatt / 2, np.full(8, 1.38))
        fleet = replace(fleet, phases=np.where(able, 3, fleet.phases))
        problem = replace(problem, fleet=fleet, single=single)
    if reserve:
        kept = 0.8 * fleet.battery_kwh
        problem = replace(problem, discharge=replace(problem.discharge, reserve_kwh=kept))
    if stores:
        problem = with_batteries(problem, stores)
    return problem


def with_batteries(problem, count):
    """Let the last vehicles be batteries of the site."""
    fleet = problem.fleet
    last = np.arange(fleet.size) >= fleet.size - count
    size = fleet.size
    fleet = replace(
        fleet,
        arrival_step=np.where(last, 0, fleet.arrival_step),
        departure_step=np.where(last, STEPS, fleet.departure_step),
        energy_kwh=np.where(last, 0.0, fleet.energy_kwh),
        phases=np.where(last, 3, fleet.phases),
    )
    given = Discharge(
        limit_kilowatt=np.where(last, 11.0, 0.0),
        efficiency=np.full(size, 0.95),
        tier_fraction=np.array([0.5, 0.5]),
        tier_wear_eur_per_kwh=np.tile([0.01, 0.03], (size, 1)),
        reserve_kwh=0.1 * fleet.battery_kwh,
    )
    return replace(problem, fleet=fleet, discharge=given, stores=count)


every_kind = pytest.mark.parametrize("kinds", KINDS.values(), ids=KINDS)


@every_kind
def test_what_is_left_is_planned_as_well_as_the_whole_day(kinds):
    """With all known, to plan again is never dearer than to follow the plan, nor delivers less."""
    for seed in (1, 2):
        problem = day(seed, **kinds)
        whole = planned(problem, FINE)
        drawn = whole.power_kilowatt[:, :STEP]
        some = np.flatnonzero((drawn > 0.0).any(axis=1))
        problem = begun(problem, some, whole.phases[some])
        still = np.flatnonzero(problem.fleet.departure_step > STEP)
        rest = problem.later(STEP, drawn).of(still)
        again = planned(rest, FINE)
        keeps_every_promise(begun(rest, np.arange(len(still)), again.phases), again)
        power = np.zeros_like(whole.power_kilowatt)
        power[:, :STEP], power[still, STEP:] = drawn, again.power_kilowatt
        phases = problem.fleet.phases.copy()
        phases[still] = again.phases
        problem = begun(problem, np.arange(8), phases)
        path, followed = (keeps_every_limit(problem, p) for p in (power, whole.power_kilowatt))
        wanted = problem.fleet.stored_kwh + problem.fleet.energy_kwh
        into = problem.fleet.charge_efficiency  # what counts is what is not drawn
        missing, before = (
            (np.maximum(wanted - p[:, -1], 0.0) / into).sum() for p in (path, followed)
        )
        assert missing <= before + KWH
        if missing >= before - KWH:
            cost = cost_eur(problem, power)
            assert cost <= cost_eur(problem, whole.power_kilowatt) + 1e-4 * max(missing, 1.0)


@every_kind
def test_every_limit_holds_as_it_goes(kinds):
    problem, past = day(4, **kinds), [day(seed, **kinds) for seed in (5, 6)]
    course = as_it_goes(problem, past)
    path = keeps_every_limit(begun(problem, np.arange(8), course.phases), course.power_kilowatt)
    assert np.abs(course.power_kilowatt).sum() > 0.0
    if problem.stores:  # as full at the end as they came
        end = path[-problem.stores :, -1]
        assert (end >= problem.fleet.stored_kwh[-problem.stores :] - KWH).all()


@settings(max_examples=25)
@given(
    seed=st.integers(0, 10_000),
    kinds=st.sampled_from([one for one in KINDS.values() if "switches" not in one]),
    step=st.integers(1, STEPS - 1),
)
def test_the_rest_of_a_greedy_day_agrees_with_one_large_programme(seed, kinds, step):
    """Even of what nobody planned: all charge at once, and batteries give what they have."""
    problem = day(seed, **({"room": 3.0} | kinds))
    drawn = problem.at_once_kilowatt[:, :step]
    if problem.discharge is not None:
        could = (problem.discharge.limit_kilowatt > 0.0) & (problem.fleet.arrival_step < step)
        first = problem.fleet.arrival_step
        out = np.minimum(
            problem.discharge.limit_kilowatt,
            0.4 * problem.fleet.stored_kwh * problem.discharge.efficiency / problem.site.step_hour,
        )
        drawn[could] = 0.0
        drawn[could, first[could]] = -out[could]
    still = np.flatnonzero(problem.fleet.departure_step > step)
    if not len(still):
        return
    rest = problem.later(step, drawn).of(still)
    plan, dear = planned(rest, Effort(gap=1e-6)), 1000.0
    keeps_every_promise(rest, plan)
    best = solved(rest, dear)
    assert best.status == "Optimal"
    missing = plan.shortage.drawn_kwh if plan.shortage else 0.0
    own = float((rest.drawn_kwh - rest.reachable_kwh).sum())
    assert missing + own == pytest.approx(best.unserved_kwh, abs=1e-4)
    slack = 1e-5 + dear * 1e-6 * (missing > 0)
    assert plan.bound_eur <= best.cost_eur + slack <= plan.cost_eur + 2 * slack


def test_a_battery_that_was_filled_may_be_emptied_again():
    problem = day(1, stores=2)
    drawn = np.zeros((8, STEP))
    drawn[-1, 0] = 1.0
    rest = problem.later(STEP, drawn)
    gained = 1.0 * 0.5 * problem.fleet.charge_efficiency[-1]
    assert rest.fleet.energy_kwh[-1] == pytest.approx(-gained)
    full = rest.of(np.array([7]))
    dear = replace(full.site, price_eur_per_kwh=np.where(np.arange(6) == 2, 9.0, 8.9))
    given = planned(replace(full, site=dear)).power_kilowatt[0]
    assert -given.sum() * 0.5 / 0.95 == pytest.approx(gained)


def test_a_peak_that_is_paid_for_costs_nothing_again():
    problem = day(1, demand=2.0)
    drawn = np.zeros((8, STEP))
    drawn[0, 1] = 500.0
    rest = problem.later(STEP, drawn)
    assert rest.site.peak_kilowatt == pytest.approx(500.0 + problem.site.net_base_kilowatt[1])
    free = replace(rest, site=replace(rest.site, demand_eur_per_kilowatt=0.0))
    still = np.flatnonzero(rest.fleet.departure_step > 0)
    costs = [planned(one.of(still), FINE).cost_eur for one in (rest, free)]
    assert costs[0] == pytest.approx(costs[1], abs=1e-5)


def everything():
    """A problem that says all that can be said."""
    problem = day(
        3, reserve=True, switches=True, phased=True, grouped=True, solar=True, demand=0.5,
        gives=True, tapers=True, waits=True, tiered=True, outage=True, band=True,
    )  # fmt: skip
    size = problem.fleet.size
    return replace(
        problem,
        fleet=replace(problem.fleet, names=tuple("abcdefgh")),
        site=replace(problem.site, peak_kilowatt=1.0),
        single=Single(np.arange(size) < 4, np.full(size, 3.0), np.arange(size) * 1.0),
        stores=1,
        twins=(2, 5),
    )


def fields_of(value) -> Iterator[tuple[str, object, object]]:
    """Name, annotation and value of every field."""
    for name, hint in get_type_hints(type(value)).items():
        yield name, hint, getattr(value, name)


def axes(hint) -> list[str] | None:
    """What the dimensions of an array are called; None of what is no array."""
    if hasattr(hint, "dim_str"):
        return hint.dim_str.split()
    return next((found for one in get_args(hint) if (found := axes(one)) is not None), None)


def compared(before, after, some, step, seen):
    """Walk two values: what lies along vehicles and steps is cut there, the rest is the same."""
    seen.add(type(before))
    for name, hint, old in fields_of(before):
        new = getattr(after, name)
        assert old is not None and not (isinstance(old, tuple) and not old), f"{name} says nothing"
        if name in MOVED:
            assert np.shape(new) == () or len(new) in (len(some), len(old)), name
        elif (of := axes(hint)) is not None:
            cut = np.asarray(old)
            for place, axis in enumerate(of):
                if axis == "vehicles":
                    cut = cut.take(some, axis=place)
                if axis == "steps":
                    cut = cut.take(np.arange(step, cut.shape[place]), axis=place)
            np.testing.assert_array_equal(new, cut, err_msg=name)
        elif is_dataclass(old) or hasattr(old, "_fields"):
            compared(old, new, some, step, seen)
        elif isinstance(old, tuple) and hasattr(old[0], "_fields"):
            for one, other in zip(old, new, strict=True):
                compared(one, other, some, step, seen)
        elif name == "names":
            assert new == tuple(old[n] for n in some)
        elif name == "twins":
            assert [some[n] for n in new] == list(old)
        else:
            assert new == old, name


def test_no_field_is_forgotten():
    """Whoever adds a field to a problem says here how it is told, and there what is left of it."""
    problem = everything()
    some, step = np.array([1, 2, 5, 6, 7]), 3
    seen: set[type] = set()
    left = problem.later(step, np.zeros((8, step))).of(some)
    compared(problem, left, some, step, seen)
    assert set(TOLD) <= seen

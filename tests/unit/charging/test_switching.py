"""One phase or three: picked for each vehicle, held against the bound of every choice."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from tests.unit.charging.depots import depot
from voltherd.bench.charging_reference import solved
from voltherd.charging.limits import classes, limits
from voltherd.charging.plan import planned
from voltherd.charging.problem import DRAWS, Single
from voltherd.charging.switching import with_twins
from voltherd.charging.vehicles import oracle

pytestmark = pytest.mark.long


def switchable(seed, vehicles=8, **options):
    problem = depot(seed, vehicles=vehicles, phased=True, **options)
    fleet = problem.fleet
    able = (np.arange(vehicles) < 4) & (problem.kind == DRAWS)
    fleet = replace(fleet, phases=np.where(able, 3, fleet.phases))
    single = Single(able, fleet.power_max_kilowatt / 2, np.full(vehicles, 1.38))
    return replace(problem, fleet=fleet, single=single)


def every_choice(problem, dear):
    """The cheapest of all choices, one large programme each."""
    single, fleet = problem.single, problem.fleet
    some = np.flatnonzero(single.able)
    costs = []
    for ones in product((False, True), repeat=len(some)):
        one = np.zeros(fleet.size, dtype=bool)
        one[some] = ones
        chosen = replace(
            fleet,
            phases=np.where(one, 1, fleet.phases),
            power_max_kilowatt=np.where(one, single.power_max_kilowatt, fleet.power_max_kilowatt),
        )
        best = solved(replace(problem, fleet=chosen, single=None), dear)
        costs.append(best.cost_eur + dear * best.unserved_kwh)
    return min(costs), costs[0]


@pytest.mark.parametrize(("seed", "gives"), [(1, False), (4, False), (5, True), (8, False)])
def test_the_choice_is_bounded_by_and_near_the_best_of_all_choices(seed, gives):
    problem = switchable(seed, gives=gives, room=0.9)
    plan, dear = planned(problem), 100.0
    best, without = every_choice(problem, dear)
    missing = dear * float(
        (plan.shortage.missing_kwh / problem.fleet.charge_efficiency).sum()
        if plan.shortage
        else 0.0
    )
    reached = plan.cost_eur + missing
    assert plan.bound_eur <= best - missing + 1e-4 or missing > 0
    assert best - 1e-4 <= reached <= without + 1e-4
    assert plan.gap >= -1e-9
    rows = limits(replace(problem, single=None), classes(problem))
    assert (plan.power_kilowatt.sum(axis=0) <= problem.site.headroom_kilowatt + 1e-6).all()
    share = np.where(
        (plan.phases == 3)[:, None], 1 / 3, problem.fleet.phase[:, None] == np.arange(3)
    )
    left = problem.site.phase_limit_kilowatt - problem.site.net_base_kilowatt / 3
    assert (share.T @ plan.power_kilowatt <= left + 1e-6).all()
    assert rows.names[0] == "site"


def test_a_pair_answers_with_the_cheaper_of_both_ways():
    free = with_twins(switchable(2))
    class_of = classes(free)
    random = np.random.default_rng(2)
    prices = random.uniform(0.0, 0.4, (class_of.max() + 1, free.site.steps))
    power = oracle(free, class_of, 3.0).answer(prices).detail
    twins = next(one.detail for one in [*power] if len(one.detail) == 2)
    pairs = len(twins.power_kilowatt) // 2
    both = twins.power_kilowatt.sum(axis=1).reshape(2, pairs) > 0
    assert (both.sum(axis=0) <= 1).all()
    rows = limits(free, class_of)
    assert len(np.unique(rows.together)) < len(rows.together)


def test_where_phases_are_not_limited_nothing_is_switched():
    problem = switchable(3, room=2.0)
    problem = replace(problem, site=replace(problem.site, phase_limit_kilowatt=None))
    plan = planned(problem)
    assert (plan.phases == problem.fleet.phases).all()
    assert plan.gap <= 1e-4


def test_switching_helps_where_the_other_phases_are_full():
    problem = switchable(7, room=3.0)
    fleet = replace(problem.fleet, phase=np.where(problem.single.able, 2, problem.fleet.phase))
    tight = problem.site.phase_limit_kilowatt.copy()
    tight[0] = problem.site.net_base_kilowatt / 3 + 0.5
    problem = replace(problem, fleet=fleet, site=replace(problem.site, phase_limit_kilowatt=tight))

    def undrawn(plan):
        return plan.shortage.drawn_kwh if plan.shortage else 0.0

    free, held = planned(problem), planned(replace(problem, single=None))
    assert (free.phases[:4] == 1).any()
    assert undrawn(free) < undrawn(held) - 0.5

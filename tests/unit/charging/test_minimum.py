"""Following one answer instead of a mix, and moving what then misses the limits."""

from dataclasses import replace

import numpy as np

from tests.unit.charging.depots import depot
from voltherd.bench.depot_instance import depot as instance
from voltherd.charging.decomposition import Effort
from voltherd.charging.minimum import drawn_answers
from voltherd.charging.plan import planned


def test_answers_are_drawn_in_the_shares_of_the_mix_class_by_class():
    weights = np.array([[0.5, 0.0], [0.2, 0.0], [0.3, 1.0]])
    class_of = np.arange(1000) % 2
    choice = drawn_answers(weights, class_of, np.arange(1000))
    first = np.bincount(choice[class_of == 0], minlength=3) / 500
    np.testing.assert_allclose(first, [0.5, 0.2, 0.3], atol=0.01)
    assert (choice[class_of == 1] == 2).all()


def test_neighbours_draw_different_answers():
    choice = drawn_answers(np.full((2, 1), 0.5), np.zeros(100, dtype=int), np.arange(100))
    assert np.abs(np.diff(choice)).mean() > 0.5


def test_a_need_below_the_least_power_of_a_step_is_told_missing():
    problem = depot(7, vehicles=4, steps=6, room=4.0)
    little = problem.fleet.energy_kwh.copy()
    little[2] = 0.25 * problem.fleet.power_min_kilowatt[2] * problem.site.step_hour
    problem = replace(problem, fleet=replace(problem.fleet, energy_kwh=little))
    assert planned(problem).shortage is None
    plan = planned(problem, minimum=True)
    assert not plan.power_kilowatt[2].any()
    assert plan.shortage.vehicles.tolist() == [2]


def test_stopped_early_a_plan_is_feasible_and_says_that_more_could_be_delivered():
    problem = instance(60)
    rough = planned(problem, Effort(gap=0.0, iterations=1))
    fine = planned(problem, Effort(gap=1e-7))
    assert (rough.power_kilowatt.sum(axis=0) <= problem.site.headroom_kilowatt + 1e-6).all()
    assert rough.bound_eur <= fine.cost_eur + 1e-9
    assert rough.gap > fine.gap
    assert fine.shortage is None
    assert rough.shortage.drawn_kwh > 0.0 == rough.shortage.least_kwh
    assert rough.shortage.obstacles == ()

"""Every kind of plan once with all array shapes checked, and depots at the edge of sense."""

from dataclasses import replace

import numpy as np
import pytest

from tests.unit.charging.depots import depot
from voltherd.charging.plan import planned


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"phased": True, "grouped": True, "demand": 0.5},
        {"solar": True, "gives": True},
        {"room": 0.3, "phased": True},
        {"room": 0.3, "gives": True},
        {"vehicles": 1, "steps": 2},
    ],
)
def test_shapes_are_as_said(options):
    problem = depot(7, **({"vehicles": 4, "steps": 6, "room": 4.0} | options))
    plan = planned(problem)
    assert plan.power_kilowatt.shape == problem.window.shape
    assert plan.multiplier_eur_per_kilowatt.shape == (len(plan.limit_names), problem.site.steps)
    assert (plan.shortage is not None) == (options.get("room") == 0.3)


def test_a_least_power_has_the_same_shape():
    problem = depot(7, vehicles=4, steps=6, room=4.0, phased=True)
    assert planned(problem, minimum=True).power_kilowatt.shape == (4, 6)


def test_nobody_in_need_costs_nothing():
    problem = depot(7, vehicles=4, steps=6, room=4.0)
    full = replace(problem, fleet=replace(problem.fleet, energy_kwh=np.zeros(4)))
    plan = planned(full)
    assert not plan.power_kilowatt.any()
    assert plan.cost_eur == plan.bound_eur == plan.gap == 0.0


def test_no_room_at_all_leaves_everything_missing_and_says_where():
    problem = depot(7, vehicles=4, steps=6, room=4.0)
    shut = replace(problem.site, limit_kilowatt=problem.site.net_base_kilowatt)
    plan = planned(replace(problem, site=shut))
    assert not plan.power_kilowatt.any()
    np.testing.assert_allclose(plan.shortage.missing_kwh, problem.fleet.energy_kwh)
    assert [obstacle.name for obstacle in plan.shortage.obstacles] == ["site"]


def test_prices_that_are_all_the_same_or_zero_are_planned():
    problem = depot(7, vehicles=4, steps=6, room=4.0)
    for price in (0.0, 0.2):
        flat = replace(problem.site, price_eur_per_kwh=np.full(6, price))
        plan = planned(replace(problem, site=flat))
        drawn = float(problem.drawn_kwh.sum())
        assert plan.cost_eur == pytest.approx(price * drawn, abs=1e-6)
        assert plan.shortage is None

"""Plans against the same depot as one linear programme, and what no plan may do."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.charging.depots import depot, depots
from tests.unit.charging.promises import KILOWATT, keeps_every_promise
from voltherd.bench.charging_reference import solved
from voltherd.bench.depot_instance import depot as instance
from voltherd.charging.decomposition import Effort
from voltherd.charging.plan import planned
from voltherd.charging.problem import GIVES
from voltherd.errors import UsageError

pytestmark = pytest.mark.long


@settings(max_examples=40)
@given(problem=depots)
def test_a_plan_keeps_its_promises_and_brackets_the_optimum(problem):
    plan = planned(problem, Effort(gap=1e-6))
    keeps_every_promise(problem, plan)
    dear = 1000.0
    best = solved(problem, dear)
    assert best.status == "Optimal"
    missing = plan.shortage.drawn_kwh if plan.shortage else 0.0
    own = float((problem.drawn_kwh - problem.reachable_kwh).sum())
    assert missing + own == pytest.approx(best.unserved_kwh, abs=1e-4)
    if plan.shortage:
        assert plan.shortage.least_kwh <= best.unserved_kwh - own + 1e-5
    slack = 1e-5 + dear * 1e-6 * (missing > 0)
    assert plan.bound_eur <= best.cost_eur + slack
    if (problem.site.price_eur_per_kwh >= 0).all() or problem.discharge is None:
        assert best.cost_eur <= plan.cost_eur + slack
        assert plan.gap <= 2e-6 + slack / max(abs(plan.cost_eur), 0.01)


@settings(max_examples=25)
@given(
    seed=st.integers(0, 10_000),
    room=st.sampled_from([0.5, 1.0, 2.0]),
    phased=st.booleans(),
    gives=st.booleans(),
    tapers=st.booleans(),
)
def test_a_least_power_is_kept_and_no_limit_broken(seed, room, phased, gives, tapers):
    problem = depot(
        seed, vehicles=20, room=room, phased=phased, grouped=True, gives=gives, tapers=tapers
    )
    plan = planned(problem, minimum=True)
    keeps_every_promise(problem, plan)
    power = plan.power_kilowatt[problem.kind != GIVES]
    least = problem.fleet.power_min_kilowatt[problem.kind != GIVES]
    least = np.broadcast_to(least[:, None], power.shape)
    assert (power[power > 0] >= least[power > 0] - KILOWATT).all()


@pytest.mark.parametrize("vehicles", [10, 60])
def test_a_least_power_beside_an_outage_breaks_no_limit(vehicles):
    for seed in range(3):
        problem = depot(seed, vehicles=vehicles, room=2.0, gives=True, outage=True, solar=True)
        keeps_every_promise(problem, planned(problem, minimum=True))


@pytest.mark.parametrize(
    ("vehicles", "options", "optimum"),
    [
        (50, {}, 328.642651),
        (500, {}, 2835.107615),
        (5000, {}, 30115.148475),
        (500, {"day": "2022-06-11"}, 2102.407283),
        (500, {"phased": True}, 2836.589937),
        (50, {"demand_eur_per_kilowatt": 0.3}, 373.642651),
        (500, {"demand_eur_per_kilowatt": 0.3}, 3285.107615),
        (50, {"gives_back": True}, 351.013157),
    ],
)
def test_the_common_depot_has_its_known_optimum(vehicles, options, optimum):
    """Optima of the large linear programmes, as HiGHS and a network solver found them."""
    plan = planned(instance(vehicles, **options))
    assert plan.shortage is None
    assert plan.gap <= 1e-4
    assert plan.bound_eur <= optimum + 1e-6
    assert optimum - 1e-6 <= plan.cost_eur <= optimum * (1 + 1e-4)


def test_six_ampere_cost_a_hundredth_of_a_percent_at_most():
    plan = planned(instance(500), minimum=True)
    assert plan.shortage is None
    assert plan.cost_eur <= 2835.107615 * 1.0001


def test_where_phases_cannot_carry_it_the_plan_names_the_phase_and_who_goes_short():
    plan = planned(instance(50, phased=True))
    short = plan.shortage
    assert short is not None
    assert [obstacle.name for obstacle in short.obstacles] == ["phase 3"]
    assert short.drawn_kwh == pytest.approx(45.2006, abs=1e-3)
    assert short.least_kwh == pytest.approx(short.drawn_kwh, rel=1e-4)
    assert len(short.vehicles) > 0
    fleet = instance(50).fleet
    assert (fleet.phases[short.vehicles] == 1).any()
    assert short.missing_kwh.sum() == pytest.approx(short.drawn_kwh)
    assert not short.own_kwh.any()


def test_what_its_own_charger_cannot_bring_is_told_apart():
    problem = depot(3, vehicles=3, room=3.0)
    fleet = problem.fleet
    wanted = fleet.energy_kwh.copy()
    wanted[1] = 1.5 * problem.reachable_kwh[1] * fleet.charge_efficiency[1] + 40.0
    problem = replace(
        problem,
        fleet=replace(fleet, energy_kwh=wanted, battery_kwh=fleet.battery_kwh + 500.0),
    )
    short = planned(problem).shortage
    assert short is not None
    assert short.vehicles.tolist() == [1]
    assert short.own_kwh[1] == pytest.approx(short.missing_kwh[1])
    assert short.obstacles == ()


def test_planning_again_from_the_prices_of_before_is_certified_all_the_same():
    problem = instance(200)
    first = planned(problem)
    fleet = replace(problem.fleet, energy_kwh=0.95 * problem.fleet.energy_kwh)
    later = replace(problem, fleet=fleet)
    again = planned(later, start=first.multiplier_eur_per_kilowatt)
    cold = planned(later)
    assert again.gap <= 1e-4
    assert again.cost_eur == pytest.approx(cold.cost_eur, rel=2e-4)
    with pytest.raises(UsageError, match="other limits or steps"):
        planned(later, start=first.multiplier_eur_per_kilowatt[:, 1:])


def test_the_site_price_is_the_price_of_buying_until_the_site_is_full():
    roomy = instance(20)
    roomy = replace(roomy, site=replace(roomy.site, limit_kilowatt=np.full(96, 1e4)))
    np.testing.assert_allclose(
        planned(roomy).site_price_eur_per_kwh, roomy.site.price_eur_per_kwh, atol=1e-9
    )
    full = planned(instance(50))
    assert (full.site_price_eur_per_kwh > instance(50).site.price_eur_per_kwh + 0.01).any()


def test_a_demand_charge_lowers_the_peak_and_surplus_sun_is_used_first():
    plain = instance(50)
    flat = replace(plain, site=replace(plain.site, limit_kilowatt=np.full(96, 1e4)))
    dear = replace(flat, site=replace(flat.site, demand_eur_per_kilowatt=5.0))

    def peak(plan):
        return float((plan.power_kilowatt.sum(axis=0) + plain.site.net_base_kilowatt).max())

    assert peak(planned(dear)) < 0.5 * peak(planned(flat))
    sun = np.zeros(96)
    sun[64:80] = 200.0
    site = replace(
        flat.site,
        price_eur_per_kwh=np.full(96, 0.3),
        pv_kilowatt=sun,
        feed_in_eur_per_kwh=np.full(96, 0.05),
    )
    plan = planned(replace(flat, site=site))
    at_noon = plan.power_kilowatt[:, 64:80].sum()
    possible = np.minimum(
        (flat.window[:, 64:80] * flat.fleet.power_max_kilowatt[:, None]).sum(axis=0),
        200.0 - site.base_kilowatt[64:80],
    )
    assert at_noon >= 0.5 * possible.sum()
    assert plan.cost_eur == pytest.approx(solved(replace(flat, site=site)).cost_eur, rel=1e-4)


def test_arguments_are_left_alone():
    problem = instance(20, gives_back=True)
    before = problem.fleet.energy_kwh.copy(), problem.site.price_eur_per_kwh.copy()
    planned(problem)
    np.testing.assert_array_equal(before[0], problem.fleet.energy_kwh)
    np.testing.assert_array_equal(before[1], problem.site.price_eur_per_kwh)

"""Tiers of price, reserve for the grid, and an outage: in the plan, against one large programme."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import yaml

from tests.unit.charging.depots import depot, told
from voltherd.bench.charging_reference import solved
from voltherd.charging.checks import checked
from voltherd.charging.plan import planned
from voltherd.charging.priced import reserve_kilowatt
from voltherd.charging.sheet import site_cost_eur
from voltherd.charging.site import Band, Outage, Tier
from voltherd.cloud.depot_example import EXAMPLE
from voltherd.cloud.depot_file import parse
from voltherd.errors import InputError


def night(**sections):
    plain = copy.deepcopy(yaml.safe_load(EXAMPLE))
    plain["step_minutes"] = 30
    for key, value in sections.items():
        plain[key] = plain.get(key, {}) | value
    return parse(plain, "s")


def agrees(problem):
    plan = planned(problem)
    assert plan.gap <= 1e-4
    best = solved(problem)
    assert best.status == "Optimal"
    assert plan.cost_eur == pytest.approx(best.cost_eur, rel=1e-4, abs=1e-3)
    return plan


@pytest.mark.long
def test_power_beyond_a_step_is_avoided_where_it_costs_more():
    tier = {"power_tiers": [{"above_kilowatt": 30, "added_eur_per_kwh": 0.1}]}
    made = night(connection=tier)

    def above(plan):
        grid = plan.power_kilowatt.sum(axis=0) + made.problem.site.net_base_kilowatt
        return np.maximum(grid - 30.0, 0.0).sum()

    plan = agrees(made.problem)
    assert above(plan) < 0.5 * above(planned(night().problem))
    assert any("above 30 kW cost 0.100 EUR/kWh more" in note for note in told(made, plan).notes)


@pytest.mark.long
def test_energy_beyond_a_volume_costs_more_and_what_was_used_before_counts():
    tier = {"above_kwh": 500, "used_kwh": 100, "added_eur_per_kwh": 0.05}
    made = night(prices={"volume_tiers": [tier]})
    plan = agrees(made.problem)
    site = made.problem.site
    grid = plan.power_kilowatt.sum(axis=0) + site.net_base_kilowatt
    base = site.net_base_kilowatt.sum() * site.step_hour
    more = max(grid.sum() * site.step_hour - 400.0, 0.0) - max(base - 400.0, 0.0)
    cost = site_cost_eur(made.problem, plan.power_kilowatt) + plan.wear_eur.sum() + 0.05 * more
    assert plan.cost_eur == pytest.approx(cost)
    assert any("beyond the first 400 kWh" in note for note in told(made, plan).notes)


@pytest.mark.long
def test_reserve_is_kept_where_it_pays_and_is_there_both_ways():
    pays, poor = (
        night(reserve={"kilowatt": 8.0, "eur_per_kilowatt_hour": price}) for price in (0.3, 0.0)
    )
    plan = agrees(pays.problem)
    drawn = plan.power_kilowatt.sum(axis=0)
    kept = reserve_kilowatt(pays.problem, plan.power_kilowatt)
    assert (kept > 7.9).sum() > 8
    assert (plan.power_kilowatt[1:].sum(axis=0) >= kept - 1e-6).all()  # the bus gives back
    assert (drawn + kept <= pays.problem.site.headroom_kilowatt + 1e-6).all()
    plain = planned(poor.problem)
    less = reserve_kilowatt(poor.problem, plain.power_kilowatt)
    assert less.sum() < kept.sum()
    assert plan.cost_eur < plain.cost_eur
    assert any(note.startswith("reserve: ") for note in told(pays, plan).notes)


@pytest.mark.long
def test_in_an_outage_vehicles_carry_the_load_and_draw_nothing_from_outside():
    made = night(outage={"begins": "19:00", "ends": "20:30", "shed_eur_per_kwh": 3.0})
    gone = made.problem.site.outage.gone
    assert gone.sum() == 3
    plan = agrees(made.problem)
    drawn = plan.power_kilowatt.sum(axis=0)
    load = made.problem.site.base_kilowatt
    assert (drawn[gone] <= 1e-6).all()
    assert (drawn[gone] >= -load[gone] - 1e-6).all()
    assert drawn[gone] == pytest.approx(-load[gone], abs=1e-3)
    sheet = told(made, plan)
    assert sheet.ready == 4
    assert any("carry 13.5 of 13.5 kWh" in note for note in sheet.notes)


def test_an_outage_outside_the_plan_is_refused():
    with pytest.raises(InputError, match="is not in the plan"):
        night(outage={"begins": "2020-01-01 10:00", "ends": "2020-01-01 12:00"})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"power_tiers": (Tier(10.0, -0.1),)}, "energy beyond it costs less"),
        ({"volume_tiers": (Tier(np.nan, 0.1),)}, "begins nowhere"),
        ({"band": Band(np.full(16, -1.0), np.zeros(16))}, "kilowatt of the reserve is negative"),
        ({"outage": Outage(np.ones(16, dtype=bool), 1.0)}, "step 0: energy has a price although"),
        ({"outage": Outage(np.zeros(16, dtype=bool), -1.0)}, "shed_eur_per_kwh is negative"),
    ],
)
def test_nonsense_is_refused(changes, message):
    problem = depot(1, vehicles=6, room=3.0)
    with pytest.raises(InputError, match=message):
        checked(replace(problem, site=replace(problem.site, **changes)))

"""Wear from ageing models in plans: what is later, slower, shallower is cheaper, and is seen."""

import copy

import numpy as np
import pytest
import yaml

from tests.unit.charging.depots import told
from voltherd.bench.charging_reference import solved
from voltherd.charging.battery_wear import Battery, given_tiers, waiting_eur_per_kwh_hour, worn
from voltherd.charging.plan import planned
from voltherd.charging.wear import wear_of
from voltherd.cloud.depot_example import EXAMPLE
from voltherd.cloud.depot_file import parse
from voltherd.report.depot import render_depot
from voltherd.report.depot_document import depot_document
from voltherd.types.asset import Chemistry

NMC = Battery(wear_of(Chemistry.NMC, 120.0), 25.0)
HALVES = np.array([0.5, 0.5])


def night(battery=None, prices=None, **bus):
    plain = copy.deepcopy(yaml.safe_load(EXAMPLE))
    plain["step_minutes"] = 30
    plain["prices"]["buy_eur_per_kwh"] = prices or plain["prices"]["buy_eur_per_kwh"]
    plain["vehicles"][0] |= bus
    for vehicle in plain["vehicles"]:
        vehicle["battery"] = battery
    return parse(plain, "s")


def test_tiers_of_wear_rise_with_power_and_are_dearer_for_deeper_swings():
    tiers = given_tiers(NMC, 60.0, 11.0, (0.2, 0.9), HALVES, 0.95)
    assert 0.0 < tiers[0] <= tiers[1]
    shallow = given_tiers(NMC, 60.0, 11.0, (0.8, 0.9), HALVES, 0.95)
    assert (shallow < tiers).all()
    dear = Battery(wear_of(Chemistry.NMC, 240.0), 25.0)
    np.testing.assert_allclose(given_tiers(dear, 60.0, 11.0, (0.2, 0.9), HALVES, 0.95), 2 * tiers)


def test_waiting_costs_more_where_it_is_warm_and_nothing_is_ever_earned_by_it():
    cold, warm = (
        waiting_eur_per_kwh_hour(NMC._replace(celsius=at), 0.3, 0.95) for at in (10.0, 40.0)
    )
    assert 0.0 <= cold < warm
    assert waiting_eur_per_kwh_hour(NMC, 0.9, 0.9) >= 0.0


@pytest.mark.long
def test_at_one_price_all_day_known_batteries_are_charged_late():
    battery = {"chemistry": "NMC", "price_per_kwh": 120.0, "celsius": 30.0}
    made = night(battery, prices=0.3)
    plan = planned(made.problem)
    assert plan.gap <= 1e-4
    assert plan.cost_eur == pytest.approx(solved(made.problem).cost_eur, rel=1e-4)
    power, hour = plan.power_kilowatt[1:], np.arange(made.problem.site.steps)
    middle = (power @ hour) / power.sum(axis=1)
    at_once = made.problem.at_once_kilowatt[1:]
    assert (middle > (at_once @ hour) / at_once.sum(axis=1) + 4).all()
    sheet = told(made, plan)
    assert sheet.worn.median_eur < sheet.worn_uncontrolled.median_eur
    assert sheet.worn.lowest_eur < sheet.worn.median_eur < sheet.worn.highest_eur
    assert (sheet.worn.batteries, sheet.worn.models) == (4, 3)
    text = " ".join(render_depot(sheet, 100, False).split())
    assert "wear of 4 batteries by 3 ageing models" in text
    assert "charged at once" in text
    assert depot_document(sheet)["worn"]["models"] == 3


@pytest.mark.long
def test_colder_or_slower_charging_has_another_price():
    made = night({"chemistry": "LFP", "price_per_kwh": 100.0, "celsius": 25.0})
    power = made.problem.at_once_kilowatt
    cold = [b._replace(celsius=12.0) for b in made.batteries]
    here, there = (worn(made.problem, power, known) for known in (made.batteries, cold))
    assert here.median_eur != pytest.approx(there.median_eur, rel=0.02)
    assert there.untested  # Naumann's cells were not cycled at 12 degrees
    slow = made.problem.window * (power.sum(axis=1) / made.problem.window.sum(axis=1))[:, None]
    assert worn(made.problem, slow, made.batteries).median_eur < here.median_eur


@pytest.mark.long
def test_energy_is_given_back_only_where_the_price_beats_the_wear_of_the_models():
    def given(price_per_kwh):
        made = night({"chemistry": "NMC", "price_per_kwh": price_per_kwh}, soc_reserve=0.2)
        plan = planned(made.problem)
        power = plan.power_kilowatt[0]
        stored = (
            made.problem.fleet.stored_kwh[0]
            + np.cumsum(np.maximum(power, 0) * 0.95 - np.maximum(-power, 0) / 0.95)
            * made.problem.site.step_hour
        )
        assert stored.min() >= 0.2 * 120.0 - 1e-6
        return float(np.maximum(-power, 0.0).sum())

    assert given(50.0) > 0.0
    assert given(50_000.0) == 0.0


def test_where_no_battery_is_known_nothing_is_said_of_models():
    made = night()
    assert made.batteries == (None,) * 4
    assert made.problem.waiting_eur_per_kwh_hour is None
    assert worn(made.problem, made.problem.at_once_kilowatt, made.batteries) is None

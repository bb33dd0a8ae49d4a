"""A battery of the site: planned beside vehicles, as full at the end, sun first."""

from dataclasses import replace

import numpy as np
import pytest
import yaml

from tests.unit.charging.depots import told
from voltherd.bench.charging_reference import solved
from voltherd.charging.plan import planned
from voltherd.cloud.depot_example import EXAMPLE
from voltherd.cloud.depot_file import parse
from voltherd.report.depot import render_depot
from voltherd.report.depot_document import depot_document

pytestmark = pytest.mark.long
STORE = {"capacity_kwh": 100.0, "power_kilowatt": 40.0, "soc": 0.4, "wear_eur_per_kwh": [0.03]}


def night(**changes):
    plain = yaml.safe_load(EXAMPLE)
    plain["step_minutes"] = 30
    plain["vehicles"][0]["v2g"] = False
    for key, value in changes.items():
        plain[key] = plain[key] | value if isinstance(value, dict) else value
    return parse(plain, "s")


def test_a_battery_lowers_the_cost_to_that_of_one_large_programme():
    made = night(storage=[STORE])
    plan = planned(made.problem)
    assert plan.gap <= 1e-4
    assert plan.cost_eur == pytest.approx(solved(made.problem).cost_eur, rel=1e-4)
    assert plan.cost_eur < planned(night().problem).cost_eur - 1.0
    sheet = told(made, plan)
    assert len(sheet.stays) == 4 == sheet.ready
    store = sheet.stores[0]
    assert store.soc[0] == 0.4
    assert store.soc[-1] == pytest.approx(0.4, abs=1e-6)
    assert 0.1 - 1e-9 <= min(store.soc) <= max(store.soc) <= 1.0 + 1e-9
    assert store.given_kwh < store.taken_kwh
    assert "storage takes in" in render_depot(sheet, 90, False)
    assert depot_document(sheet)["stores"][0]["given_kwh"] == store.given_kwh


def test_beside_a_battery_vehicles_keep_their_least_power():
    problem = night(storage=[STORE]).problem
    power = planned(problem, minimum=True).power_kilowatt[:4]
    least = np.broadcast_to(problem.fleet.power_min_kilowatt[:4, None], power.shape)
    assert (power[power > 0] >= least[power > 0] - 1e-6).all()


def test_sun_goes_into_the_battery_before_it_is_sold():
    sun = {"pv_kilowatt": {"00:00": 0, "08:00": 60, "15:00": 0}, "base_kilowatt": 5.0}
    sold = {"sell_eur_per_kwh": 0.05}
    made = night(connection=sun, prices=sold, storage=[STORE])
    sheet = told(made, planned(made.problem))
    plain = night(connection=sun, prices=sold)
    without = told(plain, planned(plain.problem))
    assert sheet.own_used_share > without.own_used_share + 0.02
    assert without.own_used_share >= without.own_used_share_uncontrolled
    assert "of it is used here" in " ".join(render_depot(sheet, 90, False).split())


def test_a_battery_whose_wear_no_price_pays_rests():
    made = night(storage=[STORE | {"wear_eur_per_kwh": [9.0]}])
    sheet = told(made, planned(made.problem))
    assert sheet.stores[0].given_kwh == 0.0
    assert any("storage rests" in note for note in sheet.notes)


def test_more_batteries_than_there_are_is_refused():
    problem = replace(night().problem, stores=9)
    with pytest.raises(Exception, match="more batteries of the site"):
        planned(problem)

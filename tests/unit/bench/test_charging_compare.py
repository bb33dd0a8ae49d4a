"""Ways of charging side by side: what the tables show is computed, and holds at a smaller size."""

import json

import numpy as np
import pytest

from voltherd.bench import (
    charging_battery,
    charging_compare,
    charging_forecast,
    charging_grid,
    charging_site,
)
from voltherd.bench.charging_parts import Asked, measure
from voltherd.bench.charging_sheet import Sheet
from voltherd.charging.forecast import Score

pytestmark = pytest.mark.long


def by_name(sheet):
    """Rows of a table by their first column, as dictionaries."""
    return {row["name"]: row for row in sheet.plain()["rows"]}


def test_a_table_is_told_for_people_and_for_programs(monkeypatch, tmp_path):
    sheet = Sheet("ways", (("", ""), ("h", ".1f")), (("slow", 8.25), ("no", float("inf"))), ("so",))
    assert sheet.text().splitlines() == [
        "ways",
        "            h",
        "  slow    8.2",
        "  no    never",
        "  so",
    ]
    monkeypatch.setattr(charging_compare, "TABLES", {"ways": lambda: sheet})
    document = json.loads(measure(("compare",), Asked(tmp_path, False), print).to_json())
    rows = document["parts"]["compare"]["ways"]["rows"]
    assert rows == [{"name": "slow", "h": 8.25}, {"name": "no", "h": None}]


def test_levels_say_for_which_packs_their_claims_hold(monkeypatch):
    monkeypatch.setattr(charging_battery, "PACKS_KWH", (20.0,))
    rows = charging_battery.levels().plain()["rows"]
    kept = {(row["name"], row["kW"]): row["holds for kWh"] for row in rows}
    assert kept["Level 1", 2.0] == "20"
    assert kept["Level 3", 350.0] == "none of these"
    assert kept["Level 3, plating let be", 350.0] == "20"


def test_steps_along_the_onset_plate_less_in_the_same_time(monkeypatch):
    monkeypatch.setattr(charging_battery, "WAYS_CELSIUS", (10.0,))
    monkeypatch.setattr(charging_battery, "SOC", (0.5, 0.7))
    sheet = charging_battery.ways()
    rows = {name.removeprefix("10 °C, "): row for name, row in by_name(sheet).items()}
    assert rows["in steps, as fast as 1C"]["minutes"] <= rows["CC-CV 1C"]["minutes"]
    assert rows["plating-limited"]["plated %"] == pytest.approx(0.0, abs=1e-6)
    assert rows["CC-CV 2C"]["heat kWh"] > rows["C/3"]["heat kWh"]
    assert [goal.verdict for goal in sheet.goals] == ["holds"]
    assert 0.0 < sheet.goals[0].measured < sheet.goals[0].goal


@pytest.fixture(scope="module")
def trips():
    of = charging_battery.pack()
    estimator = charging_battery.power_of(of)
    whole = charging_battery.trip_watt()
    hardest = int(whole.argmax())
    watt = whole[hardest - 200 : hardest + 200]
    return {
        celsius: charging_battery.braked(of, estimator, watt, celsius)
        for celsius in charging_battery.TRIP_CELSIUS
    }


def test_a_cold_battery_recovers_less_of_the_same_braking(trips):
    warm, cool, cold = (trip.taken_watt.sum() for trip in trips.values())
    assert warm > cool > cold > 0.0
    asked = {float(trip.asked_watt.sum()) for trip in trips.values()}
    assert len(asked) == 1 and warm <= asked.pop()


def test_no_braking_breaks_a_limit(trips):
    for trip in trips.values():
        assert (trip.taken_watt <= trip.limit_watt + 1.0).all()
        assert (trip.taken_watt <= trip.asked_watt + 1.0).all()
        assert (trip.volt <= 4.2).all()
        braking = trip.taken_watt > 0.0
        assert (trip.ampere[braking] <= trip.onset_ampere[braking]).all()
        assert (trip.asked_watt > trip.limit_watt).any()  # the limit is tried


def test_giving_back_pays_and_coils_lose_more():
    rows = by_name(charging_site.directions())
    g2v, v2g = rows["G2V: cable, planned"], rows["V2G: gives back, planned"]
    assert v2g["with wear"] < g2v["with wear"] < rows["cable, at once, no limit kept"]["with wear"]
    assert v2g["dear hours kWh"] < g2v["dear hours kWh"]
    assert v2g["efficiency %"] < g2v["efficiency %"] == pytest.approx(95.0)
    assert v2g["wear, models"] > g2v["wear, models"]
    assert rows["wireless, planned"]["efficiency %"] == pytest.approx(95.0 * 0.981, abs=0.1)


def test_a_planned_station_keeps_its_limits_and_is_cheaper():
    sheet = charging_site.stations()
    rows = by_name(sheet)
    features = ("control", "grid", "source", "demand", "data", "convenience")
    assert all(any(name.startswith(one) for name in rows) for one in features)
    assert [goal.verdict for goal in sheet.goals] == ["holds", "holds"]
    control = rows["control: hours above a limit"]
    assert control["at once"] > 0.0 == control["planned"]
    peak = rows["  where the peak is charged for"]
    assert peak["planned"] < peak["at once"]


def test_several_sources_are_cheaper_than_any_alone():
    rows = by_name(charging_site.sources())
    every = rows.pop("all three, cheapest first")
    assert every["kWh stored"] == pytest.approx(charging_site.NEED_KWH)
    assert every["most kW into it"] <= charging_site.INTAKE_KILOWATT + 1e-9
    for row in rows.values():
        assert row["all three for as much EUR"] <= row["EUR"] + 1e-9


def test_storage_brings_the_grid_back_sooner_and_gives_back_what_it_moved():
    sheets = charging_grid.imbalance(), charging_grid.frequency()
    assert {goal.verdict for sheet in sheets for goal in sheet.goals} == {"holds"}
    rows = by_name(sheets[0])
    assert rows["2% storage"]["lowest Hz"] > rows["0% storage"]["lowest Hz"]
    assert by_name(sheets[1])["gives back"]["kW in the first second"] == -100.0


def test_a_road_gives_a_slow_vehicle_more_than_it_drives_on():
    rows = list(by_name(charging_grid.road()).values())
    assert (np.diff([row["kWh taken"] for row in rows]) < 0.0).all()
    assert rows[0]["net %"] > 0.0 > rows[-1]["net %"]


def test_no_one_exponent_does_for_the_circuit():
    n = [row["n"] for row in charging_grid.exponent().plain()["rows"]]
    assert n[0] < 0.0 and n[-1] == pytest.approx(6.0, abs=0.1)


def test_forecasts_are_judged_against_the_last_week_and_the_last_hour():
    losses = {"seasonal naive": 5.0, "persistence": 3.0, "smoothed": 4.0, "the day before": 6.0}
    scores = [Score(name, loss, 0.8, 1.0, 1.0, 0.0, 9) for name, loss in losses.items()]
    week, hour = charging_forecast.goals({"dundee: demand": scores})
    assert week.what.endswith("smoothed") and hour.what == week.what
    assert (week.floor, week.verdict, hour.floor, hour.verdict) == (5.0, "holds", 3.0, "MISSED")

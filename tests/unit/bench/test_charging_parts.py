"""The parts of the charging benchmark: what they ask, what they lack, how goals are judged."""

import json

import numpy as np
import pytest

from voltherd.bench import (
    charging_cases,
    charging_learned,
    charging_link,
    charging_parts,
    charging_recorded,
)
from voltherd.bench.charging_acn import charged
from voltherd.bench.charging_goals import Goal, render_goals
from voltherd.bench.charging_parts import Asked, Told, measure, render
from voltherd.bench.depot_instance import PRICE_EUR_PER_MWH, depot
from voltherd.errors import UsageError
from voltherd.types.depot import ALL_KNOWN, AS_IT_GOES

pytestmark = pytest.mark.long


def test_a_goal_is_met_or_missed_on_its_own_side():
    fast = Goal("plan", 0.2, "s", 4.0, "HiGHS", 0.3)
    few = Goal("messages", 10.0, "1/s", 5.0, "peer", 20.0, at_least=True)
    assert (fast.verdict, few.verdict) == ("holds", "MISSED")
    text = render_goals([fast, few])
    assert "≤ 0.3" in text and "≥ 20" in text and "MISSED" in text


def test_a_part_without_its_data_says_so_in_a_line(tmp_path):
    table = measure(("recorded",), Asked(tmp_path, full=False), lambda _: None)
    assert "part recorded left out" in render(table) and "VOLTHERD_DATA" in render(table)
    assert "left_out" in json.loads(table.to_json())["parts"]["recorded"]


def test_goals_of_all_parts_stand_at_the_end(monkeypatch, tmp_path):
    goal = Goal("plan", 0.2, "s", None, "", 0.3)
    told = Told("what was measured", [{"n": float("nan")}], (goal,))
    monkeypatch.setattr(charging_parts, "PARTS", {"one": lambda *_: told})
    table = measure(("one",), Asked(tmp_path, full=False), lambda _: None)
    lines = render(table).splitlines()
    assert lines[-3].startswith("plan [s]") and lines[-1].startswith("CPU seconds: one")
    assert json.loads(table.to_json())["goals"][0]["verdict"] == "holds"


def test_acnportal_is_left_out_where_it_is_not_installed(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "acnportal", None)
    with pytest.raises(UsageError, match="pip install acnportal"):
        charged(depot(2))


@pytest.fixture(scope="module")
def cases():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(charging_cases, "VEHICLES", 12)
        patch.setattr(charging_cases, "STORAGE_KWH", (0.0, 40.0))
        day = {"2022-05-21": PRICE_EUR_PER_MWH["2022-05-21"]}
        patch.setattr(charging_cases, "PRICE_EUR_PER_MWH", day)
        patch.setattr(charging_cases, "RATIOS", (1.0, 3.0))
        yield charging_cases.measure()


def test_a_claim_is_reached_where_what_it_needs_is_there(cases):
    sun = {row.way: row for row in cases if row.case == "Tokyo"}
    assert not sun["night stays"].reached
    assert sun["night stays, storage of 40 kWh a vehicle"].own > sun["night stays"].own
    held = [row for row in cases if "held" in row.way]
    assert all(row.reached and row.peak == pytest.approx(-0.2, abs=1e-6) for row in held)
    price = {row.way: row for row in cases if row.case == "California"}
    flat, steep = (price[f"16 to 21 o'clock {ratio} times as dear"].cost for ratio in (1, 3))
    assert steep < flat - 0.15


def test_cases_are_told_claim_by_claim(cases):
    text = charging_cases.render(cases)
    assert text.index("Parker") < text.index("California") < text.index("Tokyo")


def test_learned_ways_keep_the_limit_and_stand_beside_the_bound(monkeypatch):
    monkeypatch.setattr(charging_learned, "VEHICLES", 8)
    monkeypatch.setattr(charging_learned, "TRAINED_SEEDS", range(100, 102))
    monkeypatch.setattr(charging_learned, "TRIED_SEEDS", range(1))
    monkeypatch.setattr(charging_learned, "EPISODES", 4)
    monkeypatch.setattr(charging_learned, "ROUNDS", 3)
    rows = {row.name: row for row in charging_learned.measure()}
    assert len(rows) == 10
    for name, row in rows.items():
        if name != "uncontrolled":
            assert row.over_kilowatt <= 1e-6
            assert row.cost_eur >= row.bound_eur - 1e-6 * abs(row.bound_eur)
    assert rows["ant colony + PPO"].train_second > 0.0
    assert "ant colony + PPO" in charging_learned.render(tuple(rows.values()))


def test_ants_keep_together_what_fits():
    night = depot(10)
    start = charging_learned.ant_starts(night)
    fleet = night.fleet
    length = np.ceil(night.reachable_kwh / fleet.power_max_kilowatt / night.site.step_hour)
    assert (start >= fleet.arrival_step).all()
    assert (start + length <= fleet.departure_step).all()


def test_what_comes_late_costs_and_the_guard_holds_the_limit(monkeypatch):
    monkeypatch.setattr(charging_link, "VEHICLES", 12)
    monkeypatch.setattr(charging_link, "NIGHTS", (200,))
    monkeypatch.setattr(charging_link, "DELAYS", (0, 8))
    monkeypatch.setattr(charging_link, "LOSSES", (0.5,))
    prompt, late, lossy = charging_link.measure()
    assert prompt.missing == pytest.approx(0.0, abs=1e-3) and prompt.cut_kwh < 0.1
    assert late.missing > prompt.missing
    assert (late.delay_minute, lossy.lost) == (120.0, 0.5)
    assert "120" in charging_link.render([prompt, late, lossy])
    night = depot(12, seed=200)
    power, _ = charging_link.charged(night, 8, 0.5, np.random.default_rng(1))
    assert (power.sum(axis=0) <= night.site.headroom_kilowatt + 1e-6).all()


@pytest.mark.recorded
def test_a_recorded_day_is_charged_in_every_way(recorded, monkeypatch):
    window = charging_recorded.Window("boulder", "2018-02-05", 1, 15.0, 7.0)
    monkeypatch.setattr(charging_recorded, "WINDOWS", (window,))
    monkeypatch.setattr(charging_recorded, "QUICK", (0,))
    [row] = charging_recorded.measure(recorded, full=False, progress=lambda _: None)
    online, best = row.way(AS_IT_GOES), row.way(ALL_KNOWN)
    assert online.over_hour == 0.0 and online.drawn_kwh <= best.drawn_kwh + 1e-6
    assert -1e-3 < row.regret < 0.2
    mean = np.abs(np.array(PRICE_EUR_PER_MWH[window.prices].split(), float)).mean()
    beyond = row.regret * charging_recorded.price(best)
    assert row.regret_of_mean == pytest.approx(beyond / mean)
    assert len(charging_recorded.goals([row])) == 4
    assert "boulder 2018-02-05" in charging_recorded.render([row])

"""A site file becomes a problem on the site's own clocks; mistakes are told with their place."""

import copy

import numpy as np
import pytest
import yaml

from voltherd.charging.checks import checked
from voltherd.charging.plan import planned
from voltherd.cloud.depot_example import EXAMPLE
from voltherd.cloud.depot_file import parse, read_site
from voltherd.errors import InputError, UsageError

PLAIN = yaml.safe_load(EXAMPLE)


def changed(**keys):
    """The example with other values, by path with double underscores."""
    plain = copy.deepcopy(PLAIN)
    for path, value in keys.items():
        *way, last = [int(part) if part.isdigit() else part for part in path.split("__")]
        at = plain
        for part in way:
            at = at[part]
        at[last] = value
    return plain


def test_the_example_can_be_planned(tmp_path):
    path = tmp_path / "site.yaml"
    path.write_text(EXAMPLE)
    night = read_site(path)
    problem = checked(night.problem)
    assert night.name == "North depot"
    assert night.start_second == 1795698000.0  # 13:00 UTC
    assert problem.site.steps == 96
    assert problem.fleet.names == ("bus-1", "bus-2", "van-1", "van-2")
    # 17:40 is in the step from 17:30 on: it can charge from 17:45.
    assert problem.fleet.arrival_step[0] == 15
    assert problem.fleet.departure_step[0] == 62
    assert problem.fleet.energy_kwh == pytest.approx([66.0, 84.0, 18.0, 30.0])
    assert problem.fleet.power_max_kilowatt.tolist() == [22.0, 22.0, 11.0, 6.6]
    assert problem.fleet.power_min_kilowatt == pytest.approx([4.14, 4.14, 4.14, 1.38])
    assert problem.fleet.phases.tolist() == [3, 3, 3, 1]
    assert problem.fleet.phase[3] == 1
    assert problem.discharge.limit_kilowatt.tolist() == [10.0, 0.0, 0.0, 0.0]
    assert problem.site.groups[0].member.tolist() == [False, False, True, True]
    assert problem.site.phase_limit_kilowatt[0, 0] == pytest.approx(27.6)
    price = problem.site.price_eur_per_kwh
    assert price[[0, 11, 12, 28, 40]].tolist() == [0.31, 0.31, 0.42, 0.24, 0.16]


@pytest.mark.parametrize(
    ("start", "hours"), [("2026-10-24 12:00", 25), ("2026-03-28 12:00", 23), ("2026-06-01", 24)]
)
def test_a_day_on_which_clocks_change_has_an_hour_more_or_less(start, hours):
    night = parse(changed(start=start, prices__buy_eur_per_kwh=list(range(hours))), "s")
    assert night.problem.site.steps == 4 * hours
    assert night.problem.site.price_eur_per_kwh[-1] == hours - 1
    departs = night.problem.fleet.departure_step[0]
    local = 5.5 + 24 - 12 if start != "2026-06-01" else 5.5 + 24
    if start == "2026-06-01":
        assert departs == 4 * 24  # begins at midnight: departure at 5:30 is of the next day
    else:
        assert departs == 4 * (local + hours - 24)


def test_a_stay_under_way_begins_with_the_plan():
    plain = changed(
        vehicles__0__arrives="2026-11-26 09:00", vehicles__0__departs="2026-11-26 18:00"
    )
    fleet = parse(plain, "s").problem.fleet
    assert (fleet.arrival_step[0], fleet.departure_step[0]) == (0, 16)


def test_two_stays_at_one_charger_follow_each_other():
    plain = changed(vehicles__0__departs="22:00", vehicles__1__charger="CP-01")
    plain["vehicles"][1]["arrives"] = "22:00"
    fleet = parse(plain, "s").problem.fleet
    assert fleet.departure_step[0] == fleet.arrival_step[1] == 32


WRONG = {
    "unknown key": ({"vehicles__0__chargr": "x"}, "unknown key vehicles.0.chargr"),
    "no clock": ({"vehicles__1__arrives": "7 pm"}, "vehicles.1.arrives: input should be"),
    "zone": ({"timezone": "Mars/Olympus"}, "no time zone is called Mars/Olympus"),
    "charge": ({"vehicles__1__soc_departure": 1.4}, "vehicles.1.soc_departure: input should be"),
    "power": ({"chargers__1__power_kilowatt": -3}, "chargers.1.power_kilowatt: input should be"),
    "clock key": ({"connection__base_kilowatt": {"25:00": 3}}, "connection.base_kilowatt.25:00: "),
    "infinite": ({"connection__demand_eur_per_kilowatt": float("inf")}, "finite number"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_no_site_file_says_is_refused_with_its_place(case):
    keys, told = WRONG[case]
    with pytest.raises(UsageError) as error:
        parse(changed(**keys), "site.yaml")
    assert str(error.value).startswith("site.yaml: ")
    assert told in str(error.value)


SENSELESS = {
    "charger": (
        {"vehicles__0__charger": "CP-09"},
        "no charger is called CP-09; did you mean CP-04",
    ),
    "group": ({"groups__0__chargers": ["CP-3"]}, "west wall: no charger is called CP-3"),
    "twice": ({"vehicles__1__id": "bus-1"}, "vehicles has bus-1 twice"),
    "same time": ({"vehicles__1__charger": "CP-01"}, "bus-1 and bus-2 are at CP-01 at the same"),
    "short stay": ({"vehicles__0__departs": "17:50"}, "bus-1: its stay from 17:40:00 to 17:50:00"),
    "few prices": ({"prices__buy_eur_per_kwh": [0.1] * 23}, "23 values for 24 hours or 96 steps"),
    "two phases": ({"chargers__0__phases": 2}, "phase L1 of 2"),
    "phase": ({"chargers__3__phase": "L4"}, "phase L4 of 1"),
    "no time of day": ({"connection__base_kilowatt": {}}, "no value from any time of day on"),
}


@pytest.mark.parametrize("case", SENSELESS)
def test_what_makes_no_sense_together_is_refused_with_its_place(case):
    keys, told = SENSELESS[case]
    with pytest.raises(InputError, match=r"site\.yaml: ") as error:
        parse(changed(**keys), "site.yaml")
    assert told in str(error.value)


def test_a_missing_price_is_found_by_the_planners_check():
    night = parse(changed(prices__buy_eur_per_kwh=[0.1] * 23 + [None]), "s")
    with pytest.raises(InputError, match=r"step 92: price_eur_per_kwh is missing"):
        checked(night.problem)


@pytest.mark.parametrize("text", ["a: [", "just words", "", "\x00"])
def test_what_is_no_yaml_is_told(tmp_path, text):
    path = tmp_path / "site.yaml"
    path.write_text(text)
    with pytest.raises(UsageError, match=r"site\.yaml"):
        read_site(path)
    with pytest.raises(UsageError, match="No such file"):
        read_site(tmp_path / "other.yaml")


def test_steps_of_another_length_hold_the_hourly_values():
    night = parse(changed(step_minutes=10, prices__buy_eur_per_kwh=list(range(24))), "s")
    assert np.array_equal(night.problem.site.price_eur_per_kwh, np.repeat(np.arange(24.0), 6))


def test_a_power_curve_becomes_lines_over_the_stored_energy():
    plain = changed(vehicles__3__power_curve={0.8: 6.0, 0.9: 4.5, 1.0: 2.0})
    night = parse(plain, "s")
    taper = night.problem.taper
    assert np.isinf(taper.empty_kilowatt[:3]).all()
    for soc, kilowatt in ((0.8, 6.0), (0.85, 5.25), (0.95, 3.25), (1.0, 2.0)):
        assert taper.at(np.full(4, soc * 50.0))[3] == pytest.approx(kilowatt)
    assert night.problem.kind.tolist() == [1, 0, 0, 2]
    assert night.giving.limit_kilowatt.tolist() == [10.0, 0.0, 0.0, 0.0]
    for curve in ({0.8: 6.0}, {0.8: 6.0, 0.9: 2.0}, {0.8: 6.0, 0.9: 4.0, 1.0: 3.0}, {0.8: 2, 1: 3}):
        with pytest.raises(InputError, match="van-2: its power_curve does not fall"):
            parse(changed(vehicles__3__power_curve=curve), "s")
    both = parse(changed(vehicles__0__power_curve={0.8: 22.0, 1.0: 4.0}), "s")
    with pytest.raises(InputError, match="bus-1: it may give back and its power falls"):
        checked(both.problem)


def test_a_vehicle_may_be_charged_on_one_phase_of_three():
    store = {"capacity_kwh": 100.0, "power_kilowatt": 50.0}
    plain = changed(vehicles__1__single_phase=True, vehicles__3__single_phase=True)
    single = checked(parse(plain | {"storage": [store]}, "s").problem).single
    assert single.able.tolist() == [False, True, False, False, False]  # van-2 has but one phase
    assert single.power_max_kilowatt[1] == pytest.approx(22.0 / 3)
    assert single.power_min_kilowatt[1] == pytest.approx(1.38)
    both = parse(changed(vehicles__0__single_phase=True), "s")
    with pytest.raises(
        InputError, match="bus-1: it may be charged on one phase or three, and gives"
    ):
        checked(both.problem)


def test_a_battery_of_the_site_is_always_there_behind_the_vehicles():
    store = {"capacity_kwh": 100.0, "power_kilowatt": 50.0, "wear_eur_per_kwh": [0.02, 0.03, 0.04]}
    night = parse(PLAIN | {"storage": [store]}, "s")
    problem = checked(night.problem)
    assert (problem.vehicles, problem.stores, problem.fleet.names[-1]) == (4, 1, "storage")
    assert problem.window[-1].all()
    assert problem.fleet.energy_kwh[-1] == 0.0
    assert problem.discharge.reserve_kwh.tolist() == [0.0] * 4 + [10.0]
    assert problem.discharge.tier_fraction.sum() == pytest.approx(1.0)
    for share, vehicle, own in (
        (0.3, 0.05, 0.02),
        (0.45, 0.05, 0.03),
        (0.6, 0.09, 0.03),
        (1.0, 0.09, 0.04),
    ):
        tier = np.searchsorted(np.cumsum(problem.discharge.tier_fraction), share - 1e-6)
        assert problem.discharge.tier_wear_eur_per_kwh[[0, 4], tier].tolist() == [vehicle, own]
    assert not problem.site.groups[0].member[-1]


def test_a_grid_operators_rule_is_a_group_with_a_limit_by_time_of_day():
    everybody = [charger["id"] for charger in PLAIN["chargers"]]
    cheap = {"00:00": 0.3, "17:00": 0.05, "20:00": 0.3}
    rule = {"name": "dimmed", "chargers": everybody, "limit_kilowatt": {"00:00": 60, "17:00": 8}}
    rule["limit_kilowatt"]["20:00"] = 60
    evening = slice(12, 24)  # 17:00 to 20:00
    drawn = {}
    for groups in ([], [rule]):
        problem = parse(changed(prices__buy_eur_per_kwh=cheap, groups=groups), "s").problem
        plan = planned(problem)
        drawn[len(groups)] = np.maximum(plan.power_kilowatt, 0.0)[:, evening].sum(axis=0)
        assert plan.shortage is None or plan.shortage.drawn_kwh <= 0.0
    assert drawn[0].max() > 20.0
    assert drawn[1].max() <= 8.0 + 1e-6
    impossible = rule | {"limit_kilowatt": 8}
    problem = parse(changed(prices__buy_eur_per_kwh=cheap, groups=[impossible]), "s").problem
    short = planned(problem).shortage
    assert short is not None
    assert short.drawn_kwh > 10.0
    assert any("dimmed" in str(one) for one in short.obstacles)

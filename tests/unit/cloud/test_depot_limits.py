"""What a battery holds and takes as it is, and that plans change with it."""

import asyncio
import json
from math import nan

import numpy as np
import pytest

from tests.unit.cloud.test_depot_tonight import charging, second
from voltherd.charging.central import Central, StationBook
from voltherd.charging.plan import planned
from voltherd.charging.profile import Pack, charge, constant, plating_table
from voltherd.cloud.depot_file import parse, read_file, read_site, site_file
from voltherd.cloud.depot_limits import (
    CELSIUS_MAX,
    CHARGE_PER_HOUR,
    as_known,
    at_arrival,
    limited,
    read_health,
)
from voltherd.cloud.depot_live import LiveDepot
from voltherd.cloud.depot_tonight import Guest, wanted
from voltherd.errors import InputError, UsageError
from voltherd.estimation.sop import PowerBounds
from voltherd.numerics.presets import NMC
from voltherd.types.asset import Chemistry
from voltherd.types.depot import BatteryNow

BUS = {
    "id": "bus-1",
    "charger": "CP-01",
    "arrives": "22:00",
    "departs": "23:45",
    "battery_kwh": 120,
    "soc_arrival": 0.3,
    "soc_departure": 0.9,
}


def site(**battery):
    told = {"chemistry": "NMC", "price_per_kwh": 100, "limits": True} | battery
    return {
        "site": "Cold depot",
        "start": "2026-11-26 14:00",
        "connection": {"limit_kilowatt": 200},
        "prices": {"buy_eur_per_kwh": 0.2},
        "chargers": [{"id": "CP-01", "power_kilowatt": 150}],
        "vehicles": [BUS | {"battery": told}],
    }


def bus(**battery):
    return site_file(site(**battery), "here").vehicles[0]


def drawn(**battery):
    """Give the highest power, and the energy, of the plan for such a battery."""
    problem = parse(site(**battery), "here").problem
    power = planned(problem).power_kilowatt
    return power.max(), power.sum() * problem.site.step_hour


def test_a_plan_changes_with_temperature_and_with_health():
    warm, warm_kwh = drawn(celsius=25.0)
    cool, cool_kwh = drawn(celsius=0.0)
    cold, cold_kwh = drawn(celsius=-10.0)
    assert warm > 1.2 * cool > 1.2 * cold
    assert warm_kwh == pytest.approx(120 * 0.6 / 0.95, rel=1e-3)
    assert cool_kwh == pytest.approx(warm_kwh, rel=1e-3)  # slower, and ready all the same
    assert cold_kwh < 0.95 * warm_kwh  # not in seven quarters at 10 degrees of frost
    _, old_kwh = drawn(celsius=25.0, soh=0.8)
    assert old_kwh == pytest.approx(0.8 * warm_kwh, rel=1e-3)


@pytest.mark.parametrize(("celsius", "soh"), [(25.0, 1.0), (0.0, 0.8), (-10.0, 1.0)])
def test_a_curve_falls_bends_down_and_promises_no_faster_charge_than_the_cell_gives(celsius, soh):
    vehicle = limited(bus(celsius=celsius, soh=soh), "here")
    soc, kilowatt = np.array(sorted(vehicle.power_curve.items())).T
    slope = np.diff(kilowatt) / np.diff(soc)
    assert (slope <= 1e-9).all()
    assert (np.diff(slope) <= 1e-6).all()
    assert vehicle.battery_kwh == pytest.approx(120 * soh)
    bounds = PowerBounds(
        volt_min=0.0,
        volt_max=4.2,
        charge_ampere=CHARGE_PER_HOUR * NMC.capacity_ah,
        discharge_ampere=1.0,
        celsius_max=CELSIUS_MAX,
        plating=plating_table(NMC.capacity_ah * soh, Chemistry.NMC),
    )
    pack = Pack(cell=NMC, cells=1, bounds=bounds, soh=soh, resistance_scale=1.0 / soh)
    course = charge(pack, constant(100.0), 0.3, celsius, 0.95)
    fine = np.linspace(0.3, 0.95, 400)
    gained = vehicle.efficiency * np.interp(fine, soc, kilowatt) / vehicle.battery_kwh
    hour = np.trapezoid(1.0 / gained, fine)
    assert hour >= 0.97 * course.second[-1] / 3600.0
    assert hour <= 1.1 * course.second[-1] / 3600.0


def test_limits_of_a_cell_that_nobody_knows_are_refused_by_name():
    with pytest.raises(InputError, match="LTO"):
        parse(site(chemistry="LTO"), "here")


def test_made_once_or_twice_is_the_same():
    once = limited(bus(celsius=0.0, soh=0.9), "here")
    assert limited(once, "here") == once


def test_who_gives_back_is_planned_without_a_bend():
    told = site(celsius=0.0)
    told["vehicles"][0]["v2g"] = True
    assert limited(site_file(told, "here").vehicles[0], "here").power_curve == {}


def test_what_is_known_counts_before_what_is_written_and_what_is_not_stays():
    known = as_known(bus(celsius=25.0), BatteryNow(0.0, 0.41, -3.0, nan))
    assert (known.soc_arrival, known.battery.celsius, known.battery.soh) == (0.41, -3.0, 1.0)
    assert as_known(bus(), None) == bus()
    plain = bus().model_copy(update={"battery": None})
    assert as_known(plain, BatteryNow(0.0, nan, nan, 0.9)).battery_kwh == pytest.approx(108.0)


def test_what_was_in_a_battery_when_it_came_is_told_by_what_it_drew_since():
    vehicle, start = bus(), 1000.0
    before = BatteryNow(900.0, 0.4, 5.0, nan)
    assert at_arrival(before, vehicle, start, 0.0, 1001.0).soc == 0.4
    during = BatteryNow(4600.0, 0.5, 5.0, nan)
    gained = 12_000 / 1000 * 0.95 / 120
    assert at_arrival(during, vehicle, start, 12_000.0, 4700.0).soc == pytest.approx(0.5 - gained)
    assert at_arrival(before, vehicle, start, 0.0, 5000.0) is None  # too old to be of its coming
    assert at_arrival(before._replace(soc=nan), vehicle, start, 0.0, 1001.0) is None


def test_a_stay_is_planned_by_what_the_fleet_knows_of_the_battery():
    file = site_file(site(celsius=25.0), "here")
    guest = Guest("CP-01", charging("bus-1", second("2026-11-26T22:00")))
    as_written = wanted(file, guest)
    known = wanted(file, guest._replace(battery=BatteryNow(0.0, 0.6, -5.0, 0.9)))
    assert as_written.energy_kwh == pytest.approx(72.0)
    assert known.energy_kwh == pytest.approx(0.3 * 120 * 0.9)
    assert max(known.section.power_curve.values()) < max(as_written.section.power_curve.values())


def report(tmp_path, text):
    (tmp_path / "soh.json").write_text(text)
    told = site(celsius=25.0) | {"fleet": {"health": "soh.json"}}
    (tmp_path / "site.yaml").write_text(json.dumps(told))
    return tmp_path / "site.yaml"


def test_the_report_of_health_is_read_beside_the_site(tmp_path):
    figure = {"value": 0.83, "unit": "1"}
    of = [
        {"vehicle_id": "bus-1", "figures": {"capacity": figure}},
        {"vehicle_id": "bus-2", "figures": {"capacity": {"value": None, "unit": "Ah"}}},
        {"vehicle_id": "bus-3", "figures": {"capacity": {"value": 0.0, "unit": "1"}}},
    ]
    path = report(tmp_path, json.dumps({"vehicles": of}))
    assert read_file(path).vehicles[0].battery.soh == 0.83
    assert read_health(tmp_path / "soh.json") == {"bus-1": 0.83}
    assert read_site(path).problem.fleet.battery_kwh.tolist() == pytest.approx([120 * 0.83])


FIGURE = '{"vehicles": [{"vehicle_id": "a", "figures": {"capacity": %s}}]}'


@pytest.mark.parametrize(
    "text",
    [
        *("", "[]", '{"vehicles": 3}', '{"vehicles": [{}]}', FIGURE % '{"value": 1}'),
        *(FIGURE % '{"unit": "1", "value": "much"}', FIGURE % '{"unit": "1", "value": []}'),
    ],
)
def test_a_report_that_is_none_is_said_so_with_what_to_do(tmp_path, text):
    with pytest.raises(UsageError, match="no readable report of health") as caught:
        read_file(report(tmp_path, text))
    assert "voltherd soh" in str(caught.value.mend)


@pytest.mark.parametrize(("kilowatt", "kwh"), [(3.7, 250.0), (22.0, 490.0)])
def test_a_weak_charger_at_a_big_battery_gives_what_it_does(kilowatt, kwh):
    told = bus(celsius=25.0).model_copy(update={"battery_kwh": kwh, "power_kilowatt": kilowatt})
    curve = limited(told, "here").power_curve
    assert max(curve.values()) == pytest.approx(kilowatt, rel=0.06)


def test_what_limits_a_battery_counts_in_a_run_for_who_could_give_back():
    told = site(celsius=-10.0)
    told["vehicles"][0]["v2g"] = True
    told["chargers"][0]["discharge_kilowatt"] = 10
    file = site_file(told, "here")
    there = Guest("CP-01", charging("bus-1", second("2026-11-26T22:00")))
    assert wanted(file, there).section.power_curve


def test_a_running_depot_plans_by_what_was_known_when_a_vehicle_came():
    file = site_file(site(celsius=25.0), "here")
    start = second("2026-11-26T22:00")
    known = {"bus-1": BatteryNow(start - 20.0, 0.7, 25.0, nan)}
    stay = charging("bus-1", start)
    book = StationBook("CP-01", transactions={"T1": stay}, open_ids=frozenset({"T1"}))

    async def live():
        depot = LiveDepot(
            file,
            "here",
            books=lambda: Central(stations={"CP-01": book}),
            online=lambda: ("CP-01",),
            ask=None,  # the station has not started, so nobody asks it anything
            batteries=lambda: known,
        )
        depot.tick(start + 30.0)
        await depot.settled()
        known["bus-1"] = BatteryNow(start + 890.0, 0.9, 25.0, nan)  # of later: it has charged
        depot.tick(start + 900.0)
        await depot.settled()
        return depot.accounts(), depot.plan

    [account], plan = asyncio.run(live())
    assert account.wanted_kwh == pytest.approx(0.2 * 120)
    assert plan.guests == {"CP-01/T1": pytest.approx(0.2 * 120_000 / 0.95)}


def test_a_weak_charger_is_followed_to_the_end():
    """3.6 kW are less than the current at which a charge of 120 kWh counts as over."""
    weak = limited(bus().model_copy(update={"power_kilowatt": 3.6}), "here")
    assert max(weak.power_curve.values()) == pytest.approx(3.6, rel=0.05)

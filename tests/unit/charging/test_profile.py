"""Charges: each limit holds and is named; time, heat, lithium and wear are traded."""

import itertools
import math

import numpy as np
import pytest

from voltherd.charging.profile import (
    LIMITS,
    STEP_SECOND,
    Pack,
    allowed,
    along_onset,
    as_fast_as,
    charge,
    constant,
    constant_voltage_ampere,
    in_steps_along_onset,
    plating_table,
    power_curve,
    stepped,
    trade_off,
)
from voltherd.charging.wear import wear_of
from voltherd.estimation.sop import PowerBounds, PowerEstimator
from voltherd.numerics.presets import LFP, NMC
from voltherd.numerics.resistance_map import ResistanceMap
from voltherd.types.asset import Chemistry

pytestmark = pytest.mark.long


def pack(cell=NMC, plating=True, celsius_max=50.0, charge_rate=2.5, **changes):
    cell = cell.resized(150.0)
    soh = changes.get("soh", 1.0)
    bounds = PowerBounds(
        volt_min=2.5,
        volt_max=3.6 if cell.chemistry is Chemistry.LFP else 4.2,
        charge_ampere=charge_rate * 150.0,
        discharge_ampere=600.0,
        celsius_max=celsius_max,
        plating=plating_table(150.0 * soh, cell.chemistry) if plating else None,
    )
    return Pack(cell=cell, cells=100, bounds=bounds, **changes)


FREE = pack(plating=False)
CC_CV = charge(FREE, constant(1.0), 0.5, 25.0, 1.0)


def test_constant_current_turns_into_constant_voltage_at_the_limit():
    turn = CC_CV.limit_name.index("voltage")
    assert set(CC_CV.limit_name[:turn]) == {"request"}
    assert set(CC_CV.limit_name[turn:]) == {"voltage"}
    assert CC_CV.ampere[:turn] == pytest.approx(150.0)
    assert CC_CV.volt[turn:] == pytest.approx(4.2, abs=1e-3)
    assert CC_CV.volt.max() <= 4.2 + 1e-6
    assert (np.diff(CC_CV.ampere[turn:]) < 1e-6).all()
    assert CC_CV.ampere[-1] >= 0.05 * 150.0


def test_equation_10_holds_at_constant_voltage():
    """Inside is what is left of the terminal voltage a moment after the current stops."""
    plant = FREE.plant
    state = plant.init(np.array([0.9]), 25.0)
    for _ in range(6):
        state, _ = plant.step(state, np.array([100.0]), 25.0, STEP_SECOND)
    moment = 1e-6
    _, on = plant.step(state, np.array([100.0]), 25.0, moment)
    _, off = plant.step(state, np.array([0.0]), 25.0, moment)
    kelvin = float(state.temperature_celsius[0]) + 273.15
    activation = FREE.cell.activation_joule_per_mole / 8.314462618
    ohm = FREE.cell.r0_ohm * math.exp(activation * (1 / kelvin - 1 / 298.15))
    current = constant_voltage_ampere(float(on[0]), float(off[0]), ohm)
    assert current == pytest.approx(100.0, rel=0.02)
    assert constant_voltage_ampere(3.6, 3.7, 0.01) < 0.0  # it would discharge


def test_every_limit_holds_and_is_named():
    for cold, watt in ((0.0, math.inf), (10.0, math.inf), (25.0, 60e3), (45.0, math.inf)):
        vehicle = pack(celsius_max=48.0)
        course = charge(vehicle, constant(100.0), 0.05, cold, 0.95, watt)
        table = plating_table(150.0, Chemistry.NMC)
        begin = np.concatenate([[0.05], course.soc[:-1]])
        warm = np.concatenate([[cold], course.celsius[:-1]])
        assert (course.ampere <= table.at(begin, warm) + 1e-6).all()
        assert course.plated_ah[-1] == pytest.approx(0.0, abs=1e-6)
        assert (course.volt <= 4.2 + 1e-3).all()
        assert (course.celsius <= 48.0 + 0.1).all()
        assert (course.watt <= watt * 1.001).all()
        assert (course.ampere <= 375.0).all()
        assert course.soc[-1] >= 0.95


@pytest.mark.parametrize(
    ("vehicle", "soc", "celsius", "watt", "name"),
    [
        (pack(), 0.5, 0.0, math.inf, "plating"),
        (pack(), 0.5, 25.0, 20e3, "charger"),
        (pack(plating=False), 0.2, 25.0, math.inf, "current"),
        (pack(plating=False), 0.97, 5.0, math.inf, "voltage"),
        (pack(plating=False, celsius_max=30.0), 0.5, 29.9, math.inf, "temperature"),
    ],
)
def test_what_binds_is_named(vehicle, soc, celsius, watt, name):
    state = vehicle.plant.init(np.array([soc]), celsius)
    ampere, limit = allowed(vehicle, state, 1000.0, celsius, watt)
    assert LIMITS[limit] == name
    assert 0.0 < ampere < 1000.0
    asked, limit = allowed(vehicle, state, 0.5 * ampere, celsius, watt)
    assert (asked, LIMITS[limit]) == (pytest.approx(0.5 * ampere), "request")


def test_a_charger_gives_what_it_gives():
    state = FREE.plant.init(np.array([0.5]), 25.0)
    ampere, _ = allowed(FREE, state, 1000.0, 25.0, 40e3)
    _, volt = FREE.plant.step(state, np.array([ampere]), 25.0, STEP_SECOND)
    assert 100 * float(volt[0]) * ampere == pytest.approx(40e3, rel=1e-3)


def test_a_cell_above_its_voltage_or_temperature_takes_nothing():
    state = FREE.plant.init(np.array([1.0]), 25.0)
    full = FREE.cell.ocv_volt[-1]
    low = Pack(
        cell=FREE.cell,
        cells=100,
        bounds=PowerBounds(
            volt_min=2.5, volt_max=full - 0.01, charge_ampere=300.0, discharge_ampere=300.0
        ),
    )
    assert allowed(low, state, 100.0, 25.0, math.inf) == (0.0, LIMITS.index("voltage"))
    hot = FREE.plant.init(np.array([0.5]), 60.0)
    assert allowed(FREE, hot, 100.0, 60.0, math.inf) == (0.0, LIMITS.index("temperature"))


def test_the_state_of_power_binds_where_it_is_known_and_low():
    """A map of pulses up to 30 A answers for no more than that (C3-17 feeds C2-09)."""
    ohm = np.full((2, 3, 2, 2), 0.0005)
    pulses = ResistanceMap(
        capacity_ah=150.0,
        ocv_volt=np.asarray(FREE.cell.ocv_volt),
        celsius=np.array([0.0, 40.0]),
        soc=np.array([0.05, 0.5, 0.95]),
        ampere=np.array([10.0, 30.0]),
        second=np.array([10.0, 30.0]),
        charge_ohm=ohm,
        discharge_ohm=ohm,
        source="made up",
    )
    vehicle = pack(power=PowerEstimator(map=pulses, bounds=FREE.bounds))
    state = vehicle.plant.init(np.array([0.5]), 25.0)
    ampere, limit = allowed(vehicle, state, 1000.0, 25.0, math.inf)
    assert LIMITS[limit] == "power"
    assert 25.0 < ampere <= 30.0


def test_steps_ask_for_less_as_the_cell_fills():
    course = charge(FREE, stepped([(0.4, 1.5), (0.6, 1.0), (1.0, 0.5)]), 0.3, 25.0, 0.7)
    rates = sorted(set(np.round(course.ampere / 150.0, 6)), reverse=True)
    assert rates == [1.5, 1.0, 0.5]


def test_at_the_same_time_a_charge_along_the_onset_plates_less_than_cc_cv():
    plain = charge(FREE, constant(1.0), 0.1, 10.0, 0.8)
    share = as_fast_as(FREE, plain, 0.1, 10.0, 0.8)
    shaped = charge(FREE, along_onset(FREE, share), 0.1, 10.0, 0.8)
    assert shaped.second[-1] <= plain.second[-1]
    assert shaped.plated_ah[-1] < 0.6 * plain.plated_ah[-1]


def test_fast_charging_trades_time_for_heat_and_lithium():
    wear = wear_of(Chemistry.NMC, 120.0)
    rows = [
        trade_off(str(rate), charge(FREE, constant(rate), 0.1, 10.0, 0.8), FREE, 0.1, wear)
        for rate in (0.25, 0.5, 1.0, 2.0)
    ]
    for slow, fast in itertools.pairwise(rows):
        assert fast.minute < slow.minute
        assert fast.celsius_max > slow.celsius_max
        assert fast.heat_watt_hour > slow.heat_watt_hour
        assert fast.plated_share >= slow.plated_share
        assert fast.wear.median > slow.wear.median
    assert rows[0].plated_share == 0.0 and rows[-1].plated_share > 0.1
    assert rows[0].minute == pytest.approx(60 * 0.7 / 0.25, rel=0.02)


def test_steps_along_the_onset_plate_less_than_cc_cv_in_its_time():
    """A multi-step charge, a current for each tenth: equal time, less lithium (C9-08)."""
    plain = charge(FREE, constant(1.0), 0.1, 10.0, 0.8)
    request = in_steps_along_onset(FREE, 1.145)
    assert request(0.1, 10.0) == request(0.15, 10.0) > request(0.2, 10.0)
    steps = charge(FREE, request, 0.1, 10.0, 0.8)
    assert steps.second[-1] <= plain.second[-1]
    assert steps.plated_ah[-1] < 0.7 * plain.plated_ah[-1]


def test_a_weak_charger_is_no_full_battery():
    """2 kW into 55 kWh are less than the current at which a charge is over."""
    course = charge(FREE, constant(100.0), 0.2, 25.0, 0.3, 2000.0, step_second=60.0)
    assert course.soc[-1] >= 0.3 and set(course.limit_name) == {"charger"}
    assert course.second[-1] / 3600.0 == pytest.approx(0.1 * 55.4 / 2.0, rel=0.06)
    assert not len(charge(FREE, constant(100.0), 0.2, 25.0, 0.3, 0.0).soc)


def test_longer_steps_change_a_slow_charge_little():
    short, long = (
        charge(FREE, constant(0.3), 0.6, 25.0, 0.9, step_second=step) for step in (10.0, 60.0)
    )
    assert long.second[-1] == pytest.approx(short.second[-1], abs=60.0)
    assert long.heat_watt_hour[-1] == pytest.approx(short.heat_watt_hour[-1], rel=0.06)
    assert long.celsius[-1] == pytest.approx(short.celsius[-1], abs=0.05)


def test_heat_is_what_the_cell_warms_by_and_gives_off():
    course = charge(FREE, constant(1.0), 0.2, 25.0, 0.6)
    cell = FREE.cell
    warmed = (course.celsius[-1] - 25.0) * cell.heat_capacity_joule_per_kelvin
    given = ((course.celsius - 25.0) / cell.thermal_resistance_kelvin_per_watt).sum() * STEP_SECOND
    assert course.heat_watt_hour[-1] * 36.0 == pytest.approx(warmed + given, rel=0.05)


def test_the_curve_of_power_falls_with_age_cold_and_charge():
    soc = np.linspace(0.1, 1.0, 10)
    new = power_curve(pack(), soc, 25.0, 150e3)
    cold = power_curve(pack(), soc, 5.0, 150e3)
    old = power_curve(pack(soh=0.8, resistance_scale=1.5), soc, 25.0, 150e3)
    assert (new <= 150e3 * 1.001).all()
    assert (cold[:-1] < new[:-1]).all()
    assert (old[1:-1] < new[1:-1]).all()
    assert new[0] > new[4] > new[8]
    at_home = power_curve(pack(), soc[:8], 25.0, 11e3)
    assert at_home[:-1] == pytest.approx(11e3, rel=1e-3)
    assert power_curve(pack(celsius_max=20.0), soc, 25.0, 11e3).tolist() == [0.0] * 10


def test_iron_phosphate_keeps_its_own_voltage():
    course = charge(pack(LFP, plating=False), constant(1.0), 0.8, 25.0, 1.0)
    assert course.volt.max() <= 3.6 + 1e-3
    assert plating_table(1.0, Chemistry.LTO) is None

"""One session: power against what was allowed, its price to the cent, and what arrived."""

import pytest

from voltherd.charging.session_record import (
    Prices,
    allowed,
    cost_eur,
    drawn,
    efficiency,
    registers,
)
from voltherd.charging.transactions import Register
from voltherd.types.station import ENERGY, POWER, ChargingPeriod, ChargingSchedule, MeterReading


def course(*pairs):
    return tuple(Register(second, 0, energy) for second, energy in pairs)


def plan(start, *periods, duration=None):
    steps = tuple(ChargingPeriod(at, watt) for at, watt in periods)
    return ChargingSchedule("W", steps, start, duration)


def test_a_later_profile_counts_from_its_start_and_ends_with_its_duration():
    told = [plan(0.0, (0, 11e3), (1000, 4e3)), plan(1500.0, (0, 2e3), duration=500)]
    assert allowed(told, 500.0, 3000.0) == (
        (500.0, 11e3),
        (1000.0, 4e3),
        (1500.0, 2e3),
        (2000.0, None),
    )
    assert allowed([], 0.0, 10.0) == ((0.0, None),)


def test_amperes_are_told_as_power():
    told = [ChargingSchedule("A", (ChargingPeriod(0, 10.0, 3),), 0.0, None)]
    assert allowed(told, 0.0, 1.0) == ((0.0, 6900.0),)


def test_power_is_what_was_told_else_the_mean_between_registers():
    phases = [MeterReading(5.0, POWER, 1000.0, "W", phase) for phase in ("L1", "L2", "L3")]
    whole = MeterReading(9.0, POWER, 3100.0, "W")
    assert drawn([*phases, whole], ()) == ((5.0, 3000.0), (9.0, 3100.0))
    assert drawn([], course((0.0, 0.0), (1800.0, 2000.0))) == ((1800.0, 4000.0),)


def test_the_register_takes_in_its_known_ends():
    readings = [MeterReading(5.0, ENERGY, 10.0, "Wh"), MeterReading(6.0, ENERGY, 9.0, "Wh", "L1")]
    ends = (Register(0.0, 0, 1.0), None)
    assert registers(readings, *ends) == course((0.0, 1.0), (5.0, 10.0))


def test_energy_between_readings_is_priced_as_it_flows():
    prices = Prices((0.0, 3600.0), (0.40, 0.20), 7200.0)
    assert cost_eur(course((1800.0, 0.0), (5400.0, 10_000.0)), prices) == pytest.approx(3.0)


@pytest.mark.parametrize(
    "metered",
    [course((1.0, 0.0)), course((-1.0, 0.0), (2.0, 1.0)), course((1.0, 0.0), (7201.0, 1.0))],
)
def test_without_a_price_for_all_of_it_there_is_none(metered):
    assert cost_eur(metered, Prices((0.0,), (0.4,), 7200.0)) is None


def test_what_arrives_is_told_as_sharply_as_states_of_charge_are():
    socs = [MeterReading(0.0, "SoC", 0.3, "1"), MeterReading(3600.0, "SoC", 0.6, "1")]
    found = efficiency(socs, 60e3, course((0.0, 0.0), (3600.0, 20e3)))
    assert found == pytest.approx((0.9, 0.87, 0.93))
    assert efficiency(socs, None, course((0.0, 0.0), (3600.0, 20e3))) is None
    assert efficiency(socs[:1], 60e3, course((0.0, 0.0), (3600.0, 20e3))) is None
    assert efficiency(socs, 60e3, course((0.0, 0.0), (3600.0, 0.0))) is None

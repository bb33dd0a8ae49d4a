"""A simulated day is one that a vehicle could have had."""

import numpy as np
import pytest

from voltherd.sim.drivers import DRIVERS, draw_traits
from voltherd.sim.fleet import START_SECOND
from voltherd.sim.route import Body, power_watt, speed_profile
from voltherd.sim.streams import Purpose, stream
from voltherd.sim.usage import DayStart, Mode, Rows, Sampling, plan_day

ENERGY_JOULE = 52e3 * 3600.0


def day(vehicle: int, *, soc: float = 0.8, number: int = 0, park: float = 1800.0) -> Rows:
    start = START_SECOND + 86400.0 * number
    begin = DayStart(
        start_second=start,
        since_second=start - 1.0,
        soc=soc,
        energy_joule=ENERGY_JOULE,
        ambient_celsius=8.0,
    )
    traits = draw_traits(stream(1, Purpose.TRAITS, vehicle))
    rng = stream(1, Purpose.USAGE, vehicle, number)
    return plan_day(rng, traits, begin, Sampling(park_period_second=park))


@pytest.mark.parametrize("vehicle", range(1, 21))
def test_a_day_stays_within_itself(vehicle: int) -> None:
    rows = day(vehicle)
    assert (np.diff(rows.unix_time_second) > 0.0).all()
    assert rows.unix_time_second[0] > START_SECOND - 1.0
    assert rows.unix_time_second[-1] < START_SECOND + 86400.0
    np.testing.assert_allclose(
        np.cumsum(rows.step_second), rows.unix_time_second - START_SECOND + 1.0
    )


@pytest.mark.parametrize("vehicle", range(1, 21))
def test_the_rows_account_for_all_energy_of_the_trips(vehicle: int) -> None:
    """The mean power of a row covers its whole step: summing rows loses nothing."""
    rows = day(vehicle)
    driving = rows.mode == Mode.DRIVE
    per_kilometre = -(rows.power_mean_watt * rows.step_second)[driving].sum() / 3.6e6
    distance = rows.distance_kilometre[-1]
    if distance > 5.0:
        assert 0.1 < per_kilometre / distance < 0.5  # kWh/km


@pytest.mark.parametrize("vehicle", range(1, 21))
def test_nobody_strands(vehicle: int) -> None:
    rows = day(vehicle, soc=0.3)
    lowest = soc = 0.3
    for mode, power, step, offered, target in zip(
        rows.mode,
        rows.power_mean_watt,
        rows.step_second,
        rows.charge_watt,
        rows.target_soc,
        strict=True,
    ):
        gained = 0.6 * offered if mode == Mode.DC else offered
        soc += (power + gained * (soc < target)) * step / ENERGY_JOULE
        lowest = min(lowest, soc)
    assert lowest > 0.05


def test_weekends_are_quieter() -> None:
    def driven(number: int) -> float:
        return sum(float(day(v, number=number).distance_kilometre[-1]) for v in range(1, 31))

    assert driven(5) + driven(6) < driven(1) + driven(2)


def test_silence_while_parked_is_silence() -> None:
    rows = day(3, park=0.0)
    assert not rows.reported[rows.mode == Mode.PARK].any()
    assert rows.reported[rows.mode != Mode.PARK].all()


@pytest.mark.parametrize("driver", DRIVERS, ids=lambda driver: driver.name)
def test_speed_and_power_are_those_of_a_car(driver: object) -> None:
    roads = driver.roads  # type: ignore[attr-defined]
    speed = speed_profile(np.random.default_rng(1), 3600, roads)
    assert speed[0] == 0.0
    assert speed[-1] < 2.0
    assert speed.min() >= 0.0
    assert 10.0 < speed.max() * 3.6 < 160.0
    assert np.abs(np.diff(speed)).max() < 5.0
    body = Body(mass_kilogram=1900.0, rolling=0.009, drag_area_square_metre=0.62)
    power = power_watt(np.random.default_rng(2), speed, body, 500.0)
    consumption = -power.sum() / 3.6e6 / (speed.sum() / 1e5)  # kWh per 100 km
    assert 10.0 < consumption < 30.0
    assert power.max() > 5e3  # it regenerates
    assert power.min() >= -body.power_watt_max - body.standby_watt - 500.0


def test_a_full_battery_takes_nothing_back() -> None:
    speed = speed_profile(np.random.default_rng(1), 1200, DRIVERS[0].roads)
    body = Body(mass_kilogram=1900.0, rolling=0.009, drag_area_square_metre=0.62)
    power = power_watt(np.random.default_rng(2), speed, body, 0.0, regeneration=0.0)
    assert power.max() <= 0.0

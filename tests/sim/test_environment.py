"""Pressure, damp and vibration inside a pack: plausible, apart from everything else, and faulty."""

import numpy as np
import pytest

from voltherd.sim.environment import saturation_pascal
from voltherd.sim.fleet import SimulatedDay, fleet_spec, simulate
from voltherd.sim.live import LiveSpec, advance, begin, is_live
from voltherd.types.channel import SCALARS

CHANNELS = (
    "pressure_pascal",
    "relative_humidity_fraction",
    "vibration_metre_per_second_squared",
)


def run(faults: str = "none", **options: object) -> list[SimulatedDay]:
    spec = fleet_spec(vehicles=2, days=2, seed=5, faults=faults, **options)  # type: ignore[arg-type]
    return list(simulate(spec))


@pytest.fixture(scope="module")
def watched() -> list[SimulatedDay]:
    return run(environment=True)


@pytest.fixture(scope="module")
def shaken() -> list[SimulatedDay]:
    """A loose mount in vehicle 1, water in vehicle 2, and a cell of it that vents on day 2."""
    return run(
        "vibration_high:200%@vehicle=1,day=1,humidity_high:40%@vehicle=2,day=1,"
        "pack_pressure:20kPa@vehicle=2,day=2"
    )


def column(days: list[SimulatedDay], number: int, name: str) -> np.ndarray:
    own = [day.batch for day in days if day.number == number]
    if name == "time":
        return np.concatenate([batch.unix_time_second for batch in own])
    return np.concatenate([batch.scalar[name] for batch in own])


def test_nobody_measures_them_unless_asked():
    spec = fleet_spec(vehicles=1, days=1, seed=5)
    assert not set(CHANNELS) & set(next(simulate(spec)).batch.scalar)


def test_to_measure_them_changes_nothing_else(watched):
    for plain, day in zip(run(), watched, strict=True):
        np.testing.assert_array_equal(plain.batch.cell_voltage_volt, day.batch.cell_voltage_volt)
        for name, values in plain.batch.scalar.items():
            np.testing.assert_array_equal(values, day.batch.scalar[name])


def test_a_healthy_pack_breathes_dries_and_shakes_within_reason(watched):
    for number in (1, 2):
        pressure = column(watched, number, "pressure_pascal")
        assert pressure.min() > 92e3
        assert pressure.max() < 103e3
        assert np.abs(np.diff(pressure)).max() < 1e3  # the weather has no steps
        humid = column(watched, number, "relative_humidity_fraction")
        assert humid.min() > 0.05
        assert humid.max() < 0.8
        speed = column(watched, number, "speed_kilometre_per_hour")
        shake = column(watched, number, "vibration_metre_per_second_squared")
        assert shake[speed == 0.0].max() < 0.2
        driven = speed > 40.0
        assert 0.4 < np.median(shake[driven]) < 3.0
        assert np.corrcoef(speed[speed > 0.0], shake[speed > 0.0])[0, 1] > 0.8
        for name in CHANNELS:
            values = column(watched, number, name)
            assert SCALARS[name].minimum <= values.min()
            assert values.max() <= SCALARS[name].maximum


def test_a_warm_pack_is_a_dry_one(watched):
    humid = column(watched, 1, "relative_humidity_fraction")
    warm = np.concatenate(
        [d.batch.probe_temperature_celsius.mean(axis=1) for d in watched if d.number == 1]
    )
    damp = humid * saturation_pascal(warm.astype(float))
    assert np.ptp(np.log(damp)) < 0.5 * np.ptp(np.log(humid))  # what changes is the warmth
    assert np.corrcoef(humid, warm)[0, 1] < -0.8


def test_a_planted_fault_of_them_makes_them_be_measured(shaken):
    assert set(CHANNELS) <= set(shaken[0].batch.scalar)


def test_a_loose_mount_shakes_by_its_share_at_every_speed(watched, shaken):
    name = "vibration_metre_per_second_squared"
    ratio = column(shaken, 1, name) / column(watched, 1, name)
    assert np.median(ratio) == pytest.approx(3.0, abs=0.02)
    np.testing.assert_array_equal(column(shaken, 2, name), column(watched, 2, name))


def test_water_soaks_in_within_a_day(watched, shaken):
    name = "relative_humidity_fraction"
    added = column(shaken, 2, name) - column(watched, 2, name)
    age = (column(watched, 2, "time") - fleet_spec().start_second) / 86_400.0
    wanted = 0.4 * -np.expm1(-2.0 * age) * (1.0 - column(watched, 2, name))
    np.testing.assert_allclose(added, wanted, atol=0.006)


def test_a_vented_cell_is_a_jump_that_leaks_away(watched, shaken):
    name = "pressure_pascal"
    added = column(shaken, 2, name) - column(watched, 2, name)
    age = column(watched, 2, "time") - fleet_spec().start_second - 86_400.0
    assert not added[age < 0.0].any()
    begun = age >= 0.0
    np.testing.assert_allclose(added[begun], 2e4 * np.exp(-age[begun] / 1800.0), atol=51.0)
    assert added[begun][0] > 5e3


def test_they_live_on_after_history():
    fleet = fleet_spec(vehicles=2, days=1, seed=5, environment=True)
    state, batches = begin(LiveSpec(fleet=fleet)), []
    while not is_live(state):
        state, before = advance(state)
    _, after = advance(state)
    for a, b in zip(before, after, strict=True):
        batches = a.batch, b.batch
        pressure, humid = ([batch.scalar[name] for batch in batches] for name in CHANNELS[:2])
        assert abs(pressure[1][0] - pressure[0][-1]) < 500.0
        assert abs(humid[1][0] - humid[0][-1]) < 0.05

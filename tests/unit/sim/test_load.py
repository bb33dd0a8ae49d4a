"""Recorded drives become what trips ask of a simulated battery."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voltherd.errors import InputError, UsageError
from voltherd.intake.build import build
from voltherd.intake.recognise import recognise
from voltherd.sim.fleet import fleet_spec, simulate
from voltherd.sim.load import GAP_SECOND, fitted, load_of, recorded_trip
from voltherd.sim.route import Body, steady_power_watt
from voltherd.sim.streams import Purpose, stream
from voltherd.types.sample import SampleBatch, empty_batch

pytestmark = pytest.mark.long

BODY = Body(mass_kilogram=1900.0, rolling=0.0095, drag_area_square_metre=0.63)


def recording(time, current, volt=360.0, speed=None, name="bus-7") -> SampleBatch:
    time = np.asarray(time, float)
    scalar = {
        "current_ampere": np.asarray(current, float),
        "voltage_volt": np.full(len(time), volt),
    }
    if speed is not None:
        scalar["speed_kilometre_per_hour"] = np.asarray(speed, float)
    return replace(
        empty_batch(name),
        unix_time_second=time,
        cell_voltage_volt=np.empty((len(time), 0), np.float32),
        cell_quality=np.empty((len(time), 0), np.uint8),
        probe_temperature_celsius=np.empty((len(time), 0), np.float32),
        probe_quality=np.empty((len(time), 0), np.uint8),
        scalar=scalar,
        scalar_quality={key: np.zeros(len(time), np.uint8) for key in scalar},
    )


def drive(seconds=600, ampere=-50.0):
    return np.arange(float(seconds)), np.full(seconds, ampere)


def test_a_vehicles_recording_keeps_its_watts():
    load = load_of([recording(*drive(), speed=np.full(600, 54.0))])
    [one] = fitted(load, one_c_watt=1.0)
    np.testing.assert_allclose(one.demand, -50.0 * 360.0)
    np.testing.assert_allclose(one.speed_metre_per_second, 15.0)


def test_a_cells_recording_works_the_pack_as_hard_as_the_cell():
    """6 A of a 3 Ah cell are 2C; two times the power that empties the pack in an hour."""
    load = load_of([recording(*drive(ampere=-6.0), volt=3.7)], capacity_ah=3.0)
    [one] = fitted(load, one_c_watt=53_000.0)
    np.testing.assert_allclose(one.demand, -106_000.0)


def test_a_cell_without_its_capacity_is_refused_with_the_option():
    with pytest.raises(UsageError, match="--cycle-capacity"):
        load_of([recording(*drive(), volt=3.7)])


@pytest.mark.parametrize("capacity", [0.0, -3.0, float("nan")])
def test_a_capacity_that_is_none_is_refused(capacity):
    with pytest.raises(UsageError, match="is no capacity"):
        load_of([recording(*drive())], capacity_ah=capacity)


def test_silence_ends_a_drive():
    time, current = drive(1200)
    time[600:] += GAP_SECOND + 1.0
    load = load_of([recording(time, current)])
    assert [len(one.demand) for one in load.drives] == [599, 599]


def test_a_charge_is_no_drive_but_regeneration_is():
    _, current = drive(1200)
    current[100:120] = 40.0
    current[500:700] = 40.0
    load = load_of([recording(np.arange(1200.0), current)])
    assert [len(one.demand) for one in load.drives] == [499, 499]
    assert load.drives[0].demand.max() > 0.0 > load.drives[1].demand.max()


def test_what_was_not_measured_is_bridged():
    time, current = drive()
    current[200:210] = np.nan
    [one] = load_of([recording(time, current)]).drives
    np.testing.assert_allclose(one.demand, -18_000.0)


def test_a_coarse_recording_is_given_second_by_second():
    time = np.arange(0.0, 600.0, 10.0)
    [one] = load_of([recording(time, -time)]).drives
    assert len(one.demand) == 590
    np.testing.assert_allclose(one.demand, -360.0 * np.arange(590.0))


@pytest.mark.parametrize(
    ("time", "current"),
    [(np.arange(50.0), np.full(50, -50.0)), (np.arange(900.0), np.full(900, 20.0)), ([], [])],
    ids=["short", "charge", "empty"],
)
def test_a_recording_without_a_drive_is_refused(time, current):
    with pytest.raises(InputError, match="no drive of 120 s"):
        load_of([recording(time, current)], capacity_ah=100.0)


def test_without_current_there_is_no_load():
    batch = recording(*drive())
    scalar = {"voltage_volt": batch.scalar["voltage_volt"]}
    quality = {"voltage_volt": batch.scalar_quality["voltage_volt"]}
    with pytest.raises(InputError, match="no current"):
        load_of([replace(batch, scalar=scalar, scalar_quality=quality)])


@given(
    lengths=st.lists(st.integers(130, 3000), min_size=1, max_size=3),
    seconds=st.integers(60, 4000),
    seed=st.integers(0, 99),
)
def test_a_trip_is_a_piece_of_one_drive(lengths, seconds, seed):
    batches = []
    for k, length in enumerate(lengths):
        ramp = -1.0 - np.arange(float(length)) - 10_000.0 * k
        batches.append(recording(np.arange(float(length)), ramp, volt=100.0))
    drives = fitted(load_of(batches), 1.0)
    strong = replace(BODY, power_watt_max=1e12)
    speed, power = recorded_trip(stream(seed, Purpose.USAGE), drives, seconds, strong)
    assert len(speed) == len(power)
    whole = next(d.demand for d in drives if power[0] in d.demand)
    first = int(np.flatnonzero(whole == power[0])[0])
    np.testing.assert_array_equal(power, whole[first : first + seconds])
    assert len(power) == min(seconds, len(whole))


def test_the_drive_train_gives_and_takes_what_it_can():
    current = np.where(np.arange(600) % 60 < 50, -900.0, 900.0)
    drives = fitted(load_of([recording(np.arange(600.0), current)]), 1.0)
    _, power = recorded_trip(stream(1, Purpose.USAGE), drives, 9999, BODY)
    assert (power.min(), power.max()) == (-BODY.power_watt_max, BODY.regeneration_watt_max)


@pytest.mark.parametrize("speed", [5.0, 14.0, 33.0])
def test_speed_that_was_not_recorded_is_what_a_steady_drive_would_take(speed):
    watt = float(steady_power_watt(np.array([speed]), BODY)[0])
    drives = fitted(load_of([recording(*drive(ampere=-watt / 360.0))]), 1.0)
    made, _ = recorded_trip(stream(1, Purpose.USAGE), drives, 9999, BODY)
    np.testing.assert_allclose(made[30:-30], speed, rtol=0.02)


def test_a_fleet_drives_what_was_recorded():
    """A square of 100 A for 20 s and 10 A for 20 s: nothing of the synthetic road is left."""
    pulse = np.where(np.arange(2400) % 40 < 20, -100.0, -10.0)
    load = load_of([recording(np.arange(2400.0), pulse, speed=np.full(2400, 36.0))])
    spec = fleet_spec(vehicles=2, days=1, seed=4, load=load, period_second=1.0)
    for day in simulate(spec):
        speed = day.batch.scalar["speed_kilometre_per_hour"]
        driven = speed > 0.0
        assert driven.sum() > 1000
        assert set(np.unique(speed[driven])) == {36.0}
        power = day.batch.scalar["current_ampere"] * day.batch.scalar["voltage_volt"]
        levels = power[driven] / 360.0
        near = (np.abs(levels + 100.0) < 3.0) | (np.abs(levels + 10.0) < 3.0)
        assert near.mean() > 0.97


def test_a_fleet_without_a_load_is_the_fleet_it_was():
    assert fleet_spec(vehicles=2, days=1, seed=4).load is None


@pytest.mark.recorded
@pytest.mark.parametrize(
    ("file", "capacity", "drives"),
    [
        ("bmw_i3_trips/trips_1hz.parquet", None, 40),
        ("lg_hg2/drive_cycles_1hz.parquet", 3.0, 40),
        ("panasonic_18650pf/drive_cycles_1hz.parquet", 2.9, 20),
    ],
)
def test_recorded_cycles_move_a_vehicle(recorded, file, capacity, drives):
    from voltherd.adapters.files.reader import read_file

    table = read_file(recorded / file)
    batches = [batch for batch, _ in build(table, recognise(table))]
    load = load_of(batches, capacity)
    assert len(load.drives) >= drives
    spec = fleet_spec(vehicles=2, days=1, seed=2, load=load)
    for day in simulate(spec):
        assert np.isfinite(day.batch.cell_voltage_volt).all()
        assert day.batch.cell_voltage_volt.min() > 2.0
        assert day.truth.soc_fraction.min() > 0.02
        driven = np.ptp(day.batch.scalar["odometer_kilometre"])
        assert 3.0 < driven < 500.0

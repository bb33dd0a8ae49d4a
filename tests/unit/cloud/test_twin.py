"""The live twin: near the vehicle, and honest about what it does not know."""

import numpy as np
import pytest

from voltherd.cloud import twin as twins
from voltherd.detection.memory import init as blank_memory
from voltherd.numerics.presets import NMC
from voltherd.types.sample import SampleBatch

pytestmark = pytest.mark.long


def twin_of(data):
    return twins.begin(data.asset(), blank_memory(data.CELLS))


def soc_of(batch):
    return batch.scalar["soc_fraction"][-1]


def rest(data, hours, start, soc, current=0.0, period=1800.0):
    """A parked vehicle that says something now and then."""
    time = start + period * np.arange(int(hours * 3600 / period) + 1)
    rows = len(time)
    curve = np.interp(soc, np.linspace(0.0, 1.0, len(NMC.ocv_volt)), NMC.ocv_volt)
    volt = np.full((rows, data.CELLS), curve, np.float32)
    return SampleBatch(
        vehicle_id="bus-1",
        unix_time_second=time,
        cell_voltage_volt=volt,
        cell_quality=np.zeros(volt.shape, np.uint8),
        probe_temperature_celsius=np.full((rows, 2), 20.0, np.float32),
        probe_quality=np.zeros((rows, 2), np.uint8),
        scalar={"current_ampere": np.full(rows, current)},
        scalar_quality={"current_ampere": np.zeros(rows, np.uint8)},
    )


@pytest.mark.parametrize("seed", [2, 5])
def test_its_predicted_voltage_follows_within_10_millivolt(seed):
    """C5-01, on simulated packs at one row a second, from a parked night into a drive."""
    from voltherd.sim.fleet import fleet_spec, simulate

    [day] = simulate(fleet_spec(vehicles=1, days=1, seed=seed, period_second=1.0))
    batch = day.batch
    moving = np.flatnonzero(np.abs(batch.scalar["current_ampere"]) > 5.0)
    part = batch.between(0, int(moving[0]) + 1800)
    twin = twins.begin(day.vehicle, blank_memory(batch.cells))
    twin = twins.follow(twin, part)
    error, values = twins.error_volt(twin)
    assert error < 0.010
    assert values > batch.cells * 50
    assert twin.seen_second == part.unix_time_second[-1]


def test_its_state_of_charge_is_within_its_own_interval(data):
    batch = data.drive(hours=1.5, period=5.0)
    twin = twins.follow(twin_of(data), batch)
    off = np.abs(twin.estimate.value - soc_of(batch))
    assert (off < 3.0 * twin.estimate.sigma + 0.001).all()
    assert off.max() < 0.02


def test_rows_closer_than_a_period_keep_their_charge(data):
    """A second-by-second current that averages to nothing over five seconds moves nothing."""
    batch = data.drive(hours=0.5, period=1.0, seed=2)
    close = twins.follow(twin_of(data), batch)
    each = twins.follow(twin_of(data), batch, period_second=0.0)
    np.testing.assert_allclose(close.estimate.value, each.estimate.value, atol=0.005)
    assert close.state.unix_time_second >= batch.unix_time_second[-1] - twins.PERIOD_SECOND


def test_rows_seen_already_change_nothing(data):
    batch = data.drive(hours=0.2, period=5.0)
    twin = twins.follow(twin_of(data), batch)
    assert twins.follow(twin, batch) is twin


def test_a_parked_night_is_not_forgotten(data):
    """On a flat curve the voltage tells little: what was counted before stays the better answer."""
    driven = data.drive(hours=0.4, period=5.0, soc=0.6)
    twin = twins.follow(twin_of(data), driven)
    known = twin.estimate.value.copy(), twin.estimate.sigma.copy()
    assert abs(twin.estimate.value.mean() - soc_of(driven)) < 0.02
    parked = rest(data, 8.0, driven.unix_time_second[-1] + 1800.0, soc_of(driven))
    # The last driven row carries current, so the first parked one may begin anew; from then on
    # the vehicle rests at both ends of each silence.
    twin = twins.follow(twin, parked)
    assert abs(twin.estimate.value.mean() - soc_of(driven)) < 0.02
    assert (twin.estimate.sigma <= np.maximum(known[1], 0.05) + 0.01).all()


def test_a_silence_in_which_the_pack_was_charged_is_noticed(data):
    first = rest(data, 2.0, data.START, soc=0.4)
    twin = twins.follow(twin_of(data), first)
    assert abs(twin.estimate.value.mean() - 0.4) < 0.02
    later = rest(data, 1.0, data.START + 8 * 3600.0, soc=0.9)
    twin = twins.follow(twin, later)
    assert abs(twin.estimate.value.mean() - 0.9) < 0.02


def test_repeated_readings_at_rest_make_nothing_surer_than_the_curve(data):
    short = twins.follow(twin_of(data), rest(data, 0.5, data.START, soc=0.5))
    long = twins.follow(twin_of(data), rest(data, 24.0, data.START, soc=0.5))
    assert (long.estimate.sigma > 0.8 * short.estimate.sigma).all()


def test_the_error_is_told_of_the_last_hour_only(data):
    batch = data.drive(hours=2.0, period=10.0)
    twin = twins.follow(twin_of(data), batch)
    minutes = twin.errors[:, 0]
    assert len(minutes) <= 60
    assert minutes[-1] - minutes[0] < twins.WINDOW_SECOND


def test_no_error_is_told_before_the_first_prediction(data):
    twin = twins.follow(twin_of(data), rest(data, 0.0, data.START, soc=0.5))
    error, values = twins.error_volt(twin)
    assert np.isnan(error)
    assert values == 0


@pytest.mark.parametrize("field", ["cell_type", "capacity_nominal_ah"])
def test_no_twin_without_chemistry_or_capacity(data, field):
    from dataclasses import replace

    bare = replace(data.asset(), **{field: None})
    assert twins.begin(bare, blank_memory(data.CELLS)) is None
    assert twins.begin(None, blank_memory(data.CELLS)) is None


def test_what_detection_has_seen_serves_where_no_record_says(data):
    memory = blank_memory(data.CELLS)._replace(periods=3, flow_ah2=50.0 * 0.2, flow_soc2=0.2)
    twin = twins.begin(None, memory)
    assert twin.filter.parameters.capacity_ah == pytest.approx(50.0)
    assert "by what its data show" in twin.basis

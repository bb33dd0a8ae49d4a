"""A charge becomes one block, a drive pieces of it; what is short or unmeasured becomes nothing."""

from dataclasses import replace

import numpy as np
import pytest

from voltherd.learning.snippets import (
    CHANNELS,
    SAMPLES,
    charging_snippets,
    driving_snippets,
    joined,
)
from voltherd.types.sample import SampleBatch


def day(rows: int = 1000, charge: slice = slice(300, 700)) -> SampleBatch:
    """A record of thirty-second rows: still, then a charge, then a drive to its end."""
    time = 1.7e9 + 30.0 * np.arange(rows)
    current = np.zeros(rows)
    current[charge] = 40.0
    speed = np.zeros(rows)
    speed[charge.stop + 10 :] = 50.0
    soc = 0.2 + np.cumsum(current) * 30.0 / 3600.0 / 200.0
    cells = (3.4 + 0.7 * soc)[:, None] + np.array([0.0, 0.004, -0.012, 0.002])
    scalar = {"current_ampere": current, "soc_fraction": soc, "speed_kilometre_per_hour": speed}
    probes = np.stack([np.full(rows, 20.0), np.full(rows, 23.0)], axis=1)
    return SampleBatch(
        vehicle_id="van-1",
        unix_time_second=time,
        cell_voltage_volt=cells,
        cell_quality=np.zeros(cells.shape, np.uint8),
        probe_temperature_celsius=probes,
        probe_quality=np.zeros(probes.shape, np.uint8),
        scalar=scalar,
        scalar_quality={name: np.zeros(rows, np.uint8) for name in scalar},
    )


def test_a_charge_becomes_one_snippet_from_its_begin_to_its_end():
    found = charging_snippets(day())
    assert found.values.shape == (1, SAMPLES, len(CHANNELS))
    assert found.vehicle.tolist() == ["van-1"]
    assert found.start_second[0] == 1.7e9 + 300 * 30.0
    assert found.duration_second[0] == 399 * 30.0
    of = {name: found.values[0, :, at] for at, name in enumerate(CHANNELS)}
    assert of["current_ampere"] == pytest.approx(40.0)
    mean = day().cell_voltage_volt.mean(axis=1)
    assert of["voltage_volt"][[0, -1]] == pytest.approx(mean[[300, 699]])
    assert of["cell_voltage_volt_max"] - of["cell_voltage_volt_min"] == pytest.approx(0.016)
    assert of["cell_deviation_volt"] == pytest.approx(0.002)  # median of 1, 1, 3 and 13 mV
    assert of["temperature_celsius_max"] - of["temperature_celsius_min"] == pytest.approx(3.0)


def test_a_drive_is_cut_into_pieces_of_rows():
    found = driving_snippets(day())
    assert len(found.vehicle) == (1000 - 710) // SAMPLES
    assert found.duration_second == pytest.approx((SAMPLES - 1) * 30.0)


def test_what_is_too_short_is_no_snippet():
    assert not len(charging_snippets(day(charge=slice(300, 330))).vehicle)
    assert not len(driving_snippets(day(rows=720)).vehicle)


def test_braking_is_no_charge():
    batch = day()
    current = np.where(np.arange(1000) % 2 == 0, 60.0, -60.0)
    scalar = {**batch.scalar, "current_ampere": current}
    assert not len(charging_snippets(replace(batch, scalar=scalar)).vehicle)


def test_a_gap_ends_a_charge():
    batch = day()
    later = batch.unix_time_second + np.where(np.arange(1000) >= 500, 3600.0, 0.0)
    assert len(charging_snippets(replace(batch, unix_time_second=later)).vehicle) == 2


def test_missing_values_are_bridged_and_a_missing_channel_leaves_no_snippet():
    batch = day()
    few = batch.cell_voltage_volt.copy()
    few[400:420, 2] = np.nan
    bridged = charging_snippets(replace(batch, cell_voltage_volt=few)).values
    assert bridged[:, :, :-1] == pytest.approx(charging_snippets(batch).values[:, :, :-1], abs=1e-4)
    none = replace(batch, cell_voltage_volt=np.full_like(few, np.nan))
    assert not len(charging_snippets(none).vehicle)


def test_extremes_alone_are_enough():
    batch = day()
    high, low = batch.cell_voltage_volt.max(axis=1), batch.cell_voltage_volt.min(axis=1)
    scalar = {**batch.scalar, "cell_voltage_volt_max": high, "cell_voltage_volt_min": low}
    bare = SampleBatch(
        vehicle_id="bus",
        unix_time_second=batch.unix_time_second,
        cell_voltage_volt=np.empty((1000, 0)),
        cell_quality=np.empty((1000, 0), np.uint8),
        probe_temperature_celsius=batch.probe_temperature_celsius,
        probe_quality=batch.probe_quality,
        scalar=scalar,
        scalar_quality={name: np.zeros(1000, np.uint8) for name in scalar},
    )
    found = charging_snippets(bare)
    assert len(found.vehicle) == 1
    assert np.isnan(found.values[0, :, -1]).all()


def test_snippets_are_joined_and_chosen_by_vehicle():
    both = joined([charging_snippets(day()), charging_snippets(replace(day(), vehicle_id="b"))])
    assert both.vehicle.tolist() == ["van-1", "b"]
    assert both.of_vehicles(["b"]).vehicle.tolist() == ["b"]
    assert not len(joined([]).vehicle)

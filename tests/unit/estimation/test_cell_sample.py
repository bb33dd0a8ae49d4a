"""Batches taken apart into what an estimator is fed."""

import math
from dataclasses import replace

import numpy as np
import pytest

from voltherd.estimation.cell_sample import SensorError, samples
from voltherd.types.sample import empty_batch


def batch():
    return replace(
        empty_batch("bus-7"),
        unix_time_second=np.array([10.0, 20.0, 30.0]),
        cell_voltage_volt=np.array([[3.6, 3.7], [3.6, np.nan], [3.5, 3.6]], np.float32),
        cell_quality=np.zeros((3, 2), np.uint8),
        probe_temperature_celsius=np.array([[20.0, 24.0], [np.nan, 22.0], [np.nan, np.nan]]),
        probe_quality=np.zeros((3, 2), np.uint8),
        scalar={"current_ampere": np.array([1.0, -2.0, np.nan])},
        scalar_quality={"current_ampere": np.zeros(3, np.uint8)},
    )


def test_a_batch_is_taken_apart_row_by_row():
    first, second, third = samples(batch())
    assert (first.unix_time_second, first.current_ampere) == (10.0, 1.0)
    assert first.cell_voltage_volt.dtype == np.float64
    assert math.isnan(second.cell_voltage_volt[1])
    assert math.isnan(third.current_ampere)


def test_the_temperature_is_the_mean_of_the_probes_that_answer():
    assert [s.temperature_celsius for s in samples(batch())][:2] == [22.0, 22.0]
    assert math.isnan(list(samples(batch()))[2].temperature_celsius)


def test_a_batch_without_current_says_so():
    without = replace(batch(), scalar={}, scalar_quality={})
    assert all(math.isnan(s.current_ampere) for s in samples(without))


def test_a_half_width_is_a_uniform_error():
    error = SensorError(current_ampere=0.3, current_fraction=0.01)
    assert error.current_sigma(-30.0) == pytest.approx(0.6 / math.sqrt(3.0))

"""Counting charge: exact where the current is, and honest where it is not (C3-01)."""

import math

import numpy as np
import pytest

from voltherd.estimation.cell_sample import CellSample, SensorError
from voltherd.estimation.soc_coulomb import SocCoulomb
from voltherd.estimation.soc_start import GAP_SECOND_MAX
from voltherd.numerics.cell_plant import Plant
from voltherd.numerics.presets import LFP, NMC
from voltherd.types.quality import Quality

CELL = NMC.resized(50.0)


def currents(steps):
    t = np.arange(steps)
    return 40.0 * np.sin(t / 50.0) - 15.0 * np.cos(t / 7.0) - 4.0


def follow(counter, current, dt=1.0, soc=0.6, sigma=0.0):
    plant = Plant(parameters=CELL, capacity_scale=counter.capacity_scale)
    truth = plant.init(np.full(2, soc))
    volt = np.full(2, 3.7)
    state = counter.init(CellSample(0.0, 0.0, volt), soc=soc, sigma=sigma)
    for k, ampere in enumerate(current):
        truth, volt = plant.step(truth, float(ampere[0]), 25.0, dt)
        state, estimate = counter.step(state, CellSample((k + 1) * dt, float(ampere[1]), volt))
    return truth, estimate


def test_a_record_without_noise_is_counted_exactly():
    counter = SocCoulomb(parameters=CELL, capacity_scale=np.array([1.0, 0.85]))
    both = np.repeat(currents(5000)[:, None], 2, axis=1)
    truth, estimate = follow(counter, both)
    np.testing.assert_allclose(estimate.value, truth.soc, atol=1e-12)


@pytest.mark.parametrize("offset_fraction", [0.01, -0.01])
def test_a_current_offset_drifts_as_theory_says(offset_fraction):
    """One percent of the rated current is one hundredth of a charge per hour of C-rate one."""
    offset = offset_fraction * CELL.capacity_ah
    counter = SocCoulomb(parameters=CELL)
    true = currents(3600)
    truth, estimate = follow(counter, np.stack([true, true + offset], axis=1))
    theory = offset * 3600.0 / (3600.0 * CELL.capacity_ah)
    np.testing.assert_allclose(estimate.value - truth.soc, theory, atol=1e-9)


def test_the_interval_covers_the_drift_that_the_sensor_is_allowed():
    sensors = SensorError(current_ampere=0.5, current_fraction=0.0)
    counter = SocCoulomb(parameters=CELL, sensors=sensors)
    true = currents(7200)
    truth, estimate = follow(counter, np.stack([true, true + 0.5], axis=1))
    drift = abs(estimate.value - truth.soc)
    np.testing.assert_allclose(estimate.sigma, drift / math.sqrt(3.0), rtol=1e-6)


def test_the_first_soc_is_read_from_the_rested_voltage():
    volt = np.interp([0.3, 0.7], np.linspace(0, 1, 101), CELL.ocv_volt)
    state = SocCoulomb(parameters=CELL).init(CellSample(0.0, 0.0, volt))
    np.testing.assert_allclose(state.soc, [0.3, 0.7], atol=1e-9)


def test_a_flat_curve_makes_a_wide_start():
    flat = LFP.resized(50.0)
    volt = np.interp([0.5], np.linspace(0, 1, 101), flat.ocv_volt)
    wide = SocCoulomb(parameters=flat).init(CellSample(0.0, 0.0, volt))
    volt = np.interp([0.5], np.linspace(0, 1, 101), CELL.ocv_volt)
    narrow = SocCoulomb(parameters=CELL).init(CellSample(0.0, 0.0, volt))
    assert wide.start_sigma[0] > 3.0 * narrow.start_sigma[0]


def test_a_missing_current_is_held_and_doubted():
    counter = SocCoulomb(parameters=CELL)
    state = counter.init(CellSample(0.0, 10.0, np.array([3.7])), soc=0.5)
    state, heard = counter.step(state, CellSample(1.0, 10.0, np.array([3.7])))
    state, silent = counter.step(state, CellSample(2.0, math.nan, np.array([3.7])))
    assert silent.quality == Quality.MISSING
    assert silent.value[0] - heard.value[0] == pytest.approx(heard.value[0] - 0.5)
    assert silent.sigma[0] > heard.sigma[0]
    state, anew = counter.step(state, CellSample(GAP_SECOND_MAX + 1.5, math.nan, np.array([3.7])))
    assert anew.quality == Quality.RESTARTED

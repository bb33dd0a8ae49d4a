"""Sliding mode, adaptive, H-infinity, sigma points, corrected count: what each is for."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from voltherd.estimation.cell_sample import CellSample, SensorError
from voltherd.estimation.soc_adaptive import CAPACITY_COLUMN, RESISTANCE_COLUMN, SocAdaptive
from voltherd.estimation.soc_cloud_corrected import SocCloudCorrected
from voltherd.estimation.soc_coulomb import SocCoulomb
from voltherd.estimation.soc_hinf import SocHinf
from voltherd.estimation.soc_sliding import SocSliding
from voltherd.estimation.soc_ukf import SocUkf
from voltherd.numerics.cell_map import preset_map
from voltherd.numerics.presets import NMC

pytestmark = pytest.mark.long
PRESET = preset_map(NMC.resized(3.0))
CELL = replace(
    PRESET,
    hysteresis_volt=0.0 * PRESET.hysteresis_volt,
    model_volt=np.full(len(PRESET.temperature_celsius), 0.005),
    curve_volt=np.full(len(PRESET.temperature_celsius), 0.003),
    model_second=10.0,
)
SENSORS = SensorError(voltage_volt=0.005, current_ampere=0.05, current_fraction=0.005)


def driven(seconds, mean=-0.5, seed=1, step=1.0):
    """Give a current that never rests, and when it flows."""
    random = np.random.default_rng(seed)
    rows = int(seconds / step)
    block = max(1, int(20.0 / step))
    current = np.repeat(random.normal(mean, 2.0, rows // block + 1), block)[:rows]
    return np.arange(rows) * step, current


def lived(cell, time, current, soc=0.9, resistance=1.0, capacity=1.0):
    """Let a cell follow the current; gives its charge and voltage."""
    charge, volt, pairs, z = np.empty(len(time)), np.empty(len(time)), np.zeros(2), soc
    taus = np.array([cell.tau1_second, cell.tau2_second])
    before = current[0]
    for at, now in enumerate(current.tolist()):
        dt = time[at] - time[at - 1] if at else 0.0
        mean, before = 0.5 * (before + now), now
        z = z + mean * dt / (3600.0 * cell.base.capacity_ah * capacity)
        known = cell.at(np.array([z]), 25.0)
        kept = np.exp(-dt / taus)
        pairs = kept * pairs + (1.0 - kept) * np.concatenate([known.r1, known.r2]) * mean
        volt[at] = known.ocv.item() + pairs.sum() + resistance * known.r0.item() * now
        charge[at] = z
    return charge, volt


def estimated(estimator, time, current, volt, soc, sigma=0.2):
    """Run; gives charge, deviation and the numbers of the cell."""
    state = estimator.init(
        CellSample(float(time[0]), float(current[0]), volt[:1], 25.0), soc, sigma
    )
    told = [(soc, sigma)]
    kept = [getattr(state, "values", np.zeros((1, 1)))[0]]
    for at in range(1, len(time)):
        sample = CellSample(float(time[at]), float(current[at]), volt[at : at + 1], 25.0)
        state, estimate = estimator.step(state, sample)
        told.append((estimate.value.item(), estimate.sigma.item()))
        kept.append(getattr(state, "values", np.zeros((1, 1)))[0])
    return np.array(told), np.array(kept)


def rms(values):
    return float(np.sqrt(np.mean(np.square(values))))


def test_a_bounded_disturbance_moves_the_sliding_observer_by_less_than_three_percent():
    """Current off by a sine of 0.1 A and by 0.1 A for good, voltage by a sine of 20 mV."""
    time, current = driven(9000.0)
    charge, volt = lived(CELL, time, current)
    shaken = volt + 0.020 * np.sin(time / 50.0)
    measured = current + 0.1 + 0.1 * np.sin(time / 200.0)
    told, _ = estimated(SocSliding(cell=CELL, sensors=SENSORS), time, measured, shaken, 0.9)
    counted, _ = estimated(SocCoulomb(parameters=CELL.base), time, measured, shaken, 0.9)
    assert rms(told[:, 0] - charge) <= 0.03
    assert rms(told[:, 0] - charge) < 0.5 * rms(counted[:, 0] - charge)


@pytest.mark.parametrize("estimator", [SocUkf, SocHinf, SocSliding, SocAdaptive])
def test_each_finds_the_charge_from_a_wrong_start(estimator):
    time, current = driven(4500.0)
    charge, volt = lived(CELL, time, current)
    told, _ = estimated(estimator(cell=CELL, sensors=SENSORS), time, current, volt, 0.6)
    assert rms(told[3000:, 0] - charge[3000:]) < 0.01
    assert abs(told[0, 0] - charge[0]) > 0.25


def test_an_excited_adaptive_observer_learns_resistance_and_capacity_and_stays_bounded():
    """The cell has 1.4 times the resistance and 0.85 times the capacity of its tables."""
    time, current = driven(10_000.0, mean=-0.4)
    time = np.concatenate([time, time + 10_000.0])
    current = np.concatenate([current, -current])
    _, volt = lived(CELL, time, current, resistance=1.4, capacity=0.85)
    observer = SocAdaptive(cell=CELL, sensors=SENSORS)
    _, kept = estimated(observer, time, current, volt, 0.9, 0.02)
    off = np.stack([kept[:, RESISTANCE_COLUMN] - 1.4, kept[:, CAPACITY_COLUMN] - 1.0 / 0.85])
    size = np.hypot(*off)
    quarters = [part.mean() for part in np.array_split(size, 4)]
    assert all(after <= before for before, after in pairwise(quarters))
    assert quarters[-1] < 0.5 * size[0]
    assert size.max() <= size[0] * 1.05
    assert abs(off[0, -1]) < 0.1


def test_the_bound_of_h_infinity_keeps_it_awake():
    """With a current off by a tenth of the capacity an hour, the Kalman filter lags behind it."""
    time, current = driven(9000.0)
    charge, volt = lived(CELL, time, current)
    robust = SocHinf(cell=CELL, sensors=SENSORS)
    off = [
        rms(estimated(one, time, current + 0.3, volt, 0.9, 0.02)[0][:, 0] - charge)
        for one in (robust, replace(robust, share=0.0))
    ]
    assert off[0] < 0.5 * off[1]


@pytest.mark.nightly
def test_a_corrected_count_stays_within_two_percent_for_thirty_days():
    """The vehicle's sensor is off by 30 mA; the cloud's answer comes every four hours."""
    day, step = 86_400.0, 120.0
    time = np.arange(0.0, 30.0 * day, step)
    hour = np.mod(time / 3600.0, 24.0)
    random = np.random.default_rng(5)
    noise = np.repeat(random.normal(0.0, 0.5, len(time) // 2), 2)
    drive, charge_up = (hour >= 8.0) & (hour < 10.0), (hour >= 20.0) & (hour < 22.0)
    wave = np.where(drive, -0.9 + noise, np.where(charge_up, 0.9, 0.0))
    # Each day's charging gives back what the day took.
    days = np.split(wave, 30)
    current = np.concatenate(
        [np.where(one == 0.9, 0.9 - one.mean() * len(one) * step / 7200.0, one) for one in days]
    )
    charge, volt = lived(CELL, time, current, soc=0.9)
    assert charge.min() > 0.1
    assert charge.max() < 1.0
    measured = current + 0.03
    volt = volt + random.normal(0.0, 0.002, len(volt))
    cloud = SocUkf(cell=CELL, sensors=SENSORS)
    corrected = SocCloudCorrected(cell=CELL, cloud=cloud, sensors=SENSORS)
    told, _ = estimated(corrected, time, measured, volt, 0.9, 0.02)
    counted, _ = estimated(SocCoulomb(parameters=CELL.base), time, measured, volt, 0.9, 0.02)
    settled = time > day
    assert np.abs(told[:, 0] - charge)[settled].max() <= 0.02
    assert np.abs(counted[:, 0] - charge).max() > 0.02

"""The primary estimator where it is hardest: LFP, of which the voltage says next to nothing."""

import math

import numpy as np
import pytest

from voltherd.bench.soc import SENSORS
from voltherd.bench.soc_data import base_of, cycles_of
from voltherd.bench.soc_protocol import FLAT
from voltherd.estimation.calibration import START_SIGMA, followed
from voltherd.estimation.cell_sample import CellSample
from voltherd.estimation.identify import identified
from voltherd.estimation.soc_map import SocMapEkf
from voltherd.numerics.cell_map import preset_map
from voltherd.numerics.presets import LFP, NMC

pytestmark = pytest.mark.long


@pytest.mark.recorded
def test_a_wrong_start_and_an_offset_are_found_on_the_flat_of_a_recorded_lfp_cell(recorded):
    cycles = cycles_of(recorded, "lfp_flat_tao")
    found = identified([c.drive for c in cycles], base_of(recorded, "lfp_flat_tao"), "recorded")
    [flat] = [n for n, cycle in enumerate(cycles) if "flat" in cycle.name]
    estimator = SocMapEkf(cell=found.others[flat], sensors=SENSORS)
    condition = FLAT["told +20 %, +30 mA"]
    drive = condition.change(cycles[flat].drive)
    soc, _ = followed(estimator, drive, condition.told(drive), START_SIGMA)
    assert math.sqrt(float(np.mean((soc - drive.soc) ** 2))) < 0.035


def partial_cycles(cell, cycles, offset_ampere):
    """Cycle a simulated cell within its flat part; its resistance is a fifth above the tables."""
    random, step, sign = np.random.default_rng(1), 10.0, -1.0
    soc, branch, pairs, before, turns, time = 0.5, 0.0, np.zeros(2), 0.0, 0, 0.0
    kept = np.exp(-step / np.array([cell.tau1_second, cell.tau2_second]))
    while turns < 2 * cycles:
        if (soc < 0.35 and sign < 0.0) or (soc > 0.7 and sign > 0.0):
            sign, turns = -sign, turns + 1
        current = 33.0 * sign + (random.normal(0.0, 25.0) if sign < 0.0 else 0.0)
        mean, before = 0.5 * (current + before), current
        moved = mean * step / (3600.0 * cell.base.capacity_ah)
        held = math.exp(-cell.hysteresis_rate * abs(moved))
        soc, branch = soc + moved, held * branch + (1.0 - held) * np.sign(mean)
        known, time = cell.at_one(soc, 25.0), time + step
        pairs = kept * pairs + (1.0 - kept) * 1.2 * np.array([known.r1, known.r2]) * mean
        volt = known.ocv + known.hysteresis * branch + pairs.sum() + 1.2 * known.r0 * current
        volt += random.normal(0.0, 0.002)
        yield soc, CellSample(time, current + offset_ampere, np.array([volt]), 25.0)


def test_thirty_partial_cycles_without_a_full_charge_leave_less_than_three_percent():
    """Counting alone would be off by nineteen percent: the sensor is, by 0.3 A of 100 Ah."""
    cell = preset_map(LFP.resized(100.0))
    estimator, state, off = SocMapEkf(cell=cell, sensors=SENSORS), None, []
    for soc, sample in partial_cycles(cell, 30, 0.3):
        if state is None:
            state = estimator.init(sample, soc=soc, sigma=0.02)
        state, estimate = estimator.step(state, sample)
        off.append(abs(estimate.value[0] - soc))
    counted = 0.3 * (sample.unix_time_second / 3600.0) / cell.base.capacity_ah
    assert counted > 0.15
    assert off[-1] < 0.03
    assert max(off) < 0.04


def test_where_the_curve_is_flat_a_wrong_start_stays_in_doubt():
    """Told full while half full: an estimate that cannot be told from the voltage says so."""
    cell = preset_map(LFP.resized(100.0))
    estimator = SocMapEkf(cell=cell)
    volt = cell.at(np.array([0.5]), 25.0).ocv
    state = estimator.init(CellSample(0.0, 0.0, volt, 25.0), soc=0.7, sigma=0.2)
    for second in range(1, 600):
        state, estimate = estimator.step(state, CellSample(float(second), 0.0, volt, 25.0))
    assert abs(estimate.value[0] - 0.5) < 1.645 * estimate.sigma[0]
    steep = SocMapEkf(cell=preset_map(NMC.resized(100.0)))
    volt = steep.cell.at(np.array([0.5]), 25.0).ocv
    state = steep.init(CellSample(0.0, 0.0, volt, 25.0), soc=0.7, sigma=0.2)
    for second in range(1, 600):
        state, sure = steep.step(state, CellSample(float(second), 0.0, volt, 25.0))
    assert sure.sigma[0] < 0.5 * estimate.sigma[0]


def test_one_cell_as_floats_is_many_as_arrays_bit_for_bit():
    estimator = SocMapEkf(cell=preset_map(NMC.resized(50.0)))
    random = np.random.default_rng(2)
    one = many = None
    for second in range(200):
        volt, current = 3.7 + random.normal(0.0, 0.01), 20.0 * random.normal()
        alone = CellSample(float(second), current, np.array([volt]), 20.0)
        twice = alone._replace(cell_voltage_volt=np.array([volt, volt]))
        one, many = one or estimator.init(alone), many or estimator.init(twice)
        one, _ = estimator.step(one, alone)
        many, _ = estimator.step(many, twice)
    np.testing.assert_array_equal(np.repeat(one.mean, 2, axis=1), many.mean)
    np.testing.assert_array_equal(np.repeat(one.covariance, 2, axis=1), many.covariance)

"""A string's filter finds what each cell differs by: charge, resistance, capacity."""

import numpy as np
import pytest

from voltherd.estimation.cell_sample import CellSample, SensorError
from voltherd.estimation.soc_bar_delta import SocBarDelta
from voltherd.estimation.soc_pack import pack_soc
from voltherd.numerics.cell_map import preset_map
from voltherd.numerics.presets import NMC

pytestmark = pytest.mark.long
CELL = preset_map(NMC.resized(50.0))
FILTER = SocBarDelta(cell=CELL, sensors=SensorError(voltage_volt=0.002, current_ampere=0.2))
CAPACITY = np.array([1.0, 1.0, 0.97, 1.0, 1.02, 1.0, 1.0])
RESISTANCE = np.array([1.0, 1.0, 1.0, 1.5, 1.0, 1.0, 1.0])
OFFSET = np.array([0.0, 0.03, 0.0, 0.0, 0.0, 0.0, -0.02])


def string(hours=10.0, step=10.0):
    """Charge and discharge seven cells between 30 and 80 %, three times and a bit."""
    random = np.random.default_rng(4)
    soc, v = 0.5 + OFFSET, np.zeros((2, 7))
    for row in range(int(hours * 3600.0 / step)):
        current = 15.0 * np.sign(np.sin(2.0 * np.pi * row * step / 7200.0)) + random.normal(0, 3)
        soc = soc + current * step / 3600.0 / (50.0 * CAPACITY)
        known = CELL.at(soc, 25.0)
        for pair, (ohm, tau) in enumerate(
            ((known.r1, CELL.tau1_second), (known.r2, CELL.tau2_second))
        ):
            kept = np.exp(-step / tau)
            v[pair] = kept * v[pair] + (1.0 - kept) * ohm * RESISTANCE * current
        volt = known.ocv + v.sum(axis=0) + known.r0 * RESISTANCE * current
        sample = CellSample(row * step, current, volt + random.normal(0.0, 0.001, 7), 25.0)
        yield sample, soc.copy()


@pytest.fixture(scope="module")
def followed():
    state = estimate = truth = None
    for sample, truth in string():  # noqa: B007 (the last one is wanted)
        state = state or FILTER.init(sample)
        state, estimate = FILTER.step(state, sample)
    return state, estimate, truth


def test_every_cell_has_its_own_charge(followed):
    _, estimate, truth = followed
    apart = estimate.value - np.median(estimate.value)
    assert apart == pytest.approx(truth - np.median(truth), abs=0.006)
    assert (np.abs(estimate.value - truth) < 1.645 * 2.0 * estimate.sigma).all()
    assert (estimate.apart_sigma < estimate.sigma).all()


def test_a_small_cell_and_a_resistive_one_are_told_apart(followed):
    state, _, _ = followed
    ohm, smaller = state.delta[1], state.delta[2]
    assert smaller == pytest.approx(1.0 / CAPACITY - 1.0, abs=0.016)
    assert np.argmax(ohm) == 3
    assert np.argmax(smaller) == 2 and np.argmin(smaller) == 4
    capacity, sigma = FILTER.relative_capacity(state).T
    assert (np.abs(capacity - CAPACITY) < 3.0 * sigma).all()
    assert (sigma < 0.02).all()


def test_the_emptiest_cell_limits_the_string_and_is_named(followed):
    _, estimate, truth = followed
    whole = pack_soc(estimate)
    assert whole.lowest_cell == int(np.argmin(truth)) + 1
    assert whole.named


def test_a_silence_keeps_what_was_known_of_the_cells(followed):
    state, _, truth = followed
    later = CellSample(state.unix_time_second + 36_000.0, 0.0, CELL.at(truth, 25.0).ocv, 25.0)
    resumed = FILTER.resumed(state, later)
    np.testing.assert_allclose(resumed.delta[2], state.delta[2], atol=0.01)
    assert (np.diag(np.ones(7)) @ resumed.delta_covariance[0] > 0.0).all()

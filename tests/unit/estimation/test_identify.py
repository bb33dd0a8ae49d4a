"""Identification gives a cell back that made the record, and says how far it is off."""

import math

import numpy as np
import pytest

from voltherd.errors import InputError
from voltherd.estimation.cell_sample import CellSample, SensorError
from voltherd.estimation.identify import Drive, identify, simulated
from voltherd.estimation.soc_map import SocMapEkf
from voltherd.estimation.widening import widening
from voltherd.numerics.presets import NMC
from voltherd.types.estimate import NORMAL_90

CELL = NMC.resized(3.0)
TAUS = 8.0, 120.0
SENSORS = SensorError(voltage_volt=0.005, current_ampere=0.1, current_fraction=0.005)
pytestmark = pytest.mark.long


def ohm(celsius, soc):
    """Series resistance of the cell behind the record [Ω]: dearer when cold and when empty."""
    return 0.02 * math.exp(1500.0 * (1.0 / (celsius + 273.15) - 1.0 / 298.15)) * (1.3 - 0.3 * soc)


def recorded(seed, celsius=25.0, rows=4000, noise=0.001):
    """Discharge a cell whose every value is known."""
    random = np.random.default_rng(seed)
    current = np.repeat(random.normal(-2.2, 3.0, rows // 20), 20)
    time, soc = np.arange(float(rows)), np.empty(rows)
    volt, pairs, z, before = np.empty(rows), np.zeros(2), 1.0, current[0]
    for at, now in enumerate(current):
        mean = 0.5 * (before + now)
        before = now
        z = min(z + mean * (at > 0) / (3600.0 * CELL.capacity_ah), 1.0)
        kept = np.exp(-(1.0 if at else 0.0) / np.array(TAUS))
        pairs = kept * pairs + (1.0 - kept) * np.array([0.01, 0.015]) * mean
        soc[at] = z
        ocv = np.interp(z, np.linspace(0.0, 1.0, 101), CELL.ocv_volt) + 0.01 * z
        volt[at] = ocv + ohm(celsius, z) * now + pairs.sum()
    return Drive(time, current, volt + random.normal(0.0, noise, rows), np.full(rows, celsius), soc)


@pytest.fixture(scope="module")
def cell():
    drives = [
        recorded(seed, celsius) for seed, celsius in enumerate((0.0, 0.0, 25.0, 25.0, 40.0, 40.0))
    ]
    return identify(drives, CELL, "a simulated cell")


def test_the_cell_comes_back(cell):
    assert (cell.tau1_second, cell.tau2_second) == TAUS
    for celsius in (0.0, 25.0, 40.0):
        for soc in (0.35, 0.6, 0.85):
            known = cell.at(np.array([soc]), celsius)
            assert known.r0[0] == pytest.approx(ohm(celsius, soc), rel=0.05)
            assert known.r1[0] == pytest.approx(0.01, rel=0.3)
            assert known.ocv[0] == pytest.approx(
                np.interp(soc, np.linspace(0.0, 1.0, 101), CELL.ocv_volt) + 0.01 * soc, abs=0.004
            )
    assert np.all(cell.model_volt < 0.005)


def test_it_predicts_a_drive_it_has_not_seen(cell):
    unseen = recorded(99)
    off = simulated(cell, unseen) - unseen.voltage_volt
    assert np.sqrt(np.mean(off**2)) < 0.003


def test_nothing_to_identify_from_is_said():
    with pytest.raises(InputError, match="no drive"):
        identify([], CELL, "nothing")


def test_beyond_the_nodes_all_stays_as_at_the_edge(cell):
    edge, beyond = cell.at(np.array([0.0, 1.0]), -300.0), cell.at(np.array([-1.0, 2.0]), 0.0)
    for one, other in zip(edge, beyond, strict=True):
        np.testing.assert_allclose(one, other)
    assert np.all(cell.at(np.linspace(0, 1, 50), 25.0).slope > 0.0)


@pytest.mark.parametrize(("start", "offset"), [(1.0, 0.0), (0.7, 0.0), (1.0, 0.1), (1.0, -0.1)])
def test_the_filter_finds_the_charge_from_a_wrong_start_and_in_spite_of_an_offset(
    cell, start, offset
):
    drive = recorded(7)
    estimator = SocMapEkf(cell=cell, sensors=SENSORS)
    state, error = None, []
    for at in range(len(drive.soc)):
        sample = CellSample(
            drive.time_second[at].item(),
            drive.current_ampere[at].item() + offset,
            drive.voltage_volt[at : at + 1],
            25.0,
        )
        if state is None:
            state = estimator.init(sample, soc=start, sigma=0.2)
            continue
        state, estimate = estimator.step(state, sample)
        error.append(estimate.value[0] - drive.soc[at])
    late = np.array(error)[600:]
    assert np.sqrt(np.mean(late**2)) < 0.01


def test_an_offset_is_learned_from_what_the_voltage_says(cell):
    drive = recorded(7)
    estimator, state = SocMapEkf(cell=cell, sensors=SENSORS), None
    for at in range(len(drive.soc)):
        sample = CellSample(
            float(at), drive.current_ampere[at].item() + 0.1, drive.voltage_volt[at : at + 1], 25.0
        )
        state = state or estimator.init(sample, soc=1.0, sigma=0.02)
        state, _ = estimator.step(state, sample)
    assert 0.03 < state.mean[5, 0] < 0.17


def test_a_widened_interval_holds_nine_of_ten():
    random = np.random.default_rng(3)
    celsius = np.full(5000, 20.0)
    error = random.normal(0.0, 0.01, 5000)
    wide = widening(error, np.full(5000, 0.005), celsius, np.array([20.0]))
    assert wide == pytest.approx([2.0], rel=0.05)
    held = np.abs(error) <= NORMAL_90 * wide[0] * 0.005
    assert held.mean() == pytest.approx(0.9, abs=0.005)


def test_each_temperature_is_drawn_half_way_to_all_of_them():
    random = np.random.default_rng(3)
    nodes = np.array([0.0, 20.0])
    celsius = np.repeat(nodes, 5000)
    error = random.normal(0.0, np.where(celsius < 10.0, 0.03, 0.01))
    cold, warm = widening(error, np.full(10_000, 0.005), celsius, nodes)
    [whole] = widening(error, np.full(10_000, 0.005), celsius, np.array([10.0]))
    assert cold == pytest.approx(math.sqrt(6.0 * whole), rel=0.05)
    assert warm == pytest.approx(math.sqrt(2.0 * whole), rel=0.05)
    assert list(widening(error[:0], error[:0], error[:0], nodes)) == [1.0, 1.0]

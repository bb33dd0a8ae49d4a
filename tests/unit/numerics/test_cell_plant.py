"""The plant as the simulator uses it."""

import numpy as np
import pytest

from voltherd.numerics.cell_plant import Plant
from voltherd.numerics.presets import LFP, NMC, PRESETS


def after(plant, soc, current, seconds, dt=1.0):
    state = plant.init(np.asarray(soc, float))
    volt = None
    for _ in range(int(seconds / dt)):
        state, volt = plant.step(state, current, 25.0, dt)
    return state, volt


@pytest.mark.parametrize("cell", PRESETS.values(), ids=PRESETS)
def test_charging_raises_soc_and_voltage_above_rest(cell):
    big = cell.resized(60.0)
    plant = Plant(parameters=big)
    state, volt = after(plant, [0.5], 30.0, 600)
    assert state.soc[0] == pytest.approx(0.5 + 30.0 / 360.0, abs=1e-12)
    assert volt[0] > np.interp(state.soc[0], np.linspace(0.0, 1.0, 101), big.ocv_volt)


def test_every_cell_departs_from_nominal_in_its_own_way():
    plant = Plant(
        parameters=NMC.resized(50.0),
        capacity_scale=np.array([1.0, 0.8, 1.0, 1.0, 1.0]),
        resistance_scale=np.array([1.0, 1.0, 1.5, 1.0, 1.0]),
        leak_ampere=np.array([0.0, 0.0, 0.0, 0.5, 0.0]),
        contact_ohm=np.array([0.0, 0.0, 0.0, 0.0, 0.001]),
    )
    state, volt = after(plant, np.full(5, 0.6), -50.0, 360)
    used = 0.6 - state.soc
    np.testing.assert_allclose(used, [0.1, 0.125, 0.1, 0.101, 0.1], atol=1e-12)
    assert volt[4] == pytest.approx(volt[0] - 50.0 * 0.001, abs=1e-12)
    assert volt[2] < volt[0]


def test_faults_may_begin_later():
    plant = Plant(parameters=NMC)
    state = plant.init(np.full(2, 0.5))
    late, volt = plant.step(
        state, 0.0, 25.0, 3600.0, leak_ampere=np.array([0.0, 0.5]), contact_ohm=0.01
    )
    np.testing.assert_allclose(late.soc, [0.5, 0.4], atol=1e-12)
    assert volt[0] == pytest.approx(float(np.interp(0.5, np.linspace(0, 1, 101), NMC.ocv_volt)))


def test_any_batch_shape_gives_the_numbers_of_its_cells_alone():
    plant = Plant(parameters=LFP)
    grid = np.random.default_rng(5).uniform(0.1, 0.9, (4, 3, 2))
    together, volt = after(plant, grid, 80.0, 60)
    alone, single = after(plant, grid[2, 1, :1], 80.0, 60)
    assert together.soc.shape == volt.shape == grid.shape
    np.testing.assert_array_equal(together.soc[2, 1, :1], alone.soc)
    np.testing.assert_array_equal(volt[2, 1, :1], single)


def test_the_state_given_is_left_as_it_was():
    plant = Plant(parameters=NMC)
    state = plant.init(np.full(3, 0.5), 30.0)
    kept = [part.copy() for part in state]
    plant.step(state, 10.0, 25.0, 1.0)
    for part, before in zip(state, kept, strict=True):
        np.testing.assert_array_equal(part, before)

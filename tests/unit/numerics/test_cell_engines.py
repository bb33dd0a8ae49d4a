"""Every engine gives the numbers of the plain step."""

import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from voltherd.numerics.cell_model import (
    CellState,
    Covariance,
    Input,
    discretise,
    make_step,
)
from voltherd.numerics.cell_numpy import NUMPY
from voltherd.numerics.cell_plant import Plant
from voltherd.numerics.engines.numpy_engine import NumpyFilter, filter_program
from voltherd.numerics.engines.trace import trace
from voltherd.numerics.ocv import ocv_table
from voltherd.numerics.presets import LFP, NMC

AGREEMENT = 1e-13
"""Fused multiply-adds and reordered sums; some 3e-15 is seen."""


def record(cells, steps, seed=1, cell=NMC):
    """Cells that drive, seen with noise, gaps and a few wild readings, by a filter 20 % off."""
    random = np.random.default_rng(seed)
    capacity, resistance = random.uniform(0.9, 1.1, (2, cells))
    plant = Plant(parameters=cell, capacity_scale=capacity, resistance_scale=resistance)
    truth = plant.init(random.uniform(0.4, 0.8, cells))
    state = np.zeros((11, cells))
    state[0] = truth.soc - 0.2
    state[5], state[8], state[10] = 0.04, 1e-6, 1e-6
    ambient = random.normal(0.0, 5.0, steps)
    current, voltage = np.empty((2, steps, cells))
    for t in range(steps):
        current[t] = cell.capacity_ah * (np.sin(t / 9.0) - 0.2 + 0.3 * random.normal(size=cells))
        truth, voltage[t] = plant.step(truth, current[t], 25.0 + ambient[t], 1.0)
    voltage += random.normal(0.0, 0.002, voltage.shape)
    voltage[random.random(voltage.shape) < 0.02] = math.nan
    voltage[random.random(voltage.shape) < 0.001] = 66.5
    return state, current, voltage, ambient, 1.0 / capacity, resistance


def plain(cell, state, current, voltage, ambient, inverse_capacity, resistance):
    step = make_step(NUMPY, ocv_table(cell.ocv_volt), discretise(cell, 1.0))
    s, p, soc = CellState(*state[:5]), Covariance(*state[5:]), []
    for i, v, a in zip(current, voltage, ambient, strict=True):
        s, p, _ = step(s, p, Input(i, a, inverse_capacity, resistance), v)
        soc.append(s.z)
    return np.array([*s, *p]), np.array(soc)


def tiles(data):
    return [part[None] for part in data]


@pytest.mark.parametrize("cell", [NMC, LFP], ids=["NMC", "LFP"])
@pytest.mark.parametrize("cells", [1, 7, 96])
def test_replaying_the_trace_gives_the_bits_of_the_plain_step(cell, cells):
    data = record(cells, 200, cell=cell)
    engine = NumpyFilter(ocv_table(cell.ocv_volt))
    state, soc = engine.history(discretise(cell, 1.0), *data)
    wanted_state, wanted_soc = plain(cell, *data)
    np.testing.assert_array_equal(soc, wanted_soc)
    np.testing.assert_array_equal(state, wanted_state)


def test_blocks_of_cells_do_not_know_of_each_other():
    data, c, table = record(50, 30), discretise(NMC, 1.0), ocv_table(NMC.ocv_volt)
    whole = NumpyFilter(table).history(c, *data)
    blocks = NumpyFilter(table, block=16).history(c, *data)
    np.testing.assert_array_equal(whole[0], blocks[0])
    np.testing.assert_array_equal(whole[1], blocks[1])


def test_an_engine_keeps_no_state_between_calls():
    data, c = record(9, 40), discretise(NMC, 1.0)
    engine = NumpyFilter(ocv_table(NMC.ocv_volt))
    kept = [part.copy() for part in data]
    first = engine.history(c, *data)
    engine.history(discretise(NMC, 5.0), *record(9, 10, seed=2))
    second = engine.history(c, *data)
    np.testing.assert_array_equal(first[0], second[0])
    for part, before in zip(data, kept, strict=True):
        np.testing.assert_array_equal(part, before)


def test_the_recorded_step_needs_no_copies_and_few_registers():
    program = filter_program()
    assert all(step.operation != "positive" for step in program.instructions)
    assert program.registers < 40


def test_outputs_that_exchange_places_survive_the_tracing():
    """Neither value may be written home while the other is still wanted there."""

    def swap(tape):
        a, b = tape.leaf("input", "a"), tape.leaf("input", "b")
        return {"a": b * 2.0, "b": a + b}

    program = trace(swap, ("a", "b"), ("a", "b"))
    registers = dict.fromkeys(range(program.registers), 0.0)
    registers[program.inputs["a"]], registers[program.inputs["b"]] = 3.0, 5.0
    for step in program.instructions:
        x, y = (
            None if place is None else registers[place[1]] if place[0] == "register" else place[1]
            for place in (step.a, step.b)
        )
        registers[step.register] = {
            "multiply": lambda x=x, y=y: x * y,
            "add": lambda x=x, y=y: x + y,
            "positive": lambda x=x: x,
        }[step.operation]()
    assert registers[program.outputs["a"]] == 10.0
    assert registers[program.outputs["b"]] == 8.0
    assert program.outputs == program.inputs


@pytest.mark.parametrize("cell", [NMC, LFP], ids=["NMC", "LFP"])
def test_compiled_engines_agree_with_numpy(cell):
    fast = pytest.importorskip("voltherd.numerics.engines.numba_engine")
    data, c, table = record(96, 1500, cell=cell), discretise(cell, 1.0), ocv_table(cell.ocv_volt)
    state, soc = NumpyFilter(table).history(c, *data)
    tiled_state, tiled_soc = fast.filter_tiles(c, table, *tiles(data))
    cell_state, cell_soc = fast.filter_cells(c, table, *data)
    for got in (tiled_soc[0], cell_soc):
        np.testing.assert_allclose(got, soc, rtol=0.0, atol=AGREEMENT)
    for got in (tiled_state[0], cell_state):
        np.testing.assert_allclose(got, state, rtol=0.0, atol=AGREEMENT)


def test_tiles_shared_among_threads_give_the_same_bits():
    fast = pytest.importorskip("voltherd.numerics.engines.numba_engine")
    c, table = discretise(NMC, 1.0), ocv_table(NMC.ocv_volt)
    parts = [record(96, 50, seed) for seed in range(5)]
    data = [np.stack(part) for part in zip(*parts, strict=True)]
    alone = fast.filter_tiles(c, table, *data)
    with ThreadPoolExecutor(2) as pool:
        shared = fast.filter_tiles(c, table, *data, pool=pool, parts=3)
    np.testing.assert_array_equal(alone[0], shared[0])
    np.testing.assert_array_equal(alone[1], shared[1])


def test_cells_in_series_may_share_one_current():
    fast = pytest.importorskip("voltherd.numerics.engines.numba_engine")
    c, table = discretise(NMC, 1.0), ocv_table(NMC.ocv_volt)
    state, current, voltage, *rest = tiles(record(96, 60))
    series = current[:, :, :1]
    every = np.repeat(series, 96, axis=2)
    one = fast.filter_tiles(c, table, state, series, voltage, *rest)
    same = fast.filter_tiles(c, table, state, every, voltage, *rest)
    np.testing.assert_allclose(one[1], same[1], rtol=0.0, atol=AGREEMENT)


def test_no_input_makes_a_compiled_engine_read_outside_its_table():
    """NaN turned into an index has ended whole processes; here it ends at zero."""
    fast = pytest.importorskip("voltherd.numerics.engines.numba_engine")
    c, table = discretise(NMC, 1.0), ocv_table(NMC.ocv_volt)
    state, current, voltage, *rest = tiles(record(96, 40))
    for hostile in (math.nan, math.inf, -math.inf, 1e300, -1e300):
        spoiled = current.copy()
        spoiled[0, 10:20, ::3] = hostile
        volts = voltage.copy()
        volts[0, 15:25, ::5] = hostile
        _, soc = fast.filter_tiles(c, table, state, spoiled, volts, *rest)
        clean = np.setdiff1d(np.arange(96), np.union1d(np.arange(0, 96, 3), np.arange(0, 96, 5)))
        assert np.isfinite(soc[0][:, clean]).all()


def test_single_precision_records_are_filtered_in_double():
    fast = pytest.importorskip("voltherd.numerics.engines.numba_engine")
    c, table = discretise(NMC, 1.0), ocv_table(NMC.ocv_volt)
    state, current, voltage, *rest = tiles(record(96, 300))
    _, fine = fast.filter_tiles(c, table, state, current, voltage, *rest)
    small = fast.filter_tiles(
        c, table, state, current.astype(np.float32), voltage.astype(np.float32), *rest
    )
    assert abs(small[1] - fine).max() < 1e-5


def test_aligned_arrays_begin_on_a_cache_line():
    fast = pytest.importorskip("voltherd.numerics.engines.numba_engine")
    for shape in ((3,), (2, 5), (4, 3, 7)):
        array = fast.aligned(shape, np.float32)
        assert array.shape == shape
        assert array.ctypes.data % 64 == 0

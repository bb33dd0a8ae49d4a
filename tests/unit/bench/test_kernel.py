"""The benchmark compares like with like, and says what it could not measure."""

import json

import numpy as np
import pytest

from voltherd.bench.kernel import WIDTH, bench_kernel, record, render
from voltherd.bench.kernel_peer import run_peer
from voltherd.numerics.cell_model import discretise
from voltherd.numerics.engines.numpy_engine import NumpyFilter
from voltherd.numerics.ocv import ocv_table
from voltherd.numerics.presets import NMC

pytestmark = pytest.mark.long


def test_the_peer_computes_the_same_filter():
    """Exact exponentials against rational ones: a ten-thousandth of a charge apart at most."""
    pytest.importorskip("filterpy")
    c = discretise(NMC, 1.0)
    data = record(4, 300)
    _, soc = NumpyFilter(ocv_table(NMC.ocv_volt)).history(c, *data)
    assert abs(run_peer(NMC, c, *data) - soc).max() < 1e-4


def test_the_record_is_one_a_filter_can_follow():
    data = record(8, 600)
    _, soc = NumpyFilter(ocv_table(NMC.ocv_volt)).history(discretise(NMC, 1.0), *data)
    used = np.cumsum(data.current, axis=0) * data.inverse_capacity / (3600.0 * NMC.capacity_ah)
    truth = data.state[0] + 0.2 + used
    assert abs(soc[-1] - truth[-1]).max() < 0.03


def test_one_run_measures_engines_peers_and_roofs_together():
    pytest.importorskip("filterpy")
    pytest.importorskip("numba")
    table = bench_kernel(0.01)
    told = json.loads(table.to_json())
    assert {row[1] for row in told["rows"]} >= {1, WIDTH}
    assert all(row[2] > 0.0 for row in told["rows"])
    assert set(table.step_microsecond) == {"NumPy", "Numba tiled", "filterpy per cell"}
    assert table.gigaflop_per_second > 1.0
    assert len(table.triad_gigabyte_per_second) == 2
    assert len(table.ratios) == 7
    text = render(table)
    assert "of the bandwidth roof" in text
    assert not table.missing


def test_missing_extras_are_said_and_not_fatal():
    table = bench_kernel(0.01, without=frozenset({"numba", "filterpy"}))
    assert len(table.missing) == 2
    assert "not measured: numba" in render(table)
    assert {row[0] for row in table.rows} == {"NumPy in place"}

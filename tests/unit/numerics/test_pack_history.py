"""A fleet's packs by NumPy and by Numba: the estimator's own step, bit for bit."""

import numpy as np
import pytest

from voltherd.bench.kernel_pack import record_of, setting_of, start_of
from voltherd.estimation.cell_sample import CellSample
from voltherd.estimation.soc_bar_delta import SocBarDelta
from voltherd.numerics.cell_map import preset_map
from voltherd.numerics.engines.pack_history import run_packs
from voltherd.numerics.presets import NMC

pytestmark = pytest.mark.long
FILTER = SocBarDelta(cell=preset_map(NMC.resized(150.0)))
RECORD = record_of(packs=3, cells=12, steps=101)


def test_many_packs_are_each_what_the_estimator_makes_of_it():
    state, told = run_packs(FILTER.cell, setting_of(FILTER), start_of(FILTER, RECORD), RECORD)
    for pack in range(3):
        rows = [
            CellSample(
                float(second),
                float(RECORD.current_ampere[second, pack]),
                RECORD.cell_voltage_volt[second, pack],
                float(RECORD.temperature_celsius[second, pack]),
            )
            for second in range(101)
        ]
        one, estimate = FILTER.init(rows[0]), None
        for sample in rows[1:]:
            one, estimate = FILTER.step(one, sample)
        np.testing.assert_array_equal(state.mean[:, pack], one.mean[:, 0])
        np.testing.assert_array_equal(state.delta[:, pack], one.delta)
        np.testing.assert_array_equal(state.delta_covariance[:, pack], one.delta_covariance)
        np.testing.assert_array_equal(told[-1, pack], estimate.value)


def test_numba_gives_the_same_numbers():
    compiled = pytest.importorskip(
        "voltherd.numerics.engines.pack_numba", reason="needs numba: pip install 'voltherd[fast]'"
    )
    given = FILTER.cell, setting_of(FILTER), start_of(FILTER, RECORD), RECORD
    one, told = run_packs(*given)
    other, said = compiled.run_packs(*given)
    for a, b in zip(one, other, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-14)
    np.testing.assert_allclose(told, said, rtol=1e-10)

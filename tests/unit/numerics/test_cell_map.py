"""Tables of a cell: one cell in floats, many in arrays, the same bits; a curve that never falls."""

from dataclasses import replace

import numpy as np
import pytest

from voltherd.numerics.cell_map import preset_map
from voltherd.numerics.presets import LFP, NMC

CELL = preset_map(NMC.resized(3.0))


@pytest.mark.parametrize("soc", [-0.2, 0.0, 0.013, 0.5, 0.999, 1.0, 1.3])
@pytest.mark.parametrize("celsius", [-60.0, -3.2, 25.0, 99.0])
def test_one_cell_is_read_as_many_are(soc, celsius):
    one = CELL.at_one(soc, celsius)
    many = CELL.at(np.array([soc, 0.3]), celsius)
    for name in ("r0", "r1", "r2", "ocv", "slope", "hysteresis"):
        assert getattr(one, name) == getattr(many, name)[0], name
    assert one.model == many.model


@pytest.mark.parametrize("celsius", [-50.0, 7.0, 25.0])
def test_the_curve_at_a_temperature_is_what_is_looked_up(celsius):
    curve = CELL.curve_at(celsius)
    soc = np.linspace(0.0, 1.0, len(curve))
    np.testing.assert_allclose(curve, CELL.at(soc, celsius).ocv, atol=1e-12)


def test_a_shift_that_would_make_the_curve_fall_makes_it_level():
    cell = preset_map(LFP.resized(3.0))
    bent = replace(cell, shift_volt=cell.shift_volt + np.array([0.5, 0.0]))
    assert (np.diff(bent.curve_at(25.0)) >= 0.0).all()
    assert bent.curve_at(25.0)[0] == pytest.approx(cell.curve_at(25.0)[0] + 0.5)

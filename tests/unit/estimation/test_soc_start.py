"""A first charge is read from the cell's own curve and resistance, not from its chemistry's."""

from dataclasses import replace

import numpy as np
import pytest

from voltherd.estimation.cell_sample import CellSample, SensorError
from voltherd.estimation.soc_bar_delta import SocBarDelta
from voltherd.estimation.soc_map import SocMapEkf
from voltherd.estimation.soc_start import BLIND_SIGMA, soc_start
from voltherd.numerics.cell_map import preset_map
from voltherd.numerics.presets import NMC

PRESET = preset_map(NMC.resized(3.0))
ROWS = np.arange(len(PRESET.temperature_celsius))
OWN = replace(
    PRESET,
    shift_volt=PRESET.shift_volt + np.outer(0.06 - 0.002 * ROWS, [1.0, 0.5]),
    r0_ohm=PRESET.r0_ohm * 3.0,
    curve_volt=np.full(len(ROWS), 0.003),
)
"""A cell whose curve, and threefold resistance, are not those of its chemistry."""
SENSORS = SensorError(voltage_volt=0.005, current_ampere=0.05, current_fraction=0.005)


def read(current, celsius, soc):
    """Give what a cell shows, only its series resistance carrying the current."""
    known = OWN.at(np.array([soc]), celsius)
    return CellSample(0.0, current, known.ocv + current * known.r0, celsius)


@pytest.mark.parametrize("celsius", [-20.0, 0.0, 25.0])
@pytest.mark.parametrize("soc", [0.2, 0.5, 0.8])
@pytest.mark.parametrize("current", [0.0, -1.0, 1.0])
def test_within_two_sigma_of_the_truth(celsius, soc, current):
    start = soc_start(OWN, SENSORS, 0.01, read(current, celsius, soc))
    assert abs(start.soc[0] - soc) <= 2.0 * start.sigma[0]
    assert abs(start.soc[0] - soc) < 0.02
    assert current or start.sigma[0] < 0.05


@pytest.mark.parametrize("made", [SocMapEkf, SocBarDelta])
def test_filters_begin_there(made):
    estimator = made(cell=OWN, sensors=SENSORS)
    state = estimator.init(read(0.0, -20.0, 0.8))
    assert state.mean[0, 0] == pytest.approx(0.8, abs=0.01)


def test_without_a_voltage_anything_is_possible():
    start = soc_start(OWN, SENSORS, 0.01, CellSample(0.0, 1.0, np.array([np.nan, 3.7])))
    assert start.soc[0] == 0.5
    assert start.sigma[0] == BLIND_SIGMA > start.sigma[1]

"""A spectrum gives back the resistances that made it."""

import numpy as np
import pytest

from voltherd.errors import InputError
from voltherd.estimation.soh_impedance import arc, impedance, resistance_health

HERTZ = np.logspace(3.0, -1.0, 40)


@pytest.mark.parametrize("depression", [0.7, 0.85, 1.0])
def test_the_values_come_back_through_noise(depression):
    random = np.random.default_rng(1)
    clean = arc(HERTZ, 0.020, 0.030, 0.05, depression)
    told = impedance(HERTZ, clean * (1.0 + 0.005 * random.normal(size=len(HERTZ))))
    assert told.series_ohm == pytest.approx(0.020, rel=0.03)
    assert told.transfer_ohm == pytest.approx(0.030, rel=0.03)
    assert told.time_second == pytest.approx(0.05, rel=0.05)
    assert told.depression == pytest.approx(depression, abs=0.03)
    assert told.rmse_ohm < 0.0005


def test_points_of_the_leads_are_left_out():
    inductive = arc(HERTZ, 0.02, 0.03, 0.05, 0.9) + 2j * np.pi * HERTZ * 5e-8
    inductive[:5] += 0.01j
    assert impedance(HERTZ, inductive).series_ohm == pytest.approx(0.02, rel=0.1)


def test_health_runs_from_new_to_the_agreed_end():
    assert resistance_health(0.05, 0.05, 0.1) == 1.0
    assert resistance_health(0.075, 0.05, 0.1) == pytest.approx(0.5)
    with pytest.raises(InputError, match="end of life"):
        resistance_health(0.05, 0.1, 0.1)


def test_a_spectrum_without_an_arc_is_refused():
    with pytest.raises(InputError, match="no arc"):
        impedance(HERTZ, np.full(len(HERTZ), 0.02 + 0.01j))

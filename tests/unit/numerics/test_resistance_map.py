"""Pulses give back the resistances that made them, and what was not pulsed is not made up."""

import numpy as np
import pytest

from voltherd.errors import InputError
from voltherd.numerics.presets import NMC
from voltherd.numerics.resistance_map import (
    CONTINUED_VOLT,
    Pulse,
    resistance_map,
    worst,
)

CAPACITY = 5.0
OCV = NMC.ocv_volt
HORIZONS = (1.0, 10.0, 60.0)
SOCS = (0.1, 0.4, 0.7, 1.0)
WARMTH = (0.0, 20.0, 40.0)
AMPERES = (2.0, 10.0, 20.0)
SECONDS = np.arange(1.0, 61.0)


def ohm(soc, celsius, ampere, second):
    """A resistance that map nodes hold exactly: log-linear in charge, current and 1/T."""
    warm = 3000.0 * (1.0 / (celsius + 273.15) - 1.0 / 298.15)
    way = 0.1 if ampere > 0.0 else 0.0
    return 0.02 * np.exp(warm - 0.5 * soc - 0.01 * abs(ampere) + way) * (1.0 + 0.2 * np.log(second))


def open_circuit(soc):
    return np.interp(soc, np.linspace(0.0, 1.0, len(OCV)), OCV)


def pulse(soc, celsius, ampere, seconds=SECONDS):
    moved = soc + ampere * seconds / (3600.0 * CAPACITY)
    volt = open_circuit(moved) + ampere * ohm(soc, celsius, ampere, seconds)
    return Pulse(soc, celsius, ampere, seconds, volt)


def every():
    return [
        pulse(z, warm, way * size)
        for z in SOCS
        for warm in WARMTH
        for size in AMPERES
        for way in (-1.0, 1.0)
    ]


@pytest.fixture(scope="module")
def found():
    return resistance_map(every(), CAPACITY, OCV, HORIZONS, "made")


@pytest.mark.parametrize("charging", [False, True])
def test_between_the_nodes_it_is_what_arrhenius_says(found, charging):
    soc, celsius, ampere = np.array([0.55, 0.25]), np.array([10.0, 33.0]), np.array([6.0, 15.0])
    got = found.ohm(found.log_ohm(soc, celsius, charging=charging), ampere)
    sign = 1.0 if charging else -1.0
    for cell in range(2):
        wanted = ohm(soc[cell], celsius[cell], sign * ampere[cell], np.array(HORIZONS))
        assert got[cell] == pytest.approx(wanted, rel=1e-6)


def test_beyond_the_nodes_it_stays_as_at_the_edge(found):
    edge = found.log_ohm(np.array([0.1, 1.0]), np.array([0.0, 40.0]), charging=True)
    beyond = found.log_ohm(np.array([-1.0, 2.0]), np.array([-30.0, 70.0]), charging=True)
    assert np.allclose(edge, beyond)
    assert found.ampere_max == 20.0
    assert np.allclose(found.ohm(edge, np.full(2, 20.0)), found.ohm(edge, np.full(2, 50.0)))


def test_a_pulse_that_is_missing_is_taken_from_its_neighbours_current():
    some = [p for p in every() if not (p.soc == 0.4 and p.celsius == 20.0 and p.ampere == -10.0)]
    filled = resistance_map(some, CAPACITY, OCV, HORIZONS, "made").discharge_ohm[1, 1]
    assert filled[1] == pytest.approx(np.sqrt(filled[0] * filled[2]))


def test_the_worst_of_a_horizon_counts_though_the_voltage_comes_back():
    one = Pulse(0.5, 20.0, -5.0, np.array([1.0, 2.0, 3.0]), np.array([3.5, 3.2, 3.4]))
    assert worst(one, np.array([1.0, 2.0, 3.0])).tolist() == [3.5, 3.2, 3.2]


def test_a_pulse_that_was_cut_short_went_farther_but_not_endlessly():
    one = Pulse(0.5, 20.0, -5.0, np.array([1.0, 2.0]), np.array([3.5, 3.4]))
    told = worst(one, np.array([2.0, 3.0, 300.0]))
    assert told == pytest.approx([3.4, 3.3, 3.4 - CONTINUED_VOLT])


def test_what_a_load_has_left_fades_and_has_its_sign(found):
    soc, celsius = np.array([0.5]), np.array([20.0])
    left = found.left_over(soc, celsius, -10.0, 30.0)[0]
    assert left[0] < left[1] < left[2] <= 0.0
    at = found.ohm(found.log_ohm(soc, celsius, charging=False), np.array([10.0]))[0]
    later = np.interp(np.log(31.0), np.log(HORIZONS), at)
    assert left[0] == pytest.approx(-10.0 * (later - at[0]))
    assert found.left_over(soc, celsius, 10.0, 30.0)[0, 0] > 0.0


def test_pulses_that_span_nothing_are_refused():
    with pytest.raises(InputError, match="span no map"):
        resistance_map(every()[:1], CAPACITY, OCV, HORIZONS, "made")
    one_way = [p for p in every() if p.ampere > 0.0]
    with pytest.raises(InputError, match="one way only"):
        resistance_map(one_way, CAPACITY, OCV, HORIZONS, "made")


def test_it_spans_what_was_pulsed_and_what_is_warmer(found):
    soc, celsius = np.array([0.1, 0.09, 0.5, 0.5, 1.0]), np.array([0.0, 20.0, -0.1, 70.0, 40.0])
    assert found.spans(soc, celsius).tolist() == [True, False, False, True, True]
    assert not found.spans(np.array([np.nan]), np.array([20.0])).any()

"""Pulse responses are differences to rest, scaled where the cell stands."""

import numpy as np
import pytest

from voltherd.estimation.soh_pulse import (
    POINTS,
    level_scale,
    pulse_features,
    pulse_response,
    pulse_voltage,
)

LEVELS = np.array([0.1, 0.3, 0.5])


def pulses(count, seed=0):
    random = np.random.default_rng(seed)
    soc = random.choice(LEVELS, count)
    volt = 3.4 + soc[:, None] + random.normal(0.0, 0.01, (count, POINTS))
    return soc, volt


def test_an_offset_of_the_voltage_stays_in_the_rested_value_alone():
    _, volt = pulses(20)
    plain, moved = pulse_response(volt), pulse_response(volt + 0.005)
    assert moved[:, 0] == pytest.approx(plain[:, 0] + 0.005)
    assert moved[:, 1:] == pytest.approx(plain[:, 1:])


def test_the_voltage_comes_back_from_the_response():
    _, volt = pulses(20)
    assert pulse_voltage(pulse_response(volt)) == pytest.approx(volt)


def test_each_level_has_its_own_scale():
    soc, volt = pulses(300)
    response = pulse_response(volt)
    mean, spread = level_scale(response, soc, LEVELS)
    scaled = pulse_features(response, soc, LEVELS, mean, spread)[:, :POINTS]
    for level in LEVELS:
        assert scaled[soc == level].mean(axis=0) == pytest.approx(0.0, abs=0.1)
        assert scaled[soc == level].std(axis=0) == pytest.approx(1.0, abs=0.1)


def test_a_level_nobody_was_seen_at_takes_the_scale_of_all():
    soc, volt = pulses(50)
    response = pulse_response(volt)
    mean, _ = level_scale(response, soc, np.array([0.1, 0.3, 0.5, 0.9]))
    assert mean[3] == pytest.approx(response.mean(axis=0))

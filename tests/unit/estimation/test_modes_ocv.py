"""Modes of ageing come back from a slow charge of a cell that was aged on purpose."""

import numpy as np
import pytest

from voltherd.errors import InputError
from voltherd.estimation.modes_ocv import HalfCells, capacity, charge_voltage, inventory, modes
from voltherd.numerics.ocv import graphite_chen2020, nmc811_chen2020

POSITIVE_AH = 5.0 / (0.9077 - 0.2661)
NEGATIVE_AH = 5.0 / (0.9014 - 0.0279)
NEW = HalfCells(
    nmc811_chen2020,
    graphite_chen2020,
    POSITIVE_AH,
    NEGATIVE_AH,
    POSITIVE_AH * 0.9077 + NEGATIVE_AH * 0.0279,
    2.5,
    4.2,
)
pytestmark = pytest.mark.long


def aged(positive, negative, lithium):
    """Give the four values of a cell with known losses, empty at the lower cut-off."""
    x = np.linspace(1e-3, 0.5, 4000)
    left = POSITIVE_AH * (1.0 - positive), NEGATIVE_AH * (1.0 - negative)
    y = (NEW.inventory_ah * (1.0 - lithium) - left[1] * x) / left[0]
    volt = np.where(y <= 0.98, nmc811_chen2020(y) - graphite_chen2020(x), np.inf)
    at = int(np.argmin(np.abs(volt - NEW.low_volt)))
    return np.array([1.0 - positive, 1.0 - negative, x[at], y[at]])


def charge(values, low, high, noise, bias, seed=0):
    whole = capacity(NEW, values)
    ah = np.linspace(low * whole, high * whole, 300)
    random = np.random.default_rng(seed)
    return ah - ah[0], charge_voltage(NEW, values, ah) + bias + random.normal(0.0, noise, 300)


def test_the_losses_that_were_planted_are_those_of_the_values():
    values = aged(0.1, 0.05, 0.12)
    assert inventory(NEW, values) == pytest.approx(NEW.inventory_ah * 0.88)
    assert capacity(NEW, aged(0.0, 0.0, 0.0)) == pytest.approx(5.0, rel=0.01)


@pytest.mark.parametrize(
    ("noise", "bias", "positive", "negative", "lithium"),
    [(0.001, 0.0, 0.005, 0.008, 0.004), (0.001, 0.008, 0.015, 0.025, 0.01)],
)
def test_modes_come_back_from_the_middle_of_a_charge(noise, bias, positive, negative, lithium):
    values = aged(0.10, 0.05, 0.12)
    told = modes(NEW, *charge(values, 0.2, 0.8, noise, bias))
    assert told.positive_loss == pytest.approx(0.10, abs=positive)
    assert told.negative_loss == pytest.approx(0.05, abs=negative)
    assert told.inventory_loss == pytest.approx(0.12, abs=lithium)
    assert told.capacity_ah == pytest.approx(capacity(NEW, values), rel=0.015)
    assert told.rmse_volt < 0.005


def test_a_charge_too_short_to_have_a_shape_is_refused():
    ah, volt = charge(aged(0.1, 0.05, 0.12), 0.4, 0.5, 0.001, 0.0)
    with pytest.raises(InputError, match="too little charge"):
        modes(NEW, ah, volt)
    with pytest.raises(InputError, match="too little charge"):
        modes(NEW, ah[:0], volt[:0])

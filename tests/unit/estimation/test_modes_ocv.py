"""Modes of ageing come back from a slow charge of a cell that was aged on purpose."""

import pytest

from voltherd.bench.soh_paths import NEW, aged, slow_charge
from voltherd.errors import InputError
from voltherd.estimation.modes_ocv import capacity, inventory, modes

pytestmark = pytest.mark.long


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
    told = modes(NEW, *slow_charge(values, 0.2, 0.8, noise, bias, 0))
    assert told.positive_loss == pytest.approx(0.10, abs=positive)
    assert told.negative_loss == pytest.approx(0.05, abs=negative)
    assert told.inventory_loss == pytest.approx(0.12, abs=lithium)
    assert told.capacity_ah == pytest.approx(capacity(NEW, values), rel=0.015)
    assert told.rmse_volt < 0.005


def test_a_charge_too_short_to_have_a_shape_is_refused():
    ah, volt = slow_charge(aged(0.1, 0.05, 0.12), 0.4, 0.5, 0.001, 0.0, 0)
    with pytest.raises(InputError, match="too little charge"):
        modes(NEW, ah, volt)
    with pytest.raises(InputError, match="too little charge"):
        modes(NEW, ah[:0], volt[:0])

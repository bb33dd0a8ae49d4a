"""Levels of charging beside their claims: charges of a pack, simulated, not computed."""

from dataclasses import replace

import pytest

from voltherd.charging.profile import Pack, charge, constant, plating_table
from voltherd.charging.sources import CLASSES, implied_kwh
from voltherd.estimation.sop import PowerBounds
from voltherd.numerics.presets import NMC
from voltherd.types.asset import Chemistry

pytestmark = pytest.mark.long


def pack(kwh):
    """A pack of NMC cells that may take what neither plating nor voltage forbids."""
    cell = NMC.resized(150.0)
    bounds = PowerBounds(
        volt_min=2.5,
        volt_max=4.2,
        charge_ampere=375.0,
        discharge_ampere=375.0,
        plating=plating_table(150.0, Chemistry.NMC),
    )
    whole = Pack(cell=cell, cells=1, bounds=bounds)
    return replace(whole, cells=round(kwh / whole.energy_kwh))


def charged_hour(kwh, kilowatt, one):
    """Simulate a charge from empty to what the class claims [h]."""
    step = 10.0 * max(kwh / kilowatt, 1.0)
    course = charge(
        pack(kwh), constant(100.0), 0.0, 25.0, one.claimed_soc, 1e3 * kilowatt, step_second=step
    )
    assert course.soc[-1] > one.claimed_soc - 0.01
    return float(course.second[-1]) / 3600.0


@pytest.mark.parametrize("one", CLASSES[:2], ids=lambda one: one.name)
def test_slow_classes_take_the_claimed_time_for_packs_of_the_size_they_imply_and_no_others(one):
    """Simulated; what is claimed leaves no room for losses, so packs are a little smaller."""
    (small, large), (low, high) = implied_kwh(one), one.kilowatt
    short, long = one.claimed_hour
    assert short <= charged_hour(1.02 * small, low, one) <= long
    assert short <= charged_hour(0.97 * large, high, one) <= long
    assert charged_hour(0.8 * small, low, one) < short
    assert charged_hour(1.2 * large, high, one) > long


def test_the_fast_class_takes_longer_than_claimed_where_lithium_must_not_plate():
    """Its shortest time, a quarter of an hour for 80 %, is one that this cell cannot keep."""
    fast = CLASSES[2]
    small, large = (kwh / fast.claimed_soc for kwh in implied_kwh(fast))
    assert charged_hour(small, fast.kilowatt[0], fast) > fast.claimed_hour[1]
    assert charged_hour(large, fast.kilowatt[1], fast) > 2.0 * fast.claimed_hour[0]

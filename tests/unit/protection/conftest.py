"""A pack of four cells and two probes, and how it is taken through time."""

import numpy as np
import pytest

from voltherd.protection import watch
from voltherd.protection.limits import Harm, Limit, PackLimits, Quantity
from voltherd.protection.watch import Measured

ROWS = (
    Limit(
        quantity=Quantity.CELL_VOLTAGE,
        above=True,
        levels=(4.2, 4.25, 4.3),
        delay_second=(2.0, 3.0, 1.0),
        hysteresis=0.05,
        harm=Harm.CHARGE,
    ),
    Limit(
        quantity=Quantity.CELL_VOLTAGE,
        above=False,
        levels=(2.8, 2.6, 2.3),
        delay_second=(2.0, 3.0, 1.0),
        hysteresis=0.1,
        harm=Harm.DISCHARGE,
    ),
    Limit(
        quantity=Quantity.PROBE_TEMPERATURE,
        above=True,
        levels=(50.0, 55.0, 65.0),
        delay_second=(2.0, 3.0, 1.0),
        hysteresis=3.0,
        harm=Harm.BOTH,
    ),
    Limit(
        quantity=Quantity.PROBE_TEMPERATURE,
        above=False,
        levels=(0.0, -10.0, -30.0),
        delay_second=(2.0, 3.0, 1.0),
        hysteresis=2.0,
        harm=Harm.CHARGE,
        charging_only=True,
    ),
    Limit(
        quantity=Quantity.CURRENT,
        above=True,
        levels=(100.0, 110.0, 130.0),
        delay_second=(2.0, 3.0, 1.0),
        hysteresis=5.0,
        harm=Harm.CHARGE,
    ),
    Limit(
        quantity=Quantity.CURRENT,
        above=False,
        levels=(-200.0, -220.0, -260.0),
        delay_second=(2.0, 3.0, 1.0),
        hysteresis=10.0,
        harm=Harm.DISCHARGE,
    ),
    Limit(
        quantity=Quantity.INSULATION,
        above=False,
        levels=(200e3, 100e3, 40e3),
        delay_second=(2.0, 3.0, 1.0),
        hysteresis=10e3,
        harm=Harm.BOTH,
    ),
)
LIMITS = PackLimits(
    rows=ROWS,
    charge_ampere_max=100.0,
    discharge_ampere_max=200.0,
    age_second_max=5.0,
    blind_second_max=10.0,
    fade_second=4.0,
    break_ampere=5.0,
)


def measured(second=0.0, *, volt=3.7, celsius=25.0, ampere=10.0, ohm=1e6):
    cells = np.full(4, 3.7)
    cells[2] = volt
    probes = np.full(2, 25.0)
    probes[1] = celsius
    return Measured(second, cells, probes, ampere, ohm)


def follow(samples, limits=LIMITS, state=None):
    """Take samples in; give the last standing, the state, and all changes with their times."""
    state = state or watch.init(limits, samples[0].time_second)
    standing, told = None, []
    for sample in samples:
        state, standing, changes = watch.step(limits, state, sample)
        told += [(sample.time_second, change) for change in changes]
    return standing, state, told


def healthy(seconds=6, first=0.0):
    return [measured(first + t) for t in range(seconds)]


@pytest.fixture
def ready():
    """A state that has seen enough to permit everything."""
    standing, state, _ = follow(healthy())
    assert standing.charge_ampere_max == LIMITS.charge_ampere_max
    return state

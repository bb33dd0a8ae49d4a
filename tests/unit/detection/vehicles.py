"""Simulated vehicles, followed in pieces, and states compared to the last bit."""

from functools import lru_cache

import numpy as np

from voltherd.detection.engine import concatenate, init, step
from voltherd.sim.fleet import fleet_spec, simulate
from voltherd.types.asset import Chemistry


@lru_cache
def vehicle(faults, days=5, seed=2, chemistry=Chemistry.NMC):
    """A vehicle's whole record."""
    spec = fleet_spec(
        vehicles=1, days=days, seed=seed, faults=faults, chemistry=((chemistry, 1.0),)
    )
    return concatenate(*(day.batch for day in simulate(spec)))


def run(batch, cuts=(), layout=None):
    """Follow a record cut at some rows."""
    state = init(batch.vehicle_id, batch.cells, batch.probes, layout)
    for start, stop in zip([0, *cuts], [*cuts, batch.rows], strict=True):
        state = step(state, batch.between(start, stop))
    return state


def same_state(one, other):
    """Assert that two states are alike to the last bit."""
    assert type(one) is type(other)
    if isinstance(one, np.ndarray):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)
    elif hasattr(one, "_fields"):
        for name in one._fields:
            same_state(getattr(one, name), getattr(other, name))
    elif hasattr(one, "__dataclass_fields__"):
        for name in one.__dataclass_fields__:
            same_state(getattr(one, name), getattr(other, name))
    elif isinstance(one, dict):
        assert list(one) == list(other)
        for key in one:
            same_state(one[key], other[key])
    elif isinstance(one, tuple):
        assert len(one) == len(other)
        for a, b in zip(one, other, strict=True):
            same_state(a, b)
    else:
        assert one == other or (one != one and other != other)

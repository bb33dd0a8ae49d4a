"""Cells of a reconfigurable pack: switches that stay closed, or open, located by simulation."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voltherd.detection import cell_switches
from voltherd.types.event import Phenomenon

CELLS, OHM = 12, 2e-3


def driven(stuck=None, kind="closed", rows=400, seed=0, noise=0.001, period=10.0):
    """Drive a pack that leaves out the two fullest cells, another pair every 20 rows.

    Each cell has a curve, a resistance and a polarisation of its own; a cell out of the string
    relaxes.  ``stuck`` is the cell, from 1, whose switch does not do what it is told.
    """
    rng = np.random.default_rng(seed)
    time = period * np.arange(rows)
    ampere = -40.0 * rng.gamma(1.0, 1.0, rows)
    within = np.ones((rows, CELLS), bool)
    for block in range(0, rows, 20):
        within[block : block + 20, rng.choice(CELLS, 2, replace=False)] = False
    does = within.copy()
    if stuck is not None:
        does[:, stuck - 1] = kind == "closed"
    ohm = OHM * (1.0 + 0.05 * rng.standard_normal(CELLS))
    flow = ampere[:, None] * does
    charge = np.cumsum(flow, axis=0) * period / 3600.0 / 50.0
    lag, polar = np.zeros(CELLS), np.empty((rows, CELLS))
    for n in range(rows):
        lag = lag + (1.0 - np.exp(-period / 60.0)) * (0.5 * ohm * flow[n] - lag)
        polar[n] = lag
    volt = 3.7 + 0.5 * charge + ohm * flow + polar + rng.normal(0.0, noise, (rows, CELLS))
    return time, ampere, np.round(volt, 3).astype(np.float32), within


def named(record, cut=None):
    state = cell_switches.look(cell_switches.init(CELLS), *record)
    return [(v.location.index, v.phenomenon) for v in cell_switches.judge(state)]


@pytest.mark.parametrize("seed", range(5))
def test_healthy_switches_are_never_blamed(seed):
    time, ampere, volt, within = driven(seed=seed, rows=600)
    state = cell_switches.init(CELLS)
    for n in range(0, 600, 10):
        part = slice(n, n + 10)
        state = cell_switches.look(state, time[part], ampere[part], volt[part], within[part])
        assert cell_switches.judge(state) == ()


@pytest.mark.parametrize("cell", range(1, CELLS + 1))
@pytest.mark.parametrize(
    ("kind", "phenomenon"),
    [("closed", Phenomenon.SWITCH_STUCK_CLOSED), ("open", Phenomenon.SWITCH_STUCK_OPEN)],
)
def test_every_stuck_switch_is_located(cell, kind, phenomenon):
    assert named(driven(cell, kind, seed=cell)) == [(cell, phenomenon)]


def test_how_soon():
    """Rows of being told the contrary until it is named, at ten seconds each."""
    waited = []
    for seed in range(20):
        time, ampere, volt, within = driven(3, "open", seed=seed)
        state = cell_switches.init(CELLS)
        for n in range(len(time)):
            row = slice(n, n + 1)
            state = cell_switches.look(state, time[row], ampere[row], volt[row], within[row])
            if cell_switches.judge(state):
                waited.append(n + 1)
                break
    assert len(waited) == 20
    assert np.median(waited) <= 36, "six minutes"


def test_a_repaired_switch_is_forgiven():
    broken, sound = driven(4, "open", seed=1), driven(seed=2)
    state = cell_switches.look(cell_switches.init(CELLS), *broken)
    assert cell_switches.judge(state)
    time, *rest = sound
    state = cell_switches.look(state, time + 1e5, *rest)
    assert cell_switches.judge(state) == ()


def test_missing_readings_and_a_standing_current_tell_nothing():
    time, ampere, volt, within = driven(5, "open", seed=3)
    assert named((time, np.full_like(ampere, -20.0), volt, within)) == []
    volt = volt.copy()
    volt[:, 4] = np.nan
    assert named((time, ampere, volt, within)) == []
    assert named((time, np.full_like(ampere, np.nan), volt, within)) == []


@settings(max_examples=8)
@given(st.lists(st.integers(1, 119), max_size=4).map(sorted))
def test_the_pieces_in_which_rows_arrive_change_nothing(cuts):
    record = driven(7, "closed", rows=120, seed=4)

    def state(cuts):
        known = cell_switches.init(CELLS)
        for start, stop in zip([0, *cuts], [*cuts, 120], strict=True):
            if stop > start:
                known = cell_switches.look(known, *(part[start:stop] for part in record))
        return known

    for one, other in zip(state(cuts), state([]), strict=True):
        np.testing.assert_array_equal(one, other)

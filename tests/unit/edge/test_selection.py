"""Event mode: who sees only what was sent still sees every crossing."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.edge.simulated_bus import START, batch
from tests.unit.edge.world import SELECTION
from voltherd.edge import selection
from voltherd.edge.decode import Rows
from voltherd.edge.selection import Boundary


def rows_of(one):
    heard = np.arange(one.rows, dtype=np.int64)
    return Rows(one, heard, heard, one.unix_time_second.copy())


def with_current(values, period=1.0):
    one = batch(len(values), cells=4, probes=1, period_second=period)
    scalar = {**one.scalar, "current_ampere": np.asarray(values, float)}
    return rows_of(replace(one, scalar=scalar))


def sent(rules, rows, cuts=()):
    """Select piece by piece; gives what went, and whether any was urgent."""
    state, found, urgent = selection.init(rules), [], False
    edges = [0, *sorted(cuts), rows.batch.rows]
    for first, stop in pairwise(edges):
        if stop == first:
            continue
        piece = selection.cut(rows, first, stop)
        state, chosen, crossed = selection.select(rules, state, piece)
        found += chosen
        urgent |= crossed
    return found, urgent


def times(found):
    return [t for part in found for t in part.batch.unix_time_second.tolist()]


def sides(values, boundary):
    """The crossings that a series shows, level by level, told in the plainest way."""
    told = []
    for level in boundary.levels:
        beyond, series = None, []
        for value in values:
            if value >= level:
                now = True
            elif value < (level - boundary.back if beyond else level):
                now = False
            else:
                now = beyond
            if now is not beyond:
                series.append(now)
            beyond = now
        told.append(series)
    return told


CURRENT = replace(
    SELECTION,
    current_ampere=Boundary(levels=(-100.0, 0.0, 100.0), back=10.0, step=1e9),
    cell_voltage_volt=Boundary(levels=(), back=0.0, step=1e9),
    temperature_celsius=Boundary(levels=(), back=0.0, step=1e9),
    soc_fraction=Boundary(levels=(), back=0.0, step=1e9),
)


@given(
    values=st.lists(st.floats(-150.0, 150.0), min_size=1, max_size=60),
    cuts=st.lists(st.integers(0, 60), max_size=6),
)
def test_what_was_sent_shows_every_crossing_that_all_rows_show(values, cuts):
    rows = with_current(values)
    found, urgent = sent(CURRENT, rows, [min(c, len(values)) for c in cuts])
    seen = [v for part in found for v in part.batch.scalar["current_ampere"].tolist()]
    assert sides(seen, CURRENT.current_ampere) == sides(values, CURRENT.current_ampere)
    at = times(found)
    assert at == sorted(set(at)), "in order, none twice"
    assert urgent == any(len(s) > 1 for s in sides(values, CURRENT.current_ampere))
    assert found == [] or at[0] == START


@given(cuts=st.lists(st.integers(0, 200), max_size=8))
def test_the_choice_does_not_depend_on_how_rows_are_cut(cuts):
    rng = np.random.default_rng(5)
    rows = with_current(np.cumsum(rng.normal(0.0, 20.0, 200)), period=60.0)
    whole, _ = sent(SELECTION, rows)
    pieces, _ = sent(SELECTION, rows, cuts)
    assert times(whole) == times(pieces)


def test_a_crossing_is_sent_with_the_row_before_and_the_row_after():
    values = [0.0] * 50 + [350.0] * 50
    found, urgent = sent(SELECTION, with_current(values))
    assert [t - START for t in times(found)] == [0.0, 49.0, 50.0, 51.0]
    assert urgent


def test_movement_is_sent_when_minutes_have_passed_and_stillness_now_and_then():
    still = with_current(np.zeros(1000), period=60.0)
    assert np.diff(times(sent(SELECTION, still)[0])).min() >= 900.0
    never = Boundary(levels=(), back=0.0, step=1e9)
    quiet = replace(SELECTION, soc_fraction=never, temperature_celsius=never)
    found, _ = sent(quiet, still)
    assert set(np.diff(times(found))) == {10_800.0}
    moving = with_current(np.linspace(-200.0, 200.0, 1000), period=60.0)
    assert len(times(sent(quiet, moving)[0])) > 2 * len(times(found))


def test_cells_and_probes_are_watched_by_their_extremes():
    one = batch(30, cells=4, probes=2)
    one.cell_voltage_volt[10, 2] = 4.16
    one.cell_voltage_volt[20, 1] = 2.95
    one.probe_temperature_celsius[25, 1] = 46.0
    found, _ = sent(SELECTION, rows_of(one))
    assert [t - START for t in times(found)] == [0, 9, 10, 11, 12, 19, 20, 21, 22, 24, 25, 26, 27]


def test_what_is_not_measured_crosses_nothing():
    values = [350.0, np.nan, np.nan, 350.0, 350.0]
    found, urgent = sent(SELECTION, with_current(values))
    assert [t - START for t in times(found)] == [0.0] and not urgent

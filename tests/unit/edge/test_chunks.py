"""Rows to chunks: every row once, in order, within a minute."""

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.edge.simulated_bus import START, batch
from tests.unit.edge.test_selection import rows_of
from voltherd.edge import chunks

MINUTE = 60.0


def taken(rows, cuts, span=MINUTE, rows_max=chunks.ROWS_MAX):
    """Add piece by piece; gives all chunks."""
    held, found = chunks.Open(), []
    edges = sorted({0, rows.batch.rows, *(min(c, rows.batch.rows) for c in cuts)})
    for first, stop in itertools.pairwise(edges):
        held, closed = chunks.add(held, chunks.cut(rows, first, stop), span, rows_max)
        found += closed
    return [*found, chunks.close(held)] if held.parts else found


@given(
    steps=st.lists(st.floats(0.0, 100.0), min_size=1, max_size=40),
    cuts=st.lists(st.integers(0, 40), max_size=5),
    rows_max=st.sampled_from([1, 3, 1000]),
)
def test_every_row_is_in_one_chunk_in_order_and_none_is_too_long(steps, cuts, rows_max):
    one = batch(len(steps), cells=2, probes=1)
    one.unix_time_second[:] = START + np.cumsum(steps)
    rows = rows_of(one)
    found = taken(rows, cuts, rows_max=rows_max)
    times = np.concatenate([c.batch.unix_time_second for c in found])
    np.testing.assert_array_equal(times, one.unix_time_second)
    volts = np.concatenate([c.batch.cell_voltage_volt for c in found])
    np.testing.assert_array_equal(volts, one.cell_voltage_volt)
    for chunk in found:
        assert np.ptp(chunk.batch.unix_time_second) < MINUTE
        assert chunk.batch.rows <= rows_max
    firsts = [c.heard_first_nanosecond for c in found]
    lasts = [c.heard_last_nanosecond for c in found]
    ends = np.cumsum([c.batch.rows for c in found])
    assert lasts == (ends - 1).tolist() and firsts == [0, *ends[:-1].tolist()]
    assert [c.batch.rows for c in found] == [
        c.batch.rows for c in taken(rows, [], rows_max=rows_max)
    ], "however the rows were cut"


def test_a_row_that_is_earlier_begins_a_chunk():
    late, early = rows_of(batch(5)), rows_of(batch(5, start_second=START - 3600.0))
    held, closed = chunks.add(chunks.Open(), late, MINUTE)
    assert closed == ()
    held, closed = chunks.add(held, early, MINUTE)
    assert [c.batch.unix_time_second[0] for c in closed] == [START]
    assert held.first_second == START - 3600.0 and held.rows == 5

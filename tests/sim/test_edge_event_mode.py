"""A simulated week in event mode: a twentieth of the bytes, and no crossing missed (C1-22)."""

from dataclasses import replace

import numpy as np
import pytest

from tests.unit.edge.test_selection import rows_of, sides
from voltherd.edge import chunks, selection
from voltherd.protection.limits import pack_limits
from voltherd.sim.fleet import fleet_spec, simulate
from voltherd.types.asset import CellType
from voltherd.wire.chunk import encode_chunk

pytestmark = pytest.mark.long

PIECE = 64
MINUTE = 60.0


@pytest.fixture(scope="module")
def week():
    """Every row of one vehicle's week, and the limits of its cells."""
    days = list(simulate(fleet_spec(vehicles=1, days=7, seed=3, period_second=10.0)))
    vehicle = days[0].vehicle
    assert isinstance(vehicle.cell_type, CellType) and vehicle.capacity_nominal_ah
    cell = replace(vehicle.cell_type, capacity_nominal_ah=vehicle.capacity_nominal_ah)
    return chunks.stacked([day.batch for day in days]), cell


def bytes_of(parts, span_second):
    """Bytes of the chunks that rows become; after a crossing a chunk ends within a minute."""
    held, total, due = chunks.Open(), 0, np.inf
    for part, crossed in parts:
        if held.parts and part.steady_second[0] >= due:
            total, held, due = (
                total + len(encode_chunk(chunks.close(held).batch)),
                chunks.Open(),
                np.inf,
            )
        held, closed = chunks.add(held, part, span_second)
        total += sum(len(encode_chunk(chunk.batch)) for chunk in closed)
        if crossed:
            due = min(due, float(part.steady_second[-1]) + MINUTE)
    return total + (len(encode_chunk(chunks.close(held).batch)) if held.parts else 0)


def test_a_twentieth_of_the_bytes_and_every_crossing(week):
    batch, cell = week
    rules = selection.for_pack(cell, pack_limits(cell))
    whole = rows_of(batch)
    state, sent = selection.init(rules), []
    for first in range(0, batch.rows, PIECE):
        piece = chunks.cut(whole, first, min(first + PIECE, batch.rows))
        state, chosen, crossed = selection.select(rules, state, piece)
        sent += [(part, crossed) for part in chosen]
    stream = bytes_of([(whole, False)], MINUTE)
    event = bytes_of(sent, 6.0 * 3600.0)
    assert event <= 0.05 * stream, f"{event} of {stream} bytes: {event / stream:.2%}"
    all_values = selection.watched(whole)
    sent_values = np.concatenate([selection.watched(part) for part, _ in sent])
    crossings = 0
    for k, boundary in enumerate(rules.boundaries):
        expected = sides(all_values[:, k].tolist(), boundary)
        assert sides(sent_values[:, k].tolist(), boundary) == expected
        crossings += sum(len(series) - 1 for series in expected)
    assert crossings > 20, "a week in which nothing happens proves nothing"

"""Rows to chunks: a minute of the vehicle's time each, apart where its clock jumps.

A chunk is what becomes one record.  It is closed when it spans a minute, when a row comes that is
not later than the last (the clock was set back), and when whoever holds it has waited long enough.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np

from voltherd.edge.decode import Rows
from voltherd.types.sample import SampleBatch

ROWS_MAX: Final = 6_000
"""So many rows make a chunk of any length, if not told otherwise."""


class Open(NamedTuple):
    """The chunk under way: rows in order and how many, none where empty."""

    parts: tuple[Rows, ...] = ()
    rows: int = 0

    @property
    def first_second(self) -> float:
        """Its first row, which there must be [unix s]."""
        return float(self.parts[0].batch.unix_time_second[0])

    @property
    def last_second(self) -> float:
        """Its last row, which there must be [unix s]."""
        return float(self.parts[-1].batch.unix_time_second[-1])


class Chunk(NamedTuple):
    """What becomes a record.

    Attributes:
        batch: The rows.
        heard_first_nanosecond: Wall clock at its first frame [ns].
        heard_last_nanosecond: Wall clock at its last frame [ns].
    """

    batch: SampleBatch
    heard_first_nanosecond: int
    heard_last_nanosecond: int


def add(
    held: Open, rows: Rows, span_second: float, rows_max: int = ROWS_MAX
) -> tuple[Open, tuple[Chunk, ...]]:
    """Take in rows.

    Args:
        held: The chunk under way.
        rows: Later ones of the same vehicle, times never decreasing.
        span_second: A chunk spans less than this by the vehicle's clock [s].
        rows_max: And no more rows than this.

    Returns:
        What is under way now, and chunks that were closed.
    """
    closed: list[Chunk] = []
    begin, time = 0, rows.batch.unix_time_second
    while begin < len(time):
        if held.parts and (
            time[begin] < held.last_second
            or time[begin] - held.first_second >= span_second
            or held.rows >= rows_max
        ):
            closed.append(close(held))
            held = Open()
        first = held.first_second if held.parts else float(time[begin])
        stop = int(np.searchsorted(time, first + span_second, side="left"))
        stop = max(begin + 1, min(stop, begin + rows_max - held.rows))
        held = Open((*held.parts, cut(rows, begin, stop)), held.rows + stop - begin)
        begin = stop
    return held, tuple(closed)


def close(held: Open) -> Chunk:
    """Make a chunk of what is under way; at least one row."""
    return Chunk(
        stacked([part.batch for part in held.parts]),
        int(held.parts[0].heard_first_nanosecond[0]),
        int(held.parts[-1].heard_last_nanosecond[-1]),
    )


def cut(rows: Rows, start: int, stop: int) -> Rows:
    """Give rows ``start`` to ``stop`` (exclusive) as views."""
    return Rows(
        rows.batch.between(start, stop),
        rows.heard_first_nanosecond[start:stop],
        rows.heard_last_nanosecond[start:stop],
        rows.steady_second[start:stop],
    )


def stacked(batches: Sequence[SampleBatch]) -> SampleBatch:
    """Put batches of one vehicle with the same channels one after the other, every row kept."""
    first = batches[0]
    if len(batches) == 1:
        return first
    return replace(
        first,
        unix_time_second=np.concatenate([b.unix_time_second for b in batches]),
        cell_voltage_volt=np.concatenate([b.cell_voltage_volt for b in batches]),
        cell_quality=np.concatenate([b.cell_quality for b in batches]),
        probe_temperature_celsius=np.concatenate([b.probe_temperature_celsius for b in batches]),
        probe_quality=np.concatenate([b.probe_quality for b in batches]),
        scalar={n: np.concatenate([b.scalar[n] for b in batches]) for n in first.scalar},
        scalar_quality={
            n: np.concatenate([b.scalar_quality[n] for b in batches]) for n in first.scalar_quality
        },
    )

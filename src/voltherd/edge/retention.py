"""What an outbox gives up when bytes run short, and how it says so.

The order: (1) the oldest raw telemetry is thinned, to every tenth row and the rows of extremes;
(2) when all is thinned, the oldest thinned telemetry goes; (3) events and gaps never go.  Whatever
is given up is named in a gap record, one for each epoch and reason until it has been sent.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Int

from voltherd.edge.chunks import stacked
from voltherd.types.ranges import merged
from voltherd.types.record import Gap, GapReason, Record, SeqRange
from voltherd.types.sample import SampleBatch

KEEP_EVERY: Final = 10
"""Of raw rows, one in so many is kept."""
THIN_TOGETHER: Final = 32
"""So many raw records are thinned to one at a time: extremes are then those of half an hour."""
DROP_TOGETHER: Final = 4
"""So many thinned records go at a time."""
RELIEF: Final = 0.9
"""An outbox that was full is brought down to this share of its limit."""
RANGES_MAX: Final = 5_000
"""A gap that names more ranges is closed and another begun."""


class Thinned(NamedTuple):
    """What is left of records that were thinned.

    Attributes:
        batch: The rows kept.
        heard_first_nanosecond: Of the first record [ns].
        heard_last_nanosecond: Of the last record [ns].
    """

    batch: SampleBatch
    heard_first_nanosecond: int
    heard_last_nanosecond: int


def kept_rows(batch: SampleBatch, every: int = KEEP_EVERY) -> Int[np.ndarray, "kept"]:
    """Choose the rows that stand for all: first, last, every so many, and those of extremes.

    >>> from voltherd.types.sample import empty_batch
    >>> kept_rows(empty_batch("bus-7", cells=2)).tolist()
    []
    """
    if not batch.rows:
        return np.empty(0, np.int64)
    chosen = {*range(0, batch.rows, every), batch.rows - 1}
    for values in (
        batch.cell_voltage_volt,
        batch.probe_temperature_celsius,
        batch.scalar.get("current_ampere", np.empty((batch.rows, 0))).reshape(batch.rows, -1),
    ):
        if np.isfinite(values).any():
            width = values.shape[1]
            chosen |= {int(np.nanargmin(values)) // width, int(np.nanargmax(values)) // width}
    return np.array(sorted(chosen), np.int64)


def thin(records: Sequence[Record], batches: Sequence[SampleBatch]) -> tuple[Thinned, ...]:
    """Thin raw records to as few as can be.

    Args:
        records: Oldest first.
        batches: What they hold.

    Returns:
        One batch for each run of records that have the same channels and follow in time.
    """
    runs: list[list[int]] = []
    for k, batch in enumerate(batches):
        if runs and _follows(batches[runs[-1][-1]], batch):
            runs[-1].append(k)
        else:
            runs.append([k])
    found = []
    for run in runs:
        whole = stacked([batches[k] for k in run])
        rows = kept_rows(whole)
        found.append(
            Thinned(
                rows_of(whole, rows),
                records[run[0]].heard_first_nanosecond,
                records[run[-1]].heard_last_nanosecond,
            )
        )
    return tuple(found)


def rows_of(batch: SampleBatch, rows: Int[np.ndarray, "kept"]) -> SampleBatch:
    """Give some rows of a batch, copied."""
    return replace(
        batch,
        unix_time_second=batch.unix_time_second[rows],
        cell_voltage_volt=batch.cell_voltage_volt[rows],
        cell_quality=batch.cell_quality[rows],
        probe_temperature_celsius=batch.probe_temperature_celsius[rows],
        probe_quality=batch.probe_quality[rows],
        scalar={name: values[rows] for name, values in batch.scalar.items()},
        scalar_quality={name: flags[rows] for name, flags in batch.scalar_quality.items()},
    )


def _follows(before: SampleBatch, after: SampleBatch) -> bool:
    return (
        before.cells == after.cells
        and before.probes == after.probes
        and before.scalar.keys() == after.scalar.keys()
        and bool(after.unix_time_second[0] >= before.unix_time_second[-1])
    )


def gap_of(records: Sequence[Record], rows: int, reason: GapReason) -> Gap:
    """Name what goes.

    Args:
        records: Of one epoch, at least one.
        rows: How many samples go with them for good.
        reason: Why.
    """
    return Gap(
        epoch=records[0].key.epoch,
        dropped=merged(SeqRange(r.key.seq, r.key.seq) for r in records),
        first_second=min(r.first_second for r in records),
        last_second=max(r.last_second for r in records),
        rows=rows,
        reason=reason,
    )


def joined(one: Gap, other: Gap) -> Gap:
    """Make one gap of two of the same epoch and reason."""
    assert (one.epoch, one.reason) == (other.epoch, other.reason)
    return Gap(
        epoch=one.epoch,
        dropped=merged((*one.dropped, *other.dropped)),
        first_second=min(one.first_second, other.first_second),
        last_second=max(one.last_second, other.last_second),
        rows=one.rows + other.rows,
        reason=one.reason,
    )

"""Samples into chunks and back: how an import is cut, and how chunks become rows again."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from math import inf
from typing import Final

import numpy as np

from voltherd.adapters.records.layout import IMPORT_EPOCH, SECOND_MAX
from voltherd.errors import StoreError, UnreadableError
from voltherd.types.merge import united
from voltherd.types.record import Record
from voltherd.types.sample import SampleBatch, empty_batch
from voltherd.units import SECOND_PER_DAY, SECOND_PER_HOUR
from voltherd.wire.chunk import decode_chunk

CHUNK_ROWS_MAX: Final = 256
CHUNK_SECOND_MAX: Final = SECOND_PER_HOUR


def cut(batch: SampleBatch) -> Iterator[SampleBatch]:
    """Cut imported rows into chunks: 256 rows, an hour, one day by UTC at most.

    Rows of one time stay together, since their order is theirs in one batch alone.
    """
    time, start = batch.unix_time_second, 0
    while start < batch.rows:
        day_end = (np.floor(time[start] / SECOND_PER_DAY) + 1.0) * SECOND_PER_DAY
        end = min(time[start] + CHUNK_SECOND_MAX, day_end)
        stop = min(int(np.searchsorted(time, end, "left")), start + CHUNK_ROWS_MAX)
        if stop < batch.rows:
            stop = int(np.searchsorted(time, time[stop], "left"))
        if stop <= start:  # more rows of one time than a chunk holds otherwise
            stop = int(np.searchsorted(time, time[start], "right"))
        yield batch.between(start, stop)
        start = stop


def check_times(batch: SampleBatch) -> None:
    """Refuse times that are none.

    Raises:
        StoreError: With what may be the matter.
    """
    if not bool(np.all(np.abs(batch.unix_time_second) < SECOND_MAX)):
        raise StoreError(
            "a time is not finite or beyond the year 9999",
            where=batch.vehicle_id,
            mend="check the unit of the time column; milliseconds are often taken for seconds",
        )


def joined(
    vehicle_id: str,
    records: Sequence[Record],
    start_second: float = -inf,
    stop_second: float = inf,
) -> SampleBatch:
    """Give the rows of telemetry records in time order, those of one key once.

    Whatever the order in which records came, the rows are the same: of two with one key that of
    the lower epoch and number is kept, and what an edge sent goes before what was imported.  A
    chunk that cannot be read has no rows; ``voltherd store check`` names it.
    """
    batches: list[SampleBatch] = []
    for record in sorted(records, key=_precedence):
        with suppress(UnreadableError):
            batches.append(decode_chunk(record.body, vehicle_id))
    if not batches:
        return empty_batch(vehicle_id)
    whole = united(batches)
    start, stop = np.searchsorted(whole.unix_time_second, [start_second, stop_second], "left")
    return whole.between(int(start), max(int(start), int(stop)))


def _precedence(record: Record) -> tuple[bool, int, int]:
    return record.key.epoch == IMPORT_EPOCH, record.key.epoch, record.key.seq

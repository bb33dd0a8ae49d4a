"""Rows that no edge sent: cut into chunks of epoch 0 and written into files at once."""

from collections.abc import Callable
from itertools import groupby

import numpy as np

from voltherd.adapters.records import catalogue, rows
from voltherd.adapters.records.chunk_file import write_chunks
from voltherd.adapters.records.files import Files
from voltherd.adapters.records.landing import Landing, closed_of
from voltherd.adapters.records.layout import (
    IMPORT_EPOCH,
    day_of,
    digest_of,
    entries_from,
    entry_of,
    file_name,
    is_name,
)
from voltherd.errors import StoreError, UsageError
from voltherd.types.merge import fresh
from voltherd.types.record import Record, RecordKey, RecordKind, SeqRange
from voltherd.types.sample import SampleBatch
from voltherd.wire.chunk import encode_chunk

Read = Callable[[str, float, float], SampleBatch]


def append(files: Files, landing: Landing, batch: SampleBatch, read: Read) -> int:
    """Keep the rows that are not there yet; call it within ``Files.upkeep``.

    Args:
        files: The store.
        landing: Closes the chunks' numbers.
        batch: Rows of one vehicle.
        read: Gives the rows that are there.

    Returns:
        How many rows were new.
    """
    vehicle_id, time = batch.vehicle_id, batch.unix_time_second
    rows.check_times(batch)
    if not is_name(vehicle_id):
        raise StoreError(
            "the vehicle identifier is empty, too long or no text",
            where=repr(vehicle_id[:40]),
            mend="give the vehicle a shorter name",
        )
    there = read(vehicle_id, float(time[0]), float(np.nextafter(time[-1], np.inf)))
    late, new = fresh(there, batch)
    if new:
        with files.reading() as con:
            closed = closed_of(con, vehicle_id).get(IMPORT_EPOCH, ())
        records = _records(late, 1 + (closed[-1].last if closed else 0))
        _write(files, landing, vehicle_id, records)
    return new


def _records(batch: SampleBatch, seq: int) -> list[Record]:
    """Make records of rows, numbered from ``seq``."""
    made = []
    for number, part in enumerate(rows.cut(batch), start=seq):
        try:
            body = encode_chunk(part)
        except UsageError as error:
            raise StoreError(error.what, where=batch.vehicle_id, mend=error.mend) from error
        made.append(
            Record(
                key=RecordKey(batch.vehicle_id, IMPORT_EPOCH, number),
                kind=RecordKind.TELEMETRY,
                first_second=float(part.unix_time_second[0]),
                last_second=float(part.unix_time_second[-1]),
                body=body,
            )
        )
    return made


def _write(files: Files, landing: Landing, vehicle_id: str, records: list[Record]) -> None:
    """Write records into a file for each day, then let all of them count at once."""
    with files.reading() as con:
        first = catalogue.next_number(con)
    written = []
    try:
        days = groupby(records, key=lambda record: day_of(record.first_second))
        for number, (day, group) in enumerate(days, start=first):
            chunks = list(group)
            entries = entries_from([entry_of(record, digest_of(record)) for record in chunks])
            name = file_name(vehicle_id, day, number)
            facts = write_chunks(files, name, entries, [record.body for record in chunks])
            written.append((number, day, name, entries, facts))
        with files.writing() as con:
            landing.catch_up(con)
            vehicle = landing.number(con, vehicle_id)
            files.step("files count")
            for number, day, _, entries, facts in written:
                catalogue.enter(con, number, vehicle, day, entries, facts)
            numbers = SeqRange(records[0].key.seq, records[-1].key.seq)
            landing.close(con, (vehicle_id, IMPORT_EPOCH), committed=(numbers,))
            last = written[-1][3][-1:]
            landing.renew_latest(
                con, {vehicle: (IMPORT_EPOCH, records[-1].key.seq, last.tobytes())}
            )
    except BaseException:
        files.drop([name for _, _, name, _, _ in written])
        raise

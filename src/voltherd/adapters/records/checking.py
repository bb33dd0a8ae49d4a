"""Whether a store is whole: every record readable and unchanged, none lost, none twice."""

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any, NamedTuple

import numpy as np

from voltherd.adapters.records import catalogue
from voltherd.adapters.records.catalogue import TELEMETRY, ChunkFile
from voltherd.adapters.records.chunk_file import COLUMNS, read_chunks, telemetry_of
from voltherd.adapters.records.compaction import Progress, orphans
from voltherd.adapters.records.files import BUSY_SECOND, Files
from voltherd.adapters.records.landing import erased_ranges
from voltherd.adapters.records.layout import ENTRY, digest_of, entries_from, entry_of, written
from voltherd.errors import StoreError, UnreadableError
from voltherd.types.ranges import count, holds, merged
from voltherd.types.record import Record, RecordKey, RecordKind, SeqRange
from voltherd.wire.chunk import decode_chunk
from voltherd.wire.envelope import decode_event, decode_gap

_RESTORE = "restore it from a backup (voltherd store restore)"
_REPORT = f"{_RESTORE}; if a healthy disk did this, please report it"


class Problem(NamedTuple):
    """What is not as it should be.

    Attributes:
        where: Vehicle, record or file.
        what: What is wrong.
        mend: What to do.
        harmless: Whether nothing is lost and nothing wrong is read.
    """

    where: str
    what: str
    mend: str
    harmless: bool = False


def check(files: Files, progress: Progress) -> Iterator[Problem]:
    """Look at everything; call it within ``Files.upkeep``.

    Yields:
        What is wrong, as it is found.
    """
    with files.reading() as con:
        found = [row[0] for row in con.execute("PRAGMA integrity_check(20)")]
        vehicles = con.execute("SELECT number, vehicle_id FROM vehicle ORDER BY number").fetchall()
    if found != ["ok"]:
        yield from (Problem(files.database.name, what, _RESTORE) for what in found)
        return
    for at, (number, vehicle_id) in enumerate(vehicles, start=1):
        progress(f"checking {at}/{len(vehicles)} {vehicle_id}")
        yield from _vehicle(files, number, vehicle_id)
    yield from _other_databases(files)
    for name in orphans(files):
        yield Problem(
            name,
            "left over from work that was interrupted; nothing reads it",
            "voltherd store compact sweeps it away",
            harmless=True,
        )


def _vehicle(files: Files, number: int, vehicle_id: str) -> Iterator[Problem]:
    keys: Counter[tuple[int, int]] = Counter()
    with files.reading() as con:
        committed = _committed(con, number)
        there = catalogue.files_of(con, "file.vehicle = ?", (number,))
        yield from _landed(con, number, vehicle_id, keys)
        for file in there:
            entries = catalogue.entries_of(con, [file.number])
            keys.update(zip(entries["epoch"].tolist(), entries["seq"].tolist(), strict=True))
            if file.kept:
                yield from _file(files, file, entries)
        yield from _latest(con, number, vehicle_id, keys)
        yield from _numbers(con, number, vehicle_id, committed, keys)


def _committed(con: sqlite3.Connection, number: int) -> dict[int, tuple[SeqRange, ...]]:
    ranges: dict[int, list[SeqRange]] = defaultdict(list)
    for epoch, first, last in con.execute(
        "SELECT epoch, first, last FROM span WHERE vehicle = ? AND given_up = 0", (number,)
    ):
        ranges[epoch].append(SeqRange(first, last))
    return {epoch: merged(some) for epoch, some in ranges.items()}


def _landed(
    con: sqlite3.Connection, number: int, vehicle_id: str, keys: Counter[tuple[int, int]]
) -> Iterator[Problem]:
    rows = con.execute(
        "SELECT kind, epoch, seq, first_second, last_second, heard_first_nanosecond, "
        "heard_last_nanosecond, body, digest, entry FROM record WHERE vehicle = ?",
        (number,),
    )
    for kind, epoch, seq, first, last, heard_first, heard_last, body, digest, entry in rows:
        keys[epoch, seq] += 1
        record = Record(
            key=RecordKey(vehicle_id, epoch, seq),
            kind=RecordKind(kind),
            first_second=first,
            last_second=last,
            heard_first_nanosecond=heard_first,
            heard_last_nanosecond=heard_last,
            body=body,
        )
        yield from _record(record, digest, entry)


def _record(record: Record, digest: bytes, entry: bytes | None) -> Iterator[Problem]:
    where = f"{record.key.vehicle_id}, epoch {record.key.epoch}, record {record.key.seq}"
    if digest_of(record) != digest:
        yield Problem(where, "its content is not what was committed", _RESTORE)
        return
    try:
        if record.kind is RecordKind.TELEMETRY:
            decode_chunk(record.body, record.key.vehicle_id)
        elif record.kind is RecordKind.EVENT:
            decode_event(record.body)
        else:
            decode_gap(record.body)
    except UnreadableError as error:
        yield Problem(
            where,
            f"kept as it was sent, but cannot be read ({error.what})",
            "find out what the edge sends; reading passes over it",
        )
        return
    if record.kind is RecordKind.TELEMETRY and entry != entry_of(record, digest):
        yield Problem(where, "its summary is not that of its samples", _RESTORE)


def _file(files: Files, file: ChunkFile, entries: np.ndarray) -> Iterator[Problem]:
    path = files.root / file.name
    if not path.is_file():
        yield Problem(file.name, f"missing, with {file.chunks} chunks", _RESTORE)
        return
    if written(path) != file.written:
        size = f"{path.stat().st_size} of {file.written.size} bytes"
        yield Problem(file.name, f"it is not what was written ({size})", _RESTORE)
        return
    try:
        rows = read_chunks(files, [file.name])
    except StoreError as error:
        yield Problem(file.name, error.what, _RESTORE)
        return
    known = {(e, s): at for at, (e, s) in enumerate(zip(*_keys(entries), strict=True))}
    if len(rows) != len(known) or {row[:2] for row in rows} != known.keys():
        yield Problem(file.name, "it does not hold the chunks that it should", _REPORT)
        return
    for row in rows:
        record = telemetry_of(file.vehicle_id, row)
        entry = entries[known[row[:2]]].tobytes()
        yield from _record(record, bytes(row[COLUMNS.index("digest")]), entry)


def _keys(entries: np.ndarray) -> tuple[list[int], list[int]]:
    return entries["epoch"].tolist(), entries["seq"].tolist()


def _latest(
    con: sqlite3.Connection, number: int, vehicle_id: str, keys: Counter[tuple[int, int]]
) -> Iterator[Problem]:
    found = con.execute("SELECT epoch, seq, entry FROM latest WHERE vehicle = ?", (number,))
    for epoch, seq, entry in found:
        one = entries_from([entry]) if len(entry) == ENTRY.itemsize else None
        if one is None or (epoch, seq) != (one["epoch"][0], one["seq"][0]):
            yield Problem(vehicle_id, "its newest chunk is not what it says", _REPORT)


def _numbers(
    con: sqlite3.Connection,
    number: int,
    vehicle_id: str,
    committed: dict[int, tuple[SeqRange, ...]],
    keys: Counter[tuple[int, int]],
) -> Iterator[Problem]:
    """Hold the ranges that were promised against the records that are there."""
    twice = sorted(key for key, times in keys.items() if times > 1)
    loose = sorted(key for key in keys if not holds(committed.get(key[0], ()), key[1]))
    if twice:
        yield Problem(
            vehicle_id, f"{len(twice)} records are there twice, as {_name(twice)}", _REPORT
        )
    if loose:
        yield Problem(
            vehicle_id, f"{len(loose)} records are in no range, as {_name(loose)}", _REPORT
        )
    (forgotten,) = con.execute(
        "SELECT coalesce(sum(forgotten), 0) FROM removal WHERE vehicle = ?", (number,)
    ).fetchone()
    erased = sum(count(erased_ranges(con, vehicle_id, epoch)) for epoch in committed)
    missing = sum(map(count, committed.values())) - len(keys) + len(loose)
    if missing != forgotten + erased:
        yield Problem(
            vehicle_id,
            f"{missing} committed records are not there, {forgotten + erased} were removed",
            _REPORT,
        )


def _name(keys: Sequence[tuple[int, int]]) -> str:
    epoch, seq = keys[0]
    return f"epoch {epoch}, record {seq}"


def _other_databases(files: Files) -> Iterator[Problem]:
    for path in sorted(files.root.glob("*.sqlite")):
        if path == files.database:
            continue
        try:
            with closing(sqlite3.connect(path, timeout=BUSY_SECOND)) as con:
                found: list[Any] = [row[0] for row in con.execute("PRAGMA integrity_check(20)")]
        except sqlite3.Error as error:
            found = [str(error)]
        if found != ["ok"]:
            yield from (Problem(path.name, str(what), _RESTORE) for what in found)


assert TELEMETRY == RecordKind.TELEMETRY

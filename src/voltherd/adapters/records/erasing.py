"""Erasing a vehicle, or what was recorded in some times of it, so that no byte of it is left.

What counts is deleted in one transaction first; then files go, and every database of the folder is
written anew, since deleted rows stay in its free pages.  Whoever dies in between erases again: all
of it may be repeated.
"""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from voltherd.adapters.records import catalogue
from voltherd.adapters.records.catalogue import TELEMETRY, ChunkFile
from voltherd.adapters.records.chunk_file import copy_chunks, read_chunks
from voltherd.adapters.records.compaction import shrink, sweep
from voltherd.adapters.records.files import BUSY_SECOND, Files
from voltherd.adapters.records.landing import boot_name
from voltherd.adapters.records.layout import DATABASE, IMPORT_EPOCH, NOT_WRITTEN, file_name
from voltherd.adapters.records.retention import Values, count_chunks, count_records
from voltherd.errors import StoreError
from voltherd.types.record import RecordKind
from voltherd.units import SECOND_PER_HOUR

ERASED: Final = "erased"
FINGERPRINTS: Final = 8
FINGERPRINT_BYTES: Final = 24
_TOUCHES: Final = "last_second >= ? AND first_second < ?"


class TimeSpan(NamedTuple):
    """From ``start_second`` up to, but without, ``stop_second`` [unix s]."""

    start_second: float
    stop_second: float


class Erased(NamedTuple):
    """What was erased.

    Attributes:
        records: Of the record store, chunks of which only the summary was left included.
        files: Parquet files removed or written anew without them.
        rows: Rows of other databases, by file and table.
    """

    records: int = 0
    files: int = 0
    rows: tuple[tuple[str, int], ...] = ()


def fingerprints(files: Files, vehicle_id: str, spans: Sequence[TimeSpan]) -> tuple[bytes, ...]:
    """Give pieces of some bodies, to be looked for once they are erased."""
    found: list[bytes] = []
    with files.reading() as con:
        for span in spans:
            values = (vehicle_id, span.start_second, span.stop_second, FINGERPRINTS)
            found += [
                row[0]
                for row in con.execute(
                    "SELECT body FROM record JOIN vehicle ON number = vehicle WHERE vehicle_id = ? "
                    "AND last_second >= ? AND first_second < ? LIMIT ?",
                    values,
                )
            ]
        names = [
            file.name
            for span in spans
            for file in catalogue.files_of(
                con, f"vehicle_id = ? AND kept = 1 AND {_TOUCHES}", (vehicle_id, *span)
            )[:1]
        ]
    for span in spans:
        found += [row[-1] for row in read_chunks(files, names, *span)[: FINGERPRINTS // 2]]
    cut = (body[len(body) // 2 :][:FINGERPRINT_BYTES] for body in found)
    return tuple(dict.fromkeys(piece for piece in cut if len(piece) == FINGERPRINT_BYTES))


def erase_vehicle(files: Files, vehicle_id: str, now_second: float) -> Erased:
    """Erase a vehicle; call it within ``Files.upkeep``.

    Args:
        files: The store.
        vehicle_id: Which.
        now_second: When, for the count of what was removed [unix s].
    """
    records, gone = 0, []
    with files.writing() as con:
        found = con.execute(
            "SELECT number FROM vehicle WHERE vehicle_id = ?", (vehicle_id,)
        ).fetchone()
        if found is not None:
            (number,) = found
            gone = [
                file.name
                for file in catalogue.files_of(con, "file.vehicle = ? AND kept = 1", (number,))
            ]
            files.step("vehicle counted")
            records = _count(con, now_second, "vehicle = ?", (number,))
            _remember(con, vehicle_id, number)
            files.step("vehicle goes")
            for table in ("record", "file", "latest", "span"):
                con.execute(f"DELETE FROM {table} WHERE vehicle = ?", (number,))
            con.execute(
                "UPDATE removal SET vehicle = NULL, first_second = NULL, "
                "last_second = NULL WHERE vehicle = ?",
                (number,),
            )
            con.execute("DELETE FROM vehicle WHERE number = ?", (number,))
            files.generation += 1
    files.drop(gone)
    sweep(files)  # and what an interrupted attempt left
    rows = _erase_elsewhere(files, vehicle_id, ())
    write_anew(files)
    return Erased(records, len(gone), rows)


def _count(con: sqlite3.Connection, now_second: float, which: str, values: Values) -> int:
    chunks = count_chunks(
        con, ERASED, now_second, which, values, "bytes + length(entries)", forgotten=True
    )
    return chunks + count_records(con, ERASED, now_second, which, values)


def _remember(con: sqlite3.Connection, vehicle_id: str, number: int) -> None:
    """Keep which numbers were committed under names that tell nothing, lest they come again."""
    spans = con.execute(
        "SELECT epoch, first, last FROM span WHERE vehicle = ? AND given_up = 0 AND epoch <> ?",
        (number, IMPORT_EPOCH),
    ).fetchall()
    con.executemany(
        "INSERT INTO erased VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET last = max(last, "
        "excluded.last)",
        [(boot_name(con, vehicle_id, epoch), first, last) for epoch, first, last in spans],
    )


def erase_spans(
    files: Files, vehicle_id: str, spans: Sequence[TimeSpan], now_second: float
) -> Erased:
    """Erase every record of a vehicle that speaks of some times; call it within ``Files.upkeep``.

    A record goes whole, even if it speaks of other times too; gaps, which tell of nothing, stay.
    Numbers stay committed, so that none of them comes again.  What other databases hold by vehicle
    and hour is made of samples, and goes by whole hours.
    """
    records = rewritten = 0
    for span in spans:
        with files.reading() as con:
            touched = catalogue.files_of(con, f"vehicle_id = ? AND {_TOUCHES}", (vehicle_id, *span))
        for file in touched:
            gone = _cut(files, file, span, now_second)
            records += gone
            rewritten += gone > 0
        with files.writing() as con:
            which = (
                "vehicle = (SELECT number FROM vehicle WHERE vehicle_id = ?) "
                f"AND kind <> {int(RecordKind.GAP)} AND {_TOUCHES}"
            )
            values = (vehicle_id, *span)
            files.step("records go")
            records += count_records(con, ERASED, now_second, which, values)
            con.execute(f"DELETE FROM record WHERE {which}", values)
            renew_latest(con, vehicle_id)
    rows = _erase_elsewhere(files, vehicle_id, spans)
    write_anew(files)
    return Erased(records, rewritten, rows)


def _cut(files: Files, file: ChunkFile, span: TimeSpan, now_second: float) -> int:
    """Write a file anew without the chunks that speak of a span; say how many these were."""
    with files.reading() as con:
        entries = catalogue.entries_of(con, [file.number])
        number = catalogue.next_number(con)
    goes = (entries["last_second"] >= span.start_second) & (
        entries["first_second"] < span.stop_second
    )
    if not goes.any():
        return 0
    written = NOT_WRITTEN
    if file.kept and not goes.all():
        name = file_name(file.vehicle_id, file.day, number)
        written = copy_chunks(
            files,
            name,
            [file.name],
            f"NOT (last_second >= {span.start_second!r}::DOUBLE "
            f"AND first_second < {span.stop_second!r}::DOUBLE)",
        )
    with files.writing() as con:
        files.step("file goes")
        con.execute(
            "INSERT INTO removal VALUES (?, ?, ?, ?, ?, ?, ?, NULL, NULL)",
            (
                now_second,
                ERASED,
                TELEMETRY,
                file.vehicle,
                int(goes.sum()),
                int(goes.sum()),
                max(file.written.size - written.size, 0),
            ),
        )
        con.execute("DELETE FROM file WHERE number = ?", (file.number,))
        if not goes.all():
            catalogue.enter(con, number, file.vehicle, file.day, entries[~goes], written)
    if file.kept:
        files.drop([file.name])
    return int(goes.sum())


def renew_latest(con: sqlite3.Connection, vehicle_id: str) -> None:
    """Find a vehicle's newest chunk among those that are left."""
    entries = catalogue.summaries(con, vehicle_id)
    number = con.execute(
        "SELECT number FROM vehicle WHERE vehicle_id = ?", (vehicle_id,)
    ).fetchone()
    if number is None:
        return
    con.execute("DELETE FROM latest WHERE vehicle = ?", number)
    if len(entries):
        last = entries[np.lexsort((entries["seq"], entries["epoch"]))[-1:]]
        con.execute(
            "INSERT INTO latest VALUES (?, ?, ?, ?)",
            (*number, int(last["epoch"][0]), int(last["seq"][0]), last.tobytes()),
        )


def _erase_elsewhere(
    files: Files, vehicle_id: str, spans: Sequence[TimeSpan]
) -> tuple[tuple[str, int], ...]:
    """Delete a vehicle's rows from every other database in the folder.

    Args:
        files: The store.
        vehicle_id: Goes by the column ``vehicle_id``; what hangs on a row goes with it.
        spans: Only these times, in tables that count the hours since 1970 in a column ``hour``;
            tables with a column ``made_of_all`` are made of rows of all times, and go whole.
            Nothing for every row of every table.
    """
    counts = []
    for path in _others(files.root):
        with files.told(), closing(sqlite3.connect(path, timeout=BUSY_SECOND)) as con:
            con.execute("PRAGMA foreign_keys = ON")
            for table in _tables(con, "hour" if spans else "vehicle_id"):
                files.step(f"rows of {table} go")
                which = f'DELETE FROM "{table}" WHERE vehicle_id = ?'
                hours = [
                    (vehicle_id, _hour(span.start_second), _hour(span.stop_second))
                    for span in spans
                ]
                done = (
                    con.executemany(f"{which} AND hour >= ? AND hour <= ?", hours)
                    if spans
                    else con.execute(which, (vehicle_id,))
                )
                counts.append((f"{path.name} {table}", done.rowcount))
            for table in _tables(con, "made_of_all") if spans else ():
                files.step(f"rows of {table} go")
                done = con.execute(f'DELETE FROM "{table}" WHERE vehicle_id = ?', (vehicle_id,))
                counts.append((f"{path.name} {table}", done.rowcount))
            con.commit()
    return tuple(counts)


def _hour(second: float) -> float:
    return float(np.floor(second / SECOND_PER_HOUR))


def _tables(con: sqlite3.Connection, column: str) -> list[str]:
    """Name the tables that are by vehicle and have a column."""
    names = [row[0] for row in con.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    return [
        name
        for name in names
        if {"vehicle_id", column}
        <= {row[0] for row in con.execute("SELECT name FROM pragma_table_info(?)", (name,))}
    ]


def write_anew(files: Files) -> None:
    """Write every database of the folder anew, so that nothing deleted stays in free pages.

    Raises:
        StoreError: Another process holds on to the old state of one.
    """
    if files.database.exists():
        shrink(files)
        if not files.checkpoint(cut=True):
            raise _held(files.database)
    for path in _others(files.root):
        with (
            files.told(),
            closing(sqlite3.connect(path, timeout=BUSY_SECOND, isolation_level=None)) as con,
        ):
            files.step(f"{path.name} written anew")
            con.execute("VACUUM")
            busy, _, _ = con.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            raise _held(path)


def _others(root: Path) -> list[Path]:
    return sorted(path for path in root.glob("*.sqlite") if path.name != DATABASE)


def _held(path: Path) -> StoreError:
    return StoreError(
        "another process is reading an earlier state, which cannot be erased under it",
        where=str(path),
        mend="stop it, and erase again",
    )

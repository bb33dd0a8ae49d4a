"""Which files count, and what stands in them."""

import sqlite3
from collections.abc import Sequence
from math import inf
from typing import Final, NamedTuple

import numpy as np

from voltherd.adapters.records.layout import NOT_WRITTEN, Written, entries_from, file_name, in_order
from voltherd.types.record import RecordKind

TELEMETRY: Final = int(RecordKind.TELEMETRY)


class ChunkFile(NamedTuple):
    """A file of chunks, without its entries.

    Attributes:
        number: Its own, never given twice.
        vehicle: Number of the vehicle.
        vehicle_id: The vehicle.
        day: ``2024-05-17``, by UTC.
        kept: Whether it is on the medium; else only its entries are left.
        chunks: How many.
        written: What it is recognised by; ``NOT_WRITTEN`` where it is not kept.
    """

    number: int
    vehicle: int
    vehicle_id: str
    day: str
    kept: bool
    chunks: int
    written: Written

    @property
    def name(self) -> str:
        """Its place within the store."""
        return file_name(self.vehicle_id, self.day, self.number)


def next_number(con: sqlite3.Connection) -> int:
    """Give the number of the next file."""
    found = con.execute("SELECT seq FROM sqlite_sequence WHERE name = 'file'").fetchone()
    return 1 if found is None else int(found[0]) + 1


def enter(
    con: sqlite3.Connection,
    number: int,
    vehicle: int,
    day: str,
    entries: np.ndarray,
    written: Written,
) -> None:
    """Let a file count from the end of this transaction on.

    Args:
        con: Within a transaction.
        number: The file's.
        vehicle: The vehicle's.
        day: By UTC.
        entries: ``ENTRY`` of each chunk, in order.
        written: What the file is recognised by; ``NOT_WRITTEN`` for entries without one.
    """
    samples = entries["rows"].astype(np.int64)
    con.execute(
        "INSERT INTO file VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            number,
            vehicle,
            day,
            int(written != NOT_WRITTEN),
            float(entries["first_second"].min()),
            float(entries["last_second"].max()),
            int(entries["epoch"].min()),
            int(entries["epoch"].max()),
            int(entries["seq"].min()),
            int(entries["seq"].max()),
            len(entries),
            int(samples.sum()),
            int((samples * entries["cells"]).sum()),
            *written,
            entries.tobytes(),
        ),
    )


def files_of(
    con: sqlite3.Connection, where: str = "", values: Sequence[object] = ()
) -> list[ChunkFile]:
    """Give files, by vehicle, day and number.

    Args:
        con: The database.
        where: SQL behind ``WHERE`` over the tables ``file`` and ``vehicle``.
        values: For its question marks.
    """
    rows = con.execute(
        "SELECT file.number, file.vehicle, vehicle_id, day, kept, chunks, bytes, digest FROM file "
        "JOIN vehicle ON vehicle.number = file.vehicle "
        + (f"WHERE {where} " if where else "")
        + "ORDER BY file.vehicle, day, file.number",
        tuple(values),
    )
    return [
        ChunkFile(number, vehicle, vehicle_id, day, bool(kept), chunks, Written(size, digest))
        for number, vehicle, vehicle_id, day, kept, chunks, size, digest in rows
    ]


def entries_of(con: sqlite3.Connection, numbers: Sequence[int]) -> np.ndarray:
    """Give the entries of files, file by file."""
    blobs = []
    for number in numbers:
        blobs += con.execute("SELECT entries FROM file WHERE number = ?", (number,)).fetchone()
    return entries_from(blobs)


def summaries(
    con: sqlite3.Connection,
    vehicle_id: str,
    start_second: float = -inf,
    stop_second: float = inf,
    *,
    thinned_only: bool = False,
) -> np.ndarray:
    """Give the entries of a vehicle's chunks that speak of a time span, by first time.

    Args:
        con: The database.
        vehicle_id: Whose.
        start_second: First time to speak of [unix s].
        stop_second: First time not to speak of [unix s].
        thinned_only: Only of chunks whose samples are gone.
    """
    span = (vehicle_id, start_second, stop_second)
    blobs = [
        row[0]
        for row in con.execute(
            "SELECT entries FROM file JOIN vehicle ON vehicle.number = vehicle "
            "WHERE vehicle_id = ? AND last_second >= ? AND first_second < ? AND kept <= ? "
            "ORDER BY first_second",
            (*span, 0 if thinned_only else 1),
        )
    ]
    blobs += [
        row[0]
        for row in con.execute(
            "SELECT entry FROM record JOIN vehicle ON number = vehicle WHERE vehicle_id = ? "
            f"AND kind = {TELEMETRY} AND last_second >= ? AND first_second < ? AND NOT ?",
            (*span, thinned_only),
        )
    ]
    entries = entries_from(blobs)
    within = (entries["last_second"] >= start_second) & (entries["first_second"] < stop_second)
    if not within.all():
        entries = entries[within]
    if not bool(np.all(np.diff(entries["first_second"]) > 0.0)):  # an exception
        entries = entries[in_order(entries)]
    return entries

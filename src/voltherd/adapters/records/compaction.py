"""From the database into files, and from many files into one.

A file is written whole before the database says in one transaction that it counts and that what it
replaces does not.  Whoever dies in between leaves a file that does not count, which the next upkeep
sweeps away; a reader sees one moment of the database, and never a chunk twice or not at all.
"""

from collections.abc import Callable
from itertools import groupby
from typing import Final, NamedTuple

from voltherd.adapters.records import catalogue
from voltherd.adapters.records.catalogue import TELEMETRY, ChunkFile
from voltherd.adapters.records.chunk_file import copy_chunks, write_chunks
from voltherd.adapters.records.files import Files
from voltherd.adapters.records.layout import (
    NOT_WRITTEN,
    PART_SUFFIX,
    day_of,
    entries_from,
    file_name,
    in_order,
)
from voltherd.units import SECOND_PER_DAY

CHUNKS_AT_ONCE: Final = 4_096
"""Chunks held in memory while a file is written: about 10 MB."""
Progress = Callable[[str], None]


class Compaction(NamedTuple):
    """What was done.

    Attributes:
        chunks: Moved from the database into files.
        files: Written with them.
        merged: Files that went into others.
        swept: Left over from work that was interrupted.
    """

    chunks: int = 0
    files: int = 0
    merged: int = 0
    swept: int = 0


def compact(
    files: Files, chunks_min: int, files_max: int, progress: Progress, before_second: float | None
) -> Compaction:
    """Move landed telemetry into files, merge a day's files; call it within ``Files.upkeep``.

    Args:
        files: The store.
        chunks_min: Vehicles of which fewer chunks have landed wait.
        files_max: Days with more files than that are merged.
        progress: Is told where it stands.
        before_second: Only vehicles with telemetry that ended before [unix s]; None for all.
    """
    swept = sweep(files)
    moved = written = 0
    with files.reading() as con:
        waiting = con.execute(
            "SELECT vehicle, vehicle_id FROM record JOIN vehicle ON number = vehicle "
            f"WHERE kind = {TELEMETRY} GROUP BY vehicle "
            "HAVING count(*) >= ? AND min(last_second) < coalesce(?, 9e99)",
            (chunks_min, before_second),
        ).fetchall()
    for at, (vehicle, vehicle_id) in enumerate(waiting, start=1):
        progress(f"compacting {at}/{len(waiting)} {vehicle_id}")
        while chunks := _move_day(files, vehicle, vehicle_id):
            moved += chunks
            written += 1
    merged = _merge(files, files_max, progress)
    return Compaction(moved, written, merged, swept)


def _move_day(files: Files, vehicle: int, vehicle_id: str) -> int:
    """Move chunks of the first day of which a vehicle has any; say how many."""
    with files.reading() as con:
        (first,) = con.execute(
            f"SELECT min(first_second) FROM record WHERE vehicle = ? AND kind = {TELEMETRY}",
            (vehicle,),
        ).fetchone()
        if first is None:
            return 0
        rows = con.execute(
            f"SELECT arrival, entry, body FROM record WHERE vehicle = ? AND kind = {TELEMETRY} "
            "AND first_second < ? ORDER BY first_second, epoch, seq LIMIT ?",
            (vehicle, (first // SECOND_PER_DAY + 1) * SECOND_PER_DAY, CHUNKS_AT_ONCE),
        ).fetchall()
        number = catalogue.next_number(con)
    entries = entries_from([row[1] for row in rows])
    day = day_of(first)
    written = write_chunks(
        files, file_name(vehicle_id, day, number), entries, [row[2] for row in rows]
    )
    with files.writing() as con:
        files.step("file counts")
        catalogue.enter(con, number, vehicle, day, entries, written)
        files.step("landed goes")
        con.executemany("DELETE FROM record WHERE arrival = ?", [(row[0],) for row in rows])
    return len(rows)


def _merge(files: Files, files_max: int, progress: Progress) -> int:
    """Merge each day of which there are too many files; say how many went into others."""
    with files.reading() as con:
        many = catalogue.files_of(
            con,
            "(file.vehicle, day, kept) IN (SELECT vehicle, day, kept FROM file "
            "GROUP BY vehicle, day, kept HAVING count(*) > ?)",
            (files_max,),
        )
    gone = 0
    days = groupby(sorted(many, key=_day), key=_day)
    for (_, day, _), group in days:
        sources = list(group)
        progress(f"merging {sources[0].vehicle_id} {day}")
        _merge_day(files, sources)
        gone += len(sources)
    return gone


def _day(file: ChunkFile) -> tuple[int, str, bool]:
    return file.vehicle, file.day, file.kept


def _merge_day(files: Files, sources: list[ChunkFile]) -> None:
    first = sources[0]
    with files.reading() as con:
        entries = catalogue.entries_of(con, [file.number for file in sources])
        number = catalogue.next_number(con)
    written = NOT_WRITTEN
    if first.kept:
        name = file_name(first.vehicle_id, first.day, number)
        written = copy_chunks(files, name, [file.name for file in sources])
    with files.writing() as con:
        files.step("file counts")
        catalogue.enter(con, number, first.vehicle, first.day, entries[in_order(entries)], written)
        files.step("files go")
        con.executemany("DELETE FROM file WHERE number = ?", [(file.number,) for file in sources])
    if first.kept:
        files.drop([file.name for file in sources])


def sweep(files: Files) -> int:
    """Remove files that do not count, left by work that was interrupted; say how many."""
    left = orphans(files)
    files.drop(left)
    return len(left)


def orphans(files: Files) -> list[str]:
    """Name the files in the store's folder that do not count; call it within ``Files.upkeep``."""
    there = {
        path.relative_to(files.root).as_posix() for path in files.root.glob("vehicle=*/day=*/*")
    }
    if there:
        with files.reading() as con:
            there -= {file.name for file in catalogue.files_of(con, "kept = 1")}
    markers = (p.name for p in files.root.glob(f"*{PART_SUFFIX}"))
    return sorted((*there, *markers))


def shrink(files: Files) -> None:
    """Give the space that compaction has emptied back to the medium; commits wait for it."""
    with files.alone() as con:
        files.step("vacuum")
        con.execute("VACUUM")

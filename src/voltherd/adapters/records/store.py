"""The record store: what the cloud commits, durable at once, small at rest, quick to read.

Commits land in SQLite, one transaction a call.  ``compact`` moves landed telemetry into Parquet
files; it may run beside commits and reads, in another thread or another process.  See
``docs/store.md`` for what happens when something dies in between.
"""

import sqlite3
from collections.abc import Collection, Iterator, Sequence
from math import inf, nan
from pathlib import Path
from typing import Any, Final, NamedTuple, final

import numpy as np

from voltherd.adapters.records import (
    catalogue,
    checking,
    compaction,
    erasing,
    imports,
    retention,
    rows,
)
from voltherd.adapters.records.backup import Backup, backup
from voltherd.adapters.records.catalogue import TELEMETRY
from voltherd.adapters.records.checking import Problem
from voltherd.adapters.records.chunk_file import read_chunks, telemetry_of
from voltherd.adapters.records.compaction import Compaction, Progress
from voltherd.adapters.records.erasing import Erased, TimeSpan
from voltherd.adapters.records.files import Files, Step, no_step
from voltherd.adapters.records.landing import Landing, closed_of
from voltherd.adapters.records.layout import ENTRY, SUMMARY, entries_from
from voltherd.adapters.records.marker import check_marker
from voltherd.adapters.records.retention import Removal, Retention
from voltherd.adapters.records.schema import check_version
from voltherd.adapters.records.search import Place, search
from voltherd.errors import StoreError
from voltherd.types.record import Commit, Record, RecordKey, RecordKind, SeqRange
from voltherd.types.sample import SampleBatch

TRIES: Final = 5
"""How often a read begins anew because a file was merged into another meanwhile."""
SAMPLES_AT_ONCE: Final = 400_000
"""Rows of a piece that ``spans`` cuts: 250 MB of a 96-cell pack."""
ALWAYS: Final = TimeSpan(-inf, inf)
_COLUMNS: Final = (
    "kind, epoch, seq, first_second, last_second, "
    "heard_first_nanosecond, heard_last_nanosecond, body"
)


class Info(NamedTuple):
    """What a store holds.

    Attributes:
        vehicles: How many.
        landed_chunks: In the database.
        files: Parquet files.
        chunks: In files, bodies and all.
        thinned_chunks: Of which only the summary is left.
        samples: Rows of chunks in files.
        cell_values: Cell voltages in files.
        file_bytes: Size of the files.
        database_bytes: Size of the database and its write-ahead log.
        events: Event records.
        gaps: Gap records.
        first_second: First time of anything; NaN where there is nothing [unix s].
        last_second: Last time [unix s].
        removed: Records removed, by reason.
        schema: Version of the database.
    """

    vehicles: int
    landed_chunks: int
    files: int
    chunks: int
    thinned_chunks: int
    samples: int
    cell_values: int
    file_bytes: int
    database_bytes: int
    events: int
    gaps: int
    first_second: float
    last_second: float
    removed: dict[str, int]
    schema: int

    @property
    def bytes_per_cell_value(self) -> float:
        """All bytes at rest by all cell voltages in files; NaN without any."""
        at_rest = self.file_bytes + self.database_bytes
        return at_rest / self.cell_values if self.cell_values else float("nan")


@final
class RecordStore:
    """The ``RecordLog`` and ``Store`` ports on a folder; see ``layout`` for what lies where.

    Args:
        root: The folder; made on the first write.
        step: Is told every step before it changes the medium; for tests that die there.
    """

    def __init__(self, root: Path, step: Step = no_step) -> None:
        self.root = root
        self._files = Files(root, step)
        self._landing = Landing(self._files)

    def close(self) -> None:
        """Close all that is open; what is used again opens by itself."""
        self._files.close()

    # -- the RecordLog port ------------------------------------------------------------------

    def commit(self, records: Sequence[Record]) -> Commit:
        """Keep the records that are not there yet; see ``RecordLog.commit``.

        A record that could never be kept (no name, a time that is none) is a conflict.
        """
        return self._landing.commit(records)

    def committed(self, vehicle_id: str) -> dict[int, tuple[SeqRange, ...]]:
        """Give the committed or given up ranges by epoch; see ``RecordLog.committed``."""
        with self._files.reading() as con:
            return closed_of(con, vehicle_id)

    def records(
        self,
        vehicle_id: str,
        start_second: float = -inf,
        stop_second: float = inf,
        kinds: Collection[RecordKind] = tuple(RecordKind),
    ) -> Sequence[Record]:
        """Give a vehicle's records that speak of a time span; see ``RecordLog.records``.

        Args:
            vehicle_id: Whose.
            start_second: First time to speak of [unix s].
            stop_second: First time not to speak of [unix s].
            kinds: Which kinds.
        """
        for tried in range(TRIES):
            found, names = self._found(vehicle_id, start_second, stop_second, kinds)
            try:
                chunks = read_chunks(self._files, names, start_second, stop_second)
            except StoreError:
                gone = any(not (self.root / name).exists() for name in names)
                if not gone or tried == TRIES - 1:
                    raise
            else:
                found += [telemetry_of(vehicle_id, row) for row in chunks]
                return sorted(found, key=lambda record: (record.first_second, record.key))
        raise AssertionError

    def _found(
        self,
        vehicle_id: str,
        start_second: float,
        stop_second: float,
        kinds: Collection[RecordKind],
    ) -> tuple[list[Record], list[str]]:
        """Give what has landed, and the names of the files to read, as of one moment."""
        span = (vehicle_id, start_second, stop_second)
        wanted = ", ".join(str(int(kind)) for kind in kinds)
        with self._files.reading() as con:
            landed = con.execute(
                f"SELECT {_COLUMNS} FROM record JOIN vehicle ON number = vehicle "
                f"WHERE vehicle_id = ? AND kind IN ({wanted}) "
                "AND last_second >= ? AND first_second < ?",
                span,
            ).fetchall()
            there = []
            if RecordKind.TELEMETRY in kinds:
                there = catalogue.files_of(
                    con,
                    "vehicle_id = ? AND kept = 1 AND last_second >= ? AND first_second < ?",
                    span,
                )
        return [_record(vehicle_id, row) for row in landed], [file.name for file in there]

    # -- the Store port ----------------------------------------------------------------------

    def append(self, batch: SampleBatch) -> int:
        """Keep the rows that are not there yet, all or none of them; see ``Store.append``.

        They are kept as telemetry records of epoch 0, which no edge has.
        """
        if not batch.rows:
            return 0
        with self._files.upkeep():
            return imports.append(self._files, self._landing, batch, self.read)

    def read(
        self, vehicle_id: str, start_second: float = -inf, stop_second: float = inf
    ) -> SampleBatch:
        """Give a vehicle's rows in time order; see ``Store.read``."""
        telemetry = self.records(vehicle_id, start_second, stop_second, (RecordKind.TELEMETRY,))
        return rows.joined(vehicle_id, telemetry, start_second, stop_second)

    def vehicles(self) -> tuple[str, ...]:
        """Name every vehicle of which there are rows, sorted."""
        with self._files.reading() as con:
            found = con.execute(
                "SELECT vehicle_id FROM vehicle WHERE EXISTS "
                f"(SELECT 1 FROM record WHERE vehicle = number AND kind = {TELEMETRY}) OR EXISTS "
                "(SELECT 1 FROM file WHERE file.vehicle = vehicle.number AND kept = 1)"
            ).fetchall()
        return tuple(sorted(row[0] for row in found))

    # -- further reads -----------------------------------------------------------------------

    def known_vehicles(self) -> tuple[str, ...]:
        """Name every vehicle of which there is anything, be it an event alone, sorted."""
        with self._files.reading() as con:
            return tuple(sorted(row[0] for row in con.execute("SELECT vehicle_id FROM vehicle")))

    def summaries(
        self,
        vehicle_id: str,
        start_second: float = -inf,
        stop_second: float = inf,
        *,
        thinned_only: bool = False,
    ) -> dict[str, np.ndarray]:
        """Give what is known of a vehicle's chunks without decoding any.

        Args:
            vehicle_id: Whose.
            start_second: First time to speak of [unix s].
            stop_second: First time not to speak of [unix s].
            thinned_only: Only of chunks whose samples were removed by age.

        Returns:
            A column each for ``epoch``, ``seq``, ``first_second``, ``last_second``, ``rows``,
            ``cells``, ``probes`` and all of ``layout.SUMMARY`` (NaN where unknown), a row per
            chunk by first time; chunks whose samples were removed by age too.
        """
        with self._files.reading() as con:
            entries = catalogue.summaries(
                con, vehicle_id, start_second, stop_second, thinned_only=thinned_only
            )
        return _columns(entries)

    def latest(self) -> dict[str, np.ndarray]:
        """Give the newest chunk of every vehicle: as ``summaries``, and ``vehicle_id``."""
        with self._files.reading() as con:
            found = con.execute(
                "SELECT vehicle_id, entry FROM latest JOIN vehicle ON number = vehicle "
                "ORDER BY vehicle_id"
            ).fetchall()
        names = np.array([row[0] for row in found], dtype=np.str_)
        return {"vehicle_id": names, **_columns(entries_from([row[1] for row in found]))}

    def spans(
        self, vehicle_id: str, samples_max: int = SAMPLES_AT_ONCE
    ) -> Iterator[tuple[float, float]]:
        """Cut a vehicle's time so that what ``read`` gives of each piece fits into memory.

        Yields:
            Start and stop of each piece, one behind the other [unix s].
        """
        with self._files.reading() as con:
            entries = catalogue.summaries(con, vehicle_id)
        if not len(entries):
            return
        pieces = np.cumsum(entries["rows"].astype(np.int64)) // samples_max
        first = np.flatnonzero(np.diff(pieces, prepend=-1))
        starts = np.unique(entries["first_second"][first]).tolist()
        yield from zip([-inf, *starts[1:]], [*starts[1:], inf], strict=True)

    def info(self) -> Info:
        """Say what is there, and how large it is."""
        with self._files.reading() as con:
            return _info(self._files, con)

    # -- upkeep ------------------------------------------------------------------------------

    def compact(
        self,
        chunks_min: int = 1,
        files_max: int = 1,
        progress: Progress = no_step,
        *,
        shrink: bool = False,
    ) -> Compaction:
        """Move landed telemetry into files, and merge small files.

        Args:
            chunks_min: Vehicles of which fewer chunks have landed wait.
            files_max: Days of a vehicle with more files than that are merged.
            progress: Is told where it stands.
            shrink: Give free space in the database back to the medium; else it is used again.

        Raises:
            StoreError: The medium refuses, or another process is at it; nothing was lost.
        """
        with self._files.upkeep():
            done = compaction.compact(self._files, chunks_min, files_max, progress, None)
            if shrink:
                compaction.shrink(self._files)
            self._files.checkpoint(cut=shrink)
        return done

    def retain(self, policy: Retention, now_second: float, progress: Progress = no_step) -> int:
        """Remove what is older than a policy allows; see ``retention.Retention``.

        Args:
            policy: For how long what is kept.
            now_second: The time that ages are counted from [unix s].
            progress: Is told where it stands.

        Returns:
            How many records lost something; ``removals`` tells more.
        """
        with self._files.upkeep():
            removed = retention.retain(self._files, policy, now_second, progress)
            self._files.checkpoint(cut=False)
        return removed

    def removals(self) -> tuple[Removal, ...]:
        """Give all that was ever removed, oldest first."""
        with self._files.reading() as con:
            return retention.removals(con)

    def erase_vehicle(self, vehicle_id: str, now_second: float) -> Erased:
        """Erase all there is of a vehicle, in every database of the folder.

        Args:
            vehicle_id: Which.
            now_second: When, for the count of what was removed [unix s].

        Raises:
            StoreError: Another process reads an earlier state; erase again when it has stopped.
        """
        with self._files.upkeep():
            return erasing.erase_vehicle(self._files, vehicle_id, now_second)

    def erase_spans(self, vehicle_id: str, spans: Sequence[TimeSpan], now_second: float) -> Erased:
        """Erase every record of a vehicle that speaks of some times; see ``erase_vehicle``."""
        with self._files.upkeep():
            return erasing.erase_spans(self._files, vehicle_id, spans, now_second)

    def scrub(self) -> None:
        """Write every database of the folder anew, so that nothing deleted stays in free pages."""
        with self._files.upkeep():
            erasing.write_anew(self._files)

    def fingerprints(
        self, vehicle_id: str, spans: Sequence[TimeSpan] = (ALWAYS,)
    ) -> tuple[bytes, ...]:
        """Give pieces of some records' bytes, to be looked for when these are erased."""
        return erasing.fingerprints(self._files, vehicle_id, spans)

    def search(self, identifier: str, fingerprints: Sequence[bytes] = ()) -> tuple[Place, ...]:
        """Look for an identifier in every name and every byte of the folder; see ``search``."""
        with self._files.told():
            return search(self.root, identifier, self.known_vehicles(), fingerprints)

    def check(self, progress: Progress = no_step) -> tuple[Problem, ...]:
        """Look whether every record is readable and unchanged, none lost, none twice.

        Raises:
            StoreError: There is no record store.
        """
        check_marker(self.root)
        with self._files.upkeep():
            return tuple(checking.check(self._files, progress))

    def backup(self, out: Path, now_second: float, progress: Progress = no_step) -> Backup:
        """Write a backup while commits go on; see ``backup.backup``."""
        check_marker(self.root)
        with self._files.upkeep():
            return backup(self._files, out, now_second, progress)


def _record(vehicle_id: str, row: Sequence[Any]) -> Record:
    kind, epoch, seq, first, last, heard_first, heard_last, body = row
    return Record(
        key=RecordKey(vehicle_id, epoch, seq),
        kind=RecordKind(kind),
        first_second=first,
        last_second=last,
        heard_first_nanosecond=heard_first,
        heard_last_nanosecond=heard_last,
        body=body,
    )


_SHOWN: Final = ("epoch", "seq", "first_second", "last_second", "rows", "cells", "probes", *SUMMARY)
assert set(_SHOWN) <= set(ENTRY.names or ())


def _columns(entries: np.ndarray) -> dict[str, np.ndarray]:
    return {name: np.ascontiguousarray(entries[name]) for name in _SHOWN}


def _info(files: Files, con: sqlite3.Connection) -> Info:
    (vehicles,) = con.execute("SELECT count(*) FROM vehicle").fetchone()
    kinds = dict(con.execute("SELECT kind, count(*) FROM record GROUP BY kind").fetchall())
    kept, chunks, samples, cell_values, size = con.execute(
        "SELECT count(*), total(chunks), total(samples), total(cell_values), total(bytes) "
        "FROM file WHERE kept = 1"
    ).fetchone()
    (thinned,) = con.execute("SELECT total(chunks) FROM file WHERE kept = 0").fetchone()
    ends = con.execute(
        "SELECT min(first_second), max(last_second) FROM "
        "(SELECT first_second, last_second FROM record UNION ALL "
        "SELECT first_second, last_second FROM file)"
    ).fetchone()
    first, last = (nan if end is None else end for end in ends)
    removed = con.execute("SELECT reason, sum(records) FROM removal GROUP BY reason").fetchall()
    names = (files.database.with_name(files.database.name + end) for end in ("", "-wal"))
    return Info(
        vehicles=vehicles,
        landed_chunks=kinds.get(RecordKind.TELEMETRY, 0),
        files=kept,
        chunks=int(chunks),
        thinned_chunks=int(thinned),
        samples=int(samples),
        cell_values=int(cell_values),
        file_bytes=int(size),
        database_bytes=sum(path.stat().st_size for path in names if path.exists()),
        events=kinds.get(RecordKind.EVENT, 0),
        gaps=kinds.get(RecordKind.GAP, 0),
        first_second=first,
        last_second=last,
        removed=dict(removed),
        schema=check_version(con, str(files.database)),
    )

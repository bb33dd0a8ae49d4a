"""The edge's outbox in SQLite: a write-ahead log that is flushed to the medium with every call.

A database that turns out to be damaged is moved aside (``outbox.sqlite.damaged-1`` …) and a new one
begun; ``damages`` says so.  The count of starts is kept in a file of its own as well, so that it
survives the database: epochs must ascend.
"""

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, NamedTuple, TextIO, final

from voltherd.errors import StoreError
from voltherd.types.record import OutboxSize, Record, RecordKey, RecordKind, SeqRange

FILE: Final = "outbox.sqlite"
BOOT_FILE: Final = "starts"
LOCK_FILE: Final = "lock"
SCHEMA_VERSION: Final = 1
BESIDE_BYTES: Final = 120
"""What a record takes in table and indexes beside its body, about."""
DAMAGED_MAX: Final = 3
"""Damaged databases kept for who wants to look at them; older ones are overwritten."""
_WAL_PAGES: Final = 256
_SCHEMA: Final = """
CREATE TABLE record (
    epoch INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    vehicle_id TEXT NOT NULL,
    kind INTEGER NOT NULL,
    thinned INTEGER NOT NULL,
    first_second REAL NOT NULL,
    last_second REAL NOT NULL,
    heard_first_nanosecond INTEGER NOT NULL,
    heard_last_nanosecond INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (epoch, seq)
) STRICT;
CREATE INDEX record_by_stage ON record (kind, thinned, epoch, seq);
CREATE TABLE start (count INTEGER NOT NULL) STRICT;
INSERT INTO start VALUES (0)
"""
_COLUMNS: Final = (
    "epoch, seq, vehicle_id, kind, first_second, last_second, "
    "heard_first_nanosecond, heard_last_nanosecond, body"
)


class Damage(NamedTuple):
    """A database that was moved aside."""

    what: str
    aside: Path


@final
class SqliteOutbox:
    """The ``Outbox`` port on a folder; one process at a time.

    Attributes:
        aside: Damaged databases moved aside since this was opened, in order.
    """

    def __init__(self, folder: Path) -> None:
        """Open the outbox, making it where there is none.

        Args:
            folder: Of one vehicle.

        Raises:
            StoreError: Another process has it, it is of another version, or the medium refuses.
        """
        self.aside: list[Damage] = []
        self._folder = folder
        self._path = folder / FILE
        self._lock = _locked(folder)
        self._records = self._bytes = 0
        try:
            self._con = self._opened()
        except BaseException:
            self._lock.close()
            raise

    def boot(self) -> int:
        """Count a start; see ``Outbox.boot``."""
        count = self.starts() + 1
        with self._writing():
            self._con.execute("UPDATE start SET count = ?", (count,))
        with self._told():
            _write_count(self._folder / BOOT_FILE, count)
        return count

    def starts(self) -> int:
        """Give the starts counted so far.

        Raises:
            StoreError: The medium refuses to be read.
        """
        with self._told():
            known = self._con.execute("SELECT count FROM start").fetchone()
        return max(int(known[0]), _read_count(self._folder / BOOT_FILE))

    def put(self, records: Sequence[Record]) -> None:
        """Keep records; see ``Outbox.put``."""
        with self._writing():
            self._insert(records, thinned=False)

    def pending(self, after: RecordKey | None, limit: int) -> Sequence[Record]:
        """Give records, oldest first; see ``Outbox.pending``."""
        epoch, seq = (after.epoch, after.seq) if after else (-1, -1)
        with self._told():
            rows = self._con.execute(
                f"SELECT {_COLUMNS} FROM record WHERE (epoch, seq) > (?, ?) "
                "ORDER BY epoch, seq LIMIT ?",
                (epoch, seq, limit),
            ).fetchall()
        return [_record(row) for row in rows]

    def committed(self, epoch: int, ranges: Sequence[SeqRange]) -> int:
        """Delete records; see ``Outbox.committed``."""
        with self._writing():
            return sum(
                self._delete("epoch = ? AND seq BETWEEN ? AND ?", (epoch, first, last))
                for first, last in ranges
            )

    def replace(self, drop: Sequence[RecordKey], put: Sequence[Record]) -> None:
        """Put records in the place of others; see ``Outbox.replace``."""
        with self._writing():
            for key in drop:
                self._delete("epoch = ? AND seq = ?", (key.epoch, key.seq))
            self._insert(put, thinned=True)

    def oldest(self, thinned: bool, limit: int) -> Sequence[Record]:
        """Give the oldest telemetry; see ``Outbox.oldest``."""
        with self._told():
            rows = self._con.execute(
                f"SELECT {_COLUMNS} FROM record WHERE kind = ? AND thinned = ? "
                "ORDER BY epoch, seq LIMIT ?",
                (int(RecordKind.TELEMETRY), int(thinned), limit),
            ).fetchall()
        return [_record(row) for row in rows]

    def size(self) -> OutboxSize:
        """Say how much is kept; see ``Outbox.size``."""
        return OutboxSize(self._records, self._bytes + BESIDE_BYTES * self._records)

    def damages(self) -> Sequence[str]:
        """Tell of damaged content that is gone; see ``Outbox.damages``."""
        return [f"damaged ({what}); moved aside to {path}" for what, path in self.aside]

    def close(self) -> None:
        """Let go of files and lock; see ``Outbox.close``."""
        self._con.close()
        self._lock.close()

    def _insert(self, records: Sequence[Record], *, thinned: bool) -> None:
        for r in records:
            self._delete("epoch = ? AND seq = ?", (r.key.epoch, r.key.seq))
            self._con.execute(
                "INSERT INTO record VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    r.key.epoch,
                    r.key.seq,
                    r.key.vehicle_id,
                    int(r.kind),
                    int(thinned and r.kind is RecordKind.TELEMETRY),
                    r.first_second,
                    r.last_second,
                    r.heard_first_nanosecond,
                    r.heard_last_nanosecond,
                    r.body,
                ),
            )
            self._records += 1
            self._bytes += len(r.body)

    def _delete(self, where: str, values: tuple[int, ...]) -> int:
        count, size = self._con.execute(
            f"SELECT count(*), total(length(body)) FROM record WHERE {where}", values
        ).fetchone()
        if count:
            self._con.execute(f"DELETE FROM record WHERE {where}", values)
            self._records -= count
            self._bytes -= int(size)
        return int(count)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Do all or nothing, on the medium when this ends."""
        before = self._records, self._bytes
        with self._told():
            try:
                self._con.execute("BEGIN IMMEDIATE")
                yield
                self._con.execute("COMMIT")
            except BaseException:
                self._records, self._bytes = before
                with suppress(sqlite3.Error):
                    self._con.execute("ROLLBACK")
                raise

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Tell SQLite's errors as ours; put a damaged database aside."""
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            if _is_damage(error):
                self._con.close()
                self._put_aside(str(error))
                self._con = self._opened()
            raise StoreError(
                f"the outbox refused ({error})",
                where=str(self._path),
                mend="check free space and permissions",
            ) from error

    def _opened(self) -> sqlite3.Connection:
        """Open the database, or a new one where it is damaged."""
        try:
            return self._connected()
        except sqlite3.Error as error:
            if not _is_damage(error):
                raise StoreError(
                    f"the outbox cannot be opened ({error})",
                    where=str(self._path),
                    mend="check free space and permissions",
                ) from error
            self._put_aside(str(error))
        return self._connected()

    def _connected(self) -> sqlite3.Connection:
        con = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
        try:
            con.execute("PRAGMA journal_mode = WAL")
            con.execute("PRAGMA synchronous = FULL")
            con.execute(f"PRAGMA wal_autocheckpoint = {_WAL_PAGES}")
            con.execute(f"PRAGMA journal_size_limit = {_WAL_PAGES * 4096}")
            version = con.execute("PRAGMA user_version").fetchone()[0]
            if version == 0:
                con.execute("BEGIN IMMEDIATE")
                for statement in _SCHEMA.split(";\n"):
                    con.execute(statement)
                con.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
                con.execute("COMMIT")
            elif version != SCHEMA_VERSION:
                raise StoreError(
                    f"unknown schema version {version}; this voltherd knows {SCHEMA_VERSION}",
                    where=str(self._path),
                    mend="use the voltherd that wrote it, or another folder",
                )
            told = con.execute("PRAGMA quick_check(1)").fetchone()[0]
            if told != "ok":
                raise sqlite3.DatabaseError(told)
            self._records, size = con.execute(
                "SELECT count(*), total(length(body)) FROM record"
            ).fetchone()
            self._bytes = int(size)
        except BaseException:
            con.close()
            raise
        return con

    def _put_aside(self, what: str) -> None:
        """Move a damaged database out of the way, with what belongs to it."""
        names = [f"{FILE}.damaged-{k + 1}" for k in range(DAMAGED_MAX)]
        free = next((n for n in names if not (self._folder / n).exists()), names[-1])
        for suffix in ("", "-wal", "-shm"):
            with suppress(FileNotFoundError):
                os.replace(f"{self._path}{suffix}", self._folder / f"{free}{suffix}")
        self.aside.append(Damage(what, self._folder / free))


def _is_damage(error: BaseException) -> bool:
    """Whether the file itself is broken: SQLite's CORRUPT and NOTADB are no other subclass."""
    return type(error) is sqlite3.DatabaseError


def _locked(folder: Path) -> TextIO:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / LOCK_FILE).open("w")
    except OSError as error:
        raise StoreError(
            f"the outbox cannot be made ({error.strerror})",
            where=str(folder),
            mend="choose a folder that can be written",
        ) from error
    try:
        import fcntl
    except ImportError:  # no such locks on this system; SQLite's own keep the file whole
        return lock
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        raise StoreError(
            "another process has this outbox",
            where=str(folder),
            mend="run one edge for each vehicle, or give this one another folder",
        ) from error
    return lock


def _read_count(path: Path) -> int:
    try:
        return int(path.read_text())
    except (FileNotFoundError, ValueError):
        return 0


def _write_count(path: Path, count: int) -> None:
    part = path.with_name(f".{path.name}.part")
    with part.open("w") as file:
        file.write(f"{count}\n")
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _record(row: tuple[Any, ...]) -> Record:
    return Record(
        key=RecordKey(row[2], row[0], row[1]),
        kind=RecordKind(row[3]),
        first_second=row[4],
        last_second=row[5],
        heard_first_nanosecond=row[6],
        heard_last_nanosecond=row[7],
        body=row[8],
    )

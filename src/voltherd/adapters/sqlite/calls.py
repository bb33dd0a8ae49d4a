"""What charging stations told, in SQLite: a log that is flushed to the medium with every call."""

import json
import sqlite3
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, cast, final

import zstandard

from voltherd.errors import StoreError
from voltherd.types.station_command import StationCall

FILE: Final = "stations.sqlite"
BOOKS_BYTES_MAX: Final = 1 << 30
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS call (
    number INTEGER PRIMARY KEY,
    station_id TEXT NOT NULL,
    version TEXT NOT NULL,
    message_id TEXT NOT NULL,
    action TEXT NOT NULL,
    heard_second REAL NOT NULL,
    body TEXT NOT NULL              -- JSON, as it was heard
) STRICT;
CREATE INDEX IF NOT EXISTS call_by_station ON call (station_id, number);
CREATE TABLE IF NOT EXISTS books (
    place INTEGER PRIMARY KEY CHECK (place = 0),
    number INTEGER NOT NULL,        -- the last call they rest on
    body BLOB NOT NULL              -- zstd
) STRICT;
"""
_COLUMNS: Final = "station_id, version, message_id, action, heard_second, body"


def _no_step(name: str) -> None:
    """Do nothing between the steps of a write."""


@final
class CallBook:
    """The ``CallJournal`` port on one SQLite file.

    Args:
        path: The file; its folder is made where it is not there.
        step: Called with its name at every step of a write, where a test lets the process die.

    Raises:
        StoreError: The medium refuses, or the file is no such book.
    """

    def __init__(self, path: Path, step: Callable[[str], None] = _no_step) -> None:
        self._path = path
        self._step = step
        self._lock = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._con = sqlite3.connect(
                path, check_same_thread=False, timeout=10.0, isolation_level=None
            )
            self._con.execute("PRAGMA journal_mode = WAL")
            self._con.execute("PRAGMA synchronous = FULL")
            self._con.executescript(_SCHEMA)
        except (sqlite3.Error, OSError) as error:
            raise self._refused(error) from error

    def append(self, calls: Sequence[StationCall]) -> int:
        """Keep calls; see ``CallJournal.append``."""
        rows = [
            (*call[:4], call.heard_second, json.dumps(call.payload, separators=(",", ":")))
            for call in calls
        ]
        with self._lock:
            for row in rows:
                self._write(f"INSERT INTO call ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)", row)
            return self._committed()

    def calls(self, after: int, limit: int) -> Sequence[tuple[int, StationCall]]:
        """Give calls; see ``CallJournal.calls``."""
        with self._lock:
            rows = self._read(
                f"SELECT number, {_COLUMNS} FROM call WHERE number > ? ORDER BY number LIMIT ?",
                (after, limit),
            )
        return [(number, _call(row)) for number, *row in rows]

    def calls_of(
        self, station_id: str, actions: Sequence[str], since_second: float, limit: int
    ) -> Sequence[StationCall]:
        """Give the latest calls of a station; see ``CallJournal.calls_of``."""
        asked = f"AND action IN ({', '.join('?' * len(actions))})" if actions else ""
        with self._lock:
            rows = self._read(
                f"SELECT {_COLUMNS} FROM call WHERE station_id = ? AND heard_second >= ? {asked}"
                " ORDER BY number DESC LIMIT ?",
                (station_id, since_second, *actions, limit),
            )
        return [_call(row) for row in reversed(rows)]

    def keep_books(self, number: int, body: bytes) -> None:
        """Keep what calls came to; see ``CallJournal.keep_books``."""
        row = (0, number, zstandard.ZstdCompressor(1).compress(body))
        with self._lock:
            self._write("INSERT OR REPLACE INTO books VALUES (?, ?, ?)", row)
            self._committed()

    def books(self) -> tuple[int, bytes] | None:
        """Give what was kept; see ``CallJournal.books``.  What cannot be read counts as nothing."""
        with self._lock:
            rows = self._read("SELECT number, body FROM books", ())
        if not rows:
            return None
        [(number, body)] = rows
        try:
            return int(number), zstandard.ZstdDecompressor().decompress(body, BOOKS_BYTES_MAX)
        except zstandard.ZstdError:
            return None

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._con.close()

    def _write(self, statement: str, row: tuple[Any, ...]) -> None:
        try:
            if not self._con.in_transaction:
                self._con.execute("BEGIN IMMEDIATE")
            self._step("row")
            self._con.execute(statement, row)
        except sqlite3.Error as error:
            self._undo()
            raise self._refused(error) from error

    def _committed(self) -> int:
        """Commit; give the last call's number."""
        try:
            (last,) = self._con.execute("SELECT coalesce(max(number), 0) FROM call").fetchone()
            self._step("commit")
            if self._con.in_transaction:
                self._con.execute("COMMIT")
            self._step("committed")
        except sqlite3.Error as error:
            self._undo()
            raise self._refused(error) from error
        return int(last)

    def _undo(self) -> None:
        try:
            if self._con.in_transaction:
                self._con.execute("ROLLBACK")
        except sqlite3.Error:
            pass  # what was not committed is gone with the connection at the latest

    def _read(self, statement: str, row: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        try:
            return self._con.execute(statement, row).fetchall()
        except sqlite3.Error as error:
            raise self._refused(error) from error

    def _refused(self, error: Exception) -> StoreError:
        return StoreError(
            f"what charging stations tell cannot be kept ({error})",
            where=str(self._path),
            mend="check free space and permissions; stations keep what is not answered, a while",
        )


def _call(row: Sequence[Any]) -> StationCall:
    station_id, version, message_id, action, heard_second, body = row
    payload = json.loads(body)
    return StationCall(station_id, cast(Any, version), message_id, action, payload, heard_second)

"""Messages to other services that wait until they are delivered, restart or not."""

import sqlite3
import threading
from itertools import takewhile
from pathlib import Path
from typing import Final, NamedTuple, final

from voltherd.errors import StoreError

FILE: Final = "outgoing.sqlite"
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS message (
    number INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,      -- what it is about, and for whom: nobody is told twice
    target TEXT NOT NULL,
    vehicle_id TEXT NOT NULL,       -- what is erased of a vehicle is erased here, too
    body BLOB NOT NULL,
    made_second REAL NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0,
    due_second REAL NOT NULL,
    state TEXT NOT NULL DEFAULT 'waiting',   -- waiting, delivered, given_up
    trouble TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX IF NOT EXISTS message_waiting ON message (state, target, number);
"""


class Waiting(NamedTuple):
    """A message on its way.

    Attributes:
        number: Its number.
        name: What it is about, and for whom.
        target: Where it goes.
        body: What it says.
        made_second: When it was made [unix s].
        tries: How often it was tried.
    """

    number: int
    name: str
    target: str
    body: bytes
    made_second: float
    tries: int


@final
class OutgoingBook:
    """The messages, in one SQLite file; durable when ``put`` returns.

    Args:
        path: The file; its folder is there.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        try:
            self._con = sqlite3.connect(path, check_same_thread=False, timeout=10.0)
            self._con.execute("PRAGMA journal_mode = WAL")
            self._con.execute("PRAGMA synchronous = FULL")
            self._con.executescript(_SCHEMA)
        except sqlite3.Error as error:
            raise self._refused(error) from error

    def put(self, name: str, target: str, vehicle_id: str, body: bytes, now_second: float) -> bool:
        """Keep a message to be delivered; say whether it was new.

        Raises:
            StoreError: It could not be kept.
        """
        try:
            with self._lock, self._con as con:
                done = con.execute(
                    "INSERT OR IGNORE INTO message "
                    "(name, target, vehicle_id, body, made_second, due_second) "
                    "VALUES (?, ?, ?, ?, ?, ?)",
                    (name, target, vehicle_id, body, now_second, now_second),
                )
                return done.rowcount == 1
        except sqlite3.Error as error:
            raise self._refused(error) from error

    def due(self, target: str, now_second: float, limit: int) -> tuple[Waiting, ...]:
        """Give a target's messages that are due, the oldest first.

        Where the oldest is not due yet, nothing is: messages keep their order.
        """
        try:
            with self._lock:
                rows = self._con.execute(
                    "SELECT number, name, target, body, made_second, tries, due_second "
                    "FROM message WHERE state = 'waiting' AND target = ? ORDER BY number LIMIT ?",
                    (target, limit),
                ).fetchall()
        except sqlite3.Error as error:
            raise self._refused(error) from error
        return tuple(Waiting(*row[:6]) for row in takewhile(lambda row: row[6] <= now_second, rows))

    def tried(self, number: int, state: str, trouble: str = "", due_second: float = 0.0) -> None:
        """Note what became of a try: ``delivered``, ``given_up`` or still ``waiting``."""
        assert state in ("waiting", "delivered", "given_up")
        try:
            with self._lock, self._con as con:
                con.execute(
                    "UPDATE message SET state = ?, tries = tries + 1, trouble = ?, due_second = ?, "
                    "body = CASE WHEN ? = 'waiting' THEN body ELSE x'' END WHERE number = ?",
                    (state, trouble, due_second, state, number),
                )
        except sqlite3.Error as error:
            raise self._refused(error) from error

    def counts(self) -> dict[str, int]:
        """Count messages by state."""
        try:
            with self._lock:
                return dict(self._con.execute("SELECT state, count(*) FROM message GROUP BY state"))
        except sqlite3.Error as error:
            raise self._refused(error) from error

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._con.close()

    def _refused(self, error: sqlite3.Error) -> StoreError:
        return StoreError(
            f"messages to other services cannot be kept ({error})",
            where=str(self._path),
            mend="check free space and permissions",
        )

"""States of followed vehicles, so that a restart need not read years again.

All of it comes from the store and may be deleted at any time; what is missing is read again.
"""

import sqlite3
import threading
from pathlib import Path
from typing import Final, final

import zstandard

from voltherd.errors import StoreError

FILE: Final = "states.sqlite"
_STATE_BYTES_MAX: Final = 256 << 20
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS state (
    vehicle_id TEXT PRIMARY KEY,
    made_of_all INTEGER NOT NULL,   -- rows of all times: goes when any of them is erased
    body BLOB NOT NULL              -- zstd
) STRICT;
"""


@final
class StateBook:
    """The states, in one SQLite file.

    Args:
        path: The file; its folder is made where it is not there.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._con = sqlite3.connect(path, check_same_thread=False, timeout=10.0)
            self._con.execute("PRAGMA journal_mode = WAL")
            self._con.execute("PRAGMA synchronous = NORMAL")
            self._con.executescript(_SCHEMA)
        except (sqlite3.Error, OSError) as error:
            raise self._refused(error) from error

    def put(self, vehicle_id: str, body: bytes) -> None:
        """Keep a vehicle's state in place of what was there.

        Raises:
            StoreError: It could not be kept.
        """
        row = (vehicle_id, zstandard.ZstdCompressor(1).compress(body))
        with self._lock:
            try:
                with self._con as con:
                    con.execute("INSERT OR REPLACE INTO state VALUES (?, 1, ?)", row)
            except sqlite3.Error as error:
                raise self._refused(error) from error

    def get(self, vehicle_id: str) -> bytes | None:
        """Give a vehicle's state, None where there is none that can be read.

        Raises:
            StoreError: The file cannot be read.
        """
        with self._lock:
            try:
                row = self._con.execute(
                    "SELECT body FROM state WHERE vehicle_id = ?", (vehicle_id,)
                ).fetchone()
            except sqlite3.Error as error:
                raise self._refused(error) from error
        if row is None:
            return None
        try:
            return zstandard.ZstdDecompressor().decompress(row[0], _STATE_BYTES_MAX)
        except zstandard.ZstdError:
            return None

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._con.close()

    def _refused(self, error: Exception) -> StoreError:
        return StoreError(
            f"states of vehicles cannot be kept ({error})",
            where=str(self._path),
            mend="check free space and permissions; the file may be deleted, the store is unharmed",
        )

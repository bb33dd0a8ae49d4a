"""Extremes of every channel in slices of five minutes: what long charts are drawn from.

All of it comes from the store and may be deleted at any time; what is missing is read from the
store, slowly.  So nothing here waits for the medium.  An hour of slices is one row.
"""

import json
import sqlite3
import threading
from pathlib import Path
from typing import Final, final

import numpy as np
import zstandard

from voltherd.errors import StoreError
from voltherd.types.slices import Slices

FILE: Final = "slices.sqlite"
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS layout (
    number INTEGER PRIMARY KEY,
    channels TEXT NOT NULL UNIQUE       -- JSON list
) STRICT;
CREATE TABLE IF NOT EXISTS hour (
    vehicle_id TEXT NOT NULL,
    hour INTEGER NOT NULL,              -- unix time by the hour
    samples INTEGER NOT NULL,
    layout INTEGER NOT NULL,
    body BLOB NOT NULL,                 -- zstd of the arrays of Slices, one after the other
    PRIMARY KEY (vehicle_id, hour)
) STRICT, WITHOUT ROWID;
"""
_HOUR_BYTES_MAX: Final = 64 << 20


@final
class SliceBook:
    """The slices, in one SQLite file.

    Args:
        path: The file; its folder is made where it is not there.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._layouts: dict[tuple[str, ...], int] = {}
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._con = sqlite3.connect(path, check_same_thread=False, timeout=10.0)
            self._con.execute("PRAGMA journal_mode = WAL")
            self._con.execute("PRAGMA synchronous = OFF")
            self._con.executescript(_SCHEMA)
        except (sqlite3.Error, OSError) as error:
            raise self._refused(error) from error

    def rows(self, vehicle_id: str, hour: int) -> int:
        """Say how many rows an hour's slices were made of; 0 where there are none."""
        with self._lock:
            try:
                found = self._con.execute(
                    "SELECT samples FROM hour WHERE vehicle_id = ? AND hour = ?", (vehicle_id, hour)
                ).fetchone()
            except sqlite3.Error as error:
                raise self._refused(error) from error
        return 0 if found is None else int(found[0])

    def put(self, vehicle_id: str, hour: int, channels: tuple[str, ...], slices: Slices) -> None:
        """Keep an hour's slices in place of what was there."""
        body = zstandard.ZstdCompressor(3).compress(
            b"".join(
                np.ascontiguousarray(part, _kind(i)).tobytes() for i, part in enumerate(slices)
            )
        )
        with self._lock:
            try:
                with self._con as con:
                    layout = self._layout(con, channels)
                    con.execute(
                        "INSERT OR REPLACE INTO hour VALUES (?, ?, ?, ?, ?)",
                        (vehicle_id, hour, int(slices.rows.sum()), layout, body),
                    )
            except sqlite3.Error as error:
                raise self._refused(error) from error

    def last_hour(self, vehicle_id: str) -> int | None:
        """Give the newest hour of which there are slices."""
        with self._lock:
            try:
                (hour,) = self._con.execute(
                    "SELECT max(hour) FROM hour WHERE vehicle_id = ?", (vehicle_id,)
                ).fetchone()
            except sqlite3.Error as error:
                raise self._refused(error) from error
        return None if hour is None else int(hour)

    def read(
        self, vehicle_id: str, start_hour: int, stop_hour: int
    ) -> list[tuple[tuple[str, ...], Slices]]:
        """Give slices hour by hour, ascending, each with its channels; ``stop_hour`` excluded."""
        with self._lock:
            try:
                found = self._con.execute(
                    "SELECT channels, body FROM hour JOIN layout ON layout.number = hour.layout "
                    "WHERE vehicle_id = ? AND hour >= ? AND hour < ? ORDER BY hour",
                    (vehicle_id, start_hour, stop_hour),
                ).fetchall()
            except sqlite3.Error as error:
                raise self._refused(error) from error
        names: dict[str, tuple[str, ...]] = {}
        packer = zstandard.ZstdDecompressor()
        told = []
        for text, body in found:
            channels = names.get(text) or names.setdefault(text, tuple(json.loads(text)))
            told.append((channels, _slices(packer.decompress(body, _HOUR_BYTES_MAX), channels)))
        return told

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._con.close()

    def _layout(self, con: sqlite3.Connection, channels: tuple[str, ...]) -> int:
        number = self._layouts.get(channels)
        if number is None:
            text = json.dumps(channels)
            con.execute("INSERT OR IGNORE INTO layout (channels) VALUES (?)", (text,))
            (number,) = con.execute(
                "SELECT number FROM layout WHERE channels = ?", (text,)
            ).fetchone()
            self._layouts[channels] = int(number)
        return int(number)

    def _refused(self, error: Exception) -> StoreError:
        return StoreError(
            f"what long charts are drawn from cannot be kept ({error})",
            where=str(self._path),
            mend="check free space and permissions; the file may be deleted, the store is unharmed",
        )


def _kind(place: int) -> type:
    """Give the type of an array of ``Slices``."""
    return np.int64 if place in (0, 3) else np.float64


def _slices(raw: bytes, channels: tuple[str, ...]) -> Slices:
    count = len(raw) // (8 * (4 + 2 * len(channels)))
    at = 0
    parts = []
    for place, width in enumerate((1, 1, 1, 1, len(channels), len(channels))):
        part: np.ndarray = np.frombuffer(raw, _kind(place), count * width, at)
        at += part.nbytes
        parts.append(part.reshape(count, width) if place > 3 else part)
    return Slices(*parts)

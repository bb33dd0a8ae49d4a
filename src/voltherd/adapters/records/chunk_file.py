"""Parquet files of chunks: written beside their place, synced, renamed; read by DuckDB.

A file has ``layout.ENTRY``'s fields as columns, and the chunks' bodies, which are compressed
already, as they are.
"""

import os
from collections.abc import Sequence
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from voltherd.adapters.records.files import Files
from voltherd.adapters.records.layout import ENTRY, PART_SUFFIX, Written, sync, written
from voltherd.adapters.records.marker import LAYOUT_VERSION
from voltherd.types.record import Record, RecordKey, RecordKind

if TYPE_CHECKING:
    import duckdb

COLUMNS: Final = (*(ENTRY.names or ()), "body")
_ORDER: Final = "ORDER BY first_second, epoch, seq"
_SCHEMA_KEY: Final = "voltherd_records"


def write_chunks(files: Files, name: str, entries: np.ndarray, bodies: Sequence[bytes]) -> Written:
    """Write a file of chunks.

    Args:
        files: The store.
        name: Its place within the store.
        entries: ``ENTRY`` of each chunk, in order.
        bodies: Their bodies.

    Returns:
        What it is recognised by; it is on the medium.

    Raises:
        StoreError: It cannot be written; nothing of it is left.
    """
    columns: dict[str, np.ndarray] = {
        field: np.ascontiguousarray(entries[field]) for field in COLUMNS[:-1] if field != "digest"
    }
    columns["digest"] = _objects(entries["digest"].tolist())
    columns["body"] = _objects(bodies)
    with files.duck() as con:
        con.register("chunks", columns)
        return _copy(files, con, name, f"SELECT {', '.join(COLUMNS)} FROM chunks")


def copy_chunks(files: Files, name: str, sources: Sequence[str], which: str = "true") -> Written:
    """Write the chunks of some files into one, in order; see ``write_chunks``.

    Args:
        files: The store.
        name: The new file's place within the store.
        sources: Places of the others.
        which: SQL over ``COLUMNS`` that says which chunks.
    """
    with files.duck() as con:
        query = f"SELECT * FROM {_parquet(files, sources)} WHERE {which} {_ORDER}"
        return _copy(files, con, name, query)


def _objects(values: Sequence[bytes]) -> np.ndarray:
    out = np.empty(len(values), object)
    out[:] = values
    return out


def _copy(files: Files, con: "duckdb.DuckDBPyConnection", name: str, query: str) -> Written:
    target = files.root / name
    part = target.with_name(target.name + PART_SUFFIX)
    made = _missing_folders(target.parent, files.root)
    try:
        with files.told():
            files.step("folder")
            target.parent.mkdir(parents=True, exist_ok=True)
            files.step("file")
            con.execute(
                f"COPY ({query}) TO {_literal(str(part))} (FORMAT parquet, COMPRESSION zstd, "
                f"KV_METADATA {{{_SCHEMA_KEY}: '{LAYOUT_VERSION}'}})"
            )
            files.step("file synced")
            sync(part)
            facts = written(part)
            files.step("file renamed")
            os.replace(part, target)
            files.step("folder synced")
            for folder in (target.parent, *made):
                sync(folder)
            return facts
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _missing_folders(folder: Path, root: Path) -> list[Path]:
    """Give the folders whose list of names a new folder changes."""
    changed = []
    while folder != root and not folder.exists():
        folder = folder.parent
        changed.append(folder)
    return changed


def read_chunks(
    files: Files, names: Sequence[str], start_second: float = -inf, stop_second: float = inf
) -> list[tuple[Any, ...]]:
    """Read the chunks of some files that speak of a time span.

    Returns:
        Rows of ``COLUMNS``, in no particular order.

    Raises:
        StoreError: A file cannot be read.
    """
    if not names:
        return []
    with files.duck() as con:
        return con.execute(
            f"SELECT {', '.join(COLUMNS)} FROM {_parquet(files, names)} "
            "WHERE last_second >= ? AND first_second < ?",
            [start_second, stop_second],
        ).fetchall()


def telemetry_of(vehicle_id: str, row: Sequence[Any]) -> Record:
    """Give the record that a row of ``COLUMNS`` holds."""
    epoch, seq, first, last, heard_first, heard_last = row[:6]
    return Record(
        key=RecordKey(vehicle_id, epoch, seq),
        kind=RecordKind.TELEMETRY,
        first_second=first,
        last_second=last,
        heard_first_nanosecond=heard_first,
        heard_last_nanosecond=heard_last,
        body=bytes(row[-1]),
    )


def _parquet(files: Files, names: Sequence[str]) -> str:
    """Give what may stand behind ``FROM``."""
    paths = ", ".join(_literal(_plain(str(files.root / name))) for name in names)
    return f"read_parquet([{paths}], hive_partitioning=false)"


def _plain(name: str) -> str:
    """Name a file so that DuckDB sees no pattern in it."""
    return "".join(f"[{c}]" if c in "*?[" else c for c in name)


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"

"""Parquet, through DuckDB."""

import os
from pathlib import Path
from typing import Final

from voltherd.adapters.files.duck import columns_of, connection, literal, plain
from voltherd.errors import InputError, UnreadableError
from voltherd.types.table import RawTable

_MARK: Final = b"PAR1"
_SHORTEST_BYTES: Final = 12
_COPY_AGAIN: Final = "copy or export it again"


def read_parquet(path: Path) -> RawTable:
    """Read one Parquet file whole.

    An array column becomes one 2-D array; a time with a zone is UTC and named in ``utc``.

    Args:
        path: The file.

    Returns:
        Its columns under their own names.

    Raises:
        UnreadableError: It is cut short or damaged.
        InputError: It holds no rows.
    """
    import duckdb

    _check_ends(path)
    try:
        with connection() as con:
            source = f"read_parquet({literal(plain(path))}, hive_partitioning=false)"
            columns, utc, notes = columns_of(con, source)
    except (duckdb.Error, MemoryError, UnicodeDecodeError, ValueError, OverflowError) as error:
        raise UnreadableError(
            f"damaged Parquet ({_first_line(error)})", where=str(path), mend=_COPY_AGAIN
        ) from error
    if not columns or not len(next(iter(columns.values()))):
        raise InputError("holds no rows", where=str(path), mend="export it again with data in it")
    return RawTable(source=str(path), columns=columns, notes=notes, utc=utc)


def _check_ends(path: Path) -> None:
    """Tell the common damage, a file cut short, in words of its own."""
    with path.open("rb") as file:
        head = file.read(len(_MARK))
        size = file.seek(0, os.SEEK_END)
        file.seek(max(size - len(_MARK), 0))
        tail = file.read(len(_MARK))
    if head == b"PARE" or tail == b"PARE":
        raise UnreadableError(
            "encrypted Parquet", where=str(path), mend="export it without encryption"
        )
    if head != _MARK:
        raise UnreadableError(
            "not Parquet: it does not begin with PAR1", where=str(path), mend=_COPY_AGAIN
        )
    if tail != _MARK or size < _SHORTEST_BYTES:
        raise UnreadableError(
            f"Parquet cut short: its end is missing after {size:,} bytes",
            where=str(path),
            mend=_COPY_AGAIN,
        )


def _first_line(error: BaseException) -> str:
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0][:160]

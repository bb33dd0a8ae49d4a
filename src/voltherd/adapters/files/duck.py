"""DuckDB as a reader of columns: one private connection per read, NULL told as NaN, NaT or None."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from voltherd.types.report import Remark

if TYPE_CHECKING:
    import duckdb

LIST_LENGTH_MAX: Final = 4096
"""Longest array column that is taken for cells or probes of one pack."""

_INTEGERS: Final = frozenset(
    f"{sign}{kind}"
    for kind in ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")
    for sign in ("", "U")
)
_NUMBERS: Final = _INTEGERS | {"FLOAT", "DOUBLE"}
_UTC_TIMES: Final = frozenset(
    ("TIMESTAMP WITH TIME ZONE", "TIMESTAMP_NS WITH TIME ZONE", "TIMESTAMPTZ_NS")
)
_TIMES: Final = _UTC_TIMES | {
    "DATE",
    "TIMESTAMP",
    "TIMESTAMP_S",
    "TIMESTAMP_MS",
    "TIMESTAMP_NS",
}


def quoted(name: str) -> str:
    """Quote an identifier for SQL.

    >>> quoted('V"1')
    '"V""1"'
    """
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Quote a text for SQL.

    >>> literal("it's")
    "'it''s'"
    """
    return "'" + text.replace("'", "''") + "'"


@contextmanager
def connection() -> Iterator["duckdb.DuckDBPyConnection"]:
    """Open a connection that fetches nothing from the network and leaves nothing behind."""
    import duckdb

    with tempfile.TemporaryDirectory(prefix="voltherd-") as folder:
        con = duckdb.connect(
            config={
                "autoinstall_known_extensions": "false",
                "autoload_known_extensions": "false",
                "temp_directory": folder,
            }
        )
        try:
            yield con
        except (RuntimeError, duckdb.InterruptException) as error:
            if "interrupted" in str(error).lower():  # how DuckDB passes Ctrl-C on
                raise KeyboardInterrupt from error
            raise
        finally:
            con.close()


def plain(path: Path) -> str:
    """Give a file's name so that DuckDB sees no pattern for many files in it.

    >>> plain(Path("/data/a[1].csv"))
    '/data/a[[]1].csv'
    """
    return "".join(f"[{c}]" if c in "*?[" else c for c in str(path.absolute()))


def _filled(values: np.ndarray) -> np.ndarray:
    """Tell NULL as NaN, NaT or None; whole numbers with NULLs become floats."""
    if not isinstance(values, np.ma.MaskedArray):
        return values
    mask = np.ma.getmaskarray(values)
    if not mask.any():
        return values.data
    kind = values.dtype.kind
    if kind in "iub":
        return np.where(mask, np.nan, values.data.astype(np.float64))
    out = values.data.copy()
    out[mask] = np.datetime64("NaT") if kind == "M" else None if kind == "O" else np.nan
    return out


def one_row(con: "duckdb.DuckDBPyConnection", sql: str) -> tuple[Any, ...]:
    """Give the only row of a query that always has one."""
    row = con.execute(sql).fetchone()
    assert row is not None
    return row


def columns_of(
    con: "duckdb.DuckDBPyConnection", source: str
) -> tuple[dict[str, np.ndarray], frozenset[str], tuple[Remark, ...]]:
    """Read every usable column of a relation.

    Args:
        con: An open connection.
        source: What may stand behind ``FROM``.

    Returns:
        Columns by name in order, those of them that are UTC, and remarks on what was left out.

    Raises:
        duckdb.Error: For the caller to translate; the caller knows the file.
    """
    described = con.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()
    types: Mapping[str, str] = {str(row[0]): str(row[1]) for row in described}
    lists = [n for n, kind in types.items() if kind.endswith("]") and _is_number(_element(kind))]
    lengths = _list_lengths(con, source, lists)
    select: list[str] = []
    parts: list[tuple[str, int]] = []
    left_out: list[tuple[str, str]] = []
    for name, kind in types.items():
        if name in lists and 0 < lengths[name][1] <= LIST_LENGTH_MAX:
            width = lengths[name][1]
            select += [f"{quoted(name)}[{i}]" for i in range(1, width + 1)]
            parts.append((name, width))
        elif (expression := _scalar(name, kind)) is not None:
            select.append(expression)
            parts.append((name, 0))
        else:
            left_out.append((name, kind))
    if not select:
        return {}, frozenset(), _left_out(left_out, len(types))
    numbered = ", ".join(f"{expression} AS c{i}" for i, expression in enumerate(select))
    fetched = con.execute(f"SELECT {numbered} FROM {source}").fetchnumpy()
    columns: dict[str, np.ndarray] = {}
    at = 0
    for name, width in parts:
        block = [_filled(fetched[f"c{i}"]) for i in range(at, at + max(width, 1))]
        columns[name] = np.stack(block, axis=1) if width else block[0]
        at += max(width, 1)
    utc = frozenset(name for name, _ in parts if types[name] in _UTC_TIMES)
    notes = _left_out(left_out, len(types)) + _ragged(lengths, len(next(iter(columns.values()))))
    return columns, utc, notes


def _element(kind: str) -> str:
    """Give the element type of a list or array type.

    >>> _element("FLOAT[]"), _element("DOUBLE[96]")
    ('FLOAT', 'DOUBLE')
    """
    return kind[: kind.rindex("[")]


def _is_number(kind: str) -> bool:
    return kind in _NUMBERS or (kind.startswith("DECIMAL(") and kind.endswith(")"))


def _scalar(name: str, kind: str) -> str | None:
    """Give the expression that fetches a column of one value per row, None for anything else."""
    column = quoted(name)
    if kind in _TIMES or _is_number(kind):
        return column
    if kind == "BOOLEAN":
        return f"CAST({column} AS UTINYINT)"
    if kind == "INTERVAL":
        return f"epoch({column})"
    if kind in ("VARCHAR", "UUID", "TIME", "TIME_NS", "JSON", '"NULL"', "NULL") or kind.startswith(
        ("ENUM", "TIME WITH")
    ):
        return f"CAST({column} AS VARCHAR)"
    return None


def _list_lengths(
    con: "duckdb.DuckDBPyConnection", source: str, lists: list[str]
) -> dict[str, tuple[int, int]]:
    """Find the shortest and longest array of each array column."""
    if not lists:
        return {}
    ends = ", ".join(f"min(len({quoted(n)})), max(len({quoted(n)}))" for n in lists)
    found = one_row(con, f"SELECT {ends} FROM {source}")
    return {n: (found[2 * i] or 0, found[2 * i + 1] or 0) for i, n in enumerate(lists)}


def _left_out(left_out: list[tuple[str, str]], total: int) -> tuple[Remark, ...]:
    if not left_out:
        return ()
    return (
        Remark(
            reason="column_left_out",
            channel="",
            count=len(left_out),
            total=total,
            detail="columns that are neither numbers, times, text nor arrays of numbers",
            examples=tuple(f"{name}: {kind[:60]}" for name, kind in left_out[:5]),
            mend="write nested values as columns of their own",
        ),
    )


def _ragged(lengths: Mapping[str, tuple[int, int]], rows: int) -> tuple[Remark, ...]:
    return tuple(
        Remark(
            reason="ragged_array",
            channel=name,
            count=1,
            total=rows,
            detail=f"arrays hold {low} to {high} values; what is missing is read as no value",
        )
        for name, (low, high) in lengths.items()
        if low != high and high <= LIST_LENGTH_MAX
    )

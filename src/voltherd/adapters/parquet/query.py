"""One question over telemetry, asset records and event documents together.

DuckDB's own SQLite reader is an extension that has to be fetched; the small tables (facts and
documents) are handed over as rows instead, and the large one (telemetry) is read where it lies.

In SQL there are then ``telemetry`` and every table that was given.  Of a canonical store,
``telemetry`` has the columns of ``types.channel`` plus ``vehicle_id`` and ``day``; of a record
store, a row per chunk with its summary, ``unix_time_second`` being the chunk's first.  For
instance, the lowest voltage of cell 1 in the hour before each visit to a workshop, with model and
note::

    SELECT v.vehicle_id, v.model, d.body->>'note' AS note, min(t.voltage_volt_cell_001) AS lowest
    FROM document d
    JOIN vehicle v USING (vehicle_id)
    JOIN telemetry t ON t.vehicle_id = d.vehicle_id
        AND t.unix_time_second BETWEEN d.unix_time_second - 3600 AND d.unix_time_second
    WHERE d.kind = 'workshop'
    GROUP BY ALL ORDER BY lowest
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from voltherd.adapters.parquet.layout import FILE, MARKER, check_marker
from voltherd.adapters.parquet.store import connection, is_store, literal, plain
from voltherd.errors import StoreError, UsageError

_RECORDS: Final = "voltherd-records"
"""What a record store's marker says of its form."""
Rows = tuple[tuple[str, ...], Sequence[tuple[Any, ...]]]
"""Names of the columns, and rows."""


class Answer(NamedTuple):
    """Names of the columns, and rows."""

    names: tuple[str, ...]
    rows: list[tuple[Any, ...]]


def ask(root: Path, sql: str, tables: Mapping[str, Rows]) -> Answer:
    """Put one question to a store.

    Args:
        root: The store's folder.
        sql: A SELECT in DuckDB's dialect, not trusted further than the store: it can read no
            other file and write none.
        tables: Further tables by name, such as ``AssetBook.tables()``.

    Returns:
        The answer.

    Raises:
        StoreError: No store, or one of another version.
        UsageError: DuckDB does not understand the question.
    """
    import duckdb

    folder = str(root.absolute())
    telemetry = _telemetry(root, folder)
    with connection() as con:
        try:
            statements = con.extract_statements(sql)
            if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
                raise UsageError("not a question", mend="ask one SELECT")
            con.execute(f"SET allowed_directories = [{literal(folder)}]")
            con.execute("SET enable_external_access = false")
            con.execute(f"CREATE VIEW telemetry AS {telemetry}")
            for name, (columns, rows) in tables.items():
                names = ", ".join(f"{column} {_kind(column)}" for column in columns)
                con.execute(f"CREATE TABLE {name} ({names})")
                if rows:
                    marks = ", ".join("?" * len(columns))
                    con.executemany(f"INSERT INTO {name} VALUES ({marks})", rows)
            con.execute("SET lock_configuration = true")
            cursor = con.execute(sql)
            return Answer(tuple(c[0] for c in cursor.description or ()), cursor.fetchall())
        except duckdb.Error as error:
            raise UsageError(
                f"the question was not understood ({str(error).splitlines()[0][:300]})",
                mend="tables are telemetry, " + ", ".join(tables),
            ) from error


def _telemetry(root: Path, folder: str) -> str:
    """Say in SQL where a store's telemetry is.

    Raises:
        StoreError: There is none, or it is of another version.
    """
    try:
        records = json.loads((root / MARKER).read_text()).get("format") == _RECORDS
    except (OSError, ValueError, AttributeError):
        records = False
    file = "*.parquet" if records else FILE
    if not is_store(root) or next(root.glob(f"vehicle=*/day=*/{file}"), None) is None:
        raise StoreError(
            "no store with telemetry in files",
            where=str(root),
            mend="import something first; what a cloud has just committed, voltherd store compact "
            "brings into files",
        )
    if not records:
        check_marker(root / MARKER)
    columns = (
        "* EXCLUDE (body, digest) RENAME (vehicle AS vehicle_id), first_second AS unix_time_second"
        if records
        else "* RENAME (vehicle AS vehicle_id)"
    )
    return (
        f"SELECT {columns} "
        f"FROM read_parquet({literal(f'{plain(folder)}/vehicle=*/day=*/{file}')}, "
        "union_by_name=true, hive_partitioning=true, "
        "hive_types={'vehicle': VARCHAR, 'day': DATE})"
    )


def _kind(column: str) -> str:
    """Give the type of a handed-over column, which its name tells."""
    if column in ("body", "facts"):
        return "JSON"
    if column in ("series", "parallel"):
        return "BIGINT"
    return "DOUBLE" if column.endswith(("_second", "_ah")) else "VARCHAR"

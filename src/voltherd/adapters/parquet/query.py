"""One question over telemetry, asset records and event documents together.

DuckDB's own SQLite reader is an extension that has to be fetched; the small tables (facts and
documents) are handed over as rows instead, and the large one (telemetry) is read where it lies.

In SQL there are then ``telemetry`` (the columns of ``types.channel`` plus ``vehicle_id`` and
``day``) and every table that was given.  For instance, the lowest voltage of cell 1 in the hour
before each visit to a workshop, with model and note::

    SELECT v.vehicle_id, v.model, d.body->>'note' AS note, min(t.voltage_volt_cell_001) AS lowest
    FROM document d
    JOIN vehicle v USING (vehicle_id)
    JOIN telemetry t ON t.vehicle_id = d.vehicle_id
        AND t.unix_time_second BETWEEN d.unix_time_second - 3600 AND d.unix_time_second
    WHERE d.kind = 'workshop'
    GROUP BY ALL ORDER BY lowest
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from voltherd.adapters.parquet.layout import FILE, MARKER, check_marker
from voltherd.adapters.parquet.store import connection, is_store, literal, plain
from voltherd.errors import StoreError, UsageError

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

    if not is_store(root) or next(root.glob(f"vehicle=*/day=*/{FILE}"), None) is None:
        raise StoreError("no store with telemetry", where=str(root), mend="import something first")
    check_marker(root / MARKER)
    folder = str(root.absolute())
    with connection() as con:
        try:
            statements = con.extract_statements(sql)
            if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
                raise UsageError("not a question", mend="ask one SELECT")
            con.execute(f"SET allowed_directories = [{literal(folder)}]")
            con.execute("SET enable_external_access = false")
            con.execute(
                "CREATE VIEW telemetry AS SELECT * RENAME (vehicle AS vehicle_id) "
                f"FROM read_parquet({literal(f'{plain(folder)}/vehicle=*/day=*/{FILE}')}, "
                "union_by_name=true, hive_partitioning=true, "
                "hive_types={'vehicle': VARCHAR, 'day': DATE})"
            )
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


def _kind(column: str) -> str:
    """Give the type of a handed-over column, which its name tells."""
    if column in ("body", "facts"):
        return "JSON"
    if column in ("series", "parallel"):
        return "BIGINT"
    return "DOUBLE" if column.endswith(("_second", "_ah")) else "VARCHAR"

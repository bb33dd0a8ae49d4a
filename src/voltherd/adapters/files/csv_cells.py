"""Fields of text to numbers, column by column, counting what is no number.

DuckDB parses; columns that are plain numbers take the fast way, the others a second look at decimal
commas, digit grouping and units behind the number.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from jaxtyping import Int

from voltherd.adapters.files.csv_layout import Layout
from voltherd.adapters.files.duck import columns_of, connection, literal, one_row, quoted
from voltherd.errors import UnreadableError
from voltherd.types.report import Remark

if TYPE_CHECKING:
    import duckdb

_NO_VALUE: Final = ("", "NULL", "null", "N/A", "n/a", "NA", "None", "none", "-", "--", "NaN", "nan")
_NUMBER_SHARE: Final = 0.5
_CHUNK: Final = 64
"""Columns judged in one statement, which bounds its length for wide tables."""


class _Look(NamedTuple):
    """How a column of text is read: the expression, and what it means for people."""

    expression: str
    comma: bool = False
    unit: str = ""
    array: bool = False
    bad: int = 0
    filled: int = 0


def cells_of(
    clean: Path, layout: Layout, line: Int[np.ndarray, "time"], where: str
) -> tuple[dict[str, np.ndarray], dict[str, str], tuple[Remark, ...]]:
    """Parse a clean file.

    Args:
        clean: Rows of data only, all of one width, UTF-8.
        layout: Of the file it was made from.
        line: Line number in that file, per row.
        where: That file, for people.

    Returns:
        Columns by name, units found behind the numbers, and remarks.

    Raises:
        UnreadableError: The text contradicts what was judged from its first lines.
    """
    import duckdb

    try:
        with connection() as con:
            # A table between, because DuckDB 2.0 pushes TRY_CAST into its CSV scan as a plain CAST,
            # which refuses the file at the first text among numbers.
            con.execute(f"CREATE TEMP TABLE clean AS SELECT * FROM {_source(clean, layout)}")
            source = "clean"
            looks = _looks(con, source, len(layout.names))
            select = ", ".join(
                f"{look.expression} AS {quoted(name)}"
                for name, look in zip(_sql_names(layout.names), looks, strict=True)
            )
            fetched, _, notes = columns_of(con, f"(SELECT {select} FROM {source})")
            notes = tuple(
                replace(note, channel=layout.names[int(note.channel[1:])]) for note in notes
            )
            bad = list(_bad_values(con, source, layout, looks, line))
    except (duckdb.Error, MemoryError) as error:
        raise UnreadableError(
            f"not readable as delimited text ({str(error).splitlines()[0][:120]})",
            where=where,
            mend="export it again as plain CSV",
        ) from error
    columns = dict(zip(layout.names, fetched.values(), strict=True))
    units = {n: look.unit for n, look in zip(layout.names, looks, strict=True) if look.unit}
    commas = [n for n, look in zip(layout.names, looks, strict=True) if look.comma]
    if commas:
        notes += (
            Remark(
                reason="decimal_comma",
                channel="",
                count=len(commas),
                total=len(layout.names),
                detail="columns written with a decimal comma or grouped digits",
                examples=tuple(commas[:5]),
            ),
        )
    return columns, units, (*notes, *bad)


def _sql_names(names: Sequence[str]) -> list[str]:
    """Names that stay distinct in SQL, which takes 'T' and 't' for one."""
    return [f"x{i}" for i in range(len(names))]


def _source(clean: Path, layout: Layout) -> str:
    """Give the table function that reads the clean file, every field as text."""
    columns = ", ".join(f"x{i}: 'VARCHAR'" for i in range(layout.fields))
    nulls = ", ".join(literal(word) for word in _NO_VALUE)
    return (
        f"read_csv({literal(str(clean))}, auto_detect=false, header=false, "
        f"delim={literal(layout.delimiter)}, quote='\"', escape='\"', new_line='\\n', "
        f"columns={{{columns}}}, nullstr=[{nulls}], max_line_size=16777216, "
        "comment='', allow_quoted_nulls=true)"
    )


def _looks(con: "duckdb.DuckDBPyConnection", source: str, count: int) -> list[_Look]:
    """Decide how each column is read."""
    looks: list[_Look] = []
    for start in range(0, count, _CHUNK):
        part = range(start, min(start + _CHUNK, count))
        ends = ", ".join(f"count(x{i}), count(TRY_CAST(x{i} AS DOUBLE))" for i in part)
        found = one_row(con, f"SELECT {ends} FROM {source}")
        for k, i in enumerate(part):
            filled, numbers = found[2 * k], found[2 * k + 1]
            if numbers == filled:
                looks.append(_Look(f"TRY_CAST(x{i} AS DOUBLE)", filled=filled))
            else:
                looks.append(_second_look(con, source, f"x{i}", filled, numbers))
    return looks


def _second_look(
    con: "duckdb.DuckDBPyConnection", source: str, column: str, filled: int, numbers: int
) -> _Look:
    """Look for decimal commas, grouped digits, a unit behind the number, or arrays."""
    unit_pattern = r"^\s*[-+]?[0-9][0-9.,'']*([eE][-+]?[0-9]+)?\s*([%°a-zA-ZΩµ/]{1,6})\s*$"
    comma = f"contains({column}, ',') AND NOT regexp_matches({column}, '[a-zA-Z:]{{2}}')"
    found = one_row(
        con,
        f"SELECT count(*) FILTER ({comma}), "
        f"count(*) FILTER ({comma} AND contains({column}, '.') "
        f"AND instr({column}, ',') < instr({column}, '.')), "
        f"count(*) FILTER (regexp_matches({column}, '^[^,.]*,[0-9]{{3}}(,[0-9]{{3}})+$')), "
        f"count(*) FILTER (regexp_matches({column}, '{unit_pattern}')), "
        f"mode(nullif(regexp_extract({column}, '{unit_pattern}', 2), '')), "
        f"count(TRY_CAST({column} AS DOUBLE[])) FROM {source}",
    )
    commas, before_point, grouped, with_unit, unit, arrays = found
    if arrays > 0.9 * filled:
        return _Look(f"TRY_CAST({column} AS DOUBLE[])", array=True, bad=filled - arrays)
    text = f"trim({column})"
    if with_unit > _NUMBER_SHARE * filled and unit:
        behind = literal(rf"\s*{_escaped(unit)}\s*$")
        text = f"trim(regexp_replace({column}, {behind}, ''))"
    else:
        unit = ""
    if commas:
        # 1,234.5 and 1,234,567 group by comma; everything else with a comma has it as the point.
        text = (
            f"replace({text}, ',', '')"
            if before_point + grouped
            else f"replace(CASE WHEN contains({text}, ',') THEN replace({text}, '.', '') "
            f"ELSE {text} END, ',', '.')"
        )
    expression = f"TRY_CAST(replace({text}, '''', '') AS DOUBLE)"
    (mended,) = one_row(con, f"SELECT count({expression}) FROM {source}")
    if mended <= numbers:
        expression, mended, commas, unit = f"TRY_CAST({column} AS DOUBLE)", numbers, 0, ""
    if not filled or mended < _NUMBER_SHARE * filled:
        return _Look(f"trim({column})", filled=filled)
    return _Look(expression, comma=bool(commas), unit=unit, bad=filled - mended, filled=filled)


def _escaped(unit: str) -> str:
    return "".join(c if c.isalnum() else f"\\{c}" for c in unit)


def _bad_values(
    con: "duckdb.DuckDBPyConnection",
    source: str,
    layout: Layout,
    looks: Sequence[_Look],
    line: Int[np.ndarray, "time"],
) -> Iterator[Remark]:
    """Count, with examples, what is no number in columns of numbers."""
    for i, (name, look) in enumerate(zip(layout.names, looks, strict=True)):
        if not look.bad:
            continue
        rows = con.execute(
            f"SELECT n, x{i} FROM (SELECT row_number() OVER () AS n, x{i}, {look.expression} AS y "
            f"FROM {source}) WHERE x{i} IS NOT NULL AND y IS NULL ORDER BY n LIMIT 5"
        ).fetchall()
        yield Remark(
            reason="not_a_number",
            channel=name,
            count=look.bad,
            total=look.filled or len(line),
            detail="text in a column of numbers is read as no value",
            examples=tuple(f"line {line[n - 1]}: {str(text)[:40]!r}" for n, text in rows),
            mend="",
        )

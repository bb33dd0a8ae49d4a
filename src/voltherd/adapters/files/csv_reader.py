"""Delimited text: any delimiter, decimal comma, encoding, lines before the header, row of units.

The text is first made clean (only rows of data, all of one width, UTF-8), counting every line that
is left out, and then parsed by DuckDB; so nothing is dropped that is not counted here.
"""

import csv
import io
import tempfile
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Final, TextIO, final

import numpy as np

from voltherd.adapters.files.csv_cells import cells_of
from voltherd.adapters.files.csv_layout import (
    COLUMNS_MAX,
    COMMENT,
    SAMPLE_LINES,
    Layout,
    layout_of,
)
from voltherd.adapters.files.text import encoding_of, lines_of
from voltherd.errors import InputError, UnreadableError
from voltherd.types.report import Remark
from voltherd.types.table import RawTable

_QUOTED_LINES_MAX: Final = 100
_REASONS: Final = {
    "ragged_row": (
        "rows with another number of fields than the rest were left out",
        "check the delimiter, or whether the file was cut short",
    ),
    "comment_line": ("comment lines among the data were left out", ""),
    "repeated_header": ("the header appears again among the data", "files were joined"),
    "zero_bytes": (
        "rows with zero bytes, as a logger leaves them at power loss, were left out",
        "",
    ),
}


@final
@dataclass(slots=True)
class _Clean:
    """What became of the lines of one file."""

    line: "array[int]" = field(default_factory=lambda: array("q"))
    rejected: dict[str, list[tuple[int, str]]] = field(default_factory=dict)
    count: dict[str, int] = field(default_factory=dict)

    def reject(self, reason: str, number: int, line: str) -> None:
        self.count[reason] = self.count.get(reason, 0) + 1
        if self.count[reason] <= 5:
            self.rejected.setdefault(reason, []).append((number, line[:60]))

    def remarks(self) -> Iterator[Remark]:
        total = len(self.line) + sum(self.count.values())
        for reason, examples in self.rejected.items():
            detail, mend = _REASONS[reason]
            yield Remark(
                reason=reason,
                channel="",
                count=self.count[reason],
                total=total,
                detail=detail,
                examples=tuple(f"line {number}: {text!r}" for number, text in examples),
                mend=mend,
            )


def read_csv(path: Path) -> RawTable:
    """Read one delimited text file whole.

    Args:
        path: The file.

    Returns:
        Its columns under their own names: numbers where at least half of a column's values are
        numbers (the others are counted in the notes), else text.

    Raises:
        UnreadableError: Binary content, or a line or table beyond all limits.
        InputError: No rows of data.
    """
    encoding = encoding_of(path)
    head = [line for _, line in islice(lines_of(path, encoding), SAMPLE_LINES)]
    widest = max((sum(line.count(mark) for mark in ",;\t|") for line in head), default=0)
    layout = layout_of(head) if widest < COLUMNS_MAX else None
    if layout is None or layout.fields > COLUMNS_MAX:
        raise UnreadableError(
            f"a line with {widest:,} delimiters is no row of telemetry",
            where=str(path),
            mend=f"at most {COLUMNS_MAX:,} columns are read",
        )
    with tempfile.TemporaryDirectory(prefix="voltherd-") as folder:
        clean_path = Path(folder, "clean.csv")
        with clean_path.open("w", encoding="utf-8", errors="replace", newline="") as out:
            clean = _cleaned(lines_of(path, encoding), layout, out)
        if not clean.line:
            found = ", ".join(name[:30] for name in layout.names[:8])
            raise InputError(
                f"only a header ({found}), no rows of data" if layout.header_line else "no data",
                where=str(path),
                mend="export it again with data in it",
            )
        columns, units, cell_notes = cells_of(
            clean_path, layout, np.fromiter(clean.line, np.int64, len(clean.line)), str(path)
        )
    return RawTable(
        source=str(path),
        columns=columns,
        notes=(*_layout_notes(layout, encoding), *clean.remarks(), *cell_notes),
        units=layout.units | units,
    )


def _cleaned(lines: Iterator[tuple[int, str]], layout: Layout, out: TextIO) -> _Clean:
    """Write the rows of data, and only them, one per line."""
    clean = _Clean()
    delimiters = layout.fields - 1
    header = ""
    for number, line in lines:
        if number < layout.data_line:
            if number == layout.header_line:
                header = line
            continue
        if not line or line.isspace():
            continue
        if "\x00" in line:
            clean.reject("zero_bytes", number, line.replace("\x00", ""))
        elif line.lstrip().startswith(COMMENT):
            clean.reject("comment_line", number, line)
        elif line == header:
            clean.reject("repeated_header", number, line)
        elif '"' in line:
            _quoted(number, line, lines, layout, clean, out)
        elif line.count(layout.delimiter) != delimiters:
            clean.reject("ragged_row", number, line)
        else:
            out.write(line + "\n")
            clean.line.append(number)
    return clean


def _quoted(
    number: int,
    line: str,
    lines: Iterator[tuple[int, str]],
    layout: Layout,
    clean: _Clean,
    out: TextIO,
) -> None:
    """Take one row with quotes, which may go on over several lines."""
    text, taken = line, 0
    while text.count('"') % 2 and taken < _QUOTED_LINES_MAX:
        more = next(lines, None)
        if more is None:
            break
        text, taken = text + " " + more[1], taken + 1
    try:
        row = next(csv.reader([text], delimiter=layout.delimiter), [])
    except csv.Error:
        row = []
    if len(row) != layout.fields or text.count('"') % 2:
        clean.reject("ragged_row", number, line)
        return
    buffer = io.StringIO()
    csv.writer(buffer, delimiter=layout.delimiter, lineterminator="\n").writerow(
        [value.replace("\n", " ").replace("\r", " ") for value in row]
    )
    out.write(buffer.getvalue())
    clean.line.append(number)


def _layout_notes(layout: Layout, encoding: str) -> Iterator[Remark]:
    """Say what was judged about the file as a whole."""
    columns = len(layout.names)
    if encoding != "utf-8-sig":
        yield Remark(reason="encoding", channel="", count=1, total=1, detail=f"read as {encoding}")
    if layout.header_line is None:
        yield Remark(
            reason="no_header",
            channel="",
            count=columns,
            total=columns,
            detail="no header was found; columns are numbered",
            mend="add a line of names, or name the columns in a profile",
        )
    elif layout.invented:
        yield Remark(
            reason="column_renamed",
            channel="",
            count=len(layout.invented),
            total=columns,
            detail="columns without a name, or with one already taken, were given one",
            examples=layout.invented[:5],
        )
    before = layout.data_line - 1 - (layout.header_line is not None)
    if before > 0:
        yield Remark(
            reason="lines_before_data",
            channel="",
            count=before,
            total=before,
            detail="lines above the data that are not the header (comments, units, notes)",
        )

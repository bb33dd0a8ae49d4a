"""How a delimited text is laid out: delimiter, lines before the header, header, row of units.

Judged from the first lines alone, by these steps:

1. the delimiter under which most lines have the same number of fields, two at least;
2. the first line of that width that is mostly numbers or times: data begin there;
3. the nearest line above it with names: the header, commented or not;
4. between both, a line that is mostly unit symbols: the row of units.
"""

import csv
import re
from collections import Counter
from collections.abc import Sequence
from typing import Final, NamedTuple

SAMPLE_LINES: Final = 200
COLUMNS_MAX: Final = 10_000
DELIMITERS: Final = "\t;|,^~ "
"""Most telling first: a comma may be a decimal comma, a blank may stand inside a time."""
COMMENT: Final = ("#", "//", "%")

_NUMBER = re.compile(r"^[+-]?(\d[\d.,']*|[.,]\d+)([eE][+-]?\d+)?\s*[%°A-Za-zΩµ/]{0,5}$")
_TIME = re.compile(r"^\[?(\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}|\d{1,2}:\d{2})")
_NO_VALUE = frozenset(("", "nan", "null", "none", "n/a", "na", "-", "--", "true", "false", "inf"))
_UNIT = re.compile(
    r"^[\[(]?\s*(-|1|[mkµu]?[VAWsJΩ]|mAh|k?Wh|Ah|°?\s?[CFK]|deg\s?[CFK]|degC|%|km/?h|kph|mph|km|mi"
    r"|m|min|h|ms|us|[kM]?[Oo]hm|[kM]Ω|bar|k?Pa|hPa|rpm|Nm|Hz|volts?|amps?|ampere|celsius|seconds?"
    r"|percent|datetime|timestamp|utc|hh:mm:ss|yyyy\S*(\s\S+)?)?\s*[\])]?$",
    re.IGNORECASE,
)
_BRACKETED = re.compile(r"[\[(]([^\[\]()]{1,20})[\])]\s*$")


class Layout(NamedTuple):
    """Where a delimited text keeps what.

    Attributes:
        delimiter: Between two fields.
        names: One per column, unique, as the header writes them.
        units: By column, where the source declares one.
        header_line: Number of the header's line from 1, None where there is none.
        data_line: Number of the first line of data from 1.
        fields: Fields in each row of data; one more than names where rows end in a delimiter.
        invented: Columns that had no name or one already taken.
    """

    delimiter: str
    names: tuple[str, ...]
    units: dict[str, str]
    header_line: int | None
    data_line: int
    fields: int
    invented: tuple[str, ...]


def split(line: str, delimiter: str) -> list[str]:
    """Split one line, honouring quotes.

    >>> split('"1,5",2', ",")
    ['1,5', '2']
    """
    if '"' not in line:
        return line.split(delimiter)
    return next(csv.reader([line], delimiter=delimiter), [""])


def delimiter_of(lines: Sequence[str]) -> str:
    """Find the delimiter; a comma where nothing divides the lines.

    >>> delimiter_of(["t;v", "1,5;3,651", "2,5;3,652"])
    ';'
    """
    best, best_score = ",", 0.0
    for delimiter in DELIMITERS:
        widths = Counter(len(split(line, delimiter)) for line in lines)
        width, count = max(widths.items(), key=lambda item: (item[1], item[0]))
        score = count / len(lines) if width > 1 else 0.0
        # A delimiter further down the list must be clearly better, not merely as good.
        if score >= 0.5 and score > best_score + 0.2:
            best, best_score = delimiter, score
    return best


def looks_like_data(fields: Sequence[str]) -> bool:
    """Say whether most fields with content are numbers or times.

    >>> looks_like_data(["2024-01-01 10:00", "3.65", "idle"]), looks_like_data(["time", "V_1"])
    (True, False)
    """
    filled = [f for f in map(str.strip, fields) if f.lower() not in _NO_VALUE]
    if not filled:
        return False
    numbers = sum(bool(_NUMBER.match(f) or _TIME.match(f) or f.startswith("[")) for f in filled)
    return 2 * numbers >= len(filled)


def looks_like_units(fields: Sequence[str]) -> bool:
    """Say whether the fields are unit symbols.

    >>> looks_like_units(["s", "V", "[A]", "degC"]), looks_like_units(["time", "voltage", "a1"])
    (True, False)
    """
    filled = [f for f in map(str.strip, fields) if f]
    return bool(filled) and sum(bool(_UNIT.match(f)) for f in filled) >= 0.6 * len(filled)


def layout_of(lines: Sequence[str]) -> Layout:
    """Judge the layout from the first lines of a text.

    Args:
        lines: At most ``SAMPLE_LINES`` of them, from the first on.

    Returns:
        The layout; names are invented where no header is found.
    """
    lines = _joined(lines)
    plain = [line for line in lines if line.strip() and not line.lstrip().startswith(COMMENT)]
    delimiter = delimiter_of(plain or [""])
    rows = [split(_uncommented(line), delimiter) for line in lines]
    body = [i for i, line in enumerate(lines) if line.strip() and not _is_comment(line)]
    width = Counter(len(rows[i]) for i in body[len(body) // 2 :]).most_common(1)
    fields = width[0][0] if width else 1
    data = next((i for i in body if len(rows[i]) == fields and looks_like_data(rows[i])), None)
    header, units_row = _header(rows, body, data, fields, _filled(rows, data, fields))
    if data is None:
        data = len(lines) if header is None else (units_row or header) + 1
    names, invented = _names(rows[header] if header is not None else [], rows, data, fields)
    units = {
        name: match[1].strip() for name in names if (match := _BRACKETED.search(name)) is not None
    }
    if units_row is not None:
        row = rows[units_row]
        units |= {n: u.strip(" []()") for n, u in zip(names, row, strict=False) if u.strip(" []()")}
    return Layout(
        delimiter=delimiter,
        names=names,
        units=units,
        header_line=None if header is None else header + 1,
        data_line=data + 1,
        fields=fields,
        invented=invented,
    )


def _joined(lines: Sequence[str]) -> list[str]:
    """Bring a quoted field that goes on over lines back to its first line, the others blank."""
    whole: list[str] = []
    first = -1
    for i, line in enumerate(lines):
        if first >= 0:
            whole[first] += " " + line
            whole.append("")
        else:
            whole.append(line)
            first = i if not _is_comment(line) else -1
        if first >= 0 and whole[first].count('"') % 2 == 0:
            first = -1
    return whole if first < 0 else list(lines)


def _is_comment(line: str) -> bool:
    return line.lstrip().startswith(COMMENT)


def _uncommented(line: str) -> str:
    return line.lstrip().lstrip("#/%").lstrip() if _is_comment(line) else line


def _filled(rows: Sequence[Sequence[str]], data: int | None, fields: int) -> int:
    """Count the fields of a row up to the last one that any row of data fills."""
    whole = [row for row in rows[data:] if len(row) == fields] if data is not None else []
    return max((i + 1 for row in whole for i, text in enumerate(row) if text.strip()), default=0)


def _header(
    rows: Sequence[Sequence[str]], body: Sequence[int], data: int | None, fields: int, filled: int
) -> tuple[int | None, int | None]:
    """Find the header and the row of units above the data."""
    if data is None:
        # No numbers anywhere: a table of text, or a header alone.
        first = next((i for i in body if len(rows[i]) == fields), None)
        return first, None
    # rows may end in delimiters that the header lacks: it names at least what is filled
    least = min(filled, fields - 1) if filled > 1 else fields - 1
    widths = range(max(2, least), fields + 2) if fields > 1 else (1,)
    above = [i for i in range(data - 1, -1, -1) if any(field.strip() for field in rows[i])]
    units = next(
        (i for i in above[:2] if len(rows[i]) in widths and looks_like_units(rows[i])), None
    )
    if units is not None:
        named = [i for i in above if i < units]
        if named and len(rows[named[0]]) in widths:
            return named[0], units
    for i in above[:3]:
        if len(rows[i]) in widths and not looks_like_data(rows[i]):
            return i, None
    return None, None


def _names(
    header: Sequence[str], rows: Sequence[Sequence[str]], data: int, fields: int
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Make the header's names unique and complete."""
    given = [name.strip().strip('"').strip() for name in header][:fields]
    tail = [row[-1].strip() for row in rows[data:] if len(row) == fields]
    count = fields
    if fields > 1 and not any(tail) and (len(given) < fields or not given[-1]):
        count = fields - 1  # every row ends in a delimiter
    given = (given + [""] * count)[:count]
    names: list[str] = []
    invented: list[str] = []
    taken: set[str] = set()
    for i, name in enumerate(given, start=1):
        unique = name or f"column_{i}"
        suffix = 2
        while unique in taken:
            unique = f"{name or 'column'}_{suffix}"
            suffix += 1
        if unique != name:
            invented.append(unique)
        taken.add(unique)
        names.append(unique)
    return tuple(names), tuple(invented)

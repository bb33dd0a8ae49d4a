"""Terminal text: display width, wrapping, columns and paint.

Widths are counted in terminal columns after Unicode Standard Annex 11: an East Asian wide letter
takes two, a combining mark none.  Everything is laid out plain and painted last, so that colour
never moves a column.
"""

import re
import unicodedata
from dataclasses import dataclass, field
from enum import StrEnum
from typing import final

_PLAIN_SPACE = re.compile(r"[ \t\n]+")


class Paint(StrEnum):
    """Select graphic rendition codes of ECMA-48, 8.3.117."""

    NONE = ""
    BOLD = "1"
    DIM = "2"
    BLUE = "34"
    ORANGE = "33"
    RED = "1;31"


def paint(text: str, style: Paint, colour: bool) -> str:
    """Colour a text where colour is wanted.

    >>> paint("safety", Paint.RED, False)
    'safety'
    """
    return f"\x1b[{style.value}m{text}\x1b[0m" if colour and style and text else text


def display_width(text: str) -> int:
    """Count the terminal columns a text takes.

    >>> display_width("V_81"), display_width("車3"), display_width("é")
    (4, 3, 1)
    """
    return sum(_letter_width(letter) for letter in text)


def _letter_width(letter: str) -> int:
    if letter < "\x7f":
        return 1
    if unicodedata.combining(letter):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1


def wrap(text: str, width: int) -> list[str]:
    """Break a text into lines of at most ``width`` columns, at spaces where that is possible.

    A no-break space stays whole; a word wider than a line is broken.

    >>> wrap("charge it to full and wait", 12)
    ['charge it to', 'full and', 'wait']
    """
    assert width > 1
    lines: list[str] = []
    line = ""
    for word in _PLAIN_SPACE.split(text.strip(" \t\n")):
        while True:
            joined = f"{line} {word}" if line else word
            if display_width(joined) <= width:
                line = joined
                break
            if line:
                lines.append(line)
                line = ""
                continue
            head = _fitting(word, width)
            lines.append(head)
            word = word[len(head) :]
    return [*lines, line] if line or not lines else lines


def _fitting(word: str, width: int) -> str:
    used = 0
    for position, letter in enumerate(word):
        used += _letter_width(letter)
        if used > width:
            return word[:position]
    return word


def indent(text: str, width: int, first: str, rest: str = "") -> list[str]:
    """Wrap a text behind a lead; later lines stand under its first letter.

    >>> indent("take the vehicle out of service", 20, "do: ")
    ['do: take the vehicle', '    out of service']
    """
    rest = rest or " " * display_width(first)
    lines = wrap(text, max(12, width - display_width(first)))
    return [(first if row == 0 else rest) + line for row, line in enumerate(lines)]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a text table.

    Attributes:
        header: Its heading, empty for none.
        cells: One text per row.
        least: Columns it may be narrowed to.
        right: Whether to set its cells flush right.
        paints: A style per row, none where shorter.
    """

    header: str
    cells: tuple[str, ...]
    least: int = 6
    right: bool = False
    paints: tuple[Paint, ...] = field(default=())


def table(columns: tuple[Column, ...], width: int, colour: bool, gap: int = 2) -> list[list[str]]:
    """Lay out a table, narrowing the widest columns first until it fits.

    Args:
        columns: All with equally many cells.
        width: Terminal columns available.
        colour: Whether to paint.
        gap: Spaces between columns.

    Returns:
        The lines of the heading, then the lines of each row.
    """
    rows = len(columns[0].cells)
    assert all(len(column.cells) == rows for column in columns)
    sizes = [max(display_width(text) for text in (c.header, *c.cells)) for c in columns]
    floors = [max(c.least, display_width(c.header)) for c in columns]
    room = width - gap * (len(columns) - 1)
    sizes = _narrowed(sizes, [max(f, _word(c)) for f, c in zip(floors, columns, strict=True)], room)
    sizes = _narrowed(sizes, floors, room)  # only now are words broken
    heading = _row([c.header for c in columns], columns, sizes, [Paint.DIM] * len(columns), colour)
    body = []
    for row in range(rows):
        styles = [c.paints[row] if row < len(c.paints) else Paint.NONE for c in columns]
        body.append(_row([c.cells[row] for c in columns], columns, sizes, styles, colour, gap))
    return [heading, *body]


def _word(column: Column) -> int:
    words = (word for text in column.cells for word in _PLAIN_SPACE.split(text))
    return max((display_width(word) for word in words), default=0)


def _narrowed(sizes: list[int], floors: list[int], room: int) -> list[int]:
    sizes = list(sizes)
    while sum(sizes) > room:
        spare = [size if size > floor else 0 for size, floor in zip(sizes, floors, strict=True)]
        if not any(spare):
            break
        sizes[spare.index(max(spare))] -= 1
    return sizes


def _row(
    texts: list[str],
    columns: tuple[Column, ...],
    sizes: list[int],
    styles: list[Paint],
    colour: bool,
    gap: int = 2,
) -> list[str]:
    blocks = [wrap(text, max(2, size)) for text, size in zip(texts, sizes, strict=True)]
    lines = []
    for height in range(max(len(block) for block in blocks)):
        parts = []
        for block, size, style, column in zip(blocks, sizes, styles, columns, strict=True):
            text = block[height] if height < len(block) else ""
            fill = " " * max(0, size - display_width(text))
            painted = paint(text, style, colour)
            parts.append(fill + painted if column.right else painted + fill)
        lines.append((" " * gap).join(parts).rstrip())
    return lines

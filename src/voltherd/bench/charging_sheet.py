"""A small table of what was computed, for people and for programs, with what has to hold of it."""

import math
from typing import Any, NamedTuple

from voltherd.bench.charging_goals import Goal

Value = str | float


class Sheet(NamedTuple):
    """One table.

    Attributes:
        title: What it shows.
        columns: Name and format of each; texts need no format.
        rows: Values by column.
        notes: What has to be known to read it.
        goals: What has to hold.
    """

    title: str
    columns: tuple[tuple[str, str], ...]
    rows: tuple[tuple[Value, ...], ...]
    notes: tuple[str, ...] = ()
    goals: tuple[Goal, ...] = ()

    def plain(self) -> dict[str, Any]:
        """Give it for programs."""
        names = [name or "name" for name, _ in self.columns]
        rows = [dict(zip(names, row, strict=True)) for row in self.rows]
        return {"title": self.title, "rows": rows, "notes": list(self.notes)}

    def text(self) -> str:
        """Give it for people: texts to the left, numbers to the right.

        >>> print(Sheet("charges", (("way", ""), ("h", ".1f")), (("slow", 8.0),)).text())
        charges
          way     h
          slow  8.0
        """
        cells = [
            [_told(value, spec) for value, (_, spec) in zip(row, self.columns, strict=True)]
            for row in self.rows
        ]
        names = [name for name, _ in self.columns]
        widths = [max(map(len, column)) for column in zip(names, *cells, strict=True)]
        lines = [
            "  ".join(
                cell.rjust(width) if spec else cell.ljust(width)
                for cell, width, (_, spec) in zip(line, widths, self.columns, strict=True)
            ).rstrip()
            for line in (names, *cells)
        ]
        return "\n".join([self.title, *(f"  {line}" for line in (*lines, *self.notes))])


def _told(value: Value, spec: str) -> str:
    if isinstance(value, str):
        return value
    return "never" if value == math.inf else "–" if math.isnan(value) else format(value, spec)

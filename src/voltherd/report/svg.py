"""The small plots of a finding as SVG: units on the axes, numbers printed, no colour without shape.

Colours come from the page's style sheet (classes), so that light, dark and print each have their
own.  Every plot carries a title and a description for those who cannot see it.
"""

import math
import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from voltherd.report.axis import Axis, number_axis, time_axis
from voltherd.report.markup import Markup, element, joined
from voltherd.report.words import clean, day_in_words, moment, number
from voltherd.types.event import Plot

WIDTH: Final = 380.0
HEIGHT: Final = 230.0
_LEFT: Final = 50.0
_RIGHT: Final = 372.0
_TOP: Final = 34.0
_BOTTOM: Final = 184.0
_UNIT: Final = re.compile(r"\[([^\]]+)\]\s*$")
_SIZE_MAX: Final = 1e100
POINTS_MAX: Final = 320
"""More points than that share a column of pixels; each column keeps its extremes."""
LABELS_MAX: Final = 3
LETTER_WIDTH: Final = 7.4
LEGEND_GAP: Final = 37.0
"""Allowance for one letter at a phone's letter size, and for a legend's line and spacing."""
LABEL_ROOM: Final = 0.16
"""Share of the range kept free beyond the bars for the numbers printed there."""


def drawable(value: float) -> bool:
    """Tell whether a value can be placed on an axis; NaN cannot.

    >>> drawable(-4.2), drawable(math.nan), drawable(1e200)
    (True, False, False)
    """
    return abs(value) < _SIZE_MAX


def plot_svg(plot: Plot, key: str) -> Markup:
    """Draw a plot.

    Args:
        plot: The series and what to look at.
        key: A name unique in the page, for the title's and description's ids.

    Returns:
        One ``svg`` element, 380 by 230 units, that scales with its box.
    """
    values = [y for _, line in plot.series for y in line if y is not None and drawable(y)]
    known = [x for x in plot.x if drawable(x)]
    if not values or not known:
        body = joined([element("text", "no values to show", x="190", y="110", class_="mid")])
    else:
        body = _drawn(plot, known, values)
    return element(
        "svg",
        element("title", plot.title, id=f"{key}-t"),
        element("desc", description(plot), id=f"{key}-d"),
        body,
        viewBox=f"0 0 {WIDTH:g} {HEIGHT:g}",
        role="img",
        aria_labelledby=f"{key}-t {key}-d",
        class_="plot",
    )


def description(plot: Plot) -> str:
    """Say in words what a plot shows: axes, ranges, and the values pointed at."""
    known = [x for x in plot.x if drawable(x)]
    parts = [f"{clean(plot.y_label)} against {clean(plot.x_label)}"]
    if known:
        low, high = min(known), max(known)
        ends = (moment(low), moment(high)) if plot.x_is_time else (number(low), number(high))
        parts.append(f"from {ends[0]} to {ends[1]}")
    for name, line in plot.series:
        values = [y for y in line if y is not None and drawable(y)]
        if values:
            span = f"{number(min(values))} to {number(max(values))}"
            parts.append(f"{clean(name)}: {span}")
    for position in plot.highlight[:12]:
        text = _pointed(plot, position)
        if text:
            parts.append(text)
    return "; ".join(parts) + "."


def _pointed(plot: Plot, position: int) -> str:
    if not plot.series or not 0 <= position < min(len(plot.x), len(plot.series[0][1])):
        return ""
    value = plot.series[0][1][position]
    if value is None or not drawable(value):
        return ""
    at = day_in_words(plot.x[position]) if plot.x_is_time else number(plot.x[position])
    return f"at {at}: {number(value)}"


def _drawn(plot: Plot, known: list[float], values: list[float]) -> Markup:
    bars = plot.kind == "bar"
    low, high = min(known), max(known)
    if bars:
        step = _step(known)
        low, high = low - step / 2.0, high + step / 2.0
        values = [0.0, *values]
    room = LABEL_ROOM * (max(values) - min(values))
    values = values + [y - room * _side(plot, y) for _, y in _spots(plot)]
    across = (
        time_axis(low, high, _LEFT, _RIGHT)
        if plot.x_is_time
        else number_axis(low, high, _LEFT, _RIGHT, tight=True, whole=bars)
    )
    up = number_axis(min(values), max(values), _BOTTOM, _TOP, steps=4)
    parts = [_frame(plot, across, up)]
    if bars:
        parts.append(_bars(plot, across, up))
    else:
        parts += [
            _line(plot.x, line, across, up, rank) for rank, (_, line) in enumerate(plot.series[:4])
        ]
    parts.append(_marks(plot, across, up))
    if len(plot.series) > 1:
        parts.append(_legend(plot))
    return joined(parts)


def _step(known: list[float]) -> float:
    return min((b - a for a, b in pairwise(sorted(known)) if b > a), default=1.0)


def _frame(plot: Plot, across: Axis, up: Axis) -> Markup:
    parts = []
    for value, label in up.ticks:
        y = f"{up.place(value):.1f}"
        style = "zero" if value == 0.0 else "grid"
        parts.append(element("line", x1=f"{_LEFT:g}", x2=f"{_RIGHT:g}", y1=y, y2=y, class_=style))
        parts.append(element("text", label, x=f"{_LEFT - 6:g}", y=y, dy="0.35em", class_="end"))
    for value, label in across.ticks:
        x = f"{across.place(value):.1f}"
        parts.append(
            element("line", x1=x, x2=x, y1=f"{_BOTTOM:g}", y2=f"{_BOTTOM + 4:g}", class_="grid")
        )
        parts.append(element("text", label, x=x, y=f"{_BOTTOM + 17:g}", class_="mid"))
    label = clean(plot.x_label) + (f", {across.note}" if across.note else "")
    parts.append(
        element(
            "text", label, x=f"{(_LEFT + _RIGHT) / 2:g}", y=f"{HEIGHT - 8:g}", class_="mid name"
        )
    )
    parts.append(element("text", plot.y_label, x="2", y="14", class_="name"))
    return joined(parts)


def _bars(plot: Plot, across: Axis, up: Axis) -> Markup:
    step = _step([x for x in plot.x if drawable(x)])
    width = max(0.8, abs(across.place(step) - across.place(0.0)) * 0.72)
    base = up.place(0.0)
    shapes = []
    pointed = set(plot.highlight)
    for position, (x, y) in enumerate(zip(plot.x, plot.series[0][1], strict=False)):
        if y is None or not drawable(y) or not drawable(x):
            continue
        top = min(base, up.place(y))
        shapes.append(
            element(
                "rect",
                x=f"{across.place(x) - width / 2:.1f}",
                y=f"{top:.1f}",
                width=f"{width:.1f}",
                height=f"{max(0.6, abs(up.place(y) - base)):.1f}",
                class_="bar hot" if position in pointed else "bar",
            )
        )
    return joined(shapes)


def _line(
    xs: Sequence[float], ys: Sequence[float | None], across: Axis, up: Axis, rank: int
) -> Markup:
    path = ""
    pen = False
    for x, y in _thinned(xs, ys):
        if y is None or not drawable(y) or not drawable(x):
            pen = False
            continue
        path += f"{'L' if pen else 'M'}{across.place(x):.1f} {up.place(y):.1f}"
        pen = True
    return element("path", d=path, class_=f"line s{rank}")


def _thinned(xs: Sequence[float], ys: Sequence[float | None]) -> list[tuple[float, float | None]]:
    points = list(zip(xs, ys, strict=False))
    if len(points) <= POINTS_MAX:
        return points
    size = math.ceil(2 * len(points) / POINTS_MAX)
    kept: list[tuple[float, float | None]] = []
    for start in range(0, len(points), size):
        block = points[start : start + size]
        finite = [(y, n) for n, (_, y) in enumerate(block) if y is not None and drawable(y)]
        if not finite:
            kept.append((block[0][0], None))
            continue
        kept += [block[n] for n in sorted({min(finite)[1], max(finite)[1]})]
    return kept


def _spots(plot: Plot) -> list[tuple[float, float]]:
    line = plot.series[0][1] if plot.series else ()
    spots = []
    for position in sorted(set(plot.highlight)):
        y = line[position] if 0 <= position < min(len(plot.x), len(line)) else None
        if y is not None and drawable(y) and drawable(plot.x[position]):
            spots.append((plot.x[position], y))
    return spots


def _side(plot: Plot, y: float) -> float:
    """Choose where a value's number goes: 1 below, −1 above, away from what is drawn."""
    if plot.kind == "bar":
        return 1.0 if y < 0.0 else -1.0
    others = sorted(v for v in plot.series[0][1] if v is not None and drawable(v))
    return 1.0 if y < others[len(others) // 2] else -1.0


def _marks(plot: Plot, across: Axis, up: Axis) -> Markup:
    """Point at the highlighted values: a shape on each, the number on the extreme ones."""
    spots = _spots(plot)
    unit = _UNIT.search(clean(plot.y_label))
    ending = f"\N{NO-BREAK SPACE}{unit[1]}" if unit else ""
    many = len(spots) > LABELS_MAX
    largest = max(spots, key=lambda spot: abs(spot[1]), default=None)
    bars = plot.kind == "bar"
    parts = []
    for x, y in spots:
        at, height = across.place(x), up.place(y)
        down = _side(plot, y)
        if not bars:
            parts.append(
                element("circle", cx=f"{at:.1f}", cy=f"{height:.1f}", r="4", class_="point")
            )
        elif not many:
            tip, far = height + 2.0 * down, height + 8.0 * down
            triangle = f"M{at:.1f} {tip:.1f}L{at - 4:.1f} {far:.1f}L{at + 4:.1f} {far:.1f}Z"
            parts.append(element("path", d=triangle, class_="point"))
        if not many or (x, y) == largest:
            name = "" if plot.x_is_time else f"{number(x)}: "
            clear = 8.0 if bars and many else 14.0
            parts.append(_printed(name + number(y) + ending, at, height + clear * down, down))
    return joined(parts)


def _printed(text: str, at: float, edge: float, down: float) -> Markup:
    """Print a number whose near edge is at a height, inside the frame."""
    anchor = "start" if at < _LEFT + 40.0 else "end" if at > _RIGHT - 40.0 else "middle"
    shift = {"start": -5.0, "end": 5.0, "middle": 0.0}[anchor]
    return element(
        "text",
        text,
        x=f"{at + shift:.1f}",
        y=f"{edge + (9.0 if down > 0.0 else 0.0):.1f}",
        text_anchor=anchor,
        class_="value",
    )


def _terse(names: list[str]) -> list[str]:
    """Say what neighbours share once.

    >>> _terse(["V_2", "siblings, 5 %", "siblings, 95 %"])
    ['V_2', 'siblings, 5 %', '95 %']
    """
    heads = [name.rpartition(", ")[0] for name in names]
    return [
        name.rpartition(", ")[2]
        if rank and heads[rank] and heads[rank] == heads[rank - 1]
        else name
        for rank, name in enumerate(names)
    ]


def _legend(plot: Plot) -> Markup:
    parts = []
    x = _LEFT
    lines = plot.series[:4]
    names = [clean(name) for name, _ in lines]
    room = int((_RIGHT - _LEFT - LEGEND_GAP * len(lines)) / LETTER_WIDTH)
    if sum(map(len, names)) > room:
        names = _terse(names)
    while sum(map(len, names)) > room:
        longest = max(range(len(names)), key=lambda rank: len(names[rank]))
        names[longest] = names[longest].rstrip("…")[:-1] + "…"
    for rank, text in enumerate(names):
        parts.append(
            element(
                "line", x1=f"{x:.0f}", x2=f"{x + 18:.0f}", y1="26", y2="26", class_=f"line s{rank}"
            )
        )
        parts.append(element("text", text, x=f"{x + 23:.0f}", y="30"))
        x += LEGEND_GAP + LETTER_WIDTH * len(text)
    return joined(parts)

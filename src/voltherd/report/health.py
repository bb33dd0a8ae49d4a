"""State of health, and the audit of a gauge, as a terminal shows them: one page a vehicle."""

from typing import Final

from voltherd.report.text import Paint, indent, paint, wrap
from voltherd.report.words import clean, count, day, moment, quantity
from voltherd.types.event import Evidence
from voltherd.types.health import Figure, HealthReport, HealthSheet

WIDTH_LEAST: Final = 60
TITLES: Final = {"soh": "state of health", "soc_audit": "audit of the state of charge"}


def render_health(report: HealthReport, width: int, colour: bool) -> str:
    """Write a report for a terminal.

    Args:
        report: Sheets of all vehicles.
        width: Terminal columns; fewer than 60 are treated as 60.
        colour: Whether to use colour.

    Returns:
        Text that ends with a line feed.
    """
    width = max(WIDTH_LEAST, width)
    blocks = [_sheet(sheet, report.kind, width, colour) for sheet in report.sheets]
    refused = [
        line
        for source, reason in report.refused
        for line in indent(f"{clean(source)}: {clean(reason)}", width, "  ")
    ]
    if refused:
        blocks.append([paint("Not used", Paint.BOLD, colour), *refused])
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


def figure_words(figure: Figure) -> tuple[str, str]:
    """Give value and interval of a figure, or why there is none; ratios in percent.

    >>> figure_words(Figure(name="", title="", unit="1", value=0.913, low=0.88, high=0.95))
    ('91 %', '88 to 95 %')
    """
    if figure.value is None:
        return clean(figure.cannot), ""
    factor = 100.0 if figure.unit == "1" else 1.0
    evidence = Evidence(
        name="",
        value=factor * figure.value,
        unit="%" if figure.unit == "1" else figure.unit,
        low=None if figure.low is None else factor * figure.low,
        high=None if figure.high is None else factor * figure.high,
    )
    value, interval = quantity(evidence)
    spaces = str.maketrans({"\N{NO-BREAK SPACE}": " "})
    return value.translate(spaces), interval.translate(spaces)


def record_words(sheet: HealthSheet) -> str:
    """Say how much data a sheet rests on, and from when."""
    first, last = day(sheet.first_second), day(sheet.last_second)
    return f"{count(sheet.rows, 'sample')}, {first} to {last}"


def _sheet(sheet: HealthSheet, kind: str, width: int, colour: bool) -> list[str]:
    title = f"{clean(sheet.vehicle_id)}: {TITLES[kind]}"
    lines = [paint(title, Paint.BOLD, colour)]
    tone = Paint.ORANGE if sheet.attention else Paint.BOLD
    lines += [paint(line, tone, colour) for line in wrap(clean(sheet.headline), width)]
    if sheet.action:
        lines += indent(clean(sheet.action), width, "→ ")
    for figure in sheet.figures:
        lines += ["", *_figure(figure, sheet, width, colour)]
    lines.append("")
    for text in (f"data: {record_words(sheet)}", *(f"assumed: {one}" for one in sheet.assumed)):
        lines += [paint(line, Paint.DIM, colour) for line in indent(clean(text), width, "  ")]
    return lines


def _figure(figure: Figure, sheet: HealthSheet, width: int, colour: bool) -> list[str]:
    value, interval = figure_words(figure)
    told = f"{clean(figure.title)}: {value}" + (f" ({interval})" if interval else "")
    lines = [paint(line, Paint.BOLD, colour) for line in wrap(told, width)]
    if figure.value is not None and figure.trend:
        lines += indent(f"trend: {clean(figure.trend)}", width, "  · ")
    for text in figure.evidence:
        lines += indent(clean(text), width, "  · ")
    if figure.method and figure.value is not None:
        at = f"; last evidence {moment(figure.last_second)}" if figure.last_second else ""
        lines += indent(f"method {clean(figure.method)}{at}", width, "  · ")
    for need in figure.needs:
        lines += indent(f"needs {clean(need)}", width, "  ? ")
    return lines

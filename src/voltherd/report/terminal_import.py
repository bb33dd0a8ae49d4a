"""What import recognised and what became of every value, for a terminal."""

from collections.abc import Sequence
from typing import Final

from voltherd.report.gather import (
    Remarked,
    amount,
    mapping_runs,
    next_unlock,
    pace,
    remark_groups,
    spans,
)
from voltherd.report.standing import named
from voltherd.report.text import Column, Paint, indent, paint, table, wrap
from voltherd.report.words import clean, count, percent
from voltherd.types.report import Answer, ImportReport

EXAMPLES_SHOWN: Final = 3
WIDTH_LEAST: Final = 48


def render_import(report: ImportReport, width: int, colour: bool) -> str:
    """Write what was recognised, what was changed or rejected, and which answers are possible.

    Args:
        report: What import made of one source.
        width: Terminal columns; fewer than 48 are treated as 48.
        colour: Whether to use colour.

    Returns:
        Text that ends with a line feed.
    """
    width = max(WIDTH_LEAST, width)
    blocks = [
        _head(report, width, colour),
        _recognised(report, width, colour),
        _remarks(report, width, colour),
        _answers(report.answers, width, colour),
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def render_data_quality(reports: Sequence[ImportReport], width: int, colour: bool) -> str:
    """Write the data-quality report alone: every remark with its mend, then what data can answer.

    Args:
        reports: One per source.
        width: Terminal columns; fewer than 48 are treated as 48.
        colour: Whether to use colour.

    Returns:
        Text that ends with a line feed; its first line says how many sources have remarks.
    """
    width = max(WIDTH_LEAST, width)
    noted = sum(bool(report.remarks) for report in reports)
    title = f"{noted} of {count(len(reports), 'source')} with remarks on data quality"
    blocks = [[paint(title, Paint.BOLD, colour)]]
    for report in reports:
        head = _head(report, width, colour)
        body = _remarks(report, width, colour)
        blocks.append([*head, *(body or ["  nothing to remark"])])
    alike: dict[tuple[Answer, ...], list[str]] = {}
    for report in reports:
        alike.setdefault(report.answers, []).append(report.source)
    for answers, sources in alike.items():
        block = _answers(answers, width, colour)
        if block and len(alike) > 1:
            block[1:1] = indent(f"in {named(sources, most=3)}", width, "  ")
        blocks.append(block)
    blocks = [block for block in blocks if block]
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


def _head(report: ImportReport, width: int, colour: bool) -> list[str]:
    title = f"{clean(report.source)}: vehicle {clean(report.vehicle_id)}"
    lost = report.rows_read - report.rows_kept
    facts = [f"{count(report.rows_read, 'row')} read, {report.rows_kept:,} used"]
    if lost:
        share = percent(lost / report.rows_read) if report.rows_read else ""
        facts.append(f"{lost:,} ({share}) left out, see the remarks" if share else f"{lost:,} out")
    if report.rate_hertz:
        facts.append(pace(report.rate_hertz))
    if report.timezone:
        facts.append(f"times: {clean(report.timezone)}")
    lines = [paint(line, Paint.BOLD, colour) for line in wrap(title, width)]
    return lines + indent("; ".join(facts), width, "  ")


def _recognised(report: ImportReport, width: int, colour: bool) -> list[str]:
    runs = mapping_runs(report.mapping)
    lines = [paint("Recognised", Paint.BOLD, colour)]
    if runs:
        columns = (
            Column(header="SOURCE", cells=tuple(run.source for run in runs), least=10),
            Column(
                header="BECAME",
                cells=tuple(
                    run.canonical + (f" ({run.columns} columns)" if run.columns > 1 else "")
                    for run in runs
                ),
                least=18,
            ),
            Column(header="HOW", cells=tuple(run.conversion for run in runs), least=12),
        )
        for row in table(columns, width - 2, colour):
            lines += [f"  {line}".rstrip() for line in row]
    else:
        lines.append("  no column")
    if report.unused:
        lines += indent(f"not used: {spans(report.unused)}", width, "  ")
    return lines


def _remarks(report: ImportReport, width: int, colour: bool) -> list[str]:
    groups = remark_groups(report.remarks)
    if not groups:
        return []
    lines = [paint("Noticed, changed or rejected", Paint.BOLD, colour)]
    for group in groups:
        lines += _remark(group, width)
    return lines


def _remark(group: Remarked, width: int) -> list[str]:
    remark = group.remark
    reason = clean(remark.reason).replace("_", " ")
    place = f", {group.channels}" if group.channels else ""
    share = amount(group)
    lines = indent(f"{reason}{place}" + (f": {share}" if share else ""), width, "  · ")
    lines += indent(clean(remark.detail), width, "    ")
    if remark.examples:
        shown = "; ".join(clean(example) for example in remark.examples[:EXAMPLES_SHOWN])
        lines += indent(f"for example {shown}", width, "    ")
    if remark.mend:
        lines += indent(clean(remark.mend), width, "    → ")
    return lines


def _answers(answers: tuple[Answer, ...], width: int, colour: bool) -> list[str]:
    if not answers:
        return []
    able = [answer for answer in answers if answer.possible]
    title = f"This data can answer {len(able)} of {count(len(answers), 'question')}"
    lines = [paint(title, Paint.BOLD, colour)]
    for answer in able:
        lines += indent(clean(answer.title), width, "  ✓ ")
    for answer in answers:
        if not answer.possible:
            needs = ", and ".join(clean(need) for need in answer.needs)
            tail = f" Needs {needs}." if needs else ""
            lines += indent(f"{clean(answer.title)}{tail}", width, "  – ")
    unlock = next_unlock(answers)
    if unlock is not None:
        need, unlocked = unlock
        titles = " ".join(clean(answer.title) for answer in unlocked)
        lines += indent(
            f"what would help most: {clean(need)}. It is wanted for: {titles}", width, "  → "
        )
    return lines

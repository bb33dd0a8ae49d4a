"""The triage report as a terminal shows it: the answer first, then a table, then the evidence."""

from typing import Final

from voltherd.report import budget
from voltherd.report.causes import cause_words, frequent_lines
from voltherd.report.gather import remark_groups, timezones, vehicles_by_answers
from voltherd.report.standing import (
    Standing,
    age,
    freshness,
    headline,
    listed,
    named,
    since,
    standings,
)
from voltherd.report.terminal_import import render_data_quality, render_import
from voltherd.report.text import Column, Paint, indent, paint, table, wrap
from voltherd.report.words import (
    SHAPE,
    TITLE,
    belief,
    clean,
    count,
    day,
    duration,
    moment,
    percent,
    quantity,
    where,
)
from voltherd.types.event import Evidence, Finding, Severity
from voltherd.types.report import Answer, TriageReport, VehicleSummary

__all__ = ["render_data_quality", "render_import", "render_triage"]

EVIDENCE_SHOWN: Final = 3
OPERATING_LISTED: Final = 20
OPERATING_EXPLAINED: Final = 8
"""Findings at severity operating shown at most; the rest are counted and left to HTML and JSON."""
NO_BREAK: Final = "\N{NO-BREAK SPACE}"
WIDTH_LEAST: Final = 72
WIDTH_ONE_TABLE: Final = 132
"""From this width on the action has a column of its own; below it stands under its row."""

_PAINT: Final = {
    Severity.SAFETY: Paint.RED,
    Severity.RECOMMENDED: Paint.ORANGE,
    Severity.OPERATING: Paint.BLUE,
}


def render_triage(report: TriageReport, width: int, colour: bool) -> str:
    """Write a triage report for a terminal.

    Args:
        report: What triage found.
        width: Terminal columns; fewer than 72 are treated as 72.
        colour: Whether to use colour (the caller knows of NO_COLOR and whether this is a terminal).

    Returns:
        Text that ends with a line feed; its first line says which vehicles need attention.
    """
    width = max(WIDTH_LEAST, width)
    every = standings(report)
    vehicles = {standing.vehicle.vehicle_id: standing.vehicle for standing in every}
    findings = listed(report)
    blocks = [_opening(report, every, width, colour)]
    if findings:
        urgent = sum(finding.severity > Severity.OPERATING for finding in findings)
        first = findings[: urgent + OPERATING_LISTED]
        blocks.append(_findings_table(first, vehicles, width, colour))
        if len(first) < len(findings):
            rest = count(len(findings) - len(first), "more finding")
            blocks[-1].append(f"{rest} at severity operating: in --html and --json")
        blocks.append([paint("Why", Paint.BOLD, colour)])
        blocks.extend(
            _why(place, finding, vehicles.get(finding.vehicle_id), width, colour)
            for place, finding in enumerate(findings[: urgent + OPERATING_EXPLAINED], start=1)
        )
    blocks.append(_frequent(report, width, colour))
    blocks += _budget(report, width, colour)
    blocks.append(_quiet(every, width, colour))
    blocks.append(_cannot_tell(every, width, colour))
    blocks.append(_data(report, width, colour))
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def _opening(
    report: TriageReport, every: tuple[Standing, ...], width: int, colour: bool
) -> list[str]:
    needing = [s.vehicle.vehicle_id for s in every if s.attention]
    knowing = [s.vehicle.vehicle_id for s in every if s.worst is Severity.OPERATING]
    quiet = sum(s.worst is None and s.checked for s in every)
    unable = [s.vehicle.vehicle_id for s in every if s.unchecked]
    line = headline(report) + (f": {named(needing)}." if needing else ".")
    style = Paint.BOLD
    lines = [paint(part, style, colour) for part in wrap(line, width)]
    rest = []
    if knowing:
        verb = "has" if len(knowing) == 1 else "have"
        rest.append(f"{named(knowing)} {verb} something worth knowing.")
    if quiet and (needing or knowing or unable):
        rest.append(f"In {count(quiet, 'vehicle')} nothing was found.")
    if unable and len(unable) < len(every):
        rest.append(f"Too little data to check {named(unable)}.")
    text = " ".join([*rest, freshness(report)]).strip()
    return lines + (wrap(text, width) if text else [])


def _findings_table(
    findings: tuple[Finding, ...],
    vehicles: dict[str, VehicleSummary],
    width: int,
    colour: bool,
) -> list[str]:
    paints = tuple(_PAINT[finding.severity] for finding in findings)
    roomy = width >= WIDTH_ONE_TABLE
    columns: tuple[Column, ...] = (
        Column(header="", cells=tuple(str(n + 1) for n in range(len(findings))), right=True),
        Column(
            header="SEVERITY",
            cells=tuple(f"{SHAPE[f.severity]} {f.severity.word}" for f in findings),
            least=13,
            paints=paints,
        ),
        Column(header="VEHICLE", cells=tuple(clean(f.vehicle_id) for f in findings), least=7),
        Column(header="WHERE", cells=tuple(where(f.location) for f in findings), least=9),
        Column(
            header="WHAT",
            cells=tuple(TITLE[f.phenomenon] for f in findings),
            least=9,
            paints=(Paint.BOLD,) * len(findings),
        ),
        Column(header="SINCE", cells=tuple(_since(f, vehicles) for f in findings), least=10),
        Column(
            header="SURE",
            cells=tuple(percent(f.confidence) for f in findings),
            least=6,
            right=True,
        ),
    )
    actions = tuple(clean(finding.action) for finding in findings)
    if roomy:
        columns += (Column(header="WHAT TO DO", cells=actions, least=36),)
    heading, *rows = table(columns, width, colour)
    lines = list(heading)
    lead = " " * (max(len(str(len(findings))), 1) + 2)
    for row, action in zip(rows, actions, strict=True):
        lines.extend(row)
        if not roomy:
            lines.extend(indent(action, width, f"{lead}→ "))
    return lines


def _since(finding: Finding, vehicles: dict[str, VehicleSummary]) -> str:
    date = day(finding.onset_second)
    vehicle = vehicles.get(finding.vehicle_id)
    if vehicle is None:
        return date
    if since(finding, vehicle).startswith("from the first"):
        return f"≤{NO_BREAK}{date}"
    length = duration(vehicle.last_second - finding.onset_second)
    return f"{date} ({length.replace(' ', NO_BREAK)})"


def _why(
    place: int, finding: Finding, vehicle: VehicleSummary | None, width: int, colour: bool
) -> list[str]:
    lead = f"{place}  "
    blank = " " * len(lead)
    title = (
        f"{SHAPE[finding.severity]} {clean(finding.vehicle_id)}, {where(finding.location)}: "
        f"{TITLE[finding.phenomenon]}"
    )
    lines = [paint(line, _PAINT[finding.severity], colour) for line in indent(title, width, lead)]
    lines += indent(clean(finding.summary), width, blank)
    for evidence in finding.evidence[:EVIDENCE_SHOWN]:
        lines += indent(_evidence(evidence), width, f"{blank}· ")
    hidden = len(finding.evidence) - EVIDENCE_SHOWN
    if hidden > 0:
        lines += indent(f"{count(hidden, 'more number')} in --json and --html", width, f"{blank}· ")
    began = since(finding, vehicle)
    facts = [
        f"since {moment(finding.onset_second)}" + (f", {began}" if began else ""),
        f"a live run first says so {moment(finding.raised_second)}",
        age(finding, vehicle),
        f"{belief(finding.confidence)} ({percent(finding.confidence)})",
    ]
    if finding.trend:
        facts.append(f"trend: {clean(finding.trend)}")
    body = [
        line
        for label, text in cause_words(finding)
        for line in indent(f"{label}: {clean(text)}", width, blank)
    ]
    body += indent("; ".join(facts), width, blank)
    if finding.confirm:
        body += indent(f"to confirm: {clean(finding.confirm)}", width, blank)
    return lines + [blank + paint(line[len(blank) :], Paint.DIM, colour) for line in body]


def _evidence(evidence: Evidence) -> str:
    value, interval = quantity(evidence)
    text = f"{clean(evidence.name)}: {value}" + (f" ({interval})" if interval else "")
    return f"{text}; {clean(evidence.basis)}" if evidence.basis else text


def _frequent(report: TriageReport, width: int, colour: bool) -> list[str]:
    told = [
        line for text in frequent_lines(report.root_causes) for line in indent(text, width, "  ")
    ]
    return [paint("Most frequent root causes", Paint.BOLD, colour), *told] if told else []


def _budget(report: TriageReport, width: int, colour: bool) -> list[list[str]]:
    """Say what a budget made of the findings, held back ones with their reason."""
    if report.decisions is None:
        return []
    return [
        [
            paint(part.title, Paint.BOLD, colour),
            *(line for text in part.lines for line in indent(text, width, "  · ")),
        ]
        for part in budget.parts(report.decisions)
    ]


def _quiet(every: tuple[Standing, ...], width: int, colour: bool) -> list[str]:
    quiet = [s.vehicle.vehicle_id for s in every if s.worst is None and s.checked]
    unable = [s.vehicle.vehicle_id for s in every if s.unchecked]
    lines: list[str] = []
    for names, told in ((quiet, "nothing found"), (unable, "not checked, too little data")):
        if names:
            title = f"{count(len(names), 'vehicle')}: {told}"
            lines += [paint(title, Paint.BOLD, colour), *indent(named(names, most=40), width, "  ")]
    return lines


def _cannot_tell(every: tuple[Standing, ...], width: int, colour: bool) -> list[str]:
    lines = []
    for members, answers in vehicles_by_answers(standing.vehicle for standing in every):
        missing = [answer for answer in answers if not answer.possible]
        able = [answer for answer in answers if answer.possible]
        if not answers:
            continue
        who = (
            "every vehicle"
            if len(members) == len(every)
            else named([vehicle.vehicle_id for vehicle in members], most=4)
        )
        lines.append(f"  {who}: {len(able)} of {count(len(answers), 'question')} can be answered")
        if able:
            titles = " ".join(clean(answer.title) for answer in able)
            lines += indent(titles, width, "    ✓ ")
        for answer in missing:
            lines += indent(f"cannot tell: {_missing(answer)}", width, "    – ")
    return [paint("What the data allow", Paint.BOLD, colour), *lines] if lines else []


def _missing(answer: Answer) -> str:
    needs = ", and ".join(clean(need) for need in answer.needs)
    return clean(answer.title) + (f" Needs {needs}." if needs else "")


def _data(report: TriageReport, width: int, colour: bool) -> list[str]:
    lines: list[str] = []
    imports = tuple(source for vehicle in report.vehicles for source in vehicle.imports)
    noted = [(source, len(remark_groups(source.remarks))) for source in imports if source.remarks]
    zones = timezones(imports)
    if zones:
        lines += indent("times: " + "; ".join(zones), width, "  ")
    for source, remarks in noted[:8]:
        text = f"{clean(source.source)}: {count(remarks, 'remark')} on data quality"
        lines += indent(text, width, "  ")
        doubts = [r for r in source.remarks if r.reason == "uncertain"]
        for doubt in doubts:
            lines += indent(f"a guess to confirm: {clean(doubt.detail)}", width, "    ? ")
    if len(noted) > 8:
        lines.append(f"  and {count(len(noted) - 8, 'more source')} with remarks")
    if noted:
        lines += indent("`voltherd inspect` shows them, counted and with examples", width, "  ")
    for source_name, reason in report.refused:
        lines += indent(f"not used: {clean(source_name)}: {clean(reason)}", width, "  ")
    if report.truth_path:
        lines += indent(f"the planted truth: {clean(report.truth_path)}", width, "  ")
    return [paint("Data", Paint.BOLD, colour), *lines] if lines else []

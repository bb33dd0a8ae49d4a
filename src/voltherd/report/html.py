"""The triage report as one HTML page: no request, no script, at home on a phone and on paper."""

from collections.abc import Mapping
from typing import Final

from voltherd.report import budget
from voltherd.report.causes import frequent_lines
from voltherd.report.gather import timezones
from voltherd.report.glyph import glyph, severity_name
from voltherd.report.html_finding import capitalised, cards
from voltherd.report.html_page import advice_only, brand, page, refused_sources
from voltherd.report.html_vehicle import vehicle_card
from voltherd.report.markup import Markup, element, joined
from voltherd.report.standing import (
    Standing,
    freshness,
    headline,
    listed,
    named,
    since,
    standings,
)
from voltherd.report.words import TITLE, URGENCY, count, day_in_words, where
from voltherd.types.event import Finding, Severity
from voltherd.types.report import TriageReport

CHIPS_OPEN: Final = 60
"""More vehicles without findings than this are folded."""


def render_html(report: TriageReport) -> str:
    """Write a triage report as a self-contained page.

    Args:
        report: What triage found; every text in it is treated as foreign and escaped.

    Returns:
        A whole HTML document, UTF-8 declared.
    """
    every = standings(report)
    findings = listed(report)
    title = headline(report)
    main = [
        _fleet(every, findings),
        _findings(findings, every),
        _root_causes(report),
        _budget(report),
        _vehicles(every, findings),
        refused_sources(report.refused),
        _key(report),
    ]
    return page(
        f"{title} – voltherd triage",
        "findings",
        _top(report, every, title),
        joined(main),
        _foot(report),
    )


def _top(report: TriageReport, every: tuple[Standing, ...], title: str) -> Markup:
    urgent = [s.vehicle.vehicle_id for s in every if s.worst is Severity.SAFETY]
    visit = [s.vehicle.vehicle_id for s in every if s.worst is Severity.RECOMMENDED]
    parts = []
    if urgent:
        parts.append(f"Act now on {named(urgent)}.")
    if visit:
        parts.append(f"Plan a visit for {named(visit)}.")
    fresh = freshness(report)
    tally = []
    unable = sum(standing.unchecked for standing in every)
    for severity in (*sorted(Severity, reverse=True), None):
        total = sum(standing.worst is severity and not standing.unchecked for standing in every)
        if total:
            words = f" {URGENCY[severity]}" if severity else " nothing found"
            item = element(
                "li",
                glyph(severity_name(severity)),
                element("span", element("b", str(total)), words),
            )
            tally.append(item)
    if unable:
        words = " not checked, too little data"
        tally.append(
            element("li", glyph("dash"), element("span", element("b", str(unable)), words))
        )
    return joined(
        [
            brand("voltherd triage", report.generated_second),
            element("h1", title),
            element("p", " ".join([*parts, fresh]), class_="lede") if parts or fresh else None,
            element("ul", *tally, class_="tally", aria_label="Vehicles by urgency")
            if tally
            else None,
        ]
    )


def _root_causes(report: TriageReport) -> Markup | None:
    told = frequent_lines(report.root_causes)
    if not told:
        return None
    return element(
        "section",
        element("h2", "Most frequent root causes", id="root-causes"),
        element("ul", *(element("li", capitalised(line)) for line in told)),
        aria_labelledby="root-causes",
    )


def _keys(every: tuple[Standing, ...]) -> dict[str, str]:
    return {s.vehicle.vehicle_id: f"vehicle-{n}" for n, s in enumerate(every, start=1)}


def _fleet(every: tuple[Standing, ...], findings: tuple[Finding, ...]) -> Markup | None:
    if not every:
        return None
    keys = _keys(every)
    first = {f.vehicle_id: n for n, f in reversed([*enumerate(findings, start=1)])}
    noted = [standing for standing in every if standing.worst is not None]
    quiet = [s for s in every if s.worst is None and s.checked]
    unable = [s for s in every if s.unchecked]
    return element(
        "section",
        element("h2", "The fleet", id="fleet"),
        element("ul", *(_tile(s, first[s.vehicle.vehicle_id]) for s in noted), class_="fleet")
        if noted
        else None,
        _chips(quiet, "nothing found", "none", keys),
        _chips(unable, "not checked, too little data", "dash", keys),
        aria_labelledby="fleet",
    )


def _chips(members: list[Standing], told: str, mark: str, keys: Mapping[str, str]) -> Markup | None:
    """List vehicles of which there is nothing to show, folded where they are many."""
    if not members:
        return None
    items = (
        element(
            "li",
            element(
                "a",
                glyph(mark),
                element("span", standing.vehicle.vehicle_id),
                href=f"#{keys[standing.vehicle.vehicle_id]}",
                class_=mark,
            ),
        )
        for standing in members
    )
    chips = element("ul", *items, class_="chips")
    title = f"{count(len(members), 'vehicle')}: {told}"
    if len(members) > CHIPS_OPEN:
        return element("details", element("summary", title, class_="under"), chips)
    return joined([element("p", title, class_="under quiet"), chips])


def _tile(standing: Standing, place: int) -> Markup:
    first = standing.findings[0]
    name = severity_name(standing.worst)
    began = since(first, standing.vehicle)
    text = f"{capitalised(TITLE[first.phenomenon])}, {where(first.location)}"
    more = len(standing.findings) - 1
    when = f"since {day_in_words(first.onset_second)}"
    return element(
        "li",
        element(
            "a",
            glyph(name),
            element("strong", standing.vehicle.vehicle_id),
            element(
                "span",
                f"{capitalised(URGENCY[first.severity])}: {text}, ",
                "there from the first data" if began.startswith("from") else when,
                f" (and {more} more)" if more else None,
            ),
            href=f"#finding-{place}",
            class_=name,
        ),
    )


def _findings(findings: tuple[Finding, ...], every: tuple[Standing, ...]) -> Markup:
    vehicles = {standing.vehicle.vehicle_id: standing.vehicle for standing in every}
    body = (
        cards(findings, vehicles)
        if findings
        else element("p", "Nothing was found in what the data allow to check.")
    )
    return element(
        "section",
        element("h2", "Findings, most urgent first", id="findings"),
        body,
        aria_labelledby="findings",
    )


def _budget(report: TriageReport) -> Markup | None:
    """Say what a budget made of the findings, held back ones with their reason."""
    if report.decisions is None:
        return None
    first, *rest = budget.parts(report.decisions)
    return element(
        "section",
        element("h2", first.title, id="budget"),
        *(element("p", line) for line in first.lines),
        *(
            joined(
                [
                    element("h3", part.title),
                    element("ul", *(element("li", line) for line in part.lines)),
                ]
            )
            for part in rest
        ),
        aria_labelledby="budget",
    )


def _vehicles(every: tuple[Standing, ...], findings: tuple[Finding, ...]) -> Markup | None:
    if not every:
        return None
    keys = _keys(every)
    links: dict[str, list[tuple[str, str]]] = {name: [] for name in keys}
    for place, finding in enumerate(findings, start=1):
        if finding.vehicle_id in links:
            title = f"{TITLE[finding.phenomenon]}, {where(finding.location)}"
            links[finding.vehicle_id].append((f"finding-{place}", title))
    listed = (
        vehicle_card(
            standing,
            keys[standing.vehicle.vehicle_id],
            tuple(links[standing.vehicle.vehicle_id]),
        )
        for standing in every
    )
    return element(
        "section",
        element("h2", "Vehicles and their data", id="vehicles"),
        *listed,
        aria_labelledby="vehicles",
    )


def _key(report: TriageReport) -> Markup:
    zones = timezones(tuple(i for vehicle in report.vehicles for i in vehicle.imports))
    meanings = {
        Severity.SAFETY: "A limit that keeps people safe is at stake.",
        Severity.RECOMMENDED: "Range, life or reliability suffers, or soon will.",
        Severity.OPERATING: "The vehicle works; look at it when it is in the workshop anyway.",
    }
    entries = [
        element(
            "div",
            element(
                "dt", glyph(severity.word), f"{capitalised(severity.word)}: {URGENCY[severity]}"
            ),
            element("dd", meaning),
        )
        for severity, meaning in meanings.items()
    ]
    entries.append(
        element(
            "div",
            element("dt", "Confidence"),
            element(
                "dd",
                "The probability that the finding is right. How large the effect is decides "
                "the severity.",
            ),
        )
    )
    times = "Shown in UTC. " + (f"Time stamps: {'; '.join(zones)}." if zones else "")
    entries.append(element("div", element("dt", "Times"), element("dd", times)))
    entries.append(
        element(
            "div",
            element("dt", "Numbers"),
            element(
                "dd",
                "Cells, modules and probes count from 1 as the vehicle numbers them; charging "
                "current is positive.",
            ),
        )
    )
    return element(
        "section",
        element("h2", "How to read this", id="key"),
        element("dl", *entries, class_="key"),
        aria_labelledby="key",
    )


def _foot(report: TriageReport) -> Markup:
    truth = (
        element("p", f"A simulated fleet: its planted truth lies in {report.truth_path}.")
        if report.truth_path
        else None
    )
    return joined([truth, advice_only()])

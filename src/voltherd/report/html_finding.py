"""One finding as a card: what, where, what to do first; the evidence below."""

from voltherd.report.causes import cause_words
from voltherd.report.glyph import glyph, meter
from voltherd.report.markup import Markup, element, joined
from voltherd.report.standing import age, since
from voltherd.report.svg import plot_svg
from voltherd.report.words import (
    TITLE,
    URGENCY,
    belief,
    count,
    day_in_words,
    percent,
    quantity,
    time_of_day,
    where,
)
from voltherd.types.event import Evidence, Finding, Severity
from voltherd.types.report import VehicleSummary


def finding_card(finding: Finding, vehicle: VehicleSummary | None, place: int) -> Markup:
    """Write a finding.

    Args:
        finding: What was found.
        vehicle: Its vehicle, None where the report does not list it.
        place: Number in the page, from 1.

    Returns:
        An ``article``; one that wants attention is unfolded, one worth knowing keeps to the point.
    """
    key = f"finding-{place}"
    urgent = finding.severity > Severity.OPERATING
    name = finding.severity.word
    confirm = (
        element("div", element("h4", "What would confirm it"), element("p", finding.confirm))
        if finding.confirm
        else None
    )
    return element(
        "article",
        element(
            "div",
            element(
                "p",
                glyph(name),
                f"{name.capitalize()}: {URGENCY[finding.severity]}",
                class_="badge",
            ),
            element("h3", capitalised(TITLE[finding.phenomenon]), id=key),
            element(
                "p",
                element("b", finding.vehicle_id),
                ", " + where(finding.location),
                class_="place",
            ),
            element("p", finding.summary, class_="saying"),
            element(
                "div",
                element(
                    "div",
                    element("h4", "What to do"),
                    element("p", finding.action),
                    class_="act",
                ),
                confirm,
                class_="do",
            ),
            _causes(finding),
            _facts(finding, vehicle) if urgent else None,
            class_="inner",
        ),
        _evidence(finding, vehicle, key),
        class_=f"card finding {name}",
        aria_labelledby=key,
    )


def capitalised(text: str) -> str:
    """Begin with a capital, the rest as it is.

    >>> capitalised("SOC of bus-7"), capitalised("weak cell")
    ('SOC of bus-7', 'Weak cell')
    """
    return text[:1].upper() + text[1:]


def fact(name: str, value: str, note: str = "", drawing: Markup | None = None) -> Markup:
    """Write one entry of a list of facts."""
    return element(
        "div",
        element("dt", name),
        element("dd", value, drawing, element("span", note) if note else None),
    )


def _causes(finding: Finding) -> Markup | None:
    told = cause_words(finding)
    if not told:
        return None
    lines = (
        element("p", element("b", f"{capitalised(label)}:"), f" {text}") for label, text in told
    )
    return element("div", element("div", element("h4", "What is behind it"), *lines), class_="do")


def _facts(finding: Finding, vehicle: VehicleSummary | None) -> Markup:
    return element(
        "dl",
        fact("Since", day_in_words(finding.onset_second), since(finding, vehicle)),
        fact("Trend", capitalised(finding.trend)) if finding.trend else None,
        fact(
            "Confidence",
            percent(finding.confidence),
            belief(finding.confidence),
            meter(finding.confidence),
        ),
        fact(
            "First said by a live run",
            day_in_words(finding.raised_second),
            f"at {time_of_day(finding.raised_second)}, on the data up to then",
        ),
        class_="facts",
    )


def _evidence(finding: Finding, vehicle: VehicleSummary | None, key: str) -> Markup | None:
    urgent = finding.severity > Severity.OPERATING
    if urgent and not finding.evidence:
        return None
    plots = [evidence.plot for evidence in finding.evidence if evidence.plot is not None]
    figures = [
        element(
            "figure",
            element("figcaption", plot.title),
            plot_svg(plot, f"{key}-plot-{number}"),
        )
        for number, plot in enumerate(plots, start=1)
    ]
    told = count(len(finding.evidence), "number") + _plots(len(plots))
    table = element(
        "table",
        element("caption", f"Evidence, {age(finding, vehicle)}"),
        element(
            "thead",
            element(
                "tr",
                element("th", "Measured", scope="col"),
                element("th", "Value and interval", scope="col", class_="n"),
            ),
        ),
        element("tbody", *(_row(evidence) for evidence in finding.evidence)),
    )
    return element(
        "details",
        element("summary", ("Evidence: " if urgent else "Since when, how sure, and why: ") + told),
        element(
            "div",
            None if urgent else _facts(finding, vehicle),
            element(
                "div",
                element("div", *figures) if figures else None,
                element("div", table) if finding.evidence else None,
                class_="proof" if figures else "proof bare",
            ),
            class_="inner",
        ),
        class_="why",
        open=urgent,
    )


def _plots(total: int) -> str:
    return f" and {count(total, 'plot')}" if total else ""


def _row(evidence: Evidence) -> Markup:
    value, interval = quantity(evidence)
    return element(
        "tr",
        element(
            "th",
            capitalised(evidence.name),
            element("span", evidence.basis) if evidence.basis else None,
            scope="row",
        ),
        element(
            "td",
            element("b", value),
            element("span", interval) if interval else element("span", "no interval"),
            class_="n",
        ),
    )


def cards(
    findings: tuple[Finding, ...], vehicles: dict[str, VehicleSummary], first: int = 1
) -> Markup:
    """Write many findings, numbered through the page."""
    return joined(
        finding_card(finding, vehicles.get(finding.vehicle_id), place)
        for place, finding in enumerate(findings, start=first)
    )

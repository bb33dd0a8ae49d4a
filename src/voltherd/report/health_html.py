"""State of health, and the audit of a gauge, as one HTML page: no request, no script."""

from voltherd.report.glyph import glyph, logo
from voltherd.report.health import TITLES, figure_words, record_words
from voltherd.report.html import POLICY
from voltherd.report.html_finding import capitalised
from voltherd.report.markup import Markup, element, joined
from voltherd.report.style import CSS
from voltherd.report.svg import plot_svg
from voltherd.report.words import clean, count, moment
from voltherd.types.health import Figure, HealthReport, HealthSheet


def render_health_html(report: HealthReport) -> str:
    """Write a report as a self-contained page.

    Args:
        report: Sheets of all vehicles; every text in it is treated as foreign and escaped.

    Returns:
        A whole HTML document, UTF-8 declared.
    """
    title = capitalised(TITLES[report.kind])
    acting = sum(sheet.attention for sheet in report.sheets)
    lede = f"{count(len(report.sheets), 'vehicle')}, {acting} to act on."
    if len(report.sheets) == 1:
        lede = record_words(report.sheets[0]) + "."
    head = element(
        "head",
        element("meta", charset="utf-8"),
        Markup(f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", f"{title} – voltherd"),
        element("style", Markup(CSS)),
    )
    top = element(
        "div",
        element("b", logo(), "voltherd"),
        element("p", f"Report of {moment(report.generated_second)}"),
        class_="brand",
    )
    body = element(
        "body",
        element("a", "Skip to the vehicles", href="#vehicles", class_="skip"),
        element(
            "header",
            top,
            element("h1", title),
            element("p", lede, class_="lede"),
            class_="wrap top",
        ),
        element(
            "main",
            element(
                "section",
                element("h2", "Vehicles", id="vehicles"),
                *(_card(sheet, f"v{n}") for n, sheet in enumerate(report.sheets, start=1)),
                aria_labelledby="vehicles",
            ),
            _refused(report),
            class_="wrap",
        ),
        element("footer", element("div", _foot()), class_="wrap"),
    )
    return "<!doctype html>\n" + element("html", head, body, lang="en").text


def _card(sheet: HealthSheet, key: str) -> Markup:
    told = bool(sheet.figures) and sheet.figures[0].value is not None
    tone = "recommended" if sheet.attention else "none" if told else "dash"
    act = (
        element(
            "div",
            element(
                "div", element("h4", "What to do"), element("p", sheet.action), class_="act " + tone
            ),
            class_="do",
        )
        if sheet.action
        else None
    )
    assumed = element(
        "ul",
        *(element("li", capitalised(clean(one)) + ".") for one in sheet.assumed),
        class_="lines",
    )
    return element(
        "article",
        element(
            "div",
            element("h3", glyph(tone), " " + sheet.vehicle_id),
            element("p", record_words(sheet), class_="place"),
            element("p", sheet.headline, class_="saying"),
            act,
            *(_figure(figure, f"{key}-{figure.name}") for figure in sheet.figures),
            element("section", element("h4", "Assumed"), assumed, class_="source"),
            class_="inner",
        ),
        class_=f"card finding {tone}",
    )


def _figure(figure: Figure, key: str) -> Markup:
    value, interval = figure_words(figure)
    there = figure.value is not None
    facts = [_fact("Value", value, f"90 % interval {interval}" if interval else "")]
    if there and figure.trend:
        facts.append(_fact("Trend", capitalised(clean(figure.trend)), ""))
    if there and figure.method:
        at = f"last evidence {moment(figure.last_second)}" if figure.last_second else ""
        facts.append(_fact("Method", figure.method, at))
    listed = element(
        "ul",
        *(element("li", capitalised(clean(one)) + ".") for one in figure.evidence),
        class_="lines",
    )
    needs = element(
        "p", element("b", "What would say more: "), "; ".join(figure.needs) + ".", class_="next"
    )
    return element(
        "section",
        element("h4", figure.title),
        element("dl", *facts, class_="facts")
        if there
        else element("p", capitalised(value) + ".", class_="place"),
        listed if figure.evidence else None,
        element("figure", element("figcaption", figure.plot.title), plot_svg(figure.plot, key))
        if figure.plot
        else None,
        needs if figure.needs else None,
        class_="source",
    )


def _fact(name: str, value: str, beside: str) -> Markup:
    span = element("span", beside) if beside else None
    return element("div", element("dt", name), element("dd", value, span))


def _refused(report: HealthReport) -> Markup | None:
    if not report.refused:
        return None
    items = (
        element("li", element("b", source), element("span", reason))
        for source, reason in report.refused
    )
    return element(
        "section",
        element("h2", "Sources that could not be used", id="refused"),
        element("div", element("ul", *items, class_="lines inner"), class_="card"),
        aria_labelledby="refused",
    )


def _foot() -> Markup:
    return joined(
        [
            element(
                "p",
                "Every number carries the interval that holds the truth nine times in ten where "
                "what is assumed is so. Charging current is positive; times are UTC.",
            ),
            element(
                "p",
                "voltherd reads telemetry and advises. It does not replace the pack's own "
                "certified battery management system, whose warnings and limits always come first.",
            ),
        ]
    )

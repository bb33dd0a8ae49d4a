"""State of health, and the audit of a gauge, as one HTML page: no request, no script."""

from voltherd.report.glyph import glyph
from voltherd.report.health import TITLES, figure_words, record_words
from voltherd.report.html_finding import capitalised, fact
from voltherd.report.html_page import advice_only, brand, page, refused_sources
from voltherd.report.markup import Markup, element, joined
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
    top = [
        brand("voltherd", report.generated_second),
        element("h1", title),
        element("p", lede, class_="lede"),
    ]
    vehicles = element(
        "section",
        element("h2", "Vehicles", id="vehicles"),
        *(_card(sheet, f"v{n}") for n, sheet in enumerate(report.sheets, start=1)),
        aria_labelledby="vehicles",
    )
    main = [vehicles, refused_sources(report.refused)]
    return page(f"{title} – voltherd", "vehicles", joined(top), joined(main), _foot())


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
    return element(
        "article",
        element(
            "div",
            element("h3", glyph(tone), " " + sheet.vehicle_id),
            element("p", record_words(sheet), class_="place"),
            element("p", sheet.headline, class_="saying"),
            act,
            *(_figure(figure, f"{key}-{figure.name}") for figure in sheet.figures),
            element("section", element("h4", "Assumed"), _lines(sheet.assumed), class_="source"),
            class_="inner",
        ),
        class_=f"card finding {tone}",
    )


def _figure(figure: Figure, key: str) -> Markup:
    value, interval = figure_words(figure)
    there = figure.value is not None
    facts = [fact("Value", value, f"90 % interval {interval}" if interval else "")]
    if there and figure.trend:
        facts.append(fact("Trend", capitalised(clean(figure.trend))))
    if there and figure.method:
        at = f"last evidence {moment(figure.last_second)}" if figure.last_second else ""
        facts.append(fact("Method", figure.method, at))
    needs = element(
        "p", element("b", "What would say more: "), "; ".join(figure.needs) + ".", class_="next"
    )
    return element(
        "section",
        element("h4", figure.title),
        element("dl", *facts, class_="facts")
        if there
        else element("p", capitalised(value) + ".", class_="place"),
        _lines(figure.evidence) if figure.evidence else None,
        element("figure", element("figcaption", figure.plot.title), plot_svg(figure.plot, key))
        if figure.plot
        else None,
        needs if figure.needs else None,
        class_="source",
    )


def _lines(texts: tuple[str, ...]) -> Markup:
    items = (element("li", capitalised(clean(one)) + ".") for one in texts)
    return element("ul", *items, class_="lines")


def _foot() -> Markup:
    return joined(
        [
            element(
                "p",
                "Every number carries the interval that holds the truth nine times in ten where "
                "what is assumed is so. Charging current is positive; times are UTC.",
            ),
            advice_only(),
        ]
    )

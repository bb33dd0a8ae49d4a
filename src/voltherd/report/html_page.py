"""What the pages of all reports share: the document around them, and how they begin and end."""

from collections.abc import Iterable
from typing import Final

from voltherd.report.glyph import logo
from voltherd.report.markup import Markup, element
from voltherd.report.style import CSS
from voltherd.report.words import moment

POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
"""What a page lets a browser load: nothing but itself."""


def page(title: str, first: str, top: Markup, main: Markup, foot: Markup) -> str:
    """Write a self-contained page.

    Args:
        title: Shown by the browser.
        first: Id, and name in plain words, of the section that a keyboard can skip to.
        top: What stands in the header.
        main: The sections.
        foot: What stands below them.

    Returns:
        A whole HTML document, UTF-8 declared.
    """
    head = element(
        "head",
        element("meta", charset="utf-8"),
        Markup(f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", title),
        element("style", Markup(CSS)),
    )
    body = element(
        "body",
        element("a", f"Skip to the {first}", href=f"#{first}", class_="skip"),
        element("header", top, class_="wrap top"),
        element("main", main, class_="wrap"),
        element("footer", element("div", foot), class_="wrap"),
    )
    return "<!doctype html>\n" + element("html", head, body, lang="en").text


def brand(name: str, generated_second: float) -> Markup:
    """Say who reports, and of when."""
    return element(
        "div",
        element("b", logo(), name),
        element("p", f"Report of {moment(generated_second)}"),
        class_="brand",
    )


def refused_sources(refused: Iterable[tuple[str, str]]) -> Markup | None:
    """List sources that could not be used, each with the reason."""
    items = [
        element("li", element("b", source), element("span", reason)) for source, reason in refused
    ]
    if not items:
        return None
    return element(
        "section",
        element("h2", "Sources that could not be used", id="refused"),
        element("div", element("ul", *items, class_="lines inner"), class_="card"),
        aria_labelledby="refused",
    )


def advice_only() -> Markup:
    """Say what a report does not replace."""
    return element(
        "p",
        "voltherd reads telemetry and advises. It does not replace the pack's own "
        "certified battery management system, whose warnings and limits always come first.",
    )

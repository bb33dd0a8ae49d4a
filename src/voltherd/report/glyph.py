"""Small drawings that stand beside words: a shape per severity, a tick, a dash, the sign."""

from typing import Final

from voltherd.report.markup import Markup, element
from voltherd.types.event import Severity

_SHAPES: Final = {
    "safety": "M8 1 15.4 14.5H.6Z",
    "recommended": "M8 .6 15.4 8 8 15.4.6 8Z",
    "operating": "M8 1.2a6.8 6.8 0 1 0 0 13.6A6.8 6.8 0 0 0 8 1.2Z"
    "m0 2.4a4.4 4.4 0 1 1 0 8.8 4.4 4.4 0 0 1 0-8.8Z",
    "none": "M6.2 13.4 1 8.2l1.8-1.8 3.4 3.4L13.2 2.8 15 4.6Z",
    "dash": "M2 6.8h12v2.4H2Z",
}


def severity_name(severity: Severity | None) -> str:
    """Give the class that colours a severity; ``none`` where nothing was found."""
    return severity.word if severity is not None else "none"


def glyph(name: str) -> Markup:
    """Draw a shape; words beside it say the same, so it is hidden from screen readers."""
    return element(
        "svg",
        element("path", d=_SHAPES[name], fill="currentColor"),
        viewBox="0 0 16 16",
        class_=f"glyph {name}",
        aria_hidden="true",
    )


def logo() -> Markup:
    """Draw the sign: four cells, one of which stands out."""
    cells = [
        element(
            "rect",
            x=f"{1 + 7.4 * place:g}",
            y="1",
            width="5.6",
            height="16",
            rx="1.8",
            class_="on" if place == 2 else None,
        )
        for place in range(4)
    ]
    return element("svg", *cells, viewBox="0 0 30 18", class_="logo", aria_hidden="true")


def meter(share: float) -> Markup:
    """Draw a share as a bar; the number stands beside it."""
    return element(
        "svg",
        element("rect", width="100", height="6", rx="3", class_="whole"),
        element(
            "rect", width=f"{100.0 * min(1.0, max(0.0, share)):.1f}", height="6", class_="part"
        ),
        viewBox="0 0 100 6",
        preserveAspectRatio="none",
        class_="meter",
        aria_hidden="true",
    )

"""HTML and SVG as values: whatever is not ``Markup`` already is escaped, so nothing can slip in."""

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from typing import Final, final

from voltherd.report.words import clean


@final
@dataclass(frozen=True, slots=True)
class Markup:
    """Text that is safe to put into a page as it is.

    Attributes:
        text: The markup.
    """

    text: str


_VOID: Final = {"meta", "link", "br", "hr", "img"}
_BLOCK: Final = {
    "article",
    "aside",
    "body",
    "details",
    "div",
    "dl",
    "figure",
    "footer",
    "h1",
    "h2",
    "h3",
    "h4",
    "head",
    "header",
    "html",
    "li",
    "main",
    "meta",
    "nav",
    "ol",
    "p",
    "section",
    "style",
    "summary",
    "svg",
    "table",
    "tbody",
    "thead",
    "title",
    "tr",
    "ul",
}
"""After these a line ends, so that people can read the source."""


def element(
    tag: str, /, *children: "Markup | str | None", **attributes: str | bool | None
) -> Markup:
    r"""Make one element; text children and attribute values are cleaned and escaped.

    Args:
        tag: The element's name.
        children: Markup as it is, text to escape, None for nothing.
        attributes: A trailing underscore is dropped (``class_``), others become hyphens; None and
            False leave the attribute out, True writes it bare.

    Returns:
        The element.

    >>> element("p", "1 < 2", class_="note", aria_label='say "so"').text
    '<p class="note" aria-label="say &quot;so&quot;">1 &lt; 2</p>\n'
    """
    opened = "<" + tag
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        opened += " " + key.rstrip("_").replace("_", "-")
        if value is not True:
            opened += f'="{escape(clean(value), quote=True)}"'
    opened += ">"
    end = "\n" if tag in _BLOCK else ""
    if tag in _VOID:
        assert not children
        return Markup(opened + end)
    return Markup(f"{opened}{joined(children).text}</{tag}>{end}")


def joined(children: Iterable["Markup | str | None"]) -> Markup:
    """Set children side by side.

    >>> joined([Markup("<br>"), "a & b", None]).text
    '<br>a &amp; b'
    """
    return Markup("".join(_child(child) for child in children))


def _child(child: "Markup | str | None") -> str:
    if child is None:
        return ""
    if isinstance(child, Markup):
        return child.text
    kept_ends = (" " if child[:1] == " " else "", " " if child[1:] and child[-1] == " " else "")
    return kept_ends[0] + escape(clean(child), quote=False) + kept_ends[1]

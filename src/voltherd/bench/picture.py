"""A plot as a picture that stands by itself, for the documentation."""

from typing import Final

from voltherd.report.svg import plot_svg
from voltherd.types.event import Plot

_STYLE: Final = """<style>text{font:11px sans-serif;fill:#18212f}.mid{text-anchor:middle}
.end{text-anchor:end}.name{fill:#556070}.grid{stroke:#dfe3e9}.zero{stroke:#556070}
.line{fill:none;stroke-width:2}.s0{stroke:#18212f}.s1{stroke:#1f5fa6;stroke-dasharray:6 3}
.s2{stroke:#d95f02;stroke-dasharray:2 3}.s3{stroke:#6b7684;stroke-dasharray:9 3 2 3}</style>
<rect width="100%" height="100%" fill="#fff"/>"""


def picture(plot: Plot, name: str) -> str:
    """Draw a plot as an SVG file.

    Args:
        plot: What to draw.
        name: Told apart by it within a page.
    """
    head, mark, body = plot_svg(plot, name).text.partition(">")
    return head + ' xmlns="http://www.w3.org/2000/svg"' + mark + _STYLE + body + "\n"

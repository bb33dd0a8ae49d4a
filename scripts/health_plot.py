"""Draw ``docs/img/soh.svg`` from what ``voltherd bench soh --json FILE`` wrote.

python scripts/health_plot.py FILE docs/img/soh.svg
"""

import json
import sys
from html import escape
from pathlib import Path
from typing import Any

ROW = 22
LEFT, RIGHT, TOP = 70, 560, 64
STYLE = (
    "text{font:12px sans-serif;fill:#333}.t{font-size:14px;font-weight:600}"
    ".axis{stroke:#999;stroke-width:1}.goal{stroke:#333;stroke-dasharray:4 3}"
    ".said{fill:#1f6f8b}.mean{fill:none;stroke:#b5651d;stroke-width:2}"
    "@media(prefers-color-scheme:dark){text{fill:#ddd}.goal{stroke:#ddd}.said{fill:#4fb0d0}}"
)
TITLE = "Capacity of unseen cells from their charges: mean absolute error, % of rated"


def errors(table: Any, estimator: str) -> dict[str, float]:
    """Give the mean absolute error of an estimator by cell."""
    return {
        row["cell"]: row["mae"]
        for row in table["rows"]
        if row["dataset"] == "nasa_pcoe"
        and row["condition"] == "three charges, to 2.7 V"
        and row["estimator"] == estimator
    }


def drawn(table: Any) -> str:
    """Draw a bar a cell, a ring for saying the mean at that ambient, and the goal."""
    said = errors(table, table["summary"]["nasa_pcoe"]["primary"])
    mean = errors(table, "mean at ambient")
    top = max([*said.values(), *mean.values()])
    height = TOP + ROW * len(said) + 40

    def x(value: float) -> float:
        return LEFT + (RIGHT - LEFT) * value / top

    parts = [
        f'<text class="t" x="10" y="22">{escape(TITLE)}</text>',
        '<text x="10" y="44">bar: charge_blend · ring: mean at ambient · dashed: goal 2 %</text>',
    ]
    for place, (cell, value) in enumerate(said.items()):
        y, width = TOP + ROW * place, x(value) - LEFT
        parts += [
            f'<text x="10" y="{y + 14}">{escape(cell)}</text>',
            f'<rect class="said" x="{LEFT}" y="{y + 3}" width="{width:.1f}" height="14"/>',
            f'<text x="{x(value) + 6:.1f}" y="{y + 14}">{value:.1f}</text>',
            f'<circle class="mean" cx="{x(mean[cell]):.1f}" cy="{y + 10}" r="5"/>',
        ]
    bottom = TOP + ROW * len(said)
    goal = f'x1="{x(2.0):.1f}" y1="{TOP - 6}" x2="{x(2.0):.1f}" y2="{bottom}"'
    parts += [
        f'<line class="goal" {goal}/>',
        f'<line class="axis" x1="{LEFT}" y1="{bottom}" x2="{RIGHT}" y2="{bottom}"/>',
    ]
    parts += [
        f'<text x="{x(value):.1f}" y="{bottom + 18}" text-anchor="middle">{value}</text>'
        for value in range(0, int(top) + 1, 5)
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 620 {height}" role="img">'
        f"<title>{escape(TITLE)}</title><style>{STYLE}</style>\n" + "\n".join(parts) + "\n</svg>\n"
    )


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(drawn(json.loads(Path(sys.argv[1]).read_text())))

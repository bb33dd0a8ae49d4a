"""How soon a fault is found, drawn over its size: a picture for each kind."""

from collections.abc import Iterable
from typing import Final

from voltherd.bench.detect import METHODS, Row
from voltherd.bench.picture import picture
from voltherd.errors import InputError
from voltherd.types.event import Plot

SHOWN: Final = {
    ("internal_short", "1/day"): (100.0, "charge lost by the cell [%/day]"),
    ("contact_resistance", "ohm"): (1e3, "resistance added [mΩ]"),
    ("weak_cell", "1"): (100.0, "capacity lost by the cell [%]"),
    ("sensor_bias", "V"): (1e3, "step of a cell's reading [mV]"),
}
SOURCES_MAX: Final = 3


def drawn(rows: Iterable[Row]) -> dict[str, str]:
    """Draw the median time to the first alarm of each kind that has several sizes.

    Returns:
        A picture by kind.

    Raises:
        InputError: There is none to draw.
    """
    table = list(rows)
    pictures = {
        kind: picture(plot, kind)
        for (kind, unit), (factor, label) in SHOWN.items()
        for same in [[r for r in table if (r.phenomenon, r.unit) == (kind, unit)]]
        if len({row.size for row in same}) > 1
        for plot in [_plot(same, factor, label)]
    }
    if not pictures:
        raise InputError("no fault of several sizes was measured", mend="run more with --only")
    return pictures


def _plot(rows: list[Row], factor: float, label: str) -> Plot:
    sizes = sorted({row.size for row in rows})
    sources = list(dict.fromkeys(row.source for row in rows))

    def line(source: str, method: str) -> tuple[float | None, ...]:
        at = {r.size: r.median_hour for r in rows if (r.source, r.method) == (source, method)}
        return tuple(at.get(size) for size in sizes)

    # The one with most sizes first; beside it what the plain sibling score does there.
    sources.sort(key=lambda source: -sum(v is not None for v in line(source, METHODS[0])))
    lines = [(source, line(source, METHODS[0])) for source in sources[:SOURCES_MAX]]
    lines.append((f"z-score, {sources[0]}", line(sources[0], METHODS[2])))
    name = rows[0].phenomenon.replace("_", " ")
    return Plot(
        title=f"{name}: median time to the first alarm, injected faults; what is not drawn "
        "was never found",
        x_label=label,
        y_label="time to the first alarm [h]",
        x=tuple(factor * size for size in sizes),
        series=tuple(lines),
    )

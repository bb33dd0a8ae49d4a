"""The picture of the state of power: told beside simulated, over the state of charge."""

from collections.abc import Iterable
from typing import Final

from voltherd.bench.picture import picture
from voltherd.bench.sop_score import HEADLINE, SopRow
from voltherd.errors import InputError
from voltherd.types.event import Plot

_SHOWN: Final = {"sop_map": "map", "sop_2rc": "2-RC", "sop_r0": "R0"}


def drawn(rows: Iterable[SopRow]) -> str:
    """Draw the charging power over 10 s at the coldest temperature of the first cell.

    Raises:
        InputError: There is no such row.
    """
    rows = [
        row
        for row in rows
        if (row.condition, row.direction, row.second) == ("rested", "charge", HEADLINE)
    ]
    if not rows:
        raise InputError("no charging powers to draw")
    coldest = min(row.temperature for row in rows)
    rows = [r for r in rows if r.temperature == coldest and r.dataset == rows[0].dataset]
    own = {
        name: sorted((r.soc, r.watt_told, r.watt) for r in rows if r.estimator == name)
        for name in _SHOWN
    }
    first = own["sop_map"]
    plot = Plot(
        title="Charging power over 10 s: told beside simulated",
        x_label=f"state of charge [%], {coldest:.0f} °C",
        y_label="power [W]",
        x=tuple(100.0 * soc for soc, _, _ in first),
        series=(
            ("DFN", tuple(watt for *_, watt in first)),
            *((short, tuple(told for _, told, _ in own[name])) for name, short in _SHOWN.items()),
        ),
    )
    return picture(plot, "sop")

"""The picture of the state of charge: error over temperature, estimator beside estimator."""

from collections.abc import Iterable
from typing import Final

from voltherd.bench.picture import picture
from voltherd.bench.soc_protocol import SocRow, mean
from voltherd.errors import InputError
from voltherd.types.event import Plot

LINES_MAX: Final = 4
"""More lines cannot be told apart."""


def drawn(rows: Iterable[SocRow]) -> str:
    """Draw the RMSE on the first dataset's drives, as they are, of the first estimators.

    Raises:
        InputError: There is no such row.
    """
    clean = [row for row in rows if row.condition == "clean"]
    if not clean:
        raise InputError("no drives to draw", mend="run on a folder with drives")
    clean = [row for row in clean if row.dataset == clean[0].dataset]
    warmth = sorted({row.temperature for row in clean})
    names = list(dict.fromkeys(row.estimator for row in clean))[:LINES_MAX]
    lines = {
        name: tuple(
            mean([r.rmse for r in clean if (r.estimator, r.temperature) == (name, celsius)])
            for celsius in warmth
        )
        for name in names
    }
    plot = Plot(
        title=f"State of charge on {clean[0].dataset}, drives not fitted to: RMSE",
        x_label="temperature [°C]",
        y_label="RMSE [% of charge]",
        x=tuple(warmth),
        series=tuple(lines.items()),
    )
    return picture(plot, "soc")

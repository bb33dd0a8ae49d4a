"""The small plot beside a finding: the string cell by cell, or a cell's history."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from jaxtyping import Float

from voltherd.detection import cells, imbalance, modules, soc_report
from voltherd.detection.anchors import soc_by_voltage
from voltherd.detection.engine import Detection
from voltherd.detection.gauge import pack_of
from voltherd.detection.memory import whole
from voltherd.detection.verdict import Verdict
from voltherd.numerics.robust import median
from voltherd.types.event import LocationKind, Plot

PLOT_POINTS: Final = 120


def plot_of(verdict: Verdict, state: Detection, names: Sequence[str]) -> Plot | None:
    """Give the plot that shows a verdict best, None where none would show anything.

    Args:
        verdict: What to show.
        state: After the last row.
        names: The source's names of the cells, in order.
    """
    if verdict.cause in (imbalance.CAUSE, modules.CAUSE):
        return _string_plot(verdict, state)
    if verdict.cause == soc_report.CAUSE:
        return _gauge_plot(state)
    if verdict.location.kind is LocationKind.CELL and np.isfinite(state.memory.history_volt).any():
        return _history_plot(verdict, state, names)
    return None


def _string_plot(verdict: Verdict, state: Detection) -> Plot:
    found = cells.fit(whole(state.memory))
    charge = found.charge - float(median(found.charge, axis=0))
    return Plot(
        title="Charge of each cell against the median cell, along the string",
        x_label="cell number",
        y_label="charge difference [%]",
        x=tuple(float(i) for i in range(1, len(charge) + 1)),
        series=(("charge difference", tuple(round(float(c) * 100, 3) for c in charge)),),
        kind="bar",
        highlight=tuple(c - 1 for c in verdict.location.cells),
    )


def _history_plot(verdict: Verdict, state: Detection, names: Sequence[str]) -> Plot:
    memory = state.memory
    measured = np.flatnonzero(np.isfinite(memory.history_volt).any(axis=1))
    even = np.linspace(0, len(measured) - 1, min(len(measured), PLOT_POINTS))
    picked = measured[np.unique(even.astype(int))]
    volt = memory.history_volt[picked] * 1e3
    low, high = np.nanquantile(volt, [0.05, 0.95], axis=1)
    series = [
        (names[cell - 1] if names else f"cell {cell}", _rounded(volt[:, cell - 1]))
        for cell in verdict.location.cells
    ]
    return Plot(
        title="The cell's distance from the median cell, beside the middle 90 % of its siblings",
        x_label="time (UTC)",
        y_label="deviation [mV]",
        x=tuple(float(t) for t in memory.history_second[picked]),
        series=(*series, ("siblings, 5 %", _rounded(low)), ("siblings, 95 %", _rounded(high))),
        x_is_time=True,
    )


def _gauge_plot(state: Detection) -> Plot | None:
    rests = state.gauge.anchors
    by_voltage = soc_by_voltage(rests, pack_of(state.memory, state.asset).chemistry)
    if len(by_voltage) < 2 or np.isnan(by_voltage).all():
        return None
    return Plot(
        title="The reported state of charge, and what the resting cells' voltage stands for",
        x_label="time (UTC)",
        y_label="state of charge [%]",
        x=tuple(float(t) for t in rests.second),
        series=(
            ("reported", _rounded(rests.soc * 100)),
            ("by voltage", _rounded(by_voltage * 100)),
        ),
        x_is_time=True,
    )


def _rounded(values: Float[np.ndarray, " n"]) -> tuple[float | None, ...]:
    return tuple(round(float(v), 2) if np.isfinite(v) else None for v in values)

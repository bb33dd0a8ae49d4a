"""An identified cell: two RC pairs whose values are tables over temperature and state of charge.

A preset has one resistance at 25 °C and one activation energy; a real cell has neither.  Between
nodes everything is bilinear, beyond them it stays as at the edge.
"""

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import NamedTuple, final

import numpy as np
from jaxtyping import Float, Int

from voltherd.numerics.cell_parameters import OCV_NODES, CellParameters

Table = Float[np.ndarray, "temperatures nodes"]
PerCell = Float[np.ndarray, "cells"]
_SMOOTH: int = 5
"""Nodes of the curve, a percent each, that a slope is the mean of: a kink is no information."""
SLOPE_MIN = 0.05
"""The least that a curve climbs, so that no correction is endless [V]."""


class Circuit(NamedTuple):
    """What the tables say at one state.

    Attributes:
        r0: Series resistance [Ω].
        r1: Resistance of the fast pair [Ω].
        r2: Resistance of the slow pair [Ω].
        ocv: Open-circuit voltage [V].
        slope: Its slope over SOC [V].
        model: How far the voltage model is off, root mean square [V].
    """

    r0: PerCell
    r1: PerCell
    r2: PerCell
    ocv: PerCell
    slope: PerCell
    model: float


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CellMap:
    """A cell as it was identified.

    Attributes:
        base: Capacity, chemistry and the curve that ``shift_volt`` corrects.
        temperature_celsius: Nodes of temperature, ascending [°C].
        soc: Nodes of state of charge, ascending.
        r0_ohm: Series resistance at the nodes [Ω].
        r1_ohm: Resistance of the fast pair [Ω].
        r2_ohm: Resistance of the slow pair [Ω].
        shift_volt: What is added to the curve of ``base`` [V].
        tau1_second: Time constant of the fast pair [s].
        tau2_second: Time constant of the slow pair [s].
        model_volt: Root mean square that the fit left, by temperature [V].
        widening: By temperature, what the filter's interval is multiplied with to hold nine of ten
            errors on drives that the tables were not fitted to; 1 where that was not tried.
        source: What it was identified from.
    """

    base: CellParameters
    temperature_celsius: Float[np.ndarray, "temperatures"]
    soc: Float[np.ndarray, "nodes"]
    r0_ohm: Table
    r1_ohm: Table
    r2_ohm: Table
    shift_volt: Table
    tau1_second: float
    tau2_second: float
    model_volt: Float[np.ndarray, "temperatures"]
    widening: Float[np.ndarray, "temperatures"]
    source: str
    _grid: Float[np.ndarray, "temperatures 5 grid"] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        assert bool((np.diff(self.temperature_celsius) > 0.0).all())
        assert bool((np.diff(self.soc) > 0.0).all())
        grid = np.linspace(0.0, 1.0, OCV_NODES)
        tables = (self.r0_ohm, self.r1_ohm, self.r2_ohm, self.shift_volt)
        rows = np.array(
            [[np.interp(grid, self.soc, table[row]) for table in tables] for row in self._rows]
        )
        rows[:, 3] += self.base.ocv_volt
        edge = np.pad(np.gradient(rows[:, 3], grid, axis=1), ((0, 0), (_SMOOTH // 2,) * 2), "edge")
        smooth = np.lib.stride_tricks.sliding_window_view(edge, _SMOOTH, axis=1).mean(axis=2)
        slope = np.maximum(smooth, SLOPE_MIN)
        object.__setattr__(self, "_grid", np.concatenate([rows, slope[:, None]], axis=1))

    @property
    def _rows(self) -> range:
        return range(len(self.temperature_celsius))

    def at(self, soc: PerCell, celsius: float) -> Circuit:
        """Look the circuit up.

        Args:
            soc: State of charge of every cell; beyond 0…1 as at the edge.
            celsius: Their temperature [°C].
        """
        nodes = self.temperature_celsius
        row = min(max(bisect_right(nodes, celsius) - 1, 0), len(nodes) - 2)
        down = (celsius - float(nodes[row])) / float(nodes[row + 1] - nodes[row])
        down = min(max(down, 0.0), 1.0)
        mixed = (1.0 - down) * self._grid[row] + down * self._grid[row + 1]
        fine = np.minimum(np.maximum(soc, 0.0), 1.0) * (OCV_NODES - 1.0)
        first = np.minimum(fine.astype(np.intp), OCV_NODES - 2)
        lower = mixed[:, first]
        r0, r1, r2, ocv, slope = lower + (fine - first) * (mixed[:, first + 1] - lower)
        model = (1.0 - down) * self.model_volt[row] + down * self.model_volt[row + 1]
        return Circuit(r0, r1, r2, ocv, slope, float(model))


def place(
    nodes: Float[np.ndarray, "nodes"], values: Float[np.ndarray, "n"]
) -> tuple[Int[np.ndarray, "n"], Float[np.ndarray, "n"]]:
    """Say between which nodes values lie: the lower node, and the share of the way up.

    >>> [part.tolist() for part in place(np.array([0.0, 1.0, 3.0]), np.array([-1.0, 2.0, 9.0]))]
    [[0, 1, 1], [0.0, 0.5, 1.0]]
    """
    inside = np.clip(values, nodes[0], nodes[-1])
    lower = np.clip(np.searchsorted(nodes, inside, "right") - 1, 0, len(nodes) - 2)
    return lower, (inside - nodes[lower]) / (nodes[lower + 1] - nodes[lower])

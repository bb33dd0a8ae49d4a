"""An identified cell: two RC pairs whose values are tables over temperature and state of charge.

A preset has one resistance at 25 °C and one activation energy; a real cell has neither.  Between
nodes everything is bilinear, beyond them it stays as at the edge.
"""

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Final, NamedTuple, final

import numpy as np
from jaxtyping import Float, Int

from voltherd.numerics.cell_parameters import OCV_NODES, CellParameters
from voltherd.numerics.map_step import ARRAYS, FLOATS, make_look, make_place, make_secant
from voltherd.units import (
    GAS_CONSTANT_JOULE_PER_MOLE_KELVIN,
    REFERENCE_TEMPERATURE_CELSIUS,
    kelvin_from_celsius,
)

Table = Float[np.ndarray, "temperatures nodes"]
PerCell = Float[np.ndarray, "cells"]
PRESET_VOLT: Final = 0.010
PRESET_SECOND: Final = 120.0
PRESET_CURVE_VOLT: Final = 0.020


class _Reading(NamedTuple):
    """How tables are read in one namespace."""

    look: Callable[..., Any]
    place: Callable[..., Any]
    secant: Callable[..., Any]


_ARRAYS, _FLOATS = (
    _Reading(make_look(xp), make_place(xp), make_secant(xp)) for xp in (ARRAYS, FLOATS)
)


class Circuit(NamedTuple):
    """What the tables say at one state.

    Attributes:
        r0: Series resistance [Ω].
        r1: Resistance of the fast pair [Ω].
        r2: Resistance of the slow pair [Ω].
        ocv: Open-circuit voltage [V].
        slope: Its slope over SOC [V].
        model: How far the voltage model is off, root mean square [V].
        hysteresis: Half the gap between the charge and the discharge curve [V].
    """

    r0: PerCell
    r1: PerCell
    r2: PerCell
    ocv: PerCell
    slope: PerCell
    model: float
    hysteresis: PerCell


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
        hysteresis_volt: Half the gap between the charge and the discharge curve [V].
        hysteresis_rate: As in :class:`CellParameters`.
        tau1_second: Time constant of the fast pair [s].
        tau2_second: Time constant of the slow pair [s].
        model_volt: Root mean square that the fit left, by temperature [V].
        model_second: For how long the voltage model stays off the same way [s].
        curve_volt: How far the voltage is off for good, standard uncertainty by temperature [V].
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
    hysteresis_volt: Table
    hysteresis_rate: float
    tau1_second: float
    tau2_second: float
    model_volt: Float[np.ndarray, "temperatures"]
    curve_volt: Float[np.ndarray, "temperatures"]
    widening: Float[np.ndarray, "temperatures"]
    source: str
    model_second: float = 10.0
    flat: Float[np.ndarray, "quantities nodes"] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        assert bool((np.diff(self.temperature_celsius) > 0.0).all())
        assert bool((np.diff(self.soc) > 0.0).all())
        grid = np.linspace(0.0, 1.0, OCV_NODES)
        tables = (self.r0_ohm, self.r1_ohm, self.r2_ohm, self.shift_volt, self.hysteresis_volt)
        fine = [[np.interp(grid, self.soc, row) for row in table] for table in tables]
        flat = np.array(fine).reshape(len(tables), -1)
        flat[3] += np.tile(self.base.ocv_volt, len(self.temperature_celsius))
        object.__setattr__(self, "flat", flat)

    def in_parallel(self, count: int) -> "CellMap":
        """Give a block of equal cells side by side, which an equal share of the current passes.

        Args:
            count: How many, 1 or more.
        """
        tables = {name: getattr(self, name) / count for name in ("r0_ohm", "r1_ohm", "r2_ohm")}
        base = self.base.resized(count * self.base.capacity_ah)
        return replace(self, base=base, **tables)

    def row_at(self, celsius: float) -> tuple[int, float]:
        """Say between which rows of the tables a temperature lies: the lower, and the share."""
        nodes = self.temperature_celsius
        row = min(max(bisect_right(nodes, celsius) - 1, 0), len(nodes) - 2)
        down = (celsius - float(nodes[row])) / float(nodes[row + 1] - nodes[row])
        return row, min(max(down, 0.0), 1.0)

    def between(self, by_temperature: Float[np.ndarray, "temperatures"], celsius: float) -> float:
        """Read a quantity that has a value by temperature."""
        row, down = self.row_at(celsius)
        return float((1.0 - down) * by_temperature[row] + down * by_temperature[row + 1])

    def curve_at(self, celsius: float) -> Float[np.ndarray, "nodes"]:
        """Give the open-circuit voltage at equally spaced SOC 0…1, never falling [V]."""
        row, down = self.row_at(celsius)
        rows = self.flat[3].reshape(-1, OCV_NODES)
        return np.maximum.accumulate((1.0 - down) * rows[row] + down * rows[row + 1])

    def at(self, soc: PerCell, celsius: float) -> Circuit:
        """Look the circuit up.

        Args:
            soc: State of charge of every cell; beyond 0…1 as at the edge.
            celsius: Their temperature [°C].
        """
        return self._read(_ARRAYS, self.flat, soc, celsius)

    def at_one(self, soc: float, celsius: float) -> Circuit:
        """Look the circuit of one cell up, in floats: a twentieth of the time."""
        return self._read(_FLOATS, lists_of(self), soc, celsius)

    def _read(self, read: _Reading, tables: Any, soc: Any, celsius: float) -> Circuit:  # noqa: ANN401
        row, down = self.row_at(celsius)
        first = row * OCV_NODES
        at, share = read.place(soc)
        r0, r1, r2, ocv, hysteresis = (read.look(table, first, down, at, share) for table in tables)
        slope = read.secant(tables[3], first, down, soc)
        return Circuit(r0, r1, r2, ocv, slope, self.between(self.model_volt, celsius), hysteresis)


@lru_cache(maxsize=64)
def lists_of(cell: CellMap) -> list[list[float]]:
    """Give a cell's fine tables as lists, which plain arithmetic reads several times faster."""
    return list(cell.flat.tolist())


def preset_map(parameters: CellParameters) -> CellMap:
    """Write a preset as tables: one resistance for all charges, Arrhenius over temperature.

    Args:
        parameters: The preset, of the size wanted.

    Returns:
        Tables every 5 K.  Curve and resistances of a preset are not this cell's: the uncertainty of
        both is set to what presets were off on recorded cells (the tests of the presets repeat
        it), and stays off for a minute.
    """
    celsius = np.arange(-40.0, 70.1, 5.0)
    per_kelvin = parameters.activation_joule_per_mole / GAS_CONSTANT_JOULE_PER_MOLE_KELVIN
    kelvin = kelvin_from_celsius(REFERENCE_TEMPERATURE_CELSIUS)
    factor = np.exp(
        per_kelvin * (1.0 / (celsius - REFERENCE_TEMPERATURE_CELSIUS + kelvin) - 1.0 / kelvin)
    )
    flat = factor[:, None] * np.ones(2)
    none = np.zeros_like(flat)
    return CellMap(
        base=parameters,
        temperature_celsius=celsius,
        soc=np.array([0.0, 1.0]),
        r0_ohm=parameters.r0_ohm * flat,
        r1_ohm=parameters.r1_ohm * flat,
        r2_ohm=parameters.r2_ohm * flat,
        shift_volt=none,
        hysteresis_volt=none + parameters.hysteresis_volt,
        hysteresis_rate=parameters.hysteresis_rate,
        tau1_second=parameters.tau1_second,
        tau2_second=parameters.tau2_second,
        model_volt=np.full(len(celsius), PRESET_VOLT),
        model_second=PRESET_SECOND,
        curve_volt=np.full(len(celsius), PRESET_CURVE_VOLT),
        widening=np.ones(len(celsius)),
        source=parameters.source,
    )


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

"""Which part of a cell has aged: lithium lost, or either electrode's material.

A slow charge is laid over the difference of two half-cell curves.  Four values are fitted: the
capacities of both electrodes and where on their curves the charge begins.  From them follow the
loss of active material of each electrode, the loss of lithium inventory, and the capacity between
the cut-off voltages.

With q what has gone in, in Ah:  ``V(q) = U_p(y0 - q / C_p) - U_n(x0 + q / C_n)``.  The voltage and
a tenth of its slope over charge are fitted together, from several starts.

Source: Dubarry et al., Journal of Power Sources 219 (2012) 204 (modes); Birkl et al., Journal of
Power Sources 341 (2017) 373 (fit).  Errors expected: with 8 mV of constant polarisation left in the
voltage, one to two percent of either electrode.
"""

from collections.abc import Callable
from itertools import product
from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Float

from voltherd.errors import InputError
from voltherd.numerics.least_squares import damped_gauss_newton

Curve = Callable[[Float[np.ndarray, "*batch"]], Float[np.ndarray, "*batch"]]
Column = Float[np.ndarray, "rows"]
SLOPE_WEIGHT: Final = 0.1
"""Weight of the slope [V per relative charge] beside the voltage."""
_LEFT: Final = (0.85, 1.0)
_PLACES: Final = ((0.03, 0.9), (0.2, 0.78), (0.45, 0.58))
"""Starts: material left of each electrode, and stoichiometry of negative and positive."""
_SMOOTH_ROWS: Final = 25
_LOW: Final = np.array([0.4, 0.4, 0.0, 0.3])
_HIGH: Final = np.array([1.3, 1.3, 0.9, 1.0])


class HalfCells(NamedTuple):
    """The two electrodes as new.

    Attributes:
        positive: Potential over stoichiometry [V].
        negative: Potential over stoichiometry [V].
        positive_ah: Capacity of the positive electrode over stoichiometry 0…1 [Ah].
        negative_ah: Capacity of the negative electrode over stoichiometry 0…1 [Ah].
        inventory_ah: Lithium that can move [Ah].
        low_volt: Lower cut-off [V].
        high_volt: Upper cut-off [V].
    """

    positive: Curve
    negative: Curve
    positive_ah: float
    negative_ah: float
    inventory_ah: float
    low_volt: float
    high_volt: float


class Modes(NamedTuple):
    """How a cell has aged; fractions of the new cell.

    Attributes:
        positive_loss: Active material of the positive electrode lost (LAM).
        negative_loss: Active material of the negative electrode lost (LAM).
        inventory_loss: Lithium inventory lost (LLI).
        capacity_ah: Between the cut-off voltages, at rest [Ah].
        rmse_volt: What the fit leaves in the voltage [V].
    """

    positive_loss: float
    negative_loss: float
    inventory_loss: float
    capacity_ah: float
    rmse_volt: float


def charge_voltage(cells: HalfCells, values: Float[np.ndarray, "4"], charged_ah: Column) -> Column:
    """Give the voltage at rest after some charge.

    Args:
        cells: The electrodes as new.
        values: Capacity left of positive and negative as fractions of new, and where the charge
            begins on the negative and on the positive curve.
        charged_ah: What has gone in since [Ah].
    """
    positive = values[3] - charged_ah / (values[0] * cells.positive_ah)
    negative = values[2] + charged_ah / (values[1] * cells.negative_ah)
    return np.asarray(cells.positive(positive) - cells.negative(negative))


def inventory(cells: HalfCells, values: Float[np.ndarray, "4"]) -> float:
    """Give the lithium that can move: what both electrodes hold together [Ah]."""
    left_ah = values[:2] * np.array([cells.positive_ah, cells.negative_ah])
    return float(left_ah[0] * values[3] + left_ah[1] * values[2])


def capacity(cells: HalfCells, values: Float[np.ndarray, "4"]) -> float:
    """Give the charge between the cut-off voltages, from where both meet the curve [Ah]."""
    grid = np.linspace(-0.5, 1.5, 4001) * cells.inventory_ah
    volt = charge_voltage(cells, values, grid)
    inside = np.flatnonzero((volt >= cells.low_volt) & (volt <= cells.high_volt))
    return float(grid[inside[-1]] - grid[inside[0]]) if len(inside) else 0.0


def modes(cells: HalfCells, charged_ah: Column, voltage_volt: Column) -> Modes:
    """Fit the modes to a slow charge.

    Args:
        cells: The electrodes as new.
        charged_ah: What has gone in since the first row, increasing [Ah].
        voltage_volt: Of the cell, less current times resistance [V].

    Raises:
        InputError: The charge is too short to show a shape.
    """
    whole = float(np.ptp(charged_ah)) if len(charged_ah) else 0.0
    if len(charged_ah) < 2 * _SMOOTH_ROWS or whole < 0.2 * cells.inventory_ah:
        raise InputError("too little charge to tell modes of ageing", mend="a fifth of the cell")
    measured_slope = _slope(charged_ah / whole, voltage_volt)

    def residual(values: Float[np.ndarray, "values"]) -> Float[np.ndarray, "residuals"]:
        volt = charge_voltage(cells, values, charged_ah)
        slope = _slope(charged_ah / whole, volt)
        error = [volt - voltage_volt, SLOPE_WEIGHT * (slope - measured_slope)]
        return np.asarray(np.concatenate(error) / np.sqrt(len(volt)))

    fits = [
        damped_gauss_newton(residual, np.array([left, right, *place]), _LOW, _HIGH)
        for left, right, place in product(_LEFT, _LEFT, _PLACES)
    ]
    values, _ = min(fits, key=lambda fit: float(fit[1] @ fit[1]))
    error = charge_voltage(cells, values, charged_ah) - voltage_volt
    return Modes(
        positive_loss=1.0 - float(values[0]),
        negative_loss=1.0 - float(values[1]),
        inventory_loss=1.0 - inventory(cells, values) / cells.inventory_ah,
        capacity_ah=capacity(cells, values),
        rmse_volt=float(np.sqrt(np.mean(error**2))),
    )


def _slope(charge: Column, volt: Column) -> Float[np.ndarray, "slopes"]:
    """Give the slope over some twenty-five rows, smoothed as much for model and measurement."""
    run = np.maximum(charge[_SMOOTH_ROWS:] - charge[:-_SMOOTH_ROWS], 1e-9)
    return np.asarray((volt[_SMOOTH_ROWS:] - volt[:-_SMOOTH_ROWS]) / run)

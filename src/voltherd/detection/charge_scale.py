"""From millivolts to charge: how much state of charge a cell's voltage deviation stands for.

A deviation of 10 mV is a trifle on the steep part of the open-circuit voltage and a great deal of
charge on an LFP plateau.  The slope is learned from the vehicle itself, from its median cell near
rest against its reported charge; where it has not been yet, the preset curve of its chemistry
stands in, from which makers' curves differ by tens of percent.
"""

from bisect import bisect_left
from math import isfinite
from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from voltherd.numerics.presets import LFP, NMC
from voltherd.types.asset import Chemistry

SLOPE_VOLT_MAX: Final = 1.5
"""Where the curve falls off a cliff the preset's exact place is not the vehicle's [V]."""
SLOPE_TYPICAL_VOLT: Final = 0.8
"""Of a sloping cell, for sizing a deviation where charge is unknown [V]."""
SLOPE_VOLT_MIN: Final = 0.15
"""Least slope divided by: a plateau's own slope is lost in its gauge's error [V]."""
STRAIGHT_VOLT: Final = 0.04
"""Deviation up to which the curve is straight enough to need no straightening [V]."""
BINS: Final = 20
NEAR_SOC: Final = 0.12
"""How far from a charge the curve must be known on both sides to tell the slope there."""
SOC_MIN: Final = 0.08
"""Below it every cell is on its own cliff and deviations say little of the usable charge."""
SLOPE_UNCERTAINTY: Final = 0.3
"""Relative, between makers' curves of one chemistry."""
_SMOOTHING_SOC: Final = 0.1
_READABLE: Final = {Chemistry.NMC: (SOC_MIN, 1.01), Chemistry.LFP: (SOC_MIN, 0.35)}
"""Where voltage can be read as charge; on the iron-phosphate plateau it cannot."""
_USABLE: Final = {Chemistry.NMC: (SOC_MIN, 1.01), Chemistry.LFP: (SOC_MIN, 0.95)}
"""Where deviations mean anything at all: not where all cells dash for their limits."""


def _slopes(ocv_volt: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """Give the slope over a tenth of the charge, as deviations are never read more finely."""
    grid = np.linspace(0.0, 1.0, len(ocv_volt))
    above = np.interp(np.minimum(grid + _SMOOTHING_SOC / 2, 1.0), grid, ocv_volt)
    below = np.interp(np.maximum(grid - _SMOOTHING_SOC / 2, 0.0), grid, ocv_volt)
    run = np.minimum(grid + _SMOOTHING_SOC / 2, 1.0) - np.maximum(grid - _SMOOTHING_SOC / 2, 0.0)
    return np.asarray(np.minimum((above - below) / run, SLOPE_VOLT_MAX))


_TABLES: Final = {
    chemistry: (
        np.linspace(0.0, 1.0, len(parameters.ocv_volt)),
        np.asarray(parameters.ocv_volt, float),
        _slopes(np.asarray(parameters.ocv_volt, float)),
    )
    for chemistry, parameters in ((Chemistry.NMC, NMC), (Chemistry.LFP, LFP))
}


def flat_share(cell_volt: Float[np.ndarray, " n"], soc_fraction: Float[np.ndarray, " n"]) -> float:
    """Tell a flat iron-phosphate cell from a sloping one.

    Args:
        cell_volt: Median cell voltages near rest [V].
        soc_fraction: Reported state of charge, NaN where unknown.

    Returns:
        Share of the voltages that lie below what a layered oxide shows at that charge; near 1 for
        LFP, near 0 for NMC, which stands for NCA and LMO too; NaN without a voltage.

    >>> flat_share(np.array([3.29, 3.30, 3.33]), np.array([0.4, 0.6, 0.9]))
    1.0
    >>> flat_share(np.array([3.65, 3.9]), np.array([np.nan, np.nan]))
    0.0
    """
    measured = np.isfinite(cell_volt)
    if not measured.any():
        return float("nan")
    soc = np.where(np.isfinite(soc_fraction), soc_fraction, 0.5)
    low_for_oxide = cell_volt < np.where(soc > 0.25, 3.42, 3.2)
    return float(low_for_oxide[measured].mean())


class Curve(NamedTuple):
    """A vehicle's own open-circuit voltage against its reported charge, in twenty bins.

    Attributes:
        seen: How many median cell voltages fell into each bin.
        volt: Their sum [V].
        soc: Sum of the charges they were seen at.
    """

    seen: Float[np.ndarray, " b"]
    volt: Float[np.ndarray, " b"]
    soc: Float[np.ndarray, " b"]


def unknown_curve() -> Curve:
    """Know nothing of a vehicle's curve yet."""
    return Curve(np.zeros(BINS), np.zeros(BINS), np.zeros(BINS))


def learn(
    curve: Curve, cell_volt: Float[np.ndarray, " n"], soc_fraction: Float[np.ndarray, " n"]
) -> Curve:
    """Add median cell voltages less their ohmic part, at reported charges; NaN adds nothing."""
    seen, volts, socs = [0.0] * BINS, [0.0] * BINS, [0.0] * BINS
    for volt, soc in zip(cell_volt.tolist(), soc_fraction.tolist(), strict=True):
        if isfinite(volt) and isfinite(soc):
            place = min(max(int(soc * BINS), 0), BINS - 1)
            seen[place] += 1.0
            volts[place] += volt
            socs[place] += soc
    return Curve(curve.seen + seen, curve.volt + volts, curve.soc + socs)


def own_slope(curve: Curve, soc: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """Give the learned slope at some charges, NaN where it has not been seen closely enough.

    >>> soc = np.linspace(0.2, 0.6, 60)
    >>> own_slope(learn(unknown_curve(), 3.4 + 0.9 * soc, soc), np.array([0.4, 0.9])).round(3)
    array([0.9, nan])
    """
    known = np.flatnonzero(curve.seen >= 2.0)
    if len(known) < 2:
        return np.full(len(soc), np.nan)
    seen = curve.seen[known]
    at: list[float] = (curve.soc[known] / seen).tolist()
    volt: list[float] = (curve.volt[known] / seen).tolist()

    def slope_at(charge: float) -> float:
        right = min(max(bisect_left(at, charge), 1), len(at) - 1)
        if not (abs(at[right] - charge) <= NEAR_SOC and abs(at[right - 1] - charge) <= NEAR_SOC):
            return float("nan")
        # Over the two neighbouring bins on each side where there are so many: one bin is noisy.
        low, high = max(right - 2, 0), min(right + 1, len(at) - 1)
        slope = (volt[high] - volt[low]) / (at[high] - at[low])
        return min(max(slope, SLOPE_VOLT_MIN), SLOPE_VOLT_MAX)

    return np.array([slope_at(charge) for charge in soc.tolist()])


def soc_and_slope(
    cell_volt: Float[np.ndarray, " n"],
    soc_fraction: Float[np.ndarray, " n"],
    chemistry: Chemistry,
    curve: Curve,
) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"], Bool[np.ndarray, " n"]]:
    """Give the state of charge to reckon with, the OCV slope there, and whether to reckon at all.

    Args:
        cell_volt: Median cell voltage less its ohmic part [V].
        soc_fraction: Reported, NaN where unknown.
        chemistry: Which preset to fall back on.
        curve: The vehicle's own.

    Returns:
        State of charge, 0…1; dU/dSOC per unit of charge [V], 0 where voltage cannot be read as
        charge; and False where the deviations there should be left out altogether.
    """
    grid, ocv, slopes = _TABLES[chemistry]
    # The oxide's curve is steep enough to be read backwards, which no lying gauge can spoil.
    from_curve = np.interp(cell_volt, ocv, grid)
    soc = np.where(np.isfinite(soc_fraction), soc_fraction, from_curve)
    at = from_curve if chemistry is Chemistry.NMC else soc
    low, high = _READABLE[chemistry]
    learned = own_slope(curve, soc_fraction)
    slope = np.where(np.isfinite(learned), learned, np.interp(at, grid, slopes))
    slope = np.where((at >= low) & (at <= high), slope, 0.0)
    low, high = _USABLE[chemistry]
    return np.asarray(soc), np.asarray(slope), np.asarray((at >= low) & (at <= high))


def straightened(
    cell_volt: Float[np.ndarray, " n"],
    deviation_volt: Float[np.ndarray, "n c"],
    slope_volt: Float[np.ndarray, " n"],
    chemistry: Chemistry,
) -> Float[np.ndarray, "n c"]:
    """Give the deviations as they would be on a straight line through the median cell.

    A weak cell near empty falls off the curve's cliff while its siblings do not; read through the
    preset curve, its deviation is again proportional to its lack of charge.  Small deviations are
    left alone: there the vehicle's own slope is better than the preset's bend.

    Args:
        cell_volt: Median cell voltage less its ohmic part [V].
        deviation_volt: Each cell against it, ohmic part taken out [V].
        slope_volt: From ``soc_and_slope``; where it is 0 deviations are left as they are.
        chemistry: Which curve; only a sloping one can be read so.
    """
    if chemistry is not Chemistry.NMC:
        return deviation_volt
    bent = (slope_volt > 0.0)[:, None] & (np.abs(deviation_volt) > STRAIGHT_VOLT)
    if not bent.any():
        return deviation_volt
    grid, ocv, slopes = _TABLES[chemistry]
    charge = np.interp(cell_volt[:, None] + deviation_volt, ocv, grid) - np.interp(
        cell_volt[:, None], ocv, grid
    )
    preset = np.interp(np.interp(cell_volt, ocv, grid), grid, slopes)[:, None]
    return np.asarray(np.where(bent, preset * charge, deviation_volt))

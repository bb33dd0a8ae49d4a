"""From millivolts to charge: how much state of charge a cell's voltage deviation stands for.

A deviation of 10 mV is a trifle on the steep part of the open-circuit voltage and a great deal of
charge on an LFP plateau.  The slope comes from the preset curve of the pack's chemistry, which is
told from voltage and reported state of charge; makers' curves differ from it by tens of percent, so
charge is told with that margin and never decides alone.
"""

from typing import Final

import numpy as np
from jaxtyping import Float

from voltherd.numerics.presets import LFP, NMC
from voltherd.types.asset import Chemistry

SLOPE_VOLT_MIN: Final = 0.15
"""Least slope divided by, per unit of SOC: below it voltage says next to nothing of charge [V]."""
SLOPE_VOLT_MAX: Final = 1.5
"""Where the curve falls off a cliff the preset's exact place is not the vehicle's [V]."""
SLOPE_UNCERTAINTY: Final = 0.3
"""Relative, between makers' curves of one chemistry."""
_SMOOTHING_SOC: Final = 0.1


def _slopes(ocv_volt: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """Give the slope over a tenth of the charge, as deviations are never read more finely."""
    grid = np.linspace(0.0, 1.0, len(ocv_volt))
    above = np.interp(np.minimum(grid + _SMOOTHING_SOC / 2, 1.0), grid, ocv_volt)
    below = np.interp(np.maximum(grid - _SMOOTHING_SOC / 2, 0.0), grid, ocv_volt)
    run = np.minimum(grid + _SMOOTHING_SOC / 2, 1.0) - np.maximum(grid - _SMOOTHING_SOC / 2, 0.0)
    return np.asarray(np.clip((above - below) / run, SLOPE_VOLT_MIN, SLOPE_VOLT_MAX))


_TABLES: Final = {
    chemistry: (
        np.linspace(0.0, 1.0, len(parameters.ocv_volt)),
        np.asarray(parameters.ocv_volt, float),
        _slopes(np.asarray(parameters.ocv_volt, float)),
    )
    for chemistry, parameters in ((Chemistry.NMC, NMC), (Chemistry.LFP, LFP))
}


def guess_chemistry(
    cell_volt: Float[np.ndarray, " n"], soc_fraction: Float[np.ndarray, " n"]
) -> Chemistry:
    """Tell a flat iron-phosphate cell from a sloping one.

    Args:
        cell_volt: Median cell voltages near rest [V].
        soc_fraction: Reported state of charge, NaN where unknown.

    Returns:
        LFP where most voltages lie below what a layered oxide shows at that charge, else NMC, which
        stands for NCA and LMO too.

    >>> guess_chemistry(np.array([3.29, 3.30, 3.33]), np.array([0.4, 0.6, 0.9])).value
    'LFP'
    >>> guess_chemistry(np.array([3.65, 3.9]), np.array([np.nan, np.nan])).value
    'NMC'
    """
    measured = np.isfinite(cell_volt)
    if not measured.any():
        return Chemistry.NMC
    soc = np.where(np.isfinite(soc_fraction), soc_fraction, 0.5)
    low_for_oxide = cell_volt < np.where(soc > 0.25, 3.42, 3.2)
    return Chemistry.LFP if low_for_oxide[measured].mean() > 0.5 else Chemistry.NMC


def soc_and_slope(
    cell_volt: Float[np.ndarray, " n"],
    soc_fraction: Float[np.ndarray, " n"],
    chemistry: Chemistry,
) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"]]:
    """Give the state of charge to reckon with, and the OCV slope there.

    Reported charge is used where there is any: it may be off by some percent, which hardly moves
    the slope; without it the curve is read backwards.

    Args:
        cell_volt: Median cell voltage less its ohmic part [V].
        soc_fraction: Reported, NaN where unknown.
        chemistry: Which curve.

    Returns:
        State of charge, 0…1, and dU/dSOC per unit of charge [V].
    """
    grid, ocv, slopes = _TABLES[chemistry]
    # The oxide's curve is steep enough to be read backwards, which no lying gauge can spoil.
    from_curve = np.interp(cell_volt, ocv, grid)
    reported = np.isfinite(soc_fraction)
    soc = np.where(reported, soc_fraction, from_curve)
    at = from_curve if chemistry is Chemistry.NMC else soc
    return np.asarray(soc), np.interp(at, grid, slopes)

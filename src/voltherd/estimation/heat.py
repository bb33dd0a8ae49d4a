"""What a recorded temperature tells of a cell's heat capacity and of how it is cooled.

The lumped balance ``C dT/dt = i (v - ocv) - (T - T_around) / R`` is summed from the start of a
stretch of record, so that no noisy temperature is differentiated::

    T(t) - T(0) = a ∫ i (v - ocv) dt - b ∫ (T - T_around) dt,    a = 1/C,  b = 1/(R C)

It is linear in a and b.  The surroundings are taken as they were when the drive began: a cell that
had not come to rest, or a chamber that moves, spoils both.  Reversible heat is left out: over a
discharge it adds a few percent.  The standard error is by leaving out one stretch after the other,
since errors within a stretch are not independent.

Source: Bernardi, Pawlikowski, Newman, J. Electrochem. Soc. 132 (1985) 5; jackknife: Efron, Stein,
Annals of Statistics 9 (1981) 586.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Float

from voltherd.estimation.identify import Column, Drive, basis, curve_at, interval
from voltherd.estimation.told import Told
from voltherd.numerics.cell_map import CellMap

STRETCH_SECOND: Final = 1800.0
MOVED_KELVIN_MIN: Final = 2.0
"""A temperature that moved less says nothing."""
STRETCHES_MIN: Final = 4
PLAUSIBLE: Final = 2.5
"""A heat capacity beyond this many times, or below one of as many parts, of what the chemistry has
per ampere-hour is no cell's: packaging and format move it by less."""
_ROWS_MIN: Final = 20
_DOUBT_MAX: Final = 0.5
"""A standard error above this share of the value is no answer."""


class _Sums(NamedTuple):
    """Normal equations of one stretch, for a and b."""

    gram: Float[np.ndarray, "2 2"]
    moment: Float[np.ndarray, "2"]


def heat_of(cell: CellMap, drives: Sequence[Drive]) -> tuple[Told, Told]:
    """Give heat capacity [J/K] and thermal resistance to the surroundings [K/W].

    Args:
        cell: Whose open-circuit voltage says which part of the power is heat.
        drives: With recorded temperature.
    """
    moved = max(
        float(np.ptp(np.quantile(drive.temperature_celsius, (0.01, 0.99)))) for drive in drives
    )
    if moved < MOVED_KELVIN_MIN:
        why = f"cannot tell: the temperature moved by {moved:.1f} K at most"
        return Told(None, None, why), Told(None, None, why)
    sums = [part for drive in drives for part in _stretches(cell, drive)]
    if len(sums) < STRETCHES_MIN:
        why = (
            f"cannot tell: {len(sums)} stretches of {STRETCH_SECOND / 60.0:.0f} min, "
            f"{STRETCHES_MIN} are needed"
        )
        return Told(None, None, why), Told(None, None, why)
    gram, moment = (np.array(part) for part in zip(*sums, strict=True))
    whole = _solved(gram.sum(axis=0), moment.sum(axis=0))
    without = np.array([_solved(gram.sum(axis=0) - g, moment.sum(axis=0) - m) for g, m in sums])
    spread = np.sqrt((len(sums) - 1) / len(sums) * ((without - without.mean(axis=0)) ** 2).sum(0))
    why = (
        f"from {len(sums)} stretches of {STRETCH_SECOND / 60.0:.0f} min in which the temperature "
        f"moved by up to {moved:.0f} K; surroundings as at each drive's start"
    )
    usual = cell.base.heat_capacity_joule_per_kelvin
    times = float(whole[0]) / usual
    doubt = bool((spread > _DOUBT_MAX * whole).any())
    if not np.isfinite(whole).all() or doubt or bool((whole <= 0.0).any()):
        why = f"cannot tell: heat and temperature do not go together; tried {why}"
    elif not 1.0 / PLAUSIBLE <= times <= PLAUSIBLE:
        why = (
            f"cannot tell: the reading goes as with {whole[0]:.0f} ± {spread[0]:.0f} J/K and "
            f"{whole[1]:.2f} ± {spread[1]:.2f} K/W, {times:.1f} times the {usual:.0f} J/K of a "
            f"cell of this size, so it is not the cell alone that is read; {why}"
        )
    else:
        return (
            Told(float(whole[0]), float(spread[0]), why),
            Told(float(whole[1]), float(spread[1]), why),
        )
    return Told(None, None, why), Told(None, None, why)


def _solved(
    gram: Float[np.ndarray, "2 2"], moment: Float[np.ndarray, "2"]
) -> Float[np.ndarray, "2"]:
    """Give heat capacity and thermal resistance."""
    per_capacity, per_both = np.linalg.lstsq(gram, moment, rcond=None)[0]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.array([1.0 / per_capacity, per_capacity / per_both])


def _stretches(cell: CellMap, drive: Drive) -> list[_Sums]:
    """Cut a drive into stretches, each with an offset of its own, which centring takes out."""
    passed = interval(drive)
    power = heat_watt(cell, drive)
    above = drive.temperature_celsius - drive.temperature_celsius[0]
    heat = _summed(power, passed)
    lost = _summed(above, passed)
    found = []
    since = drive.time_second - drive.time_second[0]
    cuts = np.searchsorted(since, np.arange(STRETCH_SECOND, float(since[-1]), STRETCH_SECOND))
    for rows in np.split(np.arange(len(since)), cuts):
        if len(rows) < _ROWS_MIN or since[rows[-1]] - since[rows[0]] < 0.5 * STRETCH_SECOND:
            continue
        parts = np.stack([heat[rows], -lost[rows]])
        parts = parts - parts.mean(axis=1, keepdims=True)
        found.append(_Sums(parts @ parts.T, parts @ above[rows]))
    return found


def heat_watt(cell: CellMap, drive: Drive) -> Column:
    """Give the heat that the current makes: current times what it is away from rest [W]."""
    weights = basis(drive, cell.temperature_celsius)
    ocv = curve_at(cell.base, drive.soc) + weights @ cell.shift_volt.ravel()
    return np.asarray(drive.current_ampere * (drive.voltage_volt - ocv))


def _summed(rate: Column, passed: Column) -> Column:
    """Sum what passes, by the trapezoidal rule."""
    before = np.concatenate([rate[:1], rate[:-1]])
    return np.asarray(np.cumsum(0.5 * (rate + before) * passed))

"""Which unit a scalar is in, from what it declares, where its values lie, and its siblings."""

from typing import Final

import numpy as np

from voltherd.intake.numbers import middle as middle_of
from voltherd.intake.temperature import Scale

_TOLD: Final = {
    "voltage_volt": {"V": 1.0, "mV": 1e-3, "kV": 1e3},
    "soc_fraction": {"%": 1e-2, "1": 1.0, "‰": 1e-3},
    "relative_humidity_fraction": {"%": 1e-2, "1": 1.0},
    "speed_kilometre_per_hour": {"km/h": 1.0, "m/s": 3.6, "mph": 1.609344},
    "odometer_kilometre": {"km": 1.0, "m": 1e-3, "mi": 1.609344},
    "insulation_resistance_ohm": {"Ω": 1.0, "kΩ": 1e3, "MΩ": 1e6},
    "vibration_metre_per_second_squared": {"m/s²": 1.0, "g": 9.80665},
    "pressure_pascal": {"Pa": 1.0, "kPa": 1e3, "hPa": 100.0, "bar": 1e5},
}
_RATIOS: Final = (1.0, 0.1, 0.01, 1e-3, 10.0, 0.25, 0.5, 2.0, 0.2, 0.05, 0.02, 4.0, 5.0)
"""Resolutions in which buses carry a pack voltage [V per bit]."""


def plain_scale(role: str, sample: np.ndarray, declared: str) -> Scale:
    """Decide the unit of a scalar from its declared unit and its values alone.

    Args:
        role: Canonical name.
        sample: Sampled source values, codes left out.
        declared: Unit the source declares, empty where none.

    Returns:
        The conversion and how sure.

    >>> plain_scale("soc_fraction", np.array([15.0, 99.7]), "").scale
    0.01
    """
    known = sample[np.isfinite(sample)]
    told = _TOLD.get(role, {}).get(declared)
    if not known.size:
        return Scale(told or 1.0, 0.0, f"in {declared}" if told else "as written", 0.5, "no values")
    high, middle = float(np.quantile(known, 0.999)), float(np.median(known))
    if role in ("soc_fraction", "relative_humidity_fraction"):
        return _fraction(high, told)
    if told is not None:
        return Scale(told, 0.0, f"in {declared}", 0.95, "declared by the source")
    if role in ("warning_level", "charge_state"):
        return Scale(1.0, 0.0, "as written", 0.95, "a code")
    if role == "insulation_resistance_ohm":
        return _insulation(float(np.quantile(known, 0.98)))
    if role == "speed_kilometre_per_hour" and high > 300.0:
        return Scale(0.1, 0.0, "in tenths of km/h", 0.9, f"the highest is {high:.4g}")
    if role == "pressure_pascal":
        for scale, words in ((1.0, "Pa"), (100.0, "hPa"), (1e3, "kPa"), (1e5, "bar")):
            if 5e4 <= middle * scale <= 2e5:
                return Scale(scale, 0.0, f"in {words}", 0.8, "near the air's pressure")
    if role.startswith("cell_voltage_volt"):
        for scale, words in ((1.0, "V"), (1e-3, "mV"), (1e-4, "tenths of mV")):
            if 1.2 <= middle * scale <= 4.6:
                return Scale(scale, 0.0, f"in {words}", 0.99, "the only unit in a cell's band")
    return Scale(1.0, 0.0, "as written", 0.7, "no unit declared")


def _fraction(high: float, told: float | None) -> Scale:
    for scale, limit, words in (
        (1.0, 1.05, "a fraction"),
        (1e-2, 110.0, "in percent"),
        (1e-3, 1010.0, "in per mille"),
        (1e-4, 10_100.0, "in 0.01 %"),
    ):
        if high <= limit:
            if told is not None and told < scale:
                return Scale(told, 0.0, "in the declared unit", 0.8, f"the highest is {high:.4g}")
            return Scale(scale, 0.0, words, 0.97, f"the highest is {high:.4g}")
    return Scale(told or 1e-2, 0.0, "in percent", 0.5, f"the highest is {high:.4g}")


def _insulation(healthy: float) -> Scale:
    """Judge by the upper end: faults pull the rest down by orders of magnitude."""
    if healthy >= 1.5e5:
        return Scale(1.0, 0.0, "in Ω", 0.9, f"healthy values reach {healthy:.4g}")
    if healthy >= 20.0:
        sure = 0.9 if healthy < 5e4 else 0.6
        return Scale(1e3, 0.0, "in kΩ", sure, f"healthy values reach {healthy:.4g}")
    return Scale(1e6, 0.0, "in MΩ", 0.7, f"healthy values reach {healthy:.4g}")


def pack_scale(sample: np.ndarray, cell_sum: np.ndarray | None, declared: str) -> Scale:
    """Decide the pack voltage's unit, by the sum of cells where there is one.

    Args:
        sample: Sampled source values.
        cell_sum: Sum of the cells in the same rows [V], where there are cells.
        declared: Unit the source declares.

    Returns:
        The conversion and how sure.
    """
    if cell_sum is not None:
        good = np.isfinite(sample) & np.isfinite(cell_sum) & (sample > 0.0)
        if good.sum() >= 4:
            ratio = float(np.median(cell_sum[good] / sample[good]))
            for scale in sorted(_RATIOS, key=lambda value: abs(np.log(ratio / value))):
                if abs(ratio / scale - 1.0) < 0.08:
                    why = f"the cells sum to {ratio / scale:.4f} times this"
                    return Scale(scale, 0.0, _volts(scale), 0.99, why)
                break
    known = sample[np.isfinite(sample)]
    told = _TOLD["voltage_volt"].get(declared)
    if told is not None:
        return Scale(told, 0.0, f"in {declared}", 0.95, "declared by the source")
    middle = float(np.median(known)) if known.size else float("nan")
    if middle > 1500.0:
        scale = 1e-3 if middle > 15_000.0 or 2000.0 < middle < 4700.0 else 0.1
        return Scale(scale, 0.0, _volts(scale), 0.6, f"the usual value is {middle:.4g}")
    return Scale(1.0, 0.0, "in V", 0.8, f"the usual value is {middle:.4g}")


def _volts(scale: float) -> str:
    return {1.0: "in V", 1e-3: "in mV"}.get(scale, f"in {scale:g} V")


def speed_scale(
    second: np.ndarray, speed: np.ndarray, odometer: np.ndarray | None, told: Scale
) -> tuple[Scale, Scale | None]:
    """Settle the units of speed and distance by each other where both are there.

    Args:
        second: Time of each row [s].
        speed: Source speed.
        odometer: Source distance, where there is one.
        told: What was decided for the speed alone.

    Returns:
        Conversions of speed and of distance; None where the distance says nothing.
    """
    if odometer is None:
        return told, None
    steps = np.diff(second)
    forward = steps[steps > 0]
    if not forward.size:
        return told, None
    near = (steps > 0) & (steps <= max(5.0 * float(np.median(forward)), 15.0))
    way = np.diff(odometer)
    near &= np.isfinite(way) & (way >= 0.0) & np.isfinite(speed[1:]) & np.isfinite(speed[:-1])
    near &= way < 1e-3 * max(abs(middle_of(odometer)), 1e5)
    counted = float(np.sum((0.5 * (speed[1:] + speed[:-1]) * steps)[near])) / 3600.0
    driven = float(np.sum(way[near]))
    if driven <= 0.0 or counted <= 0.0:
        return told, None
    ratio = driven / counted
    why = f"distance over integrated speed is {ratio:.3g}"
    for scale, distance, words in (
        (1.0, 1.0, "in km/h"), (3.6, 1.0, "in m/s"), (1.609344, 1.0, "in mph"),
        (0.1, 1.0, "in tenths of km/h"), (0.01, 1.0, "in hundredths of km/h"),
        (1.0, 0.1, "in km/h"), (1.0, 1e-3, "in km/h"), (0.1, 0.1, "in tenths of km/h"),
    ):  # fmt: skip
        if scale * told.scale == 0.0 or abs(np.log(ratio * distance / scale)) > 0.12:
            continue
        if told.confidence >= 0.95 and abs(scale / told.scale - 1.0) > 1e-6:
            continue
        if told.scale == 0.1 and scale not in (0.1, 0.01):
            continue
        way_words = {1.0: "in km", 0.1: "in tenths of km", 1e-3: "in m"}[distance]
        return Scale(scale, 0.0, words, 0.95, why), Scale(distance, 0.0, way_words, 0.9, why)
    return told, None

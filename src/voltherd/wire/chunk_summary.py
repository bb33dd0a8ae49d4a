"""What a chunk tells without being unpacked."""

import math
from typing import Final

import numpy as np
from jaxtyping import Float

from voltherd.types.sample import SampleBatch
from voltherd.units import SECOND_PER_HOUR

SUMMARY: Final = (
    "cell_voltage_volt_min",
    "cell_voltage_volt_max",
    "cell_voltage_volt_mean",
    "temperature_celsius_min",
    "temperature_celsius_max",
    "current_ampere_min",
    "current_ampere_max",
    "current_ampere_mean",
    "charge_ah",
    "soc_fraction_last",
    "odometer_kilometre_last",
)
"""Fields of the header that are left out where they are not known."""
OBSERVED_SECOND: Final = 60.0
"""So much of the time between two rows counts at most: what happened in a gap is not known."""
_SINGLE_MAX: Final = float(np.finfo(np.float32).max)
Values = Float[np.ndarray, "..."]


def summary(batch: SampleBatch) -> dict[str, float]:
    """Give the fields of the header that are known.

    Args:
        batch: At least one row; the caller lets what is beyond all floats pass.
    """
    current = batch.scalar.get("current_ampere")
    low, high, mean = _extremes(current)
    values = (
        *_extremes(batch.cell_voltage_volt),
        *_extremes(batch.probe_temperature_celsius)[:2],
        low,
        high,
        mean,
        math.nan if current is None else _charge_ah(batch.unix_time_second, current),
        _last(batch.scalar.get("soc_fraction")),
        _last(batch.scalar.get("odometer_kilometre")),
    )
    return {n: v for n, v in zip(SUMMARY, values, strict=True) if abs(v) <= _SINGLE_MAX}


def _extremes(values: Values | None) -> tuple[float, float, float]:
    """Give least, greatest and mean of what is finite; NaN where nothing is."""
    if values is None or not values.size:
        return math.nan, math.nan, math.nan
    low, high = _span(values)
    if not (math.isfinite(low) and math.isfinite(high)):  # one NaN shows in both
        values = values[np.isfinite(values)]
        if not values.size:
            return math.nan, math.nan, math.nan
        low, high = _span(values)
    return low, high, float(np.add.reduce(values, axis=None, dtype=np.float64)) / values.size


def _span(values: Values) -> tuple[float, float]:
    return (
        float(np.minimum.reduce(values, axis=None)),
        float(np.maximum.reduce(values, axis=None)),
    )


def _charge_ah(time: Float[np.ndarray, "time"], current: Values) -> float:
    """Integrate by trapezoids; what is next to an unknown value counts nothing [Ah].

    NaN where no current is known at all.
    """
    second = np.minimum(time[1:] - time[:-1], OBSERVED_SECOND)
    charge = (current[1:] + current[:-1]) * second
    total = float(np.add.reduce(charge))
    if not math.isfinite(total):
        known = np.isfinite(current)
        if not known.any():
            return math.nan
        total = float(np.add.reduce(charge[np.isfinite(charge)]))
    elif len(current) == 1 and not math.isfinite(current[0]):
        return math.nan
    return 0.5 * total / SECOND_PER_HOUR


def _last(values: Values | None) -> float:
    """Give the last finite value, NaN where there is none."""
    if values is None:
        return math.nan
    last = float(values[-1])
    if not math.isfinite(last):
        known = values[np.isfinite(values)]
        last = float(known[-1]) if known.size else math.nan
    return last

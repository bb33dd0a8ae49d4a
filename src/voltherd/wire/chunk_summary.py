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
Values = Float[np.ndarray, "..."]


def summary(batch: SampleBatch) -> dict[str, float]:
    """Give the fields of the header that are known.

    Args:
        batch: At least one row.
    """
    found: dict[str, float] = {}
    known = _extremes(batch.cell_voltage_volt)
    if known:
        found["cell_voltage_volt_min"], found["cell_voltage_volt_max"] = known[:2]
        found["cell_voltage_volt_mean"] = known[2]
    known = _extremes(batch.probe_temperature_celsius)
    if known:
        found["temperature_celsius_min"], found["temperature_celsius_max"] = known[:2]
    current = batch.scalar.get("current_ampere")
    known = _extremes(current)
    if known and current is not None:
        found["current_ampere_min"], found["current_ampere_max"] = known[:2]
        found["current_ampere_mean"] = known[2]
        found["charge_ah"] = _charge_ah(batch.unix_time_second, current)
    for field, name in (
        ("soc_fraction_last", "soc_fraction"),
        ("odometer_kilometre_last", "odometer_kilometre"),
    ):
        last = _last(batch.scalar.get(name))
        if math.isfinite(last):
            found[field] = last
    return found


def _extremes(values: Values | None) -> tuple[float, float, float] | None:
    """Give least, greatest and mean of what is finite; None where nothing is."""
    if values is None or not values.size:
        return None
    low, high = float(values.min()), float(values.max())
    if not (math.isfinite(low) and math.isfinite(high)):  # one NaN shows in both
        values = values[np.isfinite(values)]
        if not values.size:
            return None
        low, high = float(values.min()), float(values.max())
    return low, high, float(values.mean(dtype=np.float64))


def _charge_ah(time: Float[np.ndarray, "time"], current: Values) -> float:
    """Integrate by trapezoids; what is next to an unknown value counts nothing [Ah]."""
    ampere_second = (current[1:] + current[:-1]) @ np.minimum(np.diff(time), OBSERVED_SECOND)
    if not math.isfinite(ampere_second):
        pair = current[1:] + current[:-1]
        known = np.isfinite(pair)
        ampere_second = pair[known] @ np.minimum(np.diff(time), OBSERVED_SECOND)[known]
    return float(0.5 * ampere_second / SECOND_PER_HOUR)


def _last(values: Values | None) -> float:
    """Give the last finite value, NaN where there is none."""
    if values is None:
        return math.nan
    last = float(values[-1])
    if not math.isfinite(last):
        known = values[np.isfinite(values)]
        last = float(known[-1]) if known.size else math.nan
    return last

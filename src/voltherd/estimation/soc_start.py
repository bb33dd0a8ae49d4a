"""A first state of charge from one sample: where every estimator begins and begins anew."""

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from voltherd.estimation.cell_sample import CellSample, SensorError
from voltherd.numerics.cell_map import CellMap, Circuit, preset_map
from voltherd.numerics.cell_parameters import CellParameters
from voltherd.numerics.ocv import soc_from_ocv
from voltherd.types.channel import CELL_VOLTAGE, PROBE_TEMPERATURE
from voltherd.units import REFERENCE_TEMPERATURE_CELSIUS

BLIND_SIGMA = 0.3
"""What "anything between empty and full" comes to; a uniform 0…1 has 0.29."""
HEARD_SECOND = 120.0
"""Over a longer interval nobody knows what the current did between its ends [s]."""
GAP_SECOND_MAX = 900.0
"""Longest interval that an estimator predicts across, in doubt; then it begins anew [s]."""
C_RATE_MAX = 100.0
"""No cell carries more; such a current was not measured."""
_ROUNDS = 3
"""Of looking a resistance up at a charge that depends on it."""


def possible_current(parameters: CellParameters, sample: CellSample) -> float:
    """Give the current, NaN where no cell of this size could carry it [A]."""
    possible = abs(sample.current_ampere) <= C_RATE_MAX * parameters.capacity_ah
    return sample.current_ampere if possible else math.nan


def possible_voltage(sample: CellSample) -> Float[np.ndarray, "cells"]:
    """Give the cell voltages, NaN where no cell could show them [V]."""
    volt = sample.cell_voltage_volt
    possible = (volt >= CELL_VOLTAGE.minimum) & (volt <= CELL_VOLTAGE.maximum)
    return np.where(possible, volt, math.nan)


def possible_temperature(sample: CellSample, otherwise: float) -> float:
    """Give the temperature, or something else where it cannot be physical [°C]."""
    celsius = sample.temperature_celsius
    possible = PROBE_TEMPERATURE.minimum <= celsius <= PROBE_TEMPERATURE.maximum
    return celsius if possible else otherwise


class Start(NamedTuple):
    """State of charge and standard uncertainty of every cell."""

    soc: Float[np.ndarray, "cells"]
    sigma: Float[np.ndarray, "cells"]


@lru_cache(maxsize=64)
def tables_of(parameters: CellParameters) -> CellMap:
    """Give a preset as tables, remembered."""
    return preset_map(parameters)


def soc_start(cell: CellMap, sensors: SensorError, curve_volt: float, sample: CellSample) -> Start:
    """Read the OCV curve backwards at the voltage less its ohmic part.

    Args:
        cell: The cell.
        sensors: Declared sensor errors.
        curve_volt: How far the curve itself may be off [V].
        sample: The first sample; a cell without a voltage starts at one half, anything possible.

    Returns:
        The start.  Its uncertainty is half of what the curve spans within one standard
        uncertainty of the voltage, so it is wide where the curve is flat, and grows with the
        current, whose polarisation nobody has seen build up.
    """
    current = possible_current(cell.base, sample)
    current = 0.0 if math.isnan(current) else current
    celsius = possible_temperature(sample, REFERENCE_TEMPERATURE_CELSIUS)
    curve = cell.curve_at(celsius)
    volt = possible_voltage(sample)
    seen = np.isfinite(volt)
    known = _circuit(cell, celsius, np.where(seen, volt, curve[len(curve) // 2]), current)
    rested = volt - current * known.r0
    polarisation = abs(current) * (known.r0 + known.r1 + known.r2)
    off = np.sqrt(
        sensors.voltage_sigma**2 + curve_volt**2 + known.hysteresis**2 + (0.5 * polarisation) ** 2
    )
    span = soc_from_ocv(curve, rested + off) - soc_from_ocv(curve, rested - off)
    return Start(
        soc=np.where(seen, soc_from_ocv(curve, rested), 0.5),
        sigma=np.where(seen, np.clip(0.5 * span, 0.01, BLIND_SIGMA), BLIND_SIGMA),
    )


def _circuit(
    cell: CellMap, celsius: float, volt: Float[np.ndarray, "cells"], current: float
) -> Circuit:
    """Look the circuit up at the charge that its own resistance leaves of the voltage."""
    curve = cell.curve_at(celsius)
    known = cell.at(soc_from_ocv(curve, volt), celsius)
    for _ in range(_ROUNDS if current else 0):
        known = cell.at(soc_from_ocv(curve, volt - current * known.r0), celsius)
    return known

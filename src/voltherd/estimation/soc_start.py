"""A first state of charge from one sample: where every estimator begins and begins anew."""

import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from voltherd.estimation.cell_sample import CellSample, SensorError
from voltherd.numerics.cell_parameters import CellParameters
from voltherd.numerics.ocv import soc_from_ocv
from voltherd.types.channel import CELL_VOLTAGE, PROBE_TEMPERATURE

BLIND_SIGMA = 0.3
"""What "anything between empty and full" comes to; a uniform 0…1 has 0.29."""


C_RATE_MAX = 100.0
"""No cell carries more; such a current was not measured."""


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


def soc_start(
    parameters: CellParameters, sensors: SensorError, model_volt: float, sample: CellSample
) -> Start:
    """Read the OCV curve backwards at the voltage less its ohmic part.

    Args:
        parameters: The cell.
        sensors: Declared sensor errors.
        model_volt: How far the curve itself may be off [V].
        sample: The first sample; a cell without a voltage starts at one half, anything possible.

    Returns:
        The start.  Its uncertainty is half of what the curve spans within one standard
        uncertainty of the voltage, so it is wide where the curve is flat, and grows with the
        current, whose polarisation nobody has seen build up.
    """
    current = possible_current(parameters, sample)
    current = 0.0 if math.isnan(current) else current
    rested = possible_voltage(sample) - current * parameters.r0_ohm
    polarisation = abs(current) * (parameters.r0_ohm + parameters.r1_ohm + parameters.r2_ohm)
    off = np.sqrt(
        sensors.voltage_sigma**2
        + model_volt**2
        + parameters.hysteresis_volt**2
        + (0.5 * polarisation) ** 2
    )
    curve = parameters.ocv_volt
    span = soc_from_ocv(curve, rested + off) - soc_from_ocv(curve, rested - off)
    seen = np.isfinite(rested)
    return Start(
        soc=np.where(seen, soc_from_ocv(curve, rested), 0.5),
        sigma=np.where(seen, np.clip(0.5 * span, 0.01, BLIND_SIGMA), BLIND_SIGMA),
    )

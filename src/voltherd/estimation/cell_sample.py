"""What an estimator is fed: one time of one pack, and how far its sensors may be off."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, final

import numpy as np
from jaxtyping import Float

from voltherd.types.channel import CELL_VOLTAGE, PROBE_TEMPERATURE, SCALARS
from voltherd.types.sample import SampleBatch


class CellSample(NamedTuple):
    """One sample of cells in series.

    Attributes:
        unix_time_second: When [s].
        current_ampere: Held since the sample before, positive charging; NaN where missing [A].
        cell_voltage_volt: One per cell; NaN where missing [V].
        temperature_celsius: Mean of the cells; NaN where missing [°C].
    """

    unix_time_second: float
    current_ampere: float
    cell_voltage_volt: Float[np.ndarray, "cells"]
    temperature_celsius: float = math.nan


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class SensorError:
    """Declared half-widths of the sensors' errors; every error bar grows with them.

    Attributes:
        voltage_volt: Of a cell voltage [V].
        current_ampere: Offset of the current [A].
        current_fraction: Gain error of the current [1].
        temperature_celsius: Of a temperature [K].
    """

    voltage_volt: float = CELL_VOLTAGE.accuracy
    current_ampere: float = SCALARS["current_ampere"].accuracy
    current_fraction: float = 0.01
    temperature_celsius: float = PROBE_TEMPERATURE.accuracy

    def current_sigma(self, current_ampere: float) -> float:
        """Give the standard uncertainty of a current [A]; the errors are taken as uniform.

        Args:
            current_ampere: The current measured [A].
        """
        return (self.current_ampere + self.current_fraction * abs(current_ampere)) / math.sqrt(3.0)

    @property
    def voltage_sigma(self) -> float:
        """Standard uncertainty of a cell voltage [V]."""
        return self.voltage_volt / math.sqrt(3.0)


def samples(batch: SampleBatch) -> Iterator[CellSample]:
    """Take a batch apart, time by time.

    Args:
        batch: Telemetry of one vehicle; without a current channel the current is NaN throughout.

    Yields:
        One sample per row, float64; the temperature is the mean of the probes that answer.
    """
    missing = np.full(batch.rows, math.nan)
    current = batch.scalar.get("current_ampere", missing)
    probes = batch.probe_temperature_celsius
    answers = np.isfinite(probes)
    counted = answers.sum(axis=1)
    total = np.where(answers, probes, 0.0).sum(axis=1)
    mean = np.where(counted > 0, total / np.maximum(counted, 1), math.nan)
    for row in range(batch.rows):
        yield CellSample(
            float(batch.unix_time_second[row]),
            float(current[row]),
            batch.cell_voltage_volt[row].astype(np.float64),
            float(mean[row]),
        )

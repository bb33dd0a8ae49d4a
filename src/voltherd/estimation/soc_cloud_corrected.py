"""State of charge by counting in the vehicle, set right by an estimate of the cloud at intervals.

The vehicle only adds the current up, which a microcontroller can; an offset of its sensor then
drifts without end.  At intervals the cloud, which runs whatever estimator it can afford on the same
telemetry, sends its charge.  The two are weighed by their variances, and what the count drifted
since the last correction is taken for the sensor's offset, in part, and counted against.

Source: the end-edge-cloud division of Li et al., J. Energy Storage 30 (2020) 101557; the update is
a Kalman filter over (charge, offset) with the cloud's charge as its measurement.
"""

from dataclasses import dataclass, field
from typing import Final, final

import numpy as np

from voltherd.estimation.cell_sample import SensorError
from voltherd.estimation.soc_frame import (
    Numbers,
    Opening,
    PerCell,
    SocFrame,
    SocMethod,
    Span,
    charge_per_ampere,
    doubt_variance,
)
from voltherd.estimation.soc_start import GAP_SECOND_MAX
from voltherd.numerics.cell_map import CellMap

HEAD: Final = 6
"""Numbers of the vehicle: charge, offset, their covariance (3), time since the correction."""
_CLOUD_SIGMA_MIN = 0.01
"""The cloud is doubted at least so much: its curve's error does not average out."""


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SocCloudCorrected(SocFrame):
    """Counting over (soc, current offset), corrected.

    Attributes:
        cell: Gives capacity, and a first charge where none is told.
        cloud: What the cloud runs.
        sensors: Declared sensor errors of the vehicle.
        every_second: From one correction to the next [s].
        offset_walk: Growth of the offset's uncertainty, per ampere-hour of the cell [1/(h √s)].
        gap_second_max: Longest interval that is advanced over [s].
        method: Its name.
    """

    cell: CellMap
    cloud: SocMethod
    sensors: SensorError = field(default_factory=SensorError)
    every_second: float = 4.0 * 3600.0
    offset_walk: float = 1e-6
    gap_second_max: float = GAP_SECOND_MAX
    method: str = "soc_cloud_corrected"

    def opened(self, opening: Opening) -> Numbers:
        """Begin in the vehicle, then in the cloud."""
        head = np.zeros((len(opening.soc), HEAD))
        head[:, 0], head[:, 2] = opening.soc, opening.sigma**2
        head[:, 4] = self.sensors.current_ampere**2 / 3.0
        return np.concatenate([head, self.cloud.opened(opening)], axis=1)

    def advanced(self, values: Numbers, span: Span) -> tuple[Numbers, PerCell]:
        """Count; when it is time, and the cloud has a voltage to rest on, correct."""
        soc, offset, own, cross, other, waited = values[:, :HEAD].T
        beyond, innovation = self.cloud.advanced(values[:, HEAD:], span)
        charge = charge_per_ampere(self.cell, span)
        soc = soc + charge * (span.mean_ampere - offset)
        # The offset is a state of its own; what is left of the sensor's error is its gain's.
        gain_error = charge * self.sensors.current_fraction * abs(span.last_ampere)
        own = own - 2.0 * charge * cross + charge**2 * other + gain_error**2
        own = own + doubt_variance(self.cell, span, self.gap_second_max)
        cross = cross - charge * other
        other = other + (self.offset_walk * self.cell.base.capacity_ah) ** 2 * span.second
        waited = waited + span.second
        due = (waited >= self.every_second) & np.isfinite(span.voltage_volt)
        told, sigma = self.cloud.told(beyond, span.temperature_celsius)
        noise = np.maximum(sigma, _CLOUD_SIGMA_MIN) ** 2
        share = np.where(due, 1.0 / (own + noise), 0.0)
        moved = told - soc
        soc, offset = soc + own * share * moved, offset + cross * share * moved
        other = other - cross**2 * share
        own, cross = own - own**2 * share, cross - own * cross * share
        waited = np.where(due, 0.0, waited)
        head = np.stack([np.clip(soc, 0.0, 1.0), offset, own, cross, other, waited], axis=1)
        return np.concatenate([head, beyond], axis=1), innovation

    def told(self, values: Numbers, temperature_celsius: float) -> tuple[PerCell, PerCell]:
        """Give the count as corrected."""
        return values[:, 0], np.sqrt(np.maximum(values[:, 2], 0.0))

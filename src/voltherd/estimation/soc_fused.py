"""State of charge by a filter that is told, once a minute, what a recurrent network thinks.

The network's mean is a measurement of the charge itself, ``H = [1 0 0 0 0]``.  Its errors last for
much longer than a minute, so its variance is raised: ``10 max(σ, 1.5 %)²``.  The filter knows the
cell, the network has seen its like age and freeze: each steadies the other.

Source: the filter is :mod:`voltherd.estimation.soc_ukf`, the network
:mod:`voltherd.estimation.soc_gru`; fused as in Yang et al., Energy 185 (2019) 1054 (a network's
output smoothed by a sigma-point filter).
"""

from dataclasses import dataclass, field
from typing import final

import numpy as np

from voltherd.estimation.cell_sample import SensorError
from voltherd.estimation.soc_frame import Numbers, Opening, PerCell, SocFrame, Span
from voltherd.estimation.soc_gru import GruWeights, SocGru
from voltherd.estimation.soc_start import GAP_SECOND_MAX
from voltherd.estimation.soc_ukf import SocUkf, joined, parted
from voltherd.numerics.cell_map import CellMap

_FILTER = 30
"""Numbers of the filter; the network's follow, then the time since it was heard."""
_TOLD_SECOND = 60.0
_SIGMA_MIN = 0.015
_INFLATION = 10.0


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SocFused(SocFrame):
    """Sigma-point filter with a network's charge as pseudo-measurement.

    Attributes:
        cell: The cell as identified.
        weights: The network as trained.
        sensors: Declared sensor errors.
        gap_second_max: Longest interval that is advanced over [s].
        method: Its name.
    """

    cell: CellMap
    weights: GruWeights
    sensors: SensorError = field(default_factory=SensorError)
    gap_second_max: float = GAP_SECOND_MAX
    method: str = "soc_fused"

    def opened(self, opening: Opening) -> Numbers:
        """Begin both."""
        waited = np.zeros((len(opening.soc), 1))
        parts = [self._filter.opened(opening), self._network.opened(opening), waited]
        return np.concatenate(parts, axis=1)

    def advanced(self, values: Numbers, span: Span) -> tuple[Numbers, PerCell]:
        """Advance both; once a minute the filter hears the network."""
        known, innovation = self._filter.advanced(values[:, :_FILTER], span)
        thought, _ = self._network.advanced(values[:, _FILTER:-1], span)
        waited = values[:, -1] + span.second
        due = (waited >= _TOLD_SECOND) & np.isfinite(span.voltage_volt)
        mean, covariance = parted(known)
        soc, sigma = self._network.told(thought, span.temperature_celsius)
        noise = _INFLATION * np.maximum(sigma, _SIGMA_MIN) ** 2
        column = covariance[:, :, 0]
        gain = np.where(due, 1.0 / (column[:, 0] + noise), 0.0)[:, None] * column
        mean = mean + gain * (soc - mean[:, 0])[:, None]
        known = joined(mean, covariance - gain[:, :, None] * column[:, None, :])
        waited = np.where(due, 0.0, waited)[:, None]
        return np.concatenate([known, thought, waited], axis=1), innovation

    def told(self, values: Numbers, temperature_celsius: float) -> tuple[PerCell, PerCell]:
        """Give the filter's charge."""
        return self._filter.told(values[:, :_FILTER], temperature_celsius)

    @property
    def _filter(self) -> SocUkf:
        return SocUkf(cell=self.cell, sensors=self.sensors, gap_second_max=self.gap_second_max)

    @property
    def _network(self) -> SocGru:
        return SocGru(cell=self.cell, weights=self.weights, sensors=self.sensors)

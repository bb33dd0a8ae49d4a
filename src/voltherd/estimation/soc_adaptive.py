"""State of charge by a Lyapunov adaptive observer, which learns resistance and capacity on the way.

With e the measured less the expected voltage, s the slope of the curve, a the factor on the series
resistance and k the nominal over the actual capacity::

    ẑ' = k i / (3600 Q) + L e        w' = i / (3600 Q) - L s w
    â' = γ₁ r₀ i e                   k̂' = γ₂ s w e

w is what charge would have been off by had k been wrong by one: the integral of the current, as
far as the observer has not taken it back.  ``V = x̃ᵀ P x̃ + ãᵀ Γ⁻¹ ã`` falls along these laws, so
that the errors stay bounded, and go to nothing where the current excites both persistently.  The
gains are normalised by the regressors' own power, and the parameters are projected onto what a
cell can be.

Source: Kreisselmeier, IEEE Trans. Automatic Control 22 (1977) 2; Ioannou and Sun, Robust Adaptive
Control (1996) sections 4.3 and 8.5 (normalisation, projection); as in Chaoui and Gualous, IEEE
Trans. Power Electronics 32 (2017) 8811 for batteries.  Interval as in
:mod:`voltherd.estimation.soc_sliding`.
"""

from dataclasses import dataclass, field
from typing import final

import numpy as np

from voltherd.estimation.cell_sample import SensorError
from voltherd.estimation.soc_frame import (
    Numbers,
    Opening,
    PerCell,
    SocFrame,
    Span,
    charge_per_ampere,
    polarised,
)
from voltherd.estimation.soc_start import GAP_SECOND_MAX
from voltherd.numerics.cell_map import CellMap

RESISTANCE_COLUMN = 3
"""Where the factor on the series resistance stands among the numbers of a cell."""
CAPACITY_COLUMN = 4
"""Where nominal over actual capacity stands."""
_SHARE_MAX = 0.5
_RESISTANCE = 0.4, 3.0
_CAPACITY = 0.8, 1.6


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SocAdaptive(SocFrame):
    """Adaptive observer over (soc, v1, v2) with resistance and capacity.

    Attributes:
        cell: The cell as identified.
        sensors: Declared sensor errors.
        linear: L, per volt and second.
        resistance_rate: γ₁ normalised, per second: how fast the resistance is learned.
        capacity_rate: γ₂ normalised, per second.
        layer_volt: Errors beyond it pull no stronger on the parameters [V].
        gap_second_max: Longest interval that is advanced over [s].
        method: Its name.
    """

    cell: CellMap
    sensors: SensorError = field(default_factory=SensorError)
    linear: float = 1.5e-3
    resistance_rate: float = 2e-3
    capacity_rate: float = 1e-4
    layer_volt: float = 0.050
    gap_second_max: float = GAP_SECOND_MAX
    method: str = "soc_adaptive"

    def opened(self, opening: Opening) -> Numbers:
        """Begin with soc, v1, v2, both factors at 1, nothing counted, and the bound."""
        none, one = np.zeros_like(opening.soc), np.ones_like(opening.soc)
        return np.stack([opening.soc, none, none, one, one, none, opening.sigma], axis=1)

    def advanced(self, values: Numbers, span: Span) -> tuple[Numbers, PerCell]:
        """Count, correct the charge, then the parameters."""
        soc, fast, slow, resistance, capacity, counted, bound = values.T
        per_ampere, dt = charge_per_ampere(self.cell, span), span.second
        known = self.cell.at(soc, span.temperature_celsius)
        push = np.stack([known.r1, known.r2], axis=-1) * (resistance * span.mean_ampere)[:, None]
        pairs = polarised(self.cell, np.stack([fast, slow], axis=1), push, dt)
        soc = soc + capacity * (per_ampere * span.mean_ampere)
        known = self.cell.at(soc, span.temperature_celsius)
        drop = pairs[:, 0] + pairs[:, 1] + resistance * known.r0 * span.last_ampere
        innovation = span.voltage_volt - (known.ocv + drop)
        seen = np.isfinite(innovation)
        moved = np.where(seen, innovation, 0.0)
        share = np.minimum(self.linear * dt * known.slope, _SHARE_MAX)
        gain = np.where(seen, share / known.slope, 0.0)
        counted = (1.0 - gain * known.slope) * (counted + per_ampere * span.mean_ampere)
        lean = np.clip(moved, -self.layer_volt, self.layer_volt)
        ohmic, charged = known.r0 * span.last_ampere, known.slope * counted
        power = known.r0**2 * self._ampere_rated**2 + charged**2
        resistance = resistance + self.resistance_rate * dt * ohmic * lean / (power + ohmic**2)
        capacity = capacity + self.capacity_rate * dt * charged * lean / power
        off_ampere = capacity * (span.sigma_ampere + span.doubt_ampere)
        off_volt = known.model + self.sensors.voltage_sigma
        bound = (1.0 - gain * known.slope) * bound + per_ampere * off_ampere + gain * off_volt
        numbers = [
            np.clip(soc + gain * moved, 0.0, 1.0),
            pairs[:, 0],
            pairs[:, 1],
            np.clip(resistance, *_RESISTANCE),
            np.clip(capacity, *_CAPACITY),
            counted,
            bound,
        ]
        return np.stack(numbers, axis=1), innovation

    def told(self, values: Numbers, temperature_celsius: float) -> tuple[PerCell, PerCell]:
        """Give the charge and its bound."""
        return values[:, 0], values[:, 6]

    @property
    def _ampere_rated(self) -> float:
        """A tenth of the one-hour current: the scale of excitation [A]."""
        return 0.1 * self.cell.base.capacity_ah

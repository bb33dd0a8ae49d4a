"""State of charge by a sliding-mode observer: no matrix, a bounded disturbance is overruled.

With e the measured less the expected voltage, charge moves by what was counted and by::

    ẑ' = i / (3600 Q) + L e + ρ sat(e / φ)

The saturated term pulls with a fixed rate, however large the error is, and wins against every
disturbance of the counted charge below ρ; within the layer φ it is linear, so that it does not
chatter.  The polarisation voltages follow the current alone: they forget by themselves.

Its interval is a budget of bounds, not of variances: what a constant error of the voltage and of
the current come to in the charge, ``b' = (1 - g s) b + |di| dt / (3600 Q) + g |dv|``, with g the
gain in force and s the slope of the curve.

Source: Kim, J. Power Sources 163 (2006) 584; boundary layer of Slotine and Li, Applied Nonlinear
Control (1991) section 7.2.
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

_SHARE_MAX = 0.5
"""Most of an error that one step takes away, whatever the interval: no overshoot."""


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SocSliding(SocFrame):
    """Sliding-mode observer over (soc, v1, v2).

    Attributes:
        cell: The cell as identified.
        sensors: Declared sensor errors.
        linear: L, per volt and second.
        rate: ρ, charge per second.
        layer_volt: φ [V].
        gap_second_max: Longest interval that is advanced over [s].
        method: Its name.
    """

    cell: CellMap
    sensors: SensorError = field(default_factory=SensorError)
    linear: float = 2e-3
    rate: float = 6e-5
    layer_volt: float = 0.030
    gap_second_max: float = GAP_SECOND_MAX
    method: str = "soc_sliding"

    def opened(self, opening: Opening) -> Numbers:
        """Begin with soc, v1, v2 and the bound."""
        nothing = np.zeros_like(opening.soc)
        return np.stack([opening.soc, nothing, nothing, opening.sigma], axis=1)

    def advanced(self, values: Numbers, span: Span) -> tuple[Numbers, PerCell]:
        """Count, then move towards the voltage."""
        charge = charge_per_ampere(self.cell, span)
        known = self.cell.at(values[:, 0], span.temperature_celsius)
        push = np.stack([known.r1, known.r2], axis=-1) * span.mean_ampere
        pairs = polarised(self.cell, values[:, 1:3], push, span.second)
        soc = values[:, 0] + charge * span.mean_ampere
        known = self.cell.at(soc, span.temperature_celsius)
        drop = pairs[:, 0] + pairs[:, 1] + known.r0 * span.last_ampere
        innovation = span.voltage_volt - (known.ocv + drop)
        seen = np.isfinite(innovation)
        moved = np.where(seen, innovation, 0.0)
        pull = self.linear + self.rate / np.maximum(np.abs(moved), self.layer_volt)
        gain = np.where(seen, np.minimum(pull * span.second, _SHARE_MAX / known.slope), 0.0)
        soc = np.clip(soc + gain * moved, 0.0, 1.0)
        off_ampere = span.sigma_ampere + span.doubt_ampere
        off_volt = known.model + self.sensors.voltage_sigma
        bound = (1.0 - gain * known.slope) * values[:, 3] + charge * off_ampere + gain * off_volt
        return np.stack([soc, pairs[:, 0], pairs[:, 1], bound], axis=1), innovation

    def told(self, values: Numbers, temperature_celsius: float) -> tuple[PerCell, PerCell]:
        """Give the charge and its bound."""
        return values[:, 0], values[:, 3]

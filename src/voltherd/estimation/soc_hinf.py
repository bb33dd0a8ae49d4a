"""State of charge by an H-infinity filter: least worst error instead of least mean square.

With model and measurement errors of any kind and finite energy, the error of charge keeps below
``1/θ`` of theirs as long as a solution exists.  For charge alone being weighed (S = e eᵀ) the
a posteriori filter is a Kalman update, after which its doubt about the charge is raised again::

    K  = P Cᵀ / (C P Cᵀ + R)              P⁺ = P - K C P
    P~ = (P⁺⁻¹ - θ e eᵀ)⁻¹ = P⁺ + θ P⁺ e eᵀ P⁺ / (1 - θ P⁺ₑₑ)

θ is asked for as a share ρ of what a voltage has told about the charge, ``1/P⁺ₑₑ - 1/Pₑₑ``, so
that a solution always exists.  The filter then follows what an offset of the current or a wrong
capacity does, at the price of following noise.  State: charge and two polarisation voltages; no
offset and no resistance is learned, which is what it is compared for.

Source: Hassibi, Sayed and Kailath, Indefinite-Quadratic Estimation and Control (1999) section 4.2;
Simon, Optimal State Estimation (2006) section 11.3; inverted by Sherman and Morrison.
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
    doubt_variance,
    keeping,
    polarised,
    voltage_variance,
    widened,
)
from voltherd.estimation.soc_start import GAP_SECOND_MAX
from voltherd.numerics.cell_map import CellMap

_N = 3
_GATE = 25.0
_LEAST = 1e-16
"""Least variance of a charge: none is known without doubt."""


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SocHinf(SocFrame):
    """H-infinity filter over (soc, v1, v2).

    Attributes:
        cell: The cell as identified.
        sensors: Declared sensor errors.
        share: ρ, below 1: 0 is the Kalman filter.
        walk: Growth of the uncertainty per root second: charge, polarisation voltages [V].
        gap_second_max: Longest interval that is advanced over [s].
        method: Its name.
    """

    cell: CellMap
    sensors: SensorError = field(default_factory=SensorError)
    share: float = 0.8
    walk: tuple[float, ...] = (2e-6, 1e-4, 1e-4)
    gap_second_max: float = GAP_SECOND_MAX
    method: str = "soc_hinf"

    def opened(self, opening: Opening) -> Numbers:
        """Begin with soc, v1 and v2, then the covariance row by row."""
        known = self.cell.at(opening.soc, opening.temperature_celsius)
        values = np.zeros((len(opening.soc), _N + _N * _N))
        values[:, 0] = opening.soc
        values[:, _N] = opening.sigma**2
        values[:, _N + 4] = (opening.current_ampere * known.r1) ** 2 + 1e-4
        values[:, _N + 8] = (opening.current_ampere * known.r2) ** 2 + 1e-4
        return values

    def advanced(self, values: Numbers, span: Span) -> tuple[Numbers, PerCell]:
        """Predict, correct, and keep the doubt about the charge up."""
        cells = len(values)
        mean, covariance = values[:, :_N].copy(), values[:, _N:].reshape(cells, _N, _N)
        known = self.cell.at(mean[:, 0], span.temperature_celsius)
        charge = charge_per_ampere(self.cell, span)
        push = np.stack([known.r1, known.r2], axis=-1) * span.mean_ampere
        mean[:, 0] += charge * span.mean_ampere
        mean[:, 1:] = polarised(self.cell, mean[:, 1:], push, span.second)
        kept = np.concatenate([[1.0], keeping(self.cell, span.second)])
        covariance = covariance * (kept[:, None] * kept)
        covariance[:, range(_N), range(_N)] += np.square(self.walk) * span.second
        # The offset of the current lasts; here it enters as what it moves in a second.
        covariance[:, 0, 0] += charge**2 * span.sigma_ampere**2
        covariance[:, 0, 0] += doubt_variance(self.cell, span, self.gap_second_max)
        known = self.cell.at(mean[:, 0], span.temperature_celsius)
        expected = known.ocv + mean[:, 1] + mean[:, 2] + known.r0 * span.last_ampere
        innovation = span.voltage_volt - expected
        seen = np.isfinite(innovation)
        moved = np.where(seen, innovation, 0.0)
        look = np.stack([known.slope, np.ones(cells), np.ones(cells)], axis=1)
        noise = voltage_variance(known.model, known.r0, self.sensors, span)
        noise = np.maximum(noise, moved**2 / _GATE)
        spread = (covariance @ look[:, :, None])[:, :, 0]
        weight = np.where(seen, 1.0 / ((spread * look).sum(axis=1) + noise), 0.0)
        mean = mean + (weight * moved)[:, None] * spread
        before = covariance[:, 0, 0]
        covariance = covariance - weight[:, None, None] * spread[:, :, None] * spread[:, None, :]
        column, peak = covariance[:, :, 0], np.maximum(covariance[:, 0, 0], _LEAST)
        asked = self.share * np.maximum(1.0 - peak / before, 0.0)
        rank = asked / ((1.0 - asked) * peak)
        covariance = covariance + rank[:, None, None] * column[:, :, None] * column[:, None, :]
        mean[:, 0] = np.clip(mean[:, 0], 0.0, 1.0)
        even = 0.5 * (covariance + covariance.transpose(0, 2, 1))
        return np.concatenate([mean, even.reshape(cells, _N * _N)], axis=1), innovation

    def told(self, values: Numbers, temperature_celsius: float) -> tuple[PerCell, PerCell]:
        """Give the mean, and the deviation widened as the cell's drives have asked for."""
        return values[:, 0], widened(self.cell, values[:, _N], temperature_celsius)

"""State of charge by an H-infinity filter: least worst error instead of least mean square.

With model and measurement errors of any kind and finite energy, the error of charge keeps below
``1/θ`` of theirs as long as a solution exists.  For charge alone being weighed (S = e eᵀ) the
filter's inverse, ``P (I - θ S P + Cᵀ R⁻¹ C P)⁻¹``, is a Kalman update followed by one rank::

    P⁺ = (P⁻¹ + Cᵀ R⁻¹ C)⁻¹
    P~ = P⁺ + θ P⁺ e eᵀ P⁺ / (1 - θ P⁺ₑₑ)        exists while θ P⁺ₑₑ < 1
    K  = P~ Cᵀ R⁻¹

θ is asked for as a share ρ of what a voltage tells about the charge, ``s² / R`` with s the slope of
the curve, so that a solution exists wherever the charge is observable: doubt settles
``1 / √(1 - ρ)`` times as high as the Kalman filter's.  The filter then follows what an offset of
the current or a wrong capacity does, at the price of following noise.  State: charge and two
polarisation voltages; no offset and no resistance is learned, which is what it is compared for.

Source: Simon, Optimal State Estimation (2006) section 11.3, inverted by Sherman and Morrison.
"""

from dataclasses import dataclass, field
from typing import final

import numpy as np

from voltherd.estimation.cell_sample import CellSample, SensorError
from voltherd.estimation.soc_frame import (
    Numbers,
    Opening,
    PerCell,
    SocState,
    Span,
    begin,
    charge_per_ampere,
    doubt_variance,
    follow,
    keeping,
    polarised,
    voltage_variance,
    widened,
)
from voltherd.numerics.cell_map import CellMap
from voltherd.types.estimate import Estimate

_N = 3
_GATE = 25.0
_SHARE_MAX = 0.5
"""Most of θ P: a solution exists, and doubt at most doubles in a step."""


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SocHinf:
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
    share: float = 0.5
    walk: tuple[float, ...] = (2e-6, 1e-4, 1e-4)
    gap_second_max: float = 60.0
    method: str = "soc_hinf"

    def init(
        self, sample: CellSample, soc: PerCell | float | None = None, sigma: float = 0.01
    ) -> SocState:
        """Begin at the first sample; see :func:`voltherd.estimation.soc_frame.begin`."""
        return begin(self, sample, soc, sigma)

    def step(self, state: SocState, sample: CellSample) -> tuple[SocState, Estimate]:
        """Advance to the next sample; see :func:`voltherd.estimation.soc_frame.follow`."""
        return follow(self, state, sample)

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
        told = np.where(seen, 1.0 / ((spread * look).sum(axis=1) + noise), 0.0)
        covariance = covariance - told[:, None, None] * spread[:, :, None] * spread[:, None, :]
        column, peak = covariance[:, :, 0], covariance[:, 0, 0]
        asked = np.minimum(self.share * known.slope**2 / noise * peak, _SHARE_MAX)
        rank = np.where(seen, asked / ((1.0 - asked) * np.maximum(peak, 1e-16)), 0.0)
        covariance = covariance + rank[:, None, None] * column[:, :, None] * column[:, None, :]
        gain = (covariance @ look[:, :, None])[:, :, 0] / noise[:, None]
        mean = mean + np.where(seen, 1.0, 0.0)[:, None] * gain * moved[:, None]
        mean[:, 0] = np.clip(mean[:, 0], 0.0, 1.0)
        even = 0.5 * (covariance + covariance.transpose(0, 2, 1))
        return np.concatenate([mean, even.reshape(cells, _N * _N)], axis=1), innovation

    def told(self, values: Numbers, temperature_celsius: float) -> tuple[PerCell, PerCell]:
        """Give the mean, and the deviation widened as the cell's drives have asked for."""
        return values[:, 0], widened(self.cell, values[:, _N], temperature_celsius)

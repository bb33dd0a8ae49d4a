"""State of charge by a sigma-point filter: the central-difference Kalman filter.

The extended filter trusts the slope at its mean; this one asks the curve itself, at points spread
as wide as its doubt.  State of every cell: charge, two polarisation voltages, the logarithm of a
factor on all resistances and the offset of the current sensor.  With ``X± = m ± h S`` for the
columns of the covariance's root S and ``h² = 3``, a function f of the state has::

    mean        (1 - n/h²) f0 + Σ (f+ + f-) / 2h²
    covariance  Σ (f+ - f-)² / 4h²  +  (h² - 1) / 4h⁴ Σ (f+ + f- - 2 f0)²

Source: Nørgaard, Poulsen and Ravn, Automatica 36 (2000) 1627; Plett, J. Power Sources 161 (2006)
1369.  Current offset and resistance as slow states as in :mod:`voltherd.estimation.soc_map`.
"""

import math
from dataclasses import dataclass, field
from typing import final

import numpy as np
from jaxtyping import Float

from voltherd.estimation.cell_sample import SensorError
from voltherd.estimation.soc_frame import (
    Numbers,
    Opening,
    PerCell,
    SocFrame,
    Span,
    charge_per_ampere,
    doubt_variance,
    polarised,
    voltage_variance,
    widened,
)
from voltherd.estimation.soc_start import GAP_SECOND_MAX
from voltherd.numerics.cell_map import CellMap

Points = Float[np.ndarray, "cells points 5"]
_N = 5
_H2 = 3.0
_GATE = 25.0
"""Square of the innovation, in sigmas, beyond which a voltage counts for less."""
_LEAST = 1e-16
"""Least variance that a root is taken of."""
_FACTOR_MAX = math.log(4.0)


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SocUkf(SocFrame):
    """Central-difference Kalman filter over (soc, v1, v2, log resistance factor, offset).

    Attributes:
        cell: The cell as identified.
        sensors: Declared sensor errors.
        walk: Growth of the uncertainty per root second: charge, polarisation voltages [V], log of
            the resistance factor, and offset per ampere-hour of the cell [1/h].
        gap_second_max: Longest interval that is advanced over [s].
        method: Its name.
    """

    cell: CellMap
    sensors: SensorError = field(default_factory=SensorError)
    walk: tuple[float, ...] = (2e-6, 1e-4, 1e-4, 1e-5, 3e-7)
    gap_second_max: float = GAP_SECOND_MAX
    method: str = "soc_ukf"

    def opened(self, opening: Opening) -> Numbers:
        """Begin with the mean, then the covariance row by row."""
        cells, held = len(opening.soc), opening.current_ampere
        known = self.cell.at(opening.soc, opening.temperature_celsius)
        mean = np.zeros((cells, _N))
        mean[:, 0] = opening.soc
        covariance = np.zeros((cells, _N, _N))
        covariance[:, 0, 0] = opening.sigma**2
        covariance[:, 1, 1] = (held * known.r1) ** 2 + 1e-4
        covariance[:, 2, 2] = (held * known.r2) ** 2 + 1e-4
        covariance[:, 3, 3] = 0.1**2
        covariance[:, 4, 4] = self.sensors.current_ampere**2
        return joined(mean, covariance)

    def advanced(self, values: Numbers, span: Span) -> tuple[Numbers, PerCell]:
        """Predict all points over the interval, then weigh them by the voltage."""
        mean, covariance = parted(values)
        mean, covariance = _moments(self._moved(_points(mean, covariance), span))
        walk = np.array(self.walk)
        walk[4] *= self.cell.base.capacity_ah
        covariance[:, range(_N), range(_N)] += walk**2 * span.second
        covariance[:, 0, 0] += doubt_variance(self.cell, span, self.gap_second_max)
        points = _points(mean, covariance)
        expected, r0 = self._volt(points, span)
        innovation = span.voltage_volt - _mean(expected[..., None])[:, 0]
        moved = np.where(np.isfinite(innovation), innovation, 0.0)
        slanted, bent = _differences(expected[..., None])
        noise = voltage_variance(
            self.cell.at(mean[:, 0], span.temperature_celsius).model, r0, self.sensors, span
        )
        variance = ((slanted**2).sum(axis=1) + (bent**2).sum(axis=1))[:, 0] + noise
        variance = np.maximum(variance, moved**2 / _GATE)
        # The points lie along the columns of the root, so half a difference of them is a column.
        across = (_differences(points)[0] * slanted).sum(axis=1)
        gain = np.where(np.isfinite(innovation), 1.0 / variance, 0.0)[:, None] * across
        mean = mean + gain * moved[:, None]
        mean[:, 0] = np.clip(mean[:, 0], 0.0, 1.0)
        mean[:, 3] = np.clip(mean[:, 3], -_FACTOR_MAX, _FACTOR_MAX)
        return joined(mean, covariance - gain[:, :, None] * across[:, None, :]), innovation

    def told(self, values: Numbers, temperature_celsius: float) -> tuple[PerCell, PerCell]:
        """Give the mean, and the deviation widened as the cell's drives have asked for."""
        return values[:, 0], widened(self.cell, values[:, _N], temperature_celsius)

    def _moved(self, points: Points, span: Span) -> Points:
        known = self.cell.at(points[..., 0].ravel(), span.temperature_celsius)
        flow = span.mean_ampere - points[..., 4]
        ohm = np.stack([known.r1, known.r2], axis=-1).reshape(*flow.shape, 2)
        push = ohm * (np.exp(points[..., 3]) * flow)[..., None]
        moved = points.copy()
        moved[..., 0] += charge_per_ampere(self.cell, span) * flow
        moved[..., 1:3] = polarised(self.cell, points[..., 1:3], push, span.second)
        return moved

    def _volt(
        self, points: Points, span: Span
    ) -> tuple[Float[np.ndarray, "cells points"], PerCell]:
        """Give the terminal voltage at every point, and the series resistance at the mean."""
        known = self.cell.at(points[..., 0].ravel(), span.temperature_celsius)
        shape = points.shape[:2]
        r0, ocv = known.r0.reshape(shape), known.ocv.reshape(shape)
        drop = r0 * np.exp(points[..., 3]) * (span.last_ampere - points[..., 4])
        return ocv + points[..., 1] + points[..., 2] + drop, r0[:, 0]


def parted(
    values: Numbers,
) -> tuple[Float[np.ndarray, "cells 5"], Float[np.ndarray, "cells 5 5"]]:
    """Take the numbers of every cell apart into mean and covariance."""
    return values[:, :_N], values[:, _N:].reshape(len(values), _N, _N)


def joined(
    mean: Float[np.ndarray, "cells 5"], covariance: Float[np.ndarray, "cells 5 5"]
) -> Numbers:
    """Join mean and covariance, made symmetric, into the numbers of every cell."""
    even = 0.5 * (covariance + covariance.transpose(0, 2, 1))
    return np.concatenate([mean, even.reshape(len(mean), _N * _N)], axis=1)


def _points(
    mean: Float[np.ndarray, "cells 5"], covariance: Float[np.ndarray, "cells 5 5"]
) -> Points:
    """Give the mean, then the points above and those below it."""
    reach = math.sqrt(_H2) * _root(covariance).transpose(0, 2, 1)
    middle = mean[:, None, :]
    return np.concatenate([middle, middle + reach, middle - reach], axis=1)


def _root(covariance: Float[np.ndarray, "cells 5 5"]) -> Float[np.ndarray, "cells 5 5"]:
    """Give the lower Cholesky root; a variance that rounding made negative counts as none."""
    left, root = covariance.copy(), np.zeros_like(covariance)
    for at in range(_N):
        root[:, at:, at] = left[:, at:, at] / np.sqrt(np.maximum(left[:, at, at], _LEAST))[:, None]
        left -= root[:, :, at, None] * root[:, None, :, at]
    return root


def _mean(moved: Float[np.ndarray, "cells points n"]) -> Float[np.ndarray, "cells n"]:
    return np.asarray((1.0 - _N / _H2) * moved[:, 0] + moved[:, 1:].sum(axis=1) / (2.0 * _H2))


def _differences(
    moved: Float[np.ndarray, "cells points n"],
) -> tuple[Float[np.ndarray, "cells 5 n"], Float[np.ndarray, "cells 5 n"]]:
    """Give how the function slants and how it bends along every column of the root."""
    above, below = moved[:, 1 : _N + 1], moved[:, _N + 1 :]
    slanted = (above - below) / (2.0 * math.sqrt(_H2))
    bent = (above + below - 2.0 * moved[:, :1]) * (math.sqrt(_H2 - 1.0) / (2.0 * _H2))
    return slanted, bent


def _moments(
    moved: Points,
) -> tuple[Float[np.ndarray, "cells 5"], Float[np.ndarray, "cells 5 5"]]:
    columns = np.concatenate(_differences(moved), axis=1)
    return _mean(moved), columns.transpose(0, 2, 1) @ columns

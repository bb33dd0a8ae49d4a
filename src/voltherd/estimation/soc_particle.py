"""State of charge by a Rao-Blackwellised particle filter: for flat curves with hysteresis.

On lithium iron phosphate one voltage fits many charges, and which one depends on the way there.  A
Gaussian cannot say "either here or there"; particles over charge and hysteresis can.  Given both,
the cell is linear in its polarisation voltages, so each particle carries their Kalman mean and all
share one covariance.  Hysteresis turns with the charge that passes::

    h' = A h + (1 - A) sign(i)      A = exp(-γ |i| dt / (3600 Q))
    v  = ocv(z) + M h + v1 + v2 + r0 i

**No hidden chance.**  A particle's noise is the quantiles of a normal distribution, dealt out in an
order that a counter kept in the state decides (SplitMix64).  The same state gives the same future,
for one cell as for many.  What spreads charge while no voltage is measured is owed, and paid out at
the next one, so that blindness widens the interval steadily.

Source: Gordon, Salmond and Smith, IEE Proc. F 140 (1993) 107; Rao-Blackwell: Schön, Gustafsson and
Nordlund, IEEE Trans. Signal Processing 53 (2005) 2279; systematic resampling: Kitagawa, J. Comp.
Graph. Statistics 5 (1996) 1; generator: Steele, Lea and Flood, OOPSLA (2014); hysteresis: Plett,
Battery Management Systems vol. 1 (2015) section 2.8.
"""

import math
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import Final, final

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
    keeping,
    widened,
)
from voltherd.estimation.soc_start import GAP_SECOND_MAX
from voltherd.numerics.cell_map import CellMap
from voltherd.units import SECOND_PER_HOUR

COUNT: Final = 128
"""Particles of a cell."""
_HEAD: Final = 5
"""Numbers before the particles: covariance of the pairs (3), variance owed, steps counted."""
_QUANTILE: Final = np.array([NormalDist().inv_cdf((k + 0.5) / COUNT) for k in range(COUNT)])
_GOLDEN: Final = 0.6180339887498949
_GATE: Final = 12.5
"""Most that one voltage speaks against a particle, in the logarithm of its weight."""
Particles = Float[np.ndarray, "cells particles"]


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SocParticle(SocFrame):
    """Particles over (soc, hysteresis), Kalman filters over (v1, v2).

    Attributes:
        cell: The cell as identified; hysteresis is its base's.
        sensors: Declared sensor errors.
        model_volt_min: The voltage model is taken to be off at least so much at a moment [V].
        model_second: For how long it stays off the same way [s].
        offset_second: For how long the current's error stays the same [s].
        gap_second_max: Longest interval that is advanced over [s].
        method: Its name.
    """

    cell: CellMap
    sensors: SensorError = field(default_factory=SensorError)
    model_volt_min: float = 0.010
    model_second: float = 60.0
    offset_second: float = 3600.0
    gap_second_max: float = GAP_SECOND_MAX
    method: str = "soc_particle"

    def opened(self, opening: Opening) -> Numbers:
        """Spread charge over its quantiles, hysteresis evenly between both branches."""
        cells = len(opening.soc)
        known = self.cell.at(opening.soc, opening.temperature_celsius)
        head = np.zeros((cells, _HEAD))
        head[:, 0] = (opening.current_ampere * known.r1) ** 2 + 1e-6
        head[:, 2] = (opening.current_ampere * known.r2) ** 2 + 1e-6
        soc = opening.soc[:, None] + opening.sigma[:, None] * _QUANTILE
        branch = 2.0 * np.mod(np.arange(1, COUNT + 1) * _GOLDEN, 1.0) - 1.0
        particles = np.zeros((cells, 5, COUNT))
        particles[:, 0], particles[:, 1] = soc, branch
        return np.concatenate([head, particles.reshape(cells, -1)], axis=1)

    def advanced(self, values: Numbers, span: Span) -> tuple[Numbers, PerCell]:
        """Count all particles on, weigh them by the voltage, choose again where few are left."""
        cells = len(values)
        fast, cross, slow, owed, count = values[:, :_HEAD].T
        soc, branch, one, two, weight = parted(values)
        moved = charge_per_ampere(self.cell, span) * span.mean_ampere
        turned = math.exp(-self.cell.hysteresis_rate * abs(moved))
        soc = soc + moved
        branch = turned * branch + (1.0 - turned) * np.sign(span.mean_ampere)
        owed = owed + self._drift(span)
        measured = np.isfinite(span.voltage_volt)
        step = int(count[0])
        jitter = np.where(measured, np.sqrt(owed), 0.0)[:, None] * _dealt(step)
        soc = np.where(measured[:, None], np.clip(soc + jitter, 0.0, 1.0), soc)
        owed = np.where(measured, 0.0, owed)
        known = self.cell.at(soc.ravel(), span.temperature_celsius)
        r0, r1, r2, ocv, half = (
            part.reshape(cells, COUNT) for part in (*known[:4], known.hysteresis)
        )
        keep1, keep2 = keeping(self.cell, span.second).tolist()
        one = keep1 * one + (1.0 - keep1) * r1 * span.mean_ampere
        two = keep2 * two + (1.0 - keep2) * r2 * span.mean_ampere
        walk = 1e-8 * span.second
        fast, slow, cross = keep1**2 * fast + walk, keep2**2 * slow + walk, keep1 * keep2 * cross
        level = ocv + half * branch + r0 * span.last_ampere + one + two
        innovation = span.voltage_volt - (np.exp(weight) * level).sum(axis=1) / _sum(weight)
        gap = np.where(measured[:, None], span.voltage_volt[:, None] - level, 0.0)
        gains, noise = (fast + cross, slow + cross), self._noise(known.model, span)
        variance = fast + 2.0 * cross + slow + noise
        share = np.where(measured, 1.0 / variance, 0.0)
        weight = weight - np.minimum(0.5 * gap**2 * share[:, None], _GATE)
        one, two = (v + (k * share)[:, None] * gap for v, k in zip((one, two), gains, strict=True))
        fast, slow = fast - gains[0] ** 2 * share, slow - gains[1] ** 2 * share
        cross = cross - gains[0] * gains[1] * share
        weight = weight - weight.max(axis=1)[:, None]
        particles = _chosen(np.stack([soc, branch, one, two, weight], axis=1), step)
        head = np.stack([fast, cross, slow, owed, count + 1.0], axis=1)
        return np.concatenate([head, particles.reshape(cells, -1)], axis=1), innovation

    def told(self, values: Numbers, temperature_celsius: float) -> tuple[PerCell, PerCell]:
        """Give the particles' mean and deviation, with what is owed to it."""
        soc, *_, weight = parted(values)
        share = np.exp(weight) / _sum(weight)[:, None]
        mean = (share * soc).sum(axis=1)
        variance = (share * (soc - mean[:, None]) ** 2).sum(axis=1) + values[:, 3]
        return mean, widened(self.cell, variance, temperature_celsius)

    def _drift(self, span: Span) -> float:
        """Give the variance of charge that an interval adds: the current's error lasts."""
        per_second = span.sigma_ampere / (SECOND_PER_HOUR * self.cell.base.capacity_ah)
        lasting = 2.0 * self.offset_second * per_second**2 * span.second
        return lasting + doubt_variance(self.cell, span, self.gap_second_max)

    def _noise(self, model_volt: float, span: Span) -> float:
        """Give the variance of a voltage: samples within ``model_second`` are one witness."""
        witnesses = max(1.0, 2.0 * self.model_second / span.second)
        model = max(model_volt, self.model_volt_min)
        return (model**2 + self.sensors.voltage_sigma**2) * witnesses


def parted(values: Numbers) -> tuple[Particles, Particles, Particles, Particles, Particles]:
    """Take charge, hysteresis, both polarisation voltages and log weight of every particle out."""
    soc, branch, one, two, weight = (
        values[:, _HEAD:].reshape(len(values), 5, COUNT).transpose(1, 0, 2)
    )
    return soc, branch, one, two, weight


def _sum(weight: Particles) -> PerCell:
    return np.asarray(np.exp(weight).sum(axis=1))


def _dealt(step: int) -> Float[np.ndarray, "particles"]:
    """Deal the normal quantiles out to the particles, another order at every step."""
    return _QUANTILE[np.argsort(_hashed(np.arange(COUNT) + COUNT * step), kind="stable")]


def _chosen(
    particles: Float[np.ndarray, "cells 5 particles"], step: int
) -> Float[np.ndarray, "cells 5 particles"]:
    """Draw particles anew, by their weights, in the cells where half have none left."""
    share = np.exp(particles[:, 4])
    share = share / share.sum(axis=1)[:, None]
    few = (share**2).sum(axis=1) > 2.0 / COUNT
    if not few.any():
        return particles
    start = float(_hashed(np.array([-1 - step]))[0]) / 2.0**64
    marks = (np.arange(COUNT) + start) / COUNT
    drawn = particles.copy()
    for cell in np.flatnonzero(few).tolist():
        upto = np.cumsum(share[cell])
        kept = np.minimum(np.searchsorted(upto, marks * upto[-1], "right"), COUNT - 1)
        drawn[cell] = particles[cell][:, kept]
        drawn[cell, 4] = 0.0
    return drawn


def _hashed(counter: np.ndarray) -> np.ndarray:
    """Mix a counter's bits: SplitMix64."""
    mixed = counter.astype(np.int64).view(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(mixed ^ (mixed >> np.uint64(31)))

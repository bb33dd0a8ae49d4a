"""State of charge by a recurrent network: one layer of gated units, stepped by NumPy.

Every ten seconds the network sees the features of :mod:`voltherd.estimation.soc_window` and gives
charge and the logarithm of its variance; in between, and while no voltage is measured, charge is
counted on from its last answer.  With features x and hidden values h::

    r = σ(Wr x + Ur h + br)    u = σ(Wu x + Uu h + bu)    n = tanh(Wn x + bn + r (Un h + cn))
    h' = (1 - u) n + u h       soc = σ(a h + b)           log variance = c h + d

Source: Cho et al., EMNLP (2014) 1724; for batteries Yang et al., J. Cleaner Production 234 (2019)
1153; variance as an output: Nix and Weigend, ICNN (1994) 55.
"""

import math
from dataclasses import dataclass, field
from typing import Final, final

import numpy as np
from jaxtyping import Float

from voltherd.estimation.cell_sample import SensorError
from voltherd.estimation.soc_frame import Numbers, Opening, PerCell, SocFrame, Span
from voltherd.estimation.soc_models import Scale
from voltherd.estimation.soc_start import GAP_SECOND_MAX
from voltherd.estimation.soc_window import (
    WINDOW,
    advanced_window,
    answered,
    counted_on,
    opened_window,
    sensor_steps,
)
from voltherd.numerics.cell_map import CellMap

STRIDE_SECOND: Final = 10.0
"""From one step of the network to the next [s]."""
LOG_VARIANCE: Final = (-12.0, -1.0)
"""What the logarithm of the variance is kept within."""


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GruWeights:
    """A trained network.

    Attributes:
        scale: Of the features.
        inward: From features to gates r, u, n.
        inward_bias: Theirs.
        across: From hidden values to gates.
        across_bias: Theirs.
        outward: From hidden values to soc (before the sigmoid) and log variance.
        outward_bias: Theirs.
    """

    scale: Scale
    inward: Float[np.ndarray, "features gates"]
    inward_bias: Float[np.ndarray, "gates"]
    across: Float[np.ndarray, "units gates"]
    across_bias: Float[np.ndarray, "gates"]
    outward: Float[np.ndarray, "units 2"]
    outward_bias: Float[np.ndarray, "2"]


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SocGru(SocFrame):
    """The network's answer, counted on between its steps.

    Attributes:
        cell: Gives capacity, and a first charge where none is told.
        weights: As trained.
        sensors: Declared sensor errors.
        gap_second_max: Longest interval that is advanced over [s].
        method: Its name.
    """

    cell: CellMap
    weights: GruWeights
    sensors: SensorError = field(default_factory=SensorError)
    gap_second_max: float = GAP_SECOND_MAX
    method: str = "soc_gru"

    def opened(self, opening: Opening) -> Numbers:
        """Begin with charge, deviation, time since the network's step, window, hidden values."""
        cells, units = len(opening.soc), len(self.weights.across)
        head = np.stack([opening.soc, opening.sigma, np.zeros(cells)], axis=1)
        window = opened_window(self.cell, opening)
        return np.concatenate([head, window, np.zeros((cells, units))], axis=1)

    def advanced(self, values: Numbers, span: Span) -> tuple[Numbers, PerCell]:
        """Count; where the stride is over and a voltage is there, ask the network."""
        soc, sigma, passed = values[:, :3].T
        window = advanced_window(self.cell, values[:, 3 : 3 + WINDOW], span)
        hidden = values[:, 3 + WINDOW :]
        soc, sigma = counted_on(self.cell, soc, sigma, span)
        passed = passed + span.second
        due = (passed >= STRIDE_SECOND) & np.isfinite(span.voltage_volt)
        if due.any():
            steps = sensor_steps(self.cell, window, self.sensors.voltage_sigma, span)
            after = stepped(self.weights, hidden[:, None, :] + np.zeros((3, 1)), steps)
            mean, log_variance = answer(self.weights, after)
            soc, sigma = answered(due, (soc, sigma), mean, np.exp(log_variance[:, 0]))
            hidden = np.where(due[:, None], after[:, 0], hidden)
            passed = np.where(due, 0.0, passed)
        head = np.stack([soc, sigma, passed], axis=1)
        return np.concatenate([head, window, hidden], axis=1), np.full(len(values), math.nan)

    def told(self, values: Numbers, temperature_celsius: float) -> tuple[PerCell, PerCell]:
        """Give the last answer, counted on."""
        return values[:, 0], values[:, 1]


def stepped(
    weights: GruWeights,
    hidden: Float[np.ndarray, "cells looks units"],
    features: Float[np.ndarray, "cells looks features"],
) -> Float[np.ndarray, "cells looks units"]:
    """Take the network one step on."""
    units = len(weights.across)
    inward = weights.scale(features) @ weights.inward + weights.inward_bias
    across = hidden @ weights.across + weights.across_bias
    gates = _sigmoid(inward[..., : 2 * units] + across[..., : 2 * units])
    reset, update = gates[..., :units], gates[..., units:]
    new = np.tanh(inward[..., 2 * units :] + reset * across[..., 2 * units :])
    return np.asarray((1.0 - update) * new + update * hidden)


def answer(
    weights: GruWeights, hidden: Float[np.ndarray, "cells looks units"]
) -> tuple[Float[np.ndarray, "cells looks"], Float[np.ndarray, "cells looks"]]:
    """Give charge and the logarithm of its variance."""
    out = hidden @ weights.outward + weights.outward_bias
    return _sigmoid(out[..., 0]), np.clip(out[..., 1], *LOG_VARIANCE)


def _sigmoid(value: np.ndarray) -> np.ndarray:
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * value)))

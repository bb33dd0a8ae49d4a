"""What learned estimators of charge look at: the sample, its recent means, and what was counted.

Means forget exponentially (time constants of one and of ten minutes), which needs no buffer.
"""

from typing import Final

import numpy as np
from jaxtyping import Bool, Float

from voltherd.estimation.soc_frame import Numbers, Opening, PerCell, Span, charge_per_ampere
from voltherd.numerics.cell_map import CellMap

FEATURES: Final = (
    "voltage",
    "current",
    "temperature",
    "voltage, mean of 1 min",
    "voltage, mean of 10 min",
    "current, mean of 1 min",
    "current, mean of 10 min",
    "charge since start",
)
"""In this order; current and charge as multiples of the capacity."""
MEANS_SECOND: Final = np.array([60.0, 600.0])
WINDOW: Final = 6
"""Numbers of a window: last voltage, two means of it, two of the current, charge counted."""
Features = Float[np.ndarray, "cells features"]


def opened_window(cell: CellMap, opening: Opening) -> Numbers:
    """Begin: all means are as the first sample; a voltage not measured is taken from the curve.

    Returns:
        The window of every cell.
    """
    known = cell.at(opening.soc, opening.temperature_celsius)
    seen = np.isfinite(opening.voltage_volt)
    volt = np.where(seen, opening.voltage_volt, known.ocv)
    rate = np.full_like(volt, opening.current_ampere / cell.base.capacity_ah)
    return np.stack([volt, volt, volt, rate, rate, np.zeros_like(volt)], axis=1)


def advanced_window(cell: CellMap, window: Numbers, span: Span) -> Numbers:
    """Let the means follow; a voltage not measured is held."""
    seen = np.isfinite(span.voltage_volt)
    volt = np.where(seen, span.voltage_volt, window[:, 0])
    kept = np.exp(-span.second / MEANS_SECOND)
    rate = span.mean_ampere / cell.base.capacity_ah
    means = kept * window[:, 1:3] + (1.0 - kept) * volt[:, None]
    rates = kept * window[:, 3:5] + (1.0 - kept) * rate
    counted = window[:, 5] + charge_per_ampere(cell, span) * span.mean_ampere
    return np.concatenate([volt[:, None], means, rates, counted[:, None]], axis=1)


def features_of(
    cell: CellMap, window: Numbers, current_ampere: float, temperature_celsius: float
) -> Features:
    """Give the features of every cell, in the order of ``FEATURES``."""
    rate = np.full(len(window), current_ampere / cell.base.capacity_ah)
    warmth = np.full(len(window), temperature_celsius)
    return np.stack([window[:, 0], rate, warmth, *window[:, 1:6].T], axis=1)


def sensor_steps(
    cell: CellMap, window: Numbers, voltage_sigma: float, span: Span
) -> Float[np.ndarray, "cells looks features"]:
    """Give the features as they are, with every voltage off, and with every current off.

    Args:
        cell: Gives the capacity.
        window: At the end of the interval.
        voltage_sigma: Standard uncertainty of a voltage [V].
        span: Gives current, its standard uncertainty, and temperature.

    Returns:
        Three rows of features of every cell.
    """
    features = features_of(cell, window, span.last_ampere, span.temperature_celsius)
    volt, current = np.zeros(len(FEATURES)), np.zeros(len(FEATURES))
    volt[[0, 3, 4]] = voltage_sigma
    current[[1, 5, 6]] = span.sigma_ampere / cell.base.capacity_ah
    return features[:, None, :] + np.stack([np.zeros(len(FEATURES)), volt, current])


def counted_on(cell: CellMap, soc: PerCell, sigma: PerCell, span: Span) -> tuple[PerCell, PerCell]:
    """Count an answer on over an interval; what the current may have been off is added to sigma."""
    per_ampere = charge_per_ampere(cell, span)
    counted = np.clip(soc + per_ampere * span.mean_ampere, 0.0, 1.0)
    return counted, sigma + per_ampere * (span.sigma_ampere + span.doubt_ampere)


def answered(
    due: Bool[np.ndarray, "cells"],
    counted: tuple[PerCell, PerCell],
    answers: Float[np.ndarray, "cells 3"],
    own_variance: PerCell,
) -> tuple[PerCell, PerCell]:
    """Take a model's answer where it is due; else what was counted.

    Args:
        due: Where the model answers.
        counted: Charge and its deviation, counted on from the last answer.
        answers: The model's charge as measured, with the voltage off, and with the current off.
        own_variance: Of the model's answer, as it was trained.

    Returns:
        Charge and its standard deviation: of an answer, the model's error and the sensors' share.
    """
    told, off = answers[:, 0], answers[:, 1:] - answers[:, :1]
    sigma = np.sqrt(own_variance + off[:, 0] ** 2 + off[:, 1] ** 2)
    soc = np.where(due, np.clip(told, 0.0, 1.0), counted[0])
    return soc, np.where(due, sigma, counted[1])

"""What a charge says of a pack, as about twenty physical numbers with names that explain.

Each is taken from a snippet alone, so a vehicle that sends extremes only has all but three.  They
describe the pack, not its use: differences between cells, what they do with current and with
charge, and heat; a fast charge of a healthy pack is to look like a slow one.

Source: entropy of voltage and z-scores of cells, Wang et al., Applied Energy 196 (2017) 289.
"""

from typing import Final

import numpy as np
from jaxtyping import Float

from voltherd.learning.snippets import CHANNELS, SAMPLES, Snippets

FEATURES: Final = (
    "spread_start_volt",
    "spread_middle_volt",
    "spread_end_volt",
    "spread_growth_volt",
    "spread_peak_volt",
    "highest_cell_above_volt",
    "highest_cell_above_end_volt",
    "lowest_cell_below_volt",
    "lowest_cell_below_end_volt",
    "spread_per_current_ohm",
    "resistance_ohm",
    "lowest_cell_behind_soc_fraction",
    "voltage_entropy",
    "spread_jitter_volt",
    "voltage_jitter_volt",
    "charge_per_soc_ah",
    "temperature_spread_kelvin",
    "temperature_spread_growth_kelvin",
    "temperature_rise_kelvin_per_wh",
    "temperature_rate_kelvin_per_hour",
    "cell_deviation_volt",
    "highest_cell_z",
    "lowest_cell_z",
)
"""Units in the names; energies are of a mean cell, z are in robust deviations of the cells."""
EDGE: Final = SAMPLES // 8
"""Samples that are the start, and the end, of a snippet."""
ENTROPY_STEP_VOLT: Final = 0.002
DEVIATION_VOLT_MIN: Final = 0.001
"""Cells are not told apart more finely: the step of the measurement."""
GAUSSIAN: Final = 1.4826
Table = Float[np.ndarray, "snippets features"]
Series = Float[np.ndarray, "snippets samples"]
PerSnippet = Float[np.ndarray, "snippets"]


def anomaly_features(snippets: Snippets) -> Table:
    """Give the numbers of ``FEATURES``, a row per snippet; the last three NaN without cells."""
    mean, current, soc, high, low, hot, cold, deviation = _series(snippets)
    spread, above, below, warm = high - low, high - mean, mean - low, hot - cold
    hour = snippets.duration_second / 3600.0
    charge_ah = current.mean(axis=1) * hour
    gained = soc[:, -1] - soc[:, 0]
    energy_wh = np.maximum(np.abs((mean * current).mean(axis=1)) * hour, 1e-3)
    slope_volt = _slope(soc, mean)
    scale = np.maximum(GAUSSIAN * deviation, DEVIATION_VOLT_MIN)
    rise = _end(hot) - _start(hot)
    columns = (
        _start(spread),
        _middle(spread),
        _end(spread),
        _end(spread) - _start(spread),
        spread.max(axis=1) - _middle(spread),
        _middle(above),
        _end(above),
        _middle(below),
        _end(below),
        _slope(np.abs(current), spread),
        _slope(np.diff(current, axis=1), np.diff(mean, axis=1)),
        _middle(below) / np.maximum(slope_volt, 0.1),
        _entropy(spread),
        _jitter(spread),
        _jitter(mean),
        charge_ah / np.where(np.abs(gained) > 0.02, gained, np.inf),
        _middle(warm),
        _end(warm) - _start(warm),
        rise / energy_wh,
        np.diff(_eighths(hot), axis=1).max(axis=1) * 8.0 / np.maximum(hour, 1e-3),
        _middle(deviation),
        _middle(above / scale),
        _middle(below / scale),
    )
    return np.stack(columns, axis=1)


def sibling_z(snippets: Snippets) -> PerSnippet:
    """Give the plain rival: what the largest z among siblings exceeds in 80 % of samples.

    Where cells are not sent, the half spread stands for a deviation of three robust ones.

    Source: z-score among cells with persistence, as fleets of vehicles are watched with; Zhao et
    al., Applied Energy 207 (2017) 354.
    """
    mean, _, _, high, low, _, _, deviation = _series(snippets)
    scale = np.where(np.isfinite(deviation), GAUSSIAN * deviation, (high - low) / 6.0)
    z = np.maximum(high - mean, mean - low) / np.maximum(scale, DEVIATION_VOLT_MIN)
    return np.asarray(np.quantile(z, 0.2, axis=1))


def _series(snippets: Snippets) -> tuple[Series, ...]:
    return tuple(snippets.values[:, :, at] for at in range(len(CHANNELS)))


def _start(series: Series) -> PerSnippet:
    return np.asarray(np.median(series[:, :EDGE], axis=1))


def _middle(series: Series) -> PerSnippet:
    return np.asarray(np.median(series, axis=1))


def _end(series: Series) -> PerSnippet:
    return np.asarray(np.median(series[:, -EDGE:], axis=1))


def _eighths(series: Series) -> Float[np.ndarray, "snippets 8"]:
    """Give means over eighths: probes tell whole kelvins only."""
    return np.asarray(series.reshape(len(series), 8, -1).mean(axis=2))


def _slope(x: Float[np.ndarray, "snippets n"], y: Float[np.ndarray, "snippets n"]) -> PerSnippet:
    """Give the slope of y on x by least squares, 0 where x does not move."""
    x = x - x.mean(axis=1, keepdims=True)
    square = (x * x).sum(axis=1)
    moved = square > 1e-6
    return np.where(moved, (x * y).sum(axis=1) / np.where(moved, square, 1.0), 0.0)


def _jitter(series: Series) -> PerSnippet:
    """Give the root mean square of second differences, which a smooth course does not have."""
    return np.asarray(np.sqrt((np.diff(series, n=2, axis=1) ** 2).mean(axis=1)))


def _entropy(series: Series) -> PerSnippet:
    """Give Shannon's entropy of a series in steps of two millivolts [nat]."""
    told = []
    for row in np.round(series / ENTROPY_STEP_VOLT):
        _, count = np.unique(row, return_counts=True)
        share = count / len(row)
        told.append(float(-(share * np.log(share)).sum()))
    return np.array(told, dtype=np.float64)

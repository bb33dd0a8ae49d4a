"""Where a deviation began and where it is going, told from the whole history."""

from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from voltherd.numerics.robust import SIGMA_PER_MAD, median, theil_sen

ROWS_MIN: Final = 6
TREND_ROWS: Final = 200
SWING_GAIN_MIN: Final = 0.1
"""Share of the scatter that dating a swing's beginning must take away to be believed."""


class Trend(NamedTuple):
    """Change of one cell's deviation.

    Attributes:
        per_day: Change of its size a day, positive growing; NaN when it cannot be told.
        sigma_per_day: Standard uncertainty of it.
    """

    per_day: float
    sigma_per_day: float


def step_onset(values: Float[np.ndarray, " n"]) -> int:
    """Find the row from which a level holds, by the best split into two means.

    Returns:
        First row of the later level; 0 where the split explains less than half.

    >>> step_onset(np.array([0.0, 0.1, -0.1, 0.0, 5.0, 5.1, 4.9, 5.0]))
    4
    """
    y, measured = _measured(values)
    n = len(y)
    if n < ROWS_MIN:
        return 0
    total = np.cumsum(y)
    left = np.arange(1, n)
    mean_left = total[:-1] / left
    mean_right = (total[-1] - total[:-1]) / (n - left)
    gain = left * (n - left) / n * (mean_left - mean_right) ** 2
    best = int(np.argmax(gain))
    explained = gain[best] / max(float(((y - y.mean()) ** 2).sum()), 1e-30)
    return int(measured[best + 1]) if explained > 0.5 else 0


def swing_onset(soc: Float[np.ndarray, " n"], values: Float[np.ndarray, " n"]) -> int:
    """Find the row from which a deviation swings with the charge: level before, line in SOC after.

    >>> z = np.tile([0.2, 0.4, 0.6, 0.8], 6)
    >>> swing_onset(z, np.where(np.arange(24) < 10, 0.0, 0.2 * (z - 0.5)))
    10
    """
    y, measured = _measured(np.where(np.isfinite(soc), values, np.nan))
    if len(y) < ROWS_MIN:
        return 0
    left = _scatter_of_level(y)
    right = _scatter_of_line(soc[measured][::-1], y[::-1])[::-1]
    whole = float(right[0])
    both = left[:-1] + right[1:]
    best = int(np.argmin(both)) + 1
    return int(measured[best]) if both[best - 1] < (1.0 - SWING_GAIN_MIN) * whole else 0


def _measured(
    values: Float[np.ndarray, " n"],
) -> tuple[Float[np.ndarray, " m"], Int[np.ndarray, " m"]]:
    """Give the values there are, and their rows: what was not measured is not a zero."""
    rows = np.flatnonzero(np.isfinite(values))
    return values[rows].astype(np.float64), rows


def _scatter_of_level(y: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """Give the squared scatter of the first 1, 2, … values about their mean."""
    count = np.arange(1, len(y) + 1)
    return np.asarray(np.cumsum(y**2) - np.cumsum(y) ** 2 / count)


def _scatter_of_line(
    x: Float[np.ndarray, " n"], y: Float[np.ndarray, " n"]
) -> Float[np.ndarray, " n"]:
    """Give the squared scatter of the first 1, 2, … values about their line in x."""
    count = np.arange(1, len(y) + 1)
    spread_x = np.cumsum(x**2) - np.cumsum(x) ** 2 / count
    shared = np.cumsum(x * y) - np.cumsum(x) * np.cumsum(y) / count
    return np.asarray(_scatter_of_level(y) - shared**2 / np.maximum(spread_x, 1e-12))


def ramp_onset(time: Float[np.ndarray, " n"], values: Float[np.ndarray, " n"]) -> int:
    """Find the row from which a level starts to slide, by the best flat-then-straight fit.

    >>> t = np.arange(12.0)
    >>> ramp_onset(t, np.where(t > 5.0, -(t - 5.0), 0.0))
    5
    """
    y, measured = _measured(values)
    n = len(y)
    if n < ROWS_MIN:
        return 0
    t = time[measured]
    best, best_left = 0, np.inf
    for row in range(0, n - 3, max(1, n // 128)):
        x = np.stack([np.ones(n), np.maximum(t - t[row], 0.0)], axis=1)
        terms, *_ = np.linalg.lstsq(x, y, rcond=None)
        left = float(((y - x @ terms) ** 2).sum())
        if left < best_left * (1.0 - 1e-9):
            best, best_left = row, left
    return int(measured[best]) if best else 0


def trend(day: Float[np.ndarray, " n"], values: Float[np.ndarray, " n"]) -> Trend:
    """Give the slope of a deviation's size over its latest rows.

    Args:
        day: Time in days.
        values: Deviation, either sign; its later median decides which sign is 'growing'.
    """
    known = np.isfinite(values)
    x, y = day[known][-TREND_ROWS:], values[known][-TREND_ROWS:].astype(np.float64)
    if len(x) < ROWS_MIN or x[-1] - x[0] < 1.0:
        return Trend(np.nan, np.nan)
    y = y * np.sign(float(median(y[-ROWS_MIN:], axis=0)) or 1.0)
    slope = theil_sen(x, y)
    rest = y - slope * x
    noise = SIGMA_PER_MAD * float(median(np.abs(rest - median(rest, axis=0)), axis=0))
    # 1.05 over the least-squares error: the median slope's efficiency under normal noise.
    sigma = 1.05 * noise / max(float(np.sqrt(((x - x.mean()) ** 2).sum())), 1e-9)
    return Trend(slope, sigma)


def widths(charge: Float[np.ndarray, "n c"]) -> Float[np.ndarray, " n"]:
    """Give the width of the middle 80 % of the cells in every period, NaN where unreadable."""
    width = np.full(len(charge), np.nan)
    rows = np.isfinite(charge).any(axis=1)
    if not rows.any():
        return width
    low, high = np.nanquantile(charge[rows].astype(np.float64), [0.1, 0.9], axis=1)
    width[rows] = high - low
    return width

"""Whether a short series steps: flat, another level from one reading to the next, flat again.

A cell near full or empty, one that warms up or a current that changes bend or tilt a series; only a
measurement changes its level between two readings and stays.  The step's place is the best split of
the series into two means (Page 1954, Biometrika 41:100, with both means unknown); its size comes
from least squares beside whatever else moves the series, each within a doubt known beforehand.
"""

from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Float

from voltherd.numerics.robust import SIGMA_PER_MAD, median

EDGE_ROWS: Final = 4
SIDE_ROWS: Final = 24
ABRUPT_SHARE_MIN: Final = 0.6
"""Of the size between the four readings before and the four after."""
DRIFT_SHARE_MAX: Final = 0.35
"""Of the size between the halves of either side."""
RAMP_SHARE_MIN: Final = 0.6
"""Of the size that is left beside a straight line."""
CLIP_SIGMAS: Final = 4.0


class Step(NamedTuple):
    """A step in a series.

    Attributes:
        size: Later level less earlier, in the series' unit.
        sigma: Standard uncertainty of it.
        scatter: Standard deviation of single values about the two levels.
        second: First reading of the later level [unix s].
        rows_after: Readings since then.
    """

    size: float
    sigma: float
    scatter: float
    second: float
    rows_after: int


def step_in(
    values: Float[np.ndarray, " n"],
    second: Float[np.ndarray, " n"],
    courses: Float[np.ndarray, "m n"],
    doubts: Float[np.ndarray, " m"],
    floor: float,
    grain: float = 0.0,
) -> Step | None:
    """Find the one step of a series, None where it has none.

    Args:
        values: The series; NaN is left out.
        second: Times of its values [unix s].
        courses: What else may move the values, without NaN.
        doubts: Standard deviation of the share of each course in the values.
        floor: Least standard deviation of a single value.
        grain: Steps in which the values come, of which each side may drift by one.
    """
    known = np.isfinite(values)
    y, t, x = values[known].astype(np.float64), second[known], courses[:, known]
    if len(y) < 2 * EDGE_ROWS:
        return None
    noise = max(SIGMA_PER_MAD * float(median(np.abs(np.diff(y)), axis=0)) / np.sqrt(2.0), floor)
    weights = (noise / doubts) ** 2
    row = _split(y - _shares(y, x, weights) @ x)
    begin, end = max(0, row - SIDE_ROWS), min(len(y), row + SIDE_ROWS)
    rows_after = len(y) - row
    y, x, row = y[begin:end], x[:, begin:end], row - begin
    later = (np.arange(len(y)) >= row).astype(np.float64)
    for _ in range(2):  # the second time without outliers
        size, shares, error = _beside(y, later, x, weights)
        flat = y - shares @ x
        level = np.where(later > 0.0, *(median(side, axis=0) for side in (flat[row:], flat[:row])))
        sigma = max(SIGMA_PER_MAD * float(median(np.abs(flat - level), axis=0)), floor)
        y = y + np.clip(flat, level - CLIP_SIGMAS * sigma, level + CLIP_SIGMAS * sigma) - flat
    if not _sudden(flat, row, size, grain):
        return None
    line = np.arange(len(y), dtype=np.float64)
    beside_line = _beside(y, later, np.vstack([x, line]), np.append(weights, 0.0))[0]
    if beside_line * np.sign(size) < RAMP_SHARE_MIN * abs(size):
        return None
    return Step(size, sigma * error, sigma, float(t[begin + row]), rows_after)


def _shares(
    y: Float[np.ndarray, " n"], x: Float[np.ndarray, "m n"], weights: Float[np.ndarray, " m"]
) -> Float[np.ndarray, " m"]:
    """Give the share of each course in a series, by ridge regression."""
    centred = x - x.mean(axis=1)[:, None]
    return np.asarray(np.linalg.solve(centred @ centred.T + np.diag(weights), centred @ y))


def _beside(
    y: Float[np.ndarray, " n"],
    later: Float[np.ndarray, " n"],
    x: Float[np.ndarray, "m n"],
    weights: Float[np.ndarray, " m"],
) -> tuple[float, Float[np.ndarray, " m"], float]:
    """Give a step's size beside the courses, their shares, and its error per unit of noise."""
    both = np.vstack([later, x])
    both -= both.mean(axis=1)[:, None]
    covariance = np.linalg.inv(both @ both.T + np.diag([0.0, *weights]))
    found = covariance @ (both @ y)
    return float(found[0]), found[1:], float(np.sqrt(covariance[0, 0]))


def _split(y: Float[np.ndarray, " n"]) -> int:
    """Give the first row of the later of the two means that explain most; outliers smoothed."""
    smooth = y.copy()
    smooth[1:-1] = np.sort([y[:-2], y[1:-1], y[2:]], axis=0)[1]
    n = len(y)
    left = np.arange(EDGE_ROWS, n - EDGE_ROWS + 1)
    total = np.cumsum(smooth - smooth.mean())
    return int(left[np.argmax(total[left - 1] ** 2 / (left * (n - left)))])


def _sudden(y: Float[np.ndarray, " n"], row: int, size: float, grain: float) -> bool:
    """Whether the level changes between neighbouring readings, and neither side drifts."""
    before, after = y[:row], y[row:]
    local = float(median(after[:EDGE_ROWS], axis=0) - median(before[-EDGE_ROWS:], axis=0))
    if local * np.sign(size) < ABRUPT_SHARE_MIN * abs(size):
        return False
    drifts = [
        float(median(side[len(side) // 2 :], axis=0) - median(side[: len(side) // 2], axis=0))
        for side in (before, after)
    ]
    return float(max(np.abs(drifts))) <= max(DRIFT_SHARE_MAX * abs(size), grain)


def shared_courses(
    values: Float[np.ndarray, "n k"], count: int, rounds: int = 4
) -> Float[np.ndarray, "count n"]:
    """Give the courses that move most of many series, each as large as it is in a typical one.

    The leading left singular vectors, by subspace iteration (Halko, Martinsson and Tropp 2011,
    SIAM Review 53:217, algorithm 4.4) from patterns along the string.
    """
    y = np.nan_to_num(values - median(values, axis=0)[None]).astype(np.float64)
    reach = 5.0 * SIGMA_PER_MAD * median(np.abs(y), axis=1)[:, None]
    y = np.clip(y, -reach, reach)
    series = y.shape[1]
    angle = np.arange(series) * np.pi / series
    course = y @ np.cos(np.arange(1, count + 1) * angle[:, None])
    for _ in range(rounds):
        course = y @ (y.T @ np.linalg.qr(course)[0])
    base = np.linalg.qr(course)[0]
    size = np.sqrt(((base.T @ y) ** 2).sum(axis=1) / series)
    return np.asarray(base.T * size[:, None])

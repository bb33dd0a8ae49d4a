"""Whether a short series steps: flat, another level from one reading to the next, flat again.

A cell near full or empty, one that warms up or a current that changes bend or tilt a series; only a
measurement changes its level between two readings and stays.  The step's place is the best split of
the series into two means (Page 1954, Biometrika 41:100, with both means unknown); its size comes
from least squares beside whatever else moves the series, each within a doubt known beforehand.
"""

import math
from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Float

from voltherd.numerics.robust import SIGMA_PER_MAD, median, or_zero

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
    least: float = 0.0,
    grain: float = 0.0,
) -> Step | None:
    """Find the one step of a series, None where it has none.

    Args:
        values: The series; NaN is left out.
        second: Times of its values [unix s].
        courses: What else may move the values, without NaN.
        doubts: Standard deviation of the share of each course in the values.
        floor: Least standard deviation of a single value.
        least: Size below which no step is of interest.
        grain: Steps in which the values come, of which each side may drift by one.
    """
    known = np.isfinite(values)
    y, t, x = values[known].astype(np.float64), second[known], courses[:, known]
    if len(y) < 2 * EDGE_ROWS:
        return None
    noise = max(
        SIGMA_PER_MAD * float(median(np.abs(y[1:] - y[:-1]), axis=0)) / math.sqrt(2.0), floor
    )
    weights = (noise / doubts) ** 2
    centred, covariance = _normal(x, weights)
    row = _split(y - covariance @ (centred @ y) @ x)
    begin, end = max(0, row - SIDE_ROWS), min(len(y), row + SIDE_ROWS)
    rows_after = len(y) - row
    y, x, row = y[begin:end], x[:, begin:end], row - begin
    line = np.arange(len(y), dtype=np.float64)
    beside, weights = np.vstack([line >= row, x]), np.concatenate([[0.0], weights])
    centred, covariance = _normal(beside, weights)
    for _ in range(2):  # the second time without outliers
        shares = covariance @ (centred @ y)
        flat = y - shares[1:] @ x
        off = np.concatenate([side - median(side, axis=0) for side in (flat[:row], flat[row:])])
        sigma = max(SIGMA_PER_MAD * float(median(np.abs(off), axis=0)), floor)
        reach = CLIP_SIGMAS * sigma
        y = y - (off - np.minimum(np.maximum(off, -reach), reach))
    size = float(shares[0])
    if abs(size) < least or not _sudden(flat, row, size, grain):
        return None
    error = math.sqrt(covariance[0, 0])
    centred, covariance = _normal(np.vstack([beside, line]), np.concatenate([weights, [0.0]]))
    if float(covariance[0] @ (centred @ y)) * math.copysign(1.0, size) < RAMP_SHARE_MIN * abs(size):
        return None
    return Step(size, sigma * error, sigma, float(t[begin + row]), rows_after)


def _normal(
    courses: Float[np.ndarray, "m n"], weights: Float[np.ndarray, " m"]
) -> tuple[Float[np.ndarray, "m n"], Float[np.ndarray, "m m"]]:
    """Give courses about their means, and the covariance of their shares by ridge regression."""
    centred = courses - (np.add.reduce(courses, axis=1) / courses.shape[1])[:, None]
    return centred, np.linalg.inv(centred @ centred.T + np.diag(weights))


def _split(y: Float[np.ndarray, " n"]) -> int:
    """Give the first row of the later of the two means that explain most; outliers smoothed."""
    smooth = y.copy()
    low, high = np.minimum(y[:-2], y[1:-1]), np.maximum(y[:-2], y[1:-1])
    smooth[1:-1] = np.maximum(low, np.minimum(high, y[2:]))  # median of three
    n = len(y)
    left = np.arange(EDGE_ROWS, n - EDGE_ROWS + 1)
    total = np.add.accumulate(smooth - np.add.reduce(smooth) / n)
    return int(left[np.argmax(total[left - 1] ** 2 / (left * (n - left)))])


def _sudden(y: Float[np.ndarray, " n"], row: int, size: float, grain: float) -> bool:
    """Whether the level changes between neighbouring readings, and neither side drifts."""
    before, after = y[:row], y[row:]
    local = float(median(after[:EDGE_ROWS], axis=0) - median(before[-EDGE_ROWS:], axis=0))
    if local * math.copysign(1.0, size) < ABRUPT_SHARE_MIN * abs(size):
        return False
    drifts = [
        float(median(side[len(side) // 2 :], axis=0) - median(side[: len(side) // 2], axis=0))
        for side in (before, after)
    ]
    return max(map(abs, drifts)) <= max(DRIFT_SHARE_MAX * abs(size), grain)


def shared_courses(
    values: Float[np.ndarray, "n k"], count: int, rounds: int = 4
) -> Float[np.ndarray, "count n"]:
    """Give the courses that move most of many series, each as large as it is in a typical one.

    The leading left singular vectors, by subspace iteration (Halko, Martinsson and Tropp 2011,
    SIAM Review 53:217, algorithm 4.4) from patterns along the string.
    """
    y = or_zero(values - median(values, axis=0)[None])
    reach = 5.0 * SIGMA_PER_MAD * median(np.abs(y), axis=1)[:, None]
    y = np.minimum(np.maximum(y, -reach), reach)
    series = y.shape[1]
    angle = np.arange(series) * np.pi / series
    course = np.cos(np.arange(1, count + 1)[:, None] * angle) @ y.T
    for _ in range(rounds):
        course = _orthogonal(course) @ y @ y.T
    base = _orthogonal(_orthogonal(course))  # twice, so that rounding leaves nothing
    size = np.sqrt(((base @ y) ** 2).sum(axis=1) / series)
    return np.asarray(base * size[:, None])


def _orthogonal(courses: Float[np.ndarray, "m n"]) -> Float[np.ndarray, "m n"]:
    """Give unit courses at right angles that span the same; for so few, Gram and Schmidt do."""
    base = courses.copy()
    for row, course in enumerate(base):
        for before in base[:row]:
            course -= (before @ course) * before
        course /= math.sqrt(course @ course) or 1.0
    return base

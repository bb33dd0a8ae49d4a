"""Bounds of rates that were counted: how often may something happen that was seen so often?

The exact bounds of a Poisson mean (Garwood, Biometrika 28, 1936).
"""

import math

import numpy as np


def poisson_upper(count: int, confidence: float) -> float:
    """Give the upper bound of a Poisson mean of which ``count`` were seen, by bisection.

    Args:
        count: How many were seen.
        confidence: That the mean is not larger, between 0 and 1.

    >>> round(poisson_upper(0, 0.95), 3), round(poisson_upper(10, 0.95), 2)
    (2.996, 16.96)
    """
    assert count >= 0 and 0.0 < confidence < 1.0
    seen = np.arange(count + 1, dtype=np.float64)
    log_factorial = np.concatenate([[0.0], np.cumsum(np.log(seen[1:]))])

    def at_most(mean: float) -> float:
        return float(np.exp(seen * math.log(mean) - mean - log_factorial).sum())

    low, high = 1e-9, 10.0 + 3.0 * count
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if at_most(middle) > 1.0 - confidence else (low, middle)
    return 0.5 * (low + high)


def poisson_lower(count: int, confidence: float) -> float:
    """Give the lower bound of a Poisson mean of which ``count`` were seen.

    >>> poisson_lower(0, 0.95), round(poisson_lower(10, 0.95), 2)
    (0.0, 5.43)
    """
    return poisson_upper(count - 1, 1.0 - confidence) if count else 0.0


def count_allowed(mean: float, confidence: float, most: int) -> int:
    """Give the largest count, up to ``most``, whose upper bound stays within a mean.

    Returns:
        The count; -1 where even none is too many.

    >>> count_allowed(17.0, 0.95, 99), count_allowed(17.0, 0.95, 3), count_allowed(2.9, 0.95, 99)
    (10, 3, -1)
    """
    low, high = -1, min(math.ceil(mean), most) + 1  # the upper bound is never below its count
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if poisson_upper(middle, confidence) <= mean else (low, middle)
    return low

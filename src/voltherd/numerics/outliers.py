"""Outlier tests with a set false-alarm level: Grubbs, and fences from the interquartile range.

Both keep the chance of naming anything in n healthy normal values at ``alpha``.  The t distribution
comes from the regularised incomplete beta function, by Lentz's continued fraction (Press et al.,
Numerical Recipes, 3rd ed., section 6.4), so that the base install needs no SciPy.
"""

import math
from functools import lru_cache
from statistics import NormalDist

import numpy as np
from jaxtyping import Bool, Float


def _beta_fraction(a: float, b: float, x: float) -> float:
    """Evaluate the continued fraction of the incomplete beta function."""
    tiny = 1e-300
    c, d = 1.0, 1.0 / max(1.0 - (a + b) * x / (a + 1.0), tiny)
    total = d
    for m in range(1, 400):
        even = m * (b - m) * x / ((a + 2 * m - 1.0) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1.0))
        factor = 1.0
        for term in (even, odd):
            d = 1.0 / (1.0 + term * d if abs(1.0 + term * d) > tiny else tiny)
            c = 1.0 + term / c if abs(1.0 + term / c) > tiny else tiny
            factor = c * d
            total *= factor
        if abs(factor - 1.0) < 1e-15:
            break
    return total


def incomplete_beta(a: float, b: float, x: float) -> float:
    """Give the regularised incomplete beta function I_x(a, b).

    >>> round(incomplete_beta(2.0, 3.0, 0.5), 6)
    0.6875
    """
    if not 0.0 < x < 1.0:
        return float(x >= 1.0)
    front = math.exp(
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    )
    if x < (a + 1.0) / (a + b + 2.0):
        return front * _beta_fraction(a, b, x) / a
    return 1.0 - front * _beta_fraction(b, a, 1.0 - x) / b


def student_t_survival(t: float, degrees: float) -> float:
    """Give P(T > t) for Student's t.

    >>> round(student_t_survival(2.776445, 4.0), 5)
    0.025
    """
    tail = 0.5 * incomplete_beta(degrees / 2.0, 0.5, degrees / (degrees + t * t))
    return tail if t >= 0.0 else 1.0 - tail


def student_t_quantile(survival: float, degrees: float) -> float:
    """Give t with P(T > t) = ``survival`` (0 < survival ≤ 0.5), by bisection.

    >>> round(student_t_quantile(0.025, 4.0), 4)
    2.7764
    """
    low, high = 0.0, 2.0
    while student_t_survival(high, degrees) > survival:
        high *= 2.0
    for _ in range(80):
        middle = 0.5 * (low + high)
        if student_t_survival(middle, degrees) > survival:
            low = middle
        else:
            high = middle
    return 0.5 * (low + high)


@lru_cache(maxsize=256)
def grubbs_limit(n: int, alpha: float) -> float:
    """Give the two-sided critical value of Grubbs' statistic for n values.

    Source: Grubbs (1969), Technometrics 11:1, with the t quantile at alpha / (2 n).

    >>> round(grubbs_limit(10, 0.05), 3)
    2.29
    """
    t = student_t_quantile(alpha / (2.0 * n), n - 2.0)
    return (n - 1.0) / math.sqrt(n) * math.sqrt(t * t / (n - 2.0 + t * t))


def grubbs(values: Float[np.ndarray, " n"], alpha: float) -> Bool[np.ndarray, " n"]:
    """Name the outliers by Grubbs' test, one after another until it finds no more.

    Args:
        values: One per sibling; NaN is never an outlier and not counted.
        alpha: Chance of naming anything in healthy normal values.

    Returns:
        True for outliers; all False with fewer than three values.

    >>> grubbs(np.array([1.0, 1.1, 0.9, 1.05, 0.95, 3.0]), alpha=0.01).nonzero()[0]
    array([5])
    """
    named = np.zeros(len(values), bool)
    kept = np.isfinite(values)
    while (n := int(kept.sum())) >= 3:
        centre = float(values[kept].mean())
        sigma = float(values[kept].std(ddof=1))
        distance = np.where(kept, np.abs(values - centre), -1.0)
        worst = int(np.argmax(distance))
        if not sigma > 0.0 or distance[worst] <= grubbs_limit(n, alpha) * sigma:
            break
        named[worst], kept[worst] = True, False
    return named


@lru_cache(maxsize=256)
def iqr_factor(n: int, alpha: float) -> float:
    """Give how many interquartile ranges beyond the quartiles the fences stand.

    Each of n normal values may lie outside with probability 1 − (1 − alpha)^(1/n).  The sample's
    own interquartile range scatters by 1.166 / √n of itself (asymptotic variance of quartiles), as
    a standard deviation of 0.368 n degrees of freedom would, so the distance is Student's t with
    that many; two more, found by simulation, allow for the value being part of its own sample.
    The tests hold the false-alarm rate to the set level for n ≥ 8.

    >>> round(iqr_factor(100_000, 0.05), 2)
    3.22
    """
    quartile = NormalDist().inv_cdf(0.75)
    each = 1.0 - (1.0 - alpha) ** (1.0 / n)
    distance = student_t_quantile(each / 2.0, 0.368 * n + 2.0)
    return (distance - quartile) / (2.0 * quartile)


def iqr_outliers(values: Float[np.ndarray, " n"], alpha: float) -> Bool[np.ndarray, " n"]:
    """Name values outside the fences that the interquartile range sets.

    Args:
        values: One per sibling; NaN is never an outlier and not counted.
        alpha: Chance of naming anything in healthy normal values.

    Returns:
        True for outliers; all False with fewer than four values.

    >>> iqr_outliers(np.array([1.0, 1.1, 0.9, 1.05, 0.95, 1.0, 9.0]), alpha=0.01).nonzero()[0]
    array([6])
    """
    finite = values[np.isfinite(values)]
    if len(finite) < 4:
        return np.zeros(len(values), bool)
    low, high = np.quantile(finite, [0.25, 0.75])
    reach = iqr_factor(len(finite), alpha) * (high - low)
    return np.asarray((values < low - reach) | (values > high + reach))

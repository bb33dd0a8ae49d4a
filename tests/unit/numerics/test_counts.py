"""Bounds of counted rates against published tables, and against their own definition."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voltherd.numerics.counts import count_allowed, poisson_lower, poisson_upper

GARWOOD = {0: (0.0, 3.689), 1: (0.0253, 5.572), 5: (1.623, 11.668), 20: (12.217, 30.888)}
"""Two-sided 95 % limits (Ulm, American Journal of Epidemiology 131, 1990, table 1)."""


@pytest.mark.parametrize("count", GARWOOD)
def test_the_bounds_are_the_published_ones(count):
    low, high = GARWOOD[count]
    assert poisson_lower(count, 0.975) == pytest.approx(low, abs=2e-3)
    assert poisson_upper(count, 0.975) == pytest.approx(high, abs=2e-3)


@given(st.floats(1e-3, 300.0), st.floats(0.5, 0.999))
def test_the_count_allowed_is_the_largest_whose_bound_stays_below(mean, confidence):
    allowed = count_allowed(mean, confidence, 1_000)
    assert allowed == -1 or poisson_upper(allowed, confidence) <= mean
    assert poisson_upper(allowed + 1, confidence) > mean


def test_large_counts_come_near_the_normal_law():
    assert poisson_upper(10_000, 0.975) == pytest.approx(
        10_000 + 1.96 * math.sqrt(10_000), rel=2e-3
    )

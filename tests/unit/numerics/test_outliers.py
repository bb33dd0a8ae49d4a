import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voltherd.numerics.outliers import grubbs, iqr_outliers, student_t_survival

TESTS = pytest.mark.parametrize("test", [grubbs, iqr_outliers], ids=["grubbs", "iqr"])


@TESTS
@pytest.mark.parametrize("n", [12, 24, 96, 200])
@pytest.mark.parametrize("alpha", [0.01, 0.05])
def test_the_false_alarm_rate_is_the_one_set(test, n, alpha):
    rng = np.random.default_rng([n, int(alpha * 100)])
    runs = 3000
    rate = np.mean([test(rng.standard_normal(n), alpha).any() for _ in range(runs)])
    # 4 standard errors of a binomial, and a fifth for the fences' approximation.
    assert abs(rate - alpha) < 4.0 * np.sqrt(alpha / runs) + 0.2 * alpha


@TESTS
def test_a_spike_is_caught_and_named(test):
    rng = np.random.default_rng(1)
    values = rng.normal(3.7, 0.002, 96)
    values[41] -= 0.03
    assert np.flatnonzero(test(values, 0.01)).tolist() == [41]


def test_one_outlier_does_not_hide_another_from_the_fences():
    values = np.r_[np.linspace(-1.0, 1.0, 30), 50.0, 60.0]
    assert np.flatnonzero(iqr_outliers(values, 0.01)).tolist() == [30, 31]


@TESTS
@given(values=st.lists(st.floats(-1e6, 1e6) | st.just(float("nan")), max_size=40))
def test_missing_values_are_never_outliers(test, values):
    array = np.array(values, float)
    named = test(array, 0.05)
    assert named.shape == array.shape
    assert not named[np.isnan(array)].any()


@pytest.mark.parametrize(
    ("t", "degrees", "published"),
    [(6.314, 1.0, 0.05), (2.262, 9.0, 0.025), (1.660, 100.0, 0.05), (4.604, 4.0, 0.005)],
)
def test_the_t_distribution_agrees_with_its_tables(t, degrees, published):
    assert student_t_survival(t, degrees) == pytest.approx(published, rel=2e-3)

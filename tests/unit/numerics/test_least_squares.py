"""Gauss-Newton finds the minimum of known problems and keeps to bounds."""

import numpy as np
import pytest

from voltherd.numerics.least_squares import damped_gauss_newton, jacobian


def rosenbrock(at):
    return np.array([10.0 * (at[1] - at[0] ** 2), 1.0 - at[0]])


def test_the_derivatives_are_those_of_the_formula():
    at = np.array([0.5, -0.3])
    assert jacobian(rosenbrock, at) == pytest.approx(np.array([[-10.0, 10.0], [-1.0, 0.0]]))


def test_a_bent_valley_is_followed_to_its_end():
    found, left = damped_gauss_newton(rosenbrock, np.array([-1.2, 1.0]))
    assert found == pytest.approx([1.0, 1.0], abs=1e-6)
    assert left == pytest.approx([0.0, 0.0], abs=1e-6)


def test_bounds_are_kept():
    low, high = np.array([-2.0, -2.0]), np.array([0.5, 2.0])
    found, left = damped_gauss_newton(rosenbrock, np.array([-1.2, 1.0]), low, high)
    assert found == pytest.approx([0.5, 0.25], abs=1e-4)
    assert left @ left == pytest.approx(0.25, abs=1e-4)

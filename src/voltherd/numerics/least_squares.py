"""Small nonlinear least squares: Gauss-Newton with Levenberg's damping, derivatives by differences.

For fits of a handful of values to some hundred points.

Source: Nocedal and Wright, Numerical Optimization (2006) section 10.3.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
from jaxtyping import Float

Values = Float[np.ndarray, "values"]
Residuals = Float[np.ndarray, "residuals"]
STEPS_MAX: Final = 100
_STEP: Final = 1e-6
_ENOUGH: Final = 1e-10


def jacobian(
    residual: Callable[[Values], Residuals], at: Values
) -> Float[np.ndarray, "residuals values"]:
    """Give the derivatives of the residuals by central differences."""
    steps = _STEP * np.maximum(1.0, np.abs(at))
    columns = [
        (residual(at + step) - residual(at - step)) / (2.0 * step.max()) for step in np.diag(steps)
    ]
    return np.stack(columns, axis=1)


def damped_gauss_newton(
    residual: Callable[[Values], Residuals],
    start: Values,
    low: Values | None = None,
    high: Values | None = None,
) -> tuple[Values, Residuals]:
    """Minimise the sum of squares from a start.

    Args:
        residual: Residuals at given values.
        start: Where to begin.
        low: Least values allowed.
        high: Largest values allowed.

    Returns:
        The values found and the residuals there; never worse than the start.
    """
    low = np.full(len(start), -np.inf) if low is None else low
    high = np.full(len(start), np.inf) if high is None else high
    at, left, damping = np.clip(start, low, high), residual(np.clip(start, low, high)), 1e-3
    for _ in range(STEPS_MAX):
        slope = jacobian(residual, at)
        downhill = -(slope.T @ left)
        # A value at its bound that wants out stays there, and the others move as without it.
        free = ~(((at <= low) & (downhill < 0.0)) | ((at >= high) & (downhill > 0.0)))
        normal = slope[:, free].T @ slope[:, free]
        weight = damping * np.maximum(np.diag(normal), 1e-12)
        move = np.zeros(len(at))
        move[free] = np.linalg.solve(normal + np.diag(weight), downhill[free])
        tried = np.clip(at + move, low, high)
        there = residual(tried)
        gain = float(left @ left - there @ there)
        if not gain > 0.0:
            damping *= 8.0
            if damping > 1e8:
                break
            continue
        at, left, damping = tried, there, damping / 4.0
        if gain <= _ENOUGH * float(there @ there):
            break
    return at, left

"""By how much a filter's interval is too narrow: asked of drives that it was not fitted to.

A filter that averages coloured errors as if they were white is sure of what it cannot know.  Its
intervals are multiplied with the factor that nine in ten errors of other drives asked for, by
temperature: split conformal prediction with the normalised residual as score.

Source: Lei et al., Journal of the American Statistical Association 113 (2018) 1094, section 5.2.
"""

from typing import Final

import numpy as np
from jaxtyping import Float

SHARE: Final = 0.9
SIGMAS: Final = 1.645
"""Half-width, in standard uncertainties, of the interval that is to hold that share."""
ROWS_MIN: Final = 1000
"""Fewer rows near a temperature say nothing of it; all temperatures together then speak."""
_SIGMA_MIN: Final = 1e-4
Column = Float[np.ndarray, "rows"]


def widening(
    error: Column, sigma: Column, celsius: Column, nodes: Float[np.ndarray, "temperatures"]
) -> Float[np.ndarray, "temperatures"]:
    """Give the factor at each node of temperature.

    Args:
        error: Estimate less truth.
        sigma: What the filter thought of it.
        celsius: Temperature of each row [°C].
        nodes: Where factors are wanted [°C].
    """
    asked = np.abs(error) / (SIGMAS * np.maximum(sigma, _SIGMA_MIN))
    whole = float(np.quantile(asked, SHARE)) if len(asked) else 1.0
    nearest = np.abs(celsius[:, None] - nodes).argmin(axis=1)
    near = [asked[nearest == node] for node in range(len(nodes))]
    return np.array([np.quantile(one, SHARE) if len(one) >= ROWS_MIN else whole for one in near])

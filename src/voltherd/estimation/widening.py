"""By how much a filter's interval is too narrow: asked of drives that it was not fitted to.

A filter that averages coloured errors as if they were white is sure of what it cannot know.  Its
intervals are multiplied with the factor that nine in ten errors of other drives asked for, by
temperature: split conformal prediction with the normalised residual as score.  A few drives say
little of a temperature by themselves, so each factor is drawn half-way to that of all of them.

Source: Lei et al., Journal of the American Statistical Association 113 (2018) 1094, section 5.2.
"""

from typing import Final

import numpy as np
from jaxtyping import Float

from voltherd.types.estimate import NORMAL_90

SHARE: Final = 0.9
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
    asked = np.abs(error) / (NORMAL_90 * np.maximum(sigma, _SIGMA_MIN))
    if not len(asked):
        return np.ones(len(nodes))
    whole = float(np.quantile(asked, SHARE))
    nearest = np.abs(celsius[:, None] - nodes).argmin(axis=1)
    factor = np.full(len(nodes), whole)
    for node in range(len(nodes)):
        near = asked[nearest == node]
        if len(near):
            share = len(near) / (len(near) + len(asked) / len(nodes))
            factor[node] = whole ** (1.0 - share) * float(np.quantile(near, SHARE)) ** share
    return factor

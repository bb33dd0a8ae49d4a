"""Extremes of channels in slices of time, as they are kept for long charts."""

from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Float, Int

SLICE_SECOND: Final = 300.0
"""Length of a slice; slices begin at whole multiples of it [s]."""


class Slices(NamedTuple):
    """Some slices of one vehicle that have rows, ascending.

    Attributes:
        number: Unix time divided by ``SLICE_SECOND``.
        first_second: First row of each [unix s].
        last_second: Last row of each [unix s].
        rows: How many rows.
        low: Lowest value per slice and channel, NaN where there is none.
        high: Highest.
    """

    number: Int[np.ndarray, " slices"]
    first_second: Float[np.ndarray, " slices"]
    last_second: Float[np.ndarray, " slices"]
    rows: Int[np.ndarray, " slices"]
    low: Float[np.ndarray, "slices channels"]
    high: Float[np.ndarray, "slices channels"]

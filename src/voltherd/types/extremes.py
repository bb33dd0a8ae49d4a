"""Channels over a long time in few pieces that hide no extreme."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float


class Extremes(NamedTuple):
    """Channels cut into pieces of time.

    Attributes:
        time_second: First row of each piece, ascending [unix s].
        last_second: Last row of each piece [unix s].
        low: Lowest value per piece and channel, NaN where there is none.
        high: Highest.
        rows: Rows behind them.
        summarised: Whether they come from summaries of many rows rather than from the rows.
    """

    time_second: Float[np.ndarray, " pieces"]
    last_second: Float[np.ndarray, " pieces"]
    low: Float[np.ndarray, "pieces channels"]
    high: Float[np.ndarray, "pieces channels"]
    rows: int
    summarised: bool


def nothing(channels: int) -> Extremes:
    """Give no pieces at all."""
    none = np.empty(0)
    empty = np.empty((0, channels))
    return Extremes(none, none, empty, empty, 0, False)

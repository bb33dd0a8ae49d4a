"""Splits that keep every cell whole, and intervals from errors on cells that were not seen.

Rows of one cell are alike.  A split by row lets a model recognise the cell; split by cell, error
and interval are those of a cell that nobody has seen.

Source: split and cross-conformal prediction, Vovk, Annals of Mathematics and Artificial
Intelligence 74 (2015) 9; Lei et al., Journal of the American Statistical Association 113 (2018)
1094.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
from jaxtyping import Float, Int

Table = Float[np.ndarray, "rows features"]
Column = Float[np.ndarray, "rows"]
Names = np.ndarray
Predict = Callable[[Table], Column]
Fit = Callable[[Table, Column], Predict]
SHARE: Final = 0.9
BAND_ROWS_MIN: Final = 30


def cell_folds(cells: Names, count: int) -> Int[np.ndarray, "rows"]:
    """Give each row the number of its fold; cells in order of name take turns.

    Args:
        cells: Name of the cell of each row.
        count: How many folds; never more than cells.
    """
    names, index = np.unique(cells, return_inverse=True)
    return np.asarray(index % min(count, len(names)))


def unseen(fit: Fit, features: Table, target: Column, cells: Names, count: int) -> Column:
    """Predict every row by a model fitted to other cells."""
    fold = cell_folds(cells, count)
    told = np.full(len(target), np.nan)
    for number in np.unique(fold):
        held = fold == number
        told[held] = fit(features[~held], target[~held])(features[held])
    return told


def half_widths(
    error: Column, band: Int[np.ndarray, "rows"], bands: int, share: float = SHARE
) -> Float[np.ndarray, "bands"]:
    """Give the half-width that holds a share of the errors, by band.

    A band with fewer than ``BAND_ROWS_MIN`` rows takes that of all rows.
    """
    size = np.abs(error)
    whole = conformal(size, share)
    found = [size[band == number] for number in range(bands)]
    return np.array(
        [conformal(one, share) if len(one) >= BAND_ROWS_MIN else whole for one in found]
    )


def conformal(size: Float[np.ndarray, "errors"], share: float) -> float:
    """Give the order statistic that a further error stays below with a probability.

    >>> conformal(np.arange(1.0, 20.0), 0.9)
    18.0
    """
    order = np.sort(size)
    place = min(int(np.ceil(share * (len(order) + 1))), len(order)) - 1
    return float(order[place])

"""Outliers by the tails of every feature alone: no training but sorting, no chance, no knob.

A value that few of the training values lie beyond is rare; the negative logarithms of these shares
add up over the features.  Each feature's part is its explanation.

Source: Li et al., ECOD, IEEE Transactions on Knowledge and Data Engineering 35 (2023) 12181, first
published 2022; here with the tails of the training rows for rows that come later.
"""

from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float

Table = Float[np.ndarray, "rows features"]


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ecod:
    """What is kept of the training rows.

    Attributes:
        ordered: Each feature's values in order.
        skewness: Each feature's third standardised moment.
    """

    ordered: Float[np.ndarray, "training features"]
    skewness: Float[np.ndarray, "features"]


def fit_ecod(rows: Table) -> Ecod:
    """Learn the tails of healthy rows."""
    centred = rows - rows.mean(axis=0)
    square = np.maximum((centred**2).mean(axis=0), 1e-300)
    return Ecod(ordered=np.sort(rows, axis=0), skewness=(centred**3).mean(axis=0) / square**1.5)


def ecod_parts(model: Ecod, rows: Table) -> tuple[Table, Table, Table]:
    """Give each feature's surprise by its left tail, by its right one, and by the longer one."""
    count = len(model.ordered)
    left, right = np.empty(rows.shape), np.empty(rows.shape)
    for at, (known, asked) in enumerate(zip(model.ordered.T, rows.T, strict=True)):
        # A row of its own is added, so that no share is nothing.
        left[:, at] = (np.searchsorted(known, asked, side="right") + 1.0) / (count + 1.0)
        right[:, at] = (count - np.searchsorted(known, asked, side="left") + 1.0) / (count + 1.0)
    left, right = -np.log(np.minimum(left, 1.0)), -np.log(np.minimum(right, 1.0))
    return left, right, np.where(model.skewness < 0.0, left, right)


def ecod_score(model: Ecod, rows: Table) -> Float[np.ndarray, "rows"]:
    """Give the largest of the three sums over features, as in the source."""
    sums = [part.sum(axis=1) for part in ecod_parts(model, rows)]
    return np.asarray(np.max(sums, axis=0))


def ecod_share(model: Ecod, rows: Table) -> Table:
    """Give each feature's share of a row's surprise, by its rarer tail."""
    left, right, _ = ecod_parts(model, rows)
    rarer = np.maximum(left, right)
    return np.asarray(rarer / np.maximum(rarer.sum(axis=1, keepdims=True), 1e-300))

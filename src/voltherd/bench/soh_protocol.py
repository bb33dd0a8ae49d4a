"""How estimates of health are scored, fixed here for everybody.

A row is one cell under one condition by one estimator, in percent of the rated capacity (``mape``
in percent of the value itself).  Estimators are fitted to other cells than those they are asked
about: the split is by cell, never by row.  Intervals come from errors on cells that the model had
not seen; with folds, from those of the other folds.
"""

import math
import time
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from voltherd.learning.folds import Fit, cell_folds, half_widths

Table = Float[np.ndarray, "rows features"]
Column = Float[np.ndarray, "rows"]
Bands = Int[np.ndarray, "rows"]
BANDS: Final = 2
CALIBRATION_FOLDS: Final = 5


class SohRow(NamedTuple):
    """One cell under one condition, by one estimator.

    Attributes:
        dataset: Which recorded or simulated set.
        cell: Cell that the estimator was not fitted to.
        condition: What it was given.
        estimator: Its name.
        rmse: Root of the mean square error [% of rated capacity].
        mae: Mean absolute error [% of rated capacity].
        mape: Mean absolute error [% of the true value].
        max: Largest absolute error [% of rated capacity].
        coverage90: Part of the truths inside the 90 % interval; NaN where none is given.
        microsecond: CPU time of one estimate [µs].
    """

    dataset: str
    cell: str
    condition: str
    estimator: str
    rmse: float
    mae: float
    mape: float
    max: float
    coverage90: float
    microsecond: float


class Cases(NamedTuple):
    """What is given, and what is true.

    Attributes:
        cell: Name of the cell of each row.
        features: What the estimator sees.
        truth: Fraction of rated capacity.
        band: Number of the band of each row that has an interval of its own.
    """

    cell: np.ndarray
    features: Table
    truth: Column
    band: Bands

    def taken(self, rows: np.ndarray) -> "Cases":
        """Take some rows."""
        return Cases(*(part[rows] for part in self))


class Outcome(NamedTuple):
    """What an estimator said on cells that it was not fitted to.

    Attributes:
        dataset: Which set.
        condition: What it was given.
        estimator: Its name.
        cell: Cell of each row.
        truth: Fraction of rated capacity.
        told: What was said.
        half_width: Of the 90 % interval; NaN where none is given.
        microsecond: CPU time of one estimate [µs].
    """

    dataset: str
    condition: str
    estimator: str
    cell: np.ndarray
    truth: Column
    told: Column
    half_width: Column
    microsecond: float


class Method(NamedTuple):
    """An estimator: its name, how it is fitted, and which features it sees."""

    name: str
    fit: Fit
    columns: tuple[int, ...]


def judged(
    dataset: str, condition: str, method: Method, known: Cases, asked: Cases | None, folds: int
) -> Outcome:
    """Run an estimator on cells that it was not fitted to.

    Args:
        dataset: Name of the set.
        condition: What is given.
        method: The estimator.
        known: Cells to learn from.
        asked: Cells to be asked about; where there are none, ``known`` in folds by cell.
        folds: How many of them, at most one a cell.
    """
    seen = known._replace(features=known.features[:, list(method.columns)])
    fold = cell_folds(seen.cell, folds if asked is None else CALIBRATION_FOLDS)
    told = np.full(len(seen.truth), np.nan)
    spent = 0.0
    for number in np.unique(fold):
        model = method.fit(seen.features[fold != number], seen.truth[fold != number])
        began = time.process_time()
        told[fold == number] = model(seen.features[fold == number])
        spent += time.process_time() - began
    error = told - seen.truth
    if asked is None:
        width = np.empty(len(told))
        for number in np.unique(fold):
            other, held = fold != number, fold == number
            width[held] = half_widths(error[other], seen.band[other], BANDS)[seen.band[held]]
        cost = 1e6 * spent / len(told)
        return Outcome(dataset, condition, method.name, seen.cell, seen.truth, told, width, cost)
    width = half_widths(error, seen.band, BANDS)[asked.band]
    model = method.fit(seen.features, seen.truth)
    began = time.process_time()
    told = model(asked.features[:, list(method.columns)])
    cost = 1e6 * (time.process_time() - began) / len(told)
    return Outcome(dataset, condition, method.name, asked.cell, asked.truth, told, width, cost)


def rows_of(outcome: Outcome) -> list[SohRow]:
    """Give a row a cell."""
    names = dict.fromkeys(outcome.cell.tolist())
    return [
        SohRow(
            outcome.dataset,
            name,
            outcome.condition,
            outcome.estimator,
            **figures(outcome, outcome.cell == name),
            microsecond=outcome.microsecond,
        )
        for name in names
    ]


def figures(outcome: Outcome, rows: np.ndarray) -> dict[str, float]:
    """Give ``rmse``, ``mae``, ``mape``, ``max`` [%] and ``coverage90`` over some rows."""
    truth, width = outcome.truth[rows], outcome.half_width[rows]
    error = np.abs(outcome.told[rows] - truth)
    return {
        "rmse": 100.0 * float(np.sqrt(np.mean(error**2))),
        "mae": 100.0 * float(np.mean(error)),
        "mape": 100.0 * float(np.mean(error / truth)),
        "max": 100.0 * float(error.max()),
        "coverage90": float(np.mean(error <= width)) if np.isfinite(width).all() else math.nan,
    }


def summed(outcomes: Iterable[Outcome]) -> dict[str, dict[str, float]]:
    """Sum up by estimator over all rows; ``mae_by_cell`` lets every cell count alike."""
    told = {}
    for one in outcomes:
        by_cell = [row.mae for row in rows_of(one)]
        everything = np.ones(len(one.truth), dtype=bool)
        told[one.estimator] = {
            **figures(one, everything),
            "mae_by_cell": float(np.mean(by_cell)),
            "cells": float(len(by_cell)),
        }
    return told


def finite(value: Any) -> Any:  # noqa: ANN401
    """Give what JSON can say: numbers that are none become null."""
    if isinstance(value, Mapping):
        return {key: finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value

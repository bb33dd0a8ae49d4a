"""How estimates of health are scored, fixed here for everybody.

A row is one cell under one condition by one estimator, in percent of the rated capacity (``mape``
in percent of the value itself).  Estimators are fitted to other cells than those they are asked
about: the split is by cell, never by row.  Intervals come from errors on cells that the model had
not seen; with folds, from those of the other folds.
"""

import math
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from voltherd.errors import InputError
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
        temperature: Around the cell, median of its rows; NaN where it was not recorded [°C].
        numbers: How many the estimator keeps of a cell from one estimate to the next.
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
    temperature: float = math.nan
    numbers: int = 0


class Cases(NamedTuple):
    """What is given, and what is true.

    Attributes:
        cell: Name of the cell of each row.
        features: What the estimator sees.
        truth: Fraction of rated capacity.
        band: Number of the band of each row that has an interval of its own.
        temperature: Around the cell; NaN where it was not recorded [°C].
    """

    cell: np.ndarray
    features: Table
    truth: Column
    band: Bands
    temperature: Column

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
        temperature: Around the cell of each row; NaN where it was not recorded [°C].
        microsecond: CPU time of one estimate [µs].
        numbers: How many are kept of a cell from one estimate to the next.
    """

    dataset: str
    condition: str
    estimator: str
    cell: np.ndarray
    truth: Column
    told: Column
    half_width: Column
    temperature: Column
    microsecond: float
    numbers: int


class Method(NamedTuple):
    """An estimator.

    Attributes:
        name: Its name.
        fit: How it is fitted.
        columns: Which features it sees.
        numbers: How many it keeps of a cell from one estimate to the next.
    """

    name: str
    fit: Fit
    columns: tuple[int, ...]
    numbers: int = 0


def apart(known: np.ndarray, asked: np.ndarray | None, where: Path, column: str) -> None:
    """Refuse cells that nothing about unseen cells can be learned from.

    Args:
        known: Names of the cells to learn from, repeated at will.
        asked: Names of those to be asked about; None where ``known`` take turns.
        where: File of the cells to learn from.
        column: Where it names them.

    Raises:
        InputError: There is one cell only, or one is in both.
    """
    names = set(known.tolist())
    if len(names) < 2:
        raise InputError(
            f"fewer than 2 cells in column {column} ({', '.join(names) or 'none'})",
            where=str(where),
            mend="a cell is asked about by what others taught; give records of more cells",
        )
    both = sorted(names & set(asked.tolist())) if asked is not None else []
    if both:
        raise InputError(
            f"{len(both)} cells of column {column} are in the folder to test on, too "
            f"({', '.join(both[:4])}{' …' if len(both) > 4 else ''})",
            where=str(where),
            mend="a cell that was learned from says nothing of unseen ones; take it out of either",
        )


def numbers_in(columns: Mapping[str, np.ndarray], name: str, where: Path) -> Column:
    """Give a column as numbers, NaN where there is none.

    Raises:
        InputError: It holds something else.
    """
    try:
        return np.asarray(np.ma.filled(columns[name].astype(np.float64), np.nan))
    except (ValueError, TypeError) as error:
        raise InputError(
            f"column {name} holds no numbers", where=str(where), mend="give it as recorded"
        ) from error


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
        return _outcome(dataset, condition, method, seen, told, width, spent)
    width = half_widths(error, seen.band, BANDS)[asked.band]
    model = method.fit(seen.features, seen.truth)
    began = time.process_time()
    told = model(asked.features[:, list(method.columns)])
    spent = time.process_time() - began
    return _outcome(dataset, condition, method, asked, told, width, spent)


def _outcome(
    dataset: str,
    condition: str,
    method: Method,
    asked: Cases,
    told: Column,
    half_width: Column,
    spent_second: float,
) -> Outcome:
    return Outcome(
        dataset=dataset,
        condition=condition,
        estimator=method.name,
        cell=asked.cell,
        truth=asked.truth,
        told=told,
        half_width=half_width,
        temperature=asked.temperature,
        microsecond=1e6 * spent_second / len(told),
        numbers=method.numbers,
    )


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
            temperature=float(np.median(outcome.temperature[outcome.cell == name])),
            numbers=outcome.numbers,
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
    """Sum up by estimator over all rows; ``mae_by_cell`` lets every cell count alike.

    ``weighted`` is NaN: the weighted score is of the state of charge, of health there is none.
    """
    told = {}
    for one in outcomes:
        by_cell = [row.mae for row in rows_of(one)]
        everything = np.ones(len(one.truth), dtype=bool)
        told[one.estimator] = {
            **figures(one, everything),
            "weighted": math.nan,
            "mae_by_cell": float(np.mean(by_cell)),
            "cells": float(len(by_cell)),
        }
    return told

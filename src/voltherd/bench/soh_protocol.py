"""How estimates of health are scored, fixed here for everybody.

A row is one cell under one condition by one estimator, in percent of the rated capacity (``mape``
in percent of the value itself).  Estimators are fitted to other cells than those they are asked
about: the split is by cell, never by row.
"""

from typing import NamedTuple


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

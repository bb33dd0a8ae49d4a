"""The learned estimators of health that are shipped, and which features each sees."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from voltherd.estimation.soh_charge import ChargeFeatures
from voltherd.estimation.soh_pulse import pulse_voltage
from voltherd.learning import regressors
from voltherd.learning.folds import Column, Fit, Predict, Table

CHARGE_SEES: Final = (
    "charged_ah",
    "cold",
    "cold_charged_ah",
    "constant_voltage_ah",
    "early_voltage_volt",
    "warmth_celsius",
)
CHARGE_COLUMNS: Final = tuple(ChargeFeatures._fields.index(name) for name in CHARGE_SEES)
"""Columns of ``ChargeFeatures``; the first is the charge counted."""


def charge_capacity() -> Fit:
    """Capacity from charges: the mean of a robust line and of trees on what counting leaves.

    The line holds where no cell like this was seen, the trees bend it where some were.

    Raises:
        UsageError: scikit-learn is not installed.
    """
    return regressors.blend(regressors.robust_linear(), regressors.beyond(0, regressors.trees()))


def pulse_health(levels: Sequence[float]) -> Fit:
    """Health from pulses: a Gaussian process and a ridge with parabolas over charge, averaged.

    The first feature is the charge counted, the others are a ``pulse_response``.

    Args:
        levels: States of charge of the test.

    Raises:
        UsageError: scikit-learn is not installed.
    """
    return regressors.blend(on_voltages(regressors.smooth()), regressors.parabolas(levels))


def on_voltages(fit: Fit) -> Fit:
    """Fit on voltages instead of differences to the rested one.

    With one length for all features the rested voltage, which is in each of them, then weighs more.
    """

    def voltages(rows: Table) -> Table:
        return np.column_stack([rows[:, 0], pulse_voltage(rows[:, 1:])])

    def fit_there(features: Table, target: Column) -> Predict:
        model = fit(voltages(features), target)
        return lambda rows: model(voltages(rows))

    return fit_there


def charge_state() -> Fit:
    """Charge from voltage, current and temperature: the regression baseline of the method matrix.

    Raises:
        UsageError: scikit-learn is not installed.
    """
    return regressors.trees()

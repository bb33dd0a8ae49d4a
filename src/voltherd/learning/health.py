"""The learned estimators of health that are shipped, and which features each sees."""

from collections.abc import Sequence
from typing import Final

from voltherd.estimation.soh_charge import ChargeFeatures
from voltherd.learning import regressors
from voltherd.learning.folds import Fit

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

    Args:
        levels: States of charge of the test.

    Raises:
        UsageError: scikit-learn is not installed.
    """
    return regressors.blend(regressors.smooth(), regressors.parabolas(levels))


def charge_state() -> Fit:
    """Charge from voltage, current and temperature: the regression baseline of the method matrix.

    Raises:
        UsageError: scikit-learn is not installed.
    """
    return regressors.trees()

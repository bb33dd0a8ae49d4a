"""Which family of methods can tell what: a table that runs.

Each "yes" names the function that does it; each "no" says why not.  Counting integrates against a
capacity that it has to be given, so it cannot tell health; a spectrum changes with health and
temperature more than with charge, so it cannot tell charge.

Source: the usual table of methods in reviews of battery management (Coulomb counting, Kalman
filter, machine learning, impedance spectroscopy against charge and health).
"""

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import Any, Final

import numpy as np
from jaxtyping import Float

from voltherd.errors import UsageError
from voltherd.estimation.cell_sample import CellSample
from voltherd.estimation.soc_coulomb import SocCoulomb
from voltherd.estimation.soc_map import SocMapEkf
from voltherd.estimation.soh_impedance import impedance
from voltherd.learning.health import charge_capacity, charge_state


class Method(StrEnum):
    """A family of methods."""

    COULOMB = "coulomb counting"
    KALMAN = "Kalman filter"
    LEARNED = "machine learning"
    IMPEDANCE = "impedance spectroscopy"


class Quantity(StrEnum):
    """What is to be told."""

    CHARGE = "state of charge"
    HEALTH = "state of health"


def filter_resistance(
    estimator: SocMapEkf, samples: Iterable[CellSample]
) -> Float[np.ndarray, "cells 2"]:
    """Give the factor on all resistances that the filter ends with, and its standard uncertainty.

    Args:
        estimator: On the cell as it was when new.
        samples: A drive, at least one sample.
    """
    drive = iter(samples)
    state = estimator.init(next(drive))
    for sample in drive:
        state, _ = estimator.step(state, sample)
    return estimator.resistance_factor(state)


MATRIX: Final[Mapping[tuple[Method, Quantity], Callable[..., Any] | str]] = {
    (Method.COULOMB, Quantity.CHARGE): SocCoulomb,
    (Method.COULOMB, Quantity.HEALTH): "it has to be given the capacity it counts against",
    (Method.KALMAN, Quantity.CHARGE): SocMapEkf,
    (Method.KALMAN, Quantity.HEALTH): filter_resistance,
    (Method.LEARNED, Quantity.CHARGE): charge_state,
    (Method.LEARNED, Quantity.HEALTH): charge_capacity,
    (Method.IMPEDANCE, Quantity.CHARGE): "a spectrum follows health and temperature, not charge",
    (Method.IMPEDANCE, Quantity.HEALTH): impedance,
}


def method(family: Method, quantity: Quantity) -> Callable[..., Any]:
    """Give the function by which a family of methods tells a quantity.

    Raises:
        UsageError: It cannot; the message says why and who can.
    """
    entry = MATRIX[family, quantity]
    if isinstance(entry, str):
        able = [other.value for other in Method if not isinstance(MATRIX[other, quantity], str)]
        raise UsageError(
            f"{family.value} cannot tell the {quantity.value}: {entry}",
            mend=f"use {', '.join(able)}",
        )
    return entry

"""What do further ways to health reach: chosen features, lasso, modes of ageing?

Question one: which features three rounds leave of a charge's, and how the error on unseen cells
grows when sensors are noisy, before and after the third round.  Two: whether lasso beats least
squares on features that overlap, the more the fewer cells taught it.  Three: how far modes of
ageing are off that are fitted to a slow charge, on cells aged on purpose: a simulation.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Float

from voltherd.bench.soh_charges import FILE, THREE, Charges, charges_of, given
from voltherd.bench.soh_protocol import apart
from voltherd.errors import InputError
from voltherd.estimation.modes_ocv import (
    Column,
    HalfCells,
    capacity,
    charge_voltage,
    inventory,
    modes,
)
from voltherd.estimation.soh_charge import ChargeFeatures
from voltherd.learning.folds import Fit, Table, cell_folds
from voltherd.learning.regressors import forest, lasso, least_squares
from voltherd.learning.selection import FOLDS, select
from voltherd.numerics.ocv import graphite_chen2020, nmc811_chen2020

NOISE: Final = ChargeFeatures(
    charged_ah=0.01,
    constant_voltage_ah=0.01,
    low_window_ah=0.05,
    high_window_ah=0.05,
    constant_current_second=120.0,
    early_voltage_volt=0.005,
    warmth_celsius=1.0,
    rise_celsius=1.0,
    slow_tail_second=120.0,
    late_tail_second=120.0,
    cold=0.0,
    cold_charged_ah=0.01,
)
"""Standard deviation that sensors put on each feature."""
EVERY: Final = 4
"""Selection sees one charge in so many: neighbours say the same, and forests take their time."""
CELLS: Final = 12
ROWS: Final = 300
LOST_MAX: Final = 0.2
NEW_AH: Final = 5.0
SEEN: Final = (
    ("20 to 80 %, 1 mV noise", 0.2, 0.8, 0.001, 0.0),
    ("20 to 80 %, 3 mV noise", 0.2, 0.8, 0.003, 0.0),
    ("20 to 80 %, 1 mV noise, 8 mV too high", 0.2, 0.8, 0.001, 0.008),
    ("50 to 100 %, 1 mV noise", 0.5, 1.0, 0.001, 0.0),
)
"""Part of the charge seen, and what is wrong with its voltage [V]."""
_POSITIVE: Final = (0.2661, 0.9077)
_NEGATIVE: Final = (0.0279, 0.9014)
_POSITIVE_AH: Final = NEW_AH / (_POSITIVE[1] - _POSITIVE[0])
_NEGATIVE_AH: Final = NEW_AH / (_NEGATIVE[1] - _NEGATIVE[0])
NEW: Final = HalfCells(
    nmc811_chen2020,
    graphite_chen2020,
    _POSITIVE_AH,
    _NEGATIVE_AH,
    _POSITIVE_AH * _POSITIVE[1] + _NEGATIVE_AH * _NEGATIVE[0],
    2.5,
    4.2,
)
"""The LG M50's electrodes; Chen et al., Journal of The Electrochemical Society 167 080534."""


class PathRow(NamedTuple):
    """One figure of a further way.

    Attributes:
        path: Which way.
        condition: What was given.
        what: Whose error.
        mae: Mean absolute error [% of rated, or of the new cell].
        max: Largest [%].
    """

    path: str
    condition: str
    what: str
    mae: float
    max: float


def measure_paths(folder: Path, progress: Callable[[str], None]) -> list[PathRow]:
    """Run all three.

    Args:
        folder: Where the charges are.
        progress: Told where it stands.

    Raises:
        InputError: There are no charges of two cells.
        UsageError: scikit-learn is not installed.
    """
    charges = charges_of(folder)
    if charges is None:
        raise InputError("no recorded charges", where=str(folder), mend=f"wanted is {FILE}")
    apart(charges.cases.cell, None, folder / FILE, "cell")
    rows = []
    for name, found in (
        ("three rounds", _rounds(charges)),
        ("lasso", _lasso(charges)),
        ("modes of ageing", _modes()),
    ):
        for row in found:
            progress(f"{name}: {row.condition}, {row.what}")
            rows.append(row)
    return rows


def render_paths(rows: list[PathRow]) -> str:
    """Tell the table."""
    lines = [
        "further ways; errors on unseen cells in percent of rated, of modes in percent of the new"
        " cell (simulated)",
        f"{'':<18}{'given':<40}{'':<20}{'mae':>6}{'max':>6}",
    ]
    lines += [
        f"{one.path:<18}{one.condition:<40}{one.what:<20}{one.mae:>6.2f}{one.max:>6.1f}"
        for one in rows
    ]
    return "\n".join(lines)


def _rounds(charges: Charges) -> Iterator[PathRow]:
    """Tell what each round leaves, and the error without and with sensor noise."""
    cells, features, target = (
        part[::EVERY] for part in (charges.cases.cell, charges.recent, charges.cases.truth)
    )
    noise = np.array(NOISE)
    kept = select(features, target, cells, noise, np.random.default_rng(0))
    moved = features + noise * np.random.default_rng(1).normal(size=features.shape)
    whole = np.arange(features.shape[1])
    for word, columns in zip(("all", *kept._fields), (whole, *kept), strict=True):
        for what, asked in (("as recorded", features), ("under sensor noise", moved)):
            error = _errors(forest(), features[:, columns], asked[:, columns], target, cells, FOLDS)
            condition = f"{word}: {len(columns)} features"
            yield PathRow("three rounds", condition, what, *_summed(error))


def _lasso(charges: Charges) -> Iterator[PathRow]:
    """Hold lasso against least squares, on all features of the latest charges."""
    cases = given(charges, THREE)
    features = cases.features[:, : len(ChargeFeatures._fields)]
    count = len(np.unique(cases.cell))
    for condition, folds, few in (
        ("all other cells known", count, False),
        (f"{FOLDS} folds", FOLDS, False),
        (f"one fold of {FOLDS} known, others asked", FOLDS, True),
    ):
        for what, fit in (("lasso", lasso()), ("least squares", least_squares())):
            error = _errors(fit, features, features, cases.truth, cases.cell, folds, few=few)
            yield PathRow("lasso", condition, what, *_summed(error))


def _errors(
    fit: Fit,
    known: Table,
    asked: Table,
    target: Column,
    cells: np.ndarray,
    folds: int,
    *,
    few: bool = False,
) -> Column:
    """Give the errors on unseen cells; with ``few``, one fold teaches and the others are asked."""
    fold = cell_folds(cells, folds)
    errors = []
    for number in np.unique(fold):
        held = (fold == number) != few
        errors.append(fit(known[~held], target[~held])(asked[held]) - target[held])
    return np.concatenate(errors)


def _summed(error: Column) -> tuple[float, float]:
    size = 100.0 * np.abs(error)
    return float(size.mean()), float(size.max())


def _modes() -> Iterator[PathRow]:
    """Fit modes to slow charges of cells whose losses are known."""
    random = np.random.default_rng(0)
    planted = random.uniform(0.0, LOST_MAX, (CELLS, 3))
    for condition, low, high, noise, bias in SEEN:
        off = []
        for seed, losses in enumerate(planted):
            values = aged(*losses.tolist())
            told = modes(NEW, *slow_charge(values, low, high, noise, bias, seed))
            truth = np.array([*losses, capacity(NEW, values) / NEW_AH])
            off.append(np.array([*told[:3], told.capacity_ah / NEW_AH]) - truth)
        for what, error in zip(
            ("positive material", "negative material", "lithium", "capacity"),
            np.array(off).T,
            strict=True,
        ):
            yield PathRow("modes of ageing", condition, what, *_summed(error))


def aged(positive: float, negative: float, lithium: float) -> Float[np.ndarray, "4"]:
    """Give the values of a cell with known losses, empty at the lower cut-off.

    Args:
        positive: Material of the positive electrode lost, as a share.
        negative: Of the negative one.
        lithium: Lithium lost.

    Returns:
        As ``charge_voltage`` takes them.
    """
    left = _POSITIVE_AH * (1.0 - positive), _NEGATIVE_AH * (1.0 - negative)
    x = np.linspace(1e-3, 0.5, 4000)
    y = (NEW.inventory_ah * (1.0 - lithium) - left[1] * x) / left[0]
    volt = np.where(y <= 0.98, NEW.positive(y) - NEW.negative(x), np.inf)
    at = int(np.argmin(np.abs(volt - NEW.low_volt)))
    values = np.array([1.0 - positive, 1.0 - negative, x[at], y[at]])
    assert abs(inventory(NEW, values) / NEW.inventory_ah - (1.0 - lithium)) < 1e-9
    return values


def slow_charge(
    values: Float[np.ndarray, "4"], low: float, high: float, noise: float, bias: float, seed: int
) -> tuple[Column, Column]:
    """Charge a cell over a part of its capacity; charge since [Ah] and measured voltage [V]."""
    ah = np.linspace(low, high, ROWS) * capacity(NEW, values)
    random = np.random.default_rng(seed)
    volt = charge_voltage(NEW, values, ah) + bias + random.normal(0.0, noise, ROWS)
    return ah - ah[0], volt

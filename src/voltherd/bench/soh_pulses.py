"""Health of retired cells that were never seen, from one set of current pulses.

A row is one cell at one charge.  What charge it stands at has been counted from empty against the
rated capacity; a second condition keeps that, and the rested voltage, from the estimator.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from voltherd.bench.compose import read_columns
from voltherd.bench.soh_protocol import Cases, Method, Outcome, judged, numbers_in
from voltherd.estimation.soh_pulse import POINTS, pulse_response
from voltherd.learning import regressors
from voltherd.learning.folds import Column
from voltherd.learning.health import pulse_health

FILE: Final = "pulsebat_tbsi/pulse_response_u1_u21.parquet"
PRIMARY: Final = "pulse_blend"
FLOOR: Final = "extra trees"
KNOWN: Final = "one set of pulses, charge counted"
UNKNOWN: Final = "one set of pulses, charge unknown"
ALL: Final = "pulses at every charge"
FOLDS: Final = 5
LEVELS: Final = tuple(np.linspace(0.05, 0.5, 10).tolist())
"""States of charge of the test."""


class Goal(NamedTuple):
    """What is to be beaten and reached, MAPE [%]."""

    floor: float
    goal: float


GOALS: Final = {
    "NMC_2.1Ah": Goal(4.1, 3.0),
    "LMO_10Ah": Goal(5.2, 4.0),
    "NMC_21Ah": Goal(0.8, 0.7),
    "LFP_35Ah": Goal(4.7, 3.5),
}
_MEAN_KEEPS: Final = 2
"""Sum and count of what was said so far."""
_COLUMNS: Final = ("source", "ID", "SOC", "SOH", *(f"U{point}" for point in range(1, POINTS + 1)))


def pulses_of(folder: Path) -> dict[str, Cases] | None:
    """Read the pulse tests of a folder, by type of cell; nothing where they are not there.

    Features are charge counted, rested voltage, and differences to it at twenty points.

    Raises:
        InputError: Columns are missing or no numbers.
    """
    file = folder / FILE
    if not file.is_file():
        return None
    columns = read_columns(file, _COLUMNS)
    table = np.column_stack([numbers_in(columns, name, file) for name in _COLUMNS[4:]])
    soc = numbers_in(columns, "SOC", file) / 100.0
    features = np.column_stack([soc, pulse_response(table)])
    truth = numbers_in(columns, "SOH", file)
    usable = np.isfinite(features).all(axis=1) & (truth > 0.0)
    kinds, cells = columns["source"].astype(str), columns["ID"].astype(str)
    band = (soc > float(np.median(LEVELS))).astype(np.int64)
    whole = Cases(cells, features, truth, band, np.full(len(truth), np.nan))
    return {kind: whole.taken(usable & (kinds == kind)) for kind in GOALS if (kinds == kind).any()}


def measure_pulses(
    kind: str, known: Cases, asked: Cases | None, progress: Callable[[str], None]
) -> list[Outcome]:
    """Ask every estimator about the health of cells of one type that it has not seen."""
    outcomes = []
    for condition, method in methods():
        progress(f"{kind}: {condition}, {method.name}")
        outcomes.append(judged(kind, condition, method, known, asked, FOLDS))
    return [*outcomes, every_charge(outcomes[0])]


def methods() -> list[tuple[str, Method]]:
    """Give the estimators and what each is given.

    Raises:
        UsageError: scikit-learn is not installed.
    """
    seen, unseen = tuple(range(POINTS + 1)), tuple(range(2, POINTS + 1))
    trees = regressors.trees(leaf=1, share=1.0)
    return [
        (KNOWN, Method(PRIMARY, pulse_health(LEVELS), seen)),
        (KNOWN, Method(FLOOR, trees, seen)),
        (KNOWN, Method("mean", regressors.constant(), seen)),
        (UNKNOWN, Method(PRIMARY, regressors.blend(regressors.quadratic(), trees), unseen)),
    ]


def every_charge(outcome: Outcome) -> Outcome:
    """Give the mean of what was said of a cell at every charge: a longer test."""
    names = list(dict.fromkeys(outcome.cell.tolist()))

    def mean(values: Column) -> Column:
        return np.array([np.mean(values[outcome.cell == name]) for name in names])

    return outcome._replace(
        condition=ALL,
        cell=np.array(names),
        truth=mean(outcome.truth),
        told=mean(outcome.told),
        half_width=np.full(len(names), np.nan),
        temperature=mean(outcome.temperature),
        microsecond=outcome.microsecond * len(outcome.cell) / len(names),
        numbers=_MEAN_KEEPS,
    )

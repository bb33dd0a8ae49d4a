"""Capacity of cells that were never seen, from the records of their charges alone.

The charge before a full discharge is the question, the capacity that discharge gave is the answer:
what went out until the voltage first fell below 2.7 V, as the record has it, where our own count
agrees.  A discharge that stopped early, whose voltage collapsed under a current the cold cell
could not carry, or whose capacity is missing, zero or beyond the rating is no answer, and is
counted with its reason.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Float

from voltherd.bench.compose import read_columns
from voltherd.bench.soh_protocol import Cases, Method, Outcome, judged, numbers_in
from voltherd.errors import InputError
from voltherd.estimation.soh_charge import (
    ChargeFeatures,
    ChargeFlag,
    ChargeRecord,
    charge_features,
    recent,
)
from voltherd.learning import regressors
from voltherd.learning.folds import Column, Fit, Predict, Table
from voltherd.learning.health import CHARGE_COLUMNS, charge_capacity
from voltherd.units import SECOND_PER_HOUR

DATASET: Final = "nasa_pcoe"
FILE: Final = "nasa_pcoe/timeseries.parquet"
RATED_AH: Final = 2.0
PRIMARY: Final = "charge_blend"
FLOOR: Final = "mean at ambient"
THREE: Final = "three charges, to 2.7 V"
ONE: Final = "one charge, to 2.7 V"
OWN_END: Final = "three charges, to the test's own end"
COUNTED: Final = "counted"
EVERYWHERE: Final = frozenset({PRIMARY, COUNTED, FLOOR})
"""Estimators that are run under every condition."""
COLUMNS: Final = ("cell", "op")
NUMBERS: Final = ("op_index", "amb_c", "t_s", "voltage_v", "current_a", "temp_c", "cap_ah")
_END_VOLT: Final = 2.7
_LOAD_AMPERE: Final = -0.2
_AGREE_AH: Final = 0.02
_LEAST: Final = 0.2
_MOST: Final = 1.1
_GAP_SECOND: Final = 60.0
_MORE_FOLDS_THAN_CELLS: Final = 1000


class Unlabelled(StrEnum):
    """Why a charge has no answer to check against."""

    NO_DISCHARGE = "no discharge follows it"
    MISSING = "capacity missing or zero"
    COLLAPSED = "voltage collapsed: below 20 % of rated"
    BEYOND = "beyond 110 % of rated"
    DISAGREES = "never fell to 2.7 V, or our count disagrees by more than 0.02 Ah"


class Operation(NamedTuple):
    """One charge or discharge as recorded."""

    cell: str
    kind: str
    record: ChargeRecord
    capacity_ah: float


class Charges(NamedTuple):
    """What a folder holds.

    Attributes:
        cases: One charge each, with the recorded capacity; features of that charge alone.
        recent: Features as medians over up to three charges of that cell.
        delivered: Answer counted to the test's own end, fraction of rated.
        dropped: How many charges are not asked about, by reason.
    """

    cases: Cases
    recent: Table
    delivered: Column
    dropped: dict[str, int]


def charges_of(folder: Path) -> Charges | None:
    """Read the charges of a folder; nothing where they are not there.

    Raises:
        InputError: Columns are missing or no numbers, or no charge can be used.
    """
    file = folder / FILE
    if not file.is_file():
        return None
    dropped: Counter[str] = Counter()
    pairs = list(_pairs(_operations(file), dropped))
    if not pairs:
        why = "; ".join(f"{count} {reason}" for reason, count in dropped.items())
        raise InputError(
            f"no charge with a full discharge after it ({why or 'no charge at all'})",
            where=str(file),
            mend="wanted are full charges, each with the discharge after it, op charge and "
            "discharge",
        )
    table = np.array([pair.features for pair in pairs])
    truth = np.array([pair.capacity_ah for pair in pairs]) / RATED_AH
    celsius = np.array([pair.ambient_celsius for pair in pairs])
    cold = table[:, ChargeFeatures._fields.index("cold")].astype(np.int64)
    return Charges(
        cases=Cases(np.array([pair.cell for pair in pairs]), table, truth, cold, celsius),
        recent=np.array([pair.recent for pair in pairs]),
        delivered=np.array([pair.delivered_ah for pair in pairs]) / RATED_AH,
        dropped=dict(dropped),
    )


class Pair(NamedTuple):
    """A charge, and what the discharge after it gave."""

    cell: str
    ambient_celsius: float
    features: ChargeFeatures
    recent: Float[np.ndarray, "features"]
    capacity_ah: float
    delivered_ah: float


def _pairs(operations: list[Operation], dropped: Counter[str]) -> Iterator[Pair]:
    """Give every charge with an answer; what has none is counted in ``dropped``."""
    lately: dict[str, list[ChargeFeatures]] = {}
    for place, charge in enumerate(operations):
        if charge.kind != "charge":
            continue
        told = charge_features(charge.record)
        if isinstance(told, ChargeFlag):
            dropped[told.value] += 1
            continue
        lately[charge.cell] = [*lately.get(charge.cell, [])[-2:], told]
        after = operations[place + 1] if place + 1 < len(operations) else None
        answer = _answer(after) if after and after.cell == charge.cell else Unlabelled.NO_DISCHARGE
        if isinstance(answer, Unlabelled):
            dropped[answer.value] += 1
            continue
        medians = recent(np.array(lately[charge.cell]))
        ambient = charge.record.ambient_celsius
        yield Pair(charge.cell, ambient, told, medians[-1], *answer)


def measure_charges(
    known: Charges, asked: Charges | None, progress: Callable[[str], None]
) -> list[Outcome]:
    """Ask every estimator about the capacity of cells it has not seen; cell by cell."""
    outcomes = []
    for condition in (THREE, ONE, OWN_END):
        learned = given(known, condition)
        wanted = given(asked, condition) if asked else None
        for method in methods():
            if condition != THREE and method.name not in EVERYWHERE:
                continue
            progress(f"{DATASET}: {condition}, {method.name}")
            # The medians need the two charges before; the ambient temperature is that of now.
            kept = 0 if condition == ONE or method.name == FLOOR else 2 * len(method.columns)
            keeping = method._replace(numbers=kept)
            outcomes.append(
                judged(DATASET, condition, keeping, learned, wanted, _MORE_FOLDS_THAN_CELLS)
            )
    return outcomes


def methods() -> list[Method]:
    """Give the estimators; the last column is the ambient temperature.

    Raises:
        UsageError: scikit-learn is not installed.
    """
    linear, trees = regressors.robust_linear(), regressors.beyond(0, regressors.trees())
    return [
        Method(PRIMARY, charge_capacity(), CHARGE_COLUMNS),
        Method("robust linear", linear, CHARGE_COLUMNS),
        Method("trees beyond count", trees, CHARGE_COLUMNS),
        Method(COUNTED, _counted(), CHARGE_COLUMNS[:1]),
        Method(FLOOR, _mean_at_ambient(), (len(ChargeFeatures._fields),)),
    ]


def given(charges: Charges, condition: str) -> Cases:
    """Give what a condition lets the estimators see, and what is then true."""
    features = charges.cases.features if condition == ONE else charges.recent
    truth = charges.delivered if condition == OWN_END else charges.cases.truth
    # In fractions of the rated capacity, so that a count can be taken as it is.
    scaled = features.copy()
    for name in ("charged_ah", "cold_charged_ah", "constant_voltage_ah"):
        scaled[:, ChargeFeatures._fields.index(name)] /= RATED_AH
    table = np.column_stack([scaled, charges.cases.temperature])
    return charges.cases._replace(features=table, truth=truth)


def _counted() -> Fit:
    """Take what went in for the capacity."""
    return lambda _, __: lambda rows: rows[:, 0]


def _mean_at_ambient() -> Fit:
    """Give the mean capacity of the cells seen within five kelvin; of all, where there is none."""

    def fit(features: Table, target: Column) -> Predict:
        def mean(celsius: float) -> float:
            near = np.abs(features[:, 0] - celsius) <= 5.0
            return float(np.mean(target[near] if near.any() else target))

        return lambda rows: np.array([mean(celsius) for celsius in rows[:, 0].tolist()])

    return fit


def _answer(discharge: Operation) -> tuple[float, float] | Unlabelled:
    """Give capacity to 2.7 V and charge delivered to the end [Ah], or why there is none."""
    if discharge.kind != "discharge":
        return Unlabelled.NO_DISCHARGE
    capacity = discharge.capacity_ah
    if not capacity > 0.0:
        return Unlabelled.MISSING
    if capacity < _LEAST * RATED_AH:
        return Unlabelled.COLLAPSED
    if capacity > _MOST * RATED_AH:
        return Unlabelled.BEYOND
    record = discharge.record
    load = record.current_ampere < _LOAD_AMPERE
    step = np.minimum(np.diff(record.time_second, prepend=record.time_second[0]), _GAP_SECOND)
    out = np.cumsum(np.where(load, -record.current_ampere, 0.0) * step) / SECOND_PER_HOUR
    below = np.flatnonzero(load & (record.voltage_volt < _END_VOLT))
    if not len(below) or abs(float(out[below[0]]) - capacity) > _AGREE_AH:
        return Unlabelled.DISAGREES
    return capacity, float(out[-1])


def _operations(file: Path) -> list[Operation]:
    """Read charges and discharges, in order of cell and time."""
    columns = read_columns(file, (*COLUMNS, *NUMBERS))
    cells, kinds = (columns[name].astype(str) for name in COLUMNS)
    values = {name: numbers_in(columns, name, file) for name in NUMBERS}
    order = np.lexsort((values["t_s"], values["op_index"], cells))
    names, index = cells[order], values["op_index"][order]
    starts = np.flatnonzero((names[1:] != names[:-1]) | (index[1:] != index[:-1])) + 1
    operations = []
    for rows in np.split(order, starts):
        second, ampere, volt, celsius = (
            values[key][rows] for key in ("t_s", "current_a", "voltage_v", "temp_c")
        )
        first = rows[0]
        ambient = float(values["amb_c"][first])
        operations.append(
            Operation(
                str(cells[first]),
                str(kinds[first]),
                ChargeRecord(second, ampere, volt, celsius, ambient),
                float(values["cap_ah"][first]),
            )
        )
    return operations

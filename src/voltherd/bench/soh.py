"""How right are learned estimates of health, on recorded cells that were never seen?

Question: error of the state of health, in percent of rated capacity, by cell, under the conditions
of each data set, with how often the 90 % interval held the truth and what an estimate costs.
Training sees one folder, testing another; without a second one, cells take turns in folds.
"""

import json
import math
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final, NamedTuple, final

from voltherd.bench import soh_charges, soh_field, soh_paths, soh_pulses
from voltherd.bench.plain import finite
from voltherd.bench.soh_paths import PathRow
from voltherd.bench.soh_protocol import Outcome, SohRow, apart, rows_of, summed
from voltherd.errors import InputError

CAPACITY_GOAL: Final = 2.0
COVERAGE: Final = (0.88, 0.92)


class Part(NamedTuple):
    """One data set: what was said on it, which estimator and condition count, what was left out."""

    outcomes: list[Outcome]
    primary: str
    condition: str
    dropped: dict[str, int]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class SohTable:
    """What was measured.

    Attributes:
        rows: Of recorded cells.
        summary: What they come to by data set and estimator.
        conditions: The same by condition.
        dropped: Charges left out, by data set and reason.
        field: Rows of the simulated field; empty where it was not run.
        paths: Figures of further ways; empty where they were not run.
    """

    rows: tuple[SohRow, ...]
    summary: dict[str, dict[str, Any]]
    conditions: dict[str, dict[str, dict[str, dict[str, float]]]]
    dropped: dict[str, dict[str, int]]
    field: tuple[SohRow, ...] = ()
    paths: tuple[PathRow, ...] = ()

    def to_json(self) -> str:
        """Give rows, summary and what was left out as JSON; what was not run is null."""
        rows = [row._asdict() for row in (*self.rows, *self.field)]
        paths = [row._asdict() for row in self.paths]
        plain = {**asdict(self), "rows": rows, "paths": paths}
        del plain["field"]
        return json.dumps(finite(plain), indent=1) + "\n"


def measure(
    train: Path | None,
    test: Path | None,
    progress: Callable[[str], None],
    *,
    field: bool = True,
    paths: bool = False,
) -> SohTable:
    """Learn from one folder, ask about another.

    Args:
        train: Folder to learn from; ``VOLTHERD_DATA`` where not given.
        test: Folder of the same layout to test on; cells of ``train`` in folds where not given.
        progress: Told where it stands.
        field: Whether the simulated field is run, too; minutes.
        paths: Whether further ways are run on ``train``, too; a minute.

    Raises:
        InputError: There is no recorded cell in a folder, one cell only, or one in both.
        UsageError: scikit-learn is not installed.
    """
    folder = train or Path(os.environ.get("VOLTHERD_DATA", "../shared/data"))
    parts = {**_charges(folder, test, progress), **_pulses(folder, test, progress)}
    if not parts:
        raise InputError(
            "no recorded cell is there",
            where=str(test or folder),
            mend=f"wanted is {soh_charges.FILE} or {soh_pulses.FILE}",
        )
    table = table_of(parts)
    if paths:
        table = replace(table, paths=tuple(soh_paths.measure_paths(folder, progress)))
    if not field:
        return table
    rows = soh_field.measure_field(progress)
    summary = {**table.summary, soh_field.DATASET: soh_field.summary_of(rows)}
    return replace(table, summary=summary, field=tuple(rows))


def table_of(parts: Mapping[str, Part]) -> SohTable:
    """Sum up by data set."""
    rows = [row for part in parts.values() for one in part.outcomes for row in rows_of(one)]
    conditions: dict[str, dict[str, dict[str, dict[str, float]]]] = {}
    summary: dict[str, dict[str, Any]] = {}
    for name, part in parts.items():
        by = dict.fromkeys(one.condition for one in part.outcomes)
        conditions[name] = {
            key: summed(one for one in part.outcomes if one.condition == key) for key in by
        }
        summary[name] = {**conditions[name][part.condition], "primary": part.primary}
    return SohTable(
        rows=tuple(rows),
        summary=summary,
        conditions=conditions,
        dropped={name: part.dropped for name, part in parts.items()},
    )


def _charges(train: Path, test: Path | None, progress: Callable[[str], None]) -> dict[str, Part]:
    known = soh_charges.charges_of(train)
    asked = soh_charges.charges_of(test) if test else None
    if known is None or (test and asked is None):
        return {}
    asked_cells = asked.cases.cell if asked else None
    apart(known.cases.cell, asked_cells, train / soh_charges.FILE, "cell")
    outcomes = soh_charges.measure_charges(known, asked, progress)
    part = Part(outcomes, soh_charges.PRIMARY, soh_charges.THREE, (asked or known).dropped)
    return {soh_charges.DATASET: part}


def _pulses(train: Path, test: Path | None, progress: Callable[[str], None]) -> dict[str, Part]:
    known = soh_pulses.pulses_of(train) or {}
    asked = (soh_pulses.pulses_of(test) or {}) if test else {}
    parts = {}
    for kind, cases in known.items():
        if test and kind not in asked:
            continue
        asked_cells = asked[kind].cell if test else None
        apart(cases.cell, asked_cells, train / soh_pulses.FILE, f"ID, {kind}")
        outcomes = soh_pulses.measure_pulses(kind, cases, asked.get(kind), progress)
        parts[kind] = Part(outcomes, soh_pulses.PRIMARY, soh_pulses.KNOWN, {})
    return parts


def render(table: SohTable) -> str:
    """Tell the tables."""
    lines = [
        "state of health of cells that were not learned from; percent of rated capacity, mape in"
        " percent of the value"
    ]
    for dataset, conditions in table.conditions.items():
        for condition, estimators in conditions.items():
            cost = {
                row.estimator: (row.microsecond, row.numbers)
                for row in table.rows
                if row.dataset == dataset and row.condition == condition
            }
            lines += ["", f"{dataset}, {condition}", _HEAD]
            lines += [_line(name, told, *cost[name]) for name, told in estimators.items()]
        lines += verdicts(dataset, table.summary[dataset])
        lines += [f"  left out: {n} charges, {why}" for why, n in table.dropped[dataset].items()]
    if table.field:
        lines += ["", soh_field.render_field(list(table.field))]
    if table.paths:
        lines += ["", soh_paths.render_paths(list(table.paths))]
    return "\n".join(lines)


_HEAD: Final = (
    f"{'':<20}{'mae':>7}{'by cell':>9}{'rmse':>7}{'mape':>7}{'max':>7}{'90 %':>7}"
    f"{'µs':>8}{'state':>7}{'cells':>7}"
)


def _line(name: str, told: Mapping[str, float], cost: float, numbers: int) -> str:
    held = f"{told['coverage90']:>7.1%}" if math.isfinite(told["coverage90"]) else f"{'-':>7}"
    return (
        f"{name:<20}{told['mae']:>7.2f}{told['mae_by_cell']:>9.2f}{told['rmse']:>7.2f}"
        f"{told['mape']:>7.2f}{told['max']:>7.1f}{held}{cost:>8.0f}"
        f"{numbers:>7}{told['cells']:>7.0f}"
    )


def verdicts(dataset: str, summary: Mapping[str, Any]) -> list[str]:
    """Say beside floor and goal what the primary estimator reached."""
    told = summary[summary["primary"]]
    lines = []
    if dataset == soh_charges.DATASET:
        floor = summary[soh_charges.FLOOR]["mae"]
        lines += [
            _verdict("mae", told["mae"], CAPACITY_GOAL, f"of rated, floor {floor:.2f}"),
            _verdict("mae over floor", told["mae"] / floor, 0.5, "half the floor"),
        ]
    if dataset in soh_pulses.GOALS:
        goal = soh_pulses.GOALS[dataset]
        here = summary[soh_pulses.FLOOR]["mape"]
        beside = f"floor {goal.floor:.1f}, extra trees here {here:.2f}"
        lines.append(_verdict("mape", told["mape"], goal.goal, beside))
    low, high = COVERAGE
    word = "holds" if low <= told["coverage90"] <= high else "MISSED"
    return [
        *lines,
        f"  90 % intervals hold {told['coverage90']:.1%}, goal {low:.0%} to {high:.0%}: {word}",
    ]


def _verdict(name: str, value: float, goal: float, beside: str) -> str:
    word = "holds" if value <= goal else "MISSED"
    return f"  {name} {value:.2f}, goal {goal:.2f}: {word} ({beside})"

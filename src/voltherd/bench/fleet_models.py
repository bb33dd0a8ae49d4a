"""Do models learned from a fleet find faulty vehicles that physics and siblings do not?

Question: of vehicles with one planted fault each among healthy ones, who ranks them first?  Models
see healthy vehicles only (one class), split by vehicle into five folds: what is judged has entered
neither training nor normalisation.  Simulated vehicles share a model of the cell that real fleets
do not keep to, so the ranking among methods is of more use than the numbers.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Final, final

import numpy as np

from voltherd.bench.fleet_charges import (
    FIRST,
    SECOND,
    START_DAY,
    FleetCharges,
    public_charges,
    simulated_charges,
)
from voltherd.bench.plain import finite
from voltherd.learning.fleet_methods import METHODS, judge_vehicles
from voltherd.learning.rare_metrics import (
    COST_RATIOS,
    PRIOR,
    Faulty,
    Healthy,
    Interval,
    LeastCost,
    auroc,
    average_precision,
    by_vehicle,
    least_cost,
    lost_recall,
    recall_among,
    share_upper,
)

FOLDS: Final = 5
LOOKED_AT: Final = 0.01
"""Ten of a thousand vehicles."""
FALSE_SHARE: Final = 0.05
"""Share of healthy vehicles flagged, where recall is told by kind of fault."""
TRIAGE: Final = "triage (physics)"
UNSEEN: Final = -1e9
"""Score of a vehicle that was never charged long enough: it is not flagged."""
Progress = Callable[[str], None]
Scores = Mapping[str, float]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class MethodRow:
    """What one method reached.

    Attributes:
        method: Its name.
        auroc: Chance that a faulty vehicle scores above a healthy one.
        auroc_folds: The same in each fold.
        average_precision: Area under precision over recall, at the prior.
        recall_looked_at: Recall where ten of a thousand vehicles of a fleet are looked at.
        precision_looked_at: Precision there.
        costs: Threshold of least cost for each ratio of costs.
        recall: Found of each kind of fault where one of twenty healthy vehicles is flagged.
    """

    method: str
    auroc: Interval
    auroc_folds: tuple[float, ...]
    average_precision: Interval
    recall_looked_at: Interval
    precision_looked_at: float
    costs: tuple[LeastCost, ...]
    recall: Mapping[str, float]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class FleetModelTable:
    """What was measured.

    Attributes:
        title: Of which vehicles.
        healthy: How many.
        faulty: How many of each kind of fault.
        uncharged: Vehicles of these without a charge of twenty minutes.
        charges: Charges of all.
        days: Length of each record, 0 where it is not known.
        prior: Faulty vehicles among all, to which everything is weighed.
        false_rate_floor: 95 % upper bound of the rate of false alarms where none was seen.
        rows: A row per method.
        other_design: AUROC on another design, of models trained on the first.
        retrained: Kinds of fault whose recall fell by over two points when training vehicles were
            doubled, by method.
    """

    title: str
    healthy: int
    faulty: Mapping[str, int]
    uncharged: int
    charges: int
    days: int
    prior: float
    false_rate_floor: float
    rows: tuple[MethodRow, ...]
    other_design: Mapping[str, Interval]
    retrained: Mapping[str, tuple[str, ...]]

    def to_json(self) -> str:
        """Give the table as JSON."""
        return json.dumps(finite(asdict(self)), indent=1) + "\n"


def measure(
    *, vehicles: int, days: int, seed: int, each: int, progress: Progress
) -> FleetModelTable:
    """Simulate two designs of vehicles, train on healthy ones of the first, and judge.

    Args:
        vehicles: Healthy vehicles of the first design; the other has a quarter.
        days: Days of each record.
        seed: Of the fleets and of the models.
        each: Vehicles per kind of fault; half of it in the other design.
        progress: Told where it stands.

    Raises:
        UsageError: scikit-learn or JAX is not installed.
        InputError: There are too few healthy vehicles to learn from.
    """
    first = simulated_charges(
        FIRST, vehicles=vehicles, days=days, seed=seed, each=each, progress=progress
    )
    other = simulated_charges(
        SECOND,
        vehicles=max(vehicles // 4, 5),
        days=days,
        seed=seed + 1,
        each=max(each // 2, 1),
        progress=progress,
    )
    title = f"simulated, {FIRST.name}; other design: {SECOND.name}"
    return _table(title, first, days, seed, progress, other)


def measure_public(folder: Path, *, seed: int, progress: Progress) -> FleetModelTable:
    """Run the same protocol on a brand of the public set of 347 vehicles.

    Args:
        folder: A ``battery_brand`` folder.
        seed: Of the models, and of the choice of snippets.
        progress: Told where it stands.

    Raises:
        UsageError: scikit-learn or JAX is not installed.
        InputError: The folder cannot be read as that set.
    """
    return _table(folder.name, public_charges(folder, progress, seed), 0, seed, progress, None)


def _table(
    title: str,
    fleet: FleetCharges,
    days: int,
    seed: int,
    progress: Progress,
    other: FleetCharges | None,
) -> FleetModelTable:
    folds = [judge_fold(fleet, number, seed, progress) for number in range(FOLDS)]
    methods = list(folds[0])
    rows = [_row(one, fleet, [fold[one] for fold in folds], seed) for one in methods]
    if fleet.triage:
        rows.append(_row(TRIAGE, fleet, [fleet.triage], seed))
    charged = set(fleet.snippets.vehicle.tolist())
    kinds = [fault for fault in fleet.fault.values() if fault]
    return FleetModelTable(
        title=title,
        healthy=len(fleet.healthy),
        faulty={kind: kinds.count(kind) for kind in dict.fromkeys(kinds)},
        uncharged=len(fleet.fault.keys() - charged),
        charges=len(fleet.snippets.vehicle),
        days=days,
        prior=PRIOR,
        false_rate_floor=share_upper(0, len(fleet.healthy)),
        rows=tuple(rows),
        other_design=_across(fleet, other, seed, progress) if other else {},
        retrained=_retrained(fleet, folds[0], seed, progress),
    )


def judge_fold(
    fleet: FleetCharges, number: int, seed: int, progress: Progress, every: int = 1
) -> Mapping[str, Scores]:
    """Train each method on four fifths of the healthy vehicles; judge the last and all faulty ones.

    Args:
        fleet: All vehicles.
        number: Which fifth is judged, from 0.
        seed: Of the models.
        progress: Told where it stands.
        every: Of the training vehicles, one in so many is used.
    """
    held = fleet.healthy[number::FOLDS]
    trained = [name for name in fleet.healthy if name not in held][::every]
    healthy = fleet.snippets.of_vehicles(trained)
    asked = fleet.snippets.of_vehicles([*held, *fleet.faulty])
    told = {}
    for method, fit in METHODS.items():
        progress(f"fold {number + 1} of {FOLDS}: {method}")
        told[method] = {
            **dict.fromkeys((*held, *fleet.faulty), UNSEEN),
            **judge_vehicles(fit(healthy, np.random.default_rng(seed), progress), healthy, asked),
        }
    return told


def _row(method: str, fleet: FleetCharges, folds: Sequence[Scores], seed: int) -> MethodRow:
    """Join folds: a healthy vehicle was judged once, a faulty one by all."""
    healthy = _of(fleet.healthy, folds)
    faulty = _of(fleet.faulty, folds)
    looked = partial(recall_among, share=LOOKED_AT)
    spread = partial(by_vehicle, healthy=healthy, faulty=faulty)
    recall = spread(looked, chance=np.random.default_rng(seed))
    return MethodRow(
        method=method,
        auroc=spread(auroc, chance=np.random.default_rng(seed)),
        auroc_folds=tuple(_fold_auroc(fleet, fold) for fold in folds),
        average_precision=spread(average_precision, chance=np.random.default_rng(seed)),
        recall_looked_at=recall,
        precision_looked_at=PRIOR * recall.value / LOOKED_AT,
        costs=tuple(least_cost(healthy, faulty, ratio) for ratio in COST_RATIOS),
        recall=recall_by_kind(fleet, healthy, faulty),
    )


def _of(names: Sequence[str], folds: Sequence[Scores]) -> np.ndarray:
    return np.array(
        [float(np.mean([fold[name] for fold in folds if name in fold])) for name in names]
    )


def _fold_auroc(fleet: FleetCharges, fold: Scores) -> float:
    healthy = np.array([fold[name] for name in fleet.healthy if name in fold])
    return auroc(healthy, np.array([fold[name] for name in fleet.faulty]))


def recall_by_kind(fleet: FleetCharges, healthy: Healthy, faulty: Faulty) -> Mapping[str, float]:
    """Give the share found of each kind of fault where one of twenty healthy ones is flagged."""
    limit = float(np.quantile(healthy, 1.0 - FALSE_SHARE, method="higher"))
    kinds = np.array([fleet.fault[name] for name in fleet.faulty])
    return {
        str(kind): float((faulty[kinds == kind] > limit).mean()) for kind in dict.fromkeys(kinds)
    }


def _across(
    fleet: FleetCharges, other: FleetCharges, seed: int, progress: Progress
) -> Mapping[str, Interval]:
    """Judge another design by models of the first, as they are."""
    healthy = fleet.snippets.of_vehicles(fleet.healthy)
    told: dict[str, Interval] = {}
    for method, fit in METHODS.items():
        progress(f"other design: {method}")
        scores = judge_vehicles(
            fit(healthy, np.random.default_rng(seed), progress), healthy, other.snippets
        )
        told[method] = _auroc_of(other, scores, seed)
    return {**told, TRIAGE: _auroc_of(other, other.triage, seed)}


def _auroc_of(fleet: FleetCharges, scores: Scores, seed: int) -> Interval:
    healthy = np.array([scores.get(name, UNSEEN) for name in fleet.healthy])
    faulty = np.array([scores.get(name, UNSEEN) for name in fleet.faulty])
    return by_vehicle(auroc, healthy, faulty, np.random.default_rng(seed))


def _retrained(
    fleet: FleetCharges, whole: Mapping[str, Scores], seed: int, progress: Progress
) -> Mapping[str, tuple[str, ...]]:
    """Train on half of the first fold's vehicles, then on all, and compare recall by kind."""
    half = judge_fold(fleet, 0, seed, progress, every=2)

    def recall(scores: Scores) -> Mapping[str, float]:
        healthy = np.array([scores[name] for name in fleet.healthy if name in scores])
        return recall_by_kind(fleet, healthy, np.array([scores[name] for name in fleet.faulty]))

    return {method: lost_recall(recall(half[method]), recall(whole[method])) for method in whole}


def render(table: FleetModelTable) -> str:
    """Tell the table."""
    faulty = sum(table.faulty.values())
    lines = [
        f"{table.title}: {table.healthy} healthy and {faulty} faulty vehicles, {table.charges} "
        f"charges; {table.uncharged} vehicles were never charged for twenty minutes",
        f"weighed to {100.0 * table.prior:.2f} % faulty; a rate of false alarms under "
        f"{100.0 * table.false_rate_floor:.1f} % cannot be told with so few healthy vehicles",
        "",
        f"{'method':<18}{'AUROC (90 %)':>20}{'folds':>13}{'PR-AUC (90 %)':>22}"
        f"{'in 10 of 1,000':>16}{'precision':>11}",
    ]
    lines += [_told(row) for row in table.rows]
    lines += ["", "least expected cost per 1,000 vehicles, in visits (recall, false alarms):"]
    lines += [_told_costs(row) for row in table.rows]
    lines += ["", f"recall by kind where {FALSE_SHARE:.0%} of healthy vehicles are flagged:"]
    lines += [f"{'':<30}" + "".join(f"{row.method:>18}" for row in table.rows)]
    lines += [
        f"{kind:<27}{count:>3}" + "".join(f"{row.recall[kind]:>18.0%}" for row in table.rows)
        for kind, count in table.faulty.items()
    ]
    if table.other_design:
        lines += ["", "other design, models of the first as they are, AUROC:"]
        lines += [f"{one:<18}{_spanned(told, 3)}" for one, told in table.other_design.items()]
    lines += ["", "twice the training vehicles; kinds whose recall fell by over two points:"]
    lines += [f"{one:<18}{', '.join(kinds) or 'none'}" for one, kinds in table.retrained.items()]
    if table.days:
        lines += ["", f"records of {table.days} days, faults from day {START_DAY:g}"]
    return "\n".join(lines)


def _told(row: MethodRow) -> str:
    folds = f"{min(row.auroc_folds):.2f} – {max(row.auroc_folds):.2f}"
    return (
        f"{row.method:<18}{_spanned(row.auroc, 3):>20}{folds:>13}"
        f"{_spanned(row.average_precision, 3):>22}{row.recall_looked_at.value:>15.0%} "
        f"{row.precision_looked_at:>10.1%}"
    )


def _told_costs(row: MethodRow) -> str:
    told = (
        f"1:{cost.ratio:,.0f} {1000.0 * cost.cost:.1f} of {1000.0 * cost.untold:.1f} "
        f"({cost.found:.0%}, {cost.false:.1%})"
        for cost in row.costs
    )
    return f"{row.method:<18}" + "   ".join(told)


def _spanned(told: Interval, digits: int) -> str:
    return f"{told.value:.{digits}f} ({told.low:.2f} – {told.high:.2f})"

"""What the powers of ``sop`` come to, by estimator and condition, beside floors and goals."""

import math
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from voltherd.bench.soc_protocol import mean
from voltherd.bench.sop_cases import HORIZONS

PRIMARY: Final = "sop_map"
HEADLINE: Final = 10.0
OVER: Final = 0.05
"""What counts as promising too much, as a fraction."""
GOALS: Final = {"mae_discharge": 3.0, "mae_charge": 6.0, "over5": 2.0}
COVERAGE: Final = (0.88, 0.92)
FLOORS: Final = {"mae_discharge": 3.4, "mae_charge": 8.9}
UNSURE: Final = "SOC told ±2 %"
"""The condition under which the intervals are tried."""


class SopRow(NamedTuple):
    """One power of one state, by one estimator; charging positive, errors in percent.

    Asked about once, the three errors are the same; where the state is told in several ways they
    are taken over those, ``watt_told`` and ``error`` are means, ``limit_told`` the most frequent.
    ``coverage90`` is the share of answers whose interval held the truth, NaN where the state is
    told as certain; ``kept`` the fraction whose power lasts, ``over5`` the share that promises
    over five percent too much.  ``microsecond`` is what an answer for all horizons of a direction
    costs.
    """

    dataset: str
    cycle: str
    temperature: float
    condition: str
    estimator: str
    rmse: float
    mae: float
    max: float
    coverage90: float
    microsecond: float
    direction: str
    second: float
    soc: float
    limit: str
    limit_told: str
    watt: float
    watt_told: float
    error: float
    over5: float
    kept: float


def summary_of(rows: Iterable[SopRow]) -> dict[str, dict[str, Any]]:
    """Sum up by dataset and estimator."""
    rows = list(rows)
    told: dict[str, dict[str, Any]] = {}
    for dataset in dict.fromkeys(row.dataset for row in rows):
        here = [row for row in rows if row.dataset == dataset]
        names = dict.fromkeys(row.estimator for row in here)
        told[dataset] = {n: scored([r for r in here if r.estimator == n]) for n in names}
        told[dataset]["primary"] = PRIMARY
    return told


def scored(rows: list[SopRow]) -> dict[str, Any]:
    """Sum the rows of one estimator on one cell up; errors and shares in percent.

    Returns:
        ``rmse``, ``mae`` and ``max`` over rested states, both ways, at all horizons;
        ``coverage90``, the fraction of the answers under ``UNSURE`` whose interval held the
        truth, also by the limit that is true; ``kept90``, the fraction of them whose power lasts,
        of which the lower end of such an interval asks 0.95; ``weighted``, which this benchmark
        has none of: NaN;
        ``mae_discharge`` and ``mae_charge`` over rested states at 10 s, with the same where the
        voltage is what limits; ``over5``, the share of all rested answers that promise more than
        five percent too much; ``kept`` and ``tight``, of the rested answers at 10 s, how many
        break no limit and how many would with five percent more; and all of it by condition.
    """
    rested = [row for row in rows if row.condition == "rested"]
    head = [row for row in rested if row.second == HEADLINE]
    unsure = [row for row in rows if row.condition == UNSURE]
    told: dict[str, Any] = {
        "rmse": math.sqrt(mean([row.rmse**2 for row in rested])),
        "mae": _mae(rested),
        "max": max((row.max for row in rested), default=math.nan),
        "coverage90": mean([row.coverage90 for row in unsure]),
        "kept90": mean([row.kept for row in unsure]),
        "weighted": math.nan,
        "coverage90_by_limit": {
            limit: mean([row.coverage90 for row in unsure if row.limit == limit])
            for limit in sorted({row.limit for row in unsure})
        },
        "microsecond": mean([row.microsecond for row in rested]),
    }
    for way in ("discharge", "charge"):
        there = [row for row in head if row.direction == way]
        bound = [row for row in there if row.limit == "voltage"]
        told[f"mae_{way}"] = _mae(there)
        told[f"mae_{way}_voltage"], told[f"cases_{way}_voltage"] = _mae(bound), len(bound)
        told[f"cases_{way}"] = len(there)
    told["over5"] = _over(rested)
    told["kept"] = 100.0 * mean([row.kept for row in head])
    told["tight"] = share((1.0 + OVER) * (100.0 + row.error) > 100.0 for row in head)
    told["conditions"] = {
        condition: {
            f"{way} {second:g} s": {"mae": _mae(some), "over5": _over(some), "cases": len(some)}
            for way in ("discharge", "charge")
            for second in HORIZONS
            if (some := _at(rows, condition, way, second))
        }
        for condition in dict.fromkeys(row.condition for row in rows)
    }
    return told


def _at(rows: list[SopRow], condition: str, way: str, second: float) -> list[SopRow]:
    wanted = (condition, way, second)
    return [row for row in rows if (row.condition, row.direction, row.second) == wanted]


def _mae(rows: list[SopRow]) -> float:
    return mean([row.mae for row in rows])


def _over(rows: list[SopRow]) -> float:
    return mean([row.over5 for row in rows])


def share(facts: Iterable[bool]) -> float:
    """Say how many facts are so [%]; NaN of none."""
    known = list(facts)
    return 100.0 * sum(known) / len(known) if known else math.nan


def verdict(told: Mapping[str, Any]) -> list[str]:
    """Tell what an estimator reached beside floors and goals."""
    lines = []
    for name, goal in GOALS.items():
        word = "holds" if told[name] <= goal else "MISSED"
        floor = f", to beat {FLOORS[name]:.1f}" if name in FLOORS else ""
        at = " at 10 s" if name in FLOORS else ", all horizons,"
        lines.append(f"  {name}{at} {told[name]:.2f} %, goal {goal:.1f}: {word}{floor}")
    lines += [
        f"  {told[f'cases_{way}_voltage']} of {told[f'cases_{way}']} states end at the voltage "
        f"when asked for {way} over 10 s: there {told[f'mae_{way}_voltage']:.2f} %"
        for way in ("discharge", "charge")
    ]
    lines.append(
        f"  over 10 s {told['kept']:.0f} % of the powers break no limit, and {told['tight']:.0f} % "
        "would with 5 % more"
    )
    low, high = COVERAGE
    word = "holds" if low <= told["coverage90"] <= high else "MISSED"
    by = ", ".join(f"{limit} {held:.1%}" for limit, held in told["coverage90_by_limit"].items())
    lines.append(
        f"  90 % interval held {told['coverage90']:.1%} of the powers with the {UNSURE}, goal "
        f"{low:.0%} to {high:.0%}: {word} (by what limits: {by})"
    )
    lines.append(
        f"  {told['kept90']:.1%} of the powers promised with the {UNSURE} last; the lower end of a "
        "90 % interval asks for 95 %"
    )
    return lines

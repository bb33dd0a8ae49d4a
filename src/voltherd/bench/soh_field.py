"""How right is the capacity from partial charges, as a fleet gives them?  A simulation.

Question: RMSE of both estimators of ``estimation/soh_capacity.py`` against the truth, by chemistry,
error of the state of charge and rate of the charges.  The truth is known because it is made: a pack
of 150 Ah that fades by 5 % a year, half of it evenly and half with the square root of time; charges
and drives take turns, each of 15 to 65 % of the charge; the state of charge at either end is off by
an independent normal error; the current has noise, an offset that stays (50 mA, one standard
deviation) and half a percent of the charge counted at random.  An iron phosphate pack knows its
charge to 3 % on the plateau and, where it is charged to full, to 1 % at that end.  The gain of the
current sensor is left out: no estimator can see it, and it goes one to one into the answer.
"""

import math
import time
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import numpy as np

from voltherd.bench.soh_protocol import SohRow
from voltherd.estimation.soh_capacity import (
    SECOND_PER_YEAR,
    PartialCharge,
    SohAwtls,
    SohWindow,
)
from voltherd.types.estimate import NORMAL_90
from voltherd.units import SECOND_PER_DAY

CAPACITY_AH: Final = 150.0
FADE_PER_YEAR: Final = 0.05
YEARS: Final = 3.0
OFFSET_AMPERE: Final = 0.05
COUNTED: Final = 0.005
PACKS: Final = 12
SCORED_FROM: Final = 20
"""Charge from which the error counts, as both estimators say something long before."""


class Condition(NamedTuple):
    """One way of living.

    Attributes:
        name: For people.
        start_sigma: Of the state of charge at one end.
        end_sigma: At the other, the upper one.
        day: From charge to charge [d].
        goal: RMSE wanted of the better estimator, percent; NaN for none.
        floor: What has been reached before, percent.
    """

    name: str
    start_sigma: float
    end_sigma: float
    day: float
    goal: float = math.nan
    floor: float = math.nan


CONDITIONS: Final = (
    Condition("NMC, SOC 1 %, daily", 0.01, 0.01, 1.0),
    Condition("NMC, SOC 1 %, every 2 days", 0.01, 0.01, 2.0, 0.7, 0.83),
    Condition("NMC, SOC 1 %, weekly", 0.01, 0.01, 7.0),
    Condition("NMC, SOC 2 %, every 2 days", 0.02, 0.02, 2.0),
    Condition("LFP, SOC 3 %, daily", 0.03, 0.03, 1.0),
    Condition("LFP, SOC 3 %, every 2 days", 0.03, 0.03, 2.0, math.nan, 1.6),
    Condition("LFP, full charges, every 2 days", 0.03, 0.01, 2.0, 1.2, 1.6),
    Condition("LFP, full charges, weekly", 0.03, 0.01, 7.0),
)


DATASET: Final = "simulated field"
PRIMARY: Final = "soh_window"


def measure_field(progress: Callable[[str], None]) -> list[SohRow]:
    """Run both estimators through every condition.

    Args:
        progress: Told where it stands.
    """
    rows = []
    for condition in CONDITIONS:
        progress(f"simulated field: {condition.name}")
        for name in ("soh_window", "soh_awtls"):
            found = [_followed(name, condition, seed) for seed in range(PACKS)]
            error, half = np.concatenate([one.percent for one in found], axis=1)
            rows.append(
                SohRow(
                    dataset=DATASET,
                    cell=condition.name.partition(",")[0],
                    condition=condition.name,
                    estimator=name,
                    rmse=float(np.sqrt(np.mean(error**2))),
                    mae=float(np.mean(np.abs(error))),
                    mape=float(np.mean(np.abs(error))),
                    max=float(np.abs(error).max()),
                    coverage90=float(np.mean(np.abs(error) <= half)),
                    microsecond=float(np.mean([one.microsecond for one in found])),
                    numbers=max(one.numbers for one in found),
                )
            )
    return rows


def summary_of(rows: list[SohRow]) -> dict[str, Any]:
    """Sum up by estimator, over the conditions that have a goal."""
    wanted = {one.name for one in CONDITIONS if not math.isnan(one.goal)}
    told: dict[str, Any] = {"primary": PRIMARY}
    for name in dict.fromkeys(row.estimator for row in rows):
        own = [row for row in rows if row.estimator == name and row.condition in wanted]
        told[name] = {
            key: float(np.mean([getattr(row, key) for row in own]))
            for key in ("rmse", "mae", "mape", "coverage90")
        }
        told[name]["max"] = max(row.max for row in own)
        told[name]["weighted"] = math.nan
    return told


def render_field(rows: list[SohRow]) -> str:
    """Tell the table."""
    lines = [
        "capacity from partial charges, simulated field sessions; percent of the true capacity",
        f"{'condition':<34}{'estimator':<14}{'RMSE':>6}{'MAE':>6}{'max':>6}{'90 %':>7}{'µs':>6}"
        f"{'state':>7}  goal",
    ]
    told = {condition.name: condition for condition in CONDITIONS}
    for row in rows:
        goal, floor = told[row.condition].goal, told[row.condition].floor
        verdict = "" if math.isnan(floor) else f"to beat {floor:.2f}"
        if not math.isnan(goal):
            verdict += f", goal {goal:.1f}: {'holds' if row.rmse <= goal else 'MISSED'}"
        lines.append(
            f"{row.condition:<34}{row.estimator:<14}{row.rmse:>6.2f}{row.mae:>6.2f}{row.max:>6.1f}"
            f"{row.coverage90:>7.0%}{row.microsecond:>6.0f}{row.numbers:>7}  {verdict}".rstrip()
        )
    return "\n".join(lines)


def true_capacity_ah(second: float) -> float:
    """Give the capacity a time after the start [Ah]."""
    year = second / SECOND_PER_YEAR
    lost = 0.5 * FADE_PER_YEAR * (year + math.sqrt(YEARS * year))
    return CAPACITY_AH * (1.0 - lost)


def sessions(condition: Condition, seed: int) -> list[PartialCharge]:
    """Make the partial charges of one pack."""
    random = np.random.default_rng([seed, 7])
    offset = random.normal(0.0, OFFSET_AMPERE)
    found, second = [], 0.0
    for number in range(int(YEARS * 365.25 / condition.day)):
        second += condition.day * SECOND_PER_DAY * random.uniform(0.5, 1.5)
        change = random.uniform(0.15, 0.65)
        charging = number % 2 == 0
        # A wallbox, now and then a fast charger; a drive is quicker than the one.
        rate = random.choice([0.1, 0.7], p=[0.7, 0.3]) if charging else random.uniform(0.15, 0.5)
        hour, sign = change / rate, 1.0 if charging else -1.0
        moved = sign * change * true_capacity_ah(min(second, YEARS * SECOND_PER_YEAR))
        noise = COUNTED * abs(moved)
        error = random.normal(0.0, condition.start_sigma) + random.normal(0.0, condition.end_sigma)
        found.append(
            PartialCharge(
                unix_time_second=second,
                soc_change=sign * change + error,
                soc_sigma=math.hypot(condition.start_sigma, condition.end_sigma),
                charge_ah=moved + offset * hour + random.normal(0.0, noise),
                charge_sigma=noise,
                counted_hour=hour,
            )
        )
    return found


class _Followed(NamedTuple):
    """One pack through its life.

    Attributes:
        percent: Error and half-width of the 90 % interval after each charge, of the truth.
        microsecond: CPU time of a charge [µs].
        numbers: How many the state holds at the end.
    """

    percent: np.ndarray
    microsecond: float
    numbers: int


def _followed(name: str, condition: Condition, seed: int) -> _Followed:
    estimator = SohWindow(gain_sigma=0.0) if name == "soh_window" else SohAwtls(gain_sigma=0.0)
    state: Any = estimator.init()
    told = []
    spent = 0.0
    for charge in sessions(condition, seed):
        began = time.process_time()
        state, estimate = estimator.step(state, charge)
        spent += time.process_time() - began
        truth = true_capacity_ah(charge.unix_time_second)
        half = NORMAL_90 * estimate.sigma_ah
        told.append([estimate.capacity_ah - truth, half, truth])
    error, half, truth = np.array(told[SCORED_FROM:]).T
    percent = np.asarray(100.0 * np.stack([error, half]) / truth)
    return _Followed(percent, 1e6 * spent / len(told), _numbers(state))


def _numbers(state: Any) -> int:  # noqa: ANN401
    return sum(map(_numbers, state)) if isinstance(state, tuple) else int(np.size(state))

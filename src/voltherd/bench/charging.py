"""How fast is a depot planned, how near the best, and how does one large linear programme compare?

Question: CPU time on one thread, cost, proved bound and gap of plans for the common depot
(:mod:`voltherd.bench.depot_instance`), beside HiGHS' interior point method on the same depot
written as one linear programme, in the same run.  Times are medians of three where they are short
and leave out importing packages.  "Again" is a plan for needs that turned out up to a tenth lower,
begun with the prices of the first.
"""

import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Final, NamedTuple, final

import numpy as np

from voltherd.bench.charging_reference import solved
from voltherd.bench.depot_instance import depot
from voltherd.bench.plain import finite
from voltherd.charging.decomposition import Effort
from voltherd.charging.plan import Plan, planned
from voltherd.charging.problem import Problem

REPEATS: Final = 3
REPEAT_SECOND_MAX: Final = 5.0
"""A plan that takes longer is made once."""
REFERENCE_SECOND_MAX: Final = 900.0
"""HiGHS is stopped after so long."""


class Case(NamedTuple):
    """What is planned, how well, and what the referee is spared.

    Attributes:
        name: Of the variant.
        vehicles: How many.
        gap: Wanted.
        goal_second: CPU time aimed at; none where there is no aim [s].
        refereed: 0: HiGHS never; 1: by default; 2: only in full.
        day: Of the prices.
        phased: Whether phases are limited.
        demand_eur_per_kilowatt: Charge on the peak.
        gives_back: Whether vehicles discharge.
        bends: Whether powers fall as batteries fill.
        minimum: Whether powers keep 6 A.
        again: Whether to plan again for changed needs.
        goal_again_second: CPU time aimed at for that; none where there is no aim [s].
    """

    name: str
    vehicles: int
    gap: float = 1e-4
    goal_second: float | None = None
    refereed: int = 1
    day: str = "2022-05-21"
    phased: bool = False
    demand_eur_per_kilowatt: float = 0.0
    gives_back: bool = False
    bends: bool = False
    minimum: bool = False
    again: bool = False
    goal_again_second: float | None = None

    def problem(self) -> Problem:
        """The depot."""
        return depot(
            self.vehicles,
            day=self.day,
            phased=self.phased,
            demand_eur_per_kilowatt=self.demand_eur_per_kilowatt,
            gives_back=self.gives_back,
            bends=self.bends,
        )


CASES: Final = (
    Case("energy only", 50),
    Case("energy only", 500),
    Case("energy only", 5000, goal_second=0.3, again=True, goal_again_second=0.1),
    Case("energy only", 50_000, goal_second=5.0, refereed=0, again=True),
    Case("negative prices", 500, day="2022-06-11"),
    Case("demand charge", 50, demand_eur_per_kilowatt=0.3),
    Case("demand charge", 500, demand_eur_per_kilowatt=0.3),
    Case("demand charge", 5000, demand_eur_per_kilowatt=0.3, refereed=2),
    Case("three phases", 500, phased=True),
    Case("three phases", 5000, goal_second=1.0, refereed=2, phased=True, again=True),
    Case("6 A minimum", 50, refereed=0, minimum=True),
    Case("6 A minimum", 500, refereed=0, minimum=True),
    Case("6 A minimum", 5000, goal_second=1.3, refereed=0, minimum=True),
    Case("power falls", 50, bends=True),
    Case("power falls", 500, bends=True),
    Case("gives back, wear", 50, gives_back=True),
    Case("gives back, wear", 500, gap=1e-3, goal_second=1.0, gives_back=True),
    Case("gives back, wear", 5000, gap=1e-3, goal_second=10.0, refereed=2, gives_back=True),
)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What one case came to.

    Attributes:
        name: Of the variant.
        vehicles: How many.
        cpu_second: Of the plan [s].
        again_second: Of the plan for changed needs, where it was made [s].
        cost_eur: Of the plan [EUR].
        bound_eur: Proved [EUR].
        gap: Certified.
        iterations: Solutions of the master programme.
        over_kilowatt: Most that the plan is above the site's limit; not above zero [kW].
        missing_kwh: Energy it could not draw [kWh].
        goal_second: Aim for the CPU time [s].
        goal_again_second: Aim for that of planning again [s].
        gap_wanted: Aim for the gap.
        highs_second: CPU time of HiGHS; none where it was not asked [s].
        highs_status: What it ended with.
        highs_eur: Its optimum [EUR].
    """

    name: str
    vehicles: int
    cpu_second: float
    again_second: float | None
    cost_eur: float
    bound_eur: float
    gap: float
    iterations: int
    over_kilowatt: float
    missing_kwh: float
    goal_second: float | None
    goal_again_second: float | None
    gap_wanted: float
    highs_second: float | None
    highs_status: str
    highs_eur: float | None

    @property
    def ratio(self) -> float | None:
        """How many times as long HiGHS took."""
        return None if self.highs_second is None else self.highs_second / self.cpu_second

    @property
    def verdict(self) -> str:
        """Whether the aim was met."""
        if self.goal_second is None:
            return ""
        met = self.cpu_second <= self.goal_second and self.gap <= self.gap_wanted
        told = f"{'met' if met else 'missed'}: {self.goal_second:g} s at {self.gap_wanted:g}"
        if self.goal_again_second is None or self.again_second is None:
            return told
        met = self.again_second <= self.goal_again_second
        return f"{told}; {'met' if met else 'missed'}: again in {self.goal_again_second:g} s"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ChargingTable:
    """What was measured, and where."""

    rows: tuple[Row, ...]
    machine: str

    def to_json(self) -> str:
        """Give the table as JSON."""
        return json.dumps(finite(asdict(self)), indent=1) + "\n"


def measure(
    *, full: bool = False, progress: Callable[[str], None] = lambda _: None
) -> ChargingTable:
    """Plan every case, and let HiGHS solve those that it solves in reasonable time.

    Args:
        full: Also let HiGHS try the largest, up to a quarter of an hour each.
        progress: Told what is measured next.
    """
    planned(depot(5))  # imports are not what is measured
    rows = []
    for case in CASES:
        progress(f"{case.name}, {case.vehicles} vehicles")
        rows.append(_row(case, full))
    machine = f"{platform.machine()}, {os.cpu_count()} CPUs, Python {platform.python_version()}"
    return ChargingTable(rows=tuple(rows), machine=machine)


def _row(case: Case, full: bool) -> Row:
    problem = case.problem()
    effort = Effort(gap=case.gap)
    second, plan = _timed(lambda: planned(problem, effort, minimum=case.minimum))
    again = None
    if case.again:
        later = _changed(problem)
        start = plan.multiplier_eur_per_kilowatt
        again, _ = _timed(lambda: planned(later, effort, start))
    reference = None
    if case.refereed == 1 or (full and case.refereed == 2):
        reference = solved(problem, options={"solver": "ipm", "time_limit": REFERENCE_SECOND_MAX})
    return Row(
        name=case.name,
        vehicles=case.vehicles,
        cpu_second=second,
        again_second=again,
        cost_eur=plan.cost_eur,
        bound_eur=plan.bound_eur,
        gap=plan.gap,
        iterations=plan.iterations,
        over_kilowatt=float(
            (plan.power_kilowatt.sum(axis=0) - problem.site.headroom_kilowatt).max()
        ),
        missing_kwh=plan.shortage.drawn_kwh if plan.shortage else 0.0,
        goal_second=case.goal_second,
        goal_again_second=case.goal_again_second,
        gap_wanted=case.gap,
        highs_second=reference.cpu_second if reference else None,
        highs_status=reference.status if reference else "",
        highs_eur=reference.cost_eur if reference else None,
    )


def _changed(problem: Problem) -> Problem:
    """The same depot with needs up to a tenth lower."""
    random = np.random.default_rng(1)
    fleet = problem.fleet
    lower = fleet.energy_kwh * random.uniform(0.9, 1.0, fleet.size)
    return replace(problem, fleet=replace(fleet, energy_kwh=lower))


def _timed(plan: Callable[[], Plan]) -> tuple[float, Plan]:
    """Give the median CPU time of a few runs, and the plan."""
    seconds: list[float] = []
    while True:
        begin = time.process_time()
        made = plan()
        seconds.append(time.process_time() - begin)
        if len(seconds) >= REPEATS or seconds[-1] > REPEAT_SECOND_MAX:
            return statistics.median(seconds), made


def render(table: ChargingTable) -> str:
    """Give the table as text."""
    lines = [
        f"{'':<18}{'vehicles':>9}{'CPU s':>8}{'again':>7}{'cost EUR':>14}{'bound EUR':>14}"
        f"{'gap':>9}  {'HiGHS CPU s':>11}{'ratio':>7}  aim"
    ]
    for row in table.rows:
        again = f"{row.again_second:.2f}" if row.again_second is not None else ""
        highs = f"{row.highs_second:.2f}" if row.highs_second is not None else ""
        if row.highs_status not in ("", "Optimal"):
            highs = f">{highs}"
        ratio = f"{row.ratio:.0f}" if row.ratio is not None else ""
        lines.append(
            f"{row.name:<18}{row.vehicles:>9,}{row.cpu_second:>8.2f}{again:>7}"
            f"{row.cost_eur:>14.4f}{row.bound_eur:>14.4f}{row.gap:>9.1e}  {highs:>11}{ratio:>7}"
            f"  {row.verdict}".rstrip()
        )
    lines.append(f"{table.machine}; one thread; HiGHS by its interior point method")
    return "\n".join(lines)

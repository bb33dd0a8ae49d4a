"""The same depot as one linear programme, for HiGHS to solve: the referee of every plan.

Written from the problem alone, variable by variable, and sharing nothing with the decomposition:
what both agree on is not agreed by construction.
"""

import time
from dataclasses import dataclass, field
from typing import Any, NamedTuple, final

import numpy as np
from jaxtyping import Float, Int

from voltherd.charging.problem import DRAWS, GIVES, Problem

Numbers = Float[np.ndarray, "..."]
Index = Int[np.ndarray, "..."]


class Reference(NamedTuple):
    """What HiGHS found.

    Attributes:
        status: As HiGHS calls it.
        cost_eur: What charging adds to the bill; NaN where there is no optimum [EUR].
        unserved_kwh: Not drawn although needed [kWh].
        cpu_second: CPU time of building and solving [s].
        columns: Variables.
    """

    status: str
    cost_eur: float
    unserved_kwh: float
    cpu_second: float
    columns: int


@final
@dataclass(slots=True, eq=False)
class Programme:  # mutable: it is written row by row, then solved once
    """A linear programme being written."""

    cost: list[Numbers] = field(default_factory=list)
    upper: list[Numbers] = field(default_factory=list)
    low: list[Numbers] = field(default_factory=list)
    high: list[Numbers] = field(default_factory=list)
    entries: list[tuple[Index, Index, Numbers]] = field(default_factory=list)
    columns: int = 0
    rows: int = 0

    def column(self, cost: Numbers, upper: Numbers) -> Index:
        """Add variables from zero to a bound; give their numbers."""
        self.cost.append(cost)
        self.upper.append(upper)
        self.columns += len(cost)
        return np.arange(self.columns - len(cost), self.columns)

    def row(self, low: Numbers, high: Numbers) -> Index:
        """Add rows; give their numbers."""
        self.low.append(low)
        self.high.append(high)
        self.rows += len(low)
        return np.arange(self.rows - len(low), self.rows)

    def enter(self, row: Index, column: Index, value: Numbers | float) -> None:
        """Write coefficients."""
        row, column, value = np.broadcast_arrays(row, column, value)
        self.entries.append((row, column, np.asarray(value, dtype=float)))

    def solver(self, options: dict[str, Any]) -> Any:  # noqa: ANN401
        """Hand it to HiGHS."""
        import highspy

        row, column, value = (np.concatenate(part) for part in zip(*self.entries, strict=True))
        order = np.lexsort((row, column))
        model = highspy.HighsLp()
        model.num_col_, model.num_row_ = self.columns, self.rows
        model.col_cost_ = np.concatenate(self.cost)
        model.col_lower_ = np.zeros(self.columns)
        model.col_upper_ = np.concatenate(self.upper)
        model.row_lower_ = np.concatenate(self.low)
        model.row_upper_ = np.concatenate(self.high)
        model.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        model.a_matrix_.start_ = np.searchsorted(column[order], np.arange(self.columns + 1))
        model.a_matrix_.index_ = row[order]
        model.a_matrix_.value_ = value[order]
        solver = highspy.Highs()
        for name, setting in ({"output_flag": False, "threads": 1} | options).items():
            solver.setOptionValue(name, setting)
        solver.passModel(model)
        return solver


class _Flows(NamedTuple):
    """Variables of the vehicles: number, vehicle, step and direction of each."""

    column: Index
    vehicle: Index
    step: Index
    sign: Numbers


def solved(
    problem: Problem,
    unserved_eur_per_kwh: float | None = None,
    options: dict[str, Any] | None = None,
) -> Reference:
    """Solve a depot as one linear programme.

    Args:
        problem: Vehicles and site.
        unserved_eur_per_kwh: Price of energy not drawn; all must be drawn where it is not given.
        options: Of HiGHS, such as ``{"solver": "ipm", "time_limit": 60.0}``.
    """
    begin = time.process_time()
    programme = Programme()
    flows = _flows(programme, problem)
    short = np.zeros(0, dtype=int)
    if unserved_eur_per_kwh is not None:
        size = problem.fleet.size
        short = programme.column(np.full(size, unserved_eur_per_kwh), problem.drawn_kwh)
    if problem.discharge is None and problem.taper is None:
        _energy(programme, problem, flows, short)
    else:
        _storage(programme, problem, flows, short)
    constant = _site(programme, problem, flows)
    solver = programme.solver(options or {})
    solver.run()
    status = solver.modelStatusToString(solver.getModelStatus())
    value = np.array(solver.getSolution().col_value)
    cost = float(np.concatenate(programme.cost) @ value) if len(value) else np.nan
    unserved = float(value[short].sum()) if len(value) else np.nan
    cost -= constant + (unserved_eur_per_kwh or 0.0) * unserved
    cpu = time.process_time() - begin
    return Reference(
        status, cost if status == "Optimal" else np.nan, unserved, cpu, programme.columns
    )


def _flows(programme: Programme, problem: Problem) -> _Flows:
    """Add what each vehicle draws, and gives in each tier, in each step of its stay."""
    site, fleet, discharge = problem.site, problem.fleet, problem.discharge
    vehicle, step = np.nonzero(problem.window)
    price = (site.price_eur_per_kwh + problem.waiting_eur_per_kwh)[vehicle, step] * site.step_hour
    column = [programme.column(price, fleet.power_max_kilowatt[vehicle])]
    sign = [np.ones(len(vehicle))]
    if discharge is not None:
        tiers = zip(discharge.tier_fraction, discharge.tier_wear_eur_per_kwh.T, strict=True)
        for width, wear in tiers:
            cost = wear[vehicle] * site.step_hour - price
            column.append(programme.column(cost, width * discharge.limit_kilowatt[vehicle]))
            sign.append(-np.ones(len(vehicle)))
    times = len(column)
    return _Flows(
        np.concatenate(column), np.tile(vehicle, times), np.tile(step, times), np.concatenate(sign)
    )


def _energy(programme: Programme, problem: Problem, flows: _Flows, short: Index) -> None:
    row = programme.row(problem.drawn_kwh, problem.drawn_kwh)
    programme.enter(row[flows.vehicle], flows.column, problem.site.step_hour)
    if len(short):
        programme.enter(row, short, 1.0)


def _storage(programme: Programme, problem: Problem, flows: _Flows, short: Index) -> None:
    """Follow the stored energy from step to step."""
    fleet, discharge, hour = problem.fleet, problem.discharge, problem.site.step_hour
    out, kept, gives = np.ones(fleet.size), np.zeros(fleet.size), np.zeros(fleet.size, dtype=bool)
    if discharge is not None:
        out, gives = discharge.efficiency, discharge.limit_kilowatt > 0.0
        if discharge.reserve_kwh is not None:
            kept = np.minimum(discharge.reserve_kwh, fleet.stored_kwh)
    number = np.full(problem.window.shape, -1)
    vehicle, step = np.nonzero(problem.window)
    number[vehicle, step] = np.arange(len(vehicle))
    stored = programme.column(np.zeros(len(vehicle)), fleet.battery_kwh[vehicle])
    start = np.where(step == fleet.arrival_step[vehicle], fleet.stored_kwh[vehicle], 0.0)
    row = programme.row(start, start)
    programme.enter(row, stored, 1.0)
    later = step > fleet.arrival_step[vehicle]
    programme.enter(row[later], stored[np.flatnonzero(later) - 1], -1.0)
    gain = np.where(
        flows.sign > 0,
        -hour * fleet.charge_efficiency[flows.vehicle],
        hour / out[flows.vehicle],
    )
    programme.enter(row[number[flows.vehicle, flows.step]], flows.column, gain)
    need = fleet.stored_kwh + fleet.energy_kwh
    end = programme.row(need, np.where(gives, np.inf, need))  # what only draws draws no more
    last = number[np.arange(fleet.size), fleet.departure_step - 1]
    programme.enter(end, stored[last], 1.0)
    if len(short):
        programme.enter(end, short, fleet.charge_efficiency)
    floor = programme.row(kept[vehicle], np.full(len(vehicle), np.inf))
    programme.enter(floor, stored, 1.0)
    if problem.taper is not None:
        for empty, fall in zip(*(of.T for of in problem.taper), strict=True):
            bend = programme.row(np.full(len(vehicle), -np.inf), empty[vehicle])
            programme.enter(bend, stored, fall[vehicle])
            programme.enter(bend, flows.column[: len(vehicle)], 1.0)  # charges come first


def _site(programme: Programme, problem: Problem, flows: _Flows) -> float:
    """Add limits, peak and surplus; give the cost of no charging."""
    site, fleet = problem.site, problem.fleet
    no_limit = np.full(site.steps, -np.inf)

    def limit(high: Numbers, share: Numbers) -> Index:
        row = programme.row(no_limit, high)
        value = share[flows.vehicle] * flows.sign
        some = value != 0.0
        programme.enter(row[flows.step[some]], flows.column[some], value[some])
        return row

    everyone = np.ones(fleet.size)
    gone = np.zeros(site.steps, dtype=bool) if site.outage is None else site.outage.gone
    base, hour = site.net_base_kilowatt, site.step_hour
    limit(site.headroom_kilowatt, everyone)
    by_phase = [
        np.where(fleet.phases == 3, 1 / 3, (fleet.phase == phase) * 1.0) for phase in range(3)
    ]
    if site.phase_limit_kilowatt is not None:
        for high, share in zip(site.phase_limit_kilowatt, by_phase, strict=True):
            limit(high - base / 3, share)
    for group in site.groups:
        parts = [share / (1 / 3) for share in by_phase] if group.by_phase else [everyone]
        for share in parts:
            limit(group.limit_kilowatt, group.member * share)
    constant = 0.0
    if site.demand_eur_per_kilowatt > 0:
        peak = programme.column(np.array([site.demand_eur_per_kilowatt]), np.array([np.inf]))
        paid = np.where(gone, np.inf, site.peak_kilowatt - base)
        programme.enter(limit(paid, everyone), peak[0], -1.0)
    if site.feed_in_eur_per_kwh is not None:
        lost = (site.price_eur_per_kwh - site.feed_in_eur_per_kwh) * hour
        sold = programme.column(lost, np.full(site.steps, np.inf))
        programme.enter(limit(base, -everyone), sold, -1.0)
        constant += float(lost @ np.maximum(-base, 0.0))
    for tier in site.power_tiers:
        price = np.full(site.steps, tier.added_eur_per_kwh * hour)
        over = programme.column(price, np.full(site.steps, np.inf))
        programme.enter(limit(np.where(gone, np.inf, tier.above - base), everyone), over, -1.0)
        constant += float((price * np.maximum(base - tier.above, 0.0))[~gone].sum())
    for tier in site.volume_tiers:
        over = programme.column(np.array([tier.added_eur_per_kwh]), np.array([np.inf]))
        row = programme.row(np.array([-np.inf]), np.array([tier.above - base.sum() * hour]))
        programme.enter(row[0], flows.column, flows.sign * hour)
        programme.enter(row[0], over, -1.0)
        constant += tier.added_eur_per_kwh * max(float(base.sum()) * hour - tier.above, 0.0)
    if site.band is not None:
        wanted = np.where(gone, 0.0, site.band.kilowatt)
        missed = programme.column(site.band.eur_per_kilowatt_hour * hour, wanted)
        spare = fleet.battery_kwh - fleet.stored_kwh - fleet.energy_kwh
        able = spare >= fleet.power_max_kilowatt * hour * fleet.charge_efficiency
        if problem.discharge is not None:
            able &= problem.discharge.limit_kilowatt == 0.0
        able &= problem.kind == DRAWS
        could = fleet.power_max_kilowatt @ (problem.window & able[:, None])
        most, no = site.headroom_kilowatt, np.where(gone, np.inf, 0.0)
        programme.enter(limit(most - wanted + no, everyone), missed, -1.0)
        programme.enter(limit(could - wanted + no, able * 1.0), missed, -1.0)
        programme.enter(limit(no - wanted, -1.0 * (problem.kind != GIVES)), missed, -1.0)
        without = np.maximum(wanted, wanted - np.minimum(most, could))
        constant += float(site.band.eur_per_kilowatt_hour @ np.where(gone, 0.0, without)) * hour
    if site.outage is not None:
        load = np.where(gone, np.maximum(base, 0.0), 0.0)
        shed = programme.column(np.full(site.steps, site.outage.shed_eur_per_kwh * hour), load)
        programme.enter(limit(np.where(gone & (base > 0), -load, np.inf), everyone), shed, -1.0)
        limit(np.where(gone, load, np.inf), -everyone)
        constant += float(load.sum()) * site.outage.shed_eur_per_kwh * hour
    return constant

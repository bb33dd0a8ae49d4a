"""Plans of few vehicles that keep a least power: a mixed-integer programme, searched so far.

With many vehicles it hardly matters which of them draws enough and which nothing in a step; with
few it does, and moving energy about, as ``minimum`` does, leaves some out that has a place.
"""

from typing import Any, Final

import numpy as np
from jaxtyping import Float, Int

from voltherd.charging.limits import NONE, Limits
from voltherd.charging.problem import TAPERS, Problem

CELLS_MAX: Final = 800
"""Vehicles times steps of their stays: beyond this there is too much to decide."""
NODES_MAX: Final = 5
"""Of the search: an end that comes at the same plan however busy the machine is."""
GAP: Final = 1e-4
FEASIBLE: Final = 2
"""What HiGHS calls a solution that keeps every row."""
_TIERS, _FAIR = 4, 1e-3
"""Energy not delivered is the dearer by such a share the more a vehicle lacks, in such tiers."""
_MARGIN: Final = 1e-7
"""Share of a limit kept free of the solver's tolerance."""
Power = Float[np.ndarray, "vehicles steps"]


def fits(problem: Problem) -> bool:
    """Tell whether there are few enough vehicles."""
    return int(problem.window.sum()) <= CELLS_MAX


def decided(
    problem: Problem,
    class_of: Int[np.ndarray, "vehicles"],
    limits: Limits,
    unserved_eur_per_kwh: float,
) -> Power | None:
    """Decide who draws in which step.

    Args:
        problem: What is planned; its vehicles give nothing back.
        class_of: Class of each vehicle.
        limits: Of the site, less what others draw there.
        unserved_eur_per_kwh: Price of energy not delivered.

    Returns:
        The best plan found [kW]; None where none was found.

    Source: Huangfu, Hall, Math. Prog. Comp. 10 (2018) 119 (HiGHS).
    """
    fleet, site = problem.fleet, problem.site
    vehicle, step = np.nonzero(problem.window)
    cells = len(vehicle)
    solver = _solver()
    price = site.price_eur_per_kwh + problem.waiting_eur_per_kwh
    cost = price[vehicle, step] * site.step_hour
    most = fleet.power_max_kilowatt[vehicle]
    tier = 1.0 + _FAIR * np.arange(_TIERS)  # who lacks much already lacks the next kWh last
    unserved = np.repeat(unserved_eur_per_kwh * tier, fleet.size)
    reliefs = 2 * cells + _TIERS * fleet.size  # the first of them
    columns = reliefs + len(limits.relief_eur)
    lacking = np.tile(problem.reachable_kwh / _TIERS, _TIERS)
    paid = np.full(len(limits.relief_eur), np.inf)
    upper = np.concatenate([most, np.ones(cells), lacking, paid])
    solver.addVars(columns, np.zeros(columns), upper)
    solver.changeColsCost(
        columns,
        np.arange(columns, dtype=np.int32),
        np.concatenate([cost, np.zeros(cells), unserved, limits.relief_eur]),
    )
    whole = np.arange(cells, 2 * cells, dtype=np.int32)
    solver.changeColsIntegrality(cells, whole, np.ones(cells, dtype=np.uint8))
    cell = np.arange(cells)
    pair = np.stack([cell, cell + cells], axis=1).ravel()
    _rows(solver, np.repeat(2, cells), pair, _pairs(most, cells), -np.inf, 0.0)
    _rows(solver, np.repeat(2, cells), pair, _pairs(fleet.power_min_kilowatt[vehicle], cells), 0.0)
    for number in range(fleet.size):
        short = 2 * cells + number + fleet.size * np.arange(_TIERS)
        own = np.append(np.flatnonzero(vehicle == number), short)
        value = np.append(np.full(len(own) - _TIERS, site.step_hour), np.ones(_TIERS))
        need = float(problem.reachable_kwh[number])
        _rows(solver, np.array([len(own)]), own, value, need, need)
    if problem.taper is not None:
        _bends(solver, problem, vehicle)
    _site(solver, limits, class_of[vehicle], step, reliefs)
    solver.run()
    if solver.getInfo().primal_solution_status != FEASIBLE:
        return None
    found = np.array(solver.getSolution().col_value)
    power = np.zeros((fleet.size, site.steps))
    drawn = np.where(found[cells : 2 * cells] > 0.5, found[:cells], 0.0)
    power[vehicle, step] = np.clip(drawn, 0.0, most)
    return power


def _site(
    solver: Any,  # noqa: ANN401
    limits: Limits,
    class_of: Int[np.ndarray, " cells"],
    step: Int[np.ndarray, " cells"],
    reliefs: int,
) -> None:
    """Hold the site's limits; what money can widen is widened for its price."""
    for limit, at in np.argwhere(np.isfinite(limits.room_kilowatt)).tolist():
        then = step <= at if limits.cumulative[limit] else step == at
        share = limits.weight[limit, class_of]
        here = np.flatnonzero(then & (share != 0.0))
        if not len(here):
            continue
        room, relief = float(limits.room_kilowatt[limit, at]), int(limits.relief[limit, at])
        if relief == NONE:
            room -= abs(room) * _MARGIN
            _rows(solver, np.array([len(here)]), here, share[here], -np.inf, room)
        else:
            column, value = np.append(here, reliefs + relief), np.append(share[here], -1.0)
            _rows(solver, np.array([len(column)]), column, value, -np.inf, room)


def _bends(solver: Any, problem: Problem, vehicle: Int[np.ndarray, " cells"]) -> None:  # noqa: ANN401
    """Hold powers below what batteries take at the end of each step."""
    fleet, hour, taper = problem.fleet, problem.site.step_hour, problem.taper
    assert taper is not None
    for number in np.flatnonzero(problem.kind == TAPERS).tolist():
        own = np.flatnonzero(vehicle == number)
        before = np.tril(np.full((len(own), len(own)), hour * fleet.charge_efficiency[number]))
        for empty, fall in zip(*(of[number] for of in taper), strict=True):
            if not np.isfinite(empty):
                continue
            row, column = np.nonzero(before)
            value = (fall * before + np.eye(len(own)))[row, column]
            high = float(empty - fall * fleet.stored_kwh[number])
            _rows(solver, np.arange(1, len(own) + 1), own[column], value, -np.inf, high)


def _solver() -> Any:  # noqa: ANN401 (HiGHS has no types)
    from highspy import Highs

    solver = Highs()
    for name, value in (
        ("output_flag", False),
        ("threads", 1),
        ("mip_max_nodes", NODES_MAX),
        ("mip_rel_gap", GAP),
    ):
        solver.setOptionValue(name, value)
    return solver


def _pairs(factor: Float[np.ndarray, " cells"], cells: int) -> Float[np.ndarray, " entries"]:
    """Give the entries of rows that say power less so much times whether it is drawn."""
    return np.stack([np.ones(cells), -factor], axis=1).ravel()


def _rows(
    solver: Any,  # noqa: ANN401
    length: Int[np.ndarray, " rows"],
    column: Int[np.ndarray, " entries"],
    value: Float[np.ndarray, " entries"],
    low: float,
    high: float = np.inf,
) -> None:
    count = len(length)
    start = np.concatenate([[0], np.cumsum(length)[:-1]]).astype(np.int32)
    solver.addRows(
        count,
        np.full(count, low),
        np.full(count, high),
        len(column),
        start,
        column.astype(np.int32),
        value,
    )

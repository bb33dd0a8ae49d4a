"""Plans that keep a least power: a vehicle draws nothing, or at least 6 A.

A mix of answers gives most vehicles small powers in many steps.  Here each vehicle follows one
answer of the mix instead, drawn so that neighbours draw different ones; at the multipliers of the
bound each of these answers is as cheap as any.  Together they then miss the limits by little, up
and down, and energy is moved, vehicle by vehicle, from steps with too much to steps with room where
the price, limits included, is the next higher.  Last, room that is left in cheap steps is filled
from dearer ones.  What comes out is feasible, not certified to be the best of its kind; the bound
of the plan without a least power holds for it too, so that its gap is certified all the same.
"""

from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from voltherd.charging.limits import Limits
from voltherd.charging.problem import TAPERS, Problem

_GOLDEN: Final = 0.6180339887498949
_KILOWATT: Final = 1e-7
"""Power below this is none."""
_WORTH_FILLING_KILOWATT: Final = 0.1
_PRICED: Final = 1e-9
"""Prices above that of buying by more than this have a limit behind them [EUR/kWh]."""
_ROUNDS: Final = 3
Power = Float[np.ndarray, "vehicles steps"]


def drawn_answers(
    weights: Float[np.ndarray, "answers classes"],
    class_of: Int[np.ndarray, "vehicles"],
    order: Int[np.ndarray, "vehicles"],
) -> Int[np.ndarray, "vehicles"]:
    """Draw an answer for each vehicle, in the shares of the mix, neighbours apart.

    Args:
        weights: Of the answers in each class.
        class_of: Class of each vehicle.
        order: Vehicles so sorted that neighbours are alike.
    """
    answer = np.zeros(len(order), dtype=int)
    edge = np.cumsum(weights, axis=0)
    for number in range(weights.shape[1]):
        of = order[class_of[order] == number]
        at = np.arange(len(of)) * _GOLDEN % 1.0
        answer[of] = np.searchsorted(edge[:, number], at, side="right")
    return np.minimum(answer, len(weights) - 1)


class _Depot(NamedTuple):
    """What moving energy needs to know.

    Attributes:
        window: Whether a vehicle is there.
        most: Power of each vehicle in each step [kW].
        bends: Whether the power falls as the battery fills: nothing is moved to earlier steps then.
        least: The same, unless none [kW].
        class_of: Class of each vehicle.
        weight: Of the limits that hold.
        room: Of them [kW].
    """

    window: Bool[np.ndarray, "vehicles steps"]
    most: Power
    bends: Bool[np.ndarray, "vehicles"]
    least: Float[np.ndarray, "vehicles"]
    class_of: Int[np.ndarray, "vehicles"]
    weight: Float[np.ndarray, "limits classes"]
    room: Float[np.ndarray, "limits steps"]

    def left(self, power: Power) -> Float[np.ndarray, "limits steps"]:
        """Room that is left under each limit [kW]."""
        together = [power[self.class_of == c].sum(axis=0) for c in range(self.weight.shape[1])]
        return np.asarray(self.room - self.weight @ np.stack(together))

    def open(self, left: Float[np.ndarray, "limits some"]) -> Float[np.ndarray, "classes some"]:
        """Room for each class in each step under all its limits [kW]."""
        weight = self.weight.T[:, :, None]
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(np.where(weight > 0, left / weight, np.inf).min(axis=1))


def stepped(
    problem: Problem,
    class_of: Int[np.ndarray, "vehicles"],
    limits: Limits,
    price: Float[np.ndarray, "classes steps"],
    power: Power,
) -> Power:
    """Move energy until every power is none or enough, and no limit is overdrawn.

    Args:
        problem: What is planned; its vehicles only draw.
        class_of: Class of each vehicle.
        limits: Of the site; relief is taken to be used as far as it is in their rooms.
        price: What a kWh costs each class, limits included [EUR/kWh].
        power: What each vehicle draws when it follows one answer [kW].

    Returns:
        Powers; energy that finds no place is left out.
    """
    fleet = problem.fleet
    held = (limits.weight > 0).any(axis=1) & ~limits.cumulative
    depot = _Depot(
        problem.window,
        _most(problem, power),
        problem.kind == TAPERS,
        fleet.power_min_kilowatt,
        class_of,
        limits.weight[held],
        limits.room_kilowatt[held],
    )
    power = _raised(depot, price[class_of], power)
    for _ in range(_ROUNDS):
        left = depot.left(power)
        for limit, step in np.argwhere(left < -_KILOWATT).tolist():
            _relieve(depot, power, left, limit, step, price)
        moved = _fill_up(depot, power, left, problem.site.price_eur_per_kwh, price)
        if not moved and (left >= -_KILOWATT).all():
            break
    return _cut(depot, power)


def _most(problem: Problem, power: Power) -> Power:
    """Give what vehicles may draw in each step: where energy only moves later, bends stay kept."""
    fleet = problem.fleet
    most = np.where(problem.window, fleet.power_max_kilowatt[:, None], 0.0)
    if problem.taper is not None:
        gained = np.cumsum(power, axis=1) * problem.site.step_hour
        stored = fleet.stored_kwh[:, None] + gained * fleet.charge_efficiency[:, None]
        bend = [problem.taper.at(at) for at in stored.T]
        most = np.minimum(most, np.maximum(np.stack(bend, axis=1), 0.0))
    return most


def _raised(depot: _Depot, price: Power, power: Power) -> Power:
    """Raise what is too little in a step, at the cost of the vehicle's dearest full one."""
    power = np.where(power < _KILOWATT, 0.0, power)
    low = (power > 0.0) & (power < depot.least[:, None] - _KILOWATT)
    vehicle, step = np.nonzero(low)
    wanted = depot.least[vehicle] - power[vehicle, step]
    spare = power[vehicle] - depot.least[vehicle, None] >= wanted[:, None]
    spare &= ~depot.bends[vehicle, None] | (np.arange(power.shape[1]) < step[:, None])
    spare[depot.most[vehicle, step] < depot.least[vehicle]] = False
    giver = np.where(spare, price[vehicle], -np.inf).argmax(axis=1)
    able = spare[np.arange(len(vehicle)), giver]
    again = np.ones(len(vehicle), dtype=bool)  # of one vehicle only the first: a giver gives once
    again[np.unique(vehicle, return_index=True)[1]] = False
    able &= ~again
    power[vehicle[able], giver[able]] -= wanted[able]
    power[vehicle[able], step[able]] = depot.least[vehicle[able]]
    power[vehicle[~able], step[~able]] = 0.0
    return power


def _relieve(
    depot: _Depot,
    power: Power,
    left: Float[np.ndarray, "limits steps"],
    limit: int,
    step: int,
    price: Float[np.ndarray, "classes steps"],
) -> None:
    """Move energy out of a step that draws too much, where it costs least more."""
    room = depot.open(left)
    room[depot.weight[limit] <= 0] = 0.0
    room[:, step] = 0.0
    dearer = np.where(room > _KILOWATT, price - price[:, step, None], np.inf)
    for place in np.argsort(dearer, axis=None, kind="stable")[: np.isfinite(dearer).sum()]:
        number, other = divmod(int(place), price.shape[1])
        over = -left[limit, step] / depot.weight[limit, number]
        if over <= _KILOWATT:
            return
        _move(depot, power, left, number, step, other, over)


def _fill_up(
    depot: _Depot,
    power: Power,
    left: Float[np.ndarray, "limits steps"],
    buying: Float[np.ndarray, "steps"],
    price: Float[np.ndarray, "classes steps"],
) -> bool:
    """Fill room where it has a price from steps that cost more; give whether any was filled."""
    order = np.argsort(-buying, kind="stable")
    moved = False
    wanted = (price - buying > _PRICED) & (depot.open(left) > _WORTH_FILLING_KILOWATT)
    for number, cheap in np.argwhere(wanted).tolist():
        for dear in order[buying[order] > buying[cheap]].tolist():
            if depot.open(left[:, [cheap]])[number, 0] <= _WORTH_FILLING_KILOWATT:
                break
            moved |= _move(depot, power, left, number, dear, cheap, np.inf)
    return moved


def _move(
    depot: _Depot,
    power: Power,
    left: Float[np.ndarray, "limits steps"],
    number: int,
    step: int,
    other: int,
    wanted: float,
) -> bool:
    """Move up to so much power of a class from a step to another, in place."""
    amount = min(wanted, float(depot.open(left[:, [other]])[number, 0]))
    if amount <= _KILOWATT:
        return False
    some = np.flatnonzero(
        (depot.class_of == number)
        & (power[:, step] > 0.0)
        & depot.window[:, other]
        & (power[:, other] < depot.most[:, other])
    )
    if other < step:
        some = some[~depot.bends[some]]
    here, there = power[some, step], power[some, other]
    most = depot.most[some, other]
    fits = here <= most - there
    order = np.argsort(np.where(fits, -here, np.inf), kind="stable")
    total = np.cumsum(np.where(fits, here, 0.0)[order])
    moved = np.where(fits[order] & (total <= amount), here[order], 0.0)
    rest = amount - moved.sum()
    least = np.where(there > 0.0, 0.0, depot.least[some])[order]
    part = np.minimum(most - there, here - depot.least[some])[order]
    able = (moved == 0.0) & (part > 0.0) & (least <= rest)
    first = np.cumsum(np.where(able, part, 0.0)) - np.where(able, part, 0.0)
    bit = np.where(able, np.clip(rest - first, 0.0, part), 0.0)
    moved += np.where(bit >= least, bit, 0.0)
    power[some[order], step] -= moved
    power[some[order], other] += moved
    change = depot.weight[:, number] * moved.sum()
    left[:, step] += change
    left[:, other] -= change
    return bool(moved.any())


def _cut(depot: _Depot, power: Power) -> Power:
    """Leave out what still overdraws a limit, the least vehicles first."""
    left = depot.left(power)
    for limit, step in np.argwhere(left < -_KILOWATT).tolist():
        share = depot.weight[limit, depot.class_of]
        some = np.flatnonzero((share > 0) & (power[:, step] > 0))
        some = some[np.argsort(power[some, step], kind="stable")]
        over = -depot.left(power)[limit, step]
        if over > _KILOWATT:
            enough = np.searchsorted(np.cumsum((share * power[:, step])[some]), over) + 1
            power[some[:enough], step] = 0.0
    return power

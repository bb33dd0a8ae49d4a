"""Limits of a site as rows over the power of classes of vehicles, whatever kind of limit it is.

A class is the vehicles that no limit tells apart: same phase, same groups.  Every limit is a row a
step: a weighted sum of the classes' power must not exceed a room.  A row may have *relief*: for a
price the room grows, by the same amount in all rows with that relief.  So a demand charge is rows
with one relief (the peak, priced per kW), and surplus sold below the buying price is a row a step
that says power may not fall below what the site gives away, with the lost money as the price of
its relief (:mod:`voltherd.charging.priced` has all of them).  A row may also count all that was
drawn up to its step.  The bound that a set of multipliers proves needs to know no more than this.
"""

from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from voltherd.charging.priced import could_draw_more, priced_rows
from voltherd.charging.problem import SWITCHES, Problem

NONE: Final = -1
"""Of a row without relief."""
THREE_PHASE: Final = 3
Rows = Float[np.ndarray, "limits steps"]


class Limits(NamedTuple):
    """All limits of a site.

    Attributes:
        names: What each limit is.
        weight: Share of a class's power that counts.
        even: The same for a vehicle that lies evenly on the phases and in no group.
        room_kilowatt: What may be drawn [kW]; infinite where there is no limit.
        relief: Number of the relief of each row, or ``NONE``.
        relief_eur: Price of a kW of each relief [EUR/kW].
        constant_eur: Cost of no charging at all, which the plan's cost is not to count [EUR].
        cumulative: Whether a row is of all that was drawn up to its step.
        together: Of each class, one that all with the same share in the mix name.
    """

    names: tuple[str, ...]
    weight: Float[np.ndarray, "limits classes"]
    even: Float[np.ndarray, "limits"]
    room_kilowatt: Rows
    relief: Int[np.ndarray, "limits steps"]
    relief_eur: Float[np.ndarray, "reliefs"]
    constant_eur: float
    cumulative: Bool[np.ndarray, "limits"]
    together: Int[np.ndarray, "classes"]

    def use(self, power_kilowatt: Float[np.ndarray, "classes steps"]) -> Rows:
        """Give what the classes take of each row [kW]."""
        return self.summed(self.weight @ power_kilowatt)

    def summed(self, use: Rows) -> Rows:
        """Give what rows count of what is drawn in each step [kW]."""
        if not self.cumulative.any():
            return use
        return np.where(self.cumulative[:, None], np.cumsum(use, axis=1), use)

    def charged(self, multiplier: Rows) -> Rows:
        """Give what a kW in each step pays for each row [EUR/kW]."""
        if not self.cumulative.any():
            return multiplier
        later = np.cumsum(multiplier[:, ::-1], axis=1)[:, ::-1]
        return np.where(self.cumulative[:, None], later, multiplier)

    def possible(self, multiplier: Rows) -> Rows:
        """Shrink multipliers to what can be a bound: rows cannot be dearer than their relief."""
        multiplier = np.where(np.isfinite(self.room_kilowatt), np.maximum(multiplier, 0.0), 0.0)
        if not self.relief_eur.size:
            return multiplier
        relieved = self.relief >= 0
        number = self.relief[relieved]
        total = np.bincount(number, multiplier[relieved], len(self.relief_eur))
        shrink = np.minimum(1.0, self.relief_eur / np.maximum(total, 1e-300))
        multiplier[relieved] *= shrink[number]
        return multiplier

    def rent_eur(self, multiplier: Rows) -> float:
        """Give what the room is worth at multipliers in EUR per kW [EUR]."""
        room = np.where(np.isfinite(self.room_kilowatt), self.room_kilowatt, 0.0)
        return float((multiplier * room).sum())

    def relief_cost_eur(self, power_kilowatt: Float[np.ndarray, "classes steps"]) -> float:
        """Give the cost of the relief that a plan needs [EUR]."""
        return float(self._relieved(power_kilowatt) @ self.relief_eur)

    def _relieved(
        self, power_kilowatt: Float[np.ndarray, "classes steps"]
    ) -> Float[np.ndarray, "reliefs"]:
        needed = np.zeros(len(self.relief_eur))
        relieved = self.relief >= 0
        over = (self.use(power_kilowatt) - self.room_kilowatt)[relieved]
        np.maximum.at(needed, self.relief[relieved], over)
        return needed

    def widened(self, power_kilowatt: Float[np.ndarray, "classes steps"]) -> "Limits":
        """Give the limits with the relief that a plan pays for in their rooms."""
        if not self.relief_eur.size:
            return self
        wider = np.where(self.relief >= 0, self._relieved(power_kilowatt)[self.relief], 0.0)
        return self._replace(room_kilowatt=self.room_kilowatt + wider)


def classes(problem: Problem) -> Int[np.ndarray, "vehicles"]:
    """Number the classes of vehicles: same phase where phases are limited, same groups."""
    fleet, site = problem.fleet, problem.site
    several = problem.discharge is not None or problem.taper is not None or problem.twins
    marks = [problem.kind] if several else []
    marks += [group.member.astype(int) for group in site.groups]
    if site.phase_limit_kilowatt is not None or any(group.by_phase for group in site.groups):
        marks.append(np.where(fleet.phases == 1, fleet.phase, THREE_PHASE))
        if problem.twins:  # those on three phases are told apart by the one that they could be on
            marks.append(np.where(problem.kind == SWITCHES, fleet.phase, 0))
    if problem.discharge is not None:  # vehicles of a class share the order of prices
        given = problem.discharge
        ways = np.column_stack(
            [fleet.charge_efficiency, given.efficiency, given.tier_wear_eur_per_kwh]
        )
        ways[given.limit_kilowatt == 0.0] = 0.0
        marks.append(np.unique(ways, axis=0, return_inverse=True)[1].ravel())
    if site.band is not None:
        marks.append(could_draw_more(problem) * 1)
    if problem.waiting_eur_per_kwh_hour is not None:  # and what waiting adds to them
        price = np.unique(
            problem.waiting_eur_per_kwh_hour * fleet.charge_efficiency, return_inverse=True
        )
        marks += [
            price[1].ravel(),
            np.where(problem.waiting_eur_per_kwh_hour > 0, fleet.departure_step, 0),
        ]
    if not marks:
        return np.zeros(fleet.size, dtype=int)
    return np.unique(np.stack(marks, axis=1), axis=0, return_inverse=True)[1].ravel()


class _Block(NamedTuple):
    """One limit over all steps."""

    name: str
    weight: Float[np.ndarray, "classes"]
    even: float
    room_kilowatt: Float[np.ndarray, "steps"]


def limits(problem: Problem, class_of: Int[np.ndarray, "vehicles"]) -> Limits:
    """Write a site's limits as rows.

    Args:
        problem: What is planned.
        class_of: Class of each vehicle, from :func:`classes`.
    """
    fleet, site = problem.fleet, problem.site
    count = int(class_of.max(initial=0)) + 1
    some = np.zeros(count, dtype=int)  # one vehicle of each class stands for all
    some[class_of] = np.arange(fleet.size)
    room = site.headroom_kilowatt
    one = (fleet.phases[some] == 1) & (fleet.phase[some] == np.arange(THREE_PHASE)[:, None])
    share = np.where(fleet.phases[some] == THREE_PHASE, 1 / 3, one * 1.0)
    blocks = []
    if site.phase_limit_kilowatt is not None:
        for phase, limit in enumerate(site.phase_limit_kilowatt):
            left = limit - site.net_base_kilowatt / 3
            blocks.append(_Block(f"phase {phase + 1}", share[phase], 1 / 3, left))
        together = np.sum([block.room_kilowatt for block in blocks], axis=0)
        room = np.where(together <= room * (1 + 1e-12), np.inf, room)  # the phases imply it
    blocks = [_Block("site", np.ones(count), 1.0, room), *blocks]
    for group in site.groups:
        member, limit = group.member[some] * 1.0, group.limit_kilowatt
        if group.by_phase:
            blocks += [
                _Block(f"{group.name}, phase {phase + 1}", member * share[phase], 0.0, limit / 3)
                for phase in range(THREE_PHASE)
            ]
        else:
            blocks.append(_Block(group.name, member, 0.0, limit))
    rows = _with_reliefs(problem, blocks, some)
    if problem.twins:
        rows.together[class_of[-len(problem.twins) :]] = class_of[list(problem.twins)]
    return rows


def _with_reliefs(
    problem: Problem, blocks: list[_Block], some: Int[np.ndarray, "classes"]
) -> Limits:
    """Append the rows that money can widen; some vehicle stands for each class."""
    steps = problem.site.steps
    together = np.arange(len(some))
    relief = [np.full(steps, NONE)] * len(blocks)
    cumulative = [False] * len(blocks)
    price: list[float] = []
    constant = 0.0
    for row in priced_rows(problem):
        count = np.ones(len(some)) if row.member is None else row.member[some] * 1.0
        even = row.sign if row.member is None else 0.0
        blocks = [*blocks, _Block(row.name, row.sign * count, even, row.room_kilowatt)]
        cumulative.append(row.cumulative)
        if row.shares:
            relief.append(relief[-1])
            continue
        relief.append(np.full(steps, NONE) if row.eur is None else len(price) + row.number)
        price += [] if row.eur is None else row.eur.tolist()
        constant += row.constant_eur
    return Limits(
        tuple(block.name for block in blocks),
        np.stack([block.weight for block in blocks]),
        np.array([block.even for block in blocks]),
        np.stack([block.room_kilowatt for block in blocks]),
        np.stack(relief),
        np.array(price, dtype=float),
        constant,
        np.array(cumulative),
        together,
    )

"""Vehicles that can be charged on three phases or on one of them: which, for each, for its stay.

For the proof each such vehicle is there twice, on three phases and on one, and answers prices with
the cheaper of both; what is so proved holds for every choice.  The mix of answers says which of
both each does more of.  That is then its choice, and the plan of all choices is a plan like any
other, held against the bound of the free choice.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import final

import numpy as np
from jaxtyping import Bool, Float, Int

from voltherd.charging.limits import THREE_PHASE
from voltherd.charging.oracle import Answer, Prices, Profiles
from voltherd.charging.problem import DRAWS, Fleet, Problem, Single
from voltherd.charging.taper import Charge

Powers = Float[np.ndarray, "vehicles steps"]


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Switching:
    """The oracle of vehicles that are there twice; built by :func:`switching`.

    Attributes:
        problem: Of these vehicles alone: first on three phases, then all again on one.
        class_of: Class of each.
        unserved_eur_per_kwh: Price of energy not drawn [EUR/kWh].
        need: To be drawn by each pair [kWh].
    """

    problem: Problem
    class_of: Int[np.ndarray, "vehicles"]
    unserved_eur_per_kwh: float
    need: Float[np.ndarray, "pairs"]

    def answer(self, price_eur_per_kwh: Prices) -> Answer:
        """Give the cheaper of both ways for each pair."""
        power, cost = self._filled(price_eur_per_kwh[self.class_of])
        one = cost[len(self.need) :] < cost[: len(self.need)]
        return self._told(power * np.concatenate([~one, one])[:, None], len(price_eur_per_kwh))

    def nothing(self) -> Answer:
        """Give the answer of vehicles that do not charge."""
        none = np.zeros(self.problem.window.shape)
        return self._told(none, int(self.class_of.max(initial=0)) + 1)

    def _filled(self, price: Powers) -> tuple[Powers, Float[np.ndarray, "vehicles"]]:
        """Fill the cheapest steps of each way alone, and give what that costs."""
        hour, most = self.problem.site.step_hour, self.problem.fleet.power_max_kilowatt[:, None]
        usable = self.problem.window & (price < self.unserved_eur_per_kwh)
        order = np.argsort(np.where(usable, price, np.inf), axis=1, kind="stable")
        room = np.take_along_axis(usable, order, axis=1) * most
        need = np.concatenate([self.need, self.need])[:, None] / hour
        taken = np.clip(need - np.cumsum(room, axis=1) + room, 0.0, room)
        power = np.zeros_like(price)
        np.put_along_axis(power, order, taken, axis=1)
        left = need[:, 0] - power.sum(axis=1)
        return power, ((power * price).sum(axis=1) + left * self.unserved_eur_per_kwh) * hour

    def _told(self, drawn: Powers, classes: int) -> Answer:
        pairs, hour = len(self.need), self.problem.site.step_hour
        both = (drawn[:pairs] + drawn[pairs:]).sum(axis=1) * hour
        missing = np.concatenate([np.maximum(self.need - both, 0.0), np.zeros(pairs)])
        power = np.zeros((classes, drawn.shape[1]))
        np.add.at(power, self.class_of, drawn)
        unserved = np.bincount(self.class_of, missing, classes)
        return Answer(power, np.zeros(classes), unserved, Charge(drawn, missing))

    def profiles(
        self, answers: Sequence[Answer], weights: Float[np.ndarray, "answers classes"]
    ) -> Profiles:
        """Mix answers; a pair's classes have one weight."""
        power, missing = np.zeros(self.problem.window.shape), np.zeros(len(self.class_of))
        for answer, weight in zip(answers, weights[:, self.class_of], strict=True):
            power += weight[:, None] * answer.detail.power_kilowatt
            missing += weight * answer.detail.unserved_kwh
        return Profiles(power, missing, np.zeros(len(missing)))

    def followed(self, answers: Sequence[Answer], choice: Int[np.ndarray, "vehicles"]) -> Powers:
        """Give what vehicles draw when each follows one answer [kW]."""
        return np.stack(
            [answers[number].detail.power_kilowatt[at] for at, number in enumerate(choice)]
        )


def switching(
    problem: Problem, class_of: Int[np.ndarray, "vehicles"], unserved_eur_per_kwh: float
) -> Switching:
    """Prepare the oracle.

    Args:
        problem: Of vehicles on three phases, then of all of them again on one.
        class_of: Class of each.
        unserved_eur_per_kwh: Price of energy not drawn [EUR/kWh].
    """
    return Switching(
        problem=problem,
        class_of=class_of,
        unserved_eur_per_kwh=unserved_eur_per_kwh,
        need=problem.reachable_kwh[: len(problem.twins)],
    )


def with_twins(problem: Problem) -> Problem:
    """Let every vehicle that can switch be there twice."""
    assert problem.single is not None
    some = np.flatnonzero(_able(problem, problem.single))
    again = np.concatenate([np.arange(problem.fleet.size), some])
    whole = replace(problem, single=None, stores=0).of(again)
    twin = np.arange(len(again)) >= problem.fleet.size
    fleet = _on_one(whole, problem.single.of(again), twin)
    return replace(whole, fleet=fleet, twins=tuple(some.tolist()))


def chosen(problem: Problem, power: Powers) -> Problem:
    """Give each vehicle the way of which a plan of twins does more.

    Args:
        problem: Before it had twins.
        power: Of all, twins behind [kW].
    """
    single, size = problem.single, problem.fleet.size
    assert single is not None
    some = np.flatnonzero(_able(problem, single))
    one = np.zeros(size, dtype=bool)
    one[some] = power[size:].sum(axis=1) > power[some].sum(axis=1)
    return replace(problem, fleet=_on_one(problem, single, one), single=None)


def begun(
    problem: Problem, some: Int[np.ndarray, "some"], phases: Int[np.ndarray, "some"]
) -> Problem:
    """Let vehicles that have begun to draw stay on as many phases as they began on."""
    single = problem.single
    if single is None:
        return problem
    one, able = np.zeros(problem.fleet.size, dtype=bool), single.able.copy()
    one[some], able[some] = able[some] & (phases == 1), False
    fleet = _on_one(problem, single, one)
    return replace(problem, fleet=fleet, single=single._replace(able=able) if able.any() else None)


def _able(problem: Problem, single: Single) -> Bool[np.ndarray, "vehicles"]:
    """Tell who can switch: on three phases, and drawing at one power only."""
    plain = replace(problem, single=None).kind == DRAWS
    return np.asarray(single.able & plain & (problem.fleet.phases == THREE_PHASE))


def _on_one(problem: Problem, single: Single, which: Bool[np.ndarray, "vehicles"]) -> Fleet:
    fleet = problem.fleet
    return replace(
        fleet,
        phases=np.where(which, 1, fleet.phases),
        power_max_kilowatt=np.where(which, single.power_max_kilowatt, fleet.power_max_kilowatt),
        power_min_kilowatt=np.where(which, single.power_min_kilowatt, fleet.power_min_kilowatt),
    )

"""Which oracle answers for the vehicles of a problem; several where there are several kinds."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, final

import numpy as np
from jaxtyping import Float, Int

from voltherd.charging.fill import fill
from voltherd.charging.oracle import Answer, Oracle, Prices, Profiles
from voltherd.charging.problem import DRAWS, GIVES, SWITCHES, TAPERS, Problem
from voltherd.charging.storage import storage
from voltherd.charging.switching import switching
from voltherd.charging.taper import tapering

_ORACLES: Final[dict[int, Callable[..., Oracle]]] = {
    DRAWS: fill,
    GIVES: storage,
    TAPERS: tapering,
    SWITCHES: switching,
}


class Part(NamedTuple):
    """Vehicles of one kind.

    Attributes:
        oracle: That answers for them, with classes of its own from 0 on.
        vehicles: Which they are.
        classes: Which classes they are in.
    """

    oracle: Oracle
    vehicles: Int[np.ndarray, "some"]
    classes: Int[np.ndarray, "own"]


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Parts:
    """The oracle of vehicles of several kinds; built by :func:`oracle`.

    Attributes:
        unserved_eur_per_kwh: Price of energy not drawn [EUR/kWh].
        parts: Of one kind each.
        waiting_eur_per_kwh: What waiting until the departure adds to the price of each class.
        step_hour: Length of a step [h].
        shape: Vehicles, classes and steps.
    """

    unserved_eur_per_kwh: float
    parts: tuple[Part, ...]
    waiting_eur_per_kwh: Prices
    step_hour: float
    shape: tuple[int, int, int]

    def answer(self, price_eur_per_kwh: Prices) -> Answer:
        """Give the cheapest at these prices, each kind its own."""
        price = price_eur_per_kwh + self.waiting_eur_per_kwh
        return self._together([part.oracle.answer(price[part.classes]) for part in self.parts])

    def nothing(self) -> Answer:
        """Give the answer of vehicles that do not charge: it keeps every limit."""
        return self._together([part.oracle.nothing() for part in self.parts])

    def _together(self, answers: list[Answer]) -> Answer:
        _, classes, steps = self.shape
        power, wear, unserved = np.zeros((classes, steps)), np.zeros(classes), np.zeros(classes)
        for part, one in zip(self.parts, answers, strict=True):
            power[part.classes] = one.power_kilowatt
            wear[part.classes], unserved[part.classes] = one.wear_eur, one.unserved_kwh
        wear += (self.waiting_eur_per_kwh * power).sum(axis=1) * self.step_hour
        return Answer(power, wear, unserved, answers)

    def profiles(
        self, answers: Sequence[Answer], weights: Float[np.ndarray, "answers classes"]
    ) -> Profiles:
        """Mix answers, each kind its own; wear of waiting is not in it."""
        vehicles, _, steps = self.shape
        power, unserved, wear = np.zeros((vehicles, steps)), np.zeros(vehicles), np.zeros(vehicles)
        for number, part in enumerate(self.parts):
            own = [answer.detail[number] for answer in answers]
            some = part.oracle.profiles(own, weights[:, part.classes])
            power[part.vehicles] = some.power_kilowatt
            unserved[part.vehicles], wear[part.vehicles] = some.unserved_kwh, some.wear_eur
        return Profiles(power, unserved, wear)

    def followed(
        self, answers: Sequence[Answer], choice: Int[np.ndarray, "vehicles"]
    ) -> Float[np.ndarray, "vehicles steps"]:
        """Give what vehicles draw when each follows one answer [kW]."""
        power = np.zeros((self.shape[0], self.shape[2]))
        for number, part in enumerate(self.parts):
            own = [answer.detail[number] for answer in answers]
            power[part.vehicles] = part.oracle.followed(own, choice[part.vehicles])
        return power


def oracle(
    problem: Problem, class_of: Int[np.ndarray, "vehicles"], unserved_eur_per_kwh: float
) -> Oracle:
    """Give the vehicles of a problem, to be asked.

    Args:
        problem: What is planned.
        class_of: Class of each vehicle; no class holds two kinds.
        unserved_eur_per_kwh: Price of energy not drawn [EUR/kWh].
    """
    kind = problem.kind
    kinds = np.unique(kind).tolist()
    if len(kinds) == 1 and problem.waiting_eur_per_kwh_hour is None:
        return _ORACLES[kinds[0]](problem, class_of, unserved_eur_per_kwh)
    parts = []
    for one in kinds:
        some = np.flatnonzero(kind == one)
        classes, own = np.unique(class_of[some], return_inverse=True)
        made = _ORACLES[one](problem.of(some), own.ravel(), unserved_eur_per_kwh)
        parts.append(Part(made, some, classes))
    return Parts(
        unserved_eur_per_kwh=unserved_eur_per_kwh,
        parts=tuple(parts),
        waiting_eur_per_kwh=_waiting(problem, class_of),
        step_hour=problem.site.step_hour,
        shape=(problem.fleet.size, int(class_of.max(initial=0)) + 1, problem.site.steps),
    )


def _waiting(problem: Problem, class_of: Int[np.ndarray, "vehicles"]) -> Prices:
    """Give what waiting adds: to all of a class alike, for they depart together."""
    each = problem.waiting_eur_per_kwh_hour
    steps = np.arange(problem.site.steps)
    waiting = np.zeros((int(class_of.max(initial=0)) + 1, len(steps)))
    if each is not None:
        fleet = problem.fleet
        left = fleet.departure_step[:, None] - steps
        price = (each * fleet.charge_efficiency * problem.site.step_hour)[:, None] * left
        waiting[class_of] = np.maximum(price, 0.0)
    return waiting

"""Vehicles that only draw energy: at given prices each fills its cheapest steps.

A vehicle draws full power in the cheapest steps of its stay and what is left in the next one.
Vehicles that come and go in the same steps use the same order, so that what they draw together
depends on nothing but a step's rank in their window: the sum of them is one table, "drawn after so
many ranks".  A fleet of any size is then as many tables as it has windows, and an answer costs the
same for 5,000 vehicles as for 50,000.

(The sum of such vehicles is a polymatroid whose rank function depends on windows' counts alone, and
the greedy algorithm is exact on it: Edmonds, Combinatorial Structures and their Applications (1970)
69; for charging: Mukhi, Loho, Abate, arXiv 2503.23458.)
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, final

import numpy as np
from jaxtyping import Float, Int

from voltherd.charging.oracle import Answer, Prices, Profiles
from voltherd.charging.problem import Problem

_CHUNK: Final = 16
"""Windows mixed at once: small enough for the cache."""


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fill:
    """The oracle of vehicles that only draw; built by :func:`fill`.

    Attributes:
        unserved_eur_per_kwh: Price of energy not drawn: no dearer step is used.
        step_hour: Length of a step [h].
        first: First window of each class, and the end of the last.
        arrival: First step of each window.
        departure: Step behind its last.
        drawn: Power drawn in the cheapest so many steps together, by window [kW].
        window: Window of each vehicle.
        power: Full power of each vehicle [kW].
        ranks: Steps at full power that each vehicle needs.
    """

    unserved_eur_per_kwh: float
    step_hour: float
    first: tuple[int, ...]
    arrival: Int[np.ndarray, "windows"]
    departure: Int[np.ndarray, "windows"]
    drawn: Float[np.ndarray, "windows ranks"]
    window: Int[np.ndarray, "vehicles"]
    power: Float[np.ndarray, "vehicles"]
    ranks: Float[np.ndarray, "vehicles"]

    def answer(self, price_eur_per_kwh: Prices) -> Answer:
        """Give the cheapest at these prices."""
        power = np.zeros(price_eur_per_kwh.shape)
        unserved = np.zeros(len(power))
        for number, price in enumerate(price_eur_per_kwh):
            part = slice(self.first[number], self.first[number + 1])
            order = self._order(price)
            row = np.arange(part.start, part.stop)[:, None] * self.drawn.shape[1]
            together = self.drawn.ravel().take(self._passed(order, part) + row).sum(axis=0)
            power[number, order] = np.diff(together[order], prepend=0.0)
            left = self.drawn[part, -1].sum() - power[number].sum()
            unserved[number] = left * self.step_hour
        return Answer(power, np.zeros(len(power)), unserved, price_eur_per_kwh)

    def nothing(self) -> Answer:
        """Give the answer of vehicles that do not charge: it keeps every limit."""
        whole = np.add.reduceat(self.drawn[:, -1], self.first[:-1]) * self.step_hour
        none = np.zeros((len(whole), self.drawn.shape[1] - 1))
        return Answer(none, np.zeros(len(whole)), whole, np.full(none.shape, np.inf))

    def _order(self, price: Float[np.ndarray, "steps"]) -> Int[np.ndarray, "used"]:
        """Give the steps that are worth using, the cheapest first."""
        order = np.argsort(price, kind="stable")
        return np.asarray(order[price[order] < self.unserved_eur_per_kwh])

    def _passed(
        self, order: Int[np.ndarray, "used"], part: slice
    ) -> Int[np.ndarray, "windows steps"]:
        """Give how many steps of each window come no later in an order than each step."""
        steps = self.drawn.shape[1] - 1
        place = np.full(steps, steps)
        place[order] = np.arange(len(order))
        until = np.zeros((steps + 1, steps), dtype=np.int16)
        np.cumsum(place[:, None] <= place, axis=0, out=until[1:])
        return np.asarray(until[self.departure[part]] - until[self.arrival[part]])

    def profiles(
        self, answers: Sequence[Answer], weights: Float[np.ndarray, "answers classes"]
    ) -> Profiles:
        """Mix answers, each vehicle at its rank of each step."""
        ranks = np.stack([self._rank(answer.detail) for answer in answers])
        share = weights[:, np.repeat(np.arange(len(self.first) - 1), np.diff(self.first))]
        by_window = np.argsort(self.window, kind="stable")
        begins = range(0, len(self.drawn), _CHUNK)
        cut = np.searchsorted(self.window[by_window], [*begins, len(self.drawn)])
        power = np.zeros((len(self.power), ranks.shape[2]))
        for start, (begin, end) in zip(begins, pairwise(cut), strict=True):
            part = slice(start, start + _CHUNK)
            some = by_window[begin:end]
            steps = slice(self.arrival[part].min(), self.departure[part].max())
            reached = _reached(ranks[:, part, steps], share[:, part], self._beyond + 1)
            whole = np.floor(self.ranks[some]).astype(int)
            rest = (self.ranks[some] - whole)[:, None]
            row = self.window[some] - start
            mixed = (1.0 - rest) * reached[whole, row] + rest * reached[whole + 1, row]
            power[some, steps] = mixed * self._available(some)[:, steps]
        unserved = np.maximum(self.power * self.ranks - power.sum(axis=1), 0.0) * self.step_hour
        return Profiles(power, unserved, np.zeros(len(power)))

    def followed(
        self, answers: Sequence[Answer], choice: Int[np.ndarray, "vehicles"]
    ) -> Float[np.ndarray, "vehicles steps"]:
        """Give what vehicles draw when each follows one answer [kW]."""
        power = np.zeros((len(self.power), self.drawn.shape[1] - 1))
        for number in np.unique(choice):
            of = np.flatnonzero(choice == number)
            rank = self._rank(answers[number].detail)[self.window[of]]
            power[of] = np.clip(self.ranks[of, None] + 1.0 - rank, 0.0, 1.0) * self._available(of)
        return power

    @property
    def _beyond(self) -> int:
        return int(np.ceil(self.ranks.max(initial=0.0))) + 1

    def _available(self, vehicles: Int[np.ndarray, "some"]) -> Float[np.ndarray, "some steps"]:
        """Give the full power of vehicles in the steps of their windows [kW]."""
        step, window = np.arange(self.drawn.shape[1] - 1), self.window[vehicles]
        inside = (step >= self.arrival[window, None]) & (step < self.departure[window, None])
        return np.asarray(inside * self.power[vehicles, None])

    def _rank(self, price: Prices) -> Int[np.ndarray, "windows steps"]:
        """Give each step's rank in each window, ``_beyond`` where it is too dear to be used.

        Of steps outside a window it says nothing.
        """
        tables = []
        for number, row in enumerate(price):
            part = slice(self.first[number], self.first[number + 1])
            table = np.minimum(self._passed(self._order(row), part), np.int16(self._beyond))
            table[:, row >= self.unserved_eur_per_kwh] = self._beyond
            tables.append(table)
        return np.concatenate(tables)


def _reached(
    rank: Int[np.ndarray, "answers windows steps"],
    share: Float[np.ndarray, "answers windows"],
    ranks: int,
) -> Float[np.ndarray, "ranks windows steps"]:
    """Give in how much of the mix a step of a window is among the cheapest so many."""
    _, windows, steps = rank.shape
    size = windows * steps
    place = rank * np.int64(size) + np.arange(size).reshape(windows, steps)
    weight = np.broadcast_to(share[:, :, None], place.shape)
    reached = np.bincount(place.ravel(), weight.ravel(), size * ranks)
    reached = reached.reshape(ranks, windows, steps)
    for before, row in pairwise(reached):
        row += before  # several times quicker than cumsum along this axis
    return reached


def fill(
    problem: Problem, class_of: Int[np.ndarray, "vehicles"], unserved_eur_per_kwh: float
) -> Fill:
    """Prepare the oracle.

    Args:
        problem: What is planned.
        class_of: Class of each vehicle, in whose order windows are kept.
        unserved_eur_per_kwh: What energy not drawn costs; above every price [EUR/kWh].
    """
    fleet, site = problem.fleet, problem.site
    steps, count = site.steps, int(class_of.max(initial=0)) + 1
    key = (class_of * (steps + 1) + fleet.arrival_step) * (steps + 1) + fleet.departure_step
    kinds, window = np.unique(key, return_inverse=True)
    full = np.maximum(fleet.power_max_kilowatt, 1e-300)
    ranks = problem.reachable_kwh / (full * site.step_hour)
    drawn = np.zeros((len(kinds), steps + 1))
    for rank in range(1, steps + 1):
        reached = fleet.power_max_kilowatt * np.minimum(ranks, rank)
        drawn[:, rank] = np.bincount(window, reached, len(kinds))
    return Fill(
        unserved_eur_per_kwh=unserved_eur_per_kwh,
        step_hour=site.step_hour,
        first=tuple(np.searchsorted(kinds // (steps + 1) ** 2, np.arange(count + 1)).tolist()),
        arrival=kinds // (steps + 1) % (steps + 1),
        departure=kinds % (steps + 1),
        drawn=drawn,
        window=window,
        power=fleet.power_max_kilowatt,
        ranks=ranks,
    )

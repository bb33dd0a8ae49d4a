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
from jaxtyping import Float, Int, Num

from voltherd.charging.oracle import Answer, Prices, Profiles
from voltherd.charging.problem import Problem

_CHUNK: Final = 32
"""Windows mixed at once: small enough for the cache."""


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fill:
    """The oracle of vehicles that only draw; built by :func:`fill`.

    Attributes:
        unserved_eur_per_kwh: Price of energy not delivered: no dearer step is used.
        step_hour: Length of a step [h].
        first: First window of each class, and the end of the last.
        jump: Windows that are open in a step, as a jump to the next row of ``drawn``.
        drawn: Power drawn in the cheapest so many steps together, by window [kW].
        window: Window of each vehicle.
        power: Full power of each vehicle [kW].
        ranks: Steps at full power that each vehicle needs.
    """

    unserved_eur_per_kwh: float
    step_hour: float
    first: tuple[int, ...]
    jump: Int[np.ndarray, "steps windows"]
    drawn: Float[np.ndarray, "ranks windows"]
    window: Int[np.ndarray, "vehicles"]
    power: Float[np.ndarray, "vehicles"]
    ranks: Float[np.ndarray, "vehicles"]

    def answer(self, price_eur_per_kwh: Prices) -> Answer:
        """Give the cheapest at these prices."""
        power = np.zeros(price_eur_per_kwh.shape)
        unserved = np.zeros(len(power))
        for number, price in enumerate(price_eur_per_kwh):
            part = slice(self.first[number], self.first[number + 1])
            order, place = self._places(price, part)
            together = self.drawn.ravel().take(place).sum(axis=1)
            power[number, order] = np.diff(together, prepend=0.0)
            left = self.drawn[-1, part].sum() - (together[-1] if len(order) else 0.0)
            unserved[number] = left * self.step_hour
        return Answer(power, np.zeros(len(power)), unserved, price_eur_per_kwh)

    def _order(self, price: Float[np.ndarray, "steps"]) -> Int[np.ndarray, "used"]:
        order = np.argsort(price, kind="stable")
        return order[price[order] < self.unserved_eur_per_kwh]

    def _places(
        self, price: Float[np.ndarray, "steps"], part: slice
    ) -> tuple[Int[np.ndarray, "used"], Int[np.ndarray, "used windows"]]:
        """Give the steps by price, and where in ``drawn`` each window has come by then."""
        order = self._order(price)
        place = self.jump[order, part]
        if len(place):
            place[0] += np.arange(part.start, part.stop)
        _accumulate(place)
        return order, place

    def profiles(
        self, answers: Sequence[Answer], weights: Float[np.ndarray, "answers classes"]
    ) -> Profiles:
        """Mix answers, each vehicle at its rank of each step."""
        ranks = np.full((len(answers), *self.jump.shape), self._beyond, dtype=np.int16)
        for table, answer in zip(ranks, answers, strict=True):
            self._rank(table, answer.detail)
        spread = np.repeat(np.arange(len(self.first) - 1), np.diff(self.first))
        share = weights[:, spread]
        by_window = np.argsort(self.window, kind="stable")
        cut = np.searchsorted(self.window[by_window], np.arange(0, len(spread) + _CHUNK, _CHUNK))
        power = np.zeros((len(self.power), len(self.jump)))
        for number, (begin, end) in enumerate(pairwise(cut)):
            part = slice(number * _CHUNK, (number + 1) * _CHUNK)
            some = by_window[begin:end]
            steps = np.flatnonzero(self.jump[:, part].any(axis=1))  # windows of a part are alike
            reached = _reached(ranks[:, steps, part], share[:, part], self._beyond + 1)
            whole = np.floor(self.ranks[some]).astype(int)
            rest = (self.ranks[some] - whole)[:, None]
            row = self.window[some] - part.start
            mixed = (1.0 - rest) * reached[whole, row] + rest * reached[whole + 1, row]
            power[some[:, None], steps] = mixed * self.power[some, None]
        unserved = np.maximum(self.power * self.ranks - power.sum(axis=1), 0.0) * self.step_hour
        return Profiles(power, unserved, np.zeros(len(power)))

    def followed(
        self, answers: Sequence[Answer], choice: Int[np.ndarray, "vehicles"]
    ) -> Float[np.ndarray, "vehicles steps"]:
        """Give what vehicles draw when each follows one answer [kW]."""
        power = np.zeros((len(self.power), len(self.jump)))
        rank = np.empty(self.jump.shape, dtype=np.int16)
        for number, answer in enumerate(answers):
            of = np.flatnonzero(choice == number)
            rank[:] = self._beyond
            self._rank(rank, answer.detail)
            part = np.clip(self.ranks[of] + 1.0 - rank[:, self.window[of]], 0.0, 1.0)
            power[of] = (part * self.power[of]).T
        return power

    @property
    def _beyond(self) -> int:
        return int(np.ceil(self.ranks.max(initial=0.0))) + 1

    def _rank(self, table: Int[np.ndarray, "steps windows"], price: Prices) -> None:
        """Write each step's rank in each window; it stays ``_beyond`` where it is not used."""
        for number, row in enumerate(price):
            part = slice(self.first[number], self.first[number + 1])
            order = self._order(row)
            opened = self.jump[order, part] > 0
            rank = opened.astype(np.int16)
            _accumulate(rank)
            np.minimum(rank, self._beyond, out=rank)
            table[order, part] = np.where(opened, rank, self._beyond)


def _accumulate(table: Num[np.ndarray, "rows ..."]) -> None:
    """Add each row to the next, in place: several times quicker than cumsum along this axis."""
    for before, row in pairwise(table):
        row += before


def _reached(
    rank: Int[np.ndarray, "answers steps windows"],
    share: Float[np.ndarray, "answers windows"],
    ranks: int,
) -> Float[np.ndarray, "ranks windows steps"]:
    """Give in how much of the mix a step of a window is among the cheapest so many."""
    _, steps, windows = rank.shape
    here = np.arange(windows) * steps + np.arange(steps)[:, None]
    place = rank * np.int64(windows * steps) + here
    weight = np.broadcast_to(share[:, None, :], place.shape)
    reached = np.bincount(place.ravel(), weight.ravel(), windows * steps * ranks)
    reached = reached.reshape(ranks, windows, steps)
    _accumulate(reached)
    return reached


def fill(
    problem: Problem, class_of: Int[np.ndarray, "vehicles"], unserved_eur_per_kwh: float
) -> Fill:
    """Prepare the oracle.

    Args:
        problem: What is planned.
        class_of: Class of each vehicle, in whose order windows are kept.
        unserved_eur_per_kwh: What energy not delivered costs; above every price [EUR/kWh].
    """
    fleet, site = problem.fleet, problem.site
    steps, count = site.steps, int(class_of.max(initial=0)) + 1
    key = (class_of * (steps + 1) + fleet.arrival_step) * (steps + 1) + fleet.departure_step
    kinds, window = np.unique(key, return_inverse=True)
    arrival, departure = kinds // (steps + 1) % (steps + 1), kinds % (steps + 1)
    full = np.maximum(fleet.power_max_kilowatt, 1e-300)
    ranks = problem.reachable_kwh / (full * site.step_hour)
    drawn = np.zeros((steps + 1, len(kinds)))
    for rank in range(1, steps + 1):
        drawn[rank] = np.bincount(
            window, fleet.power_max_kilowatt * np.minimum(ranks, rank), len(kinds)
        )
    step = np.arange(steps)[:, None]
    opened = (step >= arrival) & (step < departure)
    return Fill(
        unserved_eur_per_kwh=unserved_eur_per_kwh,
        step_hour=site.step_hour,
        first=tuple(np.searchsorted(kinds // (steps + 1) ** 2, np.arange(count + 1)).tolist()),
        jump=opened * len(kinds),
        drawn=drawn,
        window=window,
        power=fleet.power_max_kilowatt,
        ranks=ranks,
    )

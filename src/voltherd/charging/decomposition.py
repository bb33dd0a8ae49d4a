"""One loop for every kind of vehicle and limit: prices out, answers in, a bound with each.

Dantzig-Wolfe decomposition.  The vehicles (the *oracle*) answer prices without knowing any limit;
the master mixes answers so that every limit holds, and its multipliers are the next prices.  Each
answer proves a lower bound on the cost of any plan (Lagrange), each mix is a plan: the distance
between them is certified, whatever the solver did.

The first prices come from a projected subgradient with steps scaled for each row, which needs no
master: a limit that is overdrawn becomes dearer.  Later ones lie between the master's and those of
the best bound, for the master's own swing widely (Wentges).

Sources: Dantzig, Wolfe, Operations Research 8 (1960) 101; Wentges, Int. Trans. Operational Research
4 (1997) 151; Held, Wolfe, Crowder, Mathematical Programming 6 (1974) 62; Kingma, Ba, ICLR (2015)
(arXiv 1412.6980).
"""

from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Float

from voltherd.charging.limits import Limits, Rows
from voltherd.charging.master import Master, Mix
from voltherd.charging.oracle import Answer, Oracle

_BACK: Final = (0.5, 0.0)
"""How far the prices asked go back from the master's to those of the best bound."""
COLD: Final = (0.1, 0.95, 60)
WARM: Final = (0.03, 0.95, 55)
"""Subgradient: first step as a share of the spread of prices, how steps shrink, their count."""
_MEAN: Final = 0.9
_SQUARE: Final = 0.99
"""Memory of what limits were overdrawn by, and of its square."""


class Effort(NamedTuple):
    """When to stop.

    Attributes:
        gap: Distance between plan and bound that is near enough, of the cost.
        iterations: Most solutions of the master.
    """

    gap: float = 1e-4
    iterations: int = 400


class Bound(NamedTuple):
    """The best lower bound so far and the multipliers that prove it."""

    eur: float
    multiplier: Rows


class Asked(NamedTuple):
    """An answer, and what it proves."""

    answer: Answer
    bound: Bound


class Outcome(NamedTuple):
    """What the loop ended with.

    Attributes:
        asked: Answers that the mix can draw on, the first that of vehicles that do not charge.
        mix: Weights, multipliers and cost.
        bound: The best bound.
        iterations: Solutions of the master.
    """

    asked: tuple[Asked, ...]
    mix: Mix
    bound: Bound
    iterations: int


class Market(NamedTuple):
    """Oracle, limits and the price of buying, with what follows from them alone.

    Attributes:
        oracle: The vehicles.
        limits: The limits.
        price_eur_per_kwh: Of buying [EUR/kWh].
        step_hour: Length of a step [h].
        scale_eur: Smallest cost that a gap is a share of [EUR].
    """

    oracle: Oracle
    limits: Limits
    price_eur_per_kwh: Float[np.ndarray, "steps"]
    step_hour: float
    scale_eur: float

    def prices(self, multiplier: Rows) -> Float[np.ndarray, "classes steps"]:
        """Give what a kWh costs each class, limits included [EUR/kWh]."""
        return np.asarray(
            self.price_eur_per_kwh
            + self.limits.weight.T @ self.limits.charged(multiplier) / self.step_hour
        )

    def ask(self, multiplier: Rows) -> Asked:
        """Ask the vehicles at the prices that multipliers make; their answer proves a bound."""
        prices = self.prices(multiplier)
        answer = self.oracle.answer(prices)
        paid = float((prices * answer.power_kilowatt).sum()) * self.step_hour
        own = answer.wear_eur + self.oracle.unserved_eur_per_kwh * answer.unserved_kwh
        eur = paid + float(own.sum()) - self.limits.rent_eur(multiplier)
        return Asked(answer, Bound(eur, multiplier))

    def gap(self, mix: Mix, bound: Bound) -> float:
        """Give the distance of a mix from a bound as a share of what is paid in it."""
        unserved = mix.unserved_kwh * self.oracle.unserved_eur_per_kwh
        paid = abs(mix.cost_eur - unserved - self.limits.constant_eur)
        return (mix.cost_eur - bound.eur) / max(paid, self.scale_eur)


def decompose(market: Market, effort: Effort, start: Rows | None = None) -> Outcome:
    """Find a mix of answers that keeps all limits and is certified to be near the best.

    Args:
        market: Who is asked, under which limits, at which price.
        effort: When to stop.
        start: Multipliers of an earlier plan; the subgradient then begins there in small steps.
    """
    master = Master(
        market.limits,
        market.price_eur_per_kwh * market.step_hour,
        market.oracle.unserved_eur_per_kwh,
    )
    nothing = market.oracle.nothing()
    asked = [Asked(nothing, Bound(-np.inf, np.zeros(market.limits.room_kilowatt.shape)))]
    asked += _descend(market, start)
    for one in asked:
        master.add(one.answer)
    iterations = 0
    while True:
        bound = max((one.bound for one in asked), key=lambda bound: bound.eur)
        mix = master.solve()
        iterations += 1
        if market.gap(mix, bound) <= effort.gap or iterations >= effort.iterations:
            return Outcome(tuple(asked), mix, bound, iterations)
        for back in _BACK:
            wanted = back * bound.multiplier + (1.0 - back) * mix.multiplier
            asked.append(market.ask(market.limits.possible(wanted)))
            master.add(asked[-1].answer)


def _descend(market: Market, start: Rows | None) -> list[Asked]:
    """Ask at prices that rise where a limit is overdrawn, in steps that shrink (Adam)."""
    limits = market.limits
    first, shrink, steps = COLD if start is None else WARM
    finite = np.isfinite(limits.room_kilowatt)
    room = np.where(finite, limits.room_kilowatt, 0.0)
    size = np.maximum(np.abs(room).mean(axis=1, keepdims=True), 1e-9)
    spread = np.ptp(market.price_eur_per_kwh) or np.abs(market.price_eur_per_kwh).max() or 1.0
    step = first * spread * market.step_hour
    multiplier, mean, square = np.zeros((3, *room.shape))
    if start is not None:
        multiplier = limits.possible(start)
    asked = []
    for number in range(1, steps + 1):
        answer, bound = market.ask(multiplier)
        asked.append(Asked(answer, bound))
        over = np.where(finite, limits.use(answer.power_kilowatt) - room, 0.0) / size
        mean = _MEAN * mean + (1.0 - _MEAN) * over
        square = _SQUARE * square + (1.0 - _SQUARE) * over**2
        unbiased = mean / (1.0 - _MEAN**number)
        spread_over = np.sqrt(square / (1.0 - _SQUARE**number)) + 1e-4
        multiplier = limits.possible(multiplier + step * unbiased / spread_over)
        step *= shrink
    return asked

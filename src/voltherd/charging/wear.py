"""What charging, discharging and waiting cost in battery life, in money, and how far models differ.

A pack's price is spread over its life, which by default ends at 80 % of its capacity.  What share
of that life a kilowatt-hour uses up, or an hour at a state of charge, is asked of every published
model of the chemistry (:mod:`voltherd.charging.ageing`).  The median is the price, the lowest and
the highest are how far they disagree: an order of magnitude is common, and belongs beside every
number.

Half of the loss is put down to time and half to cycles, and so is half of the price.
"""

from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias, final

import numpy as np
from jaxtyping import Float

from voltherd.charging.ageing import AgeingModel, Use, models_for
from voltherd.errors import UsageError
from voltherd.types.asset import Chemistry

Values: TypeAlias = Float[np.ndarray, "*any"]
HOUR_PER_DAY: Final = 24.0


class WearPrice(NamedTuple):
    """A price and what it rests on.

    Attributes:
        median: Of the models.
        lowest: Of the models.
        highest: Of the models.
        models: How many know it.
        untested: Names of those whose cells were not tested like this.
    """

    median: Values
    lowest: Values
    highest: Values
    models: int
    untested: tuple[str, ...]


class Segments(NamedTuple):
    """A convex cost of energy: pieces of rising price, to be used up in order.

    Attributes:
        width_kwh: Of each piece [kWh].
        price_per_kwh: Of each piece, never falling.
    """

    width_kwh: Float[np.ndarray, "pieces"]
    price_per_kwh: Float[np.ndarray, "pieces"]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Wear:
    """Prices of wear of a pack.

    Attributes:
        models: That are asked.
        price_per_kwh: Of a new pack less what an old one still brings, by capacity.
        soh_end: At which it is worth no more.
    """

    models: tuple[AgeingModel, ...]
    price_per_kwh: float
    soh_end: float = 0.8

    def moved(self, use: Use) -> WearPrice:
        """Price a kilowatt-hour moved in or out: half of what it is in a full cycle [per kWh]."""
        share = [0.5 * model.life_per_cycle(use, self._loss_end) for model in self.models]
        untested = tuple(model.name for model in self.models if not model.was_tested(use))
        return self._priced(share, untested)

    def waiting(self, soc: Values, celsius: Values) -> WearPrice:
        """Price an hour at a state of charge [per kWh of capacity and hour]."""
        share = [
            model.life_per_day(soc, celsius, self._loss_end) / HOUR_PER_DAY
            for model in self.models
            if model.calendar is not None
        ]
        return self._priced(share, ())

    @property
    def _loss_end(self) -> float:
        return 0.5 * (1.0 - self.soh_end)

    def _priced(self, share: list[Values], untested: tuple[str, ...]) -> WearPrice:
        """Turn shares of a calendar or a cycle life by model into money."""
        each = 0.5 * self.price_per_kwh * np.stack(np.broadcast_arrays(*share))
        return WearPrice(
            median=np.asarray(np.median(each, axis=0)),
            lowest=np.asarray(each.min(axis=0)),
            highest=np.asarray(each.max(axis=0)),
            models=len(share),
            untested=untested,
        )

    def stay(
        self,
        soc: Float[np.ndarray, " steps"],
        celsius: float,
        step_hour: float,
        capacity_kwh: float,
    ) -> WearPrice:
        """Price a whole stay, cycling and waiting, by its course of charge.

        Args:
            soc: At the ends of the steps; the first is where it begins.
            celsius: Of the cells [°C].
            step_hour: Length of a step [h].
            capacity_kwh: Of the pack [kWh].
        """
        middle, moved = 0.5 * (soc[1:] + soc[:-1]), np.abs(np.diff(soc))
        depth = float(np.ptp(soc))
        warm = np.full(len(middle), celsius)
        use = Use(middle, np.full(len(middle), depth), moved / step_hour, warm)
        shares, untested = [], []
        for model in self.models:
            cycles = 0.5 * model.life_per_cycle(use, self._loss_end) * moved
            if model.calendar is None:
                continue  # its stay would look cheap for want of a word about time
            days = model.life_per_day(middle, warm, self._loss_end) * step_hour
            shares.append(capacity_kwh * (cycles + days / HOUR_PER_DAY).sum())
            if not model.was_tested(use):
                untested.append(model.name)
        return self._priced([np.asarray(share) for share in shares], tuple(untested))

    def discharge_segments(
        self, soc: float, celsius: float, capacity_kwh: float, rate_per_hour: float, pieces: int = 5
    ) -> tuple[Segments, Segments, Segments]:
        """Price energy lent to the grid from a state of charge down, and taken back later.

        Deeper swings cost more by the kilowatt-hour in these models; where a model says otherwise
        the largest convex cost below its own is given, so that a planner may rely on it.

        Args:
            soc: Where it begins.
            celsius: Of the cells [°C].
            capacity_kwh: Of the pack [kWh].
            rate_per_hour: Mean current in capacities per hour.
            pieces: How many pieces of equal width.

        Returns:
            Segments of the median, the lowest and the highest model.
        """
        depth = np.linspace(0.0, soc, pieces + 1)
        use = Use(
            soc - 0.5 * depth,
            depth,
            np.full(pieces + 1, rate_per_hour),
            np.full(pieces + 1, celsius),
        )
        price = self.moved(use)
        energy = depth * capacity_kwh
        return tuple(  # type: ignore[return-value]
            _convex(energy, 2.0 * per_kwh * energy)
            for per_kwh in (price.median, price.lowest, price.highest)
        )


def _convex(energy: Float[np.ndarray, " n"], cost: Float[np.ndarray, " n"]) -> Segments:
    """Give the largest convex function below a cost, as pieces (Andrew's monotone chain)."""
    hull: list[int] = []
    for place in range(len(energy)):
        while len(hull) > 1 and (cost[hull[-1]] - cost[hull[-2]]) * (
            energy[place] - energy[hull[-2]]
        ) >= (cost[place] - cost[hull[-2]]) * (energy[hull[-1]] - energy[hull[-2]]):
            hull.pop()
        hull.append(place)
    width = np.diff(energy[hull])
    return Segments(width, np.diff(cost[hull]) / width)


def wear_of(chemistry: Chemistry, price_per_kwh: float, soh_end: float = 0.8) -> Wear:
    """Set prices of wear up for a pack.

    Raises:
        UsageError: A price below 0, or an end of life that is none.

    >>> wear = wear_of(Chemistry.LFP, 100.0)
    >>> price = wear.waiting(np.array([0.3, 0.95]), np.array([25.0, 25.0]))
    >>> bool(price.median[0] < price.median[1]), price.models
    (True, 2)
    """
    if not 0.0 <= price_per_kwh < np.inf:
        raise UsageError(f"a pack at {price_per_kwh:g} per kWh has no price of wear")
    if not 0.0 < soh_end < 1.0:
        raise UsageError(f"a life that ends at {100 * soh_end:.0f} % of the capacity is none")
    return Wear(models=models_for(chemistry), price_per_kwh=price_per_kwh, soh_end=soh_end)

"""Vehicles whose power falls as they fill: at given prices each one charges when it is best.

What a further kWh in the battery is worth falls with what is in it already.  Backwards from the
departure, this worth is a staircase over the stored energy: in a step that costs less, a vehicle
charges up to the level where its worth falls to the price, or as far as its battery lets it.  The
levels of all steps are what there is to know; a vehicle then follows them.  All vehicles and all
stairs go through this together, exactly (dynamic programming over convex, piecewise linear costs).

A stair is a pair: the level at its right end and the worth on it, which is also the highest worth
of all stairs that end there or later.  So stairs need no order.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final, NamedTuple, final

import numpy as np
from jaxtyping import Float, Int

from voltherd.charging.oracle import Answer, Prices, Profiles
from voltherd.charging.problem import Problem

_TIDY_EVERY: Final = 10
"""Steps after which stairs that are gone are left out."""
Own = Float[np.ndarray, "vehicles steps"]
Stairs = Float[np.ndarray, "stairs vehicles"]


class Charge(NamedTuple):
    """What each vehicle does at some prices.

    Attributes:
        power_kilowatt: Drawn [kW].
        unserved_kwh: Needed and not drawn [kWh].
    """

    power_kilowatt: Float[np.ndarray, "vehicles steps"]
    unserved_kwh: Float[np.ndarray, "vehicles"]


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tapering:
    """The oracle of vehicles whose power falls; built by :func:`tapering`.

    Attributes:
        problem: Of these vehicles alone.
        class_of: Class of each vehicle.
        unserved_eur_per_kwh: Price of energy not drawn [EUR/kWh].
        full: Stored at departure, as far as the stay can bring it [kWh].
        bend: Stored energy where the power begins to fall more steeply; minus infinity where there
            is no such bend [kWh].
        before: Slope of the level after a step over that before it, left of each bend.
        gain_kwh: What the highest power brings in a step [kWh].
        line_kwh: What each line of the bend would bring to an empty battery [kWh].
        line_fall: What that falls by for each kWh in the battery at the end of the step.
    """

    problem: Problem
    class_of: Int[np.ndarray, "vehicles"]
    unserved_eur_per_kwh: float
    full: Float[np.ndarray, "vehicles"]
    bend: Float[np.ndarray, "bends vehicles"]
    before: Float[np.ndarray, "bends vehicles"]
    gain_kwh: Float[np.ndarray, "vehicles"]
    line_kwh: Float[np.ndarray, "lines vehicles"]
    line_fall: Float[np.ndarray, "lines vehicles"]

    def answer(self, price_eur_per_kwh: Prices) -> Answer:
        """Give the cheapest at these prices."""
        power = self._followed(self._levels(price_eur_per_kwh[self.class_of]))
        return self._told(power, len(price_eur_per_kwh))

    def nothing(self) -> Answer:
        """Give the answer of vehicles that do not charge."""
        none = np.zeros((self.problem.fleet.size, self.problem.site.steps))
        return self._told(none, int(self.class_of.max(initial=0)) + 1)

    def _told(self, drawn: Own, classes: int) -> Answer:
        fleet = self.problem.fleet
        need = (self.full - fleet.stored_kwh) / fleet.charge_efficiency
        missing = np.maximum(need - drawn.sum(axis=1) * self.problem.site.step_hour, 0.0)
        power = np.zeros((classes, drawn.shape[1]))
        np.add.at(power, self.class_of, drawn)
        unserved = np.bincount(self.class_of, missing, classes)
        return Answer(power, np.zeros(classes), unserved, Charge(drawn, missing))

    def _levels(self, price: Own) -> Own:
        """Give up to where each vehicle charges in each step at most [kWh]."""
        fleet, window = self.problem.fleet, self.problem.window
        into, begin = fleet.charge_efficiency, fleet.stored_kwh
        cost = np.ascontiguousarray((np.where(window, price, np.inf) / into[:, None]).T)
        level = np.full(cost.shape, -np.inf)
        first = np.where(self.full > begin, 0.0, -np.inf)
        end = (self.full + first)[None]
        worth = (self.unserved_eur_per_kwh / into + first)[None]
        from_bend, _ = self._come_from(self.bend)
        for step in reversed(range(int(fleet.arrival_step.min()), int(fleet.departure_step.max()))):
            here = cost[step]
            above = worth > here
            most = level[step] = np.where(above, end, -np.inf).max(axis=0)
            at_bend = [np.where(end >= at, worth, -np.inf).max(axis=0) for at in self.bend]
            come, flatter = self._come_from(end)
            flatter *= np.maximum(worth - here, 0.0)
            with np.errstate(invalid="ignore"):  # what costs nothing like it is never used
                bent = np.where(self.bend < most, here + (at_bend - here) * self.before, -np.inf)
            end = np.concatenate([np.where(above, come, end), from_bend, most[None]])
            worth = np.concatenate(
                [worth - flatter, bent, np.where(most > begin, here, -np.inf)[None]]
            )
            if step % _TIDY_EVERY == 0:
                end, worth = _tidy(end, worth, begin)
        return level.T

    def _come_from(self, end: Stairs) -> tuple[Stairs, Stairs]:
        """Give from where full power in a step leads to a level, and how much flatter left of it.

        Power is the least of some lines of the level, so that what it brings is, too.
        """
        come, flatter = end - self.gain_kwh, np.zeros(end.shape)
        for gain, steeper in zip(self.line_kwh, self.line_fall, strict=True):
            other = end * (1.0 + steeper)
            other -= gain
            np.copyto(flatter, steeper / (1.0 + steeper), where=other > come)
            np.maximum(come, other, out=come)
        return come, flatter

    def _followed(self, level: Own) -> Own:
        """Charge up to the levels as far as batteries let it [kW]."""
        fleet, hour = self.problem.fleet, self.problem.site.step_hour
        stored, power = fleet.stored_kwh, np.zeros(level.shape)
        for step in range(int(fleet.arrival_step.min()), int(fleet.departure_step.max())):
            most = np.minimum(self.problem.bend_kilowatt(stored), fleet.power_max_kilowatt)
            wanted = (level[:, step] - stored) / (hour * fleet.charge_efficiency)
            power[:, step] = np.clip(wanted, 0.0, most)
            stored = stored + power[:, step] * hour * fleet.charge_efficiency
        return power

    def profiles(
        self, answers: Sequence[Answer], weights: Float[np.ndarray, "answers classes"]
    ) -> Profiles:
        """Mix answers: what lies between charges under a concave bend is under it, too."""
        power, unserved = np.zeros((2, *answers[0].detail.power_kilowatt.shape))
        missing = unserved[:, 0]
        for answer, weight in zip(answers, weights[:, self.class_of], strict=True):
            power += weight[:, None] * answer.detail.power_kilowatt
            missing += weight * answer.detail.unserved_kwh
        return Profiles(power, missing, np.zeros(len(missing)))

    def followed(self, answers: Sequence[Answer], choice: Int[np.ndarray, "vehicles"]) -> Own:
        """Give what vehicles draw when each follows one answer [kW]."""
        return np.stack(
            [answers[number].detail.power_kilowatt[at] for at, number in enumerate(choice)]
        )


def _tidy(
    end: Stairs, worth: Stairs, begin: Float[np.ndarray, "vehicles"]
) -> tuple[Stairs, Stairs]:
    """Leave out stairs below what is in the battery, and those as high as one that ends later."""
    order = np.argsort(-end, axis=0)
    end, worth = np.take_along_axis(end, order, axis=0), np.take_along_axis(worth, order, axis=0)
    higher = end > begin
    higher[1:] &= worth[1:] > np.maximum.accumulate(worth, axis=0)[:-1]
    order = np.argsort(~higher, axis=0, kind="stable")
    order = order[: max(int(higher.sum(axis=0).max()), 1)]
    end, worth = np.where(higher, end, -np.inf), np.where(higher, worth, -np.inf)
    return np.take_along_axis(end, order, axis=0), np.take_along_axis(worth, order, axis=0)


def tapering(
    problem: Problem, class_of: Int[np.ndarray, "vehicles"], unserved_eur_per_kwh: float
) -> Tapering:
    """Prepare the oracle.

    Args:
        problem: Of vehicles whose power falls.
        class_of: Class of each vehicle.
        unserved_eur_per_kwh: Price of energy not drawn [EUR/kWh].
    """
    fleet, taper = problem.fleet, problem.taper
    assert taper is not None
    gain = fleet.charge_efficiency * problem.site.step_hour
    lines = [(fleet.power_max_kilowatt, np.zeros(fleet.size))]
    lines += zip(taper.empty_kilowatt.T, taper.fall_per_hour.T, strict=True)
    bends, before = [], []
    for (one, falls), (other, steeper) in combinations(lines, 2):
        with np.errstate(divide="ignore", invalid="ignore"):
            at = (other - one) / (steeper - falls)
            kilowatt = one - falls * at
        least = np.minimum(
            fleet.power_max_kilowatt, taper.at(np.nan_to_num(at, posinf=0.0, neginf=0.0))
        )
        real = np.isfinite(at) & (kilowatt <= least + 1e-9)
        bends.append(np.where(real, at, -np.inf))
        before.append(1.0 / (1.0 + np.minimum(falls, steeper) * gain))
    some = [n for n, at in enumerate(bends) if (at > -np.inf).any()]
    return Tapering(
        problem=problem,
        class_of=class_of,
        unserved_eur_per_kwh=unserved_eur_per_kwh,
        full=fleet.stored_kwh + problem.reachable_kwh * fleet.charge_efficiency,
        bend=np.stack([bends[n] for n in some]),
        before=np.stack([before[n] for n in some]),
        gain_kwh=fleet.power_max_kilowatt * gain,
        line_kwh=np.ascontiguousarray(taper.empty_kilowatt.T) * gain,
        line_fall=np.ascontiguousarray(taper.fall_per_hour.T) * gain,
    )

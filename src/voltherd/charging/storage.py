"""Vehicles that may give energy back: at given prices each one trades best with its battery.

A vehicle's choice in a step is a charge that costs ``price / efficiency`` per kWh stored, or a
discharge that earns ``(price - wear) * efficiency`` per kWh taken out, in tiers where wear rises.
Were its battery without bounds, it would charge in all steps cheaper than some value of stored
energy and discharge in all that pay more, and the value follows from the energy it needs: all
offers, sorted by price, are filled until the need is met.  Where the stored energy so leaves the
battery's bounds, it lies exactly on the bound where it leaves them furthest, and what comes before
and after are two smaller choices of the same kind.  Both halves are solved alike until none leaves
the bounds; all vehicles go through this together.

The answer is exact for the relaxation in which a vehicle may charge and discharge in the same step.
That pays only at prices so negative that burning energy does; a plan never does it, so that its
certificate shows the difference as gap.

Source: van der Klauw, Gerards, Hurink, OR Spectrum 39 (2017) 749 (the furthest violation is tight).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple, final

import numpy as np
from jaxtyping import Bool, Float, Int

from voltherd.charging.oracle import Answer, Prices, Profiles
from voltherd.charging.problem import Discharge, Fleet, Problem

_CHUNK: Final = 512
"""Choices filled at once: small enough for the cache."""
_OUTSIDE_KWH: Final = 1e-9
"""A battery left by less than this is not left."""
PerPiece = Float[np.ndarray, "choices pieces"]


class Trades(NamedTuple):
    """What each vehicle does at some prices.

    Attributes:
        stored_kwh: Into its battery in each step, negative out of it [kWh].
        missing_kwh: What its battery lacks at departure [kWh].
    """

    stored_kwh: Float[np.ndarray, "vehicles steps"]
    missing_kwh: Float[np.ndarray, "vehicles"]


class _Choices(NamedTuple):
    """Parts of stays whose first and last stored energy are fixed.

    Attributes:
        vehicle: Whose.
        begin: First step.
        end: Step behind the last.
        stored: At the beginning [kWh].
        gain: To be gained [kWh].
        last: Whether the vehicle departs at the end.
    """

    vehicle: Int[np.ndarray, "choices"]
    begin: Int[np.ndarray, "choices"]
    end: Int[np.ndarray, "choices"]
    stored: Float[np.ndarray, "choices"]
    gain: Float[np.ndarray, "choices"]
    last: Bool[np.ndarray, "choices"]

    def some(self, which: Bool[np.ndarray, "choices"] | slice) -> "_Choices":
        return _Choices(*(part[which] for part in self))

    def inside(self, steps: int) -> Bool[np.ndarray, "choices steps"]:
        step = np.arange(steps)
        return (step >= self.begin[:, None]) & (step < self.end[:, None])


class _Filled(NamedTuple):
    """Choices as filled: stored and taken in each step, wear, and what is missing at the end."""

    charge: Float[np.ndarray, "choices steps"]
    discharge: Float[np.ndarray, "choices steps"]
    wear: Float[np.ndarray, "choices"]
    missing: Float[np.ndarray, "choices"]


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Storage:
    """The oracle of vehicles with batteries; built by :func:`storage`.

    Attributes:
        fleet: The vehicles; what they keep whatever is paid is left out of their batteries.
        discharge: What they may give.
        class_of: Class of each vehicle; vehicles of a class have the same efficiencies
            and wear.
        step_hour: Length of a step [h].
        steps: How many.
        unserved_eur_per_kwh: Price of energy not drawn [EUR/kWh].
        need: Energy that can be brought within the stay, into the battery; below 0 where it may
            leave with less than it has [kWh].
    """

    fleet: Fleet
    discharge: Discharge
    class_of: Int[np.ndarray, "vehicles"]
    step_hour: float
    steps: int
    unserved_eur_per_kwh: float
    need: Float[np.ndarray, "vehicles"]

    def answer(self, price_eur_per_kwh: Prices) -> Answer:
        """Give the cheapest at these prices."""
        stored = np.zeros((self.fleet.size, price_eur_per_kwh.shape[1]))
        missing = np.zeros(self.fleet.size)
        power = np.zeros(price_eur_per_kwh.shape)
        wear, unserved = np.zeros((2, len(power)))
        for number, price in enumerate(price_eur_per_kwh):
            of = np.flatnonzero(self.class_of == number)
            offers = self._offers(int(of[0]), price)
            for choices, filled in self._solved(of, offers):
                row, step = np.nonzero(choices.inside(stored.shape[1]))  # no two choices share any
                stored[choices.vehicle[row], step] = (filled.charge - filled.discharge)[row, step]
                missing[choices.vehicle[choices.last]] = filled.missing[choices.last]
                drawn = filled.charge.sum(axis=0) / offers.charge_efficiency
                given = filled.discharge.sum(axis=0) * offers.discharge_efficiency
                power[number] += (drawn - given) / self.step_hour
                wear[number] += filled.wear.sum()
                unserved[number] += filled.missing.sum() / offers.charge_efficiency
        return Answer(power, wear, unserved, Trades(stored, missing))

    def nothing(self) -> Answer:
        """Give the answer of vehicles that do not charge: it keeps every limit."""
        count, steps = int(self.class_of.max(initial=0)) + 1, self.steps
        missing = np.maximum(self.need, 0.0)
        unserved = np.bincount(self.class_of, missing / self.fleet.charge_efficiency, count)
        still = Trades(np.zeros((self.fleet.size, steps)), missing)
        return Answer(np.zeros((count, steps)), np.zeros(count), unserved, still)

    def _offers(self, vehicle: int, price: Float[np.ndarray, "steps"]) -> "_Offers":
        into, out = (
            float(of[vehicle]) for of in (self.fleet.charge_efficiency, self.discharge.efficiency)
        )
        wear = self.discharge.tier_wear_eur_per_kwh[vehicle]
        worth = np.concatenate(
            [
                price / into,
                ((price - wear[:, None]) * out).ravel(),
                [0.0, self.unserved_eur_per_kwh / into],
            ]
        )
        steps, tiers = len(price), len(wear)
        order = np.argsort(worth, kind="stable")
        width = np.concatenate(
            [np.zeros(steps), np.repeat(self.discharge.tier_fraction, steps), [0.0, 0.0]]
        )
        step = np.concatenate([np.tile(np.arange(steps), 1 + tiers), [steps, steps]])
        return _Offers(
            into,
            out,
            wear,
            order,
            np.argsort(order),
            step[order],
            (order < steps) * 1.0,
            width[order],
        )

    def _solved(
        self, of: Int[np.ndarray, "some"], offers: "_Offers"
    ) -> Iterator[tuple[_Choices, _Filled]]:
        """Fill, split where a battery is left, and fill again."""
        fleet = self.fleet
        waiting = _Choices(
            of,
            fleet.arrival_step[of],
            fleet.departure_step[of],
            fleet.stored_kwh[of],
            self.need[of],
            np.ones(len(of), dtype=bool),
        )
        while len(waiting.vehicle):
            split = []
            for begin in range(0, len(waiting.vehicle), _CHUNK):
                choices = waiting.some(slice(begin, begin + _CHUNK))
                filled = self._filled(choices, offers)
                left, parts = self._split(choices, filled)
                yield choices.some(~left), _Filled(*(part[~left] for part in filled))
                split += parts
            waiting = _Choices(*(np.concatenate(parts) for parts in zip(*split, strict=True)))

    def _filled(self, choices: _Choices, offers: "_Offers") -> _Filled:
        """Take offers by price until each choice has gained what it must."""
        fleet, vehicle = self.fleet, choices.vehicle
        steps = (len(offers.order) - 2) // (1 + len(offers.wear))
        hour = self.step_hour
        into = fleet.power_max_kilowatt[vehicle] * (hour * offers.charge_efficiency)
        out = self.discharge.limit_kilowatt[vehicle] * (hour / offers.discharge_efficiency)
        size = into[:, None] * offers.charging + out[:, None] * offers.width
        size *= (offers.step >= choices.begin[:, None]) & (offers.step < choices.end[:, None])
        surplus, short = offers.place[-2:]
        spare = fleet.battery_kwh[vehicle] - fleet.stored_kwh[vehicle] - self.need[vehicle]
        size[:, surplus] = np.where(choices.last, np.maximum(spare, 0.0), 0.0)
        size[:, short] = np.where(choices.last, np.maximum(self.need[vehicle], 0.0), 0.0)
        charged = offers.charging.astype(bool)
        charged[short] = True
        target = choices.gain + size[:, ~charged].sum(axis=1)
        taken = np.cumsum(size, axis=1)
        np.subtract(target[:, None], taken, out=taken)
        taken += size
        np.clip(taken, 0.0, size, out=taken)
        charge = taken[:, offers.place[:steps]]
        left = size - taken
        tiers = left[:, offers.place[steps:-2]].reshape(len(vehicle), len(offers.wear), steps)
        worn = tiers.sum(axis=2) @ offers.wear * offers.discharge_efficiency
        return _Filled(charge, tiers.sum(axis=1), worn, taken[:, short])

    def _split(
        self, choices: _Choices, filled: _Filled
    ) -> tuple[Bool[np.ndarray, "choices"], list[_Choices]]:
        """Give which choices leave the battery, and these cut where they do so furthest."""
        path = np.cumsum(filled.charge - filled.discharge, axis=1) + choices.stored[:, None]
        size = self.fleet.battery_kwh[choices.vehicle]
        outside = np.maximum(path - size[:, None], -path)
        inside = choices._replace(end=choices.end - 1).inside(path.shape[1])
        outside = np.where(inside, outside, 0.0)
        left = outside.max(axis=1) > _OUTSIDE_KWH
        if not left.any():
            return left, [choices.some(left)]
        cut = choices.some(left)
        at = outside[left].argmax(axis=1)
        bound = np.where(path[left, at] > 0.0, size[left], 0.0)
        gained = bound - cut.stored
        first = cut._replace(end=at + 1, gain=gained, last=np.zeros(len(at), dtype=bool))
        return left, [first, cut._replace(begin=at + 1, stored=bound, gain=cut.gain - gained)]

    def followed(
        self, answers: Sequence[Answer], choice: Int[np.ndarray, "vehicles"]
    ) -> Float[np.ndarray, "vehicles steps"]:
        """Give what vehicles do when each follows one answer [kW]."""
        each = (choice == np.arange(len(answers))[:, None]) * 1.0
        return self._mixed(answers, each).power_kilowatt

    def profiles(
        self, answers: Sequence[Answer], weights: Float[np.ndarray, "answers classes"]
    ) -> Profiles:
        """Mix what is stored in each step; then charge or discharge for it, never both."""
        return self._mixed(answers, weights[:, self.class_of])

    def _mixed(
        self, answers: Sequence[Answer], weights: Float[np.ndarray, "answers vehicles"]
    ) -> Profiles:
        stored = np.zeros_like(answers[0].detail.stored_kwh)
        missing = np.zeros(self.fleet.size)
        for answer, weight in zip(answers, weights, strict=True):
            trades = answer.detail
            assert isinstance(trades, Trades)
            stored += weight[:, None] * trades.stored_kwh
            missing += weight * trades.missing_kwh
        into, out = self.fleet.charge_efficiency, self.discharge.efficiency
        given = np.maximum(-stored, 0.0) * out[:, None] / self.step_hour
        drawn = np.maximum(stored, 0.0) / into[:, None] / self.step_hour
        wear, room = np.zeros(self.fleet.size), given
        wears = self.discharge.tier_wear_eur_per_kwh.T
        for width, price in zip(self.discharge.tier_fraction, wears, strict=True):
            here = np.minimum(room, width * self.discharge.limit_kilowatt[:, None])
            wear += price * here.sum(axis=1) * self.step_hour
            room = room - here
        return Profiles(drawn - given, missing / into, wear)


class _Offers(NamedTuple):
    """What a class can do in each step, sorted by worth per kWh stored.

    A step offers a charge and a discharge in each tier; the end of the stay offers to depart with
    more than needed, for nothing, and with less, for the price of energy not drawn.

    Attributes:
        charge_efficiency: Of the class.
        discharge_efficiency: Of the class.
        wear: Of each tier [EUR/kWh].
        order: Offers by worth: charges by step, discharges by tier and step, surplus, shortage.
        place: Where each of them is in that order.
        step: Of each offer in order.
        charging: 1 where it is a charge.
        width: Share of the discharge limit, where it is a discharge.
    """

    charge_efficiency: float
    discharge_efficiency: float
    wear: Float[np.ndarray, "tiers"]
    order: Int[np.ndarray, "pieces"]
    place: Int[np.ndarray, "pieces"]
    step: Int[np.ndarray, "pieces"]
    charging: Float[np.ndarray, "pieces"]
    width: Float[np.ndarray, "pieces"]


def storage(
    problem: Problem, class_of: Int[np.ndarray, "vehicles"], unserved_eur_per_kwh: float
) -> Storage:
    """Prepare the oracle.

    Args:
        problem: What is planned; it says what may be given back.
        class_of: Class of each vehicle.
        unserved_eur_per_kwh: Price of energy not drawn [EUR/kWh].
    """
    discharge, fleet = problem.discharge, problem.fleet
    assert discharge is not None
    need = problem.reachable_kwh * fleet.charge_efficiency
    least = -fleet.stored_kwh
    if discharge.reserve_kwh is not None:
        kept = np.minimum(discharge.reserve_kwh, fleet.stored_kwh)
        least = least + kept
        fleet = replace(
            fleet, stored_kwh=fleet.stored_kwh - kept, battery_kwh=fleet.battery_kwh - kept
        )
    return Storage(
        fleet=fleet,
        discharge=discharge,
        class_of=class_of,
        step_hour=problem.site.step_hour,
        steps=problem.site.steps,
        unserved_eur_per_kwh=unserved_eur_per_kwh,
        need=np.where(fleet.energy_kwh < 0.0, np.maximum(fleet.energy_kwh, least), need),
    )

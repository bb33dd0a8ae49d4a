"""What wear costs a depot's plan: from the ageing models, for each battery that is known.

A plan is a linear programme, the models are not.  Two of their prices go into it: tiers of wear for
energy given back, by power, for the deepest swing that may come; and what a kWh more in the battery
adds to an hour of waiting, between the states of charge of arrival and departure.  Both are those
of the median model.  What the charge that is planned then wears is asked of every model anew, with
its rate, temperature, depth and waiting, and so is that of a charge at once.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Float

from voltherd.charging.ageing import Use
from voltherd.charging.problem import Problem
from voltherd.charging.wear import Wear, WearPrice

_DEPTH_LEAST: Final = 0.05
Powers = Float[np.ndarray, "vehicles steps"]
Tiers = Float[np.ndarray, " tiers"]


class Battery(NamedTuple):
    """What is known of a battery.

    Attributes:
        wear: Prices of its wear.
        celsius: Of its cells while it stays [°C].
    """

    wear: Wear
    celsius: float


class WornSum(NamedTuple):
    """Wear of some batteries together, by the median, the lowest and the highest model.

    Attributes:
        median_eur: Sum of the medians [EUR].
        lowest_eur: Sum of the lowest [EUR].
        highest_eur: Sum of the highest [EUR].
        batteries: How many are known.
        models: Fewest models that know one of them.
        untested: Models whose cells were not tested so.
    """

    median_eur: float
    lowest_eur: float
    highest_eur: float
    batteries: int
    models: int
    untested: tuple[str, ...]


def given_tiers(
    battery: Battery,
    capacity_kwh: float,
    limit_kilowatt: float,
    soc: tuple[float, float],
    widths: Tiers,
    efficiency: float,
) -> Tiers:
    """Price energy given back, and taken again later, in tiers of power.

    Args:
        battery: Which.
        capacity_kwh: Of it [kWh].
        limit_kilowatt: Most it gives, at the charger [kW].
        soc: Lowest and highest that it may have meanwhile.
        widths: Of the tiers, as fractions of the limit.
        efficiency: Energy given per energy taken out.

    Returns:
        Wear of each kWh given in each tier, not falling [EUR/kWh].
    """
    low, high = soc
    share = np.cumsum(widths)
    level = np.ones(len(share))
    use = Use(
        0.5 * (low + high) * level,
        max(high - low, _DEPTH_LEAST) * level,
        share * (limit_kilowatt / efficiency / capacity_kwh),
        battery.celsius * level,
    )
    whole = 2.0 * battery.wear.moved(use).median * share / efficiency
    return np.asarray(np.maximum.accumulate(np.diff(whole, prepend=0.0) / widths))


def waiting_eur_per_kwh_hour(battery: Battery, arrival_soc: float, departure_soc: float) -> float:
    """Price what a kWh more adds to an hour of waiting, on the way to the departure's charge."""
    high = max(departure_soc, arrival_soc + _DEPTH_LEAST)
    soc = np.array([arrival_soc, high])
    price = battery.wear.waiting(soc, np.full(2, battery.celsius)).median
    return max(float(price[1] - price[0]) / (high - arrival_soc), 0.0)


def worn(problem: Problem, power: Powers, batteries: Sequence[Battery | None]) -> WornSum | None:
    """Ask every model what charges wear; None where no battery is known.

    Args:
        problem: What was planned.
        power: Of each vehicle, negative where it gives [kW].
        batteries: Of each vehicle, None where it is not known.
    """
    each = [
        _stay(problem, power, number, battery)
        for number, battery in enumerate(batteries)
        if battery is not None
    ]
    if not each:
        return None
    return WornSum(
        median_eur=float(sum(float(one.median) for one in each)),
        lowest_eur=float(sum(float(one.lowest) for one in each)),
        highest_eur=float(sum(float(one.highest) for one in each)),
        batteries=len(each),
        models=min(one.models for one in each),
        untested=tuple(sorted({name for one in each for name in one.untested})),
    )


def _stay(problem: Problem, power: Powers, number: int, battery: Battery) -> WearPrice:
    fleet, site = problem.fleet, problem.site
    stay = slice(int(fleet.arrival_step[number]), int(fleet.departure_step[number]))
    out = 1.0 if problem.discharge is None else float(problem.discharge.efficiency[number])
    into = np.maximum(power[number, stay], 0.0) * fleet.charge_efficiency[number]
    gained = np.cumsum(into - np.maximum(-power[number, stay], 0.0) / out) * site.step_hour
    size = float(fleet.battery_kwh[number])
    soc = (fleet.stored_kwh[number] + np.concatenate([[0.0], gained])) / size
    return battery.wear.stay(np.clip(soc, 0.0, 1.0), battery.celsius, site.step_hour, size)

"""How much worse is charging when messages to stations come late, or are lost?

Question: energy, cost and what a guard has to cut on the common depot, by delay and by share of
messages lost.  Whenever a vehicle comes a plan is made of those that are there; in every step each
station is sent its part of the latest one, and follows the last that it got; one that has got none
draws an even share of the site's room.  A guard beside the meter cuts all alike where the sum
would pass the limit.  What vehicles drew is known without delay.
"""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from voltherd.bench.depot_instance import STEP_HOUR, depot
from voltherd.charging.online import remaining, roughly
from voltherd.charging.problem import Problem
from voltherd.charging.sheet import site_cost_eur

VEHICLES: Final = 40
NIGHTS: Final = (200, 201)
SEED: Final = 3
DELAYS: Final = (0, 1, 2, 4, 8)
"""Steps of a quarter of an hour."""
LOSSES: Final = (0.1, 0.3, 0.5, 0.8)
Progress = Callable[[str], None]
Powers = Float[np.ndarray, "vehicles steps"]


class LinkRow(NamedTuple):
    """What came of a link.

    Attributes:
        delay_minute: Of every message [min].
        lost: Share of messages that never arrive.
        missing: Share of the energy that was not delivered.
        eur_per_mwh: Price of what was [EUR/MWh].
        cut_kwh: What the guard kept from being drawn [kWh].
    """

    delay_minute: float
    lost: float
    missing: float
    eur_per_mwh: float
    cut_kwh: float


def measure(progress: Progress = lambda _: None) -> tuple[LinkRow, ...]:
    """Charge nights over links that are slow, and over links that lose."""
    links = [(delay, 0.0) for delay in DELAYS] + [(0, lost) for lost in LOSSES]
    rows = []
    for delay, lost in links:
        progress(f"delay of {delay} steps, {lost:.0%} lost")
        rows.append(_row(delay, lost))
    return tuple(rows)


def _row(delay: int, lost: float) -> LinkRow:
    chance = np.random.default_rng(SEED)
    drawn = wanted = cost = cut = 0.0
    for seed in NIGHTS:
        night = depot(VEHICLES, seed=seed)
        power, kept = charged(night, delay, lost, chance)
        drawn += float(power.sum()) * STEP_HOUR
        wanted += float(night.reachable_kwh.sum())
        cost += site_cost_eur(night, power)
        cut += kept
    return LinkRow(60.0 * STEP_HOUR * delay, lost, 1.0 - drawn / wanted, 1000.0 * cost / drawn, cut)


def charged(
    night: Problem, delay: int, lost: float, chance: np.random.Generator
) -> tuple[Powers, float]:
    """Charge a night over a link.

    Args:
        night: The night.
        delay: Steps that a message takes.
        lost: Share of messages that never arrive.
        chance: Draws which.

    Returns:
        Power of each vehicle in each step [kW], and what the guard cut [kWh].
    """
    fleet, site = night.fleet, night.site
    power, cut = np.zeros((2, fleet.size, site.steps))
    plan = np.full((fleet.size, site.steps), np.nan)
    followed, sent = plan, [plan] * delay
    need = night.reachable_kwh / site.step_hour
    for step in range(site.steps):
        if (fleet.arrival_step == step).any():
            plan = _planned(night, power, plan, step)
        sent = [*sent, plan]
        arrives = chance.random(fleet.size) >= lost
        followed = np.where(arrives[:, None], sent.pop(0), followed)
        asked = _asked(night, followed, step, need - power.sum(axis=1))
        room = max(float(site.headroom_kilowatt[step]), 0.0)
        power[:, step] = asked * min(1.0, room / max(float(asked.sum()), 1e-9))
        cut[:, step] = asked - power[:, step]
    return power, float(cut.sum()) * site.step_hour


def _planned(night: Problem, power: Powers, before: Powers, step: int) -> Powers:
    there = present(night, step)
    plan = before.copy()
    plan[there, step:] = roughly(remaining(night, power, there, step)).power_kilowatt
    return plan


def present(night: Problem, step: int) -> Int[np.ndarray, " present"]:
    """Give who is there."""
    fleet = night.fleet
    return np.flatnonzero((fleet.arrival_step <= step) & (step < fleet.departure_step))


def _asked(
    night: Problem, followed: Powers, step: int, need: Float[np.ndarray, " vehicles"]
) -> Float[np.ndarray, " vehicles"]:
    """Give what stations let vehicles draw: what they were told, an even share where nothing."""
    even = max(float(night.site.headroom_kilowatt[step]), 0.0) / night.fleet.size
    here = np.zeros(night.fleet.size, np.bool_)
    here[present(night, step)] = True
    told = np.where(np.isnan(followed[:, step]), even, followed[:, step])
    most = np.minimum(night.fleet.power_max_kilowatt, np.maximum(need, 0.0))
    return np.where(here, np.minimum(told, most), 0.0)


def render(rows: Sequence[LinkRow]) -> str:
    """Give the rows as text."""
    lines = [
        f"links to stations, {len(NIGHTS)} nights of {VEHICLES} vehicles: what delay and loss cost",
        f"{'delay min':>10}{'lost':>7}{'missing':>9}{'EUR/MWh':>9}{'cut by the guard kWh':>22}",
    ]
    lines += [
        f"{row.delay_minute:>10.0f}{row.lost:>7.0%}{row.missing:>9.2%}{row.eur_per_mwh:>9.2f}"
        f"{row.cut_kwh:>22.1f}"
        for row in rows
    ]
    return "\n".join(lines)

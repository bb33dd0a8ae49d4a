"""What do learned ways of charging make of a depot, beside rules and beside the bound?

Question: energy, cost and peak of a Q-learner (every vehicle an agent; reward eq. 4 with its signs
set right, once without and once with a price) and of the two stages of ant colony and clipped
policy, which learn on some nights of the common depot and are tried on others, and what training
takes.  The site's limit is the harness's: none passes it.  The ants know the whole night, like the
plan; the Q-learner and the rules know who is there.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from voltherd.bench.depot_instance import depot
from voltherd.charging.agents import FEATURES, STATES, features, seen, shared, state
from voltherd.charging.baselines import RULES, Depot, Now, PerVehicle, Rule, depot_of, run
from voltherd.charging.plan import planned
from voltherd.charging.problem import Problem
from voltherd.charging.reward import meant
from voltherd.charging.sheet import site_cost_eur
from voltherd.learning import ant_colony, clipped_policy, q_table

VEHICLES: Final = 50
TRAINED_SEEDS: Final = range(100, 120)
TRIED_SEEDS: Final = range(5)
EPISODES: Final = 200
ROUNDS: Final = 100
POWER_SHARE: Final = np.array([0.0, 0.5, 1.0])
"""Actions of the second stage."""
MISSING_EUR_PER_KWH: Final = 1.0
"""a of the reward: well above every price."""
OVER_EUR_PER_KILOWATT2: Final = 1e-6
"""b of the reward, in a step."""
SEED: Final = 7
Progress = Callable[[str], None]
Powers = Float[np.ndarray, "vehicles steps"]
Charge = Callable[[Problem], Powers]


class LearnedRow(NamedTuple):
    """What one way made of the nights it was tried on.

    Attributes:
        name: Of the way.
        drawn_kwh: Energy [kWh].
        wanted_kwh: Energy that could be taken [kWh].
        cost_eur: For it [EUR].
        bound_eur: No plan that gives every vehicle what it got costs less; NaN where that passes
            the limit [EUR].
        peak_kilowatt: Highest power of all vehicles of any night [kW].
        over_kilowatt: Most above the limit; 0 but for the uncontrolled [kW].
        train_second: CPU time of training [s].
    """

    name: str
    drawn_kwh: float
    wanted_kwh: float
    cost_eur: float
    bound_eur: float
    peak_kilowatt: float
    over_kilowatt: float
    train_second: float

    @property
    def eur_per_mwh(self) -> float:
        """Cost of what was delivered."""
        return 1000.0 * self.cost_eur / max(self.drawn_kwh, 1e-9)


class Trace(NamedTuple):
    """What agents saw and did in a night, by step and vehicle."""

    features: Float[np.ndarray, "steps vehicles features"]
    state: Int[np.ndarray, "steps vehicles"]
    action: Int[np.ndarray, "steps vehicles"]
    active: Bool[np.ndarray, "steps vehicles"]
    last: Bool[np.ndarray, "steps vehicles"]
    need_kwh: Float[np.ndarray, "steps vehicles"]
    reward: Float[np.ndarray, "steps vehicles"]


Act = Callable[[Float[np.ndarray, "vehicles features"], Int[np.ndarray, " vehicles"]], PerVehicle]
"""Gives each vehicle's action, of what is seen and its state."""


def measure(progress: Progress = lambda _: None) -> tuple[LearnedRow, ...]:
    """Train on some nights, try on others, beside rules and plans."""
    trained = [depot(VEHICLES, seed=seed) for seed in TRAINED_SEEDS]
    tried = [depot(VEHICLES, seed=seed) for seed in TRIED_SEEDS]
    rows = [_row(name, tried, _ruled(rule)) for name, rule in RULES.items()]
    for name, priced in (("Q-learner, eq. 4", False), ("Q-learner, eq. 4 and price", True)):
        progress(name)
        begin = time.process_time()
        charge = partial(by_table, q_learner(trained, priced=priced))
        rows.append(_row(name, tried, charge, time.process_time() - begin))
    progress("ant colony and clipped policy")
    begin = time.process_time()
    charge = partial(two_stage, clipped(trained))
    rows.append(_row("ant colony + PPO", tried, charge, time.process_time() - begin))
    rows.append(_row("planned, all known", tried, lambda night: planned(night).power_kilowatt))
    return tuple(rows)


def _ruled(rule: Rule) -> Charge:
    return lambda night: run(depot_of(night), rule).power_kilowatt.T


def _row(
    name: str,
    nights: Sequence[Problem],
    charge: Charge,
    train_second: float = 0.0,
) -> LearnedRow:
    powers = [charge(night) for night in nights]
    pairs = list(zip(nights, powers, strict=True))
    drawn = [power.sum(axis=0) for power in powers]
    return LearnedRow(
        name,
        sum(
            float(of.sum()) * night.site.step_hour for night, of in zip(nights, drawn, strict=True)
        ),
        sum(float(night.reachable_kwh.sum()) for night in nights),
        sum(site_cost_eur(night, power) for night, power in pairs),
        sum(_bound_eur(night, power) for night, power in pairs),
        max(float(of.max()) for of in drawn),
        max(
            max(float((of - night.site.headroom_kilowatt).max()), 0.0)
            for night, of in zip(nights, drawn, strict=True)
        ),
        train_second,
    )


def _bound_eur(night: Problem, power: Powers) -> float:
    """Give what the same energy for every vehicle costs at least."""
    got = power.sum(axis=1) * night.site.step_hour * night.fleet.charge_efficiency
    least = planned(replace(night, fleet=replace(night.fleet, energy_kwh=got)))
    return least.bound_eur if least.shortage is None else np.nan


def q_learner(nights: Sequence[Problem], *, priced: bool) -> q_table.Table:
    """Train the table on nights in turn; worth is for each kWh that a vehicle still needs."""
    chance = np.random.default_rng(SEED)

    def play(table: q_table.Table, blind: float, episode: int) -> q_table.Moves:
        def act(_: np.ndarray, states: Int[np.ndarray, " vehicles"]) -> PerVehicle:
            best = table[states].argmax(axis=1)
            drawn = chance.integers(0, 2, len(best))
            return np.asarray(np.where(chance.random(len(best)) < blind, drawn, best))

        trace = played(nights[episode % len(nights)], act, np.array([0.0, 1.0]), table, priced)
        after = np.vstack([trace.state[1:], trace.state[-1:]])
        need_after = np.vstack([trace.need_kwh[1:], np.zeros_like(trace.need_kwh[:1])])
        on = trace.active
        need = trace.need_kwh[on]
        return q_table.Moves(
            trace.state[on],
            trace.action[on],
            trace.reward[on] / need,
            after[on],
            np.where(trace.last[on], 0.0, need_after[on] / need),
        )

    return q_table.learned(play, STATES, 2, EPISODES)


def by_table(table: q_table.Table, night: Problem) -> Powers:
    """Charge by what a table holds best."""

    def rule(site: Depot, now: Now) -> PerVehicle:
        worth = table[state(seen(night, site, now))]
        keen = worth[:, 1] - worth[:, 0]
        return shared(site, now, (keen > 0.0) * 1.0, keen)

    return run(depot_of(night), rule).power_kilowatt.T


def clipped(nights: Sequence[Problem]) -> clipped_policy.Weights:
    """Train the second stage on nights whose first was decided by ants."""
    chance = np.random.default_rng(SEED)
    starts = [ant_starts(night) for night in nights]

    def play(weights: clipped_policy.Weights, number: int) -> clipped_policy.Samples:
        def act(of: np.ndarray, _: Int[np.ndarray, " vehicles"]) -> PerVehicle:
            likely = clipped_policy.chances(weights, of).cumsum(axis=1)
            drawn = (likely < chance.random((len(of), 1))).sum(axis=1)
            return np.asarray(np.minimum(drawn, len(POWER_SHARE) - 1))

        place = number % len(nights)
        trace = played(nights[place], act, POWER_SHARE, None, True, starts[place])
        gain = trace.reward[::-1].cumsum(axis=0)[::-1]
        on = trace.active
        return clipped_policy.Samples(trace.features[on], trace.action[on], gain[on])

    return clipped_policy.learned(play, FEATURES, len(POWER_SHARE), ROUNDS)


def two_stage(weights: clipped_policy.Weights, night: Problem) -> Powers:
    """Let ants decide when each vehicle begins, and the policy how much it asks for."""
    start = ant_starts(night)

    def rule(site: Depot, now: Now) -> PerVehicle:
        of = seen(night, site, now)
        likely = clipped_policy.chances(weights, features(of))
        share = POWER_SHARE[likely.argmax(axis=1)] * (start <= now.step)
        return shared(site, now, share, -of.wait_hour)

    return run(depot_of(night), rule).power_kilowatt.T


def played(
    night: Problem,
    act: Act,
    power_share: Float[np.ndarray, " actions"],
    table: q_table.Table | None,
    priced: bool,
    start: Int[np.ndarray, " vehicles"] | None = None,
) -> Trace:
    """Play a night and keep what was seen, done and earned.

    Args:
        night: The night.
        act: Chooses.
        power_share: What each action asks for.
        table: Who is keener by it comes first; who can wait least where there is none.
        priced: Whether the reward knows what energy costs.
        start: First step in which each vehicle may draw.
    """
    site = depot_of(night)
    rows: list[tuple[np.ndarray, ...]] = []

    def rule(depot: Depot, now: Now) -> PerVehicle:
        of = seen(night, depot, now)
        numbers, states = features(of), state(of)
        action = act(numbers, states).astype(np.int64)
        active = now.want_kilowatt > 0.0
        if start is not None:
            active = active & (start <= now.step)
        keen = -of.wait_hour if table is None else table[states, 1] - table[states, 0]
        share = np.where(active, power_share[action], 0.0)
        rows.append((numbers, states, action, active, now.need_kwh, now.want_kilowatt * share))
        return shared(depot, now, share, keen)

    charged = run(site, rule)
    numbers, states, action, active, need, asked = map(np.array, zip(*rows, strict=True))
    last = active & ~np.vstack([active[1:], np.zeros_like(active[:1])])
    missing = np.where(last, charged.unmet_kwh, 0.0)
    total = asked.sum(axis=1, keepdims=True)
    part = asked / np.maximum(total, 1e-9)
    room, zero = site.site_cap_kilowatt[:, None], np.zeros(1)
    reward = meant(missing, zero, zero, zero, MISSING_EUR_PER_KWH, 0.0) + part * meant(
        zero, zero, total, room, 0.0, OVER_EUR_PER_KILOWATT2
    )
    if priced:
        price = night.site.price_eur_per_kwh[:, None]
        reward = reward - price * charged.power_kilowatt * site.step_hour
    return Trace(numbers, states, action, active, last, need, reward)


def ant_starts(night: Problem) -> Int[np.ndarray, " vehicles"]:
    """Let ants decide in which step each vehicle begins, to charge without a break.

    An option's looks are its price; the cost of all is what they pay, and the square of what lies
    above the limit.
    """
    fleet, site = night.fleet, night.site
    hour, steps = site.step_hour, site.steps
    need = night.reachable_kwh
    length = np.maximum(np.ceil(need / (fleet.power_max_kilowatt * hour) - 1e-9), 1).astype(int)
    power = need / (length * hour)
    step = np.arange(steps)
    allowed = (step >= fleet.arrival_step[:, None]) & (
        step <= (fleet.departure_step - length)[:, None]
    )
    until = np.minimum(step + length[:, None], steps)
    total = np.concatenate([[0.0], site.price_eur_per_kwh.cumsum()])
    pay = power[:, None] * hour * (total[until] - total[step])
    mean = pay / np.maximum(need, 1e-9)[:, None]
    looks = 1.0 / np.maximum(mean - mean[allowed].min(initial=0.0) + 0.05, 0.01)
    things = np.arange(fleet.size)

    def cost(begin: Int[np.ndarray, " vehicles"]) -> float:
        change = np.zeros(steps + 1)
        np.add.at(change, begin, power)
        np.add.at(change, begin + length, -power)
        over = np.maximum(change.cumsum()[:steps] - site.headroom_kilowatt, 0.0)
        return float(pay[things, begin].sum() + MISSING_EUR_PER_KWH * hour * over.sum())

    return ant_colony.chosen(cost, looks, allowed, np.random.default_rng(SEED))[0]


def render(rows: Sequence[LearnedRow]) -> str:
    """Give the rows as text."""
    lines = [
        f"learned ways on {len(TRIED_SEEDS)} nights of {VEHICLES} vehicles, trained on "
        f"{len(TRAINED_SEEDS)} others; beside rules and the plan; above: cost over the "
        "proved least for the same energy",
        f"{'':<28}{'kWh':>10}{'missing':>9}{'EUR':>10}{'EUR/MWh':>9}{'above':>8}{'peak kW':>9}"
        f"{'over kW':>9}{'train s':>9}",
    ]
    for row in rows:
        missing = 1.0 - row.drawn_kwh / row.wanted_kwh
        above = row.cost_eur / row.bound_eur - 1.0
        told = "–" if np.isnan(above) else f"{above:+.1%}"
        lines.append(
            f"{row.name:<28}{row.drawn_kwh:>10,.1f}{missing:>9.1%}{row.cost_eur:>10,.2f}"
            f"{row.eur_per_mwh:>9.2f}{told:>8}{row.peak_kilowatt:>9.1f}"
            f"{row.over_kilowatt:>9.1f}{row.train_second:>9.1f}"
        )
    return "\n".join(lines)

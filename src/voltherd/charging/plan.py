"""A depot's plan: who charges when, what it costs, and how near it is to the best there is.

Every plan carries a certificate.  ``bound_eur`` is proved: no plan that delivers as much energy
under the same limits costs less.  ``gap`` is what the plan costs beyond it, as a share of its cost.
Where not all energy can be delivered the plan delivers the most that can be, then at least cost,
and ``shortage`` says which limits stand in the way, which vehicles go short, and by how much.
"""

from dataclasses import dataclass
from typing import Final, NamedTuple, final

import numpy as np
from jaxtyping import Float, Int

from voltherd.charging.checks import checked
from voltherd.charging.decomposition import Effort, Market, Outcome, decompose
from voltherd.charging.fill import fill
from voltherd.charging.limits import Limits, Rows, classes, limits
from voltherd.charging.oracle import Answer, Oracle, Profiles
from voltherd.charging.problem import Problem
from voltherd.errors import UsageError

_UNSERVED_KWH: Final = 1e-6
"""Energy below this is rounding."""
_UNSERVED_SHARE: Final = 1e-6
_BINDS: Final = 1e-7
"""Multipliers above this, as kWh a kW would deliver, name a limit."""
_DEAR: Final = 10.0
"""First price of energy not delivered, in highest prices of buying."""


class Obstacle(NamedTuple):
    """A limit that keeps energy from being delivered.

    Attributes:
        name: Of the limit.
        steps: In which it does.
        kwh_per_kilowatt: What a kW more would deliver there [kWh/kW].
    """

    name: str
    steps: Int[np.ndarray, "binding"]
    kwh_per_kilowatt: Float[np.ndarray, "binding"]


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shortage:
    """Why not all energy can be delivered.

    Attributes:
        missing_kwh: Energy that the plan leaves out of batteries, by vehicle [kWh].
        own_kwh: How much of it their own power and stay cannot bring, whatever the limits [kWh].
        drawn_kwh: Not drawn for want of room under the limits, all vehicles together [kWh].
        least_kwh: No plan can leave less than this undrawn [kWh].
        obstacles: The limits in the way, with the steps.
    """

    missing_kwh: Float[np.ndarray, "vehicles"]
    own_kwh: Float[np.ndarray, "vehicles"]
    drawn_kwh: float
    least_kwh: float
    obstacles: tuple[Obstacle, ...]

    @property
    def vehicles(self) -> Int[np.ndarray, "short"]:
        """Those that go short, the worst first."""
        order = np.argsort(-self.missing_kwh, kind="stable")
        return order[self.missing_kwh[order] > _UNSERVED_KWH]


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Plan:
    """Who charges when.

    Attributes:
        power_kilowatt: Drawn by each vehicle in each step, negative where it gives [kW].
        cost_eur: What charging adds to the site's bill, with wear and the demand charge [EUR].
        bound_eur: No plan that delivers as much costs less [EUR].
        gap: Cost beyond the bound, as a share of the cost.
        wear_eur: Wear of giving energy back, part of the cost [EUR].
        iterations: Solutions of the master programme.
        site_price_eur_per_kwh: Price of buying and what limits add to it, for a vehicle that lies
            evenly on the phases and in no group [EUR/kWh].
        multiplier_eur_per_kilowatt: What a kW more of each limit would save [EUR/kW].
        limit_names: Of the rows of the multipliers.
        shortage: Why not all energy is delivered; nothing where it is.
    """

    power_kilowatt: Float[np.ndarray, "vehicles steps"]
    cost_eur: float
    bound_eur: float
    gap: float
    wear_eur: float
    iterations: int
    site_price_eur_per_kwh: Float[np.ndarray, "steps"]
    multiplier_eur_per_kilowatt: Rows
    limit_names: tuple[str, ...]
    shortage: Shortage | None


def planned(
    problem: Problem, effort: Effort | None = None, start: Rows | None = None
) -> Plan:
    """Plan a depot.

    Args:
        problem: Vehicles and site.
        effort: When to stop; at a gap of 1e-4 where it is not given.
        start: ``Plan.multiplier_eur_per_kilowatt`` of an earlier plan with the same limits and
            steps.

    Raises:
        InputError: The problem makes no sense; the message says where.
        UsageError: ``start`` belongs to other limits or steps.
    """
    effort = effort or Effort()
    class_of = classes(checked(problem))
    rows = limits(problem, class_of)
    if start is not None and start.shape != rows.room_kilowatt.shape:
        raise UsageError(
            "the earlier plan has other limits or steps", mend="plan without its start"
        )
    price = problem.site.price_eur_per_kwh
    dear = _DEAR * max(float(np.abs(price).max(initial=0.0)), 0.01)
    while True:
        oracle = _oracle(problem, class_of, dear)
        market = Market(oracle, rows, price, problem.site.step_hour, _scale(problem))
        outcome = decompose(market, _nothing(problem, class_of), effort, start)
        profiles = _mixed(oracle, outcome)
        missing = float(profiles.unserved_kwh.sum())
        least, obstacles = 0.0, tuple[Obstacle, ...]()
        slack = max(_UNSERVED_KWH, _UNSERVED_SHARE * float(problem.drawn_kwh.sum()))
        if missing > slack:
            least, obstacles = _least_missing(problem, class_of, rows, effort)
            if missing - least > max(slack, effort.gap * missing) and dear < 1e6:
                dear, start = 10.0 * dear, outcome.bound.multiplier
                continue
        shortage = _shortage(problem, profiles, missing if missing > slack else 0.0, least, obstacles)
        return _plan(problem, class_of, market, outcome, profiles, shortage)


def _oracle(problem: Problem, class_of: Int[np.ndarray, "vehicles"], dear: float) -> Oracle:
    return fill(problem, class_of, dear)


def _scale(problem: Problem) -> float:
    """A gap is a share of the cost, or of a hundredth of usual cost where prices cancel [EUR]."""
    usual = float(np.abs(problem.site.price_eur_per_kwh).mean())
    return max(0.01 * usual * float(problem.drawn_kwh.sum()), 1e-9)


def _nothing(problem: Problem, class_of: Int[np.ndarray, "vehicles"]) -> Answer:
    """The answer of vehicles that do not charge."""
    count = int(class_of.max(initial=0)) + 1
    unserved = np.bincount(class_of, problem.reachable_kwh, count)
    never = np.full((count, problem.site.steps), np.inf)
    return Answer(np.zeros(never.shape), np.zeros(count), unserved, never)


def _mixed(oracle: Oracle, outcome: Outcome) -> Profiles:
    """Give each vehicle its part of the mix."""
    used = [
        (one.answer, weights)
        for one, weights in zip(outcome.asked, outcome.mix.weights, strict=True)
        if weights.any()
    ]
    return oracle.profiles([answer for answer, _ in used], np.stack([w for _, w in used]))


def _least_missing(
    problem: Problem, class_of: Int[np.ndarray, "vehicles"], rows: Limits, effort: Effort
) -> tuple[float, tuple[Obstacle, ...]]:
    """Bound from below the energy that no plan can draw, and name the limits in the way."""
    free = np.zeros(problem.site.steps)
    hard = rows._replace(
        room_kilowatt=np.where(rows.relief >= 0, np.inf, rows.room_kilowatt),
        relief=np.full(rows.relief.shape, -1),
        relief_eur=np.zeros(0),
        constant_eur=0.0,
    )
    scale = 1e-3 * float(problem.drawn_kwh.sum())
    market = Market(fill(problem, class_of, 1.0), hard, free, problem.site.step_hour, scale)
    outcome = decompose(market, _nothing(problem, class_of), effort)
    multiplier = outcome.bound.multiplier
    obstacles = tuple(
        Obstacle(name, np.flatnonzero(row > _BINDS), row[row > _BINDS])
        for name, row in zip(rows.names, multiplier, strict=True)
        if (row > _BINDS).any()
    )
    return max(outcome.bound.eur, 0.0), obstacles


def _shortage(
    problem: Problem,
    profiles: Profiles,
    missing: float,
    least: float,
    obstacles: tuple[Obstacle, ...],
) -> Shortage | None:
    own = (problem.drawn_kwh - problem.reachable_kwh) * problem.fleet.charge_efficiency
    own = np.where(own > _UNSERVED_KWH, own, 0.0)
    if not missing and not own.any():
        return None
    return Shortage(
        missing_kwh=profiles.unserved_kwh * problem.fleet.charge_efficiency + own,
        own_kwh=own,
        drawn_kwh=missing,
        least_kwh=least,
        obstacles=obstacles,
    )


def _plan(
    problem: Problem,
    class_of: Int[np.ndarray, "vehicles"],
    market: Market,
    outcome: Outcome,
    profiles: Profiles,
    shortage: Shortage | None,
) -> Plan:
    """Work out what the vehicles' profiles cost and how near that is to the bound."""
    rows, site = market.limits, problem.site
    class_power = np.stack(
        [profiles.power_kilowatt[class_of == c].sum(axis=0) for c in range(rows.weight.shape[1])]
    )
    energy = float(class_power.sum(axis=0) @ site.price_eur_per_kwh) * site.step_hour
    wear = float(profiles.wear_eur.sum())
    cost = energy + wear + rows.relief_cost_eur(class_power) - rows.constant_eur
    missing = float(profiles.unserved_kwh.sum())
    unserved = missing * market.oracle.unserved_eur_per_kwh
    bound = outcome.bound.eur - rows.constant_eur - unserved
    multiplier = outcome.bound.multiplier
    return Plan(
        power_kilowatt=profiles.power_kilowatt,
        cost_eur=cost,
        bound_eur=bound,
        gap=(cost - bound) / max(abs(cost), market.scale_eur),
        wear_eur=wear,
        iterations=outcome.iterations,
        site_price_eur_per_kwh=site.price_eur_per_kwh + rows.even @ multiplier / site.step_hour,
        multiplier_eur_per_kilowatt=multiplier,
        limit_names=rows.names,
        shortage=shortage,
    )

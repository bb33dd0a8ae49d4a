"""A depot's plan: who charges when, what it costs, and how near it is to the best there is.

Every plan carries a certificate.  ``bound_eur`` is proved: no plan that delivers as much energy
under the same limits costs less.  ``gap`` is what the plan costs beyond it, as a share of its cost.
Where not all energy can be delivered the plan delivers the most that can be, then at least cost,
and ``shortage`` says which limits stand in the way, which vehicles go short, and by how much.
"""

from dataclasses import dataclass, replace
from typing import Final, NamedTuple, final

import numpy as np
from jaxtyping import Float, Int

from voltherd.charging import minimum_few
from voltherd.charging.checks import checked
from voltherd.charging.decomposition import Effort, Market, Outcome, decompose
from voltherd.charging.fairness import evened
from voltherd.charging.limits import NONE, Limits, Rows, classes, limits
from voltherd.charging.minimum import drawn_answers, stepped
from voltherd.charging.oracle import Profiles
from voltherd.charging.problem import GIVES, Problem
from voltherd.charging.shortage import Least, Shortage, least_missing, rounding_kwh, shortage
from voltherd.charging.switching import chosen, with_twins
from voltherd.charging.vehicles import oracle
from voltherd.errors import UsageError

_DEAR: Final = 10.0
"""First price of energy not delivered, in highest prices of buying."""
_DEARER: Final = 10.0
_DEAREST_EUR_PER_KWH: Final = 1e6
_PRICE_MIN_EUR_PER_KWH: Final = 0.01
_COST_MIN_EUR: Final = 1e-3
_USUAL_SHARE: Final = 0.01
_PRICES_TRIED: Final = 25
_DIGITS: Final = 6
_OVER_KILOWATT: Final = 1e-6


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Plan:
    """Who charges when.

    Attributes:
        power_kilowatt: Drawn by each vehicle in each step, negative where it gives [kW].
        cost_eur: What charging adds to the site's bill, with wear and the demand charge [EUR].
        bound_eur: No plan that delivers as much costs less [EUR].
        gap: Cost beyond the bound, as a share of the cost.
        wear_eur: Wear of giving energy back and of waiting, part of the cost, by vehicle [EUR].
        iterations: Solutions of the master programme.
        site_price_eur_per_kwh: Price of buying and what limits add to it, for a vehicle that lies
            evenly on the phases and in no group [EUR/kWh].
        multiplier_eur_per_kilowatt: What a kW more of each limit would save [EUR/kW].
        limit_names: Of the rows of the multipliers.
        shortage: Why not all energy is delivered; nothing where it is.
        phases: On how many each vehicle charges.
    """

    power_kilowatt: Float[np.ndarray, "vehicles steps"]
    cost_eur: float
    bound_eur: float
    gap: float
    wear_eur: Float[np.ndarray, "vehicles"]
    iterations: int
    site_price_eur_per_kwh: Float[np.ndarray, "steps"]
    multiplier_eur_per_kilowatt: Rows
    limit_names: tuple[str, ...]
    shortage: Shortage | None
    phases: Int[np.ndarray, "vehicles"]


def planned(
    problem: Problem,
    effort: Effort | None = None,
    start: Rows | None = None,
    *,
    minimum: bool = False,
) -> Plan:
    """Plan a depot.

    Args:
        problem: Vehicles and site.
        effort: When to stop; at a gap of 1e-4 where it is not given.
        start: ``Plan.multiplier_eur_per_kilowatt`` of an earlier plan with the same limits and
            steps.
        minimum: Whether every power is none or at least the vehicle's least; of vehicles that do
            not give back.

    Raises:
        InputError: The problem makes no sense; the message says where.
        UsageError: ``start`` belongs to other limits or steps.
    """
    if checked(problem).single is not None:
        return _switched(problem, effort or Effort(), start, minimum)
    class_of = classes(problem)
    rows = limits(problem, class_of)
    if start is not None and start.shape != rows.room_kilowatt.shape:
        raise UsageError(
            "the earlier plan has other limits or steps", mend="plan without its start"
        )
    best = _most_delivered(problem, class_of, rows, effort or Effort(), start)
    if best.profiles.unserved_kwh.sum() > rounding_kwh(problem):
        best = best._replace(profiles=_fair(problem, class_of, best.profiles))
    if minimum and (problem.kind != GIVES).any():
        best = best._replace(profiles=_stepped(problem, class_of, best))
    return _plan(problem, class_of, best)


def _switched(problem: Problem, effort: Effort, start: Rows | None, minimum: bool) -> Plan:
    """Choose a phase or three for each vehicle that can switch; the bound is of every choice."""
    free = with_twins(problem)
    class_of = classes(free)
    best = _most_delivered(free, class_of, limits(free, class_of), effort, None)
    ways = (replace(problem, single=None), chosen(problem, best.profiles.power_kilowatt))
    plans = [planned(way, effort, start, minimum=minimum) for way in ways]
    undrawn = [0.0 if one.shortage is None else one.shortage.drawn_kwh for one in plans]
    reached = [round(kwh / rounding_kwh(problem)) for kwh in undrawn]
    at = min(range(len(plans)), key=lambda n: (reached[n], round(plans[n].cost_eur, _DIGITS)))
    dear = best.market.oracle.unserved_eur_per_kwh
    plan, way = plans[at], ways[at]
    constant = limits(way, classes(way)).constant_eur
    bound = best.outcome.bound.eur - constant - dear * undrawn[at]
    return replace(
        plan,
        bound_eur=bound,
        gap=(plan.cost_eur - bound) / max(abs(plan.cost_eur), best.market.scale_eur),
        phases=way.fleet.phases,
    )


class _Best(NamedTuple):
    """A plan as the decomposition gives it."""

    market: Market
    outcome: Outcome
    profiles: Profiles
    least: Least


def _most_delivered(
    problem: Problem,
    class_of: Int[np.ndarray, "vehicles"],
    rows: Limits,
    effort: Effort,
    start: Rows | None,
) -> _Best:
    """Plan; while more could be delivered than is, make what is not delivered dearer."""
    price = problem.site.price_eur_per_kwh
    highest = float(np.abs(price).max() + problem.waiting_eur_per_kwh.max())
    usual = _USUAL_SHARE * float(np.abs(price).mean() * problem.drawn_kwh.sum())
    dear = _DEAR * max(highest, _PRICE_MIN_EUR_PER_KWH)
    least = Least(0.0, ())
    while True:
        vehicles = oracle(problem, class_of, dear)
        market = Market(vehicles, rows, price, problem.site.step_hour, max(usual, _COST_MIN_EUR))
        outcome = decompose(market, effort, start)
        used = [
            (one.answer, weights)
            for one, weights in zip(outcome.asked, outcome.mix.weights, strict=True)
            if weights.any()
        ]
        answers, weights = zip(*used, strict=True)
        profiles = vehicles.profiles(answers, np.stack(weights))
        missing = float(profiles.unserved_kwh.sum())
        if missing > rounding_kwh(problem) and not least.obstacles:
            least = least_missing(problem, class_of, rows, effort)
        enough = least.kwh + max(rounding_kwh(problem), effort.gap * missing)
        if missing <= enough or dear > _DEAREST_EUR_PER_KWH:
            return _Best(market, outcome, profiles, least)
        dear, start = _DEARER * dear, outcome.bound.multiplier


def _class_power(
    power: Float[np.ndarray, "vehicles steps"], class_of: Int[np.ndarray, "vehicles"], count: int
) -> Float[np.ndarray, "classes steps"]:
    return np.stack([power[class_of == number].sum(axis=0) for number in range(count)])


def _fair(problem: Problem, class_of: Int[np.ndarray, "vehicles"], profiles: Profiles) -> Profiles:
    """Let power change hands within classes where vehicles go short."""
    power, missing = evened(problem, class_of, profiles.power_kilowatt, profiles.unserved_kwh)
    return profiles._replace(power_kilowatt=power, unserved_kwh=missing)


def _stepped(problem: Problem, class_of: Int[np.ndarray, "vehicles"], best: _Best) -> Profiles:
    """Give powers that are none or enough, near those of the mix, beside what gives back."""
    mixed, rows, hour = best.profiles.power_kilowatt, best.market.limits, problem.site.step_hour
    gives, count = problem.kind == GIVES, best.market.limits.weight.shape[1]
    some = np.flatnonzero(~gives)
    own, of = problem.of(some), class_of[some]
    others = rows.use(_class_power(np.where(gives[:, None], mixed, 0.0), class_of, count))
    found = None
    if minimum_few.fits(own):
        left = rows._replace(room_kilowatt=rows.room_kilowatt - others)
        dear = best.market.oracle.unserved_eur_per_kwh
        found = minimum_few.decided(own, of, left, dear)
    power = mixed.copy()
    power[some] = _followed(problem, class_of, best, others) if found is None else found
    use = rows.use(_class_power(power, class_of, count))
    hard = (rows.relief == NONE) & np.isfinite(rows.room_kilowatt)
    if (use[hard] > rows.room_kilowatt[hard] + _OVER_KILOWATT).any():
        return best.profiles  # with no grid what gives back needs what draws: nothing is moved
    unserved = best.profiles.unserved_kwh.copy()
    unserved[some] = np.maximum(own.reachable_kwh - power[some].sum(axis=1) * hour, 0.0)
    return Profiles(power, unserved, best.profiles.wear_eur)


def _followed(
    problem: Problem, class_of: Int[np.ndarray, "vehicles"], best: _Best, others: Rows
) -> Float[np.ndarray, "some steps"]:
    """Let vehicles that do not give back follow one answer each, and move what misses limits."""
    market, outcome, rows = best.market, best.outcome, best.market.limits
    some = np.flatnonzero(problem.kind != GIVES)
    own, of = problem.of(some), class_of[some]
    order = np.lexsort(
        (own.fleet.power_max_kilowatt, own.fleet.departure_step, own.fleet.arrival_step)
    )
    choice = np.zeros(problem.fleet.size, dtype=int)
    choice[some] = drawn_answers(outcome.mix.weights, of, order)
    mixed = _class_power(best.profiles.power_kilowatt, class_of, rows.weight.shape[1])
    held = rows.widened(mixed)
    return stepped(
        own,
        of,
        held._replace(room_kilowatt=held.room_kilowatt - others),
        market.prices(outcome.bound.multiplier),
        market.oracle.followed([one.answer for one in outcome.asked], choice)[some],
    )


def _bound_eur(problem: Problem, class_of: Int[np.ndarray, "vehicles"], best: _Best) -> float:
    """Give what plans that leave out as much cost at least, base load included.

    Any price of energy not delivered proves a bound; the best is the one at which this much of it
    is not worth delivering.
    """
    market, outcome = best.market, best.outcome
    missing = float(best.profiles.unserved_kwh.sum())
    bound = outcome.bound.eur - missing * market.oracle.unserved_eur_per_kwh
    if missing <= rounding_kwh(problem):
        return bound
    prices = market.prices(outcome.bound.multiplier)
    for price in np.unique(np.quantile(prices, np.linspace(0.0, 1.0, _PRICES_TRIED))).tolist():
        other = market._replace(oracle=oracle(problem, class_of, price))
        found = other.ask(outcome.bound.multiplier).bound.eur - missing * price
        bound = max(bound, found)
    return bound


def _plan(problem: Problem, class_of: Int[np.ndarray, "vehicles"], best: _Best) -> Plan:
    """Work out what the vehicles' profiles cost and how near that is to the bound."""
    market, outcome, profiles, least = best
    rows, site = market.limits, problem.site
    together = _class_power(profiles.power_kilowatt, class_of, rows.weight.shape[1])
    energy = float(together.sum(axis=0) @ site.price_eur_per_kwh) * site.step_hour
    waiting = (problem.waiting_eur_per_kwh * profiles.power_kilowatt).sum(axis=1) * site.step_hour
    wear = profiles.wear_eur + waiting
    cost = energy + float(wear.sum()) + rows.relief_cost_eur(together) - rows.constant_eur
    bound = _bound_eur(problem, class_of, best) - rows.constant_eur
    multiplier = outcome.bound.multiplier
    return Plan(
        power_kilowatt=profiles.power_kilowatt,
        cost_eur=cost,
        bound_eur=bound,
        gap=(cost - bound) / max(abs(cost), market.scale_eur),
        wear_eur=wear,
        iterations=outcome.iterations,
        site_price_eur_per_kwh=site.price_eur_per_kwh
        + rows.even @ rows.charged(multiplier) / site.step_hour,
        multiplier_eur_per_kilowatt=multiplier,
        limit_names=rows.names,
        shortage=shortage(problem, profiles, least),
        phases=problem.fleet.phases,
    )

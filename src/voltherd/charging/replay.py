"""Recorded days charged by every rule, as it goes, and with all known: cost, energy, peak."""

from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Float

from voltherd.charging.baselines import RULES, depot_of, run
from voltherd.charging.online import as_it_goes
from voltherd.charging.plan import planned
from voltherd.charging.problem import Problem
from voltherd.charging.sheet import site_cost_eur
from voltherd.types.depot import ALL_KNOWN, AS_IT_GOES, Way


def ways(problem: Problem, past: Sequence[Problem]) -> Iterator[Way]:
    """Charge a day in every way.

    Args:
        problem: The day as it came about; its vehicles only draw.
        past: Earlier days, the latest last: how full they were is expected again.
    """
    depot = depot_of(problem)
    for name, rule in RULES.items():
        yield _way(problem, name, run(depot, rule).power_kilowatt.T)
    yield _way(problem, AS_IT_GOES, as_it_goes(problem, past).power_kilowatt)
    yield _way(problem, ALL_KNOWN, planned(problem).power_kilowatt)


def _way(problem: Problem, name: str, power: Float[np.ndarray, "vehicles steps"]) -> Way:
    site, drawn = problem.site, power.sum(axis=0)
    over = drawn > site.headroom_kilowatt * (1.0 + 1e-6) + 1e-6
    return Way(
        name=name,
        cost_eur=site_cost_eur(problem, power),
        wanted_kwh=float(problem.reachable_kwh.sum()),
        drawn_kwh=float(drawn.sum()) * site.step_hour,
        peak_kilowatt=float((drawn + site.net_base_kilowatt).max(initial=0.0)),
        over_hour=float(over.sum()) * site.step_hour,
    )


def together(every: list[tuple[Way, ...]]) -> tuple[Way, ...]:
    """Add up the ways of several days."""
    return tuple(
        Way(
            name=of[0].name,
            cost_eur=sum(way.cost_eur for way in of),
            wanted_kwh=sum(way.wanted_kwh for way in of),
            drawn_kwh=sum(way.drawn_kwh for way in of),
            peak_kilowatt=max(way.peak_kilowatt for way in of),
            over_hour=sum(way.over_hour for way in of),
        )
        for of in zip(*every, strict=True)
    )

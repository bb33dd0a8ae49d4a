"""Batteries of the site, put behind the vehicles: always there, as full at the end as at first."""

from collections.abc import Sequence
from dataclasses import fields, replace

import numpy as np
from jaxtyping import Float

from voltherd.charging.problem import Discharge, Fleet, Problem, Single, Taper
from voltherd.cloud.depot_sections import StorageSection


def with_stores(problem: Problem, sections: Sequence[StorageSection]) -> Problem:
    """Put batteries of the site behind the vehicles of a problem.

    Args:
        problem: With vehicles alone.
        sections: What a site file says of its batteries.
    """
    if not sections:
        return problem
    fleet, site, more = problem.fleet, problem.site, _fleet(sections, problem.site.steps)
    arrays = [of.name for of in fields(Fleet) if of.name != "names"]
    both = {n: np.concatenate([getattr(fleet, n), getattr(more, n)]) for n in arrays}
    none = np.zeros(len(sections), dtype=bool)
    groups = tuple(g._replace(member=np.concatenate([g.member, none])) for g in site.groups)
    taper = problem.taper
    if taper is not None:
        lines = (len(sections), taper.empty_kilowatt.shape[1])
        taper = Taper(
            np.concatenate([taper.empty_kilowatt, np.full(lines, np.inf)]),
            np.concatenate([taper.fall_per_hour, np.zeros(lines)]),
        )
    return Problem(
        fleet=Fleet(names=fleet.names + more.names, **both),
        site=replace(site, groups=groups),
        discharge=_discharge(problem, sections),
        taper=taper,
        stores=len(sections),
        single=_single(problem.single, len(sections)),
        waiting_eur_per_kwh_hour=None
        if problem.waiting_eur_per_kwh_hour is None
        else np.concatenate([problem.waiting_eur_per_kwh_hour, np.zeros(len(sections))]),
    )


def _single(single: Single | None, more: int) -> Single | None:
    if single is None:
        return None
    return Single(
        np.concatenate([single.able, np.zeros(more, dtype=bool)]),
        np.concatenate([single.power_max_kilowatt, np.zeros(more)]),
        np.concatenate([single.power_min_kilowatt, np.zeros(more)]),
    )


def _fleet(sections: Sequence[StorageSection], steps: int) -> Fleet:
    size = len(sections)
    capacity = np.array([store.capacity_kwh for store in sections])
    return Fleet(
        arrival_step=np.zeros(size, np.int64),
        departure_step=np.full(size, steps),
        power_max_kilowatt=np.array([store.power_kilowatt for store in sections]),
        energy_kwh=np.zeros(size),
        battery_kwh=capacity,
        stored_kwh=np.array([store.soc for store in sections]) * capacity,
        phases=np.full(size, 3),
        phase=np.zeros(size, np.int64),
        charge_efficiency=np.array([store.efficiency for store in sections]),
        power_min_kilowatt=np.zeros(size),
        names=tuple(store.name for store in sections),
    )


def _discharge(problem: Problem, sections: Sequence[StorageSection]) -> Discharge:
    """Let them give; tiers of wear are cut where those of vehicles or of any battery are."""
    vehicles, given = problem.fleet.size, problem.discharge
    wears = [np.array(store.wear_eur_per_kwh) for store in sections]
    ends = [np.arange(1, len(wear) + 1) / len(wear) for wear in wears]
    old = np.ones(1) if given is None else np.cumsum(given.tier_fraction)
    tiers = np.unique(np.round(np.concatenate([old, *ends]), 9))

    def at(end: Float[np.ndarray, " ends"], wear: Float[np.ndarray, "... ends"]) -> np.ndarray:
        return np.asarray(wear[..., np.searchsorted(np.round(end, 9), tiers)])

    own = np.stack([at(end, wear) for end, wear in zip(ends, wears, strict=True)])
    none = np.zeros(vehicles)
    before = np.zeros((vehicles, len(old))) if given is None else given.tier_wear_eur_per_kwh
    kept = none if given is None or given.reserve_kwh is None else given.reserve_kwh
    return Discharge(
        limit_kilowatt=np.concatenate(
            [
                none if given is None else given.limit_kilowatt,
                [store.discharge_kilowatt or store.power_kilowatt for store in sections],
            ]
        ),
        efficiency=np.concatenate(
            [
                none + 1.0 if given is None else given.efficiency,
                [store.efficiency for store in sections],
            ]
        ),
        tier_fraction=np.diff(tiers, prepend=0.0),
        tier_wear_eur_per_kwh=np.concatenate([at(old, before), own]),
        reserve_kwh=np.concatenate(
            [kept, [store.soc_min * store.capacity_kwh for store in sections]]
        ),
    )

"""What cannot be planned, said clearly: each check names the vehicle or step and the mend."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from jaxtyping import Bool

from voltherd.charging.problem import DRAWS, GIVES, Discharge, Fleet, Problem, Single, Taper
from voltherd.charging.site import Site
from voltherd.errors import InputError

ROUNDING_KWH = 1e-9
"""Energies this near a bound are at it."""


def checked(problem: Problem) -> Problem:
    """Give the problem back if it can be planned.

    Raises:
        InputError: It cannot: which vehicle or step is wrong, why, and what to do.
    """
    if not problem.fleet.size:
        raise InputError("there is no vehicle to plan for", mend="add one")
    if not problem.site.steps:
        raise InputError("there is no step to plan", mend="give a price for each step")
    if not 0 <= problem.stores <= problem.fleet.size:
        raise InputError("more batteries of the site than there are", mend="correct stores")
    _lengths(problem)
    for wrong, what, mend in (_energy(problem), *_fleet(problem.fleet, problem.site.steps)):
        _refuse(problem.fleet, wrong, what, mend)
    if problem.discharge is not None:
        for wrong, what, mend in _discharge(problem.discharge):
            _refuse(problem.fleet, wrong, what, mend)
        _tiers(problem.discharge)
    if problem.waiting_eur_per_kwh_hour is not None:
        waiting = problem.waiting_eur_per_kwh_hour
        wrong = ~((waiting >= 0) & np.isfinite(waiting))
        _refuse(problem.fleet, wrong, "its wear of waiting is negative or no number", "correct it")
    if problem.single is not None:
        for wrong, what, mend in _single(problem, problem.single):
            _refuse(problem.fleet, wrong, what, mend)
    if problem.taper is not None:
        for wrong, what, mend in _taper(problem, problem.taper):
            _refuse(problem.fleet, wrong, what, mend)
    _site(problem.site)
    return problem


Check = tuple[Bool[np.ndarray, "vehicles"], str, str]


def _lengths(problem: Problem) -> None:
    """Arrays by vehicle and by step have one length each."""
    fleet, site = problem.fleet, problem.site
    vehicle = {name: getattr(fleet, name) for name in fleet.__slots__ if name != "names"}
    if fleet.names:
        vehicle["names"] = fleet.names
    if problem.discharge is not None:
        vehicle["limit_kilowatt"] = problem.discharge.limit_kilowatt
        vehicle["efficiency"] = problem.discharge.efficiency
        vehicle["tier_wear_eur_per_kwh"] = problem.discharge.tier_wear_eur_per_kwh
        if problem.discharge.reserve_kwh is not None:
            vehicle["reserve_kwh"] = problem.discharge.reserve_kwh
    if problem.waiting_eur_per_kwh_hour is not None:
        vehicle["waiting_eur_per_kwh_hour"] = problem.waiting_eur_per_kwh_hour
    if problem.single is not None:
        vehicle |= {f"single {name}": of for name, of in problem.single._asdict().items()}
    if problem.taper is not None:
        vehicle |= {f"taper {name}": of for name, of in problem.taper._asdict().items()}
    vehicle |= {f"member of {group.name}": group.member for group in site.groups}
    step = {
        name: getattr(site, name)
        for name in ("limit_kilowatt", "base_kilowatt", "pv_kilowatt", "feed_in_eur_per_kwh")
        if getattr(site, name) is not None
    }
    step |= {f"limit of {group.name}": group.limit_kilowatt for group in site.groups}
    if site.phase_limit_kilowatt is not None:
        step["phase_limit_kilowatt"] = site.phase_limit_kilowatt.T
    for arrays, size, of in (
        (vehicle, fleet.size, "vehicles with energy_kwh"),
        (step, site.steps, "steps with price_eur_per_kwh"),
    ):
        for name, array in arrays.items():
            if len(array) != size:
                raise InputError(
                    f"{name} has {len(array)} values for {size} {of}", mend="give one for each"
                )


def _refuse(fleet: Fleet, wrong: Bool[np.ndarray, "vehicles"], what: str, mend: str) -> None:
    if not wrong.any():
        return
    first = int(np.flatnonzero(wrong)[0])
    more = int(wrong.sum()) - 1
    raise InputError(
        what + (f" (and {more} more vehicles)" if more else ""), where=fleet.name(first), mend=mend
    )


def _fleet(fleet: Fleet, steps: int) -> Iterator[Check]:
    """Conditions are stated as what must hold, so that NaN fails them."""
    for name in ("power_max_kilowatt", "power_min_kilowatt", "stored_kwh"):
        value = getattr(fleet, name)
        yield ~((value >= 0) & np.isfinite(value)), f"{name} is negative or no number", "correct it"
    yield (
        ~((fleet.arrival_step >= 0) & (fleet.departure_step <= steps)),
        f"its stay reaches beyond the {steps} steps of the plan",
        "cut the stay to the plan or lengthen the plan",
    )
    yield (
        ~(fleet.departure_step > fleet.arrival_step),
        "it departs before it has arrived",
        "correct arrival_step or departure_step",
    )
    yield ~(fleet.battery_kwh > 0), "battery_kwh is not above zero", "give its usable size"
    yield (
        ~(fleet.stored_kwh + fleet.energy_kwh <= fleet.battery_kwh + ROUNDING_KWH),
        "more energy is asked for than fits its battery",
        "lower energy_kwh to battery_kwh - stored_kwh",
    )
    yield (
        ~((fleet.charge_efficiency > 0) & (fleet.charge_efficiency <= 1)),
        "charge_efficiency is not above 0 and at most 1",
        "give a fraction",
    )
    yield (
        ~(fleet.power_min_kilowatt <= fleet.power_max_kilowatt),
        "its least power is above its most",
        "correct power_min_kilowatt",
    )
    yield (
        ~((fleet.power_max_kilowatt > 0) | (fleet.energy_kwh == 0)),
        "it needs energy but has no power",
        "correct power_max_kilowatt",
    )
    yield ~np.isin(fleet.phases, (1, 3)), "phases is neither 1 nor 3", "correct it"
    yield ~np.isin(fleet.phase, (0, 1, 2)), "phase is none of 0, 1, 2", "correct it"


def _energy(problem: Problem) -> Check:
    """Only what gives back can leave with less than it has."""
    fleet, least = problem.fleet, np.zeros(problem.fleet.size)
    if problem.discharge is not None:
        least = np.where(problem.discharge.limit_kilowatt > 0.0, -fleet.stored_kwh, 0.0)
    return (
        ~((fleet.energy_kwh >= least - ROUNDING_KWH) & np.isfinite(fleet.energy_kwh)),
        "energy_kwh is negative or no number",
        "correct it; down to minus stored_kwh where it gives back",
    )


def _discharge(discharge: Discharge) -> Iterator[Check]:
    limit, efficiency = discharge.limit_kilowatt, discharge.efficiency
    yield (
        ~((limit >= 0) & np.isfinite(limit)),
        "its discharge limit is negative or no number",
        "give it as a positive power",
    )
    yield (
        ~((efficiency > 0) & (efficiency <= 1)),
        "its discharge efficiency is not above 0 and at most 1",
        "give a fraction",
    )
    reserve = discharge.reserve_kwh
    if reserve is not None:
        yield (
            ~((reserve >= 0) & np.isfinite(reserve)),
            "reserve_kwh is negative or no number",
            "correct it",
        )


def _single(problem: Problem, single: Single) -> Iterator[Check]:
    low, high = single.power_min_kilowatt, single.power_max_kilowatt
    yield (
        single.able & ~((low >= 0) & (low <= high) & np.isfinite(high)),
        "its powers on one phase are negative, missing or in the wrong order",
        "correct them",
    )
    plain = replace(problem, single=None).kind == DRAWS
    yield (
        single.able & ~plain,
        "it may be charged on one phase or three, and gives back or bends as it fills: both "
        "together are not planned yet",
        "leave one of them out",
    )


def _taper(problem: Problem, taper: Taper) -> Iterator[Check]:
    fleet, empty, fall = problem.fleet, taper.empty_kilowatt, taper.fall_per_hour
    yield (
        ~((fall >= 0) & np.isfinite(fall) & (empty >= 0)).all(axis=1),
        "the power it takes rises as it fills, or is negative or no number",
        "give lines that fall, from the power at an empty battery",
    )
    full = taper.at(fleet.battery_kwh)
    yield ~(full >= 0), "it takes no power before its battery is full", "raise its curve there"
    gives = problem.kind == GIVES
    yield (
        gives & (full < fleet.power_max_kilowatt),
        "it may give back and its power falls as it fills: both together are not planned yet",
        "leave one of them out",
    )


def _tiers(discharge: Discharge) -> None:
    width, wear = discharge.tier_fraction, discharge.tier_wear_eur_per_kwh
    if len(width) != wear.shape[1] or not (np.all(width > 0) and abs(width.sum() - 1) < 1e-9):
        raise InputError(
            "tiers of wear do not fill the discharge limit", mend="give fractions that sum to 1"
        )
    if not (np.all(wear >= 0) and np.all(np.diff(wear, axis=1) >= 0)):
        raise InputError(
            "wear falls from one tier to the next or is negative",
            mend="order the tiers by wear, the cheapest first",
        )


def _site(site: Site) -> None:
    if not site.step_hour > 0:
        raise InputError("step_hour is not above zero", mend="give the length of a step in hours")
    finite = {
        "price_eur_per_kwh": site.price_eur_per_kwh,
        "base_kilowatt": site.base_kilowatt,
        "pv_kilowatt": site.pv_kilowatt,
    }
    if site.feed_in_eur_per_kwh is not None:
        finite["feed_in_eur_per_kwh"] = site.feed_in_eur_per_kwh
    for name, value in finite.items():
        _no_step(~np.isfinite(value), f"{name} is missing", "give a number for every step")
    for name in ("demand_eur_per_kilowatt", "peak_kilowatt"):
        if not 0 <= getattr(site, name) < np.inf:
            raise InputError(f"{name} is negative or no number", mend="correct it")
    _reliefs(site)
    room = {"the site's limit": site.headroom_kilowatt}
    if site.phase_limit_kilowatt is not None:
        for phase, limit in enumerate(site.phase_limit_kilowatt):
            room[f"the limit of phase {phase + 1}"] = limit - site.net_base_kilowatt / 3
    room |= {f"the limit of {group.name}": group.limit_kilowatt for group in site.groups}
    for name, value in room.items():
        _no_step(
            ~(value >= 0),
            f"{name} is missing, negative or below the base load",
            "raise the limit or lower the base load there",
        )
    if site.feed_in_eur_per_kwh is not None:
        _no_step(
            site.feed_in_eur_per_kwh > site.price_eur_per_kwh,
            "surplus is paid more than buying costs, so that buying and selling at once would pay",
            "lower feed_in_eur_per_kwh to at most the price there",
        )


def _reliefs(site: Site) -> None:
    """What money can widen: prices and powers not below 0, as many as there are steps."""
    for tier in (*site.power_tiers, *site.volume_tiers):
        if not (np.isfinite(tier.above) and 0 <= tier.added_eur_per_kwh < np.inf):
            raise InputError(
                "a tier of price begins nowhere, or energy beyond it costs less", mend="correct it"
            )
    if site.band is not None:
        for name, value in site.band._asdict().items():
            if len(value) != site.steps or not ((value >= 0) & np.isfinite(value)).all():
                raise InputError(
                    f"{name} of the reserve is negative, missing or not one for each step",
                    mend="give a number for every step",
                )
    if site.outage is not None:
        if len(site.outage.gone) != site.steps:
            raise InputError("the outage is not told for each step", mend="tell it for each")
        if not 0 <= site.outage.shed_eur_per_kwh < np.inf:
            raise InputError("shed_eur_per_kwh is negative or no number", mend="correct it")
        _no_step(
            site.outage.gone & (site.price_eur_per_kwh != 0.0),
            "energy has a price although there is no grid",
            "put 0 there",
        )


def _no_step(wrong: Bool[np.ndarray, "steps"], what: str, mend: str) -> None:
    if wrong.any():
        first, more = int(np.flatnonzero(wrong)[0]), int(wrong.sum()) - 1
        raise InputError(
            what + (f" (and at {more} more steps)" if more else ""),
            where=f"step {first}",
            mend=mend,
        )

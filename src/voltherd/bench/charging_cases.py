"""Three results that are told of cities: what a plan reaches of them on the common depot, and how.

Claims, as the literature tells them and without their data: Parker (Denmark) 10 to 20 % off the
peak, California 15 % off the drivers' cost, Tokyo 80 % of charging from renewable sources.  The
depot is not theirs.  What is computed here is which of these a depot of night stays can reach by
planning alone, what has to be asked for besides, and what would have to be there for the rest.
Every number is a plan's, within its certified gap; sun and a tariff of two prices are formulae.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Float

from voltherd.bench.depot_instance import PRICE_EUR_PER_MWH, STEP_HOUR, STEPS, depot
from voltherd.charging.decomposition import Effort
from voltherd.charging.plan import planned
from voltherd.charging.problem import Discharge, Fleet, Problem
from voltherd.charging.sheet import site_cost_eur

VEHICLES: Final = 100
PEAK_SHARE: Final = 0.8
COST_SHARE: Final = 0.85
OWN_SHARE: Final = 0.8
FREE_KILOWATT: Final = 1e5
"""A limit that is none."""
PEAK_EUR_PER_KILOWATT: Final = 10.0
"""A charge on the peak beside which energy hardly counts."""
DAY_HOUR: Final = (6.0, 20.0)
"""Sunrise and sunset."""
SUN_OVER_NEED: Final = 1.5
"""What the sun brings in a day over what vehicles need."""
STORAGE_KWH: Final = (0.0, 10.0, 20.0, 30.0, 40.0, 60.0)
"""Stationary storage for each vehicle."""
STORAGE_HOUR: Final = 4.0
"""In which a storage is filled or emptied."""
RATIOS: Final = (1.1, 1.2, 1.3, 1.5, 2.0)
"""Price from 16 to 21 o'clock over that of the other hours."""
_GAP: Final = 1e-3
Progress = Callable[[str], None]
PerStep = Float[np.ndarray, " steps"]


class CaseRow(NamedTuple):
    """One way of charging in one case.

    Attributes:
        case: Which claim.
        way: What was asked of the plan, and of what.
        peak: Change of the site's peak against charging at once, as a share.
        cost: Change of the vehicles' cost against charging at once, as a share.
        own: Share of the vehicles' energy that comes from the sun.
        ready: Whether every vehicle has its energy.
        reached: Whether the claim's number is reached.
    """

    case: str
    way: str
    peak: float
    cost: float
    own: float
    ready: bool
    reached: bool


def measure(progress: Progress = lambda _: None) -> tuple[CaseRow, ...]:
    """Plan all three cases."""
    rows = []
    for name, case in (("peak", _peak), ("cost", _cost), ("sun", _sun)):
        progress(f"case {name}")
        rows += case()
    return tuple(rows)


def _night(day: str, *, gives_back: bool = False) -> Problem:
    night = depot(VEHICLES, day=day, gives_back=gives_back)
    return replace(night, site=replace(night.site, limit_kilowatt=np.full(STEPS, FREE_KILOWATT)))


def _limited(night: Problem, kilowatt: float) -> Problem:
    return replace(night, site=replace(night.site, limit_kilowatt=np.full(STEPS, kilowatt)))


def _row(case: str, way: str, night: Problem, reached: Callable[["CaseRow"], bool]) -> CaseRow:
    """Plan; compare with charging at once, as fast as stations can."""
    plan, greedy = planned(night, Effort(gap=_GAP)), night.at_once_kilowatt
    base, hour = night.site.net_base_kilowatt, night.site.step_hour
    bill = site_cost_eur(night, plan.power_kilowatt) + float(plan.wear_eur.sum())
    before = site_cost_eur(night, greedy)
    grid = np.maximum(plan.power_kilowatt.sum(axis=0) + base, 0.0)
    bought = float((grid - np.maximum(base, 0.0)).sum()) * hour
    row = CaseRow(
        case,
        way,
        float(grid.max()) / float((greedy.sum(axis=0) + base).max()) - 1.0,
        bill / before - 1.0,
        max(1.0 - bought / float(night.reachable_kwh.sum()), 0.0),
        plan.shortage is None,
        reached=False,
    )
    return row._replace(reached=row.ready and reached(row))


def _peak() -> list[CaseRow]:
    """Parker: a fifth off the peak."""
    rows = []
    for day in PRICE_EUR_PER_MWH:
        for gives in (False, True):
            night = _night(day, gives_back=gives)
            told = f"{day}{', gives back' if gives else ''}"
            most = float((night.at_once_kilowatt.sum(axis=0) + night.site.net_base_kilowatt).max())
            dear = replace(
                night, site=replace(night.site, demand_eur_per_kilowatt=PEAK_EUR_PER_KILOWATT)
            )
            ways = {
                "cost alone": night,
                "cost, peak held to 80 %": _limited(night, PEAK_SHARE * most),
                "lowest peak": dear,
            }
            for way, problem in ways.items():
                row = _row("Parker", f"{told}: {way}", problem, _lower_peak)
                # The bill of a peak that was only made dear to find the lowest is not a bill.
                rows.append(row._replace(cost=np.nan) if problem is dear else row)
    return rows


def _lower_peak(row: CaseRow) -> bool:
    return row.peak <= PEAK_SHARE - 1.0 + 1e-6


def _cost() -> list[CaseRow]:
    """California: 15 % off the cost, on recorded days and by how far two prices lie apart."""
    rows = [
        _row("California", f"prices of {day}{limit}", night, _cheaper)
        for day in PRICE_EUR_PER_MWH
        for limit, night in (("", depot(VEHICLES, day=day)), (", no limit", _night(day)))
    ]
    clock = (12.0 + STEP_HOUR * np.arange(STEPS)) % 24.0
    evening = (clock >= 16.0) & (clock < 21.0)
    for ratio in RATIOS:
        night = depot(VEHICLES)
        price = 0.2 * np.where(evening, ratio, 1.0)
        night = replace(night, site=replace(night.site, price_eur_per_kwh=price))
        way = f"16 to 21 o'clock {ratio:g} times as dear"
        rows.append(_row("California", way, night, _cheaper))
    return rows


def _cheaper(row: CaseRow) -> bool:
    return row.cost <= COST_SHARE - 1.0


def _sun() -> list[CaseRow]:
    """Tokyo: 80 % from the sun, by night stays, by storage, and by day stays."""
    night = sunny(depot(VEHICLES))
    rows = []
    for size in STORAGE_KWH:
        way = f"night stays, storage of {size:g} kWh a vehicle" if size else "night stays"
        problem = _stored(night, size * VEHICLES) if size else night
        rows.append(_row("Tokyo", way, problem, _from_sun))
    fleet = night.fleet
    for share in (0.5, 1.0):
        chosen = np.arange(VEHICLES) < share * VEHICLES
        day = replace(night, fleet=by_day(fleet, chosen))
        rows.append(_row("Tokyo", f"{share:.0%} stay by day instead", day, _from_sun))
    return rows


def _from_sun(row: CaseRow) -> bool:
    return row.own >= OWN_SHARE


def sunny(night: Problem) -> Problem:
    """Put the sun on the roof, for the vehicles alone; what is left over is sold for nothing."""
    clock = (12.0 + STEP_HOUR * np.arange(STEPS)) % 24.0
    rise, fall = DAY_HOUR
    sun = np.maximum(np.sin(np.pi * (clock - rise) / (fall - rise)), 0.0)
    sun = np.where((clock > rise) & (clock < fall), sun, 0.0)
    need = float(night.reachable_kwh.sum())
    site = replace(
        night.site,
        base_kilowatt=np.zeros(STEPS),
        pv_kilowatt=SUN_OVER_NEED * need * sun / (float(sun.sum()) * STEP_HOUR),
        feed_in_eur_per_kwh=np.zeros(STEPS),
        price_eur_per_kwh=np.full(STEPS, 0.2),
    )
    return replace(night, site=site)


def _stored(night: Problem, size_kwh: float) -> Problem:
    """Put a storage beside the vehicles: one more that never leaves and gives back."""
    fleet, power = night.fleet, size_kwh / STORAGE_HOUR
    more = {
        "arrival_step": 0,
        "departure_step": STEPS,
        "power_max_kilowatt": power,
        "energy_kwh": 0.0,
        "battery_kwh": size_kwh,
        "stored_kwh": 0.0,
        "phases": 3,
        "phase": 0,
        "charge_efficiency": 0.95,
        "power_min_kilowatt": 0.0,
    }
    both = {name: np.append(getattr(fleet, name), value) for name, value in more.items()}
    gives = np.append(np.zeros(fleet.size), power)
    return replace(
        night,
        fleet=replace(fleet, names=(), **both),
        discharge=Discharge(
            limit_kilowatt=gives,
            efficiency=np.full(len(gives), 0.95),
            tier_fraction=np.ones(1),
            tier_wear_eur_per_kwh=np.full((len(gives), 1), 0.02),
        ),
    )


def by_day(fleet: Fleet, chosen: np.ndarray) -> Fleet:
    """Let some stay from noon until five, or as long as their energy takes, instead of by night."""
    hours = fleet.energy_kwh / fleet.power_max_kilowatt / 0.85
    until = np.clip(np.ceil(np.maximum(hours, 5.0) / STEP_HOUR), 1, STEPS).astype(int)
    return replace(
        fleet,
        arrival_step=np.where(chosen, 0, fleet.arrival_step),
        departure_step=np.where(chosen, until, fleet.departure_step),
    )


def render(rows: Sequence[CaseRow]) -> str:
    """Give the rows as text, each claim with its answers."""
    claims = {
        "Parker": "20 % lower peak",
        "California": "15 % lower cost",
        "Tokyo": "80 % from renewable sources",
    }
    lines = [
        f"what is told of three cities, tried on {VEHICLES} vehicles, against charging at once"
    ]
    for case, claim in claims.items():
        lines.append(f"{case}: {claim:<44}{'peak':>9}{'cost':>9}{'sun':>7}{'ready':>7}  reached")
        for row in rows:
            if row.case == case:
                cost = "" if np.isnan(row.cost) else f"{row.cost:+.1%}"
                own = f"{row.own:.0%}" if case == "Tokyo" else ""
                lines.append(
                    f"  {row.way:<52}{row.peak:>+9.1%}{cost:>9}{own:>7}"
                    f"{'yes' if row.ready else 'no':>7}  {'yes' if row.reached else 'no'}"
                )
    return "\n".join(lines)

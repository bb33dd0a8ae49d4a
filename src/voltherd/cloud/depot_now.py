"""What is told of a depot while it runs: measured so far, drawn now, and planned next.

The depot's process writes it down every few seconds and the dashboard reads it there, so that
nobody who looks can hold up the guard.
"""

from collections.abc import Sequence
from math import nan
from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Float

from voltherd.charging.guard import REASONS, Orders, Seen
from voltherd.charging.guard_site import PHASES
from voltherd.charging.live import Charger, Moment, Setpoints
from voltherd.charging.site import Site
from voltherd.cloud.depot_live import LiveDepot
from voltherd.cloud.depot_sections import SiteFile
from voltherd.types.depot import Account
from voltherd.types.depot_now import DepotNow, Place, Stretch

PAST_SECOND: Final = 86_400.0
"""How far back is told [s]."""
_DRAWS_AMPERE: Final = 0.05
_SURE_SECOND: Final = 60.0
_KILO: Final = 1000.0


class _Drawn(NamedTuple):
    """What is drawn: by each charger, and from the grid [kW]."""

    each: Float[np.ndarray, " chargers"]
    site: float
    is_metered: bool

    @property
    def vehicles(self) -> float:
        return float(np.nansum(self.each))


class _Seen(NamedTuple):
    """What the last tick saw."""

    news: Seen
    moment: Moment
    orders: Orders
    site: Site
    drawn: _Drawn


def look(live: LiveDepot, past: tuple[Stretch, ...], now_second: float) -> tuple[Stretch, ...]:
    """Take what is drawn now into the past of a day.

    Args:
        live: The depot.
        past: Stretches so far, the latest last.
        now_second: [unix s].
    """
    seen, step = _seen(live), live.file.step_minutes * 60.0
    if seen is None:
        return past
    drawn, site = seen.drawn, seen.site
    limit, price = float(site.limit_kilowatt[0]), float(site.price_eur_per_kwh[0])
    begin = now_second - now_second % step
    return looked(past, Stretch(begin, drawn.vehicles, drawn.site, limit, price, drawn.site, 1))


def depot_now(live: LiveDepot, past: tuple[Stretch, ...], now_second: float) -> DepotNow | None:
    """Tell how a depot does.

    Args:
        live: The depot.
        past: What was drawn so far.
        now_second: [unix s].

    Returns:
        How it does; None before it has begun.
    """
    seen, plan = _seen(live), live.plan
    if seen is None:
        return None
    volt = live.file.connection.voltage_volt
    accounts = live.accounts(now_second - PAST_SECOND)
    setpoints = None if plan is None else plan.setpoints
    return DepotNow(
        now_second=now_second,
        site=live.file.site,
        zone=live.file.timezone,
        step_second=live.file.step_minutes * 60.0,
        kilowatt=seen.drawn.site,
        is_metered=seen.drawn.is_metered,
        limit_kilowatt=float(seen.site.limit_kilowatt[0]),
        spare_kilowatt=float(seen.orders.spare_ampere[0].min()) * PHASES * volt / _KILO,
        plan_second=nan if plan is None else plan.setpoints.made_second,
        plan_eur=nan if plan is None else plan.cost_eur,
        plan_gap=nan if plan is None else plan.gap,
        places=_places(live.chargers, accounts, seen, volt),
        left=tuple(one for one in reversed(accounts) if one.stop_second is not None),
        past=past,
        next=_to_come(live.chargers, setpoints, seen.site, live.room.begin_second, volt),
        notes=not_ordered(live.file),
    )


def not_ordered(file: SiteFile) -> tuple[str, ...]:
    """Say what a site file asks for that a depot which runs orders from nobody."""
    asked = {
        "giving back (v2g)": any(vehicle.v2g for vehicle in file.vehicles),
        "storage": bool(file.storage),
        "reserve": file.reserve is not None,
        "outage": file.outage is not None,
        "one phase instead of three (single_phase)": any(v.single_phase for v in file.vehicles),
    }
    found = ", ".join(name for name, is_asked in asked.items() if is_asked)
    return (f"planned by `voltherd depot plan`, ordered from nobody: {found}",) if found else ()


def _seen(live: LiveDepot) -> _Seen | None:
    """Give what the last tick saw; None before the first."""
    news, moment, orders, site = live.news, live.moment, live.orders, live.room.site
    if news is None or moment is None or orders is None or site is None:
        return None
    drawn = _drawn(news, moment, site, live.file.connection.voltage_volt)
    return _Seen(news, moment, orders, site, drawn)


def looked(past: Sequence[Stretch], seen: Stretch) -> tuple[Stretch, ...]:
    """Take a look into the past of a day.

    Args:
        past: Stretches so far, the latest last.
        seen: What is seen now, where its stretch begins.
    """
    now = seen.begin_second  # what is later is of a clock that was wrong
    earlier = [one for one in past if now - PAST_SECOND < one.begin_second <= now]
    if not earlier or earlier[-1].begin_second < now:
        return (*earlier, seen)
    return (*earlier[:-1], _mean(earlier[-1], seen))


def _mean(last: Stretch, seen: Stretch) -> Stretch:
    count = last.looks + seen.looks

    def mean(one: float, other: float) -> float:
        return one + (other - one) * seen.looks / count

    return last._replace(
        vehicles_kilowatt=mean(last.vehicles_kilowatt, seen.vehicles_kilowatt),
        site_kilowatt=mean(last.site_kilowatt, seen.site_kilowatt),
        limit_kilowatt=seen.limit_kilowatt,
        highest_kilowatt=max(last.highest_kilowatt, seen.highest_kilowatt),
        looks=count,
    )


def _drawn(news: Seen, moment: Moment, site: Site, volt: float) -> _Drawn:
    """Tell what is drawn: by the connection's meter where it is heard, else as expected."""
    each = news.current_ampere.sum(axis=1) * volt / _KILO
    meter = moment.meter
    if meter is not None and moment.now_second - meter.time_second <= _SURE_SECOND:
        return _Drawn(each, sum(meter.ampere) * volt / _KILO, is_metered=True)
    beside = float(site.base_kilowatt[0] - site.pv_kilowatt[0])
    return _Drawn(each, float(np.nansum(each)) + beside, is_metered=False)


def _places(
    chargers: Sequence[Charger],
    accounts: Sequence[Account],
    seen: _Seen,
    volt: float,
) -> tuple[Place, ...]:
    there = {one.charger: one for one in accounts if one.stop_second is None}
    kilowatt = [volt * len(charger.phases) / _KILO for charger in chargers]
    news, moment, orders = seen.news, seen.moment, seen.orders
    plan = moment.setpoints
    return tuple(
        Place(
            charger=charger.name,
            station=charger.station_id,
            online=charger.station_id in moment.online,
            stay=there.get(charger.name),
            kilowatt=float(news.current_ampere[row].sum()) * volt / _KILO,
            age_second=float(news.current_age_second[row]),
            allowed_kilowatt=float(orders.limit_ampere[row]) * kilowatt[row],
            planned_kilowatt=float(news.plan_ampere[row]) * kilowatt[row],
            might_kilowatt=float(orders.might_ampere[row]) * kilowatt[row],
            why=REASONS[int(orders.reason[row])],
            next_second=nan if plan is None else _next(plan, row, moment.now_second),
        )
        for row, charger in enumerate(chargers)
    )


def _next(plan: Setpoints, row: int, now: float) -> float:
    """Give when a charger is to give something; NaN where the plan gives none."""
    step = max(int((now - plan.start_second) // plan.step_second), 0)
    later = np.flatnonzero(plan.ampere[row, step:] > _DRAWS_AMPERE)
    if not len(later):
        return nan
    return max(plan.start_second + (step + int(later[0])) * plan.step_second, now)


def _to_come(
    chargers: Sequence[Charger], plan: Setpoints | None, site: Site, begin: float, volt: float
) -> tuple[Stretch, ...]:
    """Lay the plan upon what the site expects, for as long as both are known."""
    if plan is None:
        return ()
    kilowatt = volt / _KILO * np.array([len(charger.phases) for charger in chargers], np.float64)
    vehicles = kilowatt @ plan.ampere
    shift = round((begin - plan.start_second) / plan.step_second)
    count = min(len(vehicles) - shift, site.steps)
    return tuple(
        Stretch(
            begin + step * plan.step_second,
            vehicle := float(vehicles[step + shift]),
            drawn := vehicle + float(site.base_kilowatt[step] - site.pv_kilowatt[step]),
            float(site.limit_kilowatt[step]),
            float(site.price_eur_per_kwh[step]),
            drawn,
        )
        for step in range(max(count, 0))
        if step + shift >= 0
    )

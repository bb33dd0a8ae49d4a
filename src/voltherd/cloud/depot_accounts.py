"""What became of every stay: what was charged, whether it was enough, and if not, why."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf
from typing import Final, final

from voltherd.charging.central import Central
from voltherd.charging.live import Charger
from voltherd.charging.transactions import Transaction
from voltherd.cloud.depot_sections import SiteFile
from voltherd.cloud.depot_stays import all_stays
from voltherd.cloud.depot_tonight import Guest, Wanted, stay_key, wanted
from voltherd.types.depot import Account, BatteryNow
from voltherd.types.station import NeedsTold

ENOUGH: Final = 0.99
ENOUGH_KWH: Final = 0.1
"""So little less counts as ready: the resolution of meters and of what a car takes at the end."""
_EARLY_SECOND: Final = 300.0
_LATE_SECOND: Final = 900.0
_SHORT_SECOND: Final = 60.0
_AS_WANTED: Final = frozenset({"as planned", "the plan gives none"})


@final
@dataclass(frozen=True, slots=True)
class Watched:
    """What was seen of a stay while it lasted.

    Attributes:
        why: For how many seconds what was the reason for its limit [s].
        short: What the last plan left out, in words.
        needs: What the vehicle asked for by itself (ISO 15118).
        battery: What was known of its battery when it came.
    """

    why: Mapping[str, float] = field(default_factory=dict)
    short: str = ""
    needs: NeedsTold | None = None
    battery: BatteryNow | None = None


def accounts(
    file: SiteFile,
    chargers: tuple[Charger, ...],
    central: Central,
    watched: Mapping[str, Watched],
    since_second: float = -inf,
    now_second: float = inf,
) -> tuple[Account, ...]:
    """Give an account of every stay in the books, the latest last.

    Args:
        file: The site.
        chargers: Its places.
        central: The books.
        watched: What was seen of stays, by ``stay_key``.
        since_second: Stays that ended before are left out [unix s].
        now_second: For stays whose end nobody tells; without it they are over [unix s].
    """
    found = [
        _account(
            file, charger, transaction, watched.get(stay_key(charger.name, transaction), Watched())
        )
        for charger, transaction in all_stays(file, chargers, central, now_second, since_second)
    ]
    return tuple(sorted(found, key=lambda one: (one.start_second, one.charger)))


def _account(
    file: SiteFile,
    charger: Charger,
    transaction: Transaction,
    watched: Watched,
) -> Account:
    stay = wanted(file, Guest(charger.name, transaction, watched.needs, watched.battery))
    stored = transaction.energy_wh / 1000.0 * stay.section.efficiency
    ready = stored >= min(ENOUGH * stay.energy_kwh, stay.energy_kwh - ENOUGH_KWH)
    stop = None if transaction.stop is None else transaction.stop.time_second
    told = "" if ready or stop is None else _why(stay, stop, watched)
    return Account(
        vehicle=stay.vehicle,
        charger=charger.name,
        transaction_id=transaction.transaction_id,
        start_second=stay.arrival_second,
        stop_second=stop,
        departure_second=stay.departure_second,
        drawn_wh=transaction.energy_wh,
        stored_kwh=stored,
        wanted_kwh=stay.energy_kwh,
        ready=ready,
        why=told,
        flags=tuple(sorted(transaction.flags)),
    )


def _why(stay: Wanted, stop: float, watched: Watched) -> str:
    """Say why a vehicle left without what it wanted, the surest reason first."""
    found = []
    if stop < stay.departure_second - _EARLY_SECOND:
        minutes = round((stay.departure_second - stop) / 60.0)
        found.append(f"it left {minutes} min before it was to")
    if stay.announced_second is not None:
        late = stay.arrival_second - stay.announced_second
        if late > _LATE_SECOND:
            found.append(f"it came {round(late / 60.0)} min late")
    if watched.short:
        found.append(watched.short)
    reasons = [
        f"{reason} for {round(second / 60.0)} min"
        for reason, second in sorted(watched.why.items(), key=lambda item: -item[1])
        if reason not in _AS_WANTED and second >= _SHORT_SECOND
    ]
    return "; ".join([*found, *reasons[:2]]) or "not known: nobody watched"

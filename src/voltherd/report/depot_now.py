"""How a depot does as JSON: times as RFC 3339 in UTC, ``null`` where nothing is known."""

from math import isfinite

from voltherd.report.words import rfc3339
from voltherd.types.depot import Account
from voltherd.types.depot_now import DepotNow, Place, Stretch


def now_document(now: DepotNow, age_second: float) -> dict[str, object]:
    """Give how a depot does as what JSON can hold.

    Args:
        now: How it does.
        age_second: How long ago it was told [s].
    """
    return {
        "time": rfc3339(now.now_second),
        "age_second": age_second,
        "site": now.site,
        "timezone": now.zone,
        "step_second": now.step_second,
        "kilowatt": _known(now.kilowatt),
        "metered": now.is_metered,
        "limit_kilowatt": now.limit_kilowatt,
        "spare_kilowatt": now.spare_kilowatt,
        "plan_made": rfc3339(now.plan_second),
        "plan_eur": _known(now.plan_eur),
        "plan_gap": _known(now.plan_gap),
        "places": [_place(place) for place in now.places],
        "left": [_guest(account) for account in now.left],
        "past": [_stretch(stretch) for stretch in now.past],
        "next": [_stretch(stretch) for stretch in now.next],
        "notes": list(now.notes),
    }


def _known(value: float) -> float | None:
    return value if isfinite(value) else None


def _place(place: Place) -> dict[str, object]:
    return {
        "charger": place.charger,
        "station": place.station,
        "online": place.online,
        "guest": None if place.stay is None else _guest(place.stay),
        "kilowatt": _known(place.kilowatt),
        "age_second": _known(place.age_second),
        "allowed_kilowatt": place.allowed_kilowatt,
        "planned_kilowatt": place.planned_kilowatt,
        "might_kilowatt": place.might_kilowatt,
        "why": place.why,
        "next_begin": rfc3339(place.next_second),
    }


def _guest(account: Account) -> dict[str, object]:
    stop = account.stop_second
    return {
        "vehicle": account.vehicle,
        "charger": account.charger,
        "session": account.transaction_id,
        "begin": rfc3339(account.start_second),
        "end": None if stop is None else rfc3339(stop),
        "departure": rfc3339(account.departure_second),
        "drawn_kwh": account.drawn_wh / 1000.0,
        "stored_kwh": account.stored_kwh,
        "wanted_kwh": account.wanted_kwh,
        "ready": account.ready,
        "why": account.why,
        "flags": list(account.flags),
    }


def _stretch(stretch: Stretch) -> dict[str, object]:
    return {
        "begin": rfc3339(stretch.begin_second),
        "vehicles_kilowatt": _known(stretch.vehicles_kilowatt),
        "site_kilowatt": _known(stretch.site_kilowatt),
        "limit_kilowatt": stretch.limit_kilowatt,
        "price_eur_per_kwh": stretch.price_eur_per_kwh,
        "highest_kilowatt": _known(stretch.highest_kilowatt),
        "looks": stretch.looks,
    }

"""A depot's plan as JSON.

Times are RFC 3339 in UTC, shares are fractions, what is not known is ``null``.  Keys may be added
under the same version; a key that changes meaning or goes away makes a new one.
"""

import json
from dataclasses import asdict

from voltherd.report.words import rfc3339
from voltherd.types.depot import DepotSheet, Stay


def depot_dumps(sheet: DepotSheet) -> str:
    """Write a plan as JSON text: same plan, same bytes; ends with a line feed."""
    return json.dumps(depot_document(sheet), indent=2, allow_nan=False) + "\n"


def depot_document(sheet: DepotSheet) -> dict[str, object]:
    """Give a plan as what JSON can hold."""
    course, plain = sheet.course, sheet.uncontrolled
    return {
        "schema": "urn:voltherd:depot_plan:1",
        "site": sheet.site,
        "timezone": sheet.zone,
        "step_second": sheet.step_second,
        "cost_eur": sheet.cost_eur,
        "bound_eur": sheet.bound_eur,
        "gap": sheet.gap,
        "wear_eur": sheet.wear_eur,
        "peak_kilowatt": sheet.peak_kilowatt,
        "own_share": sheet.own_share,
        "ready": sheet.ready,
        "short": list(sheet.short),
        "own_used_share": sheet.own_used_share,
        "own_used_share_uncontrolled": sheet.own_used_share_uncontrolled,
        "stores": [asdict(store) for store in sheet.stores],
        "worn": None if sheet.worn is None else asdict(sheet.worn),
        "worn_uncontrolled": None
        if sheet.worn_uncontrolled is None
        else asdict(sheet.worn_uncontrolled),
        "notes": list(sheet.notes),
        "uncontrolled": {
            "cost_eur": plain.cost_eur,
            "peak_kilowatt": plain.peak_kilowatt,
            "over_hour": plain.over_hour,
        },
        "vehicles": [_stay(stay) for stay in sheet.stays],
        "course": {
            "time": [rfc3339(second) for second in course.second],
            "vehicles_kilowatt": list(course.vehicles_kilowatt),
            "site_kilowatt": list(course.site_kilowatt),
            "uncontrolled_kilowatt": list(course.uncontrolled_kilowatt),
            "limit_kilowatt": list(course.limit_kilowatt),
            "base_kilowatt": list(course.base_kilowatt),
            "pv_kilowatt": list(course.pv_kilowatt),
            "price_eur_per_kwh": list(course.price_eur_per_kwh),
            "site_price_eur_per_kwh": list(course.site_price_eur_per_kwh),
        },
    }


def _stay(stay: Stay) -> dict[str, object]:
    return {
        "vehicle": stay.vehicle,
        "charger": stay.charger,
        "arrival": rfc3339(stay.arrival_second),
        "departure": rfc3339(stay.departure_second),
        "ready": stay.ready,
        "soc_arrival": stay.soc_arrival,
        "soc_planned": stay.soc_planned,
        "soc_wanted": stay.soc_wanted,
        "need_kwh": stay.need_kwh,
        "missing_kwh": stay.missing_kwh,
        "drawn_kwh": stay.drawn_kwh,
        "given_kwh": stay.given_kwh,
        "energy_eur": stay.energy_eur,
        "wear_eur": stay.wear_eur,
        "waits": stay.waits,
        "spells": [
            {
                "begin": rfc3339(spell.begin_second),
                "end": rfc3339(spell.end_second),
                "kilowatt": spell.kilowatt,
            }
            for spell in stay.spells
        ],
    }

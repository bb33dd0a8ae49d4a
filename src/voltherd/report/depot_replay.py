"""What every way of charging made of recorded days, as a table and as JSON."""

import json
from collections.abc import Mapping, Sequence

from voltherd.report.words import count
from voltherd.types.depot import ALL_KNOWN, AS_IT_GOES, Way


def render_replay(ways: Sequence[Way], left_out: Mapping[str, int], days: int) -> str:
    """Write a table for a terminal; it ends with a line feed."""
    head = f"{'':<22}{'EUR':>11}{'EUR/MWh':>9}{'kWh':>11}{'missing':>9}{'peak kW':>9}{'over h':>8}"
    lines = [f"{count(days, 'recorded day')}, {ways[0].wanted_kwh:,.0f} kWh wanted", "", head]
    lines += [
        f"{way.name:<22}{way.cost_eur:>11,.2f}{_per_mwh(way):>9.1f}{way.drawn_kwh:>11,.1f}"
        f"{max(way.missing_kwh, 0.0):>9,.1f}{way.peak_kilowatt:>9.1f}{way.over_hour:>8.2f}"
        for way in ways
    ]
    named = {way.name: way for way in ways}
    online, best = named[AS_IT_GOES], named[ALL_KNOWN]
    dearer = 100.0 * (_per_mwh(online) / _per_mwh(best) - 1.0) if best.drawn_kwh else 0.0
    less = 100.0 * (best.drawn_kwh - online.drawn_kwh) / max(best.drawn_kwh, 1e-9)
    lines += [
        "",
        f"not knowing who comes costs {dearer:.1f} % a kWh and {less:.1f} % of the energy",
    ]
    lines += [f"left out: {count(number, 'session')}, {why}" for why, number in left_out.items()]
    return "\n".join(lines) + "\n"


def replay_dumps(ways: Sequence[Way], left_out: Mapping[str, int], days: int) -> str:
    """Write the same as JSON text; it ends with a line feed."""
    document = {
        "schema": "urn:voltherd:depot_replay:1",
        "days": days,
        "ways": [way_document(way) for way in ways],
        "left_out": dict(left_out),
    }
    return json.dumps(document, indent=2, allow_nan=False) + "\n"


def way_document(way: Way) -> dict[str, object]:
    """Give a way as what JSON can hold."""
    return {**way._asdict(), "missing_kwh": way.missing_kwh}


def _per_mwh(way: Way) -> float:
    return 1000.0 * way.cost_eur / max(way.drawn_kwh, 1e-9)

"""The calibration that voltherd ships: what was measured on healthy and on planted fleets, joined.

Vehicles of even number say how odds follow from scores, those of odd number check where a budget
cuts: no vehicle does both.
"""

from collections.abc import Sequence
from typing import Any

from voltherd.bench.healthy import Healthy
from voltherd.bench.planted import Found
from voltherd.triage.calibration import FORMAT
from voltherd.types.event import Severity


def document(healthy: Healthy, planted: Sequence[Found]) -> dict[str, Any]:
    """Give the calibration as JSON values, as ``triage.calibration.from_plain`` reads it."""
    odd = (healthy.vehicles + 1) // 2
    sides: dict[str, dict[str, Any]] = {}
    for name, remainder, vehicles in (("fit", 0, healthy.vehicles - odd), ("check", 1, odd)):
        sides[name] = {
            "vehicle_days": vehicles * healthy.days,
            "findings": _strongest(healthy, remainder),
        }
    right: dict[str, dict[str, Any]] = {}
    for found in planted:
        mine = right.setdefault(found.phenomenon, {"planted": 0, "scores": []})
        mine["planted"] += found.planted
        mine["scores"] = sorted([*mine["scores"], *found.scores])
    return {
        "format": FORMAT,
        "version": healthy.version,
        "seed": healthy.seed,
        "days": healthy.days,
        **sides,
        "planted": dict(sorted(right.items())),
    }


def _strongest(healthy: Healthy, remainder: int) -> list[list[Any]]:
    """Give one finding per vehicle and phenomenon: several places of one are one alarm."""
    best: dict[tuple[int, str], tuple[Severity, float]] = {}
    for each in healthy.false:
        if each.vehicle % 2 == remainder:
            key = each.vehicle, each.phenomenon
            told = Severity[each.severity.upper()], each.score
            best[key] = max(best.get(key, told), told)
    return [
        [phenomenon, severity.word, score]
        for (_, phenomenon), (severity, score) in sorted(best.items())
    ]

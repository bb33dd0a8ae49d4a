"""The numbers behind heat: what a place makes beyond its model, how far a runaway has come."""

from voltherd.detection.engine import Detection
from voltherd.detection.verdict import Alarm
from voltherd.types.estimate import NORMAL_90
from voltherd.types.event import Evidence
from voltherd.types.stage import Stage


def heating_evidence(alarm: Alarm, state: Detection) -> list[Evidence]:
    """Give by how much a place is warmer than its model says, and what its heat goes with."""
    n = alarm.telling.numbers
    spread = NORMAL_90 * n["sigma_kelvin"] * 2.0
    told = [
        Evidence(
            name="warmer than its own past, the current and the siblings explain by",
            value=round(n["excess_kelvin"], 1),
            unit="K",
            low=round(n["excess_kelvin"] - spread, 1),
            high=round(n["excess_kelvin"] + spread, 1),
            basis=f"a thermal model of the place, learned from {n['steps'] / 12.0:.0f} h of it; "
            "interval from its usual error, added up over a few windows",
        ),
        Evidence(
            name="temperature there",
            value=round(n["celsius"], 1),
            unit="°C",
            basis="mean of the last window",
        ),
        Evidence(
            name="share of that heat that goes with the square of the current",
            value=round(n["load_share"] * 100, 0),
            unit="%",
            basis="near 100 % it is a resistance, near 0 % the cell itself or its cooling",
        ),
    ]
    if "probes" in n:
        told.append(
            Evidence(
                name="probes warmer alike",
                value=n["probes"],
                unit="probes",
                basis="neighbours; the value above is the middle one's",
            )
        )
    return told


def stage_evidence(alarm: Alarm, state: Detection) -> list[Evidence]:
    """Give the stage, the score, what they rest on, and the order in which places gave way."""
    n = alarm.telling.numbers
    told = [
        Evidence(
            name="stage",
            value=n["stage"],
            unit="of 5",
            basis=Stage(int(n["stage"])).words + "; by what the signals show, no forecast",
        ),
        Evidence(
            name="risk score",
            value=round(n["risk"], 2),
            unit="",
            basis="0 to 1, an order of urgency and no probability; rises only within an episode",
        ),
    ]
    if "celsius" in n:
        told.append(
            Evidence(
                name=f"probe {n['probe']:.0f}",
                value=round(n["celsius"], 0),
                unit="°C",
                basis=f"{n['excess_kelvin']:.0f} K above what it usually is among its siblings",
            )
        )
    for name in ("cell", "probe"):
        order = [f"{n[f'{name}_{k}']:.0f}" for k in range(1, 7) if f"{name}_{k}" in n]
        if len(order) >= 2:
            told.append(
                Evidence(
                    name=f"{name}s that gave way",
                    value=float(len(order)),
                    unit="",
                    basis="in this order: " + ", ".join(order),
                )
            )
    return told

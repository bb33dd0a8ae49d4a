"""The numbers behind heat: what a place makes beyond its model, how far a runaway has come."""

from typing import Final

from voltherd.detection.engine import Detection
from voltherd.detection.plating import SHOULDER_VOLT
from voltherd.detection.verdict import Alarm
from voltherd.types.estimate import NORMAL_90
from voltherd.types.event import Evidence
from voltherd.types.stage import Stage

DOSE_DOUBT: Final = 0.5


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


def plating_evidence(alarm: Alarm, state: Detection) -> list[Evidence]:
    """Give the model's dose and what the rests showed."""
    n = alarm.telling.numbers
    dose = n["dose_ah"]
    told = [
        Evidence(
            name="charged beyond a model anode's limit in two weeks",
            value=round(dose, 2),
            unit="Ah",
            low=round(dose * (1.0 - DOSE_DOUBT), 2),
            high=round(dose * (1.0 + DOSE_DOUBT), 2),
            basis=f"over {n['charges']:.0f} charges; a model's word on a model cell, the interval "
            "from half and one and a half times its limit",
        ),
    ]
    if n["rests"]:
        told.append(
            Evidence(
                name="resting voltage fell late by, at most",
                value=round(n["shoulder_volt"] * 1e3, 2),
                unit="mV",
                basis=f"in three minutes, beyond an earlier fall; shown after {n['shown']:.0f} of "
                f"{n['rests']:.0f} rests, {SHOULDER_VOLT * 1e3:.1f} mV are needed",
            )
        )
    return told


def warmth_evidence(alarm: Alarm, state: Detection) -> list[Evidence]:
    """Give how fast life went by, and the hours behind it."""
    n = alarm.telling.numbers
    return [
        Evidence(
            name="calendar ageing, times as fast as at 25 °C",
            value=round(n["factor"], 2),
            unit="×",
            low=round(n["factor_low"], 2),
            high=round(n["factor_high"], 2),
            basis="Arrhenius with 58 kJ/mol, the interval from 40 to 70; over the last week",
        ),
        Evidence(
            name="calendar life spent in that week",
            value=round(n["factor"] * n["hours"] / 24.0, 1),
            unit="days at 25 °C",
            low=round(n["factor_low"] * n["hours"] / 24.0, 1),
            high=round(n["factor_high"] * n["hours"] / 24.0, 1),
            basis=f"in {n['hours'] / 24.0:.1f} days known",
        ),
        Evidence(
            name="hours above 40 °C",
            value=round(n["hot_hours"], 1),
            unit="h",
            basis=f"{n['hidden_hours']:.1f} of them in silences of up to a day, taken as the mean "
            "of their ends",
        ),
    ]


def signal_evidence(alarm: Alarm, state: Detection) -> list[Evidence]:
    """Give the code that the vehicle itself reported."""
    return [
        Evidence(
            name="code",
            value=alarm.telling.numbers["code"],
            unit="",
            basis=f"the vehicle's own {alarm.verdict.location.channel}, in two rows or more",
        )
    ]


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

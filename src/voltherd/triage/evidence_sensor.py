"""The numbers behind what single readings tell of a sensor: kept, strayed, stepped."""

from voltherd.detection.engine import Detection
from voltherd.detection.verdict import Alarm
from voltherd.types.estimate import NORMAL_90
from voltherd.types.event import Evidence


def freeze_evidence(alarm: Alarm, state: Detection) -> list[Evidence]:
    """Give through how many readings a channel kept its value."""
    return [
        Evidence(
            name="readings without a change while the siblings moved",
            value=alarm.telling.numbers["rows"],
            unit="rows",
            basis="equal to the last bit, in rows in which nine tenths of the cells moved",
        )
    ]


def glitch_evidence(alarm: Alarm, state: Detection) -> list[Evidence]:
    """Give how far a reading strayed, and how many did."""
    n = alarm.telling.numbers
    return [
        Evidence(
            name="a single reading strayed by",
            value=round(n["volt"] * 1e3, 0),
            unit="mV",
            basis="against the cell's readings before and after, and its siblings' change",
        ),
        Evidence(
            name="readings that strayed so far",
            value=n["count"],
            unit="rows",
            basis="in the whole record up to then",
        ),
    ]


def cell_step_evidence(alarm: Alarm, state: Detection) -> list[Evidence]:
    """Give the height of the step."""
    n = alarm.telling.numbers
    volt, spread = n["volt"] * 1e3, NORMAL_90 * n["step_sigma_volt"] * 1e3
    return [
        Evidence(
            name="stepped, from one reading to the next, by",
            value=round(volt, 1),
            unit="mV",
            low=round(volt - spread, 1),
            high=round(volt + spread, 1),
            basis="levels before and after, less what current and siblings explain; 90 % interval "
            "from the scatter of the readings",
        )
    ]


def probe_step_evidence(alarm: Alarm, state: Detection) -> list[Evidence]:
    """Give the height of the step, and in which steps the probe reads."""
    n = alarm.telling.numbers
    kelvin, spread = n["kelvin"], NORMAL_90 * n["step_sigma_kelvin"]
    return [
        Evidence(
            name="stepped, from one reading to the next, by",
            value=round(kelvin, 1),
            unit="K",
            low=round(kelvin - spread, 1),
            high=round(kelvin + spread, 1),
            basis="levels before and after, against the siblings; 90 % interval from the scatter "
            f"of the readings and the probe's steps of {n['resolution_kelvin']:.2g} K",
        )
    ]


def drift_evidence(alarm: Alarm, state: Detection) -> list[Evidence]:
    """Give how fast it slides, and how far it has."""
    n = alarm.telling.numbers
    if "nights" in n:
        scale, unit, digits, per_day = 1.0, "K", 2, n["kelvin_per_day"]
        whole, basis = n["kelvin"], f"means of {n['nights']:.0f} rests of hours"
    else:
        scale, unit, digits, per_day = 1e3, "mV", 2, n["volt_per_day"]
        whole = n["volt"]
        basis = f"half hours of {n['window_day']:.0f} days, beside charge and capacity"
    half = NORMAL_90 * n["sigma_per_day"]
    return [
        Evidence(
            name="slides away from its siblings by",
            value=round(per_day * scale, digits),
            unit=f"{unit}/day",
            low=round((per_day - half) * scale, digits),
            high=round((per_day + half) * scale, digits),
            basis=f"{basis}; 90 % interval from the scatter about the line",
        ),
        Evidence(
            name="over the time looked at",
            value=round(whole * scale, 1),
            unit=unit,
            basis="the same",
        ),
    ]

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

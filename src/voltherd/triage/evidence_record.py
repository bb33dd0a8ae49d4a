"""The numbers behind a record that was changed, and behind a current that does not flow."""

from voltherd.detection import current_bias
from voltherd.detection.engine import Detection
from voltherd.detection.verdict import Alarm
from voltherd.triage.origin import origin
from voltherd.types.estimate import NORMAL_90
from voltherd.types.event import Evidence
from voltherd.units import SECOND_PER_HOUR


def record_evidence(alarm: Alarm, state: Detection) -> list[Evidence]:
    """Give the mark, and what else the signs of the same hours say of its origin."""
    n, told = alarm.telling.numbers, origin(state, alarm.first_second)
    evidence = []
    if "ago_second" in n:
        evidence.append(
            Evidence(
                name="age of the rows that came again",
                value=round(n["ago_second"] / SECOND_PER_HOUR, 2),
                unit="h",
                basis="hashes of cells, pack voltage and current, in the same order",
            )
        )
    if "volt" in n:
        evidence.append(
            Evidence(
                name="step of the median cell beyond what its current explains",
                value=round(n["volt"] * 1e3, 1),
                unit="mV",
                basis=f"{alarm.telling.score:.0f} times the usual error of the vehicle's own past",
            )
        )
    evidence.append(
        Evidence(
            name="probability that the record was changed, rather than a sensor or the battery",
            value=round(told.attack * 100, 0),
            unit="%",
            basis=f"sensor {told.sensor * 100:.0f} %, real event {told.event * 100:.0f} %; from "
            "all signs within a day, by a table of how often each goes with each",
        )
    )
    return evidence


def current_evidence(alarm: Alarm, state: Detection) -> list[Evidence]:
    """Give the current that does not flow."""
    n = alarm.telling.numbers
    scale = n["ampere"] / n["rate"] if n["rate"] else 0.0
    half = NORMAL_90 * current_bias.ALIKE * abs(scale) / 2.0
    return [
        Evidence(
            name="current read that does not flow",
            value=round(n["ampere"], 2),
            unit="A",
            low=round(n["ampere"] - half, 2),
            high=round(n["ampere"] + half, 2),
            basis=f"{n['rate'] * 100:.1f} % of the capacity per hour; interval from how far "
            "readings of one level may differ",
        )
    ]

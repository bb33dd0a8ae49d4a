"""The numbers behind what surrounds the cells: pressure, damp and vibration inside the pack."""

from voltherd.detection import humidity, pressure, vibration
from voltherd.detection.engine import Detection
from voltherd.detection.verdict import Alarm
from voltherd.types.channel import SCALARS
from voltherd.types.estimate import NORMAL_90
from voltherd.types.event import Evidence


def pressure_evidence(alarm: Alarm, state: Detection) -> list[Evidence]:
    """Give the height of the jump, and from where."""
    n, accuracy = alarm.telling.numbers, SCALARS[pressure.CHANNEL].accuracy / 1e3
    rise = n["rise"] / 1e3
    return [
        Evidence(
            name="pressure above what it was a minute before",
            value=round(rise, 1),
            unit="kPa",
            low=round(rise - accuracy, 1),
            high=round(rise + accuracy, 1),
            basis="highest since, held in the rows that followed; interval from the channel's "
            "declared accuracy",
        ),
        Evidence(name="before", value=round(n["before"] / 1e3, 1), unit="kPa", basis="the same"),
    ]


def humidity_evidence(alarm: Alarm, state: Detection) -> list[Evidence]:
    """Give how damp it is at best and at worst."""
    n, accuracy = alarm.telling.numbers, SCALARS[humidity.CHANNEL].accuracy * 100
    driest = n["driest"] * 100
    return [
        Evidence(
            name="relative humidity that nine tenths of the last day exceed",
            value=round(driest, 0),
            unit="%",
            low=round(driest - accuracy, 0),
            high=round(min(driest + accuracy, 100.0), 0),
            basis="means over five minutes observed; interval from the channel's declared accuracy",
        ),
        Evidence(
            name="highest in the last day",
            value=round(n["highest"] * 100, 0),
            unit="%",
            basis="100 % is wet",
        ),
    ]


def vibration_evidence(alarm: Alarm, state: Detection) -> list[Evidence]:
    """Give how much more it is than it was."""
    n = alarm.telling.numbers
    spread = NORMAL_90 * vibration.SIGMA * n["factor"]
    return [
        Evidence(
            name="vibration, times what it was at the same speeds",
            value=round(n["factor"], 2),
            unit="×",
            low=round(n["factor"] - spread, 2),
            high=round(n["factor"] + spread, 2),
            basis="mean of a period against the vehicle's own first hours at each speed; interval "
            "from how roads differ",
        ),
        Evidence(
            name="vibration now", value=round(n["level"], 2), unit="m/s²", basis="mean of a period"
        ),
    ]

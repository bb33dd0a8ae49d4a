"""The numbers behind contactors that do not do what they are told."""

from voltherd.detection.engine import Detection
from voltherd.detection.switches import OUTLET
from voltherd.detection.verdict import Alarm
from voltherd.types.channel import SCALARS
from voltherd.types.event import Evidence


def switch_evidence(alarm: Alarm, state: Detection) -> list[Evidence]:
    """Give what current and voltage say, and for how long they contradict the command."""
    n = alarm.telling.numbers
    told = []
    if "outlet_volt" in n:
        accuracy = SCALARS[OUTLET].accuracy
        told.append(
            Evidence(
                name="voltage beyond the contactors",
                value=round(n["outlet_volt"], 1),
                unit="V",
                low=round(max(n["outlet_volt"] - accuracy, 0.0), 1),
                high=round(n["outlet_volt"] + accuracy, 1),
                basis=f"the cells add up to {n['sum_volt']:.1f} V; interval from the channel's "
                "declared accuracy",
            )
        )
    accuracy = SCALARS["current_ampere"].accuracy
    told += [
        Evidence(
            name="largest current meanwhile",
            value=round(n["ampere"], 1),
            unit="A",
            low=round(n["ampere"] - accuracy, 1),
            high=round(n["ampere"] + accuracy, 1),
            basis="positive charging; interval from the channel's declared accuracy",
        ),
        Evidence(
            name="contradicts the command for",
            value=round(n["second"], 0),
            unit="s",
            basis="rows in a row, at the latest verdict",
        ),
    ]
    return told

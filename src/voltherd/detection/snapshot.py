"""A detection's state as bytes, so that whoever follows a vehicle can stop and go on.

A restored state goes on exactly as the original would have: every number is the same bit for bit.
State of another version, whose parts had other fields, is refused; it is made anew from the
vehicle's rows.
"""

from typing import Final

from voltherd.detection.anchors import Anchors, Change
from voltherd.detection.channels import Watch
from voltherd.detection.charge_scale import Curve
from voltherd.detection.current_bias import Level, Zero
from voltherd.detection.drift import Nights
from voltherd.detection.engine import Detection
from voltherd.detection.follow import Follow
from voltherd.detection.freeze import Still
from voltherd.detection.full_charge import Top
from voltherd.detection.gauge import Gauge, Jump, Row, Stand
from voltherd.detection.glitch import Last
from voltherd.detection.heating import Heating, Means
from voltherd.detection.humidity import Damp
from voltherd.detection.impact import Signals
from voltherd.detection.memory import Memory
from voltherd.detection.parity import Parity, Rows
from voltherd.detection.plating import Charge, Plating, Rested
from voltherd.detection.pressure import Recent, Vent
from voltherd.detection.replay import Standstill, Trace
from voltherd.detection.runaway import Guard
from voltherd.detection.stages import Excess, Stages
from voltherd.detection.switches import Run, Switches
from voltherd.detection.tampering import Exchange
from voltherd.detection.trail import Trail
from voltherd.detection.verdict import Alarm, Verdict
from voltherd.detection.vibration import Shake
from voltherd.detection.warmth import Day, Warmth
from voltherd.detection.windows import Windows
from voltherd.errors import UnreadableError
from voltherd.types.asset import CellType, Chemistry, PackLayout, Vehicle
from voltherd.types.event import Location, LocationKind, Phenomenon, Severity
from voltherd.types.sample import SampleBatch
from voltherd.types.tree import packed, unpacked

VERSION: Final = 1
"""To be raised when a field keeps its name but changes its meaning."""
CLASSES: Final = (
    Alarm,
    Anchors,
    CellType,
    Change,
    Charge,
    Chemistry,
    Curve,
    Damp,
    Day,
    Detection,
    Excess,
    Exchange,
    Follow,
    Gauge,
    Guard,
    Heating,
    Jump,
    Last,
    Level,
    Location,
    LocationKind,
    Means,
    Memory,
    Nights,
    PackLayout,
    Parity,
    Phenomenon,
    Plating,
    Recent,
    Rested,
    Row,
    Rows,
    Run,
    SampleBatch,
    Severity,
    Shake,
    Signals,
    Stages,
    Stand,
    Standstill,
    Still,
    Switches,
    Top,
    Trace,
    Trail,
    Vehicle,
    Vent,
    Verdict,
    Warmth,
    Watch,
    Windows,
    Zero,
)
"""Everything a state is made of."""


def dump(state: Detection) -> bytes:
    """Give a state as bytes: as many as its arrays have, at most a megabyte per hundred cells."""
    return packed((VERSION, state), CLASSES)


def load(data: bytes) -> Detection:
    """Give the state back.

    Raises:
        UnreadableError: The bytes are damaged or of another version.
    """
    match unpacked(data, CLASSES):
        case (int(version), Detection() as state) if version == VERSION:
            return state
    raise UnreadableError(
        "the state of a detection of another version", mend="make it anew from the data"
    )

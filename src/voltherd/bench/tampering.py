"""Is a record that was changed on its way told from a broken sensor and from a real event?

Question: of attacks, sensor faults and events that begin at a drawn moment of driving, how many are
found within a day, after how long, and is the origin named right; and how often is a healthy day
said to be tampered with.  Every vehicle is first followed for some healthy days, as in a fleet; the
last day is then lived once untouched and once with each incident.  Vehicles are simulated, sampled
every ten seconds; what an attacker does is what ``sim.attacks`` does, and nothing else.
"""

import json
import statistics
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Final, final

import numpy as np

from voltherd.bench.alarms import upper_bound
from voltherd.detection.engine import Detection, concatenate, init, step
from voltherd.sim.attacks import ATTACKS, AttackKind, attacked
from voltherd.sim.fleet import fleet_spec, simulate
from voltherd.sim.incidents import EVENTS, SENSOR_FAULTS
from voltherd.sim.streams import Purpose, stream
from voltherd.triage.origin import Origin, origin
from voltherd.types.asset import Vehicle
from voltherd.types.event import Phenomenon, Severity
from voltherd.types.sample import SampleBatch
from voltherd.units import SECOND_PER_MINUTE

LEARNT_DAYS: Final = 3
ORIGINS: Final[Mapping[str, Mapping[str, AttackKind]]] = {
    "sensor": SENSOR_FAULTS,
    "attack": ATTACKS,
    "event": EVENTS,
}

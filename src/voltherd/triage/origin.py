"""Sensor, attack or event: what the signs of some hours say together.

A sensor that fails breaks one relation and leaves the others whole.  What happens in a battery
breaks none: a cell that sinks takes the pack voltage along.  Whoever changes a record keeps its
channels consistent with one another but not with the past, or with physics.  Naive Bayes over the
signs that the detectors raised; the table below says how often each sign goes with each origin.  It
is a judgement in round numbers, from what each detector looks at, and not fitted to anything.
"""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from voltherd.detection import jump, parity, replay, soc_report, tampering
from voltherd.detection.engine import Detection
from voltherd.detection.verdict import Alarm, Verdict
from voltherd.types.event import Phenomenon
from voltherd.units import SECOND_PER_DAY

TOGETHER_SECOND: Final = SECOND_PER_DAY
"""Signs raised within so long of each other are taken to have one origin [s]."""
FOLLOWS: Final = "the pack voltage follows the cell"
ALONE: Final = "the pack voltage does not follow the cell"
COMMON: Final = "cells and pack voltage step together"
UNSTEPPED: Final = "voltage at rest has parted from a gauge that did not jump"
FOLLOW_SHARE: Final = 0.5
SIGMAS_MIN: Final = 3.0
"""Uncertainties of the pack voltage that a cell's step must exceed to be looked for in it."""


class Origin(NamedTuple):
    """Probabilities that add up to 1."""

    sensor: float
    attack: float
    event: float

    @property
    def word(self) -> str:
        """The likeliest one.

        >>> Origin(0.1, 0.7, 0.2).word
        'attack'
        """
        return max(zip(self, self._fields, strict=True))[1]


PRIOR: Final = Origin(0.50, 0.05, 0.45)
"""Sensors fail and batteries age; attacks are rare."""
TABLE: Final[Mapping[str, Origin]] = {
    replay.REPLAY: Origin(0.001, 0.3, 1e-4),
    replay.FREEZE: Origin(0.001, 0.3, 1e-4),
    tampering.EXCHANGE: Origin(0.002, 0.3, 1e-4),
    parity.CAUSE: Origin(0.005, 0.3, 1e-3),
    COMMON: Origin(0.3, 0.5, 0.1),
    UNSTEPPED: Origin(0.02, 0.5, 0.05),
    FOLLOWS: Origin(0.01, 0.05, 0.5),
    ALONE: Origin(0.5, 0.05, 0.01),
    Phenomenon.CHANNEL_SWAP: Origin(0.2, 0.3, 1e-3),
    Phenomenon.SENSOR_BIAS: Origin(0.4, 0.05, 0.1),
    Phenomenon.SENSOR_STUCK: Origin(0.4, 0.05, 0.01),
    Phenomenon.SENSOR_SPIKES: Origin(0.3, 0.05, 0.02),
    Phenomenon.CHANNEL_FROZEN: Origin(0.3, 0.05, 0.01),
    Phenomenon.CHANNEL_INVALID: Origin(0.3, 0.02, 0.02),
    Phenomenon.PACK_VOLTAGE_MISMATCH: Origin(0.3, 0.2, 0.02),
    Phenomenon.SOC_MISREPORTED: Origin(0.3, 0.2, 0.05),
    Phenomenon.MODULE_OFFSET: Origin(0.3, 0.05, 0.2),
    Phenomenon.CELL_OUTLIER: Origin(0.2, 0.05, 0.2),
    Phenomenon.CELL_IMBALANCE: Origin(0.1, 0.05, 0.3),
    Phenomenon.WEAK_CELL: Origin(0.05, 0.02, 0.3),
    Phenomenon.CONTACT_RESISTANCE: Origin(0.03, 0.02, 0.4),
    Phenomenon.INTERNAL_SHORT: Origin(0.02, 0.02, 0.4),
    Phenomenon.TEMPERATURE_OUTLIER: Origin(0.2, 0.02, 0.3),
    Phenomenon.THERMAL_RUNAWAY: Origin(0.005, 0.01, 0.5),
    Phenomenon.INSULATION_LOW: Origin(0.05, 0.02, 0.4),
    Phenomenon.PACK_PRESSURE: Origin(0.03, 0.01, 0.4),
}
"""How often each sign is raised by each origin; signs that are not here tell nothing."""


def origin(state: Detection, second: float) -> Origin:
    """Say what the signs about a time speak for.

    Args:
        state: All that was raised.
        second: When [unix s].
    """
    near = [
        alarm
        for alarm in state.book.values()
        if alarm.severity is not None and abs(alarm.first_second - second) <= TOGETHER_SECOND
    ]
    return weighed(signs_of(near, state.parity))


def weighed(signs: Iterable[str]) -> Origin:
    """Weigh signs, each once.

    >>> weighed([Phenomenon.SENSOR_STUCK]).word
    'sensor'
    """
    sensor, attack, event = PRIOR
    for sign in sorted(set(signs)):
        likely = TABLE.get(sign)
        if likely is not None:
            sensor, attack, event = (
                sensor * likely.sensor,
                attack * likely.attack,
                event * likely.event,
            )
    total = sensor + attack + event
    return Origin(sensor / total, attack / total, event / total)


def signs_of(alarms: Iterable[Alarm], levels: parity.Parity) -> list[str]:
    """Name what alarms are signs of."""
    signs: list[str] = []
    for alarm in alarms:
        verdict = alarm.telling
        marked = verdict.phenomenon is Phenomenon.DATA_TAMPERED
        signs.append(verdict.cause if marked else verdict.phenomenon)
        if verdict.cause == parity.CAUSE and verdict.numbers["both"]:
            signs.append(COMMON)
        if _unstepped(verdict):
            signs.append(UNSTEPPED)
        if verdict.cause == jump.CAUSE:
            signs += _following(alarm, levels)
    return signs


def _unstepped(verdict: Verdict) -> bool:
    """Whether the gauge reads otherwise at rest than it used to, but neither jumps nor drifts.

    Then it is the voltage that has moved.
    """
    n = verdict.numbers
    if verdict.cause != soc_report.CAUSE or "change" not in n:
        return False
    return not ("jump" in n or n["per_day"] or n["backed"])


def _following(alarm: Alarm, levels: parity.Parity) -> list[str]:
    """Say whether the pack voltage went along when one cell stepped, where that can be seen."""
    moved = alarm.telling.numbers["volt"] / levels.cells
    step, sigma = parity.step_about(levels, alarm.first_second)
    if not abs(moved) >= SIGMAS_MIN * sigma:
        return []
    return [ALONE if step / moved >= FOLLOW_SHARE else FOLLOWS]

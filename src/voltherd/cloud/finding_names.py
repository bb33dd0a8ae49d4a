"""What a finding is known by, and when it begins anew.

Detection keeps one alarm per cause and place for the whole life of a vehicle, so vehicle, cause and
place name a finding for good.  The time of the first raise is left out on purpose: rows that come
late may move it, and a finding that somebody has acknowledged must not change its name by that.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from voltherd.detection.verdict import Alarm
from voltherd.triage.findings import Told
from voltherd.types.event import Finding


class Known(NamedTuple):
    """A finding with its name.

    Attributes:
        finding_id: Its name.
        keys: Names of the alarms behind it, the earliest first; a finding that was acted upon is
            found again by any of them.
        finding: What it says.
        holds: Whether the latest judgement still says so.
        begun_second: When the run of judgements that says so began; of a past one, its last
            renewal [unix s].
    """

    finding_id: str
    keys: tuple[str, ...]
    finding: Finding
    holds: bool
    begun_second: float


def named(vehicle_id: str, told: Sequence[Told], adopted: Mapping[str, str]) -> tuple[Known, ...]:
    """Name findings.

    Args:
        vehicle_id: Whose.
        told: The findings, with their alarms.
        adopted: Alarm's name to finding's name, for findings that were acted upon.

    Returns:
        The same findings; no two of one name.
    """
    known: list[Known] = []
    taken: set[str] = set()
    for finding, alarms in told:
        early = sorted(alarms, key=_first_raise)
        keys = tuple(alarm_name(vehicle_id, alarm) for alarm in early)
        names = (*(adopted[key] for key in keys if key in adopted), *keys)
        name = next(name for name in names if name not in taken)
        taken.add(name)
        standing = [alarm for alarm in alarms if alarm.streaks[0] >= alarm.verdict.persistence]
        runs = [alarm.first_second for alarm in standing]
        known.append(
            Known(
                finding_id=name,
                keys=keys,
                finding=finding,
                holds=bool(standing) or any(alarm.event for alarm in alarms),
                begun_second=max(runs, default=max(alarm.last_second for alarm in alarms)),
            )
        )
    return tuple(known)


def alarm_name(vehicle_id: str, alarm: Alarm) -> str:
    """Give a name that vehicle, cause and place determine: 16 hexadecimal digits."""
    text = json.dumps([vehicle_id, *alarm.verdict.key])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _first_raise(alarm: Alarm) -> tuple[float, str]:
    times = [time for time in alarm.raised_second if time is not None]
    return min(times), json.dumps(alarm.verdict.key)

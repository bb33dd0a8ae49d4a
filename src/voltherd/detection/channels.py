"""Channels that deliver no information: dead, frozen, or counting backwards.

These are findings about the data, never about a cell; their severity is operating.
"""

from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Bool, Int

from voltherd.detection.verdict import Verdict
from voltherd.types.event import Location, LocationKind, Phenomenon, Severity
from voltherd.types.quality import Quality
from voltherd.types.sample import SampleBatch

CAUSE: Final = "channel"
CAUSES: Final = tuple(
    f"{CAUSE}.{phenomenon.value}"
    for phenomenon in (
        Phenomenon.CHANNEL_INVALID,
        Phenomenon.CHANNEL_FROZEN,
        Phenomenon.COUNTER_RESET,
    )
)
FROZEN_AFTER_SECOND: Final = 8 * 3600.0
"""Observed time after which a channel that should vary is called frozen [s]."""
USED_AFTER_SECOND: Final = 3600.0
"""And for how long the cells must have moved in it: when parked, all channels stand still."""
DEAD_AFTER_SECOND: Final = 1800.0
SHOULD_VARY: Final = ("insulation_resistance_ohm", "voltage_volt", "current_ampere", "soc_fraction")
COUNTERS: Final = ("odometer_kilometre",)
_REJECTED: Final = np.uint8(Quality.REJECTED)


class Watch(NamedTuple):
    """What is known of every scalar channel and probe so far.

    Attributes:
        observed_second: Observed time so far [s].
        used_second: That part of it in which the cells moved [s].
        lowest: Lowest value of each watched scalar.
        highest: Highest value of each watched scalar.
        seen: Whether each probe ever gave a value.
        resets: Times a counter fell, and the last time it did.
        warnings: When the vehicle itself first warned at each level [unix s]: context, which no
            finding rests on.
    """

    observed_second: float
    used_second: float
    lowest: dict[str, float]
    highest: dict[str, float]
    seen: Bool[np.ndarray, " p"]
    resets: dict[str, tuple[int, float]]
    warnings: dict[int, float]


def init(probes: int) -> Watch:
    """Have seen nothing yet."""
    return Watch(0.0, 0.0, {}, {}, np.zeros(probes, bool), {}, {})


def moved(watch: Watch, name: str) -> bool:
    """Whether a channel has shown more than one value so far."""
    return name in watch.lowest and watch.lowest[name] < watch.highest[name]


def look(watch: Watch, batch: SampleBatch, observed_second: float, used_second: float) -> Watch:
    """Take the rows of one period into account.

    Args:
        watch: What was known.
        batch: The rows.
        observed_second: Observed time in them [s].
        used_second: That part of it in which the cells moved [s].
    """
    lowest, highest = dict(watch.lowest), dict(watch.highest)
    for name in SHOULD_VARY:
        values = batch.scalar.get(name)
        if values is None or not len(values):
            continue
        low, high = float(np.fmin.reduce(values)), float(np.fmax.reduce(values))
        if low <= high:  # not so where nothing was measured
            lowest[name] = min(low, lowest.get(name, np.inf))
            highest[name] = max(high, highest.get(name, -np.inf))
    resets = dict(watch.resets)
    for name in COUNTERS:
        flags = batch.scalar_quality.get(name)
        if flags is None:
            continue
        rejected = flags & _REJECTED
        if rejected.any():
            fell = np.flatnonzero(rejected)
            times, _ = resets.get(name, (0, 0.0))
            resets[name] = (times + len(fell), float(batch.unix_time_second[fell[-1]]))
    seen = watch.seen
    if not seen.all():
        seen = seen | np.isfinite(batch.probe_temperature_celsius).any(axis=0)
    return Watch(
        watch.observed_second + observed_second,
        watch.used_second + used_second,
        lowest,
        highest,
        seen,
        resets,
        _warned(watch.warnings, batch),
    )


def _warned(warnings: dict[int, float], batch: SampleBatch) -> dict[int, float]:
    levels = batch.scalar.get("warning_level")
    if levels is None or not (levels >= 1.0).any():
        return warnings
    rows = np.flatnonzero(levels >= 1.0)
    told = levels[rows].astype(int)
    fresh = {
        level: float(batch.unix_time_second[rows[np.argmax(told == level)]])
        for level in sorted(set(told.tolist()) - warnings.keys())
    }
    return {**warnings, **fresh} if fresh else warnings


def moved_by(
    watch: Watch, batch: SampleBatch, ends: Int[np.ndarray, " w"], name: str
) -> Bool[np.ndarray, " w"]:
    """Whether a channel has shown more than one value up to each of some rows.

    Args:
        watch: What was known before the batch.
        batch: Rows after it.
        ends: Rising row numbers, each counted with the rows before it.
        name: Of the channel.
    """
    values = batch.scalar.get(name)
    if values is None:
        return np.zeros(len(ends), bool)
    begin = np.concatenate([[0], ends[:-1] + 1])
    lowest = np.fmin.accumulate(np.fmin.reduceat(values, begin))
    highest = np.fmax.accumulate(np.fmax.reduceat(values, begin))
    known_low, known_high = watch.lowest.get(name, np.inf), watch.highest.get(name, -np.inf)
    return np.asarray(np.fmin(lowest, known_low) < np.fmax(highest, known_high))


def judge(watch: Watch, batch: SampleBatch) -> tuple[Verdict, ...]:
    """Name dead probes, frozen channels and counters that fell; ``batch`` only names the probes."""
    verdicts = []
    if watch.observed_second >= DEAD_AFTER_SECOND and len(watch.seen):
        verdicts += [
            _verdict(
                Phenomenon.CHANNEL_INVALID,
                Location(
                    kind=LocationKind.PROBE, index=int(p) + 1, channel=batch.probe_name(int(p) + 1)
                ),
                observed_second=watch.observed_second,
            )
            for p in np.flatnonzero(~watch.seen)
        ]
    if watch.observed_second >= FROZEN_AFTER_SECOND and watch.used_second >= USED_AFTER_SECOND:
        verdicts += [
            _verdict(
                Phenomenon.CHANNEL_FROZEN,
                _channel(name),
                value=watch.lowest[name],
                observed_second=watch.observed_second,
            )
            for name in watch.lowest
            if not moved(watch, name)
        ]
    verdicts += [
        _verdict(Phenomenon.COUNTER_RESET, _channel(name), rows=float(times))
        for name, (times, _) in watch.resets.items()
    ]
    return tuple(verdicts)


def _channel(name: str) -> Location:
    return Location(kind=LocationKind.CHANNEL, channel=name)


def _verdict(phenomenon: Phenomenon, location: Location, **numbers: float) -> Verdict:
    return Verdict(
        cause=f"{CAUSE}.{phenomenon.value}",
        phenomenon=phenomenon,
        location=location,
        severity=Severity.OPERATING,
        score=20.0,
        persistence=1,
        event=phenomenon is Phenomenon.COUNTER_RESET,
        numbers=numbers,
    )

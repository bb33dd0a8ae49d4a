"""What a vehicle does, and the rows of it that are sampled.

An activity is exact: a trip knows its power at every second.  Sampling turns activities into rows,
coarse for a record of weeks, fine for a live bus, whole days or a few minutes of one: the physics
takes rows, and the same rows give the same bits however a day is cut.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from math import inf
from typing import Final, NamedTuple, final

import numpy as np
from jaxtyping import Bool, Float, UInt8

PARK_STEP_SECOND: Final = 1800.0
"""Longest step of the physics while nothing happens."""
HANDSHAKE_ROWS: Final = 3
"""Rows at the beginning of a charge in which charger and vehicle only talk."""


class Mode(IntEnum):
    """What the vehicle does."""

    PARK = 0
    READY = 1
    DRIVE = 2
    AC = 3
    DC = 4


class Rows(NamedTuple):
    """Rows of one vehicle; ``step_second`` reaches back to the row before."""

    unix_time_second: Float[np.ndarray, "time"]
    step_second: Float[np.ndarray, "time"]
    mode: UInt8[np.ndarray, "time"]
    power_mean_watt: Float[np.ndarray, "time"]
    """Over the step, positive charging; drives only [W]."""
    power_now_watt: Float[np.ndarray, "time"]
    """At the instant of the row [W]."""
    power_next_watt: Float[np.ndarray, "time"]
    """One second later [W]."""
    speed_kilometre_per_hour: Float[np.ndarray, "time"]
    distance_kilometre: Float[np.ndarray, "time"]
    """Since the start of the day."""
    charge_watt: Float[np.ndarray, "time"]
    """What the charger offers [W]."""
    target_soc: Float[np.ndarray, "time"]
    """Where charging ends."""
    reported: Bool[np.ndarray, "time"]
    """Whether telematics is awake."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How telematics samples.

    Attributes:
        period_second: While the vehicle is on or charging [s].
        park_period_second: While it is parked [s]; 0 for silence.
        charge_period_second: While it charges, where that is another; 0 for the same [s].
    """

    period_second: float = 10.0
    park_period_second: float = 1800.0
    charge_period_second: float = 0.0


class Park(NamedTuple):
    """Nothing happens."""

    start_second: float
    end_second: float


class Charge(NamedTuple):
    """Plugged in, for as long as the charge may take; the physics ends it at the target."""

    start_second: float
    duration_second: float
    power_watt: float
    target_soc: float
    mode: Mode


class Drive(NamedTuple):
    """A trip between two short stands."""

    start_second: float
    speed_metre_per_second: Float[np.ndarray, "second"]
    power_watt: Float[np.ndarray, "second"]
    """Positive charging [W]."""
    before_second: int
    after_second: int
    distance_kilometre: float
    """Covered earlier on the same day."""


Activity = Park | Charge | Drive


def rows_of(activity: Activity, sampling: Sampling) -> Rows:
    """Sample an activity from its beginning to its end; ``step_second`` is not filled."""
    match activity:
        case Park():
            return _parked(activity, sampling)
        case Charge():
            return _charging(activity, sampling)
        case Drive():
            return _driving(activity, sampling)


def sampled(
    activities: Sequence[Activity],
    sampling: Sampling,
    *,
    since_second: float,
    after_second: float = -inf,
    until_second: float = inf,
    distance_kilometre: float = 0.0,
) -> Rows:
    """Sample what lies behind one time, up to another and with it.

    Args:
        activities: What a vehicle does, in order.
        sampling: How telematics samples.
        since_second: Last row before, whatever its sampling was: the first step reaches back to
            it [unix s].
        after_second: Time behind which rows are wanted, where that is later [unix s].
        until_second: Last time wanted [unix s].
        distance_kilometre: Distance of the day at the last row before [km].

    Returns:
        The rows in time order.
    """
    pieces, last = [_rows(np.empty(0), Mode.PARK)], since_second
    for activity in activities:
        if activity.start_second > until_second:
            break
        rows = rows_of(activity, sampling)
        time = rows.unix_time_second
        # A trip sampled finely ends a little after the row at which its day was planned to go on.
        ends = max(last, after_second), until_second
        first, stop = np.searchsorted(time, ends, side="right").tolist()
        if first < stop:
            rows = Rows(*(column[first:stop] for column in rows))
            if isinstance(activity, Drive) and first > 0 and time[first - 1] != last:
                rows = rows._replace(power_mean_watt=_mended(activity, rows, last))
            pieces.append(rows)
            last = float(time[stop - 1])
    joined = Rows(*(np.concatenate(columns) for columns in zip(*pieces, strict=True)))
    # Distance is only written by trips: carry it over the rows between.
    carried = np.maximum.accumulate(np.maximum(joined.distance_kilometre, distance_kilometre))
    step = np.diff(joined.unix_time_second, prepend=since_second)
    return joined._replace(step_second=step, distance_kilometre=carried)


def _rows(
    time: Float[np.ndarray, "time"],
    mode: Mode | UInt8[np.ndarray, "time"],
    **columns: Float[np.ndarray, "time"] | Bool[np.ndarray, "time"],
) -> Rows:
    """Fill the columns that a kind of row does not use."""
    zero = np.zeros(len(time))
    filled: dict[str, np.ndarray] = dict.fromkeys(Rows._fields, zero)
    filled |= {"unix_time_second": time, "target_soc": zero + 1.0}
    filled |= {"mode": np.broadcast_to(np.uint8(mode), time.shape), "reported": time > -np.inf}
    return Rows(**(filled | columns))


def _parked(park: Park, sampling: Sampling) -> Rows:
    period = sampling.park_period_second or PARK_STEP_SECOND
    steps = int(np.ceil(period / PARK_STEP_SECOND))
    step = period / steps  # a rare wake-up still lets the physics go in small steps
    count = int(np.ceil((park.end_second - park.start_second) / step))
    time = park.start_second + step * np.arange(1, count)
    awake = (np.arange(1, len(time) + 1) % steps == 0) & (sampling.park_period_second > 0.0)
    return _rows(time, Mode.PARK, reported=awake)


def _charging(charge: Charge, sampling: Sampling) -> Rows:
    period = sampling.charge_period_second or sampling.period_second
    count = max(int(charge.duration_second / period), HANDSHAKE_ROWS - 1) + 1
    time = charge.start_second + period * np.arange(count)
    talking = np.arange(len(time)) < HANDSHAKE_ROWS
    kind = np.where(talking, Mode.READY, charge.mode).astype(np.uint8)
    offered = np.where(talking, 0.0, charge.power_watt)
    return _rows(time, kind, charge_watt=offered, target_soc=np.full(len(time), charge.target_soc))


def _driving(drive: Drive, sampling: Sampling) -> Rows:
    period = sampling.period_second
    speed = drive.speed_metre_per_second
    before, after = drive.before_second, drive.after_second
    every_speed = np.concatenate([np.zeros(before), speed, np.zeros(after)])
    every_power = _every_power(drive)
    elapsed = np.arange(0.0, len(every_speed), period)
    at = elapsed.astype(np.intp)
    used = _used(every_power, elapsed)
    mean = np.diff(used, prepend=used[0]) / period
    mode = np.where((elapsed < before) | (elapsed >= before + len(speed)), Mode.READY, Mode.DRIVE)
    return _rows(
        drive.start_second + elapsed,
        mode.astype(np.uint8),
        power_mean_watt=mean,
        power_now_watt=every_power[at],
        power_next_watt=every_power[at + 1],
        speed_kilometre_per_hour=every_speed[at] * 3.6,
        distance_kilometre=drive.distance_kilometre + np.cumsum(every_speed)[at] / 1e3,
    )


def last_of(drive: Drive, sampling: Sampling) -> tuple[float, float]:
    """Give time [unix s] and distance of the day [km] at a trip's last row."""
    count = len(drive.speed_metre_per_second) + drive.before_second + drive.after_second
    elapsed = float(np.arange(0.0, count, sampling.period_second)[-1])
    after = np.concatenate([drive.speed_metre_per_second, np.zeros(drive.after_second)])
    driven = (
        np.cumsum(after)[int(elapsed) - drive.before_second]
        if elapsed >= drive.before_second
        else 0.0
    )
    return drive.start_second + elapsed, float(drive.distance_kilometre + driven / 1e3)


def _every_power(drive: Drive) -> Float[np.ndarray, "second"]:
    """Give the power at every second of a trip, its stands included, and one more [W]."""
    speed, power = drive.speed_metre_per_second, drive.power_watt
    idle = -float(np.median(-power[speed < 0.1])) if (speed < 0.1).any() else -500.0
    idle = max(idle, -4000.0)
    before, after = np.full(drive.before_second, idle), np.full(drive.after_second, idle)
    return np.concatenate([before, power, after, [idle]])


def _used(
    every_power: Float[np.ndarray, "second"], elapsed: Float[np.ndarray, "time"]
) -> Float[np.ndarray, "time"]:
    """Give the energy taken since the start of a trip [J]."""
    energy = np.concatenate([[0.0], np.cumsum(every_power)])
    return np.asarray(np.interp(elapsed, np.arange(len(energy), dtype=float), energy))


def _mended(drive: Drive, rows: Rows, last_second: float) -> Float[np.ndarray, "time"]:
    """Let the mean power of the first row reach back to a row of another sampling [W]."""
    ends = np.array([last_second, rows.unix_time_second[0]])
    used = np.diff(_used(_every_power(drive), ends - drive.start_second))
    return np.concatenate([used / np.diff(ends), rows.power_mean_watt[1:]])

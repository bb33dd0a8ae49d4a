"""A vehicle's day as rows: when it is sampled, what it does, and what power that asks for.

A day lasts from one start of the record's day to the next (04:00 by default, so that charging at
night belongs to the day before).  Trips come at the driver's hours; a driver who would strand
charges fast first; at night the vehicle is plugged in below the driver's threshold.  While parked,
telematics sleeps: the time stamps have gaps, with a rare wake-up between.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple, final

import numpy as np
from jaxtyping import Bool, Float, UInt8

from voltherd.sim.drivers import Traits
from voltherd.sim.route import power_watt, speed_profile
from voltherd.units import SECOND_PER_DAY, SECOND_PER_HOUR

PARK_STEP_SECOND = 1800.0
"""Longest step of the physics while nothing happens."""
SOC_RESERVE = 0.12
"""A driver does not plan to go below this."""


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
    """

    period_second: float = 10.0
    park_period_second: float = 1800.0


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class DayStart:
    """What a day begins with.

    Attributes:
        start_second: Start of the day [unix s].
        since_second: Last row before it [unix s].
        soc: State of charge of the pack.
        energy_joule: Energy of the full pack [J].
        ambient_celsius: Mean temperature of the day [°C].
    """

    start_second: float
    since_second: float
    soc: float
    energy_joule: float
    ambient_celsius: float


def plan_day(rng: np.random.Generator, traits: Traits, begin: DayStart, sampling: Sampling) -> Rows:
    """Draw one day of a vehicle.

    Args:
        rng: The stream of this vehicle and day.
        traits: Vehicle and driver.
        begin: What the day begins with.
        sampling: How telematics samples.

    Returns:
        The rows of the day in time order.  Charging rows reach as far as the charge may take;
        whoever runs the physics stops charging at the target.
    """
    day_end = begin.start_second + SECOND_PER_DAY
    cursor, soc, distance = begin.since_second, begin.soc, 0.0
    pieces: list[Rows] = []

    def park_until(second: float) -> None:
        nonlocal cursor
        rows = _parked(cursor, second, sampling)
        if len(rows.unix_time_second):
            pieces.append(rows)
            cursor = float(rows.unix_time_second[-1])

    def charge(start: float, power: float, target: float, limit: float, mode: Mode) -> None:
        nonlocal cursor, soc
        need = max(target - soc, 0.0) * begin.energy_joule
        slow = 1.5 if mode is Mode.DC else 1.08
        taper = 1500.0 if target > 0.95 else 300.0
        duration = min(slow * need / power + taper, limit)
        park_until(start)
        pieces.append(_charging(start, duration, power, target, mode, sampling))
        cursor = float(pieces[-1].unix_time_second[-1])
        soc = min(target, soc + duration * power / slow / begin.energy_joule)

    auxiliary = float(np.clip(90.0 * abs(begin.ambient_celsius - 20.0), 100.0, 3500.0))
    warm = float(np.clip((begin.ambient_celsius + 15.0) / 25.0, 0.2, 1.0))
    for hour, minutes in _trips(rng, traits, begin.start_second):
        midnight = np.floor(begin.start_second / SECOND_PER_DAY) * SECOND_PER_DAY
        start = float(max(np.rint(midnight + hour * SECOND_PER_HOUR), cursor + 400.0))
        speed = speed_profile(rng, int(60.0 * minutes), traits.driver.roads)
        room_above = float(np.clip((1.0 - soc) / 0.15, 0.05, 1.0))
        power = power_watt(rng, speed, traits.body, auxiliary, min(room_above, warm))
        cost = float(-power.sum()) / begin.energy_joule
        if soc - cost < SOC_RESERVE:
            fast = float(rng.choice(traits.driver.direct_watt))
            charge(start, fast, 0.8, 3600.0, Mode.DC)
            start = cursor + 300.0
        if soc - cost < SOC_RESERVE or start + len(speed) + 600.0 > day_end:
            continue
        park_until(start)
        pieces.append(_driving(start, speed, power, distance, rng, sampling))
        cursor = float(pieces[-1].unix_time_second[-1])
        distance = float(pieces[-1].distance_kilometre[-1])
        soc -= cost
    plug = cursor + float(np.rint(rng.uniform(600.0, 5400.0)))
    room = day_end - 600.0 - plug
    if soc < min(traits.driver.plug_soc, traits.target_soc - 0.05) and room > SECOND_PER_HOUR:
        charge(plug, 0.92 * traits.alternating_watt, traits.target_soc, room, Mode.AC)
    park_until(day_end)
    return _joined(pieces, begin.since_second, distance)


def _trips(
    rng: np.random.Generator, traits: Traits, start_second: float
) -> Sequence[tuple[float, float]]:
    """Draw hour and minutes of each trip of a day."""
    weekday = int(start_second // SECOND_PER_DAY + 3) % 7  # 1970-01-01 was a Thursday
    driver = traits.driver
    hours = driver.work_hour if weekday < 5 else driver.leisure_hour
    chance = 0.96 if weekday < 5 else driver.leisure_chance
    kept = [hour for hour in hours if rng.random() < chance]
    first = start_second % SECOND_PER_DAY / SECOND_PER_HOUR
    drawn = [
        (
            max(first, hour + traits.hour_shift + float(rng.normal(0.0, 0.25))),
            float(rng.uniform(*driver.trip_minute)),
        )
        for hour in kept
    ]
    return sorted(drawn)


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


def _parked(start: float, end: float, sampling: Sampling) -> Rows:
    period = sampling.park_period_second or PARK_STEP_SECOND
    steps = int(np.ceil(period / PARK_STEP_SECOND))
    step = period / steps  # a rare wake-up still lets the physics go in small steps
    time = start + step * np.arange(1, int(np.ceil((end - start) / step)))
    awake = (np.arange(1, len(time) + 1) % steps == 0) & (sampling.park_period_second > 0.0)
    return _rows(time, Mode.PARK, reported=awake)


def _charging(
    start: float, duration: float, power: float, target: float, mode: Mode, sampling: Sampling
) -> Rows:
    period = sampling.period_second
    time = start + period * np.arange(max(int(duration / period), 2) + 1)
    kind = np.where(np.arange(len(time)) < 3, Mode.READY, mode).astype(np.uint8)  # handshake
    offered = np.where(kind == Mode.READY, 0.0, power)
    return _rows(time, kind, charge_watt=offered, target_soc=np.full(len(time), target))


def _driving(
    start: float,
    speed: Float[np.ndarray, "second"],
    power: Float[np.ndarray, "second"],
    distance: float,
    rng: np.random.Generator,
    sampling: Sampling,
) -> Rows:
    """Sample a trip, with a short stand before and after it."""
    period = sampling.period_second
    before, after = int(rng.integers(20, 90)), int(rng.integers(20, 240))
    idle = -float(np.median(-power[speed < 0.1])) if (speed < 0.1).any() else -500.0
    idle = max(idle, -4000.0)
    every_speed = np.concatenate([np.zeros(before), speed, np.zeros(after)])
    every_power = np.concatenate([np.full(before, idle), power, np.full(after, idle), [idle]])
    elapsed = np.arange(0.0, len(every_speed), period)
    at = elapsed.astype(np.intp)
    energy = np.concatenate([[0.0], np.cumsum(every_power)])
    used = np.interp(elapsed, np.arange(len(energy), dtype=float), energy)
    mean = np.diff(used, prepend=used[0]) / period
    mode = np.where((elapsed < before) | (elapsed >= before + len(speed)), Mode.READY, Mode.DRIVE)
    return _rows(
        start + elapsed,
        mode.astype(np.uint8),
        power_mean_watt=mean,
        power_now_watt=every_power[at],
        power_next_watt=every_power[at + 1],
        speed_kilometre_per_hour=every_speed[at] * 3.6,
        distance_kilometre=distance + np.cumsum(every_speed)[at] / 1e3,
    )


def _joined(pieces: Sequence[Rows], since_second: float, distance: float) -> Rows:
    joined = Rows(*(np.concatenate(columns) for columns in zip(*pieces, strict=True)))
    step = np.diff(joined.unix_time_second, prepend=since_second)
    # Distance is only written by trips: carry it over the rows between.
    carried = np.maximum.accumulate(joined.distance_kilometre)
    return joined._replace(step_second=step, distance_kilometre=carried)

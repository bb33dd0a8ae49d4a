"""A vehicle's day: what it does and when, drawn from its own stream.

A day lasts from one start of the record's day to the next (04:00 by default, so that charging at
night belongs to the day before).  Trips come at the driver's hours; a driver who would strand
charges fast first; at night the vehicle is plugged in below the driver's threshold.  While parked,
telematics sleeps: the time stamps have gaps, with a rare wake-up between.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, final

import numpy as np

from voltherd.sim.activity import (
    Activity,
    Charge,
    Drive,
    Mode,
    Park,
    Rows,
    Sampling,
    last_of,
    rows_of,
    sampled,
)
from voltherd.sim.drivers import Traits
from voltherd.sim.load import RecordedDrive, recorded_trip
from voltherd.sim.route import power_watt, speed_profile
from voltherd.units import SECOND_PER_DAY, SECOND_PER_HOUR

THURSDAY: Final = 3
"""The weekday of 1970-01-01, Monday being 0."""
SOC_RESERVE: Final = 0.12
"""A driver does not plan to go below this."""


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
        utc_offset_second: What the driver's clock is ahead of UTC [s].
        drives: What trips ask of the battery, where that was recorded.
    """

    start_second: float
    since_second: float
    soc: float
    energy_joule: float
    ambient_celsius: float
    utc_offset_second: float = 0.0
    drives: tuple[RecordedDrive, ...] = ()


def plan_day(rng: np.random.Generator, traits: Traits, begin: DayStart, sampling: Sampling) -> Rows:
    """Draw one day of a vehicle and sample it.

    Args:
        rng: The stream of this vehicle and day.
        traits: Vehicle and driver.
        begin: What the day begins with.
        sampling: How telematics samples.

    Returns:
        The rows of the day in time order.  Charging rows reach as far as the charge may take;
        whoever runs the physics stops charging at the target.
    """
    activities = draw_day(rng, traits, begin, sampling)
    return sampled(activities, sampling, since_second=begin.since_second)


def draw_day(
    rng: np.random.Generator, traits: Traits, begin: DayStart, sampling: Sampling
) -> tuple[Activity, ...]:
    """Draw one day of a vehicle.

    Args:
        rng: The stream of this vehicle and day.
        traits: Vehicle and driver.
        begin: What the day begins with.
        sampling: How telematics samples; an activity ends for the next one where its last row is.

    Returns:
        What it does, in time order.
    """
    day_end = begin.start_second + SECOND_PER_DAY
    cursor, soc, distance = begin.since_second, begin.soc, 0.0
    day: list[Activity] = []

    def add(activity: Activity) -> None:
        nonlocal cursor, distance
        day.append(activity)
        if isinstance(activity, Drive):
            cursor, distance = last_of(activity, sampling)
        elif len(time := rows_of(activity, sampling).unix_time_second):
            cursor = float(time[-1])

    def charge(start: float, power: float, target: float, limit: float, mode: Mode) -> None:
        nonlocal soc
        need = max(target - soc, 0.0) * begin.energy_joule
        slow = 1.5 if mode is Mode.DC else 1.08
        taper = 1500.0 if target > 0.95 else 300.0
        duration = min(slow * need / power + taper, limit)
        add(Park(cursor, start))
        add(Charge(start, duration, power, target, mode))
        soc = min(target, soc + duration * power / slow / begin.energy_joule)

    auxiliary = float(np.clip(90.0 * abs(begin.ambient_celsius - 20.0), 100.0, 3500.0))
    warm = float(np.clip((begin.ambient_celsius + 15.0) / 25.0, 0.2, 1.0))
    local = begin.start_second + begin.utc_offset_second
    midnight = float(np.floor(local / SECOND_PER_DAY) * SECOND_PER_DAY) - begin.utc_offset_second
    for hour, minutes in _trips(rng, traits, local):
        start = float(max(np.rint(midnight + hour * SECOND_PER_HOUR), cursor + 400.0))
        if begin.drives:
            speed, power = recorded_trip(rng, begin.drives, int(60.0 * minutes), traits.body)
        else:
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
        add(Park(cursor, start))
        before, after = int(rng.integers(20, 90)), int(rng.integers(20, 240))
        add(Drive(start, speed, power, before, after, distance))
        soc -= cost
    plug = cursor + float(np.rint(rng.uniform(600.0, 5400.0)))
    room = day_end - 600.0 - plug
    if soc < min(traits.driver.plug_soc, traits.target_soc - 0.05) and room > SECOND_PER_HOUR:
        charge(plug, 0.92 * traits.alternating_watt, traits.target_soc, room, Mode.AC)
    add(Park(cursor, day_end))
    return tuple(day)


def _trips(
    rng: np.random.Generator, traits: Traits, local_second: float
) -> Sequence[tuple[float, float]]:
    """Draw hour and minutes of each trip of a day that begins at a local time."""
    weekday = int(local_second // SECOND_PER_DAY + THURSDAY) % 7
    driver = traits.driver
    hours = driver.work_hour if weekday < 5 else driver.leisure_hour
    chance = 0.96 if weekday < 5 else driver.leisure_chance
    kept = [hour for hour in hours if rng.random() < chance]
    first = local_second % SECOND_PER_DAY / SECOND_PER_HOUR
    drawn = [
        (
            max(first, hour + traits.hour_shift + float(rng.normal(0.0, 0.25))),
            float(rng.uniform(*driver.trip_minute)),
        )
        for hour in kept
    ]
    return sorted(drawn)

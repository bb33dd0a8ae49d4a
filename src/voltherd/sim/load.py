"""Recorded drives as load: what a real vehicle or a cell on a test bench was asked for.

A recording becomes drives of one value a second.  A vehicle's recording keeps its watts; a cell's
is scaled by capacity, so that the simulated pack works as hard for its size as the cell did.  What
the simulated drive train cannot give or take is cut off.  Where no speed was recorded, it is the
one at which a steady drive on a level road would take that power, so that odometer and consumption
agree.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple, final

import numpy as np
from jaxtyping import Float

from voltherd.errors import InputError, UsageError
from voltherd.sim.route import Body, steady_power_watt
from voltherd.types.sample import SampleBatch

GAP_SECOND: Final = 60.0
"""Silence at which a drive ends."""
CHARGE_SECOND: Final = 180
"""Current into the battery for so long is no regeneration."""
DRIVE_SECOND_MIN: Final = 120
PACK_VOLT_MIN: Final = 30.0
"""Less is one cell, or a few: no vehicle drives on it."""
STEADY_SECOND: Final = 30
"""Power is averaged over this time before a speed is made of it."""
_SPEED_MAX: Final = 45.0


class RecordedDrive(NamedTuple):
    """One drive at one value a second."""

    demand: Float[np.ndarray, "second"]
    """Positive charging, in the load's unit."""
    speed_metre_per_second: Float[np.ndarray, "second"] | None


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What trips ask of the battery instead of a synthetic road.

    Attributes:
        drives: Each trip replays one of them, or as much of it as the trip is long.
        by_capacity: Whether the demand is a current over the capacity [1/h]; else power [W].
    """

    drives: tuple[RecordedDrive, ...] = field(compare=False)
    by_capacity: bool


def load_of(batches: Sequence[SampleBatch], capacity_ah: float | None = None) -> Load:
    """Find the drives of a recording.

    Args:
        batches: Recorded samples, of vehicles or of cells.
        capacity_ah: Capacity of what was recorded; scales by capacity instead of power [Ah].

    Returns:
        The drives, in order.

    Raises:
        UsageError: It is a single cell's, and its capacity is not given, or makes no sense.
        InputError: There is no current, no voltage, or no drive in it.
    """
    if capacity_ah is not None and not capacity_ah > 0.0:
        raise UsageError(
            f"{capacity_ah:g} Ah is no capacity",
            where="--cycle-capacity",
            mend="give ampere-hours, as 3.0",
        )
    drives = tuple(drive for batch in batches for drive in _drives(batch, capacity_ah))
    if not drives:
        raise InputError(
            f"no drive of {DRIVE_SECOND_MIN} s that takes charge from the battery",
            where=", ".join(batch.vehicle_id for batch in batches[:3]),
            mend="record a drive at 1 Hz or so",
        )
    return Load(drives=drives, by_capacity=capacity_ah is not None)


def _drives(batch: SampleBatch, capacity_ah: float | None) -> tuple[RecordedDrive, ...]:
    where = batch.vehicle_id
    current = batch.scalar.get("current_ampere")
    if current is None:
        raise InputError(
            "no current, which a load is made of", where=where, mend="record the pack's current"
        )
    volt = batch.scalar.get("voltage_volt")
    if capacity_ah is not None:
        demand = current / capacity_ah
    elif volt is None:
        raise InputError(
            "no pack voltage, which power is made of", where=where, mend="give --cycle-capacity"
        )
    elif np.nanmedian(volt) < PACK_VOLT_MIN:
        raise UsageError(
            f"a cell's recording ({np.nanmedian(volt):.1f} V) cannot drive a vehicle as it is",
            where=where,
            mend="give the cell's capacity with --cycle-capacity, to scale it to the pack",
        )
    else:
        demand = current * volt
    speed = batch.scalar.get("speed_kilometre_per_hour")
    return _cut(batch.unix_time_second, demand, None if speed is None else speed / 3.6)


def _cut(
    time: Float[np.ndarray, "time"],
    demand: Float[np.ndarray, "time"],
    speed: Float[np.ndarray, "time"] | None,
) -> tuple[RecordedDrive, ...]:
    """Cut a recording where it is silent or charges, and give what is left second by second."""
    known = np.isfinite(demand) if speed is None else np.isfinite(demand) & np.isfinite(speed)
    time, demand = time[known], demand[known]
    speed = None if speed is None else speed[known]
    falls = np.flatnonzero(demand <= 0.0)
    first = np.concatenate([[-1], falls]) + 1
    last = np.concatenate([falls, [len(time)]]) - 1
    rising = last > first
    first, last = first[rising], last[rising]
    charging = np.zeros(len(time), bool)
    for k in np.flatnonzero(time[last] - time[first] > CHARGE_SECOND).tolist():
        charging[first[k] : last[k] + 1] = True
    found: list[RecordedDrive] = []
    kept = np.flatnonzero(~charging)
    if not len(kept):
        return ()
    cuts = np.flatnonzero((np.diff(time[kept]) > GAP_SECOND) | (np.diff(kept) > 1)) + 1
    for part in np.split(kept, cuts):
        second = np.arange(time[part[0]], time[part[-1]], 1.0)
        if len(second) < DRIVE_SECOND_MIN:
            continue
        every = np.interp(second, time[part], demand[part])
        if every.sum() < 0.0:
            fast = None if speed is None else np.interp(second, time[part], speed[part])
            found.append(RecordedDrive(every, fast))
    return tuple(found)


def fitted(load: Load, one_c_watt: float) -> tuple[RecordedDrive, ...]:
    """Give the drives of a load in watts [W].

    Args:
        load: The recorded drives.
        one_c_watt: Power that empties the full pack in an hour [W].
    """
    if not load.by_capacity:
        return load.drives
    return tuple(drive._replace(demand=drive.demand * one_c_watt) for drive in load.drives)


def recorded_trip(
    rng: np.random.Generator, drives: Sequence[RecordedDrive], duration_second: int, body: Body
) -> tuple[Float[np.ndarray, "second"], Float[np.ndarray, "second"]]:
    """Give speed [m/s] and power into the battery [W] at every second of a replayed trip.

    Args:
        rng: The vehicle's stream for this day: which drive, and from where where it is longer.
        drives: Recorded drives [W].
        duration_second: Length of the trip; a shorter drive is replayed whole [s].
        body: What the drive train can give and take.

    Returns:
        Speed and power, positive charging.
    """
    drive = drives[int(rng.integers(len(drives)))]
    spare = len(drive.demand) - duration_second
    first = int(rng.integers(spare)) if spare > 0 else 0
    part = slice(first, first + duration_second)
    power = np.clip(drive.demand[part], -body.power_watt_max, body.regeneration_watt_max)
    if drive.speed_metre_per_second is not None:
        return drive.speed_metre_per_second[part], power
    return _steady_speed(power, body), power


def _steady_speed(power: Float[np.ndarray, "second"], body: Body) -> Float[np.ndarray, "second"]:
    """Give the speed at which a steady drive on a level road takes the power of half a minute."""
    wide = min(STEADY_SECOND, len(power))
    mean = np.convolve(-power, np.full(wide, 1.0 / wide), mode="same")
    speed = np.linspace(0.0, _SPEED_MAX, 200)
    return np.asarray(np.interp(mean, steady_power_watt(speed, body), speed))

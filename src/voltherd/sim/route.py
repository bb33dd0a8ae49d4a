"""One trip: a synthetic speed profile and the electrical power it takes.

The profile is a chain of micro-trips (pull away, cruise, brake, stand), the way driving cycles are
built (Lin & Niemeier, Transportation Research Part C 10 (2002) 361).  The power follows from the
longitudinal force balance (Guzzella & Sciarretta, Vehicle Propulsion Systems, 3rd ed., eq. 2.1)::

    F = m a + m g c_r + m g sin(slope) + rho/2 c_d A v^2
    P = F v / eta     driving          P = eta_regen F v     braking, limited
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final, final

import numpy as np
from jaxtyping import Float

_GRAVITY: Final = 9.81
_AIR_DENSITY: Final = 1.2
_KMH: Final = 1.0 / 3.6


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Roads:
    """What mix of roads a driver uses.

    Attributes:
        share_rural: Share of micro-trips on rural roads.
        share_highway: Share of micro-trips on highways; the rest is city.
        stand_second: Mean time standing between micro-trips [s].
        acceleration: Usual acceleration [m/s²].
    """

    share_rural: float
    share_highway: float
    stand_second: float
    acceleration: float


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """What the force balance needs of a vehicle.

    Attributes:
        mass_kilogram: Mass with load [kg].
        rolling: Coefficient of rolling resistance.
        drag_area_square_metre: Drag coefficient times frontal area [m²].
        drive_efficiency: From the battery to the wheel.
        regeneration_efficiency: From the wheel to the battery.
        power_watt_max: Most the battery gives to the drive [W].
        regeneration_watt_max: Most the drive gives back [W].
        standby_watt: Electronics while switched on [W].
    """

    mass_kilogram: float
    rolling: float
    drag_area_square_metre: float
    drive_efficiency: float = 0.88
    regeneration_efficiency: float = 0.65
    power_watt_max: float = 110e3
    regeneration_watt_max: float = 60e3
    standby_watt: float = 350.0


def speed_profile(
    rng: np.random.Generator, duration_second: int, roads: Roads
) -> Float[np.ndarray, "second"]:
    """Draw the speed of a trip at every second.

    Args:
        rng: The stream to draw from.
        duration_second: Length of the trip [s].
        roads: The driver's roads.

    Returns:
        Speed [m/s], 0 at both ends.
    """
    speed = np.zeros(duration_second)
    length = 3
    while length < duration_second:
        kind = rng.random()
        if kind < roads.share_highway:
            top, cruise = rng.uniform(90.0, 130.0) * _KMH, rng.exponential(240.0) + 60.0
        elif kind < roads.share_highway + roads.share_rural:
            top, cruise = rng.uniform(55.0, 95.0) * _KMH, rng.exponential(80.0) + 15.0
        else:
            top, cruise = rng.uniform(15.0, 55.0) * _KMH, rng.exponential(25.0) + 4.0
        rise = max(int(top / (roads.acceleration * rng.uniform(0.6, 1.5))), 2)
        fall = max(int(top / (roads.acceleration * rng.uniform(0.6, 1.6))), 2)
        stand = int(rng.exponential(roads.stand_second)) + 1
        level, slow = length + rise, length + rise + int(cruise)
        speed[length:level] = (top * _pull_away(rise))[: max(duration_second - length, 0)]
        speed[level:slow] = top
        speed[slow : slow + fall] = _brake(top, fall)[: max(duration_second - slow, 0)]
        length = slow + fall + stand
    # Traffic: slow wander of the speed, whatever the road.
    wander = _smooth(rng.normal(0.0, 1.0, duration_second), 15)
    speed = np.maximum(speed * (1.0 + 0.25 * wander), 0.0)
    tail = min(25, duration_second)
    speed[-tail:] = np.minimum(speed[-tail:], np.linspace(1.2 * tail, 0.0, tail))
    return np.asarray(np.maximum(_smooth(speed, 3), 0.0))


@lru_cache(maxsize=256)
def _pull_away(seconds: int) -> Float[np.ndarray, "second"]:
    """Give the shape of a speed that rises from 0 to 1, harder at low speed; not to be changed."""
    shape = np.linspace(0.0, 1.0, seconds) ** 0.8
    shape.flags.writeable = False
    return np.asarray(shape)


def _brake(top: float, seconds: int) -> Float[np.ndarray, "second"]:
    """Give ``np.linspace(top, 0.0, seconds)`` to the bit, in a third of its time."""
    speed = np.arange(seconds) * (-top / (seconds - 1)) + top
    speed[-1] = 0.0
    return np.asarray(speed)


def power_watt(
    rng: np.random.Generator,
    speed: Float[np.ndarray, "second"],
    body: Body,
    auxiliary_watt: float,
    regeneration: float = 1.0,
) -> Float[np.ndarray, "second"]:
    """Give the power into the battery at every second of a trip, positive charging.

    Args:
        rng: The stream that draws the hills.
        speed: Speed [m/s].
        body: The vehicle.
        auxiliary_watt: Heating and cooling of the cabin [W].
        regeneration: Share of its power that a cold or full battery lets the drive give back.

    Returns:
        Power [W]: negative while driving, positive while the drive regenerates.
    """
    slope = 0.15 * _smooth(rng.normal(0.0, 1.0, len(speed)), 60)
    mass = body.mass_kilogram
    force = (
        1.05 * mass * np.gradient(speed)  # 5 % for what rotates
        + mass * _GRAVITY * (body.rolling * (speed > 0.1) + slope)
        + 0.5 * _AIR_DENSITY * body.drag_area_square_metre * speed**2
    )
    wheel = force * speed
    fade = np.clip((speed - 2.0) / 3.0, 0.0, 1.0)  # below walking pace the brakes do the work
    drawn = np.minimum(wheel / body.drive_efficiency, body.power_watt_max)
    returned = np.maximum(
        body.regeneration_efficiency * fade * wheel, -regeneration * body.regeneration_watt_max
    )
    return np.asarray(-np.where(wheel > 0.0, drawn, returned) - body.standby_watt - auxiliary_watt)


def steady_power_watt(
    speed: Float[np.ndarray, "speeds"], body: Body
) -> Float[np.ndarray, "speeds"]:
    """Give the power that a steady drive on a level road draws, heating and cooling left out [W].

    Args:
        speed: Speed [m/s].
        body: The vehicle.
    """
    force = (
        body.mass_kilogram * _GRAVITY * body.rolling
        + 0.5 * _AIR_DENSITY * body.drag_area_square_metre * speed**2
    )
    return np.asarray(force * speed / body.drive_efficiency + body.standby_watt)


def _smooth(values: Float[np.ndarray, "second"], width: int) -> Float[np.ndarray, "second"]:
    """Average over ``width`` seconds, shape kept."""
    if len(values) <= width:
        return values
    total = np.cumsum(np.concatenate([np.full(width, values[0]), values]))
    return np.asarray((total[width:] - total[:-width]) / width)

"""Random streams keyed by what they are for, so that nothing depends on who else is simulated.

A stream's key is (fleet seed, purpose, vehicle, day), and the segment of a day drawn in parts.
Vehicle 7 of seed 3 is therefore the same in a fleet of 7 and in one of 700, in whatever order and
in whatever groups vehicles are computed.
"""

from enum import IntEnum

import numpy as np


class Purpose(IntEnum):
    """What a stream is drawn for; members are never renumbered, or old seeds change meaning."""

    TRAITS = 1
    PACK = 2
    USAGE = 3
    WEATHER = 4
    SENSORS = 5
    SENSOR_DAY = 6
    PLACEMENT = 7
    FAULT_DAY = 8
    MESS = 9
    ENVIRONMENT = 10
    ENVIRONMENT_DAY = 11
    CONTACTORS_DAY = 12


def stream(
    seed: int, purpose: Purpose, vehicle: int = 0, day: int = 0, segment: int | None = None
) -> np.random.Generator:
    """Give the stream of one vehicle, purpose and day.

    Args:
        seed: The fleet's seed, not negative.
        purpose: What it is drawn for.
        vehicle: Vehicle counted from 1, 0 for the fleet as a whole.
        day: Day counted from 0, or a running number.
        segment: Part of the day, where a day is drawn in parts.

    Returns:
        A generator of its own; equal keys give equal numbers.

    >>> a, b = (stream(3, Purpose.PACK, vehicle=7) for _ in range(2))
    >>> a.normal() == b.normal()
    True
    """
    key = (int(purpose), vehicle, day) if segment is None else (int(purpose), vehicle, day, segment)
    return np.random.Generator(np.random.SFC64(np.random.SeedSequence(seed, spawn_key=key)))

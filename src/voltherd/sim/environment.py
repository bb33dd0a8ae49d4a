"""What a pack measures besides its cells: pressure, damp and vibration inside its housing.

Few packs measure all three; a fleet does so only where it is asked for, and then from streams of
their own, so that nothing else changes.  A housing breathes through a membrane: it follows the
pressure of the weather, and holds the air of its days, which is damp while the pack is cold and dry
while it is warm.  It is shaken in proportion to speed.
"""

from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Float

from voltherd.units import SECOND_PER_DAY

PRESSURE: Final = "pressure_pascal"
HUMIDITY: Final = "relative_humidity_fraction"
VIBRATION: Final = "vibration_metre_per_second_squared"
STEPS: Final = {PRESSURE: 50.0, HUMIDITY: 0.005, VIBRATION: 0.01}
"""Steps in which each is sent."""

VENT_SECOND: Final = 1800.0
"""Within this time the housing's valve lets most of a vented cell's gas out."""
SOAK_SECOND: Final = 0.5 * SECOND_PER_DAY
"""Within this time water that comes in has spread."""
_SEA_LEVEL_PASCAL: Final = 101_325.0
_SCALE_HEIGHT_METRE: Final = 8400.0
_WAVE_DAY: Final = (1.7, 3.9, 8.3)
_WAVE_PASCAL: Final = (350.0, 450.0, 500.0)
_STANDING: Final = 0.06
"""What sensors and fans shake at least, root mean square [m/s²]."""


class Environment(NamedTuple):
    """What is drawn once for a vehicle."""

    altitude_metre: float
    phase: Float[np.ndarray, "waves"]
    """Of the weather's pressure waves [rad]."""
    dryness_kelvin: float
    """By how much the dew point of the housing's air lies below the temperature it is of."""
    shake: float
    """Vibration for each km/h [m/s² per km/h]."""


def draw_environment(rng: np.random.Generator) -> Environment:
    """Draw the surroundings of a vehicle's housing from a stream of its own."""
    return Environment(
        altitude_metre=float(rng.uniform(0.0, 600.0)),
        phase=rng.uniform(0.0, 2.0 * np.pi, len(_WAVE_DAY)),
        dryness_kelvin=float(rng.uniform(8.0, 12.0)),
        shake=float(rng.uniform(0.014, 0.022)),
    )


def environment_channels(
    rng: np.random.Generator,
    environment: Environment,
    *,
    unix_time_second: Float[np.ndarray, "time"],
    housing_celsius: Float[np.ndarray, "time"],
    cell_celsius: Float[np.ndarray, "time"],
    speed_kilometre_per_hour: Float[np.ndarray, "time"],
) -> dict[str, Float[np.ndarray, "time"]]:
    """Measure what surrounds the cells, before the steps in which it is sent.

    Args:
        rng: A stream of its own.
        environment: What was drawn for the vehicle.
        unix_time_second: When [s].
        housing_celsius: Temperature of the weather that the housing's air is of [°C].
        cell_celsius: Temperature of the cells [°C].
        speed_kilometre_per_hour: How fast it drives.

    Returns:
        The three channels by their names.
    """
    count = len(unix_time_second)
    turns = 2.0 * np.pi * unix_time_second[:, None] / (np.array(_WAVE_DAY) * SECOND_PER_DAY)
    weather = (np.array(_WAVE_PASCAL) * np.sin(turns + environment.phase)).sum(axis=1)
    still = _SEA_LEVEL_PASCAL * np.exp(-environment.altitude_metre / _SCALE_HEIGHT_METRE)
    dew = housing_celsius - environment.dryness_kelvin
    damp = saturation_pascal(dew) / saturation_pascal(cell_celsius)
    shaken = environment.shake * speed_kilometre_per_hour * np.exp(0.2 * rng.standard_normal(count))
    return {
        PRESSURE: still + weather + rng.normal(0.0, 60.0, count),
        HUMIDITY: np.clip(damp + rng.normal(0.0, 0.005, count), 0.0, 1.0),
        VIBRATION: _STANDING + np.abs(rng.normal(0.0, 0.01, count)) + shaken,
    }


def saturation_pascal(celsius: Float[np.ndarray, "time"]) -> Float[np.ndarray, "time"]:
    """Give the pressure of saturated water vapour [Pa].

    Source: Magnus' formula with the coefficients of the World Meteorological Organization (WMO-No.
    8, annex 4.B).

    >>> saturation_pascal(np.array([20.0])).round()
    array([2333.])
    """
    return np.asarray(611.2 * np.exp(17.62 * celsius / (243.12 + celsius)))


def vented(age_second: Float[np.ndarray, "time"]) -> Float[np.ndarray, "time"]:
    """Give the share of a vented cell's pressure that is left after some time."""
    return np.where(age_second < 0.0, 0.0, np.exp(-np.maximum(age_second, 0.0) / VENT_SECOND))


def soaked(age_second: Float[np.ndarray, "time"]) -> Float[np.ndarray, "time"]:
    """Give the share of the damp that has spread after some time."""
    return np.where(age_second < 0.0, 0.0, -np.expm1(-np.maximum(age_second, 0.0) / SOAK_SECOND))

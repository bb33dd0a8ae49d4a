"""Air around a vehicle: season, day and night, and spells of warm and cold days."""

import numpy as np
from jaxtyping import Float

from voltherd.sim.streams import Purpose, stream
from voltherd.units import SECOND_PER_DAY

_YEAR_DAY = 365.2425
_EPOCH_OFFSET_DAY = 110.0  # the yearly mean is crossed upwards in late April
_SPELL_PERSISTENCE = 0.7
_SPELL_CELSIUS = 3.0


def daily_anomaly(seed: int, vehicle: int, days: int) -> Float[np.ndarray, "days"]:
    """Give how much warmer than its season each day is, a first-order chain over days.

    Args:
        seed: The fleet's seed.
        vehicle: Vehicle counted from 1.
        days: How many days.

    Returns:
        Anomaly of each day [K]; the first days do not depend on how many are asked for.

    >>> a, b = daily_anomaly(1, 2, 3), daily_anomaly(1, 2, 30)
    >>> bool((a == b[:3]).all())
    True
    """
    shocks = stream(seed, Purpose.WEATHER, vehicle).normal(0.0, _SPELL_CELSIUS, days)
    anomaly = np.empty(days)
    value = 0.0
    for day, shock in enumerate(shocks):
        value = _SPELL_PERSISTENCE * value + np.sqrt(1.0 - _SPELL_PERSISTENCE**2) * shock
        anomaly[day] = value
    return anomaly


def mean_temperature_celsius(
    unix_time_second: Float[np.ndarray, "time"],
    *,
    site_celsius: float,
    start_second: float,
    anomaly: Float[np.ndarray, "days"],
) -> Float[np.ndarray, "time"]:
    """Give the temperature of the air without day and night; arguments as for it with them [°C]."""
    season = _season(unix_time_second)
    return np.asarray(site_celsius + season + _spell(unix_time_second, start_second, anomaly))


def ambient_temperature_celsius(
    unix_time_second: Float[np.ndarray, "time"],
    *,
    site_celsius: float,
    start_second: float,
    anomaly: Float[np.ndarray, "days"],
) -> Float[np.ndarray, "time"]:
    """Give the temperature of the air.

    Args:
        unix_time_second: When [s].
        site_celsius: Yearly mean of the place [°C].
        start_second: When the first day of ``anomaly`` begins [unix s].
        anomaly: Anomaly at the start of each day [K].

    Returns:
        Temperature [°C]: a yearly swing of ±9 K and a daily one of ±4.5 K, as in Central Europe.
    """
    day = unix_time_second / SECOND_PER_DAY
    season = _season(unix_time_second)
    time_of_day = 4.5 * np.sin(2.0 * np.pi * (day - 9.0 / 24.0))  # warmest at 15:00
    spell = _spell(unix_time_second, start_second, anomaly)
    return np.asarray(site_celsius + season + time_of_day + spell)


def _season(unix_time_second: Float[np.ndarray, "time"]) -> Float[np.ndarray, "time"]:
    day = unix_time_second / SECOND_PER_DAY
    return np.asarray(9.0 * np.sin(2.0 * np.pi * (day - _EPOCH_OFFSET_DAY) / _YEAR_DAY))


def _spell(
    unix_time_second: Float[np.ndarray, "time"],
    start_second: float,
    anomaly: Float[np.ndarray, "days"],
) -> Float[np.ndarray, "time"]:
    since_start = (unix_time_second - start_second) / SECOND_PER_DAY
    return np.asarray(np.interp(since_start, np.arange(len(anomaly)), anomaly))

"""Hidden heat: hours a pack spends hot, also parked and unseen, and what they cost of its life.

Calendar ageing follows Arrhenius' law.  Every hour is weighed by how much faster a cell ages at its
temperature than at 25 °C, with the activation energy of 58 kJ/mol that Schmalstieg, Käbitz, Ecker
and Sauer (J. Power Sources 257 (2014) 325: exp(−6976 K/T)) fitted to the capacity lost by stored
NMC cells; other cells have 40 to 70.  A silence of up to a day counts with the mean of its ends: a
pack parked hot and found hot was hot between.

It is a matter of use and place, not of a defect: worth knowing, never more.
"""

from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Float

from voltherd.detection.verdict import Verdict
from voltherd.detection.windows import Windows
from voltherd.numerics.robust import median
from voltherd.types.event import Location, LocationKind, Phenomenon, Severity
from voltherd.units import (
    GAS_CONSTANT_JOULE_PER_MOLE_KELVIN,
    KELVIN_AT_ZERO_CELSIUS,
    REFERENCE_TEMPERATURE_CELSIUS,
    SECOND_PER_DAY,
    SECOND_PER_HOUR,
)

CAUSE: Final = "warmth"
ACTIVATION_JOULE_PER_MOLE: Final = 58_000.0
ACTIVATION_LOW: Final = 40_000.0
ACTIVATION_HIGH: Final = 70_000.0
HOT_CELSIUS: Final = 40.0
SILENCE_SECOND_MAX: Final = SECOND_PER_DAY
DAYS_KEPT: Final = 60
RECENT_DAYS: Final = 7
RECENT_HOURS_MIN: Final = 84.0
"""Hours of the last week that must be known: half of it."""
USUAL_DAYS_MIN: Final = 14
FACTOR_MIN: Final = 2.0
"""Ageing twice as fast as at 25 °C: a week in the mean at 35 °C."""
FACTOR_RELEASE: Final = 1.7


class Day(NamedTuple):
    """One day: its number since 1970, hours known, those worth at 25 °C, hot ones, unseen hot ones.

    ``low`` and ``high`` are the equivalent hours by the lowest and the highest activation energy.
    """

    day: int
    hours: float
    equivalent: float
    low: float
    high: float
    hot: float
    hidden: float


class Warmth(NamedTuple):
    """What is known of it.

    Attributes:
        second: End of the window before, NaN for none [unix s].
        celsius: Median probe in it [°C].
        days: The last two months.
        named: Whether the use counts as hot.
    """

    second: float
    celsius: float
    days: tuple[Day, ...]
    named: bool


def init() -> Warmth:
    """Have seen nothing yet."""
    return Warmth(np.nan, np.nan, (), named=False)


def ageing_factor(
    celsius: Float[np.ndarray, "*n"], activation: float = ACTIVATION_JOULE_PER_MOLE
) -> Float[np.ndarray, "*n"]:
    """Give how many times as fast as at 25 °C a cell ages.

    >>> ageing_factor(np.array([25.0, 35.0, 45.0])).round(1)
    array([1. , 2.1, 4.4])
    """
    kelvin = celsius + KELVIN_AT_ZERO_CELSIUS
    reference = REFERENCE_TEMPERATURE_CELSIUS + KELVIN_AT_ZERO_CELSIUS
    exponent = activation / GAS_CONSTANT_JOULE_PER_MOLE_KELVIN * (1.0 / reference - 1.0 / kelvin)
    return np.asarray(np.exp(exponent))


def look(warmth: Warmth, windows: Windows) -> Warmth:
    """Take windows into account."""
    middle = median(windows.probe_celsius, axis=1).astype(np.float64)
    known = np.isfinite(middle)
    if not known.any():
        return warmth
    celsius, start, end = (v[known] for v in (middle, windows.start_second, windows.end_second))
    before = np.concatenate([[warmth.celsius], celsius[:-1]])
    silent = start - np.concatenate([[warmth.second], end[:-1]])
    silent = np.where((silent > 0.0) & (silent <= SILENCE_SECOND_MAX), silent, 0.0)
    before = np.where(np.isfinite(before), before, celsius)
    days = {day.day: day for day in warmth.days}
    number = (end // SECOND_PER_DAY).astype(np.int64)
    seen = (end - start) / SECOND_PER_HOUR
    unseen = silent / SECOND_PER_HOUR
    worth = [
        seen * ageing_factor(celsius, energy)
        + unseen * 0.5 * (ageing_factor(celsius, energy) + ageing_factor(before, energy))
        for energy in (ACTIVATION_JOULE_PER_MOLE, ACTIVATION_LOW, ACTIVATION_HIGH)
    ]
    hidden = unseen * (0.5 * (celsius + before) >= HOT_CELSIUS)
    hot = seen * (celsius >= HOT_CELSIUS) + hidden
    told = np.stack([seen + unseen, *worth, hot, hidden], axis=1)
    for row, day in enumerate(number.tolist()):  # one after the other: the same sums in any pieces
        old = days.get(day, Day(day, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0))
        days[day] = Day(day, *(a + b for a, b in zip(old[1:], told[row].tolist(), strict=True)))
    latest = tuple(days[day] for day in sorted(days)[-DAYS_KEPT:])
    return warmth._replace(second=float(end[-1]), celsius=float(celsius[-1]), days=latest)


def judge(warmth: Warmth) -> tuple[Warmth, tuple[Verdict, ...]]:
    """Say whether the last week's heat costs life, and how much against the vehicle's own usual."""
    if not warmth.days:
        return warmth, ()
    last = warmth.days[-1].day
    recent = [day for day in warmth.days if day.day > last - RECENT_DAYS]
    hours = sum(day.hours for day in recent)
    if hours < RECENT_HOURS_MIN:
        return warmth, ()
    factor = sum(day.equivalent for day in recent) / hours
    named = factor >= (FACTOR_RELEASE if warmth.named else FACTOR_MIN)
    warmth = warmth._replace(named=named)
    if not named:
        return warmth, ()
    numbers = {
        "factor": factor,
        "factor_low": sum(day.low for day in recent) / hours,
        "factor_high": sum(day.high for day in recent) / hours,
        "hours": hours,
        "hot_hours": sum(day.hot for day in recent),
        "hidden_hours": sum(day.hidden for day in recent),
    }
    earlier = [day for day in warmth.days if day.day <= last - RECENT_DAYS]
    if len(earlier) >= USUAL_DAYS_MIN:
        numbers["usual"] = sum(d.equivalent for d in earlier) / sum(d.hours for d in earlier)
    verdict = Verdict(
        cause=CAUSE,
        phenomenon=Phenomenon.HOT_USE,
        location=Location(kind=LocationKind.PACK),
        severity=Severity.OPERATING,
        score=10.0,
        numbers=numbers,
    )
    return warmth, (verdict,)

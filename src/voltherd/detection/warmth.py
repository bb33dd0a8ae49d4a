"""Hidden heat: hours a pack spends hot, also parked and unseen, and what they cost of its life.

Calendar ageing follows Arrhenius' law.  Every hour is weighed by how much faster a cell ages at its
temperature than at 25 °C, with the activation energy of 58 kJ/mol that Schmalstieg, Käbitz, Ecker
and Sauer (J. Power Sources 257 (2014) 325: exp(−6976 K/T)) fitted to the capacity lost by stored
NMC cells; other cells have 40 to 70.  A silence of up to a day counts with the mean of its ends: a
pack parked hot and found hot was hot between.

It is a matter of use and place, not of a defect: worth knowing, never more.
"""

from math import isfinite
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
_ENERGIES: Final = np.array([[ACTIVATION_JOULE_PER_MOLE], [ACTIVATION_LOW], [ACTIVATION_HIGH]])
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


_NO_HOURS: Final = (0.0,) * (len(Day._fields) - 1)


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
    celsius: Float[np.ndarray, "*n"],
    activation: float | Float[np.ndarray, "k 1"] = ACTIVATION_JOULE_PER_MOLE,
) -> Float[np.ndarray, "..."]:
    """Give how many times as fast as at 25 °C a cell ages; a row for each of several energies.

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
    factors = ageing_factor(np.concatenate([[warmth.celsius], middle]), _ENERGIES).T.tolist()
    spans = zip(windows.start_second.tolist(), windows.end_second.tolist(), strict=True)
    second, before, then, days = warmth.second, warmth.celsius, factors[0], list(warmth.days)
    for (start, end), now, factor in zip(spans, middle.tolist(), factors[1:], strict=True):
        if not isfinite(now):
            continue
        if not isfinite(before):
            before, then = now, factor
        silent = start - second
        seen = (end - start) / SECOND_PER_HOUR
        unseen = silent / SECOND_PER_HOUR if 0.0 < silent <= SILENCE_SECOND_MAX else 0.0
        hidden = unseen if 0.5 * (now + before) >= HOT_CELSIUS else 0.0
        hot = hidden + (seen if now >= HOT_CELSIUS else 0.0)
        worth = [seen * a + unseen * 0.5 * (a + b) for a, b in zip(factor, then, strict=True)]
        number = int(end // SECOND_PER_DAY)
        day = days.pop() if days and days[-1].day == number else Day(number, *_NO_HOURS)
        fresh = (seen + unseen, *worth, hot, hidden)
        days.append(Day(number, *(a + b for a, b in zip(day[1:], fresh, strict=True))))
        second, before, then = end, now, factor
    return warmth._replace(second=second, celsius=before, days=tuple(days[-DAYS_KEPT:]))


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

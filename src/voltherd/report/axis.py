"""Axes with round ticks: numbers in steps of 1, 2 or 5, times in steps people count by."""

import math
from dataclasses import dataclass
from typing import Final, final

from voltherd.report.words import dated, day_in_words, rfc3339
from voltherd.units import SECOND_PER_DAY, SECOND_PER_HOUR

_TIME_STEPS: Final = (
    *(minute * 60.0 for minute in (1, 2, 5, 10, 15, 30)),
    *(hour * SECOND_PER_HOUR for hour in (1, 2, 3, 6, 12)),
    *(days * SECOND_PER_DAY for days in (1, 2, 7, 14, 28, 56, 91, 182, 365, 730, 1826, 3652)),
)

_SPAN_LEAST: Final = 1e-12
"""Values closer together than this are drawn as one."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """A linear scale with its ticks.

    Attributes:
        low: Value at ``start``.
        high: Value at ``stop``.
        start: Coordinate of ``low``.
        stop: Coordinate of ``high``.
        ticks: Values and their labels.
        note: What the labels leave out, such as the year.
    """

    low: float
    high: float
    start: float
    stop: float
    ticks: tuple[tuple[float, str], ...]
    note: str = ""

    def place(self, value: float) -> float:
        """Give the coordinate of a value."""
        return self.start + (value - self.low) / (self.high - self.low) * (self.stop - self.start)


def nice_step(span: float, steps: int) -> float:
    """Give a round step that divides a span into about ``steps`` parts.

    >>> nice_step(95.0, 5), nice_step(0.13, 4)
    (20.0, 0.05)
    """
    assert span > 0.0 and steps > 0
    raw = span / steps
    power = 10.0 ** math.floor(math.log10(raw))
    return min((1.0, 2.0, 5.0, 10.0), key=lambda m: abs(math.log(m * power / raw))) * power


def number_axis(
    low: float,
    high: float,
    start: float,
    stop: float,
    *,
    steps: int = 6,
    tight: bool = False,
    whole: bool = False,
) -> Axis:
    """Make an axis of numbers.

    Args:
        low: Lowest value shown.
        high: Highest value shown.
        start: Coordinate of the lower end.
        stop: Coordinate of the upper end.
        steps: About how many parts.
        tight: End at the values instead of at round numbers.
        whole: Tick at whole numbers only.
    """
    size = max(abs(low), abs(high))
    if high - low <= max(_SPAN_LEAST, 1e-9 * size):
        pad = 0.05 * size if size > _SPAN_LEAST else 1.0
        low, high = low - pad, high + pad
    step = nice_step(high - low, steps)
    if whole:
        step = max(1.0, step)
    if not tight:
        low, high = math.floor(low / step) * step, math.ceil(high / step) * step
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    ticks = tuple(
        (n * step, f"{n * step:,.{decimals}f}".replace("-", "−")) for n in range(first, last + 1)
    )
    return Axis(low=low, high=high, start=start, stop=stop, ticks=ticks)


def time_axis(low: float, high: float, start: float, stop: float, *, steps: int = 5) -> Axis:
    """Make an axis of times in UTC.

    Args:
        low: First time [unix s].
        high: Last time [unix s].
        start: Coordinate of the first time.
        stop: Coordinate of the last.
        steps: At most about how many parts.
    """
    if high <= low:
        low, high = low - 1800.0, high + 1800.0
    span = high - low
    step = next((size for size in _TIME_STEPS if span / size <= steps), _TIME_STEPS[-1])
    first = math.ceil(low / step) * step
    times = [first + n * step for n in range(int((high - first) // step) + 1)] or [low]
    if step < SECOND_PER_DAY:
        return Axis(
            low=low,
            high=high,
            start=start,
            stop=stop,
            ticks=tuple((time, _hour(time)) for time in times),
            note=_dates(low, high),
        )
    if not dated(low):
        return Axis(
            low=low,
            high=high,
            start=start,
            stop=stop,
            ticks=tuple((time, day_in_words(time)) for time in times),
        )
    years = day_in_words(low)[-4:], day_in_words(high)[-4:]
    if step >= 182 * SECOND_PER_DAY:
        ticks = tuple((time, day_in_words(time).split(" ", 1)[1]) for time in times)
        return Axis(low=low, high=high, start=start, stop=stop, ticks=ticks)
    return Axis(
        low=low,
        high=high,
        start=start,
        stop=stop,
        ticks=tuple((time, day_in_words(time, year=False)) for time in times),
        note=years[0] if years[0] == years[1] else f"{years[0]} to {years[1]}",
    )


def _hour(time: float) -> str:
    """Label a time of day; midnight carries the date that begins."""
    if time % SECOND_PER_DAY == 0.0:
        return day_in_words(time, year=False)
    return (rfc3339(time) or "")[11:16]


def _dates(low: float, high: float) -> str:
    first, last = day_in_words(low), day_in_words(high)
    if first == last:
        return first
    if dated(low) and first[-4:] == last[-4:]:
        first = first[:-5]
    return f"{first} to {last}"

"""Making a plan fit what a station can hold, and comparing what it says it holds to.

A station holds so many periods, in watts or in amperes, to a tenth.  Fitting never lifts a limit
above the plan's, neither of all phases together nor of one; it costs as little energy as can be.
"""

from itertools import pairwise
from math import floor, inf
from typing import Final, Literal, NamedTuple

import numpy as np
from jaxtyping import Float

from voltherd.errors import UsageError
from voltherd.types.station import ChargingPeriod, ChargingSchedule, RateUnit

VOLTAGE_VOLT: Final = 230.0
PHASES: Final = 3
TENTH: Final = 0.1
EDGE_SECOND: Final = 2.0
Verdict = Literal["equal", "lower", "higher"]


class Fitted(NamedTuple):
    """A schedule that a station can hold.

    Attributes:
        schedule: In the station's unit.
        lost_wh: What it allows less than the plan did [Wh].
    """

    schedule: ChargingSchedule
    lost_wh: float


class Comparison(NamedTuple):
    """What a station holds to beside what it was told.

    Attributes:
        verdict: ``higher`` where it allows more anywhere: never safe; ``lower`` where it only
            allows less: another limit binds, or it rounds.
        higher_watt: By how much it allows more, at most [W].
        lower_watt: By how much it allows less, at most [W].
        covered_second: How much of the time they have in common [s].
    """

    verdict: Verdict
    higher_watt: float
    lower_watt: float
    covered_second: float


def fit(
    plan: ChargingSchedule,
    periods_max: int,
    unit: RateUnit = "W",
    voltage_volt: float = VOLTAGE_VOLT,
) -> Fitted:
    """Fit a plan to a station.

    Neighbours are merged at the lowest of their limits.  Which ones is decided by dynamic
    programming over the last boundary (Bellman 1961, the exact segmentation of a sequence), so no
    other choice of ``periods_max`` periods loses less energy.

    Args:
        plan: In watts, with a duration.
        periods_max: Most periods that the station holds.
        unit: What the station wants.
        voltage_volt: Of one phase, to turn watts into amperes: the highest that is expected, since
            a station that holds a current takes more power at a higher voltage [V].

    Returns:
        The schedule, and the energy it costs.

    Raises:
        UsageError: The plan is not in watts, has no duration or no periods, or nothing fits.
    """
    if plan.unit != "W" or plan.duration_second is None or not plan.periods or periods_max < 1:
        raise UsageError("a plan is in watts, has periods and a duration, and a station holds one")
    starts = np.array([period.start_second for period in plan.periods], np.float64)
    hours = np.diff(np.append(starts, float(plan.duration_second))) / 3600.0
    if starts[0] != 0.0 or (hours <= 0.0).any():
        raise UsageError("periods begin at 0, ascend, and end before the duration does")
    phases = np.array([period.phases or PHASES for period in plan.periods], np.float64)
    rate = np.array([max(period.limit, 0.0) for period in plan.periods]) / phases
    cuts = _boundaries(rate, phases, hours, periods_max)
    fitted, kept_wh = [], 0.0
    for start, stop in zip(cuts, (*cuts[1:], len(rate)), strict=True):
        per_phase, used = float(rate[start:stop].min()), float(phases[start:stop].min())
        limit = _down(per_phase / voltage_volt if unit == "A" else per_phase * used)
        power = limit * voltage_volt * used if unit == "A" else limit
        kept_wh += power * float(hours[start:stop].sum())
        told = int(used) if any(p.phases is not None for p in plan.periods[start:stop]) else None
        fitted.append(ChargingPeriod(int(starts[start]), limit, told))
    whole_wh = float((rate * phases * hours).sum())
    schedule = ChargingSchedule(unit, tuple(fitted), plan.start_second, plan.duration_second)
    return Fitted(schedule, max(whole_wh - kept_wh, 0.0))


def _boundaries(
    rate: Float[np.ndarray, " periods"],
    phases: Float[np.ndarray, " periods"],
    hours: Float[np.ndarray, " periods"],
    periods_max: int,
) -> tuple[int, ...]:
    """Give the first of every merged run, losing least energy."""
    changes = np.flatnonzero((np.diff(rate) != 0.0) | (np.diff(phases) != 0.0)) + 1
    if len(changes) < periods_max:
        return (0, *map(int, changes))  # neighbours that are equal merge for nothing
    count = len(rate)
    later = np.triu(np.ones((count, count), bool))  # run from a row's period to a column's
    lowest = np.minimum.accumulate(np.where(later, rate, inf), axis=1)
    lowest = lowest * np.minimum.accumulate(np.where(later, phases, inf), axis=1)
    until = np.append(0.0, np.cumsum(hours))
    keeps = np.full((count + 1, count + 1), -inf)
    keeps[:-1, 1:] = np.where(
        later, np.where(later, lowest, 0.0) * (until[1:] - until[:-1, None]), -inf
    )
    best, places = keeps[0].copy(), []  # the most energy that one run up to each end keeps
    for _ in range(periods_max - 1):
        with_one_more = best[:, None] + keeps
        place = with_one_more.argmax(axis=0)
        places.append(place)
        best = np.maximum.reduce([with_one_more[place, np.arange(count + 1)], best])
        best[0] = -inf
    return _traced(keeps, places, count)


def _traced(
    keeps: Float[np.ndarray, " a a"], places: list[np.ndarray], count: int
) -> tuple[int, ...]:
    cuts, end = [], count
    for place in reversed(places):
        if end == 0:
            break
        cuts.append(int(place[end]))
        end = int(place[end])
    cuts.append(0)
    return tuple(sorted(set(cuts)))


def _down(limit: float) -> float:
    """Round down to a tenth, forgiving what binary fractions lack."""
    return floor(limit * 10.0 + 1e-7) / 10.0


def limit_watt(
    schedule: ChargingSchedule, unix_second: float, voltage_volt: float = VOLTAGE_VOLT
) -> float:
    """Give a schedule's limit at a moment.

    Returns:
        The limit of all phases together [W]; infinite before it begins and after it ends.
    """
    since = unix_second - (schedule.start_second or 0.0)
    if since < 0.0 or (schedule.duration_second is not None and since >= schedule.duration_second):
        return inf
    limit = inf
    for period in schedule.periods:
        if period.start_second > since:
            break
        factor = voltage_volt * (period.phases or PHASES) if schedule.unit == "A" else 1.0
        limit = period.limit * factor
    return limit


def compare(
    told: ChargingSchedule, held: ChargingSchedule, voltage_volt: float = VOLTAGE_VOLT
) -> Comparison:
    """Compare what a station was told with the composite schedule it says it holds to.

    Args:
        told: With a start and a duration.
        held: With a start; compared where both hold.
        voltage_volt: Of one phase, where one is in amperes and the other in watts [V].

    Returns:
        The verdict; differences within the rounding to a tenth do not count, nor such as last no
        longer than ``EDGE_SECOND``, since periods begin at whole seconds.
    """
    start = max(told.start_second or 0.0, held.start_second or 0.0)
    stop = min(_end(told), _end(held))
    edges = {start, stop}
    for schedule in (told, held):
        begin = schedule.start_second or 0.0
        edges |= {begin + p.start_second for p in schedule.periods}
    higher = lower = 0.0
    for since, until in pairwise(sorted(edge for edge in edges if start <= edge <= stop)):
        if until - since <= EDGE_SECOND:
            continue
        middle = since + min((until - since) / 2.0, 1e6)
        difference = limit_watt(held, middle, voltage_volt) - limit_watt(told, middle, voltage_volt)
        higher, lower = max(higher, difference), max(lower, -difference)
    tenth = TENTH * (voltage_volt * PHASES if "A" in (told.unit, held.unit) else 1.0) + 1e-6
    verdict: Verdict = "higher" if higher > tenth else "lower" if lower > tenth else "equal"
    return Comparison(verdict, higher, lower, max(stop - start, 0.0))


def _end(schedule: ChargingSchedule) -> float:
    duration = schedule.duration_second
    return inf if duration is None else (schedule.start_second or 0.0) + duration

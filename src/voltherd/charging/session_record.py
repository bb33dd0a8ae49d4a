"""One charging session as people see it: power against what was allowed, cost, and what arrived."""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise
from math import isfinite
from typing import Final, NamedTuple

from voltherd.charging.schedule_fit import VOLTAGE_VOLT, limit_watt
from voltherd.charging.station_health import Span
from voltherd.charging.transactions import Register
from voltherd.types.station import ENERGY, POWER, SOC, ChargingSchedule, MeterReading

SOC_STEP: Final = 0.01
"""States of charge are told in whole per cent: two of them may be off by as much together."""


class Prices(NamedTuple):
    """Prices over time.

    Attributes:
        begin_second: From when on each counts, ascending [unix s].
        eur_per_kwh: What energy costs [EUR/kWh].
        stop_second: When the last ceases to count [unix s].
    """

    begin_second: Sequence[float]
    eur_per_kwh: Sequence[float]
    stop_second: float


def registers(readings: Sequence[MeterReading], *ends: Register | None) -> tuple[Register, ...]:
    """Give the energy register over time, of all phases together, its known ends among it."""
    found = {r.time_second: r.value for r in readings if r.quantity == ENERGY and not r.phase}
    found |= {end.time_second: end.energy_wh for end in ends if end is not None}
    return tuple(Register(second, 0, found[second]) for second in sorted(found))


def drawn(
    readings: Sequence[MeterReading], course: Sequence[Register]
) -> tuple[tuple[float, float], ...]:
    """Give the power over time: as it was told, else the mean between readings of the register.

    Returns:
        Moments [unix s] and power [W], ascending.
    """
    whole = {r.time_second: r.value for r in readings if r.quantity == POWER and not r.phase}
    phases: dict[float, float] = {}
    for r in readings:
        if r.quantity == POWER and r.phase in ("L1", "L2", "L3"):
            phases[r.time_second] = phases.get(r.time_second, 0.0) + r.value
    told = phases | whole
    if told:
        return tuple(sorted(told.items()))
    return tuple(
        (after.time_second, 3600.0 * (after.energy_wh - before.energy_wh) / span)
        for before, after in pairwise(course)
        if (span := after.time_second - before.time_second) > 0.0
    )


def allowed(
    told: Sequence[ChargingSchedule],
    begin_second: float,
    end_second: float,
    voltage_volt: float = VOLTAGE_VOLT,
) -> tuple[tuple[float, float | None], ...]:
    """Give what a station was told over a session, as steps.

    Args:
        told: What it accepted, in that order; a later one counts from its start on.
        begin_second: Of the session [unix s].
        end_second: Its end, or now [unix s].
        voltage_volt: Of one phase, where limits are in amperes [V].

    Returns:
        Moments from which a limit counts [unix s], and the limit of all phases together [W]; None
        where there is none.
    """
    starts = [begin_second if s.start_second is None else s.start_second for s in told]
    edges = {begin_second}
    for schedule, start in zip(told, starts, strict=True):
        edges |= {start + period.start_second for period in schedule.periods}
        edges |= {start + schedule.duration_second} if schedule.duration_second else set()
    steps: list[tuple[float, float | None]] = []
    for edge in sorted(edge for edge in edges if begin_second <= edge < end_second):
        counts = [s for s, start in zip(told, starts, strict=True) if start <= edge]
        limit = limit_watt(counts[-1], edge, voltage_volt) if counts else float("inf")
        now = limit if isfinite(limit) else None
        if not steps or steps[-1][1] != now:
            steps.append((edge, now))
    return tuple(steps)


def cost_eur(course: Sequence[Register], prices: Prices) -> float | None:
    """Give what a session's energy cost; None where a price is missing or nothing was metered.

    Between two readings energy is taken to flow evenly.
    """
    if len(course) < 2 or not prices.begin_second:
        return None
    if (
        course[0].time_second < prices.begin_second[0]
        or course[-1].time_second > prices.stop_second
    ):
        return None
    total = 0.0
    for before, after in pairwise(course):
        span = after.time_second - before.time_second
        energy_kwh = (after.energy_wh - before.energy_wh) / 1000.0
        inside = [s for s in prices.begin_second if before.time_second < s < after.time_second]
        for begin, end in pairwise([before.time_second, *inside, after.time_second]):
            price = prices.eur_per_kwh[bisect_right(prices.begin_second, begin) - 1]
            total += energy_kwh * price * ((end - begin) / span)
    return total


def efficiency(
    readings: Sequence[MeterReading], capacity_wh: float | None, course: Sequence[Register]
) -> Span | None:
    """Give the share of the metered energy that arrived in the battery.

    Args:
        readings: With states of charge, as fractions.
        capacity_wh: Of the battery; None where not told [Wh].
        course: The energy register over the session.

    Returns:
        The share, and between what it lies as states of charge are told in whole per cent; None
        where the battery's energy is not known.
    """
    socs = sorted((r.time_second, r.value) for r in readings if r.quantity == SOC and r.unit == "1")
    if not capacity_wh or len(socs) < 2:
        return None
    inside = [c for c in course if socs[0][0] <= c.time_second <= socs[-1][0]]
    if len(inside) < 2 or (metered := inside[-1].energy_wh - inside[0].energy_wh) <= 0.0:
        return None
    risen = socs[-1][1] - socs[0][1]
    low, value, high = (capacity_wh * (risen + off) / metered for off in (-SOC_STEP, 0.0, SOC_STEP))
    return Span(value, max(low, 0.0), high)

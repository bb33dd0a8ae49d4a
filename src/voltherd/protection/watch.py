"""Samples against limits: what is broken, for how long, and what current that leaves.

Every condition is stated positively: a value counts as within a limit only where a finite number
says so, hence NaN, a missing cell or a dead channel never look healthy.  A level counts once it has
been broken without pause for its delay, and clears only when the value has come back by the
hysteresis.  The current that is taken away fades over ``fade_second``, since an abrupt end of
traction is a hazard of its own; it comes back as slowly, and only while everything is measured.
"""

from math import inf
from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Float

from voltherd.protection.limits import Harm, Limit, PackLimits, Quantity
from voltherd.types.event import Severity

LEVELS: Final = tuple(Severity)


class Measured(NamedTuple):
    """What protection looks at; NaN is 'not measured'.

    Attributes:
        time_second: By a clock that never runs backwards [s].
        cell_voltage_volt: Every cell [V].
        probe_temperature_celsius: Every probe [°C].
        current_ampere: Positive charging [A].
        insulation_ohm: NaN also where the pack has no such sensor [Ω].
    """

    time_second: float
    cell_voltage_volt: Float[np.ndarray, "cells"]
    probe_temperature_celsius: Float[np.ndarray, "probes"]
    current_ampere: float
    insulation_ohm: float = float("nan")


class Watch(NamedTuple):
    """What is remembered from sample to sample.

    Attributes:
        time_second: Of the last sample [s].
        broken_since: Since when each level of each row is broken, ``inf`` where it is not [s].
        raised: Which of them count now.
        blind_second: For how long something needed has not been measured [s].
        charge_share: Share of the most charging current that is allowed now, 0…1.
        discharge_share: The same for discharging.
    """

    time_second: float
    broken_since: tuple[tuple[float, float, float], ...]
    raised: tuple[tuple[bool, bool, bool], ...]
    blind_second: float
    charge_share: float
    discharge_share: float


class Change(NamedTuple):
    """A level that began or ceased to count.

    Attributes:
        code: Which row.
        severity: Which level.
        raised: Whether it began.
        places: Cells or probes beyond the level now, from 1.
        value: The worst value; NaN where nothing was measured.
    """

    code: str
    severity: Severity
    raised: bool
    places: tuple[int, ...]
    value: float


class Standing(NamedTuple):
    """What current the limits leave, for the gate.

    Attributes:
        time_second: Of the sample it rests on [s].
        charge_ampere_max: A magnitude, never negative [A].
        discharge_ampere_max: A magnitude, never negative [A].
        trip: Whether the contactors have to open.
        current_ampere: What flows [A].
    """

    time_second: float
    charge_ampere_max: float
    discharge_ampere_max: float
    trip: bool
    current_ampere: float


BLIND: Final = "measurement.missing"


def init(limits: PackLimits, time_second: float) -> Watch:
    """Start knowing nothing, which permits nothing: shares grow only with healthy samples."""
    rows = len(limits.rows)
    return Watch(
        time_second=time_second,
        broken_since=((inf, inf, inf),) * rows,
        raised=((False, False, False),) * rows,
        blind_second=0.0,
        charge_share=0.0,
        discharge_share=0.0,
    )


def step(
    limits: PackLimits, watch: Watch, sample: Measured
) -> tuple[Watch, Standing, tuple[Change, ...]]:
    """Take in one sample.

    Args:
        limits: The table.
        watch: What was remembered.
        sample: Later than the last one; an earlier one counts as taken at the same time.

    Returns:
        What to remember, what current is left, and which levels changed.
    """
    later = sample.time_second > watch.time_second  # a time that is no number is not later
    now = sample.time_second if later else watch.time_second
    passed = now - watch.time_second
    broken, raised, changes = [], [], []
    for row, since, before in zip(limits.rows, watch.broken_since, watch.raised, strict=True):
        began, levels = _levels(row, sample, since, before, now)
        broken.append(began)
        raised.append(levels)
        changes += _changes(row, sample, before, levels)
    sees = _sees_everything(limits, sample)
    blind = 0.0 if sees else watch.blind_second + passed
    trip = any(levels[Severity.SAFETY - 1] for levels in raised)
    stopped = trip or not blind <= limits.blind_second_max
    fall = passed / limits.fade_second
    rise = min(passed, limits.age_second_max) / limits.fade_second if sees else 0.0
    after = Watch(
        time_second=now,
        broken_since=tuple(broken),
        raised=tuple(raised),
        blind_second=blind,
        charge_share=_faded(
            watch.charge_share, fall, rise, stopped or _harmed(limits, raised, Harm.CHARGE)
        ),
        discharge_share=_faded(
            watch.discharge_share, fall, rise, stopped or _harmed(limits, raised, Harm.DISCHARGE)
        ),
    )
    changes += _blindness(limits, watch.blind_second, blind)
    standing = Standing(
        time_second=after.time_second,
        charge_ampere_max=after.charge_share * limits.charge_ampere_max,
        discharge_ampere_max=after.discharge_share * limits.discharge_ampere_max,
        trip=trip,
        current_ampere=sample.current_ampere,
    )
    return after, standing, tuple(changes)


def _values(row: Limit, sample: Measured) -> Float[np.ndarray, "places"]:
    """Give what a row watches."""
    if row.quantity is Quantity.CELL_VOLTAGE:
        return sample.cell_voltage_volt
    if row.quantity is Quantity.PROBE_TEMPERATURE:
        return sample.probe_temperature_celsius
    if row.quantity is Quantity.CURRENT:
        return np.array([sample.current_ampere])
    return np.array([sample.insulation_ohm])


def _worst(row: Limit, values: Float[np.ndarray, "places"]) -> float:
    """Give the value nearest to harm, NaN where nothing is measured."""
    seen = values[np.isfinite(values)]
    if not len(seen):
        return float("nan")
    return float(seen.max() if row.above else seen.min())


def _levels(
    row: Limit,
    sample: Measured,
    since: tuple[float, float, float],
    before: tuple[bool, bool, bool],
    now: float,
) -> tuple[tuple[float, float, float], tuple[bool, bool, bool]]:
    """Give since when each level has been broken, and which count."""
    worst = _worst(row, _values(row, sample))
    judged = not row.charging_only or sample.current_ampere > 0.0
    sign = 1.0 if row.above else -1.0
    began, raised = [], []
    for severity, start, was in zip(LEVELS, since, before, strict=True):
        level = sign * row.level(severity)
        beyond = judged and sign * worst > level
        within = sign * worst <= level - row.hysteresis or not judged
        start = min(start, now) if beyond else inf
        began.append(start)
        raised.append(not within if was else now - start >= row.delay(severity))
    return (began[0], began[1], began[2]), (raised[0], raised[1], raised[2])


def _changes(
    row: Limit, sample: Measured, before: tuple[bool, bool, bool], now: tuple[bool, bool, bool]
) -> list[Change]:
    values = _values(row, sample)
    return [
        Change(
            code=row.code,
            severity=severity,
            raised=is_now,
            places=_places(row, values, row.level(severity)),
            value=_worst(row, values),
        )
        for severity, was, is_now in zip(LEVELS, before, now, strict=True)
        if was != is_now
    ]


def _places(row: Limit, values: Float[np.ndarray, "places"], level: float) -> tuple[int, ...]:
    """Name the cells or probes beyond a level; the pack's own current and insulation have none."""
    if row.quantity in (Quantity.CURRENT, Quantity.INSULATION):
        return ()
    beyond = values > level if row.above else values < level
    return tuple(int(place) + 1 for place in np.flatnonzero(beyond))


def _sees_everything(limits: PackLimits, sample: Measured) -> bool:
    """Whether all that the table watches is measured, every cell and the current in any case."""
    watched = {row.quantity for row in limits.rows}
    return bool(
        len(sample.cell_voltage_volt) > 0
        and np.isfinite(sample.cell_voltage_volt).all()
        and np.isfinite(sample.probe_temperature_celsius).all()
        and np.isfinite(sample.current_ampere)
        and (Quantity.INSULATION not in watched or np.isfinite(sample.insulation_ohm))
    )


def _blindness(limits: PackLimits, before: float, now: float) -> list[Change]:
    was, is_now = before > limits.blind_second_max, now > limits.blind_second_max
    if was == is_now:
        return []
    return [Change(BLIND, Severity.RECOMMENDED, is_now, (), now)]


def _harmed(limits: PackLimits, raised: list[tuple[bool, bool, bool]], direction: Harm) -> bool:
    """Whether a recommended limit takes this direction's current away."""
    return any(
        levels[Severity.RECOMMENDED - 1] and row.harm in (direction, Harm.BOTH)
        for row, levels in zip(limits.rows, raised, strict=True)
    )


def _faded(share: float, fall: float, rise: float, stopped: bool) -> float:
    """Move a share towards nothing, or back towards all."""
    return max(share - fall, 0.0) if stopped else min(share + rise, 1.0)

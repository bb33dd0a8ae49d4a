"""What a vehicle's life so far adds up to: charge, energy, distance, and when it could not serve.

Sums grow row by row, each value held since the row before, as the estimators take it; a longer
silence counts as nothing but silence.
"""

import math
from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from voltherd.types.sample import SampleBatch
from voltherd.units import SECOND_PER_DAY, SECOND_PER_HOUR

HELD_SECOND_MAX: Final = 120.0
"""Longest time a current is taken to have flowed on [s]."""
FRESH_SECOND_MAX: Final = 2.0 * SECOND_PER_HOUR
"""Data older than this do not tell whether the vehicle is ready [s]."""
RESERVE_SOC: Final = 0.20
"""State of charge below which a vehicle is not sent out."""
SPAN_SECOND: Final = 30.0 * SECOND_PER_DAY
"""How far back availability looks."""
_SPANS_MAX: Final = 500
_WATT_HOUR_PER_KILO: Final = 1000.0
MOVING_KILOMETRE_PER_HOUR: Final = 1.0
CHARGING_AMPERE: Final = 1.0

Spans = Float[np.ndarray, "_ 2"]


class Usage(NamedTuple):
    """A vehicle's life in sums.

    Attributes:
        first_second: First row, NaN before it [unix s].
        last_second: Last row [unix s].
        rows: How many.
        charge_in_ah: Charge into the pack [Ah].
        charge_out_ah: Charge out of it [Ah].
        energy_in_kwh: Energy into the pack, braking too [kWh].
        energy_out_kwh: Energy out of it [kWh].
        drive_kwh: Net energy out of it while moving [kWh].
        distance_kilometre: Distance by the odometer [km].
        odometer_kilometre: Its last value, NaN before the first.
        soc_first: First reported state of charge, NaN before it.
        soc_last: Last one.
        voltage_volt: Mean pack voltage so far [V].
        silent: When nothing was heard for too long, begin and end [unix s].
        low: When the state of charge was below the reserve.
    """

    first_second: float = math.nan
    last_second: float = math.nan
    rows: int = 0
    charge_in_ah: float = 0.0
    charge_out_ah: float = 0.0
    energy_in_kwh: float = 0.0
    energy_out_kwh: float = 0.0
    drive_kwh: float = 0.0
    distance_kilometre: float = 0.0
    odometer_kilometre: float = math.nan
    soc_first: float = math.nan
    soc_last: float = math.nan
    voltage_volt: float = math.nan
    silent: Spans = np.empty((0, 2))
    low: Spans = np.empty((0, 2))


def add(usage: Usage, batch: SampleBatch) -> Usage:
    """Take in further rows, later than all before.

    Args:
        usage: Left as it is.
        batch: Rows of one vehicle in time order.
    """
    if not batch.rows:
        return usage
    time = batch.unix_time_second
    began = usage.rows > 0
    before = np.concatenate([[usage.last_second if began else time[0]], time[:-1]])
    dt = time - before
    held = np.where(dt <= HELD_SECOND_MAX, dt, 0.0)
    current = _channel(batch, "current_ampere")
    power = current * _channel(batch, "voltage_volt")
    moving = _channel(batch, "speed_kilometre_per_hour") > MOVING_KILOMETRE_PER_HOUR
    charge = current * held / SECOND_PER_HOUR
    energy = power * held / SECOND_PER_HOUR / _WATT_HOUR_PER_KILO
    soc = _channel(batch, "soc_fraction")
    distance, odometer = _distance(usage.odometer_kilometre, _channel(batch, "odometer_kilometre"))
    told = soc[np.isfinite(soc)]
    volt = _channel(batch, "voltage_volt")
    mean = float(np.nanmean(volt)) if np.isfinite(volt).any() else math.nan
    weight = batch.rows / (usage.rows + batch.rows)
    known = usage.voltage_volt if math.isfinite(usage.voltage_volt) else mean
    quiet = dt > FRESH_SECOND_MAX
    horizon = float(time[-1]) - SPAN_SECOND
    below = soc < RESERVE_SOC
    return Usage(
        first_second=usage.first_second if began else float(time[0]),
        last_second=float(time[-1]),
        rows=usage.rows + batch.rows,
        charge_in_ah=usage.charge_in_ah + _sum(charge, charge > 0.0),
        charge_out_ah=usage.charge_out_ah - _sum(charge, charge < 0.0),
        energy_in_kwh=usage.energy_in_kwh + _sum(energy, energy > 0.0),
        energy_out_kwh=usage.energy_out_kwh - _sum(energy, energy < 0.0),
        drive_kwh=usage.drive_kwh - _sum(energy, moving),
        distance_kilometre=usage.distance_kilometre + distance,
        odometer_kilometre=odometer,
        soc_first=usage.soc_first if math.isfinite(usage.soc_first) else _first(told),
        soc_last=float(told[-1]) if len(told) else usage.soc_last,
        voltage_volt=known + (mean - known) * weight if math.isfinite(mean) else known,
        silent=_spans(usage.silent, before[quiet], time[quiet], horizon),
        low=_spans(usage.low, *_runs(below, np.where(quiet, time, before), time), horizon),
    )


def unready_second(usage: Usage, unsafe: Spans, now_second: float) -> tuple[float, float, float]:
    """Give how long the vehicle could not serve within the last thirty days.

    Args:
        usage: Its life.
        unsafe: When a safety finding stood, begin and end [unix s].
        now_second: Until when; silence since the last row counts [unix s].

    Returns:
        The whole span looked at, the time it could not serve, and the part of that in which only
        silence says so [s].
    """
    start = max(usage.first_second, now_second - SPAN_SECOND)
    silent = usage.silent
    if now_second - usage.last_second > FRESH_SECOND_MAX:
        silent = np.concatenate([silent, [[usage.last_second, now_second]]])
    known = covered(np.concatenate([usage.low, unsafe]), start, now_second)
    every = covered(np.concatenate([usage.low, unsafe, silent]), start, now_second)
    return max(now_second - start, 0.0), every, every - known


def covered(spans: Spans, start_second: float, stop_second: float) -> float:
    """Give how much of a time is covered by spans that may overlap [s].

    >>> covered(np.array([[0.0, 2.0], [1.0, 3.0], [5.0, 9.0]]), 0.5, 6.0)
    3.5
    """
    total, reached = 0.0, start_second
    for begin, end in spans[np.argsort(spans[:, 0], kind="stable")]:
        first, last = max(float(begin), reached), min(float(end), stop_second)
        if last > first:
            total += last - first
            reached = last
    return total


def _channel(batch: SampleBatch, name: str) -> Float[np.ndarray, " time"]:
    values = batch.scalar.get(name)
    return np.full(batch.rows, np.nan) if values is None else values.astype(np.float64)


def _sum(values: Float[np.ndarray, " time"], which: Bool[np.ndarray, " time"]) -> float:
    return float(np.nansum(values[which]))


def _first(values: Float[np.ndarray, " n"]) -> float:
    return float(values[0]) if len(values) else math.nan


def _distance(before: float, odometer: Float[np.ndarray, " time"]) -> tuple[float, float]:
    """Add up steps forward; a counter that falls begins anew."""
    known = odometer[np.isfinite(odometer)]
    if not len(known):
        return 0.0, before
    steps = np.diff(known, prepend=before if math.isfinite(before) else known[0])
    return float(steps[steps > 0.0].sum()), float(known[-1])


def _runs(
    which: Bool[np.ndarray, " time"], starts: Float[np.ndarray, " time"], stops: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Give begin and end of every run of rows."""
    edge = np.diff(np.concatenate([[False], which, [False]]).astype(np.int8))
    first, last = np.flatnonzero(edge > 0), np.flatnonzero(edge < 0) - 1
    return starts[first], stops[last]


def _spans(kept: Spans, begins: np.ndarray, ends: np.ndarray, horizon_second: float) -> Spans:
    """Add spans, joining what touches; only the latest are kept."""
    joined: list[list[float]] = [list(map(float, span)) for span in kept]
    for begin, end in zip(begins, ends, strict=True):
        if joined and float(begin) <= joined[-1][1]:
            joined[-1][1] = float(end)
        else:
            joined.append([float(begin), float(end)])
    later = [span for span in joined if span[1] > horizon_second][-_SPANS_MAX:]
    return np.array(later, dtype=np.float64).reshape(-1, 2)

"""A pack over its whole record, as far as its health needs it: a few columns, no cell matrix.

A year of a vehicle fits into memory this way, and what is worked out of it never asks which file a
row came from.  Between two rows lies either time in which the current is known (*counted*), a
silence in which nothing can have flowed (*quiet*), or a silence of which that cannot be said
(*broken*): the odometer went on, the vehicle's own state of charge changed, or the cells' voltage
moved.
"""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from voltherd.estimation.cell_sample import CellSample
from voltherd.numerics.robust import median
from voltherd.types.sample import SampleBatch
from voltherd.units import SECOND_PER_HOUR

GAP_SECOND: Final = 60.0
"""Longest interval over which a current is carried, as the filters do [s]."""
DROVE_KILOMETRE: Final = 0.3
READING_STEP: Final = 0.015
"""Change of a coarse reading that is more than its step."""
STILL_VOLT: Final = 0.03
"""By how much cells move after a load without anything flowing [V]."""
Column = Float[np.ndarray, "rows"]


class PackTrace(NamedTuple):
    """Columns of one vehicle; NaN where a value is missing.

    Attributes:
        unix_time_second: Never decreasing [s].
        current_ampere: Positive charging [A].
        cell_volt: Median cell [V].
        low_volt: Lowest cell [V].
        high_volt: Highest cell [V].
        string_volt: Pack voltage by cells in series, busbars and contactors included [V].
        temperature_celsius: Mean of the probes [°C].
        soc_reported: As the vehicle reports it.
        odometer_kilometre: Distance covered [km].
    """

    unix_time_second: Column
    current_ampere: Column
    cell_volt: Column
    low_volt: Column
    high_volt: Column
    string_volt: Column
    temperature_celsius: Column
    soc_reported: Column
    odometer_kilometre: Column

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self.unix_time_second)

    def between(self, start: int, stop: int) -> "PackTrace":
        """Give rows ``start`` to ``stop`` (exclusive) as views."""
        return PackTrace(*(column[start:stop] for column in self))


def pack_trace(batch: SampleBatch, series: int | None = None) -> PackTrace:
    """Reduce a batch.

    Args:
        batch: Telemetry of one vehicle.
        series: Cells in series, so that the pack voltage can stand in where no cell is measured.
    """
    missing = np.full(batch.rows, np.nan)
    scalar = {name: values.astype(np.float64) for name, values in batch.scalar.items()}
    cells = batch.cells or series
    string = scalar.get("voltage_volt", missing) * (1.0 / cells if cells else np.nan)
    if batch.cells:
        volt = median(batch.cell_voltage_volt, axis=1).astype(np.float64)
        low = np.fmin.reduce(batch.cell_voltage_volt, axis=1).astype(np.float64)
        high = np.fmax.reduce(batch.cell_voltage_volt, axis=1).astype(np.float64)
    else:
        volt = low = high = string
    warmth = scalar.get("temperature_celsius_max", missing)
    if batch.probes:
        probes = batch.probe_temperature_celsius.astype(np.float64)
        answers = np.isfinite(probes)
        total = np.where(answers, probes, 0.0).sum(axis=1)
        count = answers.sum(axis=1)
        warmth = np.where(count > 0, total / np.maximum(count, 1), warmth)
    return PackTrace(
        unix_time_second=batch.unix_time_second,
        current_ampere=scalar.get("current_ampere", missing),
        cell_volt=volt,
        low_volt=low,
        high_volt=high,
        string_volt=string,
        temperature_celsius=warmth,
        soc_reported=scalar.get("soc_fraction", missing),
        odometer_kilometre=scalar.get("odometer_kilometre", missing),
    )


def joined(traces: Sequence[PackTrace]) -> PackTrace:
    """Join the pieces of one vehicle and put their rows in order of time."""
    whole = PackTrace(*(np.concatenate(columns) for columns in zip(*traces, strict=True)))
    order = np.argsort(whole.unix_time_second, kind="stable")
    return PackTrace(*(column[order] for column in whole))


def interval_second(trace: PackTrace) -> Column:
    """Give the time since the row before, 0 for the first [s]."""
    return np.diff(trace.unix_time_second, prepend=trace.unix_time_second[:1])


def broken(trace: PackTrace, records_joined: bool) -> Bool[np.ndarray, "rows"]:
    """Say before which rows something may have flowed that was not seen.

    Args:
        trace: The record.
        records_joined: Whether records of unknown distance in time were laid end to end, so that
            no silence says anything.
    """
    silent = interval_second(trace) > GAP_SECOND
    if records_joined:
        return silent
    drove = _changed(trace.odometer_kilometre, DROVE_KILOMETRE)
    told = _changed(trace.soc_reported, READING_STEP)
    moved = _changed(trace.cell_volt, STILL_VOLT)
    unknown = np.isnan(trace.soc_reported) & np.isnan(trace.odometer_kilometre)
    return np.asarray(silent & (drove | told | (moved & unknown)))


def counted_ah(trace: PackTrace) -> tuple[Column, Column, Column]:
    """Count the charge since the first row.

    Returns:
        Charge [Ah], the variance that sampling gives it [Ah²] and the time over which current was
        counted [h], all running sums.  Nothing is counted across a silence.  A row without a
        current counts with the one before it, in doubt of its whole size.
    """
    known = np.isfinite(trace.current_ampere)
    last = np.maximum.accumulate(np.where(known, np.arange(trace.rows), 0))
    ampere = np.where(known[last], trace.current_ampere[last], 0.0)
    hour = interval_second(trace) / SECOND_PER_HOUR
    hour = np.where(hour * SECOND_PER_HOUR > GAP_SECOND, 0.0, hour)
    before = np.concatenate([ampere[:1], ampere[:-1]])
    # What happened between two samples lies somewhere between them.
    doubt = np.where(known, np.abs(ampere - before) / np.sqrt(12.0), np.abs(ampere) + 1.0)
    charge = np.cumsum(0.5 * (ampere + before) * hour)
    return charge, np.cumsum((doubt * hour) ** 2), np.cumsum(hour)


def thinned(trace: PackTrace, second: float) -> PackTrace:
    """Take means over fixed intervals; voltage and current alike, so that they still belong.

    Args:
        trace: The record.
        second: Length of an interval; readings and counters keep its last row [s].
    """
    if not trace.rows:
        return trace
    number = trace.unix_time_second // second
    begin = np.flatnonzero(np.diff(number, prepend=number[0] - 1.0))
    last = np.concatenate([begin[1:], [trace.rows]]) - 1

    def mean(values: Column) -> Float[np.ndarray, "intervals"]:
        known = np.isfinite(values)
        count = np.add.reduceat(known.astype(float), begin)
        total = np.add.reduceat(np.where(known, values, 0.0), begin)
        return np.where(count > 0, total / np.maximum(count, 1.0), np.nan)

    return PackTrace(
        unix_time_second=trace.unix_time_second[last],
        current_ampere=mean(trace.current_ampere),
        cell_volt=mean(trace.cell_volt),
        low_volt=mean(trace.low_volt),
        high_volt=mean(trace.high_volt),
        string_volt=mean(trace.string_volt),
        temperature_celsius=mean(trace.temperature_celsius),
        soc_reported=trace.soc_reported[last],
        odometer_kilometre=trace.odometer_kilometre[last],
    )


def cell_samples(trace: PackTrace) -> Iterator[CellSample]:
    """Give median, lowest and highest cell row by row, as a filter takes them."""
    volt = np.stack([trace.cell_volt, trace.low_volt, trace.high_volt], axis=1)
    for row in range(trace.rows):
        yield CellSample(
            float(trace.unix_time_second[row]),
            float(trace.current_ampere[row]),
            volt[row],
            float(trace.temperature_celsius[row]),
        )


def _changed(values: Column, by: float) -> Bool[np.ndarray, "rows"]:
    """Say where a column differs from its row before by more than something; NaN says nothing."""
    return np.abs(np.diff(values, prepend=values[:1])) > by

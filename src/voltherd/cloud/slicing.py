"""Notes the extremes of every channel while rows go by, and draws long charts from them.

A month at one row a second is 2.6 million rows; nobody waits for those to be read.  Slices of five
minutes are kept instead, an hour at a time, once the hour is over.  Charts read slices where whole
slices lie within the span, and rows at its ends.
"""

import math
from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter
from typing import Final, Protocol, runtime_checkable

import numpy as np

from voltherd.cloud.past import Cutter, ReadPast, column
from voltherd.cloud.replay import Telemetry
from voltherd.types.channel import cell_column, probe_column
from voltherd.types.extremes import Extremes
from voltherd.types.sample import SampleBatch
from voltherd.types.slices import SLICE_SECOND, Slices
from voltherd.units import SECOND_PER_HOUR

SLICES_PER_POINT_MIN: Final = 0.25
"""Where a chart asks for more points than four a slice, the rows themselves are read."""


@runtime_checkable
class Shelf(Protocol):
    """Where slices are kept."""

    def rows(self, vehicle_id: str, hour: int) -> int:
        """Say how many rows an hour's slices were made of; 0 where there are none."""
        ...

    def put(self, vehicle_id: str, hour: int, channels: tuple[str, ...], slices: Slices) -> None:
        """Keep an hour's slices in place of what was there."""
        ...

    def last_hour(self, vehicle_id: str) -> int | None:
        """Give the newest hour of which there are slices."""
        ...

    def read(
        self, vehicle_id: str, start_hour: int, stop_hour: int
    ) -> list[tuple[tuple[str, ...], Slices]]:
        """Give slices hour by hour, ascending, each with its channels."""
        ...


class Slicer:
    """Notes extremes of one vehicle's rows, which come in time order.

    Args:
        shelf: Where whole hours go.
        vehicle_id: Whose.
    """

    def __init__(self, shelf: Shelf, vehicle_id: str) -> None:
        self._shelf = shelf
        self._vehicle_id = vehicle_id
        self._hour: int | None = None
        self._channels: tuple[str, ...] = ()
        self._open: list[Slices] = []

    def add(self, batch: SampleBatch) -> None:
        """Take in further rows, later than all before.

        Raises:
            StoreError: An hour could not be kept.
        """
        hours = np.floor(batch.unix_time_second / SECOND_PER_HOUR).astype(np.int64)
        starts = np.flatnonzero(np.diff(hours, prepend=hours[0] - 1))
        for start, stop in zip(starts, [*starts[1:], batch.rows], strict=True):
            self._add(int(hours[start]), batch.between(int(start), int(stop)))

    def _add(self, hour: int, batch: SampleBatch) -> None:
        names = channels_of(batch)
        if self._hour is not None and (hour != self._hour or names != self._channels):
            self._keep()
        self._hour, self._channels = hour, names
        self._open.append(sliced(batch, names))

    def _keep(self) -> None:
        """Put the hour that is over on the shelf, unless it is there."""
        assert self._hour is not None
        slices, self._open = joined(self._open), []
        if self._shelf.rows(self._vehicle_id, self._hour) != int(slices.rows.sum()):
            self._shelf.put(self._vehicle_id, self._hour, self._channels, slices)


def channels_of(batch: SampleBatch) -> tuple[str, ...]:
    """Name all channels of rows."""
    return (
        *batch.scalar,
        *(cell_column(i + 1) for i in range(batch.cells)),
        *(probe_column(i + 1) for i in range(batch.probes)),
    )


def sliced(batch: SampleBatch, channels: Sequence[str]) -> Slices:
    """Cut rows into slices."""
    time = batch.unix_time_second
    number = np.floor(time / SLICE_SECOND).astype(np.int64)
    starts = np.flatnonzero(np.diff(number, prepend=number[0] - 1))
    ends = np.append(starts[1:], batch.rows) - 1
    scalars = [column(batch, name) for name in channels[: len(batch.scalar)]]
    values = np.concatenate(
        [
            np.stack(scalars, axis=1) if scalars else np.empty((batch.rows, 0)),
            batch.cell_voltage_volt,
            batch.probe_temperature_celsius,
        ],
        axis=1,
        dtype=np.float64,
    )
    return Slices(
        number=number[starts],
        first_second=time[starts],
        last_second=time[ends],
        rows=ends - starts + 1,
        low=np.fmin.reduceat(values, starts, axis=0),
        high=np.fmax.reduceat(values, starts, axis=0),
    )


def joined(parts: Sequence[Slices]) -> Slices:
    """Join slices of one vehicle in time order; one that was cut becomes whole."""
    whole = Slices(*(np.concatenate(each) for each in zip(*parts, strict=True)))
    starts = np.flatnonzero(np.diff(whole.number, prepend=whole.number[0] - 1))
    if len(starts) == len(whole.number):
        return whole
    ends = np.append(starts[1:], len(whole.number)) - 1
    return Slices(
        number=whole.number[starts],
        first_second=whole.first_second[starts],
        last_second=whole.last_second[ends],
        rows=np.add.reduceat(whole.rows, starts),
        low=np.fmin.reduceat(whole.low, starts, axis=0),
        high=np.fmax.reduceat(whole.high, starts, axis=0),
    )


class SlicedPast:
    """The ``Past`` port on slices, and on rows where slices are too coarse or not there yet.

    Args:
        telemetry: Where rows are.
        shelf: Where slices are.
    """

    def __init__(self, telemetry: Telemetry, shelf: Shelf) -> None:
        self._rows = ReadPast(telemetry)
        self._shelf = shelf

    def extremes(
        self,
        vehicle_id: str,
        channels: Sequence[str],
        start_second: float,
        stop_second: float,
        pieces: int,
    ) -> Extremes:
        """Cut a span into pieces; see ``Past.extremes``."""
        first = math.ceil(start_second / SECOND_PER_HOUR)
        last = self._shelf.last_hour(vehicle_id)
        after = min(math.floor(stop_second / SECOND_PER_HOUR), -1 if last is None else last + 1)
        coarse = (stop_second - start_second) / SLICE_SECOND < pieces * SLICES_PER_POINT_MIN
        if coarse or after <= first:
            return self._rows.extremes(vehicle_id, channels, start_second, stop_second, pieces)
        begin, end = first * SECOND_PER_HOUR, after * SECOND_PER_HOUR
        cut = Cutter(start_second, stop_second, pieces, len(channels))
        self._rows.into(cut, vehicle_id, channels, start_second, begin)
        hours = self._shelf.read(vehicle_id, first, after)
        for names, alike in groupby(hours, key=itemgetter(0)):
            slices = _picked([each for _, each in alike], names, channels)
            cut.add(
                slices.first_second,
                slices.last_second,
                slices.low,
                slices.high,
                int(slices.rows.sum()),
            )
        self._rows.into(cut, vehicle_id, channels, end, stop_second)
        return cut.done(summarised=True)


def _picked(parts: Sequence[Slices], names: Sequence[str], channels: Sequence[str]) -> Slices:
    """Join slices of the same channels, and of them take some, NaN where there is none."""
    place = {name: i for i, name in enumerate(names)}
    columns = np.array([place.get(name, 0) for name in channels])
    missing = np.array([name not in place for name in channels])
    taken = [part._replace(low=part.low[:, columns], high=part.high[:, columns]) for part in parts]
    whole = Slices(*(np.concatenate(each) for each in zip(*taken, strict=True)))
    whole.low[:, missing] = whole.high[:, missing] = np.nan
    return whole

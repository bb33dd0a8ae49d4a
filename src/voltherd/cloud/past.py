"""Channels over time out of any store that reads rows: piece by piece, in bounded memory."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import inf
from typing import Final, final

import numpy as np
from jaxtyping import Float

from voltherd.cloud.replay import Telemetry
from voltherd.types.channel import CELL_VOLTAGE, PROBE_TEMPERATURE
from voltherd.types.extremes import Extremes
from voltherd.types.sample import SampleBatch

_ROWS_AT_ONCE: Final = 50_000


@final
@dataclass(frozen=True, slots=True)
class ReadPast:
    """The ``Past`` port by reading the rows themselves.

    Attributes:
        telemetry: Where they are.
    """

    telemetry: Telemetry

    def extremes(
        self,
        vehicle_id: str,
        channels: Sequence[str],
        start_second: float,
        stop_second: float,
        pieces: int,
    ) -> Extremes:
        """Cut a span into at most so many pieces; see ``Past.extremes``."""
        cut = Cutter(start_second, stop_second, pieces, len(channels))
        self.into(cut, vehicle_id, channels, start_second, stop_second)
        return cut.done(summarised=False)

    def into(
        self,
        cut: "Cutter",
        vehicle_id: str,
        channels: Sequence[str],
        start_second: float,
        stop_second: float,
    ) -> None:
        """Sort the rows of a time into the pieces of another, longer one."""
        for batch in self._batches(vehicle_id, start_second, stop_second):
            values = np.stack([column(batch, name) for name in channels], axis=1)
            cut.add(batch.unix_time_second, batch.unix_time_second, values, values, batch.rows)

    def _batches(self, vehicle_id: str, start: float, stop: float) -> Iterator[SampleBatch]:
        for begin, end in self.telemetry.spans(vehicle_id, _ROWS_AT_ONCE):
            first, last = max(begin, start), min(end, stop)
            if first < last:
                batch = self.telemetry.read(vehicle_id, first, last)
                if batch.rows:
                    yield batch


class Cutter:
    """Sorts rows into pieces of equal time, and keeps the rows themselves while they are few.

    Args:
        start_second: Begin of the first piece [unix s].
        stop_second: End of the last [unix s].
        pieces: How many.
        channels: Columns of the values.
    """

    def __init__(self, start_second: float, stop_second: float, pieces: int, channels: int) -> None:
        self._start = start_second
        self._width = max((stop_second - start_second) / pieces, 1e-9)
        self._first = np.full(pieces, inf)
        self._last = np.full(pieces, -inf)
        self._low = np.full((pieces, channels), np.nan)
        self._high = np.full((pieces, channels), np.nan)
        self._few: list[Extremes] = []
        self._seen = 0
        self._rows = 0

    def add(
        self,
        time_second: Float[np.ndarray, " rows"],
        last_second: Float[np.ndarray, " rows"],
        low: Float[np.ndarray, "rows channels"],
        high: Float[np.ndarray, "rows channels"],
        rows: int,
    ) -> None:
        """Take in rows in time order, or slices that stand for ``rows`` of them.

        Args:
            time_second: Time of each row, or first time of each slice [unix s].
            last_second: The same, or last time of each slice [unix s].
            low: Values, or lowest ones.
            high: Values, or highest ones.
            rows: How many rows these are.
        """
        self._rows += rows
        self._seen += len(time_second)
        if self._seen <= len(self._first):
            self._few.append(Extremes(time_second, last_second, low, high, rows, False))
        else:
            self._few.clear()
        place = np.floor((time_second - self._start) / self._width).astype(np.intp)
        place = np.clip(place, 0, len(self._first) - 1)
        starts = np.flatnonzero(np.diff(place, prepend=-1) > 0)
        ends = np.append(starts[1:], len(place)) - 1
        where = place[starts]
        self._first[where] = np.minimum(self._first[where], time_second[starts])
        self._last[where] = np.maximum(self._last[where], last_second[ends])
        self._low[where] = np.fmin(self._low[where], np.fmin.reduceat(low, starts, axis=0))
        self._high[where] = np.fmax(self._high[where], np.fmax.reduceat(high, starts, axis=0))

    def done(self, *, summarised: bool) -> Extremes:
        """Give the pieces that have rows; the rows themselves where they are few enough."""
        if self._few:
            return Extremes(
                np.concatenate([each.time_second for each in self._few]),
                np.concatenate([each.last_second for each in self._few]),
                np.concatenate([each.low for each in self._few]),
                np.concatenate([each.high for each in self._few]),
                self._rows,
                summarised,
            )
        held = self._last > -inf
        return Extremes(
            self._first[held],
            self._last[held],
            self._low[held],
            self._high[held],
            self._rows,
            summarised,
        )


def column(batch: SampleBatch, channel: str) -> Float[np.ndarray, " rows"]:
    """Give one channel of rows, NaN throughout where they have none of that name."""
    values = batch.scalar.get(channel)
    if values is not None:
        return values.astype(np.float64)
    name, _, number = channel.rpartition("_")
    blocks = {
        CELL_VOLTAGE.name: batch.cell_voltage_volt,
        PROBE_TEMPERATURE.name: batch.probe_temperature_celsius,
    }
    block = blocks.get(name)
    index = int(number) - 1 if number.isdigit() else -1
    if block is None or not 0 <= index < block.shape[1]:
        return np.full(batch.rows, np.nan)
    return np.asarray(block[:, index], dtype=np.float64)

"""Channels over time with no more points than asked for, extremes kept.

Where there are few enough rows they are read; over longer spans the chunks' own summaries serve,
which cost no decoding.  Either way a point spans a piece of time and gives the lowest and the
highest value in it.
"""

from collections.abc import Sequence
from math import inf
from typing import Final, NamedTuple, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Int

from voltherd.cloud.schema_vehicles import Gap, Series, SeriesChannel, SeriesLine
from voltherd.cloud.usage import FRESH_SECOND_MAX
from voltherd.types.channel import CELL_VOLTAGE, PROBE_TEMPERATURE, spec
from voltherd.types.sample import SampleBatch

GAPS_MAX: Final = 500


class Extremes(NamedTuple):
    """Channels cut into pieces of time.

    Attributes:
        time_second: First row of each piece, ascending [unix s].
        last_second: Last row of each piece [unix s].
        low: Lowest value per piece and channel, NaN where there is none.
        high: Highest.
        rows: Rows behind them.
        source: ``rows`` or ``summaries``.
    """

    time_second: Float[np.ndarray, " pieces"]
    last_second: Float[np.ndarray, " pieces"]
    low: Float[np.ndarray, "pieces channels"]
    high: Float[np.ndarray, "pieces channels"]
    rows: int
    source: str


@runtime_checkable
class Past(Protocol):
    """Gives channels over time, by whatever way is cheapest."""

    def extremes(
        self,
        vehicle_id: str,
        channels: Sequence[str],
        start_second: float,
        stop_second: float,
        pieces: int,
    ) -> Extremes:
        """Cut a span of a vehicle's life into at most so many pieces with their extremes.

        Args:
            vehicle_id: Whose.
            channels: Canonical names of channels that it has.
            start_second: First time wanted [unix s]; -inf for all there is.
            stop_second: First time not wanted [unix s].
            pieces: Most pieces.
        """
        ...


def series(
    past: Past,
    vehicle_id: str,
    channels: Sequence[str],
    start_second: float,
    stop_second: float,
    points: int,
    lost: Sequence[Gap] = (),
) -> Series:
    """Give channels over time.

    Args:
        past: Where they are.
        vehicle_id: Whose.
        channels: Which; the vehicle has them.
        start_second: First time wanted [unix s].
        stop_second: First time not wanted [unix s].
        points: Most points.
        lost: Spans of which an edge said that they are lost, with the reason.
    """
    found = past.extremes(vehicle_id, channels, start_second, stop_second, points)
    return Series(
        vehicle_id=vehicle_id,
        channels=[SeriesChannel(channel=name, unit=_unit(name)) for name in channels],
        time_second=found.time_second.tolist(),
        series=[
            SeriesLine(channel=name, min=_plain(found.low[:, i]), max=_plain(found.high[:, i]))
            for i, name in enumerate(channels)
        ],
        points=len(found.time_second),
        rows=found.rows,
        downsampled=found.rows > len(found.time_second),
        source=found.source,  # type: ignore[arg-type]
        gaps=[*_silences(found), *lost][:GAPS_MAX],
    )


def _unit(channel: str) -> str:
    known = spec(channel)
    return known.unit if known else ""


def _plain(values: Float[np.ndarray, " pieces"]) -> list[float | None]:
    rounded = np.round(values.astype(np.float64), 6)
    return [value if value == value else None for value in rounded.tolist()]


def _silences(found: Extremes) -> list[Gap]:
    """Tell the silences between pieces."""
    quiet = np.flatnonzero(found.time_second[1:] - found.last_second[:-1] > FRESH_SECOND_MAX)
    return [
        Gap(
            start_second=float(found.last_second[i]),
            stop_second=float(found.time_second[i + 1]),
            reason="nothing was received",
        )
        for i in quiet[:GAPS_MAX]
    ]


def cut(batch: SampleBatch, channels: Sequence[str], pieces: int) -> Extremes:
    """Cut rows into at most so many pieces of equal time; a piece without rows is left out."""
    time = batch.unix_time_second
    values = np.stack([column(batch, name) for name in channels], axis=1)
    if batch.rows <= pieces:
        return Extremes(time, time, values, values, batch.rows, "rows")
    starts = piece_starts(time, float(time[0]), float(time[-1]), pieces)
    return Extremes(
        time_second=time[starts],
        last_second=time[np.append(starts[1:], batch.rows) - 1],
        low=np.fmin.reduceat(values, starts, axis=0),
        high=np.fmax.reduceat(values, starts, axis=0),
        rows=batch.rows,
        source="rows",
    )


def piece_starts(
    time: Float[np.ndarray, " rows"], first: float, last: float, pieces: int
) -> Int[np.ndarray, " starts"]:
    """Give the first row of every piece that has rows, of so many equal ones from first to last."""
    width = max((last - first) / pieces, 1e-9)
    piece = np.minimum(np.floor((time - first) / width), pieces - 1)
    return np.flatnonzero(np.diff(piece, prepend=-1.0) > 0.0)


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
    return block[:, index].astype(np.float64)


EVER: Final = (-inf, inf)

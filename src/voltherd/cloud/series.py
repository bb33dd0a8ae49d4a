"""Channels over time with no more points than asked for, extremes kept.

A point spans a piece of time and gives the lowest and the highest value in it.  Where there are few
enough rows they are read; over longer spans slices of five minutes serve, whose extremes were noted
when their rows came.
"""

from collections.abc import Sequence
from typing import Final, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from voltherd.cloud.schema_vehicles import Gap, Series, SeriesChannel, SeriesLine
from voltherd.cloud.usage import FRESH_SECOND_MAX
from voltherd.types.channel import spec
from voltherd.types.extremes import Extremes, nothing

GAPS_MAX: Final = 500


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
            start_second: First time wanted; finite [unix s].
            stop_second: First time not wanted; finite [unix s].
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
    return _told(vehicle_id, channels, found, lost)


def nothing_of(vehicle_id: str, channels: Sequence[str]) -> Series:
    """Give channels over a time in which nothing was received."""
    return _told(vehicle_id, channels, nothing(len(channels)), ())


def _told(vehicle_id: str, channels: Sequence[str], found: Extremes, lost: Sequence[Gap]) -> Series:
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
        source="slices" if found.summarised else "rows",
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

"""A vehicle rebuilt from the store, piece by piece, so that other work goes on in between."""

from collections import deque
from collections.abc import Callable, Iterator
from math import inf, nextafter
from typing import Final, NamedTuple, Protocol, runtime_checkable

import numpy as np

from voltherd.cloud import twin as twins
from voltherd.cloud.follow import Followed, advance, alike, begin
from voltherd.types.asset import Vehicle
from voltherd.types.merge import channels_of_both
from voltherd.types.sample import SampleBatch
from voltherd.units import SECOND_PER_HOUR

ROWS_READ: Final = 50_000
"""Rows read together: 30 MB of a 96-cell pack."""
ROWS_AT_ONCE: Final = 10_000
"""Rows between two chances for other work: half a second's worth at most."""
TWIN_SECOND: Final = 12.0 * SECOND_PER_HOUR
"""How much of the end the twin sees: it needs a reading at rest, not a life [s]."""
_TWIN_ROWS: Final = 1_000


@runtime_checkable
class Telemetry(Protocol):
    """Rows by vehicle and time, whichever store keeps them."""

    def vehicles(self) -> tuple[str, ...]:
        """Name every vehicle of which there are rows, sorted."""
        ...

    def spans(self, vehicle_id: str, samples_max: int) -> Iterator[tuple[float, float]]:
        """Cut a vehicle's time into pieces that hold so many rows or a little more.

        Yields:
            Begin and end of each piece, one behind the other [unix s].
        """
        ...

    def read(
        self, vehicle_id: str, start_second: float = -inf, stop_second: float = inf
    ) -> SampleBatch:
        """Give a vehicle's rows in time order; see ``ports.Store.read``."""
        ...


@runtime_checkable
class Assets(Protocol):
    """What is known of vehicles before their first row."""

    def vehicle(self, vehicle_id: str) -> Vehicle | None:
        """Give a vehicle's facts, None where none are known."""
        ...


class Progress(NamedTuple):
    """How far a replay has come.

    Attributes:
        followed: The vehicle so far, None before its first row.
        position_second: Rows before this time are in it [unix s].
        done: Whether all that the store held is in it.
    """

    followed: Followed | None
    position_second: float
    done: bool


def replay(
    telemetry: Telemetry,
    vehicle_id: str,
    asset: Vehicle | None,
    taken: Callable[[SampleBatch], None],
    resumed: Followed | None = None,
) -> Iterator[Progress]:
    """Rebuild a vehicle.

    Args:
        telemetry: Where its rows are; rows that come meanwhile behind the position are read, too.
        vehicle_id: Whose.
        asset: What is known of it.
        taken: Told of the rows of each piece, in time order.
        resumed: The vehicle as it was kept; then only what came later is read.

    Yields:
        Progress after each piece; the last one is ``done``.
    """
    followed = resumed
    tail: deque[SampleBatch] = deque()
    spans = deque(() if resumed else telemetry.spans(vehicle_id, ROWS_READ))
    while spans:
        batch = telemetry.read(vehicle_id, *spans.popleft())
        if not batch.rows:
            continue
        followed = followed or begin(batch, asset)
        rows = alike(followed, batch)
        if rows is None:  # channels nobody had before: begin again with all of them
            followed = begin(channels_of_both(followed.newest, batch), asset)
            spans = deque(telemetry.spans(vehicle_id, ROWS_READ))
            tail.clear()
            continue
        for piece in _cut(rows, ROWS_AT_ONCE):
            followed = advance(followed, piece, with_twin=False)
            taken(piece)
            tail.append(piece)
            _forget(tail, followed.usage.last_second - TWIN_SECOND)
            yield Progress(followed, followed.usage.last_second, False)
    while tail and followed is not None and followed.twin is not None:
        for piece in _cut(_since(tail.popleft(), followed), _TWIN_ROWS):
            followed = followed._replace(twin=twins.follow(followed.twin, piece))
            yield Progress(followed, followed.usage.last_second, False)
    while followed is not None:  # what came meanwhile
        batch = telemetry.read(vehicle_id, nextafter(followed.usage.last_second, inf), inf)
        rows = alike(followed, batch) if batch.rows else None
        if rows is None:
            break
        for piece in _cut(rows, _TWIN_ROWS):
            followed = advance(followed, piece)
            taken(piece)
            yield Progress(followed, followed.usage.last_second, False)
    yield Progress(followed, inf, True)


def _since(batch: SampleBatch, followed: Followed) -> SampleBatch:
    """Give the rows that the twin sees."""
    begins = followed.usage.last_second - TWIN_SECOND
    return batch.between(int(np.searchsorted(batch.unix_time_second, begins)), batch.rows)


def _forget(tail: deque[SampleBatch], before_second: float) -> None:
    """Let go of pieces that end before a time."""
    while tail[0].unix_time_second[-1] < before_second:
        tail.popleft()


def _cut(batch: SampleBatch, rows: int) -> Iterator[SampleBatch]:
    for start in range(0, batch.rows, rows):
        yield batch.between(start, min(start + rows, batch.rows))

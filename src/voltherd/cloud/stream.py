"""Server-sent events: written once, kept for a while, sent to every reader as the same bytes.

Events stand in one ring with ascending numbers.  A reader is a place in the ring: it takes what is
new since then in one go, a few times a second at most.  One that returns with ``Last-Event-ID``
goes on where it was; where that has been overwritten, or the service was started anew, it is told
so by an event ``reset`` and reads the pages again.
"""

import asyncio
import contextlib
import json
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable
from itertools import islice
from typing import Final, NamedTuple

EVENTS_MAX: Final = 4_096
TICK_SECOND: Final = 0.2
"""Least time between two writes to one reader [s]."""
HEARTBEAT_SECOND: Final = 10.0
KINDS: Final = ("vehicle", "finding", "chain", "cells")
RETRY_MILLISECOND: Final = 2_000


class Event(NamedTuple):
    """One event as it goes out.

    Attributes:
        kind: One of ``KINDS``.
        vehicle_id: Of which vehicle; empty for all.
        text: Its lines, number included.
    """

    kind: str
    vehicle_id: str
    text: bytes


class Wanted(NamedTuple):
    """What a reader wants to hear.

    Attributes:
        kinds: Kinds of events.
        vehicle_id: Vehicle whose live cells are wanted; empty for none.
    """

    kinds: frozenset[str]
    vehicle_id: str = ""

    def takes(self, event: Event) -> bool:
        """Say whether an event is wanted."""
        if event.kind == "cells":
            return event.vehicle_id == self.vehicle_id
        return event.kind in self.kinds


class Hub:
    """The ring and its readers; events may be published from any thread.

    Args:
        boot: Name of this start of the service, so that numbers of another are not mistaken.
        readers_max: Most readers at once.
    """

    def __init__(self, boot: str, readers_max: int = 200) -> None:
        self.boot = boot
        self.readers_max = readers_max
        self._ring: deque[Event] = deque(maxlen=EVENTS_MAX)
        self._next = 0
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._news = asyncio.Event()
        self._woken = False
        self._closed = False
        self._watched: dict[str, int] = {}
        self._readers = 0

    @property
    def readers(self) -> int:
        """How many read now."""
        return self._readers

    @property
    def watched(self) -> tuple[str, ...]:
        """Vehicles whose live cells somebody wants."""
        return tuple(self._watched)

    def publish(self, kind: str, data: bytes, vehicle_id: str = "") -> None:
        """Put an event into the ring.

        Args:
            kind: One of ``KINDS``.
            data: JSON without a line break.
            vehicle_id: Of which vehicle.
        """
        with self._lock:
            head = f"id: {self.boot}-{self._next}\nevent: {kind}\ndata: ".encode()
            self._ring.append(Event(kind, vehicle_id, head + data + b"\n\n"))
            self._next += 1
            wake = not self._woken and self._loop is not None
            self._woken = self._woken or wake
        if wake:
            self._call()

    def _call(self) -> None:
        """Wake the readers on their own thread; where that has ended, nobody reads."""
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        self._woken = False
        news, self._news = self._news, asyncio.Event()
        news.set()

    def close(self) -> None:
        """Let every reader go, so that the server can stop."""
        self._closed = True
        self._call()

    def since(self, place: int, wanted: Wanted) -> tuple[int, bytes | None]:
        """Give what is new for a reader.

        Returns:
            Its next place, and the events; None where some of them are gone.
        """
        with self._lock:
            first = self._next - len(self._ring)
            if place < first:
                return self._next, None
            new = list(islice(self._ring, place - first, None))
            after = self._next
        return after, b"".join([event.text for event in new if wanted.takes(event)])

    def place(self, last_event_id: str) -> int | None:
        """Find where a reader goes on: behind what it had, None where that cannot be told."""
        if not last_event_id:
            return self._next
        boot, _, number = last_event_id.rpartition("-")
        if boot != self.boot or not number.isascii() or not number.isdigit():
            return None
        after = int(number[:18]) + 1
        return after if self._next - len(self._ring) <= after <= self._next else None

    async def read(
        self,
        wanted: Wanted,
        last_event_id: str = "",
        gone: Callable[[], bool] = lambda: False,
    ) -> AsyncIterator[bytes]:
        """Give events as they come, until the reader is gone or falls too far behind.

        Args:
            wanted: Which.
            last_event_id: The last one the reader had, empty where it begins.
            gone: Says whether the reader has left.
        """
        self._loop = asyncio.get_running_loop()
        self._wake()
        self._readers += 1
        if wanted.vehicle_id:
            self._watched[wanted.vehicle_id] = self._watched.get(wanted.vehicle_id, 0) + 1
        try:
            place = self.place(last_event_id)
            yield b"retry: %d\n\n" % RETRY_MILLISECOND
            if place is None:
                place = self._next
                yield self._reset()
            while not self._closed and not gone():
                news = self._news
                place, events = self.since(place, wanted)
                if events is None:  # too slow: it begins anew with what is now
                    yield self._reset()
                    return
                if events:
                    yield events
                    await asyncio.sleep(TICK_SECOND)
                    continue
                try:
                    await asyncio.wait_for(news.wait(), HEARTBEAT_SECOND)
                except TimeoutError:
                    yield b": still here\n\n"
        finally:
            self._readers -= 1
            if wanted.vehicle_id:
                left = self._watched[wanted.vehicle_id] - 1
                if left:
                    self._watched[wanted.vehicle_id] = left
                else:
                    del self._watched[wanted.vehicle_id]

    def _reset(self) -> bytes:
        data = json.dumps({"reason": "events were missed; read the pages again"})
        return f"id: {self.boot}-{self._next - 1}\nevent: reset\ndata: {data}\n\n".encode()

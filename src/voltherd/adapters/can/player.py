"""Values onto a CAN bus, each frame at its time: what a logger on the bus of a vehicle would hear.

One thread plays many vehicles: a player never waits, it sends what is due and says when the next
frame is.  On python-can's virtual bus a frame is put straight into the queues of those who listen,
one message each: ``VirtualBus.send`` makes a deep copy for every listener, which costs four times
as much and protects against nothing here, as nobody keeps the message that was sent.
"""

from collections.abc import Callable, Mapping, Sequence
from math import inf
from queue import Full
from typing import TYPE_CHECKING, Final, final

import numpy as np

from voltherd.adapters.can.encode import encode
from voltherd.errors import ServiceError
from voltherd.ports import Clock
from voltherd.types.frame import MessageFrames

if TYPE_CHECKING:
    import can
    from cantools.database.can import Message

_WIDTH: Final = 8


def messages_of(dbc_text: str) -> Mapping[str, "Message"]:
    """Read the messages of a database by name; one mapping serves any number of players."""
    import cantools.database
    from cantools.database.can import Database

    database = cantools.database.load_string(dbc_text, database_format="dbc")
    assert isinstance(database, Database)
    return {message.name: message for message in database.messages}


@final
class CanPlayer:
    """Plays one vehicle's frames on one bus."""

    def __init__(self, bus: "can.BusABC", messages: Mapping[str, "Message"]) -> None:
        """Play on a bus that stays the caller's to shut down.

        Args:
            bus: Any of python-can's; a virtual one is served most cheaply.
            messages: From ``messages_of``; classic frames.
        """
        self._send = _sender(bus)
        self._messages = messages
        self._second = np.empty(0)
        self._identifier = np.empty(0, np.int64)
        self._length = np.empty(0, np.int64)
        self._payload = np.empty((0, _WIDTH), np.uint8)
        self._extended = {m.frame_id: bool(m.is_extended_frame) for m in messages.values()}
        self._at = 0
        self.beyond = 0
        """Values outside their signal's range so far, sent as 'not available'."""
        self.lost = 0
        """Frames so far that a listener had no room for."""

    def add(self, parts: Sequence[MessageFrames]) -> int:
        """Take frames to be played.

        Args:
            parts: Frames of some time, in any order, none of them earlier than one played already.

        Returns:
            How many frames they are.

        Raises:
            UsageError: A value is missing, and the database has no code that says so.
        """
        encoded = [encode(part, self._messages[part.message]) for part in parts]
        self.beyond += sum(one.beyond for one in encoded)
        counts = [len(part.second) for part in parts]
        specs = [self._messages[part.message] for part in parts]
        payload = np.zeros((sum(counts), _WIDTH), np.uint8)
        end = np.cumsum(counts)
        for one, stop, count in zip(encoded, end.tolist(), counts, strict=True):
            payload[stop - count : stop, : one.payload.shape[1]] = one.payload
        left = slice(self._at, None)
        second = np.concatenate([self._second[left], *(part.second for part in parts)])
        order = np.argsort(second, kind="stable")
        self._second = second[order]
        identifier = np.repeat([spec.frame_id for spec in specs], counts)
        self._identifier = np.concatenate([self._identifier[left], identifier])[order]
        length = np.repeat([spec.length for spec in specs], counts)
        self._length = np.concatenate([self._length[left], length])[order]
        self._payload = np.concatenate([self._payload[left], payload])[order]
        self._at = 0
        return sum(counts)

    @property
    def pending(self) -> int:
        """How many frames wait for their time."""
        return len(self._second) - self._at

    @property
    def next_second(self) -> float:
        """When the next frame is due; never, where there is none [unix s]."""
        return float(self._second[self._at]) if self.pending else inf

    def play_due(self, now_second: float) -> int:
        """Send every frame that is due, in order of time, and return at once.

        Args:
            now_second: What the time is [unix s].

        Returns:
            How many were sent.

        Raises:
            ServiceError: The bus is gone.
        """
        first, send = self._at, self._send
        stop = int(np.searchsorted(self._second, now_second, side="right"))
        if stop <= first:
            return 0
        due = slice(first, stop)
        data = self._payload[due].tobytes()
        at = 0
        for second, identifier, length in zip(
            self._second[due].tolist(),
            self._identifier[due].tolist(),
            self._length[due].tolist(),
            strict=True,
        ):
            frame = data[at : at + length]
            self.lost += send(second, identifier, self._extended[identifier], frame)
            at += _WIDTH
        self._at = stop
        return stop - first


def play(players: Sequence[CanPlayer], clock: Clock, until_second: float) -> int:
    """Play many vehicles from one thread until a time, or until nothing is left to play.

    Args:
        players: The vehicles.
        clock: Whose time the frames keep to.
        until_second: When to stop; frames of that moment are played [unix s].

    Returns:
        How many frames were sent.
    """
    sent = 0
    while True:
        now = clock.unix_second()
        sent += sum(player.play_due(min(now, until_second)) for player in players)
        due = min((player.next_second for player in players), default=inf)
        if due > until_second:
            return sent
        clock.sleep(max(due - now, 0.0))


_Send = Callable[[float, int, bool, bytes], int]


def _sender(bus: "can.BusABC") -> _Send:
    """Give how a frame is sent; that says how many listeners had no room."""
    import can
    from can.interfaces.virtual import VirtualBus

    def properly(second: float, identifier: int, extended: bool, data: bytes) -> int:
        message = can.Message(second, identifier, extended, data=data, is_rx=False)
        try:
            bus.send(message)
        except can.CanError as error:
            raise ServiceError(
                f"the CAN bus took no frame ({error})", mend="check interface and wiring"
            ) from error
        return 0

    if not isinstance(bus, VirtualBus):
        return properly
    make, own, channel = can.Message, bus.queue, bus.channel_id
    listeners = bus.channel

    def directly(second: float, identifier: int, extended: bool, data: bytes) -> int:
        lost = 0
        for queue in listeners:
            if queue is not own:
                message = make(second, identifier, extended, channel=channel, data=data)
                try:
                    queue.put_nowait(message)
                except Full:
                    lost += 1
        return lost

    return directly

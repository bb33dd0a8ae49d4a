"""A broker and its clients in one process: no threads, no chance, delivered when somebody pumps.

For tests in virtual time, and the yardstick of every other bus.
"""

from collections import deque
from collections.abc import Callable
from typing import Final, NamedTuple, final

from voltherd.errors import UsageError
from voltherd.ports import Handler, LastWill
from voltherd.types.bus_pattern import matches, pattern_problem, topic_problem
from voltherd.wire.checks import PAYLOAD_BYTES_MAX

QUEUE_MESSAGES: Final = 10_000
"""What a client may have under way before it is told that nothing more is taken."""


class _Told(NamedTuple):
    """One message under way."""

    topic: str
    payload: bytes
    retain: bool
    sender: "MemoryBus | None"
    receive: Handler | None
    """Only for this handler, of this sender: what was retained before it subscribed."""


@final
class MemoryBroker:
    """Hands messages from bus to bus, in the order of their publication, when pumped."""

    def __init__(self, queue_messages: int = QUEUE_MESSAGES) -> None:
        self._queue_messages = queue_messages
        self._clients: dict[str, MemoryBus] = {}
        self._retained: dict[str, bytes] = {}
        self._under_way: deque[_Told] = deque()
        self._up = True

    def connect(self, client_id: str, will: LastWill | None = None) -> "MemoryBus":
        """Make a client; one that had this name before is thrown off, as MQTT has it."""
        if (old := self._clients.get(client_id)) is not None:
            old.lose()
        bus = MemoryBus(self, client_id, will, self._queue_messages)
        bus.reconnect()
        return bus

    def pump(self, limit: int | None = None) -> int:
        """Deliver what is under way, and what its receivers publish meanwhile.

        Args:
            limit: Stop after so many messages; None delivers all there is.

        Returns:
            How many messages were handled.
        """
        handled = 0
        while self._under_way and (limit is None or handled < limit):
            self._deliver(self._under_way.popleft())
            handled += 1
        return handled

    def stop(self, *, keep_retained: bool) -> None:
        """Fall over: every client is thrown off and what was under way is gone, wills too."""
        self._up = False
        self._under_way.clear()
        if not keep_retained:
            self._retained.clear()
        for bus in list(self._clients.values()):
            bus.thrown_off()
        self._clients.clear()

    def start(self) -> None:
        """Come back; clients connect again when they try (``MemoryBus.reconnect``)."""
        self._up = True

    def retained(self, topic: str) -> bytes | None:
        """Give what is retained under a topic."""
        return self._retained.get(topic)

    def _deliver(self, told: _Told) -> None:
        if told.sender is not None:
            told.sender.handed_on()
        if told.receive is not None:
            told.receive(told.topic, told.payload)
            return
        if told.retain and told.payload:
            self._retained[told.topic] = told.payload
        elif told.retain:
            self._retained.pop(told.topic, None)
        for bus in list(self._clients.values()):
            bus.hear(told.topic, told.payload)

    # What only a MemoryBus calls ------------------------------------------------------------

    def admit(self, bus: "MemoryBus") -> bool:
        """Let a client in, if the broker is up."""
        if self._up:
            self._clients[bus.client_id] = bus
        return self._up

    def gone(self, bus: "MemoryBus", will: LastWill | None) -> None:
        """Let a client go; its will is published where it said no goodbye."""
        if self._clients.get(bus.client_id) is bus:
            del self._clients[bus.client_id]
            if will is not None:
                self._under_way.append(_Told(will.topic, will.payload, True, None, None))

    def take(self, bus: "MemoryBus", topic: str, payload: bytes, retain: bool) -> None:
        """Take a message."""
        self._under_way.append(_Told(topic, payload, retain, bus, None))

    def tell_retained(self, pattern: str, receive: Handler) -> None:
        """Put what is retained under a pattern on its way to a new subscriber."""
        for topic, payload in self._retained.items():
            if matches(pattern, topic):
                self._under_way.append(_Told(topic, payload, True, None, receive))


@final
class MemoryBus:
    """The ``Bus`` port on a ``MemoryBroker``."""

    def __init__(
        self, broker: MemoryBroker, client_id: str, will: LastWill | None, queue_messages: int
    ) -> None:
        self.client_id = client_id
        self._broker = broker
        self._will = will
        self._queue_messages = queue_messages
        self._heard: list[tuple[str, Handler]] = []
        self._under_way = 0
        self._connected = False
        self._closed = False
        self._connections = 0

    def publish(self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False) -> bool:
        """Hand a message over; see ``Bus.publish``."""
        if problem := topic_problem(topic):
            raise UsageError(problem, mend="publish under a plain topic")
        if len(payload) > PAYLOAD_BYTES_MAX:
            raise UsageError(
                f"{len(payload)} bytes, more than the {PAYLOAD_BYTES_MAX} that the bus carries",
                where=topic,
                mend="cut it into several messages",
            )
        if not self._connected or self._under_way >= self._queue_messages:
            return False
        self._under_way += 1
        self._broker.take(self, topic, payload, retain)
        return True

    def subscribe(self, pattern: str, handler: Handler) -> None:
        """Hear every message whose topic matches; see ``Bus.subscribe``."""
        if problem := pattern_problem(pattern):
            raise UsageError(problem, mend="+ stands for one level, # at the end for all below")
        self._heard.append((pattern, handler))
        if self._connected:
            self._broker.tell_retained(pattern, self._while_connected(handler))

    def connections(self) -> int:
        """Say how often the bus has connected; see ``Bus.connections``."""
        return self._connections

    def close(self) -> None:
        """Say goodbye and stop; see ``Bus.close``."""
        if not self._closed:
            self._closed = True
            self._connected = False
            self._broker.gone(self, None)

    # What a test does to it -----------------------------------------------------------------

    def lose(self) -> None:
        """Lose the connection without a goodbye: the broker publishes the last will."""
        self._connected = False
        self._broker.gone(self, self._will)

    def reconnect(self) -> bool:
        """Connect again and subscribe again; False where the broker is down or the bus closed."""
        if self._connected or self._closed or not self._broker.admit(self):
            return self._connected
        self._connected = True
        self._connections += 1
        self._under_way = 0
        for pattern, handler in self._heard:
            self._broker.tell_retained(pattern, self._while_connected(handler))
        return True

    # What only the broker calls -------------------------------------------------------------

    def thrown_off(self) -> None:
        """Notice that the broker is gone."""
        self._connected = False

    def handed_on(self) -> None:
        """Notice that one of the messages under way has left the queue."""
        self._under_way = max(0, self._under_way - 1)

    def hear(self, topic: str, payload: bytes) -> None:
        """Receive a message."""
        for pattern, handler in tuple(self._heard):
            if matches(pattern, topic):
                handler(topic, payload)

    def _while_connected(self, handler: Handler) -> Callable[[str, bytes], None]:
        """Keep what is retained from a client that was lost before it came."""
        connection = self._connections

        def receive(topic: str, payload: bytes) -> None:
            if self._connected and self._connections == connection:
                handler(topic, payload)

        return receive

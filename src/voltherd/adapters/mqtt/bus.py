"""The bus over MQTT.

Each connection is a client of its own, with a clean session: what one connection held when it
broke is gone, and nothing stale arrives over the next.  Records are safe without the broker's help,
by the cloud's acknowledgement (docs/transport.md); so nothing here leans on sessions, persistence
or a feature of version 5.
"""

import logging
import selectors
import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from random import SystemRandom
from typing import Final, cast, final

from paho.mqtt.client import Client, MQTTMessage, MQTTMessageInfo
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from voltherd.adapters.mqtt.settings import MqttSettings, MqttVersion, check, tls_context
from voltherd.adapters.mqtt.wire import Wire, Wiring
from voltherd.errors import ServiceError, UsageError
from voltherd.ports import Handler, LastWill
from voltherd.types.bus_pattern import matches, pattern_problem, topic_problem
from voltherd.wire.checks import PAYLOAD_BYTES_MAX

STEADY_SECOND: Final = 10.0
"""A connection that lived so long was a good one: the next pause is short again [s]."""
GOODBYE_SECOND: Final = 2.0
"""Closing waits for what was handed over before, unless nothing moves for so long [s]."""
_LOOP_SECOND: Final = 1.0
_CONNECT_SECOND: Final = 5.0
_ROUTES_MAX: Final = 65_536
_READ_PACKETS: Final = 200
"""So many are read before what they brought about is written."""
_CHANCE: Final = SystemRandom()
_LOG: Final = logging.getLogger(__name__)


@final
class _Connection:
    """One connection from its making to its loss; its callbacks run on the bus's thread."""

    def __init__(
        self,
        settings: MqttSettings,
        client_id: str,
        will: LastWill | None,
        tls: ssl.SSLContext | None,
        patterns: list[str],
        hear: Handler,
    ) -> None:
        self._settings = settings
        self._patterns = patterns
        self._hear = hear
        self._awaited: int | None = None
        self._under_way: deque[tuple[MQTTMessageInfo, int]] = deque()
        self._bytes = 0
        self._lock = threading.Lock()
        self.ready = False
        self.trouble = ""
        self.on_ready: Callable[[], None] = _nothing
        five = settings.version is MqttVersion.V5
        self.client = client = Client(
            CallbackAPIVersion.VERSION2,
            client_id,
            clean_session=None if five else True,  # version 5 begins clean by itself
            protocol=MQTTProtocolVersion.MQTTv5 if five else MQTTProtocolVersion.MQTTv311,
            reconnect_on_failure=False,
        )
        client.connect_timeout = _CONNECT_SECOND
        # Whoever publishes must not write to the socket himself: only the bus's thread does.
        client.on_socket_register_write = _nothing
        self._wiring = Wiring(tls)
        client.tls_set_context(cast(ssl.SSLContext, self._wiring))
        self._waker, self._woken = socket.socketpair()
        self._waker.setblocking(False)
        self._woken.setblocking(False)
        self._awake = False
        client.on_connect = self._connected
        client.on_subscribe = self._subscribed
        client.on_publish = self._published
        client.on_disconnect = self._disconnected
        client.on_message = self._received
        if settings.username:
            client.username_pw_set(settings.username, settings.password)
        if will is not None:
            client.will_set(will.topic, will.payload, qos=1, retain=True)

    def live(self, stop: threading.Event) -> None:
        """Connect, and carry messages until the connection is lost or closed.

        Raises:
            OSError: The broker cannot be reached, or shows no certificate to be trusted.
        """
        client, settings = self.client, self._settings
        client.connect(settings.host, settings.port, settings.keepalive_second)
        wire = self._wiring.wire
        assert wire is not None
        asked_at = time.monotonic()
        with selectors.DefaultSelector() as selector:
            selector.register(self._woken, selectors.EVENT_READ)
            selector.register(wire, selectors.EVENT_READ)
            while client.socket() is not None:
                self._carry(selector, wire)
                if stop.is_set():
                    self._part(selector, wire)
                    return
                if not self.ready and time.monotonic() - asked_at > _CONNECT_SECOND:
                    told = "the broker took the connection and says nothing"
                    self.trouble = self.trouble or told
                    return

    def _part(self, selector: selectors.BaseSelector, wire: Wire) -> None:
        """Say goodbye, to a broker that may be gone itself."""
        self.client.disconnect()
        until = time.monotonic() + GOODBYE_SECOND
        while self.client.socket() is not None and time.monotonic() < until:
            self._carry(selector, wire)

    def _carry(self, selector: selectors.BaseSelector, wire: Wire) -> None:
        """Wait for something to carry, and carry it both ways."""
        client = self.client
        if client.want_write():
            client.loop_write()
            if client.socket() is None:  # that was a goodbye
                return
        try:
            all_sent = wire.flush()
        except OSError:
            all_sent = True  # reading will tell of it
        both = selectors.EVENT_READ | selectors.EVENT_WRITE
        selector.modify(wire, selectors.EVENT_READ if all_sent else both)
        selector.select(0.0 if wire.pending() else _LOOP_SECOND)
        if self._awake:
            with suppress(BlockingIOError):
                self._woken.recv(4096)
            self._awake = False
        for _ in range(_READ_PACKETS):
            if client.loop_read() != MQTTErrorCode.MQTT_ERR_SUCCESS or not wire.pending():
                break
        client.loop_misc()

    def wake(self) -> None:
        """Let the bus's thread see that there is something to write."""
        if not self._awake:
            self._awake = True
            with suppress(OSError):
                self._waker.send(b"!")

    def publish(self, topic: str, payload: bytes, qos: int, retain: bool) -> bool:
        """Hand a message over, if there is room for it."""
        size = len(payload)
        with self._lock:
            self._settle()
            room = self._settings.queue_bytes - self._bytes
            if not self.ready or size > room:
                return False
            if len(self._under_way) >= self._settings.queue_messages:
                return False
            info = self.client.publish(topic, payload, qos, retain)
            if info.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
                return False
            self._under_way.append((info, size))
            self._bytes += size
        self.wake()
        return True

    def subscribe(self, pattern: str) -> None:
        """Ask for messages under one more pattern."""
        self.client.subscribe(pattern, 1)
        self.wake()

    def under_way(self) -> int:
        """Count the messages that have not reached the broker yet."""
        with self._lock:
            self._settle()
            return len(self._under_way)

    def release(self) -> None:
        """Let go of the client, so that its sockets are closed now and not some time later."""
        client, self.ready, self.on_ready = self.client, False, _nothing
        self._waker.close()
        self._woken.close()
        client.on_connect = client.on_disconnect = None
        client.on_subscribe = client.on_publish = client.on_message = None

    def _settle(self) -> None:
        """Forget what has reached the broker."""
        while self._under_way and _done(self._under_way[0][0]):
            self._bytes -= self._under_way.popleft()[1]

    def _connected(
        self, client: Client, userdata: object, flags: object, reason: ReasonCode, more: object
    ) -> None:
        if reason.is_failure:
            self.trouble = f"the broker refused: {reason}"
            if "protocol version" in str(reason).lower():
                self.trouble += f" (spoken is MQTT {self._settings.version})"
            return
        if not self._patterns:
            self._be_ready()
            return
        _, self._awaited = client.subscribe([(pattern, 1) for pattern in self._patterns])

    def _subscribed(
        self,
        client: Client,
        userdata: object,
        number: int,
        reasons: list[ReasonCode],
        properties: Properties,
    ) -> None:
        refused = [str(reason) for reason in reasons if reason.is_failure]
        if refused:
            self.trouble = f"the broker refused a subscription: {refused[0]}"
        if number == self._awaited:
            self._be_ready()

    def _published(
        self,
        client: Client,
        userdata: object,
        number: int,
        reason: ReasonCode,
        properties: Properties,
    ) -> None:
        if reason.is_failure:  # version 5 only; an older broker drops it without a word
            self.trouble = f"the broker refused a message: {reason}"

    def _be_ready(self) -> None:
        self.ready = True
        self.on_ready()

    def _disconnected(
        self, client: Client, userdata: object, flags: object, reason: ReasonCode, more: object
    ) -> None:
        if not self.trouble:
            self.trouble = (
                f"connection lost: {reason}"
                if self.ready
                else "the broker closed the connection before it began (does it want a "
                f"certificate, or another version than MQTT {self._settings.version}?)"
            )
        self.ready = False

    def _received(self, client: Client, userdata: object, message: MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            return  # no topic of ours
        self._hear(topic, bytes(message.payload))


@final
class MqttBus:
    """The ``Bus`` port over MQTT: connects on its own thread, again and again, until closed.

    Args:
        settings: How to reach the broker.
        client_id: This client's name; see ``settings.client_id``.
        will: What the broker says, retained, when this client is gone without a goodbye.
        chance: Gives numbers from 0 to 1 that spread the pauses of many clients.

    Raises:
        UsageError: Settings that are not safe or contradict each other.
    """

    def __init__(
        self,
        settings: MqttSettings,
        client_id: str,
        will: LastWill | None = None,
        chance: Callable[[], float] = _CHANCE.random,
    ) -> None:
        check(settings)
        self._settings = settings
        self._client_id = client_id
        self._will = will
        self._chance = chance
        self._tls = tls_context(settings)
        self._heard: list[tuple[str, Handler]] = []
        self._routes: dict[str, tuple[Handler, ...]] = {}
        self._current: _Connection | None = None
        self._connections = 0
        self._trouble = "not connected yet"
        self._lock = threading.Lock()
        self._up = threading.Event()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"mqtt {client_id}", daemon=True)
        self._thread.start()

    def publish(self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False) -> bool:
        """Hand a message over; see ``Bus.publish``."""
        assert qos in (0, 1)
        if len(payload) > PAYLOAD_BYTES_MAX:
            raise UsageError(
                f"{len(payload)} bytes, more than the {PAYLOAD_BYTES_MAX} that the bus carries",
                where=topic[:80],
                mend="cut it into several messages",
            )
        if problem := topic_problem(topic):
            raise UsageError(problem, mend="publish under a plain topic")
        current = self._current
        return current is not None and current.publish(topic, payload, qos, retain)

    def subscribe(self, pattern: str, handler: Handler) -> None:
        """Hear every message whose topic matches; see ``Bus.subscribe``."""
        if problem := pattern_problem(pattern):
            raise UsageError(problem, mend="+ stands for one level, # at the end for all below")
        with self._lock:
            self._heard.append((pattern, handler))
            self._routes = {}
            current = self._current
        if current is not None:
            current.subscribe(pattern)

    def connections(self) -> int:
        """Say how often the bus has connected; see ``Bus.connections``."""
        return self._connections

    def connected(self) -> bool:
        """Say whether the bus is connected and its subscriptions hold."""
        return self._up.is_set()

    def trouble(self) -> str:
        """Say why the bus is not connected, or what the broker refused; empty where all is well."""
        current = self._current
        return self._trouble if current is None else current.trouble

    def wait(self, second: float) -> None:
        """Wait until the bus is connected.

        Raises:
            ServiceError: It is not within the time given.
        """
        if not self._up.wait(second):
            raise ServiceError(
                self.trouble(),
                where=self._settings.where,
                mend="check that the broker runs, and the settings of [mqtt]",
            )

    def close(self) -> None:
        """Say goodbye and stop; see ``Bus.close``."""
        current = self._current
        if current is not None and not self._closing.is_set():
            _drain(current)
        self._closing.set()
        current = self._current
        if current is not None:
            current.wake()
        if self._thread is not threading.current_thread():
            self._thread.join(2 * _CONNECT_SECOND)

    def _run(self) -> None:
        pause = self._settings.retry_second_min
        while not self._closing.is_set():
            began = time.monotonic()
            self._trouble = self._one_connection()
            if time.monotonic() - began > STEADY_SECOND:
                pause = self._settings.retry_second_min
            self._closing.wait(pause * (0.5 + self._chance()))
            pause = min(2.0 * pause, self._settings.retry_second_max)

    def _one_connection(self) -> str:
        """Live through one connection; say why it ended."""
        with self._lock:
            patterns = list(dict.fromkeys(pattern for pattern, _ in self._heard))
        settings, tls = self._settings, self._tls
        connection = _Connection(
            settings, self._client_id, self._will, tls, patterns, self._deliver
        )

        def ready() -> None:
            with self._lock:
                late = [pattern for pattern, _ in self._heard if pattern not in patterns]
                self._current = connection
                self._connections += 1
            for pattern in late:  # subscribed to while the connection was made
                connection.subscribe(pattern)
            self._up.set()

        connection.on_ready = ready
        try:
            connection.live(self._closing)
        except (OSError, ValueError) as error:
            connection.trouble = connection.trouble or f"out of reach ({error})"
        except Exception as error:
            # A broker that makes the client stumble must not silence the bus for good.
            connection.trouble = f"failed ({error!r})"
            _LOG.exception("a connection failed; trying again")
        finally:
            self._up.clear()
            self._current = None
            connection.release()
        return connection.trouble or "connection lost"

    def _deliver(self, topic: str, payload: bytes) -> None:
        """Hand a message to whoever asked for it; what goes wrong there stays there."""
        for handler in self._routes.get(topic) or self._route(topic):
            try:
                handler(topic, payload)
            except Exception:
                _LOG.exception("a handler of %s failed", topic[:80])

    def _route(self, topic: str) -> tuple[Handler, ...]:
        with self._lock:
            if len(self._routes) >= _ROUTES_MAX:
                self._routes = {}
            found = tuple(handler for pattern, handler in self._heard if matches(pattern, topic))
            self._routes[topic] = found
        return found


def _drain(connection: _Connection) -> None:
    """Wait until everything has reached the broker, or nothing moves any more."""
    left, since = connection.under_way(), time.monotonic()
    while left and connection.ready and time.monotonic() - since < GOODBYE_SECOND:
        time.sleep(0.005)
        now_left = connection.under_way()
        if now_left < left:
            left, since = now_left, time.monotonic()


def _done(info: MQTTMessageInfo) -> bool:
    """Say whether a message has reached the broker, or never will."""
    try:
        return info.is_published()
    except (RuntimeError, ValueError):
        return True


def _nothing(*_: object) -> None:
    """Do nothing."""

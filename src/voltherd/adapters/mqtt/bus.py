"""The bus over MQTT.

Each connection is a client of its own, with a clean session: what one connection held when it
broke is gone, and nothing stale arrives over the next.  Records are safe without the broker's help,
by the cloud's acknowledgement (docs/transport.md); so nothing here leans on sessions, persistence
or a feature of version 5.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from random import SystemRandom
from ssl import SSLContext
from typing import Final, final

from paho.mqtt.client import Client, MQTTMessage, MQTTMessageInfo
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from voltherd.adapters.mqtt.settings import MqttSettings, MqttVersion, check, tls_context
from voltherd.errors import ServiceError, UsageError
from voltherd.ports import Handler, LastWill
from voltherd.types.bus_pattern import matches, pattern_problem, topic_problem
from voltherd.wire.checks import PAYLOAD_BYTES_MAX

STEADY_SECOND: Final = 10.0
"""A connection that lived so long was a good one: the next pause is short again [s]."""
GOODBYE_SECOND: Final = 2.0
"""How long closing waits for what was handed over before [s]."""
_LOOP_SECOND: Final = 1.0
_CONNECT_SECOND: Final = 5.0
_ROUTES_MAX: Final = 65_536
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
        tls: SSLContext | None,
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
        client.on_connect = self._connected
        client.on_subscribe = self._subscribed
        client.on_disconnect = self._disconnected
        client.on_message = self._received
        if settings.username:
            client.username_pw_set(settings.username, settings.password)
        if will is not None:
            client.will_set(will.topic, will.payload, qos=1, retain=True)
        if tls is not None:
            client.tls_set_context(tls)

    def live(self, stop: threading.Event) -> None:
        """Connect, and carry messages until the connection is lost or closed.

        Raises:
            OSError: The broker cannot be reached, or shows no certificate to be trusted.
        """
        client, settings = self.client, self._settings
        client.connect(settings.host, settings.port, settings.keepalive_second)
        asked_at = time.monotonic()
        while client.loop(_LOOP_SECOND) == MQTTErrorCode.MQTT_ERR_SUCCESS:
            if not self.ready:
                if stop.is_set():
                    return
                if time.monotonic() - asked_at > _CONNECT_SECOND:
                    self.trouble = self.trouble or "the broker took the connection and says nothing"
                    return

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
            return True

    def idle(self) -> bool:
        """Say whether everything handed over has reached the broker."""
        with self._lock:
            self._settle()
            return not self._under_way

    def release(self) -> None:
        """Let go of the client, so that its sockets are closed now and not some time later."""
        client, self.ready, self.on_ready = self.client, False, _nothing
        client.on_connect = client.on_subscribe = client.on_disconnect = client.on_message = None

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
            current.client.subscribe(pattern, 1)

    def connections(self) -> int:
        """Say how often the bus has connected; see ``Bus.connections``."""
        return self._connections

    def connected(self) -> bool:
        """Say whether the bus is connected and its subscriptions hold."""
        return self._up.is_set()

    def trouble(self) -> str:
        """Say why the bus is not connected, or what the broker refused; empty where all is well."""
        return self._trouble

    def wait(self, second: float) -> None:
        """Wait until the bus is connected.

        Raises:
            ServiceError: It is not within the time given.
        """
        if not self._up.wait(second):
            raise ServiceError(
                self._trouble,
                where=self._settings.where,
                mend="check that the broker runs, and the settings of [mqtt]",
            )

    def close(self) -> None:
        """Say goodbye and stop; see ``Bus.close``."""
        current = self._current
        if current is not None and not self._closing.is_set():
            until = time.monotonic() + GOODBYE_SECOND
            while current.ready and not current.idle() and time.monotonic() < until:
                time.sleep(0.005)
        self._closing.set()
        current = self._current
        if current is not None:
            current.client.disconnect()
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
                self._trouble = connection.trouble
            for pattern in late:  # subscribed to while the connection was made
                connection.client.subscribe(pattern, 1)
            self._up.set()

        connection.on_ready = ready
        try:
            connection.live(self._closing)
        except (OSError, ValueError) as error:
            connection.trouble = connection.trouble or f"out of reach ({error})"
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


def _done(info: MQTTMessageInfo) -> bool:
    """Say whether a message has reached the broker, or never will."""
    try:
        return info.is_published()
    except (RuntimeError, ValueError):
        return True


def _nothing(*_: object) -> None:
    """Do nothing."""

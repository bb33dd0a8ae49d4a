"""The MQTT bus against brokers that are slow, dead, deaf or absent; brokers here speak by hand."""

import socket
import threading
import time
from itertools import pairwise

import pytest

from tests.chain.mosquitto import HOST, Wire, free_port, until
from voltherd.adapters.amqtt.broker import LocalBroker
from voltherd.adapters.mqtt.bus import MqttBus
from voltherd.adapters.mqtt.settings import MqttSettings, MqttVersion
from voltherd.errors import ServiceError


def settings(port, **more):
    return MqttSettings(
        **{
            "port": port,
            "version": MqttVersion.V311,
            "retry_second_min": 0.02,
            "retry_second_max": 0.1,
            **more,
        }
    )


@pytest.fixture
def broker():
    running = LocalBroker()
    running.start()
    yield running
    running.stop()


@pytest.fixture
def open_bus():
    opened = []

    def make(*args, **more):
        opened.append(MqttBus(*args, **more))
        return opened[-1]

    yield make
    for bus in opened:
        bus.close()


def test_an_absent_broker_is_told_in_words(open_bus):
    bus = open_bus(settings(free_port()), "a")
    with pytest.raises(ServiceError, match=r"MQTT broker 127\.0\.0\.1:\d+: .*refused.*; check"):
        bus.wait(0.5)
    assert not bus.publish("t/1", b"x")
    assert bus.connections() == 0


def test_a_listener_that_is_no_broker_is_told_in_words(open_bus):
    with socket.create_server((HOST, 0)) as deaf:
        bus = open_bus(settings(deaf.getsockname()[1]), "a")
        taken, _ = deaf.accept()
        taken.close()
        until(lambda: "closed the connection before it began" in bus.trouble())


def test_the_wrong_version_is_told_in_words(broker, open_bus):
    bus = open_bus(settings(broker.port, version=MqttVersion.V5), "a")
    with pytest.raises(ServiceError, match=r"Unsupported protocol version \(spoken is MQTT 5\)"):
        bus.wait(1.0)


@pytest.mark.parametrize("qos", [0, 1])
@pytest.mark.parametrize("bound", [{"queue_messages": 20}, {"queue_bytes": 200_000}])
def test_a_broker_that_takes_nothing_neither_blocks_nor_fills_memory(broker, open_bus, qos, bound):
    wire = Wire(broker.port)
    bus = open_bus(settings(wire.port, **bound), "a")
    bus.wait(5.0)
    wire.stall()
    payload, tries = bytes(10_000), 5_000
    began = time.monotonic()
    taken = sum(bus.publish("t/1", payload, qos=qos) for _ in range(tries))
    assert time.monotonic() - began < 5.0
    # Of quality 0 the system's own buffers count as arrived, which are some megabytes.
    assert taken <= 20 if qos else taken < 2_000
    assert not bus.publish("t/1", payload, qos=qos)
    wire.close()


def test_what_one_connection_held_is_not_sent_over_the_next(broker, open_bus):
    wire = Wire(broker.port)
    bus, other = open_bus(settings(wire.port), "a"), open_bus(settings(broker.port), "b")
    heard = []
    other.subscribe("state/a", lambda topic, payload: heard.append(payload))
    bus.wait(5.0)
    other.wait(5.0)
    wire.stall()
    assert bus.publish("state/a", b"stale", retain=True)
    wire.cut()
    until(lambda: not bus.connected())
    wire.flow()
    wire.heal()
    until(lambda: bus.connections() == 2)
    assert bus.publish("state/a", b"fresh", retain=True)
    until(lambda: heard)
    assert heard == [b"fresh"]
    wire.close()


def test_a_handler_that_fails_does_not_end_the_bus(broker, open_bus, caplog):
    bus = open_bus(settings(broker.port), "a")
    heard = []

    def fail(topic, payload):
        raise RuntimeError("a bug")

    bus.subscribe("t/1", fail)
    bus.subscribe("t/1", lambda topic, payload: heard.append(payload))
    bus.wait(5.0)
    for number in range(3):
        until(lambda: bus.publish("t/1", b"%d" % number))  # noqa: B023
    until(lambda: len(heard) == 3)
    assert "a handler of t/1 failed" in caplog.text and bus.connections() == 1


def test_a_subscription_made_while_connecting_holds(broker, open_bus):
    heard = []
    bus = open_bus(settings(broker.port), "a")
    for number in range(50):
        bus.subscribe(f"t/{number}", lambda topic, payload: heard.append(topic))
    bus.wait(5.0)
    for number in range(50):
        until(lambda: bus.publish(f"t/{number}", b""))  # noqa: B023
    until(lambda: len(set(heard)) == 50)


def test_pauses_grow_vary_and_end_when_closed():
    with socket.create_server((HOST, 0)) as listener:
        times = []

        def refuse():
            while True:
                try:
                    taken, _ = listener.accept()
                except OSError:
                    return
                times.append(time.monotonic())
                taken.close()

        threading.Thread(target=refuse, daemon=True).start()
        chance = iter([0.0, 1.0, 0.5, 0.0, 1.0] + [0.5] * 1_000)
        bus = MqttBus(
            settings(listener.getsockname()[1], retry_second_min=0.1, retry_second_max=0.4),
            "a",
            chance=lambda: next(chance),
        )
        until(lambda: len(times) >= 6)
        began = time.monotonic()
        bus.close()
        assert time.monotonic() - began < 0.3  # does not sit out its pause
        listener.close()
    pauses = [late - early for early, late in pairwise(times)]
    wanted = [0.05, 0.3, 0.4, 0.2, 0.6]
    assert all(want <= pause < want + 0.25 for pause, want in zip(pauses, wanted, strict=False))


def test_closing_hands_over_what_was_published_before(broker, open_bus):
    listener = open_bus(settings(broker.port), "b")
    heard = []
    listener.subscribe("t/1", lambda topic, payload: heard.append(payload))
    listener.wait(5.0)
    bus = MqttBus(settings(broker.port), "a")
    bus.wait(5.0)
    sent = [b"%d" % number for number in range(100)]
    for payload in sent:
        assert bus.publish("t/1", payload)
    bus.close()
    until(lambda: len(heard) == 100)
    assert heard == sent

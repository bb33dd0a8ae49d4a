"""What every Bus promises; a new one adds a line to WORLDS and inherits every test."""

import itertools
from collections.abc import Iterator

import pytest

from tests.chain.mosquitto import Mosquitto, Wire, need_mosquitto, until
from voltherd.adapters.amqtt.broker import LocalBroker
from voltherd.adapters.memory.bus import MemoryBroker
from voltherd.adapters.mqtt.bus import MqttBus
from voltherd.adapters.mqtt.settings import MqttSettings, MqttVersion, client_id
from voltherd.errors import UsageError
from voltherd.ports import Bus, LastWill
from voltherd.wire.checks import PAYLOAD_BYTES_MAX


class MemoryWorld:
    """A broker in this process, pumped while somebody waits."""

    def __init__(self, folder):
        self.broker = MemoryBroker()
        self.buses = []

    def connect(self, name, will=None) -> Bus:
        self.buses.append(self.broker.connect(name, will))
        return self.buses[-1]

    def wait(self, condition):
        for _ in range(100):
            for bus in self.buses:
                bus.reconnect()
            self.broker.pump()
            if condition():
                return
        raise AssertionError("it did not come about")

    def lose(self, bus):
        bus.lose()

    def stop(self):
        self.broker.stop(keep_retained=False)

    def start(self):
        self.broker.start()

    def close(self):
        pass


class MqttWorld:
    """A broker behind one wire for each client."""

    version = MqttVersion.V5

    def __init__(self, folder):
        self.broker = self.make(folder)
        self.broker.start()
        self.wires = {}
        self.buses = []

    def make(self, folder):
        return Mosquitto(folder / "mosquitto")

    def connect(self, name, will=None) -> Bus:
        wire = Wire(self.broker.port)
        settings = MqttSettings(
            port=wire.port, version=self.version, retry_second_min=0.02, retry_second_max=0.1
        )
        bus = MqttBus(settings, name, will)
        self.buses.append(bus)
        self.wires[id(bus)] = wire
        bus.wait(10.0)
        return bus

    def wait(self, condition):
        until(condition)

    def lose(self, bus):
        wire = self.wires[id(bus)]
        wire.cut()
        until(lambda: not bus.connected())
        wire.heal()

    def stop(self):
        self.broker.stop()
        until(lambda: not any(bus.connected() for bus in self.buses))

    def start(self):
        self.broker.start()

    def close(self):
        for bus in self.buses:
            bus.close()
        for wire in self.wires.values():
            wire.close()
        self.broker.stop()


class OldMqttWorld(MqttWorld):
    version = MqttVersion.V311


class LocalWorld(OldMqttWorld):
    def make(self, folder):
        return LocalBroker()


WORLDS = {
    "memory": MemoryWorld,
    "mosquitto MQTT 5": MqttWorld,
    "mosquitto MQTT 3.1.1": OldMqttWorld,
    "amqtt": LocalWorld,
}
"""The bus and broker under test; Mosquitto's are left out where it is not installed."""
MARKERS = itertools.count()


@pytest.fixture(params=WORLDS.values(), ids=WORLDS)
def world(request, tmp_path) -> Iterator[MemoryWorld | MqttWorld]:
    if request.param in (MqttWorld, OldMqttWorld):
        need_mosquitto()
    made = request.param(tmp_path)
    yield made
    made.close()


def listen(world, bus, pattern):
    """Hear a pattern, and return when it is surely heard: the list that grows."""
    heard = []
    bus.subscribe(pattern, lambda topic, payload: heard.append((topic, payload)))
    probe = pattern.replace("+", "probe").replace("#", "probe")
    known = []

    def answered():
        bus.publish(probe, b"?")
        known.extend(message for message in heard if message == (probe, b"?"))
        return known

    world.wait(answered)
    settle(world, bus)
    heard.clear()
    return heard


def settle(world, bus):
    """Let everything published before reach whom it will reach: a marker goes last."""
    marker, seen = f"marker/{next(MARKERS)}", []
    bus.subscribe(marker, lambda topic, payload: seen.append(topic))
    world.wait(lambda: seen or (bus.publish(marker, b"") and False))


def test_what_is_published_is_heard_byte_for_byte(world):
    a, b = world.connect("a"), world.connect("b")
    heard = listen(world, b, "t/+")
    payload = bytes(range(256)) * 3
    assert a.publish("t/1", payload) and a.publish("t/2", payload[::-1], qos=0)
    world.wait(lambda: len(heard) >= 2)
    assert sorted(heard) == [("t/1", payload), ("t/2", payload[::-1])]


def test_messages_of_a_topic_arrive_in_order(world):
    a, b = world.connect("a"), world.connect("b")
    heard = listen(world, b, "t/1")
    sent = [f"{number}".encode() for number in range(300)]
    for payload in sent:
        world.wait(lambda payload=payload: a.publish("t/1", payload))
    world.wait(lambda: len(heard) >= len(sent))
    assert [payload for _, payload in heard] == sent


@pytest.mark.parametrize(
    ("pattern", "heard_topics"),
    [
        ("v/1/a", {"v/1/a"}),
        ("v/+/a", {"v/1/a", "v/2/a"}),
        ("v/#", {"v", "v/1/a", "v/1/b", "v/2/a", "v/1/a/x"}),
        ("v/1/+", {"v/1/a", "v/1/b"}),
        ("+/1/#", {"v/1/a", "v/1/b", "v/1/a/x", "w/1/a"}),
    ],
)
def test_wildcards_stand_for_levels(world, pattern, heard_topics):
    a, b = world.connect("a"), world.connect("b")
    heard = listen(world, b, pattern)
    for topic in ("v", "v/1/a", "v/1/b", "v/2/a", "v/1/a/x", "w/1/a", "w"):
        assert a.publish(topic, topic.encode())
    world.wait(lambda: {topic for topic, _ in heard} >= heard_topics)
    settle(world, a)
    settle(world, b)
    assert {topic for topic, _ in heard} == heard_topics
    assert all(topic.encode() == payload for topic, payload in heard)


def test_every_handler_hears(world):
    a, b = world.connect("a"), world.connect("b")
    one, other = listen(world, b, "t/1"), listen(world, b, "t/+")
    a.publish("t/1", b"x")
    world.wait(lambda: one and other)
    assert set(one) == set(other) == {("t/1", b"x")}


def test_what_is_retained_is_heard_by_those_who_come_later(world):
    a = world.connect("a")
    for payload in (b"first", b"second"):
        assert a.publish("state/a", payload, retain=True)
    assert a.publish("state/b", b"not retained")
    settle(world, a)
    late, heard = world.connect("late"), []
    late.subscribe("state/+", lambda topic, payload: heard.append((topic, payload)))
    world.wait(lambda: heard)
    settle(world, late)
    assert set(heard) == {("state/a", b"second")}


def test_an_empty_message_ends_what_is_retained(world):
    a = world.connect("a")
    for payload in (b"something", b""):
        assert a.publish("state/a", payload, retain=True)
    settle(world, a)
    late, heard = world.connect("late"), []
    late.subscribe("state/a", lambda topic, payload: heard.append(payload))
    settle(world, late)
    assert heard == []


def test_the_last_will_speaks_for_a_client_that_is_lost_and_stays(world):
    b = world.connect("b")
    heard = listen(world, b, "state/a")
    a = world.connect("a", LastWill("state/a", b"offline"))
    a.publish("state/a", b"online", retain=True)
    world.wait(lambda: heard)
    world.lose(a)
    world.wait(lambda: len(heard) >= 2)
    assert [payload for _, payload in heard] == [b"online", b"offline"]
    late, retained = world.connect("late"), []
    late.subscribe("state/a", lambda topic, payload: retained.append(payload))
    world.wait(lambda: retained)
    assert set(retained) == {b"offline"}  # at least once: amqtt says it twice


def test_a_client_that_says_goodbye_leaves_no_will(world):
    b = world.connect("b")
    heard = listen(world, b, "state/a")
    a = world.connect("a", LastWill("state/a", b"offline"))
    a.publish("state/a", b"bye", retain=True)
    a.close()
    a.close()
    assert not a.publish("state/a", b"after")
    world.wait(lambda: heard)
    settle(world, b)
    assert [payload for _, payload in heard] == [b"bye"]


def test_a_lost_client_comes_back_and_hears_as_before(world):
    a, b = world.connect("a"), world.connect("b")
    heard = listen(world, b, "t/+")
    before = b.connections()
    world.lose(b)
    world.wait(lambda: b.connections() > before)
    a.publish("t/1", b"again")
    world.wait(lambda: heard)
    assert heard == [("t/1", b"again")]


def test_nothing_is_taken_while_the_broker_is_gone_and_all_is_well_when_it_is_back(world):
    a, b = world.connect("a"), world.connect("b")
    heard = listen(world, b, "t/+")
    seen = a.connections(), b.connections()
    world.stop()
    assert not a.publish("t/1", b"into the void")
    world.start()
    world.wait(lambda: a.connections() > seen[0] and b.connections() > seen[1])
    assert a.publish("t/2", b"back")
    world.wait(lambda: heard)
    assert heard == [("t/2", b"back")]


def test_two_clients_of_one_vehicle_live_side_by_side(world):
    one, other = (world.connect(client_id("bus-7", epoch)) for epoch in (7 << 32, 8 << 32))
    heard = listen(world, other, "t/1")
    assert one.publish("t/1", b"from the twin")
    world.wait(lambda: heard)
    assert (one.connections(), other.connections()) == (1, 1)


def test_a_handler_may_publish(world):
    a, b = world.connect("a"), world.connect("b")
    b.subscribe("ask/1", lambda topic, payload: b.publish("answer/1", payload[::-1]))
    heard = listen(world, a, "answer/1")
    settle(world, b)
    a.publish("ask/1", b"abc")
    world.wait(lambda: heard)
    assert heard == [("answer/1", b"cba")]


def test_the_largest_message_passes_and_a_larger_one_is_refused(world):
    a, b = world.connect("a"), world.connect("b")
    heard = listen(world, b, "t/1")
    payload = bytes(PAYLOAD_BYTES_MAX)
    assert a.publish("t/1", payload)
    with pytest.raises(UsageError, match="more than the 1048576 that the bus carries; cut it"):
        a.publish("t/1", payload + b"\0")
    world.wait(lambda: heard)
    assert heard == [("t/1", payload)]


@pytest.mark.parametrize("topic", ["", "a/+", "a/#", "a\0b", "x" * 65_536])
def test_what_is_no_topic_is_refused(world, topic):
    with pytest.raises(UsageError, match="publish under a plain topic"):
        world.connect("a").publish(topic, b"x")


@pytest.mark.parametrize("pattern", ["", "a/#/b", "a+", "a/b#", "\0"])
def test_what_is_no_pattern_is_refused(world, pattern):
    with pytest.raises(UsageError, match="stands for one level"):
        world.connect("a").subscribe(pattern, lambda topic, payload: None)

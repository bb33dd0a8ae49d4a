"""The in-process broker starts, stops and comes back without a word."""

import logging
import socket
import threading

import pytest

from tests.chain.mosquitto import until
from voltherd.adapters.amqtt.broker import HOST, LocalBroker
from voltherd.adapters.mqtt.bus import MqttBus
from voltherd.adapters.mqtt.settings import MqttSettings, MqttVersion
from voltherd.errors import ServiceError


def bus_to(broker, name):
    settings = MqttSettings(port=broker.port, version=MqttVersion.V311, retry_second_min=0.02)
    bus = MqttBus(settings, name)
    bus.wait(10.0)
    return bus


def test_it_comes_back_on_its_port_and_busy_clients_with_it(caplog, capfd):
    caplog.set_level(logging.INFO)
    broker = LocalBroker()
    assert broker.port == 0
    broker.start()
    port = broker.port
    buses = [bus_to(broker, f"bus-{n}") for n in range(5)]
    heard = []
    buses[0].subscribe("t/#", lambda topic, payload: heard.append(topic))
    for round_ in range(3):
        for bus in buses:
            bus.publish("t/1", b"busy")
        broker.restart()
        assert broker.port == port
        until(lambda round_=round_: all(bus.connections() == round_ + 2 for bus in buses))
    heard.clear()
    assert buses[1].publish("t/2", b"well")
    until(lambda: heard == ["t/2"])
    for bus in buses:
        bus.close()
    broker.stop()
    broker.stop()
    assert not [record for record in caplog.records if record.name.startswith("amqtt")]
    assert capfd.readouterr() == ("", "")
    assert not [thread for thread in threading.enumerate() if "mqtt bus-" in thread.name]


def test_a_port_that_is_taken_is_told_in_words():
    with socket.create_server((HOST, 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(ServiceError, match=rf"{HOST}:{port}: the broker cannot listen .*; end"):
            LocalBroker(port).start()


def test_it_is_heard_on_loopback_only():
    broker = LocalBroker()
    broker.start()
    try:
        with socket.socket() as probe:
            probe.settimeout(0.5)
            assert probe.connect_ex((_own_address(), broker.port)) != 0
    finally:
        broker.stop()


def _own_address() -> str:
    """This machine's address on a network, loopback's second where it has none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing
        except OSError:
            return "127.0.0.2"
        return probe.getsockname()[0]

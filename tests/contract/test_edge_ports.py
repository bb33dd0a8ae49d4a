"""What every FrameSource and every Actuator promises, on real buses of python-can."""

import time
from pathlib import Path

import can
import cantools.database
import pytest

from voltherd.adapters.can.actuator import ActuatorSignals, CanActuator
from voltherd.adapters.can.source import RETRY_SECOND, CanSource, filters, open_bus
from voltherd.adapters.memory.actuator import MemoryActuator
from voltherd.errors import ServiceError, UsageError
from voltherd.ports import Actuator, FrameSource
from voltherd.types.actuation import NOTHING_FLOWS, Actuation

LIMITS = """VERSION ""
BS_:
BU_: A
BO_ 512 Limits: 5 A
 SG_ Charge : 0|16@1+ (0.1,0) [0|500] "A" A
 SG_ Discharge : 16|16@1+ (0.5,-100) [0|2000] "A" A
 SG_ Closed : 32|1@1+ (1,0) [0|1] "" A
"""
NAMES = ActuatorSignals("Limits", "Charge", "Discharge", "Closed")


@pytest.fixture
def sender():
    bus = can.Bus(interface="virtual", channel="edge-test", preserve_timestamps=True)
    yield bus
    bus.shutdown()


@pytest.fixture
def source():
    made = CanSource(open_bus("virtual", "edge-test"))
    yield made
    made.close()


def message(identifier=0x123, data=b"\1\2", second=1_740_000_000.5, **options):
    options = {"is_extended_id": False, **options}
    return can.Message(second, identifier, data=data, **options)


def test_frames_come_in_order_once_and_no_more_than_asked(sender, source):
    assert isinstance(source, FrameSource)
    assert list(source.receive(10)) == []
    for k in range(25):
        sender.send(message(data=bytes([k]), second=1_740_000_000.0 + k))
    first, rest = source.receive(10), source.receive(100)
    assert [frame.data[0] for frame in [*first, *rest]] == list(range(25))
    assert len(first) == 10
    assert first[3].second == 1_740_000_003.0
    assert list(source.receive(10)) == []


def test_it_never_waits(source):
    begin = time.monotonic()
    for _ in range(200):
        source.receive(100)
    assert time.monotonic() - begin < 1.0


def test_long_identifiers_are_told_apart_and_what_is_no_data_is_left_out(sender, source):
    sender.send(message(0x18F00400, is_extended_id=True))
    sender.send(message(is_remote_frame=True, data=None))
    sender.send(message(is_error_frame=True))
    [frame] = source.receive(10)
    assert (frame.arbitration_id, frame.extended) == (0x18F00400, True)


def test_frames_are_heard_when_they_were_stamped_or_when_they_came(sender, source):
    now = time.time()
    sender.send(message(second=now - 0.25))
    sender.send(message(second=1_740_000_000.0))
    sender.send(message(second=12.5))
    fresh, simulated, relative = source.receive(10)
    assert fresh.heard_nanosecond == pytest.approx((now - 0.25) * 1e9, abs=1e4)
    assert simulated.second == 1_740_000_000.0
    assert simulated.heard_nanosecond == pytest.approx(now * 1e9, abs=5e9)
    assert relative.second == pytest.approx(now, abs=5.0), "no date: this machine's clock"


def test_a_bus_that_fails_is_told_left_alone_and_opened_again(sender):
    clock = [0.0]
    opened = []

    def reopen():
        opened.append(open_bus("virtual", "edge-test"))
        return opened[-1]

    first = open_bus("virtual", "edge-test")
    source = CanSource(first, reopen=reopen, monotonic=lambda: clock[0])
    first.shutdown()
    with pytest.raises(ServiceError, match="the CAN bus is gone"):
        source.receive(10)
    clock[0] = RETRY_SECOND / 2.0
    with pytest.raises(ServiceError):
        source.receive(10)
    assert opened == []
    clock[0] = 2.0 * RETRY_SECOND
    assert list(source.receive(10)) == []
    sender.send(message())
    assert len(source.receive(10)) == 1 and len(opened) == 1
    source.close()


def test_who_cannot_open_a_bus_again_says_that_it_is_gone():
    bus = open_bus("virtual", "edge-test")
    source = CanSource(bus)
    bus.shutdown()
    for _ in range(2):
        with pytest.raises(ServiceError, match="the CAN bus is gone"):
            source.receive(10)
    source.close()


def test_a_driver_is_asked_for_what_is_wanted_only():
    wanted = filters([(0x18F00400, True), (0x110, False)])
    assert wanted[1] == {"can_id": 0x18F00400, "can_mask": 0x03FFFF00, "extended": True}
    assert filters((k, True) for k in range(600)) is None


def actuators(folder: Path):
    database = folder / "limits.dbc"
    database.write_text(LIMITS)
    yield MemoryActuator()
    yield CanActuator(open_bus("virtual", "edge-test"), database, NAMES)


@pytest.mark.parametrize("which", [0, 1], ids=["memory", "can"])
def test_an_actuator_takes_whatever_the_gate_gives_and_never_waits(tmp_path, which):
    actuator = list(actuators(tmp_path))[which]
    assert isinstance(actuator, Actuator)
    begin = time.monotonic()
    for ampere in (0.0, 1e-9, 123.456, 1e9, float("inf")):
        actuator.apply(Actuation(0.0, ampere, ampere, True))
    actuator.apply(NOTHING_FLOWS)
    assert time.monotonic() - begin < 2.0


def test_limits_are_sent_as_no_more_than_permitted(tmp_path, source):
    _, actuator = actuators(tmp_path)
    known = cantools.database.load_file(str(tmp_path / "limits.dbc")).messages[0]
    sent = [
        Actuation(0.0, 123.456, 77.77, True),
        Actuation(0.0, 9_999.0, 9_999.0, False),
        NOTHING_FLOWS,
    ]
    for one in sent:
        actuator.apply(one)
    frames = [known.decode(frame.data) for frame in source.receive(10)]
    assert [(f["Charge"], f["Discharge"], f["Closed"]) for f in frames] == [
        (pytest.approx(123.4), pytest.approx(77.5), 1),
        (500.0, 2000.0, 0),
        (0.0, 0.0, 1),
    ]
    actuator.close()


def test_a_message_that_is_not_all_named_is_refused(tmp_path):
    database = tmp_path / "limits.dbc"
    database.write_text(LIMITS)
    bus = open_bus("virtual", "edge-test")
    with pytest.raises(UsageError, match="no message 'Other'"):
        CanActuator(bus, database, NAMES._replace(message="Other"))
    with pytest.raises(UsageError, match="name every signal"):
        CanActuator(bus, database, NAMES._replace(contactors_closed=""))
    bus.shutdown()

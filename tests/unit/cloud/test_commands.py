"""Commands find their answers by correlation id, each once, and know how long it took."""

from itertools import count

import pytest

from tests.chain.clock import TestClock
from voltherd.adapters.memory.bus import MemoryBroker
from voltherd.cloud.commands import Commands
from voltherd.errors import UsageError
from voltherd.types.event import Severity
from voltherd.types.record import CommandKind, EdgeEvent, Record, RecordKey, RecordKind
from voltherd.wire.envelope import decode, encode_event


class Asked:
    """A cloud that asks and an edge that hears."""

    def __init__(self):
        self.clock = TestClock()
        self.broker = MemoryBroker()
        self.bus = self.broker.connect("cloud")
        self.heard = []
        self.broker.connect("edge").subscribe(
            "voltherd/v1/+/+/command", lambda t, p: self.heard.append((t, decode(p)))
        )
        numbers = count(1)
        self.commands = Commands(self.bus, self.clock, lambda: f"c{next(numbers)}")

    def ping(self, vehicle_id="bus-7", **more):
        return self.commands.send("depot-1", vehicle_id, CommandKind.PING, **more)


@pytest.fixture
def asked():
    return Asked()


def answer(correlation_id, vehicle_id="bus-7", code="command.done", seq=1) -> Record:
    event = EdgeEvent(
        unix_time_second=1.0,
        code=code,
        severity=Severity.OPERATING,
        correlation_id=correlation_id,
    )
    return Record(
        key=RecordKey(vehicle_id, 1, seq),
        kind=RecordKind.EVENT,
        first_second=1.0,
        last_second=1.0,
        body=encode_event(event),
    )


def test_a_command_reaches_its_vehicle_and_its_answer_is_timed(asked):
    command = asked.ping(number=3.0, text="x", valid_second=5.0)
    asked.broker.pump()
    assert asked.heard == [("voltherd/v1/depot-1/bus-7/command", command)]
    assert command.sent_nanosecond == int(asked.clock.unix_second() * 1e9)
    asked.clock.sleep(0.3)
    (found,) = asked.commands.hear([answer("c1")])
    assert (found.vehicle_id, found.command, found.done) == ("bus-7", command, True)
    assert found.second == pytest.approx(0.3)
    assert asked.commands.round_trips().p99_second == pytest.approx(0.3)


def test_an_answer_counts_once_and_only_from_the_vehicle_that_was_asked(asked):
    asked.ping()
    assert asked.commands.hear([answer("c1", vehicle_id="bus-8"), answer("c2")]) == []
    assert asked.commands.hear([answer("c1", code="cell_voltage.high")]) == []
    refused = asked.commands.hear([answer("c1", code="command.refused"), answer("c1", seq=2)])
    assert [found.done for found in refused] == [False]
    assert asked.commands.hear([answer("c1")]) == []


def test_what_cannot_be_read_is_no_answer(asked):
    asked.ping()
    broken = answer("c1")
    broken = Record(
        key=broken.key, kind=RecordKind.EVENT, first_second=1.0, last_second=1.0, body=b"E1?"
    )
    assert asked.commands.hear([broken]) == []


def test_what_nobody_answers_is_given_up_when_no_edge_may_do_it_any_more(asked):
    command = asked.ping(valid_second=5.0)
    asked.clock.sleep(4.0)
    assert asked.commands.overdue() == []
    asked.clock.sleep(2.0)
    assert asked.commands.overdue() == [("bus-7", command)]
    assert asked.commands.hear([answer("c1")]) == []


def test_without_a_connection_nothing_is_sent_and_nothing_waited_for(asked):
    asked.bus.lose()
    assert asked.ping() is None
    asked.clock.sleep(100.0)
    assert asked.commands.overdue() == []


def test_a_command_that_no_edge_would_take_is_refused(asked):
    with pytest.raises(UsageError, match="nan is no number to command"):
        asked.ping(number=float("nan"))
    with pytest.raises(UsageError, match="cannot be the name of a vehicle"):
        asked.ping(vehicle_id="a/b")

"""Frames as they are heard on a bus: in order, each once, without what carries no value."""

import can
import pytest

from voltherd.adapters.can.source import CanSource, open_bus
from voltherd.errors import UsageError


@pytest.fixture
def ends():
    here = open_bus("virtual", "test-source")
    with open_bus("virtual", "test-source", preserve_timestamps=True) as there:
        source = CanSource(here)
        yield source, there
        source.close()


def test_frames_come_in_order_each_once_up_to_the_limit(ends):
    source, there = ends
    for number in range(5):
        there.send(can.Message(1.74e9 + number, 0x100 + number, False, data=[number]))
    first, rest = source.receive(3), source.receive(100)
    assert [f.arbitration_id for f in (*first, *rest)] == [0x100, 0x101, 0x102, 0x103, 0x104]
    assert len(first) == 3
    assert [f.second for f in rest] == [1.74e9 + 3, 1.74e9 + 4]
    assert rest[1].data == b"\x04"
    assert not rest[1].extended
    assert source.receive(100) == []


def test_error_and_remote_frames_carry_no_value(ends):
    source, there = ends
    there.send(can.Message(1.0, 0x100, False, is_remote_frame=True))
    there.send(can.Message(2.0, 0x101, False, is_error_frame=True))
    there.send(can.Message(3.0, 0x1FFFFFFF, True, data=[1]))
    [frame] = source.receive(100)
    assert frame.extended
    assert frame.arbitration_id == 0x1FFFFFFF


def test_a_bus_without_stamps_gives_the_time_of_hearing(ends):
    source, there = ends
    there.send(can.Message(3.0, 0x100, False, data=[1]))
    [frame] = CanSource(source._bus, stamped=False).receive(1)
    assert frame.second == pytest.approx(1e-9 * frame.heard_nanosecond)


def test_a_bus_that_is_not_there_is_told():
    with pytest.raises(UsageError, match="no CAN bus there"):
        open_bus("no-such-interface", "can0")

"""Messages come back as they were sent."""

import numpy as np
import pytest

from tests.contract.test_store import batch
from voltherd.types.event import Severity
from voltherd.types.record import (
    Ack,
    Command,
    CommandKind,
    EdgeEvent,
    EdgeState,
    Gap,
    GapReason,
    Record,
    RecordKey,
    RecordKind,
    SeqRange,
)
from voltherd.wire.envelope import (
    Live,
    decode,
    decode_event,
    decode_gap,
    encode,
    encode_event,
    encode_gap,
)

EVENT = EdgeEvent(
    unix_time_second=1.7e9, code="cell_voltage.high", severity=Severity.SAFETY, cells=(7, 8),
    value=4.31, unit="V", text="cell 7 is at 4.31 V",
)  # fmt: skip
GAP = Gap(
    epoch=5 << 32, dropped=(SeqRange(3, 9),), first_second=1.7e9, last_second=1.7e9 + 60,
    rows=60, reason=GapReason.FULL,
)  # fmt: skip
RECORD = Record(
    key=RecordKey("bus-7", 5 << 32 | 77, 12), kind=RecordKind.EVENT, first_second=1.7e9,
    last_second=1.7e9, body=encode_event(EVENT), heard_first_nanosecond=12,
    heard_last_nanosecond=13,
)  # fmt: skip
MESSAGES = [
    RECORD,
    Ack(vehicle_id="bus-7", epoch=5 << 32, committed=(SeqRange(1, 4),), wanted=(SeqRange(2, 2),)),
    EdgeState(vehicle_id="bus-7", site_id="depot-1", online=False, epoch=1 << 32),
    Command(correlation_id="a", kind=CommandKind.WATCH, sent_nanosecond=1, number=30.0),
]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda m: type(m).__name__)
def test_a_message_comes_back(message):
    assert decode(encode(message)) == message


def test_live_samples_come_back():
    live = Live("bus-7", batch(1.7e9 + np.arange(2.0)), 1_700_000_000_000_000_000)
    found = decode(encode(live))
    assert found.vehicle_id == "bus-7" and found.heard_nanosecond == live.heard_nanosecond
    np.testing.assert_array_equal(found.batch.cell_voltage_volt, live.batch.cell_voltage_volt)


def test_events_and_gaps_come_back():
    assert decode_event(encode_event(EVENT)) == EVENT
    assert decode_gap(encode_gap(GAP)) == GAP

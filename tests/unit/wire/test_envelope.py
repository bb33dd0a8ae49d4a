"""Messages come back as they were sent; whatever is no message is refused in one sentence."""

import math
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.wire.samples import assert_same, driven
from voltherd.errors import UnreadableError, UsageError
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
from voltherd.wire import envelope_pb2 as pb
from voltherd.wire.checks import NUMBER_MAX, PAYLOAD_BYTES_MAX
from voltherd.wire.envelope import (
    Live,
    decode,
    decode_event,
    decode_gap,
    encode,
    encode_event,
    encode_gap,
)
from voltherd.wire.frame import framed

EPOCH = 5 << 32 | 77
EVENT = EdgeEvent(
    unix_time_second=1.7e9,
    code="cell_voltage.high",
    severity=Severity.SAFETY,
    cells=(7, 8),
    value=4.31,
    unit="V",
    text="cell 7 is at 4.31 V",
)
GAP = Gap(
    epoch=EPOCH,
    dropped=(SeqRange(3, 9), SeqRange(11, 11)),
    first_second=1.7e9,
    last_second=1.7e9 + 60,
    rows=60,
    reason=GapReason.FULL,
)
RECORD = Record(
    key=RecordKey("bus-7", EPOCH, 12),
    kind=RecordKind.EVENT,
    first_second=1.7e9,
    last_second=1.7e9,
    body=encode_event(EVENT),
    heard_first_nanosecond=12,
    heard_last_nanosecond=13,
)
STATE = EdgeState(
    vehicle_id="bus-7",
    site_id="depot-1",
    online=True,
    epoch=EPOCH,
    head_seq=9,
    pending_records=4,
    pending_bytes=12_000,
    dropped_records=1,
    mode="event",
    unix_time_second=1.7e9,
    sent_nanosecond=1_700_000_000_000_000_000,
    cycle_p99_second=0.0012,
    deadline_missed=2,
    version="0.1.0",
)
ACK = Ack(vehicle_id="bus-7", epoch=EPOCH, committed=(SeqRange(1, 4),), wanted=(SeqRange(2, 2),))
COMMAND = Command(correlation_id="a-1", kind=CommandKind.WATCH, sent_nanosecond=1, number=30.0)
LAST_WILL = EdgeState(vehicle_id="bus-7", site_id="depot-1", online=False, epoch=EPOCH)
MESSAGES = [RECORD, ACK, STATE, LAST_WILL, COMMAND]

names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._~-]{0,63}", fullmatch=True)
counts = st.integers(0, NUMBER_MAX)
from_one = st.integers(1, NUMBER_MAX)
seconds = st.floats(-1e11, 2e11)
ranges = st.lists(st.tuples(from_one, from_one).map(sorted), max_size=5)
words = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


@pytest.mark.parametrize("message", MESSAGES, ids=lambda m: type(m).__name__)
def test_a_message_comes_back(message):
    assert decode(encode(message)) == message


@given(
    names, from_one, from_one, st.sampled_from(RecordKind), seconds, counts, st.binary(min_size=1)
)
def test_any_record_comes_back(vehicle_id, epoch, seq, kind, second, heard, body):
    record = Record(
        key=RecordKey(vehicle_id, epoch, seq),
        kind=kind,
        first_second=second,
        last_second=second + 60.0,
        body=body,
        heard_first_nanosecond=heard,
        heard_last_nanosecond=heard,
    )
    assert decode(encode(record)) == record


@given(names, from_one, ranges, ranges)
def test_any_acknowledgement_comes_back(vehicle_id, epoch, committed, wanted):
    ack = Ack(
        vehicle_id=vehicle_id,
        epoch=epoch,
        committed=tuple(SeqRange(*pair) for pair in committed),
        wanted=tuple(SeqRange(*pair) for pair in wanted),
    )
    assert decode(encode(ack)) == ack


@given(
    seconds,
    st.sampled_from(Severity),
    st.booleans(),
    words,
    st.lists(st.integers(1, 4096), max_size=9),
    st.none() | st.floats(allow_nan=False, allow_infinity=False),
)
def test_any_event_comes_back(second, severity, raised, text, cells, value):
    event = EdgeEvent(
        unix_time_second=second,
        code="a.b",
        severity=severity,
        raised=raised,
        text=text,
        cells=tuple(cells),
        value=value,
        unit=text[:5],
        correlation_id=text[::-1],
    )
    assert decode_event(encode_event(event)) == event


@given(from_one, ranges.filter(bool), seconds, counts, st.sampled_from(GapReason))
def test_any_gap_comes_back(epoch, dropped, second, rows, reason):
    gap = Gap(
        epoch=epoch,
        dropped=tuple(SeqRange(*pair) for pair in dropped),
        first_second=second,
        last_second=second,
        rows=rows,
        reason=reason,
    )
    assert decode_gap(encode_gap(gap)) == gap


def test_live_samples_come_back():
    live = Live("bus-7", driven(rows=2, probes=3), 1_700_000_000_000_000_000)
    found = decode(encode(live))
    assert (found.vehicle_id, found.heard_nanosecond) == ("bus-7", live.heard_nanosecond)
    assert_same(found.batch, live.batch)


def test_a_value_that_is_zero_is_not_one_that_is_missing():
    told = EdgeEvent(unix_time_second=0.0, code="a.b", severity=Severity.OPERATING, value=0.0)
    assert decode_event(encode_event(told)).value == 0.0
    silent = EdgeEvent(unix_time_second=0.0, code="a.b", severity=Severity.OPERATING)
    assert decode_event(encode_event(silent)).value is None


PAYLOAD = encode(RECORD)


def sealed(mark: bytes = b"V1", **fields) -> bytes:
    """An envelope with a sound frame around whatever it is told to hold."""
    return framed(mark, pb.Envelope(**fields).SerializeToString())


def record(**changes) -> bytes:
    fields = {
        "vehicle_id": "bus-7",
        "epoch": EPOCH,
        "seq": 1,
        "kind": 1,
        "first_second": 1.0,
        "last_second": 2.0,
        "body": b"x",
    }
    return sealed(record=pb.Record(**{**fields, **changes}))


def state(**changes) -> bytes:
    fields = {"vehicle_id": "bus-7", "site_id": "depot-1", "epoch": EPOCH}
    return sealed(state=pb.EdgeState(**{**fields, **changes}))


def ack(*ranges) -> bytes:
    pairs = [pb.SeqRange(first=first, last=last) for first, last in ranges]
    return sealed(ack=pb.Ack(vehicle_id="bus-7", epoch=EPOCH, committed=pairs))


def command(**changes) -> bytes:
    fields = {"correlation_id": "a", "kind": 4}
    return sealed(command=pb.Command(**{**fields, **changes}))


NAN, INF = math.nan, math.inf
BAD = {
    "empty": (b"", "cut short: 0 bytes"),
    "cut in the frame": (PAYLOAD[:5], "cut short"),
    "cut": (PAYLOAD[:-1], "checksum"),
    "longer": (PAYLOAD + b"\0", "checksum"),
    "another mark": (b"PAR1" + PAYLOAD[4:], "no message: begins with b'PA'"),
    "another version": (b"V2" + PAYLOAD[2:], "version b'2'"),
    "oversized": (bytes(PAYLOAD_BYTES_MAX + 1), "more than 1048576"),
    "no protobuf": (framed(b"V1", b"\xff\xff\xff\xff"), "not the protobuf message"),
    "nothing": (framed(b"V1", b""), "unknown kind"),
    "an unknown kind": (framed(b"V1", b"\xfa\x01\x00"), "unknown kind"),
    "text that is none": (framed(b"V1", b"\x0a\x04\x0a\x02\xff\xfe"), "not the protobuf message"),
    "no vehicle": (record(vehicle_id=""), "no name of a vehicle"),
    "a vehicle with a slash": (record(vehicle_id="a/b"), "no name of a vehicle"),
    "a vehicle with a line": (record(vehicle_id="bus-7\n"), "no name of a vehicle"),
    "a long vehicle": (record(vehicle_id="a" * 65), "no name of a vehicle"),
    "epoch 0": (record(epoch=0), "epoch 0"),
    "a huge epoch": (record(epoch=2**63), "epoch 9223372036854775808"),
    "number 0": (record(seq=0), "sequence number 0"),
    "a huge number": (record(seq=2**64 - 1), "sequence number"),
    "kind 0": (record(kind=0), "kind of record 0"),
    "kind 9": (record(kind=9), "kind of record 9"),
    "time NaN": (record(first_second=NAN), "nan is no time"),
    "time infinite": (record(last_second=INF), "inf is no time"),
    "a time too far": (record(last_second=1e12), "is no time"),
    "backwards": (record(first_second=3.0), "before it begins"),
    "a huge wall clock": (record(heard_last_nanosecond=2**63), "wall clock"),
    "no body": (record(body=b""), "without a body"),
    "range from 0": (ack((0, 4)), "no range"),
    "range backwards": (ack((5, 4)), "no range"),
    "many ranges": (ack(*[(k, k) for k in range(1, 10_002)]), "10001 ranges"),
    "no site": (state(site_id=""), "no name of a site"),
    "a count without end": (state(pending_bytes=2**63), "pending bytes"),
    "a cycle NaN": (state(cycle_p99_second=NAN), "cycle of nan s"),
    "a negative cycle": (state(cycle_p99_second=-1.0), "cycle of -1.0 s"),
    "a long mode": (state(mode="m" * 200), "mode of 200 characters"),
    "no correlation": (command(correlation_id=""), "without a correlation"),
    "a number NaN": (command(number=NAN), "nan is no number"),
    "validity NaN": (command(valid_second=NAN), "validity of nan s"),
    "command 0": (command(kind=0), "kind of command 0"),
    "a novel": (command(text="x" * 5000), "text of 5000 characters"),
    "live of nobody": (sealed(live=pb.Live(chunk=b"C1")), "no name of a vehicle"),
    "live of nothing": (sealed(live=pb.Live(vehicle_id="a")), "bytes are no chunk"),
}


@pytest.mark.parametrize(("payload", "why"), BAD.values(), ids=BAD)
def test_what_is_no_message_is_refused(payload, why):
    with pytest.raises(UnreadableError, match=why):
        decode(payload)


@pytest.mark.parametrize("message", MESSAGES, ids=lambda m: type(m).__name__)
def test_every_flipped_bit_is_noticed(message):
    payload = encode(message)
    for place in range(8 * len(payload)):
        flipped = bytearray(payload)
        flipped[place // 8] ^= 1 << place % 8
        with pytest.raises(UnreadableError):
            decode(bytes(flipped))


def body(mark: bytes, message) -> bytes:
    return framed(mark, message.SerializeToString())


def event(**changes) -> bytes:
    return body(b"E1", pb.Event(**{"code": "a.b", "severity": 1, **changes}))


def gap(**changes) -> bytes:
    fields = {"epoch": 1, "dropped": [pb.SeqRange(first=1, last=2)], "reason": 1}
    return body(b"G1", pb.Gap(**{**fields, **changes}))


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (event(severity=0), "severity 0"),
        (event(severity=77), "severity 77"),
        (event(code=""), "without a code"),
        (event(unix_time_second=NAN), "no time"),
        (event(value=NAN), "no value"),
        (event(cells=[0]), "cell 0"),
        (event(cells=[2**32 - 1]), "cell 4294967295"),
        (event(cells=[1] * 5000), "5000 cells"),
        (event(unit="V" * 200), "unit of 200"),
        (encode_gap(GAP), "no event"),
    ],
)
def test_what_is_no_event_is_refused(found, why):
    with pytest.raises(UnreadableError, match=why):
        decode_event(found)


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (gap(reason=0), "reason of a gap 0"),
        (gap(dropped=[]), "no records"),
        (gap(epoch=0), "epoch 0"),
        (gap(last_second=-1.0), "before it begins"),
        (gap(rows=2**64 - 1), "count of rows"),
        (encode_event(EVENT), "no gap"),
    ],
)
def test_what_is_no_gap_is_refused(found, why):
    with pytest.raises(UnreadableError, match=why):
        decode_gap(found)


@pytest.mark.parametrize(
    ("message", "why"),
    [
        (Ack(vehicle_id="a/b", epoch=1, committed=()), "no name of a vehicle"),
        (Ack(vehicle_id="a", epoch=-1, committed=()), "epoch -1"),
        (
            Record(
                key=RecordKey("a", 1, 1),
                kind=RecordKind.TELEMETRY,
                first_second=0.0,
                last_second=0.0,
                body=bytes(PAYLOAD_BYTES_MAX),
            ),
            "cut what it holds",
        ),
        (Command(correlation_id="\ud800", kind=CommandKind.PING, sent_nanosecond=0), "is no text"),
        (Live("a b", driven(rows=1), 0), "no name of a vehicle"),
    ],
)
def test_what_nobody_would_take_is_not_sent(message, why):
    with pytest.raises(UsageError, match=why):
        encode(message)


def test_the_frame_is_what_the_page_says():
    """Mark, checksum of what follows, little endian."""
    assert PAYLOAD[:2] == b"V1"
    assert struct.unpack("<I", PAYLOAD[2:6])[0] == zlib.crc32(PAYLOAD[6:])
    assert pb.Envelope.FromString(PAYLOAD[6:]).record.seq == 12


def test_messages_are_short():
    """What is sent thousands of times a minute carries little beside its content."""
    assert len(encode(RECORD)) - len(RECORD.body) < 70
    assert len(encode(ACK)) < 40
    assert len(encode(Live("bus-7", driven(rows=1, probes=24), 1))) < 500
    assert np.dtype(np.float32).itemsize * 96 > 380  # the cells of such a row alone, as floats

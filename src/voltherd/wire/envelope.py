"""Every message between edge and cloud as bytes, and the bodies of event and gap records.

``V1``, CRC-32, protobuf ``Envelope`` (docs/formats.md).  Decoding is strict: whatever is not a
whole and sensible message is refused with one sentence, before anything is allocated for it.
"""

from collections.abc import Iterable
from enum import IntEnum
from typing import Final, NamedTuple, TypeVar

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
from voltherd.types.sample import SampleBatch
from voltherd.wire import envelope_pb2 as pb
from voltherd.wire.checks import PAYLOAD_BYTES_MAX, first_problem, live_problems
from voltherd.wire.chunk import decode_chunk, encode_chunk
from voltherd.wire.frame import framed, parsed, unframed

ENVELOPE_MARK: Final = b"V1"
EVENT_MARK: Final = b"E1"
GAP_MARK: Final = b"G1"
_Enum = TypeVar("_Enum", bound=IntEnum)


class Live(NamedTuple):
    """A few rows for whoever watches: neither kept nor acknowledged."""

    vehicle_id: str
    batch: SampleBatch
    heard_nanosecond: int
    """Wall clock when the last frame of them reached the edge [ns]."""


Message = Record | Ack | EdgeState | Command | Live


def encode(message: Message) -> bytes:
    """Write a message.

    Raises:
        UsageError: What no receiver would take: a name, a number or a size out of bounds.
    """
    payload = framed(ENVELOPE_MARK, _envelope(message).SerializeToString())
    if len(payload) > PAYLOAD_BYTES_MAX:
        raise UsageError(
            f"message of {len(payload)} bytes, more than {PAYLOAD_BYTES_MAX}",
            mend="cut what it holds into several",
        )
    return payload


def decode(payload: bytes) -> Message:
    """Read a message.

    Raises:
        UnreadableError: With what is wrong.
    """
    if len(payload) > PAYLOAD_BYTES_MAX:
        raise UnreadableError(f"message of {len(payload)} bytes, more than {PAYLOAD_BYTES_MAX}")
    envelope = parsed(pb.Envelope, unframed(ENVELOPE_MARK, payload, "message"), "message")
    kind = envelope.WhichOneof("message")
    if kind == "record":
        return _received(_record_from(envelope.record))
    if kind == "ack":
        ack = envelope.ack
        return _received(
            Ack(
                vehicle_id=ack.vehicle_id,
                epoch=ack.epoch,
                committed=_ranges_from(ack.committed),
                wanted=_ranges_from(ack.wanted),
            )
        )
    if kind == "state":
        return _received(_state_from(envelope.state))
    if kind == "command":
        return _received(_command_from(envelope.command))
    if kind == "live":
        return _live_from(envelope.live)
    raise UnreadableError(
        "message of an unknown kind", mend="bring edge and cloud to the same version"
    )


def encode_event(event: EdgeEvent) -> bytes:
    """Write the body of an event record.

    Raises:
        UsageError: A number or a size out of bounds.
    """
    _check(event)
    message = pb.Event(
        unix_time_second=event.unix_time_second,
        code=event.code,
        severity=event.severity,
        raised=event.raised,
        text=event.text,
        cells=event.cells,
        value=event.value,
        unit=event.unit,
        correlation_id=event.correlation_id,
    )
    return framed(EVENT_MARK, message.SerializeToString())


def decode_event(body: bytes) -> EdgeEvent:
    """Read the body of an event record.

    Raises:
        UnreadableError: With what is wrong.
    """
    found = parsed(pb.Event, unframed(EVENT_MARK, body, "event"), "event")
    return _received(
        EdgeEvent(
            unix_time_second=found.unix_time_second,
            code=found.code,
            severity=_member(Severity, found.severity, "severity"),
            raised=found.raised,
            text=found.text,
            cells=tuple(found.cells),
            value=found.value if found.HasField("value") else None,
            unit=found.unit,
            correlation_id=found.correlation_id,
        )
    )


def encode_gap(gap: Gap) -> bytes:
    """Write the body of a gap record.

    Raises:
        UsageError: A number or a size out of bounds.
    """
    _check(gap)
    message = pb.Gap(
        epoch=gap.epoch,
        dropped=_ranges(gap.dropped),
        first_second=gap.first_second,
        last_second=gap.last_second,
        rows=gap.rows,
        reason=gap.reason,
    )
    return framed(GAP_MARK, message.SerializeToString())


def decode_gap(body: bytes) -> Gap:
    """Read the body of a gap record.

    Raises:
        UnreadableError: With what is wrong.
    """
    found = parsed(pb.Gap, unframed(GAP_MARK, body, "gap"), "gap")
    return _received(
        Gap(
            epoch=found.epoch,
            dropped=_ranges_from(found.dropped),
            first_second=found.first_second,
            last_second=found.last_second,
            rows=found.rows,
            reason=_member(GapReason, found.reason, "reason of a gap"),
        )
    )


_Value = TypeVar("_Value", Record, Ack, EdgeState, Command, EdgeEvent, Gap)


def _check(value: Record | Ack | EdgeState | Command | EdgeEvent | Gap) -> None:
    if problem := first_problem(value):
        raise UsageError(f"not to be sent: {problem}")


def _received(value: _Value) -> _Value:
    if problem := first_problem(value):
        raise UnreadableError(problem)
    return value


def _member(kind: type[_Enum], value: int, what: str) -> _Enum:
    try:
        return kind(value)
    except ValueError as error:
        raise UnreadableError(
            f"{what} {value} is unknown", mend="bring edge and cloud to the same version"
        ) from error


def _ranges(ranges: Iterable[SeqRange]) -> list[pb.SeqRange]:
    return [pb.SeqRange(first=first, last=last) for first, last in ranges]


def _ranges_from(found: Iterable[pb.SeqRange]) -> tuple[SeqRange, ...]:
    return tuple(SeqRange(r.first, r.last) for r in found)


def _envelope(message: Message) -> pb.Envelope:
    if isinstance(message, Live):
        return pb.Envelope(live=_live(message))
    _check(message)
    if isinstance(message, Record):
        return pb.Envelope(record=_record(message))
    if isinstance(message, Ack):
        ack = pb.Ack(
            vehicle_id=message.vehicle_id,
            epoch=message.epoch,
            committed=_ranges(message.committed),
            wanted=_ranges(message.wanted),
        )
        return pb.Envelope(ack=ack)
    if isinstance(message, EdgeState):
        return pb.Envelope(state=_state(message))
    return pb.Envelope(command=_command(message))


def _record(r: Record) -> pb.Record:
    return pb.Record(
        vehicle_id=r.key.vehicle_id,
        epoch=r.key.epoch,
        seq=r.key.seq,
        kind=r.kind,
        first_second=r.first_second,
        last_second=r.last_second,
        heard_first_nanosecond=r.heard_first_nanosecond,
        heard_last_nanosecond=r.heard_last_nanosecond,
        body=r.body,
    )


def _record_from(r: pb.Record) -> Record:
    return Record(
        key=RecordKey(r.vehicle_id, r.epoch, r.seq),
        kind=_member(RecordKind, r.kind, "kind of record"),
        first_second=r.first_second,
        last_second=r.last_second,
        body=r.body,
        heard_first_nanosecond=r.heard_first_nanosecond,
        heard_last_nanosecond=r.heard_last_nanosecond,
    )


def _state(s: EdgeState) -> pb.EdgeState:
    return pb.EdgeState(
        vehicle_id=s.vehicle_id,
        site_id=s.site_id,
        online=s.online,
        epoch=s.epoch,
        head_seq=s.head_seq,
        pending_records=s.pending_records,
        pending_bytes=s.pending_bytes,
        dropped_records=s.dropped_records,
        mode=s.mode,
        unix_time_second=s.unix_time_second,
        sent_nanosecond=s.sent_nanosecond,
        cycle_p99_second=s.cycle_p99_second,
        deadline_missed=s.deadline_missed,
        version=s.version,
    )


def _state_from(s: pb.EdgeState) -> EdgeState:
    return EdgeState(
        vehicle_id=s.vehicle_id,
        site_id=s.site_id,
        online=s.online,
        epoch=s.epoch,
        head_seq=s.head_seq,
        pending_records=s.pending_records,
        pending_bytes=s.pending_bytes,
        dropped_records=s.dropped_records,
        mode=s.mode,
        unix_time_second=s.unix_time_second,
        sent_nanosecond=s.sent_nanosecond,
        cycle_p99_second=s.cycle_p99_second,
        deadline_missed=s.deadline_missed,
        version=s.version,
    )


def _command(c: Command) -> pb.Command:
    return pb.Command(
        correlation_id=c.correlation_id,
        kind=c.kind,
        sent_nanosecond=c.sent_nanosecond,
        valid_second=c.valid_second,
        number=c.number,
        text=c.text,
    )


def _command_from(c: pb.Command) -> Command:
    return Command(
        correlation_id=c.correlation_id,
        kind=_member(CommandKind, c.kind, "kind of command"),
        sent_nanosecond=c.sent_nanosecond,
        valid_second=c.valid_second,
        number=c.number,
        text=c.text,
    )


def _live(live: Live) -> pb.Live:
    for problem in live_problems(live.vehicle_id, live.heard_nanosecond):
        raise UsageError(f"not to be sent: {problem}")
    return pb.Live(
        vehicle_id=live.vehicle_id,
        heard_nanosecond=live.heard_nanosecond,
        chunk=encode_chunk(live.batch),
    )


def _live_from(live: pb.Live) -> Live:
    for problem in live_problems(live.vehicle_id, live.heard_nanosecond):
        raise UnreadableError(problem)
    return Live(live.vehicle_id, decode_chunk(live.chunk, live.vehicle_id), live.heard_nanosecond)

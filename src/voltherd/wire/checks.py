"""What a message may say: the same rules for who sends it and for who receives it."""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from voltherd.types.bus_name import is_bus_name
from voltherd.types.record import (
    Ack,
    Command,
    EdgeEvent,
    EdgeState,
    Gap,
    Record,
    SeqRange,
)
from voltherd.units import SECOND_PER_DAY

PAYLOAD_BYTES_MAX: Final = 1 << 20
"""No message is longer, frame included."""
NUMBER_MAX: Final = (1 << 63) - 1
"""Highest epoch, sequence number, count or wall clock: what a database's integer holds."""
SECOND_MAX: Final = 253_402_300_800.0
"""The end of the year 9999 [unix s]."""
RANGES_MAX: Final = 10_000
CELLS_MAX: Final = 4_096
TEXT_MAX: Final = 4_096
WORD_MAX: Final = 128
Problems = Iterator[str]


def first_problem(value: Any) -> str:  # noqa: ANN401 (any kind of message)
    """Say what is wrong with a message, nothing where all is well."""
    return next(_CHECKS[type(value)](value), "")


def live_problems(vehicle_id: str, heard_nanosecond: int) -> Problems:
    """Say what is wrong with the frame of live samples."""
    yield from _vehicle(vehicle_id)
    yield from _number("wall clock", heard_nanosecond)


def _record(r: Record) -> Problems:
    yield from _vehicle(r.key.vehicle_id)
    yield from _number("epoch", r.key.epoch, 1)
    yield from _number("sequence number", r.key.seq, 1)
    yield from _span(r.first_second, r.last_second)
    yield from _number("wall clock", r.heard_first_nanosecond)
    yield from _number("wall clock", r.heard_last_nanosecond)
    if not r.body:
        yield "record without a body"


def _ack(a: Ack) -> Problems:
    yield from _vehicle(a.vehicle_id)
    yield from _number("epoch", a.epoch, 1)
    yield from _ranges(a.committed)
    yield from _ranges(a.wanted)


def _state(s: EdgeState) -> Problems:
    yield from _vehicle(s.vehicle_id)
    if not is_bus_name(s.site_id):
        yield f"{s.site_id[:80]!r} is no name of a site"
    yield from _number("epoch", s.epoch)
    for what, number in (
        ("last sequence number", s.head_seq),
        ("count of pending records", s.pending_records),
        ("count of pending bytes", s.pending_bytes),
        ("count of dropped records", s.dropped_records),
        ("wall clock", s.sent_nanosecond),
        ("count of missed deadlines", s.deadline_missed),
    ):
        yield from _number(what, number)
    yield from _time(s.unix_time_second)
    yield from _duration("cycle", s.cycle_p99_second)
    yield from _text("mode", s.mode, WORD_MAX)
    yield from _text("version", s.version, WORD_MAX)


def _command(c: Command) -> Problems:
    yield from _text("correlation id", c.correlation_id, WORD_MAX)
    if not c.correlation_id:
        yield "command without a correlation id"
    yield from _number("wall clock", c.sent_nanosecond)
    yield from _duration("validity", c.valid_second)
    if not math.isfinite(c.number):
        yield f"{c.number} is no number to command"
    yield from _text("text", c.text, TEXT_MAX)


def _event(e: EdgeEvent) -> Problems:
    yield from _time(e.unix_time_second)
    if not e.code:
        yield "event without a code"
    for what, text in (("code", e.code), ("unit", e.unit), ("correlation id", e.correlation_id)):
        yield from _text(what, text, WORD_MAX)
    yield from _text("text", e.text, TEXT_MAX)
    if len(e.cells) > CELLS_MAX:
        yield f"{len(e.cells)} cells concerned, more than {CELLS_MAX}"
    for cell in e.cells:
        if not 1 <= cell <= CELLS_MAX:
            yield f"cell {cell} is not in 1 to {CELLS_MAX}"
    if e.value is not None and not math.isfinite(e.value):
        yield f"{e.value} is no value of an event"


def _gap(g: Gap) -> Problems:
    yield from _number("epoch", g.epoch, 1)
    if not g.dropped:
        yield "gap of no records"
    yield from _ranges(g.dropped)
    yield from _span(g.first_second, g.last_second)
    yield from _number("count of rows", g.rows)


def _vehicle(name: str) -> Problems:
    if not is_bus_name(name):
        yield f"{name[:80]!r} is no name of a vehicle"


def _number(what: str, value: int, low: int = 0) -> Problems:
    if not low <= value <= NUMBER_MAX:
        yield f"{what} {value} is not in {low} to 2⁶³ - 1"


def _time(second: float) -> Problems:
    if not abs(second) < SECOND_MAX:  # NaN neither
        yield f"{second} is no time"


def _span(first: float, last: float) -> Problems:
    yield from _time(first)
    yield from _time(last)
    if first > last:
        yield f"ends {first - last:g} s before it begins"


def _duration(what: str, second: float) -> Problems:
    if not 0.0 <= second <= 36_525.0 * SECOND_PER_DAY:
        yield f"{what} of {second} s"


def _text(what: str, text: str, longest: int) -> Problems:
    if len(text) > longest:
        yield f"{what} of {len(text)} characters, more than {longest}"
    if not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text):
        yield f"{what} is no text"


def _ranges(ranges: Sequence[SeqRange]) -> Problems:
    if len(ranges) > RANGES_MAX:
        yield f"{len(ranges)} ranges, more than {RANGES_MAX}"
    for first, last in ranges:
        if not 1 <= first <= last <= NUMBER_MAX:
            yield f"{first} to {last} is no range of sequence numbers"


_CHECKS: Final[dict[type, Callable[..., Problems]]] = {
    Record: _record,
    Ack: _ack,
    EdgeState: _state,
    Command: _command,
    EdgeEvent: _event,
    Gap: _gap,
}

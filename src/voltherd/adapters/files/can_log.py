"""A CAN log and its database to a table: one column per signal, on a common axis of time.

DBC, KCD and ARXML come in through cantools, logs through python-can (``can_frames``).  Identifiers
match exactly or, for 29-bit ones, by J1939 parameter group, whatever the source address.  What the
database calls 'not available', and J1939's own codes for it, is no value.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, final

import numpy as np
from jaxtyping import Bool

from voltherd.adapters.files.can_align import axis_of, held
from voltherd.adapters.files.can_bits import (
    BITS_MAX,
    Field,
    Frames,
    long_enough,
    pack,
    physical,
    raw,
)
from voltherd.adapters.files.can_frames import FrameKey, Log, is_absolute, read_log
from voltherd.errors import InputError, UnreadableError, UsageError
from voltherd.types.report import Remark
from voltherd.types.table import RawTable

if TYPE_CHECKING:
    from cantools.database.can import Database, Message, Signal

TIME_COLUMN: Final = "timestamp"
_NOT_AVAILABLE = re.compile(r"\b(sna|not.?avail\w*|invalid|unavailable|n/a)\b", re.IGNORECASE)


class _Series(NamedTuple):
    """One signal of one sender: times, values, and which group of frames it comes with."""

    name: str
    unit: str
    second: np.ndarray
    value: np.ndarray
    group: tuple[FrameKey, int]


@final
@dataclass(slots=True)
class _Count:
    """What was not decoded, by reason."""

    number: Counter[str] = field(default_factory=Counter)
    total: Counter[str] = field(default_factory=Counter)
    example: dict[str, list[str]] = field(default_factory=dict)

    def add(self, reason: str, number: int, total: int, example: str) -> None:
        self.total[reason] += total
        if number:
            self.number[reason] += number
            self.example.setdefault(reason, []).append(example)


_DETAILS: Final = {
    "unknown_id": "frames whose identifier the database does not know were left out",
    "short_frame": "frames too short for a signal gave no value for it",
    "not_available": "values that the database or J1939 defines as 'not available' are no value",
    "unknown_multiplexer": "frames of a multiplexed message with a value the database lacks",
    "signal_left_out": "signals of more than 64 bits, and container messages, are not decoded",
}


def read_can(path: Path, dbc: Path | None) -> RawTable:
    """Decode a log.

    Args:
        path: ``.asc``, ``.blf`` or candump ``.log``.
        dbc: DBC, KCD or ARXML that describes its frames.

    Returns:
        A time column and one column per signal; a name carries ``@`` and the sender where several
        senders or channels use it, and its message where several messages do.

    Raises:
        UsageError: No database was given.
        UnreadableError: Log or database cannot be read.
        InputError: The database knows none of the log's identifiers.
    """
    if dbc is None:
        raise UsageError(
            "a CAN log says nothing without its database",
            where=str(path),
            mend="give it with --dbc (DBC, KCD or ARXML)",
        )
    database = _database(dbc)
    log = read_log(path)
    count = _Count()
    matched = _match(log, database, path, dbc, count)
    series: list[_Series] = []
    for key, message in matched.items():
        series += _decode(log, key, message, count)
    if not series:
        raise InputError(
            "the frames are known but hold no signal", where=str(path), mend=f"check {dbc}"
        )
    return _table(path, log, _named(series), (*log.notes, *_remarks(count)))


def _database(path: Path) -> "Database":
    """Load a database of CAN messages."""
    import cantools.database
    from cantools.database.can import Database

    if not path.is_file():
        raise InputError("no such file", where=str(path), mend="check the path given with --dbc")
    try:
        database = cantools.database.load_file(str(path), strict=False)
    except PermissionError:
        raise
    except Exception as error:  # cantools raises whatever its parsers do
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise UnreadableError(
            f"not readable as DBC, KCD or ARXML ({first[:160]})",
            where=str(path),
            mend="check that it is a CAN database, and export it again",
        ) from error
    if not isinstance(database, Database) or not database.messages:
        raise InputError(
            "describes no CAN messages", where=str(path), mend="give the one of the bus"
        )
    return database


def parameter_group(identifier: int) -> int:
    """Give the J1939 parameter group number of a 29-bit identifier.

    Below 0xF0 the second byte addresses a receiver and is no part of the group.

    >>> hex(parameter_group(0x18F00400)), hex(parameter_group(0x18EA2101))
    ('0xf004', '0xea00')

    Source: SAE J1939-21, 5.2.
    """
    group = identifier >> 8 & 0x3FFFF
    return group if group >> 8 & 0xFF >= 0xF0 else group & 0x3FF00


def _match(
    log: Log, database: "Database", path: Path, dbc: Path, count: _Count
) -> "dict[FrameKey, Message]":
    """Find the message of each identifier: exact, else by J1939 parameter group."""
    exact = {(m.frame_id, bool(m.is_extended_frame)): m for m in database.messages}
    groups = {parameter_group(m.frame_id): m for m in database.messages if m.is_extended_frame}
    found: dict[FrameKey, Message] = {}
    for key, times in log.second.items():
        count.add("unknown_id", 0, len(times), "")
        message = exact.get((key.identifier, key.extended))
        if message is None and key.extended:
            message = groups.get(parameter_group(key.identifier))
        if message is None:
            count.add("unknown_id", len(times), 0, f"0x{key.identifier:X} ({len(times)} frames)")
        elif message.is_container:
            count.add("signal_left_out", len(times), 0, message.name)
        else:
            found[key] = message
    if not found:
        seen = ", ".join(sorted({f"0x{key.identifier:X}" for key in log.second})[:8])
        known = ", ".join(f"0x{m.frame_id:X} {m.name}" for m in database.messages[:8])
        raise InputError(
            f"none of its {len(log.second)} identifiers ({seen}) is among the "
            f"{len(database.messages)} messages of {dbc.name} ({known})",
            where=str(path),
            mend="give the database of this vehicle and bus with --dbc",
        )
    return found


def _field(signal: "Signal") -> Field:
    return Field(
        start=signal.start,
        length=signal.length,
        big_endian=signal.byte_order == "big_endian",
        signed=bool(signal.is_signed),
        is_float=bool(signal.is_float),
        scale=float(signal.scale),
        offset=float(signal.offset),
    )


def _decode(log: Log, key: FrameKey, message: "Message", count: _Count) -> Iterator[_Series]:
    """Take every signal of a message out of all its frames."""
    frames = pack(log.payload[key])
    second = np.asarray(log.second[key], np.float64)
    order = np.argsort(second, kind="stable")
    frames, second = Frames(frames.data[order], frames.length[order]), second[order]
    present = _presence(frames, message)
    known = np.zeros(len(second), bool)
    sender = f"{message.name}@{key.channel}/{key.identifier:X}"
    parts: dict[bytes, tuple[int, np.ndarray]] = {}
    for signal in message.signals:
        if signal.is_multiplexer:
            continue  # says which part a frame carries, measures nothing
        if signal.length > BITS_MAX or (signal.is_float and signal.length not in (16, 32, 64)):
            count.add("signal_left_out", 1, 1, f"{message.name}.{signal.name}")
            continue
        where = _field(signal)
        here = present(signal)
        known |= here
        enough = here & long_enough(frames, where)
        short, name = int((here & ~enough).sum()), f"{message.name}.{signal.name}"
        count.add("short_frame", short, int(here.sum()), name)
        if not enough.any():
            continue
        counts = raw(Frames(frames.data[enough], frames.length[enough]), where)
        value = physical(counts, where)
        missing = _not_available(counts, signal, message)
        count.add("not_available", int(missing.sum()), len(missing), name)
        value[missing] = np.nan
        part, times = parts.setdefault(enough.tobytes(), (len(parts), second[enough]))
        yield _Series(f"{sender}.{signal.name}", signal.unit or "", times, value, (key, part))
    count.add("unknown_multiplexer", int((~known).sum()), len(known), message.name)


def _presence(
    frames: Frames, message: "Message"
) -> "Callable[[Signal], Bool[np.ndarray, 'frames']]":
    """Give the function that says which frames carry a signal, following multiplexers."""
    by_name = {signal.name: signal for signal in message.signals}

    def present(signal: "Signal") -> Bool[np.ndarray, "frames"]:
        if not signal.multiplexer_ids or not signal.multiplexer_signal:
            return np.ones(len(frames.length), bool)
        selector = by_name[signal.multiplexer_signal]
        where = _field(selector)
        chosen = np.isin(raw(frames, where).astype(np.int64), list(signal.multiplexer_ids))
        return np.asarray(chosen & long_enough(frames, where) & present(selector))

    return present


def _not_available(
    counts: np.ndarray, signal: "Signal", message: "Message"
) -> Bool[np.ndarray, "frames"]:
    """Find codes that stand for 'no value'.

    Source: SAE J1939-71, table of ranges: the highest two of a byte's (or word's) codes are
    'error' and 'not available'.
    """
    codes: list[Any] = [
        number
        for number, text in (signal.choices or {}).items()
        if _NOT_AVAILABLE.search(str(text))
    ]
    if (
        message.protocol == "j1939"
        and signal.length in (8, 16, 32)
        and not (signal.is_signed or signal.is_float or signal.choices)
    ):
        top = 0xFE << (signal.length - 8)
        return np.asarray(counts >= np.uint64(top))
    return np.asarray(np.isin(counts, codes)) if codes else np.zeros(len(counts), bool)


def _signal_alone(name: str) -> str:
    return name.rsplit(".", 1)[-1]


def _with_message(name: str) -> str:
    return name.split("@")[0] + "." + _signal_alone(name)


def _with_sender(name: str) -> str:
    return _signal_alone(name) + "@" + name.split("@")[-1].rsplit(".", 1)[0]


def _named(series: Sequence[_Series]) -> list[_Series]:
    """Shorten names as far as they stay distinct: signal, message.signal, with the sender."""
    full = [s.name for s in series]
    for shorten in (_signal_alone, _with_message, _with_sender):
        short = Counter([TIME_COLUMN, *map(shorten, full)])
        full = [
            shorten(name) if "@" in name and short[shorten(name)] == 1 else name for name in full
        ]
        if not any("@" in name for name in full):
            break
    return [s._replace(name=name) for s, name in zip(series, full, strict=True)]


def _table(path: Path, log: Log, series: Sequence[_Series], notes: Sequence[Remark]) -> RawTable:
    """Bring the signals onto one axis."""
    members: dict[tuple[FrameKey, int], list[_Series]] = {}
    for one in series:
        members.setdefault(one.group, []).append(one)
    axis = axis_of(
        [group[0].second for group in members.values()], [len(g) for g in members.values()]
    )
    columns: dict[str, np.ndarray] = {TIME_COLUMN: axis.second}
    absolute = is_absolute(float(axis.second[0]))
    if absolute:
        columns[TIME_COLUMN] = np.round(axis.second * 1e6).astype("datetime64[us]")
    unused = total = 0
    busiest: list[tuple[int, str]] = []
    for group in members.values():
        frame, young = held(group[0].second, axis)
        used = len(np.unique(frame[young]))
        skipped = len(group[0].second) - used
        unused, total = unused + skipped * len(group), total + len(group[0].second) * len(group)
        busiest.append((skipped, group[0].name))
        for one in group:
            columns[one.name] = np.where(young, one.value[frame], np.nan)
    between = Remark(
        reason="between_rows",
        channel="",
        count=unused,
        total=total,
        detail="values that came between two rows of the common time axis; the last one is kept",
        examples=tuple(f"{name}: {n} values" for n, name in sorted(busiest, reverse=True)[:3] if n),
    )
    return RawTable(
        source=str(path),
        columns=columns,
        notes=(*notes, between) if unused else tuple(notes),
        units={s.name: s.unit for s in series if s.unit} | ({} if absolute else {TIME_COLUMN: "s"}),
        utc=frozenset([TIME_COLUMN]) if log.utc and absolute else frozenset(),
    )


def _remarks(count: _Count) -> Iterator[Remark]:
    for reason, number in count.number.items():
        yield Remark(
            reason=reason,
            channel="",
            count=number,
            total=max(number, count.total[reason]),
            detail=_DETAILS[reason],
            examples=tuple(count.example[reason][:5]),
            mend="give the database of this bus" if reason == "unknown_id" else "",
        )

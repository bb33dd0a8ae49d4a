"""Frames out of CAN logs, through python-can: ``.asc``, ``.blf`` and candump's ``.log``.

python-can stops at the first line it cannot read and never ends on some damaged BLF files; here
unreadable lines are counted and passed over, and a BLF file is walked before it is read.
"""

import struct
import zlib
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, final

from voltherd.adapters.files.text import encoding_of, lines_of
from voltherd.errors import InputError, UnreadableError
from voltherd.types.report import Remark

if TYPE_CHECKING:
    import can

_CONTAINER_BYTES_MAX: Final = 1 << 26
_OBJECT: Final = struct.Struct("<4sHHLL")
_CONTAINER: Final = 10
_DEFLATED: Final = 2
_ABSOLUTE_FROM: Final = 1e8
"""Seconds above which a stamp is a date, not a time since the log began."""


_STAMP_SECOND_MAX: Final = 1e11
"""Year 5138; what lies beyond is no time."""


class FrameKey(NamedTuple):
    """Which frames belong together."""

    channel: str
    identifier: int
    extended: bool


@final
@dataclass(frozen=True, slots=True)
class Log:
    """All frames of a log by identifier.

    Attributes:
        second: Times of the frames [s].
        payload: Their data.
        utc: Whether times are UTC; else as the logger's clock showed them.
        notes: What was passed over.
    """

    second: dict[FrameKey, "array[float]"] = field(default_factory=dict)
    payload: dict[FrameKey, list[bytes]] = field(default_factory=dict)
    utc: bool = False
    notes: tuple[Remark, ...] = ()


@final
@dataclass(slots=True)
class _Lines:
    """Lines handed to python-can one by one, so that a bad one costs only itself."""

    source: Iterator[tuple[int, str]]
    number: int = 0
    line: str = ""
    blank_first: bool = False

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        if self.blank_first:
            self.blank_first = False
            return "\n"
        self.number, self.line = next(self.source)
        return self.line + "\n"

    def close(self) -> None:
        """Nothing to close; the iterator owns the file."""


def read_log(path: Path) -> Log:
    """Read every data frame of a log.

    Args:
        path: ``.asc``, ``.blf``, or candump text.

    Returns:
        Frames by channel and identifier, times never decreasing within each.

    Raises:
        UnreadableError: Not such a log, or damaged before its first frame.
        InputError: It holds no frames.
    """
    with path.open("rb") as file:
        binary = file.read(4) == b"LOGG"
    if path.suffix.lower() == ".blf" and not binary:
        raise UnreadableError(
            "not BLF: it does not begin with LOGG",
            where=str(path),
            mend="record or export it again",
        )
    log = _read_blf(path) if binary else _read_text(path)
    if not log.second:
        raise InputError("holds no CAN frames", where=str(path), mend="record it again")
    return log


def _collect(log: Log, message: "can.Message", second: float, count: dict[str, int]) -> None:
    if message.is_error_frame or message.is_remote_frame:
        kind = "error_frame" if message.is_error_frame else "remote_frame"
        count[kind] = count.get(kind, 0) + 1
        return
    if not abs(second) < _STAMP_SECOND_MAX:
        count["bad_stamp"] = count.get("bad_stamp", 0) + 1
        return
    key = FrameKey(str(message.channel), message.arbitration_id, message.is_extended_id)
    if key not in log.second:
        log.second[key] = array("d")
        log.payload[key] = []
    log.second[key].append(second)
    log.payload[key].append(bytes(message.data))


def _read_text(path: Path) -> Log:
    """Read ``.asc`` or candump text, passing over what is not readable."""
    from can.io.asc import ASCReader
    from can.io.canutils import CanutilsLogReader

    lines = _Lines(lines_of(path, encoding_of(path)))
    asc = None if is_candump(path) else ASCReader(lines, relative_timestamp=False)  # type: ignore[arg-type]
    reader = asc or CanutilsLogReader(lines)  # type: ignore[arg-type]
    log = Log(utc=asc is None)
    count: dict[str, int] = {}
    examples: list[str] = []
    frames, since_start = 0, 0.0
    while True:
        try:
            for message in reader:
                frames += 1
                second = message.timestamp
                if asc and asc.timestamps_format == "relative":
                    since_start += second - asc.start_time  # each stamp counts from the last
                    second = asc.start_time + since_start
                _collect(log, message, second, count)
            break
        except (ValueError, IndexError, TypeError, KeyError, OverflowError):
            # The generator is dead; a new one begins with a header, for which a blank line stands.
            count["bad_line"] = count.get("bad_line", 0) + 1
            if len(examples) < 5:
                examples.append(f"line {lines.number}: {lines.line[:60]!r}")
            lines.blank_first = True
    if not frames and count.get("bad_line", 0):
        raise UnreadableError(
            f"no line is a CAN frame; {examples[0]}",
            where=str(path),
            mend="supported are Vector .asc, .blf and 'candump -L' logs",
        )
    if asc and asc.start_time:
        _as_written(log, asc.start_time)
    other = lines.number - frames - count.get("bad_line", 0)
    return replace(log, notes=_notes(count, examples, frames, other))


def _as_written(log: Log, start: float) -> None:
    """Undo python-can's reading of the log's date in this machine's own time zone."""
    written = datetime.fromtimestamp(start).replace(tzinfo=UTC).timestamp()
    for second in log.second.values():
        for i, value in enumerate(second):
            second[i] = value - start + written


def _read_blf(path: Path) -> Log:
    """Read a BLF file as far as it is whole."""
    from can.io.blf import BLFParseError, BLFReader

    log = Log()
    count: dict[str, int] = {}
    frames = 0
    damage = _walk_blf(path)
    try:
        with path.open("rb") as file:  # BLFReader leaves it open where the header is damaged
            for message in BLFReader(file):
                frames += 1
                _collect(log, message, message.timestamp, count)
    except (BLFParseError, struct.error, zlib.error, ValueError, OverflowError, OSError) as error:
        damage = damage or str(error) or "an object is damaged"
    if damage and not frames:
        raise UnreadableError(
            f"damaged BLF ({damage})", where=str(path), mend="copy or record it again"
        )
    notes = _notes(count, [], frames, 0)
    if damage:
        notes += (
            Remark(
                reason="log_cut_short",
                channel="",
                count=1,
                total=1,
                detail=f"the log is damaged ({damage}); the frames before that were read",
                mend="copy the log again",
            ),
        )
    return replace(log, notes=notes)


def _walk_blf(path: Path) -> str:
    """Walk a BLF file's containers and objects, and say what is damaged, if anything.

    Raises:
        UnreadableError: An object without length, over which a reader would never get.
    """
    with path.open("rb") as file:
        head = file.read(8)
        if len(head) < 8:
            return "the header is cut short"
        file.seek(struct.unpack("<L", head[4:])[0])
        tail = b""
        while header := file.read(_OBJECT.size):
            if len(header) < _OBJECT.size:
                return "cut short"
            mark, _, _, size, kind = _OBJECT.unpack(header)
            if mark != b"LOBJ" or size < _OBJECT.size:
                return "an object is damaged"
            body = file.read(size - _OBJECT.size)
            if len(body) < size - _OBJECT.size:
                return "cut short"
            file.read(size % 4)
            if kind == _CONTAINER:
                tail = _walk_objects(tail + _inflated(body, path), path)
    return ""


def _inflated(body: bytes, path: Path) -> bytes:
    """Unpack a container, within limits."""
    if len(body) < 16 or struct.unpack_from("<H", body)[0] != _DEFLATED:
        return body[16:]
    try:
        inflate = zlib.decompressobj()
        data = inflate.decompress(body[16:], _CONTAINER_BYTES_MAX)
    except zlib.error as error:
        raise UnreadableError(
            "damaged BLF (a container cannot be unpacked)",
            where=str(path),
            mend="copy or record it again",
        ) from error
    if inflate.unconsumed_tail:
        raise UnreadableError(
            "damaged BLF (a container unpacks without end)",
            where=str(path),
            mend="copy or record it again",
        )
    return data


def _walk_objects(data: bytes, path: Path) -> bytes:
    """Step over whole objects; give what belongs to the next container."""
    at = 0
    while (at := data.find(b"LOBJ", at, at + 8)) >= 0 and at + _OBJECT.size <= len(data):
        size = _OBJECT.unpack_from(data, at)[3]
        if size < _OBJECT.size:
            raise UnreadableError(
                "damaged BLF (an object without length)",
                where=str(path),
                mend="copy or record it again",
            )
        if at + size > len(data):
            return data[at:]
        at += size
    return b"" if at < 0 else data[at:]


def is_candump(path: Path) -> bool:
    """Say whether a text's first line with content is one of ``candump -L``.

    Such a line reads ``(1609459200.000000) can0 18F00400#FF7D…``.
    """
    for _, line in lines_of(path, encoding_of(path)):
        words = line.split()
        if words:
            return len(words) > 2 and words[0][:1] + words[0][-1:] == "()" and "#" in words[2]
    return False


def is_absolute(second: float) -> bool:
    """Say whether a stamp is a date rather than a time since the log began."""
    return second >= _ABSOLUTE_FROM


def _notes(
    count: dict[str, int], examples: list[str], frames: int, other: int
) -> tuple[Remark, ...]:
    details = {
        "error_frame": "error frames were passed over",
        "remote_frame": "remote frames carry no data and were passed over",
        "bad_stamp": "frames whose time stamp is no time were left out",
        "bad_line": "lines that should be frames could not be read and were left out",
        "other_line": "lines that are no frames (header, comments, statistics, events)",
    }
    count = {**count, "other_line": other}
    return tuple(
        Remark(
            reason=kind,
            channel="",
            count=number,
            total=frames + count.get("bad_line", 0),
            detail=details[kind],
            examples=tuple(examples) if kind == "bad_line" else (),
        )
        for kind, number in count.items()
        if number > 0
    )

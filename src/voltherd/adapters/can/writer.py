"""Values to a CAN log: ``.blf``, ``.asc`` or candump's ``.log``.

The database is read by cantools, BLF written by python-can.  The two text formats are written here:
python-can dates ``.asc`` by this machine's clock and zone, and the same values shall give the same
bytes.  Times are UTC.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, NamedTuple

import numpy as np

from voltherd.adapters.can.encode import encode
from voltherd.errors import StoreError, UsageError
from voltherd.types.frame import MessageFrames, WrittenLog

if TYPE_CHECKING:
    from cantools.database.can import Message


class Frame(NamedTuple):
    """One classic frame with an 11-bit identifier."""

    second: float
    identifier: int
    data: bytes


def write_log(
    path: Path, log_format: str, dbc: Path, parts: Iterable[Sequence[MessageFrames]]
) -> WrittenLog:
    """Write a log, whole or not at all.

    Args:
        path: File to write.
        log_format: One of ``FORMATS``.
        dbc: Database that says how values become bits.
        parts: Frames in order of time, for instance day by day; in a part any order will do.

    Returns:
        What was written.

    Raises:
        UsageError: Such a log cannot be written, or the database cannot say what has no value.
        StoreError: The file cannot be written; what was there before stays.
    """
    if log_format not in FORMATS:
        raise UsageError(f"no log format {log_format!r}", mend=f"choose from {', '.join(FORMATS)}")
    import cantools.database
    from cantools.database.can import Database

    database = cantools.database.load_file(str(dbc))
    assert isinstance(database, Database)
    messages = {message.name: message for message in database.messages}
    part = path.with_name(f".{path.name}.part")
    try:
        with part.open("wb") as file:
            put, end = FORMATS[log_format](file)
            frames = beyond = 0
            for some in parts:
                ordered, left_out = _frames(some, messages)
                frames, beyond = frames + sum(map(len, (m.second for m in some))), beyond + left_out
                put(ordered)
            end()
        part.replace(path)
    except OSError as error:
        raise StoreError(
            f"cannot be written ({error.strerror})", where=str(path), mend="choose another place"
        ) from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
    return WrittenLog(frames, beyond)


def _frames(
    parts: Sequence[MessageFrames], messages: Mapping[str, "Message"]
) -> tuple[Iterator[Frame], int]:
    """Encode, and put the frames of all messages in order of time."""
    encoded = [encode(part, messages[part.message]) for part in parts]
    data = [row for one in encoded for row in _rows(one.payload)]
    second = np.concatenate([part.second for part in parts])
    identifier = np.repeat(
        [messages[part.message].frame_id for part in parts], [len(p.second) for p in parts]
    ).tolist()
    times = second.tolist()
    order = np.argsort(second, kind="stable").tolist()
    return (Frame(times[k], identifier[k], data[k]) for k in order), sum(e.beyond for e in encoded)


def _rows(payload: np.ndarray) -> Iterator[bytes]:
    whole, width = payload.tobytes(), payload.shape[1]
    return (whole[at : at + width] for at in range(0, len(whole), width))


_Put = Callable[[Iterator[Frame]], None]
_End = Callable[[], None]


def _blf(file: BinaryIO) -> tuple[_Put, _End]:
    from can import Message
    from can.io.blf import BLFWriter

    writer = BLFWriter(file, channel=1)

    def put(frames: Iterator[Frame]) -> None:
        for second, identifier, data in frames:
            writer.on_message_received(
                Message(second, identifier, is_extended_id=False, data=data, dlc=len(data))
            )

    return put, writer.stop


def _asc(file: BinaryIO) -> tuple[_Put, _End]:
    begin: list[float] = []

    def put(frames: Iterator[Frame]) -> None:
        for frame in frames:
            if not begin:
                begin.append(float(np.floor(frame.second)))
                date = datetime.fromtimestamp(begin[0], UTC).strftime("%a %b %d %H:%M:%S.000 %Y")
                head = f"date {date}\nbase hex  timestamps absolute\ninternal events logged\n"
                file.write(f"{head}Begin Triggerblock {date}\n".encode("ascii"))
            second, identifier, data = frame
            file.write(
                f"{second - begin[0]: 11.6f} 1  {identifier:<15X} Rx   d {len(data):x} "
                f"{data.hex(' ').upper()}\n".encode("ascii")
            )

    return put, lambda: None if not begin else (file.write(b"End TriggerBlock\n"), None)[1]


def _candump(file: BinaryIO) -> tuple[_Put, _End]:
    def put(frames: Iterator[Frame]) -> None:
        for second, identifier, data in frames:
            line = f"({second:.6f}) can0 {identifier:03X}#{data.hex().upper()}\n"
            file.write(line.encode("ascii"))

    return put, lambda: None


FORMATS: Final[Mapping[str, Callable[[BinaryIO], tuple[_Put, _End]]]] = {
    "blf": _blf,
    "asc": _asc,
    "log": _candump,
}

"""The frame around everything that leaves a process: a mark, a checksum, a protobuf message.

A mark is a letter for what it holds and a digit for the version of its form; the checksum is
CRC-32 (as of zlib, ISO 3309) over all that follows it, four bytes, little endian.
"""

import struct
import zlib
from typing import Final, TypeVar

from google.protobuf.message import DecodeError, Message

from voltherd.errors import UnreadableError

FRAME_BYTES: Final = 6
_CHECKSUM: Final = struct.Struct("<I")
_Kind = TypeVar("_Kind", bound=Message)


def framed(mark: bytes, content: bytes) -> bytes:
    """Put content into a frame.

    >>> framed(b"E1", b"content").hex(" ", 2)
    '45 31a9 30c5 fe63 6f6e 7465 6e74'
    """
    assert len(mark) == 2
    return mark + _CHECKSUM.pack(zlib.crc32(content)) + content


def unframed(mark: bytes, payload: bytes, what: str) -> bytes:
    """Take content out of its frame.

    Args:
        mark: The one expected.
        payload: The bytes.
        what: What they should be, for the message.

    Raises:
        UnreadableError: Another mark or version, cut short, or changed on the way.
    """
    if len(payload) < FRAME_BYTES:
        raise UnreadableError(f"cut short: {len(payload)} bytes are no {what}")
    if payload[:2] != mark:
        if payload[:1] == mark[:1]:
            raise UnreadableError(
                f"{what} of version {payload[1:2]!r}, known is {mark[1:]!r}",
                mend="bring edge and cloud to the same version",
            )
        raise UnreadableError(f"no {what}: begins with {payload[:2]!r} instead of {mark!r}")
    content = payload[FRAME_BYTES:]
    if zlib.crc32(content) != _CHECKSUM.unpack_from(payload, 2)[0]:
        raise UnreadableError(f"{what} damaged: its checksum is wrong")
    return content


def parsed(kind: type[_Kind], content: bytes, what: str) -> _Kind:
    """Parse a protobuf message.

    Raises:
        UnreadableError: It is none.
    """
    message: _Kind = kind()
    try:
        message.ParseFromString(content)
    except DecodeError as error:
        raise UnreadableError(f"{what} is not the protobuf message it should be") from error
    return message

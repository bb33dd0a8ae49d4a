"""Signals out of CAN frames, all frames of a message at once.

cantools reads the database; taking bits out frame by frame in Python would cost minutes on an hour
of traffic, so it is done here with arrays.  cantools' own decoder is the oracle in the tests.
"""

from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

BITS_MAX: Final = 64


class Frames(NamedTuple):
    """Frames of one identifier.

    Attributes:
        data: Payloads, short ones padded with zeros.
        length: Bytes each payload really has.
    """

    data: UInt8[np.ndarray, "frames bytes"]
    length: Int[np.ndarray, "frames"]


class Field(NamedTuple):
    """Where a signal lies and what its number means.

    Attributes:
        start: Start bit as a DBC writes it: the least significant bit where the byte order is
            Intel, the most significant one where it is Motorola.
        length: Bits.
        big_endian: Motorola byte order.
        signed: Two's complement.
        is_float: IEEE 754.
        scale: Physical units per count.
        offset: Physical value of zero counts.
    """

    start: int
    length: int
    big_endian: bool = False
    signed: bool = False
    is_float: bool = False
    scale: float = 1.0
    offset: float = 0.0

    @property
    def bytes_needed(self) -> int:
        """Shortest payload that holds the field.

        >>> Field(start=8, length=16).bytes_needed
        3
        """
        return (self._first_bit + self.length + 7) // 8

    @property
    def _first_bit(self) -> int:
        """Where the field begins, counting bits along the payload in its own byte order."""
        if not self.big_endian:
            return self.start
        return 8 * (self.start // 8) + 7 - self.start % 8


def pack(payloads: list[bytes]) -> Frames:
    """Make one array of payloads.

    >>> pack([b"ab", b"c"]).data.tolist()
    [[97, 98], [99, 0]]
    """
    width = max(map(len, payloads), default=0)
    joined = b"".join(payload.ljust(width, b"\0") for payload in payloads)
    data = np.frombuffer(joined, np.uint8).reshape(len(payloads), width)
    return Frames(data, np.fromiter(map(len, payloads), np.int64, len(payloads)))


def raw(frames: Frames, field: Field) -> np.ndarray:
    """Take a field's counts out of every frame.

    Args:
        frames: Payloads; those too short for the field give a meaningless number.
        field: Which bits; at most 64.

    Returns:
        Counts as ``uint64``, ``int64`` where signed, or floats where the field is a float.
    """
    assert 0 < field.length <= BITS_MAX
    first = field._first_bit
    last = min((first + field.length - 1) // 8, frames.data.shape[1] - 1)
    counts = np.zeros(len(frames.data), np.uint64)
    for byte in range(first // 8, last + 1):
        value = frames.data[:, byte].astype(np.uint64)
        shift = first + field.length - 8 * (byte + 1) if field.big_endian else 8 * byte - first
        counts |= value << np.uint64(shift) if shift >= 0 else value >> np.uint64(-shift)
    counts &= np.uint64((1 << field.length) - 1)
    if field.is_float:
        return counts.astype(f"u{field.length // 8}").view(f"f{field.length // 8}")
    if field.signed:
        spare = np.int64(BITS_MAX - field.length)
        return (counts.view(np.int64) << spare) >> spare
    return counts


def physical(counts: np.ndarray, field: Field) -> Float[np.ndarray, "frames"]:
    """Turn counts into the signal's unit."""
    return np.asarray(counts * np.float64(field.scale) + field.offset, np.float64)


def long_enough(frames: Frames, field: Field) -> Bool[np.ndarray, "frames"]:
    """Say which frames hold the whole field."""
    return np.asarray(frames.length >= field.bytes_needed)

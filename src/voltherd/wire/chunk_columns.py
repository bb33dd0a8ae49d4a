"""Whole-number sequences of a chunk and back: time, scalars, and the means that sensors share.

Every sequence is kept as differences from row to row, in as few bytes as the largest needs, all low
bytes first: what changes little becomes runs of zeros, and zstd takes those.  Values that their
counts do not reproduce to the last bit (NaN, minus zero, what has no steps) get a second sequence:
by how many units in the last place they are off.
"""

from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Float, Int64, UInt8

from voltherd.errors import UnreadableError
from voltherd.wire import envelope_pb2 as pb
from voltherd.wire.chunk_scale import OFFSETS, SCALES, Columns, Grid, find

CORRECTED: Final = 0x80
"""Bit of a column's scale: a sequence of corrections follows."""
ROUNDED: Final = 0x40
"""Bit of a column's scale: rounded to 32 bits."""
SINGLE: Final = 0x20
"""Bit of a column's scale: held as 32-bit floats."""
_SCALE: Final = 0x1F
_WIDTHS: Final = (1, 2, 4, 8)
Numbers = Int64[np.ndarray, "sequences time"]
Whole = Float[np.ndarray, "sequences time"]


class Coded(NamedTuple):
    """Columns as whole numbers."""

    scale: UInt8[np.ndarray, "columns"]
    """Place in ``SCALES`` and the three bits."""
    offset: bytes
    """Place in ``OFFSETS`` of each column, nothing where all are zero."""
    counts: Columns
    """Below 2⁵³ either way."""
    corrections: Numbers
    """Of the columns that have some [units in the last place]."""


def code(columns: Columns) -> Coded:
    """Turn columns into whole numbers.

    Args:
        columns: Values, which may be anything a double can be.
    """
    plain = columns + 0.0  # minus zero becomes zero
    finite = np.isfinite(plain)
    if not finite.all():
        plain[~finite] = 0.0
    with np.errstate(all="ignore"):  # numbers beyond all counts are sorted out afterwards
        grid, counts, values = find(plain)
    scale = grid.scale | (ROUNDED * grid.rounded).astype(np.uint8)
    offset = grid.offset.tobytes() if grid.offset.any() else b""
    wanted, got = columns.view(np.int64), values.view(np.int64)
    same = wanted == got
    if same.all():
        return Coded(scale, offset, counts, np.empty((0, columns.shape[1]), np.int64))
    off = ~same.all(axis=1)
    scale[off] |= CORRECTED
    return Coded(scale, offset, counts, wanted[off] - got[off])


def decode(coded: Coded) -> Columns:
    """Turn whole numbers back into columns.

    Raises:
        UnreadableError: A scale or an offset that there is none of.
    """
    scale = coded.scale
    place = scale & _SCALE
    if place.max() >= len(SCALES):
        raise UnreadableError("chunk damaged: a scale that is unknown")
    offset = np.frombuffer(coded.offset or bytes(len(place)), np.int8)
    if coded.offset and (
        len(offset) != len(place) or np.abs(offset.astype(np.int16)).max() >= len(OFFSETS)
    ):
        raise UnreadableError("chunk damaged: an offset that is unknown")
    values = Grid(place, scale & ROUNDED != 0, offset).values(coded.counts)
    if len(coded.corrections):
        bits = values.view(np.int64)
        bits[scale & CORRECTED != 0] += coded.corrections
    return values


def put_counts(counts: Whole, into: pb.ChunkColumns) -> None:
    """Write sequences of counts, the first of which is time."""
    change = counts[:, 1:] - counts[:, :-1]
    if change.shape[1]:
        step = change[0, 0]
        into.time_step = int(step)
        change[0] -= step
    _put(counts[:, 0].astype(np.int64), change, np.abs(change), into.counts)


def put_corrections(corrections: Numbers, into: pb.ChunkColumns) -> None:
    """Write sequences of corrections; differences wrap around."""
    change = np.diff(corrections, axis=1)
    _put(corrections[:, 0], change, change ^ (change >> 63), into.corrections)


def _put(
    first: Int64[np.ndarray, "sequences"],
    change: np.ndarray,
    size: np.ndarray,
    into: pb.ChunkSequences,
) -> None:
    most = size.max(axis=1, initial=0)
    width = np.ones(len(most), np.uint8)
    width[most > 0x7F] = 2
    width[most > 0x7FFF] = 4
    width[most > 0x7FFF_FFFF] = 8
    into.first.extend(first.tolist())
    into.width = width.tobytes()
    groups = []
    for bytes_each in _WIDTHS:
        chosen = width == bytes_each
        if chosen.any():
            narrow = change[chosen].astype(f"<i{bytes_each}")
            groups.append(narrow.reshape(-1, 1).view(np.uint8).T.tobytes())
    into.delta = b"".join(groups)


def take_counts(found: pb.ChunkColumns, count: int, rows: int) -> Whole:
    """Read sequences of counts.

    Raises:
        UnreadableError: There are not so many, or not so long ones.
    """
    counts = np.empty((count, rows))
    _take(found.counts, counts)
    counts[0, 1:] += found.time_step
    return np.add.accumulate(counts, axis=1, out=counts)


def take_corrections(found: pb.ChunkColumns, count: int, rows: int) -> Numbers:
    """Read sequences of corrections; see :func:`take_counts`."""
    corrections = np.empty((count, rows), np.int64)
    _take(found.corrections, corrections)
    return np.add.accumulate(corrections, axis=1, out=corrections)


def _take(found: pb.ChunkSequences, into: np.ndarray) -> None:
    count, rows = into.shape
    width, delta = found.width, found.delta
    if len(width) != count or len(found.first) != count:
        raise UnreadableError(f"chunk damaged: {len(width)} sequences instead of {count}")
    into[:, 0] = found.first
    at = 0
    for bytes_each in sorted(set(width)):
        if bytes_each not in _WIDTHS:
            raise UnreadableError(f"chunk damaged: numbers of {bytes_each} bytes")
        members = width.count(bytes_each)
        end = at + members * (rows - 1) * bytes_each
        if end > len(delta):
            raise UnreadableError("chunk damaged: sequences of another length")
        chosen = slice(None) if members == count else np.frombuffer(width, np.uint8) == bytes_each
        into[chosen, 1:] = _joined(delta[at:end], bytes_each).reshape(members, rows - 1)
        at = end
    if at != len(delta):
        raise UnreadableError("chunk damaged: sequences of another length")


def _joined(planes: bytes, size: int) -> np.ndarray:
    """Give whole numbers whose bytes lie in planes, the lowest first."""
    if size == 1:
        return np.frombuffer(planes, np.int8)
    apart = np.frombuffer(planes, np.uint8).reshape(size, -1)
    return np.ascontiguousarray(apart.T).view(f"<i{size}")

"""Whole-number sequences of a chunk and back: time, scalars, and the means that sensors share.

Sequences are kept as differences from row to row, in as few bytes as the largest needs, all low
bytes first: what changes little becomes runs of zeros, and zstd takes those.  Values that their
counts do not reproduce to the last bit (NaN, minus zero, what has no steps) get a second sequence:
by how many units in the last place they are off.
"""

from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Float, Int64

from voltherd.errors import UnreadableError
from voltherd.wire import envelope_pb2 as pb
from voltherd.wire.chunk_scale import Columns, Grid, grid_of, guess, search

CORRECTED: Final = 0x80
"""Bit of a column's scale: a sequence of corrections follows."""
SINGLE: Final = 0x20
"""Bit of a column's scale: held as 32-bit floats."""
WIDTHS: Final = (1, 2, 4, 8)
"""Bytes that a whole number can take."""
BIAS: Final = 128
"""Added to differences that take more than a byte."""
Numbers = Int64[np.ndarray, "sequences time"]
Whole = Float[np.ndarray, "sequences time"]


class Coded(NamedTuple):
    """Columns as whole numbers."""

    scale: bytes
    """Of each column: place in ``SCALES``, ``ROUNDED``, and the two bits above."""
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
    wanted = columns.view(np.int64)
    plain = columns + 0.0  # minus zero becomes zero
    grid, counts, values = found = guess(plain)
    same = wanted == values.view(np.int64)
    if not same.all():
        finite = np.isfinite(plain)
        if not finite.all():
            plain[~finite] = 0.0
            found = guess(plain)
        grid, counts, values = search(plain, found)
        same = wanted == values.view(np.int64)
    if same.all():
        return Coded(grid.scale, grid.offset, counts, np.empty((0, columns.shape[1]), np.int64))
    off = ~same.all(axis=1)
    scale = np.frombuffer(grid.scale, np.uint8) | CORRECTED * off.astype(np.uint8)
    corrections = wanted[off] - values.view(np.int64)[off]
    return Coded(scale.tobytes(), grid.offset, counts, corrections)


def decode(coded: Coded) -> Columns:
    """Turn whole numbers back into columns.

    Raises:
        UnreadableError: A scale or an offset that there is none of.
    """
    grid, wrong = _grid(coded.scale, coded.offset)
    values = grid.values(coded.counts)
    if len(wrong):
        values.view(np.int64)[wrong] += coded.corrections
    return values


def decode_some(found: pb.ChunkColumns, counts: Whole, places: tuple[int, ...]) -> Columns:
    """Turn some columns back.

    Args:
        found: Of all columns.
        counts: Of all columns.
        places: Which ones.

    Raises:
        UnreadableError: With what is wrong.
    """
    scale, offset = found.scale, found.offset
    if len(offset) not in (0, len(scale)):
        raise UnreadableError("chunk damaged: offsets of another number")
    chosen = bytes([scale[place] for place in places])
    grid, wrong = _grid(chosen, bytes([offset[place] for place in places]) if offset else b"")
    values = grid.values(counts[list(places)])
    if len(wrong):
        every = take_corrections(found, corrected(scale), counts.shape[1])
        order = [corrected(scale[: places[row]]) for row in wrong]
        values.view(np.int64)[wrong] += every[order]
    return values


def corrected(scale: bytes) -> int:
    """Count the columns that have corrections."""
    return sum(place >= CORRECTED for place in scale)


@lru_cache(maxsize=256)
def _grid(scale: bytes, offset: bytes) -> tuple[Grid, Int64[np.ndarray, "_"]]:
    """Give the steps of columns, and which of them have corrections."""
    bits = np.frombuffer(scale, np.uint8)
    if len(offset) not in (0, len(scale)):
        raise UnreadableError("chunk damaged: offsets of another number")
    try:
        grid = grid_of((bits & ~np.uint8(CORRECTED | SINGLE)).tobytes(), offset)
    except IndexError as error:
        raise UnreadableError("chunk damaged: a scale or an offset that is unknown") from error
    return grid, np.flatnonzero(bits & CORRECTED)


def put_counts(counts: Whole, into: pb.ChunkColumns) -> None:
    """Write sequences of counts, the first of which is time."""
    change = counts[:, 1:] - counts[:, :-1]
    if change.size:
        step = change[0, 0]
        into.time_step = int(step)
        change[0] -= step
        largest = int(np.abs(change).max())
    else:
        largest = 0
    _put(counts[:, 0].astype(np.int64), change, largest, into.counts)


def put_corrections(corrections: Numbers, into: pb.ChunkColumns) -> None:
    """Write sequences of corrections; differences wrap around."""
    change = np.diff(corrections, axis=1)
    largest = int((change ^ (change >> 63)).max(initial=0))
    _put(corrections[:, 0], change, largest, into.corrections)


def _put(
    first: Int64[np.ndarray, "sequences"],
    change: np.ndarray,
    largest: int,
    into: pb.ChunkSequences,
) -> None:
    into.width = 1
    into.first = planes(first)
    if largest > 0x7F:
        biased = min(largest + BIAS, (1 << 63) - 1)
        into.width = next(width for width in WIDTHS if biased >> (8 * width - 1) == 0)
        change += BIAS  # small differences of either sign then leave the upper bytes zero
    into.delta = planes(change.astype(f"<i{into.width}"))


def take_counts(found: pb.ChunkColumns, count: int, rows: int) -> Whole:
    """Read sequences of counts.

    Raises:
        UnreadableError: There are not so many, or not so long ones.
    """
    counts = _taken(found.counts, (count, rows), np.float64)
    counts[0, 1:] += found.time_step
    return np.add.accumulate(counts, axis=1, out=counts)


def take_corrections(found: pb.ChunkColumns, count: int, rows: int) -> Numbers:
    """Read sequences of corrections; see :func:`take_counts`."""
    if not count:
        return np.empty((0, rows), np.int64)
    corrections = _taken(found.corrections, (count, rows), np.int64)
    return np.add.accumulate(corrections, axis=1, out=corrections)


def _taken(found: pb.ChunkSequences, shape: tuple[int, int], kind: type[np.generic]) -> np.ndarray:
    """Give first values and differences; room is made for what is known to be there."""
    (count, rows), width = shape, found.width
    first, delta = found.first, found.delta
    if width not in WIDTHS or len(first) != 8 * count or len(delta) != width * count * (rows - 1):
        raise UnreadableError("chunk damaged: sequences of another number or length")
    into = np.empty(shape, kind)
    into[:, 0] = joined(first, 8)
    into[:, 1:] = joined(delta, width).reshape(count, rows - 1)
    if width > 1:
        into[:, 1:] -= BIAS
    return into


def planes(numbers: np.ndarray) -> bytes:
    """Give all lowest bytes of little-endian numbers, then the next ones."""
    flat = numbers.reshape(-1, 1)
    return flat.view(np.uint8).T.tobytes() if flat.itemsize > 1 else flat.tobytes()


def joined(packed: bytes, width: int) -> np.ndarray:
    """Give the numbers back whose bytes lie in planes."""
    if width == 1:
        return np.frombuffer(packed, np.int8)
    apart = np.frombuffer(packed, np.uint8).reshape(width, -1)
    return np.ascontiguousarray(apart.T).view(f"<i{width}").reshape(-1)

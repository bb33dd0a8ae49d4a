"""Sensors alike, one column each, as counts: what they share is taken out, what remains is small.

A count is foretold from the mean of its row, the sensor's own mean against it, and, where the pack
is at work, from how the sensor follows the mean: it leans by its resistance, and it is late
because sensors are read one after another.  What remains is noise of a few counts.  Where hardly
any of it is beyond seven counts, two remainders share a byte: half the symbols for zstd, which is
then twice as fast and no worse.  A remainder that does not fit is marked and kept in the next
wider stream, and what has no counts at all, a missing value above all, keeps its bits.
"""

from typing import Any, Final, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int8

from voltherd.errors import UnreadableError
from voltherd.wire import envelope_pb2 as pb
from voltherd.wire.chunk_columns import WIDTHS, joined, planes
from voltherd.wire.chunk_scale import DIVIDED, DIVISOR, MULTIPLIER, SCALES

HALF: Final = 7
"""Largest remainder that fits half a byte; -8 marks what does not."""
BYTE: Final = 127
HALF_MARK: Final = -HALF - 1
BYTE_MARK: Final = -BYTE - 1
HALVES: Final = 0x80
"""Bit of the scale: two remainders share a byte."""
STEPLESS: Final = 0x7F
"""Scale of sensors whose values come in no steps: all keep their bits."""
SHIFT_MAX: Final = 16
_LARGE_SHARE: Final = 0.015
"""Above this share of larger remainders whole bytes are shorter."""
_RAW_SHARE: Final = 0.25
"""Above this share of known values without counts the sensors count as stepless."""
_GAIN: Final = 0.02
"""Finer steps, and larger counts with them, must reproduce so much more of the values."""
_COUNTS_MAX: Final = {4: 2.0**22, 8: 2.0**29}
"""Counts whose differences stay exact in the float that holds the values, and fit 32 bits."""
_FAR: Final = 60.0
"""Counts from where a value should be that make it doubtful as part of a mean."""
_AT_WORK: Final = 6.0
"""Span of the rows' means from which on it is tried how sensors follow [counts]."""
_WORTH: Final = 0.1
"""Following must explain this share of the remainders' squares."""
_TRIES: Final = 4
_GLANCE: Final = 16
_LOOK: Final = 500
_BITS: Final[dict[int, np.dtype[Any]]] = {4: np.dtype("<i4"), 8: np.dtype("<i8")}
# A product with a 32-bit step is not what a bus's reader has rounded to 32 bits.
_SCALES: Final = {
    4: tuple(t[: len(DIVIDED)].astype(np.float32) for t in (MULTIPLIER, DIVISOR)),
    8: (MULTIPLIER, DIVISOR),
}
Table = Float[np.ndarray, "time sensors"]
Rows = Float[np.ndarray, "time"]
Sensors = Float[np.ndarray, "sensors"]


class _Steps(NamedTuple):
    """Values as counts."""

    scale: int
    """Place in ``SCALES``."""
    counts: Table
    """Whole numbers, in the float that held the values."""
    exact: Bool[np.ndarray, "time sensors"] | None
    """Which values the counts reproduce; None for all."""
    minus: Bool[np.ndarray, "time sensors"] | None
    """Which values are minus zero; None for none."""


class _Foretold(NamedTuple):
    """What a table of counts has in common, and what remains of it."""

    mean: Rows
    own: Sensors
    rest: Table


def put(values: Table, into: pb.ChunkMatrix) -> Rows:
    """Write sensors; give the mean of each row [counts].

    Args:
        values: 32 or 64 bits, anything that they can be.
        into: Where to.
    """
    found = _steps(values)
    if found is None:
        bits = values.view(_BITS[values.itemsize])
        into.scale = STEPLESS
        into.raw = planes(np.diff(bits, axis=0, prepend=bits[:1] * 0))
        return np.zeros(len(values))
    told = _foretell(found.counts)
    largest = np.abs(told.rest).max()
    if found.exact is not None or largest > _FAR:
        told = _foretell_most(found.counts, found.exact)
        largest = np.inf
    if np.maximum.reduce(told.mean) - np.minimum.reduce(told.mean) >= _AT_WORK:
        follows = _follow(told, found.exact, float(largest), into)
        if follows is not None:
            told = follows
            largest = np.inf if found.exact is not None else np.abs(told.rest).max()
    into.own = _narrowest(told.own)
    into.scale = found.scale
    if found.minus is not None:
        into.minus = np.packbits(found.minus[values == 0.0]).tobytes()
    if largest <= HALF:
        into.scale |= HALVES
        into.small = _halves(told.rest.astype(np.int8).reshape(-1))
    else:
        _put_rest(told.rest, found.exact, values, into)
    return told.mean


def _put_rest(
    rest: Table, exact: Bool[np.ndarray, "time sensors"] | None, values: Table, into: pb.ChunkMatrix
) -> None:
    """Write remainders in the narrowest streams."""
    size = np.abs(rest)
    fits = size <= BYTE
    beyond = size > HALF
    if exact is not None:
        fits &= exact
        beyond &= exact
    halves = np.count_nonzero(beyond) <= _LARGE_SHARE * values.size
    whole = np.where(fits, rest, BYTE_MARK).astype(np.int8)
    into.raw = values[~fits].tobytes()
    if not halves:
        into.small = whole.tobytes()
        return
    into.scale |= HALVES
    beyond |= ~fits
    into.large = whole[beyond].tobytes()
    whole[beyond] = HALF_MARK
    into.small = _halves(whole.ravel())


def take(found: pb.ChunkMatrix, mean: Rows, sensors: int, kind: type[np.floating]) -> Table:
    """Read sensors back.

    Args:
        found: What was written.
        mean: Mean of each row [counts].
        sensors: How many.
        kind: Float that held them.

    Raises:
        UnreadableError: The streams do not belong together.
    """
    shape = (len(mean), sensors)
    if found.scale == STEPLESS:
        return _take_bits(found, shape, np.dtype(kind))
    scale = found.scale & ~HALVES
    if scale >= len(SCALES):
        raise UnreadableError("chunk damaged: a scale that is unknown")
    rest, large = remainders(found, shape[0] * sensors)
    out = rest.astype(kind).reshape(shape)
    flat = out.reshape(-1)
    raw_at = None
    if large is None:
        if found.raw:
            raw_at = np.flatnonzero(rest == BYTE_MARK)
    elif len(large):
        marks = np.flatnonzero(rest == HALF_MARK)
        if len(marks) != len(large):
            raise UnreadableError("chunk damaged: larger remainders are missing")
        flat[marks] = large
        raw_at = marks[large == BYTE_MARK]
    if found.lean or found.late:
        out += following(found, mean.astype(kind), sensors)
    out += per_sensor(found.own, sensors)
    out += mean[:, None].astype(kind)
    multiplier, divisor = SCALES[scale]
    if multiplier != 1.0:
        out *= multiplier
    out /= divisor
    missing = len(found.raw) // out.itemsize if raw_at is None else len(raw_at)
    if len(found.raw) != out.itemsize * missing or (raw_at is None and missing):
        raise UnreadableError("chunk damaged: raw values are missing")
    if missing:
        flat[raw_at] = np.frombuffer(found.raw, out.dtype)
    if found.minus:
        _take_minus(found.minus, flat)
    return out


def _take_bits(found: pb.ChunkMatrix, shape: tuple[int, int], kind: np.dtype[Any]) -> Table:
    if len(found.raw) != shape[0] * shape[1] * kind.itemsize:
        raise UnreadableError("chunk damaged: raw values are missing")
    change = joined(found.raw, kind.itemsize).reshape(shape)
    bits = np.add.accumulate(change, axis=0, dtype=_BITS[kind.itemsize])
    return np.asarray(bits.view(kind))


def _take_minus(packed: bytes, flat: Float[np.ndarray, "size"]) -> None:
    at = np.flatnonzero(flat == 0.0)
    if len(packed) != (len(at) + 7) // 8:
        raise UnreadableError("chunk damaged: signs of another number")
    signs = np.unpackbits(np.frombuffer(packed, np.uint8), count=len(at))
    flat[at[signs == 1]] = -0.0


def remainders(
    found: pb.ChunkMatrix, size: int
) -> tuple[Int8[np.ndarray, "size"], Int8[np.ndarray, "_"] | None]:
    """Give the remainders, and the larger ones where two remainders share a byte.

    Raises:
        UnreadableError: There are not so many.
    """
    half = (size + 1) // 2
    if len(found.small) != (half if found.scale & HALVES else size):
        raise UnreadableError("chunk damaged: remainders of another number")
    if not found.scale & HALVES:
        return np.frombuffer(found.small, np.int8), None
    packed = np.frombuffer(found.small, np.uint8)
    rest = np.empty(2 * half, np.uint8)
    np.bitwise_and(packed, 0x0F, out=rest[:half])
    np.right_shift(packed, 4, out=rest[half:])
    rest += np.uint8(256 + HALF_MARK)  # wraps to the signed number
    return rest[:size].view(np.int8), np.frombuffer(found.large, np.int8)


def per_sensor(packed: bytes, sensors: int) -> np.ndarray:
    """Read one whole number a sensor: one, two or four bytes each, the low bytes first.

    Raises:
        UnreadableError: There are not so many.
    """
    width = len(packed) // sensors
    if width not in WIDTHS or len(packed) != width * sensors:
        raise UnreadableError("chunk damaged: sensors of another number")
    return joined(packed, width)


def following(found: pb.ChunkMatrix, mean: Rows, sensors: int) -> Table:
    """Foretell how sensors follow the mean [counts].

    Raises:
        UnreadableError: The numbers do not belong together.
    """
    if max(found.lean_shift, found.late_shift) > SHIFT_MAX:
        raise UnreadableError("chunk damaged: a shift that is none")
    terms = np.stack((per_sensor(found.lean, sensors), per_sensor(found.late, sensors)))
    return _followed(mean, terms.astype(mean.dtype), (found.lean_shift, found.late_shift))


def _followed(mean: Rows, terms: Float[np.ndarray, "2 sensors"], shift: tuple[int, int]) -> Table:
    """Add up whole multiples of powers of two, which is exact in any order, and round."""
    drive = driving(mean, shift)
    followed = np.multiply.outer(drive[0], terms[0])
    followed += np.multiply.outer(drive[1], terms[1])
    return np.asarray(np.rint(followed, out=followed))


def driving(mean: Rows, shift: tuple[int, int]) -> Float[np.ndarray, "2 time"]:
    """Give what sensors follow, each in units of its shift."""
    drive = _drive(mean)
    drive[0] *= 2.0 ** -shift[0]
    drive[1] *= 2.0 ** -shift[1]
    return drive


def _drive(mean: Rows) -> Float[np.ndarray, "2 time"]:
    """Give the mean against its own first, and its next step, none for the last row."""
    drive = np.zeros((2, len(mean)), mean.dtype)
    np.subtract(mean, mean[0], out=drive[0])
    np.subtract(mean[1:], mean[:-1], out=drive[1, :-1])
    return drive


def _steps(values: Table) -> _Steps | None:
    """Find the coarsest steps in which sensors come, None where a good part comes in none."""
    low = np.minimum.reduce(values, axis=None)
    high = np.maximum.reduce(values, axis=None)
    if not (np.isfinite(low) and np.isfinite(high)):  # one NaN shows in both
        return _searched(values)
    first = values[0, :: max(1, values.shape[1] // _GLANCE)]
    scale = int((_made(first, values.itemsize) == first).all(axis=1).argmax())
    counts, made = _tried(values, scale)
    if not (made == values).all():
        return _searched(values)
    a, b = SCALES[scale]
    if max(-low, high) * (b / a) >= _COUNTS_MAX[values.itemsize]:
        return None
    minus = None
    if low <= 0.0:
        counts += low.dtype.type(0.0)  # minus zero becomes zero
        minus = (values == 0.0) & np.signbit(values)
    return _Steps(scale, counts, None, minus if minus is not None and minus.any() else None)


def _searched(values: Table) -> _Steps | None:
    """Find the steps of most values, where they are not those of the first ones."""
    most = _COUNTS_MAX[values.itemsize]
    best: _Steps | None = None
    enough, look = 1.0 - _RAW_SHARE, values[:: max(1, len(values) - 1)].ravel()
    minus, known = (values == 0.0) & np.signbit(values), np.isfinite(values)
    for _ in range(_TRIES):
        scale = int(np.count_nonzero(_made(look, values.itemsize) == look, axis=1).argmax())
        counts, made = _tried(values, scale)
        counts += counts.dtype.type(0.0)  # minus zero becomes zero
        same = (made == values) & (np.abs(counts) < most)
        found = int(np.count_nonzero(same)) / max(1, int(np.count_nonzero(known)))
        if found > enough:
            enough = found + _GAIN
            best = _Steps(scale, np.where(same, counts, counts.dtype.type(0)), same, minus)
        look = values[~same & known]
        if not look.size:
            break
        look = look[:: max(1, look.size // _LOOK)]
    return best


def _made(look: Float[np.ndarray, "size"], itemsize: int) -> Float[np.ndarray, "scales size"]:
    """Round some values to the steps of each scale."""
    a, b = _SCALES[itemsize]
    made = np.rint(look * (b / a)[:, None])
    made *= a[:, None]
    made /= b[:, None]
    return np.asarray(made)


def _tried(values: Table, scale: int) -> tuple[Table, Table]:
    """Give counts and what they are worth."""
    a, b = (factors[scale] for factors in _SCALES[values.itemsize])
    counts = values * (b / a)
    np.rint(counts, out=counts)
    if a == 1.0:
        return counts, counts / b
    made = counts * a
    made /= b
    return counts, made


def _foretell(counts: Table) -> _Foretold:
    """Take out the mean of each row, and each sensor's own."""
    # Not by matrix products: their threads cost more than they save, and sums must not depend
    # on how many there are.
    kind, (rows, sensors) = counts.dtype.type, counts.shape
    mean = np.einsum("ij->i", counts)
    np.rint(mean * kind(1.0 / sensors), out=mean)
    # The mean of differences is the difference of means: that saves a pass over the table.
    own = np.einsum("ij->j", counts) * kind(1.0 / rows)
    np.rint(own - np.add.reduce(mean) * kind(1.0 / rows), out=own)
    rest = counts - mean[:, None]
    rest -= own
    return _Foretold(mean, own, rest)


def _foretell_most(counts: Table, exact: Bool[np.ndarray, "time sensors"] | None) -> _Foretold:
    """Take the same out where only some values have counts, and some of those jump."""
    part = np.ones(counts.shape, bool) if exact is None else exact
    while True:
        share = part / np.maximum(np.count_nonzero(part, axis=1), 1)[:, None]
        mean = np.rint((counts * share).sum(axis=1)).astype(counts.dtype)
        rest = counts - mean[:, None]
        own = _own(rest, part)
        rest -= own
        far = part & (np.abs(rest) > _FAR)
        if not far.any() or 2 * np.count_nonzero(far) > np.count_nonzero(part):
            return _Foretold(mean, own, rest)
        part = part & ~far


def _own(rest: Table, part: Bool[np.ndarray, "time sensors"] | None) -> Sensors:
    if part is None:
        return np.asarray(np.rint(np.einsum("ij->j", rest) * rest.dtype.type(1.0 / len(rest))))
    share = part / np.maximum(np.count_nonzero(part, axis=0), 1)
    return np.asarray(np.rint((rest * share).sum(axis=0)).astype(rest.dtype))


def _follow(
    told: _Foretold,
    exact: Bool[np.ndarray, "time sensors"] | None,
    largest: float,
    into: pb.ChunkMatrix,
) -> _Foretold | None:
    """Fit how each sensor follows the mean and take that out, None where that is not worth it."""
    rest = told.rest
    if largest > _FAR:
        rest = np.clip(rest, -_FAR, _FAR)  # what jumps must not bend the fit
        if exact is not None:
            rest[~exact] = 0.0
    drive = _drive(told.mean)
    p, q = drive - (np.add.reduce(drive, axis=1) / drive.shape[1])[:, None]
    pp, pq, qq = _dot(p, p) + 1.0, _dot(p, q), _dot(q, q) + 1.0
    with_p, with_q = np.einsum("i,ij->j", p, rest), np.einsum("i,ij->j", q, rest)
    divisor = pp * qq - pq * pq
    explained = (
        qq * _dot(with_p, with_p) - 2.0 * pq * _dot(with_p, with_q) + pp * _dot(with_q, with_q)
    ) / divisor
    if explained < _WORTH * float(np.einsum("ij,ij", rest, rest)):
        return None
    slope = np.stack((qq * with_p - pq * with_q, pp * with_q - pq * with_p)) / divisor
    reach = np.abs(drive).max(axis=1)
    # Within one count where the mean is farthest: half of that is the bytes' best use.
    shift = np.clip(np.ceil(np.log2(np.maximum(reach, 1.0))) - 1.0, 0, SHIFT_MAX).astype(int)
    terms = np.rint(np.clip(slope * 2.0 ** shift[:, None], -32767.0, 32767.0)).astype(rest.dtype)
    if (reach[:, None] * np.abs(terms)).sum(axis=0).max() >= 2.0**23:
        return None  # sums would no longer be exact in 32 bits
    into.lean, into.late = _narrowest(terms[0]), _narrowest(terms[1])
    into.lean_shift, into.late_shift = shift.tolist()
    follows = told.rest - _followed(told.mean, terms, (into.lean_shift, into.late_shift))
    change = _own(follows, exact)
    follows -= change
    return _Foretold(told.mean, told.own + change, follows)


def _dot(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.einsum("i,i", a, b))


def _narrowest(numbers: Sensors) -> bytes:
    """Write one whole number a sensor in as few bytes as the largest needs."""
    most = np.abs(numbers).max()
    width = 1 if most <= 0x7F else 2 if most <= 0x7FFF else 4
    return planes(numbers.astype(f"<i{width}"))


def _halves(rest: Int8[np.ndarray, "size"]) -> bytes:
    """Pack the second half of the remainders above the first."""
    shifted = rest.view(np.uint8) + np.uint8(-HALF_MARK)
    half = (len(rest) + 1) // 2
    packed = shifted[:half]
    packed[: len(rest) - half] |= shifted[half:] << 4
    return packed.tobytes()

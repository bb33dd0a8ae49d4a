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
"""Above this share of values without counts the sensors count as stepless."""
_COUNTS_MAX: Final = {4: 2.0**22, 8: 2.0**40}
"""Counts that stay exact in the float that holds the values, the mean added and taken."""
_FAR: Final = 60.0
"""Counts from where a value should be that make it doubtful as part of a mean."""
_AT_WORK: Final = 6.0
"""Span of the rows' means from which on it is tried how sensors follow [counts]."""
_WORTH: Final = 0.9
"""Following must lessen the remainders' squares to this share of them."""
_TRIES: Final = 4
_LOOK: Final = 500
_BITS: Final[dict[int, np.dtype[Any]]] = {4: np.dtype("<i4"), 8: np.dtype("<i8")}
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
        into.scale = STEPLESS
        bits = values.view(_BITS[values.itemsize])
        change = np.diff(bits, axis=0, prepend=bits[:0].dtype.type(0))
        into.raw = _planes(change)
        return np.zeros(len(values))
    told = _foretell(found.counts)
    size = np.abs(told.rest)
    largest = size.max()
    if found.exact is None:
        if largest > _FAR:
            told = _foretell_most(found.counts, np.ones(values.shape, bool))
    else:
        told = _foretell_most(found.counts, found.exact)
        minus = (values == 0.0) & np.signbit(values)
        if minus.any():
            into.minus = np.packbits(minus[values == 0.0]).tobytes()
    if np.ptp(told.mean) >= _AT_WORK:
        told = _follow(told, found, into)
    into.own = _narrowest(told.own)
    into.scale = found.scale
    _put_rest(told.rest, found.exact, values, into)
    return told.mean


def _put_rest(
    rest: Table, exact: Bool[np.ndarray, "time sensors"] | None, values: Table, into: pb.ChunkMatrix
) -> None:
    """Write remainders in the narrowest streams."""
    size = np.abs(rest)
    if exact is None and size.max() <= HALF:
        into.scale |= HALVES
        into.small = _halves(rest.astype(np.int8).ravel())
        return
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


def take(found: pb.ChunkMatrix, mean: Rows, out: Table) -> None:
    """Read sensors into a contiguous array of the float that held them.

    Args:
        found: What was written.
        mean: Mean of each row [counts].
        out: Where to.

    Raises:
        UnreadableError: The streams do not belong together.
    """
    kind, sensors = out.dtype.type, out.shape[1]
    if found.scale == STEPLESS:
        _take_bits(found, out)
        return
    scale = found.scale & ~HALVES
    if scale >= len(SCALES):
        raise UnreadableError("chunk damaged: a scale that is unknown")
    rest, large = remainders(found, out.size)
    out[...] = rest.reshape(out.shape)
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
    out += mean.astype(kind)[:, None]
    if MULTIPLIER[scale] != 1.0:
        out *= kind(MULTIPLIER[scale])
    out /= kind(DIVISOR[scale])
    missing = len(found.raw) // out.itemsize if raw_at is None else len(raw_at)
    if len(found.raw) != out.itemsize * missing or (raw_at is None and missing):
        raise UnreadableError("chunk damaged: raw values are missing")
    if missing:
        flat[raw_at] = np.frombuffer(found.raw, out.dtype)
    if found.minus:
        _take_minus(found.minus, flat)


def _take_bits(found: pb.ChunkMatrix, out: Table) -> None:
    if len(found.raw) != out.nbytes:
        raise UnreadableError("chunk damaged: raw values are missing")
    change = np.frombuffer(found.raw, np.uint8).reshape(out.itemsize, -1)
    bits = np.ascontiguousarray(change.T).view(_BITS[out.itemsize]).reshape(out.shape)
    np.add.accumulate(bits, axis=0, out=out.view(_BITS[out.itemsize]))


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
    if width not in (1, 2, 4) or len(packed) != width * sensors:
        raise UnreadableError("chunk damaged: sensors of another number")
    if width == 1:
        return np.frombuffer(packed, np.int8)
    planes = np.frombuffer(packed, np.uint8).reshape(width, sensors)
    return np.ascontiguousarray(planes.T).view(f"<i{width}").reshape(sensors)


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
    drive = _drive(mean)
    drive[:, 0] *= 2.0 ** -shift[0]
    drive[:, 1] *= 2.0 ** -shift[1]
    return np.asarray(np.rint(drive @ terms))


def _drive(mean: Rows) -> Float[np.ndarray, "time 2"]:
    """Give the mean against its own first, and its next step, none for the last row."""
    drive = np.zeros((len(mean), 2), mean.dtype)
    np.subtract(mean, mean[0], out=drive[:, 0])
    np.subtract(mean[1:], mean[:-1], out=drive[:-1, 1])
    return drive


def _steps(values: Table) -> _Steps | None:
    """Find the coarsest steps in which sensors come, None where a good part comes in none."""
    kind = values.dtype.type
    most, view = _COUNTS_MAX[values.itemsize], _BITS[values.itemsize]
    # A product with a 32-bit step is not what a bus's reader has rounded to 32 bits.
    scales = len(SCALES) if values.itemsize == 8 else len(DIVIDED)
    a, b = MULTIPLIER[:scales].astype(kind), DIVISOR[:scales].astype(kind)
    look = values[:: max(1, len(values) - 1)].ravel()
    best, share = None, 1.0 - _RAW_SHARE
    for _ in range(_TRIES):
        with np.errstate(all="ignore"):  # what is not finite is sorted out afterwards
            made = np.rint(look * (b / a)[:, None]) * a[:, None]
            made /= b[:, None]
            scale = int(np.count_nonzero(made == look, axis=1).argmax())
            counts = np.rint(values * (b[scale] / a[scale]))
            counts += kind(0.0)  # no minus zero
            made = counts * a[scale]
            made /= b[scale]
            small = np.abs(counts).max() < most
        same = made.view(view) == values.view(view)
        if small and same.all():
            return _Steps(scale, counts, None)
        same |= (values == 0.0) & (counts == 0.0)
        same &= np.abs(counts) < most
        found = np.count_nonzero(same) / values.size
        if found > share:
            best, share = _Steps(scale, np.where(same, counts, kind(0.0)), same), found
        look = values[~same & np.isfinite(values)]
        if not look.size:
            break
        look = look[:: max(1, look.size // _LOOK)]
    return best


def _foretell(counts: Table) -> _Foretold:
    """Take out the mean of each row, and each sensor's own."""
    kind, (rows, sensors) = counts.dtype.type, counts.shape
    mean = np.rint(counts @ np.full(sensors, 1.0 / sensors, kind))
    # The mean of differences is the difference of means: that saves a pass over the table.
    own = np.rint(np.full(rows, 1.0 / rows, kind) @ counts - mean.mean())
    rest = counts - mean[:, None]
    rest -= own
    return _Foretold(mean, own, rest)


def _foretell_most(counts: Table, part: Bool[np.ndarray, "time sensors"]) -> _Foretold:
    """Take the same out where only some values have counts, and some of those jump."""
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
        return np.asarray(np.rint(rest.mean(axis=0)))
    share = part / np.maximum(np.count_nonzero(part, axis=0), 1)
    return np.asarray(np.rint((rest * share).sum(axis=0)).astype(rest.dtype))


def _follow(told: _Foretold, found: _Steps, into: pb.ChunkMatrix) -> _Foretold:
    """Fit how each sensor follows the mean, and take that out where it is worth its bytes."""
    rest = np.clip(told.rest, -_FAR, _FAR)  # what jumps must not bend the fit
    if found.exact is not None:
        rest[~found.exact] = 0.0
    drive = _drive(told.mean)
    reach = np.abs(drive).max(axis=0)
    shift = np.clip(np.ceil(np.log2(np.maximum(reach, 1.0))), 0, SHIFT_MAX).astype(int)
    middle = drive - drive.mean(axis=0)
    square = middle.T @ middle + np.eye(2, dtype=rest.dtype)
    slope = np.linalg.solve(square, middle.T @ rest) * 2.0 ** shift[:, None]
    terms = np.rint(np.clip(slope, -32767.0, 32767.0)).astype(rest.dtype)
    if (reach @ np.abs(terms)).max() >= 2.0**23:
        return told  # sums would no longer be exact in 32 bits
    lean_shift, late_shift = shift.tolist()
    follows = told.rest - _followed(told.mean, terms, (lean_shift, late_shift))
    change = _own(follows, found.exact)
    follows -= change
    before, after = rest, np.clip(follows, -_FAR, _FAR)
    if found.exact is not None:
        after[~found.exact] = 0.0
    if np.vdot(after, after) > _WORTH * np.vdot(before, before):
        return told
    into.lean, into.late = _narrowest(terms[0]), _narrowest(terms[1])
    into.lean_shift, into.late_shift = lean_shift, late_shift
    return _Foretold(told.mean, told.own + change, follows)


def _narrowest(numbers: Sensors) -> bytes:
    """Write one whole number a sensor in as few bytes as the largest needs."""
    most = np.abs(numbers).max()
    width = 1 if most <= 0x7F else 2 if most <= 0x7FFF else 4
    return _planes(numbers.astype(f"<i{width}"))


def _planes(numbers: np.ndarray) -> bytes:
    """Give all lowest bytes, then the next ones."""
    return np.ascontiguousarray(numbers).reshape(-1, 1).view(np.uint8).T.tobytes()


def _halves(rest: Int8[np.ndarray, "size"]) -> bytes:
    """Pack the second half of the remainders above the first."""
    shifted = rest.view(np.uint8) + np.uint8(-HALF_MARK)
    half = (len(rest) + 1) // 2
    packed = shifted[:half]
    packed[: len(rest) - half] |= shifted[half:] << 4
    return packed.tobytes()

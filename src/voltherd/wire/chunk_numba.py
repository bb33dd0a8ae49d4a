"""The loops over a chunk's counts, compiled (extra ``fast``): bit for bit what NumPy gives.

Every value is a sum of whole numbers that the float holds exactly, then one product and one
quotient, so there is nothing that compiling could round in another way.
"""

import inspect
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

import numpy as np

from voltherd.errors import UnreadableError, UsageError
from voltherd.wire import envelope_pb2 as pb
from voltherd.wire.chunk_bulk import Engine
from voltherd.wire.chunk_columns import BIAS, WIDTHS, Whole
from voltherd.wire.chunk_matrix import (
    BYTE_MARK,
    HALF_MARK,
    HALVES,
    SHIFT_MAX,
    STEPLESS,
    Rows,
    Table,
    take,
)
from voltherd.wire.chunk_scale import SCALES

try:
    from numba import njit
except ImportError as error:
    raise UsageError(
        "the fast decoder needs numba", mend="pip install 'voltherd[fast]', or use the NumPy one"
    ) from error

Function = Callable[..., Any]
Value = Any
# What is not there, made once, and not writable, as what is there.
_NO_BYTES: Final = np.frombuffer(b"", np.uint8)
_NO_LARGE: Final = np.frombuffer(b"", np.int8)
_NO_RAW: Final = (np.frombuffer(b"", np.float32), np.frombuffer(b"", np.float64))


@lru_cache(maxsize=2)
def _filling(double: bool) -> Function:  # long: one compiled loop
    """Compile the loop over sensors for the float that held them."""
    kind: Value = np.float64 if double else np.float32
    numbers = _compile(_numbers)

    def fill(  # long: one loop nest, which must compile as one
        small: Value,
        halves: bool,
        large: Value,
        raw: Value,
        own_packed: Value,
        lean_packed: Value,
        late_packed: Value,
        lean_unit: float,
        late_unit: float,
        mean: Value,
        multiplier: float,
        divisor: float,
        out: Value,
    ) -> bool:
        rows, sensors = out.shape
        size = rows * sensors
        half = (size + 1) // 2
        flat = out.reshape(-1)
        own, lean, late = np.empty(sensors, kind), np.empty(sensors, kind), np.empty(sensors, kind)
        numbers(own_packed, own)
        follows = numbers(lean_packed, lean) and numbers(late_packed, late)
        up, down = kind(multiplier), kind(divisor)
        marks, gaps = 0, 0
        if halves:
            for k in range(half):
                flat[k] = np.int32(small[k] & 15) + HALF_MARK
            for k in range(size - half):
                flat[half + k] = np.int32(small[k] >> 4) + HALF_MARK
            if large.size:
                for k in range(size):
                    if flat[k] == HALF_MARK:
                        if marks == large.size:
                            return False
                        flat[k] = large[marks]
                        gaps += large[marks] == BYTE_MARK
                        marks += 1
        else:
            for k in range(size):
                flat[k] = np.int8(small[k])
            if raw.size:
                for k in range(size):
                    gaps += flat[k] == BYTE_MARK
        if marks != large.size or gaps != raw.size:
            return False
        for t in range(rows):
            common, o = kind(mean[t]), t * sensors
            if follows:
                p = kind(mean[t] - mean[0]) * kind(lean_unit)
                q = kind(mean[min(t + 1, rows - 1)] - mean[t]) * kind(late_unit)
                for j in range(sensors):
                    follow = np.rint(kind(p * lean[j]) + kind(q * late[j]))
                    whole = kind(flat[o + j]) + follow + own[j] + common
                    flat[o + j] = whole * up / down
            else:
                for j in range(sensors):
                    whole = kind(flat[o + j]) + own[j] + common
                    flat[o + j] = whole * up / down
        marks, gaps = 0, 0
        if raw.size:
            for k in range(size):
                rest = int(np.int8(small[k])) if not halves else 0
                if halves:
                    packed = small[k] & 15 if k < half else small[k - half] >> 4
                    if int(packed) + HALF_MARK == HALF_MARK:
                        rest = int(large[marks])
                        marks += 1
                if rest == BYTE_MARK:
                    flat[k] = raw[gaps]
                    gaps += 1
        return True

    return _compile(fill)


def _compile(loop: Function) -> Function:
    """Compile a function as it was written, without the wrappers that check shapes in tests."""
    compiled: Function = njit(nogil=True, error_model="numpy")(inspect.unwrap(loop))
    return compiled


def _numbers(packed: Value, out: Value) -> bool:
    """Read one whole number a sensor, the low bytes first; say whether there are any."""
    sensors = out.size
    width = packed.size // sensors
    if width == 0:
        return False
    for j in range(sensors):
        whole = np.int32(np.int8(packed[(width - 1) * sensors + j]))
        for byte in range(width - 2, -1, -1):
            whole = (whole << 8) | np.int32(packed[byte * sensors + j])
        out[j] = whole
    return True


@lru_cache(maxsize=1)
def _unfolding() -> Function:
    """Compile the loop over sequences."""

    def unfold(first: Value, delta: Value, width: int, bias: int, step: int, out: Value) -> None:
        count, rows = out.shape
        each = count * (rows - 1)
        for s in range(count):
            whole = np.int64(0)
            for byte in range(8):
                whole |= np.int64(first[byte * count + s]) << (8 * byte)
            value = np.float64(whole)
            out[s, 0] = value
            more = np.float64((step if s == 0 else 0) - bias)
            at = s * (rows - 1)
            for r in range(rows - 1):
                whole = np.int64(np.int8(delta[(width - 1) * each + at + r]))
                for byte in range(width - 2, -1, -1):
                    whole = (whole << 8) | np.int64(delta[byte * each + at + r])
                value += np.float64(whole) + more
                out[s, r + 1] = value

    return _compile(unfold)


def _counts(found: pb.ChunkColumns, count: int, rows: int) -> Whole:
    """Read sequences of counts; see ``chunk_columns.take_counts``."""
    packed, width = found.counts, found.counts.width
    first, delta = packed.first, packed.delta
    if width not in WIDTHS or len(first) != 8 * count or len(delta) != width * count * (rows - 1):
        raise UnreadableError("chunk damaged: sequences of another number or length")
    counts = np.empty((count, rows))
    bias = BIAS if width > 1 else 0
    view = np.frombuffer
    _unfolding()(view(first, np.uint8), view(delta, np.uint8), width, bias, found.time_step, counts)
    return counts


def _sensors(found: pb.ChunkMatrix, mean: Rows, kind: type[np.floating], out: Table) -> None:
    """Put sensors together; see ``chunk_matrix.take``."""
    scale = found.scale
    if scale == STEPLESS or found.minus or not out.flags.c_contiguous:
        out[...] = take(found, mean, out.shape[1], kind)
        return
    small, own, halves, double = found.small, found.own, scale >= HALVES, kind is np.float64
    large, raw, lean, late = found.large, found.raw, found.lean, found.late
    size, sensors, places = out.size, out.shape[1], len(SCALES)
    follows = bool(lean or late)
    sizes = (sensors, 2 * sensors, 4 * sensors)
    if (
        scale & ~HALVES >= places
        or len(small) != ((size + 1) // 2 if halves else size)
        or (large and not halves)
        or len(own) not in sizes
        or (follows and (len(lean) not in sizes or len(late) not in sizes))
        or len(raw) % (8 if double else 4)
    ):
        raise UnreadableError("chunk damaged: streams of sensors that do not fit")
    lean_shift, late_shift = found.lean_shift, found.late_shift
    if follows and max(lean_shift, late_shift) > SHIFT_MAX:
        raise UnreadableError("chunk damaged: a shift that is none")
    multiplier, divisor = SCALES[scale & ~HALVES]
    view = np.frombuffer
    whole = _filling(double)(
        view(small, np.uint8),
        halves,
        view(large, np.int8) if large else _NO_LARGE,
        view(raw, kind) if raw else _NO_RAW[double],
        view(own, np.uint8),
        view(lean, np.uint8) if lean else _NO_BYTES,
        view(late, np.uint8) if late else _NO_BYTES,
        2.0**-lean_shift,
        2.0**-late_shift,
        mean,
        multiplier,
        divisor,
        out,
    )
    if not whole:
        raise UnreadableError("chunk damaged: streams of sensors that do not fit")


NUMBA: Final = Engine(_counts, _sensors)

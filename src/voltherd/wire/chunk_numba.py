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
    driving,
    per_sensor,
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
_NOTHING: Final = np.zeros(0)


@lru_cache(maxsize=2)
def _filling(double: bool) -> Function:
    """Compile the loop over sensors for the float that held them."""
    kind: Value = np.float64 if double else np.float32

    def fill(  # long: one loop nest, which must compile as one
        small: Value,
        halves: bool,
        large: Value,
        raw: Value,
        own: Value,
        lean: Value,
        late: Value,
        drive: Value,
        mean: Value,
        multiplier: Value,
        divisor: Value,
        out: Value,
    ) -> bool:
        rows, sensors = out.shape
        size = rows * sensors
        half = (size + 1) // 2
        flat = out.reshape(-1)
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
            common, o = mean[t], t * sensors
            if lean.size:
                p, q = drive[0, t], drive[1, t]
                for j in range(sensors):
                    follow = np.rint(kind(p * lean[j]) + kind(q * late[j]))
                    whole = kind(flat[o + j]) + follow + own[j] + common
                    flat[o + j] = whole * multiplier / divisor
            else:
                for j in range(sensors):
                    whole = kind(flat[o + j]) + own[j] + common
                    flat[o + j] = whole * multiplier / divisor
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
    _unfolding()(_bytes(first), _bytes(delta), width, bias, found.time_step, counts)
    return counts


def _sensors(found: pb.ChunkMatrix, mean: Rows, kind: type[np.floating], out: Table) -> None:
    """Put sensors together; see ``chunk_matrix.take``."""
    sensors, size = out.shape[1], out.size
    small, large, raw = found.small, found.large, found.raw
    if found.scale == STEPLESS or found.minus or not out.flags.c_contiguous:
        out[...] = take(found, mean, sensors, kind)
        return
    halves, scale = bool(found.scale & HALVES), found.scale & ~HALVES
    lean, late, drive = _NOTHING, _NOTHING, _NOTHING
    if found.lean or found.late:
        if max(found.lean_shift, found.late_shift) > SHIFT_MAX:
            raise UnreadableError("chunk damaged: a shift that is none")
        lean, late = per_sensor(found.lean, sensors), per_sensor(found.late, sensors)
        drive = driving(mean.astype(kind), (found.lean_shift, found.late_shift))
    own = per_sensor(found.own, sensors)
    fits = len(small) == ((size + 1) // 2 if halves else size) and not (large and not halves)
    if scale >= len(SCALES) or not fits or len(raw) % np.dtype(kind).itemsize:
        raise UnreadableError("chunk damaged: streams of sensors that do not fit")
    multiplier, divisor = SCALES[scale]
    whole = _filling(kind is np.float64)(
        _bytes(small),
        halves,
        np.frombuffer(large, np.int8),
        np.frombuffer(raw, kind),
        own.astype(kind),
        lean.astype(kind),
        late.astype(kind),
        drive.astype(kind).reshape(2, -1),
        mean.astype(kind),
        kind(multiplier),
        kind(divisor),
        out,
    )
    if not whole:
        raise UnreadableError("chunk damaged: streams of sensors that do not fit")


def _bytes(packed: bytes) -> np.ndarray:
    return np.frombuffer(packed, np.uint8)


NUMBA: Final = Engine(_counts, _sensors)

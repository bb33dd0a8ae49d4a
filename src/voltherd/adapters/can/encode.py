"""Values into payloads, all frames of a message at once.

cantools encodes a frame at a time, some 20,000 a second; its encoder is the oracle in the tests.
"""

import re
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from jaxtyping import Float, UInt8

from voltherd.errors import UsageError
from voltherd.types.frame import MessageFrames

if TYPE_CHECKING:
    from cantools.database.can import Message, Signal

_NOT_AVAILABLE: Final = re.compile(r"\b(sna|not.?avail\w*|invalid|unavailable|n/a)\b", re.I)


class Encoded(NamedTuple):
    """Payloads of one message.

    Attributes:
        payload: Bytes of each frame.
        beyond: Values outside their signal's range, sent as 'not available'.
    """

    payload: UInt8[np.ndarray, "frames bytes"]
    beyond: int


def encode(frames: MessageFrames, message: "Message") -> Encoded:
    """Encode all frames of a message.

    Args:
        frames: Values in the units of the database; signals left out are zero bits.
        message: What the database says of it; integer signals, not multiplexed.

    Returns:
        The payloads.

    Raises:
        UsageError: A value is missing, and the database has no code that says so.
    """
    payload = np.zeros((len(frames.second), message.length), np.uint8)
    beyond = 0
    for signal in message.signals:
        assert not signal.is_float and signal.multiplexer_ids is None
        if signal.name in frames.signal:
            counts, left_out = _counts(frames.signal[signal.name], signal, message.name)
            _put(payload, signal, counts)
            beyond += left_out
    return Encoded(payload, beyond)


def _counts(
    values: Float[np.ndarray, "frames"], signal: "Signal", message: str
) -> tuple[np.ndarray, int]:
    """Round to counts; what is no value, or beyond the range, becomes the code for that."""
    scale, offset = float(signal.scale), float(signal.offset)
    bits = signal.length
    lowest, highest = (
        (-(1 << bits - 1), (1 << bits - 1) - 1) if signal.is_signed else (0, 2**bits - 1)
    )
    low, high = lowest, highest
    if signal.minimum is not None and signal.maximum is not None:
        ends = [round((float(end) - offset) / scale) for end in (signal.minimum, signal.maximum)]
        low, high = max(low, min(ends)), min(high, max(ends))
    finite = np.isfinite(values)
    counts = np.rint((np.where(finite, values, offset) - offset) / scale)
    held = finite & (counts >= low) & (counts <= high)
    if not held.all():
        code = _code(signal)
        if code is None:
            raise UsageError(
                f"{message}.{signal.name} has no value, and no code that says so",
                mend="give the database a value table with 'Not available'",
            )
        counts = np.where(held, counts, code)
    whole = counts.astype(np.int64 if signal.is_signed else np.uint64)
    return whole.view(np.uint64), int((finite & ~held).sum())


def _code(signal: "Signal") -> int | None:
    for count, meaning in (signal.choices or {}).items():
        if _NOT_AVAILABLE.search(str(meaning)):
            return int(count)
    return None


def _put(payload: UInt8[np.ndarray, "frames bytes"], signal: "Signal", counts: np.ndarray) -> None:
    """Write counts into their bits; changes ``payload``, whose bits there are zero."""
    big = signal.byte_order == "big_endian"
    length = signal.length
    first = 8 * (signal.start // 8) + 7 - signal.start % 8 if big else signal.start
    counts = counts & np.uint64((1 << length) - 1)
    for byte in range(first // 8, (first + length - 1) // 8 + 1):
        shift = 8 * (byte + 1) - first - length if big else first - 8 * byte
        moved = counts << np.uint64(shift) if shift >= 0 else counts >> np.uint64(-shift)
        payload[:, byte] |= (moved & np.uint64(0xFF)).astype(np.uint8)

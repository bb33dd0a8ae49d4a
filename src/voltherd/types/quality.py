"""Why a value may not be trusted: one bit field per value."""

from enum import IntFlag


class Quality(IntFlag):
    """Flags of one value; a value with any flag of ``INVALID`` is NaN in the batch.

    >>> bool(Quality.SENTINEL & INVALID), bool(Quality.CORRECTED & INVALID)
    (True, False)
    """

    OK = 0
    MISSING = 1
    """No value in the source."""
    SENTINEL = 2
    """A code that stands for 'invalid' (255, 0xFFFF, 66.5 V), not a measurement."""
    OUT_OF_RANGE = 4
    """Outside what the channel can physically show."""
    NOT_FINITE = 8
    """NaN or infinity in the source."""
    REJECTED = 16
    """Contradicts the rest of the record so badly that no answer may rest on it."""
    SUSPECT = 32
    """Usable, but see the report: frozen, out of rate, or disputed by another channel."""
    CORRECTED = 64
    """Changed on import beyond a unit conversion (offset removed, clock mended)."""
    RESTARTED = 128
    """An estimator began anew here: after a gap, a silence or a clock that ran backwards."""


INVALID = (
    Quality.MISSING
    | Quality.SENTINEL
    | Quality.OUT_OF_RANGE
    | Quality.NOT_FINITE
    | Quality.REJECTED
)
"""The flags under which a value is not used."""

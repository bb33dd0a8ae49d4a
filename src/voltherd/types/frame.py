"""CAN as values: what is to be sent before it is bits, what was heard, where signals lie."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from jaxtyping import Float


class MessageFrames(NamedTuple):
    """All frames of one message.

    Attributes:
        message: Its name in the database.
        second: When each is sent [unix s].
        signal: Values by name of the signal, in the database's unit and sign; NaN is no value.
    """

    message: str
    second: Float[np.ndarray, "frames"]
    signal: Mapping[str, Float[np.ndarray, "frames"]]


class WrittenLog(NamedTuple):
    """What was written of a log.

    Attributes:
        frames: How many frames.
        beyond: Values outside their signal's range, sent as 'not available'.
    """

    frames: int
    beyond: int


class CanFrame(NamedTuple):
    """One data frame as it was heard.

    Attributes:
        arbitration_id: 11 or 29 bits.
        data: Its payload; at most 8 bytes, or 64 with CAN FD.
        second: When it was on the bus, by the vehicle's clock [unix s].
        heard_nanosecond: Wall clock when it reached the edge [ns].
        extended: Whether the identifier has 29 bits.
    """

    arbitration_id: int
    data: bytes
    second: float
    heard_nanosecond: int
    extended: bool = False


class SignalLayout(NamedTuple):
    """Where a signal lies in its message, and what its counts mean.

    Attributes:
        name: As the database calls it.
        start: Start bit as a DBC writes it.
        length: Bits, at most 64.
        big_endian: Motorola byte order.
        signed: Two's complement.
        is_float: IEEE 754 of 16, 32 or 64 bits.
        scale: Units per count.
        offset: Value of zero counts.
        not_available: Counts that stand for 'no value'.
        not_available_from: Counts from here up stand for 'no value'; None where none do.
        selector: Signal whose count says whether this one is there; empty where it always is.
        selected: The counts of ``selector`` with which it is.
        unit: As the database writes it.
        comment: As the database writes it.
    """

    name: str
    start: int
    length: int
    big_endian: bool = False
    signed: bool = False
    is_float: bool = False
    scale: float = 1.0
    offset: float = 0.0
    not_available: tuple[int, ...] = ()
    not_available_from: int | None = None
    selector: str = ""
    selected: tuple[int, ...] = ()
    unit: str = ""
    comment: str = ""


class MessageLayout(NamedTuple):
    """A message of a bus as its database describes it.

    Attributes:
        name: As the database calls it.
        arbitration_id: 11 or 29 bits.
        extended: Whether the identifier has 29 bits.
        signals: What it carries.
        period_second: Declared distance of two of its frames, None where none is declared [s].
    """

    name: str
    arbitration_id: int
    extended: bool
    signals: tuple[SignalLayout, ...]
    period_second: float | None = None

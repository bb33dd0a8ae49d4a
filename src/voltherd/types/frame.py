"""What is to be sent over CAN, before it is bits."""

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

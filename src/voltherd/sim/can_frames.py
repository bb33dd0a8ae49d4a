"""From a batch to frames in time: what each message carries, and when it is sent.

A control unit does not send a pack at once.  Groups of cells follow one another, so the values of a
row reach the bus over a fraction of a second, and whoever reads them meets them skewed.  The last
message of a cycle is sent at the time of the row, the others before it.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from jaxtyping import Float

from voltherd.sim.can_dbc import Message
from voltherd.types.channel import cell_column, probe_column
from voltherd.types.frame import MessageFrames
from voltherd.types.sample import SampleBatch

SLOT_SECOND: Final = 0.005
"""Distance of two messages of a cycle: a busy 500 kbit/s bus is shared with others."""
_CYCLE_SHARE: Final = 0.4
"""A cycle takes at most this share of the time since the row before."""


def frames(batch: SampleBatch, messages: Sequence[Message]) -> tuple[MessageFrames, ...]:
    """Give the frames of a batch.

    Args:
        batch: What the vehicle measured.
        messages: What the bus carries, in the order of sending; channels that no message carries
            are not sent, and a signal without its channel is 'no value'.

    Returns:
        The frames of each message, in the same order; one frame of each for every row.
    """
    time = batch.unix_time_second
    apart = np.diff(time, prepend=time[:1] - 1.0)
    slot = np.minimum(SLOT_SECOND, _CYCLE_SHARE * apart / len(messages))
    columns = _columns(batch)
    nothing = np.full(batch.rows, np.nan)
    return tuple(
        MessageFrames(
            message.name,
            np.asarray(time - (len(messages) - place) * slot),
            {s.name: s.factor * columns.get(s.channel, nothing) for s in message.signals},
        )
        for place, message in enumerate(messages, start=1)
    )


def _columns(batch: SampleBatch) -> dict[str, Float[np.ndarray, "time"]]:
    """Give every channel of a batch by its name."""
    cells = batch.cell_voltage_volt.astype(np.float64)
    probes = batch.probe_temperature_celsius.astype(np.float64)
    return {
        **{cell_column(k + 1): cells[:, k] for k in range(batch.cells)},
        **{probe_column(k + 1): probes[:, k] for k in range(batch.probes)},
        **batch.scalar,
    }

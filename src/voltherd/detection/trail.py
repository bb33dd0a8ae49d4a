"""The rows of the last windows, thinned: what tells a step from a ramp once a window has closed."""

from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from voltherd.detection.windows import Windows, join
from voltherd.types.sample import SampleBatch

ROWS_PER_WINDOW: Final = 31
WINDOWS_BEFORE: Final = 2
GAP_SECOND_MAX: Final = 120.0


class Trail(NamedTuple):
    """Windows that have closed lately, and some rows of each.

    Attributes:
        windows: The windows.
        rows: How many rows of each window follow.
        second: Their times [unix s].
        cell_volt: Cell voltages [V].
        ampere: Current, charging positive; NaN where missing [A].
        probe_celsius: Probes [°C].
    """

    windows: Windows
    rows: Int[np.ndarray, " w"]
    second: Float[np.ndarray, " n"]
    cell_volt: Float[np.ndarray, "n c"]
    ampere: Float[np.ndarray, " n"]
    probe_celsius: Float[np.ndarray, "n p"]


def follow(
    trail: Trail | None, windows: Windows, rows: SampleBatch, ends: Int[np.ndarray, " w"]
) -> Trail:
    """Put further windows behind those known.

    Args:
        trail: What came before, None for nothing.
        windows: Further windows.
        rows: Their rows.
        ends: The row that closes each of them.
    """
    begin = np.concatenate([[0], ends[:-1] + 1])
    fraction = (np.arange(ROWS_PER_WINDOW) + 0.5) / ROWS_PER_WINDOW
    picked = begin[:, None] + (fraction * (ends - begin + 1)[:, None]).astype(np.int64)
    once = np.ones(picked.shape, bool)
    once[:, 1:] = picked[:, 1:] > picked[:, :-1]
    row = picked[once]
    current = rows.scalar.get("current_ampere")
    further = Trail(
        windows,
        once.sum(axis=1),
        rows.unix_time_second[row],
        rows.cell_voltage_volt[row],
        np.full(len(row), np.nan) if current is None else current[row],
        rows.probe_temperature_celsius[row],
    )
    if trail is None:
        return further
    arrays = (np.concatenate(pair) for pair in zip(trail[1:], further[1:], strict=True))
    return Trail(join(trail.windows, windows), *arrays)


def recent(trail: Trail) -> Trail:
    """Give what the windows to come need."""
    rows = trail.rows[-WINDOWS_BEFORE:]
    begin = len(trail.second) - int(rows.sum())
    return Trail(
        Windows(*(field[-WINDOWS_BEFORE:] for field in trail.windows)),
        rows,
        *(field[begin:].copy() for field in trail[2:]),
    )


def rows_upto(trail: Trail, window: int) -> slice:
    """Give the rows of a window and those before it, since the last long silence among them."""
    begin = int(trail.rows[: max(0, window - WINDOWS_BEFORE)].sum())
    end = int(trail.rows[: window + 1].sum())
    second = trail.second[begin:end]
    gaps = np.flatnonzero(second[1:] - second[:-1] > GAP_SECOND_MAX)
    return slice(begin + int(gaps[-1]) + 1 if len(gaps) else begin, end)

"""Signals of many cycle times on one axis of time.

A control unit sends the current every 10 ms, cell voltages every second in two dozen frames, and
temperatures every ten.  The rule:

1. the row period is the median of the signals' own periods, so the cells decide;
2. rows stand at the real times of one message of that period, the last one of its cycle, so that a
   row sees the whole cycle before it; where that message falls silent, other frames stand in;
3. a row holds each signal's last value, at most ``HOLD_PERIODS`` of the signal's own periods (or of
   the rows') old; an older one is no value.  A message seen once counts ten seconds.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

HOLD_PERIODS: Final = 3.0
HOLD_ONCE_SECOND: Final = 10.0
_GAP_PERIODS: Final = 2.5
_FRAMES_JUDGED: Final = 200
_CANDIDATES_MAX: Final = 128


class Axis(NamedTuple):
    """The common axis.

    Attributes:
        second: Row times, increasing [s].
        period_second: Usual distance of rows; infinity where no message repeats [s].
    """

    second: Float[np.ndarray, "rows"]
    period_second: float


def period_of(second: Float[np.ndarray, "frames"]) -> float:
    """Give the median distance of frames, infinity for a single one [s].

    >>> period_of(np.array([0.0, 1.0, 2.0, 9.0]))
    1.0
    """
    return float(np.median(np.diff(second))) if len(second) > 1 else np.inf


def axis_of(groups: Sequence[Float[np.ndarray, "_"]], signals: Sequence[int]) -> Axis:
    """Choose row times.

    Args:
        groups: Times of the frames of each message (or each multiplexed part), sorted [s].
        signals: How many signals each carries.

    Returns:
        The axis; the union of all times where nothing repeats.
    """
    periods = np.array([period_of(times) for times in groups])
    repeats = np.flatnonzero(np.isfinite(periods) & (periods > 0))
    everything = np.unique(np.concatenate(list(groups)))
    if not len(repeats):
        return Axis(everything, np.inf)
    order = repeats[np.argsort(periods[repeats], kind="stable")]
    weight = np.cumsum(np.asarray(signals)[order])
    period = float(periods[order[np.searchsorted(weight, weight[-1] / 2.0)]])
    near = repeats[np.abs(np.log(periods[repeats] / period)) < 0.25][:_CANDIDATES_MAX]
    rows = np.unique(groups[_last_of_cycle([groups[k] for k in near], near)])
    return Axis(np.union1d(rows, _standing_in(rows, everything, period)), period)


def _last_of_cycle(groups: Sequence[Float[np.ndarray, "_"]], index: Int[np.ndarray, "_"]) -> int:
    """Pick the group at whose times the others are youngest."""
    longest = max(len(times) for times in groups)
    best, best_age = int(index[0]), np.inf
    for k, times in zip(index, groups, strict=True):
        if len(times) < longest // 2:
            continue
        at = times[:_FRAMES_JUDGED]
        ages = [float(np.median(_age(other, at)[1])) for other in groups]
        if sum(ages) < best_age:
            best, best_age = int(k), sum(ages)
    return best


def _standing_in(
    rows: Float[np.ndarray, "rows"], everything: Float[np.ndarray, "times"], period: float
) -> Float[np.ndarray, "_"]:
    """Give one frame time per period where the chosen message is silent for long."""
    edges = np.concatenate([[everything[0] - period], rows, [everything[-1] + period]])
    place = np.searchsorted(edges, everything, side="right")
    place = np.minimum(place, len(edges) - 1)
    before, after = edges[place - 1], edges[place]
    silent = (after - before > _GAP_PERIODS * period) & (everything - before > period)
    times = everything[silent & (after - everything > 0.5 * period)]
    which = np.searchsorted(edges, times, side="right")
    step = np.floor((times - edges[which - 1]) / period)
    last_of_bin = np.ones(len(times), bool)
    last_of_bin[:-1] = (np.diff(which) != 0) | (np.diff(step) != 0)
    return np.asarray(times[last_of_bin])


def _age(
    times: Float[np.ndarray, "frames"], at: Float[np.ndarray, "rows"]
) -> tuple[Int[np.ndarray, "rows"], Float[np.ndarray, "rows"]]:
    """Find the last frame at or before each row, and how old it is; -1 and infinity for none."""
    last = np.searchsorted(times, at, side="right") - 1
    age = np.where(last >= 0, at - times[np.maximum(last, 0)], np.inf)
    return last, age


def held(
    times: Float[np.ndarray, "frames"], axis: Axis
) -> tuple[Int[np.ndarray, "rows"], Bool[np.ndarray, "rows"]]:
    """Say which frame each row takes its value from.

    Args:
        times: Times of the frames that carry the signal, sorted [s].
        axis: The rows.

    Returns:
        Index of the frame, and whether it is young enough to be used.

    >>> rows = Axis(np.array([1.0, 2.0, 9.0]), 1.0)
    >>> [part.tolist() for part in held(np.array([0.5, 1.5, 2.5]), rows)]
    [[0, 1, 2], [True, True, False]]
    """
    period = period_of(times)
    own = HOLD_PERIODS * period if np.isfinite(period) else HOLD_ONCE_SECOND
    longest = max(own, HOLD_PERIODS * axis.period_second)
    last, age = _age(times, axis.second)
    return np.maximum(last, 0), np.asarray(age <= longest) & (last >= 0)

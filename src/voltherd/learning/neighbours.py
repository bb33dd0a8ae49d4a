"""Small deviations that neighbouring cells share: found before any one of them stands out.

Cells beside one another share cooling, a busbar, a board.  A deviation that grows in a few of them
at once is lost in the noise of each, but their sum grows with their number and the noise only with
its root.  Every window of two to eight neighbours in string order, within a module, is summed up::

    s(w) = Σ z_i / √|w|        z_i: change of a cell against its own first days, over its noise

and the largest of all is set against what chance makes of the largest: the same cells with their
places drawn anew, which keeps each cell's noise and breaks only neighbourhood.  Single cells are
windows of one, so the test per cell is the same with one length.

Source: scan statistics, Kulldorff, Communications in Statistics 26 (1997) 1481; autocorrelation in
space: Moran, Biometrika 37 (1950) 17; permutation: Good, Permutation Tests (1994).
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Float

from voltherd.numerics.robust import median

LENGTHS: Final = (2, 3, 4, 5, 6, 7, 8)
GAUSSIAN: Final = 1.4826
NOISE_VOLT_MIN: Final = 2e-4
PerCell = Float[np.ndarray, "cells"]
Daily = Float[np.ndarray, "days cells"]


class Shared(NamedTuple):
    """The window of neighbours that stands out most.

    Attributes:
        statistic: Its sum, in deviations.
        first: Its first cell, counted from 0.
        stop: The cell after its last.
    """

    statistic: float
    first: int
    stop: int


def standard_changes(daily: Float[np.ndarray, "all_days cells"], first_days: int) -> Daily:
    """Give each cell's change against its own first days, over the noise of those days.

    Args:
        daily: Mean deviation of each cell from the pack's median on each day [V].
        first_days: How many are taken for healthy, at least three.

    Returns:
        Changes in deviations, smoothed exponentially over about three days, for the later days.
    """
    assert 3 <= first_days < len(daily)
    relative = daily - median(daily, axis=1)[:, None]
    start = relative[:first_days]
    centre = median(start, axis=0)
    # All cells together tell the noise: three days of one cell do not.
    noise = max(GAUSSIAN * float(np.median(np.abs(start - centre))), NOISE_VOLT_MIN)
    smooth, told = np.zeros(daily.shape[1]), []
    # An average with weight a has a variance of a / (2 - a), and the centre's own is added.
    weight = 0.5
    scale = noise * np.sqrt(weight / (2.0 - weight) + 0.5 * np.pi / first_days)
    for row in relative[first_days:] - centre:
        smooth = (1.0 - weight) * smooth + weight * row
        told.append(smooth / scale)
    return np.array(told)


def windows(modules: Sequence[int], lengths: Sequence[int]) -> tuple[tuple[int, int], ...]:
    """Give every window of neighbours of some lengths that lies within one module.

    Args:
        modules: How many cells each module has, in string order.
        lengths: Of windows, in cells.

    >>> windows((3, 2), (2,))
    ((0, 2), (1, 3), (3, 5))
    """
    ends = np.cumsum([0, *modules]).tolist()
    return tuple(
        (first, first + length)
        for begin, end in pairwise(ends)
        for length in lengths
        for first in range(begin, end - length + 1)
    )


def most_shared(z: PerCell, among: Sequence[tuple[int, int]]) -> Shared:
    """Give the window whose cells deviate together most, up or down."""
    total = np.concatenate([[0.0], np.cumsum(z)])
    first, stop = np.array(among).T
    score = np.abs(total[stop] - total[first]) / np.sqrt(stop - first)
    best = int(np.argmax(score))
    return Shared(float(score[best]), int(first[best]), int(stop[best]))


def chance_limit(
    healthy: Daily,
    among: Sequence[tuple[int, int]],
    rate: float,
    chance: np.random.Generator,
    rounds: int = 2000,
) -> float:
    """Give what the largest window exceeds at a rate where cells are not neighbours.

    Args:
        healthy: Changes of healthy cells, a row per vehicle and day.
        among: Windows looked at.
        rate: Share of days that may exceed it by chance.
        chance: Draws places anew.
        rounds: How often.
    """
    rows = chance.integers(0, len(healthy), rounds)
    largest = [most_shared(chance.permutation(healthy[row]), among).statistic for row in rows]
    return float(np.quantile(largest, 1.0 - rate))


def moran(z: PerCell, modules: Sequence[int]) -> float:
    """Give Moran's I of cells and their next neighbours: near 0 by chance, towards 1 if shared.

    >>> round(moran(np.array([1.0, 1.0, 1.0, -1.0, -1.0, -1.0]), (6,)), 2)
    0.6
    """
    first = np.array([one for one, _ in windows(modules, (2,))])
    centred = z - z.mean()
    square = float((centred**2).mean())
    return float((centred[first] * centred[first + 1]).mean() / max(square, 1e-300))


def first_day_over(
    changes: Daily, among: Sequence[tuple[int, int]], limit: float, days: int = 2
) -> int | None:
    """Give the day, counted from 0, on which the largest window has been over for so many days."""
    run = 0
    for day, z in enumerate(changes):
        run = run + 1 if most_shared(z, among).statistic > limit else 0
        if run >= days:
            return day
    return None

"""How each cell's voltage follows the current: its resistance beyond the median cell's.

Three memories of different length: what holds now, what was lately, and all that came before.
"""

from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Float

from voltherd.detection.windows import Windows
from voltherd.numerics.robust import median

AMPERE2_MIN: Final = 1e4
"""Excitation below which a cell's resistance is read as none [A²]."""
NEIGHBOURS: Final = 3
"""On each side along the string."""
_AROUND: Final = np.arange(-NEIGHBOURS, NEIGHBOURS + 1)


class Follow(NamedTuple):
    """Forgetting sums behind the slopes on current.

    Attributes:
        ampere2: Squared current swing [A²].
        cell_ampere2: The same over what each cell was measured in [A²].
        watt: Current swing times each cell's deviation [W].
        pack_watt: The same for the median cell's own voltage [W].
    """

    ampere2: float
    cell_ampere2: Float[np.ndarray, " c"]
    watt: Float[np.ndarray, " c"]
    pack_watt: float


def init(cells: int) -> Follow:
    """Have seen no current yet."""
    return Follow(0.0, np.zeros(cells), np.zeros(cells), 0.0)


def seen_in(windows: Windows) -> Follow:
    """Give what the windows of a period add."""
    return Follow(
        float(windows.follow_ampere2.sum()),
        windows.follow_cell_ampere2.sum(axis=0),
        windows.follow_watt.sum(axis=0),
        float(windows.follow_pack_watt.sum()),
    )


def faded(follow: Follow, keep: float, fresh: Follow) -> Follow:
    """Forget a little and add what is fresh."""
    return Follow(
        keep * follow.ampere2 + fresh.ampere2,
        keep * follow.cell_ampere2 + fresh.cell_ampere2,
        keep * follow.watt + fresh.watt,
        keep * follow.pack_watt + fresh.pack_watt,
    )


def without(long: Follow, short: Follow) -> Follow:
    """Give a long memory without what a shorter one of the same course remembers."""
    return Follow(
        long.ampere2 - short.ampere2,
        long.cell_ampere2 - short.cell_ampere2,
        long.watt - short.watt,
        long.pack_watt - short.pack_watt,
    )


def added_ohm(follow: Follow) -> Float[np.ndarray, " c"]:
    """Give each cell's resistance beyond the median cell's [Ω]."""
    return np.asarray(follow.watt / np.maximum(follow.cell_ampere2, AMPERE2_MIN))


def beyond_neighbours(values: Float[np.ndarray, " c"]) -> Float[np.ndarray, " c"]:
    """Give what each cell has beyond the median of those next to it in the string.

    Cells that one measuring board reads share its delay against the current, which looks like
    resistance; it changes along the string in steps, and drops out between neighbours.

    >>> beyond_neighbours(np.array([1.0, 1.0, 1.0, 5.0, 9.0, 9.0, 9.0]))[[0, 3, 6]]
    array([0., 0., 0.])
    """
    last = len(values) - 1
    place = np.abs(np.arange(last + 1)[:, None] + _AROUND)  # mirrored at the string's ends
    return np.asarray(values - median(values[last - np.abs(last - place)], axis=1))

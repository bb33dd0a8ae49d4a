"""A pack is what its weakest cell lets it be: the same current empties and fills them all.

Discharging ends when the emptiest cell is empty, charging when the fullest is full.  With equal
capacities the share of the usable charge that is left is ``low / (1 + low - high)``; what balance
costs is the rest.
"""

from dataclasses import dataclass
from typing import final

import numpy as np

from voltherd.types.estimate import Estimate


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class PackSoc:
    """State of charge of a string of cells.

    Attributes:
        value: Share of the usable charge that is left, 0…1.
        sigma: Standard uncertainty of the limiting cell's SOC, carried over.
        lowest_cell: The cell, from 1, that ends a discharge first.
        highest_cell: The cell, from 1, that ends a charge first.
        lowest_soc: Its state of charge.
        highest_soc: Its state of charge.
        usable: Share of one cell's capacity that the string can move between its two limits.
        named: Whether the lowest cell stands apart from the next by more than both are unsure.
    """

    value: float
    sigma: float
    lowest_cell: int
    highest_cell: int
    lowest_soc: float
    highest_soc: float
    usable: float
    named: bool


def pack_soc(estimate: Estimate) -> PackSoc:
    """Find the limiting cells and what they leave of the pack.

    Args:
        estimate: State of charge of the cells in series, in string order; at least one.

    Returns:
        The pack's state of charge.  Cells of unequal capacity shift the upper limit; that needs
        capacities, which this does not know.
    """
    soc, sigma = estimate.value.ravel(), estimate.sigma.ravel()
    low, high = int(np.argmin(soc)), int(np.argmax(soc))
    usable = 1.0 + float(soc[low]) - float(soc[high])
    # All on one curve: errors of the curve are common and do not change who is lowest.
    others = np.delete(np.arange(len(soc)), low)
    next_low = int(others[np.argmin(soc[others])]) if len(others) else low
    apart = float(soc[next_low] - soc[low])
    between = sigma if estimate.apart_sigma is None else estimate.apart_sigma.ravel()
    doubt = float(np.hypot(between[low], between[next_low]))
    return PackSoc(
        value=float(soc[low]) / usable if usable > 0.0 else 0.0,
        sigma=float(sigma[low]),
        lowest_cell=low + 1,
        highest_cell=high + 1,
        lowest_soc=float(soc[low]),
        highest_soc=float(soc[high]),
        usable=usable,
        named=apart > doubt,
    )

"""Ant colony optimisation: each of many things gets one of several options, all decided together.

Every ant chooses for all; options that look good and were chosen by good ants are chosen more
often.  The best ant of a round and the best of all mark their choices, what is not marked again
fades.

Source: Dorigo, Maniezzo, Colorni, IEEE Trans. Systems, Man, and Cybernetics B 26 (1996) 29; bounds
on the marks: Stützle and Hoos, Future Generation Computer Systems 16 (2000) 889.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
from jaxtyping import Bool, Float, Int

Choice = Int[np.ndarray, " things"]
ANTS: Final = 20
ROUNDS: Final = 60
EVAPORATION: Final = 0.1
MARK_MIN: Final = 0.01
"""Of the most there can be: nothing is ruled out for good."""
SIGHT: Final = 2.0
"""Power of how good an option looks by itself."""


def chosen(
    cost: Callable[[Choice], float],
    looks: Float[np.ndarray, "things options"],
    allowed: Bool[np.ndarray, "things options"],
    chance: np.random.Generator,
) -> tuple[Choice, float]:
    """Choose an option for each thing, so that all together cost little.

    Args:
        cost: Of a choice.
        looks: How good each option looks by itself, positive.
        allowed: Which options each has; at least one.
        chance: Draws the ants' choices.

    Returns:
        The best choice that was met, and its cost.
    """
    things = np.arange(len(looks))
    mark = np.ones(looks.shape)
    best, least = allowed.argmax(axis=1), np.inf
    for _ in range(ROUNDS):
        weight = np.where(allowed, mark * looks**SIGHT, 0.0).cumsum(axis=1)
        drawn = (1.0 - chance.random((ANTS, len(looks)))) * weight[:, -1]
        ants = [(weight < one[:, None]).sum(axis=1) for one in drawn]
        costs = [cost(ant) for ant in ants]
        leader = int(np.argmin(costs))
        if costs[leader] < least:
            best, least = ants[leader], costs[leader]
        mark = np.maximum((1.0 - EVAPORATION) * mark, MARK_MIN)
        mark[things, ants[leader]] += 0.5 * EVAPORATION
        mark[things, best] += 0.5 * EVAPORATION
    return best, least

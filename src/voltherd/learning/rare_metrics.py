"""What a detector is worth where one vehicle in two thousand is faulty.

Test sets hold many more faulty vehicles than fleets do.  Everything here weighs them back: with the
prior p of a fault, recall TPR and false alarm rate FPR, the precision is
p·TPR / (p·TPR + (1−p)·FPR) and the expected cost of a vehicle p·c_miss·(1−TPR) + (1−p)·c_visit·FPR.

Source: cost of fault detection in a fleet, Zhang et al., Nature Communications 14 (2023) 5940, with
p from 0.038 to 0.075 %; precision-recall against ROC, Saito and Rehmsmeier, PLoS ONE 10 (2015)
e0118432; bounds of a share: Clopper and Pearson, Biometrika 26 (1934) 404; intervals by drawing
vehicles anew: Efron, Annals of Statistics 7 (1979) 1.
"""

import math
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Float

PRIOR: Final = 6e-4
"""Faulty vehicles among all: the middle of 0.04 to 0.08 %."""
COST_RATIOS: Final = (100.0, 1_000.0, 10_000.0)
"""Cost of a missed fault over that of a visit."""
SHARE: Final = 0.9
Scores = Float[np.ndarray, "vehicles"]
Healthy = Float[np.ndarray, "healthy"]
Faulty = Float[np.ndarray, "faulty"]


class Roc(NamedTuple):
    """Rates at every threshold from the highest score down, nothing flagged first.

    Attributes:
        false: Share of healthy vehicles flagged.
        found: Share of faulty vehicles flagged.
    """

    false: Float[np.ndarray, "thresholds"]
    found: Float[np.ndarray, "thresholds"]


class LeastCost(NamedTuple):
    """The best threshold for a ratio of costs.

    Attributes:
        ratio: Cost of a miss over that of a visit.
        cost: Expected cost per vehicle, in visits.
        untold: The same without a detector: the cheaper of visiting nobody and everybody.
        found: Recall at that threshold.
        false: False alarm rate at that threshold.
    """

    ratio: float
    cost: float
    untold: float
    found: float
    false: float


class Interval(NamedTuple):
    """A number and where nine of ten repeats of the experiment would put it."""

    value: float
    low: float
    high: float


def auroc(healthy: Healthy, faulty: Faulty) -> float:
    """Give the chance that a faulty vehicle scores above a healthy one; ties count half.

    >>> auroc(np.array([1.0, 2.0]), np.array([2.0, 3.0]))
    0.875
    """
    order = np.sort(healthy)
    below = np.searchsorted(order, faulty, side="left")
    same = np.searchsorted(order, faulty, side="right") - below
    return float((below + 0.5 * same).mean() / len(healthy))


def roc(healthy: Healthy, faulty: Faulty) -> Roc:
    """Give both rates at every threshold; equal scores are flagged together."""
    steps = np.unique(np.concatenate([healthy, faulty]))[::-1]

    def flagged(scores: Scores) -> Float[np.ndarray, "thresholds"]:
        order = np.sort(scores)
        return (len(order) - np.searchsorted(order, steps, side="left")) / len(order)

    return Roc(np.concatenate([[0.0], flagged(healthy)]), np.concatenate([[0.0], flagged(faulty)]))


def average_precision(healthy: Healthy, faulty: Faulty, prior: float = PRIOR) -> float:
    """Give the area under precision over recall at the prior, stepwise, as a random ranking has p.

    Where no healthy vehicle scores as high, the precision is only known to be high: it counts 1.
    """
    false, found = roc(healthy, faulty)
    flagged = prior * found + (1.0 - prior) * false
    precision = prior * found[1:] / np.maximum(flagged[1:], 1e-300)
    return float((np.diff(found) * precision).sum())


def recall_among(healthy: Healthy, faulty: Faulty, share: float, prior: float = PRIOR) -> float:
    """Give the recall where the highest share of a whole fleet is looked at; between ties evenly.

    The precision there is ``prior * recall / share``.
    """
    false, found = roc(healthy, faulty)
    return float(np.interp(share, prior * found + (1.0 - prior) * false, found))


def least_cost(healthy: Healthy, faulty: Faulty, ratio: float, prior: float = PRIOR) -> LeastCost:
    """Give the threshold of least expected cost; chosen on these vehicles, so it flatters a bit."""
    false, found = roc(healthy, faulty)
    cost = prior * ratio * (1.0 - found) + (1.0 - prior) * false
    best = int(np.argmin(cost))
    untold = min(prior * ratio, 1.0 - prior)
    return LeastCost(ratio, float(cost[best]), untold, float(found[best]), float(false[best]))


def share_upper(count: int, of: int, confidence: float = 0.95) -> float:
    """Give the upper bound of a share of which ``count`` in ``of`` were seen, by bisection.

    >>> round(share_upper(0, 100), 4), round(share_upper(3, 100), 4)
    (0.0295, 0.0757)
    """
    if count >= of:
        return 1.0
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = 0.5 * (low + high)
        logs = [
            math.lgamma(of + 1) - math.lgamma(k + 1) - math.lgamma(of - k + 1)
            + k * math.log(middle) + (of - k) * math.log1p(-middle)
            for k in range(count + 1)
        ]  # fmt: skip
        at_most = sum(math.exp(one) for one in logs)
        low, high = (middle, high) if at_most > 1.0 - confidence else (low, middle)
    return 0.5 * (low + high)


def by_vehicle(
    measure: Callable[[Healthy, Faulty], float],
    healthy: Healthy,
    faulty: Faulty,
    chance: np.random.Generator,
    rounds: int = 400,
) -> Interval:
    """Give a measure with its interval: vehicles of both kinds are drawn anew, again and again."""
    told = [
        measure(chance.choice(healthy, len(healthy)), chance.choice(faulty, len(faulty)))
        for _ in range(rounds)
    ]
    low, high = np.quantile(told, [0.5 - 0.5 * SHARE, 0.5 + 0.5 * SHARE])
    return Interval(measure(healthy, faulty), float(low), float(high))


def lost_recall(
    before: Mapping[str, float], after: Mapping[str, float], points: float = 0.02
) -> tuple[str, ...]:
    """Name the classes of fault whose recall fell by more than so much; a class gone counts as 0.

    A retrained model that loses one is not to replace its predecessor.

    >>> lost_recall({"short": 0.9, "contact": 0.8}, {"short": 0.89, "contact": 0.7})
    ('contact',)
    """
    return tuple(
        name for name, recall in before.items() if recall - after.get(name, 0.0) > points + 1e-12
    )

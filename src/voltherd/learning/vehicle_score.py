"""From snippets to vehicles: one number each, in deviations of vehicles that trained the model."""

from dataclasses import dataclass
from typing import Final, final

import numpy as np
from jaxtyping import Float

TOP: Final = 0.2
"""Share of a vehicle's snippets that speak for it: one fault is in few charges, noise in one."""
GAUSSIAN: Final = 1.4826
PerSnippet = Float[np.ndarray, "snippets"]


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class VehicleScores:
    """A score per vehicle.

    Attributes:
        vehicle: Names in order.
        score: Theirs.
    """

    vehicle: np.ndarray
    score: Float[np.ndarray, "vehicles"]


def vehicle_scores(vehicle: np.ndarray, score: PerSnippet, top: float = TOP) -> VehicleScores:
    """Give each vehicle the mean of its highest scores.

    Source: the robust score of Zhang et al., Nature Communications 14 (2023) 5940.

    Args:
        vehicle: Name of the vehicle of each snippet.
        score: Of each snippet.
        top: Share of a vehicle's snippets that count, at least one.

    >>> names = np.array(["a", "a", "a", "b"])
    >>> vehicle_scores(names, np.array([1.0, 5.0, 2.0, 3.0]), top=0.5).score
    array([3.5, 3. ])
    """
    names, index = np.unique(vehicle, return_inverse=True)
    told = []
    for at in range(len(names)):
        own = np.sort(score[index == at])
        told.append(float(own[-int(np.ceil(top * len(own))) :].mean()))
    return VehicleScores(vehicle=names, score=np.array(told, dtype=np.float64))


def standardised(
    score: Float[np.ndarray, "vehicles"], training: Float[np.ndarray, "trained"]
) -> Float[np.ndarray, "vehicles"]:
    """Give scores in robust deviations of the training vehicles', so that folds can be joined."""
    middle = float(np.median(training))
    spread = GAUSSIAN * float(np.median(np.abs(training - middle)))
    return np.asarray((score - middle) / max(spread, 1e-9))

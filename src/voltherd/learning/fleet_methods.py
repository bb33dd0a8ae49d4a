"""The learned detectors of a fleet, one shape for all: fit on healthy charges, then score charges.

Normalisation is part of the fit: nothing of a vehicle that is judged enters it.
"""

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
from jaxtyping import Float

from voltherd.learning.anomaly_features import anomaly_features, sibling_z
from voltherd.learning.autoencoder_training import train_autoencoder
from voltherd.learning.ecod import ecod_score, fit_ecod
from voltherd.learning.isolation_forest import fit_isolation_forest, isolation_score
from voltherd.learning.snippet_autoencoder import judged
from voltherd.learning.snippets import Snippets
from voltherd.learning.vehicle_score import TOP, standardised, vehicle_scores

Progress = Callable[[str], None]
Score = Callable[[Snippets], Float[np.ndarray, "snippets"]]
FleetFit = Callable[[Snippets, np.random.Generator, Progress], Score]


def ecod(healthy: Snippets, chance: np.random.Generator, progress: Progress) -> Score:
    """Tails of physical features; no chance is needed."""
    table = anomaly_features(healthy)
    known = np.isfinite(table).all(axis=0)
    model = fit_ecod(table[:, known])
    return lambda asked: ecod_score(model, anomaly_features(asked)[:, known])


def isolation_forest(healthy: Snippets, chance: np.random.Generator, progress: Progress) -> Score:
    """Random cuts of physical features.

    Raises:
        UsageError: scikit-learn is not installed.
    """
    table = anomaly_features(healthy)
    known = np.isfinite(table).all(axis=0)
    model = fit_isolation_forest(table[:, known], int(chance.integers(2**31)))
    return lambda asked: isolation_score(model, anomaly_features(asked)[:, known])


def autoencoder(healthy: Snippets, chance: np.random.Generator, progress: Progress) -> Score:
    """What a network cannot rebuild, and how unusual what it makes of a charge is.

    Raises:
        UsageError: JAX is not installed.
        InputError: There are too few vehicles.
    """
    model = train_autoencoder(healthy, chance, progress)
    return lambda asked: judged(model, asked.values).score


def siblings(healthy: Snippets, chance: np.random.Generator, progress: Progress) -> Score:
    """The plain rival, which learns nothing."""
    return sibling_z


METHODS: Final[Mapping[str, FleetFit]] = {
    "sibling z-score": siblings,
    "ECOD": ecod,
    "isolation forest": isolation_forest,
    "autoencoder": autoencoder,
}


def judge_vehicles(
    score: Score, healthy: Snippets, asked: Snippets, top: float = TOP
) -> Mapping[str, float]:
    """Give each asked vehicle its score, in deviations of the vehicles that trained.

    Args:
        score: A fitted method.
        healthy: The charges it was fitted to.
        asked: Charges of other vehicles.
        top: Share of a vehicle's charges that speak for it.
    """
    known = vehicle_scores(healthy.vehicle, score(healthy), top).score
    told = vehicle_scores(asked.vehicle, score(asked), top)
    return dict(zip(told.vehicle.tolist(), standardised(told.score, known).tolist(), strict=True))

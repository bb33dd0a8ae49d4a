"""Who takes part in the table of estimators of charge, beside those that every run has."""

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from voltherd.estimation.cell_sample import SensorError
from voltherd.estimation.identify import Drive
from voltherd.estimation.soc_adaptive import SocAdaptive
from voltherd.estimation.soc_cloud_corrected import SocCloudCorrected
from voltherd.estimation.soc_fused import SocFused
from voltherd.estimation.soc_gru import STRIDE_SECOND, GruWeights, SocGru
from voltherd.estimation.soc_hinf import SocHinf
from voltherd.estimation.soc_models import Regressor
from voltherd.estimation.soc_particle import SocParticle
from voltherd.estimation.soc_regression import SocRegression
from voltherd.estimation.soc_sliding import SocSliding
from voltherd.estimation.soc_ukf import SocUkf
from voltherd.numerics.cell_map import CellMap
from voltherd.units import SECOND_PER_HOUR

LEARNED: Final = ("soc_ridge", "soc_fuzzy", "soc_svr", "soc_gru", "soc_fused")
"""Those that have to be trained."""
SEED: Final = 0
CORRECTED_SECOND: Final = 1800.0
"""From one correction by the cloud to the next, in records of a few hours."""


class Trained(NamedTuple):
    """What was learned from the drives that a cell was identified from.

    Attributes:
        regressions: Ridge, fuzzy rules, support vectors.
        network: The recurrent network.
    """

    regressions: tuple[Regressor, ...]
    network: GruWeights


def league(cell: CellMap, sensors: SensorError, trained: Trained | None) -> dict[str, Any]:
    """Make every estimator that takes part.

    Args:
        cell: As identified.
        sensors: Declared sensor errors.
        trained: What learned estimators apply; without it they do not take part.
    """
    sigma_points = SocUkf(cell=cell, sensors=sensors)
    made: list[Any] = [
        sigma_points,
        SocHinf(cell=cell, sensors=sensors),
        SocParticle(cell=cell, sensors=sensors),
        SocSliding(cell=cell, sensors=sensors),
        SocAdaptive(cell=cell, sensors=sensors),
        SocCloudCorrected(
            cell=cell, cloud=sigma_points, sensors=sensors, every_second=CORRECTED_SECOND
        ),
    ]
    if trained:
        made += [
            SocRegression(cell=cell, model=model, sensors=sensors) for model in trained.regressions
        ]
        made.append(SocGru(cell=cell, weights=trained.network, sensors=sensors))
        made.append(SocFused(cell=cell, weights=trained.network, sensors=sensors))
    return {one.method: one for one in made}


def learned(cell: CellMap, drives: Sequence[Drive], progress: Callable[[str], None]) -> Trained:
    """Train everything that learns, on the drives that the cell was identified from.

    Args:
        cell: Gives the capacity.
        drives: Recorded once a second.
        progress: Told where it stands.

    Raises:
        UsageError: The extra ``learn`` is not installed.
    """
    from voltherd.learning.gru_training import trained_gru
    from voltherd.learning.soc_features import lessons
    from voltherd.learning.soc_training import fuzzy_rules, ridge, support_vectors, trained

    taught = lessons(cell, drives, int(STRIDE_SECOND))
    regressions = []
    for fit in (ridge, fuzzy_rules, support_vectors):
        progress(f"training of {fit.__name__}")
        regressions.append(trained(fit, taught))
    chance = np.random.default_rng(SEED)
    hours = STRIDE_SECOND / SECOND_PER_HOUR
    return Trained(tuple(regressions), trained_gru(taught, chance, hours, progress))


def numbers_of(state: Any) -> int:  # noqa: ANN401
    """Count the numbers that an estimator's state of one cell holds."""
    return sum(np.size(part) for part in state) if isinstance(state, tuple) else 0

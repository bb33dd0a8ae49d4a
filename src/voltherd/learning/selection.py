"""Which features a model keeps: three rounds, the last of which asks how noise gets through.

1. Of features that say the same (correlation above a bound), the one nearest to the target stays.
2. Of these, the forest's importance keeps those that matter at all.
3. Of these, the ones through which sensor noise moves the prediction most are dropped as long as
   the error on cells that were not seen hardly grows.  The noise-sensitivity degree of a feature is
   the mean change of the prediction when noise of its sensor is added to it alone.

Source: three-round selection with noise sensitivity and random forest as reviewed in "Battery
management in the cloud" surveys of edge-cloud health estimation; importance after Breiman, Machine
Learning 45 (2001) 5.
"""

from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from voltherd.learning.extra import need_learn
from voltherd.learning.folds import Column, Names, Table, unseen
from voltherd.learning.regressors import SEED, TREES, forest

CORRELATION_MAX: Final = 0.97
IMPORTANCE_MIN: Final = 0.01
WORSE_MAX: Final = 1.1
"""Error on unseen cells may grow so much by what the third round drops."""
FOLDS: Final = 4
Columns = Int[np.ndarray, "kept"]


class Selection(NamedTuple):
    """Columns left after each round.

    Attributes:
        different: After the correlation filter.
        important: After importance.
        steady: After noise sensitivity; these are used.
    """

    different: Columns
    important: Columns
    steady: Columns


def select(
    features: Table,
    target: Column,
    cells: Names,
    noise: Float[np.ndarray, "features"],
    rng: np.random.Generator,
) -> Selection:
    """Choose features in three rounds.

    Args:
        features: Of the cells to learn from.
        target: What is to be told.
        cells: Cell of each row.
        noise: Standard deviation that sensors put on each feature.
        rng: Where noise comes from.

    Raises:
        UsageError: scikit-learn is not installed.
    """
    different = _different(features, target)
    important = different[_importance(features[:, different], target) >= IMPORTANCE_MIN]
    return Selection(different, important, _steady(features, target, cells, noise, important, rng))


def noise_sensitivity(
    features: Table,
    target: Column,
    noise: Float[np.ndarray, "features"],
    rng: np.random.Generator,
) -> Float[np.ndarray, "features"]:
    """Give how far a forest's prediction moves when each feature alone gets its noise."""
    predict = forest()(features, target)
    still = predict(features)
    degree = np.empty(features.shape[1])
    for column in range(features.shape[1]):
        moved = features.copy()
        moved[:, column] += noise[column] * rng.normal(size=len(features))
        degree[column] = np.mean(np.abs(predict(moved) - still))
    return degree


def _different(features: Table, target: Column) -> Columns:
    # What never changes goes with nothing: NaN, which sorts last and is below no bound.
    with np.errstate(invalid="ignore"):
        together = np.abs(np.corrcoef(features, target, rowvar=False))
    nearest_first = np.argsort(-together[-1, :-1], kind="stable")
    kept: list[int] = []
    for column in nearest_first.tolist():
        if all(together[column, other] <= CORRELATION_MAX for other in kept):
            kept.append(column)
    return np.sort(np.array(kept, dtype=np.int64))


def _importance(features: Table, target: Column) -> Float[np.ndarray, "features"]:
    need_learn()
    from sklearn.ensemble import RandomForestRegressor

    model = RandomForestRegressor(TREES, min_samples_leaf=2, random_state=SEED, n_jobs=1)
    return np.asarray(model.fit(features, target).feature_importances_)


def _steady(
    features: Table,
    target: Column,
    cells: Names,
    noise: Float[np.ndarray, "features"],
    columns: Columns,
    rng: np.random.Generator,
) -> Columns:
    def error(kept: Columns) -> float:
        told = unseen(forest(), features[:, kept], target, cells, FOLDS)
        return float(np.mean(np.abs(told - target)))

    allowed = WORSE_MAX * error(columns)
    kept = columns
    degree = noise_sensitivity(features[:, columns], target, noise[columns], rng)
    for column in columns[np.argsort(-degree)].tolist():
        without = kept[kept != column]
        if len(without) and error(without) <= allowed:
            kept = without
    return kept

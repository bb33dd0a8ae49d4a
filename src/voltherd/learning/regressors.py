"""Regressions as functions: a fit takes features and target, and gives a prediction as a function.

scikit-learn does the work.  Chance is seeded, so the same rows give the same model.
"""

import warnings
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from voltherd.estimation.soh_pulse import level_scale, pulse_features
from voltherd.learning.extra import need_learn
from voltherd.learning.folds import Column, Fit, Predict, Table

TREES: Final = 200
SEED: Final = 0
_PENALTIES: Final = np.logspace(-3.0, 5.0, 17)


def _fitted(make: Callable[[], Any]) -> Fit:
    from sklearn.exceptions import ConvergenceWarning

    def fit(features: Table, target: Column) -> Predict:
        with warnings.catch_warnings():
            # The last digits of a kernel's length are of no matter to a prediction.
            warnings.simplefilter("ignore", ConvergenceWarning)
            model = make().fit(features, target)
        return lambda rows: np.asarray(model.predict(rows), dtype=np.float64)

    return fit


def robust_linear() -> Fit:
    """Linear, with Huber's loss: a few charges that began half full do not bend it.

    Raises:
        UsageError: scikit-learn is not installed.
    """
    need_learn()
    from sklearn.linear_model import HuberRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return _fitted(
        lambda: make_pipeline(StandardScaler(), HuberRegressor(max_iter=2000, alpha=1e-2))
    )


def least_squares() -> Fit:
    """Ordinary least squares, for comparison.

    Raises:
        UsageError: scikit-learn is not installed.
    """
    need_learn()
    from sklearn.linear_model import LinearRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return _fitted(lambda: make_pipeline(StandardScaler(), LinearRegression()))


def lasso() -> Fit:
    """Linear with few coefficients; the penalty by inner cross-validation.

    Source: Tibshirani, Journal of the Royal Statistical Society B 58 (1996) 267.

    Raises:
        UsageError: scikit-learn is not installed.
    """
    need_learn()
    from sklearn.linear_model import LassoCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return _fitted(
        lambda: make_pipeline(StandardScaler(), LassoCV(cv=5, max_iter=50_000, random_state=SEED))
    )


def trees(leaf: int = 4, share: float = 0.7) -> Fit:
    """Extremely randomised trees.

    Source: Geurts et al., Machine Learning 63 (2006) 3.

    Raises:
        UsageError: scikit-learn is not installed.
    """
    need_learn()
    from sklearn.ensemble import ExtraTreesRegressor

    return _fitted(
        lambda: ExtraTreesRegressor(
            TREES, min_samples_leaf=leaf, max_features=share, random_state=SEED, n_jobs=1
        )
    )


def forest() -> Fit:
    """Random forest.

    Source: Breiman, Machine Learning 45 (2001) 5.

    Raises:
        UsageError: scikit-learn is not installed.
    """
    need_learn()
    from sklearn.ensemble import RandomForestRegressor

    return _fitted(
        lambda: RandomForestRegressor(TREES, min_samples_leaf=2, random_state=SEED, n_jobs=1)
    )


def beyond(column: int, fit: Fit) -> Fit:
    """Learn only what a feature leaves: trees cannot follow a straight line past what they saw."""

    def fit_rest(features: Table, target: Column) -> Predict:
        rest = fit(features, target - features[:, column])
        return lambda rows: rows[:, column] + rest(rows)

    return fit_rest


def quadratic() -> Fit:
    """Ridge regression on all products of two features.

    Raises:
        UsageError: scikit-learn is not installed.
    """
    need_learn()
    from sklearn.linear_model import RidgeCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import PolynomialFeatures, StandardScaler

    return _fitted(
        lambda: make_pipeline(StandardScaler(), PolynomialFeatures(2), RidgeCV(_PENALTIES))
    )


def smooth() -> Fit:
    """Gaussian process with one length for all scaled features, and noise.

    The least length keeps it from explaining everything by noise around islands.

    Source: Rasmussen and Williams, Gaussian Processes for Machine Learning (2006).

    Raises:
        UsageError: scikit-learn is not installed.
    """
    need_learn()
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    kernel = ConstantKernel(100.0, (1e-2, 1e6)) * Matern(20.0, (1.0, 1e3), nu=2.5)
    kernel += WhiteKernel(1e-2, (1e-6, 1.0))
    return _fitted(
        lambda: make_pipeline(
            StandardScaler(), GaussianProcessRegressor(kernel, normalize_y=True, random_state=SEED)
        )
    )


def parabolas(levels: Sequence[float]) -> Fit:
    """Ridge regression of a pulse response whose coefficients are parabolas over charge.

    Args:
        levels: States of charge at which the response is scaled; the first feature is the charge.

    Raises:
        UsageError: scikit-learn is not installed.
    """
    need_learn()
    from sklearn.linear_model import RidgeCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    nodes = np.array(levels)

    def fit(features: Table, target: Column) -> Predict:
        scale = level_scale(features[:, 1:], features[:, 0], nodes)
        made = pulse_features(features[:, 1:], features[:, 0], nodes, *scale)
        model = make_pipeline(StandardScaler(), RidgeCV(_PENALTIES)).fit(made, target)
        return lambda rows: np.asarray(
            model.predict(pulse_features(rows[:, 1:], rows[:, 0], nodes, *scale))
        )

    return fit


def blend(*fits: Fit) -> Fit:
    """Give the mean of several."""

    def fit_all(features: Table, target: Column) -> Predict:
        models = [fit(features, target) for fit in fits]
        return lambda rows: np.asarray(np.mean([model(rows) for model in models], axis=0))

    return fit_all


def constant() -> Fit:
    """Say the mean of what was seen, whatever is asked."""
    return lambda _, target: lambda rows: np.full(len(rows), float(np.mean(target)))

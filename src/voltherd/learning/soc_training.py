"""Training of the regressions from features to charge.

Each is fitted to all drives; how far it is off is asked of halves that were not fitted, drive by
drive, never row by row.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from jaxtyping import Bool, Float

from voltherd.errors import UsageError
from voltherd.estimation.soc_models import (
    FuzzyRules,
    Regressor,
    Ridge,
    Scale,
    SupportVectors,
    memberships,
    products,
)
from voltherd.learning.soc_features import STARTS, Lesson

RIDGE: Final = 1e-3
"""Penalty on weights, per row."""
RULES: Final = 12
VECTOR_ROWS: Final = 3000
"""Rows that support vectors are looked for among; the search grows with their square."""
_ROUNDS: Final = 20
Matrix = Float[np.ndarray, "rows features"]
Soc = Float[np.ndarray, "rows"]
Fit = Callable[[Scale, Matrix, Soc], Regressor]


def trained(
    fit: Fit, lessons: Sequence[Lesson], inputs: Bool[np.ndarray, "features"] | None = None
) -> Regressor:
    """Fit a regression, and say how far it is off on drives it was not fitted to.

    Args:
        fit: One of :func:`ridge`, :func:`support_vectors` and :func:`fuzzy_rules`.
        lessons: All starts of a drive, then the next drive's.
        inputs: Features that it may see; all where not given.
    """
    drive = np.arange(len(lessons)) // len(STARTS)
    square = []
    for held in (0, 1):
        part = _fitted(
            fit, [one for one, d in zip(lessons, drive, strict=True) if d % 2 != held], inputs
        )
        for one, at in zip(lessons, drive, strict=True):
            if at % 2 == held:
                square.append((np.clip(part.predict(one.features), 0.0, 1.0) - one.soc) ** 2)
    whole = _fitted(fit, lessons, inputs)
    residual = float(np.sqrt(np.mean(np.concatenate(square))))
    return replace(whole, residual=residual)  # type: ignore[type-var]


def _fitted(
    fit: Fit, lessons: Sequence[Lesson], inputs: Bool[np.ndarray, "features"] | None
) -> Regressor:
    features = np.concatenate([one.features for one in lessons])
    return fit(scale_of(features, inputs), features, np.concatenate([one.soc for one in lessons]))


def scale_of(features: Matrix, inputs: Bool[np.ndarray, "features"] | None = None) -> Scale:
    """Measure mean and deviation; a feature that is not to be seen deviates without end."""
    deviation = np.maximum(features.std(axis=0), 1e-9)
    if inputs is not None:
        deviation = np.where(inputs, deviation, np.inf)
    return Scale(mean=features.mean(axis=0), deviation=deviation)


def ridge(scale: Scale, features: Matrix, soc: Soc) -> Ridge:
    """Fit a ridge regression on products of two features."""
    weight = _least_squares(products(scale(features)), soc)
    return Ridge(scale=scale, weight=weight, residual=1.0)


def fuzzy_rules(scale: Scale, features: Matrix, soc: Soc) -> FuzzyRules:
    """Place rules at the centres of clusters, then fit all consequents at once."""
    seen = scale(features)
    few = seen[:: max(1, len(seen) // 5000)]
    order = np.argsort(few @ np.ones(few.shape[1]), kind="stable")
    centres = few[order[np.linspace(0, len(few) - 1, RULES).astype(int)]]
    for _ in range(_ROUNDS):
        nearest = ((few[:, None, :] - centres) ** 2).sum(axis=2).argmin(axis=1)
        full = [rule for rule in range(len(centres)) if (nearest == rule).any()]
        centres = np.array([few[nearest == rule].mean(axis=0) for rule in full])
    apart = np.sqrt(((few[:, None, :] - centres) ** 2).sum(axis=2).min(axis=1).mean())
    width = float(max(apart, 1e-3))
    share = memberships(seen, centres, width)
    terms = np.concatenate([seen, np.ones((len(seen), 1))], axis=1)
    design = (share[:, :, None] * terms[:, None, :]).reshape(len(seen), -1)
    weight = _least_squares(design, soc).reshape(len(centres), -1)
    return FuzzyRules(scale=scale, centres=centres, width=width, weight=weight, residual=1.0)


def support_vectors(scale: Scale, features: Matrix, soc: Soc) -> SupportVectors:
    """Find support vectors.

    Raises:
        UsageError: scikit-learn is not installed.
    """
    try:
        from sklearn.svm import SVR
    except ImportError as error:
        raise UsageError(
            "support vectors need scikit-learn", mend="pip install 'voltherd[learn]'"
        ) from error
    few = slice(None, None, max(1, len(soc) // VECTOR_ROWS))
    gamma = 0.5 / features.shape[1]
    machine = SVR(C=1.0, epsilon=0.015, gamma=gamma).fit(scale(features)[few], soc[few])
    return SupportVectors(
        scale=scale,
        vectors=np.asarray(machine.support_vectors_, dtype=np.float64),
        weight=np.asarray(machine.dual_coef_[0], dtype=np.float64),
        bias=float(machine.intercept_[0]),
        gamma=gamma,
        residual=1.0,
    )


def _least_squares(design: Float[np.ndarray, "rows terms"], soc: Soc) -> Float[np.ndarray, "terms"]:
    gram = design.T @ design + RIDGE * len(soc) * np.eye(design.shape[1])
    return np.asarray(np.linalg.solve(gram, design.T @ soc))

"""Three regressions from features to charge, trained elsewhere; here are their values.

* Ridge regression on all products of two features: Hoerl and Kennard, Technometrics 12 (1970) 55.
* Support vectors with a radial kernel: Drucker et al., NIPS 9 (1997) 155.
* Fuzzy rules with linear consequents: Takagi and Sugeno, IEEE Trans. SMC 15 (1985) 116.

All see features less their mean over their deviation, both of the training drives.
"""

from dataclasses import dataclass
from typing import Protocol, final, runtime_checkable

import numpy as np
from jaxtyping import Float

Features = Float[np.ndarray, "*cells features"]
Soc = Float[np.ndarray, "*cells"]


@runtime_checkable
class Regressor(Protocol):
    """A trained regression."""

    @property
    def method(self) -> str:
        """Its name, as in the benchmark."""

    @property
    def residual(self) -> float:
        """Root mean square of its error on drives it was not fitted to."""

    def predict(self, features: Features) -> Soc:
        """Give the state of charge."""


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scale:
    """How features are brought to one size.

    Attributes:
        mean: Of the training drives.
        deviation: Of the training drives; infinite for a feature that is not to be seen.
    """

    mean: Float[np.ndarray, "features"]
    deviation: Float[np.ndarray, "features"]

    def __call__(self, features: Features) -> Features:
        """Scale, and keep what lies far beyond the training within reach of it."""
        return np.asarray(np.clip((features - self.mean) / self.deviation, -4.0, 4.0))


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ridge:
    """Linear in the features and in their products.

    Attributes:
        scale: Of the features.
        weight: Of every term of :func:`products`.
        residual: See :class:`Regressor`.
        method: Its name.
    """

    scale: Scale
    weight: Float[np.ndarray, "terms"]
    residual: float
    method: str = "soc_ridge"

    def predict(self, features: Features) -> Soc:
        """Give the state of charge."""
        return np.asarray((products(self.scale(features)) * self.weight).sum(axis=-1))


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SupportVectors:
    """A weighted sum of closeness to some samples of the training.

    Attributes:
        scale: Of the features.
        vectors: Those samples, scaled.
        weight: Of each.
        bias: What is added.
        gamma: Closeness is exp(-gamma d²).
        residual: See :class:`Regressor`.
        method: Its name.
    """

    scale: Scale
    vectors: Float[np.ndarray, "vectors features"]
    weight: Float[np.ndarray, "vectors"]
    bias: float
    gamma: float
    residual: float
    method: str = "soc_svr"

    def predict(self, features: Features) -> Soc:
        """Give the state of charge."""
        apart = self.scale(features)[..., None, :] - self.vectors
        close = np.exp(-self.gamma * (apart**2).sum(axis=-1))
        return np.asarray((close * self.weight).sum(axis=-1) + self.bias)


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FuzzyRules:
    """If the sample is near this centre, the charge is that linear function of it.

    Attributes:
        scale: Of the features.
        centres: One per rule, scaled.
        width: Deviation of a membership, in scaled units.
        weight: Linear consequent of every rule, the constant last.
        residual: See :class:`Regressor`.
        method: Its name.
    """

    scale: Scale
    centres: Float[np.ndarray, "rules features"]
    width: float
    weight: Float[np.ndarray, "rules terms"]
    residual: float
    method: str = "soc_fuzzy"

    def predict(self, features: Features) -> Soc:
        """Give the state of charge."""
        seen = self.scale(features)
        share = memberships(seen, self.centres, self.width)
        told = (seen[..., None, :] * self.weight[:, :-1]).sum(axis=-1) + self.weight[:, -1]
        return np.asarray((share * told).sum(axis=-1))


def products(scaled: Features) -> Float[np.ndarray, "*cells terms"]:
    """Give one, the features, and all their products in pairs.

    >>> products(np.array([2.0, 3.0])).tolist()
    [1.0, 2.0, 3.0, 4.0, 6.0, 9.0]
    """
    row, column = np.triu_indices(scaled.shape[-1])
    one = np.ones_like(scaled[..., :1])
    return np.concatenate([one, scaled, scaled[..., row] * scaled[..., column]], axis=-1)


def memberships(
    scaled: Features, centres: Float[np.ndarray, "rules features"], width: float
) -> Float[np.ndarray, "*cells rules"]:
    """Give how far each rule holds; together they hold once."""
    apart = ((scaled[..., None, :] - centres) ** 2).sum(axis=-1)
    nearest = apart.min(axis=-1)[..., None]
    fire = np.exp((nearest - apart) / (2.0 * width**2))
    return np.asarray(fire / fire.sum(axis=-1)[..., None])

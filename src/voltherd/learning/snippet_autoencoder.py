"""A dynamic variational autoencoder of charges: what it cannot rebuild is unlike a healthy pack.

An encoder sees the whole snippet and sums it up in a few latent numbers; a decoder is told current
and charge at every step, and those numbers, and has to give voltages and temperatures.  So the
use of the vehicle is a question, not an anomaly, and the answer is the pack's.  Both are one layer
of gated units, written once and run by NumPy here and by JAX in training.

The network sees differences to the mean cell, not raw extremes, each over its deviation among the
training vehicles: a cell that is 20 mV off would vanish in the half volt of a charge.

Source: Zhang et al., Nature Communications 14 (2023) 5940 (DyAD); Kingma and Welling, ICLR (2014);
Cho et al., EMNLP (2014) 1724.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, final

import numpy as np
from jaxtyping import Float

from voltherd.errors import InputError
from voltherd.learning.snippets import SAMPLES, Values

STEPS: Final = 32
"""Of the network; four samples are averaged into one."""
TOLD: Final = ("current", "charge")
REBUILT: Final = (
    "mean cell voltage",
    "highest cell above mean",
    "lowest cell below mean",
    "highest temperature",
    "temperature spread",
    "distance of cells to the median",
)
HUBER: Final = 3.0
"""Deviations beyond which an error counts linearly: one wild sample is no wild charge."""
Array = Any
"""NumPy's, or JAX's while it traces."""
Steps = Float[np.ndarray, "snippets steps series"]


class Engine(NamedTuple):
    """What runs the network."""

    xp: Any
    scan: Callable[[Callable[[Array, Array], tuple[Array, Array]], Array, Array], Any]


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SnippetAutoencoder:
    """A trained network, arrays only: ``dataclasses.asdict`` gives what ``numpy.savez`` keeps.

    Attributes:
        mean: Of each series among training vehicles, those told first.
        deviation: Theirs.
        encode_inward: From series to gates of the encoder.
        encode_across: From its hidden values to gates.
        encode_bias: Theirs.
        latent: From hidden values to mean and log variance of the latent numbers.
        latent_bias: Theirs.
        open: From latent to the decoder's first hidden values.
        decode_inward: From what is told, and latent, to gates of the decoder.
        decode_across: From its hidden values to gates.
        decode_bias: Theirs.
        outward: From hidden values to what is rebuilt.
        outward_bias: Theirs.
        error_deviation: Root mean square error of each rebuilt series on healthy vehicles that
            were held back from training.
        latent_centre: Mean of their latent numbers.
        latent_whiten: Brings these to unit covariance.
        score_centre: Mean of log error and of log distance on them.
        score_deviation: Deviation of the same.
    """

    mean: Float[np.ndarray, "series"]
    deviation: Float[np.ndarray, "series"]
    encode_inward: Float[np.ndarray, "series gates"]
    encode_across: Float[np.ndarray, "units gates"]
    encode_bias: Float[np.ndarray, "gates"]
    latent: Float[np.ndarray, "units moments"]
    latent_bias: Float[np.ndarray, "moments"]
    open: Float[np.ndarray, "latent units"]
    decode_inward: Float[np.ndarray, "told gates"]
    decode_across: Float[np.ndarray, "units gates"]
    decode_bias: Float[np.ndarray, "gates"]
    outward: Float[np.ndarray, "units rebuilt"]
    outward_bias: Float[np.ndarray, "rebuilt"]
    error_deviation: Float[np.ndarray, "rebuilt"]
    latent_centre: Float[np.ndarray, "latent"]
    latent_whiten: Float[np.ndarray, "latent latent"]
    score_centre: Float[np.ndarray, "2"]
    score_deviation: Float[np.ndarray, "2"]


class Judged(NamedTuple):
    """What the network makes of snippets.

    Attributes:
        score: Standardised log reconstruction error plus standardised log latent distance.
        error: Mean Huber loss of all series, in squared deviations of healthy vehicles.
        distance: Mahalanobis distance of the latent numbers.
        share: Each rebuilt series' share of the error, in the order of ``REBUILT``.
    """

    score: Float[np.ndarray, "snippets"]
    error: Float[np.ndarray, "snippets"]
    distance: Float[np.ndarray, "snippets"]
    share: Float[np.ndarray, "snippets rebuilt"]


def series_of(values: Values) -> Steps:
    """Give what the network sees, unscaled: two series told, the others to rebuild.

    The distance of cells to the median is left out where it is not measured.
    """
    mean, current, soc, high, low, hot, cold, deviation = np.moveaxis(values, 2, 0)
    rows = [current, soc, mean, high - mean, mean - low, hot, hot - cold]
    if np.isfinite(deviation).all():
        rows.append(deviation)
    every = SAMPLES // STEPS
    return np.stack([row.reshape(len(row), STEPS, every).mean(axis=2) for row in rows], axis=2)


def scaled(model: SnippetAutoencoder, values: Values) -> Steps:
    """Give what the network sees, over the deviation of the training vehicles.

    Raises:
        InputError: The snippets lack a channel that the training vehicles had, or the reverse.
    """
    series = series_of(values)
    if series.shape[2] != len(model.mean):
        raise InputError(
            f"the charges have {series.shape[2]} series where the model knows {len(model.mean)}",
            mend="train on vehicles that send the same channels",
        )
    return np.asarray((series - model.mean) / model.deviation)


def judged(model: SnippetAutoencoder, values: Values) -> Judged:
    """Score snippets and say which series could not be rebuilt."""
    series = scaled(model, values)
    weights = weights_of(model)
    latent, _ = encoded(NUMPY, weights, series)
    rebuilt = decoded(NUMPY, weights, latent, series[:, :, : len(TOLD)])
    part = huber((series[:, :, len(TOLD) :] - rebuilt) / model.error_deviation).mean(axis=1)
    error = part.mean(axis=1)
    away = (latent - model.latent_centre) @ model.latent_whiten
    distance = np.sqrt((away**2).sum(axis=1))
    both = (log_scores(error, distance) - model.score_centre) / model.score_deviation
    share = part / part.sum(axis=1, keepdims=True)
    return Judged(np.asarray(both.sum(axis=1)), np.asarray(error), distance, np.asarray(share))


def moved(share: Float[np.ndarray, "rebuilt"]) -> str:
    """Say which two series could be rebuilt least, from their shares of the error.

    >>> moved(np.array([0.05, 0.05, 0.7, 0.15, 0.05]))
    'lowest cell below mean 70 %, highest temperature 15 %'
    """
    order = np.argsort(-share, kind="stable")[:2]
    return ", ".join(f"{REBUILT[at]} {100.0 * share[at]:.0f} %" for at in order.tolist())


def log_scores(
    error: Float[np.ndarray, "snippets"], distance: Float[np.ndarray, "snippets"]
) -> Float[np.ndarray, "snippets 2"]:
    """Give both parts of the score as logarithms: their healthy values are skewed."""
    return np.asarray(np.log(np.maximum(np.stack([error, distance], axis=1), 1e-9)))


def huber(error: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
    """Give half the square near nothing, the distance beyond ``HUBER``."""
    size = np.abs(error)
    return np.asarray(np.where(size <= HUBER, 0.5 * size**2, HUBER * (size - 0.5 * HUBER)))


def weights_of(model: SnippetAutoencoder) -> Mapping[str, Array]:
    """Give the network's weights by name, as training has them."""
    return {name: getattr(model, name) for name in WEIGHTS}


WEIGHTS: Final = (
    "encode_inward",
    "encode_across",
    "encode_bias",
    "latent",
    "latent_bias",
    "open",
    "decode_inward",
    "decode_across",
    "decode_bias",
    "outward",
    "outward_bias",
)


def encoded(engine: Engine, weights: Mapping[str, Array], series: Array) -> tuple[Array, Array]:
    """Give mean and log variance of the latent numbers of each snippet."""
    hidden, _ = _gated(engine, weights, "encode", _zeros(engine, weights, series), series)
    moments = hidden @ weights["latent"] + weights["latent_bias"]
    size = moments.shape[1] // 2
    return moments[:, :size], moments[:, size:]


def decoded(engine: Engine, weights: Mapping[str, Array], latent: Array, told: Array) -> Array:
    """Rebuild the series from current, charge and the latent numbers."""
    xp = engine.xp
    still = xp.broadcast_to(latent[:, None, :], (*told.shape[:2], latent.shape[1]))
    seen = xp.concatenate([told, still], axis=2)
    _, course = _gated(engine, weights, "decode", xp.tanh(latent @ weights["open"]), seen)
    return course @ weights["outward"] + weights["outward_bias"]


def _zeros(engine: Engine, weights: Mapping[str, Array], series: Array) -> Array:
    return engine.xp.zeros((len(series), len(weights["encode_across"])), series.dtype)


def _gated(
    engine: Engine, weights: Mapping[str, Array], layer: str, hidden: Array, seen: Array
) -> tuple[Array, Array]:
    """Run a layer of gated units; gives the last hidden values and all of them."""
    xp = engine.xp
    across = weights[f"{layer}_across"]
    units = len(across)

    def step(hidden: Array, inward: Array) -> tuple[Array, Array]:
        gates = inward[:, : 2 * units] + hidden @ across[:, : 2 * units]
        gates = 0.5 * (1.0 + xp.tanh(0.5 * gates))
        reset, update = gates[:, :units], gates[:, units:]
        new = xp.tanh(inward[:, 2 * units :] + (reset * hidden) @ across[:, 2 * units :])
        hidden = (1.0 - update) * new + update * hidden
        return hidden, hidden

    inward = seen @ weights[f"{layer}_inward"] + weights[f"{layer}_bias"]
    hidden, course = engine.scan(step, hidden, xp.swapaxes(inward, 0, 1))
    return hidden, xp.swapaxes(course, 0, 1)


def _scan(
    step: Callable[[Array, Array], tuple[Array, Array]], hidden: Array, rows: Array
) -> tuple[Array, Array]:
    course = []
    for row in rows:
        hidden, out = step(hidden, row)
        course.append(out)
    return hidden, np.stack(course)


NUMPY: Final = Engine(np, _scan)

"""Training of the autoencoder of charges by JAX, in some seconds; healthy vehicles only.

Vehicles held back, every fifth, say when to stop and what healthy errors look like: those of the
training vehicles themselves would be too small.

Source: variational bound with the weight of its divergence raised slowly, Bowman et al., CoNLL
(2016) 10; Adam: Kingma and Ba, ICLR (2015).
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from typing import Any, Final

import numpy as np

from voltherd.errors import InputError, UsageError
from voltherd.learning.snippet_autoencoder import (
    NUMPY,
    TOLD,
    Engine,
    SnippetAutoencoder,
    Steps,
    decoded,
    encoded,
    huber,
    log_scores,
    scaled,
    series_of,
    weights_of,
)
from voltherd.learning.snippets import Snippets, Values

UNITS: Final = 16
LATENT: Final = 4
BATCH: Final = 64
RATE: Final = 5e-3
ROUNDS: Final = 120
PATIENCE: Final = 12
"""Rounds without a better error on the vehicles held back, after which training stops."""
DIVERGENCE: Final = 0.02
"""Weight of the divergence beside the mean squared error, at the end of its rise."""
RISE: Final = 20
"""Rounds over which that weight rises."""
HELD_EVERY: Final = 5
VEHICLES_MIN: Final = 10
Weights = dict[str, Any]
Traced = Any
Progress = Callable[[str], None]


def train_autoencoder(
    healthy: Snippets, chance: np.random.Generator, progress: Progress
) -> SnippetAutoencoder:
    """Train the network.

    Args:
        healthy: Charges of vehicles that are taken for healthy.
        chance: Makes first weights, the order of snippets, and latent noise.
        progress: Told where it stands.

    Raises:
        UsageError: JAX is not installed.
        InputError: There are too few vehicles.
    """
    engine = _engine()
    names = np.unique(healthy.vehicle)
    if len(names) < VEHICLES_MIN:
        raise InputError(
            f"{len(names)} healthy vehicles are too few to learn from",
            mend=f"give charges of at least {VEHICLES_MIN}",
        )
    held = np.isin(healthy.vehicle, names[::HELD_EVERY])
    fitted, checked = healthy.values[~held], healthy.values[held]
    model = _begin(fitted, chance)
    seen, check = scaled(model, fitted), scaled(model, checked)
    weights = _rounds(engine, dict(weights_of(model)), seen, check, chance, progress)
    arrays = {name: np.asarray(one, dtype=np.float64) for name, one in weights.items()}
    return _calibrated(replace(model, **arrays), checked)


def _begin(values: Values, chance: np.random.Generator) -> SnippetAutoencoder:
    """Make first weights, as large as keeps a signal's size; nothing is calibrated yet."""
    series = series_of(values)
    rebuilt, seen = series.shape[2] - len(TOLD), series.shape[2]

    def drawn(*shape: int) -> np.ndarray:
        return chance.uniform(-1.0, 1.0, shape) / math.sqrt(shape[0])

    return SnippetAutoencoder(
        mean=series.mean(axis=(0, 1)),
        deviation=np.maximum(series.std(axis=(0, 1)), 1e-6),
        encode_inward=drawn(seen, 3 * UNITS),
        encode_across=drawn(UNITS, 3 * UNITS),
        encode_bias=np.zeros(3 * UNITS),
        latent=drawn(UNITS, 2 * LATENT),
        latent_bias=np.zeros(2 * LATENT),
        open=drawn(LATENT, UNITS),
        decode_inward=drawn(len(TOLD) + LATENT, 3 * UNITS),
        decode_across=drawn(UNITS, 3 * UNITS),
        decode_bias=np.zeros(3 * UNITS),
        outward=drawn(UNITS, rebuilt),
        outward_bias=np.zeros(rebuilt),
        error_deviation=np.ones(rebuilt),
        latent_centre=np.zeros(LATENT),
        latent_whiten=np.eye(LATENT),
        score_centre=np.zeros(2),
        score_deviation=np.ones(2),
    )


def _rounds(
    engine: Engine,
    weights: Weights,
    seen: Steps,
    check: Steps,
    chance: np.random.Generator,
    progress: Progress,
) -> Weights:
    """Go through the snippets until those held back are rebuilt no better."""
    seen = seen.astype(np.float32)
    weights = {name: one.astype(np.float32) for name, one in weights.items()}
    moments = {name: np.zeros((2, *one.shape), np.float32) for name, one in weights.items()}
    best, kept, since, done = math.inf, weights, 0, 0
    for turn in range(ROUNDS):
        order = chance.permutation(len(seen))
        weigh = DIVERGENCE * min(1.0, (turn + 1) / RISE)
        rate = 0.5 * RATE * (1.0 + math.cos(math.pi * turn / ROUNDS))
        for first in range(0, len(seen), BATCH):
            rows = seen[np.resize(order[first : first + BATCH], BATCH)]
            noise = chance.standard_normal((BATCH, LATENT)).astype(np.float32)
            done += 1
            weights, moments = _update()(weights, moments, rows, noise, weigh, rate, done)
        error = _mean_error(weights, check)
        best, kept, since = (error, weights, 0) if error < best else (best, kept, since + 1)
        if turn % 20 == 19:
            progress(f"training the autoencoder: round {turn + 1}, error held back {best:.3f}")
        if since >= PATIENCE:
            break
    return kept


def _mean_error(weights: Mapping[str, Any], check: Steps) -> float:
    arrays = {name: np.asarray(one) for name, one in weights.items()}
    latent, _ = encoded(NUMPY, arrays, check)
    return float(((_rest(check) - decoded(NUMPY, arrays, latent, _told(check))) ** 2).mean())


def _calibrated(model: SnippetAutoencoder, values: Values) -> SnippetAutoencoder:
    """Learn from vehicles held back what healthy errors and latent numbers are."""
    series, weights = scaled(model, values), weights_of(model)
    latent, _ = encoded(NUMPY, weights, series)
    error = _rest(series) - decoded(NUMPY, weights, latent, _told(series))
    deviation = np.maximum(np.sqrt((error**2).mean(axis=(0, 1))), 1e-6)
    covariance = np.cov(latent, rowvar=False) + 1e-4 * np.eye(LATENT)
    whiten = np.linalg.cholesky(np.linalg.inv(covariance))
    centre = latent.mean(axis=0)
    distance = np.sqrt((((latent - centre) @ whiten) ** 2).sum(axis=1))
    parts = log_scores(huber(error / deviation).mean(axis=(1, 2)), distance)
    return replace(
        model,
        error_deviation=deviation,
        latent_centre=centre,
        latent_whiten=whiten,
        score_centre=parts.mean(axis=0),
        score_deviation=np.maximum(parts.std(axis=0), 1e-6),
    )


def _told(series: Traced) -> Traced:
    return series[:, :, : len(TOLD)]


def _rest(series: Traced) -> Traced:
    return series[:, :, len(TOLD) :]


@cache
def _update() -> Callable[..., tuple[Weights, Weights]]:
    """Give one step of Adam, compiled once."""
    engine, jax = _engine(), _jax()

    def loss(weights: Weights, rows: Traced, noise: Traced, weigh: Traced) -> Traced:
        mean, log_variance = encoded(engine, weights, rows)
        log_variance = jax.numpy.clip(log_variance, -8.0, 4.0)
        latent = mean + noise * jax.numpy.exp(0.5 * log_variance)
        square = ((_rest(rows) - decoded(engine, weights, latent, _told(rows))) ** 2).mean()
        away = 0.5 * (mean**2 + jax.numpy.exp(log_variance) - 1.0 - log_variance)
        return square + weigh * away.sum(axis=1).mean()

    def update(
        weights: Weights,
        moments: Weights,
        rows: Traced,
        noise: Traced,
        weigh: Traced,
        rate: Traced,
        done: Traced,
    ) -> tuple[Weights, Weights]:
        slope = jax.grad(loss)(weights, rows, noise, weigh)
        size = jax.numpy.sqrt(sum((one**2).sum() for one in slope.values()))
        slope = {name: one / jax.numpy.maximum(size, 1.0) for name, one in slope.items()}
        after, moved = {}, {}
        for name, one in slope.items():
            first = 0.9 * moments[name][0] + 0.1 * one
            second = 0.999 * moments[name][1] + 0.001 * one**2
            even = jax.numpy.sqrt(second / (1.0 - 0.999**done)) + 1e-8
            after[name] = weights[name] - rate * first / (1.0 - 0.9**done) / even
            moved[name] = jax.numpy.stack([first, second])
        return after, moved

    compiled: Callable[..., tuple[Weights, Weights]] = jax.jit(update)
    return compiled


def _engine() -> Engine:
    jax = _jax()
    return Engine(jax.numpy, jax.lax.scan)


def _jax() -> Any:  # noqa: ANN401
    try:
        import jax
    except ImportError as error:
        raise UsageError(
            "training a network needs JAX", mend="pip install 'voltherd[learn]'"
        ) from error
    return jax

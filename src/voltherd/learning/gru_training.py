"""Training of the recurrent network of the state of charge, by JAX, in a minute or two.

Truncated backpropagation: a piece of every lesson at a time, hidden values carried over.  Each
piece is seen with another offset of the current and of the voltage, so that the network learns
that neither can be relied upon.  How far its variance is too small is asked of drives held back
from a first training; the second has all of them.

Source: Williams and Peng, Neural Computation 2 (1990) 490; Adam: Kingma and Ba, ICLR (2015).
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from voltherd.errors import UsageError
from voltherd.estimation.soc_gru import LOG_VARIANCE, GruWeights, answer, stepped
from voltherd.estimation.soc_models import Scale
from voltherd.learning.soc_features import STARTS, Lesson
from voltherd.learning.soc_training import scale_of
from voltherd.types.estimate import NORMAL_90

UNITS: Final = 32
PIECE: Final = 60
"""Steps of the network that an error is taken back through."""
ROUNDS: Final = 120
RATE: Final = 4e-3
"""Of learning, at the start; it falls to nothing along a cosine."""
OFFSETS: Final = {"voltage": 0.005, "rate": 0.05, "noise": 0.003}
"""Deviation of a voltage's offset [V], of the current's [1/h], and from step to step [V]."""
SQUARE: Final = 50.0
"""Weight of the plain square: it keeps the mean learning where the variance would excuse it."""
_VOLTAGES: Final = [0, 3, 4]
_RATES: Final = [1, 5, 6]
_COUNTED: Final = 7
Weights = dict[str, Any]
Traced = Any
"""An array while JAX traces: no type names it without importing JAX."""


class Batch(NamedTuple):
    """Lessons side by side, the shorter ones filled up with nothing."""

    features: Float[np.ndarray, "lessons steps features"]
    soc: Float[np.ndarray, "lessons steps"]
    told: Bool[np.ndarray, "lessons steps"]


def trained_gru(
    lessons: Sequence[Lesson],
    chance: np.random.Generator,
    stride_hour: float,
    progress: Callable[[str], None],
) -> GruWeights:
    """Train the network.

    Args:
        lessons: All starts of a drive, then the next drive's, a row per step of the network.
        chance: Makes first weights and offsets.
        stride_hour: Time of a step [h].
        progress: Told where it stands.

    Raises:
        UsageError: JAX is not installed.
    """
    drive = np.arange(len(lessons)) // len(STARTS)
    # Its variance is asked of every fourth drive, or the last of fewer; of one drive, of itself.
    turn = drive % min(4, int(drive[-1]) + 1)
    held = [one for one, at in zip(lessons, turn, strict=True) if at == turn.max()]
    fitted = [one for one, at in zip(lessons, turn, strict=True) if at != turn.max()] or held
    first = _trained(fitted, chance, stride_hour, lambda text: progress(f"first {text}"))
    factor = variance_factor(first, held)
    whole = _trained(lessons, chance, stride_hour, progress)
    bias = whole.outward_bias + np.array([0.0, math.log(factor)])
    return replace(whole, outward_bias=bias)


def variance_factor(weights: GruWeights, lessons: Sequence[Lesson]) -> float:
    """Say by what the variance has to be multiplied for nine of ten errors to be held."""
    asked = []
    for one in lessons:
        hidden = np.zeros((1, 1, UNITS))
        for row, soc in zip(one.features, one.soc.tolist(), strict=True):
            hidden = stepped(weights, hidden, row[None, None, :])
            mean, log_variance = answer(weights, hidden)
            asked.append(abs(mean[0, 0] - soc) / math.exp(0.5 * log_variance[0, 0]))
    return float(np.quantile(asked, 0.9) / NORMAL_90) ** 2


def batch_of(lessons: Sequence[Lesson]) -> Batch:
    """Lay lessons side by side, a whole number of pieces long."""
    longest = max(len(one.soc) for one in lessons)
    steps = math.ceil(longest / PIECE) * PIECE
    features = np.zeros((len(lessons), steps, lessons[0].features.shape[1]))
    soc, told = np.zeros((len(lessons), steps)), np.zeros((len(lessons), steps), bool)
    for at, one in enumerate(lessons):
        rows = len(one.soc)
        features[at, :rows], soc[at, :rows], told[at, :rows] = one.features, one.soc, True
    return Batch(features, soc, told)


def _trained(
    lessons: Sequence[Lesson],
    chance: np.random.Generator,
    stride_hour: float,
    progress: Callable[[str], None],
) -> GruWeights:
    jax = _jax()
    scale, batch = scale_of(np.concatenate([one.features for one in lessons])), batch_of(lessons)
    weights = first_weights(chance, batch.features.shape[2])
    moments = {name: np.zeros((2, *one.shape), np.float32) for name, one in weights.items()}
    pieces = batch.soc.shape[1] // PIECE
    total, done, loss = ROUNDS * pieces, 0, math.nan
    update = jax.jit(_update)
    for turn in range(ROUNDS):
        seen = (_offset(batch.features, chance, stride_hour) - scale.mean) / scale.deviation
        seen = np.clip(seen, -4.0, 4.0).astype(np.float32)
        hidden = np.zeros((len(lessons), UNITS), np.float32)
        for piece in range(pieces):
            part = slice(piece * PIECE, (piece + 1) * PIECE)
            rows = seen[:, part], batch.soc[:, part].astype(np.float32), batch.told[:, part]
            rate = 0.5 * RATE * (1.0 + math.cos(math.pi * done / total))
            done += 1
            weights, moments, hidden, loss = update(weights, moments, hidden, rows, rate, done)
        if turn % 10 == 9:
            progress(f"training of the network: {turn + 1} of {ROUNDS}, loss {float(loss):.2f}")
    return valued(scale, weights)


def _jax() -> Any:  # noqa: ANN401
    try:
        import jax
    except ImportError as error:
        raise UsageError(
            "training a network needs JAX", mend="pip install 'voltherd[learn]'"
        ) from error
    return jax


def first_weights(chance: np.random.Generator, features: int) -> Weights:
    """Make first weights, as large as keeps a signal's size."""
    shapes = {"inward": (features, 3 * UNITS), "across": (UNITS, 3 * UNITS), "outward": (UNITS, 2)}
    weights = {
        name: chance.uniform(-1.0, 1.0, shape) / math.sqrt(shape[0])
        for name, shape in shapes.items()
    }
    weights |= {f"{name}_bias": np.zeros(shape[1]) for name, shape in shapes.items()}
    weights["outward_bias"] += (0.0, -5.0)
    return {name: one.astype(np.float32) for name, one in weights.items()}


def _offset(
    features: Float[np.ndarray, "lessons steps features"],
    chance: np.random.Generator,
    stride_hour: float,
) -> Float[np.ndarray, "lessons steps features"]:
    """Let the sensors of every lesson be off, each in its own way."""
    lessons, steps, _ = features.shape
    volt = chance.normal(0.0, OFFSETS["voltage"], (lessons, 1, 1))
    rate = chance.normal(0.0, OFFSETS["rate"], (lessons, 1, 1))
    off = features.copy()
    off[:, :, _VOLTAGES] += volt
    off[:, :, _RATES] += rate
    off[:, :, _COUNTED] += rate[:, :, 0] * stride_hour * np.arange(1, steps + 1)
    off[:, :, 0] += chance.normal(0.0, OFFSETS["noise"], (lessons, steps))
    return off


def _update(
    weights: Weights,
    moments: Weights,
    hidden: Traced,
    rows: Traced,
    rate: Traced,
    done: Traced,
) -> tuple[Weights, Weights, Traced, Traced]:
    """Take one step of Adam; traced by JAX."""
    jax = _jax()
    (loss, hidden), slope = jax.value_and_grad(loss_of, has_aux=True)(weights, hidden, rows)
    size = jax.numpy.sqrt(sum((one**2).sum() for one in slope.values()))
    slope = {name: one / jax.numpy.maximum(size, 1.0) for name, one in slope.items()}
    after, moved = {}, {}
    for name, one in slope.items():
        first = 0.9 * moments[name][0] + 0.1 * one
        second = 0.999 * moments[name][1] + 0.001 * one**2
        even = jax.numpy.sqrt(second / (1.0 - 0.999**done)) + 1e-8
        after[name] = weights[name] - rate * first / (1.0 - 0.9**done) / even
        moved[name] = jax.numpy.stack([first, second])
    return after, moved, jax.lax.stop_gradient(hidden), loss


def loss_of(weights: Weights, hidden: Traced, rows: Traced) -> tuple[Traced, Traced]:
    """Give the mean negative log likelihood of a piece, and the hidden values after it."""
    jax = _jax()
    features, soc, told = (jax.numpy.swapaxes(one, 0, 1) for one in rows)

    def step(hidden: Traced, row: Traced) -> tuple[Traced, Traced]:
        inward = row @ weights["inward"] + weights["inward_bias"]
        across = hidden @ weights["across"] + weights["across_bias"]
        gates = jax.nn.sigmoid(inward[:, : 2 * UNITS] + across[:, : 2 * UNITS])
        reset, update = gates[:, :UNITS], gates[:, UNITS:]
        new = jax.numpy.tanh(inward[:, 2 * UNITS :] + reset * across[:, 2 * UNITS :])
        hidden = (1.0 - update) * new + update * hidden
        return hidden, hidden @ weights["outward"] + weights["outward_bias"]

    hidden, out = jax.lax.scan(step, hidden, features)
    log_variance = jax.numpy.clip(out[..., 1], *LOG_VARIANCE)
    square = (jax.nn.sigmoid(out[..., 0]) - soc) ** 2
    cost = 0.5 * (log_variance + square * jax.numpy.exp(-log_variance)) + SQUARE * square
    return (cost * told).sum() / jax.numpy.maximum(told.sum(), 1), hidden


def valued(scale: Scale, weights: Weights) -> GruWeights:
    """Make a value of what JAX has trained."""
    arrays = {name: np.asarray(one, dtype=np.float64) for name, one in weights.items()}
    return GruWeights(scale=scale, **arrays)

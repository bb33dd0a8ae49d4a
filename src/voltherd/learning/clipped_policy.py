"""A policy improved by clipped steps (PPO): linear in its features, a softmax over actions.

Small on purpose: no network, so that it trains in seconds with numpy alone.  The value of a state
is linear in the same features, fitted by least squares; what an action was worth beyond it decides
how the policy moves, and no sample moves it further than the clip allows.

Source: Schulman, Wolski, Dhariwal, Radford, Klimov, arXiv 1707.06347 (2017).
"""

from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Float, Int

Weights = Float[np.ndarray, "features actions"]
Chances = Float[np.ndarray, "samples actions"]
CLIP: Final = 0.2
PASSES: Final = 10
"""Steps on the same samples."""
RATE: Final = 0.5
_RIDGE: Final = 1e-3


class Samples(NamedTuple):
    """What was seen and done.

    Attributes:
        features: Of each state.
        action: Drawn there.
        gain: What was earned from there on.
    """

    features: Float[np.ndarray, "samples features"]
    action: Int[np.ndarray, " samples"]
    gain: Float[np.ndarray, " samples"]


Play = Callable[[Weights, int], Samples]
"""Plays by drawing from a policy; the number of the round."""


def chances(weights: Weights, features: Float[np.ndarray, "samples features"]) -> Chances:
    """Give how likely each action is."""
    score = features @ weights
    score = np.exp(score - score.max(axis=1, keepdims=True))
    return np.asarray(score / score.sum(axis=1, keepdims=True))


def learned(play: Play, features: int, actions: int, rounds: int) -> Weights:
    """Learn a policy by playing, from one that does everything alike often.

    Args:
        play: Plays one round; chance is its own.
        features: How many.
        actions: How many.
        rounds: How many.
    """
    weights = np.zeros((features, actions))
    for number in range(rounds):
        weights = improved(weights, play(weights, number))
    return weights


def improved(weights: Weights, samples: Samples) -> Weights:
    """Take clipped steps towards what was worth more than expected."""
    worth = _advantage(samples)
    rows = np.arange(len(worth))
    before = chances(weights, samples.features)[rows, samples.action]
    for _ in range(PASSES):
        now = chances(weights, samples.features)
        ratio = now[rows, samples.action] / before
        far = np.where(worth > 0.0, ratio > 1.0 + CLIP, ratio < 1.0 - CLIP)
        pull = np.where(far, 0.0, ratio * worth)
        towards = -now * pull[:, None]
        towards[rows, samples.action] += pull
        weights = weights + RATE * samples.features.T @ towards / len(worth)
    return weights


def _advantage(samples: Samples) -> Float[np.ndarray, " samples"]:
    """Give what was earned beyond what such a state usually earns, scaled to one."""
    seen = samples.features
    normal = seen.T @ seen + _RIDGE * len(seen) * np.eye(seen.shape[1])
    worth = samples.gain - seen @ np.linalg.solve(normal, seen.T @ samples.gain)
    return np.asarray((worth - worth.mean()) / max(float(worth.std()), 1e-9))

"""Exact inference in a two-layer noisy-OR network: which few causes explain what was seen.

Every cause that is present lets a piece of evidence appear with a probability of its own, and a
leak lets it appear without any (Pearl, Probabilistic Reasoning in Intelligent Systems, 1988,
section 4.3.2)::

    P(absent | S) = (1 − leak) · ∏_{i in S} (1 − link_i)

With at most a dozen causes of which at most two are present at once, all states can be written down
(1 + n + n (n − 1) / 2, 79 for twelve), so nothing is approximated but the neglect of three faults
at a time.  Evidence may be seen, seen to be absent, or unknown; what is unknown is summed over,
which in this network means that it is left out.
"""

from itertools import combinations
from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int8

CAUSES_MAX: Final = 12
PRESENT: Final = 1
ABSENT: Final = 0
UNKNOWN: Final = -1


class Network(NamedTuple):
    """Causes above, evidence below.

    Attributes:
        prior: Probability that each cause is present, in (0, 1).
        link: Probability that a cause which is present lets the evidence appear, in [0, 1).
        leak: Probability that the evidence appears without any cause, in (0, 1).
    """

    prior: Float[np.ndarray, " causes"]
    link: Float[np.ndarray, "causes evidence"]
    leak: Float[np.ndarray, " evidence"]


class States(NamedTuple):
    """Every state of the causes that is considered.

    Attributes:
        present: Which causes each state holds: none, each alone, each two.
        log_prior: Logarithm of each state's probability before any evidence; sums to 1.
        log_seen: Logarithm of the probability that each piece of evidence appears in it.
        log_unseen: Logarithm of the probability that it does not.
    """

    present: Bool[np.ndarray, "states causes"]
    log_prior: Float[np.ndarray, " states"]
    log_seen: Float[np.ndarray, "states evidence"]
    log_unseen: Float[np.ndarray, "states evidence"]


def compiled(network: Network) -> States:
    """Write down all states of a network.

    Args:
        network: At most twelve causes.
    """
    causes = len(network.prior)
    assert 0 < causes <= CAUSES_MAX
    assert ((network.prior > 0.0) & (network.prior < 1.0)).all()
    assert ((network.leak > 0.0) & (network.leak < 1.0)).all()
    assert ((network.link >= 0.0) & (network.link < 1.0)).all()
    members = [held for size in range(3) for held in combinations(range(causes), size)]
    present = np.zeros((len(members), causes), bool)
    for state, held in enumerate(members):
        present[state, list(held)] = True
    odds = np.where(present, np.log(network.prior), np.log1p(-network.prior)).sum(axis=1)
    unseen = np.log1p(-network.leak) + present @ np.log1p(-network.link)
    return States(
        present=present,
        log_prior=odds - _log_sum(odds[None])[0],
        log_seen=np.log(-np.expm1(unseen)),
        log_unseen=unseen,
    )


def posterior(
    states: States, evidence: Int8[np.ndarray, "cases evidence"]
) -> Float[np.ndarray, "cases states"]:
    """Give the probability of each state once evidence is in.

    Args:
        states: What ``compiled`` gives.
        evidence: ``PRESENT``, ``ABSENT`` or ``UNKNOWN``, one row per case.

    >>> one = Network(np.array([0.01]), np.array([[0.9]]), np.array([0.01]))
    >>> posterior(compiled(one), np.array([[1]], np.int8)).round(2)
    array([[0.52, 0.48]])
    """
    seen = (evidence == PRESENT).astype(np.float64)
    unseen = (evidence == ABSENT).astype(np.float64)
    log = states.log_prior + seen @ states.log_seen.T + unseen @ states.log_unseen.T
    return np.asarray(np.exp(log - _log_sum(log)[:, None]))


def marginal(
    states: States, probability: Float[np.ndarray, "cases states"]
) -> Float[np.ndarray, "cases causes"]:
    """Give the probability of each cause; two at once count for both."""
    return np.asarray(probability @ states.present)


def information_bit(
    states: States, probability: Float[np.ndarray, " states"], first: int, second: int
) -> Float[np.ndarray, " evidence"]:
    """Give what each piece of evidence would tell of which of two causes it is [bit].

    The mutual information of the evidence and the question "the first or the second?", among the
    states that hold just one of the two: what looking would take from that question's entropy, in
    the mean over both answers (Lindley, Ann. Math. Statist. 27 (1956) 986).

    Args:
        states: What ``compiled`` gives.
        probability: Of each state, as far as is known.
        first: One cause.
        second: The other.
    """
    seen = np.exp(states.log_seen)
    sides = []
    for cause, other in ((first, second), (second, first)):
        share = probability * (states.present[:, cause] & ~states.present[:, other])
        weight = float(share.sum())
        sides.append((weight, share @ seen / max(weight, 1e-300)))
    (weight, here), (other_weight, there) = sides
    part = weight / max(weight + other_weight, 1e-300)
    mean = part * here + (1.0 - part) * there
    known = part * _entropy_bit(here) + (1.0 - part) * _entropy_bit(there)
    return np.asarray(np.maximum(_entropy_bit(mean) - known, 0.0))


def _entropy_bit(p: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    inner = np.clip(p, 1e-15, 1.0 - 1e-15)
    return np.asarray(-(inner * np.log2(inner) + (1.0 - inner) * np.log2(1.0 - inner)))


def _log_sum(log: Float[np.ndarray, "cases states"]) -> Float[np.ndarray, " cases"]:
    highest = log.max(axis=1)
    return np.asarray(highest + np.log(np.exp(log - highest[:, None]).sum(axis=1)))

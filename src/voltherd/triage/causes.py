"""What is probably behind a finding, what speaks for and against it, and what would decide.

The network of ``cause_table`` is asked exactly; what could not be observed is left out.  The test
proposed is the unknown evidence, in the data or with the vehicle, that would tell most of which of
the first two it is.
"""

from collections.abc import Mapping
from functools import cache
from typing import Final

import numpy as np
from jaxtyping import Float, Int8

from voltherd.numerics.noisy_or import (
    ABSENT,
    PRESENT,
    UNKNOWN,
    States,
    compiled,
    information_bit,
    marginal,
    posterior,
)
from voltherd.triage.cause_evidence import observed
from voltherd.triage.cause_network import CAUSES, ROWS, network
from voltherd.triage.cause_row import Row
from voltherd.triage.cause_sight import Sight
from voltherd.triage.cause_table import TOLD
from voltherd.types.event import Cause, Causes, LocationKind, PossibleCause

RANKED: Final = 3
RANKED_MIN: Final = 0.01
"""A cause less probable than this is not told of."""
TOLD_MIN: Final = 0.5
"""Probability from which the first cause is named; below it, it cannot be told yet."""
SPEAKS_MIN: Final = float(np.log(1.5))
"""Logarithm of odds from which evidence speaks for or against a cause."""
BIT_MIN: Final = 0.02
"""A test that tells less is not worth a visit."""
SETTLED: Final = 0.99
"""Between causes as sure as this nothing is left to decide."""
MISSING: Final = 3

Prior = tuple[tuple[Cause, float], ...]


@cache
def _states(prior: Prior) -> States:
    return compiled(network(dict(prior)))


def causes_of(sight: Sight, prior: Mapping[Cause, float] | None = None) -> Causes:
    """Say what is probably behind a finding.

    Args:
        sight: The finding's place, and what is known of the vehicle.
        prior: What a fleet knows better of its causes' frequency, in (0, 1).

    Returns:
        The causes; none ranked where the place shows nothing that the table knows.
    """
    return weighed(observed(sight), sight.place.kind, prior)


def weighed(
    seen: Mapping[str, bool | None],
    kind: LocationKind,
    prior: Mapping[Cause, float] | None = None,
) -> Causes:
    """Weigh evidence.

    Args:
        seen: By name; None and what is left out is unknown.
        kind: What kind of place it was looked for at.
        prior: As above.
    """
    states = _states(tuple(sorted((prior or {}).items())))
    evidence = np.array([_code(seen.get(row.name)) for row in ROWS], np.int8)
    if not (evidence == PRESENT).any():
        return Causes(ranked=(), told=False, unexplained=1.0)
    probability = posterior(states, evidence[None])[0]
    each = marginal(states, probability[None])[0]
    order = np.argsort(-each, kind="stable")
    speaks = _speaks(states, probability, evidence)
    decide, missing = _deciding(states, probability, evidence, kind, order)
    return Causes(
        ranked=tuple(
            _possible(int(k), float(each[k]), evidence, speaks[k])
            for k in order[:RANKED]
            if each[k] >= RANKED_MIN
        ),
        told=bool(each[order[0]] >= TOLD_MIN),
        unexplained=float(probability[~states.present.any(axis=1)].sum()),
        decide=decide,
        missing=missing,
    )


def _code(found: bool | None) -> int:
    return UNKNOWN if found is None else PRESENT if found else ABSENT


def _speaks(
    states: States, probability: Float[np.ndarray, " states"], evidence: Int8[np.ndarray, " e"]
) -> Float[np.ndarray, "causes e"]:
    """Give how far each observation shifts the odds of each cause against all else.

    By how much the logarithm of its odds would be lower without the observation, the others
    standing.
    """
    told = np.zeros((states.present.shape[1], len(evidence)))
    with_all = _log_odds(marginal(states, probability[None])[0])
    known = np.flatnonzero(evidence != UNKNOWN)
    without = np.repeat(evidence[None], len(known), axis=0)
    without[np.arange(len(known)), known] = UNKNOWN
    others = marginal(states, posterior(states, without))
    told[:, known] = (with_all - _log_odds(others)).T
    return told


def _log_odds(p: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
    inner = np.clip(p, 1e-9, 1.0 - 1e-9)
    return np.asarray(np.log(inner) - np.log1p(-inner))


def _possible(
    cause: int, probability: float, evidence: Int8[np.ndarray, " e"], speaks: np.ndarray
) -> PossibleCause:
    order = np.argsort(-np.abs(speaks), kind="stable")
    said = [(speaks[e], _words(ROWS[e], int(evidence[e]))) for e in order]
    return PossibleCause(
        cause=CAUSES[cause],
        probability=probability,
        supporting=tuple(text for shift, text in said if shift >= SPEAKS_MIN and text),
        opposing=tuple(text for shift, text in said if shift <= -SPEAKS_MIN and text),
    )


def _words(row: Row, code: int) -> str:
    return row.present if code == PRESENT else row.absent


def _deciding(
    states: States,
    probability: Float[np.ndarray, " states"],
    evidence: Int8[np.ndarray, " e"],
    kind: LocationKind,
    order: np.ndarray,
) -> tuple[str, tuple[str, ...]]:
    """Give the test that decides between the first two, and what data would help, in words."""
    first, second = int(order[0]), int(order[1])
    if marginal(states, probability[None])[0][first] >= SETTLED:
        return "", ()
    bits = information_bit(states, probability, first, second)
    open_rows = [
        (bits[e], e)
        for e, row in enumerate(ROWS)
        if evidence[e] == UNKNOWN and kind in row.places and row.find and bits[e] >= BIT_MIN
    ]
    ranked = [e for _, e in sorted(open_rows, key=lambda pair: (-pair[0], pair[1]))]
    checks = [e for e in ranked if e >= len(TOLD)]
    data = [ROWS[e].find for e in ranked if e < len(TOLD)]
    decide = ROWS[checks[0]].find if checks else ""
    return decide, tuple(dict.fromkeys(data))[:MISSING]

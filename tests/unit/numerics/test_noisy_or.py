"""Exact inference in a noisy-OR network, against counting out every possible world."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voltherd.numerics.noisy_or import (
    ABSENT,
    PRESENT,
    UNKNOWN,
    Network,
    compiled,
    information_bit,
    marginal,
    posterior,
)

probability = st.floats(0.001, 0.999)


@st.composite
def networks(draw):
    causes, evidence = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    prior = np.array([draw(probability) for _ in range(causes)])
    link = np.array([[draw(st.floats(0.0, 0.99)) for _ in range(evidence)] for _ in range(causes)])
    leak = np.array([draw(probability) for _ in range(evidence)])
    seen = [draw(st.sampled_from((PRESENT, ABSENT, UNKNOWN))) for _ in range(evidence)]
    return Network(prior, link, leak), np.array([seen], np.int8)


def worlds(network):
    """Every state of causes (two at most) and of evidence, with its probability."""
    causes, evidence = network.link.shape
    for held in product((0, 1), repeat=causes):
        if sum(held) > 2:
            continue
        prior = np.prod([p if h else 1 - p for p, h in zip(network.prior, held, strict=True)])
        for shown in product((0, 1), repeat=evidence):
            chance = prior
            for e, s in enumerate(shown):
                absent = 1 - network.leak[e]
                for c, h in enumerate(held):
                    absent *= 1 - network.link[c, e] if h else 1.0
                chance *= 1 - absent if s else absent
            yield held, shown, chance


@given(networks())
def test_it_gives_what_counting_out_every_world_gives(drawn):
    network, seen = drawn
    states = compiled(network)
    fits = [
        (held, chance)
        for held, shown, chance in worlds(network)
        if all(k in (UNKNOWN, s) for k, s in zip(seen[0], shown, strict=True))
    ]
    total = sum(chance for _, chance in fits)
    expected = [sum(c for h, c in fits if h[i]) / total for i in range(len(network.prior))]
    found = marginal(states, posterior(states, seen))[0]
    np.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-12)


@given(networks())
def test_information_is_what_looking_takes_from_the_question(drawn):
    network, seen = drawn
    if len(network.prior) < 2:
        return
    states = compiled(network)
    known = posterior(states, seen)[0]
    just_one = states.present[:, 0] ^ states.present[:, 1]

    def entropy(weights):
        share = np.array([weights[states.present[:, 0]].sum(), weights[states.present[:, 1]].sum()])
        share = share[share > 0.0] / share.sum()
        return -(share * np.log2(share)).sum()

    asked = np.where(just_one, known, 0.0)
    asked /= asked.sum()
    told = information_bit(states, known, 0, 1)
    for e in range(len(network.leak)):
        shown = np.exp(states.log_seen[:, e])
        left = 0.0
        for answer in (shown, 1.0 - shown):
            after = asked * answer
            if after.sum() > 0.0:
                left += after.sum() * entropy(after)
        assert told[e] == pytest.approx(entropy(asked) - left, abs=1e-9)


@given(networks())
def test_cases_side_by_side_are_as_cases_alone(drawn):
    network, seen = drawn
    states = compiled(network)
    both = np.concatenate([seen, np.full_like(seen, UNKNOWN)])
    together = posterior(states, both)
    np.testing.assert_allclose(together[:1], posterior(states, seen), rtol=1e-12)
    np.testing.assert_allclose(together.sum(axis=1), 1.0)


def test_nothing_known_leaves_the_priors():
    network = Network(np.array([0.1, 0.2]), np.array([[0.9], [0.5]]), np.array([0.01]))
    states = compiled(network)
    found = marginal(states, posterior(states, np.array([[UNKNOWN]], np.int8)))
    np.testing.assert_allclose(found, [[0.1, 0.2]])


def test_a_cause_explains_the_evidence_of_another_away():
    network = Network(np.array([0.01, 0.01]), np.array([[0.9, 0.0], [0.9, 0.9]]), np.full(2, 1e-3))
    states = compiled(network)
    alone = marginal(states, posterior(states, np.array([[PRESENT, UNKNOWN]], np.int8)))[0]
    beside = marginal(states, posterior(states, np.array([[PRESENT, PRESENT]], np.int8)))[0]
    assert alone[0] == pytest.approx(alone[1])
    assert beside[0] < 0.05 < 0.9 < beside[1]


def test_a_hundred_pieces_of_evidence_do_not_underflow():
    network = Network(np.full(12, 1e-6), np.full((12, 100), 0.5), np.full(100, 1e-9))
    network.link[0] = 0.999
    states = compiled(network)
    assert len(states.present) == 79
    found = marginal(states, posterior(states, np.ones((1, 100), np.int8)))[0]
    assert np.isfinite(found).all() and found.argmax() == 0

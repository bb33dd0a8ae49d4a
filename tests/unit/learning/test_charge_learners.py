"""Learners of charging solve small problems whose answer is known."""

import numpy as np
import pytest

from voltherd.learning import ant_colony, clipped_policy, q_table

pytestmark = pytest.mark.long


def corridor(table, blind, episode, chance, length=12):
    """A corridor: to go on costs nothing, to stop costs one, the end pays ten."""
    moves, at = [], 0
    while True:
        act = chance.integers(2) if chance.random() < blind else int(table[at].argmax())
        end = act == 0 or at == length - 1
        reward = -1.0 if act == 0 else 10.0 * (at == length - 1)
        moves.append((at, act, reward, min(at + 1, length - 1), 0.0 if end else 1.0))
        if end:
            columns = zip(*moves, strict=True)
            return q_table.Moves(*(np.array(column) for column in columns))
        at += 1


def test_a_table_knows_at_the_beginning_what_comes_at_the_end():
    chance = np.random.default_rng(1)
    table = q_table.learned(lambda t, b, e: corridor(t, b, e, chance), 12, 2, 120)
    assert (table.argmax(axis=1) == 1).all()
    assert table[0, 1] == pytest.approx(10.0, rel=0.05)
    assert table[:, 0] == pytest.approx(-1.0)


def test_a_policy_learns_what_depends_on_what_it_sees():
    chance = np.random.default_rng(2)

    def play(weights, number):
        seen = np.column_stack([np.ones(200), chance.choice([-1.0, 1.0], 200)])
        likely = clipped_policy.chances(weights, seen).cumsum(axis=1)
        action = (likely < chance.random((200, 1))).sum(axis=1)
        return clipped_policy.Samples(seen, action, (action == (seen[:, 1] > 0)) * 1.0)

    weights = clipped_policy.learned(play, 2, 2, 60)
    likely = clipped_policy.chances(weights, np.array([[1.0, -1.0], [1.0, 1.0]]))
    assert likely[0, 0] > 0.9 and likely[1, 1] > 0.9


def test_a_step_of_a_policy_is_clipped():
    samples = clipped_policy.Samples(
        np.ones((100, 1)), np.arange(100) % 2, (np.arange(100) % 2) * 1e6
    )
    weights = clipped_policy.improved(np.zeros((1, 2)), samples)
    ratio = clipped_policy.chances(weights, np.ones((1, 1)))[0, 1] / 0.5
    assert 1.0 < ratio < 1.0 + 2 * clipped_policy.CLIP


def test_ants_find_the_assignment_that_greed_misses():
    """Every thing likes option 0 best, but each option bears one thing."""
    looks = np.tile([1.0, 0.8, 0.7, 0.6], (4, 1))

    def cost(choice):
        return 10.0 * (4 - len(np.unique(choice))) - looks[np.arange(4), choice].sum()

    choice, least = ant_colony.chosen(cost, looks, np.ones((4, 4), bool), np.random.default_rng(3))
    assert sorted(choice.tolist()) == [0, 1, 2, 3]
    assert least == pytest.approx(-looks[0].sum())


def test_ants_choose_only_what_is_allowed():
    allowed = np.array([[False, True, False], [True, False, True]])
    choice, _ = ant_colony.chosen(
        lambda c: float(c.sum()), np.ones((2, 3)), allowed, np.random.default_rng(4)
    )
    assert choice.tolist() == [1, 0]

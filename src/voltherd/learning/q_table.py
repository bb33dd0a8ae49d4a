"""Q-learning in a table, with a model: what each action is worth in each of a few states.

What moves brought and where they led is counted; after every episode worth is passed on through
these counts until it settles, so that what happens at the end of a long wait is known at its
beginning.  Older episodes count ever less: agents that learn together change each other's world.

Source: Watkins and Dayan, Machine Learning 8 (1992) 279; planning with a learned model: Sutton,
Proc. 7th Int. Conf. Machine Learning (1990) 216 (Dyna).
"""

from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Float, Int

Table = Float[np.ndarray, "states actions"]
KEPT: Final = 0.97
"""Of what was counted, an episode later."""
SWEEPS: Final = 200
BLIND: Final = (0.5, 0.05)
"""Share of actions drawn blindly in the first episode and in the last."""


class Moves(NamedTuple):
    """What happened in an episode, in any order.

    Attributes:
        state: Where.
        action: What was done there.
        reward: What it brought.
        after: Where that led.
        keep: What comes after counts by so much; 0 where nothing does.
    """

    state: Int[np.ndarray, " moves"]
    action: Int[np.ndarray, " moves"]
    reward: Float[np.ndarray, " moves"]
    after: Int[np.ndarray, " moves"]
    keep: Float[np.ndarray, " moves"]


Play = Callable[[Table, float, int], Moves]
"""Plays an episode by a table: the share of actions drawn blindly, the episode's number."""


class _Counts(NamedTuple):
    """What moves did: how many there were, their rewards, and where what is kept went."""

    moves: Table
    reward: Table
    led: Float[np.ndarray, "states actions states"]


def learned(play: Play, states: int, actions: int, episodes: int) -> Table:
    """Learn a table by playing; ever fewer actions are drawn blindly.

    Args:
        play: Plays an episode; chance is its own.
        states: How many there are.
        actions: How many there are in each.
        episodes: How many are played.
    """
    table = np.zeros((states, actions))
    counts = _Counts(table, table, np.zeros((states, actions, states)))
    first, last = BLIND
    for episode in range(episodes):
        blind = first * (last / first) ** (episode / max(episodes - 1, 1))
        counts = _counted(counts, play(table, blind, episode))
        table = _settled(table, counts)
    return table


def _counted(counts: _Counts, moves: Moves) -> _Counts:
    before = [KEPT * part for part in counts]
    place = (moves.state, moves.action)
    np.add.at(before[0], place, 1.0)
    np.add.at(before[1], place, moves.reward)
    np.add.at(before[2], (*place, moves.after), moves.keep)
    return _Counts(*before)


def _settled(table: Table, counts: _Counts) -> Table:
    """Pass worth on until it settles; what was never tried is worth nothing."""
    often = np.maximum(counts.moves, 1e-9)
    reward, led = counts.reward / often, counts.led / often[:, :, None]
    for _ in range(SWEEPS):
        table = reward + led @ table.max(axis=1)
    return table

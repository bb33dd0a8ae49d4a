"""Three rounds leave fewer features, and what noise does through them grows less."""

import numpy as np
import pytest

from voltherd.learning.folds import cell_folds
from voltherd.learning.regressors import forest
from voltherd.learning.selection import noise_sensitivity, select

pytestmark = pytest.mark.long
NOISE = np.array([0.005, 0.05, 0.005, 0.005])


def aged(seed=0):
    """A clean feature, one through a noisy sensor, a copy of the first, and one of nothing."""
    random = np.random.default_rng(seed)
    cells = np.repeat([f"c{n}" for n in range(12)], 15)
    health = np.concatenate([np.linspace(1.0, random.uniform(0.6, 0.9), 15) for _ in range(12)])
    clean = health + random.normal(0.0, 0.01, len(health))
    through = health + random.normal(0.0, 0.03, len(health))
    nothing = random.normal(size=len(health))
    return np.column_stack([clean, through, 2.0 * clean + 1.0, nothing]), health, cells


def grown(features, target, cells, columns, noise, seed=9):
    """Error on unseen cells without and with sensor noise, through some columns."""
    random = np.random.default_rng(seed)
    fold, still, moved = cell_folds(cells, 4), [], []
    for number in range(4):
        held = fold == number
        predict = forest()(features[~held][:, columns], target[~held])
        asked = features[held]
        noisy = asked + noise * random.normal(size=asked.shape)
        still.append(np.abs(predict(asked[:, columns]) - target[held]))
        moved.append(np.abs(predict(noisy[:, columns]) - target[held]))
    return float(np.mean(np.concatenate(still))), float(np.mean(np.concatenate(moved)))


@pytest.fixture(scope="module")
def told():
    return select(*aged(), NOISE, np.random.default_rng(0))


def test_each_round_drops_what_it_is_there_for(told):
    assert len(set(told.different.tolist()) & {0, 2}) == 1
    assert 3 not in told.important
    assert 1 in told.important
    assert told.steady.tolist() in ([0], [2])
    assert len(told.steady) < len(told.important) < aged()[0].shape[1]


def test_the_error_under_noise_grows_less_than_without_the_third_round(told):
    features, target, cells = aged()
    before, after = (
        grown(features, target, cells, c, NOISE) for c in (told.important, told.steady)
    )
    assert after[1] - after[0] < before[1] - before[0]


def test_noise_gets_through_a_feature_that_is_used_and_noisy():
    features, target, _ = aged()
    degree = noise_sensitivity(features[:, [1, 3]], target, NOISE[[1, 3]], np.random.default_rng(0))
    assert degree[0] > 5.0 * degree[1]

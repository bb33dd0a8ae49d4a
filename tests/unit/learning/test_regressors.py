"""Each regression does what it was chosen for, and says so when its package is missing."""

import builtins

import numpy as np
import pytest

from voltherd.errors import UsageError
from voltherd.learning import regressors

pytestmark = pytest.mark.long


def error(fit, seen, target, asked, truth):
    return float(np.mean(np.abs(fit(seen, target)(asked) - truth)))


def rows(count, seed, columns=3):
    return np.random.default_rng(seed).normal(size=(count, columns))


def test_the_robust_line_is_not_bent_by_a_few_wrong_rows():
    seen, asked = rows(200, 0), rows(100, 1)
    target = seen @ [1.0, 2.0, 0.0]
    target[:16] += 30.0
    truth = asked @ [1.0, 2.0, 0.0]
    robust = error(regressors.robust_linear(), seen, target, asked, truth)
    plain = error(regressors.least_squares(), seen, target, asked, truth)
    assert robust < 0.1 < plain


def test_lasso_beats_least_squares_on_features_that_say_the_same():
    random = np.random.default_rng(3)

    def collinear(count):
        source = random.normal(size=(count, 2))
        features = np.hstack([source @ random_mix + random.normal(0.0, 0.05, (count, 20))])
        return features, source @ [1.0, -0.5] + random.normal(0.0, 0.3, count)

    random_mix = random.normal(size=(2, 20))
    (seen, target), (asked, truth) = collinear(40), collinear(400)
    lasso = error(regressors.lasso(), seen, target, asked, truth)
    plain = error(regressors.least_squares(), seen, target, asked, truth)
    assert lasso < 0.9 * plain


def test_trees_beyond_a_count_follow_the_count_past_what_they_saw():
    seen = np.linspace(1.0, 2.0, 100)[:, None]
    asked = np.array([[0.5]])
    plain = regressors.trees()(seen, seen[:, 0])(asked)
    beyond = regressors.beyond(0, regressors.trees())(seen, seen[:, 0])(asked)
    assert abs(beyond[0] - 0.5) < 0.01 < abs(plain[0] - 0.5)


def test_curves_are_followed_by_those_that_can():
    seen, asked = rows(150, 5), rows(60, 6)

    def truth(table):
        return table[:, 0] * table[:, 1] + np.sin(table[:, 2])

    mean = error(regressors.constant(), seen, truth(seen), asked, truth(asked))
    for fit in (regressors.smooth(), regressors.quadratic()):
        assert error(fit, seen, truth(seen), asked, truth(asked)) < 0.4 * mean


def test_a_coefficient_may_change_with_charge():
    random = np.random.default_rng(7)
    soc = random.choice([0.1, 0.2, 0.3, 0.4, 0.5], 300)
    response = random.normal(size=(300, 21))
    target = response[:, 3] * (soc - 0.3) * 5.0
    table = np.column_stack([soc, response])
    fit = regressors.parabolas([0.1, 0.2, 0.3, 0.4, 0.5])
    off = error(fit, table[:200], target[:200], table[200:], target[200:])
    assert off < 0.3 * np.mean(np.abs(target))


def test_a_blend_is_the_mean():
    low, high = (lambda *_, value=value: lambda r: np.full(len(r), value) for value in (1.0, 3.0))
    assert regressors.blend(low, high)(rows(2, 0), np.zeros(2))(rows(4, 1)).tolist() == [2.0] * 4


def test_the_missing_package_is_named(monkeypatch):
    real = builtins.__import__

    def without(name, *rest):
        if name.startswith("sklearn"):
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UsageError, match=r"voltherd\[learn\]"):
        regressors.trees()

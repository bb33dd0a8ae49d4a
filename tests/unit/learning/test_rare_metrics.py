"""At the rate of faults that fleets have, and with bounds that few vehicles allow."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from voltherd.learning.rare_metrics import (
    auroc,
    average_precision,
    by_vehicle,
    least_cost,
    lost_recall,
    recall_among,
    roc,
    share_upper,
)


@pytest.fixture
def scores():
    chance = np.random.default_rng(4)
    return chance.normal(size=400).round(1), chance.normal(1.5, 1.0, 40).round(1)


def test_areas_agree_with_scikit_learn(scores):
    healthy, faulty = scores
    label = np.repeat([0, 1], [len(healthy), len(faulty)])
    both = np.concatenate(scores)
    assert auroc(healthy, faulty) == pytest.approx(roc_auc_score(label, both))
    weight = np.where(label == 1, 6e-4 / len(faulty), (1.0 - 6e-4) / len(healthy))
    expected = average_precision_score(label, both, sample_weight=weight)
    assert average_precision(healthy, faulty, 6e-4) == pytest.approx(expected)


def test_eighty_percent_at_one_percent_is_wrong_ninety_five_times_in_a_hundred():
    healthy = np.concatenate([np.ones(1), np.zeros(99)])
    faulty = np.concatenate([np.ones(4), np.zeros(1)])
    flagged = 6e-4 * 0.8 + (1.0 - 6e-4) * 0.01
    assert recall_among(healthy, faulty, flagged, 6e-4) == pytest.approx(0.8)
    assert 6e-4 * 0.8 / flagged == pytest.approx(0.046, abs=1e-3)


def test_the_least_cost_is_never_above_doing_without(scores):
    for ratio in (10.0, 1_000.0, 100_000.0):
        told = least_cost(*scores, ratio)
        assert told.cost <= told.untold
        expected = 6e-4 * ratio * (1.0 - told.found) + (1.0 - 6e-4) * told.false
        assert told.cost == pytest.approx(expected)
    assert least_cost(*scores, 10.0).false <= least_cost(*scores, 100_000.0).false


def test_a_curve_goes_from_nothing_to_all(scores):
    false, found = roc(*scores)
    assert (false[0], found[0], false[-1], found[-1]) == (0.0, 0.0, 1.0, 1.0)
    assert (np.diff(false) >= 0.0).all() and (np.diff(found) >= 0.0).all()


def test_few_vehicles_give_a_wide_interval(scores):
    healthy, faulty = scores
    many = by_vehicle(auroc, healthy, faulty, np.random.default_rng(1))
    few = by_vehicle(auroc, healthy[:20], faulty[:5], np.random.default_rng(1))
    assert many.low <= many.value <= many.high
    assert few.high - few.low > 2.0 * (many.high - many.low)


def test_the_bound_of_a_share_holds_where_it_is_true():
    for count, of in ((0, 60), (4, 60), (60, 60)):
        bound = share_upper(count, of)
        seen = np.random.default_rng(2).binomial(of, bound, 20_000)
        assert (seen <= count).mean() == pytest.approx(1.0 if count == of else 0.05, abs=0.006)


def test_a_class_that_gets_worse_by_over_two_points_is_named():
    before = {"short": 0.80, "contact": 0.80, "weak": 0.5, "gone": 0.4}
    after = {"short": 0.78, "contact": 0.77, "weak": 0.9}
    assert lost_recall(before, after) == ("contact", "gone")

"""The light detectors: as their sources say, explained, and kept as arrays."""

from dataclasses import asdict

import numpy as np
import pytest

from tests.unit.learning.charges import drawn_charges
from voltherd.learning.ecod import Ecod, ecod_score, ecod_share, fit_ecod
from voltherd.learning.fleet_methods import ecod, isolation_forest, judge_vehicles, siblings
from voltherd.learning.isolation_forest import (
    IsolationForest,
    fit_isolation_forest,
    isolation_score,
)
from voltherd.learning.snippets import joined
from voltherd.learning.vehicle_score import standardised, vehicle_scores


@pytest.fixture
def rows():
    return np.random.default_rng(5).normal(size=(300, 4))


def test_the_tails_are_those_of_the_training_rows():
    model = fit_ecod(np.arange(1.0, 10.0)[:, None])
    # Nine rows and itself: of ten, all lie at or below 9, and two at or above it.
    assert ecod_score(model, np.array([[9.0]])) == pytest.approx([-np.log(0.2)])
    assert ecod_score(model, np.array([[99.0]])) == pytest.approx([-np.log(0.1)])
    assert ecod_score(model, np.array([[-99.0]])) == pytest.approx([-np.log(0.1)])


def test_what_stands_out_in_one_feature_is_explained_by_it(rows):
    model = fit_ecod(rows)
    odd = np.array([[0.0, 0.0, 9.0, 0.0]])
    assert ecod_score(model, odd)[0] > np.quantile(ecod_score(model, rows), 0.9)
    assert int(np.argmax(ecod_share(model, odd)[0])) == 2


def test_the_forest_scores_as_the_one_it_was_grown_by(rows):
    from sklearn.ensemble import IsolationForest as Grown

    asked = np.random.default_rng(6).normal(size=(40, 4)) * 3.0
    grown = Grown(n_estimators=200, max_samples=256, random_state=3).fit(rows)
    model = fit_isolation_forest(rows, 3)
    assert isolation_score(model, asked) == pytest.approx(-grown.score_samples(asked))


def test_models_are_arrays_that_need_no_pickle(rows, tmp_path):
    for made, kind, score in (
        (fit_ecod(rows), Ecod, ecod_score),
        (fit_isolation_forest(rows, 1), IsolationForest, isolation_score),
    ):
        np.savez(tmp_path / "model.npz", **asdict(made))
        with np.load(tmp_path / "model.npz", allow_pickle=False) as kept:
            arrays = {name: kept[name] if kept[name].shape else int(kept[name]) for name in kept}
        assert np.array_equal(score(kind(**arrays), rows), score(made, rows))


def test_a_vehicle_is_its_worst_charges_in_deviations_of_the_training_ones():
    told = vehicle_scores(np.array(["b", "a", "b"]), np.array([1.0, 2.0, 5.0]), top=0.5)
    assert told.vehicle.tolist() == ["a", "b"]
    assert told.score.tolist() == [2.0, 5.0]
    assert standardised(np.array([4.0]), np.array([1.0, 2.0, 3.0])) == pytest.approx([2.0 / 1.4826])


@pytest.mark.parametrize("fit", [siblings, ecod, isolation_forest])
def test_a_vehicle_with_a_low_cell_comes_before_unseen_healthy_ones(fit):
    chance = np.random.default_rng(2)
    healthy = drawn_charges(chance, 30, 4)
    asked = joined(
        [
            drawn_charges(chance, 10, 4, name="h"),
            drawn_charges(chance, 5, 4, low_volt=0.04, name="f"),
        ]
    )
    told = judge_vehicles(fit(healthy, chance, lambda _: None), healthy, asked)
    worst = max(score for name, score in told.items() if name.startswith("h"))
    assert all(score > worst for name, score in told.items() if name.startswith("f"))

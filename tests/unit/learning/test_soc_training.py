"""What is learned from drives holds on a drive that was not seen, and says how far it is off."""

import numpy as np
import pytest

from tests.unit.estimation.test_identify import CELL, recorded
from voltherd.errors import InputError
from voltherd.estimation.identify import identify
from voltherd.estimation.soc_gru import GruWeights, answer, stepped
from voltherd.estimation.soc_models import Scale
from voltherd.estimation.soc_window import FEATURES
from voltherd.learning import gru_training
from voltherd.learning.soc_features import lesson, lessons
from voltherd.learning.soc_training import fuzzy_rules, ridge, support_vectors, trained

pytestmark = pytest.mark.long
HOURS = 10.0 / 3600.0


@pytest.fixture(scope="module")
def drives():
    warmth = 0.0, 0.0, 25.0, 25.0, 0.0, 25.0
    return [recorded(seed, celsius, 2000) for seed, celsius in enumerate(warmth)]


@pytest.fixture(scope="module")
def cell(drives):
    return identify(drives, CELL, "simulated")


@pytest.fixture(scope="module")
def taught(cell, drives):
    return lessons(cell, drives, 10)


def rms(model, one):
    return float(np.sqrt(np.mean((model.predict(one.features) - one.soc) ** 2)))


@pytest.mark.parametrize("fit", [ridge, fuzzy_rules, support_vectors])
def test_a_regression_holds_on_an_unseen_drive(fit, cell, taught):
    if fit is support_vectors:
        pytest.importorskip("sklearn")
    model = trained(fit, taught)
    unseen = lesson(cell, recorded(50, 25.0, 2000), 0.2, 10)
    assert rms(model, unseen) < 0.5 * float(unseen.soc.std())
    assert 0.2 < rms(model, unseen) / model.residual < 5.0


def test_who_may_not_see_the_voltage_knows_less(taught):
    blind = np.array(["voltage" not in name for name in FEATURES])
    assert trained(ridge, taught, blind).residual > trained(ridge, taught).residual


def test_a_lesson_is_what_the_drive_says(cell):
    drive = recorded(3, 25.0, 400)
    one = lesson(cell, drive, 0.0, 10)
    np.testing.assert_array_equal(one.features[:, 0], drive.voltage_volt[10::10])
    np.testing.assert_array_equal(one.soc, drive.soc[10::10])
    # The record holds its charge at full at first.
    moved, counted = np.diff(one.soc)[15:], np.diff(one.features[:, 7])[15:]
    np.testing.assert_allclose(counted, moved, atol=1e-9)


def test_nothing_to_learn_from_is_said(cell):
    with pytest.raises(InputError, match="no drive"):
        lessons(cell, [], 10)


def test_the_network_learns_and_numpy_steps_it_as_jax_did(cell, taught, monkeypatch):
    pytest.importorskip("jax")
    monkeypatch.setattr(gru_training, "ROUNDS", 30)
    told = []
    chance = np.random.default_rng(0)
    weights = gru_training.trained_gru(taught, chance, HOURS, told.append)
    again = gru_training.trained_gru(taught, np.random.default_rng(0), HOURS, told.append)
    assert isinstance(weights, GruWeights)
    np.testing.assert_array_equal(weights.inward, again.inward)
    assert any("30 of 30" in text for text in told)
    unseen = lesson(cell, recorded(50, 25.0, 2000), 0.0, 10)
    hidden, error = np.zeros((1, 1, gru_training.UNITS)), []
    for row, soc in zip(unseen.features, unseen.soc, strict=True):
        hidden = stepped(weights, hidden, row[None, None, :])
        mean, _ = answer(weights, hidden)
        error.append(mean[0, 0] - soc)
    assert np.sqrt(np.mean(np.square(error[30:]))) < 0.6 * float(unseen.soc[30:].std())


def test_one_step_in_jax_is_one_step_in_numpy():
    pytest.importorskip("jax")
    chance = np.random.default_rng(1)
    plain = gru_training.first_weights(chance, len(FEATURES))
    scale = Scale(mean=np.zeros(len(FEATURES)), deviation=np.ones(len(FEATURES)))
    weights = gru_training.valued(scale, plain)
    rows = chance.normal(0.0, 1.0, (1, 7, len(FEATURES))).astype(np.float32)
    soc, told = np.full((1, 7), 0.5, np.float32), np.ones((1, 7), bool)
    start = np.zeros((1, gru_training.UNITS), np.float32)
    loss, after = gru_training.loss_of(plain, start, (rows, soc, told))
    hidden, cost = np.zeros((1, 1, gru_training.UNITS)), []
    for row in rows[0].astype(np.float64):
        hidden = stepped(weights, hidden, row[None, None, :])
        mean, log_variance = answer(weights, hidden)
        square = (mean[0, 0] - 0.5) ** 2
        likely = 0.5 * (log_variance[0, 0] + square * np.exp(-log_variance[0, 0]))
        cost.append(likely + gru_training.SQUARE * square)
    np.testing.assert_allclose(np.asarray(after), hidden[0], atol=1e-5)
    assert float(loss) == pytest.approx(np.mean(cost), abs=1e-4)

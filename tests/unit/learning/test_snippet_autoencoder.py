"""The autoencoder finds what its healthy vehicles never did, says what moved, and needs no JAX."""

from dataclasses import asdict, replace

import numpy as np
import pytest

from tests.unit.learning.charges import drawn_charges
from voltherd.errors import InputError
from voltherd.learning import autoencoder_training
from voltherd.learning.rare_metrics import auroc
from voltherd.learning.snippet_autoencoder import (
    NUMPY,
    REBUILT,
    SnippetAutoencoder,
    encoded,
    judged,
    scaled,
    weights_of,
)
from voltherd.learning.snippets import CHANNELS

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def model():
    healthy = drawn_charges(np.random.default_rng(1), 25, 4)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(autoencoder_training, "ROUNDS", 40)
        return autoencoder_training.train_autoencoder(
            healthy, np.random.default_rng(2), lambda _: None
        )


@pytest.fixture(scope="module")
def unseen():
    return drawn_charges(np.random.default_rng(3), 20, 3, name="h")


def test_a_cell_that_falls_behind_is_found_and_named(model, unseen):
    faulty = drawn_charges(np.random.default_rng(4), 10, 3, low_volt=0.03)
    told = judged(model, faulty.values)
    assert auroc(judged(model, unseen.values).score, told.score) > 0.95
    named = [REBUILT[at] for at in np.argmax(told.share, axis=1).tolist()]
    assert named.count("lowest cell below mean") > 0.8 * len(named)
    assert told.share.sum(axis=1) == pytest.approx(1.0)


def test_heat_is_named_as_heat(model, unseen):
    values = unseen.values.copy()
    values[:, :, CHANNELS.index("temperature_celsius_max")] += 10.0
    shares = judged(model, values).share.mean(axis=0)
    assert int(np.argmax(shares)) == REBUILT.index("temperature spread")


def test_unseen_healthy_vehicles_score_about_as_those_held_back(model, unseen):
    assert abs(float(np.median(judged(model, unseen.values).score))) < 2.5


def test_it_travels_as_arrays(model, unseen, tmp_path):
    np.savez(tmp_path / "model.npz", **asdict(model))
    with np.load(tmp_path / "model.npz", allow_pickle=False) as kept:
        again = SnippetAutoencoder(**{name: kept[name] for name in kept})
    assert np.array_equal(judged(again, unseen.values).score, judged(model, unseen.values).score)


def test_jax_and_numpy_run_the_same_network(model, unseen):
    import jax

    series = scaled(model, unseen.values).astype(np.float32)
    weights = {name: one.astype(np.float32) for name, one in weights_of(model).items()}
    engine = type(NUMPY)(jax.numpy, jax.lax.scan)
    there, _ = encoded(engine, weights, series)
    here, _ = encoded(NUMPY, weights, series)
    assert np.asarray(there) == pytest.approx(here, abs=1e-4)


def test_other_channels_than_it_was_trained_on_are_refused(model, unseen):
    values = unseen.values.copy()
    values[:, :, -1] = np.nan
    with pytest.raises(InputError, match="7 series where the model knows 8"):
        judged(model, values)


def test_too_few_vehicles_are_refused():
    few = drawn_charges(np.random.default_rng(1), 9, 2)
    with pytest.raises(InputError, match="9 healthy vehicles are too few"):
        autoencoder_training.train_autoencoder(few, np.random.default_rng(0), print)


def test_one_wild_sample_counts_linearly(model, unseen):
    values = unseen.values.copy()
    near, far = values.copy(), values.copy()
    low = CHANNELS.index("cell_voltage_volt_min")
    near[:, 60, low] -= 1.0
    far[:, 60, low] -= 2.0
    model = replace(model, encode_inward=np.zeros_like(model.encode_inward))  # decoder alone
    grown = judged(model, far).error / judged(model, near).error
    assert (grown < 2.2).all()  # four, if it were a square

"""Cells stay whole, and intervals hold what they promise on cells that were not seen."""

import numpy as np
import pytest

from voltherd.learning.folds import BAND_ROWS_MIN, cell_folds, conformal, half_widths, unseen


def test_no_cell_is_in_two_folds():
    cells = np.repeat([f"c{n}" for n in range(7)], 5)
    fold = cell_folds(cells, 3)
    assert all(len(set(fold[cells == cell])) == 1 for cell in set(cells))
    assert set(fold) == {0, 1, 2}
    assert set(cell_folds(cells, 100)) == set(range(7))


def test_a_model_is_never_asked_about_a_cell_it_saw():
    cells = np.repeat([f"c{n}" for n in range(6)], 4)
    features, target = np.arange(24.0)[:, None], np.arange(24.0)
    seen = []

    def fit(rows, _):
        seen.append(set(rows[:, 0]))
        return lambda asked: np.full(len(asked), float(len(seen[-1] & set(asked[:, 0]))))

    assert np.all(unseen(fit, features, target, cells, 3) == 0.0)
    assert len(seen) == 3


def test_nine_of_ten_further_errors_are_inside():
    random = np.random.default_rng(0)
    inside = [
        np.mean(np.abs(random.normal(size=200)) <= conformal(np.abs(random.normal(size=100)), 0.9))
        for _ in range(200)
    ]
    assert np.mean(inside) == pytest.approx(0.9, abs=0.015)


def test_each_band_has_its_own_width_where_there_is_enough_of_it():
    error = np.concatenate([np.full(BAND_ROWS_MIN, 1.0), np.full(100, 3.0), np.full(3, 9.0)])
    band = np.repeat([0, 1, 2], [BAND_ROWS_MIN, 100, 3])
    assert half_widths(error, band, 3).tolist() == [1.0, 3.0, 3.0]

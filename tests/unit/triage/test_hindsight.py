import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voltherd.triage.hindsight import ramp_onset, step_onset, swing_onset, trend, widths


@given(st.integers(3, 40), st.integers(3, 40), st.floats(0.05, 5.0))
def test_a_step_is_dated_to_its_row(before, after, size):
    rng = np.random.default_rng([before, after])
    series = np.r_[np.zeros(before), np.full(after, size)] + rng.normal(0, 0.005, before + after)
    assert abs(step_onset(series) - before) <= 1


def test_what_was_there_from_the_first_row_has_no_later_onset():
    rng = np.random.default_rng(1)
    assert step_onset(-0.03 + rng.normal(0.0, 0.002, 80)) == 0


def test_a_slide_is_dated_to_where_it_starts():
    rng = np.random.default_rng(2)
    time = np.arange(60.0)
    series = -0.01 * np.maximum(time - 35.0, 0.0) + rng.normal(0.0, 0.003, 60)
    assert ramp_onset(time, series) == pytest.approx(35, abs=3)


def test_a_growing_deficit_has_a_growing_size_and_an_interval_that_covers_it():
    rng = np.random.default_rng(3)
    day = np.linspace(-10.0, 0.0, 120)
    found = trend(day, -0.02 - 0.001 * (day + 10.0) + rng.normal(0.0, 0.002, 120))
    assert found.per_day == pytest.approx(0.001, abs=3.0 * found.sigma_per_day)
    assert 0.0 < found.sigma_per_day < 3e-4


def test_a_few_rows_or_a_short_time_have_no_trend():
    assert np.isnan(trend(np.linspace(-0.5, 0.0, 50), np.ones(50)).per_day)
    assert np.isnan(trend(np.linspace(-9.0, 0.0, 4), np.ones(4)).per_day)


@given(st.integers(20, 100))
def test_a_weak_cells_beginning_is_where_it_starts_to_swing_with_the_charge(before):
    rng = np.random.default_rng(before)
    soc = rng.uniform(0.2, 0.9, 160)
    series = np.where(np.arange(160) < before, 0.0, 0.15 * (soc - 0.5))
    found = swing_onset(soc, series + rng.normal(0.0, 0.003, 160))
    assert abs(found - before) <= 4


def test_a_cell_that_always_swung_has_no_later_beginning():
    rng = np.random.default_rng(5)
    soc = rng.uniform(0.2, 0.9, 160)
    assert swing_onset(soc, 0.15 * (soc - 0.5) + rng.normal(0.0, 0.003, 160)) == 0


def test_a_pack_of_which_nothing_can_be_read_as_charge_has_no_width():
    """On an iron-phosphate plateau every half hour is like that."""
    assert np.isnan(widths(np.full((5, 12), np.nan, np.float32))).all()

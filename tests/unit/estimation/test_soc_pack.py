"""The weakest cell is named, and the pack is limited by it (C3-19)."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voltherd.estimation.soc_pack import pack_soc
from voltherd.types.estimate import Estimate
from voltherd.types.quality import Quality


def estimate(soc, sigma=0.01):
    soc = np.asarray(soc, float)
    return Estimate(
        unix_time_second=0.0,
        value=soc,
        sigma=np.full_like(soc, sigma),
        quality=Quality.OK,
        method="test",
        innovation=np.full_like(soc, np.nan),
    )


def test_the_weakest_cell_is_named_and_limits_the_pack():
    pack = pack_soc(estimate([0.5, 0.52, 0.4, 0.51]))
    assert (pack.lowest_cell, pack.highest_cell) == (3, 2)
    assert pack.value == pytest.approx(0.4 / (1.0 + 0.4 - 0.52))
    assert pack.usable == pytest.approx(0.88)
    assert pack.named


def test_a_difference_within_the_doubt_names_nobody():
    assert not pack_soc(estimate([0.50, 0.505, 0.51])).named


def test_equal_cells_are_the_pack():
    assert pack_soc(estimate([0.37] * 96)).value == pytest.approx(0.37)


@given(soc=st.lists(st.floats(0.0, 1.0), min_size=1, max_size=20))
def test_the_pack_is_a_fraction_and_never_fuller_than_its_fullest_cell(soc):
    pack = pack_soc(estimate(soc))
    assert 0.0 <= pack.value <= max(soc) + 1e-12
    assert (pack.value == 0.0) == (min(soc) == 0.0) or pack.usable == 0.0

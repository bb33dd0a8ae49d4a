import warnings

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from voltherd.numerics.robust import median, sibling_score

CUBES = hnp.arrays(
    np.float64,
    hnp.array_shapes(min_dims=1, max_dims=3, max_side=7),
    elements=st.floats(-1e3, 1e3) | st.just(float("nan")),
)


@given(CUBES, st.integers(0, 2))
def test_the_median_is_numpys_nanmedian(values, axis):
    axis = min(axis, values.ndim - 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        expected = np.nanmedian(values, axis=axis)
    np.testing.assert_allclose(median(values, axis=axis), expected, rtol=1e-12)


@given(st.floats(1.0, 1e3), st.integers(0, 11))
def test_one_wild_sibling_stands_out_and_does_not_move_the_others(size, place):
    values = np.linspace(-1.0, 1.0, 12)
    calm, _, _ = sibling_score(values, 0.1)
    values[place] += 50.0 * size
    wild, _, _ = sibling_score(values, 0.1)
    assert np.argmax(wild) == place
    assert np.abs(np.delete(wild - calm, place)).max() < 0.6

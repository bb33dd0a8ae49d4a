"""Filling: nothing overflows, and nobody has less than it asked for without a reason."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from voltherd.charging.guard_share import fill


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(st.sampled_from([0.0, 0.01, 1.0, 5.0]), st.floats(0.0, 40.0)),
        min_size=3,
        max_size=3,
    ),
    st.lists(st.floats(0.0, 60.0), min_size=4, max_size=4),
    st.integers(0, 2**12 - 1),
)
def test_no_row_overflows_and_who_has_less_than_asked_is_stopped_by_a_full_row(who, room, bits):
    member = np.array([[float(bits >> (3 * r + s) & 1) for s in range(3)] for r in range(4)])
    weight, most = (np.array(column) for column in zip(*who, strict=True))
    got = fill(weight, most, member, np.array(room))
    assert (got >= 0.0).all() and (got <= most + 1e-9).all()
    left = np.array(room) - member @ got
    assert (left >= -1e-6).all()
    for place in np.flatnonzero((got < most - 1e-3) & (weight > 0.0)):
        assert (left[member[:, place] > 0.0] <= 1e-5).any()

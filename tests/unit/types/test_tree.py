"""Whatever a state is made of comes back from its bytes as it was, or not at all."""

import math
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps

from voltherd.errors import UnreadableError
from voltherd.types.tree import packed, unpacked


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Level(IntEnum):
    LOW = 1
    HIGH = 2


class Pair(NamedTuple):
    first: object
    second: object


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    name: str
    worth: object


CLASSES = (Colour, Level, Pair, Leaf)
ARRAYS = nps.arrays(
    st.sampled_from([np.float32, np.float64, np.int64, np.uint8, np.bool_]),
    nps.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
)
PLAIN = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.sampled_from([*Colour, *Level]),
)
TREES = st.recursive(
    PLAIN | ARRAYS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4).map(tuple),
        st.dictionaries(st.tuples(st.text(), st.integers() | st.none()), inner, max_size=3),
        st.builds(Pair, inner, inner),
        st.builds(Leaf, name=st.text(), worth=inner),
    ),
    max_leaves=12,
)


def same(one, other):
    """Whether two trees are alike to the last bit, types and order in memory included."""
    assert type(one) is type(other)
    if isinstance(one, np.ndarray):
        assert (one.dtype, one.shape) == (other.dtype, other.shape)
        assert one.tobytes() == other.tobytes()
    elif isinstance(one, float):
        assert math.isnan(one) == math.isnan(other)
        assert math.isnan(one) or (one.hex() == other.hex())
    elif isinstance(one, Leaf):
        same((one.name, one.worth), (other.name, other.worth))
    elif isinstance(one, dict):
        same(tuple(one.items()), tuple(other.items()))
    elif isinstance(one, tuple):
        assert len(one) == len(other)
        for a, b in zip(one, other, strict=True):
            same(a, b)
    else:
        assert one == other


@given(TREES)
@settings(deadline=None)
def test_a_value_comes_back_to_the_last_bit(value):
    data = packed(value, CLASSES)
    same(unpacked(data, CLASSES), value)
    assert packed(unpacked(data, CLASSES), CLASSES) == data


def test_an_array_keeps_its_order_in_memory_on_which_sums_depend():
    kept = unpacked(packed(np.asfortranarray(np.arange(6.0).reshape(2, 3)), ()), ())
    assert kept.flags.f_contiguous
    assert not kept.flags.c_contiguous
    assert kept.tolist() == [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]


def test_a_double_of_numpy_comes_back_as_a_plain_one():
    assert type(unpacked(packed(np.float64(0.1), ()), ())) is float


@given(st.data())
@settings(deadline=None)
def test_damaged_bytes_are_refused(data):
    whole = packed(Pair((1.5, "a"), np.arange(5.0)), CLASSES)
    place = data.draw(st.integers(0, len(whole) - 1))
    flipped = bytearray(whole)
    flipped[place] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(UnreadableError):
        unpacked(bytes(flipped), CLASSES)
    with pytest.raises(UnreadableError):
        unpacked(whole[:place], CLASSES)


def test_a_class_that_has_other_fields_now_is_another_version():
    before = packed(Pair(1, 2), (Pair,))

    class Pair2(NamedTuple):
        first: object
        second: object
        third: object = None

    Pair2.__name__ = "Pair"
    with pytest.raises(UnreadableError, match="another version"):
        unpacked(before, (Pair2,))


@pytest.mark.parametrize("value", [object(), {1, 2}, [1], np.array(["text"]), np.array([object()])])
def test_what_is_no_plain_value_is_a_mistake_of_the_caller(value):
    with pytest.raises(AssertionError):
        packed(value, CLASSES)


def test_only_classes_handed_in_are_made():
    with pytest.raises(AssertionError):
        packed(Pair(1, 2), (Leaf,))

"""Ranges behave as the sets of numbers they stand for."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from voltherd.types.ranges import count, holds, holes, merged, ranges_of, touching
from voltherd.types.record import SeqRange

NUMBERS = st.sets(st.integers(1, 40))
RANGES = st.lists(
    st.tuples(st.integers(1, 40), st.integers(0, 6)).map(lambda p: SeqRange(p[0], p[0] + p[1]))
)


def numbers(ranges):
    return {n for first, last in ranges for n in range(first, last + 1)}


def apart(ranges):
    return all(a.last + 1 < b.first for a, b in pairwise(ranges))


@given(NUMBERS)
def test_numbers_written_as_ranges_are_the_same_numbers(some):
    ranges = ranges_of(some)
    assert numbers(ranges) == some and apart(ranges) and count(ranges) == len(some)


@given(RANGES)
def test_merged_ranges_lie_apart_and_hold_what_they_held(some):
    ranges = merged(some)
    assert numbers(ranges) == numbers(some) and apart(ranges)
    assert {n for n in range(60) if holds(ranges, n)} == numbers(some)


@given(NUMBERS)
def test_holes_are_what_is_missing_below_the_last(some):
    missing = numbers(holes(ranges_of(some)))
    assert missing == set(range(1, max(some, default=0))) - some


@given(RANGES, NUMBERS)
def test_the_ranges_touched_are_those_that_hold_a_number(some, wanted):
    ranges = merged(some)
    inside = [SeqRange(n, n) for n in wanted if holds(ranges, n)]
    found = touching(ranges, inside)
    assert list(found) == [r for r in ranges if any(r.first <= n.first <= r.last for n in inside)]

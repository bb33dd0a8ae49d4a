import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voltherd.report.words import (
    TITLE,
    belief,
    clean,
    indices,
    number,
    percent,
    quantity,
    rfc3339,
    where,
)
from voltherd.types.event import Evidence, Location, LocationKind, Phenomenon


def test_every_phenomenon_has_a_title():
    assert set(TITLE) == set(Phenomenon)
    assert len(set(TITLE.values())) == len(TITLE)


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_any_number_can_be_written(value):
    assert number(value)
    assert "-" not in number(value)


@given(st.floats(min_value=-1e8, max_value=1e8).filter(lambda v: abs(v) > 1e-5))
def test_three_digits_are_kept(value):
    read = float(number(value).replace("−", "-").replace(",", ""))
    assert math.isclose(read, value, rel_tol=0.006)


@given(st.floats(min_value=0.0, max_value=1.0))
def test_a_share_is_whole_only_when_it_is(share):
    text = percent(share)
    assert (text == "100\N{NO-BREAK SPACE}%") == (share == 1.0)
    assert (text == "0\N{NO-BREAK SPACE}%") == (share == 0.0)


@given(st.text())
def test_foreign_text_cannot_command_a_terminal(text):
    cleaned = clean(text)
    assert all(
        letter.isprintable() or letter in "\u200c\u200d" or letter.isspace()
        for letter in cleaned
        if letter < "\u2000"
    )
    assert "\x1b" not in cleaned and "\n" not in cleaned and "\u202e" not in cleaned
    assert clean(cleaned) == cleaned


@pytest.mark.parametrize(
    ("low", "high", "value", "interval"),
    [
        (31.2, 45.9, "38", "31 to 46"),
        (38.1, 38.7, "38.4", "38.1 to 38.7"),
        (37.2, 39.6, "38.4", "37.2 to 39.6"),
        (38.3977, 38.4021, "38.4000", "38.3977 to 38.4021"),
        (None, 40.0, "38.4", "at most 40"),
        (30.0, None, "38.4", "at least 30"),
        (None, None, "38.4", ""),
        (math.nan, 40.0, "38.4", "unknown to 40"),
    ],
)
def test_an_interval_decides_the_digits(low, high, value, interval):
    unit = "\N{NO-BREAK SPACE}mA"
    told = quantity(Evidence(name="x", value=38.4, unit="mA", low=low, high=high))
    assert told == (value + unit, interval + unit if interval else "")


def test_confidence_words_never_fall_as_confidence_grows():
    order = [belief(step / 100) for step in range(101)]
    assert len(set(order)) == 6
    assert [word for word, after in pairwise(order) if word != after] == list(dict.fromkeys(order))[
        :-1
    ]


def test_a_time_outside_the_calendar_is_no_time():
    assert rfc3339(1e18) is None
    assert rfc3339(-1e18) is None
    assert rfc3339(math.inf) is None
    assert rfc3339(-1.0) == "1969-12-31T23:59:59Z"
    assert rfc3339(253_402_300_798.0) == "9999-12-31T23:59:58Z"


@given(st.sets(st.integers(1, 200), min_size=1))
def test_indices_say_exactly_which(numbers):
    said = set()
    for part in indices(tuple(numbers)).split(", "):
        low, _, high = part.partition("–")
        said |= set(range(int(low), int(high or low) + 1))
    assert said == numbers


@pytest.mark.parametrize(
    ("location", "text"),
    [
        (Location(kind=LocationKind.CELL, index=81, cells=(81,)), "cell 81"),
        (Location(kind=LocationKind.CELL, cells=(2, 81)), "cells 2, 81"),
        (Location(kind=LocationKind.MODULE, index=3, cells=(25, 26)), "module 3, cells 25–26"),
        (Location(kind=LocationKind.PROBE, index=7, channel="T_7"), "probe 7 (T_7)"),
        (Location(kind=LocationKind.PACK), "pack"),
        (Location(kind=LocationKind.CHANNEL, channel="mileage"), "channel mileage"),
    ],
)
def test_a_place_is_named_as_the_vehicle_names_it(location, text):
    assert where(location) == text

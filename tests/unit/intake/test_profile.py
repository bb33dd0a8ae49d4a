"""A profile survives being written down, and tells what is wrong with one that is not right."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voltherd.errors import UsageError
from voltherd.intake.profile import (
    ChannelRule,
    GroupRule,
    Profile,
    TimeKind,
    TimeRule,
    from_plain,
    to_plain,
)
from voltherd.types.channel import SCALARS

names = st.text(min_size=1, max_size=12)
numbers = st.floats(allow_nan=False, allow_infinity=False)
codes = st.lists(numbers, max_size=3).map(tuple)
conversion = {"scale": numbers, "offset": numbers, "sentinels": codes}
groups = st.none() | st.fixed_dictionaries(
    {"numbered": st.dictionaries(st.integers(1, 400), names, min_size=1), **conversion}
)
parts = st.fixed_dictionaries(
    {
        "time": st.none()
        | st.fixed_dictionaries(
            {
                "columns": st.lists(names, min_size=1, max_size=2).map(tuple),
                "kind": st.sampled_from(TimeKind),
                "second_per_unit": numbers,
                "order": st.sampled_from(["ymd", "dmy", "mdy"]),
                "zone": names,
            }
        ),
        "cells": groups,
        "probes": groups,
        "scalar": st.dictionaries(
            st.sampled_from(sorted(SCALARS)),
            st.fixed_dictionaries({"column": names, **conversion}),
            max_size=4,
        ),
        "vehicle": st.none() | names,
        "ignore": st.lists(names, max_size=3).map(tuple),
    }
)


def group(numbered, **rest):
    indices = tuple(sorted(numbered))
    return GroupRule(columns=tuple(numbered[k] for k in indices), indices=indices, **rest)


@given(parts)
def test_a_profile_comes_back_from_plain_tables_as_it_was(parts):
    profile = Profile(
        time=parts["time"] and TimeRule(**parts["time"]),
        cells=parts["cells"] and group(**parts["cells"]),
        probes=parts["probes"] and group(**parts["probes"]),
        scalar={name: ChannelRule(**rule) for name, rule in parts["scalar"].items()},
        vehicle=parts["vehicle"],
        ignore=parts["ignore"],
    )
    assert from_plain(to_plain(profile)) == profile


def test_a_profile_written_by_hand_in_toml_is_read():
    text = """
        vehicle = "vin"
        [time]
        columns = ["Datum", "Uhrzeit"]
        kind = "text"
        order = "dmy"
        [cells]
        columns = ["U1", "U2"]
        scale = 0.001
        [scalar.current_ampere]
        column = "Strom"
        scale = -1
    """
    profile = from_plain(tomllib.loads(text))
    assert profile.cells == GroupRule(columns=("U1", "U2"), indices=(1, 2), scale=0.001)
    assert profile.scalar["current_ampere"].scale == -1.0
    assert profile.sources() == {"vin", "Datum", "Uhrzeit", "U1", "U2", "Strom"}


@pytest.mark.parametrize(
    ("plain", "message"),
    [
        ({"tiem": {}}, "unknown key 'tiem'; did you mean 'time'"),
        ({"cells": {"colums": ["a"]}}, r"profile \[cells\]: unknown key 'colums'; did you mean"),
        ({"scalar": {"soc": {"column": "a"}}}, "unknown key 'soc'; did you mean 'soc_fraction'"),
        ({"scalar": {"soc_fraction": {"column": 3}}}, "a name expected, got 3"),
        ({"scalar": {"soc_fraction": {"column": "a", "scale": "x"}}}, "a number expected"),
        ({"cells": {"columns": []}}, "columns must not be empty"),
        ({"cells": {"columns": ["a", "b"], "indices": [2, 1]}}, "indices must rise"),
        ({"cells": {"columns": ["a", "b"], "indices": [1, 2, 3]}}, "2 columns but 3 indices"),
        ({"time": {"columns": ["a"], "kind": "unx"}}, "unknown kind 'unx'; did you mean 'unix'"),
        ({"time": {"columns": ["a"], "kind": "text", "order": "ydm"}}, "unknown order 'ydm'"),
        ({"cells": 7}, "a table expected"),
        ({"ignore": "a"}, "a list of names expected"),
        ({"schema": "voltherd.profile/9"}, "is not 'voltherd.profile/1'"),
    ],
)
def test_a_wrong_profile_is_refused_with_the_place_and_the_mend(plain, message):
    with pytest.raises(UsageError, match=message):
        from_plain(plain)

"""A site is refused that makes no sense or is not safe when left alone."""

import math

import numpy as np
import pytest

from tests.unit.charging.guard.conftest import boxes, house, wallbox
from voltherd.charging.guard_site import Limit, make_site, safe_default
from voltherd.errors import UsageError


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"hardware_ampere": 0.0}, "positive"),
        ({"hardware_ampere": math.inf}, "positive"),
        ({"hardware_ampere": math.nan}, "positive"),
        ({"hardware_ampere": 5.0}, "positive"),
        ({"least_ampere": 0.0}, "positive"),
        ({"least_ampere": math.nan}, "positive"),
        ({"step_ampere": 0.0}, "positive"),
        ({"step_ampere": -1.0}, "positive"),
        ({"default_ampere": 3.0}, "safe default of 3 A"),
        ({"default_ampere": -1.0}, "safe default"),
        ({"default_ampere": 33.0}, "safe default"),
        ({"default_ampere": math.nan}, "safe default"),
        ({"phases": ()}, "phases"),
        ({"phases": (0, 3)}, "phases"),
        ({"phases": (-1,)}, "phases"),
    ],
)
def test_a_station_that_makes_no_sense_is_refused(changes, told):
    with pytest.raises(UsageError, match=told):
        make_site([wallbox(**changes)], [house(1, ampere=500.0)])


@pytest.mark.parametrize(
    "changes",
    [
        {"hardware_ampere": 6.0},
        {"default_ampere": 6.0},
        {"default_ampere": 32.0},
        {"least_ampere": 0.5},
        {"step_ampere": 0.5},
        {"hardware_ampere": 0.5, "least_ampere": 0.5},
    ],
)
def test_the_edges_of_sense_are_taken(changes):
    assert make_site([wallbox(**changes)], [house(1, ampere=500.0)])


@pytest.mark.parametrize("ampere", [-1.0, math.nan, math.inf])
def test_a_limit_that_makes_no_sense_is_refused(ampere):
    for limit in (house(1, ampere=ampere), house(1, others=ampere)):
        with pytest.raises(UsageError, match="none negative"):
            make_site([wallbox()], [limit])


def test_a_limit_over_a_station_that_is_not_there_is_refused():
    with pytest.raises(UsageError, match="not there"):
        make_site([wallbox()], [house(2)])


def test_a_station_behind_no_limit_is_refused():
    with pytest.raises(UsageError, match="b: a station is behind no limit"):
        make_site([wallbox("a"), wallbox("b")], [house(1)])


def test_defaults_that_break_a_limit_are_refused():
    assert boxes(2, ampere=22.0, default_ampere=6.0)
    assert boxes(2, ampere=0.0, others=0.0)
    with pytest.raises(UsageError, match=r"house: left alone.* phase 1 by 0\.1 A"):
        boxes(2, ampere=21.9, default_ampere=6.0)


def test_the_phase_and_the_limit_that_break_are_named():
    limits = [
        house(2, ampere=90.0),
        Limit(name="group", ampere=(9.0, 9.0, 5.0), stations=(1,)),
        Limit(name="other", ampere=(9.0, 9.0, 9.0), stations=(0,)),
    ]
    stations = [wallbox("a"), wallbox("b", default_ampere=8.0)]
    with pytest.raises(UsageError, match=r"group: left alone.* phase 3 by 3\.0 A"):
        make_site(stations, limits)


def test_a_station_that_does_not_obey_counts_with_its_hardware():
    assert boxes(1, ampere=42.0, obeys=False)
    with pytest.raises(UsageError, match=r"by 1\.0 A"):
        boxes(1, ampere=41.0, obeys=False)


def test_rows_are_limits_times_phases():
    stations = [wallbox("a"), wallbox("b", phases=(1,))]
    limits = [
        Limit(name="x", ampere=(50.0, 60.0, 70.0), stations=(0, 1), others_ampere=(1.0, 2.0, 3.0)),
        Limit(name="y", ampere=(5.0, 6.0, 7.0), stations=(1,)),
    ]
    site = make_site(stations, limits)
    assert site.member.tolist() == [[1, 0], [1, 1], [1, 0], [0, 0], [0, 1], [0, 0]]
    assert site.limit_ampere.tolist() == [50, 60, 70, 5, 6, 7]
    assert site.others_ampere.tolist() == [1, 2, 3, 0, 0, 0]
    assert site.behind.tolist() == [[1, 1], [0, 1]]
    assert site.on_phase.tolist() == [[True] * 3, [False, True, False]]


def test_safe_defaults_are_equal_parts_of_the_tightest_limit():
    stations = [wallbox("a"), wallbox("b"), wallbox("c", phases=(2,)), wallbox("d", obeys=False)]
    limits = [house(4, ampere=100.0), Limit(name="group", ampere=(13.9,) * 3, stations=(1,))]
    assert safe_default(stations, limits) == (19.0, 13.0, 19.0, 19.0)
    two = [wallbox("a"), wallbox("b", phases=(2,))]
    one_phase = Limit(name="thin", ampere=(40.0, 40.0, 13.0), stations=(0, 1))
    assert safe_default(two, [one_phase]) == (6.0, 6.0)
    assert safe_default(two, [Limit(name="thin", ampere=(40.0, 40.0, 11.9), stations=(0, 1))]) == (
        0.0,
        0.0,
    )
    assert safe_default([wallbox("a", step_ampere=0.1)], [house(1, ampere=16.3)]) == (
        pytest.approx(6.3),
    )
    assert safe_default([wallbox("a", obeys=False)], [house(1, ampere=52.0)]) == (10.0,)


def test_safe_defaults_never_exceed_the_hardware_and_are_safe():
    assert safe_default([wallbox("a", hardware_ampere=16.0)], [house(1, ampere=90.0)]) == (16.0,)
    rng = np.random.default_rng(1)
    for _ in range(50):
        stations = [
            wallbox(str(i), phases=(int(rng.integers(3)),) if rng.random() < 0.5 else (0, 1, 2))
            for i in range(5)
        ]
        limits = [
            house(5, ampere=float(rng.uniform(10, 90))),
            house(3, float(rng.uniform(0, 60)), 0.0),
        ]
        given = safe_default(stations, limits)
        safe = [
            wallbox(s.name, phases=s.phases, default_ampere=d)
            for s, d in zip(stations, given, strict=True)
        ]
        assert make_site(safe, limits)

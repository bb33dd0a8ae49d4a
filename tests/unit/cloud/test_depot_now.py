"""What is told of a depot that runs: its past by looks, and what a whole evening leaves behind."""

import json
from math import isnan

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from voltherd.adapters.files.depot_now import FILE, read_now, write_now
from voltherd.cli.main import app
from voltherd.cloud.depot_example import EXAMPLE
from voltherd.cloud.depot_now import PAST_SECOND, looked
from voltherd.types.depot_now import Stretch

STEP = 900.0


def seen(kilowatt, begin=0.0, limit=60.0):
    return Stretch(begin, kilowatt / 2.0, kilowatt, limit, 0.3, kilowatt, 1)


@given(st.lists(st.floats(-50.0, 200.0), min_size=1, max_size=40))
def test_a_stretch_tells_the_mean_and_the_highest_of_its_looks(kilowatt):
    past = ()
    for each in kilowatt:
        past = looked(past, seen(each))
    [one] = past
    mean = sum(kilowatt) / len(kilowatt)
    assert one.site_kilowatt == pytest.approx(mean, abs=1e-9)
    assert one.vehicles_kilowatt == pytest.approx(mean / 2.0, abs=1e-9)
    assert (one.highest_kilowatt, one.looks) == (max(kilowatt), len(kilowatt))


def test_what_is_older_than_a_day_is_forgotten_and_so_is_a_future_that_never_was():
    past = ()
    for step in range(200):
        past = looked(past, seen(1.0, step * STEP))
    assert len(past) == PAST_SECOND / STEP
    assert past[-1].begin_second == 199 * STEP
    back = looked(past, seen(1.0, 150 * STEP))
    assert [one.begin_second for one in back] == [n * STEP for n in range(104, 151)]


@pytest.fixture(scope="module")
def evening(tmp_path_factory):
    """Four hours of the example depot, its stations simulated, cheap until 17:00: it is 18:00."""
    folder = tmp_path_factory.mktemp("evening")
    cheap = EXAMPLE.replace("06:00: 0.31", "06:00: 0.10")
    (folder / "site.yaml").write_text(cheap + "\ncentral: {port: 0}\n")
    told = ("--config", folder / "site.yaml", "--folder", folder, "--simulated", 1e9, "--hours", 4)
    done = CliRunner().invoke(app, ["depot", "run", *map(str, told)])
    assert done.exit_code == 0, done.output
    found = read_now(folder)
    assert found is not None
    return folder, found[0]


@pytest.mark.long
def test_an_evening_is_told_as_it_was_is_and_will_be(evening):
    _, now = evening
    assert now.site == "North depot"
    assert [place.charger for place in now.places] == ["CP-01", "CP-02", "CP-03", "CP-04"]
    assert [place.stay is not None for place in now.places] == [True, False, True, True]
    assert all(place.online for place in now.places)
    begins = [one.begin_second for one in now.past]
    assert begins == [begins[0] + n * STEP for n in range(len(begins))]  # nothing is left out
    assert len(begins) == 4 * 4 + 1
    metered = sum(place.stay.drawn_wh for place in now.places if place.stay) / 1000.0
    drawn = sum(one.vehicles_kilowatt for one in now.past[:-1]) * STEP / 3600.0
    assert drawn == pytest.approx(metered, rel=0.02)
    assert max(one.highest_kilowatt for one in now.past) <= now.limit_kilowatt
    assert metered > 5.0
    # It is 18:00 and cheaper from midnight on: who waits is told until when.
    [waits] = [place for place in now.places if place.charger == "CP-01"]
    assert waits.allowed_kilowatt == 0.0
    assert waits.why == "the plan gives none"
    assert waits.next_second >= now.now_second + 3 * 3600.0
    assert now.next[0].begin_second <= now.now_second < now.next[0].begin_second + STEP
    assert max(one.vehicles_kilowatt for one in now.next) > 20.0
    assert not now.is_metered
    assert now.plan_gap <= 1e-3


@pytest.mark.long
def test_a_file_that_is_torn_or_of_another_version_is_none(evening, tmp_path):
    folder, now = evening
    assert read_now(tmp_path) is None
    write_now(tmp_path, now)
    again, age = read_now(tmp_path)
    assert again == now or isnan(now.places[0].next_second)
    assert 0.0 <= age < 60.0
    text = (folder / FILE).read_text()
    (tmp_path / FILE).write_text(text[: len(text) // 2])
    assert read_now(tmp_path) is None
    (tmp_path / FILE).write_text(json.dumps(json.loads(text)[:-1]))
    assert read_now(tmp_path) is None


def test_a_folder_that_refuses_costs_nothing_but_the_look(evening, tmp_path, caplog):
    (tmp_path / f"{FILE}.new").mkdir()
    write_now(tmp_path, evening[1])
    assert "is not told" in caplog.text

"""The benchmark of heat: its cases follow from the seed, its table says what it measured."""

import json

import numpy as np
import pytest

from voltherd.bench.thermal import (
    Heat,
    StageScore,
    ThermalTable,
    drawn,
    followed_stages,
    render,
)
from voltherd.sim.thermal_runaway import run, telemetry

TABLE = ThermalTable(
    heat=(
        Heat(
            fault="self_heating:20W", planted=4, found=3, named=3, recommended=2, median_hour=5.5,
            worst_hour=9.0, hottest_celsius=31.0,
        ),
        Heat(
            fault="joint_heating:3mohm", planted=4, found=0, named=0, recommended=0,
            median_hour=None, worst_hour=None, hottest_celsius=None,
        ),
    ),
    stages=(
        StageScore(
            probe="on it", period_second=10, pressure=True, cases=4, agreement=0.97,
            event_agreement=0.93, neighbour_agreement=0.99, at_once=4, collapses=4,
            confusion=((1,) * 6,) * 6,
        ),
    ),
    spread_bare=1.0, spread_barrier=0.0, winter_told=1, summer_told=0, season_vehicles=4,
    healthy_days=96, false=0, false_operating=1,
)  # fmt: skip


def test_the_table_tells_numbers_and_dashes_where_there_are_none():
    text = render(TABLE)
    assert "31.0" in text
    assert text.count("–") == 3
    assert "4 of 4" in text
    assert "100% bare, 0% with a barrier" in text
    assert json.loads(TABLE.to_json())["heat"][0]["found"] == 3


def test_a_case_follows_from_its_seed_and_number():
    assert drawn(3, 1, 7) == drawn(3, 1, 7)
    assert drawn(3, 1, 7) != drawn(3, 2, 7)
    assert drawn(3, 1, 7, 0.3).face_watt_per_kelvin == 0.3


@pytest.mark.long
def test_stages_are_told_sample_by_sample():
    told = telemetry(run(drawn(3, 1, 7)), 3, period_second=10)
    seen = followed_stages(told)
    assert (np.diff(seen) >= 0).all()
    assert (seen == told.stage).mean() > 0.9

"""The benchmark of charging plans measures what it says."""

import json

import numpy as np
import pytest

from voltherd.bench import charging
from voltherd.bench.charging import Case, measure, render
from voltherd.bench.depot_instance import depot

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def table():
    with pytest.MonkeyPatch.context() as patch:
        cases = (
            Case("energy only", 20, goal_second=60.0, again=True),
            Case("three phases", 20, refereed=2, phased=True),
            Case("gives back, wear", 50, gives_back=True, goal_second=0.0),
        )
        patch.setattr(charging, "CASES", cases)
        yield measure()


def test_the_instance_is_the_common_one():
    problem = depot(5000)
    assert problem.window.sum() == 270_569
    assert problem.fleet.energy_kwh.sum() == pytest.approx(176_315.77, abs=0.01)
    assert problem.site.headroom_kilowatt == pytest.approx(15_000 - problem.site.base_kilowatt)


def test_plans_stand_beside_the_referee(table):
    first, second, third = table.rows
    assert first.highs_eur == pytest.approx(first.cost_eur, rel=2e-4)
    assert first.ratio == pytest.approx(first.highs_second / first.cpu_second)
    assert first.again_second > 0
    assert second.highs_second is None and second.ratio is None
    assert third.highs_eur == pytest.approx(third.cost_eur, rel=1e-4)
    assert all(row.over_kilowatt <= 1e-6 for row in table.rows)


def test_aims_are_judged(table):
    assert table.rows[0].verdict == "met: 60 s at 0.0001"
    assert table.rows[1].verdict == ""
    assert table.rows[2].verdict.startswith("missed")


def test_the_table_is_text_and_json(table):
    assert "energy only" in render(table) and "met: 60 s" in render(table)
    plain = json.loads(table.to_json())
    assert [row["vehicles"] for row in plain["rows"]] == [20, 20, 50]
    assert np.isfinite(plain["rows"][0]["gap"])

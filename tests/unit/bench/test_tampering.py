"""The benchmark of tampering counts what it says."""

import json

import pytest

from voltherd.bench.tampering import Case, TamperingTable, measure, render
from voltherd.sim.attacks import ATTACKS
from voltherd.sim.incidents import EVENTS, SENSOR_FAULTS


@pytest.mark.long
def test_incidents_of_one_vehicle_are_found_and_its_healthy_days_are_not_accused():
    table = measure(each=1, seed=4)
    kinds = sum(len(kind.sizes) for kind in (*ATTACKS.values(), *EVENTS.values()))
    kinds += sum(len(kind.sizes) for kind in SENSOR_FAULTS.values())
    assert kinds - 1 <= len(table.cases) <= kinds  # two cells far enough apart may be missing
    assert table.false_tampered == 0
    told = {(case.kind, case.named) for case in table.cases}
    assert {("replay", "attack"), ("venting", "event"), ("cell stuck", "sensor")} <= told
    assert json.loads(table.to_json())["healthy_days"] == table.healthy_days


def test_the_matrix_counts_what_was_taken_for_what_and_what_was_missed():
    cases = (
        Case(origin="attack", kind="replay", size=1.0, second=300.0, named="attack"),
        Case(origin="attack", kind="replay", size=1.0, second=600.0, named="sensor"),
        Case(origin="event", kind="short", size=0.1, second=float("nan"), named=""),
    )
    table = TamperingTable(
        cases=cases,
        healthy_days=3,
        driven_hours=48.0,
        false_tampered=0,
        false_recommended=0,
        per_day_max=1.5,
    )
    told = render(table)
    assert "found 2 of 3 (66.7%), named right 1 of 2 (50.0%)" in told
    assert "7.5 min" in told
    assert "1.5 per 24 h" in told

"""What a budget makes of findings reaches every form of the report: shown, held back, and why."""

import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from tests.unit.triage.synthetic_fleets import calibrated, finding
from voltherd.report import document
from voltherd.report.html import render_html
from voltherd.report.terminal import render_triage
from voltherd.triage.decision import decide
from voltherd.types.decision import Policy
from voltherd.types.event import Phenomenon, Severity
from voltherd.types.report import TriageReport, VehicleSummary

SCHEMA = json.loads(Path(document.__file__).with_name("triage.schema.json").read_text("utf-8"))
POLICY = Policy(budget_per_thousand=0.5, miss_cost=9000.0, visit_cost=30.0, recall_cost=200.0)


@pytest.fixture(scope="module")
def report():
    found = [
        finding("bus-1", score=6.1),
        *(finding(f"bus-{n}", Phenomenon.CHANNEL_SWAP, score=500.0) for n in range(2, 10)),
        finding("bus-1", Phenomenon.THERMAL_RUNAWAY, Severity.SAFETY, score=20.0),
    ]
    made = decide(found, POLICY, calibrated(np.random.default_rng(11), 40_000))
    assert len(made.held) == 1
    vehicles = tuple(
        VehicleSummary(
            vehicle_id=f"bus-{n}", rows=9, first_second=1.7e9, last_second=1.8e9, cells=96
        )
        for n in range(1, 10)
    )
    return TriageReport(
        generated_second=1.8e9,
        vehicles=vehicles,
        findings=tuple(each.finding for each in made.decided if each.shown),
        decisions=made,
    )


def test_json_holds_the_decision_and_is_valid(report):
    written = document.to_document(report)
    jsonschema.validate(written, SCHEMA)
    json.dumps(written, allow_nan=False)
    made = written["decision"]
    assert made["policy"]["budget_per_thousand"] == 0.5
    assert made["false_alarms"]["proof"] == "kept"
    assert len(made["shown"]) == len(written["findings"]) == 9
    [held] = made["held"]
    assert held["finding"]["phenomenon"] == "weak_cell"
    assert held["finding"] not in written["findings"]
    [flood] = made["floods"]
    assert len(flood["vehicles"]) == 8


@pytest.mark.parametrize("form", [lambda r: render_triage(r, 120, False), render_html])
def test_people_read_the_budget_the_flood_and_what_is_held_back(report, form):
    told = " ".join(form(report).replace("\N{NO-BREAK SPACE}", " ").split())
    assert "At most 0.5 false alarms per 1,000 vehicle-days; a miss costs 9,000, a visit 30" in told
    assert "Watched, below your budget" in told
    assert "bus-1, cell 7: weak cell: watched, below your budget" in told
    assert "8 of 8 vehicles of the fleet say channel swap" in told
    assert "choose a recall" in told
    assert "severity safety is never held back" in told


def test_without_a_budget_nothing_of_it_is_told(report):
    plain = replace(report, decisions=None)
    assert document.to_document(plain)["decision"] is None
    assert "budget" not in render_triage(plain, 120, False)
    assert "budget" not in render_html(plain)

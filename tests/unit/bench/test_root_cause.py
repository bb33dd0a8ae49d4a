"""The benchmark of root causes: what it plants, what it counts, and that the causes are right."""

import json

import numpy as np
import pytest

from voltherd.bench.root_cause import (
    CALIBRATED_SEED,
    HEALTHY,
    PLANTED,
    Case,
    count,
    measure,
    render,
    scored,
)
from voltherd.bench.root_cause_faults import forged, tampered
from voltherd.sim.fleet import fleet_spec, simulate
from voltherd.triage.causes import weighed
from voltherd.types.asset import Chemistry
from voltherd.types.event import Cause, Finding, Location, LocationKind, Phenomenon, Severity


@pytest.fixture(scope="module")
def batch():
    return next(iter(simulate(fleet_spec(vehicles=1, days=1, seed=5)))).batch


def test_forged_readings_keep_their_sum(batch):
    start = float(batch.unix_time_second[batch.rows // 2])
    forged = tampered(batch, (3, 40), start)
    change = forged.cell_voltage_volt - batch.cell_voltage_volt
    late = batch.unix_time_second >= start
    assert (change[~late] == 0.0).all()
    np.testing.assert_allclose(change[late, 2], 0.03, atol=1e-6)
    np.testing.assert_allclose(change[late].sum(axis=1), 0.0, atol=1e-6)


@pytest.mark.parametrize("attack", ["replay", "freeze"])
def test_a_brief_attack_changes_some_minutes_of_the_day(batch, attack):
    changed = forged(batch, attack, np.random.default_rng(4))
    moved = (changed.cell_voltage_volt != batch.cell_voltage_volt).any(axis=1)
    assert 0 < moved.sum() <= 181


def case(planted, seen, kind=LocationKind.CELL):
    found = Finding(
        vehicle_id="v",
        location=Location(kind=kind, index=1, cells=(1,)),
        phenomenon=Phenomenon.CELL_OUTLIER,
        severity=Severity.OPERATING,
        raised_second=0.0,
        onset_second=0.0,
        last_seen_second=0.0,
        confidence=0.9,
        trend="",
        summary="s",
        action="a",
        confirm="c",
        causes=weighed(seen, kind),
    )
    return Case(planted, Chemistry.NMC, found, (seen,))


def test_what_was_planted_is_held_against_what_is_named():
    missed = Case("cooling_blocked:85%", Chemistry.LFP, None, ())
    right = case("contact_resistance:1mohm", {"follows": True, "apart": False})
    wrong = case("weak_cell:15%", {"frozen": True, "apart": True})
    table = scored([missed, right, wrong], 1, 7)
    assert table.found == 2 and table.first == 0.5
    by_name = {score.name: score for score in (*table.causes, *table.faults)}
    assert by_name["contact"].first == 1 and by_name["weak_cell"].first == 0
    assert by_name["weak_cell"].said == {"sensor": 1}
    assert by_name["cooling"].planted == 1 and by_name["cooling"].found == 0
    assert table.told_right == table.told - 1
    assert json.loads(table.to_json())["first"] == 0.5
    assert "true cause first: 50.0%" in render(table)


def test_evidence_is_counted_by_cause_and_unknown_is_not_counted():
    seen = {"follows": True, "apart": False, "leaks": None}
    contact = [case("contact_resistance:1mohm", seen)] * 2
    healthy = Case(HEALTHY, Chemistry.NMC, None, ({"apart": False}, {"apart": True}))
    by_cause, of_healthy = count([*contact, healthy])
    assert by_cause == {"contact": {"follows": (2, 2), "apart": (0, 2)}}
    assert of_healthy == {"apart": (1, 2)}


def test_every_cause_that_can_be_planted_is():
    assert set(PLANTED.values()) == set(Cause) - {Cause.PLATING, Cause.SWITCH}


def test_the_fleet_that_was_counted_on_is_never_measured_on():
    with pytest.raises(AssertionError, match="counted on"):
        measure(each=1, seed=CALIBRATED_SEED)


@pytest.mark.long
def test_the_true_cause_is_named_first_and_is_among_the_three(record_property):
    """Of one fault of each kind and size, on a fleet that nothing was counted on."""
    table = measure(each=1, seed=401)
    record_property("root_cause", render(table))
    assert table.found >= 20
    # Goals 85 % and 97 %, less one and a half standard errors of so few.
    assert table.first >= 0.75, render(table)
    assert table.among >= 0.90, render(table)

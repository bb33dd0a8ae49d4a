"""Found means found at its place, after it began, under its own name."""

from dataclasses import replace

from voltherd.sim.faults import Fault
from voltherd.sim.scoring import score
from voltherd.types.event import Finding, Location, LocationKind, Phenomenon, Severity

CELL = Location(kind=LocationKind.CELL, index=7, cells=(7,))
FAULT = Fault(
    vehicle=2,
    phenomenon=Phenomenon.WEAK_CELL,
    location=CELL,
    start_second=100.0,
    size=0.2,
    unit="1",
)
NAMES = ("a", "b")
FINDING = Finding(
    vehicle_id="b",
    location=replace(CELL, channel="V_7"),
    phenomenon=Phenomenon.WEAK_CELL,
    severity=Severity.RECOMMENDED,
    raised_second=150.0,
    onset_second=120.0,
    last_seen_second=200.0,
    confidence=0.9,
    trend="",
    summary="",
    action="",
    confirm="",
)


def judged(*findings):
    return score([FAULT], NAMES, findings)


def test_a_fault_found_at_its_place_under_its_name_is_found():
    told = judged(FINDING)
    assert [one.after_second for one in told.found] == [50.0]
    assert told.planted == told.found
    assert told.planted[0].plain() == {
        "vehicle_id": "b",
        "phenomenon": "weak_cell",
        "location": {"kind": "cell", "index": 7, "cells": [7], "channel": None},
        "severity": "recommended",
        "raised_after_second": 50.0,
    }
    assert told.missed == told.false == ()


def test_another_name_at_the_right_place_is_no_find_and_no_false_alarm():
    told = judged(replace(FINDING, phenomenon=Phenomenon.CELL_OUTLIER))
    assert told.found == told.false == ()
    assert told.missed[0].plain()["seen_as"] == ["cell_outlier"]


def test_another_cell_vehicle_or_time_is_a_miss_and_a_false_alarm():
    for wrong in (
        replace(FINDING, location=Location(kind=LocationKind.CELL, index=8, cells=(8,))),
        replace(FINDING, vehicle_id="a"),
        replace(FINDING, raised_second=99.0),
        replace(FINDING, location=Location(kind=LocationKind.PACK)),
    ):
        told = judged(wrong)
        assert len(told.missed) == len(told.false) == 1
        assert told.missed[0].seen_as == ()


def test_a_remark_on_data_quality_is_no_false_alarm():
    remark = replace(FINDING, vehicle_id="a", severity=Severity.OPERATING)
    assert judged(FINDING, remark).false == ()


def test_a_channel_is_a_place_by_its_name():
    soc = Location(kind=LocationKind.CHANNEL, channel="soc_fraction")
    fault = replace(FAULT, location=soc, phenomenon=Phenomenon.SOC_MISREPORTED)
    right = replace(FINDING, location=soc, phenomenon=Phenomenon.SOC_MISREPORTED)
    other = replace(right, location=replace(soc, channel="odometer_kilometre"))
    assert len(score([fault], NAMES, [right]).found) == 1
    assert len(score([fault], NAMES, [other]).false) == 1

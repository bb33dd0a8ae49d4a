"""Gauges that lie in known ways, and one that does not (C3-24)."""

import math
import re

import numpy as np
import pytest

from tests.unit.estimation.traces import HOUR, empty_trace, life
from voltherd.errors import InputError
from voltherd.estimation.pack_trace import joined, pack_trace
from voltherd.estimation.soc_audit import Interval
from voltherd.estimation.soc_audit_sheet import audit_sheet
from voltherd.estimation.soh_sheet import PackFacts, health_sheet
from voltherd.sim.fleet import fleet_spec, simulate
from voltherd.types.asset import Chemistry

FACTS = PackFacts("v", Chemistry.NMC, True, 96, 100.0, False, present=True)


def figures(sheet):
    return {figure.name: figure for figure in sheet.figures}


def audited(gauge, days=8, facts=FACTS):
    return audit_sheet(life(days=days, second=60.0, gauge=gauge)[0], facts)


@pytest.mark.long
def test_an_honest_gauge_is_left_alone_and_when_to_look_again_is_said():
    sheet = audited(None)
    assert not sheet.attention and sheet.verdict == "none"
    told = figures(sheet)
    assert abs(told["offset"].value) < 2.0
    assert told["offset"].low < 0.0 < told["offset"].high
    assert told["scale"].low < 1.0 < told["scale"].high
    assert "cycles: recalibrate by then" in sheet.action


@pytest.mark.long
def test_a_drift_of_five_points_is_flagged_within_ten_cycles_as_a_current_offset():
    """C3-24: the simulator's own pack, driver and sensors; half a point a day for ten days."""
    spec = fleet_spec(
        vehicles=1,
        days=14,
        seed=4,
        faults="soc_misreported:0.5%/day@vehicle=1,day=1",
        period_second=30.0,
        chemistry=((Chemistry.NMC, 1.0),),
    )
    trace = joined([pack_trace(day.batch) for day in simulate(spec)])
    sheet = audit_sheet(trace, PackFacts("v", Chemistry.NMC, True, 96, None, False))
    assert sheet.verdict == "current_offset" and sheet.attention
    assert "Recalibrate now" in sheet.action
    said = next(one for one in figures(sheet)["drift"].evidence if "live run" in one)
    assert int(said.split("after ")[1].split(" ")[0]) <= 10


@pytest.mark.long
def test_a_drift_is_told_with_its_size_and_the_current_that_makes_it():
    """0.1 A into 100 Ah are 2.4 points a day."""
    sheet = audited(lambda t, _, soc: soc - 0.2 + 0.001 * t / HOUR)
    assert sheet.verdict == "current_offset"
    assert any("+0.10" in one or "+0.09" in one for one in figures(sheet)["drift"].evidence)


@pytest.mark.long
def test_a_current_offset_adds_up_only_while_the_gauge_is_awake():
    """Rests are not recorded: over fewer hours the same drift asks for a larger offset."""
    trace, _ = life(days=8, second=60.0, gauge=lambda t, _, soc: soc - 0.2 + 0.001 * t / HOUR)
    still = np.convolve(np.abs(trace.current_ampere) > 1.0, np.ones(31), "same") < 0.5
    asleep = type(trace)(*(column[~still] for column in trace))
    told = [
        re.search(r"counts, ([\d.]+) h a day: ([+-][\d.]+) A", figures(sheet)["drift"].evidence[1])
        for sheet in (audit_sheet(one, FACTS) for one in (trace, asleep))
    ]
    (awake, through), (seldom, at_work) = ([float(n) for n in one.groups()] for one in told)
    assert awake == pytest.approx(24.0, abs=0.1) and seldom < 0.8 * awake
    assert at_work / through == pytest.approx(awake / seldom, rel=0.15)


@pytest.mark.long
def test_a_gauge_with_a_wrong_capacity_is_told_by_its_scale():
    sheet = audited(lambda _, __, soc: 0.9 + (soc - 0.9) * 1.2)
    assert sheet.verdict == "wrong_capacity"
    assert figures(sheet)["scale"].value == pytest.approx(1.2, abs=0.03)


@pytest.mark.long
def test_a_gauge_that_stands_still_and_one_that_jumps():
    assert audited(lambda _, __, soc: np.full(len(soc), 0.63)).verdict == "frozen"
    jumped = audited(lambda t, _, soc: soc - 0.1 * (np.abs(t - 30.0 * HOUR) < 8.0 * HOUR))
    assert figures(jumped)["jumps"].value >= 1.0


@pytest.mark.long
def test_an_offset_no_curve_explains_is_told_and_a_smaller_one_is_not():
    assert audited(lambda _, __, soc: soc - 0.2).verdict == "miscalibrated"
    small = audited(lambda _, __, soc: soc - 0.05)
    assert small.verdict == "none" and figures(small)["offset"].high > 0.0


def test_over_a_short_record_it_says_what_is_missing():
    sheet = audited(None, days=1)
    assert "of 3 equivalent full cycles" in figures(sheet)["drift"].cannot


def test_over_records_of_unknown_distance_no_drift_is_told():
    sheet = audited(None, days=2, facts=FACTS._replace(records_joined=True))
    assert "not known" in figures(sheet)["drift"].cannot


def test_without_any_capacity_it_cannot_say():
    trace = life(days=1, second=60.0)[0].between(0, 200)
    sheet = audit_sheet(trace, FACTS._replace(capacity_ah=None, present=False))
    assert "Cannot say" in sheet.headline and "--capacity" in sheet.action


@pytest.mark.parametrize("sheet", [health_sheet, audit_sheet])
def test_a_record_without_current_or_with_nothing_in_it_is_refused_in_words(sheet):
    ampere, volt = np.full(50, -3.0), np.full(50, 3.7)
    with pytest.raises(InputError, match="no current"):
        sheet(empty_trace(50, cell_volt=volt, soc_reported=np.full(50, 0.5)), FACTS)
    with pytest.raises(InputError, match="no current"):
        sheet(empty_trace(50), FACTS)
    with pytest.raises(InputError, match="neither a cell voltage nor a state of charge"):
        sheet(empty_trace(50, current_ampere=ampere), FACTS)


def test_an_audit_needs_a_reading_and_a_voltage():
    ampere, half = np.full(50, -3.0), np.full(50, 0.5)
    with pytest.raises(InputError, match="no state of charge"):
        audit_sheet(empty_trace(50, current_ampere=ampere, cell_volt=7.4 * half), FACTS)
    with pytest.raises(InputError, match="no cell voltage"):
        audit_sheet(empty_trace(50, current_ampere=ampere, soc_reported=half), FACTS)


def test_health_of_a_known_life_holds_the_truth():
    trace, cell = life(days=5, second=10.0)
    sheet = health_sheet(trace, FACTS._replace(capacity_ah=None, present=False))
    told = figures(sheet)
    assert told["capacity"].unit == "Ah"
    assert told["capacity"].low < 100.0 < told["capacity"].high
    assert any("--capacity" in need for need in told["capacity"].needs)
    assert told["energy"].value == pytest.approx(
        96 * 100.0 * float(cell.ocv_volt.mean()) / 1000.0, rel=0.1
    )
    share = figures(health_sheet(trace, FACTS._replace(capacity_ah=125.0)))["capacity"]
    assert share.unit == "1" and share.value == pytest.approx(0.8, rel=0.05)


def test_a_resistance_is_said_to_be_at_25_degrees_only_where_a_temperature_was_recorded():
    trace, cell = life(days=2, second=10.0)
    facts = FACTS._replace(capacity_ah=100.0)
    warm = figures(health_sheet(trace, facts))
    energy = cell.activation_joule_per_mole / 1000.0
    told = " ".join(warm["resistance"].evidence)
    assert "measured around 25 °C" in told and f"activation energy of {energy:.0f} kJ/mol" in told
    assert "at 25 °C" in warm["resistance"].title
    unknown = trace._replace(temperature_celsius=np.full(trace.rows, np.nan))
    sheet = figures(health_sheet(unknown, facts))
    told = " ".join(sheet["resistance"].evidence)
    assert "no temperature recorded" in told and "not brought to 25 °C" in told
    assert "nan" not in told and "kJ/mol" not in told
    assert "unknown" in sheet["resistance"].title and "25 °C" not in sheet["resistance"].title
    assert any("a temperature" in need for need in sheet["resistance"].needs)
    assert not any("and 25 °C" in one for one in sheet["energy"].evidence)
    wide = [one["resistance"].high - one["resistance"].low for one in (warm, sheet)]
    assert wide[1] > wide[0]


def test_an_interval_is_beyond_a_size_only_where_all_of_it_is():
    assert Interval(5.0, 3.0, 7.0).beyond(2.9) and not Interval(5.0, 3.0, 7.0).beyond(3.1)
    assert not Interval(1.0, -9.0, 9.0).beyond(0.5)
    assert not Interval(math.nan, math.nan, math.nan).beyond(0.0)

"""A report gives known parameters back, with honest errors, and says what a record cannot tell."""

import json
from dataclasses import replace

import numpy as np
import pytest

from tests.unit.estimation.known_cell import (
    CELL,
    COOLING_KELVIN_PER_WATT,
    HEAT_JOULE_PER_KELVIN,
    JOULE_PER_MOLE,
    TAUS,
    driven,
    ohm,
)
from voltherd.estimation.identification_report import report_of, seen_nodes
from voltherd.estimation.identify import SOC_NODES, identified
from voltherd.numerics.presets import LFP

pytestmark = pytest.mark.long
TEMPERATURES = (0.0, 0.0, 20.0, 20.0, 40.0, 40.0)


@pytest.fixture(scope="module")
def drives():
    return [driven(seed, celsius) for seed, celsius in enumerate(TEMPERATURES)]


@pytest.fixture(scope="module")
def found(drives):
    return identified(drives, CELL, "a simulated cell")


@pytest.fixture(scope="module")
def report(found, drives):
    return report_of(found, drives)


def blind(report):
    return {one.what.split(" at ")[0]: one.why for one in report.blind}


def test_known_resistances_come_back_within_five_percent(found):
    assert (found.cell.tau1_second, found.cell.tau2_second) == tuple(TAUS)
    for celsius in (5.0, 25.0, 42.0):
        there = found.cell.at(np.array([0.5]), celsius)
        assert [there.r0[0], there.r1[0], there.r2[0]] == pytest.approx(ohm(celsius), rel=0.05)


def test_known_heat_comes_back_within_five_percent_and_its_error_says_so(report):
    for told, true in (
        (report.heat_capacity, HEAT_JOULE_PER_KELVIN),
        (report.thermal_resistance, COOLING_KELVIN_PER_WATT),
    ):
        assert told.value == pytest.approx(true, rel=0.05)
        assert abs(told.value - true) <= 4.0 * told.standard_error
        assert told.standard_error < 0.1 * true


def test_known_activation_energies_come_back_within_five_percent(report):
    for told, true in zip(report.activation.values(), JOULE_PER_MOLE, strict=True):
        assert told.value == pytest.approx(true, rel=0.05)
        assert told.standard_error < 0.1 * true


def test_drives_left_out_are_told_by_the_temperature_they_began_at(report, drives):
    assert [one.temperature_celsius for one in report.unseen] == [0.0, 20.0, 40.0]
    assert all(one.drives == 2 and one.rows == 2 * len(drives[0].soc) for one in report.unseen)
    for one in report.unseen:
        assert 0.001 < one.voltage_rms_volt <= one.worst_rms_volt < 0.004


def test_what_is_not_known_is_said(report, drives, found):
    told = blind(report)
    seen = seen_nodes(found.cell, drives)
    assert report.seen_fraction == seen.mean() < 1.0
    lowest = min(drive.soc.min() for drive in drives)
    assert not seen[:, lowest - 0.1 > SOC_NODES].any()
    assert any("neighbours" in why for why in told.values())
    assert "not looked for" in told["hysteresis"]
    assert "not recorded" in next(why for what, why in told.items() if what.startswith("below"))
    json.dumps(report.plain(), allow_nan=False)


def test_one_short_drive_at_one_temperature_tells_little_and_says_so():
    drive = driven(1, 25.0, rows=1200)
    cold = drive._replace(temperature_celsius=np.full(1200, 25.0))
    report = report_of(identified([cold], CELL, "a short drive"), [cold])
    assert report.unseen == ()
    for told in report.activation.values():
        assert told.value is None and told.why.startswith("cannot tell")
    for told in (report.heat_capacity, report.thermal_resistance):
        assert told.value is None and "moved by 0.0 K" in told.why
    two = report_of(identified([drive], CELL, "a short drive"), [drive])
    assert two.heat_capacity.value is None and "cannot tell" in two.heat_capacity.why


def test_heat_that_does_not_go_with_the_temperature_is_no_answer(found, drives):
    random = np.random.default_rng(8)
    moved = [
        drive._replace(
            temperature_celsius=20.0 + np.cumsum(random.normal(0.0, 0.2, len(drive.soc)))
        )
        for drive in drives
    ]
    report = report_of(found, moved)
    assert None in (report.heat_capacity.value, report.thermal_resistance.value)


def test_a_sensor_that_reads_a_third_of_the_rise_does_not_make_the_cell_three_times_as_heavy(
    found, drives
):
    faint = [
        drive._replace(
            temperature_celsius=drive.temperature_celsius[0]
            + (drive.temperature_celsius - drive.temperature_celsius[0]) / 3.0
        )
        for drive in drives
    ]
    report = report_of(found, faint)
    for told in (report.heat_capacity, report.thermal_resistance):
        assert told.value is None and told.standard_error is None
        assert "times the 39 J/K of a cell of this size" in told.why


def test_a_record_without_charging_cannot_tell_hysteresis():
    base = replace(CELL, hysteresis_volt=LFP.hysteresis_volt)
    drive = driven(3, 25.0, rows=2400)
    only = drive._replace(current_ampere=np.minimum(drive.current_ampere, 0.0))
    report = report_of(identified([only], base, "discharging only"), [only])
    assert "no charging" in blind(report)["hysteresis"]


def test_a_bound_and_the_edge_of_what_was_tried_are_told(found, drives):
    cell = replace(
        found.cell, r1_ohm=np.zeros_like(found.cell.r1_ohm), tau1_second=5.0, tau2_second=80.0
    )
    told = blind(report_of(found._replace(cell=cell), drives))
    assert "less than 0" in told["R1"]
    assert "shortest pair" in told["time constants 5 s and 80 s"]

"""What is said of the health and the gauges of real vehicles, and what is not.

BatICM/unsupervised-battery-faults (MIT), Nie, Deng et al., Energy 323:135754; BMW i3 trips:
Battery and Heating Data in Real Driving Cycles, IEEE DataPort.
"""

import pytest

from voltherd.cli.compose import Reading
from voltherd.cli.health import Told, health_report
from voltherd.estimation.soc_audit_sheet import audit_sheet
from voltherd.estimation.soh_sheet import health_sheet

pytestmark = [pytest.mark.recorded, pytest.mark.long]

CARS = "baticm_ev_faults"
TRIPS = "bmw_i3_trips/trips_1hz.parquet"


def told(recorded, name, sheet, **facts):
    path = recorded / name
    report = health_report(
        [path], Reading(paths=(path,)), Told(**facts), "soh", sheet, 1.7e9, lambda _: None
    )
    [one] = report.sheets
    return one, {figure.name: figure for figure in one.figures}


def test_car3_gives_a_capacity_by_its_rests_that_its_own_reading_bears_out(recorded):
    sheet, figures = told(recorded, f"{CARS}/car3.parquet", health_sheet)
    own, implied = figures["capacity"], figures["capacity_implied"]
    assert own.unit == "Ah" and own.low < implied.value < own.high
    assert implied.value == pytest.approx(117.0, abs=4.0)
    assert own.high - own.low > 30.0  # the chemistry is guessed, the curve a preset
    assert any("22 partial charges" in one for one in own.evidence)
    assert "cannot tell yet" in own.trend
    assert "nameplate" in sheet.headline
    assert 0.6 < figures["resistance"].value < 1.3


def test_car3_with_a_nameplate_gives_a_percentage(recorded):
    _, figures = told(recorded, f"{CARS}/car3.parquet", health_sheet, capacity_ah=130.0)
    assert figures["capacity"].unit == "1" and 0.7 < figures["capacity"].value < 1.1
    assert figures["capacity_implied"].unit == "Ah"


def test_car1_has_too_few_rests_for_a_capacity_but_its_resistance_is_told(recorded):
    """Its cells answer up to 20 s late, its pack voltage at once."""
    sheet, figures = told(recorded, f"{CARS}/car1.parquet", health_sheet)
    assert "cannot tell yet (1 of 5 partial charges)" in sheet.headline
    assert figures["capacity"].value is None
    assert figures["capacity_implied"].value == pytest.approx(113.0, abs=5.0)
    assert 0.4 < figures["resistance"].low < figures["resistance"].high < 0.8


def test_the_i3s_trips_hold_no_rest_and_only_its_reading_implies_a_capacity(recorded):
    sheet, figures = told(recorded, TRIPS, health_sheet, series=96)
    assert figures["capacity"].value is None
    assert figures["capacity_implied"].value == pytest.approx(61.6, abs=1.0)
    assert figures["capacity_implied"].high - figures["capacity_implied"].low > 5.0
    assert figures["energy"].low < 21.6 < figures["energy"].high  # its data sheet, gross
    assert any("end to end" in one for one in sheet.assumed)
    _, bare = told(recorded, TRIPS, health_sheet)
    assert bare["energy"].value is None and "--series" in bare["energy"].cannot


@pytest.mark.parametrize("name", [f"{CARS}/car1.parquet", f"{CARS}/car3.parquet", TRIPS])
def test_no_real_gauge_is_accused_of_what_cannot_be_told(recorded, name):
    sheet, figures = told(recorded, name, audit_sheet, series=96)
    assert sheet.verdict == "none" and not sheet.attention
    offset = figures["offset"]
    assert offset.low < 0.0 < offset.high  # curves of a guessed chemistry differ by as much
    assert figures["jumps"].value == 0.0
    if "car3" in name:
        assert figures["drift"].low < figures["drift"].value < figures["drift"].high < 0.0
    else:
        assert "cannot say" in figures["drift"].cannot

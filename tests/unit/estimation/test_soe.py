"""The energy left: closed form on a plain cell, and what a recorded cell really gave."""

import math

import numpy as np
import pytest

from voltherd.bench.compose import read_columns
from voltherd.bench.soc import DATASETS, cycles_of
from voltherd.errors import InputError
from voltherd.estimation.identify import identify
from voltherd.estimation.soe import PowerProfile, energy_to_empty
from voltherd.numerics.cell_map import CellMap
from voltherd.numerics.presets import NMC

pytestmark = pytest.mark.long
HOUR = np.array([0.0, 3600.0])


def cell_of(ohm, capacity=3.0):
    """A cell whose resistance is in the series part alone."""
    table = np.full((2, 2), ohm)
    return CellMap(
        base=NMC.resized(capacity),
        temperature_celsius=np.array([0.0, 40.0]),
        soc=np.array([0.0, 1.0]),
        r0_ohm=table,
        r1_ohm=0.0 * table,
        r2_ohm=0.0 * table,
        shift_volt=0.0 * table,
        hysteresis_volt=0.0 * table,
        hysteresis_rate=30.0,
        tau1_second=8.0,
        tau2_second=120.0,
        model_volt=np.full(2, 0.003),
        curve_volt=np.full(2, 0.003),
        widening=np.ones(2),
        source="made",
    )


@pytest.fixture
def looked(monkeypatch):
    """Note every step that is played."""
    steps, at = [], CellMap.at

    def noted(cell, soc, celsius):
        steps.append(celsius)
        return at(cell, soc, celsius)

    monkeypatch.setattr(CellMap, "at", noted)
    return steps


def steady(watt, celsius=25.0):
    return PowerProfile(HOUR, np.full(2, watt), np.full(2, celsius))


def test_a_slow_discharge_gives_the_area_under_the_curve():
    cell = cell_of(1e-4)
    told = energy_to_empty(cell, 0.8, 0.0, steady(-1.0), 2.0)
    grid = np.linspace(0.0, 0.8, 2001)
    curve = np.interp(grid, np.linspace(0.0, 1.0, 101), cell.base.ocv_volt)
    assert told.watthour == pytest.approx(3.0 * np.trapezoid(curve, grid), rel=1e-3)
    assert told.limit == "charge"
    assert told.second == pytest.approx(3600.0 * told.watthour, rel=1e-3)


def test_a_strong_load_loses_more_and_ends_at_the_voltage():
    gentle, strong = (
        energy_to_empty(cell_of(0.08), 0.8, 0.0, steady(w), 2.8) for w in (-5.0, -25.0)
    )
    assert strong.watthour < gentle.watthour
    assert strong.limit == "voltage"
    assert strong.soc > gentle.soc
    assert strong.second < gentle.second


def test_peaks_cost_more_than_their_mean():
    cell, second = cell_of(0.08), np.arange(0.0, 600.0)
    peaks = PowerProfile(second, np.where(second % 60 < 12, -40.0, 0.0), np.full(600, 25.0))
    even = steady(float(peaks.watt.mean()))
    assert (
        energy_to_empty(cell, 0.8, 0.0, peaks, 2.0, soc_min=0.3).watthour
        < energy_to_empty(cell, 0.8, 0.0, even, 2.0, soc_min=0.3).watthour
    )


def test_a_peak_that_the_cell_cannot_bear_is_cut_and_does_not_end_it():
    second = np.arange(0.0, 600.0)
    watt = np.where(second % 100 < 10, -200.0, -5.0)
    told = energy_to_empty(
        cell_of(0.08), 0.8, 0.0, PowerProfile(second, watt, np.full(600, 25.0)), 2.8, soc_min=0.3
    )
    assert told.limit == "charge"


def test_doubt_about_the_charge_and_the_model_make_the_interval():
    cell = cell_of(0.03)
    sure, unsure = (energy_to_empty(cell, 0.8, s, steady(-8.0), 2.8) for s in (0.0, 0.02))
    assert sure.low_watthour < sure.watthour < sure.high_watthour
    assert sure.watthour == unsure.watthour
    assert unsure.low_watthour < sure.low_watthour
    assert unsure.high_watthour > sure.high_watthour


TEN_MINUTES = np.array([0.0, 600.0])


@pytest.mark.parametrize("watt", [0.0, 5.0])
def test_a_load_that_never_empties_it_says_so_after_two_rounds(looked, watt):
    told = energy_to_empty(cell_of(0.03), 0.5, 0.02, steady(watt)._replace(second=TEN_MINUTES), 2.8)
    assert told.limit == "none"
    assert math.isinf(told.second)
    assert np.isnan([told.watthour, told.low_watthour, told.high_watthour]).all()
    assert len(looked) == 3 * 2 * 300  # the estimate and both ends, two rounds each


def test_what_comes_back_in_a_round_counts_against_what_went():
    second = np.arange(0.0, 600.0)
    even = PowerProfile(second, np.where(second < 300, -12.0, 12.0), np.full(600, 25.0))
    more = even._replace(watt=even.watt + 1.0)
    # As much energy comes back as went, but the losses empty the cell all the same.
    limits = [energy_to_empty(cell_of(0.08), 0.3, 0.0, p, 2.0).limit for p in (even, more)]
    assert limits == ["charge", "none"]


def test_a_load_too_slow_to_be_followed_cannot_be_told(looked):
    told = energy_to_empty(cell_of(0.03), 0.8, 0.0, steady(-0.01)._replace(second=TEN_MINUTES), 2.8)
    assert told.limit == "too slow"
    assert np.isnan([told.watthour, told.low_watthour, told.high_watthour, told.second]).all()
    assert len(looked) == 2 * 300


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"soc": math.nan}, "soc is not known"),
        ({"sigma": math.inf}, "sigma is not known"),
        ({"sigma": -0.1}, "sigma is below 0"),
        ({"volt_min": math.nan}, "volt_min is not known"),
        ({"profile": steady(math.nan)}, "profile watt is not known"),
        ({"profile": steady(-1.0, math.inf)}, "profile celsius is not known"),
        ({"profile": PowerProfile(HOUR[::-1], HOUR, HOUR)}, "the profile is none"),
        ({"profile": PowerProfile(HOUR, HOUR[:1], HOUR)}, "the profile is none"),
        ({"profile": PowerProfile(HOUR[:0], HOUR[:0], HOUR[:0])}, "the profile is none"),
    ],
)
def test_what_cannot_be_played_is_refused(change, name):
    given = {"soc": 0.5, "sigma": 0.02, "profile": steady(-5.0), "volt_min": 2.8, **change}
    with pytest.raises(InputError, match=name):
        energy_to_empty(cell_of(0.03), **given)


@pytest.mark.recorded
def test_a_recorded_cell_gives_what_was_predicted_from_80_percent(recorded):
    """The cell is identified from the even drives at 25 °C; the odd ones are predicted."""
    drives = [c.drive for c in cycles_of(recorded, "lg_hg2") if c.temperature == 25.0]
    assert drives, "the recorded data has no LG drives"
    cell = identify(drives[::2], DATASETS["lg_hg2"].base, "LG HG2, every other drive at 25 °C")
    for drive in drives[1::2]:
        rows = np.flatnonzero(drive.soc <= 0.8)
        second = drive.time_second[rows] - drive.time_second[rows[0]]
        watt = drive.current_ampere[rows] * drive.voltage_volt[rows]
        given = -float((watt * np.diff(second, prepend=second[0])).sum()) / 3600.0
        told = energy_to_empty(
            cell,
            float(drive.soc[rows[0]]),
            0.0,
            PowerProfile(second, watt, drive.temperature_celsius[rows]),
            2.0,
            soc_min=float(drive.soc[rows[-1]]),
        )
        assert told.watthour == pytest.approx(given, rel=0.03)
        assert told.low_watthour <= given <= told.high_watthour


@pytest.mark.recorded
def test_a_recorded_1c_discharge_ends_where_it_was_predicted(recorded):
    drives = [c.drive for c in cycles_of(recorded, "lg_hg2") if c.temperature == 25.0]
    file = recorded / "lg_hg2" / "characterisation.parquet"
    assert drives, "the recorded data has no LG drives"
    cell = identify(drives, DATASETS["lg_hg2"].base, "LG HG2, drives at 25 °C")
    columns = read_columns(file)
    rows = (columns["test"].astype(str) == "Cap_1C") & (columns["set_temp_c"] == 25)
    for number in np.unique(columns["test_no"][rows]):
        here = np.flatnonzero(rows & (columns["test_no"] == number) & (columns["current_a"] < -2.5))
        here = here[np.argsort(columns["t_s"][here], kind="stable")]
        second, volt, ampere, warm, ah = (
            columns[key][here].astype(float)
            for key in ("t_s", "voltage_v", "current_a", "temp_c", "ah")
        )
        soc = 1.0 + ah / cell.base.capacity_ah
        last = np.flatnonzero(soc <= 0.8)
        second, watt = second[last] - second[last[0]], (volt * ampere)[last]
        given = -float((watt * np.diff(second, prepend=second[0])).sum()) / 3600.0
        told = energy_to_empty(
            cell,
            float(soc[last[0]]),
            0.0,
            PowerProfile(second, watt, warm[last]),
            float(volt.min()),
        )
        assert told.limit == "voltage"
        assert told.watthour == pytest.approx(given, rel=0.03)

"""A single reading that strays and comes back is raised at the next sample, and counted."""

from dataclasses import replace

import numpy as np
import pytest
from driven import CELLS, driven, raised, with_cell
from vehicles import run

from voltherd.detection import glitch
from voltherd.numerics.outliers import grubbs, iqr_outliers
from voltherd.triage.findings import findings
from voltherd.types.event import Phenomenon, Severity

ROW = 100


def spiked(batch, size, rows=(ROW,), cell=9):
    def stray(volt):
        volt[list(rows)] += size
        return volt

    return with_cell(batch, cell, stray)


def looked(batch, cuts=()):
    last, judged = glitch.init(batch.cells), []
    for start, stop in zip([0, *cuts], [*cuts, batch.rows], strict=True):
        if stop > start:
            last, events = glitch.look(last, batch.between(start, stop))
            judged += events
    return judged


@pytest.mark.parametrize("size", [0.08, -0.08])
def test_a_spike_while_charging_is_raised_one_sample_later(size):
    batch = spiked(driven(charging=True), size)
    [(time, [verdict])] = looked(batch)
    assert time == batch.unix_time_second[ROW + 1]
    assert verdict.location.index == 9
    assert verdict.severity is Severity.OPERATING
    assert verdict.numbers["volt"] == pytest.approx(size, abs=0.005)


def test_a_spike_larger_than_the_packs_own_swings_is_found_while_driving():
    [(_, [verdict])] = looked(spiked(driven(), 0.4))
    assert verdict.location.index == 9


def test_spikes_are_counted_and_told_as_over_an_hour_later():
    batch = spiked(driven(800, charging=True, ampere=20.0), 0.2, rows=(100, 150, 152))
    state = run(batch)
    assert raised(state, glitch.CAUSE)[9][1] == batch.unix_time_second[101]
    [finding] = [f for f in findings(state) if f.phenomenon is Phenomenon.SENSOR_SPIKES]
    assert "for a single reading and came back, 3 times so far" in finding.summary
    assert "do not confirm" in finding.summary
    assert finding.last_seen_second == batch.unix_time_second[153]
    assert looked(batch)[-1] == (batch.unix_time_second[153 + glitch.OVER_ROWS], ())


def test_a_pack_read_at_different_moments_of_a_current_step_is_no_spike():
    batch = driven()
    volt = batch.cell_voltage_volt.copy()
    volt[ROW, 12:24] -= 0.3  # a board answers late
    assert looked(replace(batch, cell_voltage_volt=volt)) == []
    assert looked(driven(3000)) == []


def test_a_step_that_stays_is_no_spike():
    assert looked(spiked(driven(charging=True), 0.3, rows=range(ROW, 240))) == []


def test_a_missing_reading_beside_it_is_none():
    batch = spiked(driven(charging=True), 0.3)
    volt = batch.cell_voltage_volt.copy()
    volt[50, 8], volt[:, 30] = np.nan, np.nan
    [(_, [verdict])] = looked(replace(batch, cell_voltage_volt=volt))
    assert verdict.location.index == 9


@pytest.mark.parametrize("cuts", [(ROW,), (ROW + 1,), range(1, 500), (99, 101, 461, 462)])
def test_the_pieces_change_nothing(cuts):
    batch = spiked(driven(500, charging=True, ampere=20.0), 0.2)
    assert looked(batch, cuts) == looked(batch)


def test_the_tests_of_grubbs_and_of_the_quartiles_name_the_same_spike():
    row = spiked(driven(charging=True), 0.08).cell_voltage_volt[ROW].astype(float)
    for named in (grubbs(row, 1e-4), iqr_outliers(row, 1e-4)):
        assert np.flatnonzero(named).tolist() == [8]
        assert len(named) == CELLS

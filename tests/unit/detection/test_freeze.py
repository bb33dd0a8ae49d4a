"""A cell channel that keeps its value while the load changes is named within ten samples."""

from dataclasses import replace

import numpy as np
import pytest
from driven import driven, raised, with_cell
from vehicles import run

from voltherd.detection import freeze
from voltherd.triage.findings import findings
from voltherd.types.event import Phenomenon, Severity

ONSET = 100


def stuck(batch, cell=7, until=None):
    def keep(volt):
        kept = volt.copy()
        kept[ONSET:until] = volt[ONSET]
        return kept

    return with_cell(batch, cell, keep)


def looked(batch, cuts=()):
    still, judged = freeze.init(batch.cells), []
    for start, stop in zip([0, *cuts], [*cuts, batch.rows], strict=True):
        if stop > start:
            still, events = freeze.look(still, batch.between(start, stop))
            judged += events
    return judged


@pytest.mark.parametrize("period_second", [10.0, 30.0])
def test_a_frozen_cell_is_named_within_ten_samples_of_changing_load(period_second):
    batch = stuck(driven(period_second=period_second))
    time, verdicts = looked(batch)[0]
    assert [v.location.index for v in verdicts] == [7]
    assert verdicts[0].severity is Severity.OPERATING
    row = np.searchsorted(batch.unix_time_second, time)
    moved = np.abs(np.diff(batch.cell_voltage_volt, axis=0))
    changing = np.median(moved[ONSET:row], axis=1) > 0.003
    assert changing.sum() <= 10


def test_it_is_a_matter_of_a_visit_once_it_is_no_pause_of_a_link():
    state = run(stuck(driven()))
    severity, _ = raised(state, freeze.CAUSE)[7]
    assert severity is Severity.RECOMMENDED
    paused = run(stuck(driven(), until=ONSET + 20))
    assert raised(paused, freeze.CAUSE)[7][0] is Severity.OPERATING
    [finding] = findings(paused)
    assert finding.phenomenon is Phenomenon.SENSOR_STUCK
    assert "kept one voltage through" in finding.summary
    assert "The latest data do not confirm it." in finding.summary


@pytest.mark.parametrize("volt_step", [0.001, 0.005, 0.02])
@pytest.mark.parametrize("ampere", [60.0, 5.0, 0.0])
def test_coarse_converters_and_resting_packs_freeze_nobody(volt_step, ampere):
    assert not any(v for _, v in looked(driven(2000, volt_step=volt_step, ampere=ampere)))


def test_a_quarter_of_a_pack_that_stands_still_is_a_silent_board():
    batch = driven()
    volt = batch.cell_voltage_volt.copy()
    volt[ONSET:, :13] = volt[ONSET, :13]
    assert not any(v for _, v in looked(replace(batch, cell_voltage_volt=volt)))


def test_lost_readings_freeze_nobody_and_a_dead_channel_hides_no_frozen_one():
    batch = stuck(driven())
    volt = batch.cell_voltage_volt.copy()
    volt[:, 3] = np.nan
    volt[np.random.default_rng(1).random(batch.rows) < 0.1, 20] = np.nan
    named = {
        v.location.index for _, vs in looked(replace(batch, cell_voltage_volt=volt)) for v in vs
    }
    assert named == {7}


@pytest.mark.parametrize("cuts", [(101, 105, 107), range(1, 240), (110,)])
def test_the_pieces_change_nothing(cuts):
    batch = stuck(driven(), until=180)
    assert looked(batch, cuts) == looked(batch)

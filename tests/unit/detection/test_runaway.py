"""Two signals of a runaway within a minute, in whatever pieces the rows arrive."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from windows_of import batch_of

from voltherd.detection import runaway
from voltherd.detection.engine import init, step
from voltherd.triage.findings import findings
from voltherd.types.event import Phenomenon, Severity

ROWS, CELLS, PROBES = 240, 24, 4
ONSET = 200


def quiet():
    """A second a row, everything ordinary; insulation moves as a real one does."""
    rng = np.random.default_rng(7)
    volt = 3.7 + rng.normal(0.0, 0.002, (ROWS, CELLS))
    batch = batch_of(
        1.6e9 + np.arange(ROWS),
        volt,
        current_ampere=rng.normal(-20.0, 10.0, ROWS),
        voltage_volt=volt.sum(axis=1),
        insulation_resistance_ohm=rng.normal(3e6, 1e5, ROWS),
    )
    return replace(
        batch,
        probe_temperature_celsius=np.full((ROWS, PROBES), 30.0, np.float32),
        probe_quality=np.zeros((ROWS, PROBES), np.uint8),
    )


def spoiled(*, cell=False, probe=False, insulation=False, cell_row=ONSET, probe_row=ONSET):
    batch = quiet()
    volt = batch.cell_voltage_volt.copy()
    celsius = batch.probe_temperature_celsius.copy()
    ohm = batch.scalar["insulation_resistance_ohm"].copy()
    if cell:
        volt[cell_row:, 6] -= 2.0
    if probe:
        celsius[probe_row:, 2] = 130.0
    if insulation:
        ohm[ONSET:] = 2_000.0
    return replace(
        batch,
        cell_voltage_volt=volt,
        probe_temperature_celsius=celsius,
        scalar={**batch.scalar, "insulation_resistance_ohm": ohm},
    )


def verdicts(batch, cuts=()):
    guard, found = runaway.init(batch.cells, batch.probes), []
    for start, stop in zip([0, *cuts], [*cuts, batch.rows], strict=True):
        if stop > start:
            guard, part = runaway.look(guard, batch.between(start, stop))
            found += part
    return found


TWO = [
    {"cell": True, "probe": True},
    {"cell": True, "insulation": True},
    {"probe": True, "insulation": True},
]


@pytest.mark.parametrize("signals", TWO, ids=lambda s: " and ".join(s))
def test_two_signals_are_told_in_the_very_row_they_come_together(signals):
    found = verdicts(spoiled(**signals))
    assert found[0][0] == 1.6e9 + ONSET
    assert found[0][1].severity is Severity.SAFETY


@pytest.mark.parametrize("signal", ["cell", "probe", "insulation"])
def test_one_signal_alone_is_no_runaway(signal):
    assert verdicts(spoiled(**{signal: True})) == []


def test_signals_further_apart_than_a_minute_are_two_stories():
    late = spoiled(cell=True, probe=True, cell_row=0, probe_row=ONSET)
    volt = late.cell_voltage_volt.copy()
    volt[100:, 6] += 2.0  # the cell recovers, a hundred seconds before the probe goes
    assert verdicts(replace(late, cell_voltage_volt=volt)) == []


def test_a_frozen_insulation_channel_is_no_signal():
    batch = spoiled(cell=True)
    frozen = np.full(ROWS, 50.0)
    batch = replace(batch, scalar={**batch.scalar, "insulation_resistance_ohm": frozen})
    assert verdicts(batch) == []


def test_a_whole_board_that_fails_is_no_collapse():
    batch = spoiled(probe=True)
    volt = batch.cell_voltage_volt.copy()
    volt[ONSET:, :12] = 1.0
    assert verdicts(replace(batch, cell_voltage_volt=volt)) == []


@given(st.lists(st.integers(0, ROWS), max_size=6).map(sorted), st.sampled_from(TWO))
def test_the_pieces_in_which_rows_arrive_change_nothing(cuts, signals):
    batch = spoiled(**signals)
    assert verdicts(batch, cuts) == verdicts(batch)


def test_it_is_told_even_when_the_record_ends_a_row_later():
    batch = spoiled(cell=True, probe=True).between(0, ONSET + 1)
    state = step(init("v", CELLS, PROBES), batch)
    [finding] = findings(state)
    assert finding.phenomenon is Phenomenon.THERMAL_RUNAWAY
    assert finding.raised_second == 1.6e9 + ONSET
    assert finding.location.index == 7
    assert finding.severity is Severity.SAFETY


def test_signals_that_come_one_by_one_are_one_finding_with_the_cell_as_its_place():
    batch = spoiled(probe=True, insulation=True, cell=True, cell_row=ONSET + 5)
    [finding] = findings(step(init("v", CELLS, PROBES), batch))
    assert finding.raised_second == 1.6e9 + ONSET
    assert finding.location.index == 7
    assert "Cell 7 fell 2.0 V" in finding.summary


def test_a_cell_that_collapses_below_anything_measurable_counts_too():
    batch = spoiled(cell=True, probe=True)
    volt = batch.cell_voltage_volt.copy()
    volt[ONSET:, 6] = np.nan  # what import makes of 0.3 V
    found = verdicts(replace(batch, cell_voltage_volt=volt))
    assert [time for time, _ in found] == [1.6e9 + ONSET + row for row in range(ROWS - ONSET)]
    assert found[0][1].location.cells == (7,)


def test_a_channel_that_was_never_there_is_no_collapse():
    batch = spoiled(probe=True)
    volt = batch.cell_voltage_volt.copy()
    volt[:, 6] = np.nan
    assert verdicts(replace(batch, cell_voltage_volt=volt)) == []

"""A cell or probe whose reading steps is named within ten minutes; whatever bends is not."""

from dataclasses import replace

import numpy as np
import pytest
from driven import driven, raised, with_cell, with_probe
from vehicles import run

from voltherd.detection import cell_step, probe_step, swap
from voltherd.detection.step_shape import shared_courses, step_in
from voltherd.triage.findings import findings
from voltherd.types.event import LocationKind, Phenomenon, Severity

TEN_MINUTES = 600.0


def stepped(batch, size, row, cell=20):
    return with_cell(
        batch, cell, lambda v: np.round(v + np.where(np.arange(len(v)) < row, 0, size), 3)
    )


def probed(batch, kelvin, row, probe=5):
    return with_probe(batch, probe, lambda t: t + np.where(np.arange(len(t)) < row, 0.0, kelvin))


def named_steps(batch, cause):
    return raised(run(batch), cause)


@pytest.mark.parametrize("row", range(150, 180, 5))
@pytest.mark.parametrize("charging", [True, False], ids=["charge", "drive"])
def test_a_step_of_5_mv_is_named_within_ten_minutes(row, charging):
    batch = stepped(driven(260, charging=charging, ampere=30.0, seed=row), 0.005, row)
    [(cell, (severity, time))] = named_steps(batch, cell_step.CAUSE).items()
    assert cell == 20
    assert severity is Severity.OPERATING
    assert 0.0 < time - batch.unix_time_second[row] <= TEN_MINUTES


@pytest.mark.parametrize("row", [50, 53, 56, 59])
def test_a_step_of_8_mv_is_named_at_a_sample_every_thirty_seconds(row):
    batch = stepped(driven(100, period_second=30.0, charging=True, ampere=30.0), -0.008, row)
    [(cell, (_, time))] = named_steps(batch, cell_step.CAUSE).items()
    assert cell == 20
    assert 0.0 < time - batch.unix_time_second[row] <= TEN_MINUTES + 30.0


def test_a_large_step_that_stands_is_a_matter_of_a_visit():
    batch = stepped(driven(300, charging=True, ampere=30.0), -0.04, 160)
    assert named_steps(batch, cell_step.CAUSE)[20][0] is Severity.RECOMMENDED
    state = run(batch)
    [finding] = [f for f in findings(state) if f.location.index == 20]
    assert finding.phenomenon is Phenomenon.SENSOR_BIAS
    assert finding.onset_second == batch.unix_time_second[160]
    assert "stepped by −40 mV from one reading to the next" in finding.summary
    [shown] = [e for e in finding.evidence if e.name.startswith("stepped")]
    assert shown.low < -40.0 < shown.high or shown.value == pytest.approx(-40.0, abs=0.5)


@pytest.mark.parametrize(
    "change",
    [
        lambda v, t: v + np.clip((t - 150) * 0.0002, 0.0, 0.02),
        lambda v, t: v + 0.03 * np.exp((t - 239) / 30.0),
        lambda v, t: v - np.where((t > 150) & (t < 153), 0.05, 0.0),
    ],
    ids=["ramp", "knee", "dip"],
)
def test_what_bends_or_comes_back_is_no_step(change):
    t = np.arange(240.0)
    batch = with_cell(driven(charging=True, ampere=30.0), 20, lambda v: change(v, t))
    assert named_steps(batch, cell_step.CAUSE) == {}


def test_a_current_that_begins_steps_no_cell_however_its_resistance_differs():
    batch = driven(240, ampere=0.0)
    current = np.where(np.arange(240) < 150, 0.0, 80.0)
    volt = batch.cell_voltage_volt.copy()
    volt += (current[:, None] * 6e-4 * (1.0 + 0.05 * np.linspace(-2, 2, 48))).astype(np.float32)
    volt[:, 20] += (current * 4e-5).astype(np.float32)
    scalar = {**batch.scalar, "current_ampere": current}
    batch = replace(batch, cell_voltage_volt=np.round(volt, 3), scalar=scalar)
    assert named_steps(batch, cell_step.CAUSE) == {}


def test_half_a_pack_that_shifts_is_no_sensor():
    batch = driven(260, charging=True, ampere=30.0)
    volt = batch.cell_voltage_volt.copy()
    volt[170:, ::2] += 0.006
    assert named_steps(replace(batch, cell_voltage_volt=volt), cell_step.CAUSE) == {}


@pytest.mark.parametrize(
    ("kelvin_step", "kelvin"), [(1.0, 2.0), (0.5, 1.0), (0.1, 1.0), (0.1, -1.0)]
)
@pytest.mark.parametrize("row", range(150, 180, 10))
def test_a_probe_that_steps_is_named_within_ten_minutes(kelvin_step, kelvin, row):
    batch = probed(driven(260, kelvin_step=kelvin_step, seed=row), kelvin, row)
    [(probe, (severity, time))] = named_steps(batch, probe_step.CAUSE).items()
    assert probe == 5
    assert severity is Severity.OPERATING
    assert 0.0 < time - batch.unix_time_second[row] <= TEN_MINUTES


def test_a_probes_step_is_told_with_the_steps_it_reads_in():
    found = findings(run(probed(driven(300, kelvin_step=0.5), 8.0, 160)))
    [finding] = [f for f in found if f.location.kind is LocationKind.PROBE]
    assert finding.severity is Severity.RECOMMENDED
    assert "K from one reading to the next, and its siblings did not" in finding.summary
    assert "the probe's steps of 0.5 K" in finding.evidence[0].basis
    assert finding.evidence[0].low < 8.0 < finding.evidence[0].high


@pytest.mark.parametrize("kelvin_step", [1.0, 0.1])
@pytest.mark.parametrize("minutes", [1.0, 3.0, 10.0])
@pytest.mark.parametrize("probes", [(5,), (5, 6, 7)], ids=["one", "three"])
def test_a_place_near_the_inlet_that_warms_or_cools_is_no_sensor(kelvin_step, minutes, probes):
    batch = driven(400, kelvin_step=0.01)
    t = (np.arange(400) - 150.0) / 6.0
    course = 8.0 * (1.0 - np.exp(-np.maximum(t, 0.0) / minutes))
    for probe in probes:
        batch = with_probe(batch, probe, lambda c: c - course)
    rounded = np.round(batch.probe_temperature_celsius / kelvin_step) * kelvin_step
    batch = replace(batch, probe_temperature_celsius=rounded.astype(np.float32))
    assert named_steps(batch, probe_step.CAUSE) == {}


@pytest.mark.parametrize("kelvin_step", [1.0, 0.1])
def test_healthy_packs_step_nowhere(kelvin_step):
    for seed in range(4):
        state = run(driven(1500, kelvin_step=kelvin_step, seed=seed))
        assert raised(state, cell_step.CAUSE) == raised(state, probe_step.CAUSE) == {}


def test_a_step_is_measured_beside_what_else_moves_the_series():
    rng = np.random.default_rng(3)
    t = np.arange(80.0)
    load = rng.normal(0.0, 30.0, 80)
    y = rng.normal(0.0, 1.0, 80) + 0.2 * load + np.where(t < 50, 0.0, 6.0)
    y[20] = 90.0
    step = step_in(y, t, load[None], np.ones(1), floor=0.1)
    assert step.second == 50.0
    assert step.size == pytest.approx(6.0, abs=3.0 * step.sigma)
    assert 0.1 < step.sigma < 0.5


def test_the_courses_shared_by_many_series_are_found():
    rng = np.random.default_rng(4)
    course, share = rng.normal(0.0, 1.0, 90), rng.normal(0.0, 1.0, 60)
    values = np.outer(course, share) + rng.normal(0.0, 0.1, (90, 60))
    first = shared_courses(values, 2)[0]
    assert abs(np.corrcoef(first, course)[0, 1]) > 0.99
    assert first.std() == pytest.approx(1.0, rel=0.3)


@pytest.mark.parametrize("cuts", [(151, 155, 200), range(140, 200), (30,)])
def test_the_pieces_change_nothing(cuts):
    batch = probed(stepped(driven(260, charging=True, ampere=30.0), 0.006, 160), 3.0, 165)
    assert run(batch, cuts).book == run(batch).book
    assert raised(run(batch), cell_step.CAUSE).keys() == {20}
    assert raised(run(batch), probe_step.CAUSE).keys() == {5}


@pytest.mark.parametrize("period_second", [10.0, 30.0])
def test_two_cells_that_step_to_each_others_place_are_exchanged(period_second):
    rows = 520 if period_second == 10.0 else 200
    batch = driven(rows, period_second=period_second, charging=True, ampere=10.0)
    batch = with_cell(with_cell(batch, 11, lambda v: v + 0.012), 30, lambda v: v - 0.006)
    before, volt = run(batch), batch.cell_voltage_volt.copy()
    cut = int(0.85 * rows)
    volt[cut:, [10, 29]] = volt[cut:, [29, 10]]
    state = run(replace(batch, cell_voltage_volt=volt))
    alarms = [a for a in state.book.values() if a.verdict.cause == swap.CAUSE_AT_ONCE]
    [pair] = [a for a in alarms if a.severity is not None]
    assert pair.verdict.location.cells == (11, 30)
    assert pair.raised_second[1] - batch.unix_time_second[cut] <= TEN_MINUTES
    assert not [a for a in before.book.values() if a.verdict.cause == swap.CAUSE_AT_ONCE]
    told = [f for f in findings(state) if 11 in f.location.cells]
    assert [f.phenomenon for f in told] == [Phenomenon.CHANNEL_SWAP]


def test_two_cells_that_step_apart_without_changing_places_are_no_exchange():
    batch = driven(240, charging=True, ampere=30.0)
    batch = stepped(stepped(batch, 0.012, 180, cell=11), -0.012, 180, cell=30)
    state = run(batch)
    assert raised(state, cell_step.CAUSE).keys() == {11, 30}
    assert raised(state, swap.CAUSE_AT_ONCE) == {}

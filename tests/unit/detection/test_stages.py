"""Stages on the way to a thermal runaway: in order, at once, in any pieces, told in words."""

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest
from vehicles import run, same_state

from voltherd.detection.engine import init, step
from voltherd.sim.thermal_runaway import Scenario, runaway_second, telemetry
from voltherd.sim.thermal_runaway import run as burn
from voltherd.triage.advice import STAGE_ACTIONS
from voltherd.triage.findings import findings
from voltherd.types.event import Phenomenon, Severity
from voltherd.types.stage import Stage

HEATED = Scenario(cell=7, duration_second=1600.0)  # a probe sits on the seventh cell


@lru_cache
def fire(seed=1, period_second=1, pressure=True):
    return telemetry(burn(HEATED), seed, period_second=period_second, pressure=pressure)


@lru_cache
def followed(period_second=1, pressure=True):
    """Stage and score row by row, with the state at the end."""
    batch = fire(period_second=period_second, pressure=pressure).batch
    state, seen, risk = init(batch.vehicle_id, batch.cells, batch.probes), [], []
    for row in range(batch.rows):
        state = step(state, batch.between(row, row + 1))
        seen.append(state.stages.stage)
        risk.append(state.stages.score)
    return np.array(seen), np.array(risk), state


def test_stages_follow_the_truth_where_a_probe_sits_on_the_cell():
    seen, _, _ = followed()
    truth = fire().stage
    assert set(truth) == set(range(6))
    assert (seen == truth).mean() >= 0.95
    event = truth > 0
    assert (seen[event] == truth[event]).mean() >= 0.9


def test_the_score_never_falls_within_an_episode_and_ends_at_one():
    seen, risk, _ = followed()
    assert (np.diff(risk) >= 0.0).all()
    assert (np.diff(seen) >= 0).all()
    assert risk[0] == 0.0
    assert risk[-1] == 1.0
    assert ((risk[1:] > risk[:-1]).sum()) > 20  # it rises within stages too


@pytest.mark.parametrize("period_second", [1, 10])
def test_the_collapse_is_alarmed_within_one_sample(period_second):
    told = fire(period_second=period_second)
    seen, _, _ = followed(period_second)
    first = told.batch.unix_time_second[np.argmax(seen >= Stage.RUNAWAY)]
    later = told.batch.unix_time_second[told.batch.unix_time_second >= told.collapse_second]
    assert first <= later[1]  # the row of the collapse, or the next


def test_cells_are_listed_in_the_order_in_which_they_gave_way():
    _, _, state = followed()
    true = runaway_second(burn(HEATED))
    order = [int(c) + 37 for c in np.argsort(true) if np.isfinite(true[c])]
    assert set(state.stages.cells) == set(order)
    assert state.stages.cells[0] == order[0]
    heard = [order.index(cell) for cell in state.stages.cells]
    assert np.abs(np.array(heard) - np.arange(len(heard))).max() <= 1  # twins on both sides


def test_one_finding_tells_of_it_with_the_actions_of_its_stage():
    batch = fire().batch
    [finding] = [f for f in findings(run(batch)) if f.phenomenon is Phenomenon.THERMAL_RUNAWAY]
    assert finding.action == " ".join(STAGE_ACTIONS[Stage.PROPAGATION])
    names = [evidence.name for evidence in finding.evidence]
    assert {"stage", "risk score", "cells that gave way"} <= set(names)


def test_before_the_collapse_it_is_told_as_a_stage_at_safety():
    told = fire()
    before = told.batch.between(0, int(np.argmax(told.stage >= Stage.VENTING)) - 1)
    [finding] = findings(run(before))
    assert finding.phenomenon is Phenomenon.THERMAL_STAGE
    assert finding.severity is Severity.SAFETY
    assert "self-heating" in finding.summary
    assert "cannot be told" in finding.summary
    assert finding.action == " ".join(STAGE_ACTIONS[Stage.SELF_HEATING])


def test_the_pieces_in_which_rows_arrive_change_nothing():
    batch = fire().batch.between(600, 1400)
    whole = run(batch)
    cuts = sorted(np.random.default_rng(3).integers(0, batch.rows, 60).tolist())
    pieces = run(batch, cuts)
    same_state(pieces.stages, whole.stages)
    same_state(pieces.book, whole.book)


def still():
    """A quiet hour at a second each."""
    batch = fire().batch
    celsius = np.tile(batch.probe_temperature_celsius[0], (batch.rows, 1))
    volt = np.tile(batch.cell_voltage_volt[0], (batch.rows, 1))
    scalar = {name: np.full(batch.rows, values[0]) for name, values in batch.scalar.items()}
    return replace(batch, probe_temperature_celsius=celsius, cell_voltage_volt=volt, scalar=scalar)


def test_a_probe_that_jumps_alone_is_no_stage():
    batch = still()
    celsius = batch.probe_temperature_celsius.copy()
    celsius[300:, 4] = 130.0
    assert run(replace(batch, probe_temperature_celsius=celsius)).stages.stage == 0


def test_an_episode_is_over_after_an_hour_without_a_sign():
    batch = still()
    batch = replace(batch, unix_time_second=batch.unix_time_second[0] + 4.0 * np.arange(batch.rows))
    celsius = batch.probe_temperature_celsius.copy()
    celsius[100:200, 4] += np.minimum(np.arange(100), 8.0).astype(np.float32)
    celsius[200:300, 4] += np.maximum(8.0 - np.arange(100), 0.0).astype(np.float32)
    state = run(replace(batch, probe_temperature_celsius=celsius))
    assert state.stages.stage == 0
    [finding] = [f for f in findings(state) if f.phenomenon is Phenomenon.THERMAL_STAGE]
    assert finding.severity is Severity.OPERATING
    assert "do not confirm" in finding.summary


def test_without_pressure_venting_is_known_by_heat_alone():
    seen, _, _ = followed(1, False)
    assert Stage.VENTING in seen
    assert seen[-1] == Stage.PROPAGATION

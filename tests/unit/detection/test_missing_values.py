"""Cells, channels and times that are missing: nothing may be made of what was not measured."""

from dataclasses import replace

import numpy as np
import pytest
from windows_of import CELLS, batch_of, windows_of

from voltherd.detection import contact, jump, short, spikes, stuck, temperature
from voltherd.detection.cells import fit
from voltherd.detection.engine import init, step
from voltherd.detection.memory import (
    Memory,
    capacity_ah,
    gather,
    remember,
    whole,
)
from voltherd.detection.memory import init as blank_memory
from voltherd.detection.snapshot import dump
from voltherd.detection.windows import DRIVE, closing_rows, summarise
from voltherd.types.asset import Chemistry
from voltherd.types.event import Severity


def remembered(periods) -> Memory:
    memory = blank_memory(periods[0].deviation_volt.shape[2])
    for windows in periods:
        memory = remember(memory, gather(memory, windows))
    return memory


def apart(cell, volt, noise=None):
    windows = windows_of()
    deviation = windows.deviation_volt.copy()
    if noise is not None:
        deviation[:, DRIVE] += noise.normal(0.0, 0.001, CELLS).astype(np.float32)
    deviation[:, DRIVE, cell] = volt
    return windows._replace(deviation_volt=deviation)


def driven(rows=400, step_second=10.0, seed=1):
    """Time, current and the voltages of 12 healthy cells of 1 mOhm."""
    rng = np.random.default_rng(seed)
    amps = rng.normal(-30.0, 40.0, rows)
    volt = 3.7 + 1e-3 * amps[:, None] + rng.normal(0.0, 0.0005, (rows, 12))
    return 1.7e9 + step_second * np.arange(rows), amps, volt


def test_a_cell_measured_half_of_the_time_keeps_its_whole_deviation():
    rng = np.random.default_rng(3)
    seen = [apart(4, -0.03 if k % 2 else np.nan, rng) for k in range(20)]
    found = fit(whole(remembered(seen)))
    assert found.volt[4] == pytest.approx(-0.03, rel=0.05)


def test_a_cell_that_is_never_measured_is_nobodys_outlier():
    found = fit(whole(remembered([apart(4, np.nan, np.random.default_rng(k)) for k in range(8)])))
    assert found.volt[4] == 0.0
    assert np.isfinite(found.terms).all()


def test_a_cell_that_falls_silent_has_not_jumped():
    rng = np.random.default_rng(5)
    memory = remembered([apart(4, -0.04, rng) for _ in range(10)])
    silent = gather(memory, apart(4, np.nan, rng))
    assert jump.judge(memory, silent) == ()
    back = gather(memory, apart(4, -0.01, rng))
    assert [v.location.index for v in jump.judge(memory, back)] == [5]


def test_a_cell_that_is_hardly_ever_measured_does_not_stand_still():
    times, amps, volt = driven()
    volt[:, 5] = np.where(np.arange(len(times)) % 29 == 3, volt[:, 5], np.nan)
    windows = summarise(batch_of(times, volt, current_ampere=amps), closing_rows(times)[0])
    assert all(not verdicts for _, verdicts in stuck.judge(windows))


def test_a_frozen_cell_is_found_beside_silent_ones_and_at_a_minute_between_samples():
    times, amps, volt = driven(step_second=60.0)
    volt[:, :5] = np.nan
    volt[:, 7] = 3.71
    moving = np.full(len(times), 50.0)
    batch = batch_of(times, volt, current_ampere=amps, speed_kilometre_per_hour=moving)
    judged = stuck.judge(summarise(batch, closing_rows(times)[0]))
    assert len(judged) > 50
    assert all([v.location.index for v in verdicts] == [8] for _, verdicts in judged)


def followed_ohm(found):
    return found.follow_watt.sum(axis=0) / found.follow_cell_ampere2.sum(axis=0)


def test_added_resistance_does_not_shrink_where_a_cell_is_missing():
    times, amps, volt = driven()
    volt[:, 3] += 5e-4 * amps
    volt[np.random.default_rng(2).random(len(times)) < 0.5, 3] = np.nan
    found = summarise(batch_of(times, volt, current_ampere=amps), closing_rows(times)[0])
    assert followed_ohm(found)[3] == pytest.approx(5e-4, rel=0.02)


def test_a_cell_missing_under_high_current_gains_no_resistance_from_its_offset():
    times, amps, volt = driven()
    volt[:, 3] -= 0.05
    volt[amps < -30.0, 3] = np.nan
    found = summarise(batch_of(times, volt, current_ampere=amps), closing_rows(times)[0])
    assert abs(followed_ohm(found)[3]) < 2e-5


def test_one_spike_is_one_spike_however_slowly_the_samples_come():
    times, amps, volt = driven(step_second=60.0)
    volt[2, 3] += 0.5
    found = summarise(batch_of(times, volt, current_ampere=amps), closing_rows(times)[0])
    assert found.spikes.sum() == 1
    assert found.looked[0] == 6


def test_slow_samples_give_no_more_excitation_than_there_was():
    times, amps, volt = driven(step_second=60.0)
    found = summarise(batch_of(times, volt, current_ampere=amps), closing_rows(times)[0])
    assert found.follow_ampere2.sum() <= ((amps - amps.mean()) ** 2).sum()


def test_a_leak_is_found_when_the_first_cell_is_dead_and_the_leaking_one_often_missing():
    rng = np.random.default_rng(7)
    memory = blank_memory(CELLS)
    periods = 200
    day = np.linspace(0.0, 8.0, periods)
    charge = rng.normal(0.0, 0.001, (periods, CELLS))
    charge[:, 9] -= 0.02 * day
    charge[rng.random(periods) < 0.4, 9] = np.nan
    charge[:, 0] = np.nan
    memory = memory._replace(
        periods=periods,
        history_second=1.7e9 + 86_400.0 * day,
        history_charge=charge.astype(np.float32),
        history_volt=(0.8 * charge).astype(np.float32),
        history_soc=rng.uniform(0.2, 0.9, periods),
    )
    [verdict] = short.judge(memory)
    assert verdict.location.index == 10
    assert verdict.numbers["loss_per_day"] == pytest.approx(0.02, rel=0.1)


def test_the_capacity_is_not_reckoned_from_charge_that_was_not_observed():
    slow = windows_of(
        start_second=1500.0 * np.arange(6),
        end_second=1500.0 * np.arange(6) + 1200.0,
        soc_fraction=np.linspace(0.8, 0.5, 6),
    )
    assert capacity_ah(remembered([slow, slow])) is None
    quick = windows_of(soc_fraction=np.linspace(0.8, 0.5, 6))
    assert capacity_ah(remembered([quick, quick])) == pytest.approx(7.5 / 0.3, rel=0.01)


def test_a_current_that_is_half_missing_gives_no_charge():
    times, amps, volt = driven()
    amps[::2] = np.nan
    found = summarise(batch_of(times, volt, current_ampere=amps), closing_rows(times)[0])
    assert np.isnan(found.charge_ah).all()


def test_the_chemistry_is_not_settled_by_one_period_at_the_top_of_a_charge():
    full, usual = windows_of(), windows_of()
    full.cell_volt[:, DRIVE] = 3.5
    usual.cell_volt[:, DRIVE] = 3.29
    memory = remembered([full._replace(soc_fraction=np.full(6, 0.99)), *[usual] * 4])
    assert memory.chemistry is Chemistry.LFP


def test_a_hot_probe_is_a_matter_of_safety_even_without_siblings():
    hot = windows_of(probe_celsius=np.full((6, 1), 80.0, np.float32))
    [verdict] = temperature.judge(hot)
    assert verdict.severity is Severity.SAFETY
    assert temperature.judge(windows_of(probe_celsius=np.full((6, 1), 30.0, np.float32))) == ()
    assert temperature.judge(windows_of(probes=0)) == ()


def test_the_rows_handed_in_may_be_reused_by_the_caller():
    times, amps, volt = driven()
    batch = batch_of(times, volt, current_ampere=amps)
    kept = step(init("v", 12, 0), batch.between(0, 215))
    fresh = step(kept, batch.between(215, 400))
    lent = batch_of(times[:215].copy(), volt[:215].copy(), current_ampere=amps[:215].copy())
    reused = step(init("v", 12, 0), lent)
    lent.cell_voltage_volt[:] = 0.0
    lent.scalar["current_ampere"][:] = 0.0
    lent.unix_time_second[:] = 0.0
    reused = step(reused, batch.between(215, 400))
    assert dump(reused) == dump(fresh)


@pytest.mark.parametrize("cells", [0, 1, 4, 12])
def test_garbage_of_any_width_is_followed_without_a_word_or_a_warning(cells):
    rng = np.random.default_rng(cells)
    times = 300.0 * np.arange(300)
    volt = rng.uniform(0.5, 5.0, (300, cells))
    volt[rng.random(volt.shape) < 0.5] = np.nan
    volt[100:200] = np.nan
    batch = batch_of(
        times,
        volt,
        current_ampere=np.where(rng.random(300) < 0.5, np.nan, 0.0),
        soc_fraction=np.full(300, np.nan),
        voltage_volt=np.zeros(300),
    )
    state = step(init("v", cells, 0), batch)
    state = step(state, replace(batch, unix_time_second=times + 300.0 * 300))
    assert state.rows == 600
    assert contact.judge(state.memory) == ()
    assert spikes.judge(state.memory) == ()

"""Readings that slide away: cells told from leaks by the charge curve, probes by their rests."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from windows_of import batch_of

from voltherd.detection import drift, memory, short
from voltherd.sim.fault_text import format_faults, parse_faults
from voltherd.sim.faults import Fault
from voltherd.sim.recorded_fault import Cell, injected
from voltherd.types.event import Location, LocationKind, Phenomenon, Severity

CELLS, PROBES, DAY = 48, 12, 86_400.0
SLOPE = 0.3, 1.6
"""Of the curve at empty and at full [V]: a leak shows five times as much there."""


def past(days=24, per_day=8, seed=0, *, volt_per_day=0.0, charge_per_day=0.0, step_volt=0.0):
    """The memory of a pack used for some weeks; cell 5 drifts, leaks or steps."""
    rng = np.random.default_rng(seed)
    rows = days * per_day
    age = np.sort(rng.uniform(0.0, days, rows))
    soc = rng.uniform(0.2, 0.95, rows)
    slope = np.interp(soc, (0.2, 0.95), SLOPE)
    charge = 0.004 * rng.standard_normal(CELLS) + 0.0008 * rng.standard_normal((rows, CELLS))
    volt = charge * slope[:, None] + 0.0003 * rng.standard_normal((rows, CELLS))
    late = age >= days / 2.0
    volt[:, 4] += volt_per_day * age + slope * charge_per_day * age + step_volt * late
    return memory.init(CELLS)._replace(
        periods=rows,
        history_second=1.6e9 + age * DAY,
        history_volt=volt.astype(np.float32),
        history_charge=(volt / slope[:, None]).astype(np.float32),
        history_soc=soc,
    )


@pytest.mark.parametrize("per_day", [0.001, 0.003, -0.001, -0.003])
def test_a_reading_that_drifts_is_told_and_is_no_leak(per_day):
    known = past(volt_per_day=per_day)
    [verdict] = drift.judge(known)
    assert verdict.phenomenon is Phenomenon.SENSOR_DRIFT
    assert verdict.location.index == 5
    assert verdict.numbers["volt_per_day"] == pytest.approx(per_day, rel=0.15)
    assert short.judge(known) == ()
    grave = abs(per_day) * 23.0 >= drift.VOLT_RECOMMENDED
    assert verdict.severity is (Severity.RECOMMENDED if grave else Severity.OPERATING)


@pytest.mark.parametrize("per_day", [-0.002, -0.006])
def test_a_leak_is_no_drift(per_day):
    known = past(charge_per_day=per_day)
    assert drift.judge(known) == ()
    [verdict] = short.judge(known)
    assert (verdict.phenomenon, verdict.location.index) == (Phenomenon.INTERNAL_SHORT, 5)


@pytest.mark.parametrize("seed", range(5))
def test_healthy_cells_do_not_drift(seed):
    assert drift.judge(past(seed=seed)) == ()


def test_a_step_is_no_drift():
    assert drift.judge(past(step_volt=0.02)) == ()


def test_too_short_a_past_tells_nothing():
    assert drift.judge(past(days=2, volt_per_day=0.005)) == ()


def nights_of(days=20, kelvin_per_day=0.0, step=0.0, seed=0, resolution=1.0):
    """Some weeks of a drive a day and a row each half hour of rest; probe 3 drifts or steps."""
    rng = np.random.default_rng(seed)
    time = 1.6e9 + 1800.0 * np.arange(48 * days)
    hour = np.arange(48 * days) % 48 / 2.0
    drives = (hour >= 8.0) & (hour < 10.0)
    age = (time - time[0]) / DAY
    warm = 15.0 + 5.0 * np.sin(age) + 12.0 * np.exp(-np.maximum(hour - 10.0, 0.0)) * (hour >= 8.0)
    celsius = warm[:, None] + rng.normal(0.0, 0.4, PROBES) + rng.normal(0.0, 0.15, (len(time), 1))
    celsius = celsius + rng.uniform(0.0, 4.0, PROBES) * drives[:, None]
    celsius[:, 2] += kelvin_per_day * age + step * (age > days / 2.0)
    celsius = np.round(celsius / resolution) * resolution
    volt = np.full((len(time), 6), 3.7)
    batch = batch_of(time, volt, current_ampere=np.where(drives, -40.0, 0.0))
    return replace(
        batch,
        probe_temperature_celsius=celsius.astype(np.float32),
        probe_quality=np.zeros(celsius.shape, np.uint8),
    )


def told(batch):
    return drift.judge_probes(drift.look(drift.init(PROBES), batch))


@pytest.mark.parametrize("per_day", [0.1, -0.1, 0.4])
def test_a_probe_that_drifts_is_told_from_its_rests(per_day):
    [verdict] = told(nights_of(24, per_day))
    assert verdict.phenomenon is Phenomenon.SENSOR_DRIFT
    assert (verdict.location.kind, verdict.location.index) == (LocationKind.PROBE, 3)
    assert verdict.numbers["kelvin_per_day"] == pytest.approx(per_day, abs=0.03)
    assert verdict.severity is (Severity.RECOMMENDED if per_day == 0.4 else Severity.OPERATING)


@pytest.mark.parametrize("seed", range(5))
def test_healthy_probes_and_one_that_stepped_do_not_drift(seed):
    assert told(nights_of(24, seed=seed)) == ()
    assert told(nights_of(24, step=4.0, seed=seed)) == ()


def test_how_soon_a_probe_is_told():
    days = [n for n in range(3, 30) if told(nights_of(n, 0.3))]
    assert days and days[0] <= 12


def test_without_a_current_nobody_knows_when_a_pack_rests():
    batch = nights_of(24, 0.4)
    blind = replace(batch, scalar={}, scalar_quality={})
    state = drift.init(PROBES)
    assert drift.look(state, blind) is state


@settings(max_examples=20)
@given(st.lists(st.integers(1, 479), max_size=5).map(sorted))
def test_the_pieces_in_which_rows_arrive_change_nothing(cuts):
    batch = nights_of(10, 0.4)

    def state(cuts):
        nights = drift.init(PROBES)
        for start, stop in zip([0, *cuts], [*cuts, batch.rows], strict=True):
            if stop > start:
                nights = drift.look(nights, batch.between(start, stop))
        return nights

    for one, other in zip(state(cuts), state([]), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_drift_can_be_planted_and_is_written_as_it_is_read():
    text = "sensor_drift:1mV/day@cell=3,sensor_drift:0.2K/day@probe=4"
    cell, probe = parse_faults(text)
    assert (cell.size, cell.unit, probe.size, probe.unit) == (0.001, "V/day", 0.2, "K/day")
    assert parse_faults(format_faults((cell, probe))) == (cell, probe)


def test_a_drift_can_be_put_into_a_record():
    batch = nights_of(10)
    fault = Fault(
        vehicle=1,
        phenomenon=Phenomenon.SENSOR_DRIFT,
        location=Location(kind=LocationKind.PROBE, index=2),
        start_second=float(batch.unix_time_second[240]),
        size=0.5,
        unit="K/day",
    )
    after = injected(batch, fault, Cell(np.array([3.0, 4.2]), 1e-3, 100.0), 0)
    moved = after.probe_temperature_celsius - batch.probe_temperature_celsius
    assert moved[:240].max() == 0.0
    assert moved[-1, 1] == pytest.approx(2.5, abs=0.05)
    assert np.delete(moved, 1, axis=1).max() == 0.0

"""The whole of detection on simulated vehicles: streams, prefixes, and what was planted."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from vehicles import run, same_state, vehicle

from voltherd.detection.engine import LATE_MAX, init, step
from voltherd.detection.memory import HISTORY_PERIODS, capacity_ah
from voltherd.sim.fleet import fleet_spec, simulate
from voltherd.types.asset import Chemistry
from voltherd.types.event import Phenomenon, Severity
from voltherd.types.sample import empty_batch

LAYOUT = fleet_spec(vehicles=1).layout


def raised(state):
    return {
        (alarm.verdict.phenomenon, alarm.verdict.location.cells): alarm.raised_second
        for alarm in state.book.values()
        if alarm.severity is not None
    }


PLANTED = "weak_cell:25%@cell=17,day=1,sensor_stuck@cell=40,day=2"


@pytest.mark.long
@given(st.lists(st.integers(0, 6000), max_size=6))
@settings(max_examples=12, deadline=None, phases=(Phase.explicit, Phase.generate))
def test_a_stream_in_any_pieces_gives_what_the_whole_record_gives(cuts):
    batch = vehicle(PLANTED, days=3)
    streamed = run(batch, sorted(min(cut, batch.rows) for cut in cuts))
    whole = run(batch)
    assert streamed.book == whole.book
    same_state(streamed.memory, whole.memory)
    same_state(streamed.watch, whole.watch)


@pytest.mark.long
def test_single_rows_give_what_the_whole_record_gives_and_wait_in_bounded_number():
    batch = vehicle(PLANTED, days=3).between(0, 3000)
    state = init(batch.vehicle_id, batch.cells, batch.probes)
    for row in range(batch.rows):
        state = step(state, batch.between(row, row + 1))
        assert len(state.late_rows) < LATE_MAX
    whole = run(batch)
    assert state.book == whole.book
    same_state(state.memory, whole.memory)
    rows = state.open_rows.rows + sum(late.rows for late in state.late_rows)
    assert rows == whole.open_rows.rows
    assert state.open_millisecond == whole.open_millisecond


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_what_is_raised_early_does_not_depend_on_what_comes_later(share):
    batch = vehicle(PLANTED)
    now = batch.unix_time_second[int(share * batch.rows)]
    early = run(batch.between(0, int(share * batch.rows) + 1))
    late = run(batch)
    assert {
        key: tuple(t if t is not None and t <= now else None for t in alarm.raised_second)
        for key, alarm in late.book.items()
        if key in early.book
    } == {key: alarm.raised_second for key, alarm in early.book.items()}
    for key in late.book.keys() - early.book.keys():
        assert late.book[key].first_second > now


def test_the_batch_handed_in_is_left_alone():
    batch = vehicle("none", days=1)
    before = batch.cell_voltage_volt.copy()
    run(batch)
    np.testing.assert_array_equal(batch.cell_voltage_volt, before)


def test_memory_is_bounded():
    state = run(vehicle("none"))
    assert len(state.memory.history_second) <= HISTORY_PERIODS
    assert state.open_rows.rows < 5000
    assert len(state.book) <= 4 * state.open_rows.cells


@pytest.mark.parametrize(
    ("faults", "phenomenon", "cells", "severity"),
    [
        ("weak_cell:25%@cell=17,day=1", Phenomenon.WEAK_CELL, (17,), Severity.RECOMMENDED),
        ("contact_resistance:1mohm@cell=50,day=1", Phenomenon.CONTACT_RESISTANCE, (50,), None),
        ("sensor_stuck@cell=40,day=2", Phenomenon.SENSOR_STUCK, (40,), Severity.RECOMMENDED),
        ("internal_short:4%/day@cell=9,day=1", Phenomenon.INTERNAL_SHORT, (9,), None),
        ("module_offset:30mV@module=3,day=1", Phenomenon.MODULE_OFFSET, tuple(range(25, 37)), None),
        ("sensor_bias:25mV@cell=60,day=3", Phenomenon.SENSOR_BIAS, (60,), None),
        ("sensor_spikes@cell=33,day=2", Phenomenon.SENSOR_SPIKES, (33,), None),
        ("channel_swap@cell=1,other=12,day=3", Phenomenon.CHANNEL_SWAP, (1, 12), None),
    ],
)
def test_a_planted_fault_is_named_for_what_it_is(faults, phenomenon, cells, severity):
    found = run(vehicle(faults), layout=LAYOUT)
    alarms = [
        alarm
        for alarm in found.book.values()
        if alarm.verdict.phenomenon is phenomenon and alarm.verdict.location.cells == cells
    ]
    assert alarms, raised(found)
    assert alarms[0].severity is not None
    assert severity is None or alarms[0].severity is severity


@pytest.mark.long
def test_a_healthy_vehicle_raises_nothing():
    assert raised(run(vehicle("none", days=8, seed=5), layout=LAYOUT)) == {}


def test_a_module_is_found_without_knowing_the_layout():
    found = raised(run(vehicle("module_offset:30mV@module=3,day=1")))
    modules = [cells for phenomenon, cells in found if phenomenon is Phenomenon.MODULE_OFFSET]
    assert modules
    assert set(modules[0]) <= set(range(25, 37))


def test_the_capacity_it_sizes_findings_with_is_about_right():
    batch = vehicle("none", days=5)
    spec = fleet_spec(vehicles=1, days=5, seed=2, chemistry=((Chemistry.NMC, 1.0),))
    truth = next(simulate(spec)).truth.capacity_ah.mean()
    assert capacity_ah(run(batch).memory) == pytest.approx(truth, rel=0.1)


def test_nothing_is_said_of_an_empty_or_tiny_record():
    state = init("v", 96, 0)
    assert step(state, empty_batch("v", 96)) is state
    few = vehicle("none", days=1).between(0, 5)
    assert run(few).book == {}


def test_a_single_cell_record_is_followed_without_siblings():
    batch = vehicle("none", days=1)
    one = batch.between(0, batch.rows)
    lone = type(one)(
        vehicle_id="lab",
        unix_time_second=one.unix_time_second,
        cell_voltage_volt=one.cell_voltage_volt[:, :1],
        cell_quality=one.cell_quality[:, :1],
        probe_temperature_celsius=one.probe_temperature_celsius[:, :0],
        probe_quality=one.probe_quality[:, :0],
        scalar={},
        scalar_quality={},
    )
    assert raised(run(lone)) == {}


def test_the_vehicles_own_warning_is_kept_as_context_and_changes_no_alarm():
    batch = vehicle("weak_cell:25%@cell=17,day=1", days=4)
    level = np.zeros(batch.rows)
    level[batch.rows // 2 :] = 2.0
    warned = replace(
        batch,
        scalar={**batch.scalar, "warning_level": level},
    )
    state = run(warned)
    assert state.watch.warnings == {2: batch.unix_time_second[batch.rows // 2]}
    assert state.book == run(batch).book


def test_neighbours_that_stand_apart_together_are_one_module_wherever_they_begin():
    batch = vehicle("none", days=3)
    volt = batch.cell_voltage_volt[:, :87].copy()
    volt[batch.rows // 3 :, 29:41] -= 0.03
    odd = replace(batch, cell_voltage_volt=volt, cell_quality=batch.cell_quality[:, :87].copy())
    found = raised(run(odd))
    modules = [cells for phenomenon, cells in found if phenomenon is Phenomenon.MODULE_OFFSET]
    assert modules, found
    assert all(set(cells) <= set(range(30, 42)) for cells in modules)

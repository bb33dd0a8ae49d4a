"""Contactors that are welded or do not close, told from current and the voltage beyond them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from windows_of import batch_of

from voltherd.detection import switches
from voltherd.detection.engine import init, step
from voltherd.sim.fleet import fleet_spec, simulate
from voltherd.triage.findings import findings
from voltherd.types.event import Cause, Phenomenon, Severity

CELLS, PERIOD = 24, 10.0
TOTAL = 3.7 * CELLS


def record(*parts, outlet=True, speed=False, period=PERIOD):
    """Rows of (count, command, current, outlet share of the cells' sum, speed)."""
    columns = np.concatenate([np.tile(part[1:], (part[0], 1)) for part in parts])
    rng = np.random.default_rng(1)
    volt = 3.7 + rng.normal(0.0, 0.0005, (len(columns), CELLS))
    scalar = {
        "contactor_command_state": columns[:, 0],
        "current_ampere": columns[:, 1] + rng.normal(0.0, 0.1, len(columns)),
    }
    if outlet:
        beyond = columns[:, 2] * TOTAL + rng.normal(0.0, 0.2, len(columns))
        scalar["outlet_voltage_volt"] = np.where(np.isnan(columns[:, 2]), np.nan, beyond)
    if speed:
        scalar["speed_kilometre_per_hour"] = columns[:, 3]
    return batch_of(1.6e9 + period * np.arange(len(columns)), volt, **scalar)


DRIVE, PARK = (30, 1.0, -30.0, 1.0, 50.0), (30, 0.0, 0.0, 0.0, 0.0)
WELDED = (40, 0.0, 0.0, 1.0, 0.0)
IDLE = (30, 1.0, 0.0, 0.0, 0.0)


def found(batch):
    return findings(step(init("v", CELLS, 0), batch))


def test_a_healthy_day_is_silent():
    rest_with_capacitors = (9, 0.0, 0.0, 0.95, 0.0)
    assert found(record(PARK, DRIVE, rest_with_capacitors, PARK, DRIVE, PARK)) == ()


def test_an_outlet_that_stays_live_for_three_minutes_is_a_weld():
    batch = record(PARK, DRIVE, WELDED)
    [finding] = found(batch)
    assert finding.phenomenon is Phenomenon.SWITCH_STUCK_CLOSED
    assert finding.severity is Severity.SAFETY
    opened = batch.unix_time_second[60]
    assert finding.raised_second - opened == pytest.approx(switches.ALONE_SECOND)
    assert "welded" in finding.summary and "89 V" in finding.summary
    assert finding.causes.ranked[0].cause is Cause.SWITCH
    assert finding.action.startswith("Treat the high-voltage bus as live")


def test_with_a_current_it_is_told_in_seconds():
    batch = record(PARK, DRIVE, (40, 0.0, -4.0, 1.0, 0.0))
    [finding] = found(batch)
    assert finding.raised_second - batch.unix_time_second[60] == pytest.approx(20.0)
    assert "4." in finding.summary


def test_without_an_outlet_a_current_must_be_beyond_any_sensors_zero():
    assert found(record(DRIVE, (40, 0.0, -4.0, 0.0, 0.0), outlet=False)) == ()
    [finding] = found(record(DRIVE, (40, 0.0, -8.0, 0.0, 0.0), outlet=False))
    assert finding.phenomenon is Phenomenon.SWITCH_STUCK_CLOSED


def test_a_current_that_the_outlet_denies_is_a_sensor():
    assert found(record(PARK, DRIVE, (40, 0.0, -8.0, 0.0, 0.0))) == ()


def test_an_outlet_that_always_reads_one_thing_is_not_believed():
    assert found(record((30, 1.0, 0.0, 1.0, 0.0), WELDED)) == ()
    assert found(record(PARK, IDLE)) == ()


def test_an_outlet_that_froze_while_the_cells_relax_is_not_believed():
    batch = record(PARK, DRIVE, WELDED)
    volt = batch.cell_voltage_volt.copy()
    volt[60:] += np.linspace(0.0, 0.15, 40)[:, None]
    outlet = batch.scalar["outlet_voltage_volt"].copy()
    outlet[60:] = outlet[59]
    frozen = batch_of(
        batch.unix_time_second, volt, **(dict(batch.scalar) | {"outlet_voltage_volt": outlet})
    )
    assert found(frozen) == ()


def test_contactors_that_do_not_close_are_told_within_the_time_of_a_pre_charge():
    batch = record(PARK, DRIVE, PARK, IDLE)
    [finding] = found(batch)
    assert finding.phenomenon is Phenomenon.SWITCH_STUCK_OPEN
    assert finding.severity is Severity.RECOMMENDED
    told = batch.unix_time_second[90] + switches.OPEN_SECOND
    assert finding.raised_second == pytest.approx(told)
    assert "do not close" in finding.summary


def test_a_dead_outlet_while_current_flows_is_a_sensor():
    assert found(record(PARK, DRIVE, (60, 1.0, -20.0, 0.0, 50.0))) == ()


def test_a_pack_that_gives_nothing_while_its_vehicle_drives_is_open():
    sleeping = (30, 1.0, 0.0, 0.0, 60.0)
    [finding] = found(record(DRIVE, sleeping, outlet=False, speed=True))
    assert finding.phenomenon is Phenomenon.SWITCH_STUCK_OPEN
    assert "nothing flows" in finding.summary
    coasting = (12, 1.0, 0.0, 0.0, 60.0)
    assert found(record(DRIVE, coasting, DRIVE, outlet=False, speed=True)) == ()


def test_what_was_repaired_is_no_longer_confirmed_and_comes_back_when_it_does():
    state = step(init("v", CELLS, 0), record(PARK, DRIVE, WELDED, DRIVE, PARK))
    [finding] = findings(state)
    assert "do not confirm" in finding.summary
    assert state.switches.standing == ()
    state = step(init("v", CELLS, 0), record(PARK, DRIVE, WELDED, DRIVE, PARK, DRIVE, WELDED))
    [finding] = findings(state)
    assert "do not confirm" not in finding.summary
    # A drive between does not refute a weld: only contacts that part do.
    [finding] = findings(step(init("v", CELLS, 0), record(PARK, DRIVE, WELDED, DRIVE)))
    assert "do not confirm" not in finding.summary


def test_without_the_command_nothing_is_kept_nor_said():
    batch = record(PARK, DRIVE, WELDED)
    bare = {k: v for k, v in batch.scalar.items() if k != "contactor_command_state"}
    plain = batch_of(batch.unix_time_second, batch.cell_voltage_volt, **bare)
    assert switches.look(switches.UNKNOWN, plain) == (switches.UNKNOWN, ())


@settings(max_examples=40)
@given(st.lists(st.integers(0, 270), max_size=6).map(sorted))
def test_the_pieces_in_which_rows_arrive_change_nothing(cuts):
    gap = (10, np.nan, 0.0, np.nan, 0.0)
    batch = record(PARK, DRIVE, WELDED, DRIVE, gap, PARK, IDLE, (40, 0.0, -4.0, 1.0, 0.0), PARK)

    def told(cuts):
        state, every = switches.UNKNOWN, []
        for start, stop in zip([0, *cuts], [*cuts, batch.rows], strict=True):
            if stop > start:
                state, part = switches.look(state, batch.between(start, stop))
                every += part
        return repr(state), [(t, [v.numbers for v in vs], c) for t, vs, c in every]

    assert told(cuts) == told([])


@pytest.mark.parametrize(
    ("fault", "phenomenon", "hour"),
    [
        ("switch_stuck_closed:300W", Phenomenon.SWITCH_STUCK_CLOSED, 24.0),
        ("switch_stuck_open", Phenomenon.SWITCH_STUCK_OPEN, 24.0),
    ],
)
def test_planted_switches_are_found_and_their_vehicle_behaves_so(fault, phenomenon, hour):
    spec = fleet_spec(vehicles=1, days=3, seed=5, faults=f"{fault}@day=2")
    state, last = None, None
    for day in simulate(spec):
        last = day.batch
        if state is None:
            state = init("v", last.cells, last.probes, asset=day.vehicle)
        state = step(state, last)
    [finding] = [f for f in findings(state) if f.phenomenon is phenomenon]
    assert 0.0 < finding.raised_second - spec.faults[0].start_second < hour * 3600.0
    parked = last.scalar["contactor_command_state"] == 0.0
    if phenomenon is Phenomenon.SWITCH_STUCK_CLOSED:
        assert last.scalar["current_ampere"][parked].mean() < -0.5, "it draws on"
    else:
        assert last.scalar["speed_kilometre_per_hour"].max() == 0.0, "it stands"


def test_a_simulated_fleet_that_records_its_contactors_is_silent():
    states = {}
    for day in simulate(fleet_spec(vehicles=1, days=2, seed=9, contactors=True)):
        name, batch = day.batch.vehicle_id, day.batch
        states.setdefault(name, init(name, batch.cells, batch.probes))
        states[name] = step(states[name], batch)
        closed = batch.scalar["contactor_command_state"] == 1.0
        apart = batch.scalar["outlet_voltage_volt"] - batch.scalar["voltage_volt"]
        assert np.abs(apart[closed]).max() < 3.0
    for state in states.values():
        assert state.switches.seen_live and state.switches.seen_dead
        assert not {f.phenomenon.value for f in findings(state)} & {
            "switch_stuck_closed",
            "switch_stuck_open",
        }

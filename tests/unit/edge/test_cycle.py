"""One cycle: samples through estimation, detection, protection and the gate."""

from dataclasses import replace

import numpy as np
import pytest

from tests.unit.edge.simulated_bus import FRAMES, START, batch, heard, plan, wired
from voltherd.edge import cycle, events
from voltherd.edge.commands import EVENT, STREAM
from voltherd.edge.cycle import Input, Plan
from voltherd.estimation.cell_sample import samples
from voltherd.types.event import Severity
from voltherd.types.record import Command, CommandKind
from voltherd.wire.chunk import decode_chunk, encode_chunk

NANO = 1_000_000_000


def drive(plan, frames, *, period=1.0, state=None, requests=(), until=None, wall=0):
    """Run cycles at a fixed rate, the edge's clock beginning with the first frame."""
    state = state or cycle.init(plan, wall)
    results, at = [], 0
    second = frames[0].second if frames else 0.0
    end = until if until is not None else frames[-1].second + 1.6
    waiting = list(requests)
    while second <= end or at < len(frames):
        stop = at
        while stop < len(frames) and frames[stop].second <= second:
            stop += 1
        given = Input(frames[at:stop], waiting, second - START, wall)
        state, result = cycle.step(plan, state, given)
        results.append(result)
        waiting, at, second = [], stop, second + period
    return state, results


def rows_of(results):
    return [segment.batch for result in results for segment in result.segments]


def told(results):
    return [event for result in results for event in result.events]


def with_cells(sent, cells):
    return replace(sent, cell_voltage_volt=cells.astype(np.float32))


def test_a_quiet_pack_is_estimated_and_permitted():
    state, results = drive(plan(), heard(batch(30)))
    assert sum(b.rows for b in rows_of(results)) >= 30
    estimates = [e for result in results for e in result.estimates]
    assert len(estimates) == sum(b.rows for b in rows_of(results))
    assert state.soc is not None and 0.3 < state.soc.value < 0.7
    assert told(results) == []
    assert results[0].actuation.charge_ampere_max == 0.0, "nothing is permitted before it is seen"
    assert results[-1].actuation.charge_ampere_max == pytest.approx(2.5 * 150.0)
    assert results[-1].actuation.discharge_ampere_max == pytest.approx(5.0 * 150.0)
    assert results[-1].actuation.contactors_closed


def test_replayed_frames_give_the_same_bit_for_bit_however_they_are_cut():
    frames = heard(batch(40, current_ampere=30.0))

    def known(period):
        state, results = drive(plan(), frames, period=period)
        values = [e.value.tobytes() + e.sigma.tobytes() for r in results for e in r.estimates]
        times = np.concatenate([b.unix_time_second for b in rows_of(results)])
        return values, times.tobytes(), told(results), state.filter.mean.tobytes()

    assert known(1.0) == known(1.0)
    assert known(1.0) == known(0.1) == known(7.3)


def test_a_cell_beyond_its_limit_is_told_and_charging_fades():
    sent = batch(40, current_ampere=20.0)
    cells = sent.cell_voltage_volt.copy()
    cells[20:, 4] = 4.27
    _, results = drive(plan(), heard(with_cells(sent, cells)))
    raised = [(e.code, e.severity, e.cells) for e in told(results) if e.raised]
    assert ("cell_voltage.high", Severity.OPERATING, (5,)) in raised
    assert ("cell_voltage.high", Severity.RECOMMENDED, (5,)) in raised
    assert results[-1].actuation.charge_ampere_max == 0.0
    assert results[-1].actuation.discharge_ampere_max > 0.0
    event = told(results)[0]
    assert event.value == pytest.approx(4.27) and event.unit == "V"
    assert START + 20.0 <= event.unix_time_second <= START + 24.0


def test_a_dangerous_cell_opens_the_contactors():
    sent = batch(60)
    cells = sent.cell_voltage_volt.copy()
    cells[20:, 4] = 4.45
    _, results = drive(plan(), heard(with_cells(sent, cells)))
    assert not results[-1].actuation.contactors_closed
    assert results[-1].actuation.discharge_ampere_max == 0.0


def test_a_runaway_is_told_once_ends_charging_and_leaves_driving():
    sent = batch(50)
    cells, probes = sent.cell_voltage_volt.copy(), sent.probe_temperature_celsius.copy()
    cells[30:33, 9] = 2.9
    probes[30:33, 3] = 95.0
    sent = replace(with_cells(sent, cells), probe_temperature_celsius=probes)
    limits = replace(plan().limits, rows=())
    unlimited = Plan(vehicle_id="bus-7", wiring=wired(), limits=limits)
    state, results = drive(unlimited, heard(sent))
    [event] = [e for e in told(results) if e.code == events.RUNAWAY]
    assert event.raised and event.severity is Severity.SAFETY and event.cells == (10,)
    assert "cell 10" in event.text and "95 °C" in event.text
    assert results[-1].actuation.charge_ampere_max == 0.0
    assert results[-1].actuation.discharge_ampere_max > 0.0
    calm = heard(batch(700, start_second=START + 100.0, seed=3))
    _, results = drive(unlimited, calm, state=state)
    [over] = [e for e in told(results) if e.code == events.RUNAWAY]
    assert not over.raised
    assert results[-1].actuation.charge_ampere_max > 0.0


def test_old_samples_permit_nothing_and_silence_in_use_is_told():
    frames = heard(batch(20, current_ampere=50.0))
    state, results = drive(plan(silent_second=5.0), frames, until=START + 40.0)
    [event] = told(results)
    assert event.code == events.SILENT and event.raised
    assert event.unix_time_second == pytest.approx(START + 24.0)
    assert results[-1].actuation.charge_ampere_max == 0.0
    assert results[-1].actuation.discharge_ampere_max == 0.0
    later = heard(batch(10, start_second=START + 41.0))
    _, results = drive(plan(), later, state=state)
    [event] = told(results)
    assert event.code == events.SILENT and not event.raised
    assert results[-1].actuation.charge_ampere_max > 0.0


def test_a_parked_vehicle_may_be_silent():
    _, results = drive(plan(), heard(batch(20, current_ampere=0.0)), until=START + 4000.0)
    assert told(results) == []
    assert results[-1].actuation.charge_ampere_max == 0.0


def test_a_clock_that_jumps_parts_the_rows_and_nothing_else_is_disturbed():
    first = heard(batch(20))
    late = heard(batch(20, start_second=START + 20.0, seed=2))
    for by in (-7200.0, 7200.0):
        frames = [*first, *(f._replace(second=f.second + by) for f in late)]
        state, results = cycle.init(plan()), []
        for k in range(0, len(frames), FRAMES):
            given = Input(frames[k : k + FRAMES], (), 1.0 + k / FRAMES, 0)
            state, result = cycle.step(plan(), state, given)
            results.append(result)
        [event] = told(results)
        assert event.code == events.CLOCK and event.value == pytest.approx(by, abs=1.0)
        times = np.concatenate([b.unix_time_second for b in rows_of(results)])
        assert (np.abs(np.diff(times)) > 3600.0).sum() == 1
        for one in rows_of(results):
            assert (np.diff(one.unix_time_second) >= 0.0).all()
        assert results[-1].actuation.charge_ampere_max > 0.0
        assert not any(e.quality for r in results[2:] for e in r.estimates), "the filter goes on"


def test_without_limits_nothing_is_permitted_and_without_a_cell_nothing_is_estimated():
    blind = Plan(vehicle_id="bus-7", wiring=wired())
    state, results = drive(blind, heard(batch(10)))
    assert state.soc is None and not any(r.estimates for r in results)
    assert all(r.actuation.charge_ampere_max == 0.0 for r in results)
    assert sum(b.rows for b in rows_of(results)) >= 10


def command(kind, number=0.0, text="", sent=0, valid=60.0, name="c1"):
    return Command(
        correlation_id=name,
        kind=kind,
        sent_nanosecond=sent,
        valid_second=valid,
        number=number,
        text=text,
    )


def test_the_cloud_may_tighten_a_limit_for_a_while_and_loosen_none():
    sent = heard(batch(20))
    state, _ = drive(plan(), sent, wall=100 * NANO)
    tight = command(CommandKind.CURRENT_LIMIT, 40.0, sent=100 * NANO)
    loose = command(CommandKind.CURRENT_LIMIT, -9e9, sent=100 * NANO, name="c2")
    now = sent[-1].second - START + 2.0
    state, result = cycle.step(plan(), state, Input((), (tight, loose), now, 100 * NANO))
    assert [e.code for e in result.events] == ["command.done", "command.done"]
    assert result.actuation.charge_ampere_max == 40.0
    assert result.actuation.discharge_ampere_max == pytest.approx(750.0)
    _, result = cycle.step(plan(), state, Input((), (), now, 161 * NANO))
    assert result.actuation.charge_ampere_max == pytest.approx(375.0)


def test_zero_ampere_stops_either_way():
    state, _ = drive(plan(), heard(batch(20)), wall=NANO)
    stop = command(CommandKind.CURRENT_LIMIT, 0.0, sent=NANO)
    _, result = cycle.step(plan(), state, Input((), (stop,), 19.0, NANO))
    assert result.actuation.charge_ampere_max == result.actuation.discharge_ampere_max == 0.0


@pytest.mark.parametrize(
    ("request_", "why"),
    [
        (command(CommandKind.PING, sent=0, valid=10.0), "too old"),
        (command(CommandKind.PING, sent=90 * NANO), "too old"),
        (command(CommandKind.MODE, text="fast", sent=30 * NANO), "no mode 'fast'"),
        (command(CommandKind.WATCH, 1e9, sent=30 * NANO), "not in 0 to"),
        (command(CommandKind.CURRENT_LIMIT, float("nan"), sent=30 * NANO), "no current"),
    ],
)
def test_commands_that_make_no_sense_are_refused_and_change_nothing(request_, why):
    state = cycle.init(plan(), 0)
    after, result = cycle.step(plan(), state, Input((), (request_,), 0.0, 30 * NANO))
    [event] = result.events
    assert event.code == events.REFUSED and why in event.text
    assert event.correlation_id == "c1"
    assert after.desk == state.desk._replace(seen=("c1",))


def test_a_repeated_command_is_refused_and_so_is_one_from_before_the_start():
    state = cycle.init(plan(), 50 * NANO)
    ping = command(CommandKind.PING, sent=60 * NANO)
    state, result = cycle.step(plan(), state, Input((), (ping, ping), 0.0, 60 * NANO))
    assert [e.code for e in result.events] == [events.DONE, events.REFUSED]
    assert "repetition" in result.events[1].text
    old = command(CommandKind.PING, sent=40 * NANO, name="c9")
    _, result = cycle.step(plan(), state, Input((), (old,), 0.0, 60 * NANO))
    assert "before this edge started" in result.events[0].text


def test_what_was_heard_is_remembered_within_bounds_and_limits_cannot_pile_up():
    state = cycle.init(plan(), 0)
    many = [
        command(CommandKind.CURRENT_LIMIT, float(k), sent=NANO, name=f"c{k}") for k in range(400)
    ]
    state, result = cycle.step(plan(), state, Input((), many, 0.0, NANO))
    assert len(state.desk.seen) == 256 and len(state.desk.ceilings) == 64
    assert "limits hold already" in result.events[-1].text


def test_modes_and_watching_are_kept():
    state = cycle.init(plan(), 0)
    assert state.desk.mode == STREAM
    asked = (
        command(CommandKind.MODE, text=EVENT, sent=NANO),
        command(CommandKind.WATCH, 30.0, sent=NANO, name="c2"),
    )
    state, result = cycle.step(plan(), state, Input((), asked, 0.0, NANO))
    assert state.desk.mode == EVENT
    assert state.desk.watch_until_nanosecond == 31 * NANO
    assert [e.code for e in result.events] == [events.DONE, events.DONE]


def test_an_estimate_left_to_the_cloud_is_the_same_from_what_the_edge_ships():
    frames = heard(batch(120, current_ampere=40.0))
    _, here = drive(plan(), frames)
    own = [estimate for result in here for estimate in result.estimates]
    _, elsewhere = drive(replace(plan(), soc_filter=None), frames)
    assert not any(result.estimates for result in elsewhere)
    shipped = [decode_chunk(encode_chunk(rows), "bus-7") for rows in rows_of(elsewhere)]
    kept, state, theirs = plan().soc_filter, None, []
    for rows in shipped:
        for sample in samples(rows):
            state = state or kept.init(sample)
            state, estimate = kept.step(state, sample)
            theirs.append(estimate)
    assert len(theirs) == len(own) >= 120
    for one, other in zip(own, theirs, strict=True):
        np.testing.assert_allclose(one.value, other.value, rtol=0.0, atol=1e-6)
        np.testing.assert_allclose(one.sigma, other.sigma, rtol=1e-6)

"""The edge as a whole, against the cloud's real intake, in virtual time."""

import numpy as np
import pytest

from tests.unit.edge.simulated_bus import CELLS, PROBES, START, batch, heard, plan
from tests.unit.edge.test_spool import Refusing
from tests.unit.edge.world import World
from voltherd.edge import events
from voltherd.edge.runtime import Room
from voltherd.types.record import CommandKind, RecordKind, SeqRange


def times(batches):
    return np.concatenate([b.unix_time_second for b in batches])


def settled(world):
    """Every number ever given is committed or named in a gap, and nothing waits any more."""
    head = world.edge.spool.head_seq
    assert world.whole()[world.edge.spool.epoch] == (SeqRange(1, head),)
    assert world.edge.spool.size().records == 0


def test_every_sample_reaches_the_cloud_in_minutes_and_events_at_once():
    sent = batch(200)
    world = World(heard(sent))
    world.run(3.0)
    assert [e.code for e in world.events()] == [events.STARTED]
    world.run(280.0)
    settled(world)
    got = world.batches()
    np.testing.assert_array_equal(times(got), sent.unix_time_second)
    np.testing.assert_array_equal(
        np.concatenate([b.cell_voltage_volt for b in got]), sent.cell_voltage_volt
    )
    assert [b.rows for b in got][:3] == [60, 60, 60]
    chunk = next(r for r in world.records() if r.kind is RecordKind.TELEMETRY)
    assert chunk.heard_first_nanosecond == pytest.approx(int(1e9 * START), abs=int(1e9))
    assert chunk.heard_last_nanosecond == pytest.approx(int(1e9 * (START + 59.0)), abs=int(1e9))


def test_the_state_is_told_on_connection_every_half_minute_and_by_the_last_goodbye():
    world = World(heard(batch(100)))
    world.run(100.0)
    assert [s.online for s in world.states] == [True] * 4
    assert world.states[-1].epoch == world.edge.spool.epoch
    assert world.states[-1].site_id == "depot"
    world.edge.close()
    world.broker.pump()
    world.ingest.poll()
    assert not world.states[-1].online


def test_a_link_cut_loses_nothing_and_repeats_nothing():
    sent = batch(180, period_second=10.0)
    world = World(heard(sent))
    world.run(300.0, period=5.0)
    world.bus.lose()
    world.run(1000.0, period=5.0)
    assert world.edge.spool.size().records > 10
    world.bus.reconnect()
    world.run(700.0, period=5.0)
    settled(world)
    np.testing.assert_array_equal(np.sort(times(world.batches())), sent.unix_time_second)
    assert world.ingest.counts().duplicates <= 1, "what was under way when the link broke"


def test_a_cloud_that_never_answers_costs_bounded_memory_and_few_messages():
    world = World(heard(batch(600, period_second=10.0)))
    world.cloud_up = False
    world.run(6000.0, period=10.0)
    assert len(world.edge.courier.publisher.in_flight) == 64
    assert world.edge.courier.publisher.sent <= 64 * 20
    assert world.edge.spool.size().records >= 100
    world.cloud_up = True
    world.run(400.0, period=5.0)
    settled(world)


def test_records_are_sent_again_until_acknowledged_and_kept_once():
    world = World(heard(batch(100)))
    world.cloud_up = False
    world.run(120.0)
    assert world.edge.courier.publisher.repeated > 3
    world.cloud_up = True
    world.run(60.0)
    settled(world)
    assert world.ingest.counts().duplicates > 0
    np.testing.assert_array_equal(times(world.batches()), batch(100).unix_time_second)


def test_what_the_cloud_asks_for_is_sent_again():
    world = World(heard(batch(200)))
    lost = []
    publish = world.bus.publish

    def losing(topic, payload, **options):
        if topic.endswith("telemetry") and len(lost) < 2:
            lost.append(payload)
            return True
        return publish(topic, payload, **options)

    world.bus.publish = losing
    world.run(400.0)
    settled(world)
    assert len(lost) == 2
    np.testing.assert_array_equal(np.sort(times(world.batches())), batch(200).unix_time_second)


def test_who_watches_sees_every_row_while_the_lease_runs():
    world = World(heard(batch(100)))
    world.run(10.0)
    world.ask(CommandKind.WATCH, number=20.0)
    world.run(60.0)
    rows = np.concatenate([live.batch.unix_time_second for live in world.lives])
    assert 18 <= len(rows) <= 23 and (np.diff(rows) == 1.0).all()
    assert world.lives[0].batch.cells == CELLS and world.lives[0].batch.probes == PROBES
    assert [e.correlation_id for e in world.events() if e.code == events.DONE] == ["c1"]


def test_a_command_is_answered_within_a_cycle_and_a_late_one_refused():
    world = World(heard(batch(60)))
    world.run(5.0)
    world.ask(CommandKind.PING, name="ping")
    world.turn()
    [answer] = [e for e in world.events() if e.correlation_id == "ping"]
    assert answer.code == events.DONE
    world.ask(CommandKind.CURRENT_LIMIT, name="late", valid=0.5, number=10.0)
    world.clock.sleep(2.0)
    world.run(3.0)
    [answer] = [e for e in world.events() if e.correlation_id == "late"]
    assert answer.code == events.REFUSED
    assert world.actuator.all[-1].charge_ampere_max > 10.0


def test_a_limit_of_the_cloud_reaches_the_actuator():
    world = World(heard(batch(60)))
    world.run(20.0)
    world.ask(CommandKind.CURRENT_LIMIT, number=33.0)
    world.run(2.0)
    assert world.actuator.all[-1].charge_ampere_max == 33.0


def test_protection_goes_on_without_cloud_and_without_disk():
    sent = batch(200)
    sent.cell_voltage_volt[100:, 3] = 4.5
    outbox = Refusing()
    world = World(heard(sent), outbox=outbox)
    world.bus.lose()
    outbox.refuses = True
    world.run(80.0)
    assert world.actuator.all[-1].charge_ampere_max > 0.0
    world.run(60.0)
    assert not world.actuator.all[-1].contactors_closed
    outbox.refuses = False
    world.bus.reconnect()
    world.run(200.0)
    settled(world)
    codes = [e.code for e in world.events()]
    assert codes.count(events.STORE_REFUSES) == 2 and "cell_voltage.high" in codes
    np.testing.assert_array_equal(np.sort(times(world.batches())), sent.unix_time_second)


def test_a_bus_that_is_gone_is_told_once_and_permits_nothing():
    world = World(heard(batch(100)))
    world.run(20.0)
    world.source.gone = True
    world.run(20.0)
    assert world.actuator.all[-1].charge_ampere_max == 0.0
    world.source.gone = False
    world.run(20.0)
    told = [(e.code, e.raised) for e in world.events() if e.code == "bus.gone"]
    assert told == [("bus.gone", True), ("bus.gone", False)]


def test_a_loop_that_stood_still_is_told():
    world = World(heard(batch(100)))
    world.run(10.0)
    world.clock.sleep(45.0)
    world.run(10.0)
    [event] = [e for e in world.events() if e.code == events.STALLED]
    assert event.value == pytest.approx(46.0)


def test_a_new_boot_goes_on_with_what_the_old_one_left():
    sent = batch(300)
    world = World(heard(sent))
    world.run(80.0)
    world.bus.lose()
    world.run(80.0)
    # The old one is simply not turned any more, as if its power had been cut.
    held = world.edge.courier._open.rows
    world.start(2 << 32 | 9)
    world.run(300.0)
    epochs = world.whole()
    assert set(epochs) == {1 << 32 | 7, 2 << 32 | 9}
    assert all(len(ranges) == 1 and ranges[0].first == 1 for ranges in epochs.values())
    got = np.sort(times(world.batches()))
    lost = np.setdiff1d(sent.unix_time_second, got)
    assert len(got) == len(np.unique(got)), "nothing twice"
    assert len(lost) <= held + 2, "a minute under way at most"


def test_event_mode_is_switched_by_a_command_and_sends_less():
    world = World(heard(batch(300, period_second=10.0)))
    world.run(600.0, period=5.0)
    stream = sum(len(r.body) for r in world.records())
    world.ask(CommandKind.MODE, text="event")
    world.run(2300.0, period=5.0)
    assert world.states[-1].mode == "event"
    later = sum(len(r.body) for r in world.records()) - stream
    assert later < 0.2 * stream
    world.ask(CommandKind.MODE, name="c2", text="stream")
    world.run(200.0)
    settled(world)
    assert world.states[-1].mode == "stream"


def test_a_full_outbox_keeps_the_newest_whole_and_the_cloud_learns_of_gaps():
    sent = batch(900, period_second=10.0)
    world = World(heard(sent), room=Room(outbox_bytes_max=40_000))
    world.bus.lose()
    world.run(9100.0, period=30.0)
    assert world.edge.spool.size().bytes <= 42_000
    world.bus.reconnect()
    world.run(400.0, period=5.0)
    settled(world)
    got = times(world.batches())
    assert (got > START + 8700.0).sum() == 29
    assert len(got) == len(np.unique(got)) < 800


def test_a_limit_that_is_broken_arrives_while_hours_of_telemetry_wait():
    sent = batch(200)
    sent.cell_voltage_volt[150:, 3] = 4.45
    world = World(heard(sent))
    world.bus.lose()
    world.run(145.0)
    world.bus.reconnect()
    world.edge.courier.publisher.step = lambda now: True  # the backlog stays where it is
    world.run(20.0)
    assert any(e.code == "cell_voltage.high" for e in world.events())


def test_foreign_and_broken_messages_change_nothing():
    world = World(heard(batch(60)))
    world.run(5.0)
    from voltherd.topics import topic

    for payload in (b"", b"V1", b"what?", bytes(5000)):
        world.cloud_bus.publish(topic("depot", "bus-7", "ack"), payload)
        world.cloud_bus.publish(topic("depot", "bus-7", "command"), payload)
    world.run(80.0)
    assert world.edge.courier.unreadable == 8
    settled(world)


def test_replay_of_the_frames_gives_the_same_record_bodies():
    frames = heard(batch(150, current_ampere=40.0))

    def bodies(period):
        world = World(frames)
        world.run(220.0, period=period)
        return [r.body for r in world.records() if r.kind is RecordKind.TELEMETRY]

    assert bodies(1.0) == bodies(0.5) == bodies(7.0)


def test_plan_is_left_as_it_is():
    """A plan may be shared by many edges of one make."""
    shared = plan()
    World(heard(batch(10)), plan_=shared).run(12.0)
    World(heard(batch(10)), plan_=shared).run(12.0)

"""Records are committed once and acknowledged only then; nothing that arrives makes it raise."""

import threading
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.chain.clock import TestClock
from voltherd.adapters.memory.bus import MemoryBroker
from voltherd.adapters.memory.record_log import MemoryRecordLog
from voltherd.cloud.ingest import Ingest, IngestLimits
from voltherd.errors import StoreError
from voltherd.topics import topic
from voltherd.types.event import Severity
from voltherd.types.record import (
    Ack,
    Command,
    CommandKind,
    EdgeEvent,
    EdgeState,
    Gap,
    GapReason,
    Record,
    RecordKey,
    RecordKind,
    SeqRange,
)
from voltherd.types.sample import SampleBatch
from voltherd.wire.envelope import Live, decode, encode, encode_event, encode_gap

SITE, VEHICLE = "depot-1", "bus-7"
EPOCH, LATER = (3 << 32) | 77, (4 << 32) | 5


def event(seq, epoch=EPOCH, vehicle_id=VEHICLE, text="", heard_nanosecond=0) -> Record:
    told = EdgeEvent(
        unix_time_second=float(seq), code="a.b", severity=Severity.OPERATING, text=text
    )
    return Record(
        key=RecordKey(vehicle_id, epoch, seq),
        kind=RecordKind.EVENT,
        first_second=float(seq),
        last_second=float(seq),
        heard_first_nanosecond=heard_nanosecond,
        heard_last_nanosecond=heard_nanosecond,
        body=encode_event(told),
    )


def gap(seq, *dropped, epoch=EPOCH, of=EPOCH) -> Record:
    body = Gap(
        epoch=of,
        dropped=tuple(SeqRange(*r) for r in dropped),
        first_second=0.0,
        last_second=1.0,
        rows=9,
        reason=GapReason.FULL,
    )
    return Record(
        key=RecordKey(VEHICLE, epoch, seq),
        kind=RecordKind.GAP,
        first_second=0.0,
        last_second=1.0,
        body=encode_gap(body),
    )


def state(epoch=EPOCH, online=True, vehicle_id=VEHICLE) -> EdgeState:
    return EdgeState(vehicle_id=vehicle_id, site_id=SITE, online=online, epoch=epoch)


def live(rows=2) -> Live:
    batch = SampleBatch(
        vehicle_id=VEHICLE,
        unix_time_second=np.arange(float(rows)),
        cell_voltage_volt=np.full((rows, 3), 3.7, np.float32),
        cell_quality=np.zeros((rows, 3), np.uint8),
        probe_temperature_celsius=np.full((rows, 1), 25.0, np.float32),
        probe_quality=np.zeros((rows, 1), np.uint8),
        scalar={},
        scalar_quality={},
    )
    return Live(VEHICLE, batch, int((1_800_000_000.0 - 0.25) * 1e9))


class Refusing:
    """A record log on a medium that refuses when told to."""

    def __init__(self):
        self.log = MemoryRecordLog()
        self.refuses = False
        self.commits = 0

    def commit(self, records):
        self.commits += 1
        if self.refuses:
            raise StoreError("no space left", where="/store", mend="free some")
        return self.log.commit(records)

    def committed(self, vehicle_id):
        return self.log.committed(vehicle_id)

    def records(self, vehicle_id, start_second=-np.inf, stop_second=np.inf):
        return self.log.records(vehicle_id, start_second, stop_second)


class Chain:
    """An edge's bus, the cloud's, and an ingest between them."""

    def __init__(self, **more):
        self.clock = TestClock()
        self.broker = MemoryBroker()
        self.edge = self.broker.connect("edge")
        self.cloud = self.broker.connect("cloud")
        self.log = Refusing()
        self.told, self.live, self.states, self.conflicts, self.acks = [], [], [], [], []
        self.ingest = Ingest(
            self.log,
            self.cloud,
            self.clock,
            **{
                "on_committed": self.told.extend,
                "on_live": self.live.append,
                "on_state": self.states.append,
                "on_conflict": self.conflicts.append,
                **more,
            },
        )
        self.edge.subscribe("voltherd/v1/+/+/ack", lambda t, p: self.acks.append(decode(p)))

    def send(self, *messages, leaf=None, vehicle_id=VEHICLE):
        for message in messages:
            if leaf is None:
                where = {EdgeState: "state", Live: "telemetry", Record: "event"}[type(message)]
            self.raw(encode(message), leaf or where, vehicle_id)

    def raw(self, payload, leaf="event", vehicle_id=VEHICLE):
        assert self.edge.publish(topic(SITE, vehicle_id, leaf), payload)

    def go(self, second=0.0):
        self.clock.sleep(second)
        self.broker.pump()
        while self.ingest.poll():
            pass
        self.broker.pump()

    def acknowledged(self):
        return {n for ack in self.acks for r in ack.committed for n in range(r.first, r.last + 1)}


@pytest.fixture
def chain():
    return Chain()


def test_a_record_is_committed_acknowledged_and_told_of_once(chain):
    chain.send(event(1), event(2), event(4), event(2))
    chain.go()
    assert chain.acks == [
        Ack(vehicle_id=VEHICLE, epoch=EPOCH, committed=(SeqRange(1, 2), SeqRange(4, 4)))
    ]
    assert [r.key.seq for r in chain.told] == [1, 2, 4]
    counts = chain.ingest.counts()
    assert (counts.messages, counts.records, counts.committed, counts.duplicates) == (4, 4, 3, 1)


def test_what_comes_again_is_acknowledged_again_and_told_to_nobody(chain):
    chain.send(event(1))
    chain.go()
    chain.told.clear()
    chain.send(event(1))
    chain.go()
    assert len(chain.acks) == 2 and chain.told == []
    assert list(chain.log.records(VEHICLE)) == [event(1)]


def test_vehicles_and_epochs_are_acknowledged_apart(chain):
    chain.send(event(1), event(1, LATER))
    chain.send(event(1, vehicle_id="bus-8"), vehicle_id="bus-8")
    chain.go()
    assert {(a.vehicle_id, a.epoch) for a in chain.acks} == {
        (VEHICLE, EPOCH),
        (VEHICLE, LATER),
        ("bus-8", EPOCH),
    }


def test_nothing_is_acknowledged_while_the_log_refuses_and_all_is_when_it_accepts(chain):
    chain.log.refuses = True
    chain.send(*(event(n) for n in range(1, 11)))
    chain.go()
    chain.go(0.05)
    assert chain.acks == [] and chain.told == [] and chain.log.commits == 1
    assert "no space left" in chain.ingest.counts().trouble
    chain.log.refuses = False
    chain.go(1.0)
    assert chain.acknowledged() == set(range(1, 11))
    assert chain.ingest.counts().trouble == ""


def test_pauses_between_tries_grow(chain):
    chain.log.refuses = True
    chain.send(event(1))
    for _ in range(600):
        chain.go(0.1)
    assert 8 <= chain.log.commits <= 16


def test_a_slow_log_costs_messages_but_neither_memory_nor_live_values():
    chain = Chain(limits=IngestLimits(batch_records=8))
    chain.log.refuses = True
    chain.send(*(event(n) for n in range(1, 101)), live(), state())
    chain.go()
    counts = chain.ingest.counts()
    assert (counts.queued, counts.dropped) == (8, 92)
    assert len(chain.live) == len(chain.states) == 1
    chain.log.refuses = False
    chain.go(1.0)
    chain.send(*(event(n) for n in range(1, 101)))  # the edge, which was not told, sends again
    chain.go()
    assert chain.acknowledged() == set(range(1, 101))
    assert len(chain.told) == 100


@pytest.mark.parametrize(
    "limits", [IngestLimits(queue_messages=5), IngestLimits(queue_bytes=5 * len(encode(event(1))))]
)
def test_the_queue_is_bounded(limits):
    chain = Chain(limits=limits)
    chain.send(*(event(n) for n in range(1, 9)))
    chain.broker.pump()
    assert chain.ingest.counts().dropped == 3
    chain.go()
    assert chain.acknowledged() == {1, 2, 3, 4, 5}
    chain.send(event(6))
    chain.go()
    assert 6 in chain.acknowledged()


def test_a_batch_is_no_larger_than_it_may_be():
    chain = Chain(limits=IngestLimits(batch_records=10))
    chain.send(*(event(n) for n in range(1, 26)))
    chain.go()
    assert chain.ingest.counts().batches == 3 and len(chain.told) == 25


def test_another_content_under_a_known_key_is_never_acknowledged(chain):
    chain.send(event(1, text="mine"))
    chain.go()
    chain.send(event(1, text="another's"), event(2))
    chain.go()
    assert chain.acks[1].committed == (SeqRange(2, 2),)
    assert [c.epochs for c in chain.conflicts] == [(EPOCH,)]
    assert list(chain.log.records(VEHICLE)) == [event(1, text="mine"), event(2)]
    chain.send(event(1, text="another's"))
    chain.go()
    assert len(chain.conflicts) == 1 and chain.ingest.counts().conflicts == 2
    assert len(chain.acks) == 2


def test_a_hole_is_asked_for_less_and_less_often_until_it_is_filled(chain):
    chain.send(event(3), event(6))
    chain.go()
    assert chain.ingest.counts().holes == 4
    chain.go(1.9)
    assert len(chain.acks) == 1
    chain.go(0.2)
    assert chain.acks[-1] == Ack(
        vehicle_id=VEHICLE, epoch=EPOCH, committed=(), wanted=(SeqRange(1, 2), SeqRange(4, 5))
    )
    for _ in range(600):
        chain.go(1.0)
    asked = [ack for ack in chain.acks if ack.wanted]
    assert 10 <= len(asked) <= 16
    chain.acks.clear()
    chain.send(event(1), event(2), event(4), event(5))
    for _ in range(200):
        chain.go(1.0)
    assert not [ack for ack in chain.acks if ack.wanted]
    assert chain.ingest.counts().holes == 0


def test_a_hole_that_closes_at_once_is_not_asked_for(chain):
    chain.send(event(2))
    chain.go()
    chain.send(event(1))
    for _ in range(100):
        chain.go(1.0)
    assert not [ack for ack in chain.acks if ack.wanted]


def test_a_gap_closes_the_holes_it_names_even_of_an_earlier_boot(chain):
    chain.send(event(1), event(5), gap(6, (2, 4)), gap(1, (7, 9), epoch=LATER, of=EPOCH))
    for _ in range(10):
        chain.go(1.0)
    assert chain.ingest.counts().holes == 0
    assert not [ack for ack in chain.acks if ack.wanted]


def test_after_a_restart_the_holes_are_still_known(chain):
    chain.send(event(3))
    chain.go()
    again = Chain()
    again.log = chain.log
    again.ingest = Ingest(chain.log, again.cloud, again.clock)
    again.send(event(1, LATER))
    again.go()
    again.go(2.1)
    assert [(a.epoch, a.wanted) for a in again.acks if a.wanted] == [(EPOCH, (SeqRange(1, 2),))]


@pytest.mark.parametrize(
    ("payload", "count"),
    [
        (b"", "malformed"),
        (b"nonsense", "malformed"),
        (encode(event(1))[:-1], "malformed"),
        (encode(event(1)) + b"\0", "malformed"),
        (bytes(1 << 20), "malformed"),
        (encode(replace(gap(1, (2, 3)), body=b"G1 damaged")), "malformed"),
        (encode(event(1, vehicle_id="bus-8")), "misplaced"),
        (encode(Ack(vehicle_id=VEHICLE, epoch=1, committed=())), "misplaced"),
        (
            encode(Command(correlation_id="1", kind=CommandKind.PING, sent_nanosecond=1)),
            "misplaced",
        ),
        (encode(state()), "misplaced"),
        (encode(live()), "misplaced"),
    ],
    ids=range(11),
)
def test_what_cannot_be_used_is_counted_and_shown(chain, payload, count):
    chain.raw(payload)
    chain.send(event(9))
    chain.go()
    assert getattr(chain.ingest.counts(), count) == 1
    (example,) = chain.ingest.examples()
    assert example.topic == topic(SITE, VEHICLE, "event") and example.reason
    assert example.head == payload[:32].hex()
    assert [r.key.seq for r in chain.told] == [9]


def test_kinds_have_their_own_topics(chain):
    chain.send(event(1), leaf="telemetry")
    chain.send(state(), leaf="telemetry")
    chain.raw(encode(replace(state(), site_id="depot-2")), "state")
    chain.go()
    assert chain.ingest.counts().misplaced == 3
    assert chain.told == chain.states == []


def test_an_oversized_payload_is_refused_before_it_is_put_aside(chain):
    heard = {}
    chain.cloud.subscribe = lambda pattern, handler: heard.setdefault(pattern, handler)
    ingest = Ingest(chain.log, chain.cloud, chain.clock)
    heard["voltherd/v1/+/+/event"](topic(SITE, VEHICLE, "event"), bytes((1 << 20) + 1))
    counts = ingest.counts()
    assert (counts.oversized, counts.queued, counts.bytes) == (1, 0, 0)
    assert "1048577 bytes" in ingest.examples()[0].reason


def test_examples_do_not_pile_up(chain):
    for number in range(100):
        chain.raw(b"%d" % number)
    chain.go()
    assert [bytes.fromhex(e.head) for e in chain.ingest.examples()][-1] == b"99"
    assert len(chain.ingest.examples()) == 20


@given(st.lists(st.binary(max_size=200) | st.just(encode(event(1)))))
@settings(max_examples=50)
def test_no_payload_makes_it_raise(payloads):
    chain = Chain()
    for payload in payloads:
        for leaf in ("event", "telemetry", "state"):
            chain.raw(payload, leaf)
    chain.go()
    counts = chain.ingest.counts()
    assert counts.messages == 3 * len(payloads)
    assert counts.malformed + counts.misplaced + counts.records == counts.messages


def test_live_samples_and_states_are_handed_on(chain):
    chain.send(live(), state())
    chain.go()
    assert chain.live[0].batch.rows == 2 and chain.states == [state()]
    counts = chain.ingest.counts()
    assert counts.lag_live.p50_second == pytest.approx(0.25, abs=1e-3)
    assert (counts.live, counts.states, counts.records) == (1, 1, 0)


def test_lag_is_from_frame_to_commit(chain):
    now = int(chain.clock.unix_second() * 1e9)
    late = replace(event(1), heard_first_nanosecond=now - 10**10, heard_last_nanosecond=now)
    chain.send(late, event(2))
    chain.go(1.5)
    counts = chain.ingest.counts()
    assert counts.lag_oldest.measured == 1  # the other's frames have no stamp
    assert counts.lag_oldest.p99_second == pytest.approx(11.5, abs=1e-3)
    assert counts.lag_newest.p50_second == pytest.approx(1.5, abs=1e-3)


def test_the_will_of_an_epoch_long_past_does_not_say_that_the_edge_is_gone(chain):
    chain.send(state(EPOCH), state(LATER), state(EPOCH, online=False))
    chain.go()
    assert [(s.epoch, s.online) for s in chain.states] == [(EPOCH, True), (LATER, True)]
    assert chain.ingest.counts().superseded_states == 1
    chain.send(state(LATER, online=False))
    chain.go()
    assert chain.states[-1].online is False


def now_of(chain):
    return int(chain.clock.unix_second() * 1e9)


def test_two_edges_of_one_name_are_found_by_their_records_and_both_kept(chain):
    for seq in range(1, 6):
        for epoch in (EPOCH, LATER):
            chain.clock.sleep(1.0)
            chain.send(event(seq, epoch, heard_nanosecond=now_of(chain)))
            chain.go()
    assert [c.epochs for c in chain.conflicts] == [(EPOCH, LATER)]
    assert len(chain.told) == 10


def test_two_edges_of_one_name_are_found_by_their_states(chain):
    for _ in range(4):
        chain.send(state(EPOCH), state(LATER))
    chain.go(1.0)
    assert [c.epochs for c in chain.conflicts] == [(EPOCH, LATER)]
    assert chain.ingest.counts().identity_conflicts == 1


@given(st.randoms(use_true_random=False), st.integers(-200, 200), st.floats(0.0, 1.0))
@settings(max_examples=25)
def test_one_edge_that_reboots_resends_and_resets_its_clock_is_not_two(chance, jump, late):
    chain = Chain()
    records, states = [], []
    for boot in range(4):
        epoch = ((boot + 1) << 32) | chance.getrandbits(20)
        states.append(state(epoch))
        for seq in range(1, 10):
            chain.clock.sleep(1.0)
            records.append(event(seq, epoch, heard_nanosecond=now_of(chain)))
        if boot == 1:
            chain.clock.jump(jump)
    order = sorted(range(len(records)), key=lambda n: n + (chance.random() < late) * 20)
    for at in order:
        if at % 9 == 0:
            chain.send(states[at // 9])
        chain.send(records[at])
        if chance.random() < late:
            chain.send(records[at])
    chain.go()
    assert chain.conflicts == []
    assert len(chain.told) == len(records)


def test_a_listener_that_fails_does_not_end_the_intake():
    def fail(records):
        raise RuntimeError("a bug")

    chain = Chain(on_committed=fail)
    stop = threading.Event()
    thread = threading.Thread(target=chain.ingest.run, args=(stop,))
    thread.start()
    try:
        for seq in (1, 2, 3):
            chain.send(event(seq))
            chain.broker.pump()
            wait_until(lambda seq=seq: chain.ingest.counts().committed == seq)
    finally:
        stop.set()
        thread.join(10)
    chain.broker.pump()
    assert chain.ingest.counts().failures == 3
    assert chain.acknowledged() == {1, 2, 3}


def test_running_commits_what_waits_together_and_what_is_left_at_the_end():
    chain = Chain(limits=IngestLimits(batch_second=0.05))
    stop = threading.Event()
    thread = threading.Thread(target=chain.ingest.run, args=(stop,))
    thread.start()
    for seq in range(1, 201):
        chain.send(event(seq))
        chain.broker.pump()
    stop.set()
    thread.join(10)
    chain.broker.pump()
    assert chain.acknowledged() == set(range(1, 201))
    assert chain.ingest.counts().batches < 50


def wait_until(condition):
    for _ in range(1000):
        if condition():
            return
        threading.Event().wait(0.005)
    raise AssertionError("it did not come about")

"""Records numbered, kept, thinned and given up, each in its order and never silently."""

import numpy as np
import pytest

from tests.unit.edge.simulated_bus import START, batch
from voltherd.adapters.memory.outbox import MemoryOutbox
from voltherd.adapters.sqlite.outbox import SqliteOutbox
from voltherd.edge import events, retention
from voltherd.edge.spool import RETRY_SECOND, Spool
from voltherd.errors import StoreError
from voltherd.types.ranges import merged
from voltherd.types.record import GapReason, RecordKind, SeqRange
from voltherd.wire.chunk import decode_chunk, encode_chunk
from voltherd.wire.envelope import decode_gap

EPOCH = 7 << 32 | 5


class Refusing:
    """An outbox on a medium that may refuse: the real one in memory, with the switch of a disk."""

    def __init__(self):
        self.inner = MemoryOutbox()
        self.refuses = False
        self.damaged = []
        self.calls = 0

    def __getattr__(self, name):
        real = getattr(self.inner, name)
        if name in ("size", "close"):
            return real

        def call(*arguments):
            self.calls += 1
            if self.refuses:
                raise StoreError("the outbox refused (disk full)")
            return real(*arguments)

        return call

    def damages(self):
        return self.damaged


def spool_on(outbox, bytes_max=1 << 20, memory=1 << 20):
    return Spool(outbox, "bus-7", EPOCH, bytes_max=bytes_max, memory_bytes_max=memory)


def add_chunk(spool, minute, rows=60):
    start = START + 60.0 * minute
    body = encode_chunk(batch(rows, start_second=start, seed=minute, period_second=60.0 / rows))
    return spool.add(RecordKind.TELEMETRY, body, start, start + 59.0, (1, 2))


def seqs(records):
    return [r.key.seq for r in records]


def gaps(spool):
    return [decode_gap(r.body) for r in spool.pending(None, 9999) if r.kind is RecordKind.GAP]


def accounted(spool, head):
    """Every number ever given is there, or named in a gap."""
    here = [SeqRange(r.key.seq, r.key.seq) for r in spool.pending(None, 9999)]
    named = [r for gap in gaps(spool) if gap.epoch == spool.epoch for r in gap.dropped]
    return merged([*here, *named]) == (SeqRange(1, head),)


def test_numbers_ascend_from_one_without_a_hole():
    spool = spool_on(MemoryOutbox())
    assert [spool.add(RecordKind.EVENT, b"e", 1.0, 1.0).key.seq for _ in range(5)] == [
        1,
        2,
        3,
        4,
        5,
    ]
    assert spool.head_seq == 5 and spool.size().records == 5
    assert seqs(spool.pending(None, 3)) == [1, 2, 3]


def test_what_the_cloud_has_goes():
    spool = spool_on(MemoryOutbox())
    for _ in range(5):
        spool.add(RecordKind.EVENT, b"e", 1.0, 1.0)
    spool.committed(EPOCH, [SeqRange(1, 2), SeqRange(4, 4)])
    assert seqs(spool.pending(None, 9)) == [3, 5]


def test_a_full_outbox_thins_the_oldest_telemetry_and_says_so():
    spool = spool_on(MemoryOutbox(), bytes_max=40_000)
    for minute in range(120):
        add_chunk(spool, minute)
        spool.tend(float(minute))
    assert spool.size().bytes <= 40_000 + 2_000
    assert accounted(spool, spool.head_seq)
    [gap] = gaps(spool)
    assert gap.reason is GapReason.THINNED
    kept = [r for r in spool.pending(None, 9999) if r.kind is RecordKind.TELEMETRY]
    rows = {r.key.seq: decode_chunk(r.body, "bus-7") for r in kept}
    assert sum(b.rows for b in rows.values()) + gap.rows == 120 * 60
    newest = rows[max(s for s, b in rows.items() if b.unix_time_second[-1] > START + 119 * 60)]
    assert newest.rows == 60, "the newest is still whole"
    assert [n.code for n in spool.notices] == [events.STORE_FULL]


def test_thinned_rows_are_every_tenth_and_the_extremes():
    b = batch(40)
    b.cell_voltage_volt[13, 3] = 4.3
    b.cell_voltage_volt[27, 5] = 2.5
    b.probe_temperature_celsius[34, 0] = 60.0
    b.scalar["current_ampere"][8] = -500.0
    kept = retention.kept_rows(b)
    assert {0, 10, 20, 30, 39, 13, 27, 34, 8} <= set(kept.tolist())
    assert len(kept) <= 11
    np.testing.assert_array_equal(
        retention.rows_of(b, kept).cell_voltage_volt, b.cell_voltage_volt[kept]
    )


def test_when_all_is_thinned_the_oldest_goes_and_events_never():
    spool = spool_on(MemoryOutbox(), bytes_max=20_000)
    for minute in range(400):
        add_chunk(spool, minute, rows=20)
        if minute % 20 == 0:
            spool.add(RecordKind.EVENT, b"alarm %d" % minute, 1.0, 1.0)
        spool.tend(float(minute))
    assert spool.size().bytes <= 21_000
    assert accounted(spool, spool.head_seq)
    reasons = {gap.reason for gap in gaps(spool)}
    assert reasons == {GapReason.THINNED, GapReason.FULL}
    assert len(gaps(spool)) == 2, "one for each reason while nothing was sent"
    bodies = [r.body for r in spool.pending(None, 9999) if r.kind is RecordKind.EVENT]
    assert bodies == [b"alarm %d" % m for m in range(0, 400, 20)]


def test_events_stay_even_where_they_alone_are_too_much():
    spool = spool_on(MemoryOutbox(), bytes_max=20_000)
    for k in range(300):
        spool.add(RecordKind.EVENT, b"x" * 100, float(k), float(k))
        spool.tend(float(k))
    assert spool.size().records == 300
    assert [n.code for n in spool.notices] == [events.STORE_FULL]


def test_what_is_under_way_is_not_thinned():
    spool = spool_on(MemoryOutbox(), bytes_max=30_000)
    records = [add_chunk(spool, minute, rows=20) for minute in range(60)]
    in_flight = {r.key for r in records[:10]}
    spool.tend(0.0, in_flight)
    assert {r.key for r in spool.pending(None, 999)} >= in_flight


def test_a_gap_that_was_sent_does_not_grow():
    spool = spool_on(MemoryOutbox(), bytes_max=30_000)
    for minute in range(60):
        add_chunk(spool, minute, rows=20)
    spool.tend(0.0)
    [before] = [r for r in spool.pending(None, 999) if r.kind is RecordKind.GAP]
    spool.sent(before.key)
    for minute in range(60, 120):
        add_chunk(spool, minute, rows=20)
        spool.tend(0.0)
    after = [r for r in spool.pending(None, 999) if r.kind is RecordKind.GAP]
    assert before in after and len(after) >= 2
    assert accounted(spool, spool.head_seq)


def test_a_medium_that_refuses_is_bridged_by_memory():
    outbox = Refusing()
    spool = spool_on(outbox)
    add_chunk(spool, 0)
    outbox.refuses = True
    for minute in range(1, 6):
        add_chunk(spool, minute)
    assert spool.head_seq == 6
    assert [(n.code, n.raised) for n in spool.notices] == [(events.STORE_REFUSES, True)]
    calls = outbox.calls
    for k in range(10):
        spool.tend(0.1 * k)
    assert outbox.calls <= calls + 1, "a medium that refuses is left alone for a while"
    outbox.refuses = False
    spool.tend(2.0 * RETRY_SECOND)
    assert seqs(outbox.inner.pending(None, 99)) == [1, 2, 3, 4, 5, 6]
    assert [(n.code, n.raised) for n in spool.notices][1:] == [(events.STORE_REFUSES, False)]
    assert gaps(spool) == []


def test_memory_is_bounded_and_what_it_could_not_hold_is_named():
    outbox = Refusing()
    spool = spool_on(outbox, memory=20_000)
    outbox.refuses = True
    for minute in range(100):
        add_chunk(spool, minute, rows=20)
        if minute == 3:
            spool.add(RecordKind.EVENT, b"alarm", 1.0, 1.0)
    assert spool.size().bytes <= 20_000
    outbox.refuses = False
    spool.tend(100.0)
    [gap] = gaps(spool)
    assert gap.reason is GapReason.DISK
    assert gap.rows == 20 * (spool.dropped)
    assert gap.first_second == START
    assert accounted(spool, spool.head_seq)
    assert b"alarm" in [r.body for r in spool.pending(None, 999)]


def test_records_in_memory_are_sent_and_acknowledged_like_others():
    outbox = Refusing()
    spool = spool_on(outbox)
    add_chunk(spool, 0)
    outbox.refuses = True
    add_chunk(spool, 1)
    add_chunk(spool, 2)
    assert seqs(spool.pending(None, 9)) == [2, 3], "what the medium holds cannot be read now"
    spool.committed(EPOCH, [SeqRange(1, 2)])
    assert seqs(spool.pending(None, 9)) == [3]
    outbox.refuses = False
    assert seqs(spool.pending(None, 9)) == [3], "the deletion is owed, not forgotten"
    spool.tend(100.0)
    assert seqs(outbox.inner.pending(None, 9)) == [3]


def test_content_that_was_lost_with_a_damaged_medium_is_named():
    outbox = Refusing()
    spool = spool_on(outbox)
    for minute in range(5):
        add_chunk(spool, minute)
    spool.committed(EPOCH, [SeqRange(1, 2)])
    outbox.inner, outbox.damaged, outbox.refuses = MemoryOutbox(), ["damaged"], True
    add_chunk(spool, 5)
    outbox.refuses = False
    spool.tend(100.0)
    [gap] = gaps(spool)
    assert gap.dropped == (SeqRange(3, 5),) and gap.reason is GapReason.DISK
    assert seqs(spool.pending(None, 9)) == [6, 7]
    codes = [n.code for n in spool.notices]
    assert codes.count(events.STORE_NEW) == 1


def test_what_is_asked_for_in_vain_twice_is_given_up():
    outbox = MemoryOutbox()
    spool = spool_on(outbox)
    old = 3 << 32
    spool.tend(0.0)
    assert spool.wanted(old, [SeqRange(4, 6)], 64) == []
    spool.tend(10.0)
    assert spool.wanted(old, [SeqRange(4, 6)], 64) == []
    assert gaps(spool) == [], "the first question may have crossed the answer"
    spool.tend(60.0)
    spool.wanted(old, [SeqRange(4, 6)], 64)
    [gap] = gaps(spool)
    assert (gap.epoch, gap.dropped, gap.reason) == (old, (SeqRange(4, 6),), GapReason.ABSENT)


def test_what_is_wanted_is_given():
    spool = spool_on(MemoryOutbox())
    for _ in range(10):
        spool.add(RecordKind.EVENT, b"e", 1.0, 1.0)
    assert seqs(spool.wanted(EPOCH, [SeqRange(2, 3), SeqRange(9, 1 << 60)], 64)) == [2, 3, 9, 10]
    assert gaps(spool) == []


def test_a_body_that_cannot_be_read_goes_whole():
    spool = spool_on(MemoryOutbox(), bytes_max=10_000)
    for k in range(40):
        spool.add(RecordKind.TELEMETRY, b"no chunk" * 100, float(k), float(k))
    spool.tend(0.0)
    assert spool.size().bytes <= 10_000
    assert accounted(spool, spool.head_seq)


@pytest.mark.parametrize("make", [lambda path: MemoryOutbox(), lambda path: SqliteOutbox(path)])
def test_records_of_an_earlier_boot_are_thinned_under_their_own_epoch(tmp_path, make):
    outbox = make(tmp_path)
    first = Spool(outbox, "bus-7", 1 << 32, bytes_max=1 << 20)
    for minute in range(60):
        add_chunk(first, minute, rows=20)
    second = Spool(outbox, "bus-7", 2 << 32, bytes_max=20_000)
    second.tend(0.0)
    assert second.size().bytes <= 20_000
    named = gaps(second)
    outbox.close()
    [gap] = named
    assert gap.epoch == 1 << 32 and gap.reason is GapReason.THINNED

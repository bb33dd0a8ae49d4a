"""A faithful sender: what an edge does with its records, and nothing else that it does."""

from math import inf

import numpy as np

from voltherd.errors import StoreError, UnreadableError
from voltherd.ports import LastWill
from voltherd.topics import topic
from voltherd.types.ranges import holds, merged, ranges_of
from voltherd.types.record import (
    EdgeState,
    Gap,
    GapReason,
    OutboxSize,
    Record,
    RecordKey,
    RecordKind,
)
from voltherd.types.sample import SampleBatch
from voltherd.wire.chunk import decode_summary, encode_chunk
from voltherd.wire.envelope import decode, encode, encode_gap

SITE = "depot-1"
WINDOW = 32
RESEND_SECOND = 30.0
STATE_SECOND = 30.0
ASKED_AGAIN_SECOND = 60.0
OUTBOX_RECORDS_MAX = 400
DROPPED_AT_ONCE = 50


def chunk(rows, first_second=0.0):
    """Samples of a second each, encoded."""
    batch = SampleBatch(
        vehicle_id="any",
        unix_time_second=first_second + np.arange(float(rows)),
        cell_voltage_volt=np.full((rows, 2), 3.7, np.float32),
        cell_quality=np.zeros((rows, 2), np.uint8),
        probe_temperature_celsius=np.full((rows, 1), 25.0, np.float32),
        probe_quality=np.zeros((rows, 1), np.uint8),
        scalar={},
        scalar_quality={},
    )
    return encode_chunk(batch)


CHUNKS = {rows: chunk(rows) for rows in range(1, 8)}
ROWS = {body: rows for rows, body in CHUNKS.items()}


def rows_of(record):
    """Samples in a record."""
    if record.kind is not RecordKind.TELEMETRY:
        return 0
    return ROWS.get(record.body) or decode_summary(record.body).rows


class DiskOutbox:
    """The ``Outbox`` port on a disk that remembers what it ever held, for the final account."""

    def __init__(self):
        self.kept: dict[RecordKey, Record] = {}
        self.ever: dict[RecordKey, Record] = {}
        self.given_up: set[RecordKey] = set()
        self.acknowledged: set[RecordKey] = set()
        self.boots = 0
        self.epochs: list[int] = []

    def boot(self):
        self.boots += 1
        return self.boots

    def put(self, records):
        self.replace([], records)

    def pending(self, after, limit):
        assert after is None
        return [record for record, _ in zip(self.kept.values(), range(limit), strict=False)]

    def committed(self, epoch, ranges):
        done = [k for k in self.kept if k.epoch == epoch and holds(merged(ranges), k.seq)]
        for key in done:
            del self.kept[key]
        self.acknowledged.update(done)
        return len(done)

    def replace(self, drop, put):
        for key in drop:
            del self.kept[key]
        self.given_up.update(drop)
        for record in put:
            assert record.key not in self.ever, "a key is used once"
            self.kept[record.key] = self.ever[record.key] = record

    def size(self):
        return OutboxSize(len(self.kept), sum(len(r.body) for r in self.kept.values()))

    def oldest(self, thinned, limit):
        return [r for r in self.kept.values() if r.kind is RecordKind.TELEMETRY][:limit]

    def close(self):
        pass


class Sender:
    """One boot of an edge."""

    def __init__(self, vehicle_id, outbox, clock, connect, chance, resend_second=RESEND_SECOND):
        self.vehicle_id = vehicle_id
        self.outbox = outbox
        self.clock = clock
        self.chance = chance
        self.resend_second = resend_second
        self.epoch = (outbox.boot() << 32) | int(chance.integers(1, 1 << 32))
        outbox.epochs.append(self.epoch)
        self.seq = 0
        self.refused: list[int] = []
        self.asked: dict[tuple[int, int], float] = {}
        self.in_flight: dict[RecordKey, float] = {}
        self.heard: list[bytes] = []
        self.seen_connections = 0
        self.state_at = -inf
        will = LastWill(topic(SITE, vehicle_id, "state"), encode(self._state(online=False)))
        self.bus = connect(f"{vehicle_id}-{self.epoch:x}", will)
        self.bus.subscribe(topic(SITE, vehicle_id, "ack"), lambda t, p: self.heard.append(p))

    def produce(self, body=None):
        """Make a chunk of samples durable; what the medium refuses is a gap to tell of."""
        if self.outbox.size().records >= OUTBOX_RECORDS_MAX:
            self._drop_oldest()
        now = self.clock.unix_second()
        body = body or CHUNKS[int(self.chance.integers(1, 8))]
        self.seq += 1
        try:
            self.outbox.put([self._record(RecordKind.TELEMETRY, body, now)])
        except StoreError:
            self.refused.append(self.seq)

    def poll(self):
        """Do what is due."""
        self._tell_of_refused()
        for payload in self.heard:
            self._acknowledged(payload)
        self.heard.clear()
        if self.bus.connections() != self.seen_connections:
            self.seen_connections = self.bus.connections()
            self.in_flight.clear()
            self.state_at = -inf
        now = self.clock.monotonic_second()
        if now - self.state_at >= STATE_SECOND:
            state = encode(self._state(online=True))
            if self.bus.publish(topic(SITE, self.vehicle_id, "state"), state, retain=True):
                self.state_at = now
        for record in self.outbox.pending(None, WINDOW):
            if now - self.in_flight.get(record.key, -inf) < self.resend_second:
                continue
            leaf = "telemetry" if record.kind is RecordKind.TELEMETRY else "event"
            if not self.bus.publish(topic(SITE, self.vehicle_id, leaf), encode(record)):
                return
            self.in_flight[record.key] = now

    def _acknowledged(self, payload):
        try:
            ack = decode(payload)
        except UnreadableError:
            return
        try:
            self.outbox.committed(ack.epoch, ack.committed)
            if ack.wanted and ack.epoch in self.outbox.epochs:  # a twin's questions are the twin's
                self._answer(ack)
        except StoreError:
            return  # the cloud will hear the records again, and say so again

    def _answer(self, ack):
        """Send again what is wanted and here; say of what is not that it will never come.

        A question can be older than the answer to it: only what is still asked for a while later is
        missing indeed.
        """
        now = self.clock.monotonic_second()
        wanted = {seq for first, last in ack.wanted for seq in range(first, last + 1)}
        for key in [key for key in self.in_flight if key.epoch == ack.epoch and key.seq in wanted]:
            del self.in_flight[key]
        here = {r.key.seq for r in self.outbox.pending(None, 10_000) if r.key.epoch == ack.epoch}
        refused = set(self.refused) if ack.epoch == self.epoch else set()
        absent = [
            seq
            for seq in wanted - here - refused
            if now - self.asked.setdefault((ack.epoch, seq), now) >= ASKED_AGAIN_SECOND
        ]
        if absent:
            self._put_gap(ack.epoch, absent, GapReason.ABSENT)
            for seq in absent:
                self.asked[ack.epoch, seq] = now

    def _tell_of_refused(self):
        if self.refused:
            try:
                self._put_gap(self.epoch, self.refused, GapReason.DISK)
            except StoreError:
                return
            self.refused = []

    def _drop_oldest(self):
        """Make room: the oldest samples go, and a gap says so."""
        oldest = self.outbox.oldest(False, DROPPED_AT_ONCE)
        keys = [r.key for r in oldest if r.key.epoch == oldest[0].key.epoch]
        try:
            self._put_gap(keys[0].epoch, [key.seq for key in keys], GapReason.FULL, keys)
        except StoreError:
            return

    def _put_gap(self, epoch, seqs, reason, drop=()):
        now = self.clock.unix_second()
        gap = Gap(
            epoch=epoch,
            dropped=ranges_of(seqs),
            first_second=now,
            last_second=now,
            rows=0,
            reason=reason,
        )
        self.seq += 1
        try:
            self.outbox.replace(list(drop), [self._record(RecordKind.GAP, encode_gap(gap), now)])
        except StoreError:
            self.refused.append(self.seq)
            raise

    def _record(self, kind, body, now):
        return Record(
            key=RecordKey(self.vehicle_id, self.epoch, self.seq),
            kind=kind,
            first_second=now,
            last_second=now,
            heard_first_nanosecond=int(now * 1e9),
            heard_last_nanosecond=int(now * 1e9),
            body=body,
        )

    def _state(self, online):
        return EdgeState(
            vehicle_id=self.vehicle_id,
            site_id=SITE,
            online=online,
            epoch=self.epoch,
            head_seq=self.seq,
        )

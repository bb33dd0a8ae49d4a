"""Records numbered and kept: on the medium where it writes, in memory within bounds where not.

Everything the edge tells the cloud passes here and gets its sequence number.  A number is given
once; what later has to go is named in a gap record, so that the cloud waits for nothing that will
never come.  Not thread-safe: one thread owns a spool.
"""

from collections.abc import Collection, Iterable, Sequence
from itertools import islice
from math import inf
from typing import Final, NamedTuple, final

from voltherd.edge import retention
from voltherd.edge.events import STORE_FULL, STORE_NEW, STORE_REFUSES
from voltherd.edge.memory import Memory, rows_in
from voltherd.edge.retention import RELIEF, Thinned
from voltherd.errors import StoreError, UnreadableError
from voltherd.ports import Outbox
from voltherd.types.ranges import count, holds, holes, merged, ranges_of
from voltherd.types.record import (
    Gap,
    GapReason,
    OutboxSize,
    Record,
    RecordKey,
    RecordKind,
    SeqRange,
)
from voltherd.types.sample import SampleBatch
from voltherd.wire.chunk import decode_chunk, encode_chunk
from voltherd.wire.envelope import encode_gap

RELIEF_STEPS: Final = 8
"""So often an outbox is relieved in one go; the rest waits, so that no call takes long."""
RETRY_SECOND: Final = 5.0
"""How long a medium that refused is left alone [s]."""
ASKED_AGAIN_SECOND: Final = 30.0
"""What is asked for in vain twice, so far apart, will never come [s]."""
ASKED_MAX: Final = 1_000
"""So many numbers asked for in vain are remembered."""
_EASED: Final = 0.5
"""Below this share of its limit, and without thinned telemetry, an outbox is no longer full."""


class Notice(NamedTuple):
    """Something of the spool itself that people should know."""

    code: str
    raised: bool
    text: str


class Opened(NamedTuple):
    """A gap that has not been sent yet and may still grow."""

    key: RecordKey
    gap: Gap


@final
class Spool:
    """Where records wait.

    Attributes:
        epoch: Of this boot.
        head_seq: Last number given.
        dropped: Records given up since boot.
        notices: What people should know; whoever tells them empties it.
    """

    def __init__(
        self,
        outbox: Outbox,
        vehicle_id: str,
        epoch: int,
        *,
        bytes_max: int,
        memory_bytes_max: int = 1 << 20,
    ) -> None:
        self.epoch = epoch
        self.head_seq = 0
        self.dropped = 0
        self.notices = [Notice(STORE_NEW, True, told) for told in outbox.damages()]
        self._outbox = outbox
        self._vehicle_id = vehicle_id
        self._bytes_max = bytes_max
        self._memory = Memory(memory_bytes_max)
        self._owed: dict[int, tuple[SeqRange, ...]] = {}
        self._settled: tuple[SeqRange, ...] = ()
        self._opened: dict[tuple[int, GapReason], Opened] = {}
        self._asked: dict[tuple[int, int], float] = {}
        self._damages = len(self.notices)
        self._refused = self._relieving = self._full = False
        self._now_second = self._retry_second = -inf
        self._span = (inf, -inf)

    def add(
        self,
        kind: RecordKind,
        body: bytes,
        first_second: float,
        last_second: float,
        heard_nanosecond: tuple[int, int] = (0, 0),
    ) -> Record:
        """Number a record and keep it: durable when this returns, unless the medium refuses."""
        record = self._numbered(kind, body, first_second, last_second, heard_nanosecond)
        if self._waits():
            self.dropped += self._memory.take(record)
            return record
        try:
            self._outbox.put([record])
        except StoreError as error:
            self.dropped += self._memory.take(record)
            self._refuse(error)
        return record

    def tend(self, now_second: float, in_flight: Collection[RecordKey] = ()) -> None:
        """Do what waits: write what the medium refused, delete what was committed, make room.

        Args:
            now_second: By a clock that never runs backwards [s].
            in_flight: Records that were sent and may be committed already; they are not thinned.
        """
        self._now_second = now_second
        if self._waits() and now_second >= self._retry_second:
            self._write()
        if not self._refused:
            self._relieve(in_flight)

    def pending(self, after: RecordKey | None, limit: int) -> list[Record]:
        """Give records that wait, oldest first, behind ``after`` where given."""
        try:
            kept = list(self._outbox.pending(after, limit))
        except StoreError as error:
            self._refuse(error)
            kept = []
        place = (after.epoch, after.seq) if after else (0, 0)
        more = [r for r in self._memory.records() if (r.key.epoch, r.key.seq) > place]
        found = {(r.key.epoch, r.key.seq): r for r in (*kept, *more)}
        return [
            found[key] for key in sorted(found) if not holds(self._owed.get(key[0], ()), key[1])
        ][:limit]

    def committed(self, epoch: int, ranges: Sequence[SeqRange]) -> None:
        """Delete what the cloud has committed."""
        if epoch == self.epoch:
            self._settled = merged((*self._settled, *ranges))
            self._memory.committed(ranges)
        try:
            self._outbox.committed(epoch, ranges)
        except StoreError as error:
            # A full disk takes no deletion either; it is made up for when it can be written.
            self._owed[epoch] = merged((*self._owed.get(epoch, ()), *ranges))
            self._refuse(error)

    def wanted(self, epoch: int, ranges: Iterable[SeqRange], limit: int) -> list[Record]:
        """Give records that the cloud misses.

        What is not here is given up in a gap record when it is asked for again after a while: a
        first question may have been under way when the answer had already been given.
        """
        found: list[Record] = []
        for first, last in islice(ranges, limit):  # of more the cloud asks again
            last = min(last, first + limit - 1)
            here = [
                r
                for r in self.pending(RecordKey(self._vehicle_id, epoch, first - 1), limit)
                if r.key.epoch == epoch and r.key.seq <= last
            ]
            found += here
            if epoch != self.epoch:  # of this boot everything is here, committed, or given up
                self._miss(epoch, {*range(first, last + 1)} - {r.key.seq for r in here})
        return found[:limit]

    def sent(self, key: RecordKey) -> None:
        """Note that a record has left: a gap that was sent does not grow any more."""
        for place, opened in list(self._opened.items()):
            if opened.key == key:
                del self._opened[place]

    def spoilt(self, record: Record) -> None:
        """Give a record up that the medium gave back as what no receiver would take."""
        gap = retention.gap_of([record], rows_in(record), GapReason.DISK)
        self._exchange([record], (), [gap])

    def size(self) -> OutboxSize:
        """Say how much waits, on the medium and in memory."""
        kept, more = self._outbox.size(), self._memory.size()
        return OutboxSize(kept.records + more.records, kept.bytes + more.bytes)

    # Writing --------------------------------------------------------------------------------

    def _numbered(
        self,
        kind: RecordKind,
        body: bytes,
        first_second: float,
        last_second: float,
        heard_nanosecond: tuple[int, int] = (0, 0),
    ) -> Record:
        self.head_seq += 1
        if kind is not RecordKind.GAP:
            self._span = (min(self._span[0], first_second), max(self._span[1], last_second))
        return Record(
            key=RecordKey(self._vehicle_id, self.epoch, self.head_seq),
            kind=kind,
            first_second=first_second,
            last_second=last_second,
            body=body,
            heard_first_nanosecond=heard_nanosecond[0],
            heard_last_nanosecond=heard_nanosecond[1],
        )

    def _waits(self) -> bool:
        return self._refused or bool(self._memory.size().records or self._owed)

    def _write(self) -> None:
        """Delete what is committed, write what memory holds, and say what it could not hold."""
        try:
            for epoch, ranges in list(self._owed.items()):
                self._outbox.committed(epoch, ranges)
                del self._owed[epoch]
            self._outbox.put(self._memory.records())
        except StoreError as error:
            self._refuse(error)
            return
        self._memory.clear()
        lost = self._memory.lost(self.epoch)
        if lost is not None and not self._exchange((), (), (lost,)):
            return
        self._memory.told()
        if self._refused:
            self._refused = False
            self.notices.append(Notice(STORE_REFUSES, False, "the outbox can be written again"))

    def _refuse(self, error: StoreError) -> None:
        """Take note that the medium refuses, and whether its content is gone."""
        self._retry_second = self._now_second + RETRY_SECOND
        if not self._refused:
            self._refused = True
            self.notices.append(Notice(STORE_REFUSES, True, str(error)))
        told = self._outbox.damages()[self._damages :]
        if told:
            self._damages += len(told)
            self.notices += [Notice(STORE_NEW, True, what) for what in told]
            self._opened.clear()
            self._owed.clear()
            here = [SeqRange(r.key.seq, r.key.seq) for r in self._memory.records()]
            end = SeqRange(self.head_seq + 1, self.head_seq + 1)
            gone = holes(merged((*self._settled, *here, end)))
            self.dropped += count(gone)
            self._settled = merged((*self._settled, *gone))
            self._memory.lose(gone, *self._span)

    def _exchange(
        self, drop: Sequence[Record], thinned: Sequence[Thinned], gaps: Sequence[Gap]
    ) -> bool:
        """Put what is left in the place of what goes, and name what went; all or nothing."""
        before = self.head_seq, dict(self._opened)
        put = [
            self._numbered(
                RecordKind.TELEMETRY,
                encode_chunk(kept.batch),
                float(kept.batch.unix_time_second[0]),
                float(kept.batch.unix_time_second[-1]),
                (kept.heard_first_nanosecond, kept.heard_last_nanosecond),
            )
            for kept in thinned
        ]
        put += [self._named(gap) for gap in gaps]
        try:
            self._outbox.replace([r.key for r in drop], put)
        except StoreError as error:
            self.head_seq, self._opened = before
            self._refuse(error)
            return False
        for gap in gaps:
            if gap.epoch == self.epoch:
                self._settled = merged((*self._settled, *gap.dropped))
        self.dropped += len(drop)
        return True

    def _named(self, gap: Gap) -> Record:
        """Write a gap down: into the record of its epoch and reason, if that has not been sent."""
        place = gap.epoch, gap.reason
        opened = self._opened.get(place)
        if opened is not None and len(opened.gap.dropped) < retention.RANGES_MAX:
            gap = retention.joined(opened.gap, gap)
            record = Record(
                key=opened.key,
                kind=RecordKind.GAP,
                first_second=gap.first_second,
                last_second=gap.last_second,
                body=encode_gap(gap),
            )
        else:
            record = self._numbered(
                RecordKind.GAP, encode_gap(gap), gap.first_second, gap.last_second
            )
        self._opened[place] = Opened(record.key, gap)
        return record

    def _miss(self, epoch: int, numbers: set[int]) -> None:
        """Remember what was asked for in vain; the second time it is given up."""
        again = {
            number
            for number in numbers
            if self._now_second - self._asked.get((epoch, number), inf) >= ASKED_AGAIN_SECOND
        }
        for number in numbers:
            if len(self._asked) < ASKED_MAX:
                self._asked.setdefault((epoch, number), self._now_second)
        if again and not self._refused:
            gap = Gap(
                epoch=epoch,
                dropped=ranges_of(again),
                first_second=0.0,
                last_second=0.0,
                rows=0,
                reason=GapReason.ABSENT,
            )
            if self._exchange((), (), (gap,)):
                for number in again:
                    del self._asked[epoch, number]

    # Making room ----------------------------------------------------------------------------

    def _relieve(self, in_flight: Collection[RecordKey]) -> None:
        """Bring an outbox that is full down below its limit, some steps at a time."""
        for _ in range(RELIEF_STEPS):
            size = self._outbox.size().bytes
            self._relieving = size > self._bytes_max * (RELIEF if self._relieving else 1.0)
            if not self._relieving:
                break
            if not self._full:
                self._full = True
                limit = self._bytes_max / 1e6
                told = f"the outbox has reached {limit:.6g} MB; its oldest telemetry is thinned"
                self.notices.append(Notice(STORE_FULL, True, told))
            if not self._thin(in_flight) and not self._drop(in_flight):
                break
        if not self._full or self._outbox.size().bytes > _EASED * self._bytes_max:
            return
        if not self._oldest(True, 1, ()) and not self._refused:
            self._full = False
            self.notices.append(Notice(STORE_FULL, False, "the outbox has room again"))

    def _oldest(self, thinned: bool, limit: int, in_flight: Collection[RecordKey]) -> list[Record]:
        """Give the oldest telemetry of one epoch that is not under way."""
        try:
            found = self._outbox.oldest(thinned, limit + len(in_flight))
        except StoreError as error:
            self._refuse(error)
            return []
        free = [r for r in found if r.key not in in_flight][:limit]
        return [r for r in free if r.key.epoch == free[0].key.epoch]

    def _thin(self, in_flight: Collection[RecordKey]) -> bool:
        """Thin the oldest raw telemetry; False where there is none."""
        raw = self._oldest(False, retention.THIN_TOGETHER, in_flight)
        if not raw:
            return False
        readable: list[Record] = []
        batches: list[SampleBatch] = []
        for record in raw:
            try:
                batches.append(decode_chunk(record.body, self._vehicle_id))
                readable.append(record)
            except UnreadableError:  # the medium gave back something else: it goes whole
                continue
        left = retention.thin(readable, batches)
        rows = sum(b.rows for b in batches) - sum(kept.batch.rows for kept in left)
        return self._exchange(raw, left, [retention.gap_of(raw, rows, GapReason.THINNED)])

    def _drop(self, in_flight: Collection[RecordKey]) -> bool:
        """Drop the oldest thinned telemetry; False where there is none."""
        old = self._oldest(True, retention.DROP_TOGETHER, in_flight)
        if not old:
            return False
        rows = sum(rows_in(record) for record in old)
        return self._exchange(old, (), [retention.gap_of(old, rows, GapReason.FULL)])

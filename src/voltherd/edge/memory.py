"""Records in memory while the medium refuses: bounded, and honest about what it could not hold."""

from collections.abc import Sequence
from math import inf
from typing import Final, final

from voltherd.errors import UnreadableError
from voltherd.types.ranges import holds, merged
from voltherd.types.record import (
    Gap,
    GapReason,
    OutboxSize,
    Record,
    RecordKind,
    SeqRange,
)
from voltherd.wire.chunk import decode_summary

BESIDE_BYTES: Final = 120
"""Counted for what is kept beside a record's body."""


@final
class Memory:
    """A ring of records of one epoch; what falls out is telemetry first, events last."""

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._records: dict[int, Record] = {}
        self._bytes = 0
        self._lost: tuple[SeqRange, ...] = ()
        self._lost_span = (inf, -inf)
        self._lost_rows = 0

    def take(self, record: Record) -> int:
        """Hold a record; say how many fell out for it."""
        self._records[record.key.seq] = record
        self._bytes += len(record.body) + BESIDE_BYTES
        fallen = 0
        while self._bytes > self._bytes_max and self._records:
            telemetry = (s for s, r in self._records.items() if r.kind is RecordKind.TELEMETRY)
            old = self._remove(next(telemetry, next(iter(self._records))))
            self.lose([SeqRange(old.key.seq, old.key.seq)], old.first_second, old.last_second)
            self._lost_rows += rows_in(old)
            fallen += 1
        return fallen

    def lose(self, ranges: Sequence[SeqRange], first_second: float, last_second: float) -> None:
        """Note records that are gone."""
        if not ranges:
            return
        self._lost = merged((*self._lost, *ranges))
        first, last = self._lost_span
        self._lost_span = (min(first, first_second), max(last, last_second))

    def lost(self, epoch: int) -> Gap | None:
        """Name what fell out since it was last told, None where nothing did."""
        if not self._lost:
            return None
        return Gap(
            epoch=epoch,
            dropped=self._lost,
            first_second=self._lost_span[0],
            last_second=self._lost_span[1],
            rows=self._lost_rows,
            reason=GapReason.DISK,
        )

    def told(self) -> None:
        """Note that what was lost is told."""
        self._lost, self._lost_span, self._lost_rows = (), (inf, -inf), 0

    def records(self) -> list[Record]:
        """Give what is held, oldest first."""
        return list(self._records.values())

    def committed(self, ranges: Sequence[SeqRange]) -> None:
        """Let go of what the cloud has."""
        done = merged(ranges)
        for seq in [s for s in self._records if holds(done, s)]:
            self._remove(seq)

    def clear(self) -> None:
        """Let go of everything: the medium has it."""
        self._records.clear()
        self._bytes = 0

    def size(self) -> OutboxSize:
        """Say how much is held."""
        return OutboxSize(len(self._records), self._bytes)

    def _remove(self, seq: int) -> Record:
        record = self._records.pop(seq)
        self._bytes -= len(record.body) + BESIDE_BYTES
        return record


def rows_in(record: Record) -> int:
    """Count a record's samples, 0 where it holds none or cannot be read."""
    if record.kind is not RecordKind.TELEMETRY:
        return 0
    try:
        return decode_summary(record.body).rows
    except UnreadableError:
        return 0

"""A record log that forgets: for tests, and the yardstick of every other."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf
from typing import final

from voltherd.types.ranges import merged, ranges_of
from voltherd.types.record import Commit, Record, RecordKey, RecordKind, SeqRange
from voltherd.wire.envelope import decode_gap


@final
@dataclass(frozen=True, slots=True)
class MemoryRecordLog:
    """The ``RecordLog`` port on a dictionary."""

    _kept: dict[str, dict[RecordKey, Record]] = field(default_factory=dict)

    def commit(self, records: Sequence[Record]) -> Commit:
        """Keep the records that are not there yet; see ``RecordLog.commit``."""
        new: list[RecordKey] = []
        duplicate: list[RecordKey] = []
        conflict: list[RecordKey] = []
        for record in records:
            kept = self._kept.setdefault(record.key.vehicle_id, {})
            there = kept.get(record.key)
            if there is None:
                kept[record.key] = record
                new.append(record.key)
            else:
                (duplicate if there == record else conflict).append(record.key)
        return Commit(new=tuple(new), duplicate=tuple(duplicate), conflict=tuple(conflict))

    def committed(self, vehicle_id: str) -> dict[int, tuple[SeqRange, ...]]:
        """Give the committed or given up ranges by epoch; see ``RecordLog.committed``."""
        found: dict[int, list[SeqRange]] = {}
        numbers: dict[int, list[int]] = {}
        for key, record in self._kept.get(vehicle_id, {}).items():
            numbers.setdefault(key.epoch, []).append(key.seq)
            if record.kind is RecordKind.GAP:
                gap = decode_gap(record.body)
                found.setdefault(gap.epoch, []).extend(gap.dropped)
        for epoch, seqs in numbers.items():
            found.setdefault(epoch, []).extend(ranges_of(seqs))
        return {epoch: merged(found[epoch]) for epoch in sorted(found)}

    def records(
        self, vehicle_id: str, start_second: float = -inf, stop_second: float = inf
    ) -> Sequence[Record]:
        """Give a vehicle's records that speak of a time span; see ``RecordLog.records``."""
        return sorted(
            (
                record
                for record in self._kept.get(vehicle_id, {}).values()
                if record.last_second >= start_second and record.first_second < stop_second
            ),
            key=lambda record: (record.first_second, record.key),
        )

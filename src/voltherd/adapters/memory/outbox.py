"""An outbox that forgets with the process: the yardstick of the contract suite, and for tests."""

from collections.abc import Sequence
from typing import Final, final

from voltherd.types.record import OutboxSize, Record, RecordKey, RecordKind, SeqRange

BESIDE_BYTES: Final = 120
"""Counted for what is kept beside a record's body."""


@final
class MemoryOutbox:
    """The ``Outbox`` port on a dictionary."""

    def __init__(self) -> None:
        self._boots = 0
        self._kept: dict[RecordKey, Record] = {}
        self._thinned: set[RecordKey] = set()
        self._bytes = 0

    def boot(self) -> int:
        """Count a start; see ``Outbox.boot``."""
        self._boots += 1
        return self._boots

    def put(self, records: Sequence[Record]) -> None:
        """Keep records; see ``Outbox.put``."""
        self._drop([record.key for record in records if record.key in self._kept])
        for record in records:
            self._kept[record.key] = record
            self._bytes += len(record.body)

    def pending(self, after: RecordKey | None, limit: int) -> Sequence[Record]:
        """Give records, oldest first; see ``Outbox.pending``."""
        behind = [key for key in self._kept if after is None or key[1:] > after[1:]]
        return [self._kept[key] for key in sorted(behind, key=_age)[:limit]]

    def committed(self, epoch: int, ranges: Sequence[SeqRange]) -> int:
        """Delete records; see ``Outbox.committed``."""
        gone = [
            key
            for key in self._kept
            if key.epoch == epoch and any(first <= key.seq <= last for first, last in ranges)
        ]
        self._drop(gone)
        return len(gone)

    def replace(self, drop: Sequence[RecordKey], put: Sequence[Record]) -> None:
        """Put records in the place of others; see ``Outbox.replace``."""
        self._drop([key for key in drop if key in self._kept])
        self.put(put)
        self._thinned |= {r.key for r in put if r.kind is RecordKind.TELEMETRY}

    def oldest(self, thinned: bool, limit: int) -> Sequence[Record]:
        """Give the oldest telemetry; see ``Outbox.oldest``."""
        keys = [
            key
            for key, record in self._kept.items()
            if record.kind is RecordKind.TELEMETRY and (key in self._thinned) is thinned
        ]
        return [self._kept[key] for key in sorted(keys, key=_age)[:limit]]

    def size(self) -> OutboxSize:
        """Say how much is kept; see ``Outbox.size``."""
        records = len(self._kept)
        return OutboxSize(records, self._bytes + BESIDE_BYTES * records)

    def damages(self) -> Sequence[str]:
        """Nothing is ever damaged; see ``Outbox.damages``."""
        return ()

    def close(self) -> None:
        """Nothing to let go of."""

    def _drop(self, keys: Sequence[RecordKey]) -> None:
        for key in keys:
            self._bytes -= len(self._kept.pop(key).body)
            self._thinned.discard(key)


def _age(key: RecordKey) -> tuple[int, int]:
    return key.epoch, key.seq

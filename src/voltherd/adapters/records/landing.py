"""Commits: which records are new, which are there already, and what is closed with them.

One call is one transaction, so all of it is on the medium when the call returns, or none.  Whether
a key was seen before is answered from ranges of numbers, a handful per boot of a vehicle, that are
kept in memory between calls; only a key that was seen is looked up.
"""

import hashlib
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Final, NamedTuple, final

from voltherd.adapters.records.files import Files
from voltherd.adapters.records.layout import (
    IMPORT_EPOCH,
    digest_of,
    entries_from,
    entry_of,
    is_name,
    is_storable,
)
from voltherd.errors import UnreadableError
from voltherd.types.ranges import holds, merged, ranges_of
from voltherd.types.record import Commit, Record, RecordKey, RecordKind, SeqRange
from voltherd.wire.envelope import decode_gap

BOOTS_REMEMBERED: Final = 200_000
"""Boots of vehicles whose ranges are kept in memory; beyond, all are forgotten and read again."""
_GONE: Final = b""
"""Instead of the digest of a record that was committed and has been removed since."""
Boot = tuple[str, int]
"""A vehicle and one of its epochs."""


class Closed(NamedTuple):
    """Numbers of one boot that need not come any more.

    Attributes:
        committed: Those of records that are or were here.
        given_up: Those that a gap named; a record that comes nevertheless is welcome.
    """

    committed: tuple[SeqRange, ...] = ()
    given_up: tuple[SeqRange, ...] = ()

    def all(self) -> tuple[SeqRange, ...]:
        """Both together."""
        return merged((*self.committed, *self.given_up))


class _Call(NamedTuple):
    """What becomes of the records of one call, filled while they are looked at."""

    new: list[RecordKey]
    duplicate: list[RecordKey]
    conflict: list[RecordKey]
    rows: dict[RecordKey, tuple[Record, bytes]]
    """What to insert, with its digest."""


@final
class Landing:
    """Commits to one store; called by one thread at a time, as ``Files.writing`` sees to."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._numbers: dict[str, int] = {}
        self._closed: dict[Boot, Closed] = {}
        self._seen = (-1, -1)

    def commit(self, records: Sequence[Record]) -> Commit:
        """Keep the records that are not there yet; see ``RecordLog.commit``."""
        if not records:
            return Commit()
        with self._files.writing() as con:
            self.catch_up(con)
            call = self._sorted_out(con, records)
            if call.rows:
                self.insert(con, call.rows.values())
        return Commit(
            new=tuple(call.new), duplicate=tuple(call.duplicate), conflict=tuple(call.conflict)
        )

    def catch_up(self, con: sqlite3.Connection) -> None:
        """Forget what may not be so: another process has written, or a transaction came to nothing.

        Every transaction that uses this object begins with it.
        """
        version = int(con.execute("PRAGMA data_version").fetchone()[0])
        seen = (version, self._files.generation)
        if seen != self._seen or len(self._closed) > BOOTS_REMEMBERED:
            self._numbers.clear()
            self._closed.clear()
            self._seen = seen

    def _sorted_out(self, con: sqlite3.Connection, records: Sequence[Record]) -> _Call:
        call = _Call([], [], [], {})
        for record in records:
            key = record.key
            known_name = key.vehicle_id in self._numbers or is_name(key.vehicle_id)
            if not (known_name and is_storable(record)):
                call.conflict.append(key)
                continue
            digest = digest_of(record)
            if key in call.rows:
                known: bytes | None = call.rows[key][1]
            elif holds(self._of(con, key.vehicle_id, key.epoch).committed, key.seq):
                known = self._known_digest(con, key)
            else:
                known = None
            if known is None:
                call.new.append(key)
                call.rows[key] = record, digest
            elif known in (digest, _GONE):
                call.duplicate.append(key)
            else:
                call.conflict.append(key)
        return call

    def insert(self, con: sqlite3.Connection, fresh: Iterable[tuple[Record, bytes]]) -> None:
        """Insert records of which none is there, with their digests, and close their numbers."""
        rows = []
        seqs: dict[Boot, list[int]] = defaultdict(list)
        dropped: dict[Boot, list[SeqRange]] = defaultdict(list)
        newest: dict[int, tuple[int, int, bytes]] = {}
        for record, digest in fresh:
            vehicle_id, epoch, seq = record.key
            number = self.number(con, vehicle_id)
            entry = None
            if record.kind is RecordKind.TELEMETRY:
                entry = entry_of(record, digest)
                newest[number] = max(newest.get(number, (-1, 0, b"")), (epoch, seq, entry))
            elif record.kind is RecordKind.GAP:
                with suppress(UnreadableError):  # kept as it is; it closes nothing
                    told = decode_gap(record.body)
                    dropped[vehicle_id, told.epoch].extend(told.dropped)
            seqs[vehicle_id, epoch].append(seq)
            rows.append(_row(number, record, digest, entry))
        self._files.step("insert")
        con.executemany(
            "INSERT INTO record (vehicle, epoch, seq, kind, first_second, last_second, "
            "heard_first_nanosecond, heard_last_nanosecond, digest, entry, body) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            rows,
        )
        for boot, numbers in seqs.items():
            self.close(con, boot, committed=ranges_of(numbers))
        for boot, ranges in dropped.items():
            self.close(con, boot, given_up=merged(ranges))
        self.renew_latest(con, newest)

    def renew_latest(
        self, con: sqlite3.Connection, newest: dict[int, tuple[int, int, bytes]]
    ) -> None:
        """Remember each vehicle's newest chunk: of its last boot, the highest number."""
        self._files.step("latest")
        con.executemany(
            "INSERT INTO latest VALUES (?, ?, ?, ?) ON CONFLICT (vehicle) DO UPDATE SET "
            "epoch = excluded.epoch, seq = excluded.seq, entry = excluded.entry "
            "WHERE (excluded.epoch, excluded.seq) > (latest.epoch, latest.seq)",
            [(number, *row) for number, row in newest.items()],
        )

    def number(self, con: sqlite3.Connection, vehicle_id: str) -> int:
        """Give a vehicle's number, a new one where it has none."""
        number = self._numbers.get(vehicle_id)
        if number is None:
            number = _number(con, vehicle_id)
            if number is None:
                self._files.step("vehicle")
                con.execute("INSERT INTO vehicle (vehicle_id) VALUES (?)", (vehicle_id,))
                number = _number(con, vehicle_id)
                assert number is not None
            self._numbers[vehicle_id] = number
        return number

    def close(
        self,
        con: sqlite3.Connection,
        boot: Boot,
        committed: tuple[SeqRange, ...] = (),
        given_up: tuple[SeqRange, ...] = (),
    ) -> None:
        """Close numbers of a boot."""
        old = self._of(con, *boot)
        new = Closed(merged((*old.committed, *committed)), merged((*old.given_up, *given_up)))
        number = self.number(con, boot[0])
        self._files.step("ranges")
        for given, after in enumerate(new):
            # What an erased boot had closed is known without standing in a row of its own.
            there = set(_spans(con, number, boot[1], given))
            con.executemany(
                "DELETE FROM span WHERE vehicle = ? AND epoch = ? AND given_up = ? AND first = ?",
                [(number, boot[1], given, r.first) for r in there - set(after)],
            )
            con.executemany(
                "INSERT INTO span VALUES (?, ?, ?, ?, ?)",
                [(number, boot[1], given, *r) for r in set(after) - there],
            )
        self._closed[boot] = new

    def _of(self, con: sqlite3.Connection, vehicle_id: str, epoch: int) -> Closed:
        """Give what is closed of a boot."""
        known = self._closed.get((vehicle_id, epoch))
        if known is None:
            number = self._numbers.get(vehicle_id) or _number(con, vehicle_id)
            known = Closed()
            if number is not None:
                known = Closed(*(_spans(con, number, epoch, given) for given in (0, 1)))
            if not known.committed:
                known = known._replace(committed=erased_ranges(con, vehicle_id, epoch))
            self._closed[vehicle_id, epoch] = known
        return known

    def _known_digest(self, con: sqlite3.Connection, key: RecordKey) -> bytes:
        """Give the digest of a record that was committed once, ``_GONE`` where it was removed."""
        number = _number(con, key.vehicle_id)
        found = con.execute(
            "SELECT digest FROM record WHERE vehicle = ? AND epoch = ? AND seq = ?",
            (number, key.epoch, key.seq),
        ).fetchone()
        if found is not None:
            return bytes(found[0])
        blobs = con.execute(
            "SELECT entries FROM file WHERE vehicle = ? AND ? BETWEEN epoch_first AND epoch_last "
            "AND ? BETWEEN seq_first AND seq_last ORDER BY first_second DESC",
            (number, key.epoch, key.seq),
        )
        for (blob,) in blobs:
            entries = entries_from([blob])
            at = (entries["seq"] == key.seq) & (entries["epoch"] == key.epoch)
            if at.any():
                return bytes(entries["digest"][at][0])
        return _GONE


def closed_of(con: sqlite3.Connection, vehicle_id: str) -> dict[int, tuple[SeqRange, ...]]:
    """Give all that is closed of a vehicle, by epoch."""
    number = _number(con, vehicle_id)
    found: dict[int, list[SeqRange]] = defaultdict(list)
    for epoch, first, last in con.execute(
        "SELECT epoch, first, last FROM span WHERE vehicle = ? ORDER BY epoch, first", (number,)
    ):
        found[epoch].append(SeqRange(first, last))
    return {epoch: merged(ranges) for epoch, ranges in found.items()}


def boot_name(con: sqlite3.Connection, vehicle_id: str, epoch: int) -> bytes:
    """Give the name of an erased boot, from which neither vehicle nor epoch can be read.

    Without the store's salt and all 32 chance bits of the epoch an identifier cannot even be tried.
    """
    (salt,) = con.execute("SELECT salt FROM salt").fetchone()
    said = epoch.to_bytes(8, "little") + vehicle_id.encode()
    return hashlib.blake2b(said, key=salt, digest_size=16).digest()


def erased_ranges(con: sqlite3.Connection, vehicle_id: str, epoch: int) -> tuple[SeqRange, ...]:
    """Give the numbers of a boot that were erased with their vehicle, and must not come again."""
    if epoch == IMPORT_EPOCH or con.execute("SELECT 1 FROM erased LIMIT 1").fetchone() is None:
        return ()
    rows = con.execute(
        "SELECT first, last FROM erased WHERE name = ? ORDER BY first",
        (boot_name(con, vehicle_id, epoch),),
    )
    return merged(SeqRange(*row) for row in rows)


def _number(con: sqlite3.Connection, vehicle_id: str) -> int | None:
    found = con.execute("SELECT number FROM vehicle WHERE vehicle_id = ?", (vehicle_id,)).fetchone()
    return None if found is None else int(found[0])


def _spans(con: sqlite3.Connection, number: int, epoch: int, given_up: int) -> tuple[SeqRange, ...]:
    rows = con.execute(
        "SELECT first, last FROM span WHERE vehicle = ? AND epoch = ? AND given_up = ? "
        "ORDER BY first",
        (number, epoch, given_up),
    )
    return tuple(SeqRange(*row) for row in rows)


def _row(
    number: int, record: Record, digest: bytes, entry: bytes | None
) -> tuple[int | float | bytes | None, ...]:
    return (
        number,
        record.key.epoch,
        record.key.seq,
        int(record.kind),
        record.first_second,
        record.last_second,
        record.heard_first_nanosecond,
        record.heard_last_nanosecond,
        digest,
        entry,
        record.body,
    )

"""What is removed by age: samples first, their summaries and events later; all of it counted."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, final

from voltherd.adapters.records import catalogue
from voltherd.adapters.records.catalogue import TELEMETRY
from voltherd.adapters.records.compaction import Progress, compact
from voltherd.adapters.records.files import Files
from voltherd.errors import UsageError
from voltherd.types.record import RecordKind
from voltherd.units import SECOND_PER_DAY

AGE: Final = "age"
_ALL: Final = 1 << 30
Values = Sequence[float | int | str]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """For how long what is kept, by the time it speaks of; None is for ever.

    Attributes:
        sample_day: Samples.  Their summaries stay [d].
        summary_day: Summaries of chunks whose samples are gone [d].
        event_day: Events and gaps [d].
    """

    sample_day: float | None = None
    summary_day: float | None = None
    event_day: float | None = None

    def __post_init__(self) -> None:
        for name in ("sample_day", "summary_day", "event_day"):
            value = getattr(self, name)
            if value is not None and not value > 0.0:
                raise UsageError(f"{value} days", where=name, mend="give more than none")
        if self.summary_day is not None and self.summary_day < (self.sample_day or 0.0):
            raise UsageError(
                "summaries would go before the samples they sum up",
                where="summary_day",
                mend=f"give at least {self.sample_day:g} days",
            )


class Removal(NamedTuple):
    """What was removed of one vehicle at one time.

    Attributes:
        unix_time_second: When [unix s].
        reason: ``age`` or ``erased``.
        kind: Of what.
        vehicle_id: Whose; None where that was erased.
        records: How many.
        forgotten: How many of them left nothing, not even a summary.
        bytes: How much, before compression by the medium.
        first_second: First time they spoke of; None where that was erased [unix s].
        last_second: Last time [unix s].
    """

    unix_time_second: float
    reason: str
    kind: RecordKind
    vehicle_id: str | None
    records: int
    forgotten: int
    bytes: int
    first_second: float | None
    last_second: float | None


def retain(files: Files, policy: Retention, now_second: float, progress: Progress) -> int:
    """Remove what is older than the policy allows; call it within ``Files.upkeep``.

    Samples go by whole files, so that none is written anew: a day's samples go when the last of
    them is too old.

    Returns:
        How many records lost something.
    """

    def before(day: float) -> float:
        return now_second - day * SECOND_PER_DAY

    removed = 0
    if policy.sample_day is not None:
        compact(files, 1, _ALL, progress, before(policy.sample_day))
        removed += _samples(files, before(policy.sample_day), now_second)
    with files.writing() as con:
        if policy.summary_day is not None:
            files.step("summaries go")
            which, values = "kept = 0 AND last_second < ?", (before(policy.summary_day),)
            size = "length(entries)"
            removed += count_chunks(con, AGE, now_second, which, values, size, forgotten=True)
            con.execute(f"DELETE FROM file WHERE {which}", values)
        if policy.event_day is not None:
            files.step("events go")
            which, values = f"kind <> {TELEMETRY} AND last_second < ?", (before(policy.event_day),)
            removed += count_records(con, AGE, now_second, which, values)
            con.execute(f"DELETE FROM record WHERE {which}", values)
    return removed


def _samples(files: Files, before_second: float, now_second: float) -> int:
    which, values = "kept = 1 AND last_second < ?", (before_second,)
    with files.writing() as con:
        old = catalogue.files_of(con, which, values)
        files.step("samples go")
        count_chunks(con, AGE, now_second, which, values, "bytes", forgotten=False)
        con.execute(f"UPDATE file SET kept = 0, bytes = 0, digest = x'' WHERE {which}", values)
    files.drop([file.name for file in old])
    return sum(file.chunks for file in old)


def count_chunks(
    con: sqlite3.Connection,
    reason: str,
    now_second: float,
    which: str,
    values: Values,
    size: str,
    *,
    forgotten: bool,
) -> int:
    """Write down that the chunks of some files are about to be removed.

    Args:
        con: Within the transaction that removes them.
        reason: Why.
        now_second: When [unix s].
        which: SQL behind ``WHERE`` over the table ``file``.
        values: For its question marks.
        size: SQL for the size of what goes.
        forgotten: Whether nothing is left of them.

    Returns:
        How many chunks.
    """
    con.execute(
        "INSERT INTO removal SELECT ?, ?, ?, vehicle, sum(chunks), sum(chunks) * ?, "
        f"sum({size}), min(first_second), max(last_second) FROM file WHERE {which} "
        "GROUP BY vehicle",
        (now_second, reason, TELEMETRY, int(forgotten), *values),
    )
    found = con.execute(f"SELECT total(chunks) FROM file WHERE {which}", values).fetchone()
    return int(found[0])


def count_records(
    con: sqlite3.Connection, reason: str, now_second: float, which: str, values: Values
) -> int:
    """Write down that some records of the database are about to be removed, for good.

    Returns:
        How many.
    """
    con.execute(
        "INSERT INTO removal SELECT ?, ?, kind, vehicle, count(*), count(*), "
        f"sum(length(body)), min(first_second), max(last_second) FROM record WHERE {which} "
        "GROUP BY vehicle, kind",
        (now_second, reason, *values),
    )
    found = con.execute(f"SELECT count(*) FROM record WHERE {which}", values).fetchone()
    return int(found[0])


def removals(con: sqlite3.Connection) -> tuple[Removal, ...]:
    """Give all that was ever removed, oldest first."""
    rows = con.execute(
        "SELECT unix_time_second, reason, kind, vehicle_id, records, forgotten, bytes, "
        "first_second, last_second FROM removal LEFT JOIN vehicle ON number = vehicle "
        "ORDER BY removal.rowid"
    )
    return tuple(Removal(*row)._replace(kind=RecordKind(row[2])) for row in rows)

"""What an edge keeps until the cloud has committed it, and what the two say to each other.

A record is known by its vehicle, its boot epoch and its sequence number, for ever.  The epoch is
``boot counter << 32 | chance``: epochs of one edge ascend, and two edges that claim the same
vehicle cannot collide.  Sequence numbers ascend from 1 without a hole within an epoch.
"""

from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple, final

from voltherd.types.event import Severity


class RecordKind(IntEnum):
    """What a record holds."""

    TELEMETRY = 1
    """A chunk of samples."""
    EVENT = 2
    """Something that happened: an alarm, a command's result, a start."""
    GAP = 3
    """What is missing for good, and why: the edge had to drop it."""


class RecordKey(NamedTuple):
    """What a record is known by."""

    vehicle_id: str
    epoch: int
    seq: int


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One durable unit between edge and cloud.

    Attributes:
        key: What it is known by.
        kind: What it holds.
        first_second: First time it speaks of, by the vehicle's clock [unix s].
        last_second: Last time it speaks of [unix s].
        heard_first_nanosecond: Wall clock when its first frame reached the edge; 0 unknown [ns].
        heard_last_nanosecond: Wall clock when its last frame reached the edge; 0 unknown [ns].
        body: The encoded chunk, event or gap (``voltherd.wire``).
    """

    key: RecordKey
    kind: RecordKind
    first_second: float
    last_second: float
    body: bytes
    heard_first_nanosecond: int = 0
    heard_last_nanosecond: int = 0


class SeqRange(NamedTuple):
    """Sequence numbers ``first`` to ``last``, both included."""

    first: int
    last: int


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Ack:
    """Cloud to edge: what is committed and may be deleted, what is missing and wanted.

    Attributes:
        vehicle_id: Whose.
        epoch: Of which boot.
        committed: Ranges on the cloud's disk.
        wanted: Ranges that the cloud has not seen though later ones came.
    """

    vehicle_id: str
    epoch: int
    committed: tuple[SeqRange, ...]
    wanted: tuple[SeqRange, ...] = ()


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeEvent:
    """Something the edge noticed or did.

    Attributes:
        unix_time_second: When, by the vehicle's clock [unix s].
        code: ``noun.condition``, such as ``cell_voltage.high`` or ``command.done``.
        severity: How urgent.
        raised: False where a condition ended.
        text: For people.
        cells: Cells concerned, from 1.
        value: The number that decided, in ``unit``.
        unit: Its unit symbol.
        correlation_id: Of the command it answers.
    """

    unix_time_second: float
    code: str
    severity: Severity
    raised: bool = True
    text: str = ""
    cells: tuple[int, ...] = ()
    value: float | None = None
    unit: str = ""
    correlation_id: str = ""


class GapReason(IntEnum):
    """Why an edge dropped records."""

    FULL = 1
    """The outbox reached its limit of bytes."""
    DISK = 2
    """The medium refused to write."""
    THINNED = 3
    """Raw rows were thinned; what remains was sent again under the new record."""
    ABSENT = 4
    """Asked for by the cloud and not here: never durable, or committed before and lost there."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Records that will never come.

    Attributes:
        epoch: Of which boot.
        dropped: Which.
        first_second: First time they spoke of [unix s].
        last_second: Last time they spoke of [unix s].
        rows: How many samples.
        reason: Why.
    """

    epoch: int
    dropped: tuple[SeqRange, ...]
    first_second: float
    last_second: float
    rows: int
    reason: GapReason


class OutboxSize(NamedTuple):
    """How much an outbox keeps.

    Attributes:
        records: How many records.
        bytes: What they take, what is stored beside each body included.
    """

    records: int
    bytes: int


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeState:
    """What an edge says of itself; retained by the broker, the last will says ``online=False``.

    Attributes:
        vehicle_id: Whose.
        site_id: Where.
        online: False only in the last will.
        epoch: Of which boot.
        head_seq: Last sequence number given.
        pending_records: Records not yet committed.
        pending_bytes: Their size.
        dropped_records: Records dropped since boot.
        mode: ``stream`` or ``event``.
        unix_time_second: The vehicle's clock [unix s].
        sent_nanosecond: Wall clock when it was sent [ns].
        cycle_p99_second: Compute time of a cycle, 99th percentile [s].
        deadline_missed: Cycles that took too long since boot.
        version: Software version.
    """

    vehicle_id: str
    site_id: str
    online: bool
    epoch: int
    head_seq: int = 0
    pending_records: int = 0
    pending_bytes: int = 0
    dropped_records: int = 0
    mode: str = "stream"
    unix_time_second: float = 0.0
    sent_nanosecond: int = 0
    cycle_p99_second: float = 0.0
    deadline_missed: int = 0
    version: str = ""


class CommandKind(IntEnum):
    """What the cloud may ask of an edge; the gate decides."""

    WATCH = 1
    """Send live samples for ``number`` seconds."""
    MODE = 2
    """Change between stream and event mode (``text``)."""
    CURRENT_LIMIT = 3
    """Allow at most ``number`` amperes in the direction of its sign; never loosens a limit."""
    PING = 4
    """Answer, so that the way there and back can be timed."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A request from the cloud.

    Attributes:
        correlation_id: The answer carries it.
        kind: What.
        sent_nanosecond: Wall clock when it was sent [ns].
        valid_second: Not to be carried out later than this after it was sent [s].
        number: As the kind says.
        text: As the kind says.
    """

    correlation_id: str
    kind: CommandKind
    sent_nanosecond: int
    valid_second: float = 60.0
    number: float = 0.0
    text: str = ""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """What became of records given to a record log.

    Attributes:
        new: Keys that were not there before and now are, durably.
        duplicate: Keys that were there with the same content.
        conflict: Keys that were there with another content; nothing was overwritten.
    """

    new: tuple[RecordKey, ...] = ()
    duplicate: tuple[RecordKey, ...] = ()
    conflict: tuple[RecordKey, ...] = field(default=())

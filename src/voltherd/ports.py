"""What the core asks of the world: small protocols that adapters fulfil.

Each port has one contract suite under ``tests/contract`` that every implementation must pass.
"""

from collections.abc import Callable, Sequence
from math import inf
from typing import NamedTuple, Protocol, runtime_checkable

from voltherd.types.actuation import Actuation
from voltherd.types.frame import CanFrame
from voltherd.types.record import Commit, OutboxSize, Record, RecordKey, SeqRange
from voltherd.types.sample import SampleBatch
from voltherd.types.station import StationAnswer, StationEvent
from voltherd.types.station_command import StationCall, StationCommand, StationReply, StationResult

Handler = Callable[[str, bytes], None]
"""Takes a topic and a payload; called on the bus's own thread, so it only puts aside."""


class LastWill(NamedTuple):
    """What the broker says, retained, when a client is gone without a goodbye."""

    topic: str
    payload: bytes


@runtime_checkable
class Store(Protocol):
    """Telemetry kept by vehicle and time.

    A row's key is its vehicle, its time, and its place among rows of the same time in the batch it
    came with.  Appending what is already there changes nothing, so a sender that is unsure may
    always send again; rows may come late and in any order of batches.
    """

    def append(self, batch: SampleBatch) -> int:
        """Keep the rows that are not there yet.

        Args:
            batch: Samples of one vehicle in time order.

        Returns:
            How many rows were new.

        Raises:
            StoreError: The store is damaged, of another version, full, or cannot be written.
        """
        ...

    def read(
        self, vehicle_id: str, start_second: float = -inf, stop_second: float = inf
    ) -> SampleBatch:
        """Give a vehicle's rows in time order.

        Args:
            vehicle_id: Whose.
            start_second: First time to give [unix s].
            stop_second: First time not to give [unix s].

        Returns:
            The rows as they were appended, bit for bit; without rows where nothing is known.
            A channel that some of the rows never had is NaN there, flagged ``MISSING``.

        Raises:
            StoreError: The store is damaged, of another version, or cannot be read.
        """
        ...

    def vehicles(self) -> tuple[str, ...]:
        """Name every vehicle of which there are rows, sorted."""
        ...


@runtime_checkable
class RecordLog(Protocol):
    """Where the cloud commits records: each exactly once, durable before anybody is told."""

    def commit(self, records: Sequence[Record]) -> Commit:
        """Keep the records that are not there yet, all or none of them.

        Returns:
            What became of each; all of ``new`` are on the medium when this returns.

        Raises:
            StoreError: Nothing of this call was kept.
        """
        ...

    def committed(self, vehicle_id: str) -> dict[int, tuple[SeqRange, ...]]:
        """Give the committed (or given up) ranges of every epoch of a vehicle, ascending."""
        ...

    def records(
        self, vehicle_id: str, start_second: float = -inf, stop_second: float = inf
    ) -> Sequence[Record]:
        """Give a vehicle's records that speak of a time span, by first time, epoch and number."""
        ...


@runtime_checkable
class Outbox(Protocol):
    """Where an edge keeps records until the cloud has committed them.

    It keeps what it is given; what goes when bytes run short is decided by who fills it.
    """

    def boot(self) -> int:
        """Count a start of the edge, durable when this returns; the first is 1.

        Raises:
            StoreError: The medium refuses.
        """
        ...

    def put(self, records: Sequence[Record]) -> None:
        """Keep records, durable when this returns.

        Raises:
            StoreError: The medium refuses; nothing of this call was kept.
        """
        ...

    def pending(self, after: RecordKey | None, limit: int) -> Sequence[Record]:
        """Give records not yet committed, oldest first, behind ``after`` where given."""
        ...

    def committed(self, epoch: int, ranges: Sequence[SeqRange]) -> int:
        """Delete what the cloud has committed; say how many records that were.

        Raises:
            StoreError: The medium refuses; nothing of this call was deleted.
        """
        ...

    def replace(self, drop: Sequence[RecordKey], put: Sequence[Record]) -> None:
        """Take records out and put others in their place, all or nothing, durably.

        Telemetry that comes this way counts as thinned.  A record under a key that is there already
        takes its place.

        Raises:
            StoreError: The medium refuses; nothing of this call was done.
        """
        ...

    def oldest(self, thinned: bool, limit: int) -> Sequence[Record]:
        """Give the oldest telemetry that was thinned, or that was not."""
        ...

    def size(self) -> OutboxSize:
        """Say how much is kept."""
        ...

    def damages(self) -> Sequence[str]:
        """Tell of every time since opening that all content was found damaged and is gone."""
        ...

    def close(self) -> None:
        """Let go of the medium."""
        ...


@runtime_checkable
class Bus(Protocol):
    """Messages between edge and cloud, at least once, in order per topic while connected."""

    def publish(self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False) -> bool:
        """Hand a message over; say whether the bus is connected and took it.  Never blocks.

        Taken is not arrived: what a connection held when it broke is gone, and the bus sends none
        of it again.  Who must be sure waits for an answer and publishes again.

        Raises:
            UsageError: A topic that cannot be published to, or more bytes than the bus carries.
        """
        ...

    def subscribe(self, pattern: str, handler: Handler) -> None:
        """Hear every message whose topic matches; renewed by the bus after every reconnection."""
        ...

    def connections(self) -> int:
        """Say how often the bus has connected: after each time, what was under way is sent anew."""
        ...

    def close(self) -> None:
        """Say goodbye (no last will) and stop."""
        ...


@runtime_checkable
class Clock(Protocol):
    """Time, real or virtual."""

    def unix_second(self) -> float:
        """The time that stamps carry; may jump [unix s]."""
        ...

    def monotonic_second(self) -> float:
        """Time for intervals; never runs backwards [s]."""
        ...

    def sleep(self, second: float) -> None:
        """Let so much of this clock's time pass [s]."""
        ...


@runtime_checkable
class FrameSource(Protocol):
    """Frames of a vehicle's bus as they are heard."""

    def receive(self, limit: int) -> Sequence[CanFrame]:
        """Give frames in the order they were heard, each once; never blocks.

        Args:
            limit: At most so many; the others wait.

        Raises:
            ServiceError: The bus is gone.
        """
        ...


@runtime_checkable
class Actuator(Protocol):
    """Who is told what may flow."""

    def apply(self, actuation: Actuation) -> None:
        """Tell it; never blocks.  The caller repeats it every cycle.

        Raises:
            ServiceError: It could not be told.
        """
        ...


@runtime_checkable
class CallJournal(Protocol):
    """Where what charging stations told is kept, in the order it was heard."""

    def append(self, calls: Sequence[StationCall]) -> int:
        """Keep calls, all or none; durable when this returns.

        Returns:
            The number of the last; numbers ascend.

        Raises:
            StoreError: Nothing of this call was kept.
        """
        ...

    def calls(self, after: int, limit: int) -> Sequence[tuple[int, StationCall]]:
        """Give calls behind a number in order, each with its own."""
        ...

    def calls_of(
        self, station_id: str, actions: Sequence[str], since_second: float, limit: int
    ) -> Sequence[StationCall]:
        """Give the latest calls of a station heard since a time, oldest first.

        Args:
            station_id: Which.
            actions: Only these; all where empty.
            since_second: The earliest [unix s].
            limit: So many at most.
        """
        ...

    def keep_books(self, number: int, body: bytes) -> None:
        """Keep what the calls up to a number came to, in place of what was kept before.

        Raises:
            StoreError: What was kept before still is.
        """
        ...

    def books(self) -> tuple[int, bytes] | None:
        """Give what was kept, and up to which call; None where nothing was."""
        ...

    def close(self) -> None:
        """Let go of the medium."""
        ...


@runtime_checkable
class StationDesk(Protocol):
    """Who answers charging stations."""

    def take(self, calls: Sequence[StationCall]) -> Sequence[StationReply]:
        """Answer calls in order; what they change is durable when this returns."""
        ...

    def answered(
        self, station_id: str, command: StationCommand, result: StationResult | None
    ) -> None:
        """Take in what a station answered; None where it answered nothing or an error."""
        ...


@runtime_checkable
class ChargePoint(Protocol):
    """What a station does behind its connection."""

    def told(self, event: StationEvent, answer: StationAnswer) -> None:
        """Take in what was answered to what it told."""
        ...

    def asked(self, command: StationCommand) -> StationResult | None:
        """Do what it is asked and say so; None says nothing, as a deaf station does."""
        ...

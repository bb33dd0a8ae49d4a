"""From bus to record log: each record committed once, and acknowledged only then.

Bus handlers only put payloads aside.  ``poll`` takes them in batches: decode, commit, acknowledge,
tell the listeners, ask for what is missing.  Nothing that arrives makes it raise: what cannot be
used is refused, counted, and kept as an example for people.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, final

from voltherd.cloud.coverage import Coverage
from voltherd.cloud.identity import Identities, IdentityConflict
from voltherd.cloud.ingest_counts import IngestCounts, Refusal, Tally
from voltherd.cloud.lags import Lags
from voltherd.errors import StoreError, UnreadableError
from voltherd.ports import Bus, Clock, RecordLog
from voltherd.topics import Address, address, every_vehicle, topic
from voltherd.types.ranges import ranges_of
from voltherd.types.record import Ack, Commit, EdgeState, Record, RecordKey, RecordKind, SeqRange
from voltherd.wire.checks import PAYLOAD_BYTES_MAX
from voltherd.wire.envelope import Live, decode, decode_gap, encode

EXAMPLES_KEPT: Final = 20
_ADDRESSES_MAX: Final = 65_536
_LEAF_OF: Final = {
    RecordKind.TELEMETRY: "telemetry",
    RecordKind.EVENT: "event",
    RecordKind.GAP: "event",
}
_LOG: Final = logging.getLogger(__name__)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class IngestLimits:
    """Bounds of an ingest.

    Attributes:
        batch_records: Most records of one commit.
        batch_second: How long a lone message waits for others to be committed with [s].
        queue_messages: Most messages put aside; more are dropped, and come again.
        queue_bytes: The same in bytes [B].
        retry_second_min: First pause after the log refused; doubles [s].
        retry_second_max: Longest pause [s].
    """

    batch_records: int = 512
    batch_second: float = 0.05
    queue_messages: int = 20_000
    queue_bytes: int = 128 << 20
    retry_second_min: float = 0.1
    retry_second_max: float = 10.0


def _ignore(_: Any) -> None:  # noqa: ANN401 (whatever a listener is told)
    """Listen to nothing."""


@final
class Ingest:
    """Takes what vehicles send.

    Args:
        log: Where records are committed.
        bus: Where they come from and acknowledgements go.
        clock: Wall time, the one that frames are stamped with on the edges.
        limits: Bounds.
        on_committed: Told the records of each commit that were new, after they are acknowledged.
        on_live: Told live samples.
        on_state: Told what edges say of themselves.
        on_conflict: Told of two that claim to be one.
    """

    def __init__(
        self,
        log: RecordLog,
        bus: Bus,
        clock: Clock,
        *,
        limits: IngestLimits = IngestLimits(),
        on_committed: Callable[[list[Record]], None] = _ignore,
        on_live: Callable[[Live], None] = _ignore,
        on_state: Callable[[EdgeState], None] = _ignore,
        on_conflict: Callable[[IdentityConflict], None] = _ignore,
    ) -> None:
        self._log = log
        self._bus = bus
        self._clock = clock
        self._limits = limits
        self._on_committed = on_committed
        self._on_live = on_live
        self._on_state = on_state
        self._on_conflict = on_conflict
        self._queue: deque[tuple[str, bytes]] = deque()
        self._pending: list[tuple[str, Record]] = []
        self._retry_at = 0.0
        self._retry_pause = limits.retry_second_min
        self._trouble = ""
        self._wake = threading.Event()
        self._addresses: dict[str, Address | None] = {}
        self._coverage = Coverage()
        self._identities = Identities()
        self._sites: dict[str, str] = {}
        self._examples: deque[Refusal] = deque(maxlen=EXAMPLES_KEPT)
        self._tally = Tally()
        self._lag_oldest, self._lag_newest, self._lag_live = Lags(), Lags(), Lags()
        for leaf in ("telemetry", "event", "state"):
            bus.subscribe(every_vehicle(leaf), self._put_aside)

    # ---- on the bus's thread -----------------------------------------------------------------

    def _put_aside(self, where: str, payload: bytes) -> None:
        tally, limits = self._tally, self._limits
        size = len(payload)
        tally.messages += 1
        if size > PAYLOAD_BYTES_MAX:
            tally.oversized += 1
            self._example(where, payload, f"{size} bytes, more than {PAYLOAD_BYTES_MAX}")
        elif (
            len(self._queue) >= limits.queue_messages
            or tally.bytes - tally.bytes_done + size > limits.queue_bytes
        ):
            tally.unheard += 1
        else:
            tally.bytes += size
            self._queue.append((where, payload))
            if not self._wake.is_set():
                self._wake.set()

    # ---- on the ingest's thread --------------------------------------------------------------

    def run(self, stop: threading.Event) -> None:
        """Take what comes until told to stop, and then what is left."""
        while not stop.is_set():
            if not self._poll_safely() and not self._queue:
                self._wake.clear()
                if not self._queue:
                    self._wake.wait(0.1)
                if 0 < len(self._queue) < self._limits.batch_records:
                    stop.wait(self._limits.batch_second)
        while self._poll_safely():
            pass

    def _poll_safely(self) -> int:
        try:
            return self.poll()
        except Exception:
            # A listener's failure must not end the intake; what was committed stays committed.
            self._tally.failures += 1
            _LOG.exception("taking in failed; going on")
            return 0

    def poll(self) -> int:
        """Take one batch of what was put aside, and do what is due.

        Returns:
            How many messages were taken; 0 says that nothing was waiting.
        """
        taken = self._sort()
        now_second = self._clock.monotonic_second()
        if self._pending and now_second >= self._retry_at:
            self._commit(now_second)
        for which, wanted in self._coverage.wanted(now_second):
            self._tally.questions += self._send(which.vehicle_id, which.epoch, (), wanted)
        return taken

    def counts(self) -> IngestCounts:
        """Say what came in and what became of it."""
        t = self._tally
        return IngestCounts(
            messages=t.messages,
            bytes=t.bytes,
            records=t.records,
            committed=t.committed,
            duplicates=t.duplicates,
            conflicts=t.conflicts,
            live=t.live,
            states=t.states,
            superseded_states=t.superseded_states,
            malformed=t.malformed,
            oversized=t.oversized,
            misplaced=t.misplaced,
            dropped=t.dropped + t.unheard,
            acknowledgements=t.acknowledgements,
            unsent=t.unsent,
            questions=t.questions,
            holes=self._coverage.open_holes(),
            refused_commits=t.refused_commits,
            failures=t.failures,
            identity_conflicts=t.identity_conflicts,
            queued=len(self._queue) + len(self._pending),
            batches=t.batches,
            lag_oldest=self._lag_oldest.summary(),
            lag_newest=self._lag_newest.summary(),
            lag_live=self._lag_live.summary(),
            trouble=self._trouble,
        )

    def examples(self) -> tuple[Refusal, ...]:
        """Give the last payloads that were not used, oldest first."""
        return tuple(self._examples)

    def _sort(self) -> int:
        """Decode a batch of what was put aside and hand each message to where it belongs."""
        tally, taken = self._tally, 0
        while self._queue and taken < self._limits.batch_records:
            where, payload = self._queue.popleft()
            taken += 1
            tally.bytes_done += len(payload)
            try:
                message = decode(payload)
            except UnreadableError as error:
                tally.malformed += 1
                self._example(where, payload, str(error))
                continue
            there = self._address(where)
            if there is None or not _belongs(message, there):
                tally.misplaced += 1
                self._example(
                    where, payload, f"no place for a {type(message).__name__} of its kind"
                )
            elif isinstance(message, Record):
                self._keep(there, message, where, payload)
            elif isinstance(message, Live):
                tally.live += 1
                self._lag_live.add([self._clock.unix_second() - message.heard_nanosecond / 1e9])
                self._on_live(message)
            elif isinstance(message, EdgeState):
                self._hear_state(there, message)
        return taken

    def _keep(self, there: Address, record: Record, where: str, payload: bytes) -> None:
        """Put a record into the next commit, if there is room and it can be committed."""
        self._tally.records += 1
        if record.kind is RecordKind.GAP:
            try:
                decode_gap(record.body)
            except UnreadableError as error:
                self._tally.malformed += 1
                self._example(where, payload, str(error))
                return
        if len(self._pending) >= self._limits.batch_records:
            self._tally.dropped += 1  # the log refuses; the edge sends it again
            return
        self._pending.append((there.site_id, record))

    def _hear_state(self, there: Address, state: EdgeState) -> None:
        if self._identities.superseded(state):
            self._tally.superseded_states += 1
            return
        self._sites[state.vehicle_id] = there.site_id
        self._tally.states += 1
        if state.online:
            self._tell_conflict(self._identities.state(state, self._clock.unix_second()))
        self._on_state(state)

    def _commit(self, now_second: float) -> None:
        """Commit what is pending, acknowledge it and tell of it."""
        pending = self._pending
        try:
            outcome = self._log.commit([record for _, record in pending])
        except StoreError as error:
            self._tally.refused_commits += 1
            self._trouble = str(error)
            self._retry_at = now_second + self._retry_pause
            self._retry_pause = min(2.0 * self._retry_pause, self._limits.retry_second_max)
            return
        self._trouble, self._retry_pause = "", self._limits.retry_second_min
        self._pending = []
        self._tally.batches += 1
        self._tally.committed += len(outcome.new)
        self._tally.duplicates += len(outcome.duplicate)
        self._tally.conflicts += len(outcome.conflict)
        self._acknowledge(pending, outcome)
        fresh = _first_of(outcome.new, pending)
        self._look_at(fresh, outcome, now_second)
        if fresh:
            self._on_committed(fresh)

    def _acknowledge(self, pending: list[tuple[str, Record]], outcome: Commit) -> None:
        """Say to each edge what is committed, in as few ranges as it takes."""
        conflict = set(outcome.conflict)
        done: dict[tuple[str, int], list[int]] = {}
        for site_id, record in pending:
            vehicle_id, epoch, seq = record.key
            self._sites[vehicle_id] = site_id
            if not conflict or record.key not in conflict:
                done.setdefault((vehicle_id, epoch), []).append(seq)
        for (vehicle_id, epoch), seqs in done.items():
            committed = ranges_of(seqs)
            self._tally.acknowledgements += self._send(vehicle_id, epoch, committed, ())

    def _look_at(self, fresh: list[Record], outcome: Commit, now_second: float) -> None:
        """Learn from a commit: what is still missing, how long it took, who is who."""
        unix_second = self._clock.unix_second()
        grown: dict[tuple[str, int], list[int]] = {}
        for record in fresh:
            vehicle_id, epoch, seq = record.key
            grown.setdefault((vehicle_id, epoch), []).append(seq)
            if seq > self._coverage.head(vehicle_id, epoch):
                heard = record.heard_last_nanosecond
                self._tell_conflict(self._identities.record(vehicle_id, epoch, heard, unix_second))
        for (vehicle_id, epoch), seqs in grown.items():
            self._cover(vehicle_id, epoch, ranges_of(seqs), now_second)
        for record in fresh:
            if record.kind is RecordKind.GAP:
                gap = decode_gap(record.body)
                self._cover(record.key.vehicle_id, gap.epoch, gap.dropped, now_second)
        for vehicle_id, epoch, _ in outcome.conflict:
            self._tell_conflict(self._identities.same_key(vehicle_id, epoch, unix_second))
        self._lag_oldest.add(_ages(unix_second, [r.heard_first_nanosecond for r in fresh]))
        self._lag_newest.add(_ages(unix_second, [r.heard_last_nanosecond for r in fresh]))

    def _cover(
        self, vehicle_id: str, epoch: int, ranges: Sequence[SeqRange], now_second: float
    ) -> None:
        """Note what is committed; of a vehicle not met before, all that the log holds."""
        if self._coverage.knows(vehicle_id):
            self._coverage.add(vehicle_id, epoch, ranges, now_second)
            return
        try:
            committed = self._log.committed(vehicle_id)
        except StoreError as error:
            self._trouble = str(error)  # the next commit of this vehicle tries again
        else:
            self._coverage.load(vehicle_id, committed, now_second)

    def _send(
        self,
        vehicle_id: str,
        epoch: int,
        committed: tuple[SeqRange, ...],
        wanted: tuple[SeqRange, ...],
    ) -> int:
        """Send an acknowledgement or a question; say whether the bus took it."""
        site_id = self._sites.get(vehicle_id)
        if site_id is None:
            return 0
        ack = Ack(vehicle_id=vehicle_id, epoch=epoch, committed=committed, wanted=wanted)
        sent = self._bus.publish(topic(site_id, vehicle_id, "ack"), encode(ack), qos=1)
        self._tally.unsent += not sent
        return int(sent)

    def _tell_conflict(self, conflict: IdentityConflict | None) -> None:
        if conflict is not None:
            self._tally.identity_conflicts += 1
            self._on_conflict(conflict)

    def _address(self, where: str) -> Address | None:
        """Take a topic apart; vehicles speak often, so what was taken apart is remembered."""
        if where in self._addresses:
            return self._addresses[where]
        if len(self._addresses) >= _ADDRESSES_MAX:
            self._addresses.clear()
        there = self._addresses[where] = address(where)
        return there

    def _example(self, where: str, payload: bytes, reason: str) -> None:
        head = payload[:32].hex()
        self._examples.append(Refusal(self._clock.unix_second(), where[:200], reason, head))


def _belongs(message: object, there: Address) -> bool:
    """Say whether a message was sent where it may be: on its vehicle's own topic of its kind."""
    if isinstance(message, Record):
        known = message.key.vehicle_id == there.vehicle_id
        return known and _LEAF_OF[message.kind] == there.leaf
    if isinstance(message, Live):
        return message.vehicle_id == there.vehicle_id and there.leaf == "telemetry"
    if isinstance(message, EdgeState):
        mine = message.vehicle_id == there.vehicle_id and message.site_id == there.site_id
        return mine and there.leaf == "state"
    return False


def _first_of(keys: Sequence[RecordKey], pending: list[tuple[str, Record]]) -> list[Record]:
    """Give the record of each key, in the order of arrival; the first where one came twice."""
    if len(keys) == len(pending):
        return [record for _, record in pending]
    wanted, fresh = set(keys), []
    for _, record in pending:
        if record.key in wanted:
            wanted.discard(record.key)
            fresh.append(record)
    return fresh


def _ages(unix_second: float, nanoseconds: Sequence[int]) -> list[float]:
    """Give ages of wall clock stamps, of those that are known [s]."""
    return [unix_second - stamp / 1e9 for stamp in nanoseconds if stamp]

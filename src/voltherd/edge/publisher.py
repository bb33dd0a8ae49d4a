"""Records on their way: a window of unacknowledged ones, sent again until the cloud has them.

What the bus takes is not yet there; only an acknowledgement of the cloud ends a record's wait.  The
window bounds memory and what a slow or silent cloud is burdened with.  Events go ahead of what
waits.
"""

from collections.abc import Sequence
from math import inf
from typing import Final, NamedTuple, final

from voltherd.edge.spool import Spool
from voltherd.errors import UsageError
from voltherd.ports import Bus
from voltherd.topics import topic
from voltherd.types.ranges import holds, merged
from voltherd.types.record import Ack, Record, RecordKey, RecordKind, SeqRange
from voltherd.wire.envelope import encode

WINDOW: Final = 64
"""So many records may be under way."""
WINDOW_BYTES: Final = 4 << 20
RESEND_SECOND: Final = 10.0
"""After so long without an acknowledgement a record is sent again; twice as long each time [s]."""
RESEND_SECOND_MAX: Final = 300.0
AWAKE_SECOND: Final = 10.0
"""A cloud that answers after silence is sent what waits at once, this often at most [s]."""


class Flight(NamedTuple):
    """A record under way: how often it was sent, when last, and when it will be again [s]."""

    record: Record
    tries: int
    sent_second: float
    due_second: float


@final
class Publisher:
    """Sends what the spool holds.

    Attributes:
        sent: Record messages handed to the bus, repetitions included.
        sent_bytes: Their payloads.
        repeated: Of those, repetitions.
    """

    def __init__(self, spool: Spool, bus: Bus, site_id: str, vehicle_id: str) -> None:
        self.sent = self.sent_bytes = self.repeated = 0
        self._spool = spool
        self._bus = bus
        self._vehicle_id = vehicle_id
        self._telemetry = topic(site_id, vehicle_id, "telemetry")
        self._event = topic(site_id, vehicle_id, "event")
        self._window: dict[RecordKey, Flight] = {}
        self._bytes = 0
        self._cursor: RecordKey | None = None
        self._connections = bus.connections()
        self._awake_second = -inf

    @property
    def in_flight(self) -> frozenset[RecordKey]:
        """Records that were sent and are not acknowledged."""
        return frozenset(self._window)

    def step(self, now_second: float) -> bool:
        """Send what is due; say whether the bus took all of it."""
        connections = self._bus.connections()
        if connections > self._connections:
            self._connections = connections
            self._wake(now_second)
        for flight in sorted(self._window.values(), key=_age):
            if flight.due_second <= now_second and not self._send(flight.record, now_second):
                return False
        return self._fill(now_second)

    def urgent(self, record: Record, now_second: float) -> None:
        """Send a record ahead of those that wait, if the bus takes it now."""
        if len(self._window) < 2 * WINDOW:
            self._send(record, now_second)

    def hear(self, acks: Sequence[Ack], now_second: float) -> None:
        """Let go of what the cloud has, send what it misses."""
        committed: dict[int, tuple[SeqRange, ...]] = {}
        for ack in acks:
            if ack.vehicle_id == self._vehicle_id and ack.committed:
                before = committed.get(ack.epoch, ())
                committed[ack.epoch] = merged((*before, *ack.committed))
        for epoch, ranges in committed.items():
            for key in [k for k in self._window if k.epoch == epoch and holds(ranges, k.seq)]:
                self._land(key)
            self._spool.committed(epoch, ranges)
        if acks and now_second - self._awake_second >= AWAKE_SECOND:
            self._awake_second = now_second
            for key, flight in self._window.items():
                if flight.tries > 1:
                    self._window[key] = flight._replace(tries=1, due_second=now_second)
        for ack in acks:
            if ack.vehicle_id == self._vehicle_id and ack.wanted:
                self._miss(ack, now_second)

    def _miss(self, ack: Ack, now_second: float) -> None:
        """Send again what the cloud asks for, unless that has just been done."""
        for record in self._spool.wanted(ack.epoch, ack.wanted, WINDOW):
            flight = self._window.get(record.key)
            just = flight is not None and now_second - flight.sent_second < RESEND_SECOND / 2.0
            if just or len(self._window) >= 2 * WINDOW:
                continue
            if not self._send(record, now_second):
                return

    def _fill(self, now_second: float) -> bool:
        room = WINDOW - len(self._window)
        if room <= 0 or self._bytes >= WINDOW_BYTES:
            return True
        for record in self._spool.pending(self._cursor, room):
            if self._bytes >= WINDOW_BYTES:
                break
            if record.key not in self._window and not self._send(record, now_second):
                return False
            self._cursor = record.key
        return True

    def _send(self, record: Record, now_second: float) -> bool:
        try:
            payload = encode(record)
        except UsageError:
            self._spool.spoilt(record)
            self._land(record.key)
            return True
        leaf = self._telemetry if record.kind is RecordKind.TELEMETRY else self._event
        if not self._bus.publish(leaf, payload):
            return False
        if record.kind is RecordKind.GAP:
            self._spool.sent(record.key)
        before = self._window.get(record.key)
        tries = before.tries + 1 if before else 1
        wait = min(RESEND_SECOND * 2.0 ** (tries - 1), RESEND_SECOND_MAX)
        self._window[record.key] = Flight(record, tries, now_second, now_second + wait)
        self._bytes += 0 if before else len(record.body)
        self.sent += 1
        self.sent_bytes += len(payload)
        self.repeated += before is not None
        return True

    def _land(self, key: RecordKey) -> None:
        flight = self._window.pop(key, None)
        if flight is not None:
            self._bytes -= len(flight.record.body)

    def _wake(self, now_second: float) -> None:
        """Send everything under way again: the last connection may have taken it along."""
        for key, flight in self._window.items():
            self._window[key] = flight._replace(tries=0, due_second=now_second)


def _age(flight: Flight) -> tuple[int, int]:
    return flight.record.key.epoch, flight.record.key.seq

"""The half of the edge that may wait: rows to chunks, chunks and events to the cloud.

It owns the disk and the bus.  Whatever hangs here, the other half (``control``) watches the pack.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from math import inf
from typing import Final, final

from voltherd.edge import chunks, commands, events, selection
from voltherd.edge.chatter import Chatter
from voltherd.edge.chunks import Chunk, Open
from voltherd.edge.control import Control
from voltherd.edge.cycle import CycleResult
from voltherd.edge.decode import Rows
from voltherd.edge.publisher import Publisher
from voltherd.edge.selection import Selection
from voltherd.edge.spool import Notice, Spool
from voltherd.errors import UnreadableError
from voltherd.ports import Bus, Clock
from voltherd.topics import topic
from voltherd.types.event import Severity
from voltherd.types.record import Ack, Command, EdgeEvent, EdgeState, RecordKind
from voltherd.wire.chunk import encode_chunk
from voltherd.wire.envelope import Live, decode, encode, encode_event

STATE_SECOND: Final = 30.0
"""How often the edge says how it is [s]."""
LIVE_SECOND: Final = 0.1
"""Live messages come no closer than this [s]."""
LIVE_ROWS: Final = 20
"""So many rows go with one; of more, the latest."""
HEARD_MAX: Final = 10_000
"""So many messages of the cloud wait to be looked at."""
VALUES_MAX: Final = 200_000
"""So many cells and probes make a chunk of any length: even noise then fits into a message."""
LATE_SECOND: Final = 1.0
"""A chunk under way is closed so long after its time, where no row comes to close it [s]."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """How samples are sent.

    Attributes:
        site_id: Where the vehicle belongs.
        vehicle_id: Whose edge this is.
        chunk_second: Vehicle's time in a chunk of the stream [s].
        event_chunk_second: The same in event mode; where a boundary was crossed, rows go after
            ``chunk_second`` there too [s].
        selection: What event mode sends.
        version: Of the software.
    """

    site_id: str
    vehicle_id: str
    selection: Selection
    chunk_second: float = 60.0
    event_chunk_second: float = 21_600.0
    version: str = ""


@final
class Courier:
    """Carries what the control finds.

    Attributes:
        unreadable: Messages of the cloud that were none.
    """

    def __init__(
        self,
        sending: Sending,
        control: Control,
        spool: Spool,
        bus: Bus,
        clock: Clock,
        wall: Clock,
    ) -> None:
        self.unreadable = 0
        self._sending, self._control, self._spool, self._bus = sending, control, spool, bus
        self._clock, self._wall = clock, wall
        self._publisher = Publisher(spool, bus, sending.site_id, sending.vehicle_id)
        self._chatter = Chatter()
        self._heard: deque[bytes] = deque(maxlen=HEARD_MAX)
        self._open, self._due_second = Open(), inf
        self._mode = control.state.desk.mode
        self._selecting = selection.init(sending.selection)
        self._live: deque[Rows] = deque(maxlen=10 * LIVE_ROWS)
        self._live_second = self._state_second = -inf
        self._connections, self._lost_rows = -1, 0
        self._state_topic = self._topic("state")
        for leaf in ("command", "ack"):
            bus.subscribe(self._topic(leaf), self._hear)
        self.tell(events.of_edge(events.STARTED, clock.unix_second(), _started(sending, spool)))

    @property
    def publisher(self) -> Publisher:
        """Who sends the records, for whoever counts."""
        return self._publisher

    def tell(self, event: EdgeEvent) -> None:
        """Keep an event and send it at once, unless its like has been told too often lately."""
        told = self._chatter.admit(event, self._clock.monotonic_second())
        if told is not None:
            self._tell(told)

    def _tell(self, event: EdgeEvent) -> None:
        second = event.unix_time_second
        record = self._spool.add(RecordKind.EVENT, encode_event(event), second, second)
        self._publisher.urgent(record, self._now())

    def listen(self) -> None:
        """Read what the cloud sent, so that its requests are before the next cycle."""
        acks = self._read()
        if acks:
            self._publisher.hear(acks, self._now())

    def poll(self) -> None:
        """Do what there is to do; waits for nothing but the medium."""
        now = self._now()
        self.listen()
        for result in self._control.results():
            self._take(result)
        for event in self._chatter.due(self._clock.monotonic_second()):
            self._tell(event)
        self._end_chunk()
        self._notice()
        if self._say_state(now):
            self._publisher.step(now)
        self._spool.tend(now, self._publisher.in_flight)
        self._say_live(now)

    def close(self) -> None:
        """Keep what is under way, and say goodbye."""
        for result in self._control.results():
            self._take(result)
        self._flush()
        self._publisher.step(self._now())
        self._bus.publish(self._state_topic, encode(self._state(online=False)), retain=True)

    # From the cloud -------------------------------------------------------------------------

    def _hear(self, _: str, payload: bytes) -> None:
        """Put a message aside; called on the bus's thread."""
        self._heard.append(payload)

    def _read(self) -> list[Ack]:
        """Read what came: requests go to the control, acknowledgements are given back."""
        acks = []
        for _ in range(len(self._heard)):
            try:
                message = decode(self._heard.popleft())
            except UnreadableError:
                self.unreadable += 1
                continue
            if isinstance(message, Ack):
                acks.append(message)
            elif isinstance(message, Command):
                self._control.ask(message)
        return acks

    # From the control -----------------------------------------------------------------------

    def _take(self, result: CycleResult) -> None:
        desk = self._control.state.desk
        if desk.mode != self._mode:
            self._flush()
            self._mode = desk.mode
            self._selecting = selection.init(self._sending.selection)
            self._state_second = -inf
        watched = commands.watched(desk, int(1e9 * self._wall.unix_second()))
        for rows in result.segments:
            if watched:
                self._live.append(rows)
            self._chunk(rows)
        for event in result.events:
            self.tell(event)

    def _chunk(self, rows: Rows) -> None:
        if self._mode == commands.STREAM:
            self._add(rows, self._sending.chunk_second)
            return
        self._selecting, chosen, crossed = selection.select(
            self._sending.selection, self._selecting, rows
        )
        for part in chosen:
            self._add(part, self._sending.event_chunk_second)
        if crossed:
            self._due_second = min(self._due_second, self._soon(self._sending.chunk_second))

    def _add(self, rows: Rows, span_second: float) -> None:
        before = self._open
        columns = max(1, rows.batch.cells + rows.batch.probes)
        self._open, closed = chunks.add(before, rows, span_second, max(1, VALUES_MAX // columns))
        for chunk in closed:
            self._keep(chunk)
        if self._open.parts and (closed or not before.parts):
            self._due_second = self._soon(span_second)

    def _soon(self, second: float) -> float:
        return self._clock.monotonic_second() + second + LATE_SECOND

    def _end_chunk(self) -> None:
        """Close a chunk whose time is over although no row came to end it."""
        if self._open.parts and self._clock.monotonic_second() > self._due_second:
            self._flush()

    def _flush(self) -> None:
        if self._open.parts:
            held, self._open = self._open, Open()
            self._keep(chunks.close(held))
        self._due_second = inf

    def _keep(self, chunk: Chunk) -> None:
        time = chunk.batch.unix_time_second
        heard = chunk.heard_first_nanosecond, chunk.heard_last_nanosecond
        body = encode_chunk(chunk.batch)
        self._spool.add(RecordKind.TELEMETRY, body, float(time[0]), float(time[-1]), heard)

    def _notice(self) -> None:
        """Tell what the spool noticed, and samples that this half was too slow for."""
        told: Iterable[Notice] = self._spool.notices
        self._spool.notices = []
        lost = self._control.lost_rows - self._lost_rows
        if lost:
            self._lost_rows += lost
            text = f"{lost} samples were lost: disk or bus kept the edge waiting"
            told = (*told, Notice("edge.overrun", True, text))
        second = self._clock.unix_second()
        for notice in told:
            self.tell(
                events.of_edge(
                    notice.code,
                    second,
                    notice.text,
                    severity=Severity.RECOMMENDED,
                    raised=notice.raised,
                )
            )

    # To the cloud ---------------------------------------------------------------------------

    def _say_state(self, now: float) -> bool:
        """Say how the edge is, where it is time; gives whether the bus is there."""
        connections = self._bus.connections()
        if connections == self._connections and now - self._state_second < STATE_SECOND:
            return True
        if not self._bus.publish(self._state_topic, encode(self._state()), retain=True):
            return False
        self._connections, self._state_second = connections, now
        return True

    def _state(self, *, online: bool = True) -> EdgeState:
        size = self._spool.size()
        return EdgeState(
            vehicle_id=self._sending.vehicle_id,
            site_id=self._sending.site_id,
            online=online,
            epoch=self._spool.epoch,
            head_seq=self._spool.head_seq,
            pending_records=size.records,
            pending_bytes=size.bytes,
            dropped_records=self._spool.dropped,
            mode=self._mode,
            unix_time_second=self._clock.unix_second(),
            sent_nanosecond=int(1e9 * self._wall.unix_second()),
            cycle_p99_second=self._control.compute.quantile(0.99),
            deadline_missed=self._control.missed,
            version=self._sending.version,
        )

    def _say_live(self, now: float) -> None:
        """Send the rows that somebody watches; what the bus does not take is not kept."""
        if not self._live or now - self._live_second < LIVE_SECOND:
            return
        self._live_second = now
        # A batch has one order of time, so rows from before a jump of the clock stay behind.
        kept: list[Rows] = []
        for rows in reversed(self._live):
            after = kept[-1].batch.unix_time_second[0] if kept else inf
            if rows.batch.unix_time_second[-1] > after:
                break
            kept.append(rows)
            if sum(part.batch.rows for part in kept) >= LIVE_ROWS:
                break
        heard = int(self._live[-1].heard_last_nanosecond[-1])
        self._live.clear()
        batch = chunks.stacked([rows.batch for rows in reversed(kept)])
        batch = batch.between(max(0, batch.rows - LIVE_ROWS), batch.rows)
        live = Live(self._sending.vehicle_id, batch, heard)
        self._bus.publish(self._topic("telemetry"), encode(live), qos=0)

    def _topic(self, leaf: str) -> str:
        return topic(self._sending.site_id, self._sending.vehicle_id, leaf)

    def _now(self) -> float:
        return self._wall.monotonic_second()


def _started(sending: Sending, spool: Spool) -> str:
    return f"start {spool.epoch >> 32} of this edge" + (
        f", version {sending.version}" if sending.version else ""
    )

"""Requests to edges, and the events that answer them, matched by correlation id and timed."""

import threading
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple, final

from voltherd.cloud.lags import Lags, LagSummary
from voltherd.errors import UnreadableError
from voltherd.ports import Bus, Clock
from voltherd.topics import topic
from voltherd.types.record import Command, CommandKind, EdgeEvent, Record, RecordKind
from voltherd.wire.envelope import decode_event, encode

ANSWER_CODES: Final = frozenset({"command.done", "command.refused"})
OPEN_MAX: Final = 10_000
"""More commands than this are not waited for; the oldest are given up."""


class Answer(NamedTuple):
    """What an edge answered.

    Attributes:
        vehicle_id: Whose edge.
        command: What was asked.
        event: What it says.
        second: From the sending of the command to the commit of the answer [s].
    """

    vehicle_id: str
    command: Command
    event: EdgeEvent
    second: float

    @property
    def done(self) -> bool:
        """Whether the edge did as asked."""
        return self.event.code == "command.done"


@final
class Commands:
    """Asks edges, and knows their answers.

    Args:
        bus: Where commands go.
        clock: Wall time, the one that the edges judge a command's age by.
        correlation: Gives a new correlation id each time.
    """

    def __init__(self, bus: Bus, clock: Clock, correlation: Callable[[], str]) -> None:
        self._bus = bus
        self._clock = clock
        self._correlation = correlation
        self._open: dict[str, tuple[str, Command, float]] = {}
        self._round_trips = Lags()
        self._lock = threading.Lock()

    def send(
        self,
        site_id: str,
        vehicle_id: str,
        kind: CommandKind,
        *,
        number: float = 0.0,
        text: str = "",
        valid_second: float = 60.0,
    ) -> Command | None:
        """Send a command; None where the bus does not take it.

        Raises:
            UsageError: A name, number or text that no edge would take.
        """
        command = Command(
            correlation_id=self._correlation(),
            kind=kind,
            sent_nanosecond=int(self._clock.unix_second() * 1e9),
            valid_second=valid_second,
            number=number,
            text=text,
        )
        payload = encode(command)
        now_second = self._clock.monotonic_second()
        with self._lock:
            self._open[command.correlation_id] = vehicle_id, command, now_second
            while len(self._open) > OPEN_MAX:
                self._open.pop(next(iter(self._open)))
        if self._bus.publish(topic(site_id, vehicle_id, "command"), payload, qos=1):
            return command
        with self._lock:
            self._open.pop(command.correlation_id, None)
        return None

    def hear(self, records: Iterable[Record]) -> list[Answer]:
        """Find the answers among committed records; an answer counts once."""
        events = (record for record in records if record.kind is RecordKind.EVENT)
        answers = [answer for answer in map(self._answer, events) if answer is not None]
        self._round_trips.add([answer.second for answer in answers])
        return answers

    def overdue(self) -> list[tuple[str, Command]]:
        """Give up commands that no edge may carry out any more; name vehicle and command."""
        now_second = self._clock.monotonic_second()
        with self._lock:
            late = [
                (vehicle_id, command)
                for vehicle_id, command, sent_second in self._open.values()
                if now_second - sent_second > command.valid_second
            ]
            for _, command in late:
                del self._open[command.correlation_id]
        return late

    def round_trips(self) -> LagSummary:
        """Sum up how long answers took."""
        return self._round_trips.summary()

    def _answer(self, record: Record) -> Answer | None:
        try:
            event = decode_event(record.body)
        except UnreadableError:
            return None
        if event.code not in ANSWER_CODES:
            return None
        vehicle_id = record.key.vehicle_id
        with self._lock:
            asked = self._open.get(event.correlation_id)
            if asked is None or asked[0] != vehicle_id:
                return None
            del self._open[event.correlation_id]
        second = self._clock.monotonic_second() - asked[2]
        return Answer(vehicle_id, asked[1], event, second)

"""The central system at work: what stations call is understood, kept, and then answered.

Books are a value, so a medium that refuses costs nothing but the answer: the books stay as they
were, the station hears of an internal error and tells the same again.
"""

import json
import logging
import threading
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, Literal, NamedTuple, final

from voltherd.charging.central import Central, Heard, Rules, learned, paused, step, without_old
from voltherd.charging.reservations import Promise, granted, reserve, settled
from voltherd.charging.station_health import heartbeat_gaps
from voltherd.errors import StoreError, UnreadableError
from voltherd.ports import CallJournal
from voltherd.types.station_command import (
    CancelReservation,
    GetSchedule,
    Outcome,
    Refused,
    RemoteStop,
    Reserve,
    ScheduleTold,
    SetProfile,
    SettingsTold,
    StationCall,
    StationCommand,
    StationReply,
    StationResult,
)
from voltherd.wire.ocpp import DIALECTS
from voltherd.wire.ocpp_fields import UnusableError
from voltherd.wire.ocpp_frame import Version
from voltherd.wire.plain import from_plain, to_plain

log = logging.getLogger(__name__)
Complaints = Callable[[Any], tuple[str, ...]]
SchemaCheck = Callable[[Version, str, Literal["request", "response"]], Complaints | None]
BOOKS_EVERY: Final = 20_000
"""Calls after which the books are written down: so many are read again at the next start."""
BOOKED_SECOND: Final = 90 * 86_400.0
"""What ended longer ago is in the journal alone [s]."""
REMARKS_KEPT: Final = 50
REMARKS_OF_CALL: Final = 20
_UNKEPT: Final = frozenset({"Heartbeat"})
PROFILED: Final = "voltherd:profiled"
"""Kept of a profile that a station was told: ``evse``, ``profile``, its answer (``status``)."""
HELD: Final = "voltherd:held"
"""Kept of what a station said it holds: ``evse``, ``schedule``."""
SILENT: Final = "voltherd:silent"
"""Kept when a station is heard again after a silence: ``since``."""
COMMANDED: Final = "voltherd:commanded"
"""Kept of what an operator had a station asked for: ``what``, ``words``, ``by`` whom, when it was
``asked`` [unix s], and the answer: ``verdict`` and ``text``."""
LEARNED: Final = "voltherd:learned"
"""Kept of how a station said it is set: ``values``."""
RESERVED: Final = "voltherd:reserved"
"""Kept of an EVSE that was promised: ``wish``."""
SETTLED: Final = "voltherd:settled"
"""Kept of what a station answered to that: ``what`` was asked, its ``id``, ``status``."""
PAUSED: Final = "voltherd:paused"
"""Kept of a transaction that a station agreed to stop: ``id``."""
_ASIDE: Final = frozenset({PROFILED, HELD, SILENT, COMMANDED})
_OWN: Final = _ASIDE | {LEARNED, RESERVED, SETTLED, PAUSED}


class Remark(NamedTuple):
    """What was odd about a call.

    Attributes:
        heard_second: When [unix s].
        action: Of the call.
        text: What was odd.
    """

    heard_second: float
    action: str
    text: str


@final
class Depot:
    """The ``StationDesk`` of a depot; may be called from any thread.

    Args:
        journal: Where calls are kept before they are answered.
        rules: What the central system holds to, from now on.
        schema_check: Gives what checks a payload.
        books_every: Calls after which the books are written down.

    Raises:
        StoreError: The journal cannot be read.
    """

    def __init__(
        self,
        journal: CallJournal,
        rules: Rules,
        schema_check: SchemaCheck,
        books_every: int = BOOKS_EVERY,
    ) -> None:
        self._journal = journal
        self._schema_check = schema_check
        self._books_every = books_every
        self._lock = threading.Lock()
        self._remarks: dict[str, deque[Remark]] = {}
        self.remark_counts: Counter[str] = Counter()
        self._heard: dict[str, float] = {}
        self._aside: list[StationCall] = []
        self._central, self._kept_to, self._last = restored(journal, rules)

    @property
    def central(self) -> Central:
        """The books as they are."""
        return self._central

    def remarks(self, station_id: str) -> tuple[Remark, ...]:
        """Give the latest remarks on a station's calls, oldest first."""
        return tuple(self._remarks.get(station_id, ()))

    def take(self, calls: Sequence[StationCall]) -> Sequence[StationReply]:
        """Answer calls; see ``StationDesk.take``."""
        with self._lock:
            central, replies, kept = self._central, [], []
            for call in calls:
                self._watch(call)
                central, reply = self._one(central, call)
                replies.append(reply)
                if not isinstance(reply.payload, Refused) and call.action not in _UNKEPT:
                    kept.append(call)
            if (kept or self._aside) and not self._written([*kept, *self._aside]):
                return [StationReply(Refused("InternalError", "not kept; tell it again"))] * len(
                    calls
                )
            self._aside.clear()
            self._central = central
            self._keep_books_if_due()
        return replies

    def answered(
        self, station_id: str, command: StationCommand, result: StationResult | None
    ) -> None:
        """Take in what a station answered; see ``StationDesk.answered``."""
        if isinstance(result, SettingsTold):
            self._note(station_id, LEARNED, {"values": dict(result.values)})
        elif isinstance(command, RemoteStop):
            if isinstance(result, Outcome) and result.status == "Accepted":
                self._note(station_id, PAUSED, {"id": command.transaction_id})
        elif isinstance(command, Reserve | CancelReservation):
            status = result.status if isinstance(result, Outcome) else "Rejected"
            what = "cancel" if isinstance(command, CancelReservation) else "reserve"
            number = command.reservation_id
            self._note(station_id, SETTLED, {"what": what, "id": number, "status": status})
        elif isinstance(command, SetProfile) and isinstance(result, Outcome):
            profile = to_plain(command.profile)
            body = {"evse": command.evse_id, "profile": profile, "status": result.status}
            self._lay_aside(station_id, PROFILED, body)
        elif isinstance(command, GetSchedule) and isinstance(result, ScheduleTold):
            held = to_plain(result.schedule)
            self._lay_aside(station_id, HELD, {"evse": command.evse_id, "schedule": held})

    def commanded(self, station_id: str, body: Mapping[str, Any], now_second: float) -> None:
        """Keep what a station was asked for by an operator, and what came of it.

        Args:
            station_id: Which; empty where it was none.
            body: See ``COMMANDED``.
            now_second: When [unix s].

        Raises:
            StoreError: It could not be kept.
        """
        with self._lock:
            call = _own_call(station_id, COMMANDED, body, now_second)
            self._last = self._journal.append([call])

    def reserve(
        self, station_id: str, wish: Reserve, now_second: float, connected: bool | None = None
    ) -> Promise:
        """Promise an EVSE to somebody; see ``charging.reservations.reserve``.

        Raises:
            StoreError: It could not be kept; nothing is promised.
        """
        with self._lock:
            promise = reserve(self._central, station_id, wish, now_second, connected)
            if promise.command is not None:
                body = {"wish": list(wish)}
                self._last = self._journal.append(
                    [_own_call(station_id, RESERVED, body, now_second)]
                )
                self._central = promise.central
        return promise

    def keep_books(self) -> None:
        """Write the books down, so that the next start is quick.

        Raises:
            StoreError: What was kept before still is.
        """
        with self._lock:
            self._write_books()

    def _lay_aside(self, station_id: str, action: str, body: Mapping[str, Any]) -> None:
        """Keep what only tells people about the past with what is kept next."""
        with self._lock:
            book = self._central.stations.get(station_id)
            second = 0.0 if book is None else book.heard_second
            self._aside.append(_own_call(station_id, action, body, second))

    def _watch(self, call: StationCall) -> None:
        """Lay a silence aside; one that is from before this start may be our own."""
        before = self._heard.get(call.station_id)
        self._heard[call.station_id] = call.heard_second
        interval = float(self._central.rules.heartbeat_second)
        if before is not None and heartbeat_gaps((before,), interval, call.heard_second):
            body = {"since": before}
            self._aside.append(_own_call(call.station_id, SILENT, body, call.heard_second))

    def _one(self, central: Central, call: StationCall) -> tuple[Central, StationReply]:
        """Understand one call and answer it."""
        check = self._schema_check(call.version, call.action, "request")
        dialect = DIALECTS[call.version]
        try:
            read = dialect.decode_event(call.action, call.payload, call.heard_second)
        except UnusableError as error:
            self._remark(call, (error.what,))
            return central, StationReply(Refused(error.code, error.what))
        if read is None:
            known = check is not None
            code = "NotSupported" if known else "NotImplemented"
            return central, StationReply(Refused(code, f"nothing is done about {call.action[:40]}"))
        event, remarks = read
        self._remark(call, (check(call.payload) if check else ()) + remarks)
        heard = Heard(call.station_id, call.heard_second, event, call.version != "1.6")
        done = step(central, heard)
        payload = dialect.encode_answer(call.action, done.answer)
        return done.central, StationReply(payload, done.commands)

    def _remark(self, call: StationCall, texts: Sequence[str]) -> None:
        if not texts:
            return
        self.remark_counts[call.station_id] += len(texts)
        kept = self._remarks.setdefault(call.station_id, deque(maxlen=REMARKS_KEPT))
        kept.extend(Remark(call.heard_second, call.action, t) for t in texts[:REMARKS_OF_CALL])

    def _written(self, calls: Sequence[StationCall]) -> bool:
        try:
            self._last = self._journal.append(calls)
        except StoreError:
            # The station hears that it is not kept and tells it again; the log tells a person.
            log.exception("%d calls of stations are not answered", len(calls))
            return False
        return True

    def _note(self, station_id: str, action: str, body: Mapping[str, Any]) -> None:
        """Keep what was learned of a station beside what it told."""
        with self._lock:
            call = _own_call(station_id, action, body, 0.0)
            if self._written([call]):
                self._central = applied(self._central, call)

    def _keep_books_if_due(self) -> None:
        if self._last - self._kept_to < self._books_every:
            return
        try:
            self._write_books()
        except StoreError:
            log.exception("the books of stations are not written down; it is tried again")

    def _write_books(self) -> None:
        heard = max((s.heard_second for s in self._central.stations.values()), default=0.0)
        self._central = without_old(self._central, heard - BOOKED_SECOND)
        plain = to_plain(replace(self._central, rules=Rules()))
        self._journal.keep_books(self._last, json.dumps(plain).encode())
        self._kept_to = self._last


def _own_call(station_id: str, action: str, body: Mapping[str, Any], second: float) -> StationCall:
    return StationCall(station_id, "2.0.1", "", action, body, second)


def restored(journal: CallJournal, rules: Rules) -> tuple[Central, int, int]:
    """Make the books again: from what was written down, and from what was told since.

    Returns:
        The books, the call that those written down rest on, and the last one.
    """
    central, number = Central(rules), 0
    found = journal.books()
    if found is not None:
        try:
            central = replace(from_plain(Central, json.loads(found[1])), rules=rules)
            number = found[0]
        except (UnreadableError, ValueError):
            log.warning("books of another version: all calls are read again")
    kept_to = number
    while calls := journal.calls(number, 1000):
        for _, call in calls:
            central = applied(central, call)
        number = calls[-1][0]
    return central, kept_to, number


def applied(central: Central, call: StationCall) -> Central:
    """Do again what a call did to the books."""
    if call.action in _OWN:
        return _applied_own(central, call)
    try:
        read = DIALECTS[call.version].decode_event(call.action, call.payload, call.heard_second)
    except UnusableError:
        return central
    if read is None:
        return central
    heard = Heard(call.station_id, call.heard_second, read[0], call.version != "1.6")
    return step(central, heard).central


def _applied_own(central: Central, call: StationCall) -> Central:
    body = call.payload
    if call.action in _ASIDE:
        return central
    if call.action == LEARNED:
        return learned(central, call.station_id, SettingsTold(body["values"]))
    if call.action == PAUSED:
        return paused(central, call.station_id, str(body["id"]))
    if call.action == RESERVED:
        wish = Reserve(*body["wish"])
        return granted(central, call.station_id, wish, call.heard_second)
    number, outcome = int(body["id"]), Outcome(str(body["status"]))
    command = CancelReservation(number) if body["what"] == "cancel" else Reserve(number, 0, "", 0.0)
    return settled(central, call.station_id, command, outcome)

"""What the API tells of charging stations, read from the journal that their central system keeps.

The journal may be another process's: it is read anew at every question, from where the last ended.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from math import isfinite
from typing import Any, Final, NamedTuple, final

from voltherd.charging.central import Central, Rules, StationBook
from voltherd.charging.session_record import (
    Prices,
    allowed,
    cost_eur,
    drawn,
    efficiency,
    registers,
)
from voltherd.charging.station_health import Gap, Span
from voltherd.charging.station_record import (
    Deviation,
    Fault,
    Outlook,
    disobeyed,
    faults,
    gathered,
    outlook,
    served_fraction,
)
from voltherd.charging.transactions import Register, Transaction
from voltherd.cloud.depot import HELD, PROFILED, SILENT, SchemaCheck, applied, restored
from voltherd.errors import UnreadableError
from voltherd.ports import CallJournal
from voltherd.types.station import (
    ChargingProfile,
    ChargingSchedule,
    MeterReading,
    MeterTold,
    NeedsTold,
    StationEvent,
    StatusTold,
    TransactionTold,
)
from voltherd.types.station_command import StationCall
from voltherd.wire.ocpp import DIALECTS
from voltherd.wire.ocpp_fields import UnusableError
from voltherd.wire.plain import from_plain

PAST_SECOND: Final = 90 * 86_400.0
"""How far back is looked [s]."""
AVAILABLE_SECOND: Final = 30 * 86_400.0
"""Over which availability is told [s]."""
STATUSES_MAX, CALLS_MAX, SESSION_CALLS_MAX, SESSIONS_MAX = 20_000, 1_000, 20_000, 100
_STATUSES: Final = ("StatusNotification",)
_METERED: Final = (
    "MeterValues",
    "NotifyEVChargingNeeds",
    "StartTransaction",
    "StopTransaction",
    "TransactionEvent",
)
_EARLY_SECOND: Final = 86_400.0
"""A profile from so long before a session may still count in it [s]."""


class StationState(NamedTuple):
    """A station now and in the past.

    Attributes:
        book: What the central system's books say.
        faults: So far.
        outlook: How likely the next one is.
        served: Share of the last 30 days in which connectors could be used; None while unknown.
        known_second: From when on statuses are known; None where none is [unix s].
        silences: When it said nothing for longer than it may.
        deviations: What it did otherwise than it should.
    """

    book: StationBook
    faults: tuple[Fault, ...]
    outlook: Outlook
    served: float | None
    known_second: float | None
    silences: tuple[Gap, ...]
    deviations: tuple[Deviation, ...]


class SessionState(NamedTuple):
    """One session.

    Attributes:
        transaction: What was told of it.
        course: The energy register over time.
        drawn: Power over time [unix s, W].
        allowed: Limits as steps [unix s, W]; None where there was none.
        cost_eur: Of the energy; None while a price is missing.
        efficiency: Share of the metered energy that arrived; None while unknown.
    """

    transaction: Transaction
    course: tuple[Register, ...]
    drawn: tuple[tuple[float, float], ...]
    allowed: tuple[tuple[float, float | None], ...]
    cost_eur: float | None
    efficiency: Span | None


@final
class Stations:
    """Stations and their sessions; safe to use from several threads.

    Args:
        journal: What stations told.
        schema_check: Gives what checks a payload.
        prices: Gives the prices that are known.
    """

    def __init__(
        self,
        journal: CallJournal,
        schema_check: SchemaCheck,
        prices: Callable[[], Prices | None],
    ) -> None:
        self._journal = journal
        self._schema_check = schema_check
        self._prices = prices
        self._lock = threading.Lock()
        self._central, _, self._number = restored(journal, Rules())

    def ids(self) -> tuple[str, ...]:
        """Name all stations."""
        return tuple(sorted(self._books().stations))

    def state(self, station_id: str, now_second: float) -> StationState | None:
        """Tell of a station; None where it was never heard.

        Args:
            station_id: Which.
            now_second: When [unix s].
        """
        book = self._books().stations.get(station_id)
        if book is None:
            return None
        now_second = max(now_second, book.heard_second)  # clocks differ; what was heard has been
        since = now_second - PAST_SECOND
        kept = self._journal.calls_of(station_id, _STATUSES, since, STATUSES_MAX)
        told = [event for event in self._events(kept) if isinstance(event, StatusTold)]
        told.sort(key=lambda one: one.time_second)
        known = told[0].time_second if told else None
        found = faults(told)
        silent = self._journal.calls_of(station_id, (SILENT,), since, CALLS_MAX)
        start = now_second - AVAILABLE_SECOND
        return StationState(
            book,
            found,
            outlook(found, now_second if known is None else known, now_second),
            served_fraction(told, start, now_second),
            known,
            tuple(Gap(float(c.payload["since"]), c.heard_second) for c in silent),
            self._deviations(station_id, since),
        )

    def sessions(self, station_id: str) -> tuple[Transaction, ...]:
        """Give a station's latest sessions, the latest first; none where it was never heard."""
        book = self._books().stations.get(station_id)
        found = [] if book is None else list(book.transactions.values())
        found.sort(key=lambda one: -_begin(one))
        return tuple(found[:SESSIONS_MAX])

    def session(
        self, station_id: str, transaction_id: str, now_second: float
    ) -> SessionState | None:
        """Tell of a session; None where there is none of that number.

        Args:
            station_id: At which station.
            transaction_id: Which.
            now_second: When [unix s].
        """
        book = self._books().stations.get(station_id)
        transaction = None if book is None else book.transactions.get(transaction_id)
        if book is None or transaction is None:
            return None
        begin, now = _begin(transaction), max(now_second, book.heard_second)
        end = now if transaction.stop is None else transaction.stop.time_second
        kept = self._journal.calls_of(station_id, _METERED, begin - 3600.0, SESSION_CALLS_MAX)
        events = list(self._events(kept))
        readings = [r for r in _readings(events, transaction) if begin <= r.time_second <= end]
        so_far = self._events([call for call in kept if call.heard_second <= end])
        needs = [e for e in so_far if isinstance(e, NeedsTold) and e.evse_id == transaction.evse_id]
        course = registers(readings, transaction.first, transaction.last)
        prices = self._prices()
        return SessionState(
            transaction,
            course,
            drawn(readings, course),
            allowed(self._told(station_id, transaction, begin, end), begin, end),
            None if prices is None else cost_eur(course, prices),
            efficiency(readings, needs[-1].capacity_wh if needs else None, course),
        )

    def _books(self) -> Central:
        """Take in what was told since the last question."""
        with self._lock:
            while calls := self._journal.calls(self._number, 1000):
                for self._number, call in calls:
                    self._central = applied(self._central, call)
            return self._central

    def _events(self, calls: Sequence[StationCall]) -> Iterator[StationEvent]:
        for call in calls:
            read = _read(call)
            if read is not None:
                yield read[0]

    def _told(
        self, station_id: str, transaction: Transaction, begin_second: float, end_second: float
    ) -> list[ChargingSchedule]:
        """Give the limits that count for a session, in the order in which they were accepted."""
        since = begin_second - _EARLY_SECOND
        kept = self._journal.calls_of(station_id, (PROFILED,), since, CALLS_MAX)
        found = []
        for call in kept:
            profile = _profile(call.payload["profile"])
            here = call.payload["evse"] in (0, transaction.evse_id)
            ours = profile is not None and profile.transaction_id in (
                "",
                transaction.transaction_id,
            )
            in_time = call.heard_second <= end_second
            if profile and here and ours and in_time and call.payload["status"] == "Accepted":
                found.append(profile.schedule)
        return found

    def _deviations(self, station_id: str, since_second: float) -> tuple[Deviation, ...]:
        """Gather what was odd in the latest calls, and which orders were not obeyed."""
        noted: list[tuple[float, str]] = []
        for call in self._journal.calls_of(station_id, (), since_second, CALLS_MAX):
            check = self._schema_check(call.version, call.action, "request")
            read = _read(call)
            texts = (*(check(call.payload) if check else ()), *(read[1] if read else ()))
            noted += [(call.heard_second, f"{call.action}: {text}") for text in texts]
        noted += self._disobeyed(station_id, since_second)
        return gathered(noted)

    def _disobeyed(self, station_id: str, since_second: float) -> Iterator[tuple[float, str]]:
        kept = self._journal.calls_of(station_id, (PROFILED, HELD), since_second, CALLS_MAX)
        for number, call in enumerate(kept):
            if call.action != PROFILED:
                continue
            profile = _profile(call.payload["profile"])
            same = (
                one for one in kept[number + 1 :] if one.payload["evse"] == call.payload["evse"]
            )
            after = next(same, None)
            told = after is not None and after.action == HELD
            plain = after.payload["schedule"] if told and after is not None else None
            held = None if plain is None else from_plain(ChargingSchedule, plain)
            status = str(call.payload["status"])
            text = disobeyed(profile.schedule, status, held, told=told) if profile else ""
            if text:
                yield call.heard_second, text


def _begin(transaction: Transaction) -> float:
    first = transaction.first
    known = [transaction.start_second, None if first is None else first.time_second]
    known += [None if transaction.stop is None else transaction.stop.time_second]
    return min((second for second in known if second is not None), default=0.0)


def _read(call: StationCall) -> tuple[StationEvent, tuple[str, ...]] | None:
    try:
        dialect = DIALECTS[call.version]
        return dialect.decode_event(call.action, call.payload, call.heard_second)
    except UnusableError:
        return None


def _readings(events: Sequence[StationEvent], transaction: Transaction) -> Iterator[MeterReading]:
    for event in events:
        if isinstance(event, MeterTold | TransactionTold):
            ours = event.transaction_id in ("", transaction.transaction_id)
            if ours and event.evse_id in (0, transaction.evse_id):
                yield from (r for r in event.readings if isfinite(r.value))


def _profile(plain: Any) -> ChargingProfile | None:  # noqa: ANN401
    try:
        profile: ChargingProfile = from_plain(ChargingProfile, plain)
    except UnreadableError:
        return None
    return profile

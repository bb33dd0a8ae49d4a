"""The central system of a depot's charging stations: its books, and what is answered.

State is a value: ``step`` takes what one station told and gives the books after it, the answer, and
what the station is to be asked for.  Nothing here knows a protocol, a socket or a clock.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import singledispatch
from math import inf, isfinite
from typing import Final, NamedTuple, TypeVar, final

from voltherd.charging.transactions import Transaction, drawn_since_plugged_wh, join
from voltherd.types.station import (
    Alive,
    BootAnswer,
    Booted,
    DataTold,
    MeterReading,
    MeterTold,
    NeedsTold,
    Noted,
    PlainAnswer,
    ProgressTold,
    ReservationTold,
    SecurityTold,
    StationAnswer,
    StationEvent,
    StatusAnswer,
    StatusTold,
    TimeAnswer,
    TokenAsked,
    TokenVerdict,
    TransactionAnswer,
    TransactionTold,
)
from voltherd.types.station_command import GetSettings, SettingsTold, StationCommand

SECURITY_KEPT: Final = 100
KEYS_KEPT: Final = 128
"""Connectors of a station, EVSEs, and quantities of one, of which the latest is kept."""
_Key = TypeVar("_Key")
_Item = TypeVar("_Item")
LIMITS: Final = (
    "ChargeProfileMaxStackLevel",
    "ChargingScheduleAllowedChargingRateUnit",
    "ChargingScheduleMaxPeriods",
    "MaxChargingProfilesInstalled",
)
LIMITS_LATER: Final = (
    "SmartChargingCtrlr.PeriodsPerSchedule",
    "SmartChargingCtrlr.ProfileStackLevel",
    "SmartChargingCtrlr.RateUnit",
)


class Reservation(NamedTuple):
    """An EVSE that is kept for somebody until a moment [unix s]."""

    reservation_id: int
    evse_id: int
    id_token: str
    expiry_second: float


@final
@dataclass(frozen=True, slots=True)
class StationBook:
    """What is known of one station.

    Attributes:
        station_id: As it connects.
        later: Whether it speaks 2.0.1 or later, so numbers its transactions itself.
        about: What it said of itself when it last started; None before.
        boots: How often it started.
        heard_second: When it was last heard [unix s].
        clock_offset_second: By how much its clock is ahead, at least: the most since its start,
            since what is told late looks like a clock that is behind [s].
        statuses: By EVSE and connector.
        transactions: By id.
        open_ids: Those that have not ended.
        latest: The one that began last at an EVSE.
        starts: Transactions that were numbered here, by what their start said.
        reservations: By id.
        needs: What the vehicle at an EVSE asks for.
        readings: The latest of an EVSE, by quantity and phase.
        settings: As far as it told them.
        progress: Of firmware and logs.
        security: Latest events that touch security, oldest first.
    """

    station_id: str
    later: bool = False
    about: Booted | None = None
    boots: int = 0
    heard_second: float = -inf
    clock_offset_second: float = -inf
    statuses: Mapping[tuple[int, int], StatusTold] = field(default_factory=dict)
    transactions: Mapping[str, Transaction] = field(default_factory=dict)
    open_ids: frozenset[str] = frozenset()
    latest: Mapping[int, str] = field(default_factory=dict)
    starts: Mapping[tuple[int, str, float], str] = field(default_factory=dict)
    reservations: Mapping[int, Reservation] = field(default_factory=dict)
    needs: Mapping[int, NeedsTold] = field(default_factory=dict)
    readings: Mapping[int, Mapping[tuple[str, str], MeterReading]] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    progress: Mapping[str, ProgressTold] = field(default_factory=dict)
    security: tuple[SecurityTold, ...] = ()

    def running(self, evse_id: int) -> Transaction | None:
        """Give the transaction that goes on at an EVSE; the latest where several are not ended."""
        here = [
            t for t in map(self.transactions.__getitem__, self.open_ids) if t.evse_id == evse_id
        ]
        return max(here, key=lambda t: t.start_second or -inf, default=None)


@final
@dataclass(frozen=True, slots=True)
class Rules:
    """What the central system holds to.

    Attributes:
        tokens: Who may charge, with what is answered of them.
        stations: Which stations are accepted; None accepts all, others wait (``Pending``).
        heartbeat_second: How often a station is to say that it is there [s].
        vendors: Whose own messages are accepted.
    """

    tokens: Mapping[str, TokenVerdict] = field(default_factory=dict)
    stations: frozenset[str] | None = None
    heartbeat_second: int = 300
    vendors: frozenset[str] = frozenset()


@final
@dataclass(frozen=True, slots=True)
class Central:
    """The books.

    Attributes:
        rules: What it holds to.
        stations: By id.
        next_number: Of the next transaction that is numbered here.
    """

    rules: Rules = field(default_factory=Rules)
    stations: Mapping[str, StationBook] = field(default_factory=dict)
    next_number: int = 1


class Heard(NamedTuple):
    """What one station told.

    Attributes:
        station_id: Which.
        heard_second: When it was heard [unix s].
        event: What it told.
        later: Whether it speaks 2.0.1 or later.
    """

    station_id: str
    heard_second: float
    event: StationEvent
    later: bool


class Step(NamedTuple):
    """What came of it: the books, the answer, and what the station is to be asked for."""

    central: Central
    answer: StationAnswer
    commands: tuple[StationCommand, ...] = ()


class _Turn(NamedTuple):
    """One step under way."""

    central: Central
    book: StationBook
    heard: Heard


def step(central: Central, heard: Heard) -> Step:
    """Take in what a station told.

    What comes again changes nothing: messages are known by what they say of which transaction, not
    by their ids, which stations use anew after a restart.

    Args:
        central: The books.
        heard: What was told.

    Returns:
        The books after it, the answer, and commands.
    """
    book = central.stations.get(heard.station_id) or StationBook(heard.station_id)
    book = replace(book, later=heard.later, heard_second=max(book.heard_second, heard.heard_second))
    return _step(heard.event, _Turn(central, book, heard))


def learned(central: Central, station_id: str, told: SettingsTold) -> Central:
    """Keep how a station says it is set."""
    book = central.stations.get(station_id)
    if book is None:
        return central
    settings = book.settings
    for name, value in told.values.items():
        settings = _with(settings, name, value)
    return _with_book(central, replace(book, settings=settings))


def paused(central: Central, station_id: str, transaction_id: str) -> Central:
    """Keep that a station was told to end a transaction, and said yes."""
    book = central.stations.get(station_id)
    known = None if book is None else book.transactions.get(transaction_id)
    if book is None or known is None:
        return central
    return _with_book(central, _with_transaction(book, replace(known, is_paused=True)))


def without_old(central: Central, before_second: float) -> Central:
    """Leave out of the books what ended before a moment; the journal still has it.

    Args:
        central: The books.
        before_second: By the stations' clocks [unix s].
    """
    return replace(
        central,
        stations={k: _without_old(book, before_second) for k, book in central.stations.items()},
    )


def _without_old(book: StationBook, before_second: float) -> StationBook:
    kept = {
        number: transaction
        for number, transaction in book.transactions.items()
        if transaction.stop is None or transaction.stop.time_second >= before_second
    }
    if len(kept) == len(book.transactions):
        return book
    starts = {what: number for what, number in book.starts.items() if number in kept}
    return replace(book, transactions=kept, starts=starts)


def verdict_of(central: Central, id_token: str, now_second: float) -> TokenVerdict:
    """Say whether somebody may charge; who is not on the list may not."""
    known = central.rules.tokens.get(id_token)
    if known is None:
        return TokenVerdict("Invalid")
    expired = known.expiry_second is not None and known.expiry_second <= now_second
    return known._replace(status="Expired") if expired else known


def _with(known: Mapping[_Key, _Item], key: _Key, item: _Item) -> dict[_Key, _Item]:
    """Put an item in its place, dropping the oldest: a station may invent keys without end."""
    made = {**known, key: item}
    while len(made) > KEYS_KEPT:
        del made[next(iter(made))]
    return made


def _with_book(central: Central, book: StationBook) -> Central:
    return replace(central, stations={**central.stations, book.station_id: book})


@singledispatch
def _step(event: StationEvent, turn: _Turn) -> Step:
    raise AssertionError(f"nobody told what {type(event).__name__} is")


@_step.register
def _(event: Booted, turn: _Turn) -> Step:
    rules, heard = turn.central.rules, turn.heard
    book = replace(turn.book, about=event, boots=turn.book.boots + 1, clock_offset_second=-inf)
    accepted = rules.stations is None or heard.station_id in rules.stations
    answer = BootAnswer(
        "Accepted" if accepted else "Pending", rules.heartbeat_second, heard.heard_second
    )
    asked = (GetSettings(LIMITS_LATER if heard.later else LIMITS),) if accepted else ()
    return Step(_with_book(turn.central, book), answer, asked)


@_step.register
def _(event: Alive, turn: _Turn) -> Step:
    return Step(_with_book(turn.central, turn.book), TimeAnswer(turn.heard.heard_second))


@_step.register
def _(event: TokenAsked, turn: _Turn) -> Step:
    verdict = verdict_of(turn.central, event.id_token, turn.heard.heard_second)
    return Step(_with_book(turn.central, turn.book), verdict)


@_step.register
def _(event: StatusTold, turn: _Turn) -> Step:
    where, heard_second = (event.evse_id, event.connector_id), turn.heard.heard_second
    book, is_timed = turn.book, event.time_second != heard_second
    if is_timed:
        book = _clocked(book, event.time_second, turn.heard)
    elif isfinite(book.clock_offset_second):  # our clock stood in: to be compared with the others'
        event = event._replace(time_second=heard_second + book.clock_offset_second)
    known = book.statuses.get(where)
    if known is None or not is_timed or known.time_second <= event.time_second:
        book = replace(book, statuses=_with(book.statuses, where, event))
        book = _left(book, event.evse_id)
    return Step(_with_book(turn.central, book), PlainAnswer())


@_step.register
def _(event: MeterTold, turn: _Turn) -> Step:
    book = _metered(turn.book, event.evse_id, event.readings, turn.heard)
    return Step(_with_book(turn.central, book), PlainAnswer())


@_step.register
def _(event: TransactionTold, turn: _Turn) -> Step:
    central, now = turn.central, turn.heard.heard_second
    transaction_id = event.transaction_id
    book = turn.book
    if not transaction_id:
        what = (event.evse_id, event.id_token, event.time_second)
        transaction_id = book.starts.get(what, "")
        if not transaction_id:
            transaction_id = str(central.next_number)
            central = replace(central, next_number=central.next_number + 1)
            book = replace(book, starts={**book.starts, what: transaction_id})
    known = book.transactions.get(transaction_id) or Transaction(transaction_id)
    joined = join(known, event, now)
    if event.kind == "started" and known.start_second is None:
        book, joined = _begun(book, joined)
    others = book.open_ids - {transaction_id}
    book = replace(
        book,
        transactions={**book.transactions, transaction_id: joined},
        open_ids=others | {transaction_id} if joined.is_open else others,
    )
    book = _metered(book, joined.evse_id, event.readings, turn.heard)
    book = _used_reservation(book, joined)
    if event.kind == "ended":  # the next vehicle there has needs of its own
        needs = {evse: told for evse, told in book.needs.items() if evse != joined.evse_id}
        book = _left(replace(book, needs=needs), joined.evse_id)
    verdict = _verdict_on(central, book, joined, event, now)
    return Step(_with_book(central, book), TransactionAnswer(transaction_id, verdict))


def _begun(book: StationBook, joined: Transaction) -> tuple[StationBook, Transaction]:
    """Tie a transaction to the one before it there, if the same vehicle may go on."""
    before = book.transactions.get(book.latest.get(joined.evse_id, ""))
    if before is not None and not before.is_open and before.id_token == joined.id_token:
        joined = replace(joined, follows=before.transaction_id)
    latest = _with(book.latest, joined.evse_id, joined.transaction_id)
    return replace(book, latest=latest), joined


def _left(book: StationBook, evse_id: int) -> StationBook:
    """Note when a plug became free after its last transaction, in whatever order it is told."""
    last = book.transactions.get(book.latest.get(evse_id, ""))
    if last is None or last.stop is None or last.left_second is not None:
        return book
    told = [
        status
        for (evse, connector), status in book.statuses.items()
        if evse == evse_id and last.connector_id in (connector, 0)  # the plug need not be told
    ]
    free_second = max((status.time_second for status in told), default=-inf)
    is_free = all(status.status == "Available" for status in told)
    if not is_free or free_second < last.stop.time_second:
        return book
    return _with_transaction(book, replace(last, left_second=free_second))


def _with_transaction(book: StationBook, one: Transaction) -> StationBook:
    return replace(book, transactions={**book.transactions, one.transaction_id: one})


def _verdict_on(
    central: Central, book: StationBook, joined: Transaction, event: TransactionTold, now: float
) -> TokenVerdict | None:
    """Judge who is named; None where nobody is, or where a transaction has ended."""
    if not event.id_token or event.kind == "ended":
        return None
    verdict = verdict_of(central, event.id_token, now)
    if event.kind == "started" and verdict.status == "Accepted" and not event.offline:
        if _is_elsewhere(central, book, joined):
            return verdict._replace(status="ConcurrentTx")
        if _kept_for_another(book, joined, now):
            return verdict._replace(status="Blocked")
    return verdict


def _is_elsewhere(central: Central, book: StationBook, joined: Transaction) -> bool:
    """Say whether the same token has another transaction that goes on at another EVSE.

    At the same EVSE it cannot: its end was not told, and may yet be.
    """
    return any(
        other.id_token == joined.id_token
        and (station.station_id, other.evse_id) != (book.station_id, joined.evse_id)
        for station in central.stations.values()
        for other in map(station.transactions.__getitem__, station.open_ids)
    )


def _kept_for_another(book: StationBook, joined: Transaction, now: float) -> bool:
    return any(
        r.evse_id == joined.evse_id and r.id_token != joined.id_token and r.expiry_second > now
        for r in book.reservations.values()
    )


def _used_reservation(book: StationBook, joined: Transaction) -> StationBook:
    """Strike out the reservation that a transaction uses up, though the station may not name it."""
    used = [
        number
        for number, r in book.reservations.items()
        if number == joined.reservation_id
        or (r.evse_id == joined.evse_id and r.id_token == joined.id_token)
    ]
    if not used:
        return book
    left = {number: r for number, r in book.reservations.items() if number not in used}
    return replace(book, reservations=left)


def _metered(
    book: StationBook, evse_id: int, readings: tuple[MeterReading, ...], heard: Heard
) -> StationBook:
    """Keep the latest readings of an EVSE."""
    if not readings:
        return book
    latest = dict(book.readings.get(evse_id, {}))
    for reading in readings:
        key = (reading.quantity, reading.phase)
        known = latest.get(key)
        if known is None or known.time_second <= reading.time_second:
            latest[key] = reading
    while len(latest) > KEYS_KEPT:
        del latest[next(iter(latest))]
    offset = max(r.time_second for r in readings) - heard.heard_second
    return replace(
        book,
        readings=_with(book.readings, evse_id, latest),
        clock_offset_second=max(book.clock_offset_second, offset),
    )


def _clocked(book: StationBook, told_second: float, heard: Heard) -> StationBook:
    offset = told_second - heard.heard_second
    if offset <= book.clock_offset_second:
        return book
    return replace(book, clock_offset_second=offset)


@_step.register
def _(event: ProgressTold, turn: _Turn) -> Step:
    book = replace(turn.book, progress=_with(turn.book.progress, event.what, event))
    return Step(_with_book(turn.central, book), PlainAnswer())


@_step.register
def _(event: SecurityTold, turn: _Turn) -> Step:
    others = tuple(known for known in turn.book.security if known != event)
    book = replace(turn.book, security=(*others, event)[-SECURITY_KEPT:])
    return Step(_with_book(turn.central, book), PlainAnswer())


@_step.register
def _(event: NeedsTold, turn: _Turn) -> Step:
    book = turn.book
    drawn = drawn_since_plugged_wh(book.transactions, book.running(event.evse_id))
    needs = _with(book.needs, event.evse_id, event._replace(drawn_wh=drawn))
    book = replace(book, needs=needs)
    return Step(_with_book(turn.central, book), StatusAnswer("Processing"))


@_step.register
def _(event: ReservationTold, turn: _Turn) -> Step:
    left = {k: r for k, r in turn.book.reservations.items() if k != event.reservation_id}
    return Step(_with_book(turn.central, replace(turn.book, reservations=left)), PlainAnswer())


@_step.register
def _(event: DataTold, turn: _Turn) -> Step:
    known = event.vendor in turn.central.rules.vendors
    answer = StatusAnswer("Accepted" if known else "UnknownVendorId")
    return Step(_with_book(turn.central, turn.book), answer)


@_step.register
def _(event: Noted, turn: _Turn) -> Step:
    answer = StatusAnswer("Rejected") if event.action == "SignCertificate" else PlainAnswer()
    return Step(_with_book(turn.central, turn.book), answer)

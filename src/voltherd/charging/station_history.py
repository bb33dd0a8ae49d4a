"""What a charging station's journal says of each day: attempts, failures, errors, starts, silences.

Counts are of episodes and of sessions, not of messages: a contact that chatters tells the same
error a hundred times in an hour, and that is one thing that happened.
"""

from collections.abc import Sequence
from itertools import chain
from math import floor, inf
from typing import Final, NamedTuple

from voltherd.charging.station_health import heartbeat_gaps
from voltherd.charging.transactions import Transaction, join
from voltherd.types.station import POWER, Booted, StationEvent, StatusTold, TransactionTold
from voltherd.units import SECOND_PER_DAY, SECOND_PER_HOUR

NOTHING_WH: Final = 100.0
"""A session that brought less was none."""
SOON_SECOND: Final = 600.0
EPISODE_SECOND: Final = 6.0 * SECOND_PER_HOUR
"""What comes again sooner is the same thing going on."""
LASTS_SECOND: Final = 4.0 * SECOND_PER_HOUR
"""A fault that stands so long does not mend itself."""
OWN_FAULT: Final = frozenset(
    {
        "EmergencyStop",
        "GroundFault",
        "HardReset",
        "Other",
        "OvercurrentFault",
        "PowerLoss",
        "PowerQuality",
        "Reboot",
        "SoftReset",
        "Timeout",
    }
)
"""Reasons of an end, in OCPP's words, for which the station rather than the driver answers."""
NO_ERROR: Final = frozenset({"", "NoError"})


class Heard(NamedTuple):
    """What a station told, and when it was heard [unix s]."""

    second: float
    event: StationEvent


class StationDay(NamedTuple):
    """One day of one station.

    Attributes:
        start_second: Its beginning [unix s].
        begun: Sessions begun.
        failed: Sessions among them that brought nothing, or that the station ended by itself.
        errors: Errors told, those within hours of each other once.
        boots: Starts, counted alike.
        silences: Silences longer than they should be that ended that day.
    """

    start_second: float
    begun: int
    failed: int
    errors: int
    boots: int
    silences: int


class SessionPower(NamedTuple):
    """The most a session drew, beside what it was offered.

    Attributes:
        station_id: Where.
        id_token: Which vehicle.
        start_second: When it began [unix s].
        best_watt: Highest power read [W].
        offered_watt: What the station and its plan allowed [W].
    """

    station_id: str
    id_token: str
    start_second: float
    best_watt: float
    offered_watt: float


class History(NamedTuple):
    """A station's journal summed up.

    Attributes:
        days: One after the other.
        powers: Of sessions whose power was read.
        faults: Begins of faults that stood for hours [unix s].
    """

    days: tuple[StationDay, ...]
    powers: tuple[SessionPower, ...]
    faults: tuple[float, ...]


def history(
    station_id: str,
    heard: Sequence[Heard],
    *,
    start_second: float,
    days: int,
    offered_watt: float,
    interval_second: float,
) -> History:
    """Sum up a journal.

    Args:
        station_id: Whose.
        heard: In order of time.
        start_second: First instant of the first day [unix s].
        days: How many.
        offered_watt: What its sessions are offered [W].
        interval_second: How often it is to say that it is there [s].
    """
    transactions: dict[str, Transaction] = {}
    best: dict[str, float] = {}
    errors = [h.second for h in heard if isinstance(h.event, StatusTold) and _is_error(h.event)]
    boots = [h.second for h in heard if isinstance(h.event, Booted)]
    for second, event in heard:
        if isinstance(event, TransactionTold):
            known = transactions.get(event.transaction_id, Transaction(event.transaction_id))
            transactions[event.transaction_id] = join(known, event, second)
            read = [r.value for r in event.readings if r.quantity == POWER and not r.phase]
            if read:
                best[event.transaction_id] = max(best.get(event.transaction_id, 0.0), *read)
    end_second = start_second + days * SECOND_PER_DAY
    gaps = heartbeat_gaps([second for second, _ in heard], interval_second, end_second)
    table = [[0, 0, 0, 0, 0] for _ in range(days)]
    for begun in transactions.values():
        if begun.start_second is not None:
            _count(table, begun.start_second - start_second, 0)
            if has_failed(begun):
                _count(table, begun.start_second - start_second, 1)
    for column, times in ((2, errors), (3, boots)):
        for second in _episodes(times):
            _count(table, second - start_second, column)
    for gap in gaps:
        _count(table, gap.stop_second - start_second, 4)
    return History(
        tuple(
            StationDay(start_second + day * SECOND_PER_DAY, *row) for day, row in enumerate(table)
        ),
        tuple(
            SessionPower(
                station_id, t.id_token, t.start_second, best[t.transaction_id], offered_watt
            )
            for t in transactions.values()
            if t.transaction_id in best and t.start_second is not None and not has_failed(t)
        ),
        lasting_faults([e for _, e in heard if isinstance(e, StatusTold)], end_second),
    )


def has_failed(transaction: Transaction) -> bool:
    """Say whether a session that ended is the station's failure: no energy, or its own stop."""
    if transaction.stop is None or transaction.start_second is None:
        return False
    if transaction.stop.word in OWN_FAULT:
        return True
    lasted = transaction.stop.time_second - transaction.start_second
    empty = transaction.energy_wh < NOTHING_WH and lasted < SOON_SECOND
    return empty and transaction.stop.word != "DeAuthorized"


def lasting_faults(told: Sequence[StatusTold], now_second: float) -> tuple[float, ...]:
    """Give when faults began that stood for hours [unix s].

    Args:
        told: Of one station, in order of time.
        now_second: When [unix s].
    """
    ends = chain((one.time_second for one in told[1:]), [now_second])
    return tuple(
        one.time_second
        for one, end in zip(told, ends, strict=False)
        if one.status == "Faulted" and end - one.time_second >= LASTS_SECOND
    )


def _episodes(times: Sequence[float]) -> list[float]:
    """Give the times that come after hours without one."""
    pairs = zip((-inf, *times), times, strict=False)
    return [time for before, time in pairs if time - before > EPISODE_SECOND]


def _is_error(told: StatusTold) -> bool:
    return told.status == "Faulted" or told.error not in NO_ERROR


def _count(table: list[list[int]], since_second: float, column: int) -> None:
    day = floor(since_second / SECOND_PER_DAY)
    if 0 <= day < len(table):
        table[day][column] += 1

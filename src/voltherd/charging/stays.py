"""Stays: what a vehicle gets while it is plugged in, in one transaction or, switched, in several.

A station that follows no limits is stopped and started instead, and each start is a transaction of
its own.  To the vehicle, the plan and the bill they are one stay.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import zip_longest
from math import inf, isfinite
from typing import Final, NamedTuple

from voltherd.charging.central import StationBook
from voltherd.charging.transactions import Register, Said, Transaction

STAY_SECOND_MAX: Final = 192 * 3600.0
"""No stay is longer: no plan is, either [s]."""
_STOPPED: Final = frozenset(
    {"Remote", "Reboot", "PowerLoss", "HardReset", "SoftReset", "ImmediateReset"}
)
"""Reasons of an end that the vehicle's own people did not want."""
Leaves = Callable[[Transaction], float]
"""When the vehicle of a stay left whose transaction has ended; infinite while not [unix s]."""


class Stay(NamedTuple):
    """A stay that lasts.

    Attributes:
        whole: All its transactions as one: the first one's id and start, the energy of all.
        running: The one that goes on; None while the vehicle waits for the next.
        since_second: When that began, or the last one ended [unix s].
        parts: How many transactions there were.
    """

    whole: Transaction
    running: Transaction | None
    since_second: float
    parts: int = 1


def unplugged(whole: Transaction) -> float:
    """Say when a vehicle left by a station that tells of its plug; see ``Leaves``."""
    return inf if whole.left_second is None else whole.left_second


def stay_at(book: StationBook, evse_id: int, now_second: float, leaves: Leaves) -> Stay | None:
    """Give the stay that lasts at an EVSE of a station that is started and stopped.

    Args:
        book: Of the station.
        evse_id: Which.
        now_second: By the station's clock [unix s].
        leaves: As ``unplugged``.
    """
    latest, running = book.transactions.get(book.latest.get(evse_id, "")), book.running(evse_id)
    # One whose end was never told goes on in the books, and not beside one that began after it.
    last = max(filter(None, (running, latest)), key=_start_second, default=None)
    if last is None or last.start_second is None:
        return None
    *_, parts = _grouped(_line(book, last), leaves)
    if last.is_open:
        return Stay(_whole(parts), last, last.start_second, len(parts))
    assert last.stop is not None
    whole = _whole(parts)
    if not _waits(whole, now_second, leaves):
        return None
    return Stay(replace(whole, stop=None), None, last.stop.time_second, len(parts))


def stays_of(
    book: StationBook,
    evse_id: int,
    now_second: float,
    leaves: Leaves,
    since_second: float = -inf,
) -> Iterator[Transaction]:
    """Give all stays at an EVSE, each as one transaction, in their order; see ``stay_at``.

    Args:
        book: Of the station.
        evse_id: Which.
        now_second: By the station's clock [unix s].
        leaves: As ``unplugged``.
        since_second: Stays that ended before need not be given, and were they stopped long before,
            they are not [unix s].
    """
    # Within the first of these two spans begins a stay that is whole, and so are all after it.
    oldest = since_second - 2.0 * STAY_SECOND_MAX
    here = [
        t
        for t in book.transactions.values()
        if t.evse_id == evse_id
        and t.start_second is not None
        and (t.stop is None or t.stop.time_second >= oldest)
    ]
    here.sort(key=_start_second)
    now = stay_at(book, evse_id, now_second, leaves)
    lasting = "" if now is None else now.whole.transaction_id
    stays = [_whole(parts) for parts in _grouped(here, leaves)]
    if now is not None and all(whole.transaction_id != lasting for whole in stays):
        yield now.whole
    for whole, later in zip_longest(stays, stays[1:]):
        if now is not None and whole.transaction_id == lasting:
            yield now.whole
        else:
            until = inf if later is None else later.start_second or inf
            yield _ended(whole, min(leaves(whole), until))


def _start_second(transaction: Transaction) -> float:
    return inf if transaction.start_second is None else transaction.start_second


def _line(book: StationBook, last: Transaction) -> list[Transaction]:
    """Give a transaction and those it may go on from, oldest first."""
    found, known = [last], book.transactions
    oldest = (last.start_second or 0.0) - STAY_SECOND_MAX
    while (before := known.get(found[-1].follows)) is not None:
        if (before.start_second or 0.0) < oldest:
            break
        found.append(before)
    return found[::-1]


def _grouped(some: Iterable[Transaction], leaves: Leaves) -> Iterator[list[Transaction]]:
    """Put together what is one stay."""
    parts: list[Transaction] = []
    for one in some:
        start = one.start_second or 0.0
        if parts and not (
            one.follows == parts[-1].transaction_id
            and start - (parts[0].start_second or 0.0) <= STAY_SECOND_MAX
            and _waits(_whole(parts), start, leaves)
        ):
            yield parts
            parts = []
        parts.append(one)
    if parts:
        yield parts


def _waits(whole: Transaction, at_second: float, leaves: Leaves) -> bool:
    """Say whether a vehicle whose transaction has ended is to go on, and there to do so."""
    return not whole.is_open and _is_to_go_on(whole) and at_second < leaves(whole)


def _whole(parts: list[Transaction]) -> Transaction:
    """Make one of several."""
    first, last = parts[0], parts[-1]
    if len(parts) == 1:
        return first
    energy = sum(part.energy_wh for part in parts)
    begun = first.first or Register(first.start_second or 0.0, 0, 0.0)
    at = last.last or begun
    return replace(
        first,
        stop=last.stop,
        state=last.state,
        first=begun,
        last=Register(at.time_second, at.rank, begun.energy_wh + energy),
        sequence=(),
        offline=any(part.offline for part in parts),
        flags=frozenset().union(*(part.flags for part in parts)),
        is_paused=last.is_paused,
        left_second=last.left_second,
    )


def _ended(whole: Transaction, left_second: float) -> Transaction:
    """Let a stay end when its vehicle left, and not when it was stopped last."""
    stop = whole.stop
    if stop is None or not isfinite(left_second) or not _is_to_go_on(whole):
        return whole
    return replace(whole, stop=Said(max(left_second, stop.time_second), stop.word))


def _is_to_go_on(whole: Transaction) -> bool:
    """Say whether its transaction ended otherwise than its people wanted."""
    return whole.is_paused or (whole.stop is not None and whole.stop.word in _STOPPED)

"""Who is at each charger: stays where it is started and stopped, transactions elsewhere."""

from collections.abc import Iterator, Sequence
from math import inf, isfinite

from voltherd.charging.central import Central, StationBook
from voltherd.charging.live import Charger
from voltherd.charging.stays import Leaves, Stay, stay_at, stays_of, unplugged
from voltherd.charging.transactions import Transaction
from voltherd.cloud.depot_sections import SiteFile
from voltherd.cloud.depot_tonight import Guest, wanted


def present(
    file: SiteFile, chargers: Sequence[Charger], central: Central, now_second: float
) -> tuple[Stay | None, ...]:
    """Give the stay that lasts at each charger; None where none does.

    Args:
        file: The site.
        chargers: Its places.
        central: The books.
        now_second: [unix s].
    """
    return tuple(_present(file, charger, central, now_second) for charger in chargers)


def all_stays(
    file: SiteFile,
    chargers: Sequence[Charger],
    central: Central,
    now_second: float,
    since_second: float = -inf,
) -> Iterator[tuple[Charger, Transaction]]:
    """Give every stay in the books, each as one transaction, and where it was.

    Args:
        file: The site.
        chargers: Its places.
        central: The books.
        now_second: [unix s].
        since_second: Stays that ended before are left out [unix s].
    """
    for charger, whole in _stays(file, chargers, central, now_second, since_second):
        if whole.stop is None or whole.stop.time_second >= since_second:
            yield charger, whole


def _stays(
    file: SiteFile,
    chargers: Sequence[Charger],
    central: Central,
    now_second: float,
    since_second: float,
) -> Iterator[tuple[Charger, Transaction]]:
    at = {(one.station_id, one.evse_id): one for one in chargers}
    for book in central.stations.values():
        for transaction in book.transactions.values():
            charger = at.get((book.station_id, transaction.evse_id))
            told = transaction.start_second is not None
            if charger is not None and not charger.switched and told:
                yield charger, transaction
    for charger in chargers:
        book_of = central.stations.get(charger.station_id)
        if charger.switched and book_of is not None:
            now = now_second + ahead_second(book_of)
            leaves = _leaves(file, charger)
            for whole in stays_of(book_of, charger.evse_id, now, leaves, since_second):
                yield charger, whole


def ahead_second(book: StationBook) -> float:
    """Give by how much a station's clock is taken to be ahead [s]."""
    offset = book.clock_offset_second
    return offset if isfinite(offset) else 0.0


def _present(file: SiteFile, charger: Charger, central: Central, now_second: float) -> Stay | None:
    book = central.stations.get(charger.station_id)
    if book is None:
        return None
    if charger.switched:
        now = now_second + ahead_second(book)
        return stay_at(book, charger.evse_id, now, _leaves(file, charger))
    running = book.running(charger.evse_id)
    return None if running is None else Stay(running, running, running.start_second or 0.0)


def _leaves(file: SiteFile, charger: Charger) -> Leaves:
    """Give what tells when a vehicle left: its plug, or else its departure."""
    if charger.tells_plug:
        return unplugged
    known: dict[tuple[str, float | None, str], float] = {}

    def departure(whole: Transaction) -> float:
        first = (whole.transaction_id, whole.start_second, whole.id_token)
        if first not in known:  # a stay is asked about at each of its parts
            known[first] = wanted(file, Guest(charger.name, whole)).departure_second
        return known[first]

    return departure

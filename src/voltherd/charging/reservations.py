"""Reservations: nobody is promised what somebody else was."""

from dataclasses import replace
from typing import NamedTuple

from voltherd.charging.central import Central, Reservation, StationBook
from voltherd.types.station_command import CancelReservation, Outcome, Reserve


class Promise(NamedTuple):
    """What comes of a wish: the books with it and the command for the station, or why not."""

    central: Central
    command: Reserve | None
    why: str = ""


def reserve(central: Central, station_id: str, wish: Reserve, now_second: float) -> Promise:
    """Promise an EVSE to somebody, before the station is asked: of two at once one is told no.

    Args:
        central: The books.
        station_id: Where.
        wish: What is wished for.
        now_second: When [unix s].

    Returns:
        The books with the reservation, and the command; without a command where it cannot be.
    """
    book = central.stations.get(station_id)
    if book is None:
        return Promise(central, None, "no such station")
    why = _against(book, wish, now_second)
    if why:
        return Promise(central, None, why)
    kept = {k: r for k, r in book.reservations.items() if r.expiry_second > now_second}
    kept[wish.reservation_id] = Reservation(*wish)
    book = replace(book, reservations=kept)
    return Promise(replace(central, stations={**central.stations, station_id: book}), wish)


def settled(
    central: Central, station_id: str, command: Reserve | CancelReservation, outcome: Outcome
) -> Central:
    """Take in what the station answered: refused is not reserved, cancelled is free again."""
    gone = outcome.status != "Accepted" if isinstance(command, Reserve) else True
    book = central.stations.get(station_id)
    if book is None or not gone:
        return central
    left = {k: r for k, r in book.reservations.items() if k != command.reservation_id}
    book = replace(book, reservations=left)
    return replace(central, stations={**central.stations, station_id: book})


def _against(book: StationBook, wish: Reserve, now_second: float) -> str:
    """Say what speaks against a reservation."""
    if wish.expiry_second <= now_second:
        return "it would be over before it begins"
    for known in book.reservations.values():
        if known.expiry_second <= now_second:
            continue
        if known.reservation_id == wish.reservation_id and known.id_token != wish.id_token:
            return "the number belongs to another reservation"
        overlap = 0 in (known.evse_id, wish.evse_id) or known.evse_id == wish.evse_id
        if overlap and known.reservation_id != wish.reservation_id:
            return "it is reserved already"
    if wish.evse_id and book.running(wish.evse_id) is not None:
        return "somebody charges there"
    return ""

"""Reservations: nobody is promised what somebody else was, or what cannot be used."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from math import asin, cos, radians, sin, sqrt
from typing import Final, NamedTuple

from voltherd.charging.central import Central, Reservation, StationBook
from voltherd.types.station_command import CancelReservation, Outcome, Reserve

EARTH_METRE: Final = 6_371_008.8
"""Mean radius of the earth (IUGG) [m]."""
HEARTBEATS_MISSED: Final = 2
"""A station that was not heard for so many heartbeats' time is away."""
_FREE, _KEPT = "Available", "Reserved"
_BROKEN: Final = frozenset({"Faulted", "Unavailable"})


class Promise(NamedTuple):
    """What comes of a wish: the books with it and the command for the station, or why not."""

    central: Central
    command: Reserve | None
    why: str = ""


class Place(NamedTuple):
    """Where one can charge.

    Attributes:
        name: For people.
        station_id: The station it is part of, as it connects.
        evse_id: Which of the station's.
        latitude_degree: Where it is, north positive (WGS 84).
        longitude_degree: East positive.
    """

    name: str
    station_id: str
    evse_id: int
    latitude_degree: float
    longitude_degree: float


class Offer(NamedTuple):
    """A place beside a wish: how far it is [m], and why it cannot be had; empty where it can."""

    place: Place
    distance_metre: float
    why: str = ""


def reserve(
    central: Central,
    station_id: str,
    wish: Reserve,
    now_second: float,
    connected: bool | None = None,
) -> Promise:
    """Promise an EVSE to somebody, before the station is asked: of two at once one is told no.

    Args:
        central: The books.
        station_id: Where.
        wish: What is wished for.
        now_second: When [unix s].
        connected: Whether the station is; None where the caller does not know, and it must have
            been heard lately.

    Returns:
        The books with the reservation, and the command; without a command where it cannot be.
    """
    why = refusal(central, station_id, wish, now_second, connected)
    if why:
        return Promise(central, None, why)
    return Promise(granted(central, station_id, wish, now_second), wish)


def granted(central: Central, station_id: str, wish: Reserve, now_second: float) -> Central:
    """Book what was promised, unasked: a journal that is read again tells of nothing else."""
    book = central.stations.get(station_id) or StationBook(station_id)
    kept = {k: r for k, r in book.reservations.items() if r.expiry_second > now_second}
    kept[wish.reservation_id] = Reservation(*wish)
    book = replace(book, reservations=kept)
    return replace(central, stations={**central.stations, station_id: book})


def refusal(
    central: Central,
    station_id: str,
    wish: Reserve,
    now_second: float,
    connected: bool | None = None,
) -> str:
    """Say what speaks against a reservation; empty where nothing does.  See ``reserve``."""
    book = central.stations.get(station_id)
    if book is None:
        return "no such station"
    if wish.expiry_second <= now_second:
        return "it would be over before it begins"
    lately = HEARTBEATS_MISSED * central.rules.heartbeat_second
    if connected is None:
        connected = now_second - book.heard_second <= lately
    if not connected:
        return "the station is away"
    return _promised(central, book, wish, now_second) or _in_the_way(book, wish)


def nearest(
    central: Central,
    places: Sequence[Place],
    wish: Reserve,
    position: tuple[float, float],
    now_second: float,
    connected: Collection[str] | None = None,
) -> tuple[Offer, ...]:
    """Rank places by great-circle distance, those that can be had before those that cannot.

    Args:
        central: The books.
        places: Where one can charge.
        wish: Whom it is for and until when; its EVSE is the place's.
        position: From where: latitude and longitude (WGS 84) [degrees].
        now_second: When [unix s].
        connected: Stations that are; None where the caller does not know.
    """
    offers = [
        Offer(
            place,
            distance_metre(position, (place.latitude_degree, place.longitude_degree)),
            refusal(
                central,
                place.station_id,
                wish._replace(evse_id=place.evse_id),
                now_second,
                None if connected is None else place.station_id in connected,
            ),
        )
        for place in places
    ]
    return tuple(sorted(offers, key=lambda o: (bool(o.why), o.distance_metre, o.place.name)))


def distance_metre(here: tuple[float, float], there: tuple[float, float]) -> float:
    """Give the great-circle distance of two positions (latitude, longitude) by haversines [m].

    >>> round(distance_metre((52.52, 13.405), (48.1372, 11.5755)) / 1000)  # Berlin to Munich
    504
    """
    (north, east), (north_there, east_there) = map(_radians, (here, there))
    chord = (
        sin((north_there - north) / 2.0) ** 2
        + cos(north) * cos(north_there) * sin((east_there - east) / 2.0) ** 2
    )
    return 2.0 * EARTH_METRE * asin(sqrt(min(chord, 1.0)))


def _radians(position: tuple[float, float]) -> tuple[float, float]:
    return radians(position[0]), radians(position[1])


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


def _promised(central: Central, book: StationBook, wish: Reserve, now_second: float) -> str:
    """Say what was promised that speaks against a wish."""
    for station in central.stations.values():
        here = station.station_id == book.station_id
        for known in station.reservations.values():
            same = here and known.reservation_id == wish.reservation_id
            if known.expiry_second <= now_second or (same and known.id_token == wish.id_token):
                continue
            if same:
                return "the number belongs to another reservation"
            if here and (0 in (known.evse_id, wish.evse_id) or known.evse_id == wish.evse_id):
                return "it is reserved already"
            if known.id_token == wish.id_token:
                return f"{wish.id_token} has a reservation at {station.station_id} already"
    return ""


def _in_the_way(book: StationBook, wish: Reserve) -> str:
    """Say what stands in the way at an EVSE by what its station told; 0 is any of them."""
    for (evse, _), told in book.statuses.items():
        if evse == 0 and told.status in _BROKEN:
            return f"the station says that it is {told.status}"
    if wish.evse_id:
        return _at_evse(book, wish.evse_id, wish.id_token)
    evses = {evse for evse, _ in book.statuses if evse}
    free = any(not _at_evse(book, evse, wish.id_token) for evse in evses)
    return "" if free else "no EVSE of it is free"


def _at_evse(book: StationBook, evse_id: int, id_token: str) -> str:
    if book.running(evse_id) is not None:
        return "somebody charges there"
    here = {told.status for (evse, _), told in book.statuses.items() if evse == evse_id}
    taken = here - _BROKEN - {_FREE, _KEPT}
    if taken:
        return f"somebody is plugged in there ({min(taken)})"
    # A station that keeps it for the one who asks says that it is reserved, too.
    ours = any(r.evse_id == evse_id and r.id_token == id_token for r in book.reservations.values())
    if _FREE in here or (_KEPT in here and ours):
        return ""
    return f"it says that it is {min(here)}" if here else "it has not said how it stands"

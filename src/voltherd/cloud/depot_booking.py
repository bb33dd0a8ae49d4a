"""The nearest charger is booked for somebody: promised in the books first, then by its station."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple, Protocol, runtime_checkable
from zoneinfo import ZoneInfo

from voltherd.charging.central import Central
from voltherd.charging.reservations import Offer, Place, Promise, nearest
from voltherd.cloud.depot_commands import Words, moment_told, new_number, token_told
from voltherd.cloud.depot_replan import gone
from voltherd.cloud.depot_sections import SiteFile
from voltherd.cloud.depot_stays import present
from voltherd.cloud.depot_tonight import chargers, to_come
from voltherd.errors import UsageError
from voltherd.types.depot_order import Answered
from voltherd.types.station_command import (
    Outcome,
    Refused,
    Reserve,
    StationCommand,
    StationResult,
)

BOOK_SECOND_MAX: Final = 86_400.0
"""Nobody keeps a charger for longer [s]."""
_NAMES: Final = frozenset({"token", "from", "until"})
_REASONS_MAX: Final = 5
Ask = Callable[[str, StationCommand], Awaitable[StationResult | Refused | Answered]]
"""Asks a station; gives what became of it where the station did not answer."""


@runtime_checkable
class Desk(Protocol):
    """Who keeps the books."""

    @property
    def central(self) -> Central:
        """The books."""
        ...

    def reserve(
        self, station_id: str, wish: Reserve, now_second: float, connected: bool | None = None
    ) -> Promise:
        """Promise an EVSE, durably; of two at once one is told no."""
        ...

    def answered(
        self, station_id: str, command: StationCommand, result: StationResult | None
    ) -> None:
        """Take in what a station answered."""
        ...


class Wish(NamedTuple):
    """A charger for somebody (``id_token``), near a position [degrees], until a moment [unix s]."""

    id_token: str
    position: tuple[float, float]
    until_second: float


class Site(NamedTuple):
    """Where one can charge: the site file's places, and the chargers that are not to be had."""

    places: tuple[Place, ...]
    taken: Mapping[str, str]
    zone: ZoneInfo


def wish_of(words: Words, central: Central, zone: ZoneInfo, now_second: float) -> Wish:
    """Make a wish of what a person typed.

    Raises:
        UsageError: It makes no sense.
    """
    for name in words.keys() - _NAMES:
        raise UsageError(f"book takes no {name[:40]!r}")
    token = token_told(words, central, now_second)
    until = moment_told(words.get("until", ""), zone, now_second)
    if not now_second < until <= now_second + BOOK_SECOND_MAX:
        raise UsageError("a charger is kept for up to 24 hours from now on", where="until")
    return Wish(token, _position(words.get("from", "")), until)


def site_of(file: SiteFile, central: Central, wish: Wish, now_second: float) -> Site:
    """Say where somebody can charge: not where another vehicle is expected meanwhile.

    Raises:
        UsageError: No charger of the file says where it is.
    """
    places = tuple(
        Place(one.id, one.station or one.id, one.evse, one.latitude, one.longitude)
        for one in file.chargers
        if one.latitude is not None and one.longitude is not None
    )
    if not places:
        raise UsageError(
            "no charger of the site file says where it is", mend="add its latitude and longitude"
        )
    every = chargers(file)
    stays = zip(every, present(file, every, central, now_second), strict=True)
    there = {one.name: stay.whole.id_token for one, stay in stays if stay is not None}
    taken = dict.fromkeys(there, "a vehicle stays there")
    taken |= {
        section.charger: f"{section.id} is expected there"
        for section in to_come(file, now_second, gone(central, file))
        if (section.token or section.id) not in {*there.values(), wish.id_token}
        and isinstance(section.arrives, datetime)
        and section.arrives.timestamp() < wish.until_second
    }
    return Site(places, taken, ZoneInfo(file.timezone))


async def booked(
    wish: Wish,
    site: Site,
    desk: Desk,
    ask: Ask,
    online: Callable[[], Collection[str]],
    now_second: float,
) -> tuple[str, Answered]:
    """Book the nearest charger that can be had; who says no is followed by the next.

    Args:
        wish: For whom.
        site: Where.
        desk: Keeps the books.
        ask: Asks a station.
        online: Gives the stations that are connected.
        now_second: [unix s].

    Returns:
        The station, empty where there is none, and what a person is told.

    Raises:
        StoreError: It could not be kept; nothing is promised.
    """
    number = new_number()
    offers = _offers(wish, site, desk.central, online(), now_second)
    against = [f"{offer.place.name}: {offer.why}" for offer in offers if offer.why]
    for offer in offers:
        if offer.why:
            continue
        place = offer.place
        asked = Reserve(number, place.evse_id, wish.id_token, wish.until_second)
        promise = await asyncio.to_thread(
            desk.reserve, place.station_id, asked, now_second, place.station_id in online()
        )
        why = promise.why or await _kept(desk, ask, place, asked)
        if not why:
            return place.station_id, Answered("done", _told(offer, asked, site.zone))
        against.insert(0, f"{place.name}: {why}")
    more = f"; and {len(against) - _REASONS_MAX} more" if len(against) > _REASONS_MAX else ""
    return "", Answered("refused", f"no charger: {'; '.join(against[:_REASONS_MAX])}{more}")


async def _kept(desk: Desk, ask: Ask, place: Place, asked: Reserve) -> str:
    """Have a station keep what was promised; say why it does not, and then nothing is promised."""
    try:
        result = await ask(place.station_id, asked)
    except UsageError as error:
        result = Answered("invalid", str(error))
    if isinstance(result, Outcome) and result.status == "Accepted":
        return ""
    # The server tells the desk, too, but some time; the next is promised to the same person now.
    await asyncio.to_thread(desk.answered, place.station_id, asked, None)
    if isinstance(result, Answered):
        return result.text
    return f"it answers {result.status if isinstance(result, Outcome) else 'an error'}"


def _offers(
    wish: Wish, site: Site, central: Central, online: Collection[str], now_second: float
) -> Sequence[Offer]:
    asked = Reserve(0, 0, wish.id_token, wish.until_second)
    found = nearest(central, site.places, asked, wish.position, now_second, online)
    judged = [o._replace(why=o.why or site.taken.get(o.place.name, "")) for o in found]
    return sorted(judged, key=lambda offer: bool(offer.why))


def _told(offer: Offer, asked: Reserve, zone: ZoneInfo) -> str:
    until = datetime.fromtimestamp(asked.expiry_second, UTC).astimezone(zone)
    far = offer.distance_metre
    away = f"{far:.0f} m" if far < 1000.0 else f"{far / 1000.0:.1f} km"
    place = offer.place
    return (
        f"{place.name} is kept for {asked.id_token} until {until:%Y-%m-%d %H:%M}, {away} away"
        f" (reservation {asked.reservation_id} at {place.station_id}, EVSE {place.evse_id})"
    )


def _position(text: str) -> tuple[float, float]:
    try:
        north, east = (float(part) for part in text.split(","))
    except ValueError:
        north = east = 999.0
    if not (-90.0 <= north <= 90.0 and -180.0 <= east <= 180.0):
        raise UsageError(
            f"{text[:40]!r} is no position",
            where="from",
            mend="give latitude,longitude in degrees, as 52.52,13.40",
        )
    return north, east

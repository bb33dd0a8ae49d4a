"""What people want of a depot that runs is carried out beside its guard, which waits for none."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import UTC, datetime
from typing import Final, Protocol, final, runtime_checkable
from zoneinfo import ZoneInfo

from voltherd.cloud.depot_booking import Desk, booked, site_of, wish_of
from voltherd.cloud.depot_commands import Here, command_of, without_password
from voltherd.cloud.depot_sections import SiteFile
from voltherd.errors import StoreError, UsageError, VoltherdError
from voltherd.types.depot_order import Answered, Asked
from voltherd.types.station_command import (
    Outcome,
    Refused,
    RemoteStart,
    RemoteStop,
    ScheduleTold,
    StationCommand,
    StationResult,
)

log = logging.getLogger(__name__)
Ask = Callable[[str, StationCommand, float], Awaitable[StationResult | Refused | None]]
LOOK_SECOND: Final = 0.5
"""How often it is looked for orders [s]."""
ASK_SECOND: Final = 10.0
"""How long a station may take to answer a person.  The guard's next limit for it waits meanwhile,
since a station is asked one thing at a time; it gives a station up after 15 s."""
AHEAD_SECOND: Final = 60.0
"""By so much the clock of who gives an order may be ahead [s]."""
ORDERS_AT_ONCE: Final = 64
BOOK: Final = "book"
_YES: Final = frozenset({"Accepted", "AcceptedCanceled", "RebootRequired", "Scheduled", "Unlocked"})
_PERIODS_TOLD: Final = 8
_UNIT: Final = {"W": (1000.0, "kW"), "A": (1.0, "A per phase")}


@runtime_checkable
class Orders(Protocol):
    """Where orders are taken from and answered."""

    def take(self, limit: int) -> Sequence[Asked]:
        """Take orders, each once."""
        ...

    def unfinished(self) -> Sequence[Asked]:
        """Give orders that were taken when a depot ended."""
        ...

    def answer(self, order_id: str, answered: Answered) -> None:
        """Say what became of one."""
        ...


@runtime_checkable
class KeepingDesk(Desk, Protocol):
    """Who keeps the books, and what was commanded."""

    def commanded(self, station_id: str, body: dict[str, object], now_second: float) -> None:
        """Keep what a station was asked for, and what came of it."""
        ...


@final
class Operator:
    """Carries out orders, one at a time for each station; all is called in one loop.

    Args:
        file: The site.
        orders: Where they come from.
        desk: Gives who keeps the books.
        ask: Asks a station, for so long.
        online: Gives the stations that are connected.
        now: The depot's time, which may be simulated [unix s].
        wall: The time that orders are dated by [unix s].
    """

    def __init__(
        self,
        file: SiteFile,
        orders: Orders,
        desk: Callable[[], KeepingDesk],
        ask: Ask,
        online: Callable[[], Collection[str]],
        now: Callable[[], float],
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._file, self._orders, self._desk = file, orders, desk
        self._ask, self._online, self._now, self._wall = ask, online, now, wall
        self._zone = ZoneInfo(file.timezone)
        self._evses: dict[str, set[int]] = {}
        self._switched: dict[str, set[int]] = {}
        for one in file.chargers:
            self._evses.setdefault(one.station or one.id, set()).add(one.evse)
            if one.switched:
                self._switched.setdefault(one.station or one.id, set()).add(one.evse)
        self._turns = {station_id: asyncio.Lock() for station_id in self._evses}
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(self) -> None:
        """Take orders and carry them out until cancelled; what is under way then is let go."""
        broken = False
        try:
            await self._look_back()
            while True:
                try:
                    room = ORDERS_AT_ONCE - len(self._tasks)
                    for asked in await asyncio.to_thread(self._orders.take, room):
                        task = asyncio.create_task(self._carry_out(asked))
                        self._tasks.add(task)
                        task.add_done_callback(self._tasks.discard)
                    broken = False
                except StoreError as error:
                    if not broken:
                        log.warning("no orders can be taken: %s", error)
                    broken = True
                await asyncio.sleep(LOOK_SECOND)
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _look_back(self) -> None:
        """Answer what was under way when the depot ended; it is not carried out again."""
        try:
            for asked in await asyncio.to_thread(self._orders.unfinished):
                text = "the depot ended while it asked; whether it was carried out is not known"
                await self._settle(asked, asked.station_id, Answered("unknown", text))
        except StoreError as error:
            log.warning("what was under way cannot be read: %s", error)

    async def _carry_out(self, asked: Asked) -> None:
        station_id = asked.station_id if asked.station_id in self._evses else ""
        try:
            station_id, answered = await self._answer(asked)
        except VoltherdError as error:
            answered = Answered("invalid", str(error))
        except Exception:
            # An order that trips the depot is told, and must not end the serving of others.
            log.exception("%s by %s tripped the depot", asked.what, asked.by)
            answered = Answered("unknown", "it tripped the depot; its log says how")
        await self._settle(asked, station_id, answered)

    async def _settle(self, asked: Asked, station_id: str, answered: Answered) -> None:
        """Keep what was commanded, by whom and what came of it; then say so."""
        body: dict[str, object] = {
            "what": asked.what,
            "words": without_password(asked.words),
            "by": asked.by,
            "asked": asked.asked_second,
            "verdict": answered.verdict,
            "text": answered.text,
        }
        try:
            await asyncio.to_thread(self._desk().commanded, station_id, body, self._now())
        except StoreError as error:
            log.warning("%s by %s is not kept: %s", asked.what, asked.by, error)
        try:
            await asyncio.to_thread(self._orders.answer, asked.order_id, answered)
        except StoreError as error:
            log.warning("%s by %s is not answered: %s", asked.what, asked.by, error)

    async def _answer(self, asked: Asked) -> tuple[str, Answered]:
        """Carry out an order; give the station it was for, and what became of it."""
        if not self._is_fresh(asked):
            return asked.station_id if asked.station_id in self._evses else "", _LATE
        now, central = self._now(), self._desk().central
        if asked.what == BOOK:
            wish = wish_of(asked.words, central, self._zone, now)
            site = site_of(self._file, central, wish, now)
            return await booked(
                wish,
                site,
                self._desk(),
                lambda station_id, command: self._asked(station_id, command, asked),
                self._online,
                now,
            )
        evses = self._evses.get(asked.station_id)
        if evses is None:
            known = ", ".join(list(self._evses)[:8]) + (", ..." if len(self._evses) > 8 else "")
            raise UsageError(
                f"no station {asked.station_id[:48]!r} here", mend=f"the site file has {known}"
            )
        switched = self._switched.get(asked.station_id, set())
        here = Here(central, asked.station_id, evses, self._zone, now, switched)
        command = command_of(asked.what, asked.words, here)
        result = await self._asked(asked.station_id, command, asked)
        return asked.station_id, self._told(asked, command, result)

    def _is_fresh(self, asked: Asked) -> bool:
        """Say whether somebody still waits for it; a date that is none is not fresh."""
        return asked.asked_second - AHEAD_SECOND <= self._wall() < asked.end_second

    async def _asked(
        self, station_id: str, command: StationCommand, asked: Asked
    ) -> StationResult | Refused | Answered:
        """Ask a station when nobody else's order is under way there."""
        async with self._turns[station_id]:
            if not self._is_fresh(asked):
                return _LATE
            if station_id not in self._online():
                return Answered("away", f"{station_id} is not connected")
            second = min(ASK_SECOND, asked.end_second - self._wall())
            result = await self._ask(station_id, command, second)
        if result is None:
            return Answered("silent", f"{station_id} did not answer within {second:.0f} s")
        return result

    def _told(
        self, asked: Asked, command: StationCommand, result: StationResult | Refused | Answered
    ) -> Answered:
        """Put into words what a station answered."""
        name = asked.station_id
        if isinstance(result, Answered):
            return result
        if isinstance(result, Refused):
            why = f"{result.code} {result.description}".strip()
            return Answered("refused", f"{name} answers {asked.what} with an error ({why[:200]})")
        if isinstance(result, ScheduleTold):
            return self._held(name, result)
        status, detail = ("Accepted", "") if not isinstance(result, Outcome) else result
        more = f" ({detail[:200]})" if detail else ""
        text = f"{name} answers {status or 'nothing'} to {asked.what}{more}"
        if status not in _YES:
            return Answered("refused", text)
        if isinstance(command, RemoteStart):
            text += "; how much it gets is the guard's to say, at first it may be nothing"
        if isinstance(command, RemoteStop) and name in self._switched:
            text += "; the plan may start it again while the vehicle is there"
        return Answered("done", text)

    def _held(self, name: str, told: ScheduleTold) -> Answered:
        """Put limits that a station says it holds into words."""
        if told.schedule is None:
            return Answered("refused", f"{name} does not say what it holds ({told.status})")
        begin = told.schedule.start_second
        each, unit = _UNIT[told.schedule.unit]
        parts = []
        for period in told.schedule.periods[:_PERIODS_TOLD]:
            second = (self._now() if begin is None else begin) + period.start_second
            at = datetime.fromtimestamp(second, UTC).astimezone(self._zone)
            parts.append(f"{period.limit / each:.1f} {unit} from {at:%H:%M:%S}")
        left = len(told.schedule.periods) - _PERIODS_TOLD
        more = f", and {left} more" if left > 0 else ""
        return Answered("done", f"{name} EVSE {told.evse_id} holds {', '.join(parts)}{more}")


_LATE: Final = Answered("late", "nobody waits for it any more; it was not carried out")

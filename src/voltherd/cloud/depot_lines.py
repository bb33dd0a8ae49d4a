"""What goes on between a depot and its chargers: limits as profiles, or as off and on."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from math import inf
from typing import Final, NamedTuple, final

import numpy as np
from jaxtyping import Bool

from voltherd.charging.central import Central, StationBook
from voltherd.charging.guard import Orders
from voltherd.charging.guard_site import PHASES
from voltherd.charging.live import Answers, Charger
from voltherd.charging.stays import Stay
from voltherd.cloud.depot_switch import START_AGAIN_SECOND, switch
from voltherd.cloud.reprofile import Ask, Order, Profiled, reprofile
from voltherd.errors import VoltherdError
from voltherd.types.station import ChargingPeriod, ChargingSchedule
from voltherd.types.station_command import Outcome, RemoteStart, RemoteStop, SetSetting

log = logging.getLogger(__name__)
Work = Callable[[], Coroutine[None, None, None]]
HOLD_SECOND: Final = 900
"""A limit that is not renewed gives way to the safe default after this [s]."""
_SCHEDULE_SECOND: Final = 86_400
_SAMPLING: Final = ("MeterValueSampleInterval", "SampledDataCtrlr.TxUpdatedInterval")


class Sent(NamedTuple):
    """A limit on its way into a station: the guard's number for it, and what it allows [A]."""

    serial: int
    ampere: float


@dataclass(slots=True)
class _Line:
    """What goes on between here and one charger.

    Attributes:
        wanted: What it is to be sent; None while there is nothing to send.
        switched: What one that is started and stopped was asked for last.
        task: What sends it; None while nothing is under way.
        sent_second: When something was last sent [unix s].
        safe_boots: After which of its starts the station was given its safe default.
        answered: The number of the limit it answered last, and whether with yes.
        last: What became of the last limit.
    """

    wanted: Sent | None = None
    switched: RemoteStart | RemoteStop | None = None
    task: "asyncio.Task[None] | None" = None
    sent_second: float = -inf
    safe_boots: int = -1
    answered: tuple[int, bool] = (-1, False)
    last: Profiled | None = None


@final
class Lines:
    """The lines to all chargers; all is called in one loop.

    Args:
        ask: Asks a station.
        books: Gives the central system's books.
        chargers: In the guard's order.
        default_ampere: What each falls back to [A].
        volt: Of a phase [V].
        hold_second: For which a limit holds without being renewed [s].
        sample_second: How often stations are asked to read their meters [s].
        patience_second: How long a station may take [s].
    """

    def __init__(
        self,
        ask: Ask,
        books: Callable[[], Central],
        chargers: Sequence[Charger],
        default_ampere: Sequence[float],
        volt: float,
        *,
        hold_second: int,
        sample_second: int,
        patience_second: float,
    ) -> None:
        self._ask, self._books, self._chargers = ask, books, chargers
        self._default_ampere, self._volt = default_ampere, volt
        self._hold_second, self._sample_second = hold_second, sample_second
        self._patience_second = patience_second
        self._lines = [_Line() for _ in chargers]

    @property
    def answers(self) -> Answers:
        """What chargers last answered."""
        return Answers(
            np.array([line.answered[0] for line in self._lines], np.int64),
            np.array([line.answered[1] for line in self._lines], np.float64),
        )

    @property
    def confirmed(self) -> Bool[np.ndarray, " chargers"]:
        """Who says that it holds what it was told last."""
        told = [line.last is not None and line.last.verdict == "accepted" for line in self._lines]
        return np.array(told, bool)

    def tasks(self, but: frozenset[str] = frozenset()) -> "list[asyncio.Task[None]]":
        """Give what is under way, but to some stations."""
        return [
            line.task
            for line, charger in zip(self._lines, self._chargers, strict=True)
            if line.task is not None and charger.station_id not in but
        ]

    def send(
        self,
        stays: Sequence[Stay | None],
        orders: Orders,
        online: Sequence[str],
        now: float,
        *,
        may_start: Sequence[bool],
    ) -> None:
        """See to it that chargers hear of their limits.

        Args:
            stays: Who is there.
            orders: Of the guard.
            online: Stations that are connected.
            now: [unix s].
            may_start: Where vehicles that wait may be started.
        """
        central = self._books()
        for place, (line, charger) in enumerate(zip(self._lines, self._chargers, strict=True)):
            book, stay = central.stations.get(charger.station_id), stays[place]
            if book is None or (book.about is None and not charger.switched):
                continue
            sent = Sent(int(orders.serial[place]), float(orders.limit_ampere[place]))
            if charger.switched:
                work = self._switching(place, book, stay, sent, now, may_start=may_start[place])
            else:
                again = bool(orders.send[place])
                stale = stay is not None and now - line.sent_second >= self._hold_second / 2.0
                work = self._limiting(place, book, sent, now, due=again or stale)
            if work is not None and line.task is None and charger.station_id in online:
                line.task = asyncio.create_task(work())

    def _limiting(
        self, place: int, book: StationBook, sent: Sent, now: float, *, due: bool
    ) -> Work | None:
        """Tell a charger its limit where it is due; give what does it."""
        line = self._lines[place]
        unsafe = book.boots != line.safe_boots and now - line.sent_second >= self._patience_second
        if due or unsafe:
            line.wanted = sent
        return None if line.wanted is None else lambda: self._tell(place, now)

    def _switching(
        self,
        place: int,
        book: StationBook,
        stay: Stay | None,
        sent: Sent,
        now: float,
        *,
        may_start: bool,
    ) -> Work | None:
        """Start or stop a charger where it is not as it should be; give what does it.

        It has followed a limit when the books say so, whatever it answered.
        """
        line, charger = self._lines[place], self._chargers[place]
        wanted = switch(stay, may_run=sent.ampere >= charger.hardware_ampere)
        if not isinstance(wanted, RemoteStop):
            line.answered = (sent.serial, True)
        if isinstance(wanted, RemoteStart) and not may_start:
            wanted = None
        if wanted is None:
            line.switched = None
            if book.boots == line.safe_boots:
                return None
            return lambda: self._switch_over(place, None, now)
        pause = self._patience_second if isinstance(wanted, RemoteStop) else START_AGAIN_SECOND
        if wanted == line.switched and now - line.sent_second < pause:
            return None
        return lambda: self._switch_over(place, wanted, now)

    async def _switch_over(
        self, place: int, wanted: RemoteStart | RemoteStop | None, now: float
    ) -> None:
        line, charger = self._lines[place], self._chargers[place]
        try:
            if wanted is not None:
                line.switched, line.sent_second = wanted, now
                answer = await self._ask(charger.station_id, wanted)
                if not isinstance(answer, Outcome) or answer.status != "Accepted":
                    log.warning("%s was asked for %s: %s", charger.name, wanted, answer)
            book = self._books().stations[charger.station_id]
            if book.boots != line.safe_boots:
                line.safe_boots = book.boots
                await self._sample(place, book)
        except VoltherdError as error:
            log.warning("%s cannot be started or stopped: %s", charger.name, error)
        finally:
            line.task = None

    async def _sample(self, place: int, book: StationBook) -> None:
        """Say how often to read the meter."""
        name = _SAMPLING[book.later]
        station_id = self._chargers[place].station_id
        await self._ask(station_id, SetSetting(name, str(self._sample_second)))

    async def _tell(self, place: int, now: float) -> None:
        """Send a charger what it is to hold, until there is nothing newer."""
        line = self._lines[place]
        try:
            while (sent := line.wanted) is not None:
                line.wanted, line.sent_second = None, now
                obeys = await self._made_safe(place, now)
                told = self._order(place, sent.ampere, now)
                line.last = await reprofile(self._ask, self._books(), told, self._volt)
                if line.last.verdict != "deaf":
                    line.answered = (sent.serial, obeys and _holds(line.last))
        except VoltherdError as error:
            log.warning("%s cannot be told its limit: %s", self._chargers[place].name, error)
        finally:
            line.task = None

    async def _made_safe(self, place: int, now: float) -> bool:
        """Give a station that has started its safe default, and say how often to read its meter."""
        line, charger = self._lines[place], self._chargers[place]
        book = self._books().stations[charger.station_id]
        if book.boots == line.safe_boots:
            return True
        await self._sample(place, book)
        order = self._order(place, self._default_ampere[place], now)._replace(is_default=True)
        line.last = await reprofile(self._ask, self._books(), order, self._volt)
        if not _holds(line.last):
            return False
        line.safe_boots = book.boots
        return True

    def _order(self, place: int, ampere: float, now: float) -> Order:
        """Make a limit that gives way to the safe default after a while."""
        charger, default = self._chargers[place], self._default_ampere[place]
        phases = len(charger.phases)
        each = self._volt * phases
        told = phases if phases < PHASES else None
        periods = [ChargingPeriod(0, ampere * each, told)]
        if ampere != default:
            periods.append(ChargingPeriod(self._hold_second, default * each, told))
        schedule = ChargingSchedule("W", tuple(periods), float(int(now)), _SCHEDULE_SECOND)
        return Order(charger.station_id, charger.evse_id, schedule, is_endless=True)


def _holds(profiled: Profiled) -> bool:
    """Say whether a charger holds to no more than it was told."""
    if profiled.verdict == "accepted":
        return True
    found = profiled.comparison
    return profiled.verdict == "differs" and (found is None or found.verdict != "higher")

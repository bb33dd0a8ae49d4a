"""A depot that runs: once a second the guard, at every step and arrival a plan, and what is sent.

The plan is a wish.  The guard makes limits of it that together exceed nothing, and only these are
sent: each holds for a while, and then the station's safe default does, so that a depot whose
central system is gone is as safe as one that was left alone.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from dataclasses import replace as replaced
from math import inf
from typing import Final, NamedTuple, final

import numpy as np
from jaxtyping import Bool, Float

from voltherd.charging.central import Central
from voltherd.charging.guard import REASONS, Guard, Orders, Seen, Settings
from voltherd.charging.guard import start as start_guard
from voltherd.charging.guard import step as step_guard
from voltherd.charging.guard_site import PHASES, Site
from voltherd.charging.live import (
    Answers,
    Charger,
    Metered,
    Moment,
    Setpoints,
    guarded,
    occupants,
    seen,
)
from voltherd.charging.problem import Site as SiteDay
from voltherd.charging.transactions import Transaction
from voltherd.cloud.depot_accounts import Watched, accounts
from voltherd.cloud.depot_file import frame_of
from voltherd.cloud.depot_limits import at_arrival
from voltherd.cloud.depot_replan import Known, Planned, gone, replanned
from voltherd.cloud.depot_sections import SiteFile
from voltherd.cloud.depot_tonight import (
    Guest,
    chargers,
    headroom,
    site_from,
    stay_key,
)
from voltherd.cloud.reprofile import Ask, Order, Profiled, reprofile
from voltherd.errors import VoltherdError
from voltherd.types.depot import Account, BatteryNow
from voltherd.types.station import ChargingPeriod, ChargingSchedule
from voltherd.types.station_command import SetSetting

log = logging.getLogger(__name__)
Batteries = Callable[[], Mapping[str, BatteryNow]]
MeterNow = Callable[[], Metered | None]
Keep = Callable[[Mapping[str, float]], None]
HOLD_SECOND: Final = 900
"""A limit that is not renewed gives way to the safe default after this [s]."""
SAMPLE_SECOND: Final = 15
"""How often stations are asked to read their meters [s]."""
SAMPLES_MISSED: Final = 4
"""A meter that was not heard so many times counts as none."""
_SCHEDULE_SECOND: Final = 86_400
_SAMPLING: Final = ("MeterValueSampleInterval", "SampledDataCtrlr.TxUpdatedInterval")
_NOTED_SECOND_MAX: Final = 60.0
DISOBEYS: Final = "does not follow"
TOOK_LESS: Final = "the car took less than it was offered"
_LESS_AMPERE: Final = 1.0


class Sent(NamedTuple):
    """A limit on its way into a station: the guard's number for it, and what it allows [A]."""

    serial: int
    ampere: float


@dataclass(slots=True)
class _Line:
    """What goes on between here and one charger.

    Attributes:
        wanted: What it is to be sent; None while there is nothing to send.
        task: What sends it; None while nothing is under way.
        sent_second: When something was last sent [unix s].
        safe_boots: After which of its starts the station was given its safe default.
        answered: The number of the limit it answered last, and whether with yes.
        last: What became of the last limit.
    """

    wanted: Sent | None = None
    task: "asyncio.Task[None] | None" = None
    sent_second: float = -inf
    safe_boots: int = -1
    answered: tuple[int, bool] = (-1, False)
    last: Profiled | None = None


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How a depot runs.

    Attributes:
        guard: How its guard behaves.
        plan_pause_second: Between two plans for which somebody came or left [s].
        hold_second: For which a limit holds without being renewed [s].
        sample_second: How often stations are asked to read their meters [s].
    """

    guard: Settings = field(default_factory=Settings)
    plan_pause_second: float = 10.0
    hold_second: int = HOLD_SECOND
    sample_second: int = SAMPLE_SECOND


class Room(NamedTuple):
    """What the site expects from a step on.

    Attributes:
        begin_second: Where the step begins [unix s].
        ampere: What limits leave for vehicles in it [A].
        base_ampere: What is drawn beside them [A].
        site: Limits, loads and prices of a day from there on; None before the first step.
    """

    begin_second: float
    ampere: Float[np.ndarray, " limits"]
    base_ampere: float
    site: SiteDay | None = None


@final
class LiveDepot:
    """A depot that runs; all is called in one loop.

    Args:
        file: The site.
        where: For messages.
        books: Gives the central system's books.
        online: Gives the stations that are connected.
        ask: Asks a station.
        meter: Of the connection.
        pace: How it runs.
        held: What chargers may hold since before, by name: what ``keep`` was given last; without
            it each counts with all that it can draw until it has confirmed less [A].
        keep: Keeps that; durable when it returns, since stations are told more after it.
        batteries: Gives what estimators say of vehicles' batteries by now, by vehicle.

    Raises:
        UsageError: The site is not safe when left alone.
        InputError: What the file says makes no sense together.
    """

    def __init__(
        self,
        file: SiteFile,
        where: str,
        books: Callable[[], Central],
        online: Callable[[], tuple[str, ...]],
        ask: Ask,
        meter: MeterNow = lambda: None,
        pace: Pace | None = None,
        held: Mapping[str, float] | None = None,
        keep: Keep = lambda _held: None,
        batteries: Batteries = dict,
    ) -> None:
        self.file, self._where = file, where
        self._books, self._online, self._ask, self._meter = books, online, ask, meter
        pace = pace or Pace()
        self._step_second = file.step_minutes * 60.0
        self._pace = replaced(
            pace, guard=replaced(pace.guard, plan_age_second_max=2.0 * self._step_second)
        )
        self._volt = file.connection.voltage_volt
        self.chargers: tuple[Charger, ...] = chargers(file)
        begin = frame_of(file, where).start.timestamp()
        self._site = guarded(self.chargers, headroom(file, site_from(file, begin, where)))
        self.room = Room(-inf, np.zeros(0), 0.0)
        self._guard: Guard | None = None
        self._held, self._keep, self._batteries = dict(held or {}), keep, batteries
        self._vehicles = {one.token or one.id: one for one in file.vehicles}
        self._lines = [_Line() for _ in self.chargers]
        self._planning: asyncio.Task[None] | None = None
        self._ticked = inf
        self._strayed: dict[str, float] = {}
        self.plan: Planned | None = None
        self.orders: Orders | None = None
        self.moment: Moment | None = None
        self.news: Seen | None = None
        self.watched: dict[str, Watched] = {}

    def tick(self, now_second: float) -> None:
        """Take a second's news into account, and send what is to be sent.

        Args:
            now_second: [unix s].
        """
        central = self._books()
        running = occupants(central, self.chargers)
        self._plan_if_due(central, running, now_second)
        room = self._room_at(now_second)
        moment = Moment(
            now_second=now_second,
            online=frozenset(self._online()),
            setpoints=self._wishes(running),
            room_ampere=room.ampere,
            base_ampere=room.base_ampere,
            meter=self._meter(),
            answers=Answers(
                np.array([line.answered[0] for line in self._lines], np.int64),
                np.array([line.answered[1] for line in self._lines], np.float64),
            ),
        )
        news = seen(central, self.chargers, moment, self._volt)
        self.moment, self.news = moment, news
        site = self._site._replace(metered=self._site.metered & ~self._silent(news))
        guard = self._guard or self._started(site, now_second)
        self._guard, self.orders = step_guard(guard, site, news, self._pace.guard)
        self._remember(self._guard)
        self._note(running, news.current_ampere, now_second)
        self._send(central, running, self.orders, now_second)

    @property
    def astray(self) -> frozenset[str]:
        """Chargers that have not followed their limits for a while."""
        long = 2.0 * self._pace.guard.patience.patience_second
        return frozenset(n for n, since in self._strayed.items() if self._ticked - since >= long)

    def stays(self) -> frozenset[tuple[str, str, bool]]:
        """Give the transactions in the books by station, and whether each goes on."""
        return frozenset(
            (book.station_id, number, transaction.is_open)
            for book in self._books().stations.values()
            for number, transaction in book.transactions.items()
        )

    def accounts(self, since_second: float = -inf) -> tuple[Account, ...]:
        """Give an account of every stay in the books that has not ended before [unix s]."""
        return accounts(self.file, self.chargers, self._books(), self.watched, since_second)

    async def settled(self, but: frozenset[str] = frozenset()) -> None:
        """Wait until no plan is being made and nothing is on its way, but to some stations."""
        while tasks := [
            *([self._planning] if self._planning is not None else []),
            *(
                line.task
                for line, charger in zip(self._lines, self.chargers, strict=True)
                if line.task is not None and charger.station_id not in but
            ),
        ]:
            await asyncio.wait(tasks)

    async def stop(self) -> None:
        """Let go of what is under way."""
        tasks = [line.task for line in self._lines if line.task is not None]
        tasks += [self._planning] if self._planning is not None else []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _room_at(self, now: float) -> Room:
        begin = now - now % self._step_second
        if begin != self.room.begin_second:
            site = site_from(self.file, now, self._where)
            base = float(site.base_kilowatt[0]) * 1000.0 / (PHASES * self._volt)
            self.room = Room(begin, headroom(self.file, site).ampere[:, 0], base, site)
        return self.room

    def _started(self, site: Site, now: float) -> Guard:
        """Begin with what chargers may hold since before."""
        held = [self._held.get(charger.name, np.nan) for charger in self.chargers]
        return start_guard(site, now, np.array(held, np.float64))

    def _remember(self, guard: Guard) -> None:
        held = guard.hold.held_ampere.tolist()
        now = {charger.name: each for charger, each in zip(self.chargers, held, strict=True)}
        if now != self._held:
            self._keep(now)
            self._held = now

    def _silent(self, news: Seen) -> Bool[np.ndarray, " chargers"]:
        """Tell who says what limit it holds and nothing of what it draws: it has no meter now."""
        confirmed = [
            line.last is not None and line.last.verdict == "accepted" for line in self._lines
        ]
        old = ~(news.current_age_second <= SAMPLES_MISSED * self._pace.sample_second)
        return np.asarray(news.asks & old & np.array(confirmed, bool))

    def _wishes(self, running: Sequence[Transaction | None]) -> Setpoints | None:
        """Give what the plan wants, and nothing for who has what it wants."""
        if self.plan is None:
            return None
        until = self.plan.guests
        has = np.array(
            [
                t is not None and t.energy_wh >= until.get(stay_key(charger.name, t), inf)
                for charger, t in zip(self.chargers, running, strict=True)
            ],
            bool,
        )
        setpoints = self.plan.setpoints
        return setpoints._replace(ampere=np.where(has[:, None], 0.0, setpoints.ampere))

    def _plan_if_due(
        self, central: Central, running: Sequence[Transaction | None], now: float
    ) -> None:
        if self._planning is not None:
            return
        astray = self._astray_kilowatt()
        guests = [
            Guest(
                charger.name,
                t,
                central.stations[charger.station_id].needs.get(charger.evse_id),
                self._battery(stay_key(charger.name, t), t, now),
            )
            for charger, t in zip(self.chargers, running, strict=True)
            if t is not None and charger.name not in astray
        ]
        there = {guest.key for guest in guests}
        made = self.plan.setpoints.made_second if self.plan is not None else -inf
        of = (set(self.plan.guests), self.plan.astray) if self.plan is not None else None
        if now // self._step_second == made // self._step_second and (
            of == (there, frozenset(astray)) or now - made < self._pace.plan_pause_second
        ):
            return
        for guest in guests:
            known = self.watched.get(guest.key, Watched())
            self.watched[guest.key] = replaced(known, needs=guest.needs, battery=guest.battery)
        work = self._plan(Known(guests, gone(central, self.file), astray, now))
        self._planning = asyncio.create_task(work)

    def _battery(self, key: str, transaction: Transaction, now: float) -> BatteryNow | None:
        """Give what was in a vehicle's battery when it came: what was known first stays."""
        known = self.watched.get(key, Watched()).battery
        vehicle = self._vehicles.get(transaction.id_token)
        if known is not None or vehicle is None:
            return known
        found = self._batteries().get(vehicle.id)
        start = transaction.start_second or now
        return found and at_arrival(found, vehicle, start, transaction.energy_wh, now)

    def _astray_kilowatt(self) -> dict[str, float]:
        """Give what chargers may draw that follow no limit [kW]."""
        if self.orders is None:
            return {}
        might = self.orders.might_ampere.tolist()
        return {
            charger.name: ampere * self._volt * len(charger.phases) / 1000.0
            for charger, ampere in zip(self.chargers, might, strict=True)
            if charger.name in self.astray
        }

    async def _plan(self, known: Known) -> None:
        try:
            self.plan = await asyncio.to_thread(
                replanned, self.file, self.chargers, known, self._where
            )
            for key, short in self.plan.short.items():
                self.watched[key] = replaced(self.watched[key], short=short)
        except VoltherdError as error:
            log.warning("no new plan: %s", error)
        finally:
            self._planning = None

    def _note(
        self,
        running: Sequence[Transaction | None],
        current: Float[np.ndarray, "chargers 3"],
        now: float,
    ) -> None:
        """Keep why each car gets what it gets."""
        assert self.orders is not None
        passed = min(max(now - self._ticked, 0.0), _NOTED_SECOND_MAX)
        self._ticked = now
        self._strayed = {
            charger.name: self._strayed.get(charger.name, now)
            for charger, reason in zip(self.chargers, self.orders.reason.tolist(), strict=True)
            if REASONS[reason] == DISOBEYS
        }
        for place, transaction in enumerate(running):
            if transaction is None:
                continue
            limit = float(self.orders.limit_ampere[place])
            peak = float(np.nan_to_num(current[place], nan=inf).max())
            why = REASONS[int(self.orders.reason[place])]
            if limit > 0.0 and peak < limit - _LESS_AMPERE:
                why = TOOK_LESS
            key = stay_key(self.chargers[place].name, transaction)
            known = self.watched.get(key, Watched())
            counted = {**known.why, why: known.why.get(why, 0.0) + passed}
            self.watched[key] = replaced(known, why=counted)

    def _send(
        self,
        central: Central,
        running: Sequence[Transaction | None],
        orders: Orders,
        now: float,
    ) -> None:
        """See to it that chargers hear of their limits."""
        online = self._online()
        for place, (line, charger) in enumerate(zip(self._lines, self.chargers, strict=True)):
            book = central.stations.get(charger.station_id)
            if book is None or book.about is None:
                continue
            stale = running[place] is not None and (
                now - line.sent_second >= self._pace.hold_second / 2.0
            )
            unsafe = book.boots != line.safe_boots and (
                now - line.sent_second >= self._pace.guard.patience.patience_second
            )
            if orders.send[place] or stale or unsafe:
                line.wanted = Sent(int(orders.serial[place]), float(orders.limit_ampere[place]))
            if line.wanted is not None and line.task is None and charger.station_id in online:
                line.task = asyncio.create_task(self._tell(place, now))

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
            log.warning("%s cannot be told its limit: %s", self.chargers[place].name, error)
        finally:
            line.task = None

    async def _made_safe(self, place: int, now: float) -> bool:
        """Give a station that has started its safe default, and say how often to read its meter."""
        line, charger = self._lines[place], self.chargers[place]
        book = self._books().stations[charger.station_id]
        if book.boots == line.safe_boots:
            return True
        name = _SAMPLING[book.later]
        await self._ask(charger.station_id, SetSetting(name, str(self._pace.sample_second)))
        default = float(self._site.default_ampere[place])
        order = self._order(place, default, now)._replace(is_default=True)
        line.last = await reprofile(self._ask, self._books(), order, self._volt)
        if not _holds(line.last):
            return False
        line.safe_boots = book.boots
        return True

    def _order(self, place: int, ampere: float, now: float) -> Order:
        """Make a limit that gives way to the safe default after a while."""
        charger, default = self.chargers[place], float(self._site.default_ampere[place])
        phases = len(charger.phases)
        each = self._volt * phases
        told = phases if phases < PHASES else None
        periods = [ChargingPeriod(0, ampere * each, told)]
        if ampere != default:
            periods.append(ChargingPeriod(self._pace.hold_second, default * each, told))
        schedule = ChargingSchedule("W", tuple(periods), float(int(now)), _SCHEDULE_SECOND)
        return Order(charger.station_id, charger.evse_id, schedule, is_endless=True)


def _holds(profiled: Profiled) -> bool:
    """Say whether a charger holds to no more than it was told."""
    if profiled.verdict == "accepted":
        return True
    found = profiled.comparison
    return profiled.verdict == "differs" and (found is None or found.verdict != "higher")

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
    Charger,
    Metered,
    Moment,
    Setpoints,
    guarded,
    seen,
)
from voltherd.charging.site import Site as SiteDay
from voltherd.charging.stays import Stay
from voltherd.charging.transactions import Transaction
from voltherd.cloud.depot_accounts import Watched, accounts
from voltherd.cloud.depot_file import frame_of
from voltherd.cloud.depot_limits import at_arrival
from voltherd.cloud.depot_lines import HOLD_SECOND, Lines
from voltherd.cloud.depot_replan import Known, Planned, gone, replanned
from voltherd.cloud.depot_sections import SiteFile
from voltherd.cloud.depot_stays import ahead_second, present
from voltherd.cloud.depot_switch import is_wanted, startable
from voltherd.cloud.depot_tonight import (
    Guest,
    chargers,
    headroom,
    site_from,
    stay_key,
)
from voltherd.cloud.reprofile import Ask
from voltherd.errors import VoltherdError
from voltherd.types.depot import Account, BatteryNow
from voltherd.types.station import NeedsTold

log = logging.getLogger(__name__)
Batteries = Callable[[], Mapping[str, BatteryNow]]
MeterNow = Callable[[], Metered | None]
Keep = Callable[[Mapping[str, float]], None]
SAMPLE_SECOND: Final = 15
"""How often stations are asked to read their meters [s]."""
SAMPLES_MISSED: Final = 4
"""A meter that was not heard so many times counts as none."""
_NOTED_SECOND_MAX: Final = 60.0
DISOBEYS: Final = "does not follow"
TOOK_LESS: Final = "the car took less than it was offered"
WAITS: Final = "it waited to be started"
_LESS_AMPERE: Final = 1.0


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
        self._books, self._online, self._meter = books, online, meter
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
        self._lines = Lines(
            ask,
            books,
            self.chargers,
            self._site.default_ampere.tolist(),
            self._volt,
            hold_second=self._pace.hold_second,
            sample_second=self._pace.sample_second,
            patience_second=self._pace.guard.patience.patience_second,
        )
        self._planning: asyncio.Task[None] | None = None
        self._ticked = self._began_second = inf
        self._waiting: frozenset[str] = frozenset()
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
        stays = present(self.file, self.chargers, central, now_second)
        self._waiting = frozenset(
            charger.name
            for charger, stay in zip(self.chargers, stays, strict=True)
            if stay is not None and stay.running is None
        )
        self._plan_if_due(central, stays, now_second)
        room = self._room_at(now_second)
        moment = Moment(
            now_second=now_second,
            online=frozenset(self._online()),
            setpoints=self._wishes(central, stays, now_second),
            room_ampere=room.ampere,
            base_ampere=room.base_ampere,
            meter=self._meter(),
            answers=self._lines.answers,
            waiting=self._waiting,
        )
        news = seen(central, self.chargers, moment, self._volt)
        self.moment, self.news = moment, news
        site = self._site._replace(metered=self._site.metered & ~self._silent(news))
        guard = self._guard or self._started(site, now_second)
        self._guard, self.orders = step_guard(guard, site, news, self._pace.guard)
        self._remember(self._guard)
        self._note(stays, news.current_ampere, now_second)
        able = self._startable(central, stays, moment)
        self._lines.send(stays, self.orders, self._online(), now_second, may_start=able)

    @property
    def astray(self) -> frozenset[str]:
        """Chargers that have not followed their limits for a while."""
        long = 2.0 * self._pace.guard.patience.patience_second
        return frozenset(n for n, since in self._strayed.items() if self._ticked - since >= long)

    def stays(self) -> frozenset[tuple[str, str, bool]]:
        """Give the transactions in the books by station, if each goes on, and who waits."""
        found = {
            (book.station_id, number, transaction.is_open)
            for book in self._books().stations.values()
            for number, transaction in book.transactions.items()
        }
        return frozenset(found | {(name, "", True) for name in self._waiting})

    def accounts(self, since_second: float = -inf) -> tuple[Account, ...]:
        """Give an account of every stay in the books that has not ended before [unix s]."""
        books, now = self._books(), self._ticked
        return accounts(self.file, self.chargers, books, self.watched, since_second, now)

    async def settled(self, but: frozenset[str] = frozenset()) -> None:
        """Wait until no plan is being made and nothing is on its way, but to some stations."""
        while tasks := [
            *([self._planning] if self._planning is not None else []),
            *self._lines.tasks(but),
        ]:
            await asyncio.wait(tasks)

    async def stop(self) -> None:
        """Let go of what is under way."""
        tasks = self._lines.tasks()
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
        old = ~(news.current_age_second <= SAMPLES_MISSED * self._pace.sample_second)
        return np.asarray(news.asks & old & self._lines.confirmed)

    def _wishes(
        self, central: Central, stays: Sequence[Stay | None], now: float
    ) -> Setpoints | None:
        """Give what the plan wants, and nothing for who has what it wants."""
        plan = self.plan
        if plan is None:
            return None
        ampere = plan.setpoints.ampere.copy()
        planned = plan.setpoints.at(now).tolist()
        step = int((now - plan.setpoints.start_second) // self._step_second)
        at = slice(step, step + 1) if step >= 0 else slice(0)
        for place, (charger, stay) in enumerate(zip(self.chargers, stays, strict=True)):
            if stay is None:
                continue
            key = stay_key(charger.name, stay.whole)
            if stay.whole.energy_wh >= plan.guests.get(key, inf):
                ampere[place] = 0.0
            elif charger.switched:
                known = planned[place] if key in plan.guests else None
                if charger.name in plan.astray:
                    known = 0.0
                there = _by_its_clock(central, charger, now)
                wanted = is_wanted(stay, known, there, self._step_second)
                ampere[place, at] = charger.hardware_ampere if wanted else 0.0
        return plan.setpoints._replace(ampere=ampere)

    def _startable(
        self, central: Central, stays: Sequence[Stay | None], moment: Moment
    ) -> list[bool]:
        """Say where vehicles may be started: nowhere while the first plan is being made."""
        now, meter = moment.now_second, moment.meter
        if self.plan is None and now - self._began_second < self._step_second:
            return [False] * len(stays)
        metered = None
        if meter and 0.0 <= now - meter.time_second <= self._pace.guard.meter_age_second_max:
            metered = meter.ampere
        limit = float(moment.room_ampere[0]) + moment.base_ampere
        there = [_by_its_clock(central, charger, now) for charger in self.chargers]
        return startable(self.chargers, stays, there, metered, limit)

    def _plan_if_due(self, central: Central, stays: Sequence[Stay | None], now: float) -> None:
        if self._planning is not None:
            return
        astray = self._astray_kilowatt()
        guests = [
            Guest(
                charger.name,
                stay.whole,
                self._needs(central, charger, stay),
                self._battery(stay_key(charger.name, stay.whole), stay.whole, now),
            )
            for charger, stay in zip(self.chargers, stays, strict=True)
            if stay is not None and charger.name not in astray
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

    def _needs(self, central: Central, charger: Charger, stay: Stay) -> NeedsTold | None:
        """Give what a vehicle asks for; its word stays while it waits between transactions."""
        told = central.stations[charger.station_id].needs.get(charger.evse_id)
        return told or self.watched.get(stay_key(charger.name, stay.whole), Watched()).needs

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
        stays: Sequence[Stay | None],
        current: Float[np.ndarray, "chargers 3"],
        now: float,
    ) -> None:
        """Keep why each car gets what it gets."""
        assert self.orders is not None
        passed = min(max(now - self._ticked, 0.0), _NOTED_SECOND_MAX)
        self._ticked, self._began_second = now, min(self._began_second, now)
        self._strayed = {
            charger.name: self._strayed.get(charger.name, now)
            for charger, reason in zip(self.chargers, self.orders.reason.tolist(), strict=True)
            if REASONS[reason] == DISOBEYS
        }
        for place, stay in enumerate(stays):
            if stay is None:
                continue
            limit = float(self.orders.limit_ampere[place])
            peak = float(np.nan_to_num(current[place], nan=inf).max())
            why = REASONS[int(self.orders.reason[place])]
            if limit > 0.0 and peak < limit - _LESS_AMPERE:
                why = WAITS if stay.running is None else TOOK_LESS
            key = stay_key(self.chargers[place].name, stay.whole)
            known = self.watched.get(key, Watched())
            counted = {**known.why, why: known.why.get(why, 0.0) + passed}
            self.watched[key] = replaced(known, why=counted)


def _by_its_clock(central: Central, charger: Charger, now: float) -> float:
    """Give what time it is to a charger's station, as far as it was heard [unix s]."""
    book = central.stations.get(charger.station_id)
    return now if book is None else now + ahead_second(book)

"""A depot of simulated stations: real web sockets, time that passes as fast as all can follow."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Final, NamedTuple, Protocol, final

from voltherd.charging.live import Metered
from voltherd.cloud.depot import Depot
from voltherd.cloud.depot_file import frame_of, moment
from voltherd.cloud.depot_limits import takes
from voltherd.cloud.depot_live import LiveDepot, Pace
from voltherd.cloud.depot_sections import (
    BatterySection,
    ChargerSection,
    SiteFile,
    VehicleSection,
)
from voltherd.numerics.presets import PRESETS
from voltherd.ports import Clock
from voltherd.sim.station import SimulatedStation
from voltherd.sim.station_spec import Habits, StationSpec, Vehicle, Visit, Wish
from voltherd.types.asset import Chemistry
from voltherd.types.station_command import Refused, StationCommand, StationResult

QUIET_SECOND: Final = 20.0
"""In real time; who has not come to rest by then is not waited for."""
ANSWER_SECOND: Final = 0.5
"""In real time; stations are next door [s]."""
START_CURRENT_AMPERE: Final = 6.0
AC_KILOWATT_MAX: Final = 44.0
"""IEC 61851-1 lets alternating current go up to 63 A [kW]."""


@final
class LockStep:
    """Simulated time that goes on when all who take part have done what there was to do.

    Args:
        now_second: When it begins [unix s].
        members: How many take part.
    """

    def __init__(self, now_second: float, members: int) -> None:
        self._now, self._members = now_second, members
        self._waiting = 0
        self._go, self._quiet = asyncio.Event(), asyncio.Event()

    def unix_second(self) -> float:
        """Simulated date [unix s]."""
        return self._now

    def monotonic_second(self) -> float:
        """The same: it never runs backwards [s]."""
        return self._now

    def sleep(self, second: float) -> None:
        """Never called: nobody may hold up all others [s]."""
        raise AssertionError(f"somebody wants to sleep {second} s")

    async def pause(self, _second: float) -> None:
        """Say that there is nothing left to do, and wait for the next step."""
        self._waiting += 1
        if self._waiting >= self._members:
            self._quiet.set()
        await self._go.wait()

    async def pass_to(self, now_second: float) -> None:
        """Let time pass, and wait until all have come to rest.

        Args:
            now_second: Until when [unix s].
        """
        go, self._go = self._go, asyncio.Event()
        self._now, self._waiting = now_second, 0
        self._quiet.clear()
        go.set()
        try:
            async with asyncio.timeout(QUIET_SECOND):
                await self._quiet.wait()
        except TimeoutError:
            pass  # a connection that hangs is part of what is tried


def stations_of(
    file: SiteFile,
    where: str,
    habits: Mapping[str, Habits] | None = None,
    sooner: frozenset[str] = frozenset(),
    *,
    telling: bool = False,
) -> tuple[StationSpec, ...]:
    """Make the stations of a site, and tonight's vehicles.

    Args:
        file: The site.
        where: For messages.
        habits: What stations do that they should not.
        sooner: Stations that speak 1.6; the others speak 2.0.1.
        telling: Whether vehicles ask for what they want by themselves, where their station speaks
            2.0.1.
    """
    visits = _visits(file, where, telling)
    by_station: dict[str, list[ChargerSection]] = {}
    for charger in file.chargers:
        by_station.setdefault(charger.station or charger.id, []).append(charger)
    return tuple(
        StationSpec(
            station_id,
            station_id not in sooner,
            max(charger.power_kilowatt for charger in places) * 1000.0,
            tuple(visit for charger in places for visit in visits.get(charger.id, ())),
            habits=(habits or {}).get(station_id, Habits()),
        )
        for station_id, places in by_station.items()
    )


def _visits(file: SiteFile, where: str, telling: bool) -> dict[str, list[Visit]]:
    """Give who comes to each charger."""
    frame, places = frame_of(file, where), {charger.id: charger for charger in file.chargers}
    visits: dict[str, list[Visit]] = {}
    for section in file.vehicles:
        arrival = moment(section.arrives, frame, frame.start)
        departure = moment(section.departs, frame, arrival)
        place = places[section.charger]
        wish = Wish(section.soc_departure, _transfer(place)) if telling else None
        visits.setdefault(place.id, []).append(
            Visit(
                place.evse,
                arrival.timestamp(),
                departure.timestamp(),
                section.token or section.id,
                _vehicle(section, place, file.connection.voltage_volt),
                wish,
            )
        )
    return visits


def _vehicle(section: VehicleSection, place: ChargerSection, volt: float) -> Vehicle:
    """Give a vehicle whose battery takes what a model of it does."""
    battery = section.battery or BatterySection(chemistry=Chemistry.NMC, price_per_kwh=0.0)
    capacity_wh = section.battery_kwh * battery.soh * 1000.0
    curve: tuple[tuple[float, float], ...] = ()
    if battery.chemistry in PRESETS:
        curve = takes(battery.chemistry, round(battery.soh, 2), round(battery.celsius))
    most = min(section.power_kilowatt or place.power_kilowatt, place.power_kilowatt) * 1000.0
    return Vehicle(
        capacity_wh=capacity_wh,
        soc_fraction=section.soc_arrival,
        power_watt=most,
        curve_watt=tuple(
            (soc, per_hour * capacity_wh / section.efficiency) for soc, per_hour in curve
        ),
        power_watt_min=START_CURRENT_AMPERE * volt * place.phases,
        efficiency_fraction=section.efficiency,
    )


def _transfer(place: ChargerSection) -> str:
    """Name how a charger gives energy: what no alternating current carries is direct current."""
    if place.power_kilowatt > AC_KILOWATT_MAX:
        return "DC"
    return {1: "AC_single_phase", 2: "AC_two_phase"}.get(place.phases, "AC_three_phase")


class Server(Protocol):
    """The central system's side, as ``adapters.ocpp.server`` has it."""

    @property
    def connected(self) -> tuple[str, ...]:
        """Who is connected."""
        ...

    @property
    def port(self) -> int:
        """Where it listens."""
        ...

    async def start(self) -> None:
        """Listen."""
        ...

    async def stop(self) -> None:
        """Close every connection."""
        ...

    async def ask(
        self, station_id: str, command: StationCommand, timeout_second: float
    ) -> StationResult | Refused | None:
        """Ask a station for something."""
        ...


class Client(Protocol):
    """A station's side."""

    async def run(self) -> None:
        """Connect, and connect again, until cancelled."""
        ...


class Make(NamedTuple):
    """What makes the parts that know sockets and files.

    Attributes:
        desk: The central system's books, restored from its journal.
        server: Its server at a port, 0 for a free one.
        client: A station that connects to a port; pauses as it is told to.
    """

    desk: Callable[[], Depot]
    server: Callable[[Depot, Clock, int], Server]
    client: Callable[[SimulatedStation, int, Clock, Callable[[float], Awaitable[None]]], Client]


@final
class DepotWorld:
    """A depot of simulated stations, its central system and its guard, in lock step.

    Args:
        file: The site.
        where: For messages.
        specs: Its stations.
        make: Makes the parts.
        meter: Gives what the site's meter reads, from the time and what vehicles draw; None
            where it is lost.
        pace: How the depot runs.
        step_second: Of time [s].
    """

    def __init__(
        self,
        file: SiteFile,
        where: str,
        specs: Sequence[StationSpec],
        make: Make,
        meter: Callable[[float, float], Metered | None] = lambda _now, _watt: None,
        pace: Pace | None = None,
        step_second: float = 5.0,
    ) -> None:
        self.now_second = frame_of(file, where).start.timestamp()
        self._file, self._where, self._make, self._meter = file, where, make, meter
        self._pace, self._step_second = pace, step_second
        self.clock = LockStep(self.now_second, len(specs))
        self.stations = {one.station_id: SimulatedStation(one, self.now_second) for one in specs}
        self._deaf = frozenset(one.station_id for one in specs if one.habits.is_deaf_to_profiles)
        self._tasks: list[asyncio.Task[None]] = []
        self._held: dict[str, float] = {}
        self._server: Server | None = None
        self.desk, self.live = self._started_desk(0)

    @property
    def power_watt(self) -> float:
        """What vehicles draw, in truth [W]."""
        return sum((station.power_watt for station in self.stations.values()), 0.0)

    @property
    def connected(self) -> tuple[str, ...]:
        """Stations that are connected."""
        return () if self._server is None else self._server.connected

    async def ask(
        self, station_id: str, command: StationCommand, timeout_second: float
    ) -> StationResult | Refused | None:
        """Ask a station for something, in real time."""
        assert self._server is not None
        return await self._server.ask(station_id, command, timeout_second)

    async def start(self) -> None:
        """Let the central system listen and stations connect."""
        assert self._server is not None
        await self._server.start()
        port = self._server.port
        for station in self.stations.values():
            client = self._make.client(station, port, self.clock, self.clock.pause)
            self._tasks.append(asyncio.create_task(client.run()))

    async def run(self, until_second: float) -> AsyncIterator[float]:
        """Let time pass, step by step.

        Args:
            until_second: When to stop [unix s].

        Yields:
            The time after every step, when all is settled [unix s].
        """
        while self.now_second < until_second:
            self.now_second += self._step_second
            await self.clock.pass_to(self.now_second)
            self.live.tick(self.now_second)
            await self.live.settled(but=self._deaf)
            yield self.now_second

    async def restart(self) -> None:
        """End the central system, all of it, and start another on its journal."""
        assert self._server is not None
        port = self._server.port
        await self.live.stop()
        await self._server.stop()
        self.desk, self.live = self._started_desk(port)
        await self._server.start()

    async def stop(self) -> None:
        """End all."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.live.stop()
        if self._server is not None:
            await self._server.stop()

    def _started_desk(self, port: int) -> tuple[Depot, LiveDepot]:
        desk = self._make.desk()
        server = self._server = self._make.server(desk, self.clock, port)
        live = LiveDepot(
            self._file,
            self._where,
            books=lambda: desk.central,
            online=lambda: server.connected,
            ask=lambda station_id, command: server.ask(station_id, command, ANSWER_SECOND),
            meter=lambda: self._meter(self.now_second, self.power_watt),
            pace=self._pace,
            held=self._held,
            keep=self._held.update,
        )
        return desk, live

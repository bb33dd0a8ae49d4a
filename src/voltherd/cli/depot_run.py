"""A depot that runs in this terminal, with real stations or simulated ones."""

import asyncio
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, Generic, TypeVar

import typer

from voltherd.charging.live import Metered
from voltherd.cli.screen import progress, width
from voltherd.cli.stations.compose import (
    depot_desk,
    depot_server,
    fleet_asked,
    has_books,
    held_before,
    keep_held,
    orders_in,
    past_before,
    simulated_depot,
    site_meter,
    tell_now,
)
from voltherd.cloud.clocks import WallClock
from voltherd.cloud.depot_live import LiveDepot
from voltherd.cloud.depot_now import depot_now, look, not_ordered
from voltherd.cloud.depot_operator import Operator
from voltherd.cloud.depot_run import Teller
from voltherd.cloud.depot_sections import SiteFile
from voltherd.errors import ServiceError, UsageError
from voltherd.report.depot_accounts import render_accounts
from voltherd.types.depot import BatteryNow
from voltherd.units import SECOND_PER_HOUR

ANSWER_SECOND: Final = 30.0
TICK_SECOND: Final = 1.0
FLEET_SECOND: Final = 60.0
"""How often the fleet's cloud is asked for vehicles' batteries."""
METER_LOST: Final = "the guard goes by what may be drawn beside vehicles"
FLEET_LOST: Final = "plans go by what the site file says of batteries"
Told = TypeVar("Told")
TELL_SECOND: Final = 5.0
"""How often, in real time, it is written down how the depot does."""


def run_depot(file: SiteFile, where: str, folder: Path, hours: float | None) -> None:
    """Run a depot until it is interrupted, or so many hours.

    Raises:
        UsageError: It cannot listen there, or the site is not safe when left alone.
        StoreError: What stations tell cannot be kept.
    """
    with suppress(KeyboardInterrupt):
        asyncio.run(_run(file, where, folder, hours))


def run_simulated(
    file: SiteFile, where: str, folder: Path | None, hours: float, speed: float
) -> None:
    """Run a depot with simulated stations for so many hours of their time.

    What they tell is kept in the folder, if one is given.

    Raises:
        UsageError: The site is not safe when left alone, or the folder has books already.
        InputError: What the site file says makes no sense together.
    """
    if folder is not None and has_books(folder):
        raise UsageError(
            "there are books of a depot already",
            where=str(folder),
            mend="give --simulated another folder: its day begins anew",
        )
    with suppress(KeyboardInterrupt), tempfile.TemporaryDirectory() as passing:
        asyncio.run(_simulate(file, where, folder or Path(passing), hours, speed))


async def _run(file: SiteFile, where: str, folder: Path, hours: float | None) -> None:
    clock = WallClock()
    read, asked = site_meter(file, clock), fleet_asked(file, Path(where).parent)
    desk = depot_desk(file, folder)
    server = depot_server(file, desk, clock, file.central.port)
    meter, fleet = _Latest[Metered | None](None), _Latest[Mapping[str, BatteryNow]]({})
    live = LiveDepot(
        file,
        where,
        books=lambda: desk.central,
        online=lambda: server.connected,
        ask=lambda station_id, command: server.ask(station_id, command, ANSWER_SECOND),
        meter=lambda: meter.value,
        held=held_before(folder),
        keep=partial(keep_held, folder),
        batteries=lambda: fleet.value,
    )
    orders = orders_in(folder)
    orders.open()
    operator = Operator(
        file,
        orders,
        desk=lambda: desk,
        ask=server.ask,
        online=lambda: server.connected,
        now=clock.unix_second,
    )
    await server.start()
    scheme = "wss" if file.central.security_profile >= 2 else "ws"
    typer.echo(f"stations connect to {scheme}://{file.central.host}:{server.port}/ocpp/STATION")
    typer.echo(f"what they tell is kept in {folder}; Ctrl-C ends")
    for note in not_ordered(file):
        typer.echo(note)
    teller, diary = Teller(live), _Diary(live, folder)
    watches = [
        asyncio.create_task(_watched(read, meter, METER_LOST, TICK_SECOND)),
        asyncio.create_task(_watched(asked, fleet, FLEET_LOST, FLEET_SECOND)),
        asyncio.create_task(operator.serve()),
    ]
    end = None if hours is None else clock.unix_second() + hours * SECOND_PER_HOUR
    try:
        while end is None or clock.unix_second() < end:
            began = clock.monotonic_second()
            live.tick(clock.unix_second())
            _say(teller, clock.unix_second(), server.connected)
            diary.look(clock.unix_second())
            await asyncio.sleep(max(TICK_SECOND - (clock.monotonic_second() - began), 0.0))
    finally:
        for watch in watches:
            watch.cancel()
        await asyncio.gather(*watches, return_exceptions=True)
        diary.write(clock.unix_second())
        await live.stop()
        await server.stop()
        desk.keep_books()
        typer.echo(render_accounts(live.accounts(), file.timezone, width()), nl=False)


@dataclass(slots=True)
class _Latest(Generic[Told]):
    """What was told last."""

    value: Told


class _Diary:
    """Keeps what was drawn in the last day, and writes down every few seconds how the depot does.

    What was kept before goes on after a restart.
    """

    def __init__(self, live: LiveDepot, folder: Path) -> None:
        self._live, self._folder = live, folder
        self._past = past_before(folder, live.file.step_minutes * 60.0)
        self._written = -TELL_SECOND

    def look(self, now_second: float) -> None:
        """Take a second into account."""
        self._past = look(self._live, self._past, now_second)
        if time.monotonic() - self._written >= TELL_SECOND:
            self.write(now_second)

    def write(self, now_second: float) -> None:
        """Write down how the depot does."""
        self._written = time.monotonic()
        now = depot_now(self._live, self._past, now_second)
        if now is not None:
            tell_now(self._folder, now)


async def _watched(
    ask: Callable[[], Told], latest: _Latest[Told], lost: str, pause_second: float
) -> None:
    """Ask again and again, beside all else: who is slow holds up nobody."""
    silent = False
    while True:
        try:
            latest.value = await asyncio.to_thread(ask)
            silent = False
        except ServiceError as error:
            if not silent:
                typer.echo(f"{error}; {lost}")
            silent = True
        await asyncio.sleep(pause_second)


async def _simulate(file: SiteFile, where: str, folder: Path, hours: float, speed: float) -> None:
    world = simulated_depot(file, where, folder)
    teller, diary, began = Teller(world.live), _Diary(world.live, folder), world.now_second
    typer.echo(
        f"simulated stations, up to {speed:g} times as fast as real ones, over real connections"
    )
    orders = orders_in(folder)
    orders.open()
    operator = Operator(
        file,
        orders,
        desk=lambda: world.desk,
        ask=world.ask,
        online=lambda: world.connected,
        now=lambda: world.now_second,
    )
    await world.start()
    serving = asyncio.create_task(operator.serve())
    real = time.monotonic()
    try:
        async for now in world.run(began + hours * SECOND_PER_HOUR):
            _say(teller, now, world.connected)
            diary.look(now)
            await asyncio.sleep(max((now - began) / speed - (time.monotonic() - real), 0.0))
    finally:
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
        diary.write(world.now_second)
        await world.stop()
        typer.echo(render_accounts(world.live.accounts(), file.timezone, width()), nl=False)


def _say(teller: Teller, now_second: float, online: tuple[str, ...]) -> None:
    lines = list(teller.news(now_second, online))
    if lines:
        progress("")
    for line in lines:
        typer.echo(line)

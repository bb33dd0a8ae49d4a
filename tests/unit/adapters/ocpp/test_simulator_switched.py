"""Station simulators that others wrote, and that keep no profile, charge under our plans.

``ocpp-ws-cli`` (1.6 and 2.0.1) and ``charger-simulator`` (1.6) run as programs of their own against
a depot that runs, all in one world that passes twelve times as fast: ``fast_world.cjs`` speeds up
their clocks and timers, and nothing of the programs.  What they deviate in is in docs/ocpp.md.
"""

import asyncio
import json
import os
import shutil
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.unit.adapters.ocpp.depot_world import depot_on, served, until
from voltherd.charging.central import Rules
from voltherd.cloud.depot_file import site_file
from voltherd.cloud.depot_live import LiveDepot, Pace
from voltherd.sim.clock import ScaledClock
from voltherd.types.station import TokenVerdict
from voltherd.types.station_command import RemoteStart

HERE = Path(__file__).parent / "simulators"
PLACE = Path(os.environ.get("VOLTHERD_STATION_SIMULATORS", HERE))
MODULES = PLACE / "node_modules"
NEEDED = [MODULES / "ocpp-ws-cli/dist/index.js", MODULES / "charger-simulator/package.json"]
WHY = f"needs Node and station simulators: (cd {HERE} && npm ci --ignore-scripts)"
pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(
        not (shutil.which("node") and all(one.is_file() for one in NEEDED)), reason=WHY
    ),
]
START = datetime(2026, 11, 26, 12, tzinfo=UTC).timestamp()
SPEED = 12.0
BEGIN = START - 40.0
"""So long until the first minute have the programs to come up [s]."""
CHEAP_MINUTES = (2, 4)
LEAVE_SECOND = 7 * 60.0
LIMIT_KILOWATT = 18.0
LATE_SECOND = 20.0
"""What a message may take in the fast world, and 10 s pass between two of a meter [s]."""
STATIONS = {"P16": "ocpp1.6", "P20": "ocpp2.0.1", "C16": ""}


def site():
    charger = {"power_kilowatt": 5.5, "phases": 1, "control": "start_stop", "tells_plug": False}
    places = zip(STATIONS, ("L1", "L2", "L3"), strict=True)
    stay = {"battery_kwh": 1, "soc_arrival": 0.5, "efficiency": 1, "power_kilowatt": 5.04}
    times = {"arrives": "12:00", "departs": "12:07"}
    return site_file(
        {
            "site": "strangers",
            "start": "2026-11-26 12:00",
            "hours": 1,
            "step_minutes": 1,
            "connection": {"limit_kilowatt": LIMIT_KILOWATT},
            "prices": {"buy_eur_per_kwh": [0.1 if n in CHEAP_MINUTES else 0.4 for n in range(60)]},
            "chargers": [{"id": name, "phase": phase, **charger} for name, phase in places],
            "run": {"ready_early_minutes": 1},
            "vehicles": [
                # Two minutes at full power, less what is taken until the first plan is made.
                {"id": f"car-{name}", "token": name, "charger": name, **stay, **times}
                | {"soc_departure": 0.5 + 0.14}
                for name in STATIONS
            ],
        },
        "strangers",
    )


@dataclass
class World:
    """What runs, and what was seen: when whose register showed what, and all power [Wh, W]."""

    clock: ScaledClock
    began: float
    seen: dict = field(default_factory=lambda: {name: {} for name in STATIONS})
    power_watt: list = field(default_factory=list)
    spare_ampere: list = field(default_factory=list)

    @asynccontextmanager
    async def program(self, *command):
        """Run a program of Node in the fast world; gives what presses a key of it."""
        fast = json.dumps([SPEED, BEGIN * 1000.0, self.began * 1000.0])
        process = await asyncio.create_subprocess_exec(
            *("node", "--require", str(HERE / "fast_world.cjs"), *command),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            env={**os.environ, "FAST_WORLD": fast},
        )

        async def press(key):
            process.stdin.write(key.encode())
            await process.stdin.drain()

        try:
            yield press
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()

    def keyboard(self, name, port, folder):
        url = f"ws://127.0.0.1:{port}/ocpp"
        return self.program(
            *(str(NEEDED[0]), "simulate", "-e", url, "-i", name, "-t", name),
            *("-p", STATIONS[name], "--report", "json", "--report-dir", str(folder)),
        )

    def charger(self, port):
        config = {
            "centralSystemEndpoint": f"ws://127.0.0.1:{port}/ocpp",
            "chargerIdentity": "C16",
            "startDelayMs": 500,
            "stopDelayMs": 500,
            "meterValuesIntervalSec": 10,
        }
        return self.program(str(HERE / "charger.cjs"), str(MODULES), json.dumps(config))


async def plugged_in(desk, name, press):
    """Come with a card to the keyboard of ``ocpp-ws-cli``."""

    def book():
        return desk.central.stations.get(name)

    await until(lambda: book() and (1, 1) in book().statuses)
    await press("a")
    await until(lambda: book().statuses[1, 1].status in ("Preparing", "Occupied"))
    await press("t")
    await until(lambda: book().running(1))


async def with_charger(world, desk, server):
    """Start a vehicle from afar, and switch its station off and on after each transaction."""

    def ended():
        some = desk.central.stations["C16"].transactions.values() if started else ()
        return [one for one in some if not one.is_open]

    started = False
    while True:
        async with world.charger(server.port):
            await until(lambda: "C16" in server.connected)
            if not started:
                await server.ask("C16", RemoteStart("C16", 1, 1))
                await until(lambda: "C16" in desk.central.stations)
                started = True
            before = len(ended())
            await until(lambda before=before: len(ended()) > before, 60.0)


async def lived(folder):
    names = {name: TokenVerdict("Accepted") for name in STATIONS}
    desk, _ = depot_on(rules=Rules(tokens=names))
    world = World(ScaledClock(BEGIN, SPEED, time.monotonic, time.sleep), time.time())
    pace = Pace(sample_second=10)
    async with (
        served(desk, world.clock) as server,
        world.keyboard("P16", server.port, folder) as first,
        world.keyboard("P20", server.port, folder) as second,
    ):
        live = LiveDepot(
            site(),
            "strangers",
            books=lambda: desk.central,
            online=lambda: server.connected,
            ask=lambda station_id, command: server.ask(station_id, command, 1.0),
            pace=pace,
        )
        people = [
            asyncio.create_task(plugged_in(desk, "P16", first)),
            asyncio.create_task(plugged_in(desk, "P20", second)),
            asyncio.create_task(with_charger(world, desk, server)),
        ]
        try:
            while (now := world.clock.unix_second()) < START + LEAVE_SECOND + 2.0:
                live.tick(now)
                look(world, desk, live)
                await asyncio.sleep(1.0 / SPEED)
        finally:
            for task in people:
                task.cancel()
            ended = await asyncio.gather(*people, return_exceptions=True)
            await live.stop()
    assert not [e for e in ended if isinstance(e, Exception)], ended
    return desk, live, world


def look(world, desk, live):
    """See what meters show, and what is drawn by those that go on."""
    power = 0.0
    for name, book in desk.central.stations.items():
        running = book.running(1)
        reading = book.readings.get(1, {}).get(("Power.Active.Import", ""))
        if running is not None and reading and reading.time_second >= running.start_second:
            power += reading.value
        for one in book.transactions.values():
            if one.last is not None and one.energy_wh > 0.0:
                world.seen[name].setdefault((one.transaction_id, one.energy_wh), one.last)
    world.power_watt.append(power)
    world.spare_ampere.append(float(live.orders.spare_ampere.min()))


@pytest.fixture(scope="module")
def life(tmp_path_factory):
    return asyncio.run(lived(tmp_path_factory.mktemp("strangers")))


@pytest.mark.parametrize("name", STATIONS)
def test_energy_is_metered_in_the_steps_of_the_plan_alone(life, name):
    desk, _, world = life
    some = sorted(desk.central.stations[name].transactions.values(), key=lambda t: t.start_second)
    # Until the first plan, and then in both cheap minutes, or one where that first plan came late.
    assert len(some) in (2, 3)
    later = [
        register.time_second - START
        for (number, _), register in world.seen[name].items()
        if number != some[0].transaction_id
    ]
    allowed = [(60.0 * minute, 60.0 * minute + 60.0 + LATE_SECOND) for minute in CHEAP_MINUTES]
    used = [any(begin < second < end for second in later) for begin, end in allowed]
    assert sum(used) == len(some) - 1
    assert all(any(begin < second < end for begin, end in allowed) for second in later)


@pytest.mark.parametrize("name", STATIONS)
def test_the_stay_is_one_and_billed_to_the_watt_hour(life, name):
    desk, live, world = life
    [account] = [one for one in live.accounts() if one.charger == name]
    book = desk.central.stations[name]
    # What its own messages showed last of each transaction, which are all the energy there is.
    shown = {}
    for number, energy_wh in world.seen[name]:
        shown[number] = max(shown.get(number, 0.0), energy_wh)
    assert (
        account.drawn_wh
        == sum(shown.values())
        == sum(one.energy_wh for one in book.transactions.values())
    )
    assert account.drawn_wh % (10.0 if name == "C16" else 14.0) == 0.0
    assert (account.vehicle, account.ready, account.flags) == (f"car-{name}", True, ())
    assert account.stop_second == account.departure_second, "nobody told that it left"


def test_limits_are_never_exceeded(life):
    _, _, world = life
    assert max(world.power_watt) > 9_000.0, "two at once, and the third tells no power"
    assert max(world.power_watt) <= LIMIT_KILOWATT * 1000.0
    assert min(world.spare_ampere) >= 0.0, "all three count in full at any time"


def test_what_is_odd_about_them_is_remarked_and_used_all_the_same(life):
    desk, _, _ = life
    assert not desk.remarks("P16")
    assert {remark.action for remark in desk.remarks("P20")} == {"BootNotification"}
    odd = {(remark.action, remark.text) for remark in desk.remarks("C16")}
    assert odd == {
        ("MeterValues", "meterValue: missing"),
        ("MeterValues", "values: not in the schema"),
        ("MeterValues", "meterValue: called values"),
        ("MeterValues", "sampledValue: called values"),
    }
    assert desk.central.stations["C16"].about is None, "it never introduces itself"
    assert not desk.central.stations["C16"].statuses

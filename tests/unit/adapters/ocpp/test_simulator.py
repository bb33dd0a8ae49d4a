"""A station simulator that others wrote, run as a program of its own against the real server.

``ocpp simulate`` of the npm package ``ocpp-ws-cli``, exact version and hashes in
``simulators/package-lock.json``.  Its keyboard is its plug and its card reader.  It says yes to
profiles and keeps none: what it deviates in is written in docs/ocpp.md, and checked here.
"""

import asyncio
import os
import shutil
import time
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.unit.adapters.ocpp.depot_world import depot_on, flat, served, until
from voltherd.charging.central import Rules
from voltherd.cloud.reprofile import Order, reprofile
from voltherd.types.station import TokenVerdict
from voltherd.types.station_command import RemoteStart, RemoteStop

HERE = Path(__file__).parent / "simulators"
PLACE = Path(os.environ.get("VOLTHERD_STATION_SIMULATORS", HERE))
PROGRAM = PLACE / "node_modules/ocpp-ws-cli/dist/index.js"
WHY = f"needs Node and a station simulator: (cd {HERE} && npm ci --ignore-scripts)"
pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not (shutil.which("node") and PROGRAM.is_file()), reason=WHY),
]
RULES = Rules(tokens={"CARD-1": TokenVerdict("Accepted")})
LIMIT_WATT = 4140.0
POWER, ENERGY = ("Power.Active.Import", ""), ("Energy.Active.Import.Register", "")


@asynccontextmanager
async def simulator(port, protocol, folder):
    """The program; gives what presses a key of it."""
    process = await asyncio.create_subprocess_exec(
        *("node", str(PROGRAM), "simulate", "-e", f"ws://127.0.0.1:{port}/ocpp", "-i", "P1"),
        *("-t", "CARD-1", "-p", protocol, "--report", "json", "--report-dir", str(folder)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )

    async def press(key):
        process.stdin.write(key.encode())
        await process.stdin.drain()

    try:
        yield press
    finally:
        process.kill()
        await process.wait()


async def visit(protocol, folder):
    """Somebody comes with a card and goes; then the central system starts and stops by itself."""
    desk, _ = depot_on(rules=RULES)

    def book():
        return desk.central.stations["P1"]

    def reading(name):
        return book().readings[1][name].value

    async with served(desk) as server, simulator(server.port, protocol, folder) as press:
        await until(lambda: (1, 1) in getattr(desk.central.stations.get("P1"), "statuses", ()))
        await press("a")
        await until(lambda: book().statuses[1, 1].status in ("Preparing", "Occupied"))
        await press("t")
        await until(lambda: book().running(1))
        await press("m")
        await until(lambda: ENERGY in book().readings.get(1, {}) and reading(ENERGY) >= 14.0)
        plan = flat(LIMIT_WATT, time.time(), 5400)
        told = await reprofile(server.ask, desk.central, Order("P1", 1, plan))
        await press("m")
        await until(lambda: reading(ENERGY) >= 28.0)
        under_limit_watt = reading(POWER)
        await press("e")
        await until(lambda: not book().open_ids and book().statuses[1, 1].status == "Available")
        started = await server.ask("P1", RemoteStart("CARD-1", 1, 7))
        await until(lambda: book().running(1))
        await press("m")
        await until(lambda: reading(ENERGY) >= 42.0)
        stopped = await server.ask("P1", RemoteStop(book().running(1).transaction_id))
        await until(lambda: not book().open_ids)
    return desk, told, under_limit_watt, (started.status, stopped.status)


@pytest.mark.parametrize(
    ("protocol", "remarks"),
    [("ocpp1.6", set()), ("ocpp2.0.1", {"BootNotification"}), ("ocpp2.1", {"BootNotification"})],
)
def test_a_simulator_that_others_wrote(tmp_path, protocol, remarks):
    desk, told, under_limit_watt, remote = asyncio.run(visit(protocol, tmp_path))
    book = desk.central.stations["P1"]
    assert (book.about.vendor, book.about.firmware) == ("OCPP-WS-IO CLI", "1.0.0-alpha")
    visits = sorted(book.transactions.values(), key=lambda t: t.start_second)
    assert [(v.token.word, v.energy_wh, v.is_open) for v in visits] == [
        ("CARD-1", 28.0, False),
        ("CARD-1", 14.0, False),
    ]
    assert not any(v.flags for v in visits)
    assert remote == ("Accepted", "Accepted")
    # Its yes is not believed, and rightly: it draws more than it was told.
    assert (told.verdict, told.detail) == ("differs", "it says yes, and not what it holds")
    assert under_limit_watt > LIMIT_WATT
    assert {r.action for r in desk.remarks("P1")} == remarks

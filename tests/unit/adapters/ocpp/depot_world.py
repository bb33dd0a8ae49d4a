"""A depot of simulated stations around a real server, at many times the speed of the world."""

import asyncio
import time
from contextlib import asynccontextmanager
from pathlib import Path

from tests.unit.wire.ocpp_samples import NOON
from voltherd.adapters.clock.system import SystemClock
from voltherd.adapters.memory.calls import MemoryCalls
from voltherd.adapters.ocpp.schemas import schema_check
from voltherd.adapters.ocpp.server import StationServer
from voltherd.adapters.ocpp.station import StationClient
from voltherd.adapters.sqlite.calls import CallBook
from voltherd.charging.central import Rules
from voltherd.cloud.depot import Depot
from voltherd.sim.clock import ScaledClock
from voltherd.sim.station import SimulatedStation
from voltherd.sim.station_spec import Habits, StationSpec, Vehicle, Visit
from voltherd.types.station import ChargingPeriod, ChargingSchedule, TokenVerdict

RULES = Rules(tokens={f"CARD-{k}": TokenVerdict("Accepted") for k in range(100)})


def fast_clock(speed, origin=NOON):
    return ScaledClock(origin, speed, time.monotonic, time.sleep)


def spec(number, *, later, visits=None, habits=None, **more):
    station_id = f"S{number:02d}"
    visits = visits or (
        Visit(1, NOON + 30.0, NOON + 3000.0, f"CARD-{2 * number}", Vehicle(soc_fraction=0.2)),
        Visit(2, NOON + 60.0, NOON + 2400.0, f"CARD-{2 * number + 1}", Vehicle(soc_fraction=0.9)),
    )
    return StationSpec(
        station_id, later, 22_000.0, tuple(visits), habits=habits or Habits(), **more
    )


def flat(limit_watt, start, duration=86_400):
    return ChargingSchedule("W", (ChargingPeriod(0, limit_watt),), start, duration)


def depot_on(path: Path | None = None, rules=RULES, **more):
    journal = MemoryCalls() if path is None else CallBook(path)
    return Depot(journal, rules, schema_check, **more), journal


@asynccontextmanager
async def served(desk, clock=None, **more):
    server = StationServer(desk, clock or SystemClock(), ping_second=None, **more)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


@asynccontextmanager
async def stations(specs, port, clock, **more):
    """Clients that run until the block ends; gives the simulated stations by id."""
    points, clients, tasks = {}, {}, []
    for one in specs:
        points[one.station_id] = SimulatedStation(one, clock.unix_second())
        client = StationClient(
            points[one.station_id],
            f"ws://127.0.0.1:{port}/ocpp",
            one.station_id,
            "2.0.1" if one.later else "1.6",
            clock.unix_second,
            answer_second=one.habits.answer_second,
            repeats_messages=one.habits.repeats_messages,
            **more,
        )
        clients[one.station_id] = client
        tasks.append(asyncio.create_task(client.run()))
    try:
        yield points, clients
    finally:
        for task in tasks:
            task.cancel()
        failures = await asyncio.gather(*tasks, return_exceptions=True)
        assert [f for f in failures if not isinstance(f, asyncio.CancelledError)] == []


async def until(fact, second=20.0):
    """Wait until something is so."""
    end = time.monotonic() + second
    while not fact():
        assert time.monotonic() < end, "it never became so"
        await asyncio.sleep(0.02)

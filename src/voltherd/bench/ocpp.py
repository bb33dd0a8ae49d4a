"""How many meter values does the central system take in a second, beside the ``ocpp`` package?

Question: frames of ``MeterValues`` in, answers out, per CPU second of the process, validated
against the schemas, without sockets: what both do between a text and the text of its answer.  The
peer routes to a handler that does nothing; ours also keeps the books, and once more with every
batch durable before it is answered.  All take turns in every round; medians over rounds, ratios
within a round.  Then, over real web sockets with the stations in the same process: how long answers
take, and how long it takes to give every station a new profile and read it back.
"""

import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, final

from voltherd.bench import compose
from voltherd.cloud.depot import Depot
from voltherd.cloud.reprofile import Order, reprofile_all
from voltherd.sim.clock import ScaledClock
from voltherd.sim.station import SimulatedStation
from voltherd.sim.station_spec import StationSpec, Vehicle, Visit
from voltherd.types.station import (
    ENERGY,
    POWER,
    ChargingPeriod,
    ChargingSchedule,
    MeterReading,
    MeterTold,
)
from voltherd.types.station_command import StationCall
from voltherd.wire.ocpp import DIALECTS
from voltherd.wire.ocpp_frame import Call, CallResult, Version, read, write

GOAL_PER_CPU_SECOND: Final = 5000.0
GOAL_PROFILES_SECOND: Final = 5.0
GOAL_P99_SECOND: Final = 0.2
_NOON: Final = 1_774_785_600.0
_MEASURED: Final[tuple[Version, ...]] = ("1.6", "2.0.1")
_HEARD_SECOND: Final = 0.5
"""After this every station has heard the number of its transaction."""
_BATCH: Final = 64
"""Calls that a desk is given at once, as many as gather while the medium is waited for."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class OcppTable:
    """What was measured.

    Attributes:
        per_cpu_second: Messages per CPU second by what does it, of each version: median.
        ratios: Ours over the peer's best, of each version: median of each round's ratio.
        rounds: Medians are over so many.
    """

    per_cpu_second: dict[tuple[Version, str], float]
    ratios: dict[Version, float]
    rounds: int


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileTable:
    """What was measured over real web sockets, stations and central system in one process.

    Attributes:
        stations: How many, half of each version.
        connect_second: Until all were connected and had said how they are set [s].
        profile_second: Until all had a new profile, read back and compared [s].
        profile_cpu_second: CPU time of that, of both sides together [s].
        verdicts: How many came to which.
        answer_second_median: Of a ``Heartbeat`` while the others go on [s].
        answer_second_p99: The same, of the slowest in a hundred [s].
    """

    stations: int
    connect_second: float
    profile_second: float
    profile_cpu_second: float
    verdicts: dict[str, int]
    answer_second_median: float
    answer_second_p99: float


def measure(messages: int = 2000, rounds: int = 5, stations: int = 100) -> OcppTable:
    """Measure how many meter values are taken in a CPU second.

    Args:
        messages: Of each case in a round.
        rounds: How often all cases take their turn.
        stations: Messages come from so many.
    """
    with tempfile.TemporaryDirectory() as folder:
        cases = {
            (version, name): case
            for version in _MEASURED
            for name, case in _cases(version, messages, stations, Path(folder)).items()
        }
        speeds: dict[tuple[Version, str], list[float]] = {key: [] for key in cases}
        for _ in range(rounds):
            for key, case in cases.items():
                began = time.process_time()
                case()
                speeds[key].append(messages / (time.process_time() - began))
    ratios: dict[Version, float] = {}
    for version in _MEASURED:
        best = speeds[version, "ocpp package, validation in the loop"]
        ratios[version] = statistics.median(
            own / peer for own, peer in zip(speeds[version, "voltherd"], best, strict=True)
        )
    medians = {key: statistics.median(found) for key, found in speeds.items()}
    return OcppTable(per_cpu_second=medians, ratios=ratios, rounds=rounds)


def _cases(
    version: Version, messages: int, stations: int, folder: Path
) -> dict[str, Callable[[], None]]:
    frames = [_frame(version, k // stations) for k in range(messages)]
    senders = [f"S{k % stations}" for k in range(messages)]
    path = folder / f"{version}.sqlite"
    memory, durable = compose.station_desk(None, ()), compose.station_desk(path, ())
    return {
        "voltherd": lambda: _own(memory, version, senders, frames),
        "voltherd, durable": lambda: _own(durable, version, senders, frames),
        "ocpp package": lambda: asyncio.run(_peer(version, frames, in_thread=True)),
        "ocpp package, validation in the loop": lambda: asyncio.run(
            _peer(version, frames, in_thread=False)
        ),
    }


def _frame(version: Version, turn: int) -> str:
    """Give a frame with the four values that stations usually send."""
    second = _NOON + 60.0 * turn
    readings = (
        MeterReading(second, ENERGY, 1000.0 + 180.0 * turn, "Wh"),
        MeterReading(second, POWER, 10_800.0, "W"),
        MeterReading(second, "Current.Import", 15.7, "A", "L1"),
        MeterReading(second, "SoC", 0.4, "1"),
    )
    action, payload = DIALECTS[version].encode_event(MeterTold(1, readings))
    return write(Call(f"m{turn}", action, payload), version)


def _own(desk: Depot, version: Version, senders: list[str], frames: list[str]) -> None:
    """Do what the server does with frames, but for the sockets."""
    for at in range(0, len(frames), _BATCH):
        calls = []
        for sender, text in zip(senders[at : at + _BATCH], frames[at : at + _BATCH], strict=True):
            frame = read(text)
            assert isinstance(frame, Call)
            calls.append(StationCall(sender, version, *frame, _NOON))
        for call, reply in zip(calls, desk.take(calls), strict=True):
            assert isinstance(reply.payload, dict)
            write(CallResult(call.message_id, reply.payload), version)


async def _peer(version: Version, frames: list[str], *, in_thread: bool) -> None:
    """Let the ``ocpp`` package do it: its router, its validation, a handler that does nothing."""
    import ocpp.messages
    from ocpp.routing import on

    if version == "1.6":
        from ocpp.v16 import ChargePoint, call_result
    else:
        from ocpp.v201 import ChargePoint, call_result

    class Station(ChargePoint):  # type: ignore[misc]
        @on("MeterValues")  # type: ignore[untyped-decorator]
        def meter_values(self, **values: Any) -> Any:  # noqa: ANN401
            return call_result.MeterValues()

    before = ocpp.messages.ASYNC_VALIDATION
    ocpp.messages.ASYNC_VALIDATION = in_thread
    try:
        answers = _Answers()
        station = Station("S", answers)
        for frame in frames:
            await station.route_message(frame)
        assert answers.count == len(frames)
    finally:
        ocpp.messages.ASYNC_VALIDATION = before


class _Answers:
    """What a connection's other end would get."""

    def __init__(self) -> None:
        self.count = 0

    async def send(self, text: str) -> None:
        assert json.loads(text)[0] == 3
        self.count += 1


def measure_profiles(stations: int = 500, heartbeats: int = 1000) -> ProfileTable:
    """Measure how long a new profile takes for all, and an answer for one.

    Args:
        stations: How many.
        heartbeats: How many are timed.
    """
    return asyncio.run(_profiles(stations, heartbeats))


async def _profiles(stations: int, heartbeats: int) -> ProfileTable:
    began = time.monotonic()
    cards = [f"CARD-{k}" for k in range(stations)]
    points = []
    for k, card in enumerate(cards):
        visit = Visit(1, _NOON, _NOON + 9e5, card, Vehicle(capacity_wh=1e6))
        spec = StationSpec(f"S{k}", bool(k % 2), 22_000.0, (visit,))
        points.append(SimulatedStation(spec, _NOON))
    desk = compose.station_desk(None, cards)
    clock = ScaledClock(_NOON, 1.0, time.monotonic, time.sleep)
    server, clients = await compose.station_network(desk, points, clock)
    running = [asyncio.create_task(client.run()) for client in clients]
    try:
        while not _settled(desk, stations):
            await asyncio.sleep(0.05)
        connected = time.monotonic() - began
        await asyncio.sleep(_HEARD_SECOND)
        start = clock.unix_second()
        periods = tuple(ChargingPeriod(900 * k, 1380.0 * (k * 7 % 9)) for k in range(96))
        plan = ChargingSchedule("W", periods, start, 86_400)
        orders = [Order(point.spec.station_id, 1, plan) for point in points]
        at, cpu = time.monotonic(), time.process_time()
        done = await reprofile_all(server.ask, desk.central, orders)
        profiled, used = time.monotonic() - at, time.process_time() - cpu
        answers = sorted(await _heartbeats(server.port, heartbeats))
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await server.stop()
    verdicts = [one.verdict for one in done]
    return ProfileTable(
        stations=stations,
        connect_second=connected,
        profile_second=profiled,
        profile_cpu_second=used,
        verdicts={word: verdicts.count(word) for word in sorted(set(verdicts))},
        answer_second_median=statistics.median(answers),
        answer_second_p99=answers[int(0.99 * len(answers))],
    )


def _settled(desk: Depot, stations: int) -> bool:
    books = desk.central.stations.values()
    return len(books) == stations and all(book.settings and book.open_ids for book in books)


async def _heartbeats(port: int, count: int) -> list[float]:
    """Time answers to one more station that asks while all others go on."""
    from websockets.asyncio.client import connect
    from websockets.typing import Subprotocol

    url, spoken = f"ws://127.0.0.1:{port}/extra", [Subprotocol("ocpp1.6")]
    times = []
    async with connect(url, subprotocols=spoken, proxy=None, compression=None) as socket:
        for number in range(count):
            began = time.perf_counter()
            await socket.send(f'[2,"{number}","Heartbeat",{{}}]')
            await socket.recv()
            times.append(time.perf_counter() - began)
    return times

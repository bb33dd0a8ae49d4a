"""The only file of the benchmarks that knows adapters."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from voltherd.errors import InputError, ServiceError
from voltherd.types.table import RawTable

if TYPE_CHECKING:
    from voltherd.adapters.files.snippet_files import PublicSnippet
    from voltherd.adapters.mqtt.bus import MqttBus
    from voltherd.adapters.ocpp.server import StationServer
    from voltherd.adapters.ocpp.station import StationClient
    from voltherd.adapters.records.store import RecordStore
    from voltherd.adapters.sqlite.assets import AssetBook
    from voltherd.cloud.depot import Depot
    from voltherd.cloud.running import Running
    from voltherd.sim.clock import ScaledClock
    from voltherd.sim.station import SimulatedStation
    from voltherd.types.frame import CanFrame, MessageFrames


def read_table(file: Path) -> RawTable:
    """Read a file as the command line does."""
    from voltherd.adapters.files.reader import read_file

    return read_file(file)


def read_columns(file: Path, wanted: Sequence[str] = ()) -> dict[str, np.ndarray]:
    """Read every column of a Parquet file into arrays by DuckDB alone: the peer.

    Args:
        file: Which.
        wanted: Columns that it must have.

    Raises:
        InputError: It is no Parquet file, or one of those columns is missing.
    """
    import duckdb

    try:
        with duckdb.connect() as connection:
            columns: dict[str, np.ndarray] = connection.read_parquet(str(file)).fetchnumpy()
    except duckdb.Error as error:
        raise InputError(
            "cannot be read as Parquet", where=str(file), mend="give the file as it was recorded"
        ) from error
    missing = [name for name in wanted if name not in columns]
    if missing:
        raise InputError(
            f"has no column {', '.join(missing)}",
            where=str(file),
            mend=f"it must have {', '.join(wanted)}",
        )
    return columns


def write_rows(path: Path, columns: Mapping[str, np.ndarray]) -> float:
    """Write columns from memory to Parquet by DuckDB alone, flushed; give the time it took [s]."""
    import duckdb

    with duckdb.connect() as connection:
        connection.register("samples", dict(columns))
        began = time.monotonic()
        connection.execute(
            f"COPY (SELECT * FROM samples) TO '{path}' (FORMAT parquet, COMPRESSION zstd)"
        )
        with path.open("rb") as file:
            os.fsync(file.fileno())
        return time.monotonic() - began


def record_store(root: Path) -> "RecordStore":
    """Open the cloud's store."""
    from voltherd.adapters.records.store import RecordStore

    return RecordStore(root)


def asset_book(root: Path) -> "AssetBook":
    """Open the facts beside a store."""
    from voltherd.adapters.sqlite.assets import AssetBook

    return AssetBook(root)


def cloud(root: Path) -> "Running":
    """Put a cloud together that shows a store and receives nothing."""
    from voltherd.cloud.compose import compose
    from voltherd.cloud.config import CloudConfig, HttpSection, StoreSection

    return compose(CloudConfig(store=StoreSection(path=root), http=HttpSection(port=0)))


def mqtt_bus(port: int, name: str) -> "MqttBus":
    """Connect to a broker on this machine."""
    from voltherd.adapters.mqtt.bus import MqttBus
    from voltherd.adapters.mqtt.settings import MqttSettings

    return MqttBus(MqttSettings(port=port, queue_messages=100_000), f"bench-{name}")


class Broker(NamedTuple):
    """A broker of the benchmark's own."""

    port: int
    process_id: int


@contextmanager
def mosquitto(place: Path) -> Iterator[Broker]:
    """Run a Mosquitto on a free loopback port.

    Raises:
        ServiceError: There is none, or it does not start.
    """
    binary = shutil.which("mosquitto", path=os.environ.get("PATH", "") + ":/usr/sbin")
    if binary is None:
        raise ServiceError("no Mosquitto found", mend="apt-get install mosquitto")
    place.mkdir(parents=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    config = place / "mosquitto.conf"
    config.write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\nmax_inflight_messages 0\n"
        "max_queued_messages 0\nlog_type none\n"
    )
    process = subprocess.Popen([binary, "-c", str(config)])
    try:
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", port), 0.2).close()
                break
            except OSError:
                time.sleep(0.02)
        else:
            raise ServiceError("Mosquitto does not start", where=str(config))
        yield Broker(port, process.pid)
    finally:
        process.terminate()
        process.wait(10.0)


class EdgeWorld:
    """What an edge meets in its benchmark: frames from memory, an outbox on disk, a cloud at hand.

    Time is the vehicle's and passes only when a cycle has been fed, so that a run is as long as
    its computing.

    Attributes:
        ports: For the edge.
        layout: The bus, as its database describes it.
        encoded: Payloads of each message, row by row, and its identifier.
    """

    def __init__(
        self, place: Path, dbc: str, parts: "Sequence[MessageFrames]", start_second: float
    ) -> None:
        """Make it.

        Args:
            place: An empty folder.
            dbc: Text of the database.
            parts: Frames of some rows.
            start_second: When the vehicle's time begins [unix s].
        """
        from voltherd.adapters.can.encode import encode
        from voltherd.adapters.can.layout import read_layout
        from voltherd.adapters.can.player import messages_of
        from voltherd.adapters.memory.actuator import MemoryActuator
        from voltherd.adapters.memory.bus import MemoryBroker
        from voltherd.adapters.memory.record_log import MemoryRecordLog
        from voltherd.adapters.sqlite.outbox import SqliteOutbox
        from voltherd.cloud.ingest import Ingest
        from voltherd.edge.runtime import Ports

        path = place / "pack.dbc"
        path.write_text(dbc, encoding="ascii")
        messages = messages_of(dbc)
        self.layout = read_layout(path)
        self.encoded = [
            (messages[part.message].frame_id, encode(part, messages[part.message]).payload)
            for part in parts
        ]
        self._start, self._passed = start_second, 0.0
        self._frames: Sequence[CanFrame] = ()
        self._broker = MemoryBroker()
        outbox = SqliteOutbox(place / "outbox")
        outbox.boot()
        self._ingest = Ingest(MemoryRecordLog(), self._broker.connect("cloud"), self)
        self.ports = Ports(
            source=self,
            actuator=MemoryActuator(),
            outbox=outbox,
            bus=self._broker.connect("edge"),
            clock=self,
            wall=self,
        )

    def feed(self, frames: "Sequence[CanFrame]", passed_second: float) -> None:
        """Let so much time pass in all, and frames be heard [s]."""
        self._frames, self._passed = frames, passed_second

    def answer(self) -> None:
        """Let the cloud take what was sent, and acknowledge it."""
        self._broker.pump()
        while self._ingest.poll():
            pass
        self._broker.pump()

    def receive(self, limit: int) -> "Sequence[CanFrame]":
        """Give the frames of this cycle; see ``FrameSource.receive``."""
        frames, self._frames = self._frames, ()
        assert len(frames) <= limit
        return frames

    def unix_second(self) -> float:
        """The vehicle's time [unix s]."""
        return self._start + self._passed

    def monotonic_second(self) -> float:
        """Time passed [s]."""
        return self._passed

    def sleep(self, second: float) -> None:
        """Time passes by feeding, not by sleeping [s]."""


def public_columns(folder: Path) -> tuple[str, ...]:
    """Give the columns of a brand of the public set of charges."""
    from voltherd.adapters.files.snippet_files import read_columns as names_of

    return names_of(folder)


def public_snippets(folder: Path) -> Iterator["PublicSnippet"]:
    """Read a brand of the public set of charges, one charge at a time."""
    from voltherd.adapters.files.snippet_files import read_brand

    return read_brand(folder)


def station_desk(path: Path | None, tokens: Sequence[str]) -> "Depot":
    """Make a central system that keeps what it is told in a file, or only in memory.

    Args:
        path: The file; None for memory.
        tokens: Who may charge.
    """
    from voltherd.adapters.memory.calls import MemoryCalls
    from voltherd.adapters.ocpp.schemas import schema_check
    from voltherd.adapters.sqlite.calls import CallBook
    from voltherd.charging.central import Rules
    from voltherd.cloud.depot import Depot
    from voltherd.types.station import TokenVerdict

    rules = Rules(tokens={token: TokenVerdict("Accepted") for token in tokens})
    return Depot(MemoryCalls() if path is None else CallBook(path), rules, schema_check)


async def station_network(
    desk: "Depot", points: "Sequence[SimulatedStation]", clock: "ScaledClock"
) -> "tuple[StationServer, list[StationClient]]":
    """Serve a desk on the loopback, and make the clients of simulated stations."""
    from voltherd.adapters.ocpp.server import StationServer
    from voltherd.adapters.ocpp.station import StationClient

    server = StationServer(desk, clock, ping_second=None)
    await server.start()
    url = f"ws://127.0.0.1:{server.port}/ocpp"
    clients = [
        StationClient(
            point,
            url,
            point.spec.station_id,
            "2.0.1" if point.spec.later else "1.6",
            clock.unix_second,
            tick_second=2.5,
        )
        for point in points
    ]
    return server, clients

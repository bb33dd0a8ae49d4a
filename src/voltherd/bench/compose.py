"""The only file of the benchmarks that knows adapters."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from voltherd.errors import ServiceError
from voltherd.types.table import RawTable

if TYPE_CHECKING:
    from voltherd.adapters.mqtt.bus import MqttBus
    from voltherd.adapters.records.store import RecordStore


def read_table(file: Path) -> RawTable:
    """Read a file as the command line does."""
    from voltherd.adapters.files.reader import read_file

    return read_file(file)


def read_columns(file: Path) -> dict[str, np.ndarray]:
    """Read every column of a Parquet file into arrays by DuckDB alone: the peer."""
    import duckdb

    with duckdb.connect() as connection:
        columns: dict[str, np.ndarray] = connection.read_parquet(str(file)).fetchnumpy()
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

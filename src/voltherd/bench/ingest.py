"""How much telemetry goes from MQTT into the committed store, and which stage is the limit?

Question: records and cell-values a second, sustained, from a real Mosquitto through the intake into
durable commits, all on this machine, with the bytes on the wire and at rest; beside (a) a bare MQTT
consumer that only counts, fed by the same load, and (b) DuckDB writing the same rows from memory to
Parquet.  Each process's CPU time tells where the limit lies: broker, load and intake share the
cores.
"""

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, NamedTuple, final

import numpy as np

from voltherd.bench import compose
from voltherd.bench.ingest_load import CELLS, ROWS, SITE, batch
from voltherd.cloud.clocks import WallClock
from voltherd.cloud.ingest import Ingest
from voltherd.errors import ServiceError
from voltherd.ports import RecordLog
from voltherd.topics import every_vehicle
from voltherd.types.record import Commit, Record
from voltherd.types.sample import SampleBatch

CELL_VALUES: Final = ROWS * CELLS
GOAL_PER_SECOND: Final = 10e6
JSON_BYTE_PER_VALUE: Final = 14.0
REST_BYTE_PER_VALUE: Final = 0.5
_WAIT_SECOND: Final = 120.0
_WRITTEN: Final = 2000
"""Chunks whose rows DuckDB writes."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class IngestTable:
    """What was measured.

    Attributes:
        vehicles: Vehicles that send.
        records: Records sent.
        second: From the first sent to the last acknowledged [s].
        records_per_second: Committed records a second.
        values_per_second: Committed cell-values a second.
        batch_records: Records of one commit, mean.
        commit_p50_second: Median time of a commit [s].
        commit_p99_second: Its 99th percentile [s].
        lag_p50_second: From sending to committed, median [s].
        lag_p99_second: Its 99th percentile [s].
        wire_byte_per_value: On the wire, everything counted [B].
        json_byte_per_value: The same rows as JSON [B].
        landed_byte_per_value: In the landing database, before compaction [B].
        rest_byte_per_value: At rest, after compaction [B].
        cpu_second: CPU time of load, broker and intake [s].
        count_per_second: Records a second of the consumer that only counts.
        count_cpu_second: CPU time of load, broker and that consumer [s].
        parquet_per_second: Records a second that DuckDB writes as rows from memory.
        compaction_per_second: Records a second that compaction moves.
    """

    vehicles: int
    records: int
    second: float
    records_per_second: float
    values_per_second: float
    batch_records: float
    commit_p50_second: float
    commit_p99_second: float
    lag_p50_second: float
    lag_p99_second: float
    wire_byte_per_value: float
    json_byte_per_value: float
    landed_byte_per_value: float
    rest_byte_per_value: float
    cpu_second: dict[str, float]
    count_per_second: float
    count_cpu_second: dict[str, float]
    parquet_per_second: float
    compaction_per_second: float

    def to_json(self) -> str:
        """Give the table as JSON."""
        return json.dumps(asdict(self), indent=1) + "\n"


class _TimedLog:
    """A record log that notes how long each commit takes."""

    def __init__(self, log: RecordLog) -> None:
        self.log, self.seconds = log, list[float]()
        self.committed, self.records = log.committed, log.records

    def commit(self, records: Sequence[Record]) -> Commit:
        began = time.monotonic()
        done = self.log.commit(records)
        self.seconds.append(time.monotonic() - began)
        return done


class _Taken(NamedTuple):
    """What feeding the intake tells."""

    records: int
    second: float
    records_per_second: float
    values_per_second: float
    batch_records: float
    commit_p50_second: float
    commit_p99_second: float
    lag_p50_second: float
    lag_p99_second: float
    wire_byte_per_value: float
    cpu_second: dict[str, float]


def measure(vehicles: int, chunks: int, window: int) -> IngestTable:
    """Measure with a broker of its own.

    Args:
        vehicles: Vehicles that send.
        chunks: Chunks of each.
        window: Records under way without the cloud's acknowledgement, over all vehicles.

    Raises:
        ServiceError: There is no Mosquitto, or something gets stuck.
    """
    with tempfile.TemporaryDirectory(prefix="voltherd-bench-") as place:
        root = Path(place)
        with compose.mosquitto(root / "broker") as broker:
            counted = _count(broker, vehicles, chunks)
            taken = _take_in(broker, root / "store", vehicles, chunks, window)
        store = compose.record_store(root / "store")
        landed = store.info().database_bytes / (vehicles * chunks * CELL_VALUES)
        began = time.monotonic()
        store.compact(shrink=True)
        moved = vehicles * chunks / (time.monotonic() - began)
        rest = store.info().bytes_per_cell_value
        store.close()
        written = _parquet(root / "rows.parquet")
    return IngestTable(
        vehicles=vehicles,
        **taken._asdict(),
        landed_byte_per_value=landed,
        rest_byte_per_value=rest,
        json_byte_per_value=len(_json(batch(0))) / CELL_VALUES,
        count_per_second=counted[0],
        count_cpu_second=counted[1],
        parquet_per_second=written,
        compaction_per_second=moved,
    )


class _Load:
    """The process that sends."""

    def __init__(self, port: int, vehicles: int, chunks: int, window: int) -> None:
        words = [port, vehicles, chunks, window]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "voltherd.bench.ingest_load", *map(str, words)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        if self.process.stdout.readline() != "ready\n":
            raise ServiceError("the load does not start", where=f"port {port}")

    def run(self) -> dict[str, float]:
        """Let it send everything; give what it cost."""
        out, _ = self.process.communicate("go\n", timeout=_WAIT_SECOND)
        told: dict[str, float] = json.loads(out)
        return told


def _cpu(process_id: int) -> float:
    """Give the CPU time of another process so far, NaN where the system does not tell [s]."""
    try:
        fields = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return float("nan")
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _count(broker: compose.Broker, vehicles: int, chunks: int) -> tuple[float, dict[str, float]]:
    """Feed a consumer that only counts."""
    total, seen, done = vehicles * chunks, 0, threading.Event()

    def count(_topic: str, _payload: bytes) -> None:
        nonlocal seen
        seen += 1
        if seen == total:
            done.set()

    load = _Load(broker.port, vehicles, chunks, 0)
    bus = compose.mqtt_bus(broker.port, "count")
    bus.subscribe(every_vehicle("telemetry").replace("+", SITE, 1), count)
    bus.wait(10.0)
    before, own = _cpu(broker.process_id), time.process_time()
    began = time.monotonic()
    told = load.run()
    if not done.wait(_WAIT_SECOND):
        raise ServiceError(f"only {seen} of {total} messages came through the broker")
    second = time.monotonic() - began
    spent = {
        "load": told["cpu_second"],
        "broker": _cpu(broker.process_id) - before,
        "consumer": time.process_time() - own,
    }
    bus.close()
    return total / second, spent


def _take_in(
    broker: compose.Broker, place: Path, vehicles: int, chunks: int, window: int
) -> _Taken:
    """Feed the intake."""
    load = _Load(broker.port, vehicles, chunks, window)
    store = compose.record_store(place)
    log = _TimedLog(store)
    bus = compose.mqtt_bus(broker.port, "cloud")
    ingest = Ingest(log, bus, WallClock())
    bus.wait(10.0)
    stop = threading.Event()
    thread = threading.Thread(target=ingest.run, args=(stop,))
    thread.start()
    before, own = _cpu(broker.process_id), time.process_time()
    told = load.run()
    spent = {
        "load": told["cpu_second"],
        "broker": _cpu(broker.process_id) - before,
        "intake": time.process_time() - own,
    }
    stop.set()
    thread.join()
    counts = ingest.counts()
    bus.close()
    store.close()
    total = vehicles * chunks
    if counts.committed != total or told["acknowledged"] < total:
        raise ServiceError(
            f"{counts.committed} of {total} records committed, "
            f"{told['acknowledged']:.0f} acknowledged"
        )
    p50, p99 = np.quantile(log.seconds, [0.5, 0.99])
    return _Taken(
        records=total,
        second=told["second"],
        records_per_second=total / told["second"],
        values_per_second=total * CELL_VALUES / told["second"],
        batch_records=total / counts.batches,
        commit_p50_second=float(p50),
        commit_p99_second=float(p99),
        lag_p50_second=counts.lag_newest.p50_second,
        lag_p99_second=counts.lag_newest.p99_second,
        wire_byte_per_value=told["bytes"] / (total * CELL_VALUES),
        cpu_second=spent,
    )


def _json(b: SampleBatch) -> bytes:
    """Write the rows as one JSON object each, as a vehicle that knows no better would."""
    rows = []
    for k in range(b.rows):
        row: dict[str, object] = {"unix_time_second": float(b.unix_time_second[k])}
        row["voltage_volt_cell"] = [round(float(v), 3) for v in b.cell_voltage_volt[k]]
        row["temperature_celsius_probe"] = [
            round(float(v), 1) for v in b.probe_temperature_celsius[k]
        ]
        row |= {name: float(values[k]) for name, values in b.scalar.items()}
        rows.append(json.dumps(row, separators=(",", ":")))
    return "\n".join(rows).encode()


def _parquet(path: Path) -> float:
    """Write the rows of many chunks by DuckDB from memory, flushed; give records a second."""
    batches = [batch(seed) for seed in range(_WRITTEN)]
    columns: dict[str, np.ndarray] = {
        "vehicle_id": np.repeat(np.arange(_WRITTEN), ROWS),
        "unix_time_second": np.concatenate([b.unix_time_second for b in batches]),
    }
    cells = np.concatenate([b.cell_voltage_volt for b in batches])
    probes = np.concatenate([b.probe_temperature_celsius for b in batches])
    columns |= {f"c{k:03d}": np.ascontiguousarray(cells[:, k]) for k in range(cells.shape[1])}
    columns |= {f"t{k:03d}": np.ascontiguousarray(probes[:, k]) for k in range(probes.shape[1])}
    for name in batches[0].scalar:
        columns[name] = np.concatenate([b.scalar[name] for b in batches])
    seconds = [compose.write_rows(path, columns) for _ in range(3)]
    return _WRITTEN / min(seconds)


def render(table: IngestTable) -> str:
    """Tell the table."""
    t = table
    values = 1e-6 * t.values_per_second
    smaller = t.json_byte_per_value / t.wire_byte_per_value
    rows = [
        f"{t.records:,} chunks of a minute of {CELLS} cells from {t.vehicles} vehicles, through "
        "Mosquitto into durable commits",
        "",
        f"{'':<44}{'records/s':>10}{'Mcell-values/s':>16}{'ratio':>8}",
    ]
    for name, rate in (
        ("MQTT to committed store, acknowledged", t.records_per_second),
        ("(a) MQTT consumer that only counts", t.count_per_second),
        ("(b) DuckDB writes the rows from memory", t.parquet_per_second),
        ("compaction, landed to at rest", t.compaction_per_second),
    ):
        rows.append(
            f"{name:<44}{rate:>10,.0f}{1e-6 * rate * CELL_VALUES:>16.1f}"
            f"{t.records_per_second / rate:>8.2f}"
        )
    rows += [
        "",
        f"cell-values a second      {values:8.1f} million  goal {GOAL_PER_SECOND / 1e6:.0f}: "
        + ("holds" if t.values_per_second >= GOAL_PER_SECOND else "MISSED"),
        f"commit of {t.batch_records:5.0f} records    p50 {1e3 * t.commit_p50_second:6.1f} ms, "
        f"p99 {1e3 * t.commit_p99_second:6.1f} ms",
        f"sent to committed         p50 {1e3 * t.lag_p50_second:6.1f} ms, "
        f"p99 {1e3 * t.lag_p99_second:6.1f} ms  (with the window full)",
        f"on the wire               {t.wire_byte_per_value:8.3f} B per cell-value, everything "
        f"counted; JSON {t.json_byte_per_value:.2f}: {smaller:.1f} times smaller, goal "
        f"{JSON_BYTE_PER_VALUE:.0f}: " + ("holds" if smaller >= JSON_BYTE_PER_VALUE else "MISSED"),
        f"at rest                   {t.rest_byte_per_value:8.3f} B per cell-value (landed "
        f"{t.landed_byte_per_value:.2f}), goal {REST_BYTE_PER_VALUE}: "
        + ("holds" if t.rest_byte_per_value <= REST_BYTE_PER_VALUE else "MISSED"),
        "",
        "CPU time a record         "
        + ", ".join(f"{k} {1e6 * v / t.records:.0f} µs" for k, v in t.cpu_second.items()),
        "  where it only counts    "
        + ", ".join(f"{k} {1e6 * v / t.records:.0f} µs" for k, v in t.count_cpu_second.items()),
        "All share this machine's cores: with edges and broker elsewhere, the intake's own time is "
        "the limit.",
    ]
    return "\n".join(rows)

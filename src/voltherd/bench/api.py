"""Does the API answer quickly for a large fleet, a long history, and many open pages?

Question: how long does the last state of all packs take over HTTP, how long a month of one pack at
a row a second drawn in a thousand points, and how much of a core do six open pages cost that each
watch a pack live?  The cloud runs in this process, whoever asks in another.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final, NamedTuple, final

import numpy as np

from voltherd.bench import compose
from voltherd.bench.ingest_load import CELLS, batch
from voltherd.cloud.running import Running
from voltherd.types.asset import CellType, Chemistry, PackLayout, Vehicle
from voltherd.types.channel import cell_column
from voltherd.types.record import EdgeState, Record, RecordKey, RecordKind
from voltherd.types.sample import SampleBatch
from voltherd.units import SECOND_PER_DAY
from voltherd.wire.chunk import encode_chunk
from voltherd.wire.envelope import Live

FLEET_SECOND: Final = 0.050
SORT_SECOND: Final = 1.0
MONTH_SECOND: Final = 0.300
TABS_SHARE: Final = 0.02
TABS: Final = 6
LIVE_PER_SECOND: Final = 5.0
POINTS: Final = 1000
_ASKED: Final = 200
_WATCHED_SECOND: Final = 20.0
_COMMIT: Final = 500
_EPOCH: Final = 1 << 32
_READER: Final = """\
import socket, sys, time
host, port, path, second = sys.argv[1], int(sys.argv[2]), sys.argv[3], float(sys.argv[4])
tabs = []
for _ in range(int(sys.argv[5])):
    tab = socket.create_connection((host, port))
    tab.sendall(f"GET {path} HTTP/1.1\\r\\nHost: {host}:{port}\\r\\n\\r\\n".encode())
    tab.settimeout(0.01)
    tabs.append(tab)
print("open", flush=True)
heard, until = 0, time.monotonic() + second
while time.monotonic() < until:
    for tab in tabs:
        try:
            heard += tab.recv(1 << 20).count(b"event: cells")
        except TimeoutError:
            pass
print(heard, flush=True)
"""


_ASKER: Final = """\
import http.client, sys, time
con = http.client.HTTPConnection(sys.argv[1], timeout=60.0)
for path in sys.stdin:
    began = time.perf_counter()
    con.request("GET", path.strip())
    answer = con.getresponse()
    body = answer.read()
    took = time.perf_counter() - began
    print(answer.status, took, len(body), flush=True)
"""


class Spread(NamedTuple):
    """Times of many requests [s]."""

    p50: float
    p99: float


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ApiTable:
    """What was measured.

    Attributes:
        vehicles: Packs of the fleet.
        restored_second: From the start until every pack was rebuilt from the store [s].
        fleet: The last state of all packs, whole.
        fleet_bytes: Its size [B].
        page: The hundred packs that need attention most, sorted anew each time.
        month_rows: Samples of one pack's month.
        month: That month drawn in ``POINTS`` points: current and one cell.
        tabs: Open pages, each watching a pack live.
        events: Live events that reached them.
        tabs_share: What they cost of a core, beyond the same samples without them.
    """

    vehicles: int
    restored_second: float
    fleet: Spread
    fleet_bytes: int
    page: Spread
    month_rows: int
    month: Spread
    tabs: int
    events: int
    tabs_share: float

    def to_json(self) -> str:
        """Give the numbers as JSON."""
        return json.dumps(asdict(self), indent=2) + "\n"


def measure(vehicles: int, days: int, progress: Callable[[str], None]) -> ApiTable:
    """Measure all of it; a month takes minutes to make.

    Args:
        vehicles: Packs of the fleet.
        days: Days of the long history.
        progress: Told where it stands.
    """
    with tempfile.TemporaryDirectory(prefix="voltherd-") as place:
        root = Path(place)
        progress(f"filling a store with {vehicles} packs")
        _fill(root / "fleet", _fleet(vehicles))
        progress(f"rebuilding {vehicles} packs")
        running, restored = _started(root / "fleet", vehicles)
        try:
            progress("asking for the fleet")
            fleet, size = _asked(running, f"/api/v1/vehicles?limit={vehicles}&sort=vehicle_id")
            page, _ = _asked(running, "/api/v1/vehicles?limit=100", before=_change(running))
            progress("watching")
            events, share = _watched(running)
        finally:
            running.stop()
        progress(f"filling a store with {days} days of one pack")
        _fill(root / "month", _month(days))
        progress(f"rebuilding {days} days of one pack")
        running, _ = _started(root / "month", 1)
        try:
            month, _ = _asked(
                running,
                f"/api/v1/vehicles/{_name(0)}/series?channel=current_ampere"
                f"&channel={cell_column(CELLS // 2)}&points={POINTS}",
            )
            followed = running.cloud.fleet.view.vehicles[_name(0)].followed
            rows = followed.usage.rows if followed else 0
        finally:
            running.stop()
    return ApiTable(
        vehicles=vehicles,
        restored_second=restored,
        fleet=fleet,
        fleet_bytes=size,
        page=page,
        month_rows=rows,
        month=month,
        tabs=TABS,
        events=events,
        tabs_share=share,
    )


def render(table: ApiTable) -> str:
    """Write the table for a terminal."""

    def line(what: str, spread: Spread, goal: float) -> str:
        verdict = "within" if spread.p99 <= goal else "over"
        return (
            f"{what:<52} {spread.p50 * 1e3:8.1f} ms {spread.p99 * 1e3:8.1f} ms   "
            f"{verdict} {goal * 1e3:.0f} ms"
        )

    share = "within" if table.tabs_share <= TABS_SHARE else "over"
    return "\n".join(
        [
            f"{'over HTTP on this machine':<52} {'median':>11} {'99 %':>11}   goal",
            line(
                f"last state of {table.vehicles:,} packs, {table.fleet_bytes / 1e6:.1f} MB",
                table.fleet,
                FLEET_SECOND,
            ),
            line("the 100 most urgent, sorted anew after each change", table.page, SORT_SECOND),
            line(
                f"{table.month_rows:,} rows of a pack in {POINTS} points", table.month, MONTH_SECOND
            ),
            f"{table.tabs} pages watching live at {LIVE_PER_SECOND:g} Hz: "
            f"{table.tabs_share:.2%} of a core ({share} {TABS_SHARE:.0%}), "
            f"{table.events:,} events arrived",
            f"{table.vehicles:,} packs rebuilt from the store in {table.restored_second:.0f} s",
        ]
    )


def _name(number: int) -> str:
    return f"pack-{number:05d}"


def _facts(vehicle_id: str) -> Vehicle:
    cell = CellType(
        name="bench",
        chemistry=Chemistry.NMC,
        capacity_nominal_ah=150.0,
        voltage_volt_min=2.7,
        voltage_volt_max=4.2,
    )
    layout = PackLayout(series=CELLS, module_series=(12,) * (CELLS // 12))
    return Vehicle(vehicle_id=vehicle_id, layout=layout, cell_type=cell, capacity_nominal_ah=150.0)


def _record(vehicle_id: str, seq: int, rows: SampleBatch, body: bytes) -> Record:
    return Record(
        key=RecordKey(vehicle_id, _EPOCH, seq),
        kind=RecordKind.TELEMETRY,
        first_second=float(rows.unix_time_second[0]),
        last_second=float(rows.unix_time_second[-1]),
        heard_first_nanosecond=1,
        heard_last_nanosecond=1,
        body=body,
    )


def _fleet(vehicles: int) -> Iterator[Record]:
    """Give a minute of every pack; a hundred different ones take turns."""
    kinds = [batch(seed) for seed in range(min(vehicles, 100))]
    bodies = [encode_chunk(rows) for rows in kinds]
    for number in range(vehicles):
        kind = number % len(kinds)
        yield _record(_name(number), 1, kinds[kind], bodies[kind])


def _month(days: int) -> Iterator[Record]:
    """Give a pack that never rests, a row a second."""
    kinds = [batch(seed) for seed in range(50)]
    begin = float(kinds[0].unix_time_second[0])
    minutes = round(days * SECOND_PER_DAY / 60.0)
    for number in range(minutes):
        rows = kinds[number % len(kinds)]
        time_second = begin + 60.0 * number + np.arange(float(rows.rows))
        rows = replace(rows, unix_time_second=time_second)
        yield _record(_name(0), number + 1, rows, encode_chunk(rows))


def _fill(root: Path, records: Iterator[Record]) -> None:
    store = compose.record_store(root)
    book = compose.asset_book(root)
    waiting: list[Record] = []
    known: set[str] = set()
    for record in records:
        waiting.append(record)
        if record.key.vehicle_id not in known:
            known.add(record.key.vehicle_id)
            book.put_vehicle(_facts(record.key.vehicle_id))
        if len(waiting) == _COMMIT:
            store.commit(waiting)
            waiting = []
    store.commit(waiting)
    store.compact()
    store.close()


def _started(root: Path, vehicles: int) -> tuple[Running, float]:
    """Start a cloud, and wait until it has rebuilt every pack."""
    running = compose.cloud(root)
    began = time.monotonic()
    running.start()
    while True:
        view = running.cloud.fleet.view
        behind = sum(v.catching_up for v in view.vehicles.values())
        if len(view.vehicles) == vehicles and not behind:
            return running, time.monotonic() - began
        time.sleep(0.2)


def _asked(
    running: Running, path: str, before: Callable[[], None] = lambda: None
) -> tuple[Spread, int]:
    """Ask again and again over one connection; give the times, and the size of an answer."""
    host = running.url.split("//")[1].rstrip("/")
    times, size = [], 0
    with subprocess.Popen(
        [sys.executable, "-c", _ASKER, host],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as asker:
        assert asker.stdin is not None and asker.stdout is not None
        for _ in range(_ASKED):
            before()
            asker.stdin.write(path + "\n")
            asker.stdin.flush()
            status, took, length = asker.stdout.readline().split()
            assert status == "200", (path, status)
            times.append(float(took))
            size = int(length)
        asker.stdin.close()
    p50, p99 = np.quantile(times, [0.5, 0.99]).tolist()
    return Spread(p50, p99), size


def _change(running: Running) -> Callable[[], None]:
    """Give what makes the fleet another one, so that nothing sorted before is of use."""
    fleet = running.cloud.fleet
    state = EdgeState(vehicle_id=_name(0), site_id="bench", online=True, epoch=_EPOCH)

    def change() -> None:
        version = fleet.view.version
        fleet.state(state)
        while fleet.view.version == version:
            time.sleep(0.005)

    return change


def _watched(running: Running) -> tuple[int, float]:
    """Give live events that reached open pages, and the share of a core they cost."""
    alone = _cpu_of(running, 0)[1]
    events, together = _cpu_of(running, TABS)
    return events, max(together - alone, 0.0)


def _cpu_of(running: Running, tabs: int) -> tuple[int, float]:
    """Send live samples of a pack while so many pages watch; give events and share of a core."""
    host, port = running.url.split("//")[1].rstrip("/").split(":")
    words = [host, port, f"/api/v1/stream?vehicle_id={_name(0)}", str(_WATCHED_SECOND), str(tabs)]
    rows = replace(batch(0), vehicle_id=_name(0))
    begin = float(rows.unix_time_second[-1]) + 1.0 + 1000.0 * tabs
    with subprocess.Popen(
        [sys.executable, "-c", _READER, *words], stdout=subprocess.PIPE, text=True
    ) as reader:
        assert reader.stdout is not None
        reader.stdout.readline()
        began, cpu = time.monotonic(), time.process_time()
        sent = 0
        while reader.poll() is None:
            row = replace(rows.between(0, 1), unix_time_second=np.array([begin + sent / 5.0]))
            running.cloud.fleet.live(Live(_name(0), row, time.time_ns()))
            sent += 1
            time.sleep(max(began + sent / LIVE_PER_SECOND - time.monotonic(), 0.0))
        share = (time.process_time() - cpu) / (time.monotonic() - began)
        return int(reader.stdout.readline()), share

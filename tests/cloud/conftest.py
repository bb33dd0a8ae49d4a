"""A cloud that runs: a real store, real threads, real HTTP on a free port."""

import importlib.util
import shutil
import time
from pathlib import Path

import httpx2
import pytest

from voltherd.adapters.records.store import RecordStore
from voltherd.adapters.sqlite.assets import AssetBook, Document
from voltherd.cloud.clocks import WallClock
from voltherd.cloud.compose import Given, compose
from voltherd.cloud.config import parse
from voltherd.types.event import Severity
from voltherd.types.record import EdgeEvent, Gap, GapReason, Record, RecordKey, RecordKind, SeqRange
from voltherd.wire.envelope import encode_event, encode_gap

HERE = Path(__file__).resolve().parent
EPOCH = 1 << 32


@pytest.fixture(scope="session")
def data():
    """The module that makes telemetry."""
    path = HERE.parent / "unit" / "cloud" / "vehicle_data.py"
    spec = importlib.util.spec_from_file_location("voltherd_cloud_vehicle_data", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def fill(data, folder, hours=3.0):
    """Three vehicles in a record store: one with a stuck sensor, one healthy, one brief."""
    store, book = RecordStore(folder), AssetBook(folder)
    for number, (name, stuck, length) in enumerate(
        (("bus-1", 4, hours), ("bus-2", None, hours), ("bus 3/ü", None, 0.2))
    ):
        batch = data.drive(name, hours=length, period=10.0, seed=number, stuck=stuck)
        store.commit(data.records(batch, rows=60, epoch=EPOCH))
        book.put_vehicle(data.asset(name))
    late = data.START + 600.0
    event = EdgeEvent(
        unix_time_second=late,
        code="cell_voltage.high",
        severity=Severity.RECOMMENDED,
        text="cell 3 at 4.25 V",
        cells=(3,),
        value=4.25,
        unit="V",
    )
    gap = Gap(
        epoch=EPOCH,
        dropped=(SeqRange(9_003, 9_007),),
        first_second=late + 60.0,
        last_second=late + 360.0,
        rows=30,
        reason=GapReason.FULL,
    )
    for seq, (kind, body) in enumerate(
        ((RecordKind.EVENT, encode_event(event)), (RecordKind.GAP, encode_gap(gap))), start=9_001
    ):
        key = RecordKey("bus-1", EPOCH, seq)
        store.commit(
            [Record(key=key, kind=kind, first_second=late, last_second=late + 360.0, body=body)]
        )
    book.put_document(
        Document("bus-1", late + 9.0, "workshop", {"note": "coolant topped up", "by": "Cy"})
    )
    store.close()


@pytest.fixture(scope="session")
def filled(data, tmp_path_factory):
    """A folder with that store."""
    folder = tmp_path_factory.mktemp("cloud") / "store"
    fill(data, folder)
    return folder


def run(folder, clock=None, **sections):
    """A cloud of a store, started; what it serves is at ``url``."""
    plain = {"store": {"path": str(folder)}, "http": {"port": 0}, **sections}
    running = compose(parse(plain, "test"), Given(clock=clock))
    running.start()
    return running


def settled(running, second=60.0):
    """Wait until every vehicle is rebuilt and judged."""
    until = time.monotonic() + second
    while time.monotonic() < until:
        view = running.cloud.fleet.view
        if view.vehicles and not any(v.catching_up for v in view.vehicles.values()):
            return
        time.sleep(0.05)
    raise AssertionError("the fleet does not come to rest")


@pytest.fixture(scope="session")
def clock(data):
    """Half an hour after the newest row."""
    return WallClock(shift_second=data.START + 3.5 * 3600.0 - time.time())


@pytest.fixture
def start_of():
    """Starts a cloud of a store and waits for it; the one before stops first."""
    yield from _starting()


@pytest.fixture(scope="module")
def start_of_module():
    """The same for all tests of a module."""
    yield from _starting()


def _starting():
    made = []

    def start(folder, clock=None, **sections):
        if made:
            made.pop().stop()
        made.append(run(folder, clock, **sections))
        settled(made[-1])
        return made[-1]

    yield start
    for running in made:
        running.stop()


@pytest.fixture
def filled_anew(filled, tmp_path):
    """Gives a copy of the store that a test may change."""

    def copied():
        return shutil.copytree(filled, tmp_path / "store")

    return copied


@pytest.fixture(scope="module")
def filled_for_module(filled, tmp_path_factory):
    """A copy of the store that the tests of a module may change."""
    return shutil.copytree(filled, tmp_path_factory.mktemp("own") / "store")


@pytest.fixture(scope="module")
def running(filled, clock):
    """The cloud that most tests ask."""
    made = run(filled, clock)
    settled(made)
    yield made
    made.stop()


@pytest.fixture(scope="module")
def client(running):
    """Asks it."""
    with httpx2.Client(base_url=running.url, timeout=30.0) as made:
        yield made

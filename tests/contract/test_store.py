"""What every Store promises; a new one adds a line to STORES and inherits every test."""

import itertools
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voltherd.adapters.memory.store import MemoryStore
from voltherd.adapters.parquet.store import ParquetStore
from voltherd.adapters.records.store import RecordStore
from voltherd.ports import Store
from voltherd.types.quality import Quality
from voltherd.types.sample import SampleBatch

STORES: dict[str, Callable[[Path], Store]] = {
    "memory": lambda folder: MemoryStore(),
    "parquet": lambda folder: ParquetStore(folder / "store"),
    "records": lambda folder: RecordStore(folder / "store"),
}
DURABLE = [name for name in STORES if name != "memory"]
EVENING = 86_400.0 * 19_000 + 86_390.0
"""Ten seconds before midnight UTC."""


@pytest.fixture(params=STORES.values(), ids=STORES)
def store(request, tmp_path) -> Store:
    return request.param(tmp_path)


def batch(
    times,
    vehicle_id="bus-7",
    cells=3,
    probes=2,
    scalars=("current_ampere",),
    dtype=np.float32,
    seed=0,
) -> SampleBatch:
    rng = np.random.default_rng(seed)
    times = np.asarray(times, np.float64)
    volts = rng.uniform(3.0, 4.2, (len(times), cells)).astype(dtype)
    flags = np.zeros(volts.shape, np.uint8)
    if volts.size:
        volts[0, 0], flags[0, 0] = np.nan, int(Quality.SENTINEL)
        flags[-1, -1] = int(Quality.CORRECTED)
    return SampleBatch(
        vehicle_id=vehicle_id,
        unix_time_second=times,
        cell_voltage_volt=volts,
        cell_quality=flags,
        probe_temperature_celsius=rng.uniform(-20, 60, (len(times), probes)).astype(dtype),
        probe_quality=np.zeros((len(times), probes), np.uint8),
        scalar={name: rng.uniform(-100, 100, len(times)) for name in scalars},
        scalar_quality={name: np.zeros(len(times), np.uint8) for name in scalars},
        cell_names=tuple(f"V_{i + 1}" for i in range(cells)),
        probe_names=tuple(f"Θ'{i + 1}\"" for i in range(probes)),
    )


def assert_same(got: SampleBatch, wanted: SampleBatch) -> None:
    assert got.vehicle_id == wanted.vehicle_id
    assert got.cell_names == wanted.cell_names and got.probe_names == wanted.probe_names
    assert tuple(got.scalar) == tuple(wanted.scalar)
    for name in (
        "unix_time_second",
        "cell_voltage_volt",
        "cell_quality",
        "probe_temperature_celsius",
        "probe_quality",
    ):
        same_bits(getattr(got, name), getattr(wanted, name))
    for name in wanted.scalar:
        same_bits(got.scalar[name], wanted.scalar[name])
        same_bits(got.scalar_quality[name], wanted.scalar_quality[name])


def same_bits(got, wanted):
    assert got.dtype == wanted.dtype and got.shape == wanted.shape
    assert np.ascontiguousarray(got).tobytes() == np.ascontiguousarray(wanted).tobytes()


def test_what_is_read_back_is_what_was_appended_bit_for_bit(store):
    wanted = batch(EVENING + np.arange(40.0))
    assert store.append(wanted) == 40
    assert_same(store.read("bus-7"), wanted)


def test_extreme_values_keep_their_bits(store):
    wanted = batch([-86_400.5, -0.0, 0.1, 6.4e9], cells=4, dtype=np.float64)
    wanted.cell_voltage_volt[1] = [-0.0, np.inf, 5e-324, 1.7976931348623157e308]
    store.append(wanted)
    assert_same(store.read("bus-7"), wanted)


def test_appending_the_same_rows_again_changes_nothing(store):
    wanted = batch(EVENING + np.arange(20.0))
    store.append(wanted)
    assert store.append(wanted) == 0
    assert store.append(wanted.between(5, 9)) == 0
    assert_same(store.read("bus-7"), wanted)


def test_a_row_that_is_there_is_not_replaced(store):
    first = batch(EVENING + np.arange(5.0), seed=1)
    store.append(first)
    assert store.append(batch(EVENING + np.arange(6.0), seed=2)) == 1
    assert_same(store.read("bus-7").between(0, 5), first)


def test_late_rows_take_their_place_in_time(store):
    wanted = batch(EVENING + np.arange(30.0))
    for start, stop in ((20, 30), (0, 7), (7, 20)):
        assert store.append(wanted.between(start, stop)) == stop - start
    assert_same(store.read("bus-7"), wanted)


def test_rows_of_one_time_are_all_kept_in_their_order(store):
    wanted = batch([EVENING, EVENING, EVENING, EVENING + 1, EVENING + 1])
    assert store.append(wanted) == 5
    assert store.append(wanted) == 0
    assert_same(store.read("bus-7"), wanted)


@pytest.mark.parametrize(
    ("start", "stop"),
    [(3.0, 17.0), (3.5, 3.6), (-9.0, 0.0), (9.0, 11.0), (17.0, 3.0), (25.0, 99.0)],
)
def test_reading_gives_from_start_up_to_but_without_stop(store, start, stop):
    wanted = batch(EVENING + np.arange(20.0))
    store.append(wanted)
    times = store.read("bus-7", EVENING + start, EVENING + stop).unix_time_second - EVENING
    assert times.tolist() == [t for t in range(20) if start <= t < stop]


def test_vehicles_are_kept_apart_and_named_in_order(store):
    ids = [
        "bus-7",
        "Bus-8",
        "../../etc/passwd",
        "a/b\\c",
        "*?[x]",
        "naïve 車",
        ".",
        "..",
        "a\nb",
        "%41",
    ]
    for k, vehicle_id in enumerate(ids):
        store.append(batch(EVENING + np.arange(3.0), vehicle_id=vehicle_id, seed=k))
    assert store.vehicles() == tuple(sorted(ids))
    for k, vehicle_id in enumerate(ids):
        assert_same(
            store.read(vehicle_id), batch(EVENING + np.arange(3.0), vehicle_id=vehicle_id, seed=k)
        )


def test_of_an_unknown_vehicle_there_are_no_rows(store):
    assert store.read("nobody").rows == 0 and store.vehicles() == ()


def test_a_batch_without_rows_leaves_no_trace(store):
    assert store.append(batch([])) == 0
    assert store.vehicles() == ()


@pytest.mark.parametrize("apart_second", [100.0, 86_400.0 * 3])
def test_a_channel_that_came_later_is_missing_before(store, apart_second):
    store.append(batch([EVENING - 1], cells=2, probes=0, scalars=("current_ampere",)))
    later = batch([EVENING - 1 + apart_second], cells=3, probes=1, scalars=("soc_fraction",))
    store.append(later)
    got = store.read("bus-7")
    assert (got.cells, got.probes, set(got.scalar)) == (3, 1, {"current_ampere", "soc_fraction"})
    assert np.isnan(got.cell_voltage_volt[0, 2]) and got.cell_quality[0, 2] == Quality.MISSING
    assert np.isnan(got.scalar["soc_fraction"][0])
    assert got.scalar_quality["current_ampere"].tolist() == [0, int(Quality.MISSING)]
    assert got.cell_names == later.cell_names


def test_the_batch_given_is_not_changed(store):
    given_batch, copy = batch(EVENING + np.arange(9.0)), batch(EVENING + np.arange(9.0))
    store.append(given_batch.between(3, 6))
    store.append(given_batch)
    assert_same(given_batch, copy)


@settings(max_examples=15, deadline=None)
@given(
    times=st.lists(st.integers(0, 40).map(lambda k: 5e4 * k), min_size=1, max_size=40),
    cuts=st.lists(st.integers(0, 40), max_size=5),
    order=st.randoms(use_true_random=False),
)
def test_every_store_answers_as_the_one_in_memory(tmp_path_factory, times, cuts, order):
    whole = batch(sorted(times))
    edges = sorted({0, whole.rows, *(cut for cut in cuts if cut < whole.rows)})
    parts = [whole.between(a, b) for a, b in itertools.pairwise(edges)]
    order.shuffle(parts)
    stores = [make(tmp_path_factory.mktemp("contract")) for make in STORES.values()]
    for part in [*parts, *parts[:2]]:
        assert len({store.append(part) for store in stores}) == 1
    for store in stores[1:]:
        assert_same(store.read("bus-7"), stores[0].read("bus-7"))


APPEND = """
import os, resource, sys
from pathlib import Path
import numpy as np
sys.path.insert(0, {contract!r})
from test_store import EVENING, STORES, batch
{before}
store = STORES[{name!r}](Path({folder!r}))
try:
    store.append(batch(EVENING + np.arange(5.0, {stop}), seed=3))
except Exception as error:
    print(type(error).__name__, error)
    sys.exit(4)
"""


def append_elsewhere(name, folder, before, stop=3000.0):
    """Append in a process of its own, where something goes wrong."""
    code = APPEND.format(
        contract=str(Path(__file__).parent), name=name, folder=str(folder), before=before, stop=stop
    )
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("name", DURABLE)
@pytest.mark.parametrize("call", ["replace", "fsync"])
def test_a_kill_between_write_and_rename_leaves_the_old_rows_and_no_half(tmp_path, name, call):
    store, old = STORES[name](tmp_path), batch(EVENING - 60 + np.arange(5.0))
    store.append(old)
    done = append_elsewhere(name, tmp_path, f"os.{call} = lambda *_: os._exit(9)")
    assert done.returncode == 9, done.stderr
    assert_same(STORES[name](tmp_path).read("bus-7"), old)
    assert append_elsewhere(name, tmp_path, "").returncode == 0
    assert STORES[name](tmp_path).read("bus-7").rows == 5 + 2995


@pytest.mark.parametrize("name", DURABLE)
def test_a_full_disk_is_told_in_one_message_and_nothing_half_is_read_back(tmp_path, name):
    store, old = STORES[name](tmp_path), batch(EVENING - 60 + np.arange(5.0))
    store.append(old)
    full = "resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))"
    done = append_elsewhere(name, tmp_path, full + "; EVENING += 20")
    assert done.returncode == 4, done.stderr
    assert done.stdout.startswith("StoreError") and "free space" in done.stdout
    assert_same(STORES[name](tmp_path).read("bus-7"), old)
    assert not list(tmp_path.rglob("*.part"))


@pytest.mark.parametrize("name", DURABLE)
def test_two_writers_lose_nothing(tmp_path, name):
    code = [
        APPEND.format(
            contract=str(Path(__file__).parent),
            name=name,
            folder=str(tmp_path),
            before=f"EVENING += {1000 * k}",
            stop=200.0,
        )
        for k in range(2)
    ]
    running = [subprocess.Popen([sys.executable, "-c", text]) for text in code]
    assert [process.wait(60) for process in running] == [0, 0]
    assert STORES[name](tmp_path).read("bus-7").rows == 2 * 195

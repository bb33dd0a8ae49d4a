"""Deaths at every step, full disks, and other processes: nothing that was acknowledged is lost."""

import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.contract.test_record_log import MORNING, event, keys, samples, telemetry
from voltherd.adapters.records.store import RecordStore
from voltherd.errors import StoreError

ROOT = Path(__file__).resolve().parents[4]
STEPS = 143
"""Steps of ``dying.life``; a test holds it to that."""
EVERY = 1 if os.environ.get("VOLTHERD_NIGHTLY") or os.environ.get("VOLTHERD_EXPLORE") else 7


@pytest.fixture
def quick_folder(tmp_path):
    """A folder in memory where there is one: death spares what a process has handed over."""
    memory = Path("/dev/shm")
    if not memory.is_dir() or not os.access(memory, os.W_OK):
        yield tmp_path
        return
    import shutil
    import tempfile

    folder = Path(tempfile.mkdtemp(dir=memory))
    yield folder
    shutil.rmtree(folder)


def deaths(folder, how, numbers):
    """Let a program die again and again; give what it says of each death."""
    if not hasattr(os, "fork"):
        pytest.skip("needs a system with fork")
    done = subprocess.run(
        [sys.executable, "-m", "tests.unit.adapters.records.dying", str(folder), how]
        + [str(number) for number in numbers],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(told) == len(numbers)
    return told, done.stderr


def test_whoever_dies_at_a_step_has_lost_nothing_and_can_go_on(quick_folder):
    told, errors = deaths(quick_folder, "step", [*range(1, STEPS + 1, EVERY), STEPS, STEPS + 1])
    assert [death for death in told if death["problems"]] == [], errors[-3000:]
    assert [death["code"] for death in told] == [9] * (len(told) - 1) + [0]


def test_whoever_dies_amid_a_write_has_lost_nothing_and_can_go_on(quick_folder):
    told, errors = deaths(quick_folder, "torn", range(3, STEPS, 3 * EVERY))
    assert [death for death in told if death["problems"]] == [], errors[-3000:]
    assert sum(death["code"] < 0 for death in told) > len(told) / 2


def limit(size):
    """Let the kernel refuse what would make a file larger, as a full medium does."""
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard if size is None else size, hard))


def test_a_full_medium_refuses_whole_calls_and_all_is_well_when_it_has_space_again(tmp_path):
    store = RecordStore(tmp_path / "store")
    kept = [telemetry(seq) for seq in range(1, 9)]
    store.commit(kept)
    size = (tmp_path / "store" / "records.sqlite-wal").stat().st_size
    try:
        limit(size + 40_000)
        refused, seq = [], 10
        for _ in range(60):
            call = [telemetry(seq + k) for k in range(4)]
            seq += 4
            try:
                done = store.commit(call)
            except StoreError as error:
                refused.append(str(error))
                assert list(store.records("bus-7")) == kept
            else:
                assert done.new == tuple(keys(call))
                kept += call
        assert len(refused) > 10 and all("free space" in told for told in refused)
        limit(2_000)
        with pytest.raises(StoreError, match="free space"):
            store.compact()
    finally:
        limit(None)
    assert list(store.records("bus-7")) == kept
    assert store.commit([telemetry(999, second=MORNING + 9e4)]).new
    assert store.compact().chunks == len(kept) + 1
    assert store.check() == () and len(store.records("bus-7")) == len(kept) + 1


FULL = """
import sys
from pathlib import Path
from tests.contract.test_record_log import telemetry, MORNING
from voltherd.adapters.records.store import RecordStore
from voltherd.errors import StoreError

folder = Path(sys.argv[1])
store, kept, seq, refused = RecordStore(folder / "store"), [], 0, 0
fill = (folder / "other").open("ab")
try:
    while True:  # somebody else fills the medium up to a few pages
        fill.write(bytes(4096)); fill.flush()
        if fill.tell() > 12 << 20: break
except OSError:
    pass
while refused < 5:
    seq += 1
    record = telemetry(seq, second=MORNING + 60.0 * seq)
    try:
        store.commit([record])
        kept.append(record)
    except StoreError as error:
        assert "free space" in str(error), error
        refused += 1
    assert seq < 20000
try:
    store.compact()
except StoreError as error:
    assert "free space" in str(error), error
assert list(store.records("bus-7")) == kept
fill.close(); (folder / "other").unlink()
store.commit([telemetry(30_000, second=MORNING - 9e4)])
store.compact(shrink=True)
assert store.check() == ()
assert len(store.records("bus-7")) == len(kept) + 1 and len(kept) > 5
print("well", len(kept))
"""


def test_a_medium_that_is_really_full_loses_nothing_that_was_acknowledged(tmp_path):
    """On a file system of 16 MB of its own, in a name space of its own where root may not mount."""
    script = f'mount -t tmpfs -o size=16m tmpfs "$1" && exec "{sys.executable}" -c "$2" "$1"'
    done = subprocess.run(
        ["unshare", "--mount", "--map-root-user", "sh", "-c", script, "sh", str(tmp_path), FULL],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        check=False,
    )
    if done.returncode and "mount" in done.stderr:
        pytest.skip("needs the right to mount: run as root, or allow user name spaces")
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.startswith("well")


WRITER = """
import sys, time
from pathlib import Path
from tests.contract.test_record_log import telemetry
from voltherd.adapters.records.store import RecordStore

store = RecordStore(Path(sys.argv[1]))
who = sys.argv[2]
for seq in range(1, 41):
    assert store.commit([telemetry(seq, vehicle_id=who), telemetry(seq, vehicle_id="both")])
    if seq % 8 == 0:
        store.compact()
"""


def elsewhere(text, *arguments):
    return subprocess.Popen([sys.executable, "-c", text, *map(str, arguments)], cwd=ROOT)


def test_two_processes_write_and_compact_one_store_and_each_sees_the_others_work(tmp_path):
    running = [elsewhere(WRITER, tmp_path / "store", who) for who in ("bus-1", "bus-2")]
    assert [process.wait(120) for process in running] == [0, 0]
    store = RecordStore(tmp_path / "store")
    for who in ("bus-1", "bus-2", "both"):
        assert [r.key.seq for r in store.records(who)] == list(range(1, 41))
    assert store.check() == ()


HOLDS = """
import fcntl, sqlite3, sys, time
con = sqlite3.connect(sys.argv[1] + "/records.sqlite", isolation_level=None)
con.execute("BEGIN IMMEDIATE")
lock = open(sys.argv[1] + "/.lock", "a")
fcntl.flock(lock, fcntl.LOCK_EX)
print("held", flush=True)
time.sleep(60)
"""


def test_who_waits_too_long_for_another_process_is_told_so(tmp_path, monkeypatch):
    store = RecordStore(tmp_path)
    store.commit([telemetry(1)])
    store.close()
    monkeypatch.setattr("voltherd.adapters.records.files.BUSY_SECOND", 0.2)
    monkeypatch.setattr("voltherd.adapters.records.files.MAINTENANCE_SECOND", 0.2)
    with subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None and other.stdout.readline() == "held\n"
        try:
            with pytest.raises(StoreError, match="another process is writing"):
                store.commit([telemetry(2)])
            with pytest.raises(StoreError, match="another process has been rewriting"):
                store.compact()
            assert list(store.records("bus-7")) == [telemetry(1)], "readers do not wait"
        finally:
            other.kill()
    assert store.commit([telemetry(2)]).new


def test_reading_goes_on_while_files_are_merged_beneath_it(tmp_path):
    """Each read sees one moment, though the files it was about to read are gone."""
    store = RecordStore(tmp_path)
    records = [telemetry(seq) for seq in range(1, 61)]
    for at in range(0, 60, 6):
        store.commit(records[at : at + 6])
        store.compact(files_max=99)
    reader = RecordStore(tmp_path)
    until = time.monotonic() + 1.0
    other = elsewhere(WRITER, tmp_path, "bus-9")  # its first compaction merges ours
    reads = 0
    while other.poll() is None or time.monotonic() < until:
        assert list(reader.records("bus-7")) == records
        reads += 1
    assert other.returncode == 0 and reads > 3


def test_a_reader_starts_again_when_a_file_vanishes_between_looking_and_reading(
    tmp_path, monkeypatch
):
    store = RecordStore(tmp_path)
    for seq in (1, 2):
        store.commit([telemetry(seq)])
        store.compact(files_max=99)
    other, looked = RecordStore(tmp_path), []
    found = RecordStore._found

    def merged_meanwhile(self, *arguments):
        answer = found(self, *arguments)
        if not looked:
            looked.append(answer)
            other.compact()
        return answer

    monkeypatch.setattr(RecordStore, "_found", merged_meanwhile)
    assert list(store.records("bus-7")) == [telemetry(1), telemetry(2)]
    assert len(looked[0][1]) == 2


def test_an_import_killed_between_two_days_counts_for_neither(tmp_path):
    """Both days come with one transaction, behind both files."""
    steps = []

    def step(name):
        steps.append(name)
        if name == "files count":
            raise KeyboardInterrupt

    store = RecordStore(tmp_path, step)
    batch = samples(MORNING, 5, "bus-1")
    evening = samples(86_400.0 * 19_001 - 3.0, 6, "bus-1")
    with pytest.raises(KeyboardInterrupt):
        store.append(evening)
    assert steps.count("file") == 2
    assert store.read("bus-1").rows == 0 and not list(tmp_path.rglob("*.parquet"))
    again = RecordStore(tmp_path)
    assert again.append(evening) == 6 and again.append(batch) == 5
    assert again.commit([event(1)]).new and again.check() == ()


def test_everything_is_on_the_medium_before_it_counts(tmp_path, monkeypatch):
    """What a loss of power needs and a death does not show: the order of syncing."""
    order = []
    sync, replace = os.fsync, os.replace

    def synced(handle):
        order.append(("sync", Path(os.readlink(f"/proc/self/fd/{handle}")).name))
        sync(handle)

    def replaced(source, target):
        order.append(("rename", Path(target).name))
        replace(source, target)

    if not Path("/proc/self/fd").is_dir():
        pytest.skip("needs /proc to name what is synced")
    store = RecordStore(tmp_path / "store", lambda name: order.append(("step", name)))
    store.commit([telemetry(1)])
    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", replaced)
    order.clear()
    store.compact()
    written = [entry for entry in order if entry[0] != "step" or entry[1] == "commit"]
    assert written == [
        ("sync", "1.parquet.part"),
        ("rename", "1.parquet"),
        ("sync", "day=2022-01-08"),
        ("sync", "vehicle=bus-7"),
        ("sync", "store"),
        ("step", "commit"),
    ]
    with store._files.alone() as con:
        assert con.execute("PRAGMA synchronous").fetchone() == (2,), "FULL: each commit waits"
        assert con.execute("PRAGMA journal_mode").fetchone() == ("wal",)

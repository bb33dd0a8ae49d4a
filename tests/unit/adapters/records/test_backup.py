"""A backup is of one moment, whole, and compared byte for byte before it stands in a place."""

import json
import tarfile
import threading

import pytest

from tests.contract.test_record_log import MORNING, event, telemetry
from voltherd.adapters.records.backup import restore
from voltherd.adapters.records.store import RecordStore
from voltherd.adapters.sqlite.assets import AssetBook
from voltherd.errors import StoreError
from voltherd.types.asset import Vehicle


def quiet(_):
    """Say nothing."""


@pytest.fixture
def store(tmp_path):
    store = RecordStore(tmp_path / "store")
    store.commit([telemetry(k) for k in range(1, 6)])
    store.compact()
    store.commit([telemetry(6), event(7)])
    AssetBook(store.root).put_vehicle(Vehicle(vehicle_id="bus-7", model="Kombi"))
    (store.root / "truth.json").write_text("{}")
    return store


@pytest.mark.parametrize("out", ["backup", "backup.tar"])
def test_what_is_restored_is_what_was_there(store, tmp_path, out):
    made = store.backup(tmp_path / out, MORNING)
    store.commit([telemetry(8)])
    told = restore(tmp_path / out, tmp_path / "again", quiet)
    assert told == made and made.unix_time_second == MORNING and made.schema == 2
    again = RecordStore(tmp_path / "again")
    assert list(again.records("bus-7")) == list(store.records("bus-7"))[:-1]
    assert again.check() == ()
    assert AssetBook(again.root).vehicle("bus-7") == AssetBook(store.root).vehicle("bus-7")
    assert (again.root / "truth.json").read_text() == "{}"
    assert again.commit([telemetry(1), telemetry(8)]).new == (telemetry(8).key,)
    assert not [p for p in tmp_path.iterdir() if p.name.startswith(".")]


@pytest.mark.parametrize("out", ["backup", "backup.tar"])
def test_a_backup_taken_amid_commits_and_compactions_is_of_one_moment(store, tmp_path, out):
    stop, failed = threading.Event(), []

    def commits():
        seq = 100
        while not stop.is_set():
            seq += 1
            try:
                store.commit([telemetry(seq, second=MORNING + 60.0 * seq)])
                if seq % 5 == 0:
                    store.compact()
            except BaseException as error:
                failed.append(error)
                return

    thread = threading.Thread(target=commits)
    thread.start()
    try:
        for k in range(3):
            target = tmp_path / f"{k}-{out}"
            store.backup(target, MORNING)
            restore(target, tmp_path / f"again-{k}", quiet)
    finally:
        stop.set()
        thread.join()
    assert failed == []
    for k in range(3):
        again = RecordStore(tmp_path / f"again-{k}")
        assert again.check() == ()
        seqs = [r.key.seq for r in again.records("bus-7") if r.key.seq > 100]
        assert seqs == list(range(101, 101 + len(seqs))), "up to one moment, without a hole"


def test_a_damaged_backup_is_refused_and_nothing_is_put_in_place(store, tmp_path):
    store.backup(tmp_path / "backup", MORNING)
    victim = next((tmp_path / "backup").rglob("*.parquet"))
    data = bytearray(victim.read_bytes())
    data[100] ^= 1
    victim.write_bytes(data)
    with pytest.raises(StoreError, match="is not what was backed up"):
        restore(tmp_path / "backup", tmp_path / "again", quiet)
    victim.unlink()
    with pytest.raises(StoreError, match="cannot be restored"):
        restore(tmp_path / "backup", tmp_path / "again", quiet)
    assert not (tmp_path / "again").exists()


def test_a_cut_archive_is_refused(store, tmp_path):
    out = tmp_path / "backup.tar"
    store.backup(out, MORNING)
    out.write_bytes(out.read_bytes()[:9_000])
    with pytest.raises(StoreError):
        restore(out, tmp_path / "again", quiet)
    assert not (tmp_path / "again").exists()


def test_what_is_no_backup_is_refused(store, tmp_path):
    for source in (store.root, tmp_path / "nowhere", store.root / "truth.json"):
        with pytest.raises(StoreError):
            restore(source, tmp_path / "again", quiet)


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "a/../../evil", ""])
def test_a_backup_cannot_write_outside_of_its_place(store, tmp_path, name):
    store.backup(tmp_path / "backup", MORNING)
    manifest = tmp_path / "backup" / "manifest.json"
    told = json.loads(manifest.read_text())
    told["files"][0]["name"] = name
    manifest.write_text(json.dumps(told))
    with pytest.raises(StoreError, match="no backup"):
        restore(tmp_path / "backup", tmp_path / "deep" / "again", quiet)
    assert not list(tmp_path.rglob("evil"))


def test_nothing_is_overwritten(store, tmp_path):
    (tmp_path / "backup").mkdir()
    with pytest.raises(StoreError, match="something already"):
        store.backup(tmp_path / "backup", MORNING)
    store.backup(tmp_path / "other.tar", MORNING)
    with pytest.raises(StoreError, match="something already"):
        restore(tmp_path / "other.tar", store.root, quiet)


def test_an_archive_is_an_ordinary_one(store, tmp_path):
    store.backup(tmp_path / "backup.tar", MORNING)
    with tarfile.open(tmp_path / "backup.tar") as tar:
        names = tar.getnames()
    assert {"records.sqlite", "assets.sqlite", "voltherd.json", "manifest.json"} <= set(names)
    assert not any(name.endswith(("-wal", "-shm", ".lock", ".part")) for name in names)

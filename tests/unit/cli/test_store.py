"""``voltherd store`` as a user meets it."""

import json

import numpy as np
import pytest

from tests.contract.test_record_log import MORNING, event, gap, samples, telemetry
from tests.unit.cli.in_process import voltherd_run
from voltherd.adapters.parquet.store import ParquetStore
from voltherd.adapters.records.store import RecordStore
from voltherd.adapters.sqlite.assets import AssetBook, Document, Drive
from voltherd.types.asset import Vehicle


@pytest.fixture
def root(tmp_path):
    """Two vehicles; one driver took the first for two of its minutes."""
    root = tmp_path / "store"
    store = RecordStore(root)
    for at, vehicle_id in enumerate(("bus-7", "bus-8")):
        store.commit(
            [telemetry(k, vehicle_id=vehicle_id, seed=10 * at + k) for k in range(1, 5)]
            + [
                event(5, vehicle_id=vehicle_id, second=MORNING + 130.0),
                gap(7, (6, 6), vehicle_id=vehicle_id),
            ]
        )
        AssetBook(root).put_vehicle(Vehicle(vehicle_id=vehicle_id, model="Kombi"))
    book = AssetBook(root)
    book.put_document(Document("bus-7", MORNING, "workshop", {"note": "brakes"}))
    book.put_drive(Drive("bus-7", "driver-4711", MORNING + 118.0, MORNING + 182.0))
    store.close()
    return root


def run(*words, exit_code=0):
    done = voltherd_run("store", *words)
    told = done.stdout + done.stderr
    assert done.exit_code == exit_code, told
    assert "Traceback" not in told
    return told


def test_info_says_what_is_there(root):
    told = run("info", root, "--vehicles")
    assert "vehicles         2" in told and "landed chunks    8" in told
    assert "2022-01-08" in told and told.rstrip().endswith("bus-8")
    run("compact", root)
    assert "bytes per cell voltage" in run("info", root)


def test_compact_and_check_say_what_they_did(root):
    assert "8 chunks moved into 2 files" in run("compact", root)
    assert "all records are there" in run("check", root)
    next(root.rglob("*.parquet")).unlink()
    told = run("check", root, exit_code=1)
    assert "wrong: vehicle=bus-" in told and "restore it from a backup" in told


def test_retain_removes_by_age_and_wants_to_be_told_what(root):
    assert "12 records" in run("retain", root, "--samples", 1, "--events", 1)
    assert "summary" in run("info", root)
    assert "nothing to remove" in run("retain", root, exit_code=2)


@pytest.mark.parametrize("out", ["backup", "backup.tar"])
def test_backup_and_restore(root, tmp_path, out):
    assert "files" in run("backup", root, "--out", tmp_path / out)
    assert "restored" in run("restore", tmp_path / out, "--out", tmp_path / "again")
    assert "all records are there" in run("check", tmp_path / "again")
    assert "something already" in run(
        "restore", tmp_path / out, "--out", tmp_path / "again", exit_code=2
    )


def test_a_vehicle_is_exported_in_open_formats(root, tmp_path):
    out = tmp_path / "out"
    told = run("export", root, "--vehicle", "bus-7", "--out", out, "--bdf")
    assert "20 rows and 5 events" in told
    assert ParquetStore(out).read("bus-7").rows == 20
    assert ParquetStore(out).vehicles() == ("bus-7",)
    items = json.loads((out / "export.json").read_text())
    assert sorted(item["kind"] for item in items) == [
        "driver",
        "event",
        "facts",
        "gap",
        "workshop",
    ]
    assert next(i for i in items if i["kind"] == "event")["body"]["code"] == "temperature.high"
    assert AssetBook(out).vehicle("bus-7") is not None
    assert list(out.glob("bdf/*/*.bdf.parquet"))


def test_what_only_a_summary_is_left_of_is_exported_as_such(root, tmp_path):
    run("retain", root, "--samples", 1)
    run("export", root, "--vehicle", "bus-7", "--out", tmp_path / "out")
    items = json.loads((tmp_path / "out" / "export.json").read_text())
    summaries = [item["body"] for item in items if item["kind"] == "summary"]
    assert [body["seq"] for body in summaries] == [1, 2, 3, 4]
    assert summaries[0]["rows"] == 5 and summaries[0]["soc_fraction_last"] is None


def test_of_a_driver_only_the_time_at_the_wheel_is_exported(root, tmp_path):
    run("export", root, "--driver", "driver-4711", "--out", tmp_path / "out")
    times = ParquetStore(tmp_path / "out").read("bus-7").unix_time_second - MORNING
    assert times.min() >= 118.0 and times.max() < 182.0 and len(times) == 7
    kinds = [i["kind"] for i in json.loads((tmp_path / "out" / "export.json").read_text())]
    assert kinds == ["gap", "event", "driver"]


def test_what_is_not_known_is_not_exported(root, tmp_path):
    told = run("export", root, "--vehicle", "bus-99", "--out", tmp_path / "out", exit_code=2)
    assert "nothing is known of bus-99" in told
    for words in ([], ["--vehicle", "a", "--driver", "b"]):
        told = run("export", root, *words, "--out", tmp_path / "out", exit_code=2)
        assert "one of --vehicle and --driver" in told


def test_erasing_a_vehicle_asks_first_and_proves_it_afterwards(root):
    told = run("erase", root, "--vehicle", "bus-7", exit_code=2)
    assert "6 records of vehicle bus-7 would be erased" in told and "--yes" in told
    assert len(RecordStore(root).records("bus-7")) == 6
    told = run("erase", root, "--vehicle", "bus-7", "--yes")
    assert "erased 6 records of vehicle bus-7" in told
    assert "searched every byte" in told and told.rstrip().endswith("and none now")
    whole = b"".join(path.read_bytes() for path in root.rglob("*") if path.is_file())
    assert b"bus-7" not in whole and b"driver-4711" not in whole and b"bus-8" in whole
    assert "all records are there" in run("check", root)


def test_what_cannot_be_erased_is_named_and_fails(root):
    (root / "notes.txt").write_text("the battery of bus-7 hums")
    told = run("erase", root, "--vehicle", "bus-7", "--yes", exit_code=1)
    assert "still found: notes.txt (1)" in told


def test_erasing_a_driver_takes_the_time_at_the_wheel_and_leaves_the_rest(root):
    told = run("erase", root, "--driver", "driver-4711", "--yes")
    assert "erased 3 records of driver driver-4711 in 1 vehicles" in told
    assert "1 rows of documents" in told and told.rstrip().endswith("and none now")
    store = RecordStore(root)
    assert [r.key.seq for r in store.records("bus-7")] == [7, 1, 4]
    assert b"driver-4711" not in b"".join(p.read_bytes() for p in root.rglob("*.sqlite*"))
    assert len(store.records("bus-8")) == 6
    assert "all records are there" in run("check", root)


def test_there_has_to_be_a_record_store(tmp_path):
    ParquetStore(tmp_path / "canonical").append(samples(MORNING))
    for folder in (tmp_path / "nowhere", tmp_path / "canonical"):
        for words in (["info"], ["check"], ["compact"]):
            assert "no record store" in run(*words, folder, exit_code=2)
    assert not (tmp_path / "nowhere").exists()


def test_triage_and_import_take_a_record_store(root, tmp_path):
    done = voltherd_run("triage", root, "--json", tmp_path / "report.json")
    assert done.exit_code == 0, done.stderr
    report = json.loads((tmp_path / "report.json").read_text())
    assert {v["vehicle_id"] for v in report["vehicles"]} == {"bus-7", "bus-8"}
    other = tmp_path / "other"
    ParquetStore(other).append(samples(MORNING + 9e4, 50, "bus-7"))
    assert voltherd_run("import", other, "--out", root).exit_code == 0
    got = RecordStore(root).read("bus-7")
    assert got.rows == 70 and bool(np.all(np.diff(got.unix_time_second) > 0))

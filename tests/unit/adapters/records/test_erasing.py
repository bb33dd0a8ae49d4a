"""What is erased stands in no byte of the folder, and does not come again."""

import json
import sqlite3
from contextlib import closing

import numpy as np
import pytest

from tests.contract.test_record_log import EPOCH, LATER, MORNING, event, gap, samples, telemetry
from voltherd.adapters.records.erasing import TimeSpan
from voltherd.adapters.records.search import BLOCK_BYTES, Place, search
from voltherd.adapters.records.store import RecordStore
from voltherd.adapters.sqlite.assets import AssetBook, Document, Drive
from voltherd.adapters.sqlite.slices import SliceBook
from voltherd.errors import StoreError
from voltherd.types.asset import Vehicle
from voltherd.types.record import SeqRange
from voltherd.types.slices import Slices

NOW = MORNING + 86_400.0
GONE, LEFT = "wagen-ü 0815", "wagen-ü 08150"
"""Awkward on purpose: not ASCII, with a blank, and the beginning of another's name."""


def filled(folder):
    """Two vehicles with telemetry landed and in files, events, gaps, imports, facts, documents."""
    store = RecordStore(folder)
    for seed, vehicle_id in ((10, GONE), (30, LEFT)):
        store.commit([telemetry(k, vehicle_id=vehicle_id, seed=seed + k) for k in range(1, 5)])
        store.append(samples(MORNING - 9_000, 4, vehicle_id, seed=seed))
        store.compact()
        store.commit(
            [
                telemetry(5, vehicle_id=vehicle_id, seed=seed + 5),
                event(6, vehicle_id=vehicle_id, text=f"{vehicle_id} is hot"),
                gap(8, (7, 7), vehicle_id=vehicle_id),
                telemetry(
                    1, epoch=LATER, vehicle_id=vehicle_id, second=MORNING + 9_000, seed=seed + 9
                ),
            ]
        )
        AssetBook(folder).put_vehicle(Vehicle(vehicle_id=vehicle_id, model="Kombi"))
        AssetBook(folder).put_document(
            Document(vehicle_id, MORNING, "workshop", {"of": vehicle_id})
        )
    return store


@pytest.fixture
def store(tmp_path):
    return filled(tmp_path / "store")


def test_of_an_erased_vehicle_no_byte_is_left(store, tmp_path):
    pieces = store.fingerprints(GONE)
    assert len(pieces) > 4
    # Of bodies as small as these, Parquet packs some so that their bytes stand there no more.
    there = [piece for piece in pieces if store.search("nobody-at-all", [piece])]
    assert len(there) > 1, "the search finds what is there"
    found = {place.where.split(",")[0] for place in store.search(GONE, pieces)}
    assert {"records.sqlite-wal", "assets.sqlite"} <= found
    assert any(where.startswith("name of vehicle=") for where in found)
    done = store.erase_vehicle(GONE, NOW)
    assert (done.records, done.files) == (9, 1)
    assert dict(done.rows) == {"assets.sqlite vehicle": 1, "assets.sqlite document": 1}
    assert store.search(GONE, pieces) == ()
    whole = b"".join(p.read_bytes() for p in tmp_path.rglob("*") if p.is_file())
    others = whole.count(LEFT.encode())
    assert whole.count(GONE.encode()) == others > 0, "only where it begins the other's name"
    assert store.check() == ()


def test_erasing_one_leaves_the_other_as_it_was(store, tmp_path):
    before = list(store.records(LEFT)), store.committed(LEFT), store.read(LEFT).rows
    store.erase_vehicle(GONE, NOW)
    assert (list(store.records(LEFT)), store.committed(LEFT), store.read(LEFT).rows) == before
    book = AssetBook(tmp_path / "store")
    assert book.vehicle(LEFT) is not None and len(book.documents(LEFT)) == 1
    assert store.known_vehicles() == (LEFT,)
    assert store.latest()["vehicle_id"].tolist() == [LEFT]


def test_what_an_edge_sends_again_is_acknowledged_and_not_kept(store):
    store.erase_vehicle(GONE, NOW)
    again = [telemetry(k, vehicle_id=GONE) for k in (1, 5)]
    again += [telemetry(1, epoch=LATER, vehicle_id=GONE, seed=123)]
    for opened in (store, RecordStore(store.root)):
        assert len(opened.commit(again).duplicate) == 3
    assert store.search(GONE) == () and store.known_vehicles() == (LEFT,)


def test_a_vehicle_that_comes_back_is_kept_from_then_on(store):
    store.erase_vehicle(GONE, NOW)
    done = store.commit([telemetry(5, vehicle_id=GONE), telemetry(9, vehicle_id=GONE)])
    assert len(done.duplicate) == len(done.new) == 1
    assert store.committed(GONE) == {EPOCH: (SeqRange(1, 6), SeqRange(8, 9))}
    assert [r.key.seq for r in store.records(GONE)] == [9]
    assert store.check() == ()
    store.erase_vehicle(GONE, NOW)
    assert len(store.commit([telemetry(9, vehicle_id=GONE)]).duplicate) == 1
    assert store.search(GONE) == ()


def test_what_is_remembered_of_the_erased_tells_nothing(store):
    store.erase_vehicle(GONE, NOW)
    with closing(sqlite3.connect(store.root / "records.sqlite")) as con:
        names = con.execute("SELECT name FROM erased").fetchall()
        told = con.execute("SELECT vehicle, first_second, last_second FROM removal").fetchall()
        (salt,) = con.execute("SELECT salt FROM salt").fetchone()
    assert len(names) > 1 and all(len(name) == 16 for (name,) in names) and len(salt) == 32
    assert set(told) == {(None, None, None)}


def test_erasing_again_or_the_unknown_does_no_harm(store):
    store.erase_vehicle(GONE, NOW)
    assert store.erase_vehicle(GONE, NOW).records == 0
    assert store.erase_vehicle("never seen", NOW).records == 0
    assert store.check() == ()


def test_rows_of_any_other_database_go_with_what_hangs_on_them(store):
    with closing(sqlite3.connect(store.root / "notes.sqlite")) as con:
        con.executescript(
            "CREATE TABLE finding (finding_id TEXT PRIMARY KEY, vehicle_id TEXT);"
            "CREATE TABLE note (finding_id TEXT REFERENCES finding ON DELETE CASCADE, text TEXT);"
        )
        for at, vehicle_id in enumerate((GONE, LEFT)):
            con.execute("INSERT INTO finding VALUES (?, ?)", (str(at), vehicle_id))
            con.execute("INSERT INTO note VALUES (?, ?)", (str(at), f"called {vehicle_id}"))
        con.commit()
    assert ("notes.sqlite finding", 1) in store.erase_vehicle(GONE, NOW).rows
    assert store.search(GONE) == ()
    with closing(sqlite3.connect(store.root / "notes.sqlite")) as con:
        assert con.execute("SELECT text FROM note").fetchall() == [(f"called {LEFT}",)]


def test_what_cannot_be_erased_is_found_and_named(store):
    (store.root / "truth.json").write_text(json.dumps({"vehicle": GONE}))
    store.erase_vehicle(GONE, NOW)
    assert store.search(GONE) == (Place("truth.json", 1),)


def test_a_reader_of_an_earlier_state_stops_the_erasing_with_words(store, monkeypatch):
    monkeypatch.setattr("voltherd.adapters.records.files.BUSY_SECOND", 0.2)
    monkeypatch.setattr("voltherd.adapters.records.erasing.BUSY_SECOND", 0.2)
    with closing(sqlite3.connect(store.root / "records.sqlite", isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM record").fetchone()
        with pytest.raises(StoreError, match="stop it, and erase again"):
            store.erase_vehicle(GONE, NOW)
    store.erase_vehicle(GONE, NOW)
    assert store.search(GONE) == ()


SPAN = TimeSpan(MORNING + 118.0, MORNING + 241.0)
"""Touches the chunks of minutes 2 to 4."""


@pytest.mark.parametrize("where", ["landed", "files", "both"])
def test_of_an_erased_time_no_record_is_left(tmp_path, where):
    store = RecordStore(tmp_path)
    store.commit([telemetry(k) for k in range(1, 4)])
    if where != "landed":
        store.compact()
    store.commit([telemetry(k) for k in range(4, 7)] + [event(7, second=MORNING + 130)])
    if where == "files":
        store.compact()
    pieces = store.fingerprints("bus-7", [SPAN])
    assert len(pieces) >= 3 and store.search("nobody", pieces)
    assert store.erase_spans("bus-7", [SPAN], NOW).records == 4
    assert [r.key.seq for r in store.records("bus-7")] == [1, 5, 6]
    assert store.summaries("bus-7")["seq"].tolist() == [1, 5, 6]
    assert store.search("nobody", pieces) == ()
    assert store.committed("bus-7") == {EPOCH: (SeqRange(1, 7),)}
    assert (
        len(store.commit([telemetry(2), telemetry(4), event(7, second=MORNING + 130)]).duplicate)
        == 3
    )
    assert store.latest()["seq"].tolist() == [6]
    assert store.check() == ()


def test_what_was_made_of_the_erased_samples_goes_by_the_hour(tmp_path):
    store = RecordStore(tmp_path)
    store.commit([telemetry(1)])
    book, hour = SliceBook(tmp_path / "slices.sqlite"), int(MORNING // 3600)
    slices = Slices(
        *(np.zeros(1, np.int64) if k in (0, 3) else np.zeros(1) for k in range(4)),
        np.zeros((1, 1)),
        np.zeros((1, 1)),
    )
    for vehicle_id in ("bus-7", "bus-8"):
        for at in range(hour - 2, hour + 3):
            book.put(vehicle_id, at, ("current_ampere",), slices._replace(rows=np.array([7])))
    book.close()
    done = store.erase_spans("bus-7", [TimeSpan(MORNING - 3600.0, MORNING + 9.0)], NOW)
    assert done.rows == (("slices.sqlite hour", 2),)
    book = SliceBook(tmp_path / "slices.sqlite")
    assert [k for k in range(-3, 4) if book.rows("bus-7", hour + k)] == [-2, 1, 2]
    assert [k for k in range(-3, 4) if book.rows("bus-8", hour + k)] == [-2, -1, 0, 1, 2]
    book.close()
    assert ("slices.sqlite hour", 5) in store.erase_vehicle("bus-8", NOW).rows


def test_the_latest_chunk_may_be_among_the_erased(tmp_path):
    store = RecordStore(tmp_path)
    store.commit([telemetry(k) for k in range(1, 4)])
    store.erase_spans("bus-7", [TimeSpan(MORNING + 170, MORNING + 1e5)], NOW)
    assert store.latest()["seq"].tolist() == [2]
    store.erase_spans("bus-7", [TimeSpan(0.0, MORNING + 1e5)], NOW)
    assert store.latest()["seq"].tolist() == [] and store.vehicles() == ()
    assert store.check() == ()


def test_drives_are_documents_that_are_found_by_driver(tmp_path):
    book = AssetBook(tmp_path)
    drives = [Drive("bus-7", "d-1", 10.0, 20.0), Drive("bus-8", "d-1", 30.0)]
    for drive in [*drives, Drive("bus-7", "d-11", 20.0, 30.0)]:
        assert book.put_drive(drive)
    assert not book.put_drive(drives[0])
    assert book.drives("d-1") == tuple(drives)
    book.put_document(Document("bus-8", 40.0, "workshop", {"brought_by": {"driver": "d-1"}}))
    assert book.forget_driver("d-1") == 3
    assert book.drives("d-1") == () and len(book.drives("d-11")) == 1
    assert book.documents("bus-8") == ()


def test_a_drive_without_times_is_not_guessed(tmp_path):
    book = AssetBook(tmp_path)
    book.put_document(Document("bus-7", 1.0, "driver", {"driver_id": "d-1", "from": "Monday"}))
    with pytest.raises(StoreError, match="does not say when"):
        book.drives("d-1")


def test_the_search_sees_over_the_edges_of_blocks_and_knows_longer_names(tmp_path, monkeypatch):
    monkeypatch.setattr("voltherd.adapters.records.search.BLOCK_BYTES", 4_096)
    assert BLOCK_BYTES > 4_096
    for at in (0, 2_040, 4_090, 4_096 + 2_041, 8_190, 20_000):
        data = bytearray(20_100)
        data[at : at + 8] = b"bus-7777"
        (tmp_path / "x").write_bytes(data)
        assert search(tmp_path, "bus-7777") == (Place("x", 1),), at
        assert search(tmp_path, "bus-777", ["bus-7777"]) == (), at
        assert search(tmp_path, "bus-777", ["bus-77778"]) == (Place("x", 1),), at
        assert search(tmp_path, "bus-8") == ()


def test_a_short_name_is_looked_for_in_values_and_not_among_chance_bytes(tmp_path):
    store = RecordStore(tmp_path)
    store.commit([telemetry(k, vehicle_id="7") for k in range(1, 30)])
    assert {place.where for place in store.search("7")} >= {"records.sqlite, vehicle.vehicle_id"}
    store.erase_vehicle("7", NOW)
    assert store.search("7") == ()

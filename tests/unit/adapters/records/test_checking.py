"""Every way in which a store can be hurt is found, named and told with its mend."""

import sqlite3
from contextlib import closing

import numpy as np
import pytest

from tests.contract.test_record_log import EPOCH, MORNING, event, gap, telemetry
from voltherd.adapters.records.erasing import TimeSpan
from voltherd.adapters.records.retention import Retention
from voltherd.adapters.records.store import RecordStore
from voltherd.adapters.sqlite.assets import AssetBook
from voltherd.errors import StoreError
from voltherd.types.asset import Vehicle


@pytest.fixture
def store(tmp_path):
    """Chunks in a file and landed, an event, a gap, and an asset book."""
    store = RecordStore(tmp_path)
    store.commit([telemetry(k) for k in range(1, 4)])
    store.compact()
    store.commit([telemetry(4), event(5), gap(8, (6, 7))])
    AssetBook(tmp_path).put_vehicle(Vehicle(vehicle_id="bus-7"))
    store.close()
    return store


def sql(store, *statements):
    with closing(sqlite3.connect(store.root / "records.sqlite")) as con:
        for statement in statements:
            con.execute(statement)
        con.commit()


def file(store):
    return next(store.root.rglob("*.parquet"))


def flip(path, at):
    data = bytearray(path.read_bytes())
    data[at] ^= 0x55
    path.write_bytes(data)


def test_a_healthy_store_has_no_problem_whatever_was_removed_from_it(store):
    assert store.check() == ()
    store.retain(Retention(sample_day=1.0, event_day=1.0), MORNING + 3 * 86_400.0)
    store.commit([telemetry(9, second=MORNING + 9e5), telemetry(20)])
    store.erase_spans("bus-7", [TimeSpan(MORNING + 9e5, MORNING + 9.1e5)], MORNING)
    assert store.check() == ()


HURTS = {
    "a file gone": (lambda s: file(s).unlink(), "missing, with 3 chunks"),
    "a file cut": (
        lambda s: file(s).write_bytes(file(s).read_bytes()[:-9]),
        "it is not what was written",
    ),
    "a byte of a file": (
        lambda s: flip(file(s), file(s).stat().st_size - 9),
        "it is not what was written",
    ),
    "a landed body": (
        lambda s: sql(s, "UPDATE record SET body = zeroblob(40) WHERE seq = 4"),
        "not what was committed",
    ),
    "an event's time": (
        lambda s: sql(s, "UPDATE record SET first_second = first_second - 1 WHERE seq = 5"),
        "not what was committed",
    ),
    "a summary": (
        lambda s: sql(s, "UPDATE record SET entry = zeroblob(160) WHERE seq = 4"),
        "not that of its samples",
    ),
    "a file's entries": (
        lambda s: sql(s, "UPDATE file SET entries = zeroblob(480)"),
        "does not hold the chunks that it should",
    ),
    "a record lost": (
        lambda s: sql(s, "DELETE FROM record WHERE seq = 5"),
        "1 committed records are not there, 0 were removed",
    ),
    "a range lost": (lambda s: sql(s, "DELETE FROM span WHERE given_up = 0"), "are in no range"),
    "a range too long": (
        lambda s: sql(s, "UPDATE span SET last = last + 5 WHERE first = 8 AND given_up = 0"),
        "5 committed records are not there",
    ),
    "a file that counts twice": (
        lambda s: sql(
            s,
            "CREATE TABLE other AS SELECT * FROM file",
            "UPDATE other SET number = 99, kept = 0, bytes = 0, digest = x''",
            "INSERT INTO file SELECT * FROM other",
        ),
        "3 records are there twice",
    ),
    "the newest chunk": (
        lambda s: sql(s, "UPDATE latest SET seq = 3"),
        "newest chunk is not what it says",
    ),
    "the asset book": (lambda s: flip(s.root / "assets.sqlite", 20), ""),
}


@pytest.mark.parametrize(("hurt", "told"), HURTS.values(), ids=HURTS)
def test_a_hurt_is_found_and_named(store, hurt, told):
    hurt(store)
    found = store.check()
    assert found and not any(problem.harmless for problem in found)
    assert any(told in problem.what for problem in found), found
    assert all(problem.where and problem.mend for problem in found)


def test_a_body_that_changed_at_rest_is_never_read_as_another(store):
    """Whatever byte flips: the chunk is as it was, or it is missed; it has its own checksum."""
    path, rows = file(store), store.read("bus-7").rows
    whole, kept = path.read_bytes(), store.read("bus-7")
    lost = 0
    for place in range(4, len(whole) - 4, max(1, len(whole) // 50)):
        flip(path, place)
        try:
            got = RecordStore(store.root).read("bus-7")
        except StoreError:
            lost += 1
        else:
            lost += got.rows < rows
            times = np.isin(kept.unix_time_second, got.unix_time_second)
            assert np.array_equal(got.cell_voltage_volt, kept.cell_voltage_volt[times])
        path.write_bytes(whole)
    assert lost > 5 and RecordStore(store.root).check() == ()


def test_a_damaged_database_is_told_whether_or_not_it_can_still_be_asked(store):
    store.compact()
    store.close()
    path = store.root / "records.sqlite"
    whole = path.read_bytes()
    for page in range(1, len(whole) // 16_384):
        flip(path, page * 16_384 + 3)
        try:
            told = [problem.mend for problem in store.check()]
        except StoreError as error:
            told = [str(error)]
        assert not told or any("backup" in text for text in told), page
        path.write_bytes(whole)
    assert store.check() == ()


def test_what_an_edge_sent_broken_is_named(store):
    from dataclasses import replace

    store.commit([replace(telemetry(9), body=b"C1 nonsense"), replace(event(10), body=b"E1")])
    found = store.check()
    assert [p.where for p in found] == [f"bus-7, epoch {EPOCH}, record {k}" for k in (9, 10)]
    assert all("cannot be read" in p.what and "edge" in p.mend for p in found)


def test_what_interrupted_work_left_is_a_note_and_swept_away(store):
    left = [file(store).with_name("77.parquet"), file(store).with_name("78.parquet.part")]
    for path in left:
        path.write_bytes(b"half")
    found = store.check()
    assert [p.where.rpartition("/")[2] for p in found] == ["77.parquet", "78.parquet.part"]
    assert all(p.harmless and "compact" in p.mend for p in found)
    assert store.compact().swept == 2
    assert store.check() == () and not any(path.exists() for path in left)


def test_there_has_to_be_a_store(tmp_path):
    with pytest.raises(StoreError, match="marker is missing"):
        RecordStore(tmp_path / "nowhere").check()
    assert not (tmp_path / "nowhere").exists()

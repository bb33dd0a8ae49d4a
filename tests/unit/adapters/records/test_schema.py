"""The database brings itself to the present schema, and refuses a future one."""

import sqlite3
from contextlib import closing

import pytest

from tests.contract.test_record_log import EPOCH, telemetry
from voltherd.adapters.records import schema
from voltherd.adapters.records.landing import closed_of
from voltherd.adapters.records.layout import digest_of, entry_of
from voltherd.adapters.records.marker import marker_text
from voltherd.adapters.records.store import RecordStore
from voltherd.errors import StoreError
from voltherd.types.record import SeqRange

VERSION_1 = """
CREATE TABLE version (number INTEGER PRIMARY KEY, what TEXT NOT NULL) STRICT;
INSERT INTO version VALUES (1, 'records, ranges and files');
CREATE TABLE vehicle (
    number INTEGER PRIMARY KEY AUTOINCREMENT, vehicle_id TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE record (arrival INTEGER PRIMARY KEY, vehicle INTEGER NOT NULL, epoch INTEGER NOT NULL,
    seq INTEGER NOT NULL, kind INTEGER NOT NULL, first_second REAL NOT NULL,
    last_second REAL NOT NULL, heard_first_nanosecond INTEGER NOT NULL,
    heard_last_nanosecond INTEGER NOT NULL, digest BLOB NOT NULL, entry BLOB,
    body BLOB NOT NULL) STRICT;
CREATE UNIQUE INDEX record_key ON record (vehicle, epoch, seq);
CREATE INDEX record_by_time ON record (vehicle, kind, first_second);
CREATE TABLE span (vehicle INTEGER NOT NULL, epoch INTEGER NOT NULL, given_up INTEGER NOT NULL,
    first INTEGER NOT NULL, last INTEGER NOT NULL,
    PRIMARY KEY (vehicle, epoch, given_up, first)) STRICT, WITHOUT ROWID;
CREATE TABLE file (number INTEGER PRIMARY KEY AUTOINCREMENT, vehicle INTEGER NOT NULL,
    day TEXT NOT NULL, kept INTEGER NOT NULL, first_second REAL NOT NULL,
    last_second REAL NOT NULL, epoch_first INTEGER NOT NULL, epoch_last INTEGER NOT NULL,
    seq_first INTEGER NOT NULL, seq_last INTEGER NOT NULL, chunks INTEGER NOT NULL,
    samples INTEGER NOT NULL, cell_values INTEGER NOT NULL,
    bytes INTEGER NOT NULL, digest BLOB NOT NULL, entries BLOB NOT NULL) STRICT;
CREATE INDEX file_by_vehicle ON file (vehicle, first_second);
CREATE TABLE latest (vehicle INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, seq INTEGER NOT NULL,
    entry BLOB NOT NULL) STRICT;
"""
"""What the first version wrote, to the letter: later versions must open it."""


@pytest.fixture
def first_version(tmp_path):
    """A store as the first version left it, with one record."""
    record = telemetry(1)
    digest = digest_of(record)
    entry = entry_of(record, digest)
    (tmp_path / "voltherd.json").write_text(marker_text())
    with closing(sqlite3.connect(tmp_path / "records.sqlite")) as con:
        con.execute("PRAGMA journal_mode = WAL")
        con.executescript(VERSION_1)
        con.execute("INSERT INTO vehicle VALUES (1, 'bus-7')")
        con.execute(
            "INSERT INTO record VALUES (1, 1, ?, 1, 1, ?, ?, ?, ?, ?, ?, ?)",
            (
                EPOCH,
                record.first_second,
                record.last_second,
                record.heard_first_nanosecond,
                record.heard_last_nanosecond,
                digest,
                entry,
                record.body,
            ),
        )
        con.execute("INSERT INTO span VALUES (1, ?, 0, 1, 1)", (EPOCH,))
        con.execute("INSERT INTO latest VALUES (1, ?, 1, ?)", (EPOCH, entry))
        con.commit()
    return tmp_path


def shape(path):
    """Tables and indexes with their columns, however they are written."""
    with closing(sqlite3.connect(path)) as con:
        names = con.execute(
            "SELECT type, name, tbl_name FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'"
        ).fetchall()
        return {
            (kind, name): con.execute(f"SELECT * FROM pragma_table_xinfo('{table}')").fetchall()
            for kind, name, table in names
        }


@pytest.mark.parametrize("first", ["read", "write"])
def test_a_store_of_the_first_version_is_brought_to_the_present_one(first_version, tmp_path, first):
    store = RecordStore(first_version)
    if first == "write":
        assert store.commit([telemetry(1), telemetry(2)]).duplicate == (telemetry(1).key,)
    assert telemetry(1) in store.records("bus-7")
    assert store.info().schema == schema.SCHEMA_VERSION
    assert store.check() == () and store.removals() == ()
    fresh = RecordStore(tmp_path / "fresh")
    fresh.commit([telemetry(1)])
    assert shape(first_version / "records.sqlite") == shape(tmp_path / "fresh" / "records.sqlite")
    with closing(sqlite3.connect(first_version / "records.sqlite")) as con:
        assert con.execute("SELECT number, what FROM version").fetchall() == [
            (at, step.what) for at, step in enumerate(schema.MIGRATIONS, start=1)
        ]


def test_the_first_step_makes_what_the_first_version_wrote(tmp_path, monkeypatch):
    with closing(sqlite3.connect(tmp_path / "then")) as con:
        con.executescript(VERSION_1)
    monkeypatch.setattr(schema, "SCHEMA_VERSION", 1)
    with closing(sqlite3.connect(tmp_path / "now", isolation_level=None)) as con:
        assert schema.migrate(con, "now") == 1
    assert shape(tmp_path / "then") == shape(tmp_path / "now")


def test_a_step_that_fails_leaves_the_version_before_it(first_version, monkeypatch):
    broken = (schema.MIGRATIONS[0], schema.Migration("broken", ("CREATE TABLE x (y)", "nonsense")))
    monkeypatch.setattr(schema, "MIGRATIONS", broken)
    with closing(sqlite3.connect(first_version / "records.sqlite", isolation_level=None)) as con:
        with pytest.raises(sqlite3.OperationalError):
            schema.migrate(con, "here")
        assert schema.version_of(con) == 1
        assert closed_of(con, "bus-7") == {EPOCH: (SeqRange(1, 1),)}
        assert con.execute("SELECT 1 FROM sqlite_schema WHERE name = 'x'").fetchone() is None


@pytest.mark.parametrize("act", [lambda s: s.records("bus-7"), lambda s: s.commit([telemetry(2)])])
def test_a_newer_version_is_refused_and_left_as_it_is(first_version, act):
    with closing(sqlite3.connect(first_version / "records.sqlite")) as con:
        con.execute("INSERT INTO version VALUES (99, 'from the future')")
        con.commit()
    with pytest.raises(StoreError, match=r"schema version 99.*use a newer voltherd"):
        act(RecordStore(first_version))
    with closing(sqlite3.connect(first_version / "records.sqlite")) as con:
        assert schema.version_of(con) == 99


@pytest.mark.parametrize(
    ("marker", "told"),
    [
        ('{"format": "voltherd-store", "schema": 1}', "not a record store"),
        ('{"format": "voltherd-records", "schema": 7}', "layout version 7"),
        ("nonsense", "missing or damaged"),
    ],
)
def test_a_folder_that_is_something_else_is_refused(tmp_path, marker, told):
    (tmp_path / "voltherd.json").write_text(marker)
    with pytest.raises(StoreError, match=told):
        RecordStore(tmp_path).commit([telemetry(1)])
    assert not (tmp_path / "records.sqlite").exists()

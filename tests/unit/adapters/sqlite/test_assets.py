"""Facts and documents of a fleet, and the question that joins them with telemetry."""

import sqlite3

import numpy as np
import pytest

from voltherd.adapters.parquet.query import ask
from voltherd.adapters.parquet.store import ParquetStore
from voltherd.adapters.sqlite.assets import AssetBook, Document
from voltherd.errors import StoreError, UsageError
from voltherd.types.asset import CellType, Chemistry, PackLayout, Vehicle
from voltherd.types.sample import SampleBatch

BUS = Vehicle(
    vehicle_id="007",
    layout=PackLayout(series=2, parallel=3, module_series=(1, 1), probe_module=(1,)),
    cell_type=CellType(
        name="X1",
        chemistry=Chemistry.LFP,
        capacity_nominal_ah=100.0,
        voltage_volt_min=2.5,
        voltage_volt_max=3.65,
    ),
    capacity_nominal_ah=300.0,
    model="Citybus 12",
)
VISIT = Document("007", 1.7e9, "workshop", {"note": "cell 2 looks weak", "by": {"name": "Ada"}})


def test_facts_come_back_as_they_were_written_and_the_last_word_counts(tmp_path):
    book = AssetBook(tmp_path / "store")
    assert book.vehicle("007") is None
    book.put_vehicle(Vehicle(vehicle_id="007"))
    book.put_vehicle(BUS)
    assert AssetBook(tmp_path / "store").vehicle("007") == BUS
    assert AssetBook(tmp_path / "store").vehicle("8") is None


def test_asking_makes_no_file(tmp_path):
    book = AssetBook(tmp_path / "nowhere")
    assert book.vehicle("007") is None and book.documents("007") == ()
    assert book.tables()["vehicle"][1] == []
    assert not (tmp_path / "nowhere").exists()


def test_two_books_on_one_file_see_each_other(tmp_path):
    first, second = AssetBook(tmp_path), AssetBook(tmp_path)
    first.put_vehicle(BUS)
    assert second.put_document(VISIT) and not first.put_document(VISIT)
    assert second.vehicle("007") == BUS


def test_a_document_given_twice_is_kept_once_and_order_is_of_time(tmp_path):
    book = AssetBook(tmp_path)
    later = VISIT._replace(unix_time_second=1.8e9, kind="finding", body={"a": [1, 2.5, None]})
    assert [book.put_document(d) for d in (later, VISIT, later)] == [True, True, False]
    assert book.documents("007") == (VISIT, later)
    assert book.documents("007", 1.75e9) == (later,)
    assert book.documents("007", 0.0, 1.8e9) == (VISIT,)


def test_the_file_uses_a_write_ahead_log(tmp_path):
    AssetBook(tmp_path).put_vehicle(BUS)
    with sqlite3.connect(tmp_path / "assets.sqlite") as con:
        assert con.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    con.close()


@pytest.mark.parametrize(
    "document",
    [
        VISIT._replace(body={"x": float("nan")}),
        VISIT._replace(body={"x": object()}),
        VISIT._replace(unix_time_second=float("inf")),
    ],
)
def test_a_document_that_is_none_is_refused(tmp_path, document):
    with pytest.raises(StoreError, match="document"):
        AssetBook(tmp_path).put_document(document)


def test_another_version_and_a_damaged_file_are_refused(tmp_path):
    with sqlite3.connect(tmp_path / "assets.sqlite") as con:
        con.execute("PRAGMA user_version = 9")
    con.close()
    with pytest.raises(StoreError, match="version 9"):
        AssetBook(tmp_path).vehicle("007")
    (tmp_path / "assets.sqlite").write_bytes(b"no database at all" * 99)
    with pytest.raises(StoreError, match="the asset book refused"):
        AssetBook(tmp_path).vehicle("007")


def fleet(folder):
    rows = 100
    volts = np.full((rows, 2), 3.3, np.float32)
    volts[50, 1] = 2.9
    ParquetStore(folder).append(
        SampleBatch(
            vehicle_id="007",
            unix_time_second=1.7e9 - 500.0 + 10.0 * np.arange(rows),
            cell_voltage_volt=volts,
            cell_quality=np.zeros((rows, 2), np.uint8),
            probe_temperature_celsius=np.empty((rows, 0), np.float32),
            probe_quality=np.empty((rows, 0), np.uint8),
            scalar={},
            scalar_quality={},
        )
    )
    book = AssetBook(folder)
    book.put_vehicle(BUS)
    book.put_document(VISIT)
    book.put_document(VISIT._replace(vehicle_id="8"))
    return book.tables()


def test_one_question_joins_telemetry_asset_record_and_event_document(tmp_path):
    answer = ask(
        tmp_path,
        """
        SELECT v.vehicle_id, v.model, v.chemistry, d.body->>'note' AS note,
               d.body->'by'->>'name' AS by, min(t.voltage_volt_cell_002) AS lowest, count(*) AS n
        FROM document d
        JOIN vehicle v USING (vehicle_id)
        JOIN telemetry t ON t.vehicle_id = d.vehicle_id
            AND t.unix_time_second BETWEEN d.unix_time_second - 3600 AND d.unix_time_second
        WHERE d.kind = 'workshop' GROUP BY ALL ORDER BY lowest
        """,
        fleet(tmp_path),
    )
    assert answer.names[-2:] == ("lowest", "n")
    ((*words, lowest, n),) = answer.rows
    assert words == ["007", "Citybus 12", "LFP", "cell 2 looks weak", "Ada"]
    assert lowest == pytest.approx(2.9) and n == 51


@pytest.mark.parametrize(
    "sql",
    [
        "SELEC 1",
        "SELECT * FROM nothing",
        "SELECT * FROM read_csv('/etc/passwd')",
        "COPY (SELECT 1) TO '{store}/stolen.csv'",
        "SELECT 1; SELECT 2",
        "ATTACH '{store}/x.db'",
        "",
    ],
)
def test_a_question_that_is_none_or_reaches_further_is_refused(tmp_path, sql):
    tables = fleet(tmp_path)
    with pytest.raises(UsageError):
        ask(tmp_path, sql.format(store=tmp_path), tables)
    assert not (tmp_path / "stolen.csv").exists() and not (tmp_path / "x.db").exists()


def test_a_question_without_a_store_is_refused(tmp_path):
    with pytest.raises(StoreError, match="no store"):
        ask(tmp_path, "SELECT 1", {})

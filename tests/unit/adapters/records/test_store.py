"""What the record store does beyond its two ports."""

import os
import stat
import threading
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.contract.test_record_log import (
    EPOCH,
    LATER,
    MORNING,
    event,
    gap,
    keys,
    samples,
    telemetry,
)
from tests.contract.test_store import assert_same
from voltherd.adapters.records.store import RecordStore
from voltherd.errors import StoreError
from voltherd.ports import RecordLog, Store
from voltherd.types.record import RecordKey, RecordKind, SeqRange
from voltherd.wire.chunk import decode_chunk, decode_summary

DAY = 86_400.0


@pytest.fixture
def store(tmp_path):
    return RecordStore(tmp_path / "store")


def test_it_is_both_a_record_log_and_a_store(store):
    assert isinstance(store, RecordLog) and isinstance(store, Store)


def test_what_an_edge_sent_is_read_as_samples(store):
    store.commit([telemetry(seq) for seq in (3, 1)] + [event(2)])
    got = store.read("bus-7")
    wanted = [decode_chunk(telemetry(seq).body, "bus-7") for seq in (1, 3)]
    assert_same(got.between(0, 5), wanted[0])
    assert_same(got.between(5, 10), wanted[1])
    assert store.vehicles() == ("bus-7",)


def test_rows_that_come_in_two_records_are_given_once(store):
    whole = samples(MORNING, 9)
    from voltherd.wire.chunk import encode_chunk

    for seq, (start, stop) in enumerate([(0, 5), (3, 9), (0, 9)], start=1):
        part = whole.between(start, stop)
        record = replace(
            telemetry(seq),
            first_second=float(part.unix_time_second[0]),
            last_second=float(part.unix_time_second[-1]),
            body=encode_chunk(part),
        )
        store.commit([record])
    assert_same(store.read("bus-7"), whole)


@settings(max_examples=15, deadline=None)
@given(st.permutations(range(1, 7)), st.sets(st.integers(1, 6)))
def test_the_order_of_arrival_changes_nothing(tmp_path_factory, order, compacted_after):
    """Records overlap in time and disagree, yet every order reads alike."""
    records = {seq: telemetry(seq, second=MORNING + 2.0 * (seq % 3), seed=seq) for seq in order}
    first, second = (RecordStore(tmp_path_factory.mktemp("order")) for _ in range(2))
    first.commit([records[seq] for seq in sorted(records)])
    for seq in order:
        second.commit([records[seq]])
        if seq in compacted_after:
            second.compact()
    assert_same(first.read("bus-7"), second.read("bus-7"))
    assert list(first.records("bus-7")) == list(second.records("bus-7"))


def test_what_an_edge_sent_goes_before_what_was_imported(store):
    sent, imported = samples(MORNING, 5, seed=1), samples(MORNING, 8, seed=2)
    store.append(imported)
    store.commit([telemetry(1, second=MORNING, seed=1)])
    got = store.read("bus-7")
    assert_same(got.between(0, 5), sent)
    assert_same(got.between(5, 8), imported.between(5, 8))


def test_imported_rows_stand_beside_what_an_edge_sent(store):
    store.commit([telemetry(1)])
    assert store.append(samples(MORNING + 60.0, 5, seed=1)) == 0
    assert store.append(samples(MORNING + 60.0, 7, seed=1)) == 2
    assert store.committed("bus-7") == {0: (SeqRange(1, 1),), EPOCH: (SeqRange(1, 1),)}
    assert store.commit([telemetry(1)]).duplicate


def test_an_import_that_cannot_be_is_told_in_words(store):
    bad = samples(MORNING * 1_000)
    with pytest.raises(StoreError, match="milliseconds"):
        store.append(bad)
    for name in ("", "x" * 300, "\ud800"):
        with pytest.raises(StoreError, match="shorter name"):
            store.append(samples(MORNING, vehicle_id=name))
    assert store.vehicles() == ()


@pytest.mark.parametrize(
    "change",
    [
        {"first_second": float("nan")},
        {"last_second": float("inf")},
        {"first_second": 1e300},
        {"first_second": MORNING, "last_second": MORNING - 1},
        {"key": RecordKey("", EPOCH, 1)},
        {"key": RecordKey("x" * 300, EPOCH, 1)},
        {"key": RecordKey("bus-7", -1, 1)},
        {"key": RecordKey("bus-7", EPOCH, 0)},
        {"key": RecordKey("bus-7", 1 << 63, 1)},
        {"heard_first_nanosecond": 1 << 63},
    ],
)
def test_what_can_never_be_kept_stops_nothing_else(store, change):
    bad = replace(telemetry(1), **change)
    done = store.commit([bad, telemetry(2)])
    assert done.conflict == (bad.key,) and done.new == (telemetry(2).key,)


def test_a_body_that_cannot_be_read_is_kept_and_passed_over(store):
    bad = replace(telemetry(2), body=b"C1 nonsense")
    store.commit([telemetry(1), bad, telemetry(3), replace(gap(4, (9, 9)), body=b"G1 nonsense")])
    store.compact()
    assert store.read("bus-7").rows == 10
    assert bad in store.records("bus-7")
    assert store.summaries("bus-7")["rows"].tolist() == [5, 0, 5]
    assert store.committed("bus-7") == {EPOCH: (SeqRange(1, 4),)}


def test_kinds_can_be_asked_for(store):
    store.commit([telemetry(1), event(2), gap(4, (3, 3))])
    for at in range(2):
        assert keys(store.records("bus-7", kinds=[RecordKind.EVENT])) == [event(2).key]
        assert keys(store.records("bus-7", kinds=[RecordKind.TELEMETRY])) == [telemetry(1).key]
        if at == 0:
            assert store.compact().chunks == 1


@pytest.mark.parametrize("compacted", [False, True])
def test_summaries_are_those_of_the_chunks_and_need_no_decoding(store, compacted, monkeypatch):
    records = [telemetry(seq) for seq in (4, 1, 2)] + [telemetry(5, second=MORNING + DAY)]
    store.commit(records[:2])
    if compacted:
        store.compact()
    store.commit(records[2:])
    monkeypatch.setattr("voltherd.adapters.records.rows.decode_chunk", None)
    got = store.summaries("bus-7")
    assert got["seq"].tolist() == [1, 2, 4, 5]
    for at, record in enumerate(sorted(records, key=lambda r: r.first_second)):
        told = decode_summary(record.body)
        for name in ("rows", "cells", "probes", "cell_voltage_volt_min", "current_ampere_mean"):
            assert got[name][at] == getattr(told, name)
        assert np.isnan(got["soc_fraction_last"][at])
    cut = store.summaries("bus-7", MORNING + 64.0, MORNING + 240.0)
    assert cut["seq"].tolist() == [1, 2]
    assert len(store.summaries("nobody")["seq"]) == 0


def test_the_latest_chunk_of_each_vehicle_is_that_of_the_last_start(store):
    store.commit([telemetry(7), telemetry(1, vehicle_id="bus-8")])
    store.commit([telemetry(3)])
    store.commit([telemetry(2, epoch=LATER, second=MORNING - 999.0), telemetry(9)])
    got = store.latest()
    assert got["vehicle_id"].tolist() == ["bus-7", "bus-8"]
    assert got["epoch"].tolist() == [LATER, EPOCH] and got["seq"].tolist() == [2, 1]


def test_spans_cut_a_vehicles_time_into_pieces_that_fit(store):
    store.commit([telemetry(seq) for seq in range(1, 21)])
    spans = list(store.spans("bus-7", samples_max=20))
    assert [a for a, _ in spans[1:]] == [b for _, b in spans[:-1]]
    parts = [store.read("bus-7", *span) for span in spans]
    assert sum(part.rows for part in parts) == 100 and max(part.rows for part in parts) <= 25
    assert len(parts) >= 4 and list(store.spans("nobody")) == []


def test_compaction_moves_all_or_only_what_is_worth_a_file(store):
    store.commit([telemetry(seq) for seq in range(1, 5)] + [telemetry(1, vehicle_id="bus-8")])
    assert store.compact(chunks_min=4).chunks == 4
    store.commit([telemetry(5), telemetry(6, second=MORNING + DAY)])
    done = store.compact(files_max=9)
    assert (done.chunks, done.files, done.merged) == (3, 3, 0)
    assert store.compact(files_max=2).merged == 0
    assert store.compact().merged == 2
    held = store.info()
    assert (held.landed_chunks, held.chunks, held.files) == (0, 7, 3)
    assert held.samples == 35 and held.cell_values == 105
    assert store.compact() == (0, 0, 0, 0)
    assert len(store.records("bus-7")) == 6 and store.check() == ()


def test_files_can_be_read_without_the_database(store, tmp_path):
    import duckdb

    store.commit([telemetry(seq) for seq in (1, 2)])
    store.compact()
    found = duckdb.sql(
        "SELECT vehicle, CAST(day AS VARCHAR), seq, rows, cell_voltage_volt_max, body "
        f"FROM read_parquet('{tmp_path}/store/*/*/*.parquet', hive_partitioning=true) ORDER BY seq"
    ).fetchall()
    told = [decode_summary(telemetry(seq).body) for seq in (1, 2)]
    assert found == [
        ("bus-7", "2022-01-08", seq, 5, told[seq - 1].cell_voltage_volt_max, telemetry(seq).body)
        for seq in (1, 2)
    ]


def test_a_duplicate_is_known_when_its_record_is_in_a_file(store):
    store.commit([telemetry(seq) for seq in (1, 2)])
    store.compact()
    store.close()
    done = store.commit([telemetry(1), telemetry(2, seed=99)])
    assert done.duplicate == (telemetry(1).key,) and done.conflict == (telemetry(2).key,)


def test_threads_commit_read_and_compact_at_once(store):
    failed = []

    def work(vehicle_id):
        try:
            for seq in range(1, 13):
                store.commit([telemetry(seq, vehicle_id=vehicle_id)])
                assert len(store.records(vehicle_id)) == seq
                assert len(store.summaries(vehicle_id)["seq"]) == seq
                if seq % 4 == 0:
                    store.compact()
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(f"bus-{k}",)) for k in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == [] and store.check() == ()


def test_a_store_can_be_read_where_nothing_may_be_written(store, tmp_path, monkeypatch):
    store.commit([telemetry(1)])
    store.compact()
    store.close()
    before = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*")}
    access = os.access
    monkeypatch.setattr(
        "voltherd.adapters.records.files.os.access",
        lambda path, mode: mode != os.W_OK and access(path, mode),
    )
    assert list(RecordStore(tmp_path / "store").records("bus-7")) == [telemetry(1)]
    assert {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*")} == before
    assert all(stat.S_ISREG(p.stat().st_mode) for p in tmp_path.rglob("*.parquet"))


def test_asking_makes_nothing(tmp_path):
    store = RecordStore(tmp_path / "nowhere")
    assert store.vehicles() == () and store.read("bus-7").rows == 0
    assert store.committed("bus-7") == {} and store.info().vehicles == 0
    assert len(store.latest()["seq"]) == 0
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("step", ["vehicle", "insert", "ranges", "latest", "commit"])
def test_nothing_is_remembered_of_a_call_that_came_to_nothing(tmp_path, step):
    """Else the vehicle's number, given to nobody, would go to the next one."""
    broken = []

    def breaks(name):
        if name == step and not broken:
            broken.append(name)
            raise OSError(28, "No space left on device")

    store = RecordStore(tmp_path, breaks)
    with pytest.raises(StoreError, match="No space left"):
        store.commit([telemetry(1), telemetry(1, vehicle_id="bus-8")])
    assert broken == [step] and store.known_vehicles() == ()
    assert store.commit([telemetry(1, vehicle_id="bus-9")]).new
    assert store.commit([telemetry(1), telemetry(2)]).new == (telemetry(1).key, telemetry(2).key)
    assert list(store.records("bus-7")) == [telemetry(1), telemetry(2)]
    assert len(store.records("bus-9")) == 1 and store.check() == ()


def test_an_identifier_that_is_no_text_is_told_in_words(store):
    store.commit([telemetry(1)])
    with pytest.raises(StoreError, match="no text"):
        store.records("\ud800")

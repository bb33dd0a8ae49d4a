"""What is particular to the store on Parquet; what every store promises is in tests/contract."""

import json
from pathlib import Path

import duckdb
import numpy as np
import pytest

from voltherd.adapters.parquet.store import ParquetStore, is_store
from voltherd.errors import StoreError
from voltherd.types.channel import spec
from voltherd.types.quality import Quality
from voltherd.types.sample import SampleBatch


def batch(vehicle_id="bus 7", rows=6, flag_from=3) -> SampleBatch:
    volts = np.linspace(3.5, 3.6, rows * 2).reshape(rows, 2).astype(np.float32)
    flags = np.zeros((rows, 2), np.uint8)
    volts[flag_from:, 1], flags[flag_from:, 1] = np.nan, int(Quality.SENTINEL)
    return SampleBatch(
        vehicle_id=vehicle_id,
        unix_time_second=86_400.0 * 19_000 + 43_200.0 * np.arange(rows),
        cell_voltage_volt=volts,
        cell_quality=flags,
        probe_temperature_celsius=np.full((rows, 1), 20.0, np.float32),
        probe_quality=np.zeros((rows, 1), np.uint8),
        scalar={"soc_fraction": np.linspace(0, 1, rows)},
        scalar_quality={"soc_fraction": np.zeros(rows, np.uint8)},
    )


def columns(file: Path) -> list[str]:
    return [
        row[0]
        for row in duckdb.sql(
            f"DESCRIBE SELECT * FROM read_parquet('{file}', hive_partitioning=false)"
        ).fetchall()
    ]


def test_files_lie_by_vehicle_and_day_under_canonical_names(tmp_path):
    ParquetStore(tmp_path).append(batch())
    files = sorted(p.relative_to(tmp_path) for p in tmp_path.rglob("*.parquet"))
    assert [str(f) for f in files] == [
        f"vehicle=bus%207/day=2022-01-0{day}/samples.parquet" for day in (8, 9)
    ] + ["vehicle=bus%207/day=2022-01-10/samples.parquet"]
    first = columns(tmp_path / files[0])
    assert first[0] == "unix_time_second" and all(spec(name) for name in first[1:])


def test_flags_stand_only_where_one_is_set(tmp_path):
    ParquetStore(tmp_path).append(batch())
    day = "vehicle=bus%207/day=2022-01-{}/samples.parquet"
    flagged = "voltage_volt_cell_002_quality"
    assert flagged not in columns(tmp_path / day.format("08"))
    assert flagged in columns(tmp_path / day.format("09"))
    got = ParquetStore(tmp_path).read("bus 7")
    assert got.cell_quality[:, 1].tolist() == [0, 0, 0, 2, 2, 2]


def test_a_store_is_recognised_by_its_marker(tmp_path):
    assert not is_store(tmp_path) and not is_store(tmp_path / "nowhere")
    ParquetStore(tmp_path).append(batch())
    assert is_store(tmp_path)
    assert json.loads((tmp_path / "voltherd.json").read_text())["schema"] == 1


@pytest.mark.parametrize("marker", ['{"format": "voltherd-store", "schema": 99}', "{", "[]", ""])
def test_a_store_of_another_version_or_a_damaged_one_is_refused(tmp_path, marker):
    store = ParquetStore(tmp_path)
    store.append(batch())
    (tmp_path / "voltherd.json").write_text(marker)
    for question in (lambda: store.append(batch()), lambda: store.read("bus 7"), store.vehicles):
        with pytest.raises(
            StoreError, match=r"voltherd\.json.*(version 99|damaged).*(use|restore)"
        ):
            question()


def test_a_file_of_another_version_is_refused_by_name(tmp_path):
    store = ParquetStore(tmp_path)
    store.append(batch(rows=1))
    (file,) = tmp_path.rglob("*.parquet")
    duckdb.sql(
        f"COPY (SELECT 1.0 AS unix_time_second) TO '{file}' "
        "(FORMAT parquet, KV_METADATA {voltherd_schema: '99'})"
    )
    with pytest.raises(StoreError, match=r"samples\.parquet: unknown schema version 99"):
        store.read("bus 7")


@pytest.mark.parametrize("damage", [b"", b"PAR1", b"PAR1" + bytes(200) + b"PAR1"])
def test_a_damaged_file_is_told_and_not_half_read(tmp_path, damage):
    store = ParquetStore(tmp_path)
    store.append(batch(rows=1))
    (file,) = tmp_path.rglob("*.parquet")
    file.write_bytes(damage)
    with pytest.raises(StoreError, match="the store refused"):
        store.read("bus 7")
    with pytest.raises(StoreError, match="the store refused"):
        store.append(batch(rows=1))


def test_what_a_killed_writer_left_is_not_read_and_goes_with_the_next_append(tmp_path):
    store = ParquetStore(tmp_path)
    store.append(batch())
    part = tmp_path / "vehicle=bus%207/day=2022-01-08/samples.parquet.part"
    part.write_bytes(b"half")
    assert store.read("bus 7").rows == 6 and store.vehicles() == ("bus 7",)
    more = batch(rows=1)
    more.unix_time_second[0] += 1.0
    assert store.append(more) == 1 and not part.exists()


@pytest.mark.parametrize("vehicle_id", ["", "x" * 300, "車" * 100])
def test_an_identifier_that_no_folder_can_bear_is_refused(tmp_path, vehicle_id):
    with pytest.raises(StoreError, match="identifier"):
        ParquetStore(tmp_path).append(batch(vehicle_id))


@pytest.mark.parametrize("second", [np.nan, np.inf, 1.7e12])
def test_a_time_that_is_none_is_refused_with_a_hint(tmp_path, second):
    wrong = batch()
    wrong.unix_time_second[-1] = second
    with pytest.raises(StoreError, match="milliseconds"):
        ParquetStore(tmp_path).append(wrong)
    assert not list(tmp_path.rglob("*.parquet"))


def test_a_folder_that_is_a_file_is_told(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreError, match="the store refused"):
        ParquetStore(tmp_path / "file").append(batch())


def test_a_folder_with_pattern_letters_in_its_name_works(tmp_path):
    store = ParquetStore(tmp_path / "a [1] * ?'x'")
    store.append(batch())
    assert store.append(batch()) == 0 and store.read("bus 7").rows == 6

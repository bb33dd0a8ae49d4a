"""Parquet as DuckDB and others write it."""

import duckdb
import numpy as np
import pytest

from voltherd.adapters.files.parquet_reader import read_parquet
from voltherd.errors import InputError, UnreadableError


@pytest.fixture
def table(tmp_path):
    def make(select):
        path = tmp_path / "a [1] * ?.parquet"
        with duckdb.connect() as con:
            con.execute(f"COPY ({select}) TO '{path}' (FORMAT parquet)")
        return read_parquet(path)

    return make


def test_numbers_times_and_text_keep_their_kind_and_null_is_no_value(table):
    got = table(
        "SELECT * FROM (VALUES (1, 1.5::FLOAT, 'a', true, TIMESTAMP '2024-01-01 00:00:00.25'), "
        "(NULL, NULL, NULL, NULL, NULL)) AS t(i, f, s, b, stamp)"
    )
    assert got.columns["f"].dtype == np.float32 and np.isnan(got.columns["f"][1])
    np.testing.assert_array_equal(got.columns["i"], [1, np.nan])
    np.testing.assert_array_equal(got.columns["b"], [1, np.nan])
    assert got.columns["s"].tolist() == ["a", None]
    assert got.columns["stamp"][0] == np.datetime64("2024-01-01T00:00:00.250")
    assert np.isnat(got.columns["stamp"][1]) and got.utc == frozenset()


def test_a_time_with_a_zone_is_utc_and_said_to_be(table):
    got = table("SELECT TIMESTAMPTZ '2024-01-01 02:00:00+02' AS stamp, DATE '2024-01-01' AS day")
    assert got.columns["stamp"][0] == np.datetime64("2024-01-01T00:00:00") and got.utc == {"stamp"}


@pytest.mark.parametrize("kind", ["FLOAT[]", "FLOAT[3]", "DOUBLE[]", "SMALLINT[]"])
def test_an_array_column_becomes_one_block(table, kind):
    got = table(f"SELECT x AS t, [x, x + 1, x + 2]::{kind} AS cells FROM range(5) r(x)")
    np.testing.assert_array_equal(got.columns["cells"][:, 2], np.arange(5) + 2)
    assert got.columns["cells"].shape == (5, 3) and got.notes == ()


def test_arrays_of_uneven_length_are_filled_up_and_noted(table):
    got = table("SELECT * FROM (VALUES ([1.0, 2.0]), ([3.0]), (NULL), ([NULL, 4.0])) t(v)")
    np.testing.assert_array_equal(
        got.columns["v"], [[1, 2], [3, np.nan], [np.nan, np.nan], [np.nan, 4]]
    )
    assert [note.reason for note in got.notes] == ["ragged_array"]


def test_nested_columns_are_left_out_by_name(table):
    got = table("SELECT 1 AS t, {'a': 1} AS nested, 'x'::BLOB AS raw")
    assert list(got.columns) == ["t"]
    assert got.notes[0].count == 2 and "nested" in got.notes[0].examples[0]


def test_no_rows_is_said(table):
    with pytest.raises(InputError, match="no rows"):
        table("SELECT 1 AS t WHERE false")


def test_a_file_cut_short_is_told_from_a_damaged_one(tmp_path):
    path = tmp_path / "a.parquet"
    with duckdb.connect() as con:
        con.execute(f"COPY (SELECT x FROM range(1000) r(x)) TO '{path}' (FORMAT parquet)")
    whole = path.read_bytes()
    path.write_bytes(whole[:-100])
    with pytest.raises(UnreadableError, match=r"a\.parquet: Parquet cut short.*copy"):
        read_parquet(path)
    path.write_bytes(whole[:4] + bytes(b ^ 0x5A for b in whole[4:400]) + whole[400:])
    with pytest.raises(UnreadableError, match="damaged Parquet"):
        read_parquet(path)


@pytest.mark.recorded
def test_a_recorded_car_costs_about_what_duckdb_needs(recorded):
    path = recorded / "baticm_ev_faults" / "car1.parquet"
    got = read_parquet(path)
    assert got.rows == 66_666 and len(got.columns) == 132
    assert got.columns["V_96"].dtype == np.float32

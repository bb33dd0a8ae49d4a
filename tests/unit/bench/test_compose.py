"""Recorded columns: read whole, or refused with the file, the column and the mend."""

import duckdb
import pytest

from voltherd.bench.compose import read_columns
from voltherd.errors import InputError


def test_columns_are_read_and_a_missing_one_is_named(tmp_path):
    file = tmp_path / "a.parquet"
    duckdb.sql(f"COPY (SELECT 1.5 AS t_s, 'x' AS test) TO '{file}' (FORMAT parquet)")
    assert read_columns(file, ("t_s", "test"))["t_s"].tolist() == [1.5]
    with pytest.raises(InputError, match=r"a\.parquet: has no column ah, set; it must have t_s"):
        read_columns(file, ("t_s", "ah", "set"))


def test_what_is_no_parquet_is_refused(tmp_path):
    file = tmp_path / "b.parquet"
    file.write_text("nothing")
    with pytest.raises(InputError, match=r"b\.parquet: cannot be read as Parquet; give"):
        read_columns(file)
    with pytest.raises(InputError, match=r"c\.parquet: cannot be read"):
        read_columns(tmp_path / "c.parquet")

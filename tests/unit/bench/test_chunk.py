"""The benchmark of chunks measures what it says, and says what it could not measure."""

import json

import numpy as np
import pytest

from voltherd.bench.chunk import HOUR, MINUTE, as_json, bench_chunk, cut, noisy, render
from voltherd.wire.chunk import decode_chunk, encode_chunk

pytestmark = pytest.mark.long


def test_one_run_measures_sizes_speeds_and_the_filter_behind():
    pytest.importorskip("numba")
    table = bench_chunk(vehicles=1, seconds_per_case=0.01)
    told = json.loads(table.to_json())
    assert all(0.0 < low < 20.0 for both in told["byte_per_value"].values() for low in both)
    assert table.byte_per_value["chunk of a minute"][0] < 0.5
    assert table.ratios["JSON over chunk in bytes, cells alone"] > 14.0
    assert table.ratios["Parquet over chunk in bytes, fleet"] > 1.0
    assert all(rate > 0.0 for _, rate, _ in table.speed)
    assert len(table.ratios) == 8 and len(table.stage_microsecond) == 8
    text = render(table)
    assert "look at: " in text and "largest stage" in text
    assert not table.missing


def test_without_numba_the_rest_is_measured():
    table = bench_chunk(vehicles=1, seconds_per_case=0.01, without=frozenset({"numba"}))
    assert len(table.missing) == 1
    text = render(table)
    assert "not measured: numba" in text and "look at: " in text
    assert not any("compiled" in name or "filter" in name for name, _, _ in table.speed)


def test_what_is_compared_is_the_same():
    batch = noisy(MINUTE)
    rows = json.loads(as_json(batch))
    volts = np.array([row["v"] for row in rows], np.float32)
    np.testing.assert_array_equal(volts, batch.cell_voltage_volt)
    found = decode_chunk(encode_chunk(batch), "bench")
    np.testing.assert_array_equal(found.cell_voltage_volt, batch.cell_voltage_volt)
    assert [row["current_ampere"] for row in rows] == found.scalar["current_ampere"].tolist()


def test_a_record_is_cut_as_an_edge_does():
    batch = noisy(HOUR)
    assert [piece.rows for piece in cut(batch, MINUTE)] == [60] * 60
    time = batch.unix_time_second.copy()
    time[90:] += 1000.0
    gap = type(batch)(
        **{**{f: getattr(batch, f) for f in batch.__slots__}, "unix_time_second": time}
    )
    first = [piece.unix_time_second[0] - time[0] for piece in cut(gap, MINUTE)]
    assert first[:3] == [0.0, 1090.0, 1150.0]

"""Logs written, read again by python-can and by the reader that voltherd ships."""

import os
import time

import can
import numpy as np
import pytest

from voltherd.adapters.can.writer import FORMATS, write_log
from voltherd.adapters.files.can_frames import read_log
from voltherd.errors import StoreError, UsageError
from voltherd.types.frame import MessageFrames

DATABASE = """VERSION ""
BS_:
BU_: A
BO_ 291 Fast: 3 A
 SG_ X : 0|24@1+ (1,0) [0|16777214] "" A
BO_ 1110 Slow: 8 A
 SG_ Y : 7|64@0- (0.5,0) [-1000|1000] "" A
"""
START = 1_720_000_000.25  # summer time, where there is one
EVERY_FORMAT = pytest.mark.parametrize("log_format", FORMATS)


@pytest.fixture
def dbc(tmp_path):
    path = tmp_path / "a.dbc"
    path.write_text(DATABASE)
    return path


def parts():
    """Two days; within a day messages come one after the other, not in order of time."""
    for day in range(2):
        fast = START + 86_400.0 * day + 0.1 * np.arange(50)
        slow = START + 86_400.0 * day + 0.003 + np.arange(5)
        yield [
            MessageFrames("Fast", fast, {"X": np.arange(50.0) + 50 * day}),
            MessageFrames("Slow", slow, {"Y": np.arange(5.0) - 2.5}),
        ]


@EVERY_FORMAT
def test_frames_come_back_in_order_with_their_times(tmp_path, dbc, log_format):
    path = tmp_path / f"a.{log_format}"
    written = write_log(path, log_format, dbc, parts())
    assert written == (110, 0)
    log = read_log(path)
    assert {(key.identifier, key.extended) for key in log.second} == {(291, False), (1110, False)}
    by_id = {key.identifier: key for key in log.second}
    expected = np.concatenate([p[0].second for p in parts()])
    np.testing.assert_allclose(log.second[by_id[291]], expected, atol=2e-6, rtol=0.0)
    fast = [int.from_bytes(data, "little") for data in log.payload[by_id[291]]]
    assert fast == list(range(100))
    slow = [0.5 * int.from_bytes(d, "big", signed=True) for d in log.payload[by_id[1110]]]
    assert slow == [-2.5, -1.5, -0.5, 0.5, 1.5] * 2
    assert [note.reason for note in log.notes if note.reason == "bad_line"] == []


@EVERY_FORMAT
def test_another_reader_meets_times_that_never_run_back(tmp_path, dbc, log_format):
    path = tmp_path / f"a.{log_format}"
    write_log(path, log_format, dbc, parts())
    with can.LogReader(path) as reader:
        second = [message.timestamp for message in reader]
    assert len(second) == 110
    assert (np.diff(second) >= 0.0).all()


@EVERY_FORMAT
def test_the_same_values_give_the_same_bytes_in_any_zone(tmp_path, dbc, log_format, monkeypatch):
    first, second = tmp_path / f"a.{log_format}", tmp_path / f"b.{log_format}"
    write_log(first, log_format, dbc, parts())
    zone = os.environ.get("TZ")
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        write_log(second, log_format, dbc, parts())
        stamps = [s for times in read_log(second).second.values() for s in times]
    finally:
        monkeypatch.setenv("TZ", zone or "UTC")
        time.tzset()
    assert first.read_bytes() == second.read_bytes()
    assert min(stamps) == pytest.approx(START, abs=2e-6)


@EVERY_FORMAT
def test_what_fails_midway_leaves_the_log_that_was_there(tmp_path, dbc, log_format):
    def broken():
        yield from parts()
        raise UsageError("out of road")

    path = tmp_path / f"a.{log_format}"
    path.write_text("before")
    with pytest.raises(UsageError, match="out of road"):
        write_log(path, log_format, dbc, broken())
    assert path.read_text() == "before"
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(["a.dbc", path.name])


def test_a_place_that_cannot_be_written_is_named(tmp_path, dbc):
    with pytest.raises(StoreError, match=r"nowhere.*cannot be written"):
        write_log(tmp_path / "nowhere" / "a.blf", "blf", dbc, parts())


def test_an_unknown_format_is_refused_with_those_there_are(tmp_path, dbc):
    with pytest.raises(UsageError, match="choose from blf, asc, log"):
        write_log(tmp_path / "a.mf4", "mf4", dbc, parts())

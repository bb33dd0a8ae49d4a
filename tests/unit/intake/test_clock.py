"""Stamps in the layouts that vendors use, read to the same second."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voltherd.intake.clock import read_clock
from voltherd.intake.profile import TimeKind, TimeRule
from voltherd.intake.recognise import recognise
from voltherd.intake.stamps import parse_stamps
from voltherd.types.table import RawTable

NOON = 1_620_205_800.0  # 2021-05-05T09:10:00


@pytest.mark.parametrize(
    "text",
    ["2021-05-05 09:10:00", "2021-05-05T09:10", "2021/5/5 9:10", "05.05.2021 09:10:00",
     "20210505091000", "20210505 091000", "20210505T091000", "5/5/2021 9:10:00 AM",
     "05-May-2021 09:10:00",
     "May 5, 2021 09:10", "2021年05月05日 09:10:00", "2021-05-05 09:10:00.000",
     "5. Mai 2021 09:10"],
)  # fmt: skip
def test_one_instant_in_many_layouts(text):
    assert parse_stamps(np.array([text])).second.tolist() == [NOON]


@pytest.mark.parametrize(
    "text", ["", "nan", "yesterday", "2021-13-05 00:00", "2021-02-30 00:00", "12:30", "3.7"]
)
def test_what_is_no_stamp_has_no_time(text):
    assert np.isnan(parse_stamps(np.array([text])).second).all()


@pytest.mark.parametrize(
    ("zone", "offset"), [("Z", 0.0), ("+02:00", 7200.0), ("-0530", -19_800.0), ("+05", 18_000.0)]
)
def test_a_stamp_may_name_its_zone(zone, offset):
    stamps = parse_stamps(np.array([f"2021-05-05T09:10:00{zone}"]))
    assert stamps.second.tolist() == [NOON] and stamps.zone_second.tolist() == [offset]


def test_day_and_month_are_told_apart_by_a_day_beyond_twelve():
    day_first = parse_stamps(np.array(["01/02/2021 00:00", "13/02/2021 00:00"]))
    month_first = parse_stamps(np.array(["01/02/2021 00:00", "01/13/2021 00:00"]))
    assert (day_first.order, month_first.order) == ("dmy", "mdy")
    assert day_first.sure and month_first.sure


def test_where_day_and_month_cannot_be_told_apart_it_is_not_sure():
    assert not parse_stamps(np.array(["01/02/2021 00:00", "01/03/2021 00:00"])).sure


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(-2_000_000_000, 7_000_000_000), min_size=1, max_size=20))
def test_text_of_any_second_reads_back_to_it(seconds):
    text = np.datetime_as_string(np.array(seconds, dtype="M8[s]"), "s")
    np.testing.assert_array_equal(parse_stamps(text).second, seconds)


def test_mixed_zones_are_reported_and_each_is_honoured():
    text = np.array(["2021-05-05T09:10:00Z", "2021-05-05T11:10:00+02:00", "2021-05-05 09:10:00"])
    table = RawTable(source="a", columns={"t": text.astype(object)})
    clock = read_clock(table, TimeRule(columns=("t",), kind=TimeKind.TEXT))
    np.testing.assert_array_equal(clock.second, [NOON] * 3)
    assert clock.remarks[0].reason == "mixed_zones"


def test_stamps_marked_as_utc_are_not_moved_to_the_given_zone():
    stamps = np.array([NOON * 1e6], dtype="i8").astype("M8[us]")
    rule = TimeRule(columns=("t",), kind=TimeKind.DATETIME, zone="Asia/Tokyo")
    naive = read_clock(RawTable(source="a", columns={"t": stamps}), rule)
    aware = read_clock(RawTable(source="a", columns={"t": stamps}, utc=frozenset("t")), rule)
    assert aware.second[0] == NOON and naive.second[0] == NOON - 9 * 3600


@pytest.mark.parametrize("unit", [1.0, 1e3, 1e6, 1e9])
def test_numbers_since_1970_are_read_in_their_own_unit(columns, truth, unit):
    columns["tboxTime"] = (truth.second * unit).astype(np.int64)
    found = recognise(RawTable(source="a", columns=columns)).profile.time
    assert found.kind is TimeKind.UNIX and found.second_per_unit == pytest.approx(1 / unit)


def test_a_date_and_a_time_of_day_are_read_together(columns, truth):
    text = np.datetime_as_string(truth.second.astype("M8[s]"), "s").astype(object)
    del columns["tboxTime"]
    columns["Datum"] = np.array([t[:10] for t in text], dtype=object)
    columns["Uhrzeit"] = np.array([t[11:] for t in text], dtype=object)
    table = RawTable(source="a", columns=columns)
    rule = recognise(table).profile.time
    assert rule.columns == ("Datum", "Uhrzeit")
    np.testing.assert_array_equal(read_clock(table, rule).second, truth.second)


def test_a_clock_change_moves_local_stamps_by_an_hour():
    stamps = np.array(["2021-03-28T01:30:00", "2021-03-28T03:30:00"], dtype="M8[us]")
    table = RawTable(source="a", columns={"t": stamps})
    rule = TimeRule(columns=("t",), kind=TimeKind.DATETIME, zone="Europe/Berlin")
    assert np.diff(read_clock(table, rule).second).tolist() == [3600.0]

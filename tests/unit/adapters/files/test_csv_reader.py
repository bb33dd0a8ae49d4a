"""Delimited text as people export it."""

import numpy as np
import pytest

from voltherd.adapters.files.csv_reader import read_csv
from voltherd.errors import InputError, UnreadableError


@pytest.fixture
def table(tmp_path):
    def make(content, encoding="utf-8"):
        path = tmp_path / "export.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        return read_csv(path)

    return make


def notes(table):
    return {note.reason: note for note in table.notes}


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", "^", " "])
def test_any_delimiter_is_found(table, delimiter):
    got = table(f"time{delimiter}V_1\n1.5{delimiter}3.651\n2.5{delimiter}3.652\n")
    assert list(got.columns) == ["time", "V_1"]
    np.testing.assert_array_equal(got.columns["V_1"], [3.651, 3.652])


def test_a_decimal_comma_is_read_and_noted(table):
    got = table("Zeit;U\n1,5;3,651\n2,5;1.003,652\n")
    np.testing.assert_array_equal(got.columns["U"], [3.651, 1003.652])
    assert notes(got)["decimal_comma"].count == 2


def test_digits_grouped_by_comma_are_read(table):
    got = table('t,odo\n1,"12,345.6"\n2,"1,012,345.7"\n')
    np.testing.assert_array_equal(got.columns["odo"], [12345.6, 1012345.7])


def test_digits_grouped_without_a_point_are_no_decimals(table):
    got = table('t,odo\n1,"1,012,345"\n2,"12,345"\n')
    np.testing.assert_array_equal(got.columns["odo"], [1012345.0, 12345.0])


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "latin-1", "cp1252"]
)
def test_every_usual_encoding_is_read(table, encoding):
    got = table("Zeit;ϑ °C;U\n".replace("ϑ", "Wärme") + "1;25,5;3,6\n2;25,6;3,7\n", encoding)
    np.testing.assert_array_equal(got.columns["Wärme °C"], [25.5, 25.6])


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_every_line_end_is_read(table, line_end):
    assert table(line_end.join(["t,v", "1,2", "3,4", ""])).rows == 2


def test_lines_above_the_header_and_units_below_it_are_told_apart(table):
    got = table(
        "# logger 3.1\nVehicle: bus 7\n\nTime,V_1,I,T\ns,V,[A],°C\n"
        "2024-01-01 00:00:00,3.5,1,20\n2024-01-01 00:00:01,3.6,2,21\n"
    )
    assert list(got.columns) == ["Time", "V_1", "I", "T"]
    assert dict(got.units) == {"Time": "s", "V_1": "V", "I": "A", "T": "°C"}
    assert got.columns["Time"].tolist() == ["2024-01-01 00:00:00", "2024-01-01 00:00:01"]
    assert notes(got)["lines_before_data"].count == 4


def test_units_in_the_header_are_declared_and_the_name_is_kept(table):
    got = table("t (s),Voltage [mV]\n1,3650\n2,3651\n")
    assert dict(got.units) == {"t (s)": "s", "Voltage [mV]": "mV"}


def test_a_commented_header_is_the_header(table):
    got = table("# made by numpy\n# t,v\n1,2\n3,4\n")
    assert list(got.columns) == ["t", "v"]


def test_ragged_rows_are_counted_with_their_line_numbers(table):
    got = table("t,v,i\n1,2,3\n4,5\n6,7,8\n9,1,2,3\n3,2,1\n9,9")
    np.testing.assert_array_equal(got.columns["t"], [1, 6, 3])
    note = notes(got)["ragged_row"]
    assert (note.count, note.total) == (3, 6)
    assert [example.split(":")[0] for example in note.examples] == ["line 3", "line 5", "line 7"]


def test_text_in_a_column_of_numbers_is_no_value_and_counted(table):
    got = table("t,v\n1,3.6\n2,ERR\n3,\n4,NULL\n5,3.7\n6,3.8\n")
    np.testing.assert_array_equal(got.columns["v"], [3.6, np.nan, np.nan, np.nan, 3.7, 3.8])
    note = notes(got)["not_a_number"]
    assert (note.channel, note.count, note.examples) == ("v", 1, ("line 3: 'ERR'",))


def test_a_unit_behind_each_number_is_split_off(table):
    got = table("t,v,soc\n1,3.651 V,45%\n2,3.652 V,46%\n")
    np.testing.assert_array_equal(got.columns["v"], [3.651, 3.652])
    assert got.units["v"] == "V" and got.units["soc"] == "%"


def test_an_array_column_becomes_one_block(table):
    got = table('t,cells\n1,"[3.1, 3.2, 3.3]"\n2,"[3.1, 3.2]"\n')
    np.testing.assert_array_equal(got.columns["cells"], [[3.1, 3.2, 3.3], [3.1, 3.2, np.nan]])
    assert notes(got)["ragged_array"].channel == "cells"


def test_columns_without_header_are_numbered(table):
    got = table("1,3.6,20\n2,3.7,21\n")
    assert list(got.columns) == ["column_1", "column_2", "column_3"] and got.rows == 2
    assert "no_header" in notes(got)


def test_names_given_twice_stay_apart(table):
    got = table("t,V,V,T,t\n1,2,3,4,5\n2,3,4,5,6\n")
    assert list(got.columns) == ["t", "V", "V_2", "T", "t_2"]
    np.testing.assert_array_equal(got.columns["t_2"], [5, 6])


def test_a_delimiter_at_every_line_end_adds_no_column(table):
    assert list(table("t;v;\n1;2;\n2;3;\n").columns) == ["t", "v"]


def test_rows_that_end_in_more_delimiters_than_the_header_keep_its_names(table):
    got = table("t,V_1,V_2\n1,3.61,3.62,,,\n2,3.61,3.62,,,\n")
    assert list(got.columns)[:3] == ["t", "V_1", "V_2"]
    assert got.rows == 2
    assert "no_header" not in notes(got)


def test_the_header_of_a_file_joined_on_is_left_out(table):
    got = table("t,v\n1,2\nt,v\n3,4\n")
    assert got.rows == 2 and notes(got)["repeated_header"].count == 1


def test_quotes_over_lines_and_delimiters_inside_them_hold(table):
    got = table('t,note,v\n1,"a, ""b""\nc",3\n2,plain,4\n')
    assert got.columns["note"].tolist() == ['a, "b" c', "plain"]


def test_zero_bytes_of_a_power_loss_cost_only_their_rows(table):
    got = table(b"t,v\n" + b"".join(b"%d,3.65\n" % k for k in range(200)) + b"\x00\x00,\n7,3.6\n")
    assert got.rows == 201 and notes(got)["zero_bytes"].count == 1


def test_names_that_differ_in_case_alone_are_two_columns(table):
    got = table("T,t\n1,2\n3,x\n4,5\n")
    np.testing.assert_array_equal(got.columns["t"], [2, np.nan, 5])
    np.testing.assert_array_equal(got.columns["T"], [1, 3, 4])


def test_one_column_is_a_table_too(table):
    np.testing.assert_array_equal(table("v\n3.6\n3.7\n").columns["v"], [3.6, 3.7])


def test_a_header_alone_is_refused_by_what_it_names(table):
    with pytest.raises(InputError, match=r"only a header \(time, V_1, I\)"):
        table("time,V_1,I\n")


@pytest.mark.parametrize("line", [b"1," * 10_000_000, b"a,b\n" + b"1," * 10_000_000])
def test_a_line_of_ten_million_columns_is_refused_at_once(table, line):
    with pytest.raises(UnreadableError, match=r"line \d is longer|delimiters"):
        table(line)


def test_more_columns_than_any_pack_are_refused(table):
    with pytest.raises(UnreadableError, match="at most 10,000 columns"):
        table(",".join(["1"] * 20_000) + "\n")


@pytest.mark.parametrize("content", [b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40, bytes(5000)])
def test_binary_content_is_refused(table, content):
    with pytest.raises(UnreadableError, match="neither text"):
        table(content)

"""Whatever lies in a file, a reader gives a table or one clear message, soon.

The budget is small by default; ``VOLTHERD_FUZZ=nightly`` runs a hundred times as long.
"""

import csv
import io
import os
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from voltherd.adapters.files.reader import SUFFIXES, read_file
from voltherd.errors import VoltherdError

EXAMPLES = {"": 50, "nightly": 5000}[os.environ.get("VOLTHERD_FUZZ", "")]
fuzz = settings(
    max_examples=EXAMPLES,
    deadline=timedelta(seconds=10),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
NUMBERS = [b"NaN", b"Inf", b"-inf", b"1e999", b"-1", b"9" * 320, b"0x", b"1,5", b"=1+1"]
TIMES = [b"1970-01-01", b"2170-12-31T23:59:60Z", b"2024-01-01T00:00:00+14:00", b"9999-99-99"]
MARKS = [bytes([c]) for c in b"\x00\"';,\t\n\r#[](){}%\xff\xc3R"]
WORDS = [
    b"\xef\xbb\xbf",
    b"##1",
    b"ErrorFrame",
    b"CANFD",
    b"Begin Triggerblock",
    b"date Foo",
    b"-- ",
]
ODD = [*NUMBERS, *TIMES, *MARKS, *WORDS, "°".encode()]


@st.composite
def damage(draw, odd=True):
    """A function that damages bytes: cuts, flips, insertions, repeats, removals."""
    edits = draw(
        st.lists(
            st.tuples(
                st.sampled_from(["cut", "flip", "insert", "repeat", "remove"]),
                st.floats(0, 1),
                st.integers(0, 255),
                st.sampled_from(ODD),
            ),
            min_size=1,
            max_size=6,
        )
    )

    def apply(data: bytes) -> bytes:
        for kind, place, byte, text in edits:
            at = int(place * len(data))
            if kind == "cut":
                data = data[:at]
            elif kind == "flip":
                data = data[:at] + bytes([byte]) + data[at + 1 :]
            elif kind == "insert":
                data = data[:at] + text + data[at:]
            elif kind == "repeat":
                data = data[: at + byte] + data[at:]
            else:
                data = data[:at] + data[at + byte :]
        return data

    return apply


def drive(tmp_path, name: str, content: bytes, dbc: bytes):
    """Read it; anything but a sound table or our own error fails the test."""
    path, database = tmp_path / name, tmp_path / "a.dbc"
    path.write_bytes(content)
    database.write_bytes(dbc)
    refusal = table = None
    try:
        table = read_file(path, dbc=database)
    except VoltherdError as error:
        refusal = error
    if table is None:
        assert name in str(refusal) or "a.dbc" in str(refusal)
        assert "\n" not in refusal.what and len(refusal.what) < 1000
        return None
    assert table.rows > 0
    assert all(len(values) == table.rows for values in table.columns.values())
    assert set(table.units) <= set(table.columns) and table.utc <= set(table.columns)
    return table


@fuzz
@given(cut=st.floats(0, 1, exclude_max=True))
def test_parquet_cut_anywhere_is_refused(tmp_path, whole, cut):
    data = whole[".parquet"]
    assert drive(tmp_path, "a.parquet", data[: int(cut * len(data))], b"") is None


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".asc", ".blf", ".log"])
@fuzz
@given(harm=damage())
def test_a_damaged_file_gives_a_table_or_one_message(tmp_path, whole, suffix, harm):
    drive(tmp_path, f"a{suffix}", harm(whole[suffix]), whole[".dbc"])


@fuzz
@given(harm=damage())
def test_a_damaged_database_gives_a_table_or_one_message(tmp_path, whole, harm):
    drive(tmp_path, "a.log", whole[".log"], harm(whole[".dbc"]))


@fuzz
@given(
    suffix=st.sampled_from(SUFFIXES),
    content=st.one_of(
        st.binary(max_size=400),
        st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")),
        st.text(max_size=100).map(lambda text: text.encode("utf-16", "surrogatepass")),
        st.lists(st.sampled_from([*ODD, b"1", b"2.5", b"t", b"PAR1", b"LOGG"]), max_size=25).map(
            b"".join
        ),
    ),
)
def test_anything_under_any_suffix_gives_a_table_or_one_message(tmp_path, whole, suffix, content):
    drive(tmp_path, f"a{suffix}", content, whole[".dbc"])


CELLS = st.one_of(
    st.floats().map(repr),
    st.integers(-(10**20), 10**20).map(str),
    st.sampled_from(
        [
            text.decode("latin-1")
            for text in ODD
            if not set(text) & set(b"\x00\r\n") and text != WORDS[0]
        ]
    ),
    st.datetimes().map(str),
    st.text(st.characters(codec="utf-8", exclude_characters="\x00\r\n"), max_size=8),
)


@fuzz
@given(
    rows=st.lists(st.lists(CELLS, min_size=3, max_size=3), min_size=1, max_size=12),
    delimiter=st.sampled_from(",;\t"),
)
def test_every_line_of_a_table_is_kept_or_counted(tmp_path, rows, delimiter):
    text = io.StringIO()
    out = csv.writer(text, delimiter=delimiter, lineterminator="\n", quoting=csv.QUOTE_ALL)
    out.writerow(["time", "V_1", "note"])
    out.writerows(rows)
    table = drive(tmp_path, "a.csv", text.getvalue().encode(), b"")
    if table is not None:
        noted = {note.reason: note.count for note in table.notes}
        rejected = ("ragged_row", "comment_line", "repeated_header", "lines_before_data")
        counted = sum(noted.get(reason, 0) for reason in rejected)
        header = "no_header" not in noted
        assert table.rows + counted + header == len(rows) + 1


@fuzz
@given(values=st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=20))
def test_numbers_come_back_exactly(tmp_path, values):
    text = "t,v\n" + "".join(f"{k},{value!r}\n" for k, value in enumerate(values))
    table = drive(tmp_path, "a.csv", text.encode(), b"")
    np.testing.assert_array_equal(table.columns["v"], values)

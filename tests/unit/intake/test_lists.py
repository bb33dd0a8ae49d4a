"""Array columns that an export wrote as text."""

import numpy as np
import pytest

from voltherd.intake.build import build
from voltherd.intake.lists import unpacked
from voltherd.intake.recognise import recognise
from voltherd.types.table import RawTable


def texts(values):
    return np.array(values, dtype=object)


@pytest.mark.parametrize(
    "form", ["[3.9, 3.8, 3.7, 3.6]", "3.9;3.8;3.7;3.6", "(3.9 3.8 3.7 3.6)", "{3.9|3.8|3.7|3.6}"]
)
def test_a_list_in_any_dress_becomes_an_array(form):
    [column] = unpacked(RawTable(source="a", columns={"c": texts([form] * 3)})).columns.values()
    np.testing.assert_array_equal(column, [[3.9, 3.8, 3.7, 3.6]] * 3)


def test_a_member_without_value_and_a_row_of_another_length_are_empty():
    rows = ["[1, null, 3, 4]", *["[1, 2, 3, 4]"] * 10, "[1, 2, 3]", None]
    array = unpacked(RawTable(source="a", columns={"c": texts(rows)})).columns["c"]
    assert np.isnan(array).sum(axis=1).tolist() == [1, *[0] * 10, 4, 4]


@pytest.mark.parametrize(
    "text", ["3,7", "1.234,5", "BUS-1", "48.1, 11.5", "2024-01-01 10:00:00", ""]
)
def test_what_is_no_list_stays_as_it_is(text):
    table = RawTable(source="a", columns={"c": texts([text] * 5)})
    assert unpacked(table) is table


def test_cells_in_one_text_column_are_cells():
    rng = np.random.default_rng(0)
    volts = 3.7 + 0.05 * np.sin(np.arange(300) / 40.0)[:, None] + rng.normal(0, 0.002, (300, 12))
    columns = {
        "time": 1.7e9 + np.arange(300.0),
        "cell_voltages": texts([str([round(v, 3) for v in row]) for row in volts.tolist()]),
    }
    table = unpacked(RawTable(source="a.csv", columns=columns))
    [(batch, _)] = build(table, recognise(table))
    np.testing.assert_allclose(batch.cell_voltage_volt, volts, atol=6e-4)

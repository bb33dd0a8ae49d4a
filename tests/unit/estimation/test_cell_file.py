"""A cell is written down and read back to the last bit; what was spoilt in between is told."""

import json
from dataclasses import fields, replace

import numpy as np
import pytest

from voltherd.errors import InputError
from voltherd.estimation.cell_file import cell_from, plain
from voltherd.numerics.cell_map import preset_map
from voltherd.numerics.presets import LFP


@pytest.fixture
def cell():
    random = np.random.default_rng(5)
    cell = preset_map(LFP.resized(1.2))
    tables = {
        key: random.uniform(0.001, 0.1, cell.r0_ohm.shape)
        for key in ("r0_ohm", "r1_ohm", "r2_ohm", "shift_volt", "hysteresis_volt")
    }
    along = {
        key: random.uniform(0.5, 2.0, len(cell.model_volt))
        for key in ("model_volt", "curve_volt", "widening")
    }
    return replace(cell, **tables, **along, model_second=100.0 / 3.0)


def same(one, other):
    for field in fields(one):
        mine, theirs = getattr(one, field.name), getattr(other, field.name)
        if field.name == "base":
            same(mine, theirs)
        elif isinstance(mine, np.ndarray):
            np.testing.assert_array_equal(mine, theirs, field.name)
            assert mine.dtype == theirs.dtype
        else:
            assert mine == theirs, field.name


def test_it_comes_back_to_the_last_bit(cell):
    text = json.dumps(plain(cell, {"remark": "kept"}), allow_nan=False)
    document = json.loads(text)
    same(cell_from(document, "cell.json"), cell)
    assert document["identification"] == {"remark": "kept"}
    assert json.dumps(plain(cell_from(document, "cell.json"), {"remark": "kept"})) == text


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        (("format",), "other", "not a cell file; its 'format' must be 'voltherd-cell'"),
        (("version",), 2, "version 2 of the cell file; version 1 is read here"),
        (("base",), None, "base: the section is missing"),
        (("base", "chemistry"), "LEAD", "chemistry is 'LEAD'; wanted is"),
        (("base", "capacity_ah"), 0.0, "capacity_ah is 0; wanted is above 0"),
        (("base", "capacity_ah"), True, "capacity_ah is True; wanted is a number"),
        (("base", "ocv_volt", 3), 2.0, "ocv_volt is a value that is not so; wanted is finite and"),
        (("base", "ocv_volt"), [3.0, 4.0], "ocv_volt is something else; wanted is 101 numbers"),
        (("base", "name"), None, "name is missing; wanted is a text"),
        (("tau1_second",), float("nan"), "tau1_second is nan; wanted is above 0"),
        (("temperature_celsius", 0), 500.0, "temperature_celsius is a value that is not so"),
        (("temperature_celsius",), [25.0], "temperature_celsius is something else"),
        (("soc_fraction", 1), 1.5, "soc_fraction is from 0 to 1.5; wanted is within 0 and 1"),
        (("r0_ohm", 2, 1), -0.1, "r0_ohm is a value that is not so; wanted is above 0"),
        (("r1_ohm", 2), [0.1], "r1_ohm is something else; wanted is 23 × 2 numbers"),
        (("r2_ohm", 0, 0), "much", "r2_ohm is something else"),
        (("shift_volt", 0, 0), float("inf"), "shift_volt is a value that is not so"),
        (("widening",), None, "widening is missing; wanted is a list of numbers"),
        (("source",), 3, "source is 3; wanted is a text"),
    ],
)
def test_what_was_spoilt_is_told_with_its_mend(cell, path, value, told):
    document = json.loads(json.dumps(plain(cell)))
    *way, last = path
    place = document
    for key in way:
        place = place[key]
    place[last] = value
    with pytest.raises(InputError) as caught:
        cell_from(document, "cell.json")
    assert told in str(caught.value) and str(caught.value).startswith("cell.json")
    assert "voltherd identify" in str(caught.value)


@pytest.mark.parametrize("document", [None, [], "cell", 1.0, {}])
def test_another_document_is_no_cell(document):
    with pytest.raises(InputError, match="not a cell file"):
        cell_from(document, "cell.json")

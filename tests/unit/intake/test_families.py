"""Cells are found by pattern or by what they do, and keep the vehicle's numbers."""

import numpy as np
import pytest

from voltherd.intake import names
from voltherd.intake.families import Family, find_families, patterns, telling_numbers
from voltherd.intake.grouping import number
from voltherd.intake.recognise import recognise
from voltherd.intake.sentinels import find_codes, is_code, usual_range
from voltherd.types.table import RawTable


def test_members_come_in_natural_order():
    assert patterns(["V_10", "V_2", "V_1"]) == {"v_#": ["V_1", "V_2", "V_10"]}


def test_cells_by_module_are_counted_through():
    members = ["M1C1", "M1C2", "M2C1", "M2C2"]
    assert telling_numbers(members) == ()
    family = Family(names.CELLS, tuple(members), (), "", True)
    assert number(family)[1] == (1, 2, 3, 4)


@pytest.mark.parametrize(
    ("numbers", "indices", "reasons"),
    [
        ((1, 2, 3), (1, 2, 3), []),
        ((0, 1, 2), (1, 2, 3), ["zero_based"]),
        ((101, 102, 103, 104), (1, 2, 3, 4), ["renumbered"]),
        ((1, 2, 4), (1, 2, 4), ["number_missing"]),
        ((0, 2), (1, 3), ["zero_based", "number_missing"]),
        ((1, 2, 900), (1, 2, 3), ["renumbered"]),
    ],
)
def test_the_number_in_the_name_decides_the_index(numbers, indices, reasons):
    columns = tuple(f"V_{n}" for n in numbers)
    _, found, remarks = number(Family(names.CELLS, columns, numbers, "", True))
    assert found == indices
    assert [remark.reason for remark in remarks] == reasons


def test_cells_among_columns_that_share_one_pattern_are_found_by_value(truth):
    everything = np.column_stack(
        [truth.speed, truth.pack, truth.current, truth.soc * 100, truth.cells, truth.probes]
    )
    sample = {f"c{k}": column for k, column in enumerate(everything.T)}
    found = {family.role: family for family in find_families(sample)}
    assert found[names.CELLS].columns == tuple(f"c{k}" for k in range(4, 28))
    assert found[names.PROBES].columns == tuple(f"c{k}" for k in range(28, 34))


def test_one_array_column_holds_all_cells(columns, truth):
    kept = {n: v for n, v in columns.items() if n[:2] not in ("V_", "T_")}
    kept |= {"a": truth.cells * 1e3, "b": truth.probes}
    profile = recognise(RawTable(source="x", columns=kept)).profile
    assert profile.cells.columns == ("a",) and len(profile.cells.indices) == 24
    assert profile.cells.scale == 1e-3
    assert profile.probes.columns == ("b",) and len(profile.probes.indices) == 6


def test_tensions_of_a_motor_are_not_taken_for_cells(columns):
    rng = np.random.default_rng(0)
    phases = {f"motor_voltage_{k}": rng.normal(0, 200, 6000) for k in range(1, 7)}
    assert (
        len(recognise(RawTable(source="x", columns=columns | phases)).profile.cells.columns) == 24
    )


@pytest.mark.parametrize(
    "value", [255.0, 65_535.0, 6553.5, 65.535, 511.0, -40.0, 409.5, 4294967295.0]
)
def test_all_ones_codes_are_known_in_the_scales_buses_use(value):
    assert is_code(value)


def test_a_rare_peak_of_current_is_no_code():
    rng = np.random.default_rng(0)
    current = np.append(rng.normal(0, 20, 5000), [180.0, 180.0, 204.7, 204.7, 190.0, 200.0, 160.0])
    assert find_codes([current], usual_range(current), (-3000.0, 3000.0)) == ()


def test_a_code_inside_the_physical_range_is_found_when_it_stands_alone():
    speed = np.append(np.linspace(0, 90, 5000), [255.0] * 20)
    assert find_codes([speed], usual_range(speed), (0.0, 300.0)) == (255.0,)


def test_codes_that_make_up_most_of_a_column_are_found():
    probe = np.append(np.linspace(20, 24, 100).round(), [215.0] * 900)
    assert find_codes([probe], (20.0, 24.0), (-50.0, 200.0)) == (215.0,)

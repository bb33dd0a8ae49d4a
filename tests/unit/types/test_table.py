"""Raw tables hold a source's columns as they are."""

import numpy as np
import pytest

from voltherd.types.table import RawTable


def test_rows_are_the_common_length_of_all_columns():
    table = RawTable(source="a.csv", columns={"t": np.arange(4), "cells": np.zeros((4, 96))})
    assert table.rows == 4


def test_a_table_without_columns_has_no_rows():
    assert RawTable(source="empty.csv", columns={}).rows == 0


def test_columns_of_unequal_length_break_the_contract():
    with pytest.raises(AssertionError):
        RawTable(source="a.csv", columns={"t": np.arange(4), "v": np.zeros(3)})

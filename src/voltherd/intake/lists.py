"""Array columns written as text, as exports without arrays do: ``[3.91, 3.92, …]``."""

from dataclasses import replace
from typing import Final

import numpy as np
from jaxtyping import Float

from voltherd.types.table import RawTable

_HEAD_ROWS: Final = 64
_MEMBERS_MIN: Final = 4
"""Fewer numbers in one field are a position or a number with commas."""
_MEMBERS_MAX: Final = 4096
_EMPTY: Final = frozenset(("", "nan", "null", "none", "na"))
_BRACKETS: Final = str.maketrans("", "", "[](){}")


def unpacked(table: RawTable) -> RawTable:
    """Turn text columns that hold one list of numbers per row into array columns.

    Args:
        table: Of any source.

    Returns:
        The same table where there is no such column.

    >>> text = np.array(["[3.9, 3.8, 3.9, null]", "[3.9, 3.8, 3.9, 3.7]"], dtype=object)
    >>> unpacked(RawTable(source="a.csv", columns={"cells": text})).columns["cells"].shape
    (2, 4)
    """
    found = {
        name: array
        for name, values in table.columns.items()
        if values.ndim == 1 and values.dtype.kind in "OUT" and (array := _array(values)) is not None
    }
    return replace(table, columns={**table.columns, **found}) if found else table


def _array(values: np.ndarray) -> Float[np.ndarray, "time members"] | None:
    """Read the lists, None where the column holds none; a list of another length is left empty."""
    head = [text for text in values[:: max(1, len(values) // _HEAD_ROWS)].tolist() if text]
    first = next((text for text in head if isinstance(text, str)), "")
    separator = next((mark for mark in ",;|" if mark in first), None)
    lists = [text for text in head if isinstance(text, str) and _is_list(text, separator)]
    if not lists or len(lists) < 0.9 * len(head):
        return None
    lengths = [len(_members(text, separator)) for text in lists]
    usual = max(set(lengths), key=lengths.count)
    if not _MEMBERS_MIN <= usual <= _MEMBERS_MAX:
        return None
    found = np.full((len(values), usual), np.nan)
    for row, text in enumerate(values.tolist()):
        members = _members(text, separator) if isinstance(text, str) else []
        if len(members) == usual:
            found[row] = _numbers(members)
    return found


def _is_list(text: str, separator: str | None) -> bool:
    members = [member.strip().lower() for member in _members(text, separator)]
    if not _MEMBERS_MIN <= len(members) <= _MEMBERS_MAX:
        return False
    told = [member for member in members if member not in _EMPTY]
    return bool(told) and not any(np.isnan(_number(member)) for member in told)


def _members(text: str, separator: str | None) -> list[str]:
    return text.translate(_BRACKETS).split(separator)


def _numbers(members: list[str]) -> Float[np.ndarray, " members"]:
    try:
        return np.array(members, np.float64)
    except ValueError:
        return np.array([_number(member) for member in members])


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")

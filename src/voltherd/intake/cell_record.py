"""A laboratory's record of one cell, taken apart into its tests.

Vehicles' records go through recognition, which guesses; a record that a cell is identified from
must say by its columns' names what it is.
"""

import re
from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from voltherd.errors import UnrecognisedError
from voltherd.intake.names import ELAPSED, parse, role
from voltherd.intake.numbers import as_text, to_numbers
from voltherd.types.channel import TIME
from voltherd.types.table import RawTable

Column = Float[np.ndarray, "rows"]
GROUPS: Final = (
    "test", "test_no", "folder", "set_temp_c", "cycle", "rep", "trip", "c_rate", "session",
)  # fmt: skip
"""Columns whose values tell one test from the next."""
ROWS_MIN: Final = 100
"""A shorter test is left out."""
_NEEDED: Final = ("time", "current", "voltage", "temperature", "state of charge")
_CELL: Final = ("cell", "cell_id", "cell_name")
_SCALES: Final = {"s": 1.0, "ms": 1e-3, "min": 60.0, "h": 3600.0, "mA": 1e-3, "mV": 1e-3}
_TEMPERATURE: Final = re.compile(r" (temp|temps|temperature|temperatures) ")
_NOT_ITS_OWN: Final = re.compile(r" (set|chamber|ambient|target|room|oven|min|max) ")
_SOC: Final = re.compile(r" soc ")
_PERCENT_FROM: Final = 1.5
"""A state of charge that reaches more is in percent."""


class CellRecord(NamedTuple):
    """One test of one cell.

    Attributes:
        name: Where it is from: file and what groups its rows.
        time_second: Ascending [s].
        current_ampere: As the source signs it [A].
        voltage_volt: At the terminals [V].
        temperature_celsius: Of the cell [°C].
        soc: As recorded; empty where the source has none.
    """

    name: str
    time_second: Column
    current_ampere: Column
    voltage_volt: Column
    temperature_celsius: Column
    soc: Column


def cell_records(table: RawTable, name: str) -> list[CellRecord]:
    """Take a table apart into its tests.

    Args:
        table: As a reader gives it.
        name: What the tests are called by.

    Returns:
        Tests of at least ``ROWS_MIN`` whole rows; a time that goes back begins another one.

    Raises:
        UnrecognisedError: A column that is needed is not there or holds no number, or there is
            more than one cell.
    """
    _one_cell(table)
    wanted = [
        _seconds(table, _found(table, "time", _is_time, "time_second")),
        _scaled(table, _found(table, "current", _is("current_ampere"), "current_ampere")),
        _scaled(table, _found(table, "voltage", _is("voltage_volt"), "voltage_volt")),
        _celsius(table, _found(table, "temperature", _is_temperature, "temperature_celsius")),
    ]
    told = sorted(filter(_is_soc, table.columns), key=lambda one: "ref" not in one.lower())
    if told:
        soc = to_numbers(table.columns[told[0]]).astype(np.float64)
        top = np.nanmax(soc, initial=0.0)
        wanted.append(soc * (0.01 if top > _PERCENT_FROM else 1.0))
    parts = np.array(wanted)
    for what, part in zip(_NEEDED, parts, strict=False):
        if not np.isfinite(part).any():
            raise UnrecognisedError(
                f"no number in the column of {what}", where=table.source, mend="record it, too"
            )
    whole = np.isfinite(parts).all(axis=0)
    if "ok" in table.columns:
        whole &= to_numbers(table.columns["ok"]) == 1.0
    records = []
    for label, rows in _groups(table, whole):
        for piece in _unbroken(parts[0], rows):
            if len(piece) >= ROWS_MIN:
                known = parts[:, piece]
                soc = known[4] if told else np.zeros(0)
                second, current, volt, celsius = known[:4]
                records.append(
                    CellRecord(f"{name} {label}".strip(), second, current, volt, celsius, soc)
                )
    return records


def _one_cell(table: RawTable) -> None:
    for column in _CELL:
        if column in table.columns:
            names = np.unique(as_text(table.columns[column]))
            if len(names) > 1:
                shown = ", ".join(names[:4].tolist())
                raise UnrecognisedError(
                    f"records of {len(names)} cells ({shown} …)",
                    where=table.source,
                    mend="give the rows of one cell",
                )


def _found(table: RawTable, what: str, fits: Callable[[str], bool], named: str) -> str:
    """Give the column; of several the one that bears the name itself, else the first."""
    fitting = [column for column in table.columns if fits(column)]
    if not fitting:
        raise UnrecognisedError(
            f"no column of {what} (columns are {', '.join(list(table.columns)[:8])})",
            where=table.source,
            mend=f"name it {named}",
        )
    return named if named in fitting else fitting[0]


def _is(wanted: str) -> Callable[[str], bool]:
    return lambda column: role(column) == wanted


def _is_time(column: str) -> bool:
    return role(column) in (ELAPSED, TIME)


def _is_temperature(column: str) -> bool:
    words = parse(column).words
    return bool(_TEMPERATURE.search(words)) and not _NOT_ITS_OWN.search(words)


def _is_soc(column: str) -> bool:
    return role(column) == "soc_fraction" or bool(_SOC.search(parse(column).words))


def _scaled(table: RawTable, column: str) -> Column:
    unit = table.units.get(column) or parse(column).unit
    scale = _SCALES.get(unit, 1.0)
    return np.asarray(to_numbers(table.columns[column]).astype(np.float64) * scale)


def _seconds(table: RawTable, column: str) -> Column:
    values = table.columns[column]
    if values.dtype.kind == "M":
        since = values - values[np.argmin(np.isnat(values))]
        return np.asarray(since / np.timedelta64(1, "us") * 1e-6)
    return _scaled(table, column)


def _celsius(table: RawTable, column: str) -> Column:
    unit = table.units.get(column) or parse(column).unit
    values = to_numbers(table.columns[column]).astype(np.float64)
    if unit == "K":
        return np.asarray(values - 273.15)
    return np.asarray((values - 32.0) / 1.8) if unit == "°F" else values


def _groups(table: RawTable, whole: np.ndarray) -> list[tuple[str, Int[np.ndarray, "members"]]]:
    """Give the rows of every test, and what it is called."""
    keys = [column for column in GROUPS if column in table.columns]
    rows = np.flatnonzero(whole)
    if not keys or not len(rows):
        return [("", rows)]
    texts = [as_text(table.columns[column])[rows] for column in keys]
    joined = texts[0]
    for text in texts[1:]:
        joined = np.strings.add(np.strings.add(joined, " "), text)
    labels, inverse = np.unique(joined, return_inverse=True)
    order = np.argsort(inverse, kind="stable")
    bounds = np.searchsorted(inverse[order], np.arange(1, len(labels)))
    return [
        (str(label), rows[part])
        for label, part in zip(labels, np.split(order, bounds), strict=True)
    ]


def _unbroken(second: Column, rows: Int[np.ndarray, "members"]) -> list[Int[np.ndarray, "part"]]:
    """Cut where time goes back; equal times are thinned to the first."""
    cuts = np.flatnonzero(np.diff(second[rows]) < 0.0) + 1
    parts = np.split(rows, cuts)
    return [
        part[np.concatenate(([True], np.diff(second[part]) > 0.0))] for part in parts if len(part)
    ]

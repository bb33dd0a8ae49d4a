"""What recognition looks at, and the decisions it hands on."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np

from voltherd.intake import names
from voltherd.intake.numbers import looks_numeric, sample_rows, sample_steps, to_numbers
from voltherd.intake.profile import ChannelRule
from voltherd.intake.sentinels import find_codes, usual_range
from voltherd.intake.temperature import Scale
from voltherd.types.channel import SCALARS
from voltherd.types.table import RawTable

_WILD: Final = 1e30


class Decision(NamedTuple):
    """One thing that was decided, and on what ground.

    Attributes:
        what: Canonical channel, ``time``, ``vehicle`` or ``current sign``.
        choice: What was chosen, for people.
        confidence: Probability that it is right, 0…1.
        why: The evidence, for people.
    """

    what: str
    choice: str
    confidence: float
    why: str


class Look(NamedTuple):
    """The source as recognition sees it.

    Attributes:
        table: The source itself.
        rows: Sampled row numbers.
        step: Whether no row is missing between a sampled row and the next.
        sample: Sampled rows of every one-dimensional numeric column.
    """

    table: RawTable
    rows: np.ndarray
    step: np.ndarray
    sample: Mapping[str, np.ndarray]

    def only(self, kept: frozenset[str]) -> "Look":
        """Give the same look with some of the columns."""
        columns = {name: v for name, v in self.table.columns.items() if name in kept}
        sample = {name: v for name, v in self.sample.items() if name in kept}
        return self._replace(table=replace(self.table, columns=columns), sample=sample)

    def whole(self, name: str) -> np.ndarray:
        """Every row of a column as numbers of double width."""
        return _sane(to_numbers(self.table.columns[name]).astype(np.float64))

    def unit(self, name: str) -> str:
        """The unit a column declares, empty where none."""
        declared = names.unit_symbol(self.table.units.get(name, ""))
        return declared or names.parse(name).unit


def look(table: RawTable) -> Look:
    """Sample every numeric column of a table."""
    rows = sample_rows(table.rows)
    sample = {
        name: _sane(to_numbers(values[rows]).astype(np.float64))
        for name, values in table.columns.items()
        if values.ndim == 1 and looks_numeric(values)
    }
    return Look(table, rows, sample_steps(table.rows), sample)


def _sane(values: np.ndarray) -> np.ndarray:
    """Blank what no arithmetic survives."""
    wild = ~(np.abs(values) < _WILD)
    return np.where(wild, np.nan, values) if wild.any() else values


def without_codes(values: np.ndarray) -> np.ndarray:
    """Blank what lies far outside the usual range and repeats, for a first look.

    >>> without_codes(np.array([1.0, 2.0, 3.0, 511.0, 511.0])).tolist()
    [1.0, 2.0, 3.0, nan, nan]
    """
    usual = usual_range(values)
    codes = find_codes([values], usual, usual)
    return np.where(np.isin(values, codes), np.nan, values) if codes else values


def rule_for(look: Look, role: str, column: str, scale: Scale) -> ChannelRule:
    """Give the rule of one scalar, its codes found in every row."""
    spec = SCALARS[role]
    whole = look.table.columns[column]
    values = whole if whole.dtype.kind == "f" else look.whole(column)
    codes = find_codes(
        [values],
        usual_range(look.sample[column]),
        (spec.minimum, spec.maximum),
        scale.scale,
        scale.offset,
    )
    return ChannelRule(column=column, scale=scale.scale, offset=scale.offset, sentinels=codes)

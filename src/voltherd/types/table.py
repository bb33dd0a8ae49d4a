"""A source's own columns as a reader hands them over: nothing renamed, nothing converted."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import final

import numpy as np

from voltherd.types.report import Remark


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class RawTable:
    """Columns of one source, before anything is known of what they mean.

    A column is a 1-D array (numbers of any dtype, ``datetime64``, or objects and text with numbers
    as text and None where there is no value) or a 2-D array of numbers (one array column holding
    all cells or probes, row by row).  NULL is NaN or NaT; whole numbers with NULLs come as floats.

    Attributes:
        source: File or folder, for people; its stem names the vehicle where nothing else does.
        columns: Source name to values, all of equal length, in the source's order.
        notes: What the reader itself noticed (skipped lines, repaired encodings).
        units: Units the source itself declares per column (DBC, brackets of a header).
        utc: ``datetime64`` columns that the source marks as UTC; others are as written.
        vehicle_id: Whose telemetry this is, where the reader knows (a folder, a log's name).
    """

    source: str
    columns: Mapping[str, np.ndarray]
    notes: tuple[Remark, ...] = ()
    units: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    utc: frozenset[str] = frozenset()
    vehicle_id: str | None = None

    def __post_init__(self) -> None:
        assert all(values.ndim in (1, 2) for values in self.columns.values())
        assert len({len(values) for values in self.columns.values()}) <= 1

    @property
    def rows(self) -> int:
        """Number of rows.

        >>> RawTable(source="a.csv", columns={"t": np.arange(3)}).rows
        3
        """
        return len(next(iter(self.columns.values()), ()))

"""Where the canonical store keeps what, and what stands in a file beside the samples.

::

    store/
      voltherd.json                          marks the store and its schema version
      vehicle=<id, percent-encoded>/
        day=2024-05-17/                      by UTC
          samples.parquet                    all rows of that vehicle and day, in time order

The columns are those of ``types.channel``.  A channel's flags stand in ``<channel>_quality`` and
only where a flag is set that day; a value that may not be used is NULL.
"""

import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import quote, unquote

import numpy as np

from voltherd.errors import StoreError
from voltherd.types.channel import TIME, cell_column, probe_column
from voltherd.types.sample import SampleBatch
from voltherd.units import SECOND_PER_DAY

SCHEMA_VERSION: Final = 1
MARKER: Final = "voltherd.json"
FILE: Final = "samples.parquet"
PART: Final = "samples.parquet.part"
QUALITY_SUFFIX: Final = "_quality"
SCHEMA_KEY: Final = "voltherd_schema"
LAYOUT_KEY: Final = "voltherd_layout"
_FORMAT: Final = "voltherd-store"
_NAME_BYTES_MAX: Final = 240
_SECOND_MAX: Final = 253_402_300_800.0
"""Year 10000; a time beyond is no time but another unit."""


class FileLayout(NamedTuple):
    """Which channels a file holds.

    Attributes:
        cells: Cell columns.
        probes: Probe columns.
        scalars: Further channels in their order.
        cell_names: The source's names.
        probe_names: The source's names.
    """

    cells: int
    probes: int
    scalars: tuple[str, ...]
    cell_names: tuple[str, ...]
    probe_names: tuple[str, ...]

    def channels(self) -> list[str]:
        """Every channel's column, time first.

        >>> FileLayout(1, 1, ("soc_fraction",), (), ()).channels()[1:3]
        ['voltage_volt_cell_001', 'temperature_celsius_probe_001']
        """
        return [
            TIME,
            *(cell_column(i + 1) for i in range(self.cells)),
            *(probe_column(i + 1) for i in range(self.probes)),
            *self.scalars,
        ]


def layout_of(batch: SampleBatch) -> FileLayout:
    """Say which channels a batch holds."""
    return FileLayout(
        batch.cells, batch.probes, tuple(batch.scalar), batch.cell_names, batch.probe_names
    )


def layout_text(layout: FileLayout) -> str:
    """Write a layout as it stands in a file."""
    return json.dumps(layout._asdict())


def layout_from(text: str) -> FileLayout:
    """Read a layout back.

    Raises:
        ValueError: It is none.
    """
    found: Any = json.loads(text)
    try:
        return FileLayout(
            int(found["cells"]),
            int(found["probes"]),
            tuple(map(str, found["scalars"])),
            tuple(map(str, found["cell_names"])),
            tuple(map(str, found["probe_names"])),
        )
    except (TypeError, KeyError) as error:
        raise ValueError("no layout") from error


def columns_of(batch: SampleBatch) -> Iterator[tuple[str, np.ndarray]]:
    """Give a batch's columns as a file holds them: time, channels, and flags where one is set."""
    yield TIME, np.ascontiguousarray(batch.unix_time_second)
    blocks = (
        (batch.cell_voltage_volt, batch.cell_quality, cell_column),
        (batch.probe_temperature_celsius, batch.probe_quality, probe_column),
    )
    for values, flags, name in blocks:
        for i, column in enumerate(np.ascontiguousarray(values.T)):
            yield name(i + 1), column
        for k in np.flatnonzero(flags.any(axis=0)).tolist():
            yield name(k + 1) + QUALITY_SUFFIX, np.ascontiguousarray(flags[:, k])
    for channel, values in batch.scalar.items():
        yield channel, np.ascontiguousarray(values)
        if batch.scalar_quality[channel].any():
            yield channel + QUALITY_SUFFIX, np.ascontiguousarray(batch.scalar_quality[channel])


def vehicle_folder(vehicle_id: str) -> str:
    """Give a vehicle's folder, safe whatever the identifier holds.

    >>> vehicle_folder("../bus 7")
    'vehicle=..%2Fbus%207'

    Raises:
        StoreError: The identifier is empty or too long for a folder's name.
    """
    name = "vehicle=" + quote(vehicle_id, safe="", errors="surrogatepass")
    if not vehicle_id or len(name) > _NAME_BYTES_MAX:
        raise StoreError(
            "the vehicle identifier is empty"
            if not vehicle_id
            else f"the vehicle identifier is too long ({len(vehicle_id)} characters)",
            where=vehicle_id[:40],
            mend="give the vehicle a shorter name",
        )
    return name


def vehicle_of(folder: str) -> str:
    """Give the identifier back.

    >>> vehicle_of("vehicle=..%2Fbus%207")
    '../bus 7'
    """
    return unquote(folder.removeprefix("vehicle="), errors="surrogatepass")


def days_of(batch: SampleBatch) -> Iterator[tuple[str, int, int]]:
    """Cut a batch at midnight UTC.

    Yields:
        The day's folder, first row, and the row after the last.

    Raises:
        StoreError: A time is no time.
    """
    time = batch.unix_time_second
    if not bool(np.all(np.abs(time) < _SECOND_MAX)):
        raise StoreError(
            "a time is not finite or beyond the year 9999",
            where=batch.vehicle_id,
            mend="check the unit of the time column; milliseconds are often taken for seconds",
        )
    day = np.floor(time / SECOND_PER_DAY).astype(np.int64)
    starts = [0, *(np.flatnonzero(np.diff(day)) + 1).tolist(), len(day)]
    for start, stop in pairwise(starts):
        yield f"day={np.datetime64(int(day[start]), 'D')}", start, stop


def day_bounds(folder: str) -> tuple[float, float]:
    """Give the first second of a day's folder and the first after it [unix s].

    >>> day_bounds("day=1970-01-02")
    (86400.0, 172800.0)

    Raises:
        ValueError: No day.
    """
    first = float(np.datetime64(folder.removeprefix("day="), "s").astype(np.int64))
    return first, first + SECOND_PER_DAY


def marker_text() -> str:
    """Write the marker of a store."""
    return json.dumps({"format": _FORMAT, "schema": SCHEMA_VERSION}) + "\n"


def check_marker(path: Path) -> None:
    """Refuse a store of another schema version.

    Raises:
        StoreError: With what to do.
    """
    try:
        found: Any = json.loads(path.read_text())
        version = found["schema"] if found["format"] == _FORMAT else None
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise StoreError(
            f"the store's marker is damaged ({type(error).__name__})",
            where=str(path),
            mend=f"restore it; it reads {marker_text().strip()}",
        ) from error
    check_version(str(version), str(path))


def check_version(version: str, where: str) -> None:
    """Refuse what another version of voltherd wrote.

    Raises:
        StoreError: With what to do.
    """
    if version != str(SCHEMA_VERSION):
        raise StoreError(
            f"unknown schema version {version}; this voltherd knows {SCHEMA_VERSION}",
            where=where,
            mend="use the voltherd that wrote it, or import the sources again",
        )

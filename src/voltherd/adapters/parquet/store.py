"""The ``Store`` port on canonical Parquet, written and read through DuckDB.

A day's file is written beside its place, synced, and moved there in one step, so a reader sees the
old day or the new one, never half of either, whatever happens in between.  A batch over several
days is kept day by day; sending it again completes what an interruption left out.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, final

import numpy as np

from voltherd.adapters.parquet.layout import (
    FILE,
    LAYOUT_KEY,
    MARKER,
    PART,
    QUALITY_SUFFIX,
    SCHEMA_KEY,
    SCHEMA_VERSION,
    FileLayout,
    check_marker,
    check_version,
    columns_of,
    day_bounds,
    days_of,
    layout_from,
    layout_of,
    layout_text,
    marker_text,
    vehicle_folder,
    vehicle_of,
)
from voltherd.errors import StoreError
from voltherd.types.channel import TIME
from voltherd.types.merge import merged
from voltherd.types.sample import SampleBatch, empty_batch

if TYPE_CHECKING:
    import duckdb


def is_store(path: Path) -> bool:
    """Say whether a folder is a store, of whatever version."""
    return (path / MARKER).is_file()


@final
@dataclass(frozen=True, slots=True)
class ParquetStore:
    """Telemetry in a folder; see ``layout`` for what lies where.

    Attributes:
        root: The folder; made on the first append.
    """

    root: Path

    def append(self, batch: SampleBatch) -> int:
        """Keep the rows that are not there yet; see ``Store.append``."""
        import duckdb

        if not batch.rows:
            return 0
        folder = self.root / vehicle_folder(batch.vehicle_id)
        days = list(days_of(batch))
        new = 0
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            with _locked(self.root), connection() as con:
                _mark(self.root)
                for day, start, stop in days:
                    new += _append_day(con, folder / day, batch.between(start, stop))
        except (OSError, duckdb.Error) as error:
            raise _refused(error, folder) from error
        return new

    def read(
        self, vehicle_id: str, start_second: float = -inf, stop_second: float = inf
    ) -> SampleBatch:
        """Give a vehicle's rows in time order; see ``Store.read``."""
        import duckdb

        folder = self.root / vehicle_folder(vehicle_id)
        try:
            if is_store(self.root):
                check_marker(self.root / MARKER)
            files = _day_files(folder, start_second, stop_second)
            if not files:
                return empty_batch(vehicle_id)
            with connection() as con:
                batch = _read_days(con, vehicle_id, files)
        except (OSError, duckdb.Error) as error:
            raise _refused(error, folder) from error
        bounds = np.searchsorted(batch.unix_time_second, [start_second, stop_second], "left")
        start, stop = map(int, bounds)
        return batch.between(start, max(start, stop))

    def vehicles(self) -> tuple[str, ...]:
        """Name every vehicle of which there are rows, sorted."""
        try:
            if is_store(self.root):
                check_marker(self.root / MARKER)
            found = {vehicle_of(p.parts[-3]) for p in self.root.glob(f"vehicle=*/day=*/{FILE}")}
        except OSError as error:
            raise _refused(error, self.root) from error
        return tuple(sorted(found))


def _mark(root: Path) -> None:
    """Make the store, or check that it is one we can write."""
    marker = root / MARKER
    if marker.exists():
        check_marker(marker)
        return
    part = root / f"{MARKER}.part"
    part.write_text(marker_text())
    _sync(part)
    os.replace(part, marker)
    _sync(root)


@contextmanager
def _locked(root: Path) -> Iterator[None]:
    """Let one writer in at a time, since a day's file is read, merged and replaced."""
    with (root / ".lock").open("a") as lock:
        try:
            import fcntl
        except ImportError:  # no such lock on this system; one writer is the owner's promise
            yield
            return
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield  # closing the file gives the lock back


@contextmanager
def connection() -> Iterator["duckdb.DuckDBPyConnection"]:
    """Open a connection that fetches nothing from the network and leaves nothing behind."""
    import duckdb

    spill = tempfile.mkdtemp(prefix="voltherd-")
    con = duckdb.connect(
        config={
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "temp_directory": spill,
        }
    )
    try:
        yield con
    except (RuntimeError, duckdb.InterruptException) as error:
        if "interrupted" in str(error).lower():  # how DuckDB passes Ctrl-C on
            raise KeyboardInterrupt from error
        raise
    finally:
        con.close()
        shutil.rmtree(spill, ignore_errors=True)


def _append_day(con: "duckdb.DuckDBPyConnection", folder: Path, batch: SampleBatch) -> int:
    """Merge one day's rows into its file; give how many were new."""
    file, new = folder / FILE, batch.rows
    if file.exists():
        batch, new = merged(_read_days(con, batch.vehicle_id, [file]), batch)
        if not new:
            return 0
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / PART
    try:
        con.register("samples", dict(columns_of(batch)))
        con.execute(
            f"COPY (SELECT * FROM samples) TO {literal(str(part))} (FORMAT parquet, "
            f"COMPRESSION zstd, KV_METADATA {{{SCHEMA_KEY}: '{SCHEMA_VERSION}', "
            f"{LAYOUT_KEY}: {literal(layout_text(layout_of(batch)))}}})"
        )
        _sync(part)
        os.replace(part, file)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    finally:
        con.unregister("samples")
    _sync(folder)
    return new


def _day_files(folder: Path, start_second: float, stop_second: float) -> list[Path]:
    """Find the files of the days asked for, in order of time."""
    found: list[tuple[float, Path]] = []
    for file in folder.glob(f"day=*/{FILE}"):
        try:
            first, after = day_bounds(file.parent.name)
        except ValueError as error:
            raise StoreError(
                "a folder that names no day", where=str(file.parent), mend="move it away"
            ) from error
        if first < stop_second and after > start_second:
            found.append((first, file))
    return [file for _, file in sorted(found)]


def _read_days(
    con: "duckdb.DuckDBPyConnection", vehicle_id: str, files: Sequence[Path]
) -> SampleBatch:
    """Read files of one vehicle in order; where their channels differ, the missing are NaN."""
    layouts = _layouts(con, files)
    batches: list[SampleBatch] = []
    for layout, group in groupby(files, key=layouts.__getitem__):
        batches.append(_read_alike(con, vehicle_id, list(group), layout))
    whole = batches[0]
    for batch in batches[1:]:
        whole, _ = merged(whole, batch)
    return whole


def _layouts(con: "duckdb.DuckDBPyConnection", files: Sequence[Path]) -> dict[Path, FileLayout]:
    """Read what each file says of itself."""
    rows = con.execute(
        f"SELECT file_name, key, value FROM parquet_kv_metadata({_list(files)})"
    ).fetchall()
    facts = {(str(name), bytes(key)): bytes(value).decode() for name, key, value in rows}
    layouts: dict[Path, FileLayout] = {}
    for file in files:
        check_version(facts.get((str(file), SCHEMA_KEY.encode()), "none"), str(file))
        try:
            layouts[file] = layout_from(facts[str(file), LAYOUT_KEY.encode()])
        except (KeyError, ValueError) as error:
            raise StoreError(
                "says nothing of its channels",
                where=str(file),
                mend="restore it, or delete it and import again",
            ) from error
    return layouts


def _read_alike(
    con: "duckdb.DuckDBPyConnection", vehicle_id: str, files: Sequence[Path], layout: FileLayout
) -> SampleBatch:
    """Read files of one layout at once; only flag columns may differ between them."""
    source = f"read_parquet({_list(files)}, union_by_name=true, hive_partitioning=false)"
    got = con.execute(f"SELECT * FROM {source}").fetchnumpy()
    names = layout.channels()
    if missing := [name for name in names if name not in got]:
        raise StoreError(
            f"lacks {missing[0]}, which it says it holds",
            where=str(files[0]),
            mend="restore it, or delete it and import again",
        )
    rows = len(got[TIME])
    cells, probes = names[1 : 1 + layout.cells], names[1 + layout.cells :][: layout.probes]
    return SampleBatch(
        vehicle_id=vehicle_id,
        unix_time_second=_values(got[TIME]),
        cell_voltage_volt=_block([_values(got[n]) for n in cells], rows, np.float32),
        cell_quality=_block([_flags(got, n, rows) for n in cells], rows, np.uint8),
        probe_temperature_celsius=_block([_values(got[n]) for n in probes], rows, np.float32),
        probe_quality=_block([_flags(got, n, rows) for n in probes], rows, np.uint8),
        scalar={n: _values(got[n]) for n in layout.scalars},
        scalar_quality={n: _flags(got, n, rows) for n in layout.scalars},
        cell_names=layout.cell_names,
        probe_names=layout.probe_names,
    )


def _values(column: np.ndarray) -> np.ndarray:
    """Tell NULL as NaN."""
    return column.filled(np.nan) if isinstance(column, np.ma.MaskedArray) else column


def _flags(got: dict[str, np.ndarray], channel: str, rows: int) -> np.ndarray:
    """Give a channel's flags; a file without them has none set."""
    column = got.get(channel + QUALITY_SUFFIX)
    if column is None:
        return np.zeros(rows, np.uint8)
    return column.filled(0) if isinstance(column, np.ma.MaskedArray) else column


def _block(columns: Sequence[np.ndarray], rows: int, dtype: type) -> np.ndarray:
    return np.stack(columns, axis=1) if columns else np.empty((rows, 0), dtype)


def _list(files: Sequence[Path]) -> str:
    return "[" + ", ".join(literal(plain(str(file))) for file in files) + "]"


def plain(name: str) -> str:
    """Name a file so that DuckDB sees no pattern in it."""
    return "".join(f"[{c}]" if c in "*?[" else c for c in name)


def literal(text: str) -> str:
    """Quote a text for SQL."""
    return "'" + text.replace("'", "''") + "'"


def _sync(path: Path) -> None:
    """Wait until a file, or a folder's list of names, is on the medium."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _refused(error: Exception, where: Path) -> StoreError:
    first = (str(error).strip().splitlines() or [type(error).__name__])[0]
    if isinstance(error, OSError) and error.strerror:
        first = error.strerror
    return StoreError(
        f"the store refused ({first[:200]})",
        where=str(where),
        mend="check free space and permissions; what was stored before is unharmed",
    )

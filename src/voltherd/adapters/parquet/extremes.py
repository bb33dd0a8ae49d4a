"""Channels over a long time from the canonical store, cut into pieces by DuckDB where they lie."""

from collections.abc import Sequence
from math import inf, isfinite
from pathlib import Path
from typing import Any

import numpy as np

from voltherd.adapters.parquet.layout import FILE, day_bounds, vehicle_folder
from voltherd.adapters.parquet.store import connection, literal, plain
from voltherd.errors import StoreError
from voltherd.types.channel import TIME
from voltherd.types.extremes import Extremes, nothing


def extremes(
    root: Path,
    vehicle_id: str,
    channels: Sequence[str],
    start_second: float,
    stop_second: float,
    pieces: int,
) -> Extremes:
    """Cut a span into at most so many pieces of equal time, with the extremes of each.

    Args:
        root: The store's folder.
        vehicle_id: Whose.
        channels: Canonical names; one that a file lacks is NaN there.
        start_second: First time wanted [unix s].
        stop_second: First time not wanted [unix s].
        pieces: Most pieces; where there are fewer rows, each is a piece.

    Raises:
        StoreError: The store is damaged or cannot be read.
    """
    import duckdb

    folder = root / vehicle_folder(vehicle_id)
    listed = ", ".join(literal(plain(str(f))) for f in _files(folder, start_second, stop_second))
    if not listed:
        return nothing(len(channels))
    low, high = max(start_second, -1e300), min(stop_second, 1e300)
    rows = (
        f"read_parquet([{listed}], union_by_name=true, hive_partitioning=false) "
        f"WHERE {TIME} >= {low!r} AND {TIME} < {high!r}"
    )
    try:
        with connection() as con:
            first, last, count = con.execute(
                f"SELECT min({TIME}), max({TIME}), count(*) FROM {rows}"
            ).fetchone() or (None, None, 0)
            if not count:
                return nothing(len(channels))
            width = max((last - first) / pieces, 1e-9)
            if count <= pieces:
                piece = TIME
            else:
                piece = f"least(floor(({TIME} - {first!r}) / {width!r}), {pieces - 1})"
            known = {row[0] for row in con.execute(f"DESCRIBE SELECT * FROM {rows}").fetchall()}
            wanted = [
                f"{which}({name}) AS {which}_{i}"
                for i, name in enumerate(channels)
                if name in known
                for which in ("min", "max")
            ]
            columns = ", ".join([f"min({TIME}) AS first", f"max({TIME}) AS last", *wanted])
            got = con.execute(
                f"SELECT {columns} FROM {rows} GROUP BY {piece} ORDER BY first"
            ).fetchnumpy()
    except duckdb.Error as error:
        raise StoreError(
            f"the store refused ({str(error).splitlines()[0][:200]})", where=str(folder)
        ) from error
    return Extremes(
        time_second=_values(got, "first"),
        last_second=_values(got, "last"),
        low=np.stack([_values(got, f"min_{i}") for i in range(len(channels))], axis=1),
        high=np.stack([_values(got, f"max_{i}") for i in range(len(channels))], axis=1),
        rows=int(count),
        summarised=False,
    )


def _files(folder: Path, start_second: float, stop_second: float) -> list[Path]:
    """Find the files of the days asked for."""
    bounds = [(day_bounds(f.parent.name), f) for f in folder.glob(f"day=*/{FILE}")]
    return sorted(
        file for (first, after), file in bounds if first < stop_second and after > start_second
    )


def _values(got: dict[str, Any], name: str) -> np.ndarray:
    """Give a column as numbers, NULL and a column that is not there as NaN."""
    column = got.get(name)
    if column is None:
        return np.full(len(got["first"]), np.nan)
    filled = column.filled(np.nan) if isinstance(column, np.ma.MaskedArray) else column
    return np.asarray(filled, dtype=np.float64)


def spans(root: Path, vehicle_id: str, days: int) -> list[tuple[float, float]]:
    """Cut a vehicle's time into pieces of so many UTC days of which there are rows [unix s]."""
    folder = root / vehicle_folder(vehicle_id)
    bounds = sorted(day_bounds(path.name) for path in folder.glob("day=*"))
    starts = [begin for begin, _ in bounds[::days]]
    assert all(isfinite(begin) for begin in starts)
    return list(zip(starts, [*starts[1:], inf], strict=True)) if starts else []

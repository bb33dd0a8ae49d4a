"""Cells of many chunks into one table, for estimators that run over a record.

What they do not ask for (flags, names, probes, other channels) is not made.  An engine says how the
loops over counts are run; ``chunk_numba`` has a compiled one.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
import zstandard
from jaxtyping import Float

from voltherd.errors import UnreadableError
from voltherd.wire import chunk_columns, chunk_matrix
from voltherd.wire import envelope_pb2 as pb
from voltherd.wire.chunk_columns import Whole
from voltherd.wire.chunk_matrix import Rows, Table
from voltherd.wire.chunk_parts import Parts, parts, unpacked_cells, unpacked_columns
from voltherd.wire.chunk_scale import Columns


class Engine(NamedTuple):
    """How the loops over counts are run."""

    counts: Callable[[pb.ChunkColumns, int, int], Whole]
    """As ``chunk_columns.take_counts``."""
    sensors: Callable[[pb.ChunkMatrix, Rows, type[np.floating], Table], None]
    """Message, means, the float that held the sensors, and where to put them."""


class CellRows(NamedTuple):
    """Rows of one or many chunks."""

    unix_time_second: Float[np.ndarray, "time"]
    cell_voltage_volt: Float[np.ndarray, "time cells"]
    scalar: dict[str, Float[np.ndarray, "time"]]
    """The channels asked for, NaN where a chunk has none."""


def _fill(found: pb.ChunkMatrix, mean: Rows, kind: type[np.floating], out: Table) -> None:
    out[...] = chunk_matrix.take(found, mean, out.shape[1], kind)


NUMPY: Final = Engine(chunk_columns.take_counts, _fill)


def decode_cells(
    bodies: Sequence[bytes],
    scalars: Sequence[str] = (),
    kind: type[np.floating] = np.float32,
    engine: Engine = NUMPY,
) -> CellRows:
    """Read the cells of chunks of one layout, one after the other.

    Args:
        bodies: What ``encode_chunk`` gave, at least one; all with as many cells.
        scalars: Further channels to read.
        kind: Float to give the voltages in: 32 bits hold every step of a converter, 64 whatever
            was written.
        engine: How the loops are run.

    Raises:
        UnreadableError: With what is wrong.
    """
    found = [parts(body) for body in bodies]
    cells, rows = found[0].header.cells, sum(each.header.rows for each in found)
    if any(each.header.cells != cells for each in found):
        raise UnreadableError("chunks of packs with different numbers of cells")
    unpacker = zstandard.ZstdDecompressor()
    # Unpacked before room is made: only then is it known that so many rows are there.
    unpacked = [(each, unpacked_columns(each, unpacker)) for each in found]
    values, volts = np.full((1 + len(scalars), rows), np.nan), np.empty((rows, cells), kind)
    starts, at = [], 0
    with np.errstate(all="ignore"):  # whatever the bytes say, there is a number for it
        for each, columns in unpacked:
            end = at + each.header.rows
            mean = _columns(each, columns, scalars, engine, values[:, at:end])
            if cells:
                width = np.float64 if each.header.cells_double else np.float32
                engine.sensors(unpacked_cells(each, unpacker), mean, width, volts[at:end])
            starts.append(at)
            at = end
    time = values[0]
    if not set(np.flatnonzero(~(time[1:] >= time[:-1])) + 1).issubset(starts):
        raise UnreadableError("chunk damaged: times that are not in order")
    return CellRows(time, volts, dict(zip(scalars, values[1:], strict=True)))


def _columns(
    found: Parts, columns: pb.ChunkColumns, scalars: Sequence[str], engine: Engine, out: Columns
) -> Rows:
    """Read time and the channels asked for; give the mean of each row's cells."""
    header, names = found.header, found.scalars
    matrices = (header.cells > 0) + (header.probes > 0)
    counts = engine.counts(columns, 1 + len(names) + matrices, header.rows)
    if len(columns.scale) != 1 + len(names):
        raise UnreadableError("chunk damaged: scales of another number")
    into, places = _wanted(names, tuple(scalars))
    values = chunk_columns.decode_some(columns, counts, places)
    for row, series in zip(into, values, strict=True):
        out[row] = series
    if values[0, 0] != header.first_second or values[0, -1] != header.last_second:
        raise UnreadableError("chunk damaged: other times than its header says")
    return np.asarray(counts[1 + len(names)]) if header.cells else values[0]


@lru_cache(maxsize=64)
def _wanted(names: tuple[str, ...], scalars: tuple[str, ...]) -> tuple[list[int], tuple[int, ...]]:
    """Say which columns are asked for, and which rows of the result they go to; time is always."""
    there = [k for k, name in enumerate(scalars) if name in names]
    return [0, *(1 + k for k in there)], (0, *(1 + names.index(scalars[k]) for k in there))

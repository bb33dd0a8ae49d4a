"""Telemetry chunks, the bodies of telemetry records: a clear summary, then every sample, lossless.

``C1``, CRC-32, length of the header, protobuf ``ChunkHeader``, then two zstd frames: the columns
(time, probes, scalars, flags, names) and the cells.  docs/formats.md describes every byte.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np
import zstandard
from jaxtyping import Float, UInt8

from voltherd.errors import UnreadableError, UsageError
from voltherd.types.sample import SampleBatch
from voltherd.wire import chunk_columns, chunk_matrix
from voltherd.wire import envelope_pb2 as pb
from voltherd.wire.checks import SECOND_MAX
from voltherd.wire.chunk_columns import SINGLE, Coded
from voltherd.wire.chunk_names import channel_numbers, pack_names, unpack_names
from voltherd.wire.chunk_parts import (
    CHUNK_MARK,
    HEADER_LENGTH,
    PART_BYTES_MAX,
    parts,
    size_problem,
    unpacked_cells,
    unpacked_columns,
)
from voltherd.wire.chunk_scale import Columns
from voltherd.wire.chunk_summary import SUMMARY, summary
from voltherd.wire.frame import framed

# Level 3, its tables no larger than a chunk has use for: they are cleared for every chunk.  Shorter
# matches than 5 cost more than they save in noise, here and on the other side.
_PACKING: Final = zstandard.ZstdCompressionParameters.from_level(
    3, window_log=17, hash_log=10, chain_log=10, min_match=5, strategy=zstandard.STRATEGY_DFAST
)
_FLOATS: Final = (np.dtype(np.float32), np.dtype(np.float64))
Flags = UInt8[np.ndarray, "..."]


class ChunkSummary(NamedTuple):
    """What a chunk tells without being unpacked, NaN where it does not know."""

    rows: int
    cells: int
    probes: int
    scalars: tuple[str, ...]
    """Names of the further channels."""
    first_second: float
    last_second: float
    cell_voltage_volt_min: float
    cell_voltage_volt_max: float
    cell_voltage_volt_mean: float
    temperature_celsius_min: float
    """Of the probes."""
    temperature_celsius_max: float
    current_ampere_min: float
    current_ampere_max: float
    current_ampere_mean: float
    charge_ah: float
    """Into the pack, by trapezoids; of a gap in the record a minute counts at most [Ah]."""
    soc_fraction_last: float
    """The last one known, as the vehicle reports it."""
    odometer_kilometre_last: float
    """The last one known."""


def encode_chunk(batch: SampleBatch) -> bytes:
    """Write samples so that :func:`decode_chunk` gives every bit of them back.

    Args:
        batch: 1 to 86,400 rows of one vehicle in time order.

    Raises:
        UsageError: Too many rows or columns, or times that are none.
    """
    with np.errstate(all="ignore"):  # infinities and signalling NaN are values like others
        _check(batch)
        columns, cells = _messages(batch)
        told = summary(batch)
    numbers, other = channel_numbers(tuple(batch.scalar))
    packer = zstandard.ZstdCompressor(compression_params=_PACKING)
    packed = [packer.compress(_bounded(columns.SerializeToString()))]
    if batch.cells:
        packed.append(packer.compress(_bounded(cells.SerializeToString())))
    header = pb.ChunkHeader(
        rows=batch.rows,
        cells=batch.cells,
        probes=batch.probes,
        channel=numbers,
        other=other,
        columns_bytes=len(packed[0]),
        cells_double=batch.cell_voltage_volt.itemsize == 8,
        probes_double=batch.probe_temperature_celsius.itemsize == 8,
        first_second=float(batch.unix_time_second[0]),
        last_second=float(batch.unix_time_second[-1]),
        **told,
    ).SerializeToString()
    return framed(CHUNK_MARK, b"".join((HEADER_LENGTH.pack(len(header)), header, *packed)))


def decode_chunk(body: bytes, vehicle_id: str) -> SampleBatch:
    """Read samples back, bit for bit.

    Args:
        body: What :func:`encode_chunk` gave.
        vehicle_id: Whose samples they are.

    Raises:
        UnreadableError: With what is wrong.
    """
    found = parts(body)
    header, names = found.header, found.scalars
    rows, cells, probes = header.rows, header.cells, header.probes
    unpacker = zstandard.ZstdDecompressor()
    columns = unpacked_columns(found, unpacker)
    volts = np.float64 if header.cells_double else np.float32
    degrees = np.float64 if header.probes_double else np.float32
    with np.errstate(all="ignore"):  # whatever the bytes say, there is a number for it
        counts, values = read_columns(columns, header, len(names))
        means = counts[1 + len(names) :]
        voltage, warmth = np.empty((rows, 0), volts), np.empty((rows, 0), degrees)
        if cells:
            packed = unpacked_cells(found, unpacker)
            voltage = chunk_matrix.take(packed, means[0], cells, volts)
        if probes:
            warmth = chunk_matrix.take(columns.probes, means[-1], probes, degrees)
        channels = scalars(columns, names, values)
    return SampleBatch(
        vehicle_id=vehicle_id,
        unix_time_second=values[0],
        cell_voltage_volt=voltage,
        cell_quality=_read_flags(columns.cell_quality, (rows, cells)),
        probe_temperature_celsius=warmth,
        probe_quality=_read_flags(columns.probe_quality, (rows, probes)),
        scalar=channels,
        scalar_quality=dict(
            zip(names, _read_flags(columns.scalar_quality, (len(names), rows)), strict=True)
        ),
        cell_names=unpack_names(columns.cell_names, cells),
        probe_names=unpack_names(columns.probe_names, probes),
    )


def read_columns(
    columns: pb.ChunkColumns, header: pb.ChunkHeader, scalars: int
) -> tuple[Float[np.ndarray, "sequences time"], Columns]:
    """Read counts (time, scalars, means of cells and of probes) and values (time, scalars).

    Raises:
        UnreadableError: With what is wrong.
    """
    scale = columns.scale
    if len(scale) != 1 + scalars:
        raise UnreadableError("chunk damaged: scales of another number")
    matrices = (header.cells > 0) + (header.probes > 0)
    counts = chunk_columns.take_counts(columns, 1 + scalars + matrices, header.rows)
    corrections = chunk_columns.take_corrections(
        columns, chunk_columns.corrected(scale), header.rows
    )
    values = chunk_columns.decode(Coded(scale, columns.offset, counts[: 1 + scalars], corrections))
    time = values[0]
    ends = time[0] == header.first_second and time[-1] == header.last_second
    if not (ends and (time[1:] >= time[:-1]).all()):
        raise UnreadableError("chunk damaged: times that are not in order")
    return counts, values


def scalars(
    columns: pb.ChunkColumns, names: tuple[str, ...], values: Columns
) -> dict[str, Float[np.ndarray, "time"]]:
    """Give the scalars by name, in the floats that held them."""
    found = dict(zip(names, values[1:], strict=True))
    for name, scale in zip(names, columns.scale[1:], strict=True):
        if scale & SINGLE:
            found[name] = found[name].astype(np.float32)
    return found


def decode_summary(body: bytes) -> ChunkSummary:
    """Read the clear part alone.

    Raises:
        UnreadableError: With what is wrong.
    """
    found = parts(body)
    h = found.header
    known = (getattr(h, name) if h.HasField(name) else np.nan for name in SUMMARY)
    return ChunkSummary(
        h.rows, h.cells, h.probes, found.scalars, h.first_second, h.last_second, *known
    )


def _check(batch: SampleBatch) -> None:
    problem = size_problem(batch.rows, batch.cells, batch.probes, len(batch.scalar))
    if problem:
        raise UsageError(problem, where=batch.vehicle_id, mend="cut it into several")
    time = batch.unix_time_second
    if not (time[0] > -SECOND_MAX and time[-1] < SECOND_MAX and (time[1:] >= time[:-1]).all()):
        raise UsageError(
            "times that are no times, or not in order", where=batch.vehicle_id, mend="sort the rows"
        )
    values = (batch.cell_voltage_volt, batch.probe_temperature_celsius, *batch.scalar.values())
    assert all(v.dtype in _FLOATS for v in values), "floats of 32 or 64 bits"
    assert time.dtype == np.float64
    assert len(batch.cell_names) in (0, batch.cells)
    assert len(batch.probe_names) in (0, batch.probes)


def _messages(batch: SampleBatch) -> tuple[pb.ChunkColumns, pb.ChunkMatrix]:
    """Write the two parts."""
    columns, cells = pb.ChunkColumns(), pb.ChunkMatrix()
    values = [batch.unix_time_second, *batch.scalar.values()]
    coded = chunk_columns.code(np.array(values, np.float64))
    columns.scale = bytes(
        scale | SINGLE * (value.itemsize == 4)
        for scale, value in zip(coded.scale, values, strict=True)
    )
    columns.offset = coded.offset
    counts = [coded.counts]
    for sensors, into in (
        (batch.cell_voltage_volt, cells),
        (batch.probe_temperature_celsius, columns.probes),
    ):
        if sensors.size:
            counts.append(chunk_matrix.put(sensors, into)[None, :])
    chunk_columns.put_counts(np.concatenate(counts), columns)
    if len(coded.corrections):
        chunk_columns.put_corrections(coded.corrections, columns)
    for name, flags in _flags(batch):
        if flags.any():
            setattr(columns, name, flags.tobytes())
    columns.cell_names = pack_names(batch.cell_names)
    columns.probe_names = pack_names(batch.probe_names)
    return columns, cells


def _flags(batch: SampleBatch) -> Iterator[tuple[str, Flags]]:
    yield "cell_quality", batch.cell_quality
    yield "probe_quality", batch.probe_quality
    if batch.scalar_quality:
        yield (
            "scalar_quality",
            np.concatenate([batch.scalar_quality[name] for name in batch.scalar]),
        )


def _bounded(part: bytes) -> bytes:
    if len(part) > PART_BYTES_MAX:
        raise UsageError("a chunk with so little order is too large", mend="cut it into several")
    return part


def _read_flags(packed: bytes, shape: tuple[int, int]) -> Flags:
    if not packed:
        return np.zeros(shape, np.uint8)
    if len(packed) != shape[0] * shape[1]:
        raise UnreadableError("chunk damaged: flags of another number")
    return np.frombuffer(packed, np.uint8).reshape(shape).copy()

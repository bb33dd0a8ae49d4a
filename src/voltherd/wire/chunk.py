"""Telemetry chunks: a clear summary, then all samples, lossless and compressed."""

import struct
from typing import Final, NamedTuple

import numpy as np
import zstandard
from jaxtyping import Float

from voltherd.errors import UnreadableError, UsageError
from voltherd.types.sample import SampleBatch
from voltherd.wire import envelope_pb2 as pb
from voltherd.wire.checks import CELLS_MAX, SECOND_MAX
from voltherd.wire.frame import framed, parsed, unframed

CHUNK_MARK: Final = b"C0"
ROWS_MAX: Final = 86_400
VALUES_MAX: Final = 1 << 24
_LENGTH: Final = struct.Struct("<H")
_SUMMARY: Final = (
    "cell_voltage_volt_min",
    "cell_voltage_volt_max",
    "cell_voltage_volt_mean",
    "temperature_celsius_min",
    "temperature_celsius_max",
    "current_ampere_min",
    "current_ampere_max",
    "current_ampere_mean",
    "charge_ah",
    "soc_fraction_last",
    "odometer_kilometre_last",
)


class ChunkSummary(NamedTuple):
    """What a chunk holds, NaN where it does not know."""

    rows: int
    cells: int
    probes: int
    scalars: tuple[str, ...]
    first_second: float
    last_second: float
    cell_voltage_volt_min: float
    cell_voltage_volt_max: float
    cell_voltage_volt_mean: float
    temperature_celsius_min: float
    temperature_celsius_max: float
    current_ampere_min: float
    current_ampere_max: float
    current_ampere_mean: float
    charge_ah: float
    """Charge into the pack: each current times the time since the row before [Ah]."""
    soc_fraction_last: float
    odometer_kilometre_last: float


def _extremes(values: Float[np.ndarray, "*shape"]) -> tuple[float, float, float]:
    known = values[np.isfinite(values)].astype(np.float64)
    if not known.size:
        return float("nan"), float("nan"), float("nan")
    return float(known.min()), float(known.max()), float(known.mean())


def _last(values: Float[np.ndarray, "time"] | None) -> float:
    known = np.empty(0) if values is None else values[np.isfinite(values)]
    return float(known[-1]) if known.size else float("nan")


def _summary(batch: SampleBatch) -> ChunkSummary:
    time = batch.unix_time_second
    current = batch.scalar.get("current_ampere")
    charge = float("nan")
    if current is not None and np.isfinite(current).any():
        charge = float(np.nansum(current[1:] * np.diff(time)) / 3600.0)
    warm = _extremes(batch.probe_temperature_celsius)
    return ChunkSummary(
        batch.rows,
        batch.cells,
        batch.probes,
        tuple(batch.scalar),
        float(time[0]),
        float(time[-1]),
        *_extremes(batch.cell_voltage_volt),
        *warm[:2],
        *_extremes(np.empty(0) if current is None else current),
        charge,
        _last(batch.scalar.get("soc_fraction")),
        _last(batch.scalar.get("odometer_kilometre")),
    )


def encode_chunk(batch: SampleBatch) -> bytes:
    """Write samples.

    Raises:
        UsageError: No rows, too many, or times that are none.
    """
    if not 0 < batch.rows <= ROWS_MAX:
        raise UsageError(f"a chunk holds 1 to {ROWS_MAX} rows, not {batch.rows}")
    s = _summary(batch)
    header = pb.ChunkHeader(
        rows=s.rows,
        cells=s.cells,
        probes=s.probes,
        first_second=s.first_second,
        last_second=s.last_second,
        scalar=s.scalars,
        **{n: v for n in _SUMMARY if not np.isnan(v := getattr(s, n))},
    ).SerializeToString()
    names = "\n".join((*batch.cell_names, "\0", *batch.probe_names)).encode(
        "utf-8", "surrogatepass"
    )
    parts = [
        np.array([len(names)], np.uint32).tobytes(),
        names,
        batch.cell_voltage_volt.dtype.char.encode(),
        batch.probe_temperature_celsius.dtype.char.encode(),
        batch.unix_time_second.tobytes(),
        batch.cell_voltage_volt.tobytes(),
        batch.cell_quality.tobytes(),
        batch.probe_temperature_celsius.tobytes(),
        batch.probe_quality.tobytes(),
        *(np.asarray(v, np.float64).tobytes() for v in batch.scalar.values()),
        *(v.tobytes() for v in batch.scalar_quality.values()),
    ]
    body = zstandard.ZstdCompressor(3).compress(b"".join(parts))
    return framed(CHUNK_MARK, _LENGTH.pack(len(header)) + header + body)


def _opened(body: bytes) -> tuple[pb.ChunkHeader, bytes]:
    content = unframed(CHUNK_MARK, body, "chunk")
    if len(content) < 2:
        raise UnreadableError("chunk cut short")
    length = 2 + _LENGTH.unpack_from(content)[0]
    header = parsed(pb.ChunkHeader, content[2:length], "chunk's header")
    columns = header.cells + header.probes + len(header.scalar)
    if not (
        1 <= header.rows <= ROWS_MAX
        and columns <= CELLS_MAX
        and header.rows * columns <= VALUES_MAX
        and -SECOND_MAX < header.first_second <= header.last_second < SECOND_MAX
    ):
        raise UnreadableError(f"a chunk of {header.rows} rows and {columns} columns is too large")
    return header, content[length:]


def decode_summary(body: bytes) -> ChunkSummary:
    """Read the clear part alone.

    Raises:
        UnreadableError: With what is wrong.
    """
    h, _ = _opened(body)
    values = (getattr(h, n) if h.HasField(n) else float("nan") for n in _SUMMARY)
    return ChunkSummary(
        h.rows, h.cells, h.probes, tuple(h.scalar), h.first_second, h.last_second, *values
    )


def decode_chunk(body: bytes, vehicle_id: str) -> SampleBatch:
    """Read samples back, bit for bit.

    Raises:
        UnreadableError: With what is wrong.
    """
    h, packed = _opened(body)
    columns = h.cells + h.probes + len(h.scalar)
    most = h.rows * (9 * columns + 8) + 6 + 1_000_000
    try:
        raw = zstandard.ZstdDecompressor().decompress(packed, max_output_size=most)
    except zstandard.ZstdError as error:
        raise UnreadableError("chunk damaged: its samples cannot be unpacked") from error
    try:
        return _batch(h, raw, vehicle_id)
    except (ValueError, IndexError, AssertionError) as error:
        raise UnreadableError("chunk damaged: its samples are incomplete") from error


def _batch(h: pb.ChunkHeader, raw: bytes, vehicle_id: str) -> SampleBatch:
    length = int(np.frombuffer(raw, np.uint32, 1)[0])
    names = raw[4 : 4 + length].decode("utf-8", "surrogatepass").split("\n")
    cut = names.index("\0")
    at = 4 + length
    kinds = [np.dtype({"f": "f4", "d": "f8"}[raw[at + k : at + k + 1].decode()]) for k in (0, 1)]
    at += 2

    def take(kind: np.dtype, *shape: int) -> np.ndarray:
        nonlocal at
        count = int(np.prod(shape))
        values = np.frombuffer(raw, kind, count, at).reshape(shape).copy()
        at += values.nbytes
        return values

    double, flag = np.dtype(np.float64), np.dtype(np.uint8)
    time = take(double, h.rows)
    cells, cell_quality = take(kinds[0], h.rows, h.cells), take(flag, h.rows, h.cells)
    probes, probe_quality = take(kinds[1], h.rows, h.probes), take(flag, h.rows, h.probes)
    scalar = {name: take(double, h.rows) for name in h.scalar}
    return SampleBatch(
        vehicle_id=vehicle_id,
        unix_time_second=time,
        cell_voltage_volt=cells,
        cell_quality=cell_quality,
        probe_temperature_celsius=probes,
        probe_quality=probe_quality,
        scalar=scalar,
        scalar_quality={name: take(flag, h.rows) for name in h.scalar},
        cell_names=tuple(names[:cut]),
        probe_names=tuple(names[cut + 1 :]),
    )

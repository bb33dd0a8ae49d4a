"""How small are chunks, how fast are they made and read, and does reading hold the estimator up?

Question: bytes of a cell value with everything that rides along (time, probes, other channels,
flags, summary), beside JSON and Parquet of the same rows; cell values per core-second (CPU time of
the process) made and read; and decoding with the filter behind it as a share of the filter alone.
Cases take turns in every round, so that whatever else the machine does hits all alike; medians over
rounds, ratios formed within a round.
"""

import json
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, final

import numpy as np
import zstandard

from voltherd.bench import compose
from voltherd.sim.fleet import fleet_spec, simulate
from voltherd.types.channel import cell_column, probe_column
from voltherd.types.sample import SampleBatch
from voltherd.wire.chunk import decode_chunk, encode_chunk
from voltherd.wire.chunk_bulk import NUMPY, Engine, decode_cells
from voltherd.wire.chunk_parts import parts, unpacked_cells, unpacked_columns

MINUTE, HOUR, CELLS = 60, 3600, 96
GOALS: Final = {"bytes": 0.5, "json": 14.0, "encode": 57e6, "decode": 116e6, "estimate": 0.5}
"""Bytes of a cell value, JSON over chunk, cell values per core-second, share of filter speed."""
_ROUNDS_MIN: Final = 5
_CASE_SECOND: Final = 0.02
"""A case is repeated within a round until it has run this long."""
_GAP_SECOND: Final = 60.0
_SEED: Final = 1
Run = Callable[[], object]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkTable:
    """What was measured.

    Attributes:
        byte_per_value: Of each form, for cells alone with noise of 1 mV and for the simulated
            fleet, everything included [B].
        vehicle_byte_per_value: Of minutes of each simulated vehicle, best to worst [B].
        speed: What is done, and how many cell values per core-second: median and best.
        stage_microsecond: What reading a minute, and an hour per minute, is spent on [µs].
        ratios: The ratios that are promised, by name: medians of each round's ratio.
        rounds: Medians are over so many.
        machine: What it was measured on.
        missing: What could not be measured, and how to mend it.
    """

    byte_per_value: dict[str, tuple[float, float]]
    vehicle_byte_per_value: tuple[float, ...]
    speed: tuple[tuple[str, float, float], ...]
    stage_microsecond: dict[str, float]
    ratios: dict[str, float]
    rounds: int
    machine: str
    missing: tuple[str, ...]

    def to_json(self) -> str:
        """Give the table as JSON."""
        return json.dumps(asdict(self), indent=1) + "\n"


def noisy(rows: int, seed: int = _SEED) -> SampleBatch:
    """Give a pack at 1 Hz: a wandering mean, cells a few mV apart, noise of 1 mV, steps of 1 mV."""
    rng = np.random.default_rng(seed)
    load = np.sin(np.cumsum(rng.normal(0.0, 0.02, rows)))
    cells = (
        3.7
        + 0.15 * load[:, None]
        + rng.normal(0.0, 0.003, CELLS)
        + rng.normal(0.0, 0.001, (rows, CELLS))
    )
    current = np.rint(1000.0 * load) / 10.0
    return SampleBatch(
        vehicle_id="bench",
        unix_time_second=1.75e9 + np.arange(float(rows)),
        cell_voltage_volt=(np.rint(cells * 1e3) / 1e3).astype(np.float32),
        cell_quality=np.zeros(cells.shape, np.uint8),
        probe_temperature_celsius=np.empty((rows, 0), np.float32),
        probe_quality=np.empty((rows, 0), np.uint8),
        scalar={"current_ampere": current},
        scalar_quality={"current_ampere": np.zeros(rows, np.uint8)},
    )


def cut(batch: SampleBatch, rows: int) -> Iterator[SampleBatch]:
    """Cut a record as an edge does: so many rows, never over a gap of a minute; whole ones only."""
    gaps = np.flatnonzero(np.diff(batch.unix_time_second) > _GAP_SECOND) + 1
    for start, stop in pairwise([0, *gaps.tolist(), batch.rows]):
        for first in range(start, stop - rows + 1, rows):
            yield batch.between(first, first + rows)


def as_json(batch: SampleBatch) -> bytes:
    """Write one object a row, numbers as short as they read back."""
    volts = np.rint(batch.cell_voltage_volt.astype(np.float64) * 1e4) / 1e4
    probes = np.rint(batch.probe_temperature_celsius.astype(np.float64) * 1e2) / 1e2
    series = [(name, values.tolist()) for name, values in batch.scalar.items()]
    rows = [
        {"t": t, "v": v, "T": w, **{name: values[k] for name, values in series}}
        for k, (t, v, w) in enumerate(
            zip(batch.unix_time_second.tolist(), volts.tolist(), probes.tolist(), strict=True)
        )
    ]
    return json.dumps(rows, separators=(",", ":")).encode()


def columns_of(batch: SampleBatch) -> dict[str, np.ndarray]:
    """Give a batch's columns for Parquet."""
    columns: dict[str, np.ndarray] = {"unix_time_second": batch.unix_time_second}
    for k in range(batch.cells):
        columns[cell_column(k + 1)] = np.ascontiguousarray(batch.cell_voltage_volt[:, k])
    for k in range(batch.probes):
        columns[probe_column(k + 1)] = np.ascontiguousarray(batch.probe_temperature_celsius[:, k])
    return {**columns, **batch.scalar}


def bench_chunk(
    vehicles: int = 4, seconds_per_case: float = 0.5, without: frozenset[str] = frozenset()
) -> ChunkTable:
    """Measure everything in one run.

    Args:
        vehicles: Simulated ones, a day each at 1 Hz.
        seconds_per_case: About how long each case is measured in all [s].
        without: Packages to leave out although they are installed.
    """
    spec = fleet_spec(vehicles=vehicles, days=1, seed=_SEED, period_second=1.0)
    fleet = [day.batch for day in simulate(spec)]
    missing = []
    if "numba" in without or find_spec("numba") is None:
        missing.append("numba: no compiled reading, no filter; pip install 'voltherd[fast]'")
    cases = _making(next(cut(fleet[-1], MINUTE)))
    stages: dict[str, Run] = {}
    if not missing:
        from voltherd.wire.chunk_numba import NUMBA

        cases += _reading(NUMBA)
        stages = {**_stages(MINUTE, NUMBA), **_stages(HOUR, NUMBA)}
    taken = _take_turns([*(run for _, _, run in cases), *stages.values()], seconds_per_case)
    done = taken[: len(cases)]
    rates = [[v / s for s in seconds] for (_, v, _), seconds in zip(cases, done, strict=True)]
    sizes = _sizes(fleet)
    each = [_chunk_bytes([batch], MINUTE) for batch in fleet]
    return ChunkTable(
        byte_per_value=sizes,
        vehicle_byte_per_value=tuple(sorted(each)),
        speed=tuple(
            (name, statistics.median(rate), max(rate))
            for (name, _, _), rate in zip(cases, rates, strict=True)
        ),
        stage_microsecond={
            name: 1e6 * statistics.median(seconds) / (HOUR / MINUTE if "hour" in name else 1.0)
            for name, seconds in zip(stages, taken[len(cases) :], strict=True)
        },
        ratios=_ratios(sizes, dict(zip((name for name, _, _ in cases), rates, strict=True))),
        rounds=len(taken[0]),
        machine=f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()},"
        f" NumPy {np.__version__}, zstd {'.'.join(map(str, zstandard.ZSTD_VERSION))}",
        missing=tuple(missing),
    )


def _chunk_bytes(batches: list[SampleBatch], rows: int) -> float:
    """Give the bytes of a cell value in chunks of so many rows, NaN where there are none."""
    pieces = [piece for batch in batches for piece in cut(batch, rows)]
    values = sum(piece.cell_voltage_volt.size for piece in pieces)
    return sum(len(encode_chunk(piece)) for piece in pieces) / values if values else float("nan")


def _sizes(fleet: list[SampleBatch]) -> dict[str, tuple[float, float]]:
    """Give the bytes of a cell value by form: noise alone, and the fleet."""
    noise = [noisy(4 * HOUR)]
    every = {
        "chunk of a minute": lambda batches: _chunk_bytes(batches, MINUTE),
        "chunk of an hour": lambda batches: _chunk_bytes(batches, HOUR),
        "JSON": _json_bytes,
        "Parquet, zstd, whole record": _parquet_bytes,
    }
    return {name: (give(noise), give(fleet)) for name, give in every.items()}


def _json_bytes(batches: list[SampleBatch]) -> float:
    pieces = [next(cut(batch, MINUTE)) for batch in batches]
    values = sum(piece.cell_voltage_volt.size for piece in pieces)
    return sum(len(as_json(piece)) for piece in pieces) / values


def _parquet_bytes(batches: list[SampleBatch]) -> float:
    with tempfile.TemporaryDirectory(prefix="voltherd-bench-") as place:
        size = 0
        for number, batch in enumerate(batches):
            path = Path(place) / f"{number}.parquet"
            compose.write_rows(path, columns_of(batch))
            size += path.stat().st_size
    return size / sum(batch.cell_voltage_volt.size for batch in batches)


Case = tuple[str, int, Run]
"""Name, cell values of one run, and what runs it."""


def _making(minute: SampleBatch) -> list[Case]:
    """Make and read a minute of a simulated vehicle, beside JSON."""
    size, bare = minute.cell_voltage_volt.size, noisy(MINUTE)
    body, bare_body, text = encode_chunk(minute), encode_chunk(bare), as_json(minute)
    minutes = [encode_chunk(piece) for piece in cut(noisy(HOUR), MINUTE)]
    return [
        ("encode a minute, 96 cells alone", size, lambda: encode_chunk(bare)),
        ("encode a minute, all channels", size, lambda: encode_chunk(minute)),
        ("decode a minute, 96 cells alone", size, lambda: decode_chunk(bare_body, "bench")),
        ("decode a minute, all channels", size, lambda: decode_chunk(body, "bench")),
        ("JSON, encode", size, lambda: as_json(minute)),
        ("JSON, decode", size, lambda: json.loads(text)),
        ("cells of minutes, NumPy", HOUR * CELLS, lambda: _cells(minutes, NUMPY)),
    ]


def _cells(bodies: list[bytes], engine: Engine) -> Any:  # noqa: ANN401 (rows, for the filter)
    return decode_cells(bodies, ("current_ampere",), np.float32, engine)


def _reading(engine: Engine) -> list[Case]:
    """Read cells with compiled loops, with the filter behind them and without."""
    from voltherd.numerics.cell_model import discretise
    from voltherd.numerics.engines.numba_engine import aligned, filter_tiles
    from voltherd.numerics.engines.numpy_engine import STATE
    from voltherd.numerics.ocv import ocv_table
    from voltherd.numerics.presets import NMC

    constants, table = discretise(NMC, 1.0), ocv_table(NMC.ocv_volt)
    record = noisy(HOUR)
    minutes, hour = [encode_chunk(piece) for piece in cut(record, MINUTE)], [encode_chunk(record)]
    state, soc = np.zeros((1, len(STATE), CELLS)), aligned((1, HOUR, CELLS))
    state[:, 0], state[:, 5], state[:, 8], state[:, 10] = 0.5, 0.04, 1e-6, 1e-6
    still, same = np.zeros((1, HOUR)), np.ones((1, CELLS))

    def estimate(bodies: list[bytes] | None) -> object:
        rows = _cells(bodies, engine) if bodies else None
        volts = record.cell_voltage_volt if rows is None else rows.cell_voltage_volt
        scalar = record.scalar if rows is None else rows.scalar
        current = scalar["current_ampere"][None, :, None]
        return filter_tiles(
            constants, table, state, current, volts[None], still, same, same, None, 1, soc
        )

    size = HOUR * CELLS
    return [
        ("cells of minutes, compiled", size, lambda: _cells(minutes, engine)),
        ("cells of an hour, compiled", size, lambda: _cells(hour, engine)),
        ("filter alone", size, lambda: estimate(None)),
        ("cells of minutes and filter", size, lambda: estimate(minutes)),
        ("cells of an hour and filter", size, lambda: estimate(hour)),
    ]


def _stages(rows: int, engine: Engine) -> dict[str, Run]:
    """Take compiled reading apart."""
    unpacker, body = zstandard.ZstdDecompressor(), encode_chunk(noisy(rows))
    found = parts(body)
    columns, cells = unpacked_columns(found, unpacker), unpacked_cells(found, unpacker)
    mean = engine.counts(columns, 3, rows)[2]
    out = np.empty((rows, CELLS), np.float32)
    length = "minute" if rows == MINUTE else "hour"
    return {
        f"{length}: checksum and header": lambda: parts(body),
        f"{length}: zstd": lambda: (
            unpacked_columns(found, unpacker),
            unpacked_cells(found, unpacker),
        ),
        f"{length}: loops": lambda: (
            engine.counts(columns, 3, rows),
            engine.sensors(cells, mean, np.float32, out),
        ),
        f"{length}: all of it": lambda: _cells([body], engine),
    }


def _take_turns(runs: list[Run], seconds: float) -> list[list[float]]:
    """Give the CPU time of one run of each in every round [s]."""
    repeats = []
    for run in runs:
        run()  # compiles, and touches every page
        start = time.perf_counter()
        run()
        repeats.append(max(1, round(_CASE_SECOND / (time.perf_counter() - start))))
    taken: list[list[float]] = [[] for _ in runs]
    end = time.perf_counter() + seconds * len(runs)
    while len(taken[0]) < _ROUNDS_MIN or time.perf_counter() < end:
        for run, times, kept in zip(runs, repeats, taken, strict=True):
            start = time.process_time()
            for _ in range(times):
                run()
            kept.append((time.process_time() - start) / times)
    return taken


def _ratios(
    sizes: dict[str, tuple[float, float]], rates: dict[str, list[float]]
) -> dict[str, float]:
    """Form the promised ratios of what there is."""

    def over(above: str, below: str) -> float | None:
        if above not in rates or below not in rates:
            return None
        pairs = zip(rates[above], rates[below], strict=True)
        return statistics.median(a / b for a, b in pairs)

    chunk, text, parquet = (
        sizes[name] for name in ("chunk of a minute", "JSON", "Parquet, zstd, whole record")
    )
    ratios = {
        "JSON over chunk in bytes, cells alone": text[0] / chunk[0],
        "JSON over chunk in bytes, fleet": text[1] / chunk[1],
        "Parquet over chunk in bytes, cells alone": parquet[0] / chunk[0],
        "Parquet over chunk in bytes, fleet": parquet[1] / chunk[1],
        "chunk over JSON in speed, encode": over("encode a minute, all channels", "JSON, encode"),
        "chunk over JSON in speed, decode": over("decode a minute, all channels", "JSON, decode"),
        "minutes and filter over filter alone": over("cells of minutes and filter", "filter alone"),
        "an hour and filter over filter alone": over("cells of an hour and filter", "filter alone"),
    }
    return {name: ratio for name, ratio in ratios.items() if ratio is not None}


def render(table: ChunkTable) -> str:
    """Lay the table out for a terminal.

    Args:
        table: As from :func:`bench_chunk`.
    """
    lines = [table.machine, "", f"{'bytes of a cell value':36s} {'cells alone':>12s} {'fleet':>8s}"]
    lines += [f"{n:36s} {a:12.3f} {b:8.3f}" for n, (a, b) in table.byte_per_value.items()]
    each = ", ".join(f"{size:.3f}" for size in table.vehicle_byte_per_value)
    lines += [f"minutes of each vehicle: {each}; goal {GOALS['bytes']}", ""]
    lines.append(f"{f'medians over {table.rounds} rounds':36s} {'million/s':>12s} {'best':>8s}")
    for name, rate, best in table.speed:
        goal = ""
        if name.endswith("cells alone"):
            goal = f"   goal {GOALS[name.split()[0]] / 1e6:.0f}"
        lines.append(f"{name:36s} {rate / 1e6:12.2f} {best / 1e6:8.2f}{goal}")
    if table.stage_microsecond:
        lines += ["", "reading 60 rows of 96 cells, compiled"]
        lines += [f"  {name:34s} {took:12.1f} µs" for name, took in table.stage_microsecond.items()]
    lines += ["", "ratios"]
    lines += [f"  {name:42s} {ratio:8.2f}" for name, ratio in table.ratios.items()]
    lines += ["", *_told(table)]
    lines += [f"not measured: {reason}" for reason in table.missing]
    return "\n".join(lines)


def _told(table: ChunkTable) -> Iterator[str]:
    """Say what to look at."""
    size = table.byte_per_value["chunk of a minute"]
    times = table.ratios["JSON over chunk in bytes, cells alone"]
    yield (
        f"look at: {size[0]:.2f} and {size[1]:.2f} bytes a cell value (goal {GOALS['bytes']}), "
        f"JSON {times:.0f} times that (goal {GOALS['json']:.0f})"
    )
    share = table.ratios.get("an hour and filter over filter alone")
    if share is not None:
        stages = {n: t for n, t in table.stage_microsecond.items() if n.startswith("minute")}
        whole = stages.pop("minute: all of it")
        stage = max(stages, key=stages.__getitem__)
        yield (
            f"         reading and filter at {share:.2f} of the filter alone in chunks of an hour "
            f"(goal {GOALS['estimate']});"
        )
        yield (
            "         in chunks of a minute "
            f"{table.ratios['minutes and filter over filter alone']:.2f}"
            f": {stage.removeprefix('minute: ')} is the largest stage, {stages[stage]:.0f} of "
            f"{whole:.0f} µs, and most of the rest is calls, which an hour makes once"
        )

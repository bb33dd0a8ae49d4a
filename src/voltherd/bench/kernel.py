"""How many cells can one core filter per second, and how far is that from what the machine can do?

Question: cell updates per core-second (CPU time of the process) for 1, 96 and 10,000 cells, by
engine, beside a filterpy object per cell, the loop over cells one would first write in Numba, and
the machine's memory and arithmetic roofs.  All cases take turns in every round, so that whatever
else the machine does hits all alike; medians over rounds.
"""

import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from itertools import pairwise
from typing import Final, NamedTuple, final

import numpy as np
from jaxtyping import Float

from voltherd.bench.kernel_peer import run_peer
from voltherd.bench.machine import Load, arithmetic_load, triad_load
from voltherd.numerics.cell_model import Constants, discretise
from voltherd.numerics.cell_plant import Plant
from voltherd.numerics.engines.numpy_engine import STATE, NumpyFilter, filter_program
from voltherd.numerics.ocv import OcvTable, ocv_table
from voltherd.numerics.presets import NMC

WIDTH: Final = 96
MANY: Final = 10_000
THREADS: Final = 2
SHARES: Final = 8
"""Into how many shares threads cut their work: one that is held up leaves the rest to the other."""
ROUNDS_MIN: Final = 5
CASE_SECOND_MIN: Final = 0.02
"""A case is repeated within a round until it has run this long."""
TILE_STEPS: Final = 600
SEED: Final = 1
Array = Float[np.ndarray, "..."]
Tiles = tuple[Array, Array, Array, Array, Array, Array]
Rows = Float[np.ndarray, "time cells"]


class Record(NamedTuple):
    """Inputs of some cells over some time, as ``NumpyFilter.history`` takes them."""

    state: Float[np.ndarray, "11 cells"]
    current: Rows
    voltage: Rows
    ambient: Float[np.ndarray, "time"]
    inverse_capacity: Float[np.ndarray, "cells"]
    resistance_scale: Float[np.ndarray, "cells"]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Something to time.

    Attributes:
        name: Engine.
        cells: Cells run together.
        updates: What one run does: cell updates, or elements of a roof.
        run: Does it.
        wall: Whether wall time counts instead of CPU time: for threads sharing one roof.
    """

    name: str
    cells: int
    updates: int
    run: Callable[[], object]
    wall: bool = False


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class KernelTable:
    """What was measured.

    Attributes:
        rows: Engine, cells, median and best updates per core-second (per second of wall time for
            the two-thread rows).
        step_microsecond: One 96-cell sample by engine, median [µs].
        ratios: The ratios that are promised, by name: medians of each round's ratio.
        flop: Arithmetic operations of one update, counted in the recorded step.
        triad_gigabyte_per_second: Memory roof of one and of two threads, write-allocate included.
        gigaflop_per_second: Arithmetic roof of one thread.
        rounds: Medians are over so many.
        machine: What it was measured on.
        missing: What could not be measured, and how to mend it.
    """

    rows: tuple[tuple[str, int, float, float], ...]
    step_microsecond: dict[str, float]
    ratios: dict[str, float]
    flop: int
    triad_gigabyte_per_second: tuple[float, ...]
    gigaflop_per_second: float
    rounds: int
    machine: str
    missing: tuple[str, ...]

    def to_json(self) -> str:
        """Give the table as JSON."""
        return json.dumps(asdict(self), indent=1) + "\n"


def record(cells: int, steps: int, seed: int = SEED) -> Record:
    """Drive simulated cells and spoil what the sensors saw.

    Args:
        cells: How many.
        steps: Seconds of driving.
        seed: For the spread of the cells, the drive and the noise.

    Returns:
        Inputs with 2 mV noise and one voltage in a hundred missing; the filter starts 20 % off.
    """
    random = np.random.default_rng(seed)
    capacity = random.normal(1.0, 0.02, cells)
    resistance = random.normal(1.0, 0.05, cells)
    plant = Plant(parameters=NMC, capacity_scale=capacity, resistance_scale=resistance)
    state = plant.init(random.uniform(0.4, 0.8, cells))
    start = state.soc - 0.2
    current = np.empty((steps, cells))
    voltage = np.empty((steps, cells))
    swing = random.uniform(0.5, 1.5, cells) * NMC.capacity_ah
    for t in range(steps):
        current[t] = swing * (np.sin(0.11 * t) + 0.5 * np.sin(0.37 * t) - 0.3)
        state, voltage[t] = plant.step(state, current[t], 25.0, 1.0)
    voltage += random.normal(0.0, 0.002, voltage.shape)
    voltage[random.random(voltage.shape) < 0.01] = np.nan
    table = np.zeros((len(STATE), cells))
    table[0], table[5], table[8], table[10] = start, 0.04, 1e-6, 1e-6
    return Record(table, current, voltage, np.zeros(steps), 1.0 / capacity, resistance)


def bench_kernel(
    seconds_per_case: float = 1.0, without: frozenset[str] = frozenset()
) -> KernelTable:
    """Measure everything in one run.

    Args:
        seconds_per_case: About how long each case is measured in all [s].
        without: Packages to leave out although they are installed.
    """
    c, table = discretise(NMC, 1.0), ocv_table(NMC.ocv_volt)
    one, pack, many = record(1, 2000), record(WIDTH, 1000), record(MANY // WIDTH * WIDTH, 60)
    cases = _numpy_cases(c, table, (one, pack, many))
    missing: list[str] = []
    if "filterpy" in without or find_spec("filterpy") is None:
        missing.append("filterpy: no peer to compare with; pip install 'voltherd[bench]'")
    else:
        cases += _peer_cases(c, (one, pack))
    pool = ThreadPoolExecutor(THREADS)
    if "numba" in without or find_spec("numba") is None:
        missing.append("numba: no tiled engine and no roofs; pip install 'voltherd[fast]'")
    else:
        cases += _numba_cases(c, table, (one, pack), pool)
    with pool:
        taken = _take_turns(cases, seconds_per_case)
    return _table(cases, taken, tuple(missing))


def _numpy_cases(c: Constants, table: OcvTable, records: tuple[Record, ...]) -> list[Case]:
    engine = NumpyFilter(table)
    cases = [_history("NumPy in place", engine, c, r) for r in records]
    sample = _cut(records[1], 1)
    cases.append(Case(name="step: NumPy", cells=WIDTH, updates=1, run=_of(engine, c, sample)))
    return cases


def _of(engine: NumpyFilter, c: Constants, r: Record) -> Callable[[], object]:
    return lambda: engine.history(c, *r)


def _history(name: str, engine: NumpyFilter, c: Constants, r: Record) -> Case:
    return Case(name=name, cells=r.state.shape[1], updates=r.voltage.size, run=_of(engine, c, r))


def _cut(r: Record, steps: int) -> Record:
    return r._replace(
        current=r.current[:steps], voltage=r.voltage[:steps], ambient=r.ambient[:steps]
    )


def _peer_cases(c: Constants, records: tuple[Record, Record]) -> list[Case]:
    def peer(name: str, r: Record) -> Case:
        updates = 1 if name.startswith("step") else r.voltage.size
        return Case(
            name=name, cells=r.state.shape[1], updates=updates, run=lambda: run_peer(NMC, c, *r)
        )

    one, pack = _cut(records[0], 400), _cut(records[1], 8)
    # Making the objects is part of a run; over these steps it is under a tenth of it.
    return [peer("filterpy per cell", one), peer("filterpy per cell", pack)]


def _numba_cases(
    c: Constants, table: OcvTable, records: tuple[Record, Record], pool: ThreadPoolExecutor
) -> list[Case]:
    from voltherd.numerics.engines.numba_engine import aligned, filter_cells, filter_tiles

    def tiles(r: Record, count: int) -> Tiles:
        """Lay packs one behind the other, each array beginning on a cache line."""
        copies = [aligned((count, *part.shape)) for part in r]
        for copy, part in zip(copies, r, strict=True):
            copy[...] = part
        state, current, voltage, ambient, capacity, resistance = copies
        return state, current, voltage, ambient, capacity, resistance

    def tiled(name: str, data: Tiles, threads: int) -> Case:
        out = aligned(data[1].shape)
        shared = pool if threads > 1 else None
        return Case(
            name=name,
            cells=data[0].shape[0] * WIDTH,
            updates=1 if name.startswith("step") else data[1].size,
            run=lambda: filter_tiles(c, table, *data, shared, SHARES, out),
            wall=threads > 1,
        )

    def naive(data: Tiles) -> Callable[[], object]:
        return lambda: [filter_cells(c, table, *pack) for pack in zip(*data, strict=True)]

    one, pack = records
    many = tiles(_cut(pack, TILE_STEPS), MANY // WIDTH)
    single, pack_tile, sample = tiles(one, 1), tiles(pack, 1), tiles(_cut(pack, 1), 1)
    count = many[0].shape[0] * WIDTH
    cases = [
        Case(name="Numba naive", cells=1, updates=single[1].size, run=naive(single)),
        Case(name="Numba naive", cells=WIDTH, updates=pack_tile[1].size, run=naive(pack_tile)),
        Case(name="Numba naive", cells=count, updates=many[1].size, run=naive(many)),
        tiled("Numba tiled", pack_tile, 1),
        tiled("Numba tiled", many, 1),
        tiled("step: Numba tiled", sample, 1),
        *_roofs(pool),
    ]
    # Beside the roof it is compared with, so that both meet the same neighbours.
    return [*cases, tiled(f"Numba tiled, {THREADS} threads", many, THREADS)]


def _roofs(pool: ThreadPoolExecutor) -> list[Case]:
    def split(load: Load) -> None:
        cuts = [load.size * k // SHARES for k in range(SHARES + 1)]
        for share in [pool.submit(load.run, *cut) for cut in pairwise(cuts)]:
            share.result()

    triad, fma = triad_load(), arithmetic_load()
    return [
        Case(name="fma", cells=1, updates=fma.size, run=lambda: fma.run(0, fma.size)),
        Case(name="triad", cells=1, updates=triad.size, run=lambda: triad.run(0, triad.size)),
        Case(name="triad", cells=THREADS, updates=triad.size, run=lambda: split(triad), wall=True),
    ]


def _take_turns(cases: list[Case], seconds: float) -> list[list[float]]:
    """Give the rate of every case in every round."""
    repeats = []
    for case in cases:
        case.run()  # compiles, and touches every page
        start = time.perf_counter()
        case.run()
        repeats.append(max(1, round(CASE_SECOND_MIN / (time.perf_counter() - start))))
    rates: list[list[float]] = [[] for _ in cases]
    end = time.perf_counter() + seconds * len(cases)
    while len(rates[0]) < ROUNDS_MIN or time.perf_counter() < end:
        for case, times, kept in zip(cases, repeats, rates, strict=True):
            clock = time.perf_counter if case.wall else time.process_time
            start = clock()
            for _ in range(times):
                case.run()
            kept.append(times * case.updates / (clock() - start))
    return rates


def _table(cases: list[Case], taken: list[list[float]], missing: tuple[str, ...]) -> KernelTable:
    """Sort the rates into rows, roofs and ratios."""
    rounds = {(q.name, q.cells): r for q, r in zip(cases, taken, strict=True)}
    middle = {case: statistics.median(r) for case, r in rounds.items()}
    best = {(q.name, q.cells): max(r) for q, r in zip(cases, taken, strict=True)}
    roofs = ("triad", "fma", "step")
    flop = sum(i.operation not in ("take", "index") for i in filter_program().instructions)
    fma = arithmetic_load().per_element if ("fma", 1) in middle else 0.0
    return KernelTable(
        rows=tuple(
            (name, cells, rate, best[name, cells])
            for (name, cells), rate in middle.items()
            if not name.startswith(roofs)
        ),
        step_microsecond=_steps(middle),
        ratios=_ratios(rounds, flop, fma),
        flop=flop,
        triad_gigabyte_per_second=tuple(
            32e-9 * rate for (name, _), rate in middle.items() if name == "triad"
        ),
        gigaflop_per_second=1e-9 * fma * middle.get(("fma", 1), 0.0),
        rounds=len(taken[0]),
        machine=f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()},"
        f" NumPy {np.__version__}",
        missing=missing,
    )


def _steps(rate: dict[tuple[str, int], float]) -> dict[str, float]:
    """Give the time of one 96-cell sample by engine [µs]."""
    steps = {
        name.removeprefix("step: "): 1e6 / value
        for (name, _), value in rate.items()
        if name.startswith("step: ")
    }
    if ("filterpy per cell", WIDTH) in rate:
        steps["filterpy per cell"] = 1e6 * WIDTH / rate["filterpy per cell", WIDTH]
    return steps


def _ratios(rounds: dict[tuple[str, int], list[float]], flop: int, fma: float) -> dict[str, float]:
    """Form the promised ratios of those rates that there are: medians of each round's ratio."""

    def over(above: tuple[str, int], below: tuple[str, int], factor: float = 1.0) -> float | None:
        if above not in rounds or below not in rounds:
            return None
        pairs = zip(rounds[above], rounds[below], strict=True)
        return factor * statistics.median(a / b for a, b in pairs)

    count = MANY // WIDTH * WIDTH
    peer, naive, tiled = (
        ("filterpy per cell", WIDTH),
        ("Numba naive", count),
        ("Numba tiled", count),
    )
    pair = (f"Numba tiled, {THREADS} threads", count)
    numpy, step = ("NumPy in place", count), ("step: NumPy", WIDTH)
    ratios = {
        "NumPy over filterpy, 10,000 cells": over(numpy, peer),
        "NumPy over filterpy, one 96-cell step": over(step, peer, float(WIDTH)),
        "tiled over naive Numba, 10,000 cells": over(tiled, naive),
        "tiled Numba over filterpy, 10,000 cells": over(tiled, peer),
        "of the bandwidth roof, 1 thread": over(tiled, ("triad", 1)),
        f"of the bandwidth roof, {THREADS} threads": over(pair, ("triad", THREADS)),
        "of the arithmetic roof, 1 thread": over(tiled, ("fma", 1), flop / fma if fma else 0.0),
    }
    return {name: ratio for name, ratio in ratios.items() if ratio is not None}


def render(table: KernelTable) -> str:
    """Lay the table out for a terminal.

    Args:
        table: As from :func:`bench_kernel`.
    """
    lines = [f"cell updates per core-second, medians over {table.rounds} rounds", table.machine, ""]
    lines.append(f"{'engine':28s} {'cells':>7s} {'million/s':>11s} {'best':>9s}")
    for name, cells, rate, best in table.rows:
        lines.append(f"{name:28s} {cells:7d} {rate / 1e6:11.3f} {best / 1e6:9.3f}")
    lines += ["", "one 96-cell sample"]
    lines += [f"  {name:26s} {step:11.1f} µs" for name, step in table.step_microsecond.items()]
    if table.triad_gigabyte_per_second:
        memory = ", ".join(f"{rate:.1f}" for rate in table.triad_gigabyte_per_second)
        lines += [
            "",
            f"memory roof, 1 and {THREADS} threads: {memory} GB/s (write-allocate counted)",
        ]
        lines.append(f"arithmetic roof, 1 thread: {table.gigaflop_per_second:.0f} GFLOP/s")
        lines.append(f"one update: 32 bytes, {table.flop} operations")
    lines += ["", "ratios"]
    lines += [f"  {name:44s} {ratio:9.2f}" for name, ratio in table.ratios.items()]
    if any("threads" in row[0] for row in table.rows):
        lines += ["", "two-thread rows and roofs are per second of wall time"]
    lines += [f"not measured: {reason}" for reason in table.missing]
    return "\n".join(lines)

"""What ``sop`` simulates: pulses that the map is made from, and states that it is asked about.

No state asked about lies on a node of the map: neither its charge nor its temperature, and the
currents at its limit are its own.  Each simulated piece is kept in the user's cache as
a line of JSON, so that a run that was interrupted goes on where it was and a second one is quick.
"""

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from voltherd.bench.sop_truth import POINTS, Before, Bounds, Dfn, dfn, power_limits
from voltherd.errors import UsageError

HORIZONS: Final = (2.0, 10.0, 30.0, 60.0, 300.0)
BOUNDS: Final = Bounds(volt=(3.0, 4.2), ampere=25.0, celsius=60.0)
"""Of the 5 Ah cell: 5C; 3.0 V is a working limit, above the data sheet's 2.5 V."""
PULSED: Final = Bounds(volt=(2.7, 4.4), ampere=25.1, celsius=95.0)
"""A pulse of the map may go a little beyond, so that the limit lies inside what is known."""
NOMINAL_AH: Final = 5.0
"""What rates are counted in; both sets describe a cell of that size."""
FIRST_SECOND: Final = 0.1
_TIMES: Final = (0.02, 0.1, 0.5, 1.0, *np.arange(2.0, 60.0, 2.0), *np.arange(60.0, 301.0, 5.0))
_FORMAT: Final = 1
"""Raised whenever what a line holds changes."""


class Grid(NamedTuple):
    """Where to simulate.

    Attributes:
        mapped_soc: Nodes of the map.
        mapped_celsius: Nodes of the map [°C].
        rates: Currents of the map's pulses, over the capacity [1/h].
        tested_soc: Asked about.
        tested_celsius: Asked about [°C].
        loaded_soc: Asked about right after a load, at the middle temperature.
        preload_watt: That load's power, held for ``preload_second`` either way [W].
        preload_second: How long it was held [s].
    """

    mapped_soc: tuple[float, ...]
    mapped_celsius: tuple[float, ...]
    rates: tuple[float, ...]
    tested_soc: tuple[float, ...]
    tested_celsius: tuple[float, ...]
    loaded_soc: tuple[float, ...]
    preload_watt: float = 18.5
    preload_second: float = 60.0


FULL: Final = Grid(
    mapped_soc=(
        *(0.02, 0.05, 0.08, 0.11, 0.15, 0.2, 0.27, 0.35, 0.45),
        *(0.57, 0.7, 0.78, 0.85, 0.9, 0.94, 0.97, 1.0),
    ),
    mapped_celsius=(-10.0, 5.0, 25.0, 45.0),
    rates=(0.1, 0.4, 1.0, 1.8, 2.8, 3.9, 5.0),
    tested_soc=(0.07, 0.13, 0.22, 0.37, 0.52, 0.67, 0.82, 0.93),
    tested_celsius=(0.0, 15.0, 35.0),
    loaded_soc=(0.22, 0.52, 0.82),
)


class Piece(NamedTuple):
    """One thing to simulate.

    Attributes:
        pulse: Whether it is pulses of the map, else the largest powers of a state.
        soc: State of charge at the beginning.
        celsius: Temperature at the beginning [°C].
        charging: Which way.
        preload: Power held before, charging positive [W].
    """

    pulse: bool
    soc: float
    celsius: float
    charging: bool
    preload: float = 0.0


def pieces(grid: Grid) -> list[Piece]:
    """List what a grid needs."""
    both = (False, True)
    found = [
        Piece(True, z, warm, way)
        for warm in grid.mapped_celsius
        for z in grid.mapped_soc
        for way in both
    ]
    found += [
        Piece(False, z, warm, way)
        for warm in grid.tested_celsius
        for z in grid.tested_soc
        for way in both
    ]
    middle = grid.tested_celsius[len(grid.tested_celsius) // 2]
    return found + [
        Piece(False, z, middle, way, sign * grid.preload_watt)
        for z in grid.loaded_soc
        for sign in (-1.0, 1.0)
        for way in both
    ]


def simulated(
    name: str, grid: Grid, folder: Path, progress: Callable[[str], None]
) -> dict[Piece, dict[str, Any]]:
    """Simulate what is not in the cache yet.

    Args:
        name: PyBaMM's parameter set.
        grid: Where.
        folder: Of the cache; made where it is not there.
        progress: Told where it stands.

    Raises:
        UsageError: PyBaMM is not installed.
    """
    wanted = pieces(grid)
    file = folder / f"{name}-{_digest(name, grid)}.jsonl"
    folder.mkdir(parents=True, exist_ok=True)
    known = _read(file)
    left = [piece for piece in wanted if piece not in known]
    if left:
        progress(f"{name}: building the simulation")
    with (
        ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) as pool,
        file.open("a", encoding="utf-8") as out,
    ):
        work = [(name, grid, piece) for piece in left]
        for done, (piece, told) in enumerate(
            zip(left, pool.map(simulate, work), strict=True), start=1
        ):
            out.write(json.dumps([*piece, told]) + "\n")
            out.flush()
            known[piece] = told
            progress(f"{name}: {done} of {len(left)} simulated, kept in {folder}")
    return {piece: known[piece] for piece in wanted}


def simulate(work: tuple[str, Grid, Piece]) -> dict[str, Any]:
    """Simulate one piece; lists and numbers only.

    No power is asked for after a load that broke a limit itself.
    """
    name, grid, piece = work
    if piece.pulse:
        return {"pulses": _pulses(cell_of(name, PULSED), grid.rates, piece)}
    cell = cell_of(name, BOUNDS)
    before = Before(piece.soc, piece.celsius, piece.preload, grid.preload_second)
    now, warm, ampere = piece.soc, piece.celsius, 0.0
    if piece.preload:
        seconds = np.linspace(0.0, grid.preload_second, 61)
        trace = cell.load(Before(piece.soc, piece.celsius), piece.preload, seconds, power=True)
        if trace.limit:
            # Whatever came after would begin beyond a limit.
            return {"soc": now, "celsius": warm, "ampere": ampere, "watt": [], "limit": []}
        ampere, warm = float(trace.ampere.mean()), float(trace.celsius[-1])
        now += ampere * grid.preload_second / (3600.0 * cell.capacity_ah)
    else:
        before = before._replace(second=0.0)
    found = power_limits(cell, before, HORIZONS, charging=piece.charging)
    return {
        "soc": now,
        "celsius": warm,
        "ampere": ampere,
        "watt": [one.watt for one in found],
        "limit": [one.limit for one in found],
    }


def _pulses(cell: Dfn, rates: Sequence[float], piece: Piece) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    sign = 1.0 if piece.charging else -1.0
    for rate in rates:
        ampere = sign * rate * NOMINAL_AH
        trace = cell.load(
            Before(piece.soc, piece.celsius), ampere, np.array([0.0, *_TIMES]), power=False
        )
        if not len(trace.second):
            break  # a stronger one would not begin either
        found.append(
            {
                "ampere": ampere,
                "second": trace.second.tolist(),
                "volt": np.round(trace.volt, 6).tolist(),
                "celsius": np.round(trace.celsius, 4).tolist(),
            }
        )
    return found


@cache
def cell_of(name: str, bounds: Bounds) -> Dfn:
    """Build a simulation once a process."""
    return dfn(name, bounds)


def _digest(name: str, grid: Grid) -> str:
    """Name everything that the lines depend on."""
    try:
        release = version("pybamm")
    except PackageNotFoundError as error:
        raise UsageError(
            "the electrochemical simulation is not installed", mend="pip install 'voltherd[twin]'"
        ) from error
    told = json.dumps([_FORMAT, name, release, POINTS, BOUNDS, PULSED, HORIZONS, grid])
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def _read(file: Path) -> dict[Piece, dict[str, Any]]:
    """Read the lines of an earlier run; a last one cut short is simulated anew."""
    known: dict[Piece, dict[str, Any]] = {}
    if not file.is_file():
        return known
    text = file.read_text(encoding="utf-8")
    whole, _, rest = text.rpartition("\n")
    if rest:
        file.write_text(whole + "\n" if whole else "", encoding="utf-8")
    for line in whole.splitlines():
        *piece, told = json.loads(line)
        known[Piece(*piece)] = told
    return known

"""The fast engine (extra ``fast``): the same step compiled into loops over tiles of cells.

A tile is a fixed number of cells side by side, usually one pack, stored ``(tile, time, cell)``.
What makes it fast, each worth a factor measured on its own (docs/kernel.md):

* all state of a tile lives in one flat scratch buffer on the stack, aligned to the cache line, so
  that the compiler needs no proof that eighteen arrays do not overlap;
* the width is a compile-time constant, the index an unsigned 32-bit one that cannot wrap;
* the table look-up stands in a loop of its own between two loops that are pure vector arithmetic,
  and reads line and slope as one pair;
* splitting the step there also halves the chain of dependent operations in each loop, and the
  processor keeps several cells' chains in flight.

Division follows IEEE (``error_model="numpy"``): a zero divisor gives infinity, not a branch.  The
compiler may fuse and reorder additions, which moves results by some 1e-14; it may not assume that
NaN never occurs.
"""

import inspect
from collections.abc import Callable
from concurrent.futures import Executor
from functools import lru_cache
from itertools import pairwise
from typing import Any, Final

import numpy as np
from jaxtyping import Float

from voltherd.errors import UsageError
from voltherd.numerics.cell_model import Constants, Namespace, Value, make_equations
from voltherd.numerics.engines.numpy_engine import STATE
from voltherd.numerics.ocv import OcvTable

try:
    from numba import carray, njit  # type: ignore[attr-defined]

    from voltherd.numerics.engines.numba_scratch import copy_pair, stack_floats
except ImportError as error:
    raise UsageError(
        "the fast engine needs numba", mend="pip install 'voltherd[fast]', or use the NumPy engine"
    ) from error

WIDTH: Final = 96
"""Cells per tile where nothing else suggests itself."""
WIDTH_MAX: Final = 512
"""A tile's scratch lies on the stack: 70 kB at this width."""
_FUSE: Final = {"contract", "nsz", "arcp", "reassoc"}
"""What the compiler may do to arithmetic; never ``nnan`` or ``ninf``."""
Function = Callable[..., Any]
Tiles = Float[np.ndarray, "tiles time cells"]


def _compile(function: Function) -> Function:
    """Compile a function as it was written, without the wrappers that check shapes in tests."""
    plain = inspect.unwrap(function)
    compiled: Function = njit(nogil=True, error_model="numpy", fastmath=_FUSE)(plain)
    return compiled


def _larger(a: Value, b: Value) -> Value:
    # One instruction, and b where a is NaN.
    return a if a > b else b


def _smaller(a: Value, b: Value) -> Value:
    return a if a < b else b


def _magnitude(a: Value) -> Value:
    return abs(a)


def _index(a: Value) -> Value:
    return np.uint32(a)


@lru_cache(maxsize=1)
def _stages() -> tuple[Function, Function, Function]:
    larger, smaller = _compile(_larger), _compile(_smaller)
    scalar = Namespace(
        fmax=larger,
        maximum=larger,
        minimum=smaller,
        fabs=_compile(_magnitude),
        index=_compile(_index),
        take=_magnitude,  # the driver reads the table itself
    )
    charge, circuit, correct = make_equations(scalar)
    return _compile(charge), _compile(circuit), _compile(correct)


def aligned(shape: tuple[int, ...], dtype: type = np.float64) -> Float[np.ndarray, "..."]:
    """Give an uninitialised array that begins on a cache line.

    Vector loads that straddle two lines cost a fifth of the tiled engine's speed.
    """
    item = np.dtype(dtype).itemsize
    size = int(np.prod(shape))
    raw: Value = np.empty(size + 64 // item, dtype)
    first = (-raw.ctypes.data % 64) // item
    return np.asarray(raw[first : first + size].reshape(shape))


@lru_cache(maxsize=8)
def _tiled(width: int, shared: bool) -> Function:  # long: it holds that loop nest
    """Compile the driver for a tile width; ``shared`` when a tile's cells carry one current."""
    charge, circuit, correct = _stages()
    assert width % 2 == 0 and width <= WIDTH_MAX, "table pairs and the stack set the width"
    w = width
    v1_, v2_, h_, th_, p_ = w, 2 * w, 3 * w, 4 * w, 5 * w
    drive_, over_, cap_, res_, line_ = 11 * w, 12 * w, 13 * w, 14 * w, 15 * w
    size, rows = 17 * w, len(STATE)

    def run(  # long: one loop nest, which must compile as one
        c: Value,
        table: Value,
        state: Value,
        current: Value,
        voltage: Value,
        ambient: Value,
        capacity: Value,
        resistance: Value,
        soc: Value,
        first: int,
        last: int,
    ) -> None:
        s = carray(stack_floats(size), (size,), np.float64)
        k = carray(stack_floats(w), (w,), np.uint32)
        for tile in range(first, last):
            for r in range(rows):
                for n in range(w):
                    s[r * w + n] = state[tile, r, n]
            for n in range(w):
                s[cap_ + n] = capacity[tile, n]
                s[res_ + n] = resistance[tile, n]
            amperes, volts = current[tile].reshape(-1), voltage[tile].reshape(-1)
            out, around = soc[tile].reshape(-1), ambient[tile]
            for t in range(volts.size // w):
                o = np.uint64(t * w)
                a = around[t]
                common = amperes[t]
                for n in range(w):
                    j = np.uint32(n)
                    i = common if shared else amperes[o + j]
                    z, kk = charge(c, s[j], i, s[cap_ + j])
                    s[j] = z
                    k[j] = kk
                    v1, v2, h, th, drive, over = circuit(
                        c,
                        (z, s[v1_ + j], s[v2_ + j], s[h_ + j], s[th_ + j]),
                        i,
                        a,
                        s[cap_ + j],
                        s[res_ + j],
                    )
                    s[v1_ + j] = v1
                    s[v2_ + j] = v2
                    s[h_ + j] = h
                    s[th_ + j] = th
                    s[drive_ + j] = drive
                    s[over_ + j] = over
                for n in range(w):
                    j = np.uint32(n)
                    copy_pair(s, line_ + j + j, table, k[j] + k[j])
                for n in range(w):
                    j = np.uint32(n)
                    z, slope = s[j], s[line_ + j + j + 1]
                    (z, v1, v2), (zz, z1, z2, p11, p12, p22), _, _, _ = correct(
                        c,
                        (z, s[v1_ + j], s[v2_ + j]),
                        (
                            s[p_ + j],
                            s[p_ + w + j],
                            s[p_ + 2 * w + j],
                            s[p_ + 3 * w + j],
                            s[p_ + 4 * w + j],
                            s[p_ + 5 * w + j],
                        ),
                        slope,
                        s[drive_ + j],
                        s[line_ + j + j] + slope * z + s[over_ + j],
                        volts[o + j],
                    )
                    s[j] = z
                    s[v1_ + j] = v1
                    s[v2_ + j] = v2
                    s[p_ + j] = zz
                    s[p_ + w + j] = z1
                    s[p_ + 2 * w + j] = z2
                    s[p_ + 3 * w + j] = p11
                    s[p_ + 4 * w + j] = p12
                    s[p_ + 5 * w + j] = p22
                    out[o + j] = z
            for r in range(rows):
                for n in range(w):
                    state[tile, r, n] = s[r * w + n]

    return _compile(run)


def filter_tiles(
    c: Constants,
    table: OcvTable,
    state: Float[np.ndarray, "tiles 11 cells"],
    current: Float[np.ndarray, "tiles time _"],
    voltage: Tiles,
    ambient: Float[np.ndarray, "tiles time"],
    inverse_capacity: Float[np.ndarray, "tiles cells"],
    resistance_scale: Float[np.ndarray, "tiles cells"],
    pool: Executor | None = None,
    parts: int = 1,
    out: Tiles | None = None,
) -> tuple[Float[np.ndarray, "tiles 11 cells"], Tiles]:
    """Run every tile through all time steps.

    Args:
        c: Constants of one step.
        table: Open-circuit voltage.
        state: Rows as in ``numpy_engine.STATE``; left as it is.
        current: Positive charging; last axis 1 where a tile's cells are in series [A].
        voltage: Measured; NaN where missing; float32 or float64 [V].
        ambient: Temperature above 25 °C [K].
        inverse_capacity: Nominal over actual capacity of each cell.
        resistance_scale: Actual over nominal resistance of each cell.
        pool: Threads to share the tiles among; the compiled loop holds no interpreter lock.
        parts: Into how many shares.
        out: Where to write the SOC instead of into a new array.

    Returns:
        State after the last step, and the SOC after every step.
    """
    tiles, _, width = voltage.shape
    assert current.shape[:2] == voltage.shape[:2] and current.shape[2] in (1, width)
    run = _tiled(width, current.shape[2] == 1)
    pairs = np.stack(table, axis=1).ravel()
    after = state.copy()
    soc = aligned(voltage.shape) if out is None else out
    shared = (
        np.ascontiguousarray(current),
        np.ascontiguousarray(voltage),
        np.ascontiguousarray(ambient),
        np.ascontiguousarray(inverse_capacity),
        np.ascontiguousarray(resistance_scale),
        soc,
    )
    cuts = [tiles * part // parts for part in range(parts + 1)]
    if pool is None:
        run(c, pairs, after, *shared, 0, tiles)
    else:
        shares = [
            pool.submit(run, c, pairs, after, *shared, first, last)
            for first, last in pairwise(cuts)
        ]
        for share in shares:
            share.result()
    return after, soc


@lru_cache(maxsize=1)
def _per_cell() -> Function:
    """Compile the loop one would write first: cell by cell, each through all time."""
    charge, circuit, correct = _stages()

    def run(
        c: Value,
        intercept: Value,
        slope: Value,
        state: Value,
        current: Value,
        voltage: Value,
        ambient: Value,
        capacity: Value,
        resistance: Value,
        soc: Value,
    ) -> None:
        for j in range(voltage.shape[1]):
            q, r = capacity[j], resistance[j]
            z, v1, v2, h, theta = state[0, j], state[1, j], state[2, j], state[3, j], state[4, j]
            p = (
                state[5, j],
                state[6, j],
                state[7, j],
                state[8, j],
                state[9, j],
                state[10, j],
            )
            for t in range(voltage.shape[0]):
                i = current[t, j]
                z, k = charge(c, z, i, q)
                v1, v2, h, theta, drive, over = circuit(
                    c, (z, v1, v2, h, theta), i, ambient[t], q, r
                )
                expected = intercept[k] + slope[k] * z + over
                (z, v1, v2), p, _, _, _ = correct(
                    c, (z, v1, v2), p, slope[k], drive, expected, voltage[t, j]
                )
                soc[t, j] = z
            state[0, j], state[1, j], state[2, j], state[3, j], state[4, j] = z, v1, v2, h, theta
            for n in range(6):
                state[5 + n, j] = p[n]

    return _compile(run)


def filter_cells(
    c: Constants,
    table: OcvTable,
    state: Float[np.ndarray, "11 cells"],
    current: Float[np.ndarray, "time cells"],
    voltage: Float[np.ndarray, "time cells"],
    ambient: Float[np.ndarray, "time"],
    inverse_capacity: Float[np.ndarray, "cells"],
    resistance_scale: Float[np.ndarray, "cells"],
) -> tuple[Float[np.ndarray, "11 cells"], Float[np.ndarray, "time cells"]]:
    """Run cells one after the other: best for a single one, and the benchmark's naive peer.

    Args and results are those of ``NumpyFilter.history``.
    """
    after, soc = state.copy(), np.empty(voltage.shape)
    drive = (current, voltage, ambient, inverse_capacity, resistance_scale)
    _per_cell()(c, table.intercept, table.slope, after, *drive, soc)
    return after, soc

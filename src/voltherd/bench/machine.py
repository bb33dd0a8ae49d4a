"""How fast can this machine be?  Memory bandwidth and arithmetic peak, measured where it stands.

Two loops that do nothing else: a triad (two arrays read, one written) far larger than the caches,
and chains of fused multiply-adds on numbers that never leave them.  Compiled with Numba, like what
they are the roof of.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, final

import numpy as np

TRIAD_SIZE = 8_000_000
"""Elements per array: three arrays of 64 MB."""
CHAIN_SIZE = 1024
CHAIN_DEPTH = 8
Value = Any


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """A measured loop: what it does once, and how much that is.

    Attributes:
        run: Does it for elements ``first`` to ``last``.
        size: Elements in all.
        per_element: Bytes moved, or floating-point operations, for each.
    """

    run: Callable[[int, int], None]
    size: int
    per_element: float


def _triad(a: Value, b: Value, c: Value, s: float) -> None:
    for k in range(a.size):
        a[k] = b[k] + s * c[k]


def _eight(p: float, v: float, a: float) -> float:
    p = p * v + a
    p = p * v + a
    p = p * v + a
    p = p * v + a
    p = p * v + a
    p = p * v + a
    p = p * v + a
    return p * v + a


@lru_cache(maxsize=1)
def _compiled() -> tuple[Callable[..., None], Callable[..., None]]:
    import inspect

    from numba import njit

    chain = njit(fastmath={"contract"}, error_model="numpy")(inspect.unwrap(_eight))
    quarter = CHAIN_SIZE // 4

    def fma(x: Value, out: Value, a: float, first: int, last: int) -> None:
        for _ in range(first, last):
            for j in range(quarter):  # four chains side by side hide each other's latency
                v0, v1 = x[j], x[j + quarter]
                v2, v3 = x[j + 2 * quarter], x[j + 3 * quarter]
                out[j], out[j + quarter] = chain(v0, v0, a), chain(v1, v1, a)
                out[j + 2 * quarter], out[j + 3 * quarter] = chain(v2, v2, a), chain(v3, v3, a)

    triad = njit(nogil=True, error_model="numpy")(inspect.unwrap(_triad))
    return triad, njit(nogil=True, fastmath={"contract"}, error_model="numpy")(inspect.unwrap(fma))


def triad_load() -> Load:
    """Prepare the memory roof.

    Returns:
        A load of 32 bytes per element: two reads, a write, and the line that the write fetches.
    """
    triad, _ = _compiled()
    a, b, c = np.zeros(TRIAD_SIZE), np.ones(TRIAD_SIZE), np.ones(TRIAD_SIZE)
    return Load(
        run=lambda first, last: triad(a[first:last], b[first:last], c[first:last], 3.0),
        size=TRIAD_SIZE,
        per_element=32.0,
    )


def arithmetic_load() -> Load:
    """Prepare the arithmetic roof: each element is one pass over a block of chains.

    Returns:
        A load counted in floating-point operations, a multiply-add being two.
    """
    _, fma = _compiled()
    x = np.full(CHAIN_SIZE, 1e-3)

    def run(first: int, last: int) -> None:
        fma(x, np.empty(CHAIN_SIZE), 0.5, first, last)  # a buffer per call: threads share none

    return Load(run=run, size=8000, per_element=2.0 * CHAIN_DEPTH * CHAIN_SIZE)

"""Counts instead of floats: the steps in which a sensor, a bus or a file gives its values.

A value is ``counts · multiplier / divisor + offset``, each operation rounded to a double as IEEE
754 says, so that 0.1 · 3 and 3 / 10, which differ in the last bit, are told apart and both come
back bit for bit.  The tables are part of the format: entries may be added behind, never changed.
"""

from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Bool, Float

DIVIDED: Final = (
    (1000.0, 1.0),
    (100.0, 1.0),
    (10.0, 1.0),
    (1.0, 1.0),
    (1.0, 2.0),
    (1.0, 10.0),
    (1.0, 20.0),
    (1.0, 100.0),
    (1.0, 200.0),
    (1.0, 1e3),
    (1.0, 2e3),
    (1.0, 1e4),
    (1.0, 1e5),
    (1.0, 1e6),
    (1.0, 256.0),
    (1.0, 65536.0),
)
"""Multiplier and divisor of decimal text, of halves and of binary fractions, coarse to fine."""
_MULTIPLIED: Final = (0.1, 0.05, 0.01, 5e-3, 1e-3, 5e-4, 1e-4, 5e-5, 1e-5)
"""Scales of a bus's database, which its readers multiply by."""
SCALES: Final = (*DIVIDED, *((scale, 1.0) for scale in _MULTIPLIED))
OFFSETS: Final = (
    0.0,
    *(1000.0, 500.0, 2000.0, 3000.0, 1600.0, 3200.0, 5000.0, 10_000.0, 40.0, 50.0, 100.0),
    *(200.0, 250.0, 300.0, 400.0, 600.0, 800.0, 1500.0, 2500.0, 4000.0, 6000.0, 8000.0),
)
"""Offsets of a bus's database; a chunk gives the place in this table, negative to subtract."""
ROUNDED: Final = 0x40
"""Added to a scale: rounded to 32 bits."""
COUNTS_MAX: Final = 2.0**53
MULTIPLIER: Final = np.array([a for a, _ in SCALES])
DIVISOR: Final = np.array([b for _, b in SCALES])
_PER_UNIT: Final = DIVISOR / MULTIPLIER
_OFFSETS: Final = np.array(OFFSETS)
_CODES: Final = np.array([[k, k + ROUNDED] for k in range(len(SCALES))], np.uint8).T.ravel()
"""All scales, plain and rounded."""
_GLANCE: Final = 4
"""Rows that suggest a scale; what they suggest is then tried on every row."""
_LOOK: Final = 240
"""Rows looked at where a glance was not enough."""
_NEAR: Final = 1 << 20
"""Counts that miss by fewer units in the last place still say most of a value."""
Columns = Float[np.ndarray, "columns time"]


class Grid(NamedTuple):
    """In which steps columns come, one entry a column, and what follows from it."""

    scale: bytes
    """Place in ``SCALES``, with ``ROUNDED`` where the value was rounded to 32 bits on its way."""
    offset: bytes
    """Place in ``OFFSETS``, negative to subtract; nothing where all are zero."""
    rounded: Bool[np.ndarray, "columns"] | None
    """None for no column."""
    multiplier: Float[np.ndarray, "columns 1"] | None
    """None where all are 1."""
    divisor: Float[np.ndarray, "columns 1"]
    added: Float[np.ndarray, "columns 1"] | None
    """None where all are 0."""

    def counts(self, values: Columns) -> Columns:
        """Give the nearest counts."""
        shifted = values if self.added is None else values - self.added
        counts = shifted * self.divisor
        if self.multiplier is not None:
            counts /= self.multiplier
        return np.asarray(np.rint(counts, out=counts))

    def values(self, counts: Columns) -> Columns:
        """Give the values of counts."""
        if self.multiplier is None:
            made = counts / self.divisor
        else:
            made = counts * self.multiplier
            made /= self.divisor
        if self.added is not None:
            made += self.added
        if self.rounded is not None:
            made[self.rounded] = made[self.rounded].astype(np.float32)
        return np.asarray(made)


@lru_cache(maxsize=256)
def grid_of(scale: bytes, offset: bytes = b"") -> Grid:
    """Look up what steps stand for.

    Raises:
        IndexError: A scale or an offset that there is none of.
    """
    bits = np.frombuffer(scale, np.uint8)
    place = bits & ~np.uint8(ROUNDED)
    rounded = bits & ROUNDED != 0
    multiplier = MULTIPLIER[place]
    added = None
    if offset:
        sign = np.frombuffer(offset, np.int8).astype(np.int16)
        added = (np.sign(sign) * _OFFSETS[np.abs(sign)])[:, None]
    return Grid(
        scale,
        offset,
        rounded if rounded.any() else None,
        None if (multiplier == 1.0).all() else multiplier[:, None],
        DIVISOR[place][:, None],
        added,
    )


class Found(NamedTuple):
    """The steps of columns, and what they are worth."""

    grid: Grid
    counts: Columns
    """Whole numbers, zero in a column that has no steps."""
    values: Columns
    """What the counts stand for, before the last places are corrected."""


def guess(columns: Columns) -> Found:
    """Try the coarsest steps in which a few values of each column come.

    Args:
        columns: Any values but minus zero.

    Returns:
        Steps, counts and values, which need not be those given.
    """
    rows = columns.shape[1]
    glance = columns[:, :: max(1, (rows + _GLANCE - 1) // _GLANCE)]
    place = _fits(glance).argmax(axis=0)
    return _tried(columns, grid_of(_CODES[place].tobytes()))


def search(columns: Columns, found: Found) -> Found:
    """Find the coarsest steps in which every value of a column comes.

    Args:
        columns: Finite values.
        found: What was guessed; columns that it reproduces keep their steps.

    Returns:
        Steps, counts and values; where there are no such steps, the values miss some of those
        given, mostly by little.
    """
    grid, values = found.grid, found.values
    wrong = np.flatnonzero((values != columns).any(axis=1))
    if not wrong.size:
        return found
    look = columns[:, :: max(1, columns.shape[1] // _LOOK)]
    stepless = []
    scale, offset = bytearray(grid.scale), np.zeros(len(columns), np.int8)
    for column in wrong.tolist():
        steps = _searched(look[column])
        if steps is None:
            stepless.append(column)
        else:
            scale[column], offset[column] = steps
    found = _tried(columns, grid_of(bytes(scale), offset.tobytes() if offset.any() else b""))
    found.counts[stepless] = found.values[stepless] = 0.0
    return found


def _tried(columns: Columns, grid: Grid) -> Found:
    counts = grid.counts(columns)
    counts += 0.0  # no minus zero
    if not np.abs(counts).max() < COUNTS_MAX:
        counts[~(np.abs(counts) < COUNTS_MAX)] = 0.0
    return Found(grid, counts, grid.values(counts))


def _made(values: Columns) -> Float[np.ndarray, "scales columns time"]:
    """Round values to the steps of each scale."""
    counts = np.rint(values * _PER_UNIT[:, None, None])
    counts *= MULTIPLIER[:, None, None]
    counts /= DIVISOR[:, None, None]
    return np.asarray(counts)


def _fits(values: Columns) -> Bool[np.ndarray, "choices columns"]:
    """Say which scales reproduce all values of a column: as they are, then rounded to 32 bits."""
    made = _made(values)
    both = np.concatenate((made, made.astype(np.float32)))
    return np.asarray((both == values).all(axis=2))


def _searched(values: Float[np.ndarray, "time"]) -> tuple[int, int] | None:
    """Search for the steps of one column: whole steps, steps with an offset, nearest steps."""
    column = values[None, :]
    fits = _fits(column)[:, 0]
    if fits.any():
        rounded, scale = divmod(int(fits.argmax()), len(SCALES))
        return scale | ROUNDED * rounded, 0
    glance = values[:: max(1, len(values) // _GLANCE)]
    added = np.concatenate((_OFFSETS[1:], -_OFFSETS[1:]))[:, None]
    shifted = _made(glance - added) + added
    for scale, place in np.argwhere((shifted == glance).all(axis=2)).tolist():
        offset = place + 1 if place + 1 < len(OFFSETS) else len(OFFSETS) - 2 - place
        one = grid_of(bytes([scale]), np.int8(offset).tobytes())
        if (one.values(one.counts(column)) == values).all():
            return scale, offset
    missed = _made(column)[:, 0].view(np.int64) - values.view(np.int64)
    most = (missed ^ (missed >> 63)).max(axis=1)
    nearest = int(most.argmin())
    return (nearest, 0) if most[nearest] < _NEAR else None

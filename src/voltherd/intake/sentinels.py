"""Codes that stand for 'no value': isolated, exactly repeated values far from all others."""

from collections import Counter
from collections.abc import Iterable
from typing import Final

import numpy as np

_BASES: Final = (
    255.0, 254.0, 253.0, 127.0, -128.0, 511.0, 510.0, 1023.0, 1022.0, 2047.0, 4095.0, 4094.0,
    8191.0, 16383.0, 32767.0, -32768.0, -32767.0, 65535.0, 65534.0, 65533.0, 16777215.0,
    2147483647.0, -2147483648.0, 4294967295.0, 4294967294.0, 999.0, -999.0, 9999.0, -9999.0,
    99999.0, -40.0, -1.0,
)  # fmt: skip
_SCALES: Final = (1.0, 0.1, 0.01, 0.001, 0.25, 0.5, 0.4, 0.05, 0.005, 0.0001)
_CODES: Final = np.unique([base * scale for base in _BASES for scale in _SCALES])
_DISTINCT_MAX: Final = 8
"""More repeated values than this are noise of a broken sensor, not codes."""
_STILL_MAX: Final = 0.5
"""Where more columns than this stand still, the pack does."""
EXTREMES_MAX: Final = 20_000


def is_code(value: float) -> bool:
    """Tell whether a value is a usual all-ones code, scaled as buses do.

    >>> is_code(6553.5), is_code(65.535), is_code(3.7)
    (True, True, False)
    """
    place = int(np.searchsorted(_CODES, value))
    near = _CODES[max(place - 1, 0) : place + 1]
    return bool(near.size and np.min(np.abs(near - value)) <= 2e-6 * max(abs(value), 1.0))


def extremes(values: np.ndarray) -> tuple[float, float]:
    """Give lowest and highest value, NaN left out; (inf, -inf) where there is none."""
    if not values.size:
        return float("inf"), float("-inf")
    low, high = float(values.min()), float(values.max())
    if low != low or high != high:
        low, high = float(np.fmin.reduce(values)), float(np.fmax.reduce(values))
    return (low, high) if low == low else (float("inf"), float("-inf"))


def find_codes(
    columns: Iterable[np.ndarray],
    usual: tuple[float, float],
    physical: tuple[float, float],
    scale: float = 1.0,
    offset: float = 0.0,
) -> tuple[float, ...]:
    """Find the values that are codes rather than measurements.

    A code lies outside the usual range by more than that range's width and repeats exactly; inside
    the physical range it must also be one that buses use and stand alone.  A value that is off by
    itself only once is left to be counted as out of range.

    Args:
        columns: Every row of each column of one kind, in source units.
        usual: Range in which nearly all values lie, in source units.
        physical: Range in which a measurement can lie, in canonical units.
        scale: Canonical units per source unit.
        offset: Added after scaling.

    Returns:
        The codes in source units, rising.

    >>> find_codes([np.array([3.7, 66.535, 3.71, 66.535])], (3.6, 3.8), (0.5, 5.0))
    (66.535,)
    """
    width = max(usual[1] - usual[0], 1e-3 * max(abs(usual[0]), abs(usual[1])))
    low, high = usual[0] - width, usual[1] + width
    counts: Counter[float] = Counter()
    for values in columns:
        least, most = extremes(values)
        if least >= low and most <= high:
            continue
        far = values[(values < low) | (values > high)]
        distinct, times = np.unique(far[np.isfinite(far)][:EXTREMES_MAX], return_counts=True)
        counts.update(dict(zip(distinct.tolist(), times.tolist(), strict=True)))
        if len(counts) > EXTREMES_MAX:
            break
    found = []
    all_far = np.array([*sorted(counts), usual[0], usual[1]])
    for value, count in counts.items():
        outside = not physical[0] <= value * scale + offset <= physical[1]
        known = is_code(value) or is_code(value * scale + offset)
        if not outside and np.sort(np.abs(all_far - value))[1] < 0.5 * width:
            continue  # one of many: a rare measurement, not a code
        if (count >= 2 and (outside or known)) or (outside and known):
            found.append((count, value, known))
    found.sort(reverse=True)
    if len(found) > _DISTINCT_MAX:
        found = [entry for entry in found if entry[2]][:_DISTINCT_MAX]
    return tuple(sorted(value for _, value, _ in found))


def dead_codes(sample: np.ndarray) -> tuple[float, ...]:
    """Give the codes that some columns say in every row while the others move.

    Inside the physical range too: 255 may be a temperature in °F, but not one that never changes
    at several places of a pack whose other places warm and cool.

    Args:
        sample: Rows of every column of one kind.

    >>> dead_codes(np.array([[20.0, 21.0, 255.0], [23.0, 22.0, 255.0]]))
    (255.0,)
    """
    if len(sample) < 2:
        return ()
    still = (sample == sample[0]).all(axis=0)
    if still.mean() > _STILL_MAX:
        return ()
    return tuple(float(value) for value in np.unique(sample[0, still]) if is_code(float(value)))


def usual_range(sample: np.ndarray) -> tuple[float, float]:
    """Give the range of nearly all values, codes at either end left out however many they are.

    >>> usual_range(np.array([21.0, 22.0, 23.0, 255.0, 255.0]))
    (21.0, 23.0)
    """
    known = sample[np.isfinite(sample)]
    if not known.size:
        return 0.0, 0.0
    distinct = np.unique(known)
    for _ in range(4):
        if distinct.size < 3:
            break
        inner = distinct[:-1]
        if is_code(float(distinct[-1])) and distinct[-1] - inner[-1] > 2.0 * np.ptp(inner):
            distinct = inner
        elif is_code(float(distinct[0])) and distinct[1] - distinct[0] > 2.0 * np.ptp(distinct[1:]):
            distinct = distinct[1:]
        else:
            break
    inside = known[(known >= distinct[0]) & (known <= distinct[-1])]
    low, high = np.quantile(inside, (0.005, 0.995), method="nearest")
    return float(low), float(high)

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
_OFFSETS: Final = (0.0, -40.0, -50.0, -1000.0, -3000.0, -3276.8, -500.0)
_CODES: Final = np.unique(
    [base * scale + offset for base in _BASES for scale in _SCALES for offset in _OFFSETS]
)
_DISTINCT_MAX: Final = 8
"""More repeated values than this are noise of a broken sensor, not codes."""
EXTREMES_MAX: Final = 20_000


def is_code(value: float) -> bool:
    """Tell whether a value is a usual all-ones code, scaled or shifted as buses do.

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
    columns: Iterable[np.ndarray], usual: tuple[float, float], physical: tuple[float, float]
) -> tuple[float, ...]:
    """Find the values that are codes rather than measurements.

    A code lies outside the usual range by more than that range's width and repeats exactly; inside
    the physical range it must also be one that buses use.  A value that is off by itself only once
    is left to be counted as out of range.

    Args:
        columns: Every row of each column of one kind, in source units.
        usual: Range in which nearly all values lie.
        physical: Range in which a measurement can lie.

    Returns:
        The codes, rising.

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
        for value, count in zip(distinct.tolist(), times.tolist(), strict=True):
            counts[value] += count
            if len(counts) > EXTREMES_MAX:
                break
    found = []
    for value, count in counts.items():
        outside = not physical[0] <= value <= physical[1]
        if (count >= 2 and (outside or is_code(value))) or (outside and is_code(value)):
            found.append((count, value))
    found.sort(reverse=True)
    if len(found) > _DISTINCT_MAX:
        found = [(count, value) for count, value in found if is_code(value)][:_DISTINCT_MAX]
    return tuple(sorted(value for _, value in found))


def usual_range(sample: np.ndarray, physical: tuple[float, float]) -> tuple[float, float]:
    """Give the range of nearly all values that can be physical.

    >>> usual_range(np.array([1.0, 2.0, 3.0, 255.0]), (-50.0, 200.0))
    (1.0, 3.0)
    """
    known = sample[np.isfinite(sample) & (sample >= physical[0]) & (sample <= physical[1])]
    if not known.size:
        return physical
    low, high = np.quantile(known, (0.01, 0.99), method="nearest")
    return float(low), float(high)

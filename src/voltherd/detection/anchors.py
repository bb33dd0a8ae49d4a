"""Rests at which the cells' voltage says what the gauge should have said, and what changed in it.

A pack that has rested for an hour shows its open-circuit voltage.  Read through a curve of its
chemistry it gives a state of charge that owes nothing to the gauge; what the gauge shows beyond it
is a constant of the curve and the maker's idea of full and empty, a bend over the charge, and the
gauge's error.  A maker's idea does not change: where the difference steps or begins to drift, the
gauge did.
"""

from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Float

from voltherd.numerics.ocv import soc_from_ocv
from voltherd.numerics.presets import NCA, NMC
from voltherd.numerics.robust import median, quantile
from voltherd.types.asset import Chemistry
from voltherd.units import SECOND_PER_DAY

ANCHORS_MAX: Final = 96
END: Final = 0.005
"""How near to empty or full a reading is at the end of its scale, where it may be held back."""
SIDE_MIN: Final = 3
"""Rests on either side of a change that make it one."""
BACKED_SIDE_MIN: Final = 2
"""The same where the gauge was seen to jump just then."""
DRIFT_MIN: Final = 6
"""Rests over which a drift must be followed: a step looks like one at first."""
SIZE_MIN: Final = 0.03
SCORE_MIN: Final = 6.0
"""And as a multiple of its own error, by how far the rests lie beside it."""
SPREAD_MAX: Final = 0.8
"""Share of a change by which the rests before it may differ among themselves."""
MISS_MAX: Final = 0.35
"""Share of it by which the latest rests may lie beside what it says of them."""
FREE_MIN: Final = 0.3
"""Share of a change's own course that no bend over the charge may explain."""
_BEND: Final = np.array([0.1, 0.2])
"""Usual size of the bend: per unit of charge from its middle, and of its square."""
_NOISE: Final = 0.01
"""What a rest's voltage and a coarse gauge are off by, against which the bend is weighed."""
_CURVES: Final = {Chemistry.NMC: NMC, Chemistry.LMO: NMC, Chemistry.NCA: NCA}
"""By which curve a change is read; what matters is its slope.  Iron phosphate and titanate are flat
where packs rest: of them the voltage tells nothing."""


class Anchors(NamedTuple):
    """Rests, oldest first.

    Attributes:
        second: When [unix s].
        soc: What the vehicle reported.
        volt: Median cell less its ohmic part [V].
        ampere: Current that the vehicle reported [A].
    """

    second: Float[np.ndarray, " n"]
    soc: Float[np.ndarray, " n"]
    volt: Float[np.ndarray, " n"]
    ampere: Float[np.ndarray, " n"]


class Change(NamedTuple):
    """How the gauge differs from what it was.

    Attributes:
        size: What it shows now beyond what the same voltages stood for before; 0 for no change.
        per_day: By how much that grows each day; 0 for a step.
        second: Since when [unix s].
        backed: Whether the gauge was seen to jump there.
    """

    size: float
    per_day: float
    second: float
    backed: bool


UNCHANGED: Final = Change(0.0, 0.0, float("nan"), False)


def none() -> Anchors:
    """Have seen no rest yet."""
    return Anchors(np.empty(0), np.empty(0), np.empty(0), np.empty(0))


def kept(anchors: Anchors, fresh: Anchors) -> Anchors:
    """Add rests; where there are too many, every second one of the older half is let go."""
    every = Anchors(*(np.concatenate(pair) for pair in zip(anchors, fresh, strict=True)))
    while len(every.second) > ANCHORS_MAX:
        half = ANCHORS_MAX // 2
        every = Anchors(*(np.concatenate([c[:half:2], c[half:]]) for c in every))
    return every


def soc_by_voltage(anchors: Anchors, chemistry: Chemistry) -> Float[np.ndarray, " n"]:
    """Give the state of charge that each rest's voltage stands for, NaN where it tells nothing."""
    curve = _CURVES.get(chemistry)
    if curve is None:
        return np.full(len(anchors.volt), np.nan)
    return soc_from_ocv(curve.ocv_volt, anchors.volt)


def usable(anchors: Anchors, chemistry: Chemistry) -> tuple[Anchors, Float[np.ndarray, " n"]]:
    """Give the rests that can be read, readings held at an end of the scale left out; and how."""
    by_voltage = soc_by_voltage(anchors, chemistry)
    fit = (anchors.soc > END) & (anchors.soc < 1.0 - END) & np.isfinite(by_voltage)
    return Anchors(*(column[fit] for column in anchors)), by_voltage[fit]


def change(anchors: Anchors, chemistry: Chemistry, jump_second: float) -> Change:
    """Find the step or the beginning of a drift that explains the rests best.

    Args:
        anchors: All rests so far.
        chemistry: By which curve voltages are read.
        jump_second: When the gauge was last seen to jump, NaN for never [unix s].

    Returns:
        The change; ``UNCHANGED`` where none is larger than ``SIZE_MIN`` and holds to the last.
    """
    rests, charge = usable(anchors, chemistry)
    count = len(charge)
    if count < 2 * BACKED_SIDE_MIN:
        return UNCHANGED
    beyond = rests.soc - charge
    day = (rests.second - rests.second[-1]) / SECOND_PER_DAY
    first = np.arange(BACKED_SIDE_MIN, count - BACKED_SIDE_MIN + 1)
    after = np.arange(count)[:, None] >= first
    course = np.concatenate([after, after * (day[:, None] - day[first - 1])], axis=1)
    plain = _bent(charge)
    rows = len(plain)
    told = np.zeros((rows, course.shape[1] + 1))
    told[:count, 0], told[:count, 1:] = beyond, course
    q, _ = np.linalg.qr(plain)
    told -= q @ (q.T @ told)
    own = (told[:, 1:] ** 2).sum(axis=0)
    slope = (told[:, 1:].T @ told[:, 0]) / np.maximum(own, 1e-12)
    backed = int(np.searchsorted(rests.second, jump_second))  # NaN sorts behind everything
    sides = np.minimum(first, count - first)
    steps = (sides >= SIDE_MIN) | (first == backed)
    drifts = (sides >= SIDE_MIN) & (count - first >= DRIFT_MIN)
    allowed = np.concatenate([steps, drifts])
    allowed &= own >= FREE_MIN * ((course - course.mean(axis=0)) ** 2).sum(axis=0)
    best = int(np.argmax(np.where(allowed, slope**2 * own, -1.0)))
    begin = int(first[best % len(first)])
    size = float(slope[best] * course[-1, best])
    gain = slope[best] ** 2 * own[best]
    noise = max(float(told[:, 0] @ told[:, 0]) - gain, 0.0) / max(count - 4, 1)
    if not allowed[best] or abs(size) < SIZE_MIN or gain < SCORE_MIN**2 * noise:
        return UNCHANGED
    left = np.concatenate([beyond - slope[best] * course[:, best], np.zeros(rows - count)])
    flat = beyond - plain[:count] @ np.linalg.lstsq(plain, left, rcond=None)[0]
    if not _holds(flat, slope[best] * course[:, best], begin):
        return UNCHANGED
    if best >= len(first):
        return Change(size, float(slope[best]), float(rests.second[begin - 1]), backed=False)
    jumped = begin == backed
    return Change(size, 0.0, jump_second if jumped else float(rests.second[begin]), jumped)


def _bent(charge: Float[np.ndarray, " n"]) -> Float[np.ndarray, "rows 3"]:
    """Give what an honest gauge may differ by: a constant and a bend, kept small by two rows."""
    half = charge - 0.5
    rows = np.zeros((len(charge) + 2, 3))
    rows[:-2] = np.stack([np.ones(len(charge)), half, half**2], axis=1)
    rows[-2, 1], rows[-1, 2] = _NOISE / _BEND
    return rows


def _holds(flat: Float[np.ndarray, " n"], course: Float[np.ndarray, " n"], begin: int) -> bool:
    """Whether the rests before a change are alike, and the latest lie where it puts them."""
    size, late = abs(float(course[-1])), -min(SIDE_MIN, len(flat) - begin)
    before = flat[:begin]
    spread = quantile(before, 0.9) - quantile(before, 0.1)
    now = float(median(flat[late:], axis=0) - median(before, axis=0))
    miss = abs(now - float(median(course[late:], axis=0)))
    return spread <= SPREAD_MAX * size and miss <= MISS_MAX * size

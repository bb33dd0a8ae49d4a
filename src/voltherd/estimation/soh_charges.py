"""Partial charges of a record: what was counted between two states of charge known by themselves.

A state of charge is known (*anchor*) at the end of a rest, by the cells' voltage through the curve
of their chemistry, and at a full charge, where the current has faded at the top of the curve: the
voltage there is nearly at rest, and on iron phosphate the only one that tells anything.  The
vehicle's own reading is none: it comes from the very current that is counted, and from the maker's
idea of the capacity.  What it implies is worked out beside, under a name of its own.

From one turning point of the charge to the next is one partial charge; rests in between are left
out, so that no charge is counted twice.
"""

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from voltherd.estimation.pack_trace import (
    PackTrace,
    broken,
    counted_ah,
    interval_second,
)
from voltherd.estimation.soh_capacity import PartialCharge
from voltherd.numerics.cell_parameters import CellParameters
from voltherd.numerics.ocv import soc_from_ocv

REST_SECOND: Final = 3600.0
REST_AMPERE: Final = 2.0
"""A vehicle that stands draws less [A]."""
NEAR_AMPERE: Final = 15.0
"""A vehicle that wakes draws some; its ohmic part is taken out [A]."""
VOLT_SIGMA: Final = 0.005
"""A cell's reading and what is left of relaxation after an hour [V]."""
SIGMA_MAX: Final = 0.06
"""An anchor less certain than that is none: iron phosphate on its plateau."""
FULL_VOLT: Final = 0.03
"""How near to the top of the curve a full cell is [V]."""
FULL_FADED: Final = 0.15
"""Share of a charge's largest current below which it has faded."""
FULL_SIGMA: Final = 0.005
FULL_POLARISED: Final = 2.0
"""Resistance of a charge of hours over that of a step; half of the difference may be wrong."""
FULL_SECOND: Final = 600.0
"""Shortest charge that can end full: regeneration near the top is none [s]."""
CHANGE_MIN: Final = 0.1
"""Least change of the state of charge worth a partial charge."""
READING_COMMON: Final = 0.05
"""Share by which the vehicle's own scale of charge may be off, one standard deviation."""


class Anchors(NamedTuple):
    """Rows at which the state of charge is known.

    Attributes:
        row: Ascending.
        soc: State of charge there.
        sigma: Standard uncertainty that is each anchor's own.
        common: What the same reading always shares, as the error of the curve.
        rests: How many of them are rests; the others are full charges or readings.
    """

    row: Int[np.ndarray, "anchors"]
    soc: Float[np.ndarray, "anchors"]
    sigma: Float[np.ndarray, "anchors"]
    common: Float[np.ndarray, "anchors"]
    rests: int


def anchors(
    trace: PackTrace,
    cell: CellParameters,
    curve_volt: float,
    resistance_ohm: float,
    records_joined: bool,
) -> Anchors:
    """Find rests and full charges.

    Args:
        trace: The record.
        cell: Whose curve voltages are read through.
        curve_volt: How far it may be off for good, standard uncertainty [V].
        resistance_ohm: Of one cell, for the little current a waking vehicle draws [Ω].
        records_joined: Whether silences say nothing.
    """
    curve = cell.ocv_volt
    rested = _rested(trace, broken(trace, records_joined))
    full = np.setdiff1d(_full(trace, float(curve[-1])), rested)
    rows = np.concatenate([rested, full])
    resting = np.arange(len(rows)) < len(rested)
    ohmic = resistance_ohm * trace.current_ampere[rows]
    volt = trace.cell_volt[rows] - np.where(resting, 1.0, FULL_POLARISED) * ohmic
    doubt = np.hypot(VOLT_SIGMA, 0.5 * np.abs(ohmic))
    # At the end of a charge hysteresis has turned; at rest nobody knows how far.
    doubt = np.hypot(doubt, np.where(resting, cell.hysteresis_volt, 0.0))
    own = np.maximum(_span(curve, volt, doubt), np.where(resting, 0.0, FULL_SIGMA))
    common = _span(curve, volt, np.full(len(volt), curve_volt))
    fit = np.flatnonzero(own <= SIGMA_MAX)
    fit = fit[np.argsort(rows[fit], kind="stable")]
    return Anchors(
        row=rows[fit],
        soc=soc_from_ocv(curve, volt)[fit],
        sigma=own[fit],
        common=common[fit],
        rests=int(resting[fit].sum()),
    )


def readings(trace: PackTrace) -> Anchors:
    """Take the vehicle's own readings, where they have just changed, for anchors."""
    soc = trace.soc_reported
    known = np.isfinite(soc)
    changed = np.zeros(trace.rows, dtype=bool)
    changed[1:] = known[1:] & known[:-1] & (soc[1:] != soc[:-1])
    row = np.flatnonzero(changed)
    steps = np.abs(np.diff(soc))
    step = float(np.quantile(steps[steps > 1e-6], 0.1)) if (steps > 1e-6).any() else 0.01
    sigma = max(0.5 * step, 0.003)
    size = len(row)
    return Anchors(row, soc[row], np.full(size, sigma), np.full(size, math.nan), 0)


def partial_charges(
    trace: PackTrace, at: Anchors, records_joined: bool
) -> tuple[PartialCharge, ...]:
    """Count what flowed between anchors that nothing unseen lies between.

    Args:
        trace: The record.
        at: Where the state of charge is known; a common error of NaN stands for a scale that may
            be off by ``READING_COMMON``.
        records_joined: Whether silences say nothing.
    """
    charge, variance, hour = counted_ah(trace)
    chain = np.cumsum(broken(trace, records_joined))[at.row]
    found = []
    for number in np.unique(chain).tolist():
        mine = np.flatnonzero(chain == number)
        for low, high in _turns(at.soc[mine].tolist()):
            a, b = int(mine[low]), int(mine[high])
            rows = at.row[a], at.row[b]
            change = float(at.soc[b] - at.soc[a])
            common = math.hypot(at.common[a], at.common[b])
            found.append(
                PartialCharge(
                    unix_time_second=float(trace.unix_time_second[rows[1]]),
                    soc_change=change,
                    soc_sigma=math.hypot(at.sigma[a], at.sigma[b]),
                    charge_ah=float(charge[rows[1]] - charge[rows[0]]),
                    charge_sigma=math.sqrt(variance[rows[1]] - variance[rows[0]] + 1e-4),
                    counted_hour=float(hour[rows[1]] - hour[rows[0]]),
                    soc_common=common if math.isfinite(common) else READING_COMMON * abs(change),
                )
            )
    return tuple(sorted(found))


def _turns(soc: Sequence[float]) -> list[tuple[int, int]]:
    """Pair turning points that lie ``CHANGE_MIN`` apart, one after the other.

    >>> _turns([0.9, 0.7, 0.5, 0.52, 0.95])
    [(0, 2), (2, 4)]
    """
    pairs: list[tuple[int, int]] = []
    start, best = 0, 0
    for place, value in enumerate(soc):
        rising = soc[best] >= soc[start]
        if best != start and abs(soc[best] - soc[start]) >= CHANGE_MIN:
            turned = soc[best] - value if rising else value - soc[best]
            if turned >= CHANGE_MIN:
                pairs.append((start, best))
                start, best = best, place
                continue
        if abs(value - soc[start]) > abs(soc[best] - soc[start]):
            best = place
    if abs(soc[best] - soc[start]) >= CHANGE_MIN:
        pairs.append((start, best))
    return pairs


def _rested(trace: PackTrace, cut: Bool[np.ndarray, "rows"]) -> Int[np.ndarray, "rests"]:
    """Find the last row of each rest: the longer it lasts, the nearer the voltage is to its end."""
    ampere = np.abs(trace.current_ampere)
    time = trace.unix_time_second
    moving = ~(ampere <= REST_AMPERE)
    active = np.where(moving | cut, time, -np.inf)
    active = np.maximum.accumulate(np.concatenate([time[:1], active]))[:-1]
    active = np.where(cut, time, active)
    long = (time - active >= REST_SECOND) & (ampere <= NEAR_AMPERE) & np.isfinite(trace.cell_volt)
    ends = np.concatenate([long[:-1] & ~long[1:], long[-1:]])
    return np.asarray(np.flatnonzero(ends))


def _full(trace: PackTrace, top_volt: float) -> Int[np.ndarray, "fulls"]:
    """Find where a charge has faded at the top of the curve: the last such row of each charge."""
    ampere, gap = trace.current_ampere, interval_second(trace) > REST_SECOND
    charging = np.nan_to_num(ampere) > 0.0
    begins = charging & ~np.concatenate([[False], charging[:-1] & ~gap[1:]])
    of = np.cumsum(begins)
    if not charging.any():
        return np.empty(0, dtype=np.int64)
    largest = np.zeros(int(of[-1]) + 1)
    np.maximum.at(largest, of, np.nan_to_num(ampere))
    faded = charging & (trace.high_volt >= top_volt - FULL_VOLT)
    faded &= (ampere <= FULL_FADED * largest[of]) & (largest[of] > REST_AMPERE)
    faded &= trace.unix_time_second - trace.unix_time_second[begins][of - 1] >= FULL_SECOND
    row = np.flatnonzero(faded)
    last = np.concatenate([of[row][1:] != of[row][:-1], np.ones(min(len(row), 1), dtype=bool)])
    return np.asarray(row[last])


def _span(
    curve: Float[np.ndarray, "nodes"],
    volt: Float[np.ndarray, "anchors"],
    off: Float[np.ndarray, "anchors"],
) -> Float[np.ndarray, "anchors"]:
    """Give half of what the curve spans in charge within an error of the voltage."""
    return np.asarray(0.5 * (soc_from_ocv(curve, volt + off) - soc_from_ocv(curve, volt - off)))

"""The vehicle's own state of charge held against an estimate that owes nothing to it.

``e = reported - estimated`` is looked at in half hours.  A filter that is led by voltage does not
drift, but the curve it reads differs from the maker's by some points, more here, less there.  So a
constant and a bend over the charge are taken out first, and what is left tells:

* **drift**: ``e`` moves with time, as a gauge does that counts with an offset of the current;
* **scale**: a reading moves by more or less than the charge that flowed, over the capacity, asks
  for: a gauge with a wrong capacity;
* **bend**: ``e`` depends on the charge alone, more than curves of one chemistry differ: a gauge
  that has not learned its curve, or another chemistry;
* **stand and jump**: charge moves under a reading that stays, or a reading moves without charge.

An offset alone is told with the interval of the curve, which is wide: makers' curves and their
ideas of full and empty differ by some eight points within a chemistry.
"""

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple, final

import numpy as np
from jaxtyping import Float

from voltherd.estimation.pack_trace import (
    GAP_SECOND,
    PackTrace,
    broken,
    cell_samples,
    counted_ah,
)
from voltherd.estimation.soc_ekf import SocEkf
from voltherd.estimation.soc_pack import pack_soc
from voltherd.types.estimate import NORMAL_90
from voltherd.units import SECOND_PER_DAY, SECOND_PER_HOUR

BLOCK_SECOND: Final = 1800.0
BLOCKS_MIN: Final = 12
"""Half hours before anything but a stand or a jump is told."""
SIGMA_MAX: Final = 0.12
"""An estimate less certain than that says nothing of a gauge."""
CYCLES_MIN: Final = 3.0
"""Equivalent full cycles before a drift is told: over less, a curve's bend looks like one."""
TOLERANCE: Final = 0.05
"""Error that a reading may have; beyond it the gauge is to be recalibrated."""
SURE: Final = 0.02
"""What a drift must have made for sure before it is told: good gauges wander by as much."""
BEND: Final = np.array([0.1, 0.2])
"""Usual size of the difference of two curves of a chemistry: per charge and per its square."""
JUMP_MIN: Final = 0.03
STAND_MIN: Final = 0.06
JUMPED: Final = 0.08
"""A jump that is told by itself; smaller ones are corrections, as good gauges make them."""
SCALE_MIN: Final = 0.05
_OWN: Final = 0.01
"""A half hour's own error of a coarse gauge and of the filter."""


class Cause(StrEnum):
    """What most likely makes the reading wrong."""

    NONE = "none"
    FROZEN = "frozen"
    CURRENT_OFFSET = "current_offset"
    WRONG_CAPACITY = "wrong_capacity"
    UNLEARNED_OCV = "unlearned_ocv"
    MISCALIBRATED = "miscalibrated"
    JUMPING = "jumping"


class Interval(NamedTuple):
    """A value with its 90 % interval; NaN where it cannot be told."""

    value: float
    low: float
    high: float

    @property
    def known(self) -> bool:
        """Whether there is a value."""
        return math.isfinite(self.value)

    def beyond(self, size: float) -> bool:
        """Whether all of the interval lies farther from zero than a size."""
        return self.known and min(abs(self.low), abs(self.high)) > size and self.low * self.high > 0


UNKNOWN: Final = Interval(math.nan, math.nan, math.nan)


class Followed(NamedTuple):
    """The independent estimate along a record.

    Attributes:
        soc: Of the pack; NaN where the filter has none.
        sigma: Its standard uncertainty.
    """

    soc: Float[np.ndarray, "rows"]
    sigma: Float[np.ndarray, "rows"]


class Blocks(NamedTuple):
    """Half hours in which both the gauge and the estimate say something.

    Attributes:
        unix_time_second: Their last row [s].
        cycles: Equivalent full cycles since the first row.
        soc: Mean estimate.
        error: Mean of reported less estimated.
        sigma: Of the estimate.
    """

    unix_time_second: Float[np.ndarray, "blocks"]
    cycles: Float[np.ndarray, "blocks"]
    soc: Float[np.ndarray, "blocks"]
    error: Float[np.ndarray, "blocks"]
    sigma: Float[np.ndarray, "blocks"]


class Display(NamedTuple):
    """What the reading did against the charge counted.

    Attributes:
        stand: Largest share of the capacity that moved while the reading stayed inside its scale.
        jumps: How often it changed by ``JUMP_MIN`` and more without charge.
        jump: The largest of these changes, with its sign.
        jump_second: When [s].
    """

    stand: float
    jumps: int
    jump: float
    jump_second: float


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class SocAudit:
    """What can be said of a gauge.

    Attributes:
        blocks: Half hours compared.
        cycles: Equivalent full cycles of the record.
        days: Its length [d].
        offset: Reported less estimated at the usual charge.
        drift: Change of it in 100 equivalent full cycles.
        drift_total: Change of it over the record.
        scale: Reported change over the change that the counted charge asks for.
        bend: Largest difference of ``e`` over the charges seen.
        display: Stands and jumps.
        counted_hour: How long current was recorded, and so counted, a day [h/d].
        current_ampere: Offset of the gauge's current, while it counts, that the drift stands for
            [A].
        cause: The likeliest cause.
        flagged_cycles: Cycles after which the drift was first sure; NaN for never.
        cycles_left: Cycles until ``TOLERANCE`` may be reached; 0 for now, NaN where unknown.
    """

    blocks: int
    cycles: float
    days: float
    offset: Interval
    drift: Interval
    drift_total: Interval
    scale: Interval
    bend: Interval
    display: Display
    counted_hour: float
    current_ampere: Interval
    cause: Cause
    flagged_cycles: float
    cycles_left: float

    @property
    def flagged(self) -> bool:
        """Whether the gauge is wrong beyond what can be explained otherwise."""
        return self.cause is not Cause.NONE


def followed(trace: PackTrace, estimator: SocEkf, records_joined: bool) -> Followed:
    """Run the filter over median, lowest and highest cell, and make the pack's charge of them.

    Args:
        trace: The record, thinned to some seconds.
        estimator: Of the pack's chemistry and capacity.
        records_joined: Whether silences say nothing; the filter begins anew after each anyway.
    """
    told = np.full((2, trace.rows), math.nan)
    state = None
    for row, sample in enumerate(cell_samples(trace)):
        if state is None:
            if not np.isfinite(sample.cell_voltage_volt).all():
                continue
            state = estimator.init(sample)
            estimate = estimator.estimate(state)
        else:
            state, estimate = estimator.step(state, sample)
        pack = pack_soc(estimate)
        told[:, row] = pack.value, float(estimate.sigma[0])
    silent = broken(trace, records_joined) & np.isnan(trace.cell_volt)
    told[:, silent] = math.nan
    return Followed(told[0], told[1])


def blocks_of(trace: PackTrace, own: Followed, capacity_ah: float) -> Blocks:
    """Compare in half hours."""
    moved = np.abs(np.diff(counted_ah(trace)[0], prepend=0.0))
    cycles = np.cumsum(moved) / (2.0 * capacity_ah)
    error = trace.soc_reported - own.soc
    # A reading at an end of its scale is held back there on purpose.
    inside = (trace.soc_reported > 0.01) & (trace.soc_reported < 0.99)
    fit = np.flatnonzero(np.isfinite(error) & (own.sigma <= SIGMA_MAX) & inside)
    if not len(fit):
        return Blocks(*(np.empty(0) for _ in range(5)))
    number = trace.unix_time_second[fit] // BLOCK_SECOND
    begin = np.flatnonzero(np.diff(number, prepend=number[0] - 1.0))
    count = np.diff(np.concatenate([begin, [len(fit)]]))
    last = fit[begin + count - 1]

    def mean(values: Float[np.ndarray, "rows"]) -> Float[np.ndarray, "blocks"]:
        return np.add.reduceat(values[fit], begin) / count

    return Blocks(
        trace.unix_time_second[last], cycles[last], mean(own.soc), mean(error), mean(own.sigma)
    )


def display(trace: PackTrace, capacity_ah: float, records_joined: bool) -> Display:
    """Hold the reading against the charge counted, row by row."""
    known = np.flatnonzero(np.isfinite(trace.soc_reported))
    if len(known) < 2:
        return Display(0.0, 0, 0.0, math.nan)
    charge = counted_ah(trace)[0][known]
    soc, time = trace.soc_reported[known], trace.unix_time_second[known]
    chain = np.cumsum(broken(trace, records_joined))[known]
    begin = np.flatnonzero((np.diff(soc, prepend=np.inf) != 0.0) | (np.diff(chain, prepend=-1) > 0))
    moved = np.maximum.reduceat(charge, begin) - np.minimum.reduceat(charge, begin)
    inside = (soc[begin] > 0.01) & (soc[begin] < 0.99)
    stand = float(np.where(inside, moved, 0.0).max()) / capacity_ah
    change = np.diff(soc)
    ampere = np.abs(np.nan_to_num(trace.current_ampere[known]))
    most = np.maximum(ampere[1:], ampere[:-1]) * np.minimum(np.diff(time), GAP_SECOND)
    beyond = np.abs(change) - most / SECOND_PER_HOUR / capacity_ah
    jumps = np.flatnonzero((beyond >= JUMP_MIN) & (np.diff(time) <= GAP_SECOND))
    if not len(jumps):
        return Display(stand, 0, 0.0, math.nan)
    largest = int(jumps[np.argmax(beyond[jumps])])
    return Display(stand, len(jumps), float(change[largest]), float(time[largest + 1]))


def soc_audit(
    trace: PackTrace,
    blocks: Blocks,
    seen: Display,
    *,
    capacity_ah: float,
    scale: Interval,
    curve_half: float,
    records_joined: bool = False,
) -> SocAudit:
    """Judge a gauge.

    Args:
        trace: The record, for its length and how much of it was counted.
        blocks: The comparison.
        seen: Stands and jumps.
        capacity_ah: Of the pack [Ah].
        scale: Reported over counted change; unknown where the capacity comes from the gauge.
        curve_half: Half of the 90 % interval of the curve, as charge.
        records_joined: Whether times between records are not known: then a drift is not either.
    """
    cycles = float(blocks.cycles[-1]) if len(blocks.cycles) else 0.0
    days = float(trace.unix_time_second[-1] - trace.unix_time_second[0]) / SECOND_PER_DAY
    hour = float(counted_ah(trace)[2][-1]) / days if days > 0.0 else 0.0
    offset = drift = total = bend = ampere = UNKNOWN
    flagged = left = math.nan
    if len(blocks.error) >= BLOCKS_MIN:
        middle = float(np.median(blocks.error))
        offset = Interval(middle, middle - curve_half, middle + curve_half)
        per_day, bend = _fitted(blocks)
        if cycles >= CYCLES_MIN and not records_joined:
            total = _times(per_day, days)
            drift = _times(per_day, 100.0 * days / cycles)
            # A gauge counts, and an offset adds up, only while the vehicle is awake.
            ampere = _times(per_day, capacity_ah / hour)
    cause = _cause(seen, offset, total, scale, bend, curve_half)
    if cause is Cause.CURRENT_OFFSET:
        flagged = _first_sure(blocks)
    if cause is not Cause.NONE:
        left = 0.0
    elif drift.known:
        worst = max(abs(drift.low), abs(drift.high))
        left = 100.0 * TOLERANCE / worst if worst > 0.0 else math.inf
    return SocAudit(
        blocks=len(blocks.error),
        cycles=cycles,
        days=days,
        offset=offset,
        drift=drift,
        drift_total=total,
        scale=scale,
        bend=bend,
        display=seen,
        counted_hour=hour,
        current_ampere=ampere,
        cause=cause,
        flagged_cycles=flagged,
        cycles_left=left,
    )


def _fitted(blocks: Blocks) -> tuple[Interval, Interval]:
    """Give the drift of ``e`` a day and its bend over the charges seen.

    The bend is held near none by what curves of one chemistry differ by.  Neighbouring half hours
    err alike; as many of them as that makes one count as one.
    """
    day = (blocks.unix_time_second - blocks.unix_time_second[0]) / SECOND_PER_DAY
    half = blocks.soc - 0.5
    design = np.stack([np.ones(len(day)), half, half**2, day], axis=1)
    weight = 1.0 / (_OWN**2 + blocks.sigma**2)
    held = np.diag([0.0, *BEND**-2.0, 0.0])
    for _ in range(6):
        normal = (design * weight[:, None]).T @ design + held + 1e-9 * np.eye(4)
        found = np.linalg.solve(normal, design.T @ (weight * blocks.error))
        left = blocks.error - design @ found
        scale = max(float(np.median(np.abs(left))) / 0.6745, 1e-3)
        weight = 1.0 / (_OWN**2 + blocks.sigma**2) / np.maximum(1.0, np.abs(left) / (2.0 * scale))
    alike = float(left[1:] @ left[:-1]) / max(float(left @ left), 1e-12)
    alike = min(max(alike, 0.0), 0.95)
    loose = float((weight * left**2).sum()) / max(len(day) - 4, 1)
    covariance = np.linalg.inv(normal) * max(loose, 0.05) * (1.0 + alike) / (1.0 - alike)
    off = NORMAL_90 * math.sqrt(covariance[3, 3])
    slope = float(found[3])
    shape = design[:, 1:3] @ found[1:3]
    size = float(np.quantile(shape, 0.95) - np.quantile(shape, 0.05))
    return Interval(slope, slope - off, slope + off), Interval(size, 0.5 * size, 1.5 * size)


def _first_sure(blocks: Blocks) -> float:
    """Give the cycles after which the drift was first sure, as a run that knew no later would."""
    for cycle in np.unique(np.ceil(blocks.cycles)).tolist():
        part = Blocks(*(column[blocks.cycles <= cycle] for column in blocks))
        if len(part.error) < BLOCKS_MIN or cycle < CYCLES_MIN:
            continue
        per_day, _ = _fitted(part)
        span = float(np.ptp(part.unix_time_second)) / SECOND_PER_DAY
        if _drifts(_times(per_day, span)):
            return float(cycle)
    return math.nan


def _drifts(total: Interval) -> bool:
    return total.beyond(SURE) and abs(total.value) >= 0.8 * TOLERANCE


def _cause(
    seen: Display,
    offset: Interval,
    total: Interval,
    scale: Interval,
    bend: Interval,
    curve_half: float,
) -> Cause:
    """Name the likeliest cause, the one that needs least to be seen first."""
    if seen.stand >= STAND_MIN:
        return Cause.FROZEN
    if _drifts(total):
        return Cause.CURRENT_OFFSET
    if scale.known and (scale.low > 1.0 + SCALE_MIN / 2.0 or scale.high < 1.0 - SCALE_MIN / 2.0):
        return Cause.WRONG_CAPACITY
    if bend.known and bend.value > 2.0 * curve_half:
        return Cause.UNLEARNED_OCV
    if offset.beyond(TOLERANCE):
        return Cause.MISCALIBRATED
    return Cause.JUMPING if abs(seen.jump) >= JUMPED else Cause.NONE


def _times(interval: Interval, factor: float) -> Interval:
    """Multiply by something positive."""
    return Interval(*(factor * end for end in interval))

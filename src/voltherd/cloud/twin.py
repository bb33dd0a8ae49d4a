"""The live twin of a pack: one filter over all its cells, fed by whatever rows arrive.

The estimator's own step is used as it is.  What is added is what a vehicle's life needs: rows
closer together than ``PERIOD_SECOND`` are joined, their charge kept exactly, and a silence between
two rows at rest does not forget what was known before it.
"""

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Float

from voltherd.detection.memory import Memory, capacity_ah
from voltherd.estimation.cell_sample import CellSample, samples
from voltherd.estimation.soc_bar_delta import BarDeltaState, SocBarDelta
from voltherd.numerics.cell_map import preset_map
from voltherd.numerics.presets import PRESETS
from voltherd.numerics.robust import sibling_score
from voltherd.types.asset import Vehicle
from voltherd.types.estimate import Estimate
from voltherd.types.quality import Quality
from voltherd.types.sample import SampleBatch
from voltherd.units import REFERENCE_TEMPERATURE_CELSIUS, SECOND_PER_HOUR

PERIOD_SECOND: Final = 5.0
"""Least time between two steps; five times as many tell no more, to a tenth of a millivolt."""
GAP_SECOND: Final = 60.0
"""A longer silence is bridged: what the vehicle did in it is asked of both its ends [s]."""
WINDOW_SECOND: Final = SECOND_PER_HOUR
"""How far back the twin's error is told."""
REST_C_RATE_MAX: Final = 0.02
"""Current at both ends of a silence up to which the vehicle is taken to have rested in it [1/h]."""
SLEEP_C_RATE: Final = 0.0005
"""What may flow unseen while parked: control units and self-discharge [1/h]."""
RESOLUTION_VOLT: Final = 0.001
"""What cell voltages are commonly told in: siblings closer together are alike [V]."""
_APART: Final = 6.0
"""Spreads of its siblings from which on a cell is apart."""
_ASTONISHED: Final = 3.0
"""Standard uncertainties between old and new reading from which on the silence hid something."""
_BIN_SECOND: Final = 60.0


class Twin(NamedTuple):
    """A pack's twin.

    Attributes:
        filter: The estimator with this pack's cell.
        basis: Whose curve and capacity it has, for people.
        state: What the filter carries, None before the first row.
        estimate: Its newest estimate, None before the first row.
        seen_second: Newest row taken in [unix s].
        charge_ampere_second: Charge of the rows since the newest step [A s].
        errors: A row per minute of the last hour: its begin, squared errors of cells that are as
            their siblings are, summed [V²], how many.
    """

    filter: SocBarDelta
    basis: str
    state: BarDeltaState | None = None
    estimate: Estimate | None = None
    seen_second: float = -math.inf
    charge_ampere_second: float = 0.0
    errors: Float[np.ndarray, "minutes 3"] = np.empty((0, 3))


def begin(asset: Vehicle | None, memory: Memory) -> Twin | None:
    """Make a twin as soon as chemistry and capacity are known.

    Args:
        asset: Facts, where there are some; they come first.
        memory: What detection has seen: chemistry by the curve, capacity by the vehicle's gauge.

    Returns:
        The twin; None while it cannot be made.
    """
    cell = asset.cell_type if asset else None
    chemistry = cell.chemistry if cell else memory.chemistry if memory.periods else None
    capacity = asset.capacity_nominal_ah if asset else None
    basis = "by its asset record"
    if cell is None or capacity is None:
        basis = "by what its data show, as no asset record says"
        capacity = capacity or capacity_ah(memory)
    if chemistry not in PRESETS or not capacity:
        return None
    return Twin(
        filter=SocBarDelta(cell=preset_map(PRESETS[chemistry].resized(capacity))),
        basis=f"{chemistry.value}, {capacity:.0f} Ah {basis}",
    )


def follow(twin: Twin, batch: SampleBatch, period_second: float = PERIOD_SECOND) -> Twin:
    """Take in further rows; those not later than what was seen are passed over.

    Args:
        twin: Left as it is.
        batch: Rows of one vehicle in time order.
        period_second: Least time between two steps [s].

    Returns:
        The twin after them.
    """
    start = int(np.searchsorted(batch.unix_time_second, twin.seen_second, "right"))
    if start == batch.rows:
        return twin
    errors: list[tuple[float, float, float]] = []
    for sample in samples(batch.between(start, batch.rows)):
        dt = sample.unix_time_second - twin.seen_second
        known = math.isfinite(sample.current_ampere)
        charge = twin.charge_ampere_second
        if dt <= GAP_SECOND and known:
            charge += sample.current_ampere * dt
        twin = twin._replace(seen_second=sample.unix_time_second, charge_ampere_second=charge)
        since = math.inf if twin.state is None else twin.seen_second - twin.state.unix_time_second
        if since < period_second:
            continue
        if known and since <= GAP_SECOND:
            sample = _mean(twin, sample, charge / since)
        twin = _stepped(twin, sample, errors)
    return twin._replace(errors=_kept(twin.errors, errors))


def _mean(twin: Twin, sample: CellSample, mean_ampere: float) -> CellSample:
    """Give the row that joined rows come to: their mean current, and the voltage under that.

    The voltage is of the newest row, so it is moved by what the ohmic part would differ.
    """
    differs = mean_ampere - sample.current_ampere
    if not differs:
        return sample
    assert twin.state is not None
    celsius = sample.temperature_celsius
    celsius = celsius if math.isfinite(celsius) else REFERENCE_TEMPERATURE_CELSIUS
    known = twin.filter.cell.at_one(float(twin.state.mean[0, 0]), celsius)
    ohm = known.r0 * float(twin.state.mean[4, 0])
    return sample._replace(
        current_ampere=mean_ampere, cell_voltage_volt=sample.cell_voltage_volt + ohm * differs
    )


def _stepped(twin: Twin, sample: CellSample, errors: list[tuple[float, float, float]]) -> Twin:
    """Take one step, and note how far the prediction was off."""
    state = twin.state
    if state is None:
        state = twin.filter.init(sample)
        estimate = twin.filter.estimate(state)
    elif sample.unix_time_second - state.unix_time_second > GAP_SECOND:
        state = bridged(twin, state, sample)
        estimate = twin.filter.estimate(state)
    else:
        state, estimate = twin.filter.step(state, sample)
        off = _alike(estimate.innovation)
        if estimate.quality is not Quality.RESTARTED and len(off):
            errors.append((sample.unix_time_second, float((off**2).sum()), float(len(off))))
    return twin._replace(state=state, estimate=estimate, charge_ampere_second=0.0)


def _alike(innovation: Float[np.ndarray, "cells"]) -> Float[np.ndarray, "fewer"]:
    """Give the errors of the cells that are as their siblings are.

    A cell apart, by its sensor or by itself, is told by detection; the twin is no worse for it.
    """
    known = np.asarray(innovation[np.isfinite(innovation)])
    if not len(known):
        return known
    score, _, _ = sibling_score(known, floor=RESOLUTION_VOLT)
    return np.asarray(known[np.abs(score) <= _APART])


def bridged(twin: Twin, before: BarDeltaState, sample: CellSample) -> BarDeltaState:
    """Begin anew after a silence with what is surer: the old count or the voltage.

    The two are not averaged: both lean on the same curve, so agreement adds nothing.  The old count
    holds only where the vehicle rested at both ends and the voltage does not contradict it.

    Args:
        twin: Whose.
        before: What the filter carried before the silence.
        sample: First row after it.

    Returns:
        What the filter carries on with.
    """
    kept = twin.filter
    fresh = kept.resumed(before, sample)
    hour = (sample.unix_time_second - before.unix_time_second) / SECOND_PER_HOUR
    capacity = kept.parameters.capacity_ah
    c_rate = max(abs(before.current_ampere), abs(fresh.current_ampere)) / capacity
    if c_rate > REST_C_RATE_MAX or math.isnan(sample.current_ampere):
        return fresh
    counted = twin.charge_ampere_second / (SECOND_PER_HOUR * capacity)
    old, new = kept.middle.estimate(before.bar), kept.middle.estimate(fresh.bar)
    soc = min(max(float(old.value[0]) + counted, 0.0), 1.0)
    sigma = math.hypot(float(old.sigma[0]), SLEEP_C_RATE * hour)
    read, doubt = float(new.value[0]), float(new.sigma[0])
    if sigma > doubt or abs(soc - read) > _ASTONISHED * math.hypot(sigma, doubt):
        return fresh
    return kept.resumed(before, sample, soc, sigma)


def error_volt(twin: Twin) -> tuple[float, int]:
    """Give the rms error of the predicted voltage in the last hour, and of how many values."""
    count = float(twin.errors[:, 2].sum())
    if not count:
        return math.nan, 0
    return math.sqrt(float(twin.errors[:, 1].sum()) / count), int(count)


def _kept(
    kept: Float[np.ndarray, "minutes 3"], new: Sequence[tuple[float, float, float]]
) -> Float[np.ndarray, "later 3"]:
    """Add errors to the minutes they are of, and let go of what is older than the window."""
    if not new:
        return kept
    rows = np.concatenate([kept, np.array(new)])
    rows[:, 0] = np.floor(rows[:, 0] / _BIN_SECOND) * _BIN_SECOND
    minute, place = np.unique(rows[:, 0], return_inverse=True)
    sums = np.zeros((len(minute), 3))
    sums[:, 0] = minute
    np.add.at(sums[:, 1], place, rows[:, 1])
    np.add.at(sums[:, 2], place, rows[:, 2])
    return np.asarray(sums[minute > minute[-1] - WINDOW_SECOND])

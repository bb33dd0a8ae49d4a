"""What detection remembers of a pack between periods of half an hour observed: bounded, a value.

Each period gives, per operating state, one vector of cell deviations d (relative to the median
cell), the current i, the state of charge z and the OCV slope s there.  A cell that differs shows

    d = s·(q + k·(z − ½)) + i·r + b

with q a difference in charge, k a deficit in capacity, r added resistance and b an offset of the
measurement.  The normal equations of this regression, with exponential forgetting, are all that is
kept of the past, besides a history of charge-equivalent deviations for drift and for plots.
"""

from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Float

from voltherd.detection import follow
from voltherd.detection.charge_scale import (
    Curve,
    flat_share,
    learn,
    soc_and_slope,
    straightened,
    unknown_curve,
)
from voltherd.detection.follow import Follow, added_ohm, faded, seen_in
from voltherd.detection.full_charge import Full
from voltherd.detection.windows import Windows
from voltherd.numerics.robust import median
from voltherd.types.asset import Chemistry
from voltherd.units import SECOND_PER_DAY

WINDOWS_PER_PERIOD: Final = 6
HISTORY_PERIODS: Final = 1024
HALF_LIFE_PERIODS: Final = 48.0
"""A day of observed driving and charging, a week or so of an ordinary vehicle's life."""
LATELY_PERIODS: Final = 12.0
LONG_PERIODS: Final = 384.0
_KEEP: Final = 0.5 ** (1.0 / HALF_LIFE_PERIODS)
_KEEP_LATELY: Final = 0.5 ** (1.0 / LATELY_PERIODS)
_KEEP_LONG: Final = 0.5 ** (1.0 / LONG_PERIODS)
FLAT_VOLT_MAX: Final = 3.7
"""No iron-phosphate cell is charged beyond 3.65 V; the median cell above it is an oxide [V]."""
RESISTANCE_GUESS_OHM: Final = 6e-4
_SEEN_MIN: Final = 0.5
"""Rows below which a cell's sums are not scaled up: half a row is nothing seen."""
OBSERVED_SLACK: Final = 1.3
"""Time that may pass in a period, as a multiple of the time observed, for charge to be reckoned:
what flows unseen in the rest is no more than the gauge's own error."""
TERMS: Final = ("charge", "capacity", "resistance", "offset")


class Period(NamedTuple):
    """Six windows summed up: one row per operating state seen.

    Attributes:
        end_second: The sample that closed it [unix s].
        deviation_volt: Per state seen and cell, straightened along the OCV [V].
        features: Per state seen: s, s·(z − ½), i, 1.
        state: Operating state of each row.
        charge: Deviation as charge, median over the states, NaN where it cannot be read.
        soc_fraction: Median state of charge.
        windows: The windows themselves.
        rested_volt: Median cell of every window and state less its ohmic part [V].
        rested_soc: Reported charge at each of these.
        flat_votes: As in ``Memory``, with this period counted.
    """

    end_second: float
    deviation_volt: Float[np.ndarray, "rows c"]
    features: Float[np.ndarray, "rows 4"]
    state: Float[np.ndarray, " rows"]
    charge: Float[np.ndarray, " c"]
    soc_fraction: float
    windows: Windows
    rested_volt: Float[np.ndarray, " n"]
    rested_soc: Float[np.ndarray, " n"]
    flat_votes: float


class Memory(NamedTuple):
    """The past of one pack.

    Attributes:
        periods: How many were remembered.
        normal: Forgetting sum of features' outer products.
        moment: Forgetting sum of features times deviations.
        square: Forgetting sum of squared deviations.
        rows: Forgetting count of rows.
        state_rows: Rows per operating state, forgetting.
        seen: The same rows counted for each cell: only those in which it was measured.
        state_moment: Deviations summed per operating state, forgetting [V].
        follow: How the cells follow the current.
        follow_lately: The same over some days only.
        follow_long: The same over months.
        flow_ah2: Sum behind the capacity seen: charge flowed times change of reported SOC [Ah].
        flow_soc2: Sum of squared changes of reported SOC.
        soc_low: Lowest SOC seen.
        soc_high: Highest SOC seen.
        flat_votes: Voltages seen that look like iron phosphate, less those that do not.
        chemistry: What most voltages so far look like.
        curve: The vehicle's own open-circuit voltage.
        looked: Forgetting count of rows looked at for spikes.
        spikes: Forgetting count of each cell's spikes.
        history_second: End of each period kept, and of each full charge of a flat cell [unix s].
        history_charge: Deviation as charge in it, resistance taken out; NaN where unreadable.
        history_volt: Deviation in it, mean over its states [V].
        history_soc: State of charge in it.
    """

    periods: int
    normal: Float[np.ndarray, "4 4"]
    moment: Float[np.ndarray, "4 c"]
    square: Float[np.ndarray, " c"]
    rows: float
    state_rows: Float[np.ndarray, " 3"]
    seen: Float[np.ndarray, "3 c"]
    state_moment: Float[np.ndarray, "3 c"]
    follow: Follow
    follow_lately: Follow
    follow_long: Follow
    flow_ah2: float
    flow_soc2: float
    soc_low: float
    soc_high: float
    flat_votes: float
    chemistry: Chemistry
    curve: Curve
    looked: float
    spikes: Float[np.ndarray, " c"]
    history_second: Float[np.ndarray, " n"]
    history_charge: Float[np.ndarray, "n c"]
    history_volt: Float[np.ndarray, "n c"]
    history_soc: Float[np.ndarray, " n"]


def init(cells: int) -> Memory:
    """Know nothing of a pack yet."""
    return Memory(
        periods=0,
        normal=np.zeros((4, 4)),
        moment=np.zeros((4, cells)),
        square=np.zeros(cells),
        rows=0.0,
        state_rows=np.zeros(3),
        seen=np.zeros((3, cells)),
        state_moment=np.zeros((3, cells)),
        follow=follow.init(cells),
        follow_lately=follow.init(cells),
        follow_long=follow.init(cells),
        flow_ah2=0.0,
        flow_soc2=0.0,
        soc_low=np.inf,
        soc_high=-np.inf,
        flat_votes=0.0,
        chemistry=Chemistry.NMC,
        curve=unknown_curve(),
        looked=0.0,
        spikes=np.zeros(cells),
        history_second=np.empty(0),
        history_charge=np.empty((0, cells), np.float32),
        history_volt=np.empty((0, cells), np.float32),
        history_soc=np.empty(0),
    )


def resistance_ohm(memory: Memory) -> float:
    """Give the median cell's resistance over seconds, as far as the data show it [Ω]."""
    if memory.follow.ampere2 <= 0.0:
        return RESISTANCE_GUESS_OHM
    return min(max(memory.follow.pack_watt / memory.follow.ampere2, 5e-5), 0.05)


def capacity_ah(memory: Memory) -> float | None:
    """Give the pack's capacity as its own gauge and current tell it, None while too little flowed.

    It inherits every error of the reported SOC: good to size a finding, not a state of health.
    """
    if memory.flow_soc2 < 0.05:
        return None
    value = memory.flow_ah2 / memory.flow_soc2
    return float(value) if value > 0.0 else None


def gather(memory: Memory, windows: Windows) -> Period:
    """Sum up the windows of one period in the light of what is known of the pack."""
    told = (windows.cell_volt, windows.current_ampere, windows.soc_fraction[:, None])
    middle = median(np.concatenate(told, axis=1), axis=0)
    volt, amps, soc = middle[:3], _or_zero(middle[3:6]), float(middle[6])
    seen = np.flatnonzero(np.isfinite(volt))
    amps = amps[seen]
    rested = volt[seen] - resistance_ohm(memory) * amps
    rested_volt, rested_soc = _rested(memory, windows)
    votes = _flat_votes(memory, rested_volt, rested_soc)
    chemistry = _chemistry(votes)
    z, slope, usable = soc_and_slope(rested, np.full(len(seen), soc), chemistry, memory.curve)
    seen, amps, z, slope = seen[usable], amps[usable], z[usable], slope[usable]
    features = np.ones((len(seen), len(TERMS)))
    features[:, 0], features[:, 1], features[:, 2] = slope, slope * (z - 0.5), amps
    ohmic = amps[:, None] * cell_resistance_ohm(memory)
    deviation = median(windows.deviation_volt[:, seen], axis=0).astype(np.float64)
    ohmless = straightened(rested[usable], deviation - ohmic, slope, chemistry)
    rows = ohmless + ohmic
    readable = slope > 0.0
    charge = median(ohmless[readable] / slope[readable][:, None], axis=0)
    return Period(
        end_second=float(windows.end_second[-1]),
        deviation_volt=rows,
        features=features,
        state=seen.astype(np.float64),
        charge=charge,
        soc_fraction=float(z.sum() / len(z)) if len(z) else soc,
        windows=windows,
        rested_volt=rested_volt,
        rested_soc=rested_soc,
        flat_votes=votes,
    )


def cell_resistance_ohm(memory: Memory) -> Float[np.ndarray, " c"]:
    """Give each cell's resistance beyond the median cell's, from how it follows the current [Ω]."""
    return added_ohm(memory.follow)


def remember(memory: Memory, period: Period) -> Memory:
    """Take a period into memory."""
    x = period.features
    measured = np.isfinite(period.deviation_volt)
    known = np.where(measured, period.deviation_volt, 0.0)
    windows, fresh = period.windows, seen_in(period.windows)
    seen = _KEEP * memory.seen
    state_moment = _KEEP * memory.state_moment
    state_rows = _KEEP * memory.state_rows
    for row, state in enumerate(period.state.astype(int)):
        seen[state] += measured[row]
        state_moment[state] += known[row]
        state_rows[state] += 1.0
    soc = windows.soc_fraction
    ah2, soc2 = _flow(windows)
    mean_volt = median(period.deviation_volt, axis=0)
    return Memory(
        periods=memory.periods + 1,
        normal=_KEEP * memory.normal + x.T @ x,
        moment=_KEEP * memory.moment + x.T @ known,
        square=_KEEP * memory.square + (known**2).sum(axis=0),
        rows=_KEEP * memory.rows + len(x),
        state_rows=state_rows,
        seen=seen,
        state_moment=state_moment,
        follow=faded(memory.follow, _KEEP, fresh),
        follow_lately=faded(memory.follow_lately, _KEEP_LATELY, fresh),
        follow_long=faded(memory.follow_long, _KEEP_LONG, fresh),
        flow_ah2=memory.flow_ah2 + ah2,
        flow_soc2=memory.flow_soc2 + soc2,
        soc_low=float(np.fmin(memory.soc_low, np.fmin.reduce(soc, initial=np.inf))),
        soc_high=float(np.fmax(memory.soc_high, np.fmax.reduce(soc, initial=-np.inf))),
        flat_votes=period.flat_votes,
        chemistry=_chemistry(period.flat_votes),
        # From every window and state; driving counts too, its ohmic part taken out.
        curve=learn(memory.curve, period.rested_volt, period.rested_soc),
        looked=_KEEP * memory.looked + float(windows.looked.sum()),
        spikes=_KEEP * memory.spikes + windows.spikes.sum(axis=0),
        history_second=_append(memory.history_second, period.end_second),
        history_charge=_append(memory.history_charge, period.charge.astype(np.float32)),
        history_volt=_append(memory.history_volt, mean_volt.astype(np.float32)),
        history_soc=_append(memory.history_soc, period.soc_fraction),
    )


def remember_full(memory: Memory, full: Full) -> Memory:
    """Put what a full charge tells of each cell into the history."""
    return memory._replace(
        history_second=_append(memory.history_second, full.second),
        history_charge=_append(memory.history_charge, full.charge.astype(np.float32)),
        history_volt=_append(memory.history_volt, full.volt.astype(np.float32)),
        history_soc=_append(memory.history_soc, 1.0),
    )


def whole(memory: Memory) -> Memory:
    """Give the memory as if every cell had been measured whenever the pack was.

    The sums of a cell that was missing at times are too small by the share it was missing for; it
    is taken to have looked then as it does otherwise.  A cell never measured keeps sums of 0, which
    make it nobody's outlier.
    """
    if (memory.seen == memory.state_rows[:, None]).all():
        return memory
    by_state = memory.state_rows[:, None] / np.maximum(memory.seen, _SEEN_MIN)
    scale = memory.state_rows.sum() / np.maximum(memory.seen.sum(axis=0), _SEEN_MIN)
    return memory._replace(
        moment=memory.moment * scale,
        square=memory.square * scale,
        state_moment=memory.state_moment * by_state,
    )


def days(memory: Memory) -> Float[np.ndarray, " n"]:
    """Give the history's times in days before its end, so that numbers stay small."""
    return np.asarray((memory.history_second - memory.history_second[-1]) / SECOND_PER_DAY)


def _chemistry(flat_votes: float) -> Chemistry:
    return Chemistry.LFP if flat_votes > 0.0 else Chemistry.NMC


def _flat_votes(
    memory: Memory, volt: Float[np.ndarray, " n"], soc: Float[np.ndarray, " n"]
) -> float:
    """Count on: one period at a charge's end must not decide for ever, nor the guess flicker."""
    measured = int(np.isfinite(volt).sum())
    if not measured:
        return memory.flat_votes
    if memory.flat_votes == -np.inf or float(np.fmax.reduce(volt)) > FLAT_VOLT_MAX:
        return -np.inf  # seen once, an oxide for good
    return memory.flat_votes + measured * (2.0 * flat_share(volt, soc) - 1.0)


def _rested(
    memory: Memory, windows: Windows
) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"]]:
    """Give every window's and state's median voltage less its ohmic part, and its charge."""
    rested = windows.cell_volt - resistance_ohm(memory) * _or_zero(windows.current_ampere)
    return rested.ravel(), windows.soc_fraction.repeat(rested.shape[1])


def _or_zero(values: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
    """Give the values with 0 where there is none."""
    return np.where(np.isnan(values), 0.0, values)


def _flow(windows: Windows) -> tuple[float, float]:
    """Give the sums that relate charge flowed to the change of reported SOC within the period.

    Both are 0 where more time passed than was observed: charge that flowed unseen is in the SOC.
    """
    soc, charge = windows.soc_fraction, windows.charge_ah
    passed = windows.end_second[-1] - windows.start_second[0]
    if passed > OBSERVED_SLACK * windows.observed_second.sum():
        return 0.0, 0.0
    change = soc[-1] - soc[0]
    # Medians sit mid-window: the first and last window count half.
    flowed = charge.sum() - 0.5 * (charge[0] + charge[-1])
    if not np.isfinite(change) or not np.isfinite(flowed) or abs(change) < 0.02:
        return 0.0, 0.0
    return float(flowed * change), float(change**2)


def _append(
    history: Float[np.ndarray, "n ..."], row: Float[np.ndarray, "..."] | float
) -> Float[np.ndarray, "m ..."]:
    kept = history[-(HISTORY_PERIODS - 1) :]
    return np.concatenate([kept, np.asarray(row, history.dtype)[None]])

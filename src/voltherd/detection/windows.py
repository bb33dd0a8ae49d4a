"""Windows of observed time, and what the cells did in them.

A window closes at the sample that completes 300 s of *observed* time: time between samples counts,
but at most a minute of it, so a parked night neither fills nor splits a window.  Which samples form
a window and when it closes depends only on the samples up to then, so a stream in any chunks and
the whole record give the same windows, and a detector's first alarm has a causal time.

Within a window each operating state (rest, drive, charge) is summed up over at most 31 rows spread
evenly over it: medians of these are as sharp as the sensors allow, and the cost does not grow with
the sampling rate.
"""

from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from voltherd.numerics.robust import median
from voltherd.types.sample import SampleBatch
from voltherd.units import SECOND_PER_HOUR

WINDOW_SECOND: Final = 300.0
GAP_SECOND_MAX: Final = 60.0
"""Longest stretch between two samples that counts as observed [s]."""
ROWS_PER_STATE: Final = 31
ROWS_PER_WINDOW_MAX: Final = 4096
"""Bounds the memory of an open window at any sampling rate."""
REST_AMPERE: Final = 2.0
SPIKE_VOLT: Final = 0.05
UNSEEN_MAX: Final = 0.05
"""Share of a window's time that may lack the current before its charge is unknown."""
RANGE_ROWS_MIN: Final = 5
"""Readings that make a range: what a sample a minute gives in a window."""
ALONE_SHARE: Final = 0.1
"""More cells than this out at once were read at different moments of a current step."""
STANDING_KILOMETRE_PER_HOUR: Final = 0.5

REST, DRIVE, CHARGE = 0, 1, 2
STATES: Final = ("rest", "drive", "charge")


class Windows(NamedTuple):
    """Closed windows of one vehicle, time leading; NaN where a state or channel was not seen.

    Attributes:
        start_second: First sample [unix s].
        end_second: The sample that closed the window [unix s].
        observed_second: Observed time in it [s].
        rows: Samples per state.
        deviation_volt: Median deviation of each cell from the median cell, per state [V].
        cell_volt: Median cell voltage per state [V].
        current_ampere: Median current per state, charging positive [A].
        soc_fraction: Median reported SOC.
        charge_ah: Net charge that flowed into the pack in observed time, NaN where the current is
            missing in more than a twentieth of it [Ah].
        follow_ampere2: Sum of squared current deviations behind the slopes [A²].
        follow_cell_ampere2: The same over the rows in which each cell was measured [A²].
        follow_watt: Sum of current deviation times each cell's deviation [W].
        follow_pack_watt: The same for the median cell's own voltage [W].
        looked: Rows looked at for spikes.
        spikes: Rows among them in which a cell alone stood far from its own median.
        range_volt: Largest minus smallest voltage of each cell over the rows of one state looked
            at, the state that shows most; NaN where it was measured in fewer than five [V].
        probe_celsius: Median of each temperature probe [°C].
        pack_volt: Median pack voltage [V].
        sum_volt: Median sum of all cells, NaN where any is missing [V].
        insulation_ohm: Median insulation resistance [Ω].
    """

    start_second: Float[np.ndarray, " w"]
    end_second: Float[np.ndarray, " w"]
    observed_second: Float[np.ndarray, " w"]
    rows: Int[np.ndarray, "w 3"]
    deviation_volt: Float[np.ndarray, "w 3 c"]
    cell_volt: Float[np.ndarray, "w 3"]
    current_ampere: Float[np.ndarray, "w 3"]
    soc_fraction: Float[np.ndarray, " w"]
    charge_ah: Float[np.ndarray, " w"]
    follow_ampere2: Float[np.ndarray, " w"]
    follow_cell_ampere2: Float[np.ndarray, "w c"]
    follow_watt: Float[np.ndarray, "w c"]
    follow_pack_watt: Float[np.ndarray, " w"]
    looked: Int[np.ndarray, " w"]
    spikes: Int[np.ndarray, "w c"]
    range_volt: Float[np.ndarray, "w c"]
    probe_celsius: Float[np.ndarray, "w p"]
    pack_volt: Float[np.ndarray, " w"]
    sum_volt: Float[np.ndarray, " w"]
    insulation_ohm: Float[np.ndarray, " w"]


def closing_rows(
    unix_time_second: Float[np.ndarray, " t"],
    before_second: float = np.nan,
    open_millisecond: int = 0,
    open_rows: int = 0,
) -> tuple[Int[np.ndarray, " w"], Int[np.ndarray, " t"]]:
    """Find the rows that close a window, counted from the start of the given rows.

    Args:
        unix_time_second: Never decreasing [s].
        before_second: The row before the first; NaN for none [s].
        open_millisecond: Observed time in the window under way [ms].
        open_rows: Rows in it; 0 where the first row opens one.

    Returns:
        Index of the closing row of each complete window; and the observed time up to each row,
        counted from the beginning of the window that was under way [ms].
    """
    observed = open_millisecond + np.cumsum(_step_millisecond(unix_time_second, before_second))
    closing, begin, taken = [], -open_rows, 0
    while begin < len(observed):
        full = int(observed.searchsorted(taken + int(WINDOW_SECOND * 1e3)))
        end = min(full, begin + ROWS_PER_WINDOW_MAX - 1)
        if end >= len(observed):
            break
        closing.append(end)
        begin, taken = end + 1, int(observed[end])
    return np.asarray(closing, np.int64), observed


def _step_millisecond(
    unix_time_second: Float[np.ndarray, " t"], before_second: float
) -> Int[np.ndarray, " t"]:
    """Give the observed time each row adds; whole numbers add up alike whatever the pieces."""
    time = np.empty(len(unix_time_second) + 1)
    time[1:] = unix_time_second
    time[0] = before_second
    if np.isnan(before_second):
        time[:1] = unix_time_second[:1]
    millisecond = np.rint(time * 1e3).astype(np.int64)
    return np.asarray(np.minimum(millisecond[1:] - millisecond[:-1], int(GAP_SECOND_MAX * 1e3)))


def operating_state(batch: SampleBatch) -> Int[np.ndarray, " t"]:
    """Tell rest, drive and charge apart for every row.

    Without a speed a positive current counts as charging; recuperation then blurs the two states,
    which costs sharpness but names nobody.  Without a current every row counts as drive.
    """
    current = batch.scalar.get("current_ampere")
    if current is None:
        return np.full(batch.rows, DRIVE)
    speed = batch.scalar.get("speed_kilometre_per_hour")
    standing = (
        np.ones(batch.rows, bool) if speed is None else ~(speed > STANDING_KILOMETRE_PER_HOUR)
    )
    state = np.full(batch.rows, DRIVE)
    state[(current > REST_AMPERE) & standing] = CHARGE
    state[np.abs(current) <= REST_AMPERE] = REST
    return state


def summarise(
    batch: SampleBatch, closing: Int[np.ndarray, " w"], before_second: float = np.nan
) -> Windows:
    """Sum up the closed windows of a batch whose first row opens the first of them.

    Args:
        batch: Rows of one vehicle.
        closing: From ``closing_rows``, not empty.
        before_second: As given there [s].

    Returns:
        One row per window.
    """
    slab = max(1, 600_000 // (ROWS_PER_STATE * 3 * max(batch.cells, 1)))  # stays in cache
    begin = np.concatenate([[0], closing[:-1] + 1])
    step = _step_millisecond(batch.unix_time_second, before_second) / 1e3
    parts = [
        _summarise_slab(
            batch.between(int(begin[first]), int(closing[last]) + 1),
            closing[first : last + 1] - begin[first],
            step[begin[first] : closing[last] + 1],
        )
        for first in range(0, len(closing), slab)
        for last in [min(first + slab, len(closing)) - 1]
    ]
    return Windows(*(np.concatenate(fields) for fields in zip(*parts, strict=True)))


def join(first: Windows, second: Windows) -> Windows:
    """Put two runs of windows one after the other."""
    return Windows(*(np.concatenate(pair) for pair in zip(first, second, strict=True)))


def _pick_rows(
    window: Int[np.ndarray, " t"], state: Int[np.ndarray, " t"]
) -> tuple[Int[np.ndarray, " s"], Int[np.ndarray, " s"], Int[np.ndarray, "s k"]]:
    """Give (segment key, rows in it, rows to look at) for every state seen in every window."""
    key = window * 3 + state
    order = np.argsort(key, kind="stable")
    keys, start, count = np.unique(key[order], return_index=True, return_counts=True)
    fraction = (np.arange(ROWS_PER_STATE) + 0.5) / ROWS_PER_STATE
    picked = order[start[:, None] + (fraction * count[:, None]).astype(np.int64)]
    return keys, count, picked


def _row_medians(
    values: Float[np.ndarray, " t"] | None, rows: Int[np.ndarray, "s k"]
) -> Float[np.ndarray, " s"]:
    if values is None:
        return np.full(len(rows), np.nan)
    return median(values[rows], axis=1).astype(np.float64)


def _spread_over_states(
    shape: tuple[int, ...], keys: Int[np.ndarray, " s"], values: Float[np.ndarray, "s ..."]
) -> Float[np.ndarray, "w 3 ..."]:
    full = np.full((shape[0] * 3, *shape[1:]), np.nan, values.dtype)
    full[keys] = values
    return full.reshape(shape[0], 3, *shape[1:])


def _window_sums(
    windows: int, keys: Int[np.ndarray, " s"], values: Float[np.ndarray, "s ..."]
) -> Float[np.ndarray, "w ..."]:
    by_state = np.zeros((windows * 3, *values.shape[1:]))
    by_state[keys] = values
    return np.asarray(by_state.reshape(windows, 3, *values.shape[1:]).sum(axis=1))


def _window_medians(
    batch: SampleBatch, name: str, rows: Int[np.ndarray, "w k"]
) -> Float[np.ndarray, " w"]:
    return _row_medians(batch.scalar.get(name), rows)


def _summarise_slab(
    batch: SampleBatch, closing: Int[np.ndarray, " w"], step: Float[np.ndarray, " t"]
) -> Windows:
    windows = len(closing)
    window = np.searchsorted(closing, np.arange(batch.rows))
    keys, count, picked = _pick_rows(window, operating_state(batch))
    begin = np.concatenate([[0], closing[:-1] + 1])
    time = batch.unix_time_second
    fraction = (np.arange(ROWS_PER_STATE) + 0.5) / ROWS_PER_STATE
    even = begin[:, None] + (fraction * (closing - begin + 1)[:, None]).astype(np.int64)

    once = np.ones(picked.shape, bool)
    once[:, 1:] = picked[:, 1:] > picked[:, :-1]  # few rows are looked at several times
    place = np.cumsum(once.ravel()).reshape(once.shape) - 1
    volt = batch.cell_voltage_volt[picked[once]]
    middle = median(volt, axis=1)
    deviation = (volt - middle[:, None])[place]
    middle = middle[place]
    own = median(deviation, axis=1)
    deviation -= own[:, None, :]  # from here on each cell against its own usual place

    current = batch.scalar.get("current_ampere")
    amps = np.zeros(picked.shape) if current is None else current[picked]
    usable = np.isfinite(amps) & np.isfinite(middle) & once
    swing = np.where(usable, amps - _masked_mean(amps, usable)[:, None], 0.0)
    pack_swing = np.where(usable, middle - _masked_mean(middle, usable)[:, None], 0.0)
    follow, followed = _follow(swing.astype(np.float32), deviation, usable)

    rows = np.zeros(windows * 3, np.int64)
    rows[keys] = count
    ranges = _spread_over_states((windows, batch.cells), keys, _ranges(volt[place], once))
    total = np.add.reduce(batch.cell_voltage_volt, axis=1, dtype=np.float64)[even]
    return Windows(
        start_second=time[begin],
        end_second=time[closing],
        observed_second=np.add.reduceat(step, begin),
        rows=rows.reshape(windows, 3),
        deviation_volt=_spread_over_states((windows, batch.cells), keys, own),
        cell_volt=_spread_over_states((windows,), keys, median(middle, axis=1).astype(np.float64)),
        current_ampere=_spread_over_states((windows,), keys, _row_medians(current, picked)),
        soc_fraction=_window_medians(batch, "soc_fraction", even),
        charge_ah=_flow(batch.scalar.get("current_ampere"), step, begin),
        follow_ampere2=_window_sums(windows, keys, (swing**2).sum(axis=1)),
        follow_cell_ampere2=_window_sums(windows, keys, followed.astype(np.float64)),
        follow_watt=_window_sums(windows, keys, follow.astype(np.float64)),
        follow_pack_watt=_window_sums(windows, keys, (swing * pack_swing).sum(axis=1)),
        looked=np.bincount(keys // 3, np.minimum(count, ROWS_PER_STATE), windows).astype(np.int64),
        spikes=_window_sums(windows, keys, _spikes(deviation, once)).astype(np.int64),
        range_volt=np.fmax.reduce(ranges, axis=1),
        probe_celsius=median(batch.probe_temperature_celsius[even[:, ::6]], axis=1),
        pack_volt=_window_medians(batch, "voltage_volt", even),
        sum_volt=median(total, axis=1),
        insulation_ohm=_window_medians(batch, "insulation_resistance_ohm", even),
    )


def _flow(
    current: Float[np.ndarray, " t"] | None,
    step: Float[np.ndarray, " t"],
    begin: Int[np.ndarray, " w"],
) -> Float[np.ndarray, " w"]:
    if current is None:
        return np.full(len(begin), np.nan)
    missing = np.isnan(current)
    unseen = np.add.reduceat(missing * step, begin)
    flowed = np.add.reduceat(np.where(missing, 0.0, current) * step, begin) / SECOND_PER_HOUR
    return np.where(unseen <= UNSEEN_MAX * np.add.reduceat(step, begin), flowed, np.nan)


def _follow(
    swing: Float[np.ndarray, "s k"],
    deviation: Float[np.ndarray, "s k c"],
    usable: Bool[np.ndarray, "s k"],
) -> tuple[Float[np.ndarray, "s c"], Float[np.ndarray, "s c"]]:
    """Give each cell's sums of current swing times deviation, and of squared swing behind it."""
    missing = np.isnan(deviation)
    if not missing.any():
        square = np.broadcast_to((swing**2).sum(axis=1)[:, None], deviation.shape[::2])
        return np.asarray(np.einsum("sk,skc->sc", swing, deviation)), np.asarray(square)
    known = np.where(missing, 0.0, deviation).astype(swing.dtype)
    seen = (usable[:, :, None] & ~missing).astype(swing.dtype)
    # Over the rows a cell was measured in, neither swing nor deviation has a mean of 0.
    mean = np.einsum("sk,skc->sc", swing, seen) / np.maximum(seen.sum(axis=1), 1.0)
    shared = np.einsum("sk,skc->sc", swing, known) - mean * (known * seen).sum(axis=1)
    square = np.einsum("sk,skc->sc", swing**2, seen) - mean**2 * seen.sum(axis=1)
    return shared, square


def _spikes(
    deviation: Float[np.ndarray, "s k c"], once: Bool[np.ndarray, "s k"]
) -> Float[np.ndarray, "s c"]:
    """Count the rows in which a cell stood far from its own usual place, and few others did."""
    far = np.abs(deviation) > SPIKE_VOLT
    few = max(1, int(ALONE_SHARE * far.shape[2]))
    count = np.zeros(deviation.shape[::2])
    segment, row = np.nonzero(once & far.any(axis=2))
    alone = np.add.reduce(far[segment, row], axis=1) <= few
    np.add.at(count, segment[alone], far[segment[alone], row[alone]])
    return count


def _ranges(
    volt: Float[np.ndarray, "s k c"], once: Bool[np.ndarray, "s k"]
) -> Float[np.ndarray, "s c"]:
    """Give each cell's range in every segment; NaN where too few rows measured it."""
    wide = np.fmax.reduce(volt, axis=1) - np.fmin.reduce(volt, axis=1)
    missing = np.isnan(volt)
    seen = once.sum(axis=1)[:, None]
    if missing.any():
        seen = (once[:, :, None] & ~missing).sum(axis=1)
    return np.where(seen >= RANGE_ROWS_MIN, wide, np.nan).astype(volt.dtype)


def _masked_mean(
    values: Float[np.ndarray, "s k"], usable: Bool[np.ndarray, "s k"]
) -> Float[np.ndarray, " s"]:
    total = np.where(usable, values, 0.0).sum(axis=1)
    return np.asarray(total / np.maximum(usable.sum(axis=1), 1), np.float64)

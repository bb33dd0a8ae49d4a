"""Resistance from the current's steps, normalised to 25 °C and half charge.

Over a quarter of an hour the changes of the voltage are told by the changes of the current now and
a few samples before::

    dv[k] = sum_j r[j] di[k-j]

Their sum is what a step of the current has done to the voltage after that time.  The horizon
(seconds at 1 Hz, ten at 0.1 Hz) is part of the answer: it is ohmic resistance and the first of
polarisation.  Many vehicles send cell voltages that lag the current: one of the recorded ones
renews each only every 20 s, and compared with the same row's current it looks ten times too
small.  The pack's own voltage is prompt, so it is taken where there is one, by cells in series,
with the busbars and contactors that it includes; and a voltage that still lags gives no answer.

Each value is brought to 25 °C by the Arrhenius law and to half charge by the vehicle's own map, a
parabola of its logarithm over the charge, where enough of the charge has been seen.  The answer is
the median of a period, so that no single drive moves it.

Source: Arrhenius normalisation as in Waag et al., Applied Energy 102 (2013) 885; finite impulse
response by least squares, Ljung, System Identification (1999) section 10.1.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, final

import numpy as np
from jaxtyping import Float

from voltherd.estimation.pack_trace import PackTrace, interval_second
from voltherd.numerics.robust import median, spread, theil_sen
from voltherd.types.estimate import NORMAL_90
from voltherd.units import (
    GAS_CONSTANT_JOULE_PER_MOLE_KELVIN,
    REFERENCE_TEMPERATURE_CELSIUS,
    SECOND_PER_DAY,
    kelvin_from_celsius,
)

BLOCK_SECOND: Final = 900.0
PERIOD_SECOND: Final = 7.0 * SECOND_PER_DAY
ROWS_MIN: Final = 40
"""Fewest usable rows of a block."""
STEP_AMPERE: Final = 5.0
"""Least root mean square of the current's changes in a block [A]."""
LAGS: Final = 4
"""Samples after a step that belong to it, at one sample a second."""
SLOW_LAGS: Final = 1
"""The same where samples are ``SLOW_SECOND`` and more apart."""
SLOW_SECOND: Final = 5.0
INTERVAL_MAX: Final = 15.0
"""Longest sampling interval that still shows a step [s]."""
BLOCKS_MIN: Final = 5
OHM_MAX: Final = 0.1
PROMPT: Final = 0.3
"""Least share of a step that the same row must show."""
TREND_DAYS: Final = 90.0
"""Shortest record that a trend is told from: seasons and driving move it otherwise."""
ACTIVATION_SIGMA: Final = 0.3
"""Share by which the activation energy may be off."""
UNKNOWN_WARMTH: Final = 0.1
"""Standard uncertainty that an unknown temperature adds, as a share."""
MAP_SPAN: Final = 0.3
"""Charge that blocks must span before a map of it is drawn."""
_MEDIAN_LOSS: Final = 1.2533
"""Standard error of a median over that of a mean."""


class Block(NamedTuple):
    """What a quarter of an hour says.

    Attributes:
        unix_time_second: Its end [s].
        ohm: Response of one cell to a step of the current [Ω].
        prompt: Share of it that the same row shows.
        celsius: Mean temperature; NaN where unknown [°C].
        soc: Mean state of charge; NaN where unknown.
    """

    unix_time_second: float
    ohm: float
    prompt: float
    celsius: float
    soc: float


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ResistanceEstimate:
    """A resistance with what it rests on.

    Attributes:
        unix_time_second: End of the latest block; NaN without one [s].
        resistance_ohm: Of the median cell at 25 °C and half charge; NaN where it cannot be told.
            Without a temperature as it was.
        sigma_ohm: Standard uncertainty; the spread of the blocks and the normalisation [Ω].
        per_year: Trend as a share a year; NaN where the record is too short.
        per_year_sigma: Its standard uncertainty.
        blocks: Quarters of an hour of the latest period that it rests on.
        blocks_all: Those of the whole record.
        horizon_second: How long after the step the voltage was read.
        celsius: Median temperature they were measured at; NaN where none was recorded [°C].
        mapped: Whether the vehicle's own map of the charge was used.
        lagging: Whether the voltage lags the current too far for an answer.
        method: The estimator's name.
    """

    unix_time_second: float
    resistance_ohm: float
    sigma_ohm: float
    per_year: float
    per_year_sigma: float
    blocks: int
    blocks_all: int
    horizon_second: float
    celsius: float
    mapped: bool
    lagging: bool = False
    method: str = "soh_resistance"

    @property
    def known(self) -> bool:
        """Whether there is an answer."""
        return math.isfinite(self.resistance_ohm)

    @property
    def warm(self) -> bool:
        """Whether a temperature was recorded, so that the value is that at 25 °C."""
        return math.isfinite(self.celsius)

    @property
    def told(self) -> str:
        """The answer in words, or how much is missing for one."""
        if self.lagging:
            return "cannot tell: the voltage lags the current by more than a step shows"
        if not self.known:
            return f"cannot tell yet ({self.blocks_all} of {BLOCKS_MIN} quarters of an hour driven)"
        half = NORMAL_90 * self.sigma_ohm
        low, high = 1e3 * (self.resistance_ohm - half), 1e3 * (self.resistance_ohm + half)
        return f"{1e3 * self.resistance_ohm:.2f} mΩ a cell ({low:.2f} to {high:.2f})"


def usual_interval(trace: PackTrace) -> float:
    """Give the usual time between rows [s], NaN for fewer than two."""
    passed = interval_second(trace)[1:]
    return float(median(passed, axis=0)) if len(passed) else math.nan


def resistance_blocks(trace: PackTrace) -> tuple[Block, ...]:
    """Solve every quarter of an hour in which the current moved enough.

    Args:
        trace: The record; rows too far apart show no step and give nothing.
    """
    usual = usual_interval(trace)
    if not 0.0 < usual <= INTERVAL_MAX:
        return ()
    lags = SLOW_LAGS if usual >= SLOW_SECOND else LAGS
    passed = interval_second(trace)
    steady = (passed > 0.5 * usual) & (passed < 1.5 * usual)
    di = np.diff(trace.current_ampere, prepend=np.nan)
    prompt = np.isfinite(trace.string_volt).mean() > 0.5 if trace.rows else False
    dv = np.diff(trace.string_volt if prompt else trace.cell_volt, prepend=np.nan)
    rows = np.full((trace.rows, lags + 1), np.nan)
    fit = steady & np.isfinite(dv)
    for lag in range(lags + 1):
        rows[lag:, lag] = di[: trace.rows - lag]
        fit[lag:] &= steady[: trace.rows - lag]
    fit &= np.isfinite(rows).all(axis=1)
    number = ((trace.unix_time_second - trace.unix_time_second[0]) // BLOCK_SECOND).astype(np.int64)
    used = np.flatnonzero(fit)
    cuts = np.flatnonzero(np.diff(number[used])) + 1
    found = []
    for part in np.split(used, cuts):
        if len(part) < ROWS_MIN or float(np.sqrt(np.mean(di[part] ** 2))) < STEP_AMPERE:
            continue
        response = np.linalg.lstsq(rows[part], dv[part], rcond=None)[0]
        ohm = float(response.sum())
        if 0.0 < ohm < OHM_MAX:
            found.append(
                Block(
                    float(trace.unix_time_second[part[-1]]),
                    ohm,
                    float(response[0]) / ohm,
                    _mean(trace.temperature_celsius[part]),
                    _mean(trace.soc_reported[part]),
                )
            )
    return tuple(found)


def resistance_estimate(
    blocks: Sequence[Block], activation_joule_per_mole: float, interval: float
) -> ResistanceEstimate:
    """Sum blocks up: the median of the latest period, and how it moves.

    Args:
        blocks: In order of time.
        activation_joule_per_mole: Of the resistance [J/mol].
        interval: Usual time between rows [s].
    """
    slow = interval >= SLOW_SECOND
    horizon = interval * (SLOW_LAGS if slow else LAGS)
    lagging = len(blocks) >= BLOCKS_MIN and median(np.array([b.prompt for b in blocks]), 0) < PROMPT
    if len(blocks) < BLOCKS_MIN or lagging:
        last = blocks[-1].unix_time_second if blocks else math.nan
        return ResistanceEstimate(
            unix_time_second=last,
            resistance_ohm=math.nan,
            sigma_ohm=math.nan,
            per_year=math.nan,
            per_year_sigma=math.nan,
            blocks=len(blocks),
            blocks_all=len(blocks),
            horizon_second=horizon,
            celsius=math.nan,
            mapped=False,
            lagging=bool(lagging),
        )
    second, ohm, _, celsius, soc = np.array(blocks).T
    exponent = _warmth(celsius) * activation_joule_per_mole / GAS_CONSTANT_JOULE_PER_MOLE_KELVIN
    logarithm = np.log(ohm) - np.nan_to_num(exponent)
    logarithm, mapped = _at_half_charge(logarithm, soc)
    late = second > second[-1] - PERIOD_SECOND
    if late.sum() < BLOCKS_MIN:
        late = np.arange(len(second)) >= len(second) - BLOCKS_MIN
    middle = float(median(logarithm[late], axis=0))
    random = _MEDIAN_LOSS * spread(logarithm[late]) / math.sqrt(float(late.sum()))
    unsure = ACTIVATION_SIGMA * abs(float(np.nan_to_num(exponent[late]).mean()))
    unsure = math.hypot(unsure, UNKNOWN_WARMTH if np.isnan(celsius[late]).all() else 0.0)
    trend, trend_sigma = _trend(second, logarithm)
    warm = celsius[late][np.isfinite(celsius[late])]
    return ResistanceEstimate(
        unix_time_second=float(second[-1]),
        resistance_ohm=math.exp(middle),
        sigma_ohm=math.exp(middle) * math.hypot(random, unsure),
        per_year=trend,
        per_year_sigma=trend_sigma,
        blocks=int(late.sum()),
        blocks_all=len(blocks),
        horizon_second=horizon,
        celsius=float(median(warm, axis=0)) if len(warm) else math.nan,
        mapped=mapped,
    )


def _warmth(celsius: Float[np.ndarray, "blocks"]) -> Float[np.ndarray, "blocks"]:
    """Give ``1/T - 1/T_ref`` [1/K]."""
    reference = kelvin_from_celsius(REFERENCE_TEMPERATURE_CELSIUS)
    return 1.0 / (celsius + kelvin_from_celsius(0.0)) - 1.0 / reference


def _at_half_charge(
    logarithm: Float[np.ndarray, "blocks"], soc: Float[np.ndarray, "blocks"]
) -> tuple[Float[np.ndarray, "blocks"], bool]:
    """Take the vehicle's own map of the charge out, where enough of it has been seen."""
    known = np.isfinite(soc)
    if known.sum() < 4 * BLOCKS_MIN or float(np.ptp(soc[known])) < MAP_SPAN:
        return logarithm, False
    half = np.where(known, soc - 0.5, 0.0)
    design = np.stack([np.ones(len(half)), half, half**2], axis=1)
    weight = known.astype(float)
    for _ in range(5):
        held = (design * weight[:, None]).T @ design + np.diag([0.0, 1e-3, 1e-3])
        found = np.linalg.solve(held, design.T @ (weight * logarithm))
        left = logarithm - design @ found
        scale = max(spread(left[known]), 1e-3)
        weight = known / np.maximum(1.0, np.abs(left) / (2.0 * scale))
    return logarithm - design[:, 1:] @ found[1:], True


def _trend(
    second: Float[np.ndarray, "blocks"], logarithm: Float[np.ndarray, "blocks"]
) -> tuple[float, float]:
    """Give the change a year through the medians of the periods; NaN for a short record."""
    period = ((second - second[0]) // PERIOD_SECOND).astype(np.int64)
    numbers, count = np.unique(period, return_counts=True)
    numbers = numbers[count >= BLOCKS_MIN]
    if len(numbers) < 4 or second[-1] - second[0] < TREND_DAYS * SECOND_PER_DAY:
        return math.nan, math.nan
    year = PERIOD_SECOND / (365.25 * SECOND_PER_DAY)
    level = np.array([float(median(logarithm[period == n], axis=0)) for n in numbers])
    slope = theil_sen(numbers.astype(float), level)
    off = max(spread(level - slope * numbers), 1e-3)
    run = float(np.sqrt(((numbers - numbers.mean()) ** 2).sum()))
    return slope / year, off / run / year


def _mean(values: Float[np.ndarray, "rows"]) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else math.nan

"""A reading that slides away day by day while what it measures does not: a drifting sensor.

A cell that leaks and a channel that drifts both slide against their siblings, at rest too.  What
tells them apart is the open-circuit curve: a loss of charge shows as its slope makes it, much where
the curve is steep and little where it is flat, and a drift shows alike at any charge.  So a cell's
deviations are fitted twice, with a ramp of volts and with a ramp of charge, beside what has always
moved it.  Downwards a drift is told, and a leak no longer claimed, only where the ramp of volts is
far likelier; else the slide stays a suspected leak.  Upwards no leak goes, so that it is enough if
volts explain it no worse.

Of probes the rest tells: hours after the last current all places of a pack have come together, and
what a probe is then apart from the median probe is its own.  Night by night that is a series, and a
slope of it a drift.  A place that makes heat by itself, and more each day, cannot be told from a
probe that drifts upwards by this alone, and the finding says so.
"""

from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from voltherd.detection.memory import Memory, days
from voltherd.detection.verdict import Verdict
from voltherd.detection.windows import REST_AMPERE
from voltherd.numerics.robust import median, sibling_score, spread
from voltherd.types.event import Location, LocationKind, Phenomenon, Severity
from voltherd.types.sample import SampleBatch
from voltherd.units import SECOND_PER_DAY, SECOND_PER_HOUR

CAUSE: Final = "drift"
PROBE_CAUSE: Final = "probe_drift"
SIBLINGS_MIN: Final = 6
WINDOWS_DAY: Final = (7.0, 28.0)
ROWS_MIN: Final = 24
VOLT_PER_DAY_MIN: Final = 3e-4
VOLT_MIN: Final = 0.004
"""What must have been drifted over the window [V]."""
VOLT_RECOMMENDED: Final = 0.03
SCREEN: Final = 5.0
SCORE_MIN: Final = 6.0
PER_DAY_FLOOR: Final = 5e-5
"""Least spread of the siblings' slopes to score by [V/day]."""
CORRELATION: Final = 3.0
"""Neighbouring periods repeat each other's errors: nine count as one."""
SIGMAS_MIN: Final = 4.0
LOG_ODDS_UP: Final = 0.0
"""What a ramp of volts must explain better than one of charge; no cell gains charge by itself."""
LOG_ODDS_DOWN: Final = 5.0
"""Downwards it may be a leak: curves are known to a tenth only, and a leak is not to be missed."""
STEP_MAX: Final = 0.8
"""One step that leaves less than this share of what the ramp leaves is no drift."""
THIRD_MIN: Final = 0.15
"""Share of the whole that each half of a drift must show."""
RESTED_SECOND: Final = 4.0 * SECOND_PER_HOUR
"""After so long without current all places of a pack have one temperature."""
EVERY_SECOND: Final = 1800.0
NIGHT_SECOND: Final = 12.0 * SECOND_PER_HOUR
"""Rests nearer to each other are one night."""
NIGHTS_KEPT: Final = 56
NIGHTS_MIN: Final = 8
KELVIN_MIN: Final = 1.0
KELVIN_RECOMMENDED: Final = 6.0
KELVIN_PER_DAY_FLOOR: Final = 0.02


class Nights(NamedTuple):
    """What each probe was apart from the median probe after hours of rest.

    Attributes:
        moved_second: When a current last flowed, or the record began; NaN before [unix s].
        next_second: From when the next row counts [unix s].
        begun_second: When the night under way began; NaN for none [unix s].
        rows: Rows of it that counted.
        total: Sum of each probe's distance from the median probe in them [K].
        second: Begin of each night kept [unix s].
        apart: Mean distances in it [K].
    """

    moved_second: float
    next_second: float
    begun_second: float
    rows: int
    total: Float[np.ndarray, " p"]
    second: Float[np.ndarray, " n"]
    apart: Float[np.ndarray, "n p"]


def init(probes: int) -> Nights:
    """Know nothing of so many probes."""
    nan = float("nan")
    return Nights(
        nan, -np.inf, nan, 0, np.zeros(probes), np.empty(0), np.empty((0, probes), np.float32)
    )


def look(nights: Nights, batch: SampleBatch) -> Nights:
    """Take rows into account; few are looked at, one in half an hour of rest."""
    current = batch.scalar.get("current_ampere")
    if current is None or batch.probes < SIBLINGS_MIN:
        return nights
    time = batch.unix_time_second
    moved = nights.moved_second if np.isfinite(nights.moved_second) else float(time[0])
    flows = np.abs(current) > REST_AMPERE
    last = np.maximum.accumulate(np.where(flows, time, moved))
    rested = np.flatnonzero(time - last >= RESTED_SECOND)
    nights = nights._replace(moved_second=float(last[-1]))
    for row in rested.tolist() if len(rested) else ():
        if time[row] >= nights.next_second:
            nights = _rested(nights, float(time[row]), batch.probe_temperature_celsius[row])
    return nights


def _rested(nights: Nights, second: float, celsius: Float[np.ndarray, " p"]) -> Nights:
    """Take a row of rest into its night, or close the night before."""
    if second - nights.begun_second > NIGHT_SECOND:
        nights = nights._replace(
            second=np.append(nights.second, nights.begun_second)[-NIGHTS_KEPT:],
            apart=np.concatenate([nights.apart, (nights.total / nights.rows)[None]])[
                -NIGHTS_KEPT:
            ].astype(np.float32),
            begun_second=float("nan"),
        )
    if np.isnan(nights.begun_second):
        nights = nights._replace(begun_second=second, rows=0, total=np.zeros(len(celsius)))
    values = celsius.astype(np.float64)
    return nights._replace(
        next_second=second + EVERY_SECOND,
        rows=nights.rows + 1,
        total=nights.total + (values - float(median(values, axis=0))),
    )


def judge_probes(nights: Nights) -> tuple[Verdict, ...]:
    """Name the probes whose nights slide away from their siblings'."""
    count = len(nights.second)
    if count < NIGHTS_MIN:
        return ()
    second, apart = nights.second, nights.apart
    age = (second - second[-1]) / SECOND_PER_DAY
    ramp = age - age.mean()
    power = float(ramp @ ramp)
    if power <= 0.0:
        return ()
    per_day = ramp @ apart.astype(np.float64) / power
    whole = np.abs(per_day) * (age[-1] - age[0])
    if not (whole >= KELVIN_MIN).any():
        return ()  # mostly: what follows is spared
    score, centre, _ = sibling_score(per_day, KELVIN_PER_DAY_FLOOR / 3.0)
    left = apart - apart.mean(axis=0) - ramp[:, None] * per_day
    sigma = np.sqrt((left**2).sum(axis=0) / max(len(age) - 2, 1) / power)
    named = (whole >= KELVIN_MIN) & (np.abs(score) >= SCORE_MIN)
    named &= np.abs(per_day - centre) >= SIGMAS_MIN * np.maximum(sigma, 1e-6)
    thirds = [median(part, axis=0) for part in np.array_split(apart.astype(np.float64), 3)]
    named &= _slides(thirds, per_day, whole)
    return tuple(
        Verdict(
            cause=PROBE_CAUSE,
            phenomenon=Phenomenon.SENSOR_DRIFT,
            location=Location(kind=LocationKind.PROBE, index=int(p) + 1),
            severity=Severity.RECOMMENDED if whole[p] >= KELVIN_RECOMMENDED else Severity.OPERATING,
            score=float(score[p]),
            persistence=3,
            numbers={
                "kelvin_per_day": float(per_day[p]),
                "sigma_per_day": float(sigma[p]),
                "kelvin": float(per_day[p] * (age[-1] - age[0])),
                "nights": float(len(age)),
            },
        )
        for p in np.flatnonzero(named)
    )


def _slides(
    thirds: list[np.ndarray], per_day: Float[np.ndarray, " p"], whole: Float[np.ndarray, " p"]
) -> Bool[np.ndarray, " p"]:
    """Tell who moves on from third to third; a step or a wave does not."""
    way = np.sign(per_day)
    steps = [way * (after - before) for before, after in pairwise(thirds)]
    return np.asarray((steps[0] >= THIRD_MIN * whole) & (steps[1] >= THIRD_MIN * whole))


class Ramp(NamedTuple):
    """A course that a cell's deviations are asked for.

    Attributes:
        volt_per_day: Its slope when it is one of volts.
        sigma_per_day: Its standard error.
        log_odds: Of a ramp of volts against one of charge: logarithm of their likelihoods' ratio.
        steps: Whether one step explains more than the ramp.
    """

    volt_per_day: float
    sigma_per_day: float
    log_odds: float
    steps: bool


def ramp_of(memory: Memory, cell: int, window_day: float, begun_day: float | None = None) -> Ramp:
    """Fit a cell's course in volts with a ramp of volts, and with one of charge.

    Args:
        memory: The past.
        cell: From 0.
        window_day: How far to look back [day].
        begun_day: How long ago the ramp begins; at the window's start where not given [day].
    """
    age = days(memory)
    rows = np.isfinite(memory.history_soc) & np.isfinite(memory.history_volt[:, cell])
    if rows.any():
        rows &= age >= age[rows][-1] - window_day
    if rows.sum() < ROWS_MIN:
        return Ramp(0.0, np.inf, 0.0, steps=False)
    charge = memory.history_charge[rows].astype(np.float64)
    volt = memory.history_volt[rows].astype(np.float64)
    known = np.nan_to_num(charge)
    shared = (np.nan_to_num(volt) * known).sum(axis=1)
    slope = shared / np.maximum((known * known).sum(axis=1), 1e-12)
    readable = np.isfinite(charge[:, cell])
    with_charge = slope * (charge[:, cell] - median(charge, axis=1))
    # Resistance is taken out where a deviation can be read as charge.
    own = np.where(readable, with_charge, volt[:, cell] - median(volt, axis=1))
    time = age[rows]
    course = time - time[0] if begun_day is None else np.maximum(time + begun_day, 0.0)
    soc = memory.history_soc[rows]
    base = np.stack([np.ones(len(own)), slope, slope * (soc - soc.mean())], axis=1)
    (volt_per_day, sigma, left), (_, _, as_charge) = (
        _fitted(own, np.column_stack([ramp, base])) for ramp in (course, slope * course)
    )
    return Ramp(
        volt_per_day,
        CORRELATION * sigma,
        -0.5 * len(own) / CORRELATION**2 * float(np.log(left / as_charge)),
        steps=_one_step(own, base) < STEP_MAX * left,
    )


def _fitted(
    own: Float[np.ndarray, " n"], terms: Float[np.ndarray, "n k"]
) -> tuple[float, float, float]:
    """Give the first term, its standard error by white errors, and what is left."""
    inverse = np.linalg.inv(terms.T @ terms + 1e-9 * np.eye(terms.shape[1]))
    shares = inverse @ (terms.T @ own)
    left = max(float(((own - terms @ shares) ** 2).sum()), 1e-12)
    return float(shares[0]), float(np.sqrt(left / len(own) * inverse[0, 0])), left


def _one_step(own: Float[np.ndarray, " n"], base: Float[np.ndarray, "n 3"]) -> float:
    """Give what the best single step leaves, beside the same base."""
    basis, _ = np.linalg.qr(base)
    rest = own - basis @ (basis.T @ own)
    count = len(own)
    steps = np.tri(count, count, -1)[:, : count - 1]  # each begins one row later
    steps -= basis @ (basis.T @ steps)
    power = np.maximum((steps**2).sum(axis=0), 1e-9)
    return float(rest @ rest - ((rest @ steps) ** 2 / power).max())


def judge(memory: Memory) -> tuple[Verdict, ...]:
    """Name the cells whose reading drifts now, each by the window that shows it best."""
    if len(memory.square) < SIBLINGS_MIN or memory.periods < ROWS_MIN:
        return ()
    age = days(memory)
    best: dict[int, Verdict] = {}
    for window_day in WINDOWS_DAY:
        first = int(age.searchsorted(-window_day))
        span = float(-age[first])
        if len(age) - first < ROWS_MIN or span < 0.7 * window_day:
            continue
        volt = memory.history_volt[first:]
        ramp = (age[first:] - age[first:].mean()).astype(np.float32)
        per_day = ramp @ volt / float(ramp @ ramp)
        apart = np.abs(per_day - median(per_day, axis=0))
        least = max(VOLT_PER_DAY_MIN, VOLT_MIN / span)
        if not (apart >= least).any():
            continue  # mostly: what follows is spared
        wide = max(spread(per_day), PER_DAY_FLOOR)
        for cell in np.flatnonzero((apart >= least) & (apart >= SCREEN * wide)).tolist():
            found = ramp_of(memory, cell, window_day)
            score = found.volt_per_day / wide
            sure = abs(found.volt_per_day) >= max(least, SIGMAS_MIN * found.sigma_per_day)
            least_odds = LOG_ODDS_UP if found.volt_per_day > 0.0 else LOG_ODDS_DOWN
            if found.log_odds < least_odds or not sure or abs(score) < SCORE_MIN or found.steps:
                continue
            if cell not in best or abs(score) > abs(best[cell].score):
                best[cell] = _verdict(cell, found, score, span)
    return tuple(best.values())


def _verdict(cell: int, found: Ramp, score: float, span: float) -> Verdict:
    volt = found.volt_per_day * span
    return Verdict(
        cause=CAUSE,
        phenomenon=Phenomenon.SENSOR_DRIFT,
        location=Location(kind=LocationKind.CELL, index=cell + 1, cells=(cell + 1,)),
        severity=Severity.RECOMMENDED if abs(volt) >= VOLT_RECOMMENDED else Severity.OPERATING,
        score=score,
        persistence=3,
        numbers={
            "volt_per_day": found.volt_per_day,
            "sigma_per_day": found.sigma_per_day,
            "volt": volt,
            "window_day": span,
        },
    )

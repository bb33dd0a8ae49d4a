"""A cell that loses charge against its siblings day by day: an internal short or self-discharge.

The charge-equivalent deviation of each cell is regressed on time over four windows, with the state
of charge beside it so that a lack of capacity (which comes and goes with every cycle) is not
mistaken for a loss.  Minor drift adds up: the longest window finds 1 mV a day.  A loss that has
begun lately is told sooner by ``onset``, from the cell's own past.
"""

from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from voltherd.detection.cells import NOISE_VOLT
from voltherd.detection.charge_scale import SLOPE_UNCERTAINTY
from voltherd.detection.drift import LOG_ODDS_DOWN, ramp_of
from voltherd.detection.memory import Memory, days
from voltherd.detection.onset import PAST_DAY, bends
from voltherd.detection.verdict import Verdict
from voltherd.numerics.robust import median, sibling_score, spread
from voltherd.types.event import Location, LocationKind, Phenomenon, Severity

CAUSE: Final = "short"
SIBLINGS_MIN: Final = 6
WINDOWS_DAY: Final = (0.5, 2.0, 7.0, 28.0)
SCORE_MIN: Final = (8.0, 7.0, 6.0, 6.0)
LOSS_MIN_PER_DAY: Final = (0.03, 0.003, 0.001, 0.001)
"""Least leak each window may claim: short ones only what is fast."""
THIRD_MIN: Final = 0.2
"""Share of the whole loss that each half of a slide must show; a step or a wave does not."""
ROWS_MIN: Final = 8
SEEN_MIN: Final = 0.3
"""Share of a window's periods a cell must be measured in before its slope is believed."""
FILL_MIN: Final = 0.7
"""Share of a window that must lie between its first and last period."""
PER_DAY_RECOMMENDED: Final = 0.003
PER_DAY_SAFETY: Final = 0.05
"""Leak as a fraction of the cell's charge per day."""
PER_DAY_FLOOR: Final = 1e-4
"""Least spread of the siblings' slopes to score by [1/day]."""
SCREEN_MARGIN: Final = 1.01
"""Share by which the screen may be wrong; single precision is a thousand times better."""
MISFIT: Final = SLOPE_UNCERTAINTY + 0.1
"""Share of a standing deviation that a wrong OCV slope can make come and go."""
ALIKE_MAX: Final = 0.5
"""Squared correlation of time and charge above which one long discharge looks like a leak."""
CHANGE_MIN: Final = 0.006
"""What must actually have been lost over the window before it counts [fraction]."""


_PRIOR: Final = np.array([0.02, 0.15, 0.05, 0.02])
"""Standard deviations of leak, lack of capacity, lack of charge and constant error, before any
data [1/day, 1, 1, V]."""
_RIDGE: Final = np.diag([1e-9, 1e-3, 0.0])
OWN_SHARE_MIN: Final = 0.5
"""Share of a leak that must remain when the cell is also granted a constant error."""

STEP_MAX: Final = 0.8
"""A step that leaves less than this share of what a slide leaves is no slide."""


class Leak(NamedTuple):
    """Slopes over one window.

    Attributes:
        per_day: Change of charge of each cell against its siblings [1/day].
        slides: Whether first, middle and last third of the window fall one after the other.
        level: Largest deviation in any third, either sign [fraction].
        sigma_per_day: Standard error of the slopes, median over the cells.
        window_day: Time between the first and last period used.
    """

    per_day: Float[np.ndarray, " c"]
    slides: Bool[np.ndarray, " c"]
    level: Float[np.ndarray, " c"]
    sigma_per_day: float
    window_day: float


class Course(NamedTuple):
    """The periods in which any cell could be read as charge.

    Attributes:
        age_day: Their times, the last period of all at 0 [day].
        soc: State of charge in each.
        charge: Each cell's deviation as charge, NaN where unreadable.
        holed: Whether any cell is unreadable in it.
    """

    age_day: Float[np.ndarray, " n"]
    soc: Float[np.ndarray, " n"]
    charge: Float[np.ndarray, "n c"]
    holed: Bool[np.ndarray, " n"]

    def since(self, window_day: float) -> int | None:
        """Give the first period of the last days, None where they are not filled."""
        if not len(self.age_day):
            return None
        last = float(self.age_day[-1])
        first = int(self.age_day.searchsorted(last - window_day))
        if len(self.soc) - first < ROWS_MIN or last - self.age_day[first] < FILL_MIN * window_day:
            return None
        return first


def course(memory: Memory) -> Course:
    """Take from the history what can be read as charge."""
    charge = memory.history_charge
    holed = np.isnan(charge.sum(axis=1))
    rows = np.isfinite(memory.history_soc)
    if holed.any():
        rows[holed] &= ~np.isnan(charge[holed]).all(axis=1)
    elif rows.all():  # mostly: nothing is copied
        return Course(days(memory), memory.history_soc, charge, holed)
    return Course(days(memory)[rows], memory.history_soc[rows], charge[rows], holed[rows])


def suspected(seen: Course) -> list[int]:
    """Give the windows in which somebody may leak, by their slopes in single precision.

    A screen with a margin: most packs are healthy most of the time, and what it lets through is
    looked at exactly.
    """
    count = len(seen.soc)
    x = np.ones((count, 3))
    x[:, 0], x[:, 1] = seen.age_day, seen.soc
    single = x.astype(np.float32)
    found = []
    for k, window_day in enumerate(WINDOWS_DAY):
        first = seen.since(window_day)
        if first is None:
            continue
        (tt, tz, t), (_, zz, z), (_, _, rows) = (x[first:].T @ x[first:]).tolist()
        tt, tz, zz = tt - t * t / rows + _RIDGE[0, 0], tz - t * z / rows, zz - z * z / rows
        zz += _RIDGE[1, 1]
        weight = np.array([zz, -tz, (tz * z - zz * t) / rows]) / (tt * zz - tz * tz)
        slope = weight.astype(np.float32) @ (single[first:].T @ seen.charge[first:])
        slope.sort()
        if np.isnan(slope[-1]):  # somebody was missing at times
            found.append(k)
            continue
        loss = SCREEN_MARGIN * float(slope[len(slope) // 2] - slope[0])
        span = float(seen.age_day[-1] - seen.age_day[first])
        if loss < LOSS_MIN_PER_DAY[k] or loss * span < CHANGE_MIN:
            continue
        if loss >= SCORE_MIN[k] * max(spread(slope), PER_DAY_FLOOR):
            found.append(k)
    return found


def leak(seen: Course, window_day: float, loss_min: float) -> Leak | None:
    """Fit the slopes over the last days.

    Args:
        seen: What can be read as charge.
        window_day: How far to look back [day].
        loss_min: Least loss of interest [1/day].

    Returns:
        The slopes; None where the window is not filled, where time cannot be told from charge in
        it, or where nobody loses enough to look closer.
    """
    first = seen.since(window_day)
    if first is None:
        return None
    t, z = seen.age_day[first:], seen.soc[first:]
    x = np.stack([t - t.mean(), z - z.mean(), np.ones(len(t))], axis=1)
    if _alike(x[:, 0], x[:, 1]) > ALIKE_MAX:
        return None
    inverse = np.linalg.inv(x.T @ x + _RIDGE)
    charge = seen.charge[first:]
    if seen.holed[first:].any():
        charge = _filled(charge, x)
    terms = inverse @ (x.T @ charge)
    loss = float(median(terms[0], axis=0)) - terms[0].min()
    if loss < loss_min or loss * (t[-1] - t[0]) < CHANGE_MIN:
        return None
    noise = ((charge - x @ terms) ** 2).sum(axis=0) / max(len(t) - 3, 1)
    sigma = np.sqrt(float(median(noise, axis=0)) * inverse[0, 0])
    levels = charge - x[:, 1:2] * terms[1]
    thirds = [median(part, axis=0) for part in np.array_split(levels, 3)]
    least = THIRD_MIN * np.abs(terms[0]) * (t[-1] - t[0])
    slides = (thirds[0] - thirds[1] >= least) & (thirds[1] - thirds[2] >= least)
    level = np.max(np.abs(thirds), axis=0)
    return Leak(terms[0], slides, level, float(sigma), float(t[-1] - t[0]))


def without_offset(memory: Memory, window_day: float, cell: int) -> float:
    """Give the leak that remains when the cell may also be measured with a constant error [1/day].

    A constant error looks like charge that comes and goes as the slope of the open-circuit voltage
    changes; over part of a discharge it slides.  Volts are fitted, with the slope of each period
    taken from what all cells' deviations say there, in volts and as charge.
    """
    age = days(memory)
    rows = _readable(memory, window_day) & np.isfinite(memory.history_volt[:, cell])
    charge = np.nan_to_num(memory.history_charge[rows].astype(np.float64))
    volt = memory.history_volt[rows].astype(np.float64)
    shared = (np.nan_to_num(volt) * charge).sum(axis=1)
    slope = shared / np.maximum((charge * charge).sum(axis=1), 1e-12)
    t, z = age[rows] - age[rows].mean(), memory.history_soc[rows]
    x = np.stack([slope * t, slope * (z - z.mean()), slope, np.ones(len(t))], axis=1)
    own = volt[:, cell] - median(volt, axis=1)
    prior = np.diag((NOISE_VOLT / _PRIOR) ** 2)
    terms = np.linalg.solve(x.T @ x + prior, x.T @ own)
    return float(-terms[0])


def jumps(memory: Memory, window_day: float, cell: int) -> bool:
    """Whether one step explains a cell's course clearly better than a steady slide."""
    age = days(memory)
    rows = _readable(memory, window_day) & np.isfinite(memory.history_charge[:, cell])
    charge = memory.history_charge[rows].astype(np.float64)
    own = charge[:, cell] - median(charge, axis=1)
    t = age[rows] - age[rows].mean()
    own = own - own.mean()
    ramp = float(own @ own - (t @ own) ** 2 / (t @ t))
    before = np.arange(1, len(own))
    total = np.cumsum(own)[:-1]
    step = float(own @ own - (total**2 / before + total**2 / (len(own) - before)).max())
    return step < STEP_MAX * ramp


def _readable(memory: Memory, window_day: float) -> Bool[np.ndarray, " n"]:
    """Tell the periods of the window in which any cell could be read as charge."""
    age = days(memory)
    rows = np.isfinite(memory.history_charge).any(axis=1) & np.isfinite(memory.history_soc)
    if rows.any():
        rows &= age >= age[rows][-1] - window_day
    return np.asarray(rows)


def _filled(
    charge: Float[np.ndarray, "n c"], x: Float[np.ndarray, "n 3"]
) -> Float[np.ndarray, "n c"]:
    """Give a cell's missing values as its own fit has them; a cell hardly seen stands at 0."""
    missing = np.isnan(charge)
    filled = np.where(missing, np.float32(0.0), charge)
    for cell in np.flatnonzero(missing.any(axis=0)):
        seen = ~missing[:, cell]
        if seen.sum() < max(ROWS_MIN, SEEN_MIN * len(charge)):
            filled[:, cell] = 0.0
            continue
        terms, *_ = np.linalg.lstsq(x[seen], charge[seen, cell], rcond=None)
        filled[~seen, cell] = x[~seen] @ terms
    return filled


def _alike(first: Float[np.ndarray, " n"], second: Float[np.ndarray, " n"]) -> float:
    """Give the squared correlation of two centred series."""
    return float((first @ second) ** 2 / max((first @ first) * (second @ second), 1e-30))


def judge(memory: Memory) -> tuple[Verdict, ...]:
    """Name the cells that leak now, each by the window that shows it best."""
    if len(memory.square) < SIBLINGS_MIN or memory.periods < ROWS_MIN:
        return ()
    best: dict[int, Verdict] = {}
    seen = course(memory)
    for k in suspected(seen):
        window_day, score_min, loss_min = WINDOWS_DAY[k], SCORE_MIN[k], LOSS_MIN_PER_DAY[k]
        found = leak(seen, window_day, loss_min)
        if found is None:
            continue
        score, centre, sigma = sibling_score(found.per_day, max(found.sigma_per_day, PER_DAY_FLOOR))
        loss = centre - found.per_day
        named = (
            (score <= -score_min)
            & (loss >= loss_min)
            & found.slides
            & (loss * found.window_day >= np.maximum(CHANGE_MIN, MISFIT * found.level))
        )
        for cell in np.flatnonzero(named):
            if without_offset(memory, window_day, int(cell)) < OWN_SHARE_MIN * loss[cell]:
                continue
            if (
                jumps(memory, window_day, int(cell))
                or ramp_of(memory, int(cell), window_day).log_odds >= LOG_ODDS_DOWN
            ):
                continue
            verdict = _verdict(
                int(cell), float(loss[cell]), float(score[cell]), sigma, found.window_day
            )
            if cell not in best or abs(verdict.score) > abs(best[int(cell)].score):
                best[int(cell)] = verdict
    for bend in bends(memory):
        if ramp_of(memory, bend.cell, PAST_DAY, bend.begun_day).log_odds >= LOG_ODDS_DOWN:
            continue
        if bend.cell not in best or abs(bend.score) > abs(best[bend.cell].score):
            best[bend.cell] = _verdict(
                bend.cell, bend.per_day, bend.score, bend.sigma_per_day, bend.begun_day
            )
    return tuple(best.values())


def _verdict(cell: int, loss: float, score: float, sigma: float, window_day: float) -> Verdict:
    if loss >= PER_DAY_SAFETY:
        severity = Severity.SAFETY
    else:
        severity = Severity.RECOMMENDED if loss >= PER_DAY_RECOMMENDED else Severity.OPERATING
    return Verdict(
        cause=CAUSE,
        phenomenon=Phenomenon.INTERNAL_SHORT,
        location=Location(kind=LocationKind.CELL, index=cell + 1, cells=(cell + 1,)),
        severity=severity,
        score=score,
        persistence=3,
        numbers={
            "loss_per_day": loss,
            "sigma_per_day": sigma,
            "window_day": window_day,
        },
    )

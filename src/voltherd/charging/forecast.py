"""Forecasts of demand, arrivals, sun and prices, with quantiles, and what they are worth.

Every method is a function from a history to the next steps.  Its quantiles come from what it was
wrong by in that history, at the same distance ahead: it is asked again and again from the past,
never shown what came after.  Methods are scored by walking through a series
(:func:`score`), always beside the seasonal naive one, which repeats the season before: what does
not beat that is not worth having.

Source: Hyndman and Athanasopoulos, Forecasting: Principles and Practice (2021), ch. 5 and 8; the
pinball loss: Koenker and Bassett, Econometrica 46 (1978) 33.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias, final

import numpy as np
from jaxtyping import Float

from voltherd.errors import InputError

LEVELS: Final = (0.1, 0.5, 0.9)
ORIGINS: Final = 28
"""Times in the past from which a method is asked for its errors."""
SEASONS_KEPT: Final = 8
"""Older ones are not smoothed."""
LEADS: Final = 3
"""Errors of so many neighbouring distances ahead are taken together."""
Series: TypeAlias = Float[np.ndarray, " steps"]
Ahead: TypeAlias = Float[np.ndarray, " horizon"]
Quantiles: TypeAlias = Float[np.ndarray, "levels horizon"]
Point: TypeAlias = Callable[[Series, int], Ahead]
"""A forecast of single values: history, how many steps."""
Method: TypeAlias = Callable[[Series, int, Sequence[float]], Quantiles]
"""A forecast of quantiles: history, how many steps, levels."""


class Score(NamedTuple):
    """What a method was worth on a series.

    Attributes:
        name: Of the method.
        pinball: Mean loss over levels, steps and origins, in the series' unit.
        coverage: Share of values between the lowest and the highest level.
        width: Mean distance between these two, in the series' unit.
        error: Mean absolute error of the middle level, in the series' unit.
        skill: 1 - pinball over that of the seasonal naive method.
        origins: From how many times it was asked.
    """

    name: str
    pinball: float
    coverage: float
    width: float
    error: float
    skill: float
    origins: int


def persistence(history: Series, horizon: int) -> Ahead:
    """Repeat the last value."""
    return np.full(horizon, history[-1])


def seasonal_naive(season: int) -> Point:
    """Repeat the last season.

    >>> seasonal_naive(3)(np.array([9.0, 9.0, 9.0, 1.0, 2.0, 3.0]), 5)
    array([1., 2., 3., 1., 2.])
    """
    return lambda history, horizon: np.resize(history[-season:], horizon)


def smoothed(season: int) -> Point:
    """Smooth every phase of the season over seasons, and the level over steps.

    The seasonal pattern and the present departure from it are both exponential averages; how
    quickly they forget is what would have been best, one step ahead, in the history.
    """

    def forecast(history: Series, horizon: int) -> Ahead:
        whole = min(len(history) // season, SEASONS_KEPT)
        seasons = history[-whole * season :].reshape(whole, season)
        best, chosen = np.inf, np.zeros(horizon)
        for keep in (0.0, 0.6, 0.85):
            pattern, before = _pattern(seasons, keep)
            for forget in (0.0, 0.1, 0.4):
                departure = _average(before, forget)
                wrong = float(np.abs(before[1:] - departure[:-1]).mean())
                if wrong < best:
                    best = wrong
                    chosen = np.resize(pattern, horizon) + departure[-1]
        return chosen

    return forecast


def _pattern(
    seasons: Float[np.ndarray, "whole season"], keep: float
) -> tuple[Float[np.ndarray, " season"], Series]:
    """Give a season's pattern now, and how the seasons departed from the one of their time."""
    pattern = seasons[0]
    departed = []
    for one in seasons[1:]:
        departed.append(one - pattern)
        pattern = keep * pattern + (1.0 - keep) * one
    return pattern, np.concatenate(departed)


def _average(values: Series, forget: float) -> Series:
    """Give the exponential average of values up to each; what is old counts no more."""
    weight = forget * (1.0 - forget) ** np.arange(min(len(values), 200))
    return np.convolve(values, weight)[: len(values)]


def with_quantiles(point: Point, season: int, least: float = -np.inf) -> Method:
    """Make a forecast of quantiles out of one of values, from what it was wrong by.

    Args:
        point: The forecast of values.
        season: Steps of a season; a history of at least two is asked for.
        least: No value is below this.
    """

    def forecast(history: Series, horizon: int, levels: Sequence[float]) -> Quantiles:
        known(history, 2 * season)
        first = max(len(history) - horizon - ORIGINS * max(horizon // 2, 1), 2 * season)
        ends = np.unique(np.linspace(first, len(history) - horizon, ORIGINS).astype(int))
        wrong = [
            history[end : end + horizon] - point(history[:end], horizon)
            for end in ends.tolist()
            if 2 * season <= end <= len(history) - horizon
        ]
        if not wrong:  # too short to look back a whole horizon: by the season's own change
            change = np.resize(history[season:] - history[:-season], (2, horizon))
            wrong = [change[0], -change[0], change[1]]
        quantiles = point(history, horizon) + _spread(np.array(wrong), levels)
        return np.asarray(np.maximum(quantiles, least))

    return forecast


def _spread(wrong: Float[np.ndarray, "origins horizon"], levels: Sequence[float]) -> Quantiles:
    """Give quantiles of errors by distance ahead, neighbours taken together."""
    horizon = wrong.shape[1]
    reach = [slice(max(at - LEADS, 0), at + LEADS + 1) for at in range(horizon)]
    return np.array([np.quantile(wrong[:, near], levels) for near in reach]).T


def known(history: Series, least: int) -> None:
    """Refuse a history with gaps, or one that is too short.

    Raises:
        InputError: With how much is missing.
    """
    gaps = int(np.count_nonzero(~np.isfinite(history)))
    if gaps:
        raise InputError(f"{gaps} of {len(history)} values are missing", mend="fill the gaps first")
    if len(history) < least:
        raise InputError(f"cannot tell yet: {len(history)} of {least} steps of history")


def pinball(
    actual: Ahead, quantiles: Quantiles, levels: Sequence[float]
) -> Float[np.ndarray, "levels horizon"]:
    """Give the loss of each quantile at each step.

    >>> pinball(np.array([3.0]), np.array([[1.0], [4.0]]), (0.1, 0.9)).round(3)
    array([[0.2],
           [0.1]])
    """
    above = actual - quantiles
    level = np.array(levels)[:, None]
    return np.asarray(np.maximum(level * above, (level - 1.0) * above))


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """How a series is walked through.

    Attributes:
        season: Steps of a season.
        horizon: Steps ahead.
        stride: Steps from one origin to the next.
        begin: History before the first origin.
        levels: Quantiles, ascending, one of them the median.
        least: No value is below this.
    """

    season: int
    horizon: int
    stride: int
    begin: int
    levels: tuple[float, ...] = LEVELS
    least: float = -np.inf


def score(series: Series, methods: dict[str, Method], walk: Walk) -> list[Score]:
    """Walk through a series and score methods; the seasonal naive one comes first, always.

    Raises:
        InputError: The series has gaps, or is too short for one origin.
    """
    known(series, walk.begin + walk.horizon)
    naive = with_quantiles(seasonal_naive(walk.season), walk.season, walk.least)
    every = {"seasonal naive": naive} | methods
    ends = range(walk.begin, len(series) - walk.horizon + 1, walk.stride)
    scores: list[Score] = []
    for name, method in every.items():
        given = np.array([method(series[:end], walk.horizon, walk.levels) for end in ends])
        scores.append(_scored(name, series, given, walk, ends, scores))
    return scores


def _scored(
    name: str,
    series: Series,
    given: Float[np.ndarray, "origins levels horizon"],
    walk: Walk,
    ends: range,
    before: list[Score],
) -> Score:
    """Sum a method up."""
    actual = np.array([series[end : end + walk.horizon] for end in ends])
    loss = np.mean([pinball(a, g, walk.levels).mean() for a, g in zip(actual, given, strict=True)])
    inside = (actual >= given[:, 0]) & (actual <= given[:, -1])
    middle = given[:, int(np.abs(np.array(walk.levels) - 0.5).argmin())]
    return Score(
        name=name,
        pinball=float(loss),
        coverage=float(inside.mean()),
        width=float((given[:, -1] - given[:, 0]).mean()),
        error=float(np.abs(actual - middle).mean()),
        skill=1.0 - float(loss) / before[0].pinball if before and before[0].pinball else 0.0,
        origins=len(ends),
    )


def lines(scores: Sequence[Score]) -> list[str]:
    """Say scores in lines for people."""
    head = f"{'method':<22}{'pinball':>10}{'skill':>8}{'covered':>9}{'width':>10}{'error':>10}"
    return [
        head,
        *(
            f"{s.name:<22}{s.pinball:>10.3f}{s.skill:>+8.1%}{s.coverage:>9.1%}"
            f"{s.width:>10.3f}{s.error:>10.3f}"
            for s in scores
        ),
    ]

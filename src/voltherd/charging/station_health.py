"""How well a charging station serves, and when it is likely to fail.

Times to failure are fitted by maximum likelihood with those that still run counted in (censored):
exponential, whose rate never changes, and Weibull, whose rate falls (shape below 1: early failures)
or rises (above 1: wear).  Source: Lawless, Statistical Models and Methods for Lifetime Data, 2nd
ed., 5.2 (Weibull with censoring) and appendix B (likelihood-ratio tests and intervals).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import erfc, exp, inf, sqrt
from statistics import NormalDist
from typing import Final, Literal, NamedTuple, final

import numpy as np
from jaxtyping import Bool, Float

from voltherd.errors import InputError
from voltherd.types.station import StatusTold

FAILURES_MIN: Final = 5
"""With fewer failures no distribution is fitted."""
CONFIDENCE: Final = 0.9
_REJECTED: Final = 0.05
_SHAPE_RANGE: Final = (0.02, 50.0)
_GRID: Final = 160
_OUT: Final = frozenset({"Faulted", "Unavailable"})


class Span(NamedTuple):
    """A value and what it lies between with the confidence asked for."""

    value: float
    low: float
    high: float


class Gap(NamedTuple):
    """A silence that was longer than it should be [unix s]."""

    start_second: float
    stop_second: float


@final
@dataclass(frozen=True, slots=True)
class Lifetime:
    """A distribution of times to failure.

    Attributes:
        kind: ``weibull`` only where the exponential was rejected.
        shape: Of the Weibull distribution; 1 for the exponential.
        scale_second: Time after which 63 % have failed; the mean of the exponential [s].
        p_value: Of the exponential beside the Weibull: how often chance alone looks as much
            unlike an exponential.
        failures: How many were seen.
        censored: How many times ended without one.
        confidence: Of the intervals.
    """

    kind: Literal["exponential", "weibull"]
    shape: Span
    scale_second: Span
    p_value: float
    failures: int
    censored: int
    confidence: float
    _times: tuple[tuple[float, bool], ...] = ()

    def fails_within(self, age_second: float, horizon_second: float) -> Span:
        """Give the probability of a failure within a horizon for what has lived so long.

        The interval is the range over all parameters that the likelihood does not exclude.

        Args:
            age_second: Since the last failure or start [s].
            horizon_second: From now on [s].
        """
        times, failed = _arrays(self._times)
        best = _failure(self.shape.value, self.scale_second.value, age_second, horizon_second)
        shapes = np.geomspace(self.shape.low, self.shape.high, _GRID)[:, None]
        scales = np.geomspace(self.scale_second.low, self.scale_second.high, _GRID)[None, :]
        ages = (age_second / scales) ** shapes - ((age_second + horizon_second) / scales) ** shapes
        chances = -np.expm1(ages)
        likely = _log_likelihood(times, failed, shapes, scales)
        held = chances[likely >= likely.max() - _drop(self.confidence)]
        return Span(best, float(min(held.min(), best)), float(max(held.max(), best)))


@final
@dataclass(frozen=True, slots=True)
class TooFew:
    """No fit yet: so many failures of those that are needed."""

    failures: int
    needed: int = FAILURES_MIN

    def __str__(self) -> str:
        return f"cannot tell yet ({self.failures} of {self.needed} failures)"


def availability_fraction(
    told: Sequence[StatusTold], start_second: float, stop_second: float
) -> float | None:
    """Give the share of a time in which a connector could be used.

    Args:
        told: Of one connector, in order of time.
        start_second: Of the time [unix s].
        stop_second: Its end [unix s].

    Returns:
        The fraction of the time since the first status that was told; None where none was.
    """
    known = [one for one in told if one.time_second < stop_second]
    if not known or stop_second <= start_second:
        return None
    begin = max(start_second, known[0].time_second)
    ends = [*(one.time_second for one in known[1:]), stop_second]
    served = sum(
        max(min(end, stop_second) - max(one.time_second, begin), 0.0)
        for one, end in zip(known, ends, strict=True)
        if one.status not in _OUT
    )
    return served / (stop_second - begin)


def heartbeat_gaps(
    heard_second: Sequence[float], interval_second: float, now_second: float
) -> tuple[Gap, ...]:
    """Give the silences of more than two intervals and a half.

    Args:
        heard_second: When the station was heard, whatever it said, ascending [unix s].
        interval_second: How often it is to say that it is there [s].
        now_second: When [unix s].
    """
    times = [*heard_second, now_second] if heard_second else []
    longest = 2.5 * interval_second
    pairs = pairwise(times)
    return tuple(Gap(before, after) for before, after in pairs if after - before > longest)


def time_to_failure(
    times: Sequence[tuple[float, bool]], confidence: float = CONFIDENCE
) -> Lifetime | TooFew:
    """Fit times to failure.

    Args:
        times: Durations [s], each with whether it ended in a failure; else it still ran.
        confidence: Of intervals.

    Returns:
        The distribution: Weibull where the likelihood ratio rejects the exponential at 5 %, else
        exponential; or how many failures there are where they are too few.

    Raises:
        InputError: A duration is not positive and finite.
    """
    if not all(0.0 < time < inf for time, _ in times):
        raise InputError("times to failure are positive and finite")
    spans, failed = _arrays(times)
    failures = int(failed.sum())
    if failures < FAILURES_MIN:
        return TooFew(failures)
    mean = float(spans.sum()) / failures
    shape = _shape(spans, failed)
    scale = _scale(spans, failures, shape)
    fitted = float(_log_likelihood(spans, failed, shape, scale))
    plain = float(_log_likelihood(spans, failed, 1.0, mean))
    p_value = erfc(sqrt(max(fitted - plain, 0.0)))  # chi-square of one degree, 2 times the gain
    is_weibull = p_value < _REJECTED
    drop = _drop(confidence)
    if is_weibull:
        shapes = _shape_span(spans, failed, shape, fitted - drop)
        scales = _scale_span(spans, failed, scale, fitted - drop)
    else:
        shapes, scales = Span(1.0, 1.0, 1.0), _mean_span(spans, failed, mean, plain - drop)
    return Lifetime(
        "weibull" if is_weibull else "exponential",
        shapes,
        scales,
        p_value,
        failures,
        len(times) - failures,
        confidence,
        tuple((float(time), bool(end)) for time, end in times),
    )


def _arrays(
    times: Sequence[tuple[float, bool]],
) -> tuple[Float[np.ndarray, " n"], Bool[np.ndarray, " n"]]:
    spans = np.array([time for time, _ in times], np.float64)
    return spans, np.array([failed for _, failed in times], bool)


def _drop(confidence: float) -> float:
    """Give by how much the log likelihood falls to the edge of an interval."""
    return 0.5 * NormalDist().inv_cdf(0.5 + confidence / 2.0) ** 2


def _failure(shape: float, scale: float, age: float, horizon: float) -> float:
    return 1.0 - exp((age / scale) ** shape - ((age + horizon) / scale) ** shape)


def _log_likelihood(
    times: Float[np.ndarray, " n"],
    failed: Bool[np.ndarray, " n"],
    shape: float | np.ndarray,
    scale: float | np.ndarray,
) -> np.ndarray:
    """Give the log likelihood of the Weibull distribution for parameters of any shape."""
    total = np.zeros(np.broadcast(shape, scale).shape)
    logs = np.log(shape / scale)
    for time, end in zip(times, failed, strict=True):
        total = total - (time / scale) ** shape
        if end:
            total = total + logs + (shape - 1.0) * np.log(time / scale)
    return np.asarray(total)


def _shape(times: Float[np.ndarray, " n"], failed: Bool[np.ndarray, " n"]) -> float:
    """Solve for the most likely shape: where the profile likelihood is level (Lawless 5.2.3)."""
    relative = times / times.max()
    mean_log = float(np.log(relative[failed]).mean())

    def slope(shape: float) -> float:
        powers = relative**shape
        return float((powers * np.log(relative)).sum() / powers.sum()) - 1.0 / shape - mean_log

    low, high = _SHAPE_RANGE
    if slope(high) < 0.0:
        return high
    for _ in range(80):
        middle = sqrt(low * high)
        low, high = (middle, high) if slope(middle) < 0.0 else (low, middle)
    return sqrt(low * high)


def _scale(times: Float[np.ndarray, " n"], failures: int, shape: float) -> float:
    longest = float(times.max())
    mean_power = float(((times / longest) ** shape).sum()) / failures
    return longest * float(mean_power ** (1.0 / shape))


def _shape_span(
    times: Float[np.ndarray, " n"], failed: Bool[np.ndarray, " n"], best: float, edge: float
) -> Span:
    failures = int(failed.sum())

    def inside(shape: float) -> bool:
        scale = _scale(times, failures, shape)
        return float(_log_likelihood(times, failed, shape, scale)) >= edge

    low, high = (_edge(best, bound, inside) for bound in _SHAPE_RANGE)
    return Span(best, low, high)


def _scale_span(
    times: Float[np.ndarray, " n"], failed: Bool[np.ndarray, " n"], best: float, edge: float
) -> Span:
    shapes = np.geomspace(*_SHAPE_RANGE, 400)

    def inside(scale: float) -> bool:
        with np.errstate(over="ignore"):  # shapes far off: as unlikely as can be
            return float(_log_likelihood(times, failed, shapes, scale).max()) >= edge

    return Span(best, _edge(best, best / 1e3, inside), _edge(best, best * 1e3, inside))


def _mean_span(
    times: Float[np.ndarray, " n"], failed: Bool[np.ndarray, " n"], best: float, edge: float
) -> Span:
    def inside(mean: float) -> bool:
        return float(_log_likelihood(times, failed, 1.0, mean)) >= edge

    return Span(best, _edge(best, best / 1e3, inside), _edge(best, best * 1e3, inside))


def _edge(best: float, bound: float, inside: Callable[[float], bool]) -> float:
    """Give where the likelihood falls below the edge, between the best value and a bound."""
    near, far = best, bound
    for _ in range(60):
        middle = sqrt(near * far)
        near, far = (middle, far) if inside(middle) else (near, middle)
    return near

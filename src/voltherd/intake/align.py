"""How far one channel lags another, told by what both answer to: steps of current.

A pack's channels are sampled by different units and stamped together.  Voltage answers a step of
current at once through the ohmic resistance and slowly through polarisation, so that the lag that
makes

    v(t) = c + d t + r0 i(t - lag) + Σ_k r_k f_k(t - lag) + a ∫ i dt

fit best is the skew between the two, where f_k is the current through a first-order low-pass of
time constant τ_k.  Every lag is a linear least-squares fit; the best is refined by a parabola
through its neighbours, and the scatter of the lag over parts of the record says how sure it is.
"""

from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Float

_TAUS_SECOND: Final = (3.0, 20.0, 120.0)
_PARTS: Final = 6
_ROWS_MAX: Final = 6000
_ROWS_MIN: Final = 120
SKEW_SECOND_MAX: Final = 1.0
SURE_SECOND: Final = 0.01
INTERVAL_SECOND_MAX: Final = 0.125
"""Beyond it, edges of current fall between samples and hide more of the lag than is asked for."""


class Skew(NamedTuple):
    """How far a channel lags its reference.

    Attributes:
        second: Lag, positive where the channel is stamped later than the reference [s]; NaN where
            it cannot be told.
        sigma_second: Standard uncertainty, from the scatter over parts of the record [s].
        known: Whether the record supports an answer.
        why: For people.
    """

    second: float
    sigma_second: float
    known: bool
    why: str


def estimate_skew_second(
    current_second: Float[np.ndarray, "n"],
    current_ampere: Float[np.ndarray, "n"],
    second: Float[np.ndarray, "m"],
    voltage_volt: Float[np.ndarray, "m"],
) -> Skew:
    """Estimate how far a voltage lags the current.

    Args:
        current_second: Stamps of the current, rising [s].
        current_ampere: Current [A].
        second: Stamps of the voltage, rising [s].
        voltage_volt: Voltage [V].

    Returns:
        The lag; not known where rows are too far apart, or current changes too rarely, to tell.
    """
    reference = _finite(current_second, current_ampere)
    channel = _finite(second, voltage_volt)
    if min(len(reference[0]), len(channel[0])) < _ROWS_MIN:
        return _unknown("the record is too short")
    usual = max(_usual(reference[0]), _usual(channel[0]))
    if usual > INTERVAL_SECOND_MAX:
        return _unknown(
            f"one row every {usual:.3g} s cannot show a skew to {SURE_SECOND * 1e3:g} ms; it takes "
            f"one at least every {INTERVAL_SECOND_MAX:g} s"
        )
    swing = float(np.ptp(np.quantile(reference[1], (0.01, 0.99))))
    busy = np.abs(np.diff(reference[1])) > 0.05 * max(swing, 1e-12)
    if swing <= 0.0 or busy.sum() < 20:
        return _unknown("the current changes too rarely")
    inputs = _inputs(*reference)
    edges = np.linspace(channel[0][0], channel[0][-1], _PARTS + 1)
    lags = []
    for start, stop in pairwise(edges.tolist()):
        first, last = np.searchsorted(channel[0], (start, stop))
        lag = _best_lag(reference[0], inputs, channel[0][first:last], channel[1][first:last])
        if np.isfinite(lag):
            lags.append(lag)
    if len(lags) < 3:
        return _unknown("the voltage does not follow the current")
    found = np.array(lags)
    scatter = 1.4826 * float(np.median(np.abs(found - np.median(found))))
    near = found[np.abs(found - np.median(found)) <= 3.0 * scatter + 1e-3]
    middle = float(near.mean())
    sigma = max(float(near.std(ddof=1)) / len(near) ** 0.5, 1e-4)
    known = 2.0 * sigma <= SURE_SECOND
    words = f"{middle * 1e3:.0f} ± {sigma * 1e3:.0f} ms over {len(near)} parts of the record"
    return Skew(middle if known else float("nan"), sigma, known, words)


def shifted(
    second: Float[np.ndarray, "n"],
    value: Float[np.ndarray, "n"],
    at_second: Float[np.ndarray, "m"],
    lag_second: float,
) -> Float[np.ndarray, "m"]:
    """Give a channel as it was at other times, its lag removed, linear between its samples.

    Args:
        second: Stamps of the channel, rising [s].
        value: The channel.
        at_second: Times wanted [s].
        lag_second: How much later than the truth the channel is stamped [s].

    Returns:
        Values at the times wanted; NaN beyond either end.

    >>> t = np.arange(4.0)
    >>> shifted(t, 10.0 * t, np.array([0.5, 1.5]), 0.5).tolist()
    [10.0, 20.0]
    """
    return np.asarray(np.interp(at_second, second - lag_second, value, left=np.nan, right=np.nan))


def _unknown(why: str) -> Skew:
    return Skew(float("nan"), float("inf"), False, f"cannot tell: {why}")


def _finite(second: np.ndarray, value: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    good = np.isfinite(value) & np.isfinite(second)
    return second[good].astype(np.float64), value[good].astype(np.float64)


def _usual(second: np.ndarray) -> float:
    steps = np.diff(second)
    return float(np.median(steps[steps > 0])) if np.any(steps > 0) else float("inf")


def _inputs(second: np.ndarray, current: np.ndarray) -> np.ndarray:
    """Current, its low-passed copies, and its charge: everything voltage may answer to."""
    step = _usual(second)
    grid = np.arange(second[0], second[-1], step)
    even = np.interp(grid, second, current)
    slow = [_low_pass(even, 1.0 - float(np.exp(-step / tau))) for tau in _TAUS_SECOND]
    slow.append(np.cumsum(even) * step)
    return np.stack([current, *(np.interp(second, grid, row) for row in slow)])


def _low_pass(value: np.ndarray, share: float) -> np.ndarray:
    """First-order low-pass by its impulse response, cut where it has died away."""
    reach = min(len(value), int(np.ceil(8.0 / share)))
    response = share * (1.0 - share) ** np.arange(reach)
    size = 1 << int(np.ceil(np.log2(len(value) + reach)))
    steady = value - value[0]
    spectrum = np.fft.rfft(steady, size) * np.fft.rfft(response, size)
    return np.asarray(np.fft.irfft(spectrum, size)[: len(value)] + value[0])


def _best_lag(second: np.ndarray, inputs: np.ndarray, at: np.ndarray, voltage: np.ndarray) -> float:
    """Find the lag of best fit on a coarse grid, then a fine one, then between its points."""
    if len(at) < _ROWS_MIN // _PARTS:
        return float("nan")
    if len(at) > _ROWS_MAX:
        at, voltage = at[:_ROWS_MAX], voltage[:_ROWS_MAX]
    step = _usual(at)
    centre, width = 0.0, SKEW_SECOND_MAX
    misfit = np.empty(0)
    for points in (21, 17, 11):
        lags = centre + np.linspace(-width, width, points)
        misfit = np.array([_misfit(second, inputs, at, voltage, lag) for lag in lags])
        best = int(np.argmin(misfit))
        if best in (0, points - 1):
            return float("nan")
        centre = float(lags[best])
        spacing = float(lags[1] - lags[0])
        width = max(2.0 * spacing, step) if points == 21 else 2.0 * spacing
    left, here, right = misfit[best - 1], misfit[best], misfit[best + 1]
    bend = left - 2.0 * here + right
    if bend <= 0.0 or here > 0.98 * max(misfit.max(), 1e-300):
        return float("nan")
    return centre + spacing * 0.5 * float(left - right) / float(bend)


def _misfit(
    second: np.ndarray, inputs: np.ndarray, at: np.ndarray, voltage: np.ndarray, lag: float
) -> float:
    columns = [np.interp(at - lag, second, row) for row in inputs]
    design = np.column_stack([*columns, np.ones(len(at)), at - at[0]])
    design /= np.maximum(np.abs(design).max(axis=0), 1e-12)
    # steps, not levels: what has drifted slowly says nothing about skew
    rise, answer = np.diff(design[:, :-2], axis=0), np.diff(voltage)
    solved = np.linalg.lstsq(rise, answer, rcond=None)[0]
    left = answer - rise @ solved
    return float(left @ left)

"""A temperature probe whose reading steps from one sample to the next, within two windows.

Heat capacity lets no place in a pack change by a kelvin between two samples and then stay: a place
near the inlet warms or cools in a curve of minutes.  What a probe can tell depends on the steps in
which it reads: one that reads whole kelvins passes from one to the next at any time of its own, so
that only a step of two of them, 2 K, is told from that; one that reads tenths tells 1 K.
"""

from typing import Final

import numpy as np
from jaxtyping import Float, Int

from voltherd.detection.step_shape import SIDE_ROWS, Step, step_in
from voltherd.detection.trail import WINDOWS_BEFORE, Trail, rows_upto
from voltherd.detection.verdict import Verdict
from voltherd.numerics.robust import median, or_zero
from voltherd.types.event import Location, LocationKind, Phenomenon, Severity

CAUSE: Final = "probe_step"
SIBLINGS_MIN: Final = 4
KELVIN_OPERATING: Final = 0.8
"""A step of 1 K, less what the readings leave uncertain of it."""
KELVIN_RECOMMENDED: Final = 6.0
SCREEN_SHARE: Final = 0.8
"""A window's median needs not show all of it."""
CHANGE_LEAST: Final = 0.01
RESOLUTION_MAX: Final = 1.0
RATE_DOUBT: Final = np.array([0.5])
"""By how much of what the others warm up by a place may warm up more or less."""
RESOLUTIONS: Final = 1.6
"""Steps of the probe's own converter, of which one comes by itself."""
OTHERS_TIMES: Final = 1.5
SURE: Final = 6.0
STANDS_ROWS: Final = 31
CELSIUS_FLOOR: Final = 0.05
PROBES_MAX: Final = 2
"""More at once are a coolant that was switched, not probes."""


def judge(trail: Trail, first: int) -> tuple[tuple[float, tuple[Verdict, ...]], ...]:
    """Name the probes that stepped, window by window.

    Args:
        trail: Windows known and new.
        first: The first new one.

    Returns:
        Time of each window with a candidate [unix s], with its verdicts.
    """
    celsius = trail.windows.probe_celsius.astype(np.float64)
    if celsius.shape[1] < SIBLINGS_MIN:
        return ()
    apart = _apart(celsius, first)
    if not (apart >= SCREEN_SHARE * KELVIN_OPERATING).any():
        return ()
    resolution = _resolution(trail.probe_celsius)
    least = max(KELVIN_OPERATING, RESOLUTIONS * resolution)
    far = apart >= SCREEN_SHARE * least
    judged = []
    for window in np.flatnonzero(far.any(axis=1)):
        rows = rows_upto(trail, first + int(window))
        verdicts = _steps(trail, rows, np.flatnonzero(far[window]), least, resolution)
        judged.append((float(trail.windows.end_second[first + window]), verdicts))
    return tuple(judged)


def _apart(celsius: Float[np.ndarray, "w p"], first: int) -> Float[np.ndarray, "n p"]:
    """Give how far each probe moved alone against one of the two windows before [K]."""
    out = np.zeros((len(celsius) - first, celsius.shape[1]))
    for back in range(1, min(WINDOWS_BEFORE, len(celsius) - 1) + 1):
        lacking = max(0, back - first)
        later = celsius[first + lacking :]
        moved = later - celsius[first + lacking - back : len(celsius) - back]
        out[lacking:] = np.fmax(out[lacking:], np.abs(moved - _others_mean(moved)))
    return out


def _resolution(celsius: Float[np.ndarray, "n p"]) -> float:
    """Give the smallest change that any probe showed, a kelvin at most [K]."""
    change = np.abs(celsius[1:] - celsius[:-1])
    return float(np.min(change[change > CHANGE_LEAST], initial=RESOLUTION_MAX))


def _others_mean(values: Float[np.ndarray, "n p"]) -> Float[np.ndarray, "n p"]:
    """Give the mean of all the other probes: finer than their median, where all read kelvins."""
    known = np.isfinite(values)
    value = np.where(known, values, 0.0)
    total = np.add.reduce(value, axis=1)[:, None] - value
    count = np.add.reduce(known, axis=1, dtype=np.int64)[:, None] - known
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _steps(
    trail: Trail, rows: slice, probes: Int[np.ndarray, " k"], least: float, resolution: float
) -> tuple[Verdict, ...]:
    second, celsius = trail.second[rows], trail.probe_celsius[rows].astype(np.float64)
    others = or_zero(_others_mean(celsius))
    apart = celsius - others
    verdicts = []
    for probe in probes:
        course = others[:, probe]
        step = step_in(
            apart[:, probe], second, course[None], RATE_DOUBT, CELSIUS_FLOOR, least, resolution
        )
        if step is None or abs(step.size) < SURE * step.sigma:
            continue
        row = int(np.searchsorted(second, step.second))
        change = np.abs(
            median(apart[row : row + SIDE_ROWS], axis=0)
            - median(apart[max(0, row - SIDE_ROWS) : row], axis=0)
        )
        rest = np.sort(or_zero(np.delete(change, probe)))[-PROBES_MAX]
        if abs(step.size) >= OTHERS_TIMES * rest:
            verdicts.append(_verdict(int(probe), step, resolution))
    return tuple(verdicts)


def _verdict(probe: int, step: Step, resolution: float) -> Verdict:
    grave = abs(step.size) >= KELVIN_RECOMMENDED and step.rows_after >= STANDS_ROWS
    sigma = float(np.hypot(step.sigma, resolution / np.sqrt(6.0)))
    return Verdict(
        cause=CAUSE,
        phenomenon=Phenomenon.SENSOR_BIAS,
        location=Location(kind=LocationKind.PROBE, index=probe + 1),
        severity=Severity.RECOMMENDED if grave else Severity.OPERATING,
        score=step.size / sigma,
        persistence=1,
        event=True,
        numbers={
            "kelvin": step.size,
            "step_sigma_kelvin": sigma,
            "resolution_kelvin": resolution,
            "since_second": step.second,
        },
    )

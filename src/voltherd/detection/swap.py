"""Two cell channels that exchange places.

Each cell's deviation is a signature.  When two signatures jump at once, one up and one down, and
each lands where the other was, the channels were exchanged: a wrong harness after a repair, or
somebody covering up a bad cell.  Twins whose signatures do not differ cannot be told apart, and
nothing is lost by that: a pair 6 mV apart is usually seen, one 3 mV apart usually not.
"""

from collections.abc import Iterable
from dataclasses import replace
from itertools import combinations
from typing import Final

import numpy as np
from jaxtyping import Bool, Float

from voltherd.detection.cells import fit
from voltherd.detection.memory import Memory, gather
from voltherd.detection.verdict import Verdict
from voltherd.detection.windows import Windows
from voltherd.numerics.robust import SIGMA_PER_MAD, median
from voltherd.types.event import Location, LocationKind, Phenomenon, Severity

CAUSE: Final = "swap"
CAUSE_AT_ONCE: Final = "exchange"
"""Of the same, told by two steps at one moment instead of by windows."""
TOGETHER_SECOND: Final = 60.0
APART_RECOMMENDED_VOLT: Final = 0.01
LANDING_VOLT: Final = 0.002
"""How well the place of a cell is known from a few readings."""
SIBLINGS_MIN: Final = 6
JUMP_SCORE_MIN: Final = 6.0
JUMP_VOLT_MIN: Final = 0.004
NOISE_FLOOR_VOLT: Final = 0.0004
MATCH_MAX: Final = 0.35
"""How far, as a share of the jump, each may land from the other's old place."""

OWN_MISS_MIN: Final = 0.6
"""How far, as a share of their distance, each must be from where it should be itself."""


def judge(
    windows: Windows, reference_volt: Float[np.ndarray, "3 c"], memory: Memory | None = None
) -> tuple[tuple[float, tuple[Verdict, ...]], ...]:
    """Compare each window with the signatures known before it.

    Args:
        windows: Of the period under way.
        reference_volt: Mean deviations so far, per state; NaN where hardly seen.
        memory: Predicts what the charge and current of the moment do to each cell; None where
            nothing does, and the mean deviations alone are compared with.

    Returns:
        Time of each window that could tell [unix s], with its verdicts.
    """
    if windows.deviation_volt.shape[2] < SIBLINGS_MIN:
        return ()
    step = windows.deviation_volt - reference_volt[None]
    known = (~np.isnan(step)).sum(axis=2) > 0.5 * step.shape[2]
    window, state = np.nonzero(known)
    step = step[known]
    step -= median(step, axis=1)[:, None]
    step[np.isnan(step)] = 0.0
    found = _pairs(step, reference_volt[state])
    by_window: dict[int, list[tuple[int, int, float, float] | None]] = {}
    for lane, w in enumerate(window.tolist()):
        by_window.setdefault(w, []).append(found.get(lane))
    judged = []
    for w, pairs in by_window.items():
        pair = pairs[0] if len({p and p[:2] for p in pairs}) == 1 else None
        if pair and memory is not None and not _surprising(memory, windows, w, pair):
            pair = None
        judged.append((float(windows.end_second[w]), (_verdict(*pair),) if pair else ()))
    return tuple(judged)


def judge_steps(
    stepped: Iterable[tuple[float, tuple[Verdict, ...]]],
) -> tuple[tuple[float, tuple[Verdict, ...]], ...]:
    """Name pairs of cells that stepped at one moment, each to where the other was.

    Args:
        stepped: From ``cell_step``.

    Returns:
        Time of each window with such a pair [unix s], with its verdicts.
    """
    judged = []
    for time, verdicts in stepped:
        pairs = [
            pair
            for one, other in combinations(verdicts, 2)
            if (pair := _at_once(one, other)) is not None
        ]
        if pairs:
            judged.append((time, tuple(pairs)))
    return tuple(judged)


def _at_once(one: Verdict, other: Verdict) -> Verdict | None:
    low, high = sorted((one, other), key=lambda verdict: verdict.numbers["volt"])
    fall, rise = -low.numbers["volt"], high.numbers["volt"]
    apart_second = abs(low.numbers["since_second"] - high.numbers["since_second"])
    if min(fall, rise) <= 0.0 or apart_second > TOGETHER_SECOND:
        return None
    # The one that falls was the higher one.
    apart = low.numbers["before_volt"] - high.numbers["before_volt"]
    if max(abs(fall - apart), abs(rise - apart)) > max(MATCH_MAX * apart, LANDING_VOLT):
        return None
    first, second = sorted((low.location.cells[0], high.location.cells[0]))
    grave = apart >= APART_RECOMMENDED_VOLT
    return replace(
        _verdict(first, second, round(apart, 3), round(min(abs(low.score), abs(high.score)), 0)),
        cause=CAUSE_AT_ONCE,
        severity=Severity.RECOMMENDED if grave else Severity.OPERATING,
        persistence=1,
    )


def _pairs(
    step: Float[np.ndarray, "n c"], reference: Float[np.ndarray, "n c"]
) -> dict[int, tuple[int, int, float, float]]:
    """Give, by row, the pair of cells that jumped alone and landed where the other was."""
    size = np.abs(step)
    if not ((size >= JUMP_VOLT_MIN).sum(axis=1) >= 2).any():
        return {}
    noise = np.maximum(SIGMA_PER_MAD * median(size, axis=1), NOISE_FLOOR_VOLT)
    out = size >= np.maximum(JUMP_SCORE_MIN * noise, JUMP_VOLT_MIN)[:, None]
    pairs = {
        int(n): _exchanged(step[n], out[n], reference[n], float(noise[n]))
        for n in np.flatnonzero(out.sum(axis=1) == 2)
    }
    return {n: pair for n, pair in pairs.items() if pair is not None}


def _exchanged(
    steps: Float[np.ndarray, " c"],
    out: Bool[np.ndarray, " c"],
    reference: Float[np.ndarray, " c"],
    noise: float,
) -> tuple[int, int, float, float] | None:
    """Give the pair, their distance and its score when each of two landed where the other was."""
    low, high = sorted(np.flatnonzero(out), key=lambda c: float(steps[c]))
    apart = float(reference[low] - reference[high])  # the one that falls was the higher one
    miss = max(abs(steps[low] + apart), abs(steps[high] - apart))
    if apart <= 0.0 or miss > max(MATCH_MAX * apart, 2.0 * noise):
        return None
    first, second = sorted((int(low) + 1, int(high) + 1))
    return first, second, round(apart, 3), round(apart / noise, 0)


def _surprising(
    memory: Memory, windows: Windows, w: int, pair: tuple[int, int, float, float]
) -> bool:
    """Whether both cells are where the other, not they themselves, should be just now.

    A weak cell sinks as the pack empties and may pass a low sibling's usual place; the regression
    foresees that, an exchange of channels it does not.
    """
    now = Windows(*(field[w : w + 1] for field in windows))
    period = gather(memory, now)
    if not len(period.state):
        return False
    here = [pair[0] - 1, pair[1] - 1]
    expected = period.features @ fit(memory).terms
    own = median(period.deviation_volt - expected, axis=0)[here]
    crossed = median(period.deviation_volt[:, here] - expected[:, here[::-1]], axis=0)
    return bool(
        (np.abs(own) >= OWN_MISS_MIN * pair[2]).all() and (np.abs(crossed) < np.abs(own)).all()
    )


def _verdict(first: int, second: int, apart_volt: float, score: float) -> Verdict:
    return Verdict(
        cause=CAUSE,
        phenomenon=Phenomenon.CHANNEL_SWAP,
        location=Location(kind=LocationKind.CELL, index=first, cells=(first, second)),
        severity=Severity.RECOMMENDED,
        score=score,
        persistence=2,
        event=True,
        numbers={"apart_volt": apart_volt},
    )

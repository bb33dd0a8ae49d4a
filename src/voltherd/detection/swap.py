"""Two cell channels that exchange places.

Each cell's deviation is a signature.  When two signatures jump at once, one up and one down, and
each lands where the other was, the channels were exchanged: a wrong harness after a repair, or
somebody covering up a bad cell.  Twins whose signatures do not differ cannot be told apart, and
nothing is lost by that: a pair 6 mV apart is usually seen, one 3 mV apart usually not.
"""

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
    jump = windows.deviation_volt - reference_volt[None]
    known = np.isfinite(jump).mean(axis=2) > 0.5
    pairs: dict[int, list[tuple[int, int, float, float] | None]] = {
        int(w): [] for w in np.flatnonzero(known.any(axis=1))
    }
    for w, s in np.argwhere(known):
        pairs[int(w)].append(_pair(jump[w, s], reference_volt[s]))
    judged = []
    for w, found in pairs.items():
        first = found[0]
        agree = first is not None and all(p is not None and p[:2] == first[:2] for p in found)
        if agree and memory is not None:
            agree = _surprising(memory, windows, w, first)
        judged.append((float(windows.end_second[w]), (_verdict(*first),) if agree else ()))
    return tuple(judged)


def _pair(
    jump: Float[np.ndarray, " c"], reference: Float[np.ndarray, " c"]
) -> tuple[int, int, float, float] | None:
    """Give the pair of cells that jumped alone and landed where the other was."""
    step = jump - median(jump, axis=0)
    step[np.isnan(step)] = 0.0
    size = np.abs(step)
    if (size >= JUMP_VOLT_MIN).sum() < 2:
        return None
    noise = max(SIGMA_PER_MAD * float(median(size, axis=0)), NOISE_FLOOR_VOLT)
    out = size >= max(JUMP_SCORE_MIN * noise, JUMP_VOLT_MIN)
    return _exchanged(step, out, reference, noise) if out.sum() == 2 else None


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

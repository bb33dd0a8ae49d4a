"""A single cell that stands apart from its siblings, and the kind of difference it shows.

The mean deviation of each cell is scored against the spread of its siblings; it must point the same
way in every operating state.  Severity follows the size of the effect in charge, not its
significance: a cell that is 2 % of its charge away takes that much from the whole pack.
The kind comes from the regression in ``memory``: which single term explains the deviations best,
and whether a runner-up explains them nearly as well, in which case nothing is claimed.
"""

from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from voltherd.detection.charge_scale import SLOPE_TYPICAL_VOLT
from voltherd.detection.memory import Memory
from voltherd.detection.verdict import Verdict
from voltherd.detection.windows import STATES
from voltherd.numerics.robust import median, sibling_score
from voltherd.types.event import Location, LocationKind, Phenomenon, Severity

CAUSE: Final = "cell"
SIBLINGS_MIN: Final = 6
PERIODS_MIN: Final = 1
SCORE_MIN: Final = 6.0
VOLT_MIN: Final = 0.005
VOLT_FLOOR: Final = 0.0015
"""Least spread to score by: what a 1 mV channel cannot resolve better [V]."""
CHARGE_OPERATING: Final = 0.01
CHARGE_RECOMMENDED: Final = 0.02
CAPACITY_OPERATING: Final = 0.04
CAPACITY_RECOMMENDED: Final = 0.08
CAPACITY_FLOOR: Final = 0.005
SPAN_MIN: Final = 0.3
"""SOC span below which a lack of capacity cannot be told from a lack of charge."""
NOISE_VOLT: Final = 0.003
"""Error of one period's median that the siblings do not share [V]."""
CORRELATION: Final = 3.0
"""Neighbouring periods repeat each other's errors: nine count as one."""
PRIOR: Final = np.array([0.05, 0.15, 5e-4, 0.01])
"""Standard deviations of the four terms before any data: fraction, fraction, Ω, V."""
_PRIOR_PRECISION: Final = np.diag(PRIOR**-2)
CLEARLY_BETTER: Final = 0.8
"""A kind is named when it leaves less than this share of what the runner-up leaves unexplained."""
LOG_ODDS_MIN: Final = 2.0
"""And when the periods behind that are so many that chance would hardly do it."""


class Fit(NamedTuple):
    """The four terms for every cell.

    Attributes:
        terms: q, k, r, b as in ``memory`` [fraction, fraction, Ω, V].
        capacity_sigma: Standard uncertainty of k, from what each cell's own fit leaves over.
        charge: Deviation as charge when charge alone explains it [fraction].
        volt: Mean deviation [V].
    """

    terms: Float[np.ndarray, "4 c"]
    capacity_sigma: Float[np.ndarray, " c"]
    charge: Float[np.ndarray, " c"]
    volt: Float[np.ndarray, " c"]


def fit(memory: Memory) -> Fit:
    """Solve the regression for every cell at once, shrunk towards no difference."""
    terms, covariance = _solved(memory)
    square = np.maximum(memory.square, 1e-12)
    noise = left_over(memory, terms, square) / max(memory.rows - 4.0, 1.0)
    scale = np.maximum(noise, NOISE_VOLT**2) / NOISE_VOLT**2
    volt = memory.moment[3] / max(memory.normal[3, 3], 1e-12)
    readable = memory.normal[0, 0] > 0.02 * memory.normal[3, 3]
    charge = memory.moment[0] / memory.normal[0, 0] if readable else volt / SLOPE_TYPICAL_VOLT
    return Fit(
        terms=terms,
        capacity_sigma=CORRELATION * np.sqrt(covariance[1, 1] * scale),
        charge=charge,
        volt=volt,
    )


def terms_of(memory: Memory) -> Float[np.ndarray, "4 c"]:
    """Give the terms of ``fit`` alone [fraction, fraction, Ω, V]."""
    return _solved(memory)[0]


def _solved(memory: Memory) -> tuple[Float[np.ndarray, "4 c"], Float[np.ndarray, "4 4"]]:
    covariance = np.linalg.inv(memory.normal / NOISE_VOLT**2 + _PRIOR_PRECISION)
    return covariance @ memory.moment / NOISE_VOLT**2, covariance


def left_over(
    memory: Memory, terms: Float[np.ndarray, "4 c"], square: Float[np.ndarray, " c"]
) -> Float[np.ndarray, " c"]:
    """Give what the terms leave unexplained of each cell's sum of squares [V²]."""
    left = square - 2.0 * (terms * memory.moment).sum(axis=0)
    left += np.einsum("ic,ij,jc->c", terms, memory.normal, terms)
    return np.asarray(np.maximum(left, 0.0))


def judge(memory: Memory, found: Fit) -> tuple[Verdict, ...]:
    """Name the cells that stand apart now.

    Args:
        memory: The past.
        found: What ``fit`` makes of it.
    """
    cells = len(memory.square)
    if cells < SIBLINGS_MIN or memory.periods < PERIODS_MIN:
        return ()
    centre = float(median(found.volt, axis=0))
    charge = found.charge - float(median(found.charge, axis=0))
    faster = found.terms[1] - float(median(found.terms[1], axis=0))
    capacity = faster / (1.0 + np.maximum(faster, -0.9))  # charge falls 1 / (1 − deficit) as fast
    apart = (np.abs(found.volt - centre) >= VOLT_MIN) & (np.abs(charge) >= CHARGE_OPERATING)
    weak = capacity >= np.maximum(CAPACITY_OPERATING, 4.0 * found.capacity_sigma)
    weak &= memory.soc_high - memory.soc_low >= SPAN_MIN
    if not (apart | weak).any():
        return ()
    score, _, _ = sibling_score(found.volt, VOLT_FLOOR)
    capacity_score, _, _ = sibling_score(found.terms[1], CAPACITY_FLOOR)
    weak &= capacity_score >= SCORE_MIN
    apart &= np.abs(score) >= SCORE_MIN
    if not (apart | weak).any():
        return ()
    apart &= _agrees(memory, found.volt)
    verdicts = []
    for cell in np.flatnonzero(weak | apart):
        loss = usable_loss(charge[cell], capacity[cell] if weak[cell] else 0.0)
        grave = (apart[cell] and abs(charge[cell]) >= CHARGE_RECOMMENDED) or (
            weak[cell] and loss >= CAPACITY_RECOMMENDED
        )
        verdicts.append(
            Verdict(
                cause=CAUSE,
                phenomenon=Phenomenon.WEAK_CELL if weak[cell] else kind(memory, int(cell)),
                location=Location(
                    kind=LocationKind.CELL, index=int(cell) + 1, cells=(int(cell) + 1,)
                ),
                severity=Severity.RECOMMENDED if grave else Severity.OPERATING,
                score=float(capacity_score[cell] if not apart[cell] else score[cell]),
                numbers={
                    "volt": float(found.volt[cell] - centre),
                    "charge": float(charge[cell]),
                    "capacity": float(capacity[cell]),
                    "capacity_sigma": float(found.capacity_sigma[cell]),
                    "loss": float(loss),
                    **_per_state(memory, int(cell)),
                },
            )
        )
    return tuple(verdicts)


def usable_loss(charge: float, capacity: float) -> float:
    """Give the share of the pack's charge that one cell denies it.

    The cell meets empty early by what it lacks at the bottom and full early by what it has too
    much at the top; ``charge`` is its difference at half charge.

    >>> usable_loss(-0.03, 0.0), usable_loss(-0.05, 0.1)
    (0.03, 0.1)
    """
    return max(0.0, -charge + capacity / 2.0) + max(0.0, charge + capacity / 2.0)


def kind(memory: Memory, cell: int) -> Phenomenon:
    """Name what single difference explains a cell's deviations clearly best, if any does."""
    # Capacity alone is judged by its own score; between charge and offset the slope must vary.
    square = max(memory.square[cell], 1e-12)
    by_charge, by_offset = (
        float(memory.moment[k, cell] ** 2 / max(memory.normal[k, k], 1e-12) / square)
        for k in (0, 3)
    )
    left, left_other = sorted((1.0 - by_charge, 1.0 - by_offset))
    if memory.soc_high - memory.soc_low < 0.1 or not tells(memory, left, left_other):
        return Phenomenon.CELL_OUTLIER
    return Phenomenon.CELL_IMBALANCE if by_charge >= by_offset else Phenomenon.SENSOR_BIAS


def tells(memory: Memory, left: float, left_other: float) -> bool:
    """Whether one explanation leaves so much less than another that it may be named.

    Both have one term, so the logarithm of their likelihoods' ratio is that of what they leave,
    times half the number of independent rows; neighbouring periods repeat each other's errors.

    Args:
        memory: Says how many rows there were.
        left: Share of the squared deviations the better one leaves.
        left_other: The same for the other.
    """
    share = max(left, 1e-6) / max(left_other, 1e-6)
    independent = memory.rows / CORRELATION**2
    odds = -0.5 * independent * float(np.log(share))
    return bool(share <= CLEARLY_BETTER and odds >= LOG_ODDS_MIN)


def _agrees(memory: Memory, volt: Float[np.ndarray, " c"]) -> Bool[np.ndarray, " c"]:
    """Tell whether every operating state seen shows at least two fifths of the mean deviation."""
    seen = memory.state_rows >= 1.0
    means = memory.state_moment[seen] / memory.state_rows[seen][:, None]
    return np.asarray((means * np.sign(volt) >= 0.4 * np.abs(volt)).all(axis=0))


def _per_state(memory: Memory, cell: int) -> dict[str, float]:
    return {
        f"volt_{name}": float(memory.state_moment[state, cell] / memory.state_rows[state])
        for state, name in enumerate(STATES)
        if memory.state_rows[state] >= 0.5
    }

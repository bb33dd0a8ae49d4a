"""A cell whose voltage follows the current too strongly: its resistance, or its connection.

Within each window and operating state, the slope of a cell's deviation on the current is summed up;
a difference in charge cancels there, because it does not follow the current.  Three questions are
asked of it: does a cell resist more than the pack's others, more than the few next to it (which
share the delay of one measuring board), or more than it did before?  How urgent it is follows from
the share of a healthy cell's own resistance and from the heat it makes.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Float

from voltherd.detection.follow import added_ohm, beyond_neighbours, without
from voltherd.detection.memory import Memory, cell_resistance_ohm, resistance_ohm
from voltherd.detection.verdict import Verdict
from voltherd.numerics.robust import median, sibling_score
from voltherd.types.event import Location, LocationKind, Phenomenon, Severity

CAUSE: Final = "contact"
SIBLINGS_MIN: Final = 6
NEIGHBOURED_MIN: Final = 12
"""Cells from which on neighbours along the string say something."""
SCORE_MIN: Final = 6.0
AMPERE2_MIN: Final = 5e5
"""Excitation needed: some ten minutes of ordinary driving [A²]."""
PLAUSIBLE_OHM: Final = 1e-4
"""Below it the cells do not follow the current at all: slow or unsynchronised channels [Ω]."""
SHARE_FLOOR: Final = 0.03
NEAR_FLOOR: Final = 0.015
NEAR_SHARE: Final = 0.1
CHANGE_FLOOR_OHM: Final = 3e-6
CHANGE_FLOOR: Final = 0.002
CHANGE_SHARE: Final = 0.01
NEAR_OHM: Final = 3e-5
CHANGE_OHM: Final = 1.5e-5
"""What is less than this, or than the share, is nobody's business [Ω]."""
SHARE_OPERATING: Final = 0.2
SHARE_RECOMMENDED: Final = 0.5
SHARE_SAFETY: Final = 5.0
"""Added resistance as a share of a healthy cell's own."""
HEAT_RECOMMENDED_WATT: Final = 2.0
HEAT_SAFETY_WATT: Final = 20.0
"""At the usual swing of the current; a joint warms by some 5 to 10 K for each watt (judgement)."""


class _Look(NamedTuple):
    """One of the questions, asked of every cell: what is compared, and what counts as a difference.

    Attributes:
        ohm: Of every cell [Ω].
        least: What a cell must have beyond its siblings [Ω].
        floor: Least spread of these to score by [Ω].
    """

    ohm: Float[np.ndarray, " c"]
    least: float
    floor: float


def judge(memory: Memory) -> tuple[Verdict, ...]:
    """Name the cells with too much resistance now."""
    cells, follow = len(memory.square), memory.follow
    if cells < SIBLINGS_MIN or follow.ampere2 < AMPERE2_MIN:
        return ()
    own = follow.pack_watt / follow.ampere2
    if own < PLAUSIBLE_OHM:
        return ()
    named: dict[int, tuple[float, float, float]] = {}
    for look in _looks(memory, own):
        if not (look.ohm - float(median(look.ohm, axis=0)) >= look.least).any():
            continue  # mostly: what follows is spared
        score, centre, sigma = sibling_score(look.ohm, look.floor)
        added = look.ohm - centre
        out = (score >= SCORE_MIN) & (added >= look.least)
        for cell in np.flatnonzero(out & (follow.cell_ampere2 >= AMPERE2_MIN)).tolist():
            told = float(score[cell]), float(added[cell]), sigma
            named[cell] = max(named.get(cell, told), told, key=lambda each: each[1])
    return tuple(_verdict(memory, cell, *told) for cell, told in sorted(named.items()))


def _looks(memory: Memory, own: float) -> Iterator[_Look]:
    """Give the questions that can be asked."""
    ohm = cell_resistance_ohm(memory)
    yield _Look(ohm, SHARE_OPERATING * own, SHARE_FLOOR * own)
    if len(ohm) < NEIGHBOURED_MIN:
        return
    yield _Look(beyond_neighbours(ohm), max(NEAR_OHM, NEAR_SHARE * own), NEAR_FLOOR * own)
    before = without(memory.follow_long, memory.follow_lately)
    if min(before.ampere2, memory.follow_lately.ampere2) >= AMPERE2_MIN:
        change = beyond_neighbours(added_ohm(memory.follow_lately) - added_ohm(before))
        floor = CHANGE_FLOOR_OHM + CHANGE_FLOOR * own
        yield _Look(change, max(CHANGE_OHM, CHANGE_SHARE * own), floor)


def _verdict(memory: Memory, cell: int, score: float, added: float, sigma: float) -> Verdict:
    own = memory.follow.pack_watt / memory.follow.ampere2
    swing2 = memory.follow.ampere2 / max(memory.looked, 1.0)
    return Verdict(
        cause=CAUSE,
        phenomenon=Phenomenon.CONTACT_RESISTANCE,
        location=Location(kind=LocationKind.CELL, index=cell + 1, cells=(cell + 1,)),
        severity=_severity(added / own, added * swing2),
        score=score,
        persistence=3,
        numbers={
            "added_ohm": added,
            "own_ohm": resistance_ohm(memory),
            "sigma_ohm": sigma,
            "heat_watt": added * swing2,
            "median_ohm": float(median(cell_resistance_ohm(memory), axis=0)),
        },
    )


def _severity(share: float, heat_watt: float) -> Severity:
    if share >= SHARE_SAFETY or heat_watt >= HEAT_SAFETY_WATT:
        return Severity.SAFETY
    grave = share >= SHARE_RECOMMENDED or heat_watt >= HEAT_RECOMMENDED_WATT
    return Severity.RECOMMENDED if grave else Severity.OPERATING

"""Sharing of a room that is too small: who may charge at all, and then how much each.

No car charges below its least current, so a small room is first given out in least currents, in
order of turn, to as many as fit; what remains fills all of these together until a limit or a wish
stops each (progressive filling: max-min fair, Bertsekas and Gallager, Data Networks (1992), 6.5.2).
"""

from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from voltherd.charging.guard_site import SLACK_AMPERE

PerStation = Float[np.ndarray, " stations"]
PerRow = Float[np.ndarray, " rows"]
Members = Float[np.ndarray, "rows stations"]
Chosen = Bool[np.ndarray, " stations"]
_IN_TURN: Final = 0
_WAITS: Final = 1
_TURN_OVER: Final = 2


class Turns(NamedTuple):
    """Who charges since when, until when it keeps its place, who waits since when [s]; else NaN."""

    began_second: PerStation
    until_second: PerStation
    waits_second: PerStation


def fill(weight: PerStation, most: PerStation, member: Members, room: PerRow) -> PerStation:
    """Raise all together, each as fast as its weight, until its own most or a row stops it [A].

    >>> fill(np.ones(3), np.array([2.0, 9.0, 9.0]), np.ones((1, 3)), np.array([12.0]))
    array([2., 5., 5.])
    """
    given = np.zeros(len(weight))
    rising = (weight > SLACK_AMPERE) & (most > SLACK_AMPERE)
    for _ in range(len(weight)):  # each time one at least is stopped
        if not rising.any():
            break
        rate = np.where(rising, weight, 0.0)
        load, left = member @ rate, room - member @ given
        loaded = load > 0.0
        to_row = np.where(loaded, left / np.where(loaded, load, 1.0), np.inf)
        to_most = np.where(rising, (most - given) / np.where(rising, weight, 1.0), np.inf)
        time = max(min(to_row.min(initial=np.inf), to_most.min()), 0.0)
        given = given + time * rate
        full = member[loaded & (left - time * load <= SLACK_AMPERE)].any(axis=0)
        rising = rising & (most - given > SLACK_AMPERE) & ~full
    return given


def admit(
    order: Int[np.ndarray, " asking"], need: PerStation, member: Members, room: PerRow
) -> Chosen:
    """Choose who may charge: in order, each whose least current still fits."""
    admitted = np.zeros(len(need), dtype=bool)
    left = room.copy()
    for place in order.tolist():
        rows = member[:, place] > 0.0
        if (left[rows] >= need[place] - SLACK_AMPERE).all():
            admitted[place] = True
            left[rows] -= need[place]
    return admitted


def order_of(
    turns: Turns, wants: Chosen, phases: Int[np.ndarray, " stations"], now: float
) -> Int[np.ndarray, " asking"]:
    """Put those who want to charge in order.

    First whose turn is not over; then who waits, the longest first, of equals those on fewer
    phases, of which more fit; last whose turn is over, who has charged longest the very last.

    Args:
        turns: Who charges and who waits.
        wants: Who wants to charge.
        phases: How many each is on.
        now: [s].
    """
    began, waits = turns.began_second, np.where(turns.waits_second <= now, turns.waits_second, now)
    charging = began <= now
    kind = np.where(charging, np.where(now < turns.until_second, _IN_TURN, _TURN_OVER), _WAITS)
    since = np.where(charging, np.where(kind == _IN_TURN, began, -began), waits)
    order = np.lexsort((phases, since, kind))
    return np.asarray(order[wants[order]])


def turned(turns: Turns, wants: Chosen, admitted: Chosen, now: float, turn: float) -> Turns:
    """Note who began and who waits; who stays when its turn of ``turn`` s is over has another."""
    began = np.where(turns.began_second <= now, turns.began_second, now)
    until = np.where(now < turns.until_second, turns.until_second, now + turn)
    waits = np.where(turns.waits_second <= now, turns.waits_second, now)
    return Turns(
        np.where(admitted, began, np.nan),
        np.where(admitted, until, np.nan),
        np.where(wants & ~admitted, waits, np.nan),
    )


def jain(share: PerStation) -> float:
    """Give the fairness of shares: 1 where all are equal, 1/n where one has all.

    Source: Jain, Chiu and Hawe, DEC-TR-301 (1984).

    >>> jain(np.array([1.0, 1.0, 0.0, 0.0]))
    0.5
    """
    return float(share.sum() ** 2 / (len(share) * (share**2).sum())) if share.any() else 1.0

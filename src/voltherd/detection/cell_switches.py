"""Cells of a reconfigurable pack whose switch does not do what it is told.

A cell in the string answers the current, a bypassed one does not: from one row to the next its
voltage moves by R dI, or by nothing.  Each pair of rows therefore weighs "it answers" against "it
does not" by the logarithm of their likelihoods' ratio, of normal errors with variance s^2::

    l = R dI (dv - R dI / 2) / s^2        > 0: it answers

Told to be out, ratios that speak for an answer add up to a switch that is stuck closed; told to be
in, ratios that speak for none to one that is stuck open; each sum never falls below nothing, so
that what is past is forgotten (sequential test: Wald 1945; Page 1954 for the reset).  R is what the
cells in the string show together, s what they scatter by.

A pure function of arrays: telemetry has no common way to say which cells are in the string, so
whoever has the states (a bit mask, a column each) gives them as true and false.
"""

from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from voltherd.detection.verdict import Verdict
from voltherd.numerics.robust import SIGMA_PER_MAD, median
from voltherd.types.event import Location, LocationKind, Phenomenon, Severity

CAUSE: Final = "cell_switch"
SWING_AMPERE: Final = 5.0
"""A change of current below it tells nothing worth its noise."""
PAIR_SECOND_MAX: Final = 60.0
ALARM: Final = 14.0
"""Sum of logarithms that is told: once in a million by chance, for as many cells and hours."""
MOST: Final = 2.0 * ALARM
"""A switch that was repaired is forgiven as fast as it was blamed."""
STEP_MOST: Final = 2.0
"""One pair alone proves nothing, however far it is out: five agree before anything is told."""
FLOOR_VOLT: Final = 0.002
"""Least scatter of a change: a converter's step and a skewed moment [V]."""
IN_MIN: Final = 3
"""Cells in the string that tell what an answer is."""
PAIRS_MIN: Final = 10
KEEP: Final = 0.98
"""What a pair's weight in the resistance is worth a pair later."""


class CellSwitches(NamedTuple):
    """What is known of the switches.

    Attributes:
        second: The last row [unix s]; NaN before the first.
        ampere: Its current [A].
        volt: Its cell voltages [V].
        within: Which cells were to be in the string.
        watt: Forgetting sum of change of current times change of the median cell in the string.
        ampere2: Forgetting sum of squared changes of current.
        pairs: How many told.
        scatter_volt: What the cells in the string usually scatter by [V].
        closed: Each cell's sum for a switch stuck closed.
        opened: Each cell's sum for one stuck open.
    """

    second: float
    ampere: float
    volt: Float[np.ndarray, " c"]
    within: Bool[np.ndarray, " c"]
    watt: float
    ampere2: float
    pairs: int
    scatter_volt: float
    closed: Float[np.ndarray, " c"]
    opened: Float[np.ndarray, " c"]


def init(cells: int) -> CellSwitches:
    """Know nothing of so many cells yet."""
    nan, nothing = float("nan"), np.zeros(cells)
    return CellSwitches(
        nan, nan, np.full(cells, nan), nothing > 0.0, 0.0, 0.0, 0, FLOOR_VOLT, nothing, nothing
    )


def look(
    switches: CellSwitches,
    unix_time_second: Float[np.ndarray, " t"],
    current_ampere: Float[np.ndarray, " t"],
    cell_voltage_volt: Float[np.ndarray, "t c"],
    within: Bool[np.ndarray, "t c"],
) -> CellSwitches:
    """Take rows into account.

    Args:
        switches: What was known.
        unix_time_second: Never decreasing [s].
        current_ampere: Of the string, charging positive [A].
        cell_voltage_volt: Of each cell, whether in the string or not [V].
        within: Whether each cell is told to be in the string.
    """
    for second, ampere, volt, told in zip(
        unix_time_second.tolist(), current_ampere.tolist(), cell_voltage_volt, within, strict=True
    ):
        if 0.0 < second - switches.second <= PAIR_SECOND_MAX:
            switches = _paired(switches, ampere, volt.astype(np.float64), told)
        switches = switches._replace(
            second=second, ampere=ampere, volt=volt.astype(np.float64), within=told
        )
    return switches


def _paired(
    switches: CellSwitches,
    ampere: float,
    volt: Float[np.ndarray, " c"],
    told: Bool[np.ndarray, " c"],
) -> CellSwitches:
    swing = ampere - switches.ampere
    same = told == switches.within  # a switch that moves makes a step of its own
    change = volt - switches.volt
    inside = same & told & np.isfinite(change)
    if not abs(swing) >= SWING_AMPERE or inside.sum() < IN_MIN:
        return switches
    usual = float(median(change[inside], axis=0))
    watt, ampere2 = KEEP * switches.watt + swing * usual, KEEP * switches.ampere2 + swing**2
    spread = SIGMA_PER_MAD * float(median(np.abs(change[inside] - usual), axis=0))
    scatter = max(KEEP * switches.scatter_volt + (1.0 - KEEP) * spread, FLOOR_VOLT)
    pairs = switches.pairs + 1
    switches = switches._replace(watt=watt, ampere2=ampere2, pairs=pairs, scatter_volt=scatter)
    if pairs <= PAIRS_MIN or watt <= 0.0:
        return switches
    answer = watt / ampere2 * swing
    ratio = np.where(same, answer * (change - answer / 2.0) / scatter**2, 0.0)
    ratio = np.clip(np.where(np.isfinite(ratio), ratio, 0.0), -STEP_MOST, STEP_MOST)
    return switches._replace(
        closed=_summed(switches.closed, np.where(told, 0.0, ratio)),
        opened=_summed(switches.opened, np.where(told, -ratio, 0.0)),
    )


def _summed(before: Float[np.ndarray, " c"], more: Float[np.ndarray, " c"]) -> np.ndarray:
    return np.asarray(np.minimum(np.maximum(before + more, 0.0), MOST))


def judge(switches: CellSwitches) -> tuple[Verdict, ...]:
    """Name the cells whose switch contradicts its command now."""
    kinds = (
        (switches.closed, Phenomenon.SWITCH_STUCK_CLOSED),
        (switches.opened, Phenomenon.SWITCH_STUCK_OPEN),
    )
    return tuple(
        Verdict(
            cause=CAUSE,
            phenomenon=phenomenon,
            location=Location(kind=LocationKind.CELL, index=int(c) + 1, cells=(int(c) + 1,)),
            severity=Severity.RECOMMENDED,
            score=float(np.sqrt(2.0 * sums[c])),  # as many deviations of a normal error
            persistence=1,
            numbers={
                "log_odds": float(sums[c]),
                "milliohm": 1e3 * switches.watt / switches.ampere2,
            },
        )
        for sums, phenomenon in kinds
        for c in np.flatnonzero(sums >= ALARM)
    )

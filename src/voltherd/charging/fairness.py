"""Who goes short where not all can have theirs: how evenly, and more evenly at the same cost.

What vehicles of one class draw together in a step is all that limits and prices see.  So power may
change hands within class and step until every vehicle lacks the same share of its need, as near as
powers and stays let it; neither the cost, nor the bound, nor the energy delivered change.

Source of the index: Jain, Chiu, Hawe, DEC-TR-301 (1984).
"""

from typing import Final

import numpy as np
from jaxtyping import Float, Int

from voltherd.charging.problem import DRAWS, PerVehicle, Problem

_SWEEPS: Final = 8
_HALVINGS: Final = 40
_SOME_KWH: Final = 1e-9
Powers = Float[np.ndarray, "vehicles steps"]


def fairness(share: Float[np.ndarray, " some"]) -> float:
    """Give Jain's index of what each gets of its need: 1 where all get the same share.

    >>> fairness(np.array([0.5, 0.5])), fairness(np.array([1.0, 0.0]))
    (1.0, 0.5)
    """
    square = float((share**2).sum())
    return float(share.sum()) ** 2 / (len(share) * square) if square > 0.0 else 1.0


def evened(
    problem: Problem, class_of: Int[np.ndarray, "vehicles"], power: Powers, missing_kwh: PerVehicle
) -> tuple[Powers, PerVehicle]:
    """Let power change hands until shares are as even as they can be.

    Args:
        problem: What is planned.
        class_of: Class of each vehicle.
        power: What each draws [kW]; those that give back or bend keep theirs.
        missing_kwh: What each lacks [kWh].

    Returns:
        Power of each vehicle, and what it lacks.
    """
    power, missing, hour = power.copy(), missing_kwh.copy(), problem.site.step_hour
    need = np.maximum(problem.reachable_kwh, _SOME_KWH)
    draws = (problem.kind == DRAWS) & (problem.reachable_kwh > _SOME_KWH)
    most = np.where(problem.window, problem.fleet.power_max_kilowatt[:, None], 0.0)
    groups = [np.flatnonzero(draws & (class_of == number)) for number in np.unique(class_of)]
    groups = [some for some in groups if len(some) > 1 and missing[some].sum() > _SOME_KWH]
    for _ in range(_SWEEPS):
        for some in groups:
            for step in np.flatnonzero(power[some].sum(axis=0) > 0.0).tolist():
                here = some[most[some, step] > 0.0]
                before = power[here, step]
                upper = np.minimum(most[here, step], before + missing[here] / hour)
                after = _shared(before, upper, missing[here] / hour, need[here] / hour)
                missing[here] = np.maximum(missing[here] - (after - before) * hour, 0.0)
                power[here, step] = after
    return power, missing


def _shared(
    before: Float[np.ndarray, " some"],
    upper: Float[np.ndarray, " some"],
    lacks: Float[np.ndarray, " some"],
    need: Float[np.ndarray, " some"],
) -> Float[np.ndarray, " some"]:
    """Share the same power so that all lack the same share of their need, within bounds."""
    low, high, whole = 0.0, float(((before + lacks) / need).max()), before.sum()
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        given = np.clip(before + lacks - middle * need, 0.0, upper)
        low, high = (middle, high) if given.sum() > whole else (low, middle)
    given = np.clip(before + lacks - high * need, 0.0, upper)
    left, room = whole - given.sum(), (upper - given)
    return np.asarray(given + room * min(max(left, 0.0) / max(room.sum(), 1e-300), 1.0))

"""State of energy: what a cell still gives before it is empty, under a given power and temperature.

The profile of the time to come is played against the identified cell; when it is over it begins
anew.  At each step the current is the one that the power asks for::

    p = v i,  v = ocv(z, T) + v1 + v2 + R0(z, T) i

A peak that would pull the voltage below its limit is cut to what the limit allows, as the state of
power would cut it.  The cell is empty when that lasts, or when its charge ends.  A profile as
fine as the drive brings the losses of its peaks with it; means alone promise too much.

A load that leaves the cell no emptier after a whole round never empties it; one that would take
longer than ten days is not followed.  Neither has an energy until empty, and none is told.

Source: energy by playing a predicted load, Plett, Battery Management Systems vol. 2 (2015) section
1.8; the sign of the current turned.
"""

import math
from dataclasses import dataclass
from typing import Final, NamedTuple, final

import numpy as np
from jaxtyping import Float

from voltherd.errors import InputError
from voltherd.numerics.cell_map import CellMap
from voltherd.types.estimate import NORMAL_90
from voltherd.units import SECOND_PER_HOUR

STEP_SECOND: Final = 2.0
"""Longest step; a finer profile is followed at its own pace, down to a second."""
CUT_SECOND: Final = 20.0
"""The cell is empty when its power has been cut for so long without a break [s]."""
DAYS_MAX: Final = 10.0
"""A load is followed for so long; one that at twice its pace would take longer, not at all."""
Values = Float[np.ndarray, "times"]


class PowerProfile(NamedTuple):
    """What is asked for in the time to come; it repeats.

    Attributes:
        second: From now, ascending from 0 [s].
        watt: Power of one cell, charging positive; below 0 on the whole [W].
        celsius: Temperature of the cell; the last one stays after the first round [°C].
    """

    second: Values
    watt: Values
    celsius: Values


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Energy:
    """What a cell still gives.

    Attributes:
        watthour: At the terminals, what comes back subtracted, until it is empty; NaN where that
            cannot be told [Wh].
        low_watthour: Lower end of the 90 % interval; NaN likewise [Wh].
        high_watthour: Upper end; NaN likewise, also where only the fuller cell outlasts what is
            followed [Wh].
        second: Until it is empty; infinite where this load never empties it, NaN where that cannot
            be told [s].
        soc: State of charge at which it is empty, or at which following ended.
        limit: What ends it: ``voltage`` or ``charge``; ``none`` where nothing does, ``too slow``
            where the load was not followed to the end.
    """

    watthour: float
    low_watthour: float
    high_watthour: float
    second: float
    soc: float
    limit: str


def energy_to_empty(
    cell: CellMap,
    soc: float,
    sigma: float,
    profile: PowerProfile,
    volt_min: float,
    *,
    soc_min: float = 0.0,
    model_fraction: float = 0.01,
) -> Energy:
    """Predict the energy until empty.

    Args:
        cell: The identified cell, at rest.
        soc: State of charge.
        sigma: Its standard uncertainty.
        profile: What will be asked for.
        volt_min: Voltage below which the cell's power is cut [V].
        soc_min: Charge that is to be left.
        model_fraction: Standard uncertainty of model and capacity, as a share of the energy.

    Returns:
        The energy; its interval joins the doubt about the charge with that about the model.

    Raises:
        InputError: Something is not a finite number, or the profile is none.
    """
    _refuse(profile, soc=soc, sigma=sigma, volt_min=volt_min, soc_min=soc_min)
    found = _played(cell, soc, profile, volt_min, soc_min)
    ends = [
        _played(cell, min(max(soc + way * NORMAL_90 * sigma, 0.0), 1.0), profile, volt_min, soc_min)
        if sigma > 0.0
        else found
        for way in (-1.0, 1.0)
    ]
    model = NORMAL_90 * model_fraction * found.watthour
    low, high = (math.hypot(end.watthour - found.watthour, model) for end in ends)
    return Energy(
        watthour=found.watthour,
        low_watthour=max(found.watthour - low, 0.0),
        high_watthour=found.watthour + high,
        second=found.second,
        soc=found.soc,
        limit=found.limit,
    )


def _refuse(profile: PowerProfile, **given: float) -> None:
    """Refuse what cannot be played."""
    lengths = {len(part) for part in profile}
    if len(lengths) != 1 or 0 in lengths or (np.diff(profile.second) <= 0.0).any():
        raise InputError("the profile is none", mend="give as many powers as ascending times")
    parts = {"profile " + name: part for name, part in profile._asdict().items()}
    for name, value in {**parts, **given}.items():
        if not np.isfinite(value).all():
            raise InputError(f"{name} is not known", mend="every value must be a finite number")
    if given["sigma"] < 0.0:
        raise InputError("sigma is below 0", mend="give a standard uncertainty")


class _Played(NamedTuple):
    watthour: float
    second: float
    soc: float
    limit: str


def _played(
    cell: CellMap, soc: float, profile: PowerProfile, volt_min: float, soc_min: float
) -> _Played:
    length = max(float(profile.second[-1]), STEP_SECOND)
    spacing = length / max(len(profile.second) - 1, 1)
    step = min(max(spacing, 1.0), STEP_SECOND)
    grid = np.arange(0.5 * step, length, step)
    watts = np.interp(grid, profile.second, profile.watt).tolist()
    warmth = np.interp(grid, profile.second, profile.celsius).tolist()
    per_step = step / (SECOND_PER_HOUR * cell.base.capacity_ah)
    kept = [math.exp(-step / tau) for tau in (cell.tau1_second, cell.tau2_second)]
    joule, v1, v2, cut, begun = 0.0, 0.0, 0.0, 0.0, soc
    most = int(DAYS_MAX * 86_400.0 / step)
    for at in range(most):
        if soc <= soc_min:
            return _Played(joule / SECOND_PER_HOUR, at * step, soc_min, "charge")
        turn = at % len(watts)
        if not turn and at:
            # The first round alone says little: its temperature and polarisation are its own.
            lost, begun = begun - soc, soc
            if at > len(watts) and lost <= 0.0:
                return _Played(math.nan, math.inf, soc, "none")
            if at > len(watts) and 2.0 * lost * (most - at) / len(watts) < soc - soc_min:
                break
        known = cell.at(np.array([soc]), warmth[turn if at < len(watts) else -1])
        r0, r1, r2, ocv = (float(part[0]) for part in known[:4])
        still = ocv + v1 + v2
        ampere, short = _current(still, r0, watts[turn], volt_min)
        cut = cut + step if short else 0.0
        if cut >= CUT_SECOND:
            return _Played(joule / SECOND_PER_HOUR, at * step, soc, "voltage")
        joule -= (still + r0 * ampere) * ampere * step
        v1 = kept[0] * v1 + (1.0 - kept[0]) * r1 * ampere
        v2 = kept[1] * v2 + (1.0 - kept[1]) * r2 * ampere
        soc = min(soc + per_step * ampere, 1.0)
    return _Played(math.nan, math.nan, soc, "too slow")


def _current(still: float, ohm: float, watt: float, volt_min: float) -> tuple[float, bool]:
    """Solve ``watt = (still + ohm i) i``, cut at the least voltage; also whether it was cut."""
    most = min((volt_min - still) / ohm, 0.0)
    root = still**2 + 4.0 * ohm * watt
    if root < 0.0:
        return most, True
    ampere = (math.sqrt(root) - still) / (2.0 * ohm)
    return (most, True) if ampere < most else (ampere, False)

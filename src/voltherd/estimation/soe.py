"""State of energy: what a cell still gives before it is empty, under a given power and temperature.

The remaining way down is walked in steps of charge.  At each step the current that the power asks
for is found, the voltage is what the cell shows under it, and the energy is summed until the
voltage falls below its limit or the charge ends::

    p = v i,  v = ocv(z, T) + (R0 + R1 + R2)(z, T) i

The steps are long beside the pairs' time constants, so the pairs are taken as settled.  A drive's
power is not its mean: its losses go with the mean square of the current, which ``ripple`` carries
(root mean square over mean of the power), and it is its peaks that end it: a cell is empty when a
peak would pull it below its least voltage, though it would still bear the mean.

Source: the energy that is left by integrating the voltage over the charge under a predicted load,
Plett, Battery Management Systems vol. 2 (2015) section 1.8; the sign of the current turned.
"""

from dataclasses import dataclass
from typing import Final, NamedTuple, final

import numpy as np
from jaxtyping import Float

from voltherd.estimation.widening import SIGMAS
from voltherd.numerics.cell_map import CellMap
from voltherd.units import SECOND_PER_HOUR

STEP: Final = 0.0025
"""Of charge; a fourth of the curve's node distance."""
PEAK_SECOND: Final = 5.0
"""How long a peak of the power lasts [s]."""
Values = Float[np.ndarray, "times"]


class PowerProfile(NamedTuple):
    """What is asked for in the time to come; the last value goes on.

    Attributes:
        second: From now, ascending from 0 [s].
        watt: Mean power of one cell, below 0: discharging [W].
        celsius: Temperature of the cell [°C].
        ripple: Root mean square over mean of the power within minutes; 1 where it is steady.
        peak_watt: Strongest power for some seconds, below 0; not less than the mean counts [W].
    """

    second: Values
    watt: Values
    celsius: Values
    ripple: float = 1.0
    peak_watt: float = 0.0


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Energy:
    """What a cell still gives.

    Attributes:
        watthour: At the terminals until it is empty [Wh].
        low_watthour: Lower end of the 90 % interval [Wh].
        high_watthour: Upper end [Wh].
        second: Until it is empty [s].
        soc: State of charge at which it is empty.
        limit: ``voltage`` or ``charge``: what ends it.
    """

    watthour: float
    low_watthour: float
    high_watthour: float
    second: float
    soc: float
    limit: str


class _Walk(NamedTuple):
    watthour: float
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
        cell: The identified cell.
        soc: State of charge.
        sigma: Its standard uncertainty.
        profile: What will be asked for.
        volt_min: Voltage at which the cell is called empty [V].
        soc_min: Charge that is to be left.
        model_fraction: Standard uncertainty of the model and of the capacity, as a share.

    Returns:
        The energy; its interval joins the doubt about the charge with that about the model.
    """
    found = _walk(cell, soc, profile, volt_min, soc_min)
    ends = [
        _walk(cell, min(max(soc + way * SIGMAS * sigma, 0.0), 1.0), profile, volt_min, soc_min)
        for way in (-1.0, 1.0)
    ]
    model = SIGMAS * model_fraction * found.watthour
    low, high = (float(np.hypot(end.watthour - found.watthour, model)) for end in ends)
    return Energy(
        watthour=found.watthour,
        low_watthour=max(found.watthour - low, 0.0),
        high_watthour=found.watthour + high,
        second=found.second,
        soc=found.soc,
        limit=found.limit,
    )


def _walk(
    cell: CellMap, soc: float, profile: PowerProfile, volt_min: float, soc_min: float
) -> _Walk:
    capacity, watthour, second, at = cell.base.capacity_ah, 0.0, 0.0, soc
    pairs = np.exp(-PEAK_SECOND / np.array([cell.tau1_second, cell.tau2_second]))
    while at > soc_min:
        watt = float(np.interp(second, profile.second, profile.watt))
        celsius = float(np.interp(second, profile.second, profile.celsius))
        known = cell.at(np.array([at]), celsius)
        ocv, r0, r1, r2 = (float(part[0]) for part in (known.ocv, known.r0, known.r1, known.r2))
        ohm = r0 + r1 + r2
        ampere = _current(ocv, ohm, watt)
        if ampere is None:
            return _Walk(watthour, second, at, "voltage")
        kept = r1 * float(pairs[0]) + r2 * float(pairs[1])
        peak = _current(ocv + kept * ampere, ohm - kept, min(profile.peak_watt, watt))
        if peak is None or ocv + kept * ampere + (ohm - kept) * peak < volt_min:
            return _Walk(watthour, second, at, "voltage")
        step = min(STEP, at - soc_min)
        hours = step * capacity / -ampere
        # The mean square of the current exceeds its square: so do the losses.
        watthour += step * capacity * (ocv + ohm * ampere * profile.ripple**2)
        second += hours * SECOND_PER_HOUR
        at -= step
    return _Walk(watthour, second, at, "charge")


def _current(ocv: float, ohm: float, watt: float) -> float | None:
    """Solve ``watt = (ocv + ohm i) i`` for the smaller current; none where no current does [A]."""
    root = ocv**2 + 4.0 * ohm * watt
    return (np.sqrt(root) - ocv) / (2.0 * ohm) if root > 0.0 else None

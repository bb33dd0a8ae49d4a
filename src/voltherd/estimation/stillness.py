"""A voltage that stays the same to the bit while the current says that it must have moved.

A frozen sensor, or a gateway that repeats what it last heard, tells nothing of the cell any more;
an estimator that believed it would follow it, ever surer.  Until the voltage moves again it counts
as not measured.
"""

from typing import Final

import numpy as np
from jaxtyping import Float

from voltherd.numerics.cell_parameters import OCV_NODES, CellParameters
from voltherd.types.quality import Quality

STUCK_VOLT: Final = 0.04
"""By so much a voltage must have moved for standing still to be a fault: more than the steps in
which voltages are commonly told, with resistances known to a factor of two [V]."""
_GRID: Final = np.linspace(0.0, 1.0, OCV_NODES)
PerCell = Float[np.ndarray, "cells"]
Stillness = Float[np.ndarray, "5 cells"]
"""Of every cell: its voltage, current and charge when the voltage last changed, the charge passed
since over its capacity, and the most that the voltage should have moved since."""


def watch(volt: PerCell, ampere: float, soc: PerCell) -> Stillness:
    """Begin to watch.

    Args:
        volt: Cell voltages, NaN where missing [V].
        ampere: Current, positive charging [A].
        soc: State of charge.
    """
    kept = np.zeros((5, len(volt)))
    kept[0], kept[1], kept[2] = volt, ampere, soc
    return kept


def watched(
    kept: Stillness,
    parameters: CellParameters,
    volt: PerCell,
    ampere: float,
    soc: PerCell,
    charge: PerCell | float,
) -> tuple[Stillness, PerCell]:
    """Take the next sample.

    Args:
        kept: Left as it is.
        parameters: The cells.
        volt: Cell voltages, NaN where missing [V].
        ampere: Current, positive charging [A].
        soc: State of charge that was estimated before this sample.
        charge: Passed since the sample before, over the capacity.

    Returns:
        What is kept, and the voltages: NaN where one is missing or stands still.
    """
    changed = np.isfinite(volt) & (volt != kept[0])
    fresh = watch(volt, ampere, soc)
    if changed.all():
        return fresh, volt
    passed = kept[3] + charge
    began, ended = (np.interp(z, _GRID, parameters.ocv_volt) for z in (kept[2], kept[2] + passed))
    due = np.abs(parameters.r0_ohm * (ampere - kept[1])) + np.abs(ended - began)
    same = np.stack([kept[0], kept[1], kept[2], passed, np.maximum(kept[4], due)])
    after = np.where(changed, fresh, same)
    return after, np.where(after[4] > STUCK_VOLT, np.nan, volt)


def quality_of(given: PerCell, used: PerCell, whole: bool) -> Quality:
    """Say what to know before using an estimate.

    Args:
        given: Voltages as they came, NaN where missing [V].
        used: Those that counted as measured [V].
        whole: Whether current and temperature were there.
    """
    there, counted = np.isfinite(given), np.isfinite(used)
    quality = Quality.OK if whole and there.all() else Quality.MISSING
    return quality if counted[there].all() else quality | Quality.SUSPECT

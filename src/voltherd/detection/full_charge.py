"""What each cell still lacks when an iron-phosphate pack is full.

Along its plateau such a cell's voltage tells nothing of its charge; at the end of a full charge it
rises steeply, and there the cells' voltages, read through the curve, are their differences in
remaining charge.  Compared between full charges they tell a leak (Zheng et al., Journal of Power
Sources 407, 2018, reads remaining charge so).  Each such moment becomes a row of the history that
the judges of slow change read.
"""

from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Float

from voltherd.detection.windows import CHARGE, operating_state
from voltherd.numerics.presets import LFP
from voltherd.numerics.robust import median
from voltherd.types.asset import Chemistry
from voltherd.types.sample import SampleBatch

KNEE_VOLT: Final = 3.40
"""Rested voltage from which the curve is steep enough to read [V]."""
TOP_VOLT: Final = 3.55
"""The cell that is full first must have come so far [V]."""
OHMIC_VOLT_MAX: Final = 0.02
"""What the current may still lift the cells by: the charge has tapered [V]."""
_OCV: Final = np.asarray(LFP.ocv_volt, float)
_GRID: Final = np.linspace(0.0, 1.0, len(_OCV))


class Top(NamedTuple):
    """The latest row of a charge near its end.

    Attributes:
        second: When, NaN while there is none [unix s].
        ampere: Charging current in it [A].
        volt: Each cell in it [V].
    """

    second: float
    ampere: float
    volt: Float[np.ndarray, " c"]


class Full(NamedTuple):
    """A full charge.

    Attributes:
        second: Its end [unix s].
        volt: Each cell's deviation from the median cell [V].
        charge: The same as charge, negative for what it still lacks [fraction].
    """

    second: float
    volt: Float[np.ndarray, " c"]
    charge: Float[np.ndarray, " c"]


def init(cells: int) -> Top:
    """Have seen no charge yet."""
    return Top(np.nan, np.nan, np.full(cells, np.nan))


def look(
    top: Top, batch: SampleBatch, chemistry: Chemistry, resistance_ohm: float
) -> tuple[Top, tuple[Full, ...]]:
    """Find the full charges that end in some rows.

    Args:
        top: What came before.
        batch: Further rows.
        chemistry: Of the cells; of sloping ones nothing is read here.
        resistance_ohm: Of the median cell [Ω].
    """
    if chemistry is not Chemistry.LFP or not batch.rows or not batch.cells:
        return top, ()
    charging = operating_state(batch) == CHARGE
    high = np.fmax.reduce(batch.cell_voltage_volt, axis=1) >= TOP_VOLT
    if not high.any() and np.isnan(top.second):
        return top, ()
    near = charging & high
    ends = np.flatnonzero(near & ~np.append(near[1:], True))
    ended = [_row(batch, int(row)) for row in ends]
    if not np.isnan(top.second) and not near[0]:
        ended.insert(0, top)
    full = tuple(f for each in ended for f in [_read(each, resistance_ohm)] if f is not None)
    return (_row(batch, batch.rows - 1) if near[-1] else init(batch.cells)), full


def _row(batch: SampleBatch, row: int) -> Top:
    return Top(
        float(batch.unix_time_second[row]),
        float(batch.scalar["current_ampere"][row]),
        batch.cell_voltage_volt[row].astype(np.float64),
    )


def _read(top: Top, resistance_ohm: float) -> Full | None:
    """Read the cells' charge, None where the charge ended early."""
    lift = resistance_ohm * top.ampere
    middle = float(median(top.volt, axis=0))
    if not lift <= OHMIC_VOLT_MAX or not middle - lift >= KNEE_VOLT:
        return None
    soc = np.where(np.isnan(top.volt), np.nan, np.interp(top.volt - lift, _OCV, _GRID))
    return Full(top.second, top.volt - middle, soc - float(median(soc, axis=0)))

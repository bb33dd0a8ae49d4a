"""The pack as a whole is out of balance, or its deviations follow the string.

Judged on the bulk of the cells: the distance between the tenth lowest and tenth highest per cent,
which a few bad cells cannot make.  Whether it is charge is told by physics: a difference in charge
shows in proportion to the slope of the open-circuit voltage, an error of measurement does not.
"""

from typing import Final

import numpy as np
from jaxtyping import Float

from voltherd.detection.cells import CLEARLY_BETTER, Fit, tells
from voltherd.detection.memory import Memory, capacity_ah
from voltherd.detection.verdict import Verdict
from voltherd.numerics.robust import quantile, spearman
from voltherd.types.event import Location, LocationKind, Phenomenon, Severity

CAUSE: Final = "imbalance"
CELLS_MIN: Final = 12
PERIODS_MIN: Final = 4
WIDTH_OPERATING: Final = 0.03
WIDTH_RECOMMENDED: Final = 0.04
"""Width of the middle 80 % of the cells, as charge."""
WIDTH_SIGMA: Final = 0.005
"""Half a per cent of charge: 5 mV, what a cell's channel is declared to show, on a usual slope."""
VOLT_WIDTH_OPERATING: Final = 0.015
STRING_CORRELATION: Final = 0.7


def judge(memory: Memory, found: Fit) -> tuple[Verdict, ...]:
    """Say whether the pack is out of balance now, and how.

    Args:
        memory: The past.
        found: What ``cells.fit`` makes of it.
    """
    cells = len(memory.square)
    if cells < CELLS_MIN or memory.periods < PERIODS_MIN:
        return ()
    width = _width(found.charge)
    if width < WIDTH_OPERATING or _width(found.volt) < VOLT_WIDTH_OPERATING:
        return ()
    total = float(memory.square.sum())
    left_charge, left_offset = (
        1.0 - float((memory.moment[k] ** 2).sum() / max(memory.normal[k, k], 1e-12)) / total
        for k in (0, 3)
    )
    measured = tells(memory, left_offset, left_charge)
    # A pack out of balance is common, a hundred sensors that err alike are not: no odds are asked.
    charged = left_charge <= CLEARLY_BETTER * left_offset
    along = spearman(np.arange(cells), found.charge)
    numbers = {
        "width": width,
        "width_volt": _width(found.volt),
        "low": float(found.charge.min()),
        "high": float(found.charge.max()),
        "spearman": along,
        "left_charge": left_charge,
        "left_offset": left_offset,
        "is_charge": 1.0 if charged else 0.0 if measured else np.nan,
    }
    ah = capacity_ah(memory)
    if ah is not None:
        numbers["capacity_ah"] = ah
    outer = _ends(found.charge)
    return (
        Verdict(
            cause=CAUSE,
            phenomenon=Phenomenon.STRING_GRADIENT
            if measured and abs(along) >= STRING_CORRELATION
            else Phenomenon.SOC_IMBALANCE,
            location=Location(kind=LocationKind.PACK, cells=outer),
            severity=Severity.RECOMMENDED
            if width >= WIDTH_RECOMMENDED and not measured
            else Severity.OPERATING,
            score=width / WIDTH_SIGMA,
            persistence=3,
            numbers=numbers,
        ),
    )


def _width(values: Float[np.ndarray, " c"]) -> float:
    return quantile(values, 0.9) - quantile(values, 0.1)


def _ends(charge: Float[np.ndarray, " c"]) -> tuple[int, ...]:
    """Give the cells of the highest tenth, the first that balancing would bleed."""
    limit = np.quantile(charge, 0.9)
    return tuple(int(c) + 1 for c in np.flatnonzero(charge >= limit))

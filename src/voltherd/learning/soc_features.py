"""Records with a known charge, as learned estimators will see them.

The features are made by the functions that the estimator itself runs, sample by sample.  Each
drive is begun several times: at its start, and at places where nobody knows the charge, so that
what was counted since the start is no substitute for what the voltage says.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Float

from voltherd.errors import InputError
from voltherd.estimation.identify import Drive
from voltherd.estimation.soc_frame import Opening, Span
from voltherd.estimation.soc_window import advanced_window, features_of, opened_window
from voltherd.numerics.cell_map import CellMap

STARTS: Final = (0.0, 0.15, 0.45, 0.7)
"""Where drives are begun, as shares of their length."""


class Lesson(NamedTuple):
    """A drive from one start, every so many rows.

    Attributes:
        features: In the order of ``FEATURES``.
        soc: The charge known.
    """

    features: Float[np.ndarray, "rows features"]
    soc: Float[np.ndarray, "rows"]


def lessons(cell: CellMap, drives: Sequence[Drive], stride: int) -> list[Lesson]:
    """Take every drive from every start.

    Args:
        cell: Gives the capacity.
        drives: With known charge; a row is a sample.
        stride: Rows from one to the next that is kept.

    Raises:
        InputError: There is no drive.
    """
    if not drives:
        raise InputError("no drive to learn from", mend="give at least one record")
    return [lesson(cell, drive, share, stride) for drive in drives for share in STARTS]


def lesson(cell: CellMap, drive: Drive, share: float, stride: int) -> Lesson:
    """Take one drive from one start."""
    first = int(share * len(drive.soc))
    rows = zip(*(part[first:].tolist() for part in drive[:4]), strict=True)
    time, ampere, volt, celsius = next(rows)
    opening = Opening(np.zeros(1), np.zeros(1), ampere, celsius, np.array([volt]))
    window, kept = opened_window(cell, opening), []
    for at, (now, current, voltage, warmth) in enumerate(rows, start=1):
        dt, mean = max(now - time, 1e-3), 0.5 * (ampere + current)
        span = Span(dt, mean, current, 0.0, 0.0, warmth, np.array([voltage]))
        window = advanced_window(cell, window, span)
        if at % stride == 0:
            kept.append(features_of(cell, window, current, warmth)[0])
        time, ampere = now, current
    soc = drive.soc[first:][stride::stride]
    return Lesson(np.array(kept), soc)

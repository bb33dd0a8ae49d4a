"""How long something took, over the last so many times: bounded, and cheap to feed."""

from collections.abc import Sequence
from typing import Final, NamedTuple, final

import numpy as np
from jaxtyping import Float

LAGS_KEPT: Final = 1 << 16


class LagSummary(NamedTuple):
    """What is known of a lag; NaN where nothing was measured yet.

    Attributes:
        measured: How often it was measured.
        p50_second: Median of the last ``LAGS_KEPT`` [s].
        p99_second: 99th percentile of them [s].
        max_second: Longest of them [s].
    """

    measured: int
    p50_second: float
    p99_second: float
    max_second: float


@final
class Lags:
    """The last measurements of one lag."""

    def __init__(self, kept: int = LAGS_KEPT) -> None:
        self._second: Float[np.ndarray, "kept"] = np.full(kept, np.nan)
        self._count = 0

    def add(self, second: Sequence[float]) -> None:
        """Take measurements [s]; of more than fit, the last ones stay."""
        kept = len(self._second)
        for value in second:
            self._second[self._count % kept] = value
            self._count += 1

    def summary(self) -> LagSummary:
        """Sum up."""
        known = self._second[: self._count]
        if not known.size:
            return LagSummary(0, np.nan, np.nan, np.nan)
        p50, p99 = np.percentile(known, (50.0, 99.0))
        return LagSummary(self._count, float(p50), float(p99), float(known.max()))

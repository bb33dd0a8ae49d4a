"""How long things take: bounded memory, any number of them, quantiles within a few percent."""

from math import ceil, log10
from typing import Final, final

import numpy as np

PER_DECADE: Final = 40
"""Steps a decade: neighbours are 6 % apart."""
_SHORTEST: Final = 1e-7
_DECADES: Final = 10


@final
class Durations:
    """A histogram of durations on a logarithmic scale.

    Attributes:
        count: How many.
        longest_second: The longest [s].
    """

    def __init__(self) -> None:
        self.count = 0
        self.longest_second = 0.0
        self._bins = np.zeros(PER_DECADE * _DECADES + 1, np.int64)

    def add(self, second: float) -> None:
        """Count one [s]."""
        place = ceil(PER_DECADE * log10(max(second, _SHORTEST) / _SHORTEST))
        self._bins[min(place, len(self._bins) - 1)] += 1
        self.count += 1
        self.longest_second = max(self.longest_second, second)

    def quantile(self, share: float) -> float:
        """Give the duration that a share of all stay within, 0 where there were none [s].

        >>> some = Durations()
        >>> for k in range(1, 101):
        ...     some.add(0.001 * k)
        >>> bool(0.050 <= some.quantile(0.5) <= 0.054), round(some.quantile(1.0), 6)
        (True, 0.1)
        """
        if not self.count:
            return 0.0
        place = int(np.searchsorted(np.cumsum(self._bins), ceil(share * self.count)))
        upper: float = _SHORTEST * 10.0 ** (place / PER_DECADE)
        return min(upper, self.longest_second)

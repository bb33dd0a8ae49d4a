"""The machine's clock, as it is or shifted to when a recording ended."""

import time
from dataclasses import dataclass
from typing import final


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class WallClock:
    """The ``Clock`` port on the machine's own clock.

    Attributes:
        shift_second: Added to its time, so that an old recording is seen as of its end [s].
    """

    shift_second: float = 0.0

    def unix_second(self) -> float:
        """The time that stamps carry [unix s]."""
        return time.time() + self.shift_second

    def monotonic_second(self) -> float:
        """Time for intervals [s]."""
        return time.monotonic()

    def sleep(self, second: float) -> None:
        """Let time pass [s]."""
        time.sleep(max(second, 0.0))

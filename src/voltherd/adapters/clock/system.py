"""The clock of the machine."""

import time
from typing import final


@final
class SystemClock:
    """Fulfils ``voltherd.ports.Clock`` with the machine's time."""

    def unix_second(self) -> float:
        """The machine's idea of the date [unix s]."""
        return time.time()

    def monotonic_second(self) -> float:
        """Time since some moment, whatever becomes of the date [s]."""
        return time.monotonic()

    def sleep(self, second: float) -> None:
        """Sleep; a time that is over already takes none [s]."""
        if second > 0.0:
            time.sleep(second)

"""The fleet's clock: it stands where the vehicles will begin until they do."""

from typing import final

from voltherd.ports import Clock


@final
class StartingClock:
    """A ``Clock`` that stands still until it is started, and then follows another.

    Args:
        stands_unix_second: What it says until then [unix s].
        real: The machine's time, in which waiting passes until then.
    """

    def __init__(self, stands_unix_second: float, real: Clock) -> None:
        self._stands, self._real = stands_unix_second, real
        self._running: Clock | None = None

    def start(self, running: Clock) -> None:
        """Let time begin."""
        assert self._running is None
        self._running = running

    def unix_second(self) -> float:
        """What time it is [unix s]."""
        running = self._running
        return self._stands if running is None else running.unix_second()

    def monotonic_second(self) -> float:
        """Time since it was started [s]."""
        running = self._running
        return 0.0 if running is None else running.monotonic_second()

    def sleep(self, second: float) -> None:
        """Let time pass; while it stands, real time [s]."""
        (self._running or self._real).sleep(second)

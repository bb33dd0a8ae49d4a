"""Clocks of simulated time: one that runs faster than the world, one that only runs when told to.

Both fulfil ``voltherd.ports.Clock``: what is built on a clock runs in a demonstration at sixty
times its speed, and in a test through a week within a second.
"""

from collections.abc import Callable
from typing import final


@final
class ScaledClock:
    """Simulated time that passes at a multiple of real time.

    Where real time comes from is given: ``voltherd.adapters.clock.system``, or another clock.
    """

    def __init__(
        self,
        origin_unix_second: float,
        speed: float,
        monotonic_second: Callable[[], float],
        sleep: Callable[[float], None],
    ) -> None:
        """Let simulated time begin now.

        Args:
            origin_unix_second: What it is now [unix s].
            speed: Simulated seconds in a real one, more than 0.
            monotonic_second: Real time that never runs backwards [s].
            sleep: Lets real time pass [s].
        """
        assert speed > 0.0
        self._origin, self._speed = origin_unix_second, speed
        self._real, self._sleep = monotonic_second, sleep
        self._began = monotonic_second()

    @property
    def speed(self) -> float:
        """Simulated seconds in a real one."""
        return self._speed

    def unix_second(self) -> float:
        """Simulated date [unix s]."""
        return self._origin + self.monotonic_second()

    def monotonic_second(self) -> float:
        """Simulated time since the origin [s]."""
        return (self._real() - self._began) * self._speed

    def sleep(self, second: float) -> None:
        """Let so much simulated time pass; a time that is over already takes none [s]."""
        if second > 0.0:
            self._sleep(second / self._speed)


@final
class VirtualClock:
    """Time that passes only while somebody sleeps; two of them never meet."""

    def __init__(self, unix_second: float = 0.0) -> None:
        """Begin at a date [unix s]."""
        self._unix, self._elapsed = unix_second, 0.0

    def unix_second(self) -> float:
        """Virtual date [unix s]."""
        return self._unix

    def monotonic_second(self) -> float:
        """Virtual time slept away since the beginning [s]."""
        return self._elapsed

    def sleep(self, second: float) -> None:
        """Go ahead by so much at once; a time that is over already changes nothing [s]."""
        self._unix += max(second, 0.0)
        self._elapsed += max(second, 0.0)

    def jump(self, second: float) -> None:
        """Change the date and nothing else, as a clock does that somebody sets [s]."""
        self._unix += second

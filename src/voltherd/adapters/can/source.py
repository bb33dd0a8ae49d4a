"""Frames of a live CAN bus by python-can: a real interface, or the virtual one of a simulation.

Nothing here waits.  A bus that fails is told, left alone for a moment and, where somebody says how,
opened again: a cable that is pulled and put back needs nobody.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, final

from voltherd.errors import ServiceError, UsageError, VoltherdError
from voltherd.types.frame import CanFrame

if TYPE_CHECKING:
    import can

RETRY_SECOND: Final = 2.0
"""How long a bus that failed is left alone [s]."""
FILTERS_MAX: Final = 512
"""SocketCAN takes no more filters of one socket."""
_ABSOLUTE_FROM: Final = 1e8
"""Stamps above this are dates; below they count from when the interface was started [s]."""
_NEAR_SECOND: Final = 60.0
"""A stamp this near to this machine's clock was made by it [s]."""
_GROUP_MASK: Final = 0x03FFFF00
_STANDARD_MASK: Final = 0x7FF


@final
class CanSource:
    """A ``FrameSource`` on an open bus; error and remote frames carry no values and are left out.

    Args:
        bus: Any of python-can's; closed with this.
        stamped: Whether the bus stamps frames with the vehicle's clock; else they bear the time at
            which they were heard, which is all that some interfaces know.
        simulated: Whether stamps are of simulated time, which may be near this machine's and is
            not its clock.
        reopen: Opens the bus again after it failed; None where nobody can.
        monotonic: For the pause before that [s].
    """

    def __init__(
        self,
        bus: "can.BusABC",
        *,
        stamped: bool = True,
        simulated: bool = False,
        reopen: "Callable[[], can.BusABC] | None" = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._bus: can.BusABC | None = bus
        self._stamped, self._reopen, self._monotonic = stamped, reopen, monotonic
        self._near_second = 0.0 if simulated else _NEAR_SECOND
        self._retry_second = 0.0
        self._trouble = ""

    def receive(self, limit: int) -> Sequence[CanFrame]:
        """Give what has come; see ``FrameSource.receive``."""
        bus = self._bus or self._again()
        frames: list[CanFrame] = []
        try:
            while len(frames) < limit and (message := bus.recv(0)) is not None:
                if not (message.is_error_frame or message.is_remote_frame):
                    frames.append(self._frame(message))
        except Exception as error:  # each interface raises what its driver raises
            self._fail(f"the CAN bus is gone ({error})")
            if not frames:
                raise self._gone() from error
        return frames

    def close(self) -> None:
        """Let go of the bus."""
        bus, self._bus = self._bus, None
        if bus is not None:
            bus.shutdown()

    def _again(self) -> "can.BusABC":
        if self._reopen is None or self._monotonic() < self._retry_second:
            raise self._gone()
        try:
            self._bus = self._reopen()
        except VoltherdError as error:
            self._fail(error.what)
            raise self._gone() from error
        return self._bus

    def _fail(self, what: str) -> None:
        self._trouble = what
        self._retry_second = self._monotonic() + RETRY_SECOND
        with suppress(Exception):  # it has failed already
            self.close()

    def _gone(self) -> ServiceError:
        return ServiceError(
            self._trouble or "the CAN bus is closed", mend="check interface and wiring"
        )

    def _frame(self, message: "can.Message") -> CanFrame:
        """Stamp a frame by the bus's clock where that tells dates, else by this machine's."""
        now = time.time_ns()
        dated = self._stamped and message.timestamp >= _ABSOLUTE_FROM
        second = message.timestamp if dated else 1e-9 * now
        own = abs(second - 1e-9 * now) < self._near_second
        return CanFrame(
            arbitration_id=message.arbitration_id,
            data=bytes(message.data),
            second=second,
            heard_nanosecond=round(1e9 * second) if own else now,
            extended=message.is_extended_id,
        )


def open_bus(interface: str, channel: str, **settings: Any) -> "can.BusABC":  # noqa: ANN401 (python-can's own)
    """Open a bus.

    Raises:
        UsageError: There is no such interface or channel.
    """
    import can

    try:
        return can.Bus(interface=interface, channel=channel, **settings)
    except (can.CanError, OSError, ValueError, TypeError, ImportError) as error:
        raise UsageError(
            f"no CAN bus there ({error})",
            where=f"{interface} {channel}",
            mend="name an interface of python-can and its channel, as socketcan can0",
        ) from error


def filters(identifiers: Iterable[tuple[int, bool]]) -> list[dict[str, Any]] | None:
    """Give the filters with which an interface's driver hands over only what is wanted.

    Args:
        identifiers: Wanted, and whether each has 29 bits: then any sender of its J1939 parameter
            group is wanted.

    Returns:
        ``can_filters`` of python-can; None where there are too many for a driver.

    >>> filters([(0x110, False)])
    [{'can_id': 272, 'can_mask': 2047, 'extended': False}]
    """
    wanted = [
        {"can_id": number, "can_mask": _GROUP_MASK if long else _STANDARD_MASK, "extended": long}
        for number, long in sorted(identifiers)
    ]
    return wanted if len(wanted) <= FILTERS_MAX else None

"""Frames of a live CAN bus by python-can: a real interface, or the virtual one of a simulation."""

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, final

from voltherd.errors import ServiceError, UsageError
from voltherd.types.frame import CanFrame

if TYPE_CHECKING:
    import can


@final
class CanSource:
    """A ``FrameSource`` on an open bus; error and remote frames carry no values and are left out.

    Args:
        bus: Any of python-can's; closed with this.
        stamped: Whether the bus stamps frames with the vehicle's clock; else they bear the time at
            which they were heard, which is all that some interfaces know.
    """

    def __init__(self, bus: "can.BusABC", *, stamped: bool = True) -> None:
        self._bus, self._stamped = bus, stamped

    def receive(self, limit: int) -> Sequence[CanFrame]:
        """Give what has come; see ``FrameSource.receive``."""
        import can

        frames = []
        try:
            while len(frames) < limit and (message := self._bus.recv(0)) is not None:
                if not (message.is_error_frame or message.is_remote_frame):
                    frames.append(self._frame(message))
        except can.CanError as error:
            raise ServiceError(
                f"the CAN bus is gone ({error})", mend="check interface and wiring"
            ) from error
        return frames

    def close(self) -> None:
        """Let go of the bus."""
        self._bus.shutdown()

    def _frame(self, message: "can.Message") -> CanFrame:
        heard = time.time_ns()
        return CanFrame(
            arbitration_id=message.arbitration_id,
            data=bytes(message.data),
            second=message.timestamp if self._stamped and message.timestamp else 1e-9 * heard,
            heard_nanosecond=heard,
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

"""What may flow, as a CAN message for chargers, inverters and contactors.

A limit that its signal cannot carry is sent as the highest that it can, never as more than
permitted.
"""

from math import floor, isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, final

from voltherd.errors import ServiceError, UsageError
from voltherd.types.actuation import Actuation

if TYPE_CHECKING:
    from can import BusABC
    from cantools.database.can import Message, Signal

_SEND_SECOND: Final = 0.0
"""A bus that takes nothing now is not waited for [s]."""


class ActuatorSignals(NamedTuple):
    """Names in the database; an empty one is not sent."""

    message: str
    charge_ampere_max: str
    discharge_ampere_max: str
    contactors_closed: str = ""


@final
class CanActuator:
    """The ``Actuator`` port on a bus of python-can."""

    def __init__(self, bus: "BusABC", database: Path, signals: ActuatorSignals) -> None:
        """Find the message.

        Args:
            bus: To send on; closed with this.
            database: Has the message.
            signals: Where each value goes.

        Raises:
            UsageError: The database lacks message or signal, or has others in the message.
        """
        self._message = _message(database, signals)
        self._signals = signals
        self._by_name = {signal.name: signal for signal in self._message.signals}
        self._bus = bus

    def apply(self, actuation: Actuation) -> None:
        """Send it; see ``Actuator.apply``."""
        import can

        values: dict[str, float] = {}
        for name, ampere in (
            (self._signals.charge_ampere_max, actuation.charge_ampere_max),
            (self._signals.discharge_ampere_max, actuation.discharge_ampere_max),
        ):
            values[name] = _carried(self._by_name[name], ampere)
        if self._signals.contactors_closed:
            values[self._signals.contactors_closed] = float(actuation.contactors_closed)
        frame = can.Message(
            arbitration_id=self._message.frame_id,
            is_extended_id=self._message.is_extended_frame,
            data=self._message.encode(values, strict=True),
        )
        try:
            self._bus.send(frame, timeout=_SEND_SECOND)
        except can.CanError as error:
            raise ServiceError(
                f"limits could not be sent ({error})", mend="check the CAN bus"
            ) from error

    def close(self) -> None:
        """Let go of the bus."""
        self._bus.shutdown()


def _message(database: Path, signals: ActuatorSignals) -> "Message":
    import cantools.database
    from cantools.database.can import Database

    known = cantools.database.load_file(str(database), strict=False)
    assert isinstance(known, Database)
    found = next((m for m in known.messages if m.name == signals.message), None)
    if found is None:
        raise UsageError(
            f"no message {signals.message!r} to send limits with",
            where=str(database),
            mend="name one of the database, or leave [actuator] out",
        )
    wanted = {name for name in signals[1:] if name}
    if wanted != {signal.name for signal in found.signals}:
        raise UsageError(
            f"{signals.message} has the signals {', '.join(s.name for s in found.signals)}; "
            f"named are {', '.join(sorted(wanted))}",
            where=str(database),
            mend="name every signal of the message, and no other",
        )
    return found


def _carried(signal: "Signal", ampere: float) -> float:
    """Give the greatest value that a signal can carry and that is no more than permitted."""
    scale, offset = float(signal.scale), float(signal.offset)
    high = signal.maximum
    if high is None:
        counts = (1 << signal.length - signal.is_signed) - 1
        high = counts * scale + offset
    low = 0.0 if signal.minimum is None else max(float(signal.minimum), 0.0)
    most = min(ampere if isfinite(ampere) else 0.0, float(high))
    return max(floor((most - offset) / scale + 1e-9) * scale + offset, low)

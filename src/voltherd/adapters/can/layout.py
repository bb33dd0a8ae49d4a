"""A database of CAN messages as plain values: decoding then needs neither cantools nor a file."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from voltherd.errors import InputError, UnreadableError
from voltherd.types.frame import MessageLayout, SignalLayout

if TYPE_CHECKING:
    from cantools.database.can import Message, Signal

_NOT_AVAILABLE: Final = re.compile(r"\b(sna|not.?avail\w*|invalid|unavailable|n/a)\b", re.I)
_BITS_MAX: Final = 64
_J1939_CODES_FROM: Final = 0xFE
"""The highest two codes of a byte (or of a word's first byte): 'error' and 'not available'."""


def read_layout(path: Path) -> tuple[MessageLayout, ...]:
    """Read what a bus carries.

    Args:
        path: DBC, KCD or ARXML.

    Returns:
        Its messages; containers, and signals of more than 64 bits, are left out.

    Raises:
        InputError: It is not there, or describes no CAN messages.
        UnreadableError: It cannot be read as such a database.
    """
    import cantools.database
    from cantools.database.can import Database

    if not path.is_file():
        raise InputError("no such file", where=str(path), mend="check the path of the database")
    try:
        database = cantools.database.load_file(str(path), strict=False)
    except PermissionError:
        raise
    except Exception as error:  # cantools raises whatever its parsers do
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise UnreadableError(
            f"not readable as DBC, KCD or ARXML ({first[:160]})",
            where=str(path),
            mend="check that it is a CAN database, and export it again",
        ) from error
    if not isinstance(database, Database) or not database.messages:
        raise InputError(
            "describes no CAN messages", where=str(path), mend="give the one of the bus"
        )
    return tuple(_message(m) for m in database.messages if not m.is_container)


def _message(message: "Message") -> MessageLayout:
    cycle = message.cycle_time
    return MessageLayout(
        name=message.name,
        arbitration_id=int(message.frame_id),
        extended=bool(message.is_extended_frame),
        signals=tuple(_signal(s, message) for s in message.signals if _readable(s)),
        period_second=cycle / 1000.0 if cycle else None,
    )


def _readable(signal: "Signal") -> bool:
    if signal.is_float:
        return signal.length in (16, 32, 64)
    return bool(0 < signal.length <= _BITS_MAX)


def _signal(signal: "Signal", message: "Message") -> SignalLayout:
    choices: Mapping[int, object] = signal.choices or {}
    plain = not (signal.is_signed or signal.is_float or choices)
    coded = message.protocol == "j1939" and signal.length in (8, 16, 32) and plain
    return SignalLayout(
        name=signal.name,
        start=signal.start,
        length=signal.length,
        big_endian=signal.byte_order == "big_endian",
        signed=bool(signal.is_signed),
        is_float=bool(signal.is_float),
        scale=float(signal.scale),
        offset=float(signal.offset),
        not_available=tuple(
            int(count) for count, told in choices.items() if _NOT_AVAILABLE.search(str(told))
        ),
        # Source: SAE J1939-71, table of ranges.
        not_available_from=_J1939_CODES_FROM << (signal.length - 8) if coded else None,
        selector=signal.multiplexer_signal or "" if signal.multiplexer_ids else "",
        selected=tuple(signal.multiplexer_ids or ()),
        unit=signal.unit or "",
        comment=signal.comment or "",
    )

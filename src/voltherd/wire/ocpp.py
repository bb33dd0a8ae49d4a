"""Every version of OCPP behind the same functions."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, final

from voltherd.types.station import StationAnswer, StationEvent
from voltherd.types.station_command import StationCommand, StationResult
from voltherd.wire import ocpp16, ocpp16_commands, ocpp20, ocpp20_commands
from voltherd.wire.ocpp_frame import Version

Payload = Mapping[str, Any]
Remarks = tuple[str, ...]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """What one version says, and how: each pair of functions is the other's inverse."""

    encode_event: Callable[[StationEvent], tuple[str, dict[str, Any]]]
    decode_event: Callable[[str, Payload, float], tuple[StationEvent, Remarks] | None]
    encode_answer: Callable[[str, StationAnswer], dict[str, Any]]
    decode_answer: Callable[[str, Payload], tuple[StationAnswer, Remarks]]
    encode_command: Callable[[StationCommand], tuple[str, dict[str, Any]]]
    decode_command: Callable[[str, Payload], tuple[StationCommand, Remarks] | None]
    encode_result: Callable[[StationCommand, StationResult], dict[str, Any]]
    decode_result: Callable[[StationCommand, Payload], tuple[StationResult, Remarks]]


_LATER: Final = Dialect(
    encode_event=ocpp20.encode_event,
    decode_event=ocpp20.decode_event,
    encode_answer=ocpp20.encode_answer,
    decode_answer=ocpp20.decode_answer,
    encode_command=ocpp20_commands.encode_command,
    decode_command=ocpp20_commands.decode_command,
    encode_result=ocpp20_commands.encode_result,
    decode_result=ocpp20_commands.decode_result,
)
DIALECTS: Final[Mapping[Version, Dialect]] = {
    "1.6": Dialect(
        encode_event=ocpp16.encode_event,
        decode_event=ocpp16.decode_event,
        encode_answer=ocpp16.encode_answer,
        decode_answer=ocpp16.decode_answer,
        encode_command=ocpp16_commands.encode_command,
        decode_command=ocpp16_commands.decode_command,
        encode_result=ocpp16_commands.encode_result,
        decode_result=ocpp16_commands.decode_result,
    ),
    "2.0.1": _LATER,
    "2.1": _LATER,
}

"""Frames of OCPP-J: a call, its result or its error, as JSON arrays.

Source: OCPP 1.6 JSON specification, 4; OCPP 2.0.1 part 4, 4.  The two differ in how some error
codes are spelled, and only the later has codes for frames that cannot be understood.
"""

import json
from typing import Any, Final, Literal, NamedTuple

CALL: Final = 2
RESULT: Final = 3
ERROR: Final = 4
MESSAGE_ID_MAX: Final = 36
ACTION_MAX: Final = 64
DEPTH_MAX: Final = 32
"""Brackets within brackets; the deepest payload of a schema has 10."""

Version = Literal["1.6", "2.0.1", "2.1"]
VERSIONS: Final[tuple[Version, ...]] = ("2.1", "2.0.1", "1.6")
"""Newest first."""
SUBPROTOCOLS: Final[dict[str, Version]] = {f"ocpp{version}": version for version in VERSIONS}

_SPELLED_16: Final = {
    "FormatViolation": "FormationViolation",
    "OccurrenceConstraintViolation": "OccurenceConstraintViolation",
    "RpcFrameworkError": "FormationViolation",
    "MessageTypeNotSupported": "ProtocolError",
}


class Call(NamedTuple):
    """A request."""

    message_id: str
    action: str
    payload: dict[str, Any]


class CallResult(NamedTuple):
    """An answer."""

    message_id: str
    payload: dict[str, Any]


class CallError(NamedTuple):
    """An answer that there is none."""

    message_id: str
    code: str
    description: str = ""


class Broken(NamedTuple):
    """What is no frame.

    Attributes:
        message_id: Whose it would be, ``-1`` where that cannot be told.
        code: What is wrong, in the spelling of 2.0.1.
        why: For people.
        answerable: Whether it was meant as a call, so that an error is expected.
    """

    message_id: str
    code: str
    why: str
    answerable: bool


Frame = Call | CallResult | CallError | Broken


def read(text: str | bytes) -> Frame:
    """Read a frame; never raises.

    >>> read('[2, "7", "Heartbeat", {}]')
    Call(message_id='7', action='Heartbeat', payload={})
    >>> read('[2, "7"').code
    'RpcFrameworkError'
    """
    try:
        if isinstance(text, bytes):
            text = text.decode()
        frame = json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError):
        return Broken("-1", "RpcFrameworkError", "no JSON", True)
    if not isinstance(frame, list) or len(frame) < 3 or isinstance(frame[0], bool):
        return Broken("-1", "RpcFrameworkError", "no array of a frame's length", True)
    kind, message_id, *rest = frame
    if not isinstance(message_id, str) or not 0 < len(message_id) <= MESSAGE_ID_MAX:
        return Broken("-1", "RpcFrameworkError", "no message id", kind == CALL)
    if not _encodable(message_id):
        return Broken("-1", "RpcFrameworkError", "a message id that is no text", kind == CALL)
    if kind == CALL:
        is_flat = text.count("[") + text.count("{") <= DEPTH_MAX  # so cannot be too deep
        return _call(message_id, rest, is_flat)
    if kind == RESULT:
        if not isinstance(rest[0], dict):
            return Broken(message_id, "FormatViolation", "a result without a payload", False)
        return CallResult(message_id, rest[0])
    if kind == ERROR:
        description = rest[1] if len(rest) > 1 and isinstance(rest[1], str) else ""
        return CallError(message_id, str(rest[0])[:50], description[:255])
    return Broken(message_id, "MessageTypeNotSupported", "no such message type", False)


def write(frame: Call | CallResult | CallError, version: Version) -> str:
    """Write a frame.

    >>> write(CallError("7", "FormatViolation", "no limit"), "1.6")
    '[4,"7","FormationViolation","no limit",{}]'
    """
    if isinstance(frame, Call):
        body: list[Any] = [CALL, *frame]
    elif isinstance(frame, CallResult):
        body = [RESULT, *frame]
    else:
        code = _SPELLED_16.get(frame.code, frame.code) if version == "1.6" else frame.code
        body = [ERROR, frame.message_id, code, frame.description[:255], {}]
    return json.dumps(body, separators=(",", ":"), allow_nan=False)


def _call(message_id: str, rest: list[Any], is_flat: bool) -> Call | Broken:
    if len(rest) != 2 or not isinstance(rest[0], str) or not 0 < len(rest[0]) <= ACTION_MAX:
        return Broken(message_id, "ProtocolError", "a call without an action or payload", True)
    action, payload = rest
    if payload is None:
        payload = {}  # seen of stations that have nothing to say
    if not isinstance(payload, dict):
        return Broken(message_id, "FormatViolation", "the payload is no object", True)
    if not is_flat and _depth(payload) > DEPTH_MAX:
        return Broken(message_id, "FormatViolation", "the payload is nested too deeply", True)
    return Call(message_id, action, payload)


def _depth(value: dict[str, Any]) -> int:
    """Count levels without recursion, up to one more than may be."""
    level: list[Any] = [value]
    depth = 0
    while level and depth <= DEPTH_MAX:
        depth += 1
        inner: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                inner.extend(v for v in item.values() if isinstance(v, dict | list))
            else:
                inner.extend(v for v in item if isinstance(v, dict | list))
        level = inner
    return depth


def _encodable(text: str) -> bool:
    """Say whether a text can be written: half of a surrogate pair cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _no_number(word: str) -> float:
    raise ValueError(f"{word} is no JSON")

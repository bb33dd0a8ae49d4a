"""OCPP 1.6: what the central system asks for and stations answer, as values and back.

Source: OCPP 1.6 edition 2, 5 and 6.
"""

from collections.abc import Callable, Mapping
from functools import singledispatch
from typing import Any, Final

from voltherd.types.station_command import (
    CancelReservation,
    ClearCache,
    ClearProfiles,
    GetDiagnostics,
    GetSchedule,
    GetSettings,
    GetTokensVersion,
    Outcome,
    RemoteStart,
    RemoteStop,
    Reserve,
    Reset,
    ScheduleTold,
    SendData,
    SendTokens,
    SetAvailability,
    SetProfile,
    SetSetting,
    SettingsTold,
    StationCommand,
    StationResult,
    TokensVersionTold,
    Trigger,
    Unlock,
    UpdateFirmware,
)
from voltherd.wire.ocpp_fields import Fields
from voltherd.wire.ocpp_schedule import (
    PURPOSES_16,
    read_profile,
    read_schedule,
    write_profile,
    write_schedule,
)
from voltherd.wire.ocpp_time import write_time

Written = tuple[str, dict[str, Any]]


@singledispatch
def _encode(command: object) -> Written:
    raise AssertionError(f"1.6 has no message for {type(command).__name__}")


def encode_command(command: StationCommand) -> Written:
    """Give the action and payload of a command."""
    return _encode(command)


@_encode.register
def _(command: SetProfile) -> Written:
    profile = write_profile(command.profile, later=False)
    return "SetChargingProfile", {"connectorId": command.evse_id, "csChargingProfiles": profile}


@_encode.register
def _(command: ClearProfiles) -> Written:
    purpose = None if command.purpose is None else PURPOSES_16[command.purpose]
    return "ClearChargingProfile", _given(
        id=command.profile_id,
        connectorId=command.evse_id,
        chargingProfilePurpose=purpose,
        stackLevel=command.stack_level,
    )


@_encode.register
def _(command: GetSchedule) -> Written:
    return "GetCompositeSchedule", _given(
        connectorId=command.evse_id,
        duration=command.duration_second,
        chargingRateUnit=command.unit,
    )


@_encode.register
def _(command: RemoteStart) -> Written:
    profile = None if command.profile is None else write_profile(command.profile, later=False)
    return "RemoteStartTransaction", _given(
        idTag=command.id_token, connectorId=command.evse_id, chargingProfile=profile
    )


@_encode.register
def _(command: RemoteStop) -> Written:
    return "RemoteStopTransaction", {"transactionId": int(command.transaction_id)}


@_encode.register
def _(command: Unlock) -> Written:
    return "UnlockConnector", {"connectorId": command.evse_id}


@_encode.register
def _(command: Reset) -> Written:
    return "Reset", {"type": "Hard" if command.immediate else "Soft"}


@_encode.register
def _(command: SetAvailability) -> Written:
    word = "Operative" if command.operative else "Inoperative"
    return "ChangeAvailability", {"connectorId": command.evse_id, "type": word}


@_encode.register
def _(command: Reserve) -> Written:
    return "ReserveNow", {
        "connectorId": command.evse_id,
        "expiryDate": write_time(command.expiry_second),
        "idTag": command.id_token,
        "reservationId": command.reservation_id,
    }


@_encode.register
def _(command: CancelReservation) -> Written:
    return "CancelReservation", {"reservationId": command.reservation_id}


@_encode.register
def _(command: GetSettings) -> Written:
    return "GetConfiguration", {"key": list(command.names)} if command.names else {}


@_encode.register
def _(command: SetSetting) -> Written:
    return "ChangeConfiguration", {"key": command.name, "value": command.value}


@_encode.register
def _(command: Trigger) -> Written:
    return "TriggerMessage", _given(requestedMessage=command.message, connectorId=command.evse_id)


@_encode.register
def _(command: ClearCache) -> Written:
    return "ClearCache", {}


@_encode.register
def _(command: SendTokens) -> Written:
    entries = [{"idTag": token, "idTagInfo": {"status": "Accepted"}} for token in command.tokens]
    return "SendLocalList", {
        "listVersion": command.version,
        "updateType": "Full",
        "localAuthorizationList": entries,
    }


@_encode.register
def _(command: GetTokensVersion) -> Written:
    return "GetLocalListVersion", {}


@_encode.register
def _(command: UpdateFirmware) -> Written:
    when = write_time(command.retrieve_second)
    return "UpdateFirmware", {"location": command.location, "retrieveDate": when}


@_encode.register
def _(command: GetDiagnostics) -> Written:
    return "GetDiagnostics", {"location": command.location}


@_encode.register
def _(command: SendData) -> Written:
    body = _given(messageId=command.message or None, data=command.data or None)
    return "DataTransfer", {"vendorId": command.vendor, **body}


def _given(**fields: Any) -> dict[str, Any]:  # noqa: ANN401
    """Give the fields that are not None."""
    return {name: value for name, value in fields.items() if value is not None}


def decode_result(
    command: StationCommand, payload: Mapping[str, Any]
) -> tuple[StationResult, tuple[str, ...]]:
    """Read what a station answers to a command, with remarks on what could not be used."""
    remarks: list[str] = []
    fields = Fields(payload, remarks)
    return _result(command, fields), tuple(remarks)


def _result(command: StationCommand, fields: Fields) -> StationResult:
    if isinstance(command, GetSchedule):
        inner = fields.inside("chargingSchedule")
        schedule = read_schedule(inner)
        start = fields.time_if_any("scheduleStart")
        if schedule is not None and start is not None:
            schedule = schedule._replace(start_second=start)
        return ScheduleTold(fields.text("status"), schedule, fields.integer("connectorId") or 0)
    if isinstance(command, GetSettings):
        entries = fields.each("configurationKey")
        values = {entry.text("key"): entry.text("value") for entry in entries}
        return SettingsTold(values, fields.texts("unknownKey"))
    if isinstance(command, GetTokensVersion):
        return TokensVersionTold(fields.integer("listVersion") or 0)
    if isinstance(command, UpdateFirmware):
        return Outcome("Accepted")  # its answer is empty
    if isinstance(command, GetDiagnostics):
        return Outcome("Accepted", fields.text("fileName"))
    return Outcome(fields.text("status"), fields.text("data"))


def encode_result(command: StationCommand, result: StationResult) -> dict[str, Any]:
    """Write what a station answers: the other side of ``decode_result``."""
    if isinstance(result, ScheduleTold):
        if result.schedule is None:
            return {"status": result.status}
        return {
            "status": result.status,
            "connectorId": result.evse_id,
            "scheduleStart": write_time(result.schedule.start_second or 0.0),
            "chargingSchedule": write_schedule(result.schedule),
        }
    if isinstance(result, SettingsTold):
        entries = [
            {"key": name, "readonly": False, "value": value}
            for name, value in result.values.items()
        ]
        return {"configurationKey": entries, "unknownKey": list(result.unknown)}
    if isinstance(result, TokensVersionTold):
        return {"listVersion": result.version}
    if isinstance(command, UpdateFirmware):
        return {}
    if isinstance(command, GetDiagnostics):
        return {"fileName": result.detail} if result.detail else {}
    return {"status": result.status}


def decode_command(
    action: str, payload: Mapping[str, Any]
) -> tuple[StationCommand, tuple[str, ...]] | None:
    """Read what the central system asks for: the other side of ``encode_command``.

    Returns:
        The command, and remarks; None where the action is unknown.

    Raises:
        UnusableError: Without what is missing, the command makes no sense.
    """
    reader = _COMMANDS.get(action)
    if reader is None:
        return None
    remarks: list[str] = []
    return reader(Fields(payload, remarks)), tuple(remarks)


def _read_clear(fields: Fields) -> StationCommand:
    named = fields.text("chargingProfilePurpose")
    purpose = next((p for p, name in PURPOSES_16.items() if name == named), None)
    return ClearProfiles(
        fields.integer("id"), fields.integer("connectorId"), purpose, fields.integer("stackLevel")
    )


def _read_schedule(fields: Fields) -> StationCommand:
    unit = fields.text("chargingRateUnit")
    return GetSchedule(
        fields.needed_integer("connectorId"),
        fields.needed_integer("duration"),
        "A" if unit == "A" else "W" if unit == "W" else None,
    )


def _read_start(fields: Fields) -> StationCommand:
    profile = (
        read_profile(fields.inside("chargingProfile")) if fields.has("chargingProfile") else None
    )
    return RemoteStart(fields.needed_text("idTag"), fields.integer("connectorId"), 0, profile)


def _read_reserve(fields: Fields) -> StationCommand:
    return Reserve(
        fields.needed_integer("reservationId"),
        fields.needed_integer("connectorId"),
        fields.needed_text("idTag"),
        fields.time("expiryDate", 0.0),
    )


def _read_tokens(fields: Fields) -> StationCommand:
    entries = fields.each("localAuthorizationList")
    return SendTokens(fields.needed_integer("listVersion"), tuple(e.text("idTag") for e in entries))


_COMMANDS: Final[dict[str, Callable[[Fields], StationCommand]]] = {
    "CancelReservation": lambda f: CancelReservation(f.needed_integer("reservationId")),
    "ChangeAvailability": lambda f: SetAvailability(
        f.integer("connectorId") or 0, f.needed_text("type") == "Operative"
    ),
    "ChangeConfiguration": lambda f: SetSetting(f.needed_text("key"), f.text("value")),
    "ClearCache": lambda f: ClearCache(),
    "ClearChargingProfile": _read_clear,
    "DataTransfer": lambda f: SendData(f.text("vendorId"), f.text("messageId"), f.text("data")),
    "GetCompositeSchedule": _read_schedule,
    "GetConfiguration": lambda f: GetSettings(f.texts("key")),
    "GetDiagnostics": lambda f: GetDiagnostics(f.text("location")),
    "GetLocalListVersion": lambda f: GetTokensVersion(),
    "RemoteStartTransaction": _read_start,
    "RemoteStopTransaction": lambda f: RemoteStop(str(f.needed_integer("transactionId"))),
    "ReserveNow": _read_reserve,
    "Reset": lambda f: Reset(f.text("type") == "Hard"),
    "SendLocalList": _read_tokens,
    "SetChargingProfile": lambda f: SetProfile(
        f.integer("connectorId") or 0, read_profile(f.inside("csChargingProfiles"))
    ),
    "TriggerMessage": lambda f: Trigger(
        f.needed_text("requestedMessage"), f.integer("connectorId")
    ),
    "UnlockConnector": lambda f: Unlock(f.needed_integer("connectorId")),
    "UpdateFirmware": lambda f: UpdateFirmware(f.text("location"), f.time("retrieveDate", 0.0)),
}
"""Every command that a station of 1.6 is sent."""

"""OCPP 2.0.1 and 2.1: what the central system asks for and stations answer, as values and back.

Source: OCPP 2.0.1 edition 3, part 2; OCPP 2.1 part 2.
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
from voltherd.wire.ocpp20 import write_token
from voltherd.wire.ocpp_fields import Fields
from voltherd.wire.ocpp_schedule import (
    PURPOSES_20,
    read_profile,
    read_schedule,
    write_profile,
    write_schedule,
)
from voltherd.wire.ocpp_time import write_time

Written = tuple[str, dict[str, Any]]


@singledispatch
def _encode(command: object) -> Written:
    raise AssertionError(f"2.0.1 has no message for {type(command).__name__}")


def encode_command(command: StationCommand) -> Written:
    """Give the action and payload of a command."""
    return _encode(command)


@_encode.register
def _(command: SetProfile) -> Written:
    profile = write_profile(command.profile, later=True)
    return "SetChargingProfile", {"evseId": command.evse_id, "chargingProfile": profile}


@_encode.register
def _(command: ClearProfiles) -> Written:
    purpose = None if command.purpose is None else PURPOSES_20[command.purpose]
    criteria = _given(
        evseId=command.evse_id, chargingProfilePurpose=purpose, stackLevel=command.stack_level
    )
    return "ClearChargingProfile", _given(
        chargingProfileId=command.profile_id, chargingProfileCriteria=criteria or None
    )


@_encode.register
def _(command: GetSchedule) -> Written:
    return "GetCompositeSchedule", _given(
        evseId=command.evse_id, duration=command.duration_second, chargingRateUnit=command.unit
    )


@_encode.register
def _(command: RemoteStart) -> Written:
    profile = None if command.profile is None else write_profile(command.profile, later=True)
    return "RequestStartTransaction", _given(
        idToken=write_token(command.id_token),
        remoteStartId=command.remote_start_id,
        evseId=command.evse_id,
        chargingProfile=profile,
    )


@_encode.register
def _(command: RemoteStop) -> Written:
    return "RequestStopTransaction", {"transactionId": command.transaction_id}


@_encode.register
def _(command: Unlock) -> Written:
    return "UnlockConnector", {"evseId": command.evse_id, "connectorId": command.connector_id}


@_encode.register
def _(command: Reset) -> Written:
    return "Reset", {"type": "Immediate" if command.immediate else "OnIdle"}


@_encode.register
def _(command: SetAvailability) -> Written:
    word = "Operative" if command.operative else "Inoperative"
    evse = {"evse": {"id": command.evse_id}} if command.evse_id else {}
    return "ChangeAvailability", {"operationalStatus": word, **evse}


@_encode.register
def _(command: Reserve) -> Written:
    return "ReserveNow", _given(
        id=command.reservation_id,
        expiryDateTime=write_time(command.expiry_second),
        idToken=write_token(command.id_token),
        evseId=command.evse_id or None,
    )


@_encode.register
def _(command: CancelReservation) -> Written:
    return "CancelReservation", {"reservationId": command.reservation_id}


@_encode.register
def _(command: GetSettings) -> Written:
    return "GetVariables", {"getVariableData": [_variable(name) for name in command.names]}


@_encode.register
def _(command: SetSetting) -> Written:
    entry = {**_variable(command.name), "attributeValue": command.value}
    return "SetVariables", {"setVariableData": [entry]}


@_encode.register
def _(command: Trigger) -> Written:
    evse = None if command.evse_id is None else {"id": command.evse_id}
    return "TriggerMessage", _given(requestedMessage=command.message, evse=evse)


@_encode.register
def _(command: ClearCache) -> Written:
    return "ClearCache", {}


@_encode.register
def _(command: SendTokens) -> Written:
    entries = [
        {"idToken": write_token(token), "idTokenInfo": {"status": "Accepted"}}
        for token in command.tokens
    ]
    body = {"versionNumber": command.version, "updateType": "Full"}
    return "SendLocalList", body | ({"localAuthorizationList": entries} if entries else {})


@_encode.register
def _(command: GetTokensVersion) -> Written:
    return "GetLocalListVersion", {}


@_encode.register
def _(command: UpdateFirmware) -> Written:
    when = write_time(command.retrieve_second)
    firmware = {"location": command.location, "retrieveDateTime": when}
    return "UpdateFirmware", {"requestId": command.request_id, "firmware": firmware}


@_encode.register
def _(command: GetDiagnostics) -> Written:
    return "GetLog", {
        "log": {"remoteLocation": command.location},
        "logType": "DiagnosticsLog",
        "requestId": command.request_id,
    }


@_encode.register
def _(command: SendData) -> Written:
    body = _given(messageId=command.message or None, data=command.data or None)
    return "DataTransfer", {"vendorId": command.vendor, **body}


def _given(**fields: Any) -> dict[str, Any]:  # noqa: ANN401
    """Give the fields that are not None."""
    return {name: value for name, value in fields.items() if value is not None}


def _variable(name: str) -> dict[str, Any]:
    component, _, variable = name.partition(".")
    return {"component": {"name": component}, "variable": {"name": variable or component}}


def _name(fields: Fields) -> str:
    component = fields.inside("component").text("name")
    return f"{component}.{fields.inside('variable').text('name')}"


def decode_result(
    command: StationCommand, payload: Mapping[str, Any]
) -> tuple[StationResult, tuple[str, ...]]:
    """Read what a station answers to a command, with remarks on what could not be used."""
    remarks: list[str] = []
    fields = Fields(payload, remarks)
    return _result(command, fields), tuple(remarks)


def _result(command: StationCommand, fields: Fields) -> StationResult:
    if isinstance(command, GetSchedule):
        inner = fields.inside("schedule")
        schedule = read_schedule(inner, "scheduleStart")
        return ScheduleTold(fields.text("status"), schedule, inner.integer("evseId") or 0)
    if isinstance(command, GetSettings):
        values, unknown = {}, []
        for entry in fields.each("getVariableResult"):
            if entry.text("attributeStatus") == "Accepted":
                values[_name(entry)] = entry.text("attributeValue")
            else:
                unknown.append(_name(entry))
        return SettingsTold(values, tuple(unknown))
    if isinstance(command, SetSetting):
        told = [entry.text("attributeStatus") for entry in fields.each("setVariableResult")]
        return Outcome(told[0] if told else "Rejected")
    if isinstance(command, GetTokensVersion):
        return TokensVersionTold(fields.integer("versionNumber") or 0)
    detail = fields.any("data") or fields.text("filename")
    return Outcome(fields.text("status"), detail or fields.inside("statusInfo").text("reasonCode"))


def encode_result(command: StationCommand, result: StationResult) -> dict[str, Any]:
    """Write what a station answers: the other side of ``decode_result``."""
    if isinstance(result, ScheduleTold):
        return _schedule_told(result)
    if isinstance(result, SettingsTold):
        found = [
            {**_variable(name), "attributeStatus": "Accepted", "attributeValue": value}
            for name, value in result.values.items()
        ]
        missing = [
            {**_variable(name), "attributeStatus": "UnknownVariable"} for name in result.unknown
        ]
        return {"getVariableResult": found + missing}
    if isinstance(result, TokensVersionTold):
        return {"versionNumber": result.version}
    if isinstance(command, SetSetting):
        entry = {**_variable(command.name), "attributeStatus": result.status}
        return {"setVariableResult": [entry]}
    return {"status": result.status}


def _schedule_told(result: ScheduleTold) -> dict[str, Any]:
    schedule = result.schedule
    if schedule is None:
        return {"status": result.status}
    inner = write_schedule(schedule, "scheduleStart")
    inner |= {"evseId": result.evse_id, "duration": schedule.duration_second or 0}
    inner.setdefault("scheduleStart", write_time(schedule.start_second or 0.0))
    return {"status": result.status, "schedule": inner}


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
    criteria = fields.inside("chargingProfileCriteria")
    named = criteria.text("chargingProfilePurpose")
    return ClearProfiles(
        fields.integer("chargingProfileId"),
        criteria.integer("evseId"),
        next((p for p, name in PURPOSES_20.items() if name == named), None),
        criteria.integer("stackLevel"),
    )


def _read_schedule(fields: Fields) -> StationCommand:
    unit = fields.text("chargingRateUnit")
    return GetSchedule(
        fields.needed_integer("evseId"),
        fields.needed_integer("duration"),
        "A" if unit == "A" else "W" if unit == "W" else None,
    )


def _read_start(fields: Fields) -> StationCommand:
    profile = (
        read_profile(fields.inside("chargingProfile")) if fields.has("chargingProfile") else None
    )
    return RemoteStart(
        fields.inside("idToken").needed_text("idToken"),
        fields.integer("evseId"),
        fields.needed_integer("remoteStartId"),
        profile,
    )


def _read_reserve(fields: Fields) -> StationCommand:
    return Reserve(
        fields.needed_integer("id"),
        fields.integer("evseId") or 0,
        fields.inside("idToken").needed_text("idToken"),
        fields.time("expiryDateTime", 0.0),
    )


def _read_setting(fields: Fields) -> StationCommand:
    entries = list(fields.each("setVariableData"))
    entry = entries[0] if entries else Fields({}, fields.remarks)
    return SetSetting(_name(entry), entry.text("attributeValue"))


def _read_tokens(fields: Fields) -> StationCommand:
    entries = fields.each("localAuthorizationList")
    tokens = tuple(entry.inside("idToken").text("idToken") for entry in entries)
    return SendTokens(fields.needed_integer("versionNumber"), tokens)


def _read_firmware(fields: Fields) -> StationCommand:
    inner = fields.inside("firmware")
    when = inner.time("retrieveDateTime", 0.0)
    return UpdateFirmware(inner.text("location"), when, fields.integer("requestId") or 0)


_COMMANDS: Final[dict[str, Callable[[Fields], StationCommand]]] = {
    "CancelReservation": lambda f: CancelReservation(f.needed_integer("reservationId")),
    "ChangeAvailability": lambda f: SetAvailability(
        f.inside("evse").integer("id") or 0, f.needed_text("operationalStatus") == "Operative"
    ),
    "ClearCache": lambda f: ClearCache(),
    "ClearChargingProfile": _read_clear,
    "DataTransfer": lambda f: SendData(f.text("vendorId"), f.text("messageId"), f.any("data")),
    "GetCompositeSchedule": _read_schedule,
    "GetLocalListVersion": lambda f: GetTokensVersion(),
    "GetLog": lambda f: GetDiagnostics(
        f.inside("log").text("remoteLocation"), f.integer("requestId") or 0
    ),
    "GetVariables": lambda f: GetSettings(
        tuple(_name(entry) for entry in f.each("getVariableData"))
    ),
    "RequestStartTransaction": _read_start,
    "RequestStopTransaction": lambda f: RemoteStop(f.needed_text("transactionId")),
    "ReserveNow": _read_reserve,
    "Reset": lambda f: Reset(f.text("type") == "Immediate"),
    "SendLocalList": _read_tokens,
    "SetChargingProfile": lambda f: SetProfile(
        f.integer("evseId") or 0, read_profile(f.inside("chargingProfile"))
    ),
    "SetVariables": _read_setting,
    "TriggerMessage": lambda f: Trigger(
        f.needed_text("requestedMessage"), f.inside("evse").integer("id")
    ),
    "UnlockConnector": lambda f: Unlock(f.needed_integer("evseId"), f.integer("connectorId") or 1),
    "UpdateFirmware": _read_firmware,
}
"""Every command that a station of 2.0.1 is sent."""

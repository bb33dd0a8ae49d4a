"""OCPP 1.6: what stations tell and are answered, as values and back.

Source: OCPP 1.6 edition 2, 4 and 6, with its security extension (edition 3).
A connector of 1.6 is an EVSE with one plug here.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, Literal

from voltherd.types.station import (
    BEGIN,
    END,
    ENERGY,
    Alive,
    BootAnswer,
    Booted,
    DataTold,
    MeterTold,
    Noted,
    PlainAnswer,
    ProgressTold,
    SecurityTold,
    StationAnswer,
    StationEvent,
    StatusAnswer,
    StatusTold,
    TimeAnswer,
    TokenAsked,
    TokenVerdict,
    TransactionAnswer,
    TransactionTold,
)
from voltherd.wire.ocpp_fields import Fields, energy_reading, read_meter, write_meter
from voltherd.wire.ocpp_time import write_time

_STATUSES: Final = {"Accepted", "Blocked", "Expired", "Invalid", "ConcurrentTx"}
_PROGRESS: Final[dict[str, Literal["firmware", "diagnostics", "log"]]] = {
    "FirmwareStatusNotification": "firmware",
    "SignedFirmwareStatusNotification": "firmware",
    "DiagnosticsStatusNotification": "diagnostics",
    "LogStatusNotification": "log",
}


def decode_event(
    action: str, payload: Mapping[str, Any], heard_second: float
) -> tuple[StationEvent, tuple[str, ...]] | None:
    """Read what a station tells.

    Args:
        action: What it calls it.
        payload: What it says.
        heard_second: When it was heard, for what has no time of its own [unix s].

    Returns:
        The event, and remarks on what could not be used; None where the action is unknown.

    Raises:
        UnusableError: Without what is missing, the message makes no sense.
    """
    reader = _EVENTS.get(action)
    if reader is None:
        return None
    remarks: list[str] = []
    event = reader(action, Fields(payload, remarks), heard_second)
    return event, tuple(remarks)


def encode_answer(action: str, answer: StationAnswer) -> dict[str, Any]:
    """Write what the central system answers to an action."""
    if isinstance(answer, BootAnswer):
        return {
            "status": answer.status,
            "currentTime": write_time(answer.time_second),
            "interval": answer.interval_second,
        }
    if isinstance(answer, TimeAnswer):
        return {"currentTime": write_time(answer.time_second)}
    if isinstance(answer, TokenVerdict):
        return {"idTagInfo": _tag_info(answer)}
    if isinstance(answer, TransactionAnswer):
        return _transaction_answer(action, answer)
    return {"status": answer.status} if isinstance(answer, StatusAnswer) else {}


def encode_event(event: StationEvent) -> tuple[str, dict[str, Any]]:
    """Write what a station tells: the other side of ``decode_event``."""
    if isinstance(event, TransactionTold):
        return _transaction(event)
    if isinstance(event, MeterTold):
        body: dict[str, Any] = {"connectorId": event.evse_id}
        body["meterValue"] = write_meter(event.readings, as_text=True)
        if event.transaction_id:
            body["transactionId"] = int(event.transaction_id)
        return "MeterValues", body
    if isinstance(event, Booted):
        body = {"chargePointVendor": event.vendor, "chargePointModel": event.model}
        body |= {"chargePointSerialNumber": event.serial} if event.serial else {}
        body |= {"firmwareVersion": event.firmware} if event.firmware else {}
        return "BootNotification", body
    if isinstance(event, StatusTold):
        return "StatusNotification", {
            "connectorId": event.evse_id,
            "errorCode": event.error or "NoError",
            "status": event.status,
            "timestamp": write_time(event.time_second),
        }
    if isinstance(event, TokenAsked):
        return "Authorize", {"idTag": event.id_token}
    if isinstance(event, ProgressTold):
        return _progress(event)
    if isinstance(event, SecurityTold):
        body = {"type": event.kind, "timestamp": write_time(event.time_second)}
        return "SecurityEventNotification", body | (
            {"techInfo": event.detail} if event.detail else {}
        )
    if isinstance(event, DataTold):
        body = {"vendorId": event.vendor, "messageId": event.message, "data": event.data}
        return "DataTransfer", body
    assert isinstance(event, Alive), f"1.6 has no message for {type(event).__name__}"
    return "Heartbeat", {}


def decode_answer(action: str, payload: Mapping[str, Any]) -> tuple[StationAnswer, tuple[str, ...]]:
    """Read what the central system answers: the other side of ``encode_answer``."""
    remarks: list[str] = []
    fields = Fields(payload, remarks)
    return _answer(action, fields), tuple(remarks)


def _answer(action: str, fields: Fields) -> StationAnswer:
    if action == "BootNotification":
        return BootAnswer(
            "Accepted" if fields.text("status") == "Accepted" else "Pending",
            fields.integer("interval") or 60,
            fields.time("currentTime", 0.0),
        )
    if action == "Heartbeat":
        return TimeAnswer(fields.time("currentTime", 0.0))
    if action == "Authorize":
        return _verdict(fields.inside("idTagInfo"))
    if action in ("StartTransaction", "StopTransaction"):
        number = fields.integer("transactionId")
        verdict = _verdict(fields.inside("idTagInfo")) if fields.has("idTagInfo") else None
        return TransactionAnswer("" if number is None else str(number), verdict)
    if action in ("DataTransfer", "SignCertificate"):
        return StatusAnswer(fields.text("status"))
    return PlainAnswer()


def _verdict(fields: Fields) -> TokenVerdict:
    expiry = fields.time_if_any("expiryDate")
    return TokenVerdict(fields.text("status", "Invalid"), expiry, fields.text("parentIdTag"))


def _tag_info(verdict: TokenVerdict) -> dict[str, Any]:
    info = {"status": verdict.status if verdict.status in _STATUSES else "Invalid"}
    if verdict.expiry_second is not None:
        info["expiryDate"] = write_time(verdict.expiry_second)
    if verdict.group:
        info["parentIdTag"] = verdict.group[:20]
    return info


def _transaction_answer(action: str, answer: TransactionAnswer) -> dict[str, Any]:
    if action == "MeterValues":
        return {}
    body: dict[str, Any] = {}
    if answer.verdict is not None:
        body["idTagInfo"] = _tag_info(answer.verdict)
    if action == "StartTransaction":
        body |= {"transactionId": int(answer.transaction_id)}
        body.setdefault("idTagInfo", {"status": "Invalid"})
    return body


def _transaction(event: TransactionTold) -> tuple[str, dict[str, Any]]:
    energy = [r for r in event.readings if r.quantity == ENERGY and not r.phase]
    if event.kind == "updated":
        values = write_meter(event.readings, as_text=True)
        number = int(event.transaction_id)
        return "MeterValues", {
            "connectorId": event.evse_id,
            "transactionId": number,
            "meterValue": values,
        }
    body: dict[str, Any] = {"timestamp": write_time(event.time_second)}
    body |= {"idTag": event.id_token} if event.id_token else {}
    if event.kind == "started":
        body |= {"connectorId": event.evse_id, "meterStart": round(energy[0].value)}
        if event.reservation_id is not None:
            body["reservationId"] = event.reservation_id
        return "StartTransaction", body
    body |= {"transactionId": int(event.transaction_id), "meterStop": round(energy[-1].value)}
    rest = tuple(r for r in event.readings if r is not energy[-1])
    if event.reason:
        body["reason"] = event.reason
    if rest:
        body["transactionData"] = write_meter(rest, as_text=True)
    return "StopTransaction", body


def _progress(event: ProgressTold) -> tuple[str, dict[str, Any]]:
    if event.what == "log":
        body: dict[str, Any] = {"status": event.status}
        return "LogStatusNotification", body | (
            {} if event.request_id is None else {"requestId": event.request_id}
        )
    name = "Firmware" if event.what == "firmware" else "Diagnostics"
    return f"{name}StatusNotification", {"status": event.status}


def _read_start(action: str, fields: Fields, heard_second: float) -> StationEvent:
    time_second = fields.time("timestamp", heard_second)
    meter = fields.number("meterStart")
    readings = () if meter is None else (energy_reading(time_second, meter, BEGIN),)
    return TransactionTold(
        "started",
        "",
        time_second,
        evse_id=fields.needed_integer("connectorId"),
        connector_id=1,
        id_token=fields.needed_text("idTag"),
        readings=readings,
        reservation_id=fields.integer("reservationId"),
        offline=heard_second - time_second > _LATE_SECOND,
    )


def _read_stop(action: str, fields: Fields, heard_second: float) -> StationEvent:
    time_second = fields.time("timestamp", heard_second)
    meter = fields.number("meterStop")
    last = () if meter is None else (energy_reading(time_second, meter, END),)
    return TransactionTold(
        "ended",
        str(fields.needed_integer("transactionId")),
        time_second,
        id_token=fields.text("idTag"),
        readings=read_meter(fields, "transactionData", time_second) + last,
        reason=fields.text("reason", "Local"),
        offline=heard_second - time_second > _LATE_SECOND,
    )


def _read_meter(action: str, fields: Fields, heard_second: float) -> StationEvent:
    readings = read_meter(fields, "meterValue", heard_second)
    number = fields.integer("transactionId")
    evse_id = fields.integer("connectorId") or 0
    if number is None:
        return MeterTold(evse_id, readings)
    time_second = max((r.time_second for r in readings), default=heard_second)
    return TransactionTold("updated", str(number), time_second, evse_id=evse_id, readings=readings)


def _read_boot(action: str, fields: Fields, heard_second: float) -> StationEvent:
    serial = fields.text("chargePointSerialNumber") or fields.text("chargeBoxSerialNumber")
    vendor, model = fields.text("chargePointVendor"), fields.text("chargePointModel")
    return Booted(vendor, model, serial, fields.text("firmwareVersion"))


def _read_status(action: str, fields: Fields, heard_second: float) -> StationEvent:
    error = fields.text("errorCode", "NoError")
    return StatusTold(
        fields.integer("connectorId") or 0,
        1 if fields.integer("connectorId") else 0,
        fields.needed_text("status"),
        fields.time_if_any("timestamp") or heard_second,
        "" if error == "NoError" else error,
    )


def _read_progress(action: str, fields: Fields, heard_second: float) -> StationEvent:
    return ProgressTold(_PROGRESS[action], fields.text("status"), fields.integer("requestId"))


def _read_security(action: str, fields: Fields, heard_second: float) -> StationEvent:
    time_second = fields.time("timestamp", heard_second)
    return SecurityTold(fields.needed_text("type"), time_second, fields.text("techInfo"))


def _read_data(action: str, fields: Fields, heard_second: float) -> StationEvent:
    return DataTold(fields.text("vendorId"), fields.text("messageId"), fields.text("data"))


_LATE_SECOND: Final = 120.0
"""What is told so much later than it happened was kept while there was no connection."""
_EVENTS: Final[dict[str, Callable[[str, Fields, float], StationEvent]]] = {
    "Authorize": lambda action, fields, heard: TokenAsked(fields.needed_text("idTag")),
    "BootNotification": _read_boot,
    "DataTransfer": _read_data,
    "DiagnosticsStatusNotification": _read_progress,
    "FirmwareStatusNotification": _read_progress,
    "Heartbeat": lambda action, fields, heard: Alive(),
    "LogStatusNotification": _read_progress,
    "MeterValues": _read_meter,
    "SecurityEventNotification": _read_security,
    "SignCertificate": lambda action, fields, heard: Noted(action),
    "SignedFirmwareStatusNotification": _read_progress,
    "StartTransaction": _read_start,
    "StatusNotification": _read_status,
    "StopTransaction": _read_stop,
}
"""Every action that a station of 1.6 may call."""

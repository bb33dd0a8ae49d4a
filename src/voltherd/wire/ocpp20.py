"""OCPP 2.0.1 and 2.1: what stations tell and are answered, as values and back.

Source: OCPP 2.0.1 edition 3, part 2; OCPP 2.1 part 2.  What 2.1 adds gets its plain answer.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from voltherd.types.station import (
    Alive,
    BootAnswer,
    Booted,
    DataTold,
    MeterTold,
    NeedsTold,
    Noted,
    PlainAnswer,
    ProgressTold,
    ReservationTold,
    SecurityTold,
    StationAnswer,
    StationEvent,
    StatusAnswer,
    StatusTold,
    TimeAnswer,
    TokenAsked,
    TokenVerdict,
    TransactionAnswer,
    TransactionKind,
    TransactionTold,
)
from voltherd.wire.ocpp_fields import Fields, UnusableError, read_meter, write_meter
from voltherd.wire.ocpp_time import write_time

PLAIN_ANSWERS: Final[Mapping[str, Mapping[str, Any]]] = {
    "ClearedChargingLimit": {},
    "GetCertificateStatus": {"status": "Failed"},
    "NotifyChargingLimit": {},
    "NotifyCustomerInformation": {},
    "NotifyDisplayMessages": {},
    "NotifyEVChargingSchedule": {"status": "Accepted"},
    "NotifyEvent": {},
    "NotifyMonitoringReport": {},
    "NotifyReport": {},
    "PublishFirmwareStatusNotification": {},
    "ReportChargingProfiles": {},
    "SignCertificate": {"status": "Rejected"},
    # From here on 2.1 alone.
    "BatterySwap": {},
    "NotifyDERAlarm": {},
    "NotifyDERStartStop": {},
    "NotifyPriorityCharging": {},
    "NotifySettlement": {},
    "NotifyWebPaymentStarted": {},
    "ReportDERControl": {},
}
"""What is heard, journaled and answered, and changes nothing in the books."""
_STATUSES: Final = {
    "Accepted",
    "Blocked",
    "ConcurrentTx",
    "Expired",
    "Invalid",
    "NoCredit",
    "NotAllowedTypeEVSE",
    "NotAtThisLocation",
    "NotAtThisTime",
    "Unknown",
}
_KINDS: Final[dict[str, TransactionKind]] = {
    "Started": "started",
    "Updated": "updated",
    "Ended": "ended",
}
_TRIGGERS: Final = {"started": "Authorized", "updated": "MeterValuePeriodic", "ended": "EVDeparted"}
TRANSACTION_ID_MAX: Final = 36


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
    if action in PLAIN_ANSWERS:
        return Noted(action), ()
    reader = _EVENTS.get(action)
    if reader is None:
        return None
    remarks: list[str] = []
    event = reader(Fields(payload, remarks), heard_second)
    return event, tuple(remarks)


def encode_answer(action: str, answer: StationAnswer) -> dict[str, Any]:
    """Write what the central system answers to an action."""
    if action in PLAIN_ANSWERS:
        return dict(PLAIN_ANSWERS[action])
    if isinstance(answer, BootAnswer):
        return {
            "status": answer.status,
            "currentTime": write_time(answer.time_second),
            "interval": answer.interval_second,
        }
    if isinstance(answer, TimeAnswer):
        return {"currentTime": write_time(answer.time_second)}
    if isinstance(answer, TokenVerdict):
        return {"idTokenInfo": _token_info(answer)}
    if isinstance(answer, TransactionAnswer):
        return {} if answer.verdict is None else {"idTokenInfo": _token_info(answer.verdict)}
    return {"status": answer.status} if isinstance(answer, StatusAnswer) else {}


def encode_event(event: StationEvent) -> tuple[str, dict[str, Any]]:
    """Write what a station tells: the other side of ``decode_event``."""
    if isinstance(event, TransactionTold):
        return _transaction(event)
    if isinstance(event, MeterTold):
        values = write_meter(event.readings, as_text=False)
        return "MeterValues", {"evseId": event.evse_id, "meterValue": values}
    if isinstance(event, Booted):
        station = {"vendorName": event.vendor, "model": event.model}
        station |= {"serialNumber": event.serial} if event.serial else {}
        station |= {"firmwareVersion": event.firmware} if event.firmware else {}
        return "BootNotification", {"chargingStation": station, "reason": event.reason or "PowerUp"}
    if isinstance(event, StatusTold):
        return "StatusNotification", {
            "timestamp": write_time(event.time_second),
            "connectorStatus": event.status,
            "evseId": event.evse_id,
            "connectorId": event.connector_id,
        }
    if isinstance(event, TokenAsked):
        return "Authorize", {"idToken": write_token(event.id_token)}
    if isinstance(event, NeedsTold):
        return "NotifyEVChargingNeeds", _needs(event)
    return _rest(event)


def write_token(id_token: str) -> dict[str, Any]:
    """Write who somebody is; a card's number unless nothing better is known."""
    return {"idToken": id_token, "type": "ISO14443" if id_token else "NoAuthorization"}


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
        return _verdict(fields.inside("idTokenInfo"))
    if action == "TransactionEvent":
        verdict = _verdict(fields.inside("idTokenInfo")) if fields.has("idTokenInfo") else None
        return TransactionAnswer("", verdict)
    return StatusAnswer(fields.text("status")) if fields.has("status") else PlainAnswer()


def _verdict(fields: Fields) -> TokenVerdict:
    group = fields.inside("groupIdToken").text("idToken")
    expiry = fields.time_if_any("cacheExpiryDateTime")
    return TokenVerdict(fields.text("status", "Invalid"), expiry, group)


def _token_info(verdict: TokenVerdict) -> dict[str, Any]:
    info: dict[str, Any] = {"status": verdict.status if verdict.status in _STATUSES else "Unknown"}
    if verdict.expiry_second is not None:
        info["cacheExpiryDateTime"] = write_time(verdict.expiry_second)
    if verdict.group:
        info["groupIdToken"] = {"idToken": verdict.group[:36], "type": "Central"}
    return info


def _transaction(event: TransactionTold) -> tuple[str, dict[str, Any]]:
    info: dict[str, Any] = {"transactionId": event.transaction_id}
    info |= {"chargingState": event.state} if event.state else {}
    info |= {"stoppedReason": event.reason} if event.reason else {}
    if event.remote_start_id is not None:
        info["remoteStartId"] = event.remote_start_id
    body: dict[str, Any] = {
        "eventType": event.kind.capitalize(),
        "timestamp": write_time(event.time_second),
        "triggerReason": _TRIGGERS[event.kind],
        "seqNo": event.seq_no or 0,
        "transactionInfo": info,
    }
    if event.evse_id:
        body["evse"] = {"id": event.evse_id, "connectorId": event.connector_id or 1}
    if event.id_token:
        body["idToken"] = write_token(event.id_token)
    if event.readings:
        body["meterValue"] = write_meter(event.readings, as_text=False)
    if event.offline:
        body["offline"] = True
    if event.reservation_id is not None:
        body["reservationId"] = event.reservation_id
    return "TransactionEvent", body


def _needs(event: NeedsTold) -> dict[str, Any]:
    needs: dict[str, Any] = {"requestedEnergyTransfer": event.transfer}
    if event.departure_second is not None:
        needs["departureTime"] = write_time(event.departure_second)
    power = round(event.power_watt_max or 0.0)
    if event.transfer == "DC":
        inner = {"evMaxCurrent": power // 400, "evMaxVoltage": 400, "evMaxPower": power}
        if event.energy_wh is not None:
            inner["energyAmount"] = round(event.energy_wh)
        if event.capacity_wh is not None:
            inner["evEnergyCapacity"] = round(event.capacity_wh)
        if event.soc_fraction is not None:
            inner["stateOfCharge"] = round(event.soc_fraction * 100.0)
        needs["dcChargingParameters"] = inner
    elif event.energy_wh is not None:
        phases = _PHASES.get(event.transfer, 3)
        needs["acChargingParameters"] = {
            "energyAmount": round(event.energy_wh),
            "evMinCurrent": 6,
            "evMaxCurrent": round(power / (230 * phases)),
            "evMaxVoltage": 230,
        }
    return {"evseId": event.evse_id, "chargingNeeds": needs}


def _rest(event: StationEvent) -> tuple[str, dict[str, Any]]:
    if isinstance(event, ProgressTold):
        name = "Firmware" if event.what == "firmware" else "Log"
        number = {} if event.request_id is None else {"requestId": event.request_id}
        return f"{name}StatusNotification", {"status": event.status, **number}
    if isinstance(event, SecurityTold):
        body = {"type": event.kind, "timestamp": write_time(event.time_second)}
        detail = {"techInfo": event.detail} if event.detail else {}
        return "SecurityEventNotification", body | detail
    if isinstance(event, ReservationTold):
        return "ReservationStatusUpdate", {
            "reservationId": event.reservation_id,
            "reservationUpdateStatus": event.status,
        }
    if isinstance(event, DataTold):
        body = {"vendorId": event.vendor, "messageId": event.message, "data": event.data}
        return "DataTransfer", body
    assert isinstance(event, Alive), f"2.0.1 has no message for {type(event).__name__}"
    return "Heartbeat", {}


def _read_transaction(fields: Fields, heard_second: float) -> StationEvent:
    info, evse = fields.inside("transactionInfo"), fields.inside("evse")
    kind = _KINDS.get(fields.text("eventType"))
    if kind is None:
        raise UnusableError("PropertyConstraintViolation", "eventType is needed")
    time_second = fields.time("timestamp", heard_second)
    return TransactionTold(
        kind,
        info.needed_text("transactionId")[:TRANSACTION_ID_MAX],
        time_second,
        fields.integer("seqNo"),
        evse.integer("id") or 0,
        evse.integer("connectorId") or 0,
        fields.inside("idToken").text("idToken"),
        read_meter(fields, "meterValue", time_second),
        info.text("stoppedReason", "Local" if kind == "ended" else ""),
        info.text("chargingState"),
        fields.flag("offline"),
        fields.integer("reservationId"),
        info.integer("remoteStartId"),
    )


def _read_meter(fields: Fields, heard_second: float) -> StationEvent:
    return MeterTold(fields.integer("evseId") or 0, read_meter(fields, "meterValue", heard_second))


def _read_boot(fields: Fields, heard_second: float) -> StationEvent:
    if not fields.has("chargingStation"):
        return _read_boot_of_16(fields)
    inner = fields.inside("chargingStation")
    return Booted(
        inner.text("vendorName"),
        inner.text("model"),
        inner.text("serialNumber"),
        inner.text("firmwareVersion"),
        fields.text("reason"),
    )


def _read_boot_of_16(fields: Fields) -> StationEvent:
    """Some stations introduce themselves in words of 1.6, whatever they speak after that."""
    return Booted(
        fields.text("chargePointVendor"),
        fields.text("chargePointModel"),
        fields.text("chargePointSerialNumber"),
        fields.text("firmwareVersion"),
        fields.text("reason"),
    )


def _read_status(fields: Fields, heard_second: float) -> StationEvent:
    return StatusTold(
        fields.integer("evseId") or 0,
        fields.integer("connectorId") or 0,
        fields.needed_text("connectorStatus"),
        fields.time("timestamp", heard_second),
    )


def _read_needs(fields: Fields, heard_second: float) -> StationEvent:
    needs = fields.inside("chargingNeeds")
    dc, ac = needs.inside("dcChargingParameters"), needs.inside("acChargingParameters")
    transfer = needs.text("requestedEnergyTransfer")
    energy, power = dc.number("energyAmount"), dc.number("evMaxPower")
    current, voltage = ac.number("evMaxCurrent"), ac.number("evMaxVoltage")
    if energy is None:
        energy = ac.number("energyAmount")
    if power is None and current and voltage:
        power = current * voltage * _PHASES.get(transfer, 3)
    soc = dc.number("stateOfCharge")
    return NeedsTold(
        fields.integer("evseId") or 0,
        transfer,
        needs.time_if_any("departureTime"),
        energy,
        power,
        dc.number("evEnergyCapacity"),
        None if soc is None else soc / 100.0,
    )


def _read_security(fields: Fields, heard_second: float) -> StationEvent:
    time_second = fields.time("timestamp", heard_second)
    return SecurityTold(fields.needed_text("type"), time_second, fields.text("techInfo"))


def _read_reservation(fields: Fields, heard_second: float) -> StationEvent:
    number = fields.needed_integer("reservationId")
    return ReservationTold(number, fields.text("reservationUpdateStatus"))


_PHASES: Final = {"AC_single_phase": 1, "AC_two_phase": 2, "AC_three_phase": 3}
_EVENTS: Final[dict[str, Callable[[Fields, float], StationEvent]]] = {
    "Authorize": lambda f, heard: TokenAsked(f.inside("idToken").text("idToken")),
    "BootNotification": _read_boot,
    "DataTransfer": lambda f, heard: DataTold(
        f.text("vendorId"), f.text("messageId"), f.any("data")
    ),
    "FirmwareStatusNotification": lambda f, heard: ProgressTold(
        "firmware", f.text("status"), f.integer("requestId")
    ),
    "Heartbeat": lambda f, heard: Alive(),
    "LogStatusNotification": lambda f, heard: ProgressTold(
        "log", f.text("status"), f.integer("requestId")
    ),
    "MeterValues": _read_meter,
    "NotifyEVChargingNeeds": _read_needs,
    "ReservationStatusUpdate": _read_reservation,
    "SecurityEventNotification": _read_security,
    "StatusNotification": _read_status,
    "TransactionEvent": _read_transaction,
}
"""What changes the books; what else a station may call is in ``PLAIN_ANSWERS``."""

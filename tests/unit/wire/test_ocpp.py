"""What is written is valid to the letter and reads back as it was; what is read need not be."""

import asyncio
import json

import ocpp.messages
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.wire.ocpp_samples import ANSWERS, COMMANDS, EVENTS, NOON, energy, profile
from voltherd.types.station import (
    BEGIN,
    ENERGY,
    Booted,
    ChargingPeriod,
    ChargingSchedule,
    MeterReading,
    MeterTold,
    Noted,
    PlainAnswer,
    TransactionTold,
)
from voltherd.types.station_command import (
    GetSchedule,
    Outcome,
    RemoteStart,
    ScheduleTold,
    SetProfile,
    SettingsTold,
    UpdateFirmware,
)
from voltherd.wire.ocpp import DIALECTS
from voltherd.wire.ocpp20 import PLAIN_ANSWERS
from voltherd.wire.ocpp_fields import UnusableError
from voltherd.wire.ocpp_frame import Broken, Call, CallError, CallResult, read, write
from voltherd.wire.ocpp_schedule import round_limit

VERSIONS = {"1.6": "1.6", "2.0.1": "2.0.1", "2.1": "2.0.1"}
"""Each version, and whose samples it is shown."""


def valid(version, action, payload, *, answer=False):
    """Refuse what the schema refuses, as the ``ocpp`` package reads it."""
    frame = ocpp.messages.CallResult if answer else ocpp.messages.Call
    text = json.loads(json.dumps(payload))
    message = frame("1", text, action) if answer else frame("1", action, text)
    asyncio.run(ocpp.messages.validate_payload(message, version))
    return json.loads(json.dumps(payload))


def each(table):
    return [(v, item) for v, source in VERSIONS.items() for item in table[source]]


@pytest.mark.parametrize(("version", "event"), each(EVENTS))
def test_what_a_station_tells_is_valid_and_reads_back(version, event):
    dialect = DIALECTS[version]
    action, payload = dialect.encode_event(event)
    read_back, remarks = dialect.decode_event(action, valid(version, action, payload), NOON)
    assert remarks == ()
    if version == "1.6" and isinstance(event, TransactionTold) and event.kind == "started":
        assert read_back == event._replace(evse_id=2, connector_id=1)
    elif isinstance(event, TransactionTold):
        assert sorted(read_back.readings) == sorted(event.readings)
        assert read_back._replace(readings=()) == event._replace(readings=())
    else:
        assert read_back == event


@pytest.mark.parametrize(("version", "pair"), each(ANSWERS))
def test_what_is_answered_is_valid_and_reads_back(version, pair):
    action, answer = pair
    dialect = DIALECTS[version]
    payload = valid(version, action, dialect.encode_answer(action, answer), answer=True)
    assert dialect.decode_answer(action, payload) == (answer, ())


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(("command", "result"), COMMANDS)
def test_commands_and_results_are_valid_and_read_back(version, command, result):
    dialect = DIALECTS[version]
    action, payload = dialect.encode_command(command)
    understood, remarks = dialect.decode_command(action, valid(version, action, payload))
    if version == "1.6" and isinstance(command, RemoteStart):
        understood = understood._replace(remote_start_id=command.remote_start_id)
    if version == "1.6" and hasattr(command, "request_id"):
        understood = understood._replace(request_id=command.request_id)
    assert (understood, remarks) == (command, ())
    written = valid(version, action, dialect.encode_result(command, result), answer=True)
    assert dialect.decode_result(command, written) == (result, ())


@pytest.mark.parametrize("version", ["2.0.1", "2.1"])
def test_what_changes_nothing_gets_a_valid_answer(version):
    from voltherd.adapters.ocpp.schemas import actions

    known = [action for action in PLAIN_ANSWERS if action in actions(version)]
    assert len(known) >= 12
    dialect = DIALECTS[version]
    for action in known:
        event, _ = dialect.decode_event(action, {"any": 1}, NOON)
        assert event == Noted(action)
        valid(version, action, dialect.encode_answer(action, PlainAnswer()), answer=True)


@given(st.floats(0.0, 1e6))
def test_limits_are_rounded_down_to_a_tenth_and_stay_valid(limit):
    schedule = ChargingSchedule("W", (ChargingPeriod(0, limit),))
    command = SetProfile(1, profile(schedule=schedule))
    for version in VERSIONS:
        action, payload = DIALECTS[version].encode_command(command)
        valid(version, action, payload)
    assert limit - 0.1 - 1e-6 < round_limit(limit) <= limit + 1e-6


@pytest.mark.parametrize("version", VERSIONS)
def test_an_unknown_action_is_none(version):
    assert DIALECTS[version].decode_event("MakeCoffee", {}, NOON) is None
    assert DIALECTS[version].decode_command("MakeCoffee", {}) is None


# What stations really send.


def test_a_composite_schedule_with_a_broken_duration_is_used():
    """Seen of a simulator of 2.0.1; a strict reader loses the whole answer."""
    payload = {
        "status": "Accepted",
        "schedule": {
            "evseId": 1,
            "duration": 898.18,
            "scheduleStart": "2026-03-29T12:00:00Z",
            "chargingRateUnit": "W",
            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 11000}],
        },
    }
    told, remarks = DIALECTS["2.0.1"].decode_result(GetSchedule(1, 900), payload)
    assert told.schedule.duration_second == 898
    assert told.schedule.periods == (ChargingPeriod(0, 11_000.0),)
    assert "898.18 where a whole number is due" in remarks[0]


def sampled(**sample):
    return {
        "connectorId": 1,
        "meterValue": [{"timestamp": "2026-03-29T12:00:00Z", "sampledValue": [sample]}],
    }


@pytest.mark.parametrize(
    ("sample", "reading"),
    [
        ({"value": "50.02", "measurand": "Frequency", "unit": "Hz"}, ("Frequency", 50.02, "Hertz")),
        ({"value": "7.4", "measurand": "Power.Active.Import", "unit": "kW"},
         ("Power.Active.Import", 7400.0, "W")),
        ({"value": "12.5", "unit": "kWh"}, (ENERGY, 12_500.0, "Wh")),
        ({"value": 3}, (ENERGY, 3.0, "Wh")),
        ({"value": "80", "measurand": "SoC"}, ("SoC", 0.8, "1")),
        ({"value": "1", "measurand": "Maker.Own", "unit": "ell"}, ("Maker.Own", 1.0, "ell")),
    ],
)  # fmt: skip
def test_values_come_in_the_projects_units(sample, reading):
    event, _ = DIALECTS["1.6"].decode_event("MeterValues", sampled(**sample), NOON)
    assert event == MeterTold(1, (MeterReading(NOON, reading[0], reading[1], reading[2]),))


@pytest.mark.parametrize("inner", ["value", "values"])
def test_lists_that_have_their_names_of_1_5_are_read(inner):
    payload = sampled(value="30", unit="Wh")
    [group] = payload.pop("meterValue")
    group[inner] = group.pop("sampledValue")
    payload["values"] = [group]
    event, remarks = DIALECTS["1.6"].decode_event("MeterValues", payload, NOON)
    assert event == MeterTold(1, (MeterReading(NOON, ENERGY, 30.0, "Wh"),))
    assert remarks == ("meterValue: called values", f"sampledValue: called {inner}")


@pytest.mark.parametrize("value", ["NaN", "1e999", "soon", None, {}, "-inf", True])
def test_a_value_that_is_no_number_is_left_out(value):
    event, _ = DIALECTS["1.6"].decode_event("MeterValues", sampled(value=value), NOON)
    assert event == MeterTold(1, ())


def test_a_multiplier_is_applied():
    sample = {"value": 1.5, "unitOfMeasure": {"unit": "Wh", "multiplier": 3}}
    payload = {"evseId": 1, **sampled(**sample)}
    event, _ = DIALECTS["2.0.1"].decode_event("MeterValues", payload, NOON)
    assert event.readings == (energy(NOON, 1500.0),)


def test_a_station_that_introduces_itself_in_words_of_1_6_is_known_by_them():
    words = {"chargePointVendor": "V", "chargePointModel": "M", "chargePointSerialNumber": "S"}
    read_words, _ = DIALECTS["2.0.1"].decode_event(
        "BootNotification", words | {"firmwareVersion": "1.0"}, NOON
    )
    assert read_words == Booted("V", "M", "S", "1.0", "")


def test_a_start_without_a_time_takes_the_time_it_was_heard():
    payload = {"connectorId": 1, "idTag": 12345, "meterStart": 7}
    event, remarks = DIALECTS["1.6"].decode_event("StartTransaction", payload, NOON)
    assert event.time_second == NOON and event.id_token == "12345"
    assert event.readings == (energy(NOON, 7.0, BEGIN),)
    assert len(remarks) == 2


@pytest.mark.parametrize(
    ("version", "action", "payload", "code"),
    [
        ("1.6", "StopTransaction", {"meterStop": 5}, "OccurrenceConstraintViolation"),
        ("1.6", "StopTransaction", {"transactionId": "x"}, "TypeConstraintViolation"),
        ("1.6", "StartTransaction", {"connectorId": 1}, "OccurrenceConstraintViolation"),
        ("2.0.1", "TransactionEvent", {"eventType": "Began"}, "PropertyConstraintViolation"),
        ("2.0.1", "TransactionEvent", {"eventType": "Ended"}, "OccurrenceConstraintViolation"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(version, action, payload, code):
    with pytest.raises(UnusableError) as refused:
        DIALECTS[version].decode_event(action, payload, NOON)
    assert refused.value.code == code


def test_settings_that_were_not_asked_for_are_read_too():
    payload = {"configurationKey": [{"key": "A", "value": 3}, {"key": "B"}], "unknownKey": "C"}
    told, _ = DIALECTS["1.6"].decode_result(COMMANDS[17][0], payload)
    assert told == SettingsTold({"A": "3", "B": ""})


def test_an_update_of_firmware_has_an_empty_answer():
    result, _ = DIALECTS["1.6"].decode_result(UpdateFirmware("a", NOON), {})
    assert result == Outcome("Accepted")


def test_a_schedule_without_periods_is_none():
    told, _ = DIALECTS["1.6"].decode_result(GetSchedule(1, 60), {"status": "Accepted"})
    assert told == ScheduleTold("Accepted")


# Frames.


@pytest.mark.parametrize(
    "frame",
    [Call("a", "Heartbeat", {}), CallResult("a", {"b": [1.5]}), CallError("a", "GenericError")],
)
def test_frames_read_back(frame):
    assert read(write(frame, "2.0.1")) == frame


@pytest.mark.parametrize(
    ("text", "message_id", "code", "answerable"),
    [
        ("", "-1", "RpcFrameworkError", True),
        (b"\xff\xfe", "-1", "RpcFrameworkError", True),
        ("[" * 100_000, "-1", "RpcFrameworkError", True),
        ("{}", "-1", "RpcFrameworkError", True),
        ("[2]", "-1", "RpcFrameworkError", True),
        ('[2,7,"Heartbeat",{}]', "-1", "RpcFrameworkError", True),
        (f'[2,"{"x" * 37}","Heartbeat",{{}}]', "-1", "RpcFrameworkError", True),
        ('[2,"\\ud800","Heartbeat",{}]', "-1", "RpcFrameworkError", True),
        ('[2,"a","Heartbeat"]', "a", "ProtocolError", True),
        ('[2,"a","Heartbeat",[]]', "a", "FormatViolation", True),
        ('[2,"a","Heartbeat",{"a":NaN}]', "-1", "RpcFrameworkError", True),
        ('[2,"a","Heartbeat",{"a":%s}]' % ("[" * 99 + "]" * 99), "a", "FormatViolation", True),
        ('[3,"a",7]', "a", "FormatViolation", False),
        ('[9,"a",{}]', "a", "MessageTypeNotSupported", False),
    ],
)  # fmt: skip
def test_what_is_no_frame_is_told_with_its_code(text, message_id, code, answerable):
    broken = read(text)
    assert isinstance(broken, Broken)
    assert broken[:2] == (message_id, code) and broken.answerable is answerable


def test_codes_are_spelled_as_the_version_spells_them():
    error = CallError("a", "OccurrenceConstraintViolation")
    assert "OccurenceConstraintViolation" in write(error, "1.6")
    assert "OccurrenceConstraintViolation" in write(error, "2.0.1")

"""What a person types becomes a command or one clear line; no words raise a limit."""

from zoneinfo import ZoneInfo

import pytest

from tests.unit.charging.test_reservations import standing
from tests.unit.wire.ocpp_samples import NOON
from voltherd.charging.central import Central, Heard, Rules, step
from voltherd.charging.reservations import granted
from voltherd.cloud.depot_commands import (
    COMMANDS,
    SETTABLE,
    Here,
    command_of,
    moment_told,
    without_password,
)
from voltherd.errors import UsageError
from voltherd.types.station import TokenVerdict, TransactionTold
from voltherd.types.station_command import (
    CancelReservation,
    ClearProfiles,
    GetDiagnostics,
    GetSchedule,
    RemoteStart,
    RemoteStop,
    Reserve,
    Reset,
    SetAvailability,
    SetProfile,
    SetSetting,
    Unlock,
    UpdateFirmware,
)

UTC = ZoneInfo("UTC")
RULES = Rules(tokens={"CARD-1": TokenVerdict("Accepted"), "OLD": TokenVerdict("Accepted", 1.0)})


def here(*running):
    central = standing((1, 1, "Available"), (2, 1, "Available"), central=Central(RULES))
    central = granted(central, "A", Reserve(77, 2, "CARD-1", NOON + 60.0), NOON)
    for number, transaction in enumerate(running):
        event = TransactionTold("started", transaction, NOON, 0, number + 1, 1, "CARD-1")
        central = step(central, Heard("A", NOON, event, True)).central
    return Here(central, "A", {1, 2}, UTC, NOON)


@pytest.mark.parametrize(
    ("what", "words", "command"),
    [
        ("start", {"token": "CARD-1"}, RemoteStart("CARD-1", 1, 0)),
        ("start", {"token": "CARD-1", "evse": "2"}, RemoteStart("CARD-1", 2, 0)),
        ("stop", {"transaction": "T-9"}, RemoteStop("T-9")),
        ("stop", {}, RemoteStop("T-1")),
        ("reset", {}, Reset()),
        ("reset", {"hard": "yes"}, Reset(immediate=True)),
        ("unlock", {"evse": "2"}, Unlock(2)),
        ("availability", {"to": "operative"}, SetAvailability(0, True)),
        ("availability", {"to": "inoperative", "evse": "2"}, SetAvailability(2, False)),
        (
            "diagnostics",
            {"url": "sftp://u:p@h.example/x"},
            GetDiagnostics("sftp://u:p@h.example/x"),
        ),
        ("firmware", {"url": "https://h/f.bin"}, UpdateFirmware("https://h/f.bin", NOON)),
        (
            "firmware",
            {"url": "https://h:8/f", "at": "2026-11-26T18:30"},
            UpdateFirmware("https://h:8/f", 1795717800.0),
        ),
        (
            "setting",
            {"name": "HeartbeatInterval", "value": "60"},
            SetSetting("HeartbeatInterval", "60"),
        ),
        ("schedule", {"hours": "2"}, GetSchedule(1, 7200)),
        ("cancel", {"reservation": "77"}, CancelReservation(77)),
    ],
)
def test_words_become_a_command(what, words, command):
    made = command_of(what, words, here("T-1"))
    number = {"remote_start_id", "request_id"} & set(made._fields)
    assert made._replace(**dict.fromkeys(number, 0)) == command


@pytest.mark.parametrize(
    ("what", "words", "told"),
    [
        ("profile", {}, "no command is called 'profile'; take availability, cancel"),
        ("start", {"token": "CARD-1", "profile": "x"}, "start takes no 'profile'"),
        ("start", {"token": "CARD-9"}, "token 'CARD-9' may not charge here (Invalid)"),
        ("start", {"token": "OLD"}, "(Expired)"),
        ("start", {"token": "CARD-1", "evse": "-1"}, "evse: '-1' is no number"),
        ("start", {"token": "CARD-1", "evse": "0"}, "A has no EVSE 0; the site file has 1, 2"),
        ("unlock", {"evse": "3"}, "A has no EVSE 3; the site file has 1, 2"),
        ("unlock", {"evse": "99999999999"}, "no number"),
        ("unlock", {"evse": "\u0663"}, "no number"),
        ("stop", {}, "which transaction is to stop? these go on: T-1, T-2"),
        ("availability", {"to": "on"}, "'on' is no availability; say operative or inoperative"),
        ("availability", {"to": "operative", "evse": "7"}, "has no EVSE 7"),
        ("diagnostics", {"url": "upload here"}, "'upload here' is no address for files"),
        ("diagnostics", {"url": "file:///etc/passwd"}, "no address for files"),
        ("diagnostics", {"url": "https://"}, "no address for files"),
        ("diagnostics", {"url": "https://h:99999/"}, "no address for files"),
        ("diagnostics", {"url": "https://[/"}, "no address for files"),
        ("diagnostics", {"url": "https://h/" + "x" * 600}, "no address for files"),
        ("diagnostics", {"url": "gopher://me:secret@h/"}, "'gopher://...@h/' is no address"),
        ("firmware", {"url": "https://h/", "at": "soon"}, "'soon' is no time; give 18:30"),
        ("setting", {"name": "HeartbeatInterval", "value": ""}, "no value of HeartbeatInterval"),
        ("setting", {"name": "MaxCurrent", "value": "63"}, "'MaxCurrent' is not set from here"),
        ("schedule", {"hours": "nan"}, "'nan' are no hours"),
        ("schedule", {"hours": "1e9"}, "are no hours"),
        ("cancel", {"reservation": "7"}, "no reservation 7 at A"),
    ],
)
def test_what_makes_no_sense_is_said_in_a_line(what, words, told):
    with pytest.raises(UsageError) as caught:
        command_of(what, words, here("T-1", "T-2"))
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "secret" not in str(caught.value)


def test_who_follows_no_limits_is_started_by_the_depot_alone():
    switched = here()._replace(switched={2})
    assert command_of("start", {"token": "CARD-1"}, switched).evse_id == 1
    with pytest.raises(UsageError, match="A EVSE 2 follows no limits, so the depot alone starts"):
        command_of("start", {"token": "CARD-1", "evse": "2"}, switched)


def test_no_command_carries_a_profile():
    words = {
        "availability": {"to": "operative"},
        "cancel": {"reservation": "77"},
        "diagnostics": {"url": "https://h/"},
        "firmware": {"url": "https://h/"},
        "setting": {"name": "HeartbeatInterval", "value": "9"},
        "start": {"token": "CARD-1"},
    }
    made = {what: command_of(what, words.get(what, {}), here("T-1")) for what in COMMANDS}
    assert not any(isinstance(one, SetProfile | ClearProfiles) for one in made.values())
    assert made["start"].profile is None


@pytest.mark.parametrize(
    "name",
    [
        "SmartChargingCtrlr.Enabled",
        "SmartChargingCtrlr.LimitChangeSignificance",
        "ChargingScheduleAllowedChargingRateUnit",
        "ChargeProfileMaxStackLevel",
        "SupportedFeatureProfiles",
        "ConnectorSwitch3to1PhaseSupported",
        "MeterValueSampleInterval",
        "MeterValuesSampledData",
        "ClockAlignedDataInterval",
        "SampledDataCtrlr.TxUpdatedMeasurands",
        "TxCtrlr.TxStartPoint",
        "TransactionMessageAttempts",
        "NumberOfConnectors",
    ],
)
def test_settings_that_touch_power_or_what_is_told_of_it_are_not_set(name):
    assert name not in SETTABLE
    with pytest.raises(UsageError):
        command_of("setting", {"name": name, "value": "1"}, here())


def test_a_time_of_day_is_the_next_one_by_the_sites_clock():
    berlin = ZoneInfo("Europe/Berlin")
    now = moment_told("2026-11-26T12:00", UTC, 0.0)
    assert moment_told("13:30", berlin, now) == now + 1800.0  # 13:00 there now
    assert moment_told("18:30Z", berlin, now) == now + 6.5 * 3600.0
    twice = moment_told("2026-10-25T00:30Z", UTC, 0.0)  # 02:30 there, for the first time
    assert moment_told("02:45", berlin, twice) == twice + 900.0
    assert moment_told("02:45", berlin, twice + 3600.0) == twice + 3600.0 + 900.0
    assert moment_told("13:00", berlin, now) == now + 86_400.0
    assert moment_told("2026-11-26 14:00", berlin, now) == now + 3600.0
    assert moment_told("2026-11-26T14:00+00:00", berlin, now) == now + 7200.0
    evening = moment_told("2026-10-24T20:00", berlin, 0.0)  # clocks go back that night
    assert moment_told("06:00", berlin, evening) == evening + 11 * 3600.0


def test_a_password_is_not_kept():
    told = without_password({"url": "ftp://me:secret@h.example:21/a", "at": "18:30"})
    assert told == {"url": "ftp://...@h.example:21/a", "at": "18:30"}
    assert "secret" not in without_password({"url": "ftp://me:secret@[h/"})["url"]

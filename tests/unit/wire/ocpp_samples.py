"""One of everything that stations tell, are answered, are asked and answer."""

from voltherd.types.station import (
    BEGIN,
    END,
    ENERGY,
    POWER,
    Alive,
    BootAnswer,
    Booted,
    ChargingPeriod,
    ChargingProfile,
    ChargingSchedule,
    DataTold,
    MeterReading,
    MeterTold,
    NeedsTold,
    PlainAnswer,
    ProgressTold,
    ReservationTold,
    SecurityTold,
    StatusAnswer,
    StatusTold,
    TimeAnswer,
    TokenAsked,
    TokenVerdict,
    TransactionAnswer,
    TransactionTold,
)
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
    TokensVersionTold,
    Trigger,
    Unlock,
    UpdateFirmware,
)

NOON = 1_774_785_600.0


def energy(second, value_wh, context="Sample.Periodic"):
    return MeterReading(second, ENERGY, value_wh, "Wh", "", context)


READINGS = (
    energy(NOON, 1234.5),
    MeterReading(NOON, POWER, 11_040.0, "W"),
    MeterReading(NOON, "Current.Import", 16.0, "A", "L1"),
    MeterReading(NOON, "Voltage", 230.1, "V", "L1-N"),
    MeterReading(NOON + 60.0, "SoC", 0.47, "1"),
    MeterReading(NOON + 60.0, "Temperature", 31.5, "Celsius"),
)
SCHEDULE = ChargingSchedule(
    "W",
    tuple(ChargingPeriod(900 * k, 1380.0 * (k % 9) + 0.1 * k, 3) for k in range(24)),
    NOON,
    86_400,
)
AMPERES = ChargingSchedule("A", (ChargingPeriod(0, 6.2, 1), ChargingPeriod(60, 0.0)))


def profile(purpose="transaction", transaction_id="77", schedule=SCHEDULE):
    return ChargingProfile(5, purpose, 3, schedule, transaction_id, NOON, NOON + 9e4)


def start(transaction_id, seq_no):
    return TransactionTold(
        "started",
        transaction_id,
        NOON,
        seq_no,
        2,
        1,
        "CARD-1",
        (energy(NOON, 1000.0, BEGIN),),
        reservation_id=9,
    )


def stop(transaction_id, seq_no):
    return TransactionTold(
        "ended",
        transaction_id,
        NOON + 3600.0,
        seq_no,
        id_token="CARD-1",
        readings=(*READINGS[:3], energy(NOON + 3600.0, 9000.0, END)),
        reason="Local",
    )


BOTH_EVENTS = [
    Alive(),
    Booted("Maker", "Post 22", "S-1", "1.0.3", ""),
    TokenAsked("CARD-1"),
    ProgressTold("firmware", "Installed"),
    ProgressTold("log", "Uploaded", 3),
    SecurityTold("TamperDetectionActivated", NOON, "door"),
    DataTold("maker", "lamp", "on"),
    MeterTold(2, READINGS[:5]),  # 2.0.1 knows no temperature
]
EVENTS = {
    "1.6": [
        *BOTH_EVENTS,
        ProgressTold("diagnostics", "Uploaded"),
        StatusTold(2, 1, "Charging", NOON),
        StatusTold(2, 1, "Faulted", NOON, "GroundFailure"),
        start("", None),
        TransactionTold("updated", "77", NOON + 60.0, evse_id=2, readings=READINGS),
        stop("77", None),
    ],
    "2.0.1": [
        *[e._replace(reason="PowerUp") if isinstance(e, Booted) else e for e in BOTH_EVENTS],
        StatusTold(2, 1, "Occupied", NOON),
        ReservationTold(9, "Expired"),
        start("tx-77", 0),
        TransactionTold(
            "updated", "tx-77", NOON + 60.0, 1, 2, 1, readings=READINGS[:5], state="Charging"
        ),
        stop("tx-77", 2)._replace(offline=True, evse_id=2, connector_id=1, remote_start_id=4),
        NeedsTold(1, "DC", NOON, 42_000.0, 150_000.0, 80_000.0, 0.2),
        NeedsTold(1, "AC_three_phase", None, 12_000.0, 11_040.0),
    ],
}
ANSWERS = {
    "1.6": [
        ("BootNotification", BootAnswer("Accepted", 300, NOON)),
        ("Heartbeat", TimeAnswer(NOON)),
        ("Authorize", TokenVerdict("Accepted", NOON + 60.0, "FLEET")),
        ("StartTransaction", TransactionAnswer("77", TokenVerdict("ConcurrentTx"))),
        ("StopTransaction", TransactionAnswer("")),
        ("StopTransaction", TransactionAnswer("", TokenVerdict("Accepted"))),
        ("MeterValues", PlainAnswer()),
        ("StatusNotification", PlainAnswer()),
        ("FirmwareStatusNotification", PlainAnswer()),
        ("DataTransfer", StatusAnswer("UnknownVendorId")),
    ],
    "2.0.1": [
        ("BootNotification", BootAnswer("Pending", 300, NOON)),
        ("Heartbeat", TimeAnswer(NOON)),
        ("Authorize", TokenVerdict("Unknown", NOON + 60.0, "FLEET")),
        ("TransactionEvent", TransactionAnswer("", TokenVerdict("Accepted"))),
        ("TransactionEvent", TransactionAnswer("")),
        ("MeterValues", PlainAnswer()),
        ("StatusNotification", PlainAnswer()),
        ("NotifyEVChargingNeeds", StatusAnswer("Processing")),
        ("DataTransfer", StatusAnswer("UnknownVendorId")),
    ],
}
COMMANDS = [
    (SetProfile(2, profile()), Outcome("Accepted")),
    (SetProfile(0, profile("station", "")), Outcome("Rejected")),
    (SetProfile(0, profile("default", "", AMPERES)), Outcome("Accepted")),
    (ClearProfiles(5), Outcome("Accepted")),
    (ClearProfiles(None, 2, "default", 3), Outcome("Unknown")),
    (GetSchedule(2, 86_400, "W"), ScheduleTold("Accepted", SCHEDULE, 2)),
    (GetSchedule(2, 86_400), ScheduleTold("Rejected")),
    (RemoteStart("CARD-1", 2, 8, profile("transaction", "")), Outcome("Accepted")),
    (RemoteStart("CARD-1", None, 8), Outcome("Rejected")),
    (RemoteStop("77"), Outcome("Accepted")),
    (Unlock(2), Outcome("Unlocked")),
    (Reset(True), Outcome("Accepted")),
    (Reset(False), Outcome("Rejected")),
    (SetAvailability(2, False), Outcome("Scheduled")),
    (SetAvailability(0, True), Outcome("Accepted")),
    (Reserve(9, 2, "CARD-1", NOON), Outcome("Occupied")),
    (CancelReservation(9), Outcome("Accepted")),
    (GetSettings(("A.B", "C.D")), SettingsTold({"A.B": "7"}, ("C.D",))),
    (SetSetting("A.B", "8"), Outcome("RebootRequired")),
    (Trigger("Heartbeat"), Outcome("Accepted")),
    (Trigger("MeterValues", 2), Outcome("NotImplemented")),
    (ClearCache(), Outcome("Accepted")),
    (SendTokens(4, ("CARD-1", "CARD-2")), Outcome("Accepted")),
    (SendTokens(5, ()), Outcome("Failed")),
    (GetTokensVersion(), TokensVersionTold(4)),
    (UpdateFirmware("https://example.org/a.bin", NOON, 3), Outcome("Accepted")),
    (GetDiagnostics("https://example.org/", 4), Outcome("Accepted")),
    (SendData("maker", "lamp", "on"), Outcome("Accepted")),
]

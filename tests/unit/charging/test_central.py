"""Stations tell the same things late, twice and in any order: the books come out the same."""

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.wire.ocpp_samples import NOON, energy
from voltherd.charging.central import (
    LIMITS,
    LIMITS_LATER,
    Central,
    Heard,
    Rules,
    learned,
    step,
    without_old,
)
from voltherd.charging.reservations import reserve, settled
from voltherd.types.station import (
    BEGIN,
    END,
    Alive,
    BootAnswer,
    Booted,
    DataTold,
    MeterReading,
    MeterTold,
    NeedsTold,
    Noted,
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
    GetSettings,
    Outcome,
    Reserve,
    SettingsTold,
)
from voltherd.wire.plain import from_plain, to_plain

ACCEPTED = TokenVerdict("Accepted")
RULES = Rules(
    tokens={"CARD-1": ACCEPTED, "CARD-2": ACCEPTED, "OLD": TokenVerdict("Accepted", NOON)}
)


def told(central, event, station_id="A", second=NOON, later=False):
    return step(central, Heard(station_id, second, event, later))


def start(second=NOON, meter_wh=1000.0, evse_id=1, token="CARD-1", transaction_id="", seq_no=None):
    readings = (energy(second, meter_wh, BEGIN),)
    return TransactionTold("started", transaction_id, second, seq_no, evse_id, 1, token, readings)


def update(transaction_id, second, meter_wh, seq_no=None, state=""):
    readings = (energy(second, meter_wh),)
    return TransactionTold(
        "updated", transaction_id, second, seq_no, readings=readings, state=state
    )


def stop(transaction_id, second=NOON + 3600.0, meter_wh=9000.0, seq_no=None, token=""):
    readings = (energy(second, meter_wh, END),)
    return TransactionTold(
        "ended", transaction_id, second, seq_no, id_token=token, readings=readings, reason="Local"
    )


# Transactions.


def test_a_transaction_is_numbered_metered_and_ended():
    central = Central(RULES)
    central, answer, _ = told(central, start())
    assert answer == TransactionAnswer("1", ACCEPTED)
    assert central.stations["A"].running(1).transaction_id == "1"
    central, answer, _ = told(central, update("1", NOON + 60.0, 1100.0))
    assert answer == TransactionAnswer("1", None)
    central, answer, _ = told(central, stop("1"), second=NOON + 3600.0)
    transaction = central.stations["A"].transactions["1"]
    assert (transaction.energy_wh, transaction.is_open) == (8000.0, False)
    assert transaction.stop == (NOON + 3600.0, "Local") and transaction.flags == frozenset()
    assert central.stations["A"].running(1) is None


SESSION = [
    start(transaction_id="tx", seq_no=0),
    update("tx", NOON + 60.0, 1100.0, 1, "Charging"),
    update("tx", NOON + 120.0, 1250.0, 2, "SuspendedEV"),
    update("tx", NOON + 180.0, 1300.0, 3),
    stop("tx", NOON + 240.0, 1390.0, 4, "CARD-2"),
]
OTHER = [
    start(NOON + 9.0, 50.0, 2, "CARD-2", "ty", 0),
    update("ty", NOON + 99.0, 150.0, 1),
    stop("ty", NOON + 400.0, 777.0, 2),
]


def books(central):
    return {
        (station.station_id, t.transaction_id): t
        for station in central.stations.values()
        for t in station.transactions.values()
    }


def in_order(events):
    central = Central(RULES)
    for event in events:
        central = told(central, event, later=True).central
    return books(central)


@given(st.permutations(SESSION + OTHER), st.lists(st.sampled_from(SESSION + OTHER), max_size=8))
def test_any_order_and_any_repetition_give_the_same_transactions(events, again):
    found = in_order([*events, *again])
    assert found == in_order(SESSION + OTHER)
    assert found["A", "tx"].energy_wh == 390.0 and found["A", "ty"].energy_wh == 727.0
    assert found["A", "tx"].id_token == "CARD-1", "who ends it is not who it belongs to"
    assert found["A", "tx"].missing == 0


@given(st.permutations([2, 3, 4, 1]), st.integers(0, 3))
def test_the_same_holds_where_the_central_system_numbers(order, repeated):
    """1.6: all but the start carry the number that its answer gave; the start may come again."""
    events = [
        start(),
        update("1", NOON + 60.0, 1100.0),
        update("1", NOON + 120.0, 1250.0),
        stop("1", NOON + 240.0, 1390.0),
        start(),
    ]
    central = told(Central(RULES), events[0]).central
    for place in [*order, *order[:repeated]]:
        central = told(central, events[place]).central
    [transaction] = books(central).values()
    assert transaction.energy_wh == 390.0 and not transaction.is_open
    assert central.next_number == 2, "no transaction is booked twice"


def test_a_message_id_used_anew_after_a_restart_loses_nothing():
    central = told(Central(RULES), start()).central
    central = told(central, Booted("Maker", "Post")).central
    central, answer, _ = told(central, start(NOON + 7200.0, 5000.0))
    assert answer.transaction_id == "2" and len(books(central)) == 2


def test_an_end_without_a_start_is_kept():
    central = told(Central(RULES), stop("99")).central
    assert books(central)["A", "99"].stop is not None
    assert books(central)["A", "99"].start_second is None


def test_what_is_missing_of_numbered_events_is_counted():
    found = in_order([SESSION[1], SESSION[4]])["A", "tx"]
    assert found.sequence == ((1, 1), (4, 4)) and found.missing == 3


@pytest.mark.parametrize(
    ("events", "flags"),
    [
        ([update("tx", NOON + 60.0, 1200.0)], set()),
        ([update("tx", NOON + 60.0, 60_000.0)], {"meter_jump"}),
        ([update("tx", NOON + 60.0, 400.0)], {"meter_jump"}),
        ([update("tx", NOON + 60.0, 1200.0), update("tx", NOON + 120.0, 0.0)], {"meter_jump"}),
        ([update("tx", NOON + 9000.0, 1200.0)], {"clock_ahead"}),
    ],
)
def test_jumps_of_a_meter_and_clocks_ahead_are_flagged(events, flags):
    assert in_order([SESSION[0], *events])["A", "tx"].flags == flags


def test_a_clock_that_is_behind_shows_after_a_start_of_the_station():
    central = told(Central(), Booted("Maker", "Post")).central
    late = StatusTold(1, 1, "Available", NOON - 7200.0)
    central = told(central, late).central
    assert central.stations["A"].clock_offset_second == -7200.0
    central = told(central, late._replace(time_second=NOON - 1.0)).central
    assert central.stations["A"].clock_offset_second == -1.0, "the other was only late"


def test_what_ended_long_ago_leaves_the_books_and_what_goes_on_stays():
    central = told(Central(RULES), start()).central
    central = told(central, stop("1")).central
    central = told(central, start(NOON + 7200.0)).central
    assert without_old(central, NOON) == central
    after = without_old(central, NOON + 3601.0)
    assert list(after.stations["A"].transactions) == ["2"]
    assert list(after.stations["A"].starts.values()) == ["2"]


# Who may charge.


@pytest.mark.parametrize(
    ("token", "status"), [("CARD-1", "Accepted"), ("NOBODY", "Invalid"), ("OLD", "Expired")]
)
def test_who_is_not_on_the_list_may_not_charge(token, status):
    assert told(Central(RULES), TokenAsked(token)).answer.status == status
    assert told(Central(RULES), start(token=token)).answer.verdict.status == status


def test_a_token_charges_at_one_place_at_a_time_but_a_lost_end_blocks_nobody():
    central = told(Central(RULES), start()).central
    second, answer, _ = told(central, start(NOON + 9.0), "B")
    assert answer.verdict.status == "ConcurrentTx"
    assert len(books(second)) == 2, "refused, yet it is booked: the station may have begun"
    assert told(central, start(NOON + 9.0)).answer.verdict.status == "Accepted"
    late = start(NOON + 9.0)._replace(offline=True)
    assert told(central, late, "B").answer.verdict.status == "Accepted"


# Reservations.

WISH = Reserve(7, 1, "CARD-1", NOON + 600.0)


def promised(central=None, wish=WISH):
    central = central or told(Central(RULES), StatusTold(1, 1, "Available", NOON)).central
    return reserve(central, "A", wish, NOON)


@pytest.mark.parametrize(
    ("wish", "why"),
    [
        (Reserve(8, 1, "CARD-2", NOON + 60.0), "reserved already"),
        (Reserve(8, 0, "CARD-2", NOON + 60.0), "reserved already"),
        (Reserve(7, 2, "CARD-2", NOON + 60.0), "another reservation"),
        (Reserve(8, 2, "CARD-2", NOON), "over before"),
    ],
)
def test_nobody_is_promised_what_somebody_else_was(wish, why):
    central = promised().central
    after = reserve(central, "A", wish, NOON)
    assert after.command is None and why in after.why and after.central == central


def test_a_reservation_ends_by_refusal_cancellation_expiry_and_use():
    central = promised().central
    other = Reserve(8, 1, "CARD-2", NOON + 900.0)
    for freed in (
        settled(central, "A", WISH, Outcome("Occupied")),
        settled(central, "A", CancelReservation(7), Outcome("Rejected")),
        told(central, ReservationTold(7, "Removed")).central,
    ):
        assert promised(freed, other).command == other
    assert settled(central, "A", WISH, Outcome("Accepted")) == central
    assert reserve(central, "A", other, NOON + 601.0, connected=True).command == other
    used = told(central, start()).central
    assert used.stations["A"].reservations == {}
    assert promised(used, other).why == "somebody charges there"
    assert reserve(central, "B", other, NOON).why == "no such station"


def test_who_has_not_reserved_is_refused_and_the_reservation_stays():
    central, answer, _ = told(promised().central, start(token="CARD-2"))
    assert answer.verdict.status == "Blocked"
    assert list(central.stations["A"].reservations) == [7]


# All the rest.


@pytest.mark.parametrize(("later", "asked"), [(False, LIMITS), (True, LIMITS_LATER)])
def test_a_station_that_starts_is_asked_what_it_can_hold(later, asked):
    central, answer, commands = told(Central(), Booted("Maker", "Post"), later=later)
    assert answer == BootAnswer("Accepted", 300, NOON)
    assert commands == (GetSettings(asked),)
    central = learned(central, "A", SettingsTold({"ChargingScheduleMaxPeriods": "24"}))
    assert central.stations["A"].settings == {"ChargingScheduleMaxPeriods": "24"}
    assert learned(central, "Z", SettingsTold({})) == central


def test_a_station_nobody_knows_waits():
    _, answer, commands = told(Central(Rules(stations=frozenset({"B"}))), Booted("M", "P"))
    assert answer.status == "Pending" and commands == ()


@pytest.mark.parametrize(
    ("event", "answer"),
    [
        (Alive(), TimeAnswer(NOON)),
        (StatusTold(1, 1, "Available", NOON), PlainAnswer()),
        (MeterTold(1, (MeterReading(NOON, "Voltage", 231.0, "V", "L1"),)), PlainAnswer()),
        (ProgressTold("firmware", "Installed"), PlainAnswer()),
        (SecurityTold("TamperDetectionActivated", NOON), PlainAnswer()),
        (NeedsTold(1, "DC", NOON + 9.0, 4e4), StatusAnswer("Processing")),
        (DataTold("maker"), StatusAnswer("UnknownVendorId")),
        (Noted("NotifyEvent"), PlainAnswer()),
        (Noted("SignCertificate"), StatusAnswer("Rejected")),
    ],
)
def test_everything_gets_its_answer_and_twice_is_once(event, answer):
    central, first, _ = told(Central(), event)
    assert first == answer
    assert told(central, event).central == central
    assert central.stations["A"].heard_second == NOON


def test_the_latest_status_and_reading_count_by_their_own_time():
    central = Central()
    for second, status in ((NOON, "Charging"), (NOON - 60.0, "Available")):
        central = told(central, StatusTold(1, 1, status, second)).central
        reading = MeterReading(second, "Voltage", 200.0 + second - NOON, "V")
        central = told(central, MeterTold(1, (reading,))).central
    assert central.stations["A"].statuses[1, 1].status == "Charging"
    assert central.stations["A"].readings[1]["Voltage", ""].value == 200.0


def test_a_station_that_invents_names_without_end_fills_no_memory():
    central = Central()
    for k in range(300):
        central = told(central, StatusTold(k, 1, "Available", NOON)).central
        reading = MeterReading(NOON + k, f"Odd.{k}", 1.0, "W")
        central = told(central, MeterTold(k % 3, (reading,))).central
    book = central.stations["A"]
    assert len(book.statuses) == 128 and (299, 1) in book.statuses
    central = told(
        central, MeterTold(1, tuple(MeterReading(NOON, f"O{k}", 1.0, "W") for k in range(300)))
    ).central
    assert len(central.stations["A"].readings[1]) == 128


EVENTS = st.sampled_from(
    [
        *SESSION,
        *OTHER,
        start(),
        stop("1"),
        Alive(),
        Booted("Maker", "Post"),
        StatusTold(1, 1, "Available", NOON),
        SecurityTold("TamperDetectionActivated", NOON),
        NeedsTold(1, "DC", NOON + 9.0, 4e4),
        ProgressTold("log", "Uploaded", 4),
    ]
)


@settings(max_examples=50)
@given(st.lists(st.tuples(EVENTS, st.sampled_from("AB")), max_size=12))
def test_the_books_survive_being_written_down(events):
    central = promised().central
    for event, station_id in events:
        central = told(central, event, station_id).central
    text = json.dumps(to_plain(central), allow_nan=False)
    assert from_plain(Central, json.loads(text)) == central


def test_a_step_changes_no_argument():
    central = told(Central(RULES), start()).central
    before = replace(central)
    text = repr(central)
    told(central, stop("1"))
    assert central == before and repr(central) == text

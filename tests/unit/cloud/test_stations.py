"""Stations and sessions as read from a journal that another process goes on writing."""

import pytest

from tests.unit.cloud.station_story import DAY, EVENING, HOUR, Told, tell_story
from voltherd.adapters.memory.calls import MemoryCalls
from voltherd.adapters.ocpp.schemas import schema_check
from voltherd.adapters.sqlite.calls import CallBook
from voltherd.charging.central import Rules
from voltherd.charging.session_record import Prices
from voltherd.cloud.depot import Depot
from voltherd.cloud.stations import Stations
from voltherd.types.station import (
    Alive,
    ChargingPeriod,
    ChargingProfile,
    ChargingSchedule,
    StatusTold,
)
from voltherd.types.station_command import GetSchedule, Outcome, ScheduleTold, SetProfile
from voltherd.wire.ocpp import DIALECTS

NOW = EVENING + 3 * DAY
PRICES = Prices((EVENING - 2 * HOUR, EVENING), (0.42, 0.24), EVENING + 9 * HOUR)


@pytest.fixture
def known(tmp_path):
    """A reader of a story that was told to another book on the same file."""
    tell_story(CallBook(tmp_path / "stations.sqlite"), NOW).keep_books()
    reader = CallBook(tmp_path / "stations.sqlite")
    return Stations(reader, schema_check, lambda: PRICES), tmp_path


def test_a_stations_past_is_told(known):
    stations, _ = known
    assert stations.ids() == ("S01", "S02")
    one = stations.state("S01", NOW)
    assert len(one.faults) == 6 and one.faults[0].error == "GroundFailure"
    assert 0.0 < one.outlook.chance.low < one.outlook.chance.value < one.outlook.chance.high <= 1.0
    assert one.served == pytest.approx(1.0 - 6 * 0.25 / 29)
    assert [d.text for d in one.deviations] == ["accepted a profile and holds higher limits"]
    two = stations.state("S02", NOW)
    assert two.outlook.text == "cannot tell yet (0 of 5 failures)"
    assert [round(gap.stop_second - gap.start_second) for gap in two.silences] == [3480, 1740, 1800]
    assert [d.text for d in two.deviations] == [
        "StatusNotification: vendorError: not in the schema"
    ]
    assert stations.state("S03", NOW) is None


def test_what_is_asked_of_another_evse_meanwhile_says_nothing_of_an_order():
    journal = MemoryCalls()
    teller = Told(journal)
    teller.tell("S01", "2.0.1", NOW, StatusTold(1, 1, "Available", NOW))
    asked = ChargingSchedule("W", (ChargingPeriod(0, 4_140.0),), NOW, 3600)
    other = asked._replace(periods=(ChargingPeriod(0, 22_000.0),))
    profile = ChargingProfile(1, "default", 1, asked)
    teller.desk.answered("S01", SetProfile(1, profile), Outcome("Accepted"))
    for evse, held in ((2, other), (1, asked)):
        told = ScheduleTold("Accepted", held, evse)
        teller.desk.answered("S01", GetSchedule(evse, 3600), told)
    teller.tell("S01", "2.0.1", NOW + 1.0, StatusTold(1, 1, "Available", NOW + 1.0))
    stations = Stations(journal, schema_check, lambda: None)
    assert stations.state("S01", NOW + 2.0).deviations == ()


def test_a_session_is_told_to_the_watt_hour_and_the_cent(known):
    stations, _ = known
    [line] = stations.sessions("S01")
    found = stations.session("S01", line.transaction_id, NOW)
    assert found.transaction.energy_wh == 15_000.0
    assert found.cost_eur == pytest.approx(11.0 * 0.42 + 4.0 * 0.24)
    begin = EVENING - HOUR
    assert found.allowed == ((begin, 11_000.0), (EVENING, 4_140.0))
    assert [watt for _, watt in found.drawn] == [11_000.0] * 4 + [4_000.0] * 4
    assert found.efficiency is None
    assert stations.session("S01", "no such", NOW) is stations.session("S03", "1", NOW) is None


def test_a_session_that_goes_on_tells_what_arrived_and_what_was_not_heard(known):
    stations, _ = known
    found = stations.session("S02", "tx-9", NOW)
    assert found.transaction.is_open and found.transaction.missing == 1
    assert found.efficiency == pytest.approx((0.9, 0.87, 0.93))
    assert found.cost_eur is None, "nobody told a price of that time"
    assert found.allowed == ((NOW - 1.5 * HOUR, None),)
    assert [watt for _, watt in found.drawn] == [20_000.0, 20_000.0]


def test_what_is_told_meanwhile_is_seen(known):
    stations, folder = known
    teller = Told(CallBook(folder / "stations.sqlite"))
    teller.tell("S03", "1.6", NOW, StatusTold(1, 1, "Faulted", NOW, "OverCurrentFailure"))
    assert stations.ids() == ("S01", "S02", "S03")
    assert stations.state("S03", NOW + 1.0).outlook.text == "it is faulty now"


@pytest.mark.parametrize("book", [MemoryCalls, None])
def test_the_latest_calls_of_a_station_are_given_in_order(book, tmp_path):
    journal = book() if book else CallBook(tmp_path / "calls.sqlite")
    tell_story(journal, NOW)
    latest = journal.calls_of("S01", ("StatusNotification",), 0.0, 3)
    assert [call.payload["status"] for call in latest] == ["Available", "Faulted", "Available"]
    assert journal.calls_of("S01", (), NOW, 9) == []
    assert {call.station_id for call in journal.calls_of("S02", (), 0.0, 99)} == {"S02"}


def test_a_silence_before_the_start_may_be_our_own_and_is_not_told():
    journal = MemoryCalls()
    for second in (0.0, 10_000.0):
        teller = Told(journal)
        teller.tell("S01", "1.6", second, StatusTold(1, 1, "Available", second))
    assert not any(call.action == "voltherd:silent" for _, call in journal.calls(0, 99))
    teller.tell("S01", "1.6", 30_000.0, Alive())
    assert [call.payload for _, call in journal.calls(0, 99)][-1] == {"since": 10_000.0}


def test_what_was_laid_aside_changes_no_books():
    journal = MemoryCalls()
    desk = tell_story(journal, NOW)
    again = Depot(journal, desk.central.rules, schema_check)
    assert again.central.stations == desk.central.stations
    assert again.central.rules != Rules()
    assert DIALECTS["1.6"].decode_event("voltherd:held", {}, 0.0) is None


def test_a_clock_that_is_behind_hides_nothing_that_was_heard(known):
    stations, _ = known
    behind = stations.session("S02", "tx-9", NOW - 30 * DAY)
    assert behind.efficiency == stations.session("S02", "tx-9", NOW).efficiency
    assert len(stations.state("S01", NOW - 90 * DAY).faults) == 6

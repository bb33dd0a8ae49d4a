"""The nearest charger that can be had is booked, and of two at once exactly one gets the last."""

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from zoneinfo import ZoneInfo

import pytest

from voltherd.adapters.memory.calls import MemoryCalls
from voltherd.adapters.ocpp.schemas import schema_check
from voltherd.charging.central import Rules
from voltherd.cloud.depot import Depot
from voltherd.cloud.depot_booking import Wish, booked, site_of, wish_of
from voltherd.cloud.depot_commands import moment_told
from voltherd.cloud.depot_file import night, site_file
from voltherd.errors import InputError, UsageError
from voltherd.types.depot_order import Answered
from voltherd.types.station import TokenVerdict
from voltherd.types.station_command import Outcome, Refused, Reserve, StationCall
from voltherd.wire.ocpp_time import write_time

UTC = ZoneInfo("UTC")
NOW = moment_told("2026-11-26T12:00", UTC, 0.0)
UNTIL = NOW + 7200.0
TOKENS = {f"CARD-{number}": TokenVerdict("Accepted") for number in range(9)}
PLACES = {"A": (52.501, 13.40), "B": (52.51, 13.40), "C": (52.60, 13.40)}


def site(vehicles=(), **places):
    chargers = [
        {"id": name, "power_kilowatt": 11, "latitude": at[0], "longitude": at[1]}
        for name, at in (places or PLACES).items()
    ]
    return site_file(
        {
            "site": "s",
            "start": "2026-11-26 12:00",
            "connection": {"limit_kilowatt": 60},
            "prices": {"buy_eur_per_kwh": 0.2},
            "chargers": [*chargers, {"id": "Z", "power_kilowatt": 11}],
            "vehicles": list(vehicles),
        },
        "s",
    )


class SlowCalls:
    """A journal whose medium takes its time, so that whoever does not wait is seen."""

    def __init__(self):
        self._calls = MemoryCalls()

    def append(self, calls):
        time.sleep(0.01)
        return self._calls.append(calls)

    def __getattr__(self, name):
        return getattr(self._calls, name)


def depot(journal=None, **statuses):
    desk = Depot(journal or MemoryCalls(), Rules(tokens=TOKENS), schema_check)
    for station_id in PLACES:
        body = {
            "timestamp": write_time(NOW),
            "connectorStatus": statuses.get(station_id, "Available"),
            "evseId": 1,
            "connectorId": 1,
        }
        desk.take([StationCall(station_id, "2.0.1", "1", "StatusNotification", body, NOW)])
    return desk


def wish(number=1, until=UNTIL):
    return Wish(f"CARD-{number}", (52.50, 13.40), until)


async def book(desk, answers=None, number=1, online=frozenset(PLACES), file=None):
    """Book at stations that answer as given, else with yes."""
    asked = []

    async def ask(station_id, command):
        asked.append(station_id)
        await asyncio.sleep(0)
        return (answers or {}).get(station_id, Outcome("Accepted"))

    where = site_of(file or site(), desk.central, wish(number), NOW)
    station_id, told = await booked(wish(number), where, desk, ask, lambda: online, NOW)
    await asyncio.sleep(0)
    return station_id, told, asked


def test_the_nearest_is_booked_and_it_is_said_how_far_and_until_when():
    desk = depot()
    station_id, told, asked = asyncio.run(book(desk))
    assert (station_id, asked, told.verdict) == ("A", ["A"], "done")
    assert told.text.startswith("A is kept for CARD-1 until 2026-11-26 14:00, 111 m away (reserv")
    [kept] = desk.central.stations["A"].reservations.values()
    assert (kept.evse_id, kept.id_token, kept.expiry_second) == (1, "CARD-1", UNTIL)
    assert str(kept.reservation_id) in told.text


@pytest.mark.parametrize(
    ("statuses", "answers", "online", "got", "asked"),
    [
        ({"A": "Faulted"}, {}, "ABC", "B", ["B"]),
        ({"A": "Occupied", "B": "Unavailable"}, {}, "ABC", "C", ["C"]),
        ({}, {}, "BC", "B", ["B"]),
        ({}, {"A": Outcome("Occupied")}, "ABC", "B", ["A", "B"]),
        (
            {},
            {"A": Refused("NotSupported"), "B": Answered("silent", "B is silent")},
            "ABC",
            "C",
            list("ABC"),
        ),
    ],
)
def test_who_cannot_or_says_no_is_followed_by_the_next(statuses, answers, online, got, asked):
    desk = depot(**statuses)
    found = asyncio.run(book(desk, answers, online=frozenset(online)))
    assert (found[0], found[2]) == (got, asked)
    kept = [one for one in PLACES if desk.central.stations[one].reservations]
    assert kept == [got], "who said no has promised nothing any more"


def test_where_there_is_none_it_is_said_why():
    desk = depot(A="Faulted")
    found, told, asked = asyncio.run(book(desk, {"B": Outcome("Rejected")}, online={"A", "B"}))
    assert (found, told.verdict, asked) == ("", "refused", ["B"])
    assert told.text == (
        "no charger: B: it answers Rejected; A: it says that it is Faulted; C: the station is away"
    )


def bus(charger="A", arrives="13:30", departs="20:00", token="CARD-7"):
    energy = {"battery_kwh": 50, "soc_arrival": 0.2, "soc_departure": 0.8}
    times = {"arrives": arrives, "departs": departs}
    return {"id": "bus", "charger": charger, "token": token, **times, **energy}


@pytest.mark.parametrize(
    ("vehicle", "number", "got"),
    [
        (bus(), 1, "B"),
        (bus(arrives="14:00"), 1, "A"),  # another is to go when it comes
        (bus(arrives="11:00"), 1, "B"),  # it is late
        (bus(), 7, "A"),  # its own place
    ],
)
def test_a_place_that_a_vehicle_is_expected_at_is_not_booked(vehicle, number, got):
    assert asyncio.run(book(depot(), number=number, file=site([vehicle])))[0] == got


def test_a_vehicle_that_waits_stopped_at_a_charger_that_tells_no_plug_keeps_its_place():
    plain = site()
    told = {"control": "start_stop", "tells_plug": False}
    first = plain.chargers[0].model_copy(update=told)
    file = plain.model_copy(update={"chargers": [first, *plain.chargers[1:]]})
    desk, who = depot(), {"idToken": "CARD-7", "type": "Central"}
    for kind, number in (("Started", 0), ("Ended", 1)):
        body = {
            "eventType": kind,
            "timestamp": write_time(NOW - 60.0 + number),
            "triggerReason": "RemoteStop" if number else "Authorized",
            "seqNo": number,
            "transactionInfo": {"transactionId": "T", "stoppedReason": "Remote"},
            "idToken": who,
            "evse": {"id": 1, "connectorId": 1},
        }
        desk.take([StationCall("A", "2.0.1", kind, "TransactionEvent", body, NOW - 60.0)])
    assert desk.central.stations["A"].running(1) is None
    assert asyncio.run(book(desk, file=file))[0] == "B"
    assert site_of(file, desk.central, wish(), NOW).taken == {"A": "a vehicle stays there"}


def test_of_two_threads_that_want_the_last_evse_exactly_one_gets_it():
    for _ in range(10):
        desk = depot(SlowCalls(), B="Faulted", C="Occupied")
        begin = threading.Barrier(2)

        def one(number, desk=desk, begin=begin):
            begin.wait()
            return asyncio.run(book(desk, number=number))

        with ThreadPoolExecutor(2) as pool:
            found = list(pool.map(one, (1, 2)))
        assert sorted(station_id for station_id, _, _ in found) == ["", "A"]
        [lost] = [told.text for station_id, told, _ in found if not station_id]
        assert "A: it is reserved already" in lost
        [kept] = desk.central.stations["A"].reservations.values()
        assert kept.id_token == f"CARD-{1 + [f[0] for f in found].index('A')}"


def test_of_two_threads_that_promise_the_same_evse_exactly_one_may():
    for _ in range(10):
        desk, begin = depot(SlowCalls()), threading.Barrier(2)

        def one(number, desk=desk, begin=begin):
            begin.wait()
            return desk.reserve("A", Reserve(number, 1, f"CARD-{number}", UNTIL), NOW)

        with ThreadPoolExecutor(2) as pool:
            promises = list(pool.map(one, (1, 2)))
        assert [p.command is None for p in promises].count(True) == 1
        assert len(desk.central.stations["A"].reservations) == 1


def test_a_promise_outlives_a_restart_though_the_station_is_out_of_order_since():
    journal = MemoryCalls()
    desk = depot(journal)
    asyncio.run(book(desk))
    again = Depot(journal, Rules(tokens=TOKENS), schema_check)
    assert again.central.stations["A"].reservations == desk.central.stations["A"].reservations != {}


WORDS = {"token": "CARD-1", "from": "52.5,13.4", "until": "14:00"}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ({"from": "here"}, "from: 'here' is no position"),
        ({"from": "91,0"}, "no position"),
        ({"from": "nan,0"}, "no position"),
        ({"from": "1,2,3"}, "no position"),
        ({"token": "nobody"}, "token 'nobody' may not charge here"),
        ({"until": "2026-11-26T11:00"}, "until: a charger is kept for up to 24 hours from now on"),
        ({"until": "2026-11-28T11:00"}, "up to 24 hours"),
        ({"until": ""}, "is no time"),
        ({"limit": "99"}, "book takes no 'limit'"),
    ],
)
def test_a_wish_that_makes_no_sense_is_refused_in_a_line(words, told):
    assert wish_of(WORDS, depot().central, UTC, NOW) == wish()
    with pytest.raises(UsageError) as caught:
        wish_of(WORDS | words, depot().central, UTC, NOW)
    assert told in str(caught.value)


def test_a_site_that_says_nothing_of_places_books_none():
    plain = site().model_copy(update={"chargers": site().chargers[-1:]})
    with pytest.raises(UsageError, match="no charger of the site file says where it is"):
        site_of(plain, depot().central, wish(), NOW)
    half = site().chargers[0].model_copy(update={"longitude": None})
    with pytest.raises(InputError, match="half a position"):
        night(site().model_copy(update={"chargers": [half], "vehicles": []}), "s")

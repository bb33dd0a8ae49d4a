"""Charging stations over HTTP: how they do, one session, and what is said of what is not there."""

import time

import httpx2
import pytest

from tests.unit.cloud.depot_now_story import depot_now_story
from tests.unit.cloud.station_story import DAY, EVENING, tell_story
from voltherd.adapters.files.depot_now import write_now
from voltherd.adapters.sqlite.calls import CallBook
from voltherd.cloud.clocks import WallClock
from voltherd.cloud.depot_example import EXAMPLE

BASE = "/api/v1/depot/stations"
NOW = EVENING + 2 * DAY


@pytest.fixture(scope="module")
def client(start_of_module, filled, tmp_path_factory):
    folder = tmp_path_factory.mktemp("stations")
    (folder / "site.yaml").write_text(EXAMPLE)
    tell_story(CallBook(folder / "stations.sqlite"), NOW)
    write_now(folder, depot_now_story(NOW))
    depot = {"site": str(folder / "site.yaml"), "stations": str(folder / "stations.sqlite")}
    clock = WallClock(shift_second=NOW - time.time())
    running = start_of_module(filled, clock, depot=depot)
    with httpx2.Client(base_url=running.url, timeout=30.0) as client:
        yield client


def ask(client, path="", status=200):
    answer = client.get(BASE + path)
    assert answer.status_code == status, answer.text
    return answer.json()


def test_every_station_is_listed_with_what_is_to_be_expected_of_it(client):
    one, two = ask(client)["items"]
    assert (one["station"], one["model"], one["firmware"]) == ("S01", "Post 22", "1.4.2")
    assert one["connectors"][0]["status"] == "Available"
    assert (one["faults"], one["outlook"]["faults"], one["oddities"]) == (6, 6, 1)
    chance = one["outlook"]["chance"]
    assert 0.0 < chance["low"] < chance["value"] < chance["high"] <= 1.0
    assert two["outlook"]["chance"] is None
    assert two["outlook"]["text"] == "cannot tell yet (0 of 5 failures)"
    assert two["silences"] == 3


def test_a_stations_past_is_told_the_latest_first(client):
    one = ask(client, "/S01")
    assert [spell["error"] for spell in one["fault_spells"]] == ["GroundFailure"] * 6
    assert one["fault_spells"][0]["begin"] > one["fault_spells"][1]["begin"]
    assert one["odd"][0]["text"] == "accepted a profile and holds higher limits"
    [line] = one["sessions"]
    assert (line["energy_kwh"], line["ended_by"]) == (15.0, "EVDisconnected")


def test_a_session_has_its_meter_its_limits_and_its_price(client):
    [line] = ask(client, "/S01")["sessions"]
    told = ask(client, f"/S01/sessions/{line['session']}")
    assert (told["meter_begin_kwh"], told["meter_end_kwh"]) == (1000.0, 1015.0)
    assert told["allowed"]["kilowatt"] == [11.0, 4.14]
    assert told["cost_eur"] == pytest.approx(11.0 * 0.42 + 4.0 * 0.24)
    assert told["efficiency"] is None
    going_on = ask(client, "/S02/sessions/tx-9")
    assert (going_on["end"], going_on["missing"], going_on["cost_eur"]) == (None, 1, None)
    assert going_on["efficiency"]["value"] == pytest.approx(0.9)


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/S99", "no station is called 'S99'"),
        ("/S01/sessions/99", "no session '99'"),
        ("/S99/sessions/1", "no session '1'"),
    ],
)
def test_what_is_not_there_is_said(client, path, told):
    assert told in ask(client, path, status=404)["detail"]


def test_without_a_journal_it_is_said_how_to_name_one(start_of, filled_anew):
    running = start_of(filled_anew())
    with httpx2.Client(base_url=running.url, timeout=30.0) as client:
        assert ask(client, status=404)["type"].endswith("stations-unknown")


def test_how_the_depot_does_is_told_with_its_age_and_what_is_not_known(client):
    now = ask(client, "/../now")
    assert 0.0 <= now["age_second"] < 60.0
    assert (now["kilowatt"], now["metered"], now["limit_kilowatt"]) == (31.5, True, 60.0)
    charging, silent, deaf, _ = now["places"]
    assert charging["guest"]["wanted_kwh"] == 66.0
    assert (silent["online"], silent["kilowatt"], silent["next_begin"]) == (False, None, None)
    assert (deaf["why"], deaf["might_kilowatt"]) == ("does not follow", 11.0)
    assert now["left"][0]["why"].startswith("it left 95 min")
    assert [one["looks"] for one in now["next"]] == [0] * 40

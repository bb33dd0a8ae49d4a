"""A depot asks the fleet's cloud what is known of batteries, over real HTTP."""

import json
import math
import socket

import httpx2
import pytest

from voltherd.adapters.http.fleet import FleetApi
from voltherd.errors import ServiceError


@pytest.fixture(scope="module")
def url(start_of_module, filled, clock):
    return start_of_module(filled, clock).url


def test_every_battery_is_told_as_the_cloud_knows_it(url, monkeypatch):
    monkeypatch.setattr("voltherd.adapters.http.fleet.PAGE", 2)  # three vehicles, so two pages
    found = FleetApi(url).batteries()
    rows = httpx2.get(url.rstrip("/") + "/api/v1/vehicles", timeout=30.0).json()["items"]
    assert found.keys() == {row["vehicle_id"] for row in rows} == {"bus-1", "bus-2", "bus 3/ü"}
    for row in rows:
        battery = found[row["vehicle_id"]]
        assert battery.soc == row["soc"]["value"]
        assert battery.celsius == row["temperature_celsius_max"]
        assert math.isnan(battery.soh)
    assert 0.0 < found["bus-2"].soc < 1.0


def test_a_cloud_that_is_not_there_or_is_something_else_is_said_so(url):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(ServiceError, match="no answer"):
            FleetApi(f"http://127.0.0.1:{taken.getsockname()[1]}").batteries()
    with pytest.raises(ServiceError, match="no list of vehicles"):
        FleetApi(url.rstrip("/") + "/#").batteries()


@pytest.mark.parametrize(
    "told",
    [
        {"items": [], "next_cursor": ""},
        {"items": [{"vehicle_id": "bus-1"}], "next_cursor": None},
        {"items": None},
        [[]],
    ],
)
def test_an_odd_answer_is_an_error_that_the_depot_outlives(monkeypatch, told):
    answer = 200, json.dumps(told).encode()
    monkeypatch.setattr("voltherd.adapters.http.fleet.get", lambda *_: answer)
    with pytest.raises(ServiceError, match="no list of vehicles"):
        FleetApi("http://127.0.0.1:1").batteries()


@pytest.mark.parametrize("odd", ["0.5", True, 1e400, -1, 7, None, [], 10**400])
def test_what_no_battery_can_be_is_not_known(monkeypatch, odd):
    row = {"vehicle_id": "bus-1", "last_seen_time": "2026-11-26T12:00:00Z"}
    row |= {"soc": {"value": odd}, "temperature_celsius_max": 215.0}
    answer = 200, json.dumps({"items": [row], "next_cursor": None}).encode()
    monkeypatch.setattr("voltherd.adapters.http.fleet.get", lambda *_: answer)
    found = FleetApi("http://127.0.0.1:1").batteries()["bus-1"]
    assert math.isnan(found.soc) and math.isnan(found.celsius)

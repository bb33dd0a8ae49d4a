"""A depot asks the fleet's cloud what is known of batteries, over real HTTP."""

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

"""The stream over HTTP: changes arrive, a reader that returns misses nothing."""

import json
import threading
import time

import httpx2
import pytest


@pytest.fixture(scope="module")
def own(data, start_of_module, filled_for_module, clock):
    return start_of_module(filled_for_module, clock)


class Reader:
    """Reads a stream in a thread."""

    def __init__(self, url, last=None, **query):
        headers = {"Last-Event-ID": last} if last else {}
        self.events, self.opened = [], threading.Event()
        self._client = httpx2.Client(base_url=url, timeout=30.0)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._read, args=(query, headers), daemon=True)
        self._thread.start()
        assert self.opened.wait(20.0)

    def _read(self, query, headers):
        try:
            with self._client.stream("GET", "/api/v1/stream", params=query, headers=headers) as got:
                assert got.headers["content-type"].startswith("text/event-stream")
                fields = {}
                for line in got.iter_lines():
                    self.opened.set()
                    if self._stop.is_set():
                        return
                    if line:
                        name, _, value = line.partition(": ")
                        fields[name] = value
                    elif "event" in fields:
                        self.events.append(fields)
                        fields = {}
        except httpx2.HTTPError:
            pass

    def wait(self, kind, count=1, second=20.0):
        until = time.monotonic() + second
        while time.monotonic() < until:
            found = [event for event in self.events if event["event"] == kind]
            if len(found) >= count:
                return found
            time.sleep(0.02)
        raise AssertionError(f"no {kind} in {[e['event'] for e in self.events]}")

    def close(self):
        self._stop.set()
        self._client.close()


@pytest.fixture
def reader(own):
    made = []

    def read(**query):
        made.append(Reader(own.url, **query))
        return made[-1]

    yield read
    for each in made:
        each.close()


def note(own, text):
    with httpx2.Client(base_url=own.url, timeout=30.0) as client:
        [row] = client.get("/api/v1/findings", params={"status": "all"}).json()["items"]
        path = f"/api/v1/findings/{row['finding_id']}/note"
        assert client.post(path, json={"by": "Ada", "text": text}).status_code == 200
    return row["finding_id"]


def test_a_note_of_one_reaches_the_page_of_another(own, reader):
    first, second = reader(event="finding"), reader(event="finding")
    name = note(own, "hm")
    [one] = first.wait("finding")
    [other] = second.wait("finding")
    assert one == other
    assert json.loads(one["data"])["finding_id"] == name


def test_the_chain_is_told_again_and_again(reader):
    told = reader(event="chain").wait("chain", 2)
    assert next(layer["layer"] for layer in json.loads(told[-1]["data"])["layers"]) == "vehicle"


def test_a_reader_that_returns_misses_nothing(own, reader):
    first = reader(event="finding")
    note(own, "one")
    last = first.wait("finding")[-1]["id"]
    first.close()
    note(own, "two")
    note(own, "three")
    again = reader(event="finding", last=last)
    found = [json.loads(e["data"])["notes"] for e in again.wait("finding", 2)]
    assert found[1] == found[0] + 1


def test_a_reader_of_another_start_is_told_to_begin_anew(reader):
    assert reader(last="deadbeef-17").wait("reset")


def test_live_cells_come_to_whoever_watches(own, reader, data):
    from voltherd.wire.envelope import Live

    watcher, other = reader(vehicle_id="bus-2", event="finding"), reader(event="finding")
    batch = data.drive("bus-2", hours=3.1, period=10.0, seed=1)
    for row in range(batch.rows - 4, batch.rows):
        own.cloud.fleet.live(Live("bus-2", batch.between(row, row + 1), time.time_ns()))
        time.sleep(0.3)
    told = json.loads(watcher.wait("cells", 3)[-1]["data"])
    assert told["vehicle_id"] == "bus-2"
    assert len(told["cell_voltage_volt"]) == len(told["cell_soc"]) == 12
    assert told["soc"]["low"] <= told["soc"]["value"] <= told["soc"]["high"]
    assert 0.0 <= told["lag_second"] < 5.0
    assert not [event for event in other.events if event["event"] == "cells"]


def test_no_more_streams_than_allowed(own, reader, monkeypatch):
    reader()
    monkeypatch.setattr(own.cloud.hub, "readers_max", 1)
    answer = httpx2.get(f"{own.url}api/v1/stream", timeout=10.0)
    assert answer.status_code == 503
    assert answer.json()["type"] == "/api/problems/too-many-watchers"


def test_stopping_does_not_wait_for_readers(start_of, filled_anew, clock):
    running = start_of(filled_anew(), clock)
    reader = Reader(running.url)
    began = time.monotonic()
    running.stop()
    assert time.monotonic() - began < 10.0
    reader.close()

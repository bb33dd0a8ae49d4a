"""The ring of events and its readers."""

import asyncio
import json

import pytest

from voltherd.cloud import stream as streams
from voltherd.cloud.stream import Hub, Wanted

ALL = Wanted(frozenset({"vehicle", "finding", "chain"}))


def events(text):
    """Events of a piece of the stream: their fields as a mapping."""
    parts = [part for part in text.decode().split("\n\n") if part and not part.startswith(":")]
    return [dict(line.split(": ", 1) for line in part.split("\n")) for part in parts]


async def taken(hub, wanted=ALL, last="", pieces=2):
    """The first pieces a reader gets, joined; the first says only when to come again."""
    found = b""
    reader = hub.read(wanted, last)
    async for piece in reader:
        found += piece
        pieces -= 1
        if not pieces:
            break
    await reader.aclose()
    return [event for event in events(found) if "event" in event]


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(streams, "TICK_SECOND", 0.0)
    monkeypatch.setattr(streams, "HEARTBEAT_SECOND", 0.05)


def test_an_event_reaches_everybody_as_the_same_bytes():
    async def run():
        hub = Hub("boot")
        tasks = [asyncio.create_task(taken(hub)) for _ in range(3)]
        await asyncio.sleep(0.01)
        hub.publish("vehicle", b'{"vehicle_id":"bus-1"}', "bus-1")
        return await asyncio.gather(*tasks)

    first, second, third = asyncio.run(run())
    assert first == second == third
    assert first == [{"id": "boot-0", "event": "vehicle", "data": '{"vehicle_id":"bus-1"}'}]


def test_a_reader_that_returns_goes_on_behind_its_last_event():
    hub = Hub("boot")
    for number in range(5):
        hub.publish("vehicle", str(number).encode())
    found = asyncio.run(taken(hub, last="boot-2"))
    assert [event["data"] for event in found] == ["3", "4"]


@pytest.mark.parametrize("last", ["other-2", "boot-99", "boot-x", "nonsense", "boot-" + "9" * 60])
def test_a_reader_whose_place_is_unknown_is_told_to_begin_anew(last):
    hub = Hub("boot")
    for number in range(5):
        hub.publish("vehicle", str(number).encode())
    [event] = asyncio.run(taken(hub, last=last))
    assert event["event"] == "reset"
    assert json.loads(event["data"])["reason"]
    assert event["id"] == "boot-4", "returning from here goes on here"


def test_a_place_that_was_overwritten_is_unknown(monkeypatch):
    monkeypatch.setattr(streams, "EVENTS_MAX", 3)
    hub = Hub("boot")
    for number in range(9):
        hub.publish("vehicle", str(number).encode())
    assert hub.place("boot-5") == 6
    assert hub.place("boot-4") is None


def test_a_reader_that_is_too_slow_is_let_go(monkeypatch):
    monkeypatch.setattr(streams, "EVENTS_MAX", 3)

    async def run():
        hub = Hub("boot")
        reader = hub.read(ALL)
        await anext(reader)
        for number in range(9):
            hub.publish("vehicle", str(number).encode())
        pieces = [piece async for piece in reader]
        return pieces, hub.readers

    pieces, readers = asyncio.run(run())
    assert [event["event"] for event in events(b"".join(pieces))] == ["reset"]
    assert readers == 0


def test_live_cells_go_to_those_who_watch_the_vehicle():
    hub = Hub("boot")
    hub.publish("cells", b"1", "bus-1")
    hub.publish("cells", b"2", "bus-2")
    hub.publish("finding", b"3", "bus-2")
    watching = Wanted(frozenset({"finding"}), "bus-1")
    assert [e["data"] for e in events(hub.since(0, watching)[1])] == ["1", "3"]
    assert [e["data"] for e in events(hub.since(0, ALL)[1])] == ["3"]


def test_only_kinds_that_are_wanted_come():
    hub = Hub("boot")
    for kind in ("vehicle", "finding", "chain"):
        hub.publish(kind, b"{}")
    found = events(hub.since(0, Wanted(frozenset({"chain"})))[1])
    assert [event["event"] for event in found] == ["chain"]


def test_who_is_watched_is_known_while_somebody_watches():
    async def run():
        hub = Hub("boot")
        wanted = Wanted(frozenset(), "bus-1")
        first, second = hub.read(wanted), hub.read(wanted)
        await anext(first)
        await anext(second)
        seen = [hub.watched]
        await first.aclose()
        seen.append(hub.watched)
        await second.aclose()
        return [*seen, hub.watched]

    assert asyncio.run(run()) == [("bus-1",), ("bus-1",), ()]


def test_silence_is_broken_by_a_heartbeat():
    async def run():
        reader = Hub("boot").read(ALL)
        pieces = [await anext(reader), await anext(reader)]
        await reader.aclose()
        return pieces

    assert asyncio.run(run())[1].startswith(b":")


def test_events_of_another_thread_wake_the_reader():
    import threading

    async def run():
        hub = Hub("boot")
        hub.publish("vehicle", b"before anybody reads")
        task = asyncio.create_task(taken(hub))
        await asyncio.sleep(0.01)
        threading.Thread(target=hub.publish, args=("vehicle", b"x")).start()
        return await asyncio.wait_for(task, 5.0)

    assert [event["data"] for event in asyncio.run(run())] == ["x"]


def test_closing_lets_every_reader_go():
    async def run():
        hub = Hub("boot")
        task = asyncio.create_task(taken(hub, pieces=10_000))
        await asyncio.sleep(0.01)
        hub.close()
        await asyncio.wait_for(task, 5.0)
        return hub.readers

    assert asyncio.run(run()) == 0

"""What a person types reaches stations over real connections, and each answer comes back."""

import asyncio
import os
import pwd
from contextlib import asynccontextmanager

import pytest
from typer.testing import CliRunner
from websockets.asyncio.client import connect

from tests.unit.adapters.ocpp.depot_world import depot_on, served, spec, stations, until
from voltherd.adapters.clock.system import SystemClock
from voltherd.adapters.files.depot_orders import OrderFolder
from voltherd.charging.central import Rules
from voltherd.cli.main import app
from voltherd.cloud import depot_operator
from voltherd.cloud.depot import COMMANDED
from voltherd.cloud.depot_file import site_file
from voltherd.cloud.depot_operator import Operator
from voltherd.sim.station_spec import Visit
from voltherd.types.station import TokenVerdict

NAMES = {"S01": (52.501, 13.40), "S02": (52.51, 13.40), "S03": (52.60, 13.40)}
FILE = site_file(
    {
        "site": "s",
        "start": "2026-11-26 12:00",
        "connection": {"limit_kilowatt": 60},
        "prices": {"buy_eur_per_kwh": 0.2},
        "chargers": [
            {"id": name, "power_kilowatt": 11, "latitude": at[0], "longitude": at[1]}
            for name, at in NAMES.items()
        ],
        "vehicles": [],
        "visitors": {"tokens": ["CARD-1", "CARD-2"]},
    },
    "s",
)
RULES = Rules(tokens={f"CARD-{k}": TokenVerdict("Accepted") for k in (1, 2)})
ME = pwd.getpwuid(os.getuid()).pw_name


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(depot_operator, "LOOK_SECOND", 0.02)


@asynccontextmanager
async def depot(folder, *versions):
    """A depot that takes orders; its stations are empty, but that S01 has a vehicle from now on."""
    clock, (desk, journal) = SystemClock(), depot_on(rules=RULES)
    orders, begin = OrderFolder(folder), clock.unix_second()
    orders.open()
    specs = [
        spec(
            number,
            later=later,
            visits=[Visit(1, begin + 1e6 * (number > 1), begin + 2e6, "CARD-1")],
        )
        for number, later in enumerate(versions, start=1)
    ]
    async with served(desk, clock) as server:
        operator = Operator(
            FILE,
            orders,
            desk=lambda: desk,
            ask=server.ask,
            online=lambda: server.connected,
            now=clock.unix_second,
        )
        async with stations(specs, server.port, clock):
            books = lambda: desk.central.stations.values()  # noqa: E731
            await until(lambda: len([b for b in books() if b.statuses]) == len(specs))
            await until(lambda: not specs or any(b.open_ids for b in books()))
            serving = asyncio.create_task(operator.serve())
            try:
                yield server, desk, journal
            finally:
                serving.cancel()
                await asyncio.gather(serving, return_exceptions=True)


async def typed(*words):
    found = await asyncio.to_thread(CliRunner().invoke, app, ["depot", *map(str, words)])
    return found.exit_code, " ".join(found.output.split())


async def ordered(folder, station_id, what, timeout=20.0, **words):
    orders = OrderFolder(folder)
    order_id = orders.give(station_id, what, words, timeout)
    while (answered := orders.answer_to(order_id)) is None:
        await asyncio.sleep(0.02)
    return answered


def kept(journal):
    return [
        (call.station_id, call.payload["what"], call.payload["verdict"])
        for _, call in journal.calls(0, 999)
        if call.action == COMMANDED
    ]


@pytest.mark.parametrize("later", [False, True])
def test_commands_reach_a_station_and_what_it_says_comes_back(tmp_path, later):
    async def work():
        async with depot(tmp_path, later) as (_, desk, journal):
            to = ("command", tmp_path, "S01")
            assert await typed(*to, "unlock") == (0, "S01 answers Accepted to unlock")
            assert await typed(*to, "start", "--token", "CARD-2") == (
                1,
                "S01 answers Rejected to start",
            )
            code, text = await typed(*to, "schedule", "--hours", "2")
            assert (code, text[:29]) == (0, "S01 EVSE 1 holds 22.0 kW from")
            url = "ftp://me:secret@host.example/logs"
            code, text = await typed(*to, "diagnostics", url)
            assert (code, text) == (0, "S01 answers Accepted to diagnostics")
            code, text = await typed(*to, "unlock", "--evse", "-1")
            assert (
                code == 2 and text == "voltherd: evse: '-1' is no number; give a whole one, from 0"
            )
            code, text = await typed("command", tmp_path, "S9", "reset")
            assert code == 2 and "no station 'S9' here; the site file has S01, S02, S03" in text
            assert await typed("command", tmp_path, "S02", "reset") == (
                3,
                "voltherd: S02 is not connected",
            )
            [session] = desk.central.stations["S01"].transactions.values()
            assert await typed(*to, "stop") == (0, "S01 answers Accepted to stop")
            await until(lambda: not desk.central.stations["S01"].open_ids)
            assert session.id_token == "CARD-1"
            return journal

    journal = asyncio.run(work())
    assert kept(journal) == [
        ("S01", "unlock", "done"),
        ("S01", "start", "refused"),
        ("S01", "schedule", "done"),
        ("S01", "diagnostics", "done"),
        ("S01", "unlock", "invalid"),
        ("", "reset", "invalid"),
        ("S02", "reset", "away"),
        ("S01", "stop", "done"),
    ]
    told = [call.payload for _, call in journal.calls(0, 999) if call.action == COMMANDED]
    assert {one["by"] for one in told} == {ME}
    assert told[3]["words"] == {"url": "ftp://...@host.example/logs"}


def test_a_charger_is_booked_and_cancelled_over_the_wire(tmp_path):
    async def work():
        async with depot(tmp_path, False, True) as (_, desk, journal):
            near = ("--from", "52.50,13.40", "--until", "23:59")
            code, text = await typed("book", tmp_path, "--token", "CARD-2", *near)
            assert code == 0 and text.startswith("S02 is kept for CARD-2 until ")
            assert "1.1 km away" in text and "at S02, EVSE 1" in text
            [kept_for] = desk.central.stations["S02"].reservations.values()
            code, text = await typed("book", tmp_path, "--token", "CARD-1", *near)
            assert code == 1
            assert "S01: somebody charges there; S02: it is reserved already; S03: no such" in text
            to = ("command", tmp_path, "S02", "cancel", kept_for.reservation_id)
            assert await typed(*to) == (0, "S02 answers Accepted to cancel")
            await until(lambda: not desk.central.stations["S02"].reservations)
            return kept(journal)

    assert asyncio.run(work()) == [
        ("S02", "book", "done"),
        ("", "book", "refused"),
        ("S02", "cancel", "done"),
    ]


def test_of_two_orders_at_once_for_the_last_charger_exactly_one_gets_it(tmp_path):
    async def work():
        async with depot(tmp_path, True, True) as (_, desk, _journal):
            words = {"from": "52.50,13.40", "until": "23:59"}
            both = [ordered(tmp_path, "", "book", token=f"CARD-{k}", **words) for k in (1, 2)]
            found = await asyncio.gather(*both)
            assert sorted(one.verdict for one in found) == ["done", "refused"]
            assert len(desk.central.stations["S02"].reservations) == 1

    asyncio.run(work())


def test_a_silent_station_holds_up_nobody_else(tmp_path):
    async def work():
        async with depot(tmp_path, True) as (server, _, journal):
            url = f"ws://127.0.0.1:{server.port}/ocpp/S03"
            async with connect(url, subprotocols=["ocpp2.0.1"], proxy=None):
                await until(lambda: "S03" in server.connected)
                silent = asyncio.create_task(ordered(tmp_path, "S03", "unlock", timeout=1.5))
                while not list((tmp_path / "commands").glob("*.taken.json")):
                    await asyncio.sleep(0.01)
                assert (await ordered(tmp_path, "S01", "unlock")).verdict == "done"
                assert not silent.done()
                assert (await silent).verdict == "silent"
            return kept(journal)

    assert asyncio.run(work()) == [("S01", "unlock", "done"), ("S03", "unlock", "silent")]


def test_what_nobody_waits_for_any_more_and_what_was_under_way_is_not_carried_out(tmp_path):
    orders = OrderFolder(tmp_path)
    orders.open()
    begun = orders.give("S01", "unlock", {}, 60.0)
    [taken] = orders.take(9)  # and the depot ended
    late = orders.give("S01", "unlock", {}, 0.01)
    fresh = orders.give("S01", "reset", {}, 60.0)

    async def work():
        async with depot(tmp_path, True) as (_, _desk, journal):
            answers = {}
            while len(answers) < 3:
                for one in (begun, late, fresh):
                    found = orders.answer_to(one)
                    answers |= {one: found.verdict} if found else {}
                await asyncio.sleep(0.02)
            return answers, kept(journal)

    answers, told = asyncio.run(work())
    assert taken.order_id == begun
    assert answers == {begun: "unknown", late: "late", fresh: "done"}
    assert told[0] == ("S01", "unlock", "unknown") and len(told) == 3


def test_where_no_depot_runs_an_order_is_taken_back(tmp_path, monkeypatch):
    monkeypatch.setattr("voltherd.cli.depot_command.ANSWER_SECOND", 0.0)
    code, text = asyncio.run(typed("command", tmp_path, "S01", "reset"))
    assert code == 2 and "no depot has run there; give the folder of voltherd depot run" in text
    OrderFolder(tmp_path).open()
    code, text = asyncio.run(typed("command", tmp_path, "S01", "reset", "--timeout", "1"))
    assert code == 3 and "nobody took it, and it is taken back; does a depot run?" in text
    assert list((tmp_path / "commands").iterdir()) == []

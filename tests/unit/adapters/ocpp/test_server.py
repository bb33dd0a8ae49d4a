"""Who may connect, what is spoken, and how the session layer keeps its word."""

import asyncio
import base64
import json
import ssl
import threading
import time

import pytest
import trustme
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidMessage, InvalidStatus

from tests.unit.adapters.ocpp.depot_world import depot_on, served, until
from voltherd.adapters.clock.system import SystemClock
from voltherd.adapters.ocpp.security import Security, checker, hash_password, tls_context
from voltherd.adapters.ocpp.server import StationServer
from voltherd.errors import UsageError
from voltherd.ports import ChargePoint, StationDesk
from voltherd.sim.station import SimulatedStation
from voltherd.sim.station_spec import StationSpec, Visit
from voltherd.types.station_command import (
    GetSchedule,
    Outcome,
    Refused,
    RemoteStop,
    Reserve,
    Reset,
    ScheduleTold,
    SendTokens,
    StationReply,
)

HASHES = {
    "S1": hash_password(b"secret", b"salt" * 4),
    "S2": hash_password(b"\xff\x00", b"other" * 4),
}


def on_server(work, desk=None, **more):
    """Run a coroutine beside a server."""

    async def both():
        async with served(desk or depot_on()[0], **more) as server:
            return await work(server)

    return asyncio.run(both())


def station(server, name="S1", *protocols, scheme="ws", host="127.0.0.1", **more):
    offered = protocols or ("ocpp1.6",)
    url = f"{scheme}://{host}:{server.port}/ocpp/{name}"
    return connect(url, subprotocols=offered, proxy=None, **more)


async def called(socket, action, payload, message_id="1"):
    await socket.send(json.dumps([2, message_id, action, payload]))
    return json.loads(await asyncio.wait_for(socket.recv(), 5.0))


@pytest.mark.parametrize(
    ("offered", "taken"),
    [
        (("ocpp1.6",), "ocpp1.6"),
        (("ocpp1.6", "ocpp2.0.1"), "ocpp2.0.1"),
        (("ocpp2.1", "ocpp2.0.1", "ocpp1.6"), "ocpp2.1"),
        (("ocpp1.5", "ocpp1.6"), "ocpp1.6"),
    ],
)
def test_the_newest_version_that_is_offered_is_spoken(offered, taken):
    async def work(server):
        async with station(server, "S1", *offered) as socket:
            answer = await called(socket, "Heartbeat", {})
            return socket.subprotocol, answer[:2]

    assert on_server(work) == (taken, [3, "1"])


def test_who_offers_no_version_of_ours_is_connected_and_sent_away():
    """As the specification of 1.6 J, 3.1.2, wants it."""

    async def work(server):
        async with station(server, "S1", "ocpp1.5") as socket:
            with pytest.raises(ConnectionClosed) as closed:
                await socket.recv()
            return socket.subprotocol, closed.value.rcvd.code

    assert on_server(work) == (None, 1002)


@pytest.mark.parametrize("name", ["a%2Fb", "x" * 49, "a%20b", "%00"])
def test_a_path_without_a_name_is_refused(name):
    async def work(server):
        with pytest.raises(InvalidStatus) as refused:
            async with station(server, name):
                pass
        return refused.value.response.status_code

    assert on_server(work) == 404


def test_a_second_connection_takes_the_place_of_the_first():
    async def work(server):
        async with station(server) as first, station(server) as second:
            with pytest.raises(ConnectionClosed):
                await first.recv()
            return (await called(second, "Heartbeat", {}))[0], server.connected

    assert on_server(work) == (3, ("S1",))


def test_it_serves_in_a_thread_of_its_own_and_is_asked_from_others():
    server = StationServer(depot_on()[0], SystemClock())
    stop = threading.Event()
    thread = threading.Thread(target=server.run, args=(stop,))
    thread.start()
    try:
        end = time.monotonic() + 10.0
        while not server.serving and time.monotonic() < end:
            time.sleep(0.02)
        assert server.ask_from_thread("nobody", Reset()) is None
    finally:
        stop.set()
        thread.join(10.0)
    assert not thread.is_alive()


def test_the_parts_fulfil_their_ports():
    visit = (Visit(1, 0.0, 1.0, "CARD"),)
    assert isinstance(depot_on()[0], StationDesk)
    assert isinstance(SimulatedStation(StationSpec("S", True, 1.0, visit), 0.0), ChargePoint)


# Security profiles.


def basic(name, password):
    return {"Authorization": "Basic " + base64.b64encode(name + b":" + password).decode()}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (basic(b"S1", b"secret"), 101),
        (basic(b"S2", b"\xff\x00"), 401),
        (basic(b"S1", b"wrong"), 401),
        (basic(b"S1", b""), 401),
        ({"Authorization": "Basic ???"}, 401),
        ({"Authorization": "Bearer secret"}, 401),
        ({}, 401),
    ],
)
def test_profile_1_wants_the_stations_password(headers, status):
    async def work(server):
        try:
            async with station(server, additional_headers=headers):
                return 101
        except InvalidStatus as refused:
            return refused.response.status_code

    security = Security(profile=1, check_password=checker(HASHES))
    assert on_server(work, security=security) == status


def test_a_password_may_be_bytes_and_unknown_stations_have_none():
    check = checker(HASHES)
    assert check("S2", b"\xff\x00") and not check("S3", b"") and not check("S3", b"secret")


@pytest.fixture
def certificates(tmp_path):
    """An authority, the server's files, and a maker of clients' contexts."""
    authority, strange = trustme.CA(), trustme.CA()
    own = authority.issue_cert("localhost")
    cert, key, ca = tmp_path / "cert.pem", tmp_path / "key.pem", tmp_path / "ca.pem"
    own.cert_chain_pems[0].write_to_path(cert)
    own.private_key_pem.write_to_path(key)
    authority.cert_pem.write_to_path(ca)

    def client(name=None, signed_by=authority):
        context = ssl.create_default_context()
        authority.configure_trust(context)
        if name is not None:
            signed_by.issue_cert(f"{name}.example", common_name=name).configure_cert(context)
        return context

    return {"cert_file": cert, "key_file": key, "ca_file": ca}, client, strange


def tls_status(security, context, **more):
    async def work(server):
        try:
            async with station(
                server, "S1", scheme="wss", host="localhost", ssl=context, **more
            ) as s:
                return (await called(s, "Heartbeat", {}))[0]
        except InvalidStatus as refused:
            return refused.response.status_code
        except (OSError, ConnectionClosed, EOFError, InvalidMessage):
            return "no connection"

    return on_server(work, security=security, host="localhost")


def test_profile_2_is_encrypted_and_wants_the_password(certificates):
    files, client, _ = certificates
    files = {k: v for k, v in files.items() if k != "ca_file"}
    security = Security(profile=2, check_password=checker(HASHES), **files)
    good = basic(b"S1", b"secret")
    assert tls_status(security, client(), additional_headers=good) == 3
    assert tls_status(security, client()) == 401
    assert tls_status(security, ssl.create_default_context(), additional_headers=good) == (
        "no connection"
    )


def test_profile_3_wants_a_certificate_of_the_stations_own(certificates):
    files, client, strange = certificates
    security = Security(profile=3, **files)
    assert tls_status(security, client("S1")) == 3
    assert tls_status(security, client("S2")) == 401
    assert tls_status(security, client()) == "no connection"
    assert tls_status(security, client("S1", strange)) == "no connection"


def test_a_profile_that_lacks_something_is_told(certificates):
    files, _, _ = certificates
    for wrong in (Security(profile=1), Security(profile=3, cert_file=files["cert_file"])):
        with pytest.raises(UsageError):
            tls_context(wrong)
    with pytest.raises(UsageError, match="no usable certificate"):
        tls_context(Security(profile=3, **files | {"key_file": files["ca_file"]}))


def test_a_port_that_is_taken_is_told():
    async def work(server):
        with pytest.raises(UsageError, match="cannot listen"):
            async with served(depot_on()[0], port=server.port):
                pass

    on_server(work)


# The session layer.


async def answering(socket, answer):
    """Answer the next call as a station does; ``answer`` makes the frame of its id."""
    while True:
        frame = json.loads(await asyncio.wait_for(socket.recv(), 5.0))
        if frame[0] == 2:
            await socket.send(json.dumps(answer(frame[1])))
            return frame


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        (lambda i: [3, i, {"status": "Accepted"}], Outcome("Accepted")),
        (lambda i: [3, i, {"status": "Perhaps", "more": 1}], Outcome("Perhaps")),
        (lambda i: [4, i, "InternalError", "no", {}], Refused("InternalError", "no")),
        (lambda i: [3, "another", {"status": "Accepted"}], None),
    ],
)
def test_answers_are_matched_by_message_id(answer, result):
    async def work(server):
        async with station(server) as socket:
            await until(lambda: server.connected)
            asking = asyncio.create_task(server.ask("S1", Reset(), timeout_second=0.5))
            await answering(socket, answer)
            return await asking

    assert on_server(work) == result


def test_one_call_at_a_time_goes_out_and_a_late_answer_disturbs_none():
    async def work(server):
        async with station(server) as socket:
            await until(lambda: server.connected)
            first = asyncio.create_task(server.ask("S1", Reset(), timeout_second=0.3))
            second = asyncio.create_task(server.ask("S1", GetSchedule(1, 60), timeout_second=2.0))
            late = json.loads(await socket.recv())
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(socket.recv(), 0.1)
            assert await first is None
            await socket.send(json.dumps([3, late[1], {"status": "Accepted"}]))
            frame = await answering(socket, lambda i: [3, i, {"status": "Rejected"}])
            return frame[2], await second, server.trouble_counts["S1", "ProtocolError"]

    assert on_server(work) == ("GetCompositeSchedule", ScheduleTold("Rejected"), 1)


def test_who_is_away_or_leaves_answers_nothing():
    async def work(server):
        assert await server.ask("S1", Reset()) is None
        async with station(server) as socket:
            await until(lambda: server.connected)
            asking = asyncio.create_task(server.ask("S1", Reset(), timeout_second=20.0))
            await socket.recv()
        return await asyncio.wait_for(asking, 5.0)

    assert on_server(work) is None


def test_a_station_that_has_left_keeps_no_promise():
    desk = depot_on()[0]
    told = {"connectorId": 1, "errorCode": "NoError", "status": "Available"}
    wish = Reserve(7, 1, "CARD-1", 60.0)

    async def work(server):
        async with station(server) as socket:
            await called(socket, "StatusNotification", told)
        await until(lambda: not server.connected)
        assert desk.reserve("S1", wish, 0.0, connected=True).command == wish
        assert await server.ask("S1", wish) is None
        await until(lambda: not desk.central.stations["S1"].reservations)

    on_server(work, desk)


@pytest.mark.parametrize(
    ("command", "why"),
    [
        (RemoteStop("tx-of-2.0.1"), "cannot say that"),
        (SendTokens(1, ("x" * 21,)), "longer than 20"),
    ],
)
def test_what_a_version_cannot_say_is_not_sent(command, why):
    async def work(server):
        async with station(server):
            await until(lambda: server.connected)
            with pytest.raises(UsageError, match=why):
                await server.ask("S1", command)

    on_server(work)


def test_a_broken_call_is_answered_with_its_code():
    async def work(server):
        async with station(server, "S1", "ocpp2.0.1") as socket:
            await socket.send('[2,"9","Heartbeat"]')
            first = json.loads(await socket.recv())
            await socket.send("{}")
            return first, json.loads(await socket.recv())

    first, second = on_server(work)
    assert first[:3] == [4, "9", "ProtocolError"]
    assert second[:3] == [4, "-1", "RpcFrameworkError"]


class _Tripping:
    """A desk with a fault that one action shows."""

    def take(self, calls):
        if any(call.action == "Trip" for call in calls):
            raise RuntimeError("a fault")
        return [StationReply({"currentTime": "2026-03-29T12:00:00Z"}) for _ in calls]

    def answered(self, station_id, command, result):
        """Hear it."""


def test_a_call_that_trips_the_desk_hurts_no_other(caplog):
    async def work(server):
        async with station(server, "S1") as bad, station(server, "S2") as good:
            await bad.send('[2,"1","Trip",{}]')
            answer = await called(good, "Heartbeat", {})
            return json.loads(await bad.recv())[:3], answer[0]

    assert on_server(work, _Tripping()) == ([4, "1", "InternalError"], 3)
    assert "tripped the desk" in caplog.text

"""Whatever comes over a station's connection, the central system answers by name and lives on.

The budget is small by default; ``VOLTHERD_FUZZ=nightly`` runs a hundred times as long.
"""

import asyncio
import copy
import json
import os
from contextlib import suppress
from datetime import timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tests.fuzz.test_wire import damage
from tests.unit.adapters.ocpp.depot_world import depot_on, served
from tests.unit.wire.ocpp_samples import COMMANDS, EVENTS, NOON
from voltherd.adapters.ocpp.schemas import schema_check
from voltherd.types.station_command import StationCall
from voltherd.wire.ocpp import DIALECTS
from voltherd.wire.ocpp_fields import UnusableError
from voltherd.wire.ocpp_frame import Broken, Call, CallError, CallResult, read, write

EXAMPLES = {"": 60, "nightly": 6000}[os.environ.get("VOLTHERD_FUZZ", "")]
fuzz = settings(
    max_examples=EXAMPLES,
    deadline=timedelta(seconds=20),
    suppress_health_check=[HealthCheck.too_slow],
)
CALLS = [
    (version, *DIALECTS[version].encode_event(event))
    for version in ("1.6", "2.0.1")
    for event in EVENTS[version]
]
FRAMES = [write(Call("7", action, payload), version) for version, action, payload in CALLS]
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=30)
    | st.sampled_from([10**400, -(10**18), "9" * 400, "1e999", "\ud800", "NaN", "T" * 5000])
)
JSON = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)


def places(value, path=()):
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in items:
        if isinstance(item, dict | list):
            yield from places(item, (*path, key))
        else:
            yield (*path, key)


def changed(draw, payload):
    """A payload with one to three of its values put in the place of by anything."""
    payload = copy.deepcopy(payload)
    for _ in range(draw(st.integers(1, 3))):
        where = draw(st.sampled_from(list(places(payload))[1:] or [("new",)]))
        inside = payload
        for key in where[:-1]:
            inside = inside[key]
        inside[where[-1]] = draw(JSON)
    return payload


@fuzz
@given(st.sampled_from(FRAMES), damage())
def test_a_damaged_frame_is_a_frame_or_told_to_be_none(frame, harm):
    found = read(harm(frame.encode()))
    assert isinstance(found, Call | CallResult | CallError | Broken)
    if isinstance(found, Broken) and found.answerable:
        write(CallError(found.message_id, found.code, found.why), "1.6")


@fuzz
@given(st.sampled_from(CALLS), st.data())
def test_payloads_that_lie_get_a_valid_answer_or_a_refusal(sample, data):
    version, action, payload = sample
    desk, _ = depot_on()
    hostile = changed(data.draw, payload)
    [reply] = desk.take([StationCall("A", version, "1", action, hostile, NOON)])
    if isinstance(reply.payload, dict):
        assert schema_check(version, action, "response")(reply.payload) == ()
        write(CallResult("1", reply.payload), version)
        again, _ = depot_on()
        again.take([StationCall("A", version, "1", action, json_again(hostile), NOON)])
        assert again.central == desk.central


def json_again(value):
    """What a journal gives back of a payload."""
    return json.loads(json.dumps(value))


@fuzz
@given(st.sampled_from(COMMANDS), st.sampled_from(["1.6", "2.0.1"]), st.data())
def test_results_and_commands_that_lie_are_read_or_refused(pair, version, data):
    command, result = pair
    dialect = DIALECTS[version]
    action, payload = dialect.encode_command(command)
    dialect.decode_result(command, changed(data.draw, dialect.encode_result(command, result)))
    with suppress(UnusableError):
        dialect.decode_command(action, changed(data.draw, payload))


def test_a_server_outlives_hostile_frames():
    """Real connections: damaged frames, far too long ones, answers nobody asked for, silence."""
    hostile = [
        b"\x00\x01",
        "{",
        "[2]",
        '[2,"1","Heartbeat"',
        '[3,"nothing",{}]',
        '[4,"nothing","GenericError","",{}]',
        '[2,"1","MakeCoffee",{}]',
        '[2,"1","StartTransaction",{"connectorId":1e400}]',
        "[" * 50_000,
        '[2,"1","MeterValues",{"meterValue":%s}]' % ("[" * 500 + "]" * 500),
        "x" * 300_000,
    ]

    async def attack():
        desk, _ = depot_on()
        async with served(desk) as server:
            for number, frame in enumerate([*hostile, *([hostile[2]] * 150)]):
                await one(server.port, f"H{number % 7}", frame)
            async with connect(
                f"ws://127.0.0.1:{server.port}/good", subprotocols=["ocpp1.6"], proxy=None
            ) as good:
                await good.send('[2,"1","Heartbeat",{}]')
                return json.loads(await asyncio.wait_for(good.recv(), 5.0)), server.trouble_counts

    async def one(port, name, frame):
        url = f"ws://127.0.0.1:{port}/{name}"
        try:
            async with connect(url, subprotocols=["ocpp2.0.1"], proxy=None) as socket:
                await socket.send(frame)
                await asyncio.wait_for(socket.recv(), 0.05)
        except (ConnectionClosed, TimeoutError):
            pass

    answer, troubles = asyncio.run(attack())
    assert answer[:2] == [3, "1"] and "currentTime" in answer[2]
    assert sum(troubles.values()) > 100

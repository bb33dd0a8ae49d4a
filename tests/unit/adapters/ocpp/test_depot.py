"""Stations of both versions around a real server: booked to the watt-hour, whatever they do."""

import asyncio

import pytest

from tests.unit.adapters.ocpp.depot_world import (
    depot_on,
    fast_clock,
    flat,
    served,
    spec,
    stations,
    until,
)
from tests.unit.wire.ocpp_samples import NOON
from voltherd.cloud.reprofile import Order, reprofile, reprofile_all
from voltherd.sim.station_spec import Habits, Vehicle, Visit

SPEED = 400.0
pytestmark = pytest.mark.long


def all_ended(desk, count):
    found = [t for s in desk.central.stations.values() for t in s.transactions.values()]
    return len(found) >= count and not any(t.is_open for t in found)


def booked(desk):
    """Energy by station, EVSE and card."""
    return {
        (s.station_id, t.evse_id, t.id_token): t.energy_wh
        for s in desk.central.stations.values()
        for t in s.transactions.values()
    }


def true(points):
    """What the meters really counted, by the same key, each rounded as a meter is read."""
    return {
        (point.spec.station_id, visit.evse_id, visit.id_token): point.delivered_wh[
            visit.evse_id, visit.arrive_second
        ]
        for point in points.values()
        for visit in point.spec.visits
    }


async def day(specs, path, *, restart=False):
    """A short day with a restart of the central system in the middle where wished for."""
    clock = fast_clock(SPEED)
    desk, journal = depot_on(path)
    async with served(desk, clock) as server:
        port = server.port
        running = stations(specs, port, clock)
        points, clients = await running.__aenter__()
        try:
            if restart:
                await until(lambda: clock.unix_second() > NOON + 1200.0)
            else:
                await until(lambda: all_ended(desk, 2 * len(specs)), 40.0)
                return desk, points, clients
        except BaseException:
            await running.__aexit__(None, None, None)
            raise
    journal.close()
    again, _ = depot_on(path)
    try:
        assert booked(again) == booked(desk), "nothing that was answered is lost"
        async with served(again, clock, port=port):
            await until(lambda: all_ended(again, 2 * len(specs)), 40.0)
    finally:
        await running.__aexit__(None, None, None)
    return again, points, clients


def same_energy(desk, points):
    found, wanted = booked(desk), true(points)
    assert found.keys() == wanted.keys(), "no transaction is lost, none is booked twice"
    for key, energy_wh in wanted.items():
        assert found[key] == pytest.approx(energy_wh, abs=1.01), key


def test_both_versions_are_booked_to_the_watt_hour_over_a_restart(tmp_path):
    specs = [spec(k, later=k % 2 == 0) for k in range(6)]
    desk, points, clients = asyncio.run(day(specs, tmp_path / "a.sqlite", restart=True))
    same_energy(desk, points)
    assert all(client.connections >= 2 for client in clients.values())
    books = desk.central.stations.values()
    assert all(s.about.model == "Simulated" and len(s.statuses) == 2 for s in books)
    assert all(t.missing == 0 and not t.flags for s in books for t in s.transactions.values())
    assert desk.remark_counts == {}, "a good station gives no cause for remarks"


MISBEHAVIOUR = {
    "offline, and tells it later": Habits(offline_second=(NOON + 900.0, NOON + 3300.0)),
    "starts anew in a session": Habits(reboot_second=NOON + 1000.0),
    "repeats message ids": Habits(repeats_messages=True),
    "a clock that is ahead": Habits(clock_ahead_second=7200.0),
    "all at once": Habits(
        offline_second=(NOON + 900.0, NOON + 2700.0),
        reboot_second=NOON + 400.0,
        repeats_messages=True,
        clock_ahead_second=-7200.0,
    ),
}


def test_whatever_a_station_does_no_transaction_is_lost_or_booked_twice(tmp_path):
    specs = [
        spec(2 * k + later, later=bool(later), habits=habits)
        for k, habits in enumerate(MISBEHAVIOUR.values())
        for later in (0, 1)
    ]
    desk, points, _ = asyncio.run(day(specs, tmp_path / "a.sqlite", restart=True))
    same_energy(desk, points)
    flags = {
        s.station_id: {f for t in s.transactions.values() for f in t.flags}
        for s in desk.central.stations.values()
    }
    assert flags["S06"] == flags["S07"] == {"clock_ahead"}
    assert [s for s, found in flags.items() if found] == ["S06", "S07"]
    offline = desk.central.stations["S01"].transactions.values()
    assert any(t.offline for t in offline)


def test_a_jump_of_the_meter_is_flagged(tmp_path):
    habits = Habits(jump_second=NOON + 900.0, jump_wh=500_000.0)
    specs = [spec(k, later=bool(k), habits=habits) for k in (0, 1)]
    desk, _, _ = asyncio.run(day_without_restart(specs))
    found = [t for s in desk.central.stations.values() for t in s.transactions.values()]
    assert [set(t.flags) for t in found] == [{"meter_jump"}] * 4


async def day_without_restart(specs):
    clock = fast_clock(SPEED)
    desk, _ = depot_on()
    async with served(desk, clock) as server, stations(specs, server.port, clock) as running:
        await until(lambda: all_ended(desk, 2 * len(specs)), 40.0)
    return desk, *running


# Profiles.

HABITS = {
    "S00": (Habits(), "accepted"),
    "S01": (Habits(), "accepted"),
    "S02": (Habits(refuses_profiles=True), "refused"),
    "S03": (Habits(rounds_watt=1000.0), "differs"),
    "S04": (Habits(ignores_profiles=True), "differs"),
    "S05": (Habits(is_deaf_to_profiles=True), "deaf"),
    "S06": (Habits(answer_second=0.3), "accepted"),
    "S07": (Habits(answer_second=0.3), "accepted"),
}


def long_visit(number):
    return [Visit(1, NOON, NOON + 9e6, f"CARD-{number}", Vehicle(capacity_wh=9e6))]


async def profiled(limit_watt):
    clock = fast_clock(50.0)
    desk, _ = depot_on()
    specs = [
        spec(k, later=k % 2 == 0, visits=long_visit(k), habits=habits)
        for k, (habits, _) in enumerate(HABITS.values())
    ]
    async with served(desk, clock) as server, stations(specs, server.port, clock) as (points, _):
        await until(lambda: len(desk.central.stations) == 8)
        books = desk.central.stations
        await until(lambda: all(desk.central.stations[s].open_ids for s in books))
        await until(lambda: all(desk.central.stations[s].settings for s in books))
        await asyncio.sleep(0.3)  # until they have heard the numbers of their transactions

        async def ask(station_id, command):
            return await server.ask(station_id, command, timeout_second=1.0)

        start = clock.unix_second()
        orders = [Order(s, 1, flat(limit_watt, start)) for s in HABITS]
        orders.append(Order("nobody", 1, flat(limit_watt, start)))
        done = await reprofile_all(ask, desk.central, orders)
        await asyncio.sleep(0.5)
        powers = {s: point._sessions[1].power_watt for s, point in points.items()}
    return {d.order.station_id: d for d in done}, powers


def test_profiles_are_set_and_read_back_and_what_differs_is_told():
    done, powers = asyncio.run(profiled(4140.0))
    verdicts = {station_id: d.verdict for station_id, d in done.items()}
    assert verdicts == {s: v for s, (_, v) in HABITS.items()} | {"nobody": "deaf"}
    for station_id, (_, verdict) in HABITS.items():
        if verdict == "accepted":
            assert powers[station_id] == pytest.approx(4140.0)
    assert done["S03"].comparison.verdict == "lower" and powers["S03"] == 4000.0
    assert done["S04"].comparison.verdict == "higher" and powers["S04"] == 11_000.0


def test_a_station_whose_clock_is_wrong_is_told_times_of_its_own():
    """The plan ends in an hour; by a clock that is two hours ahead it would be over."""

    async def told():
        clock = fast_clock(50.0)
        desk, _ = depot_on()
        ahead = Habits(clock_ahead_second=7200.0)
        specs = [spec(k, later=bool(k), visits=long_visit(k), habits=ahead) for k in (0, 1)]
        async with (
            served(desk, clock) as server,
            stations(specs, server.port, clock) as (points, _),
        ):
            await until(lambda: len(desk.central.stations) == 2)
            await until(lambda: all(s.open_ids for s in desk.central.stations.values()))
            await asyncio.sleep(0.3)
            plan = flat(4140.0, clock.unix_second(), 3600)
            orders = [Order(s, 1, plan) for s in points]
            done = await reprofile_all(server.ask, desk.central, orders)
            await asyncio.sleep(0.5)
            return [d.verdict for d in done], [p._sessions[1].power_watt for p in points.values()]

    assert asyncio.run(told()) == (["accepted"] * 2, [4140.0] * 2)


def test_a_station_that_takes_amperes_is_told_amperes():
    async def told():
        clock = fast_clock(50.0)
        desk, _ = depot_on()
        specs = [spec(k, later=bool(k), visits=long_visit(k), unit="A") for k in (0, 1)]
        async with served(desk, clock) as server, stations(specs, server.port, clock):
            await until(lambda: len(desk.central.stations) == 2)
            await until(lambda: all(s.settings for s in desk.central.stations.values()))
            await asyncio.sleep(0.3)
            plan = flat(11_040.0, clock.unix_second())
            return [
                await reprofile(server.ask, desk.central, Order(s, 1, plan)) for s in ("S00", "S01")
            ]

    for done in asyncio.run(told()):
        assert (done.verdict, done.fitted.unit) == ("accepted", "A")
        assert done.fitted.periods[0].limit == 16.0

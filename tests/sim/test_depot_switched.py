"""Stations that follow no limits, over real web sockets: they are started and stopped."""

import asyncio
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest

from tests.sim.depot_day import PACE, made
from voltherd.charging.live import Metered
from voltherd.cloud.depot_file import site_file
from voltherd.demo.depot import DepotWorld, stations_of
from voltherd.sim.station_spec import Habits, Wish

START = datetime(2026, 11, 26, 12, tzinfo=UTC).timestamp()
STEP_SECOND, PLAN_SECOND, HOURS = 10.0, 300.0, 2
CHEAP = [0.10 if step // 3 % 2 else 0.40 for step in range(HOURS * 12)]
"""A quarter of an hour dear, the next cheap, and so on."""
SWITCHED = ("S-1", "S-2", "S-3")
LEFT = 4320.0
"""When the vehicle at S-3 goes, which waits for a cheaper time [s]."""
ASKS = 0.26
"""What the vehicle at S-2 wants by its own word, less than the file says, at each of its starts."""
PEAK = 4800.0, 5400.0
"""When more is drawn beside vehicles than was announced [s]."""


def site():
    stay = {"battery_kwh": 60, "soc_arrival": 0.2, "departs": "13:55"}
    comes = {"S-1": ("12:02", 0.31), "S-2": ("12:04", 0.28), "S-3": ("12:10", 0.25)}
    follows = {"F-1": ("12:03", 0.30)}
    return site_file(
        {
            "site": "switches",
            "start": "2026-11-26 12:00",
            "hours": HOURS,
            "step_minutes": int(PLAN_SECOND / 60),
            "connection": {"limit_kilowatt": 50, "base_kilowatt": 4},
            "prices": {"buy_eur_per_kwh": CHEAP},
            "chargers": [
                *({"id": n, "power_kilowatt": 11, "control": "start_stop"} for n in SWITCHED),
                {"id": "F-1", "power_kilowatt": 22},
            ],
            "run": {"ready_early_minutes": 5},
            "vehicles": [
                {"id": f"car-{n}", "charger": n, "arrives": at, "soc_departure": soc, **stay}
                for n, (at, soc) in {**comes, **follows}.items()
            ],
        },
        "switches",
    )


@dataclass
class Seen:
    """What was seen in the world while it went on: all power, and when each was on [W, s]."""

    power_watt: list
    on_second: dict


def habits():
    """Who obeys no profile, and one of them starts anew while its vehicle waits."""
    boots = Habits(ignores_profiles=True, reboot_second=START + 2000.0)
    return {**dict.fromkeys(SWITCHED, Habits(ignores_profiles=True)), "S-2": boots}


async def lived(folder):
    file = site()
    specs = stations_of(file, "switches", habits(), frozenset({"S-1", "S-3"}))
    as_it_is = {
        "S-2": {"wish": Wish(ASKS, "AC_three_phase")},
        "S-3": {"leave_second": START + LEFT},
    }
    specs = tuple(
        replace(one, visits=(replace(one.visits[0], **as_it_is.get(one.station_id, {})),))
        for one in specs
    )

    def meter(now, vehicles_watt):
        other = 40_000.0 if PEAK[0] <= now - START < PEAK[1] else 2_000.0
        each = (other + vehicles_watt) / (3 * 230.0)
        return Metered((each, each, each), now)

    world = DepotWorld(file, "switches", specs, made(file, folder), meter, PACE, STEP_SECOND)
    seen = Seen([], {name: [] for name in SWITCHED})
    await world.start()
    try:
        async for now in world.run(START + HOURS * 3600.0):
            second = now - START
            seen.power_watt.append(world.power_watt)
            for name in SWITCHED:
                if world.stations[name].power_watt > 0.0:
                    seen.on_second[name].append(second)
            if second == 2100.0:  # dear: they wait
                assert not any(world.stations[name].power_watt for name in SWITCHED)
                await world.restart()
        return world, seen
    finally:
        await world.stop()


pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def life(tmp_path_factory):
    return asyncio.run(lived(tmp_path_factory.mktemp("switched")))


def test_its_own_word_counts_through_all_its_transactions(life):
    world, _ = life
    told = accounts(world)["S-2"]
    assert told.wanted_kwh == pytest.approx(60.0 * (ASKS - 0.2), abs=0.02)


def accounts(world):
    return {account.charger: account for account in world.live.accounts()}


def test_each_stay_is_one_account_to_the_watt_hour(life):
    world, _ = life
    assert len(world.live.accounts()) == 4
    for name, account in accounts(world).items():
        station = world.stations[name]
        delivered = sum(station.delivered_wh.values())
        transactions = world.desk.central.stations[name].transactions.values()
        # The meter shows whole watt-hours, so that each part is off by one at most.
        assert account.drawn_wh == pytest.approx(delivered, abs=1.0 * len(transactions)), name
        assert account.drawn_wh == sum(one.energy_wh for one in transactions), name
        assert (account.vehicle, account.ready, account.flags) == (f"car-{name}", True, ()), name
    books = world.desk.central.stations
    assert all(len(books[name].transactions) > 2 for name in SWITCHED)


def test_a_stay_ends_when_its_vehicle_leaves_and_not_when_it_was_stopped_last(life):
    world, seen = life
    left, stopped = START + LEFT, max(seen.on_second["S-3"])
    assert accounts(world)["S-3"].stop_second == left
    assert stopped < LEFT - 600.0


def test_they_charge_in_cheap_steps_alone(life):
    _, seen = life
    for name, arrived in (("S-1", 120.0), ("S-2", 240.0), ("S-3", 600.0)):
        later = [second for second in seen.on_second[name] if second > arrived + 2 * STEP_SECOND]
        assert later, name
        assert {CHEAP[int((second - 1.0) // PLAN_SECOND)] for second in later} == {0.10}, name


def test_what_others_draw_stops_them_at_once_and_keeps_them_off(life):
    _, seen = life
    on = seen.on_second["S-1"]
    assert PEAK[0] - 2 * STEP_SECOND in on
    assert not [s for s in on if PEAK[0] + 2 * STEP_SECOND <= s < PEAK[1]]
    assert max(on) > PEAK[1], "and then it goes on"


def test_no_limit_is_exceeded_with_what_was_announced(life):
    _, seen = life
    assert max(seen.power_watt) + 4_000.0 <= 50_000.0
    assert max(seen.power_watt) > 33_000.0, "all three at once, and the one that follows limits"


def test_nobody_is_switched_twice_within_half_a_step(life):
    world, _ = life
    for name in SWITCHED:
        some = world.desk.central.stations[name].transactions.values()
        starts = sorted(one.start_second for one in some)[1:]
        stops = sorted(one.stop.time_second for one in some)[:-1]
        gaps = [start - stop for start, stop in zip(starts, stops, strict=True)]
        assert min(gaps) >= PLAN_SECOND / 2, name

"""A day of a depot: real web sockets, two stations that misbehave, meters lost, a restart.

In CI the day passes in four hours and with it stays and energy; at night it is a whole one.
"""

import asyncio

import pytest

from tests.sim.depot_day import DEAF, IGNORES, LIMIT_KILOWATT, Day, world

HOURS = [pytest.param(4, id="in four hours"), pytest.param(24, marks=pytest.mark.nightly)]


async def lived(day, folder):
    """Live through a day; gives the depot, the most above the limit, and when it was restarted."""
    depot, above, restarted = world(day, folder), -LIMIT_KILOWATT * 1000.0, False
    await depot.start()
    try:
        async for now in depot.run(day.end):
            site_watt = depot.power_watt + day.base_watt(now)
            above = max(above, site_watt - LIMIT_KILOWATT * 1000.0)
            if now >= day.restart and not restarted:
                restarted = True
                await depot.restart()
    finally:
        await depot.stop()
    return depot, above


@pytest.mark.long
@pytest.mark.parametrize("hours", HOURS)
def test_all_are_ready_or_it_is_said_why_within_the_limit_and_billed_to_the_watt_hour(
    hours, tmp_path
):
    day = Day(hours)
    depot, above = asyncio.run(lived(day, tmp_path))
    assert above <= 0.0
    accounts = depot.live.accounts()
    vehicles = {one.id for one in depot.live.file.vehicles}
    assert {account.vehicle for account in accounts} == vehicles
    assert len(accounts) == len(vehicles)  # nothing lost, nothing twice
    for account in accounts:
        assert account.stop_second is not None
        assert account.ready or account.why, account
        station = depot.stations[account.charger]
        [true_wh] = [
            wh
            for (_, arrive), wh in station.delivered_wh.items()
            if abs(arrive - account.start_second) < 2 * 60.0
        ]
        assert account.drawn_wh == pytest.approx(true_wh, abs=1.0)  # each end to a watt-hour
    obeying = [a for a in accounts if a.charger not in (IGNORES, DEAF)]
    assert sum(a.ready for a in obeying) >= 0.9 * len(obeying), [a for a in obeying if not a.ready]

"""A day of a depot: real web sockets, two stations that misbehave, meters lost, a restart.

Every time twelve stations live through a day that passes in four hours, and with it stays and
energy; at night forty through a whole one.
"""

import asyncio

import pytest

from tests.sim.depot_day import DEAF, IGNORES, TELLING, Day, world
from voltherd.adapters.ocpp.schemas import schema_check
from voltherd.adapters.sqlite.calls import CallBook
from voltherd.cloud.stations import Stations

DAYS = [
    pytest.param(Day(4, 12), id="twelve stations, four hours"),
    pytest.param(
        Day(24, 40),
        id="forty stations, a day",
        marks=[pytest.mark.nightly, pytest.mark.unchecked],
    ),
]


async def lived(day, folder):
    """Live through a day; gives the depot, the most above the limit, and when it was restarted."""
    limit_watt = day.limit_kilowatt * 1000.0
    depot, above, restarted = world(day, folder), -limit_watt, False
    await depot.start()
    try:
        async for now in depot.run(day.end):
            above = max(above, depot.power_watt + day.base_watt(now) - limit_watt)
            if now >= day.restart and not restarted:
                restarted = True
                await depot.restart()
    finally:
        await depot.stop()
    return depot, above


@pytest.mark.long
@pytest.mark.parametrize("day", DAYS)
def test_all_are_ready_or_it_is_said_why_within_the_limit_and_billed_to_the_watt_hour(
    day, tmp_path
):
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
    short = [a for a in obeying if not a.ready]
    assert len(short) <= 0.2 * len(obeying), short
    assert all(a.stored_kwh >= 0.9 * a.wanted_kwh for a in short), short
    the_word_of_a_vehicle_counts(depot, accounts, tmp_path)


def the_word_of_a_vehicle_counts(depot, accounts, folder):
    """Before the site's file; and what it tells on its way says how much of the energy arrives."""
    in_file = {one.id: one for one in depot.live.file.vehicles}
    journal = CallBook(folder / "stations.sqlite")
    stations = Stations(journal, schema_check, lambda: None)
    for account in accounts:
        if account.vehicle not in TELLING:
            continue
        [visit] = [
            one
            for one in depot.stations[account.charger].spec.visits
            if one.id_token == account.vehicle
        ]
        vehicle = visit.vehicle
        wanted_kwh = (visit.wish.soc_fraction - vehicle.soc_fraction) * vehicle.capacity_wh / 1000.0
        assert account.wanted_kwh == pytest.approx(wanted_kwh, abs=0.01)
        assert account.departure_second == pytest.approx(visit.leave_second, abs=1.0)
        file = in_file[account.vehicle]
        assert file.departs.timestamp() > visit.leave_second + 60.0
        assert file.soc_arrival == pytest.approx(vehicle.soc_fraction + 0.1)
        assert account.ready
        session = stations.session(
            account.charger, account.transaction_id, account.stop_second + 60.0
        )
        assert session.efficiency.low <= vehicle.efficiency_fraction <= session.efficiency.high
    journal.close()

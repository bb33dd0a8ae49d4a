"""Stations that get worse are told before they fail, and whose lack of power it is."""

from math import log

import numpy as np
import pytest

from voltherd.bench import stations
from voltherd.charging import station_decline
from voltherd.charging.shortfall import Blame, blame, usual
from voltherd.charging.station_decline import Power, Siblings
from voltherd.charging.station_history import Heard, SessionPower, StationDay, history
from voltherd.sim.station_wear import Depot, journals
from voltherd.types.station import (
    BEGIN,
    END,
    ENERGY,
    POWER,
    Alive,
    Booted,
    MeterReading,
    StatusTold,
    TransactionTold,
)

DAY, HOUR = 86_400.0, 3600.0
USUAL = Siblings(failed=0.04, errors=0.05, boots=0.03, silences=0.03)


def day(number, begun=3, failed=0, errors=0, boots=0, silences=0):
    return StationDay(number * DAY, begun, failed, errors, boots, silences)


def told(days, powers=None, shared=(False,) * 4):
    state, found = station_decline.init(), []
    for n, one in enumerate(days):
        state, warning = station_decline.step(
            state, one, powers[n] if powers else (), USUAL, shared
        )
        if warning is not None:
            found.append(warning)
    return state, found


def test_a_station_as_ever_is_never_told():
    assert told([day(n) for n in range(200)])[1] == []


@pytest.mark.parametrize(
    ("sign", "fields"),
    [
        ("failed sessions", {"failed": 1}),
        ("errors", {"errors": 1}),
        ("starts", {"boots": 1}),
        ("silences", {"silences": 1}),
    ],
)
def test_each_sign_is_told_within_two_weeks_and_named(sign, fields):
    days = [day(n) for n in range(40)] + [day(40 + n, **fields) for n in range(20)]
    _, [warning] = told(days)
    assert warning.signs[0][0] == sign
    assert 40.0 < warning.second / DAY < 54.0
    assert warning.since_second / DAY == pytest.approx(40.0)


def test_one_bad_day_is_none():
    days = [day(n) for n in range(40)] + [day(40, 3, 3, 4, 4, 4)] + [day(41 + n) for n in range(40)]
    assert told(days)[1] == []


def test_what_is_usual_for_a_station_is_not_told_of_it():
    """Errors every fifth day, four times as many as its siblings, from the beginning on."""
    days = [day(n, errors=int(n % 5 == 0)) for n in range(300)]
    assert told(days)[1] == []


def test_a_cap_is_told_from_vehicles_that_can_take_more():
    rng = np.random.default_rng(3)

    def sessions(cap):
        should = rng.choice([log(0.5), log(0.95)], 3)
        got = [min(s, cap) + rng.normal(0.0, 0.02) for s in should]
        if rng.random() < 0.3:
            got[0] -= 0.5  # it came nearly full
        return [Power(min(g, 0.0), s) for g, s in zip(got, should, strict=True)]

    well = [sessions(0.0) for _ in range(150)]
    assert told([day(n) for n in range(150)], well)[1] == []
    capped = [sessions(0.0 if n < 40 else log(0.8)) for n in range(60)]
    _, [warning] = told([day(n) for n in range(60)], capped)
    assert warning.signs[0][0] == "power"
    assert 40.0 < warning.second / DAY < 52.0


def test_a_repair_begins_anew():
    state, [_] = told([day(n) for n in range(40)] + [day(40 + n, errors=1) for n in range(20)])
    assert state.is_told
    state = station_decline.repaired(state)
    assert station_decline.step(state, day(70), (), USUAL)[1] is None
    assert state.sums.sum() == 0.0


def test_what_most_stations_show_on_one_day_is_the_networks():
    silent, calm = day(1, silences=2), day(1)
    assert station_decline.common([silent, silent, silent, calm]) == (False, False, False, True)
    assert station_decline.common([silent, calm, calm, calm]) == (False,) * 4
    assert station_decline.common([silent, silent]) == (False,) * 4, "two are no network"


def table(short=lambda station, vehicle: 1.0, seed=0):
    """Ten vehicles, half of them slow, at eight stations, twice each."""
    rng = np.random.default_rng(seed)
    return [
        SessionPower(
            f"st-{s}",
            f"car-{v}",
            float(n),
            150e3 * min((0.5 if v % 2 else 0.95) * rng.normal(1.0, 0.01), short(s, v)),
            150e3,
        )
        for n in range(2)
        for s in range(8)
        for v in range(10)
    ]


def test_power_lacking_at_one_station_for_every_vehicle_is_the_stations():
    now = table(lambda s, _: 0.7 if s == 3 else 1.0, seed=1)
    well = usual(table())
    assert blame(well, now, "st-3", "car-2") is Blame.STATION
    assert blame(well, now, "st-4", "car-2") is Blame.NOBODY
    assert blame(well, now, "st-3", "car-1") is Blame.NOBODY, "it never takes so much"


def test_power_lacking_of_one_vehicle_at_every_station_is_the_vehicles():
    now = table(lambda _, v: 0.7 if v == 4 else 1.0, seed=1)
    well = usual(table())
    assert blame(well, now, "st-3", "car-4") is Blame.VEHICLE
    assert blame(well, now, "st-3", "car-6") is Blame.NOBODY
    assert blame(well, now, "st-3", "car-77") is Blame.UNTOLD
    alone = [p for p in now if (p.station_id, p.id_token) == ("st-3", "car-4")]
    assert blame(well, alone, "st-3", "car-4") is Blame.UNTOLD


def test_a_journal_is_summed_up():
    meter = [MeterReading(1000.0, ENERGY, 0.0, "Wh", "", BEGIN)]
    done = [MeterReading(9000.0, ENERGY, 20e3, "Wh", "", END)]
    power = (MeterReading(2000.0, POWER, 60e3, "W"),)

    def transaction(kind, key, second, readings=(), reason=""):
        return Heard(
            second, TransactionTold(kind, key, second, None, 1, 1, "car", readings, reason)
        )

    heard = [
        Heard(0.0, Booted("v", "m")),
        transaction("started", "a", 1000.0, tuple(meter)),
        transaction("updated", "a", 2000.0, power),
        transaction("ended", "a", 9000.0, tuple(done), "EVDisconnected"),
        Heard(9500.0, StatusTold(1, 1, "SuspendedEVSE", 9500.0, "HighTemperature")),
        Heard(9900.0, StatusTold(1, 1, "SuspendedEVSE", 9900.0, "HighTemperature")),
        Heard(9960.0, StatusTold(1, 1, "Available", 9960.0, "NoError")),
        transaction("started", "b", 10_000.0),
        transaction("ended", "b", 10_100.0, (), "PowerLoss"),
        Heard(DAY + 10.0, Alive()),
        Heard(DAY + 20.0, StatusTold(1, 1, "Faulted", DAY + 20.0, "GroundFailure")),
        Heard(DAY + 8 * HOUR, Alive()),
    ]
    found = history(
        "s", heard, start_second=0.0, days=2, offered_watt=150e3, interval_second=4 * HOUR
    )
    assert found.days[0] == StationDay(0.0, 2, 1, 1, 1, 0)
    assert found.days[1] == StationDay(DAY, 0, 0, 1, 0, 1)
    assert found.faults == (DAY + 20.0,)
    [power] = found.powers
    assert (power.best_watt, power.offered_watt, power.id_token) == (60e3, 150e3, "car")


def test_a_silent_station_has_a_history():
    found = history("s", (), start_second=0.0, days=1, offered_watt=1.0, interval_second=HOUR)
    assert found.days == (StationDay(0.0, 0, 0, 0, 0, 0),)
    assert found.powers == found.faults == ()


def test_journals_are_of_their_seed_and_number_alone():
    few, more = Depot(stations=2, days=20, seed=3), Depot(stations=3, days=20, seed=3)
    told = [[one.heard for one in journals(depot)] for depot in (few, more)]
    assert told[0] == told[1][:2]


@pytest.mark.long
def test_most_faults_that_announce_themselves_are_told_before_they_come():
    """One small depot; ``bench.stations`` measures more."""
    table = stations.measure(1, 301, lambda _: None, each=14)
    rows = {(row.kind, row.method): row for row in table.rows}
    ours, plain = (rows["all but sudden", method] for method in stations.METHODS)
    assert ours.told >= 0.75 * ours.faults
    assert ours.told > plain.told
    assert ours.median_lead_day >= 3.0
    assert table.false["voltherd"] <= 2e-3 * table.station_days

"""A simulated station stacks profiles as OCPP does, and its meter counts what it delivers."""

import itertools

import pytest

from tests.unit.wire.ocpp_samples import NOON
from voltherd.sim.charging_limits import (
    Installed,
    Situation,
    cleared,
    composite,
    installed,
    limit_watt,
)
from voltherd.sim.station import SimulatedStation
from voltherd.sim.station_spec import Habits, StationSpec, Vehicle, Visit, Wish
from voltherd.types.station import (
    ENERGY,
    SOC,
    BootAnswer,
    Booted,
    ChargingPeriod,
    ChargingProfile,
    ChargingSchedule,
    NeedsTold,
    PlainAnswer,
    StatusTold,
    TokenVerdict,
    TransactionAnswer,
    TransactionTold,
)
from voltherd.types.station_command import (
    ClearProfiles,
    GetSchedule,
    Outcome,
    RemoteStart,
    RemoteStop,
    Reset,
    SetProfile,
)

HERE = Situation(1, 22_000.0, 2, "tx", NOON)


def profile(limit, purpose="default", level=0, number=1, transaction_id="", **more):
    periods = (ChargingPeriod(0, limit), ChargingPeriod(600, limit / 2))
    schedule = ChargingSchedule("W", periods, NOON, 1200)
    return ChargingProfile(number, purpose, level, schedule, transaction_id, **more)


@pytest.mark.parametrize(
    ("profiles", "limit"),
    [
        ([], 22_000.0),
        ([Installed(1, profile(8000.0))], 8000.0),
        ([Installed(2, profile(8000.0))], 22_000.0),
        ([Installed(0, profile(8000.0)), Installed(1, profile(9000.0, level=1))], 9000.0),
        ([Installed(1, profile(8000.0)), Installed(1, profile(9000.0, "transaction"))], 9000.0),
        ([Installed(1, profile(9000.0, "transaction", transaction_id="other"))], 22_000.0),
        ([Installed(0, profile(12_000.0, "station")), Installed(1, profile(8000.0))], 6000.0),
        ([Installed(1, profile(8000.0, valid_from_second=NOON + 60.0))], 22_000.0),
        ([Installed(1, profile(8000.0, valid_to_second=NOON))], 22_000.0),
    ],
)
def test_profiles_are_stacked_as_the_specification_says(profiles, limit):
    assert limit_watt(profiles, HERE, NOON) == limit


def test_limits_change_with_the_periods_and_end_with_the_schedule():
    profiles = [Installed(1, profile(8000.0))]
    found = [limit_watt(profiles, HERE, NOON + s) for s in (-1.0, 0.0, 599.0, 600.0, 1200.0)]
    assert found == [22_000.0, 8000.0, 8000.0, 4000.0, 22_000.0]
    told = composite(profiles, HERE, NOON + 300.0, 1200, "W")
    assert told.periods == (
        ChargingPeriod(0, 8000.0),
        ChargingPeriod(300, 4000.0),
        ChargingPeriod(900, 22_000.0),
    )
    assert composite(profiles, HERE, NOON, 600, "A").periods[0].limit == pytest.approx(8000 / 690)


def test_a_profile_takes_the_place_of_its_number_or_its_level():
    first = installed((), 1, profile(1.0))
    assert len(installed(first, 1, profile(2.0, level=3))) == 1
    assert len(installed(first, 1, profile(2.0, number=2))) == 1
    both = installed(first, 1, profile(2.0, number=2, level=1))
    assert len(both) == 2
    assert cleared(both, ClearProfiles(2)) == first
    assert cleared(both, ClearProfiles(purpose="default")) == ()
    assert cleared(both, ClearProfiles(evse_id=2)) == both


def driven(habits=None, later=True, until=3600.0, vehicle=None, profiles=(), wish=None):
    """A station with one visit of an hour, told and answered as it goes."""
    visits = (Visit(1, NOON, NOON + 3000.0, "CARD-1", vehicle or Vehicle(), wish),)
    spec = StationSpec("S", later, 22_000.0, visits, habits=habits or Habits())
    point = SimulatedStation(spec, NOON)
    heard = []
    for second in range(0, int(until) + 1, 30):
        point.advance(NOON + second)
        while (event := point.next_event()) is not None:
            heard.append(event)
            answer = PlainAnswer()
            if isinstance(event, Booted):
                answer = BootAnswer("Accepted", 300, NOON)
            elif isinstance(event, TransactionTold):
                verdict = TokenVerdict("Accepted") if event.kind == "started" else None
                answer = TransactionAnswer("7", verdict)
            point.told(event, answer)
        if second == 60:
            for one in profiles:
                point.asked(SetProfile(1, one))
    return point, heard


def transactions(heard):
    return [event for event in heard if isinstance(event, TransactionTold)]


def register(event):
    return next(r.value for r in event.readings if r.quantity == ENERGY)


@pytest.mark.parametrize("later", [True, False])
def test_a_visit_is_told_from_start_to_end_and_metered(later):
    point, heard = driven(later=later)
    told = transactions(heard)
    assert [t.kind for t in told] == ["started", *["updated"] * (len(told) - 2), "ended"]
    assert len(told) == 52
    energy = register(told[-1]) - register(told[0])
    assert energy == pytest.approx(point.delivered_wh[1, NOON], abs=0.51)
    assert energy == pytest.approx(11_000.0 * 3000.0 / 3600.0, abs=1.0)
    assert [t.seq_no for t in told] == (list(range(52)) if later else [None] * 52)
    if not later:
        assert told[0].transaction_id == "" and {t.transaction_id for t in told[1:]} == {"7"}
    assert [e.status for e in heard if isinstance(e, StatusTold)][-1] == "Available"


CURVE = ((0.0, 9000.0), (0.2, 12_000.0), (0.8, 11_000.0), (1.0, 600.0))


@pytest.mark.parametrize(
    ("soc", "watt"), [(0.0, 9000.0), (0.1, 10_500.0), (0.5, 11_000.0), (0.9, 5800.0), (1.0, 0.0)]
)
def test_a_vehicle_takes_what_its_curve_and_its_most_allow(soc, watt):
    assert Vehicle(curve_watt=CURVE).wants_watt(soc) == pytest.approx(watt)
    assert Vehicle().wants_watt(soc) == (11_000.0 if soc < 1.0 else 0.0)


def test_a_full_battery_takes_ever_less():
    nearly = Vehicle(capacity_wh=20_000.0, soc_fraction=0.8, curve_watt=CURVE)
    point, _ = driven(vehicle=nearly)
    room = 0.2 * 20_000.0 / 0.9
    assert 0.9 * room < point.delivered_wh[1, NOON] < room


@pytest.mark.parametrize("later", [True, False])
def test_a_vehicle_tells_what_it_wants_where_its_station_can_pass_it_on(later):
    _, heard = driven(vehicle=Vehicle(soc_fraction=0.3), wish=Wish(0.8), later=later)
    told = [event for event in heard if isinstance(event, NeedsTold)]
    socs = [[r.value for r in event.readings if r.quantity == SOC] for event in transactions(heard)]
    if not later:
        assert told == [] and not any(socs)
        return
    [needs] = told
    assert heard.index(needs) > heard.index(transactions(heard)[0])
    assert needs == NeedsTold(1, "DC", NOON + 3000.0, 30_000.0, 11_000.0, 60_000.0, 0.3)
    assert socs[0] == [0.3]
    stored = 11_000.0 * 3000.0 / 3600.0 * 0.9
    assert socs[-1] == [pytest.approx(0.3 + stored / 60_000.0, abs=0.005)]


def test_on_alternating_current_no_state_of_charge_is_known():
    _, heard = driven(wish=Wish(0.8, "AC_three_phase"), until=120.0)
    [needs] = [event for event in heard if isinstance(event, NeedsTold)]
    assert (needs.capacity_wh, needs.soc_fraction, needs.energy_wh) == (None, None, 30_000.0)
    assert not any(r.quantity == SOC for event in transactions(heard) for r in event.readings)


def test_a_limit_holds_and_below_the_minimum_nothing_flows():
    limited = profile(4000.0, "transaction", transaction_id="S-1-1774785600")
    point, _ = driven(profiles=[limited], until=1200.0)
    free = 11_000.0 * 60.0 + 4000.0 * 540.0 + 2000.0 * 600.0
    assert point.delivered_wh[1, NOON] == pytest.approx(free / 3600.0, rel=1e-3)
    point, _ = driven(profiles=[profile(1000.0)], until=1200.0)
    assert point.delivered_wh[1, NOON] == pytest.approx(11_000.0 * 60.0 / 3600.0, rel=1e-3)


@pytest.mark.parametrize(
    ("habits", "answer"),
    [
        (Habits(), Outcome("Accepted")),
        (Habits(refuses_profiles=True), Outcome("Rejected")),
        (Habits(ignores_profiles=True), Outcome("Accepted")),
        (Habits(is_deaf_to_profiles=True), None),
    ],
)
def test_bad_habits_show_in_answers(habits, answer):
    point, _ = driven(habits, until=60.0)
    assert point.asked(SetProfile(1, profile(4000.0))) == answer
    told = point.asked(GetSchedule(1, 600, "W")).schedule
    held = 4000.0 if habits == Habits() else 22_000.0
    assert told.periods[0].limit == held


def test_what_cannot_be_held_is_refused():
    point, _ = driven(until=60.0)
    stranger = profile(4000.0, "transaction", transaction_id="nobody")
    assert point.asked(SetProfile(1, stranger)).status == "Rejected"
    periods = tuple(ChargingPeriod(k, 1.0) for k in range(25))
    long = profile(1.0)._replace(schedule=ChargingSchedule("W", periods, NOON, 60))
    assert point.asked(SetProfile(1, long)).status == "Rejected"
    assert point.asked(RemoteStop("nobody")).status == "Rejected"
    assert point.asked(Reset()).status == "Accepted"


def test_a_remote_stop_ends_it_and_a_refused_token_too():
    point, heard = driven(until=600.0)
    number = transactions(heard)[0].transaction_id
    assert point.asked(RemoteStop(number)).status == "Accepted"
    point.advance(NOON + 900.0)
    assert point.next_event().reason == "Remote"
    before = point.delivered_wh[1, NOON]
    point.advance(NOON + 1200.0)
    assert point.delivered_wh[1, NOON] == before


def test_a_remote_start_goes_on_with_who_waits_plugged_in():
    point, heard = driven(until=600.0)
    assert point.asked(RemoteStart("CARD-0", 1, 1)).status == "Rejected", "it charges"
    number = transactions(heard)[0].transaction_id
    point.asked(RemoteStop(number))
    assert point.asked(RemoteStop(number)).status == "Rejected"
    before = point.delivered_wh[1, NOON]
    point.advance(NOON + 900.0)
    assert point.asked(RemoteStart("CARD-0", 1, 1)).status == "Accepted"
    point.advance(NOON + 1200.0)
    told = []
    while (event := point.next_event()) is not None:
        told.append(event)
        point.told(event, PlainAnswer())
    assert [e.kind for e in told if isinstance(e, TransactionTold)][:2] == ["ended", "started"]
    assert len({e.transaction_id for e in told if isinstance(e, TransactionTold)}) == 2
    assert point.delivered_wh[1, NOON] > before


def test_habits_in_time_show_in_what_it_tells():
    _, heard = driven(Habits(jump_second=NOON + 600.0, jump_wh=50_000.0))
    told = transactions(heard)
    steps = [register(b) - register(a) for a, b in itertools.pairwise(told)]
    assert sum(step > 40_000.0 for step in steps) == 1
    _, heard = driven(Habits(reboot_second=NOON + 600.0))
    assert sum(isinstance(event, Booted) for event in heard) == 2
    _, heard = driven(Habits(clock_ahead_second=3600.0))
    assert transactions(heard)[0].time_second == NOON + 3600.0
    point, heard = driven(Habits(offline_second=(NOON + 60.0, NOON + 600.0)), until=300.0)
    assert not point.is_online() and any(t.offline for t in transactions(heard))

"""Off and on: what chargers that follow no limits are asked for, and when."""

from dataclasses import replace

import numpy as np
import pytest

from tests.unit.cloud.test_depot_tonight import PLAIN, charging, second
from voltherd.charging.guard_site import LEAST_AMPERE
from voltherd.charging.live import guarded
from voltherd.charging.plan import planned
from voltherd.charging.stays import Stay
from voltherd.charging.transactions import Said
from voltherd.cloud.depot_file import night, site_file
from voltherd.cloud.depot_switch import is_wanted, startable, switch
from voltherd.cloud.depot_tonight import Guest, chargers, headroom, site_from, tonight
from voltherd.errors import InputError, UsageError
from voltherd.types.station_command import RemoteStart, RemoteStop

STEP = 900.0
RUNS = replace(charging("CARD-1", 1000.0), evse_id=2)
ON = Stay(RUNS, RUNS, 1000.0)
AGAIN = ON._replace(parts=2)
WAITS = Stay(RUNS, None, 1000.0, 2)
NOBODY = replace(RUNS, token=Said(0.0, ""))


def file(**more):
    one = {"id": "A", "power_kilowatt": 22, "control": "start_stop", **more}
    plain = PLAIN | {"chargers": [one, PLAIN["chargers"][1]], "groups": []}
    return site_file(plain, "s")


@pytest.mark.parametrize(
    ("stay", "planned_ampere", "now", "wanted"),
    [
        (ON, 0.0, 1001.0, False),  # who has just come is stopped at once
        (AGAIN, 0.0, 1001.0, True),  # who was just started is not
        (AGAIN, 0.0, 1450.0, False),
        (WAITS, 16.0, 1449.0, False),
        (WAITS, 16.0, 1450.0, True),
        (AGAIN, None, 5000.0, True),  # the plan knows nothing of it: as it is
        (WAITS, None, 5000.0, False),
        (ON._replace(whole=NOBODY, running=NOBODY), 0.0, 5000.0, True),  # it would not come back
        (WAITS._replace(whole=NOBODY), 0.0, 5000.0, False),
    ],
)
def test_a_plans_change_of_mind_waits(stay, planned_ampere, now, wanted):
    assert is_wanted(stay, planned_ampere, now, STEP) == wanted


def test_who_is_as_it_should_be_is_asked_for_nothing():
    assert switch(None, may_run=True) is None
    assert switch(ON, may_run=True) is None
    assert switch(WAITS, may_run=False) is None
    assert switch(ON, may_run=False) == RemoteStop("T1")
    assert switch(WAITS, may_run=True) == RemoteStart("CARD-1", 2, 1000)
    nobody = WAITS._replace(whole=NOBODY)
    assert switch(nobody, may_run=True) is None, "nobody it could be billed to"
    on = ON._replace(whole=NOBODY, running=NOBODY)
    assert switch(on, may_run=False) == RemoteStop("T1"), "the guard's word is for safety"


def test_where_more_is_drawn_than_announced_nobody_is_started():
    three = chargers(file())[:1] * 3
    stays = [WAITS, WAITS, None]
    full = three[0].hardware_ampere
    assert startable(three, stays, [2000.0] * 3, None, 10.0) == [True] * 3
    assert startable(three, stays, [2000.0] * 3, (30.0, 0.0, 0.0), 30.0 + full) == [
        True,
        False,
        False,
    ]
    just = [AGAIN, WAITS, None]  # it does not show on the meter, yet
    assert not startable(three, just, [1010.0] * 3, (30.0, 0.0, 0.0), 30.0 + full)[1]
    assert startable(three, just, [1100.0] * 3, (30.0, 0.0, 0.0), 30.0 + full)[1]


def test_the_guard_gives_it_all_or_nothing_and_counts_it_in_full_at_any_time():
    site = file()
    laid = guarded(chargers(site), headroom(site, site_from(site, second("2026-11-26 12:00"), "s")))
    full = 22_000.0 / 690.0
    assert laid.least_ampere.tolist() == [pytest.approx(full), LEAST_AMPERE]
    assert laid.default_ampere.tolist() == [pytest.approx(full), 0.0]
    assert laid.step_ampere[0] == laid.hardware_ampere[0]


def test_limits_that_do_not_hold_its_full_power_are_refused():
    site = file().model_copy(
        update={"connection": file().connection.model_copy(update={"limit_kilowatt": 30.0})}
    )
    with pytest.raises(UsageError, match="started and stopped, A count in full"):
        guarded(chargers(site), headroom(site, site_from(site, second("2026-11-26 12:00"), "s")))


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"default_ampere": 6}, "goes on with its full 31.9 A"),
        ({"discharge_kilowatt": 10}, "takes nothing back"),
    ],
)
def test_what_it_cannot_do_is_refused(more, told):
    with pytest.raises(InputError, match=told):
        night(file(**more), "s")


def test_a_plan_has_it_off_or_at_all_its_vehicle_takes():
    site = file()
    bus = site.vehicles[0].model_copy(update={"power_kilowatt": 20.0})
    found = night(site.model_copy(update={"vehicles": [bus]}), "s")
    fleet = found.problem.fleet
    assert fleet.power_min_kilowatt.tolist() == fleet.power_max_kilowatt.tolist() == [20.0]
    power = planned(found.problem, minimum=True).power_kilowatt[0]
    assert set(np.round(power, 6).tolist()) == {0.0, 20.0}
    drawn = power.sum() * 0.25
    assert 70.0 / 0.95 <= drawn < 70.0 / 0.95 + 20.0 * 0.25, "in whole steps, and no more than one"


def test_who_is_to_be_full_and_who_nobody_knows_are_planned_in_whole_steps_too():
    site = file()
    bus = site.vehicles[0].model_copy(update={"soc_departure": 1.0})
    found = night(site.model_copy(update={"vehicles": [bus]}), "s")
    need = (1.0 - bus.soc_arrival) * bus.battery_kwh / bus.efficiency
    drawn = planned(found.problem, minimum=True).power_kilowatt[0].sum() * 0.25
    assert need <= drawn < need + 22.0 * 0.25
    start = second("2026-11-26T18:00")
    guests = [Guest("A", charging("nobody knows it", start))]
    live = tonight(site, start + 60.0, guests, {}, {}, "s")
    plan = planned(live.problem, minimum=True)
    assert plan.shortage is None or plan.shortage.drawn_kwh < 1e-6


def test_one_that_takes_less_as_it_fills_is_planned_with_what_it_takes():
    site = file()
    bus = site.vehicles[0].model_copy(update={"power_curve": {0.8: 22.0, 1.0: 6.0}})
    found = night(site.model_copy(update={"vehicles": [bus]}), "s")
    assert found.problem.fleet.power_min_kilowatt.tolist() == [pytest.approx(4.14)]


def test_the_others_never_get_its_share_and_it_needs_no_margin():
    guest = Guest("B", charging("CARD-1", second("2026-11-26 17:45")))
    site = file().model_copy(update={"groups": site_file(PLAIN, "s").groups})
    groups = [site.groups[0].model_copy(update={"chargers": ["A", "B"], "limit_kilowatt": 40.0})]
    site = site.model_copy(update={"groups": groups})
    found = tonight(site, second("2026-11-26 18:00"), [guest], {}, {}, "s").problem.site
    assert found.limit_kilowatt[0] == pytest.approx(9 + 22 + (60 - 9 - 22) * 0.96)
    limits = {
        group.name: (group.member.tolist(), group.limit_kilowatt[0]) for group in found.groups
    }
    assert limits == {
        "west": ([True], pytest.approx(22 + 18 * 0.96)),
        "west, those that follow limits": ([True], pytest.approx(18 * 0.96)),
        "those that follow limits": ([True], pytest.approx(29 * 0.96)),
    }
    astray = tonight(site, second("2026-11-26 18:00"), [guest], {}, {"A": 22.0}, "s")
    assert [group.name for group in astray.problem.site.groups] == ["west"]

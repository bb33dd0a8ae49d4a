"""The site file from now on: who is there, who is to come, and what is kept in hand."""

from datetime import UTC, datetime

import numpy as np
import pytest

from voltherd.charging.transactions import Register, Said, Transaction
from voltherd.cloud.depot_file import site_file
from voltherd.cloud.depot_tonight import Guest, hasty, headroom, site_from, tonight, wanted
from voltherd.types.station import NeedsTold

PLAIN = {
    "site": "s",
    "start": "2026-11-26 12:00",
    "hours": 24,
    "connection": {"limit_kilowatt": 60, "base_kilowatt": {"06:00": 18, "18:00": 9}},
    "prices": {"buy_eur_per_kwh": list(range(24))},
    "chargers": [{"id": "A", "power_kilowatt": 22}, {"id": "B", "power_kilowatt": 11}],
    "groups": [{"name": "west", "chargers": ["B"], "limit_kilowatt": 8}],
    "vehicles": [
        {
            "id": "bus",
            "charger": "A",
            "arrives": "17:40",
            "departs": "05:30",
            "battery_kwh": 100,
            "soc_arrival": 0.2,
            "soc_departure": 0.9,
            "token": "CARD-1",
        }
    ],
}
FILE = site_file(PLAIN, "s")
LAST_KWH = 3 * 230 * 6 * 0.25 / 1000 * 0.95  # a last step at 6 A


def second(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def charging(token, start, wh=0.0):
    first, last = Register(start, 0, 0.0), Register(start + 1.0, 1, wh)
    return Transaction(
        "T1", 1, 1, Said(start, token), start, first=first, last=last, lowest_wh=0.0, highest_wh=wh
    )


def night(now, guests=(), gone=None, astray=None, file=FILE):
    return tonight(file, second(now), guests, gone or {}, astray or {}, "s")


def test_who_is_to_come_is_planned_from_its_arrival_on_and_ready_early():
    found = night("2026-11-26 15:07")
    assert found.start_second == second("2026-11-26 15:00")
    fleet = found.problem.fleet
    assert fleet.arrival_step.tolist() == [11]  # 17:45
    assert fleet.departure_step.tolist() == [57]  # 05:15, a quarter of an hour before it leaves
    assert fleet.energy_kwh.tolist() == [pytest.approx(70.0 + LAST_KWH)]


def test_who_is_late_is_expected_now_and_who_has_left_no_more():
    assert night("2026-11-26 19:00").problem.fleet.arrival_step.tolist() == [0]
    left = {"bus": second("2026-11-26 17:45")}
    later = night("2026-11-26 19:00", gone=left).problem.fleet
    assert later.arrival_step.tolist() == [4 * 23 - 1]  # tomorrow: 17:45
    again = night("2026-11-27 12:00", gone=left).problem.fleet
    assert again.arrival_step.tolist() == [23]


@pytest.mark.parametrize("token", ["CARD-1", "bus"])
def test_who_is_there_has_what_it_was_given_already(token):
    start = second("2026-11-26 17:32")
    guest = Guest("B", charging(token, start, wh=10_000.0))
    fleet = night("2026-11-26 20:00", [guest]).problem.fleet
    assert fleet.names == ("bus",)
    assert fleet.arrival_step.tolist() == [0]
    assert fleet.energy_kwh[0] == pytest.approx(70.0 + LAST_KWH - 9.5)
    assert fleet.power_max_kilowatt.tolist() == [11.0]  # of where it stands


def test_somebody_is_expected_to_stay_as_visitors_do():
    start = second("2026-11-26 13:00")
    stay = wanted(FILE, Guest("B", charging("GUEST", start)))
    assert (stay.known, stay.energy_kwh) == (False, 20.0)
    assert stay.departure_second == start + 8 * 3600.0


def test_a_vehicle_is_believed_what_it_says_of_itself():
    start = second("2026-11-26 17:40")
    needs = NeedsTold(
        1, "AC_three_phase", second("2026-11-26 21:00"), 30_000.0, 7_000.0, 80_000.0, 0.5
    )
    guest = Guest("A", charging("CARD-1", start), needs)
    assert wanted(FILE, guest).energy_kwh == pytest.approx(30.0)
    fleet = night("2026-11-26 18:00", [guest]).problem.fleet
    assert fleet.departure_step.tolist() == [11]
    assert fleet.power_max_kilowatt.tolist() == [7.0]


def test_a_vehicle_that_asks_anew_on_its_way_has_drawn_already_what_it_has():
    start = second("2026-11-26 17:40")
    came = NeedsTold(1, "DC", None, 30_000.0, None, 80_000.0, 0.5)
    ten = wanted(FILE, Guest("A", charging("CARD-1", start, wh=10_000.0), came)).section
    risen = 10.0 * ten.efficiency / 80.0
    anew = came._replace(
        energy_wh=30_000.0 - 80_000.0 * risen, soc_fraction=0.5 + risen, drawn_wh=10_000.0
    )
    for told in (anew, anew._replace(soc_fraction=None)):
        stay = wanted(FILE, Guest("A", charging("CARD-1", start, wh=10_000.0), told))
        assert stay.energy_kwh == pytest.approx(30.0)
        if told is anew:
            assert stay.section.soc_arrival == pytest.approx(0.5)


def test_who_stays_longer_than_announced_goes_on():
    guest = Guest("A", charging("CARD-1", second("2026-11-26 17:40"), wh=1000.0))
    fleet = night("2026-11-27 06:10", [guest]).problem.fleet
    assert fleet.arrival_step[0] == 0
    assert fleet.departure_step[0] == 3


def test_what_follows_no_limit_is_left_free_and_not_planned():
    guest = Guest("B", charging("GUEST", second("2026-11-26 17:00")))
    free = night("2026-11-26 18:00", [guest]).problem.site
    found = night("2026-11-26 18:00", [guest], astray={"A": 22.0})
    assert found.problem.fleet.names == ("GUEST",)
    assert free.limit_kilowatt[0] == pytest.approx(9 + 51 * 0.96)
    assert found.problem.site.limit_kilowatt[0] == pytest.approx(9 + 29 * 0.96)
    assert found.problem.site.groups[0].limit_kilowatt[0] == pytest.approx(8 * 0.96)


def test_lists_go_on_day_after_day():
    problem = night("2026-11-28 15:00").problem
    prices = problem.site.price_eur_per_kwh
    assert prices[:5].tolist() == [3, 3, 3, 3, 4]
    haste = 0.01 * np.mean(range(24)) * 0.25 * np.arange(5)  # what is put off may not come
    dearer = hasty(problem, 0.01).site.price_eur_per_kwh
    assert dearer[:5] == pytest.approx(prices[:5] + haste)
    assert len(prices) == 96


def test_nobody_to_plan_for():
    file = site_file({**PLAIN, "vehicles": []}, "s")
    assert night("2026-11-26 15:00", file=file) is None


def test_what_limits_leave_is_told_in_amperes_of_a_phase():
    site = site_from(FILE, second("2026-11-26 20:00"), "s")
    found = headroom(FILE, site)
    assert found.names == ("connection", "west")
    assert found.members == ((0, 1), (1,))
    assert found.ampere[:, 0] == pytest.approx([51_000 / 690, 8_000 / 690])
    assert found.ampere.shape == (2, 96)
    limited = site_file(
        {**PLAIN, "connection": {"limit_kilowatt": 60, "phase_limit_ampere": 40}}, "s"
    )
    site = site_from(limited, second("2026-11-26 20:00"), "s")
    assert headroom(limited, site).ampere[0] == pytest.approx(np.full(96, 40.0))


def test_nothing_is_dropped_of_what_a_running_depot_can_order():
    """Curves, wear of waiting, tiers, surplus, the peak and groups are in what is planned anew."""
    battery = {"chemistry": "LFP", "price_per_kwh": 120}
    plain = PLAIN | {
        "connection": PLAIN["connection"]
        | {
            "demand_eur_per_kilowatt": 2.0,
            "power_tiers": [{"above_kilowatt": 30, "added_eur_per_kwh": 0.05}],
        },
        "prices": {
            "buy_eur_per_kwh": list(range(24)),
            "sell_eur_per_kwh": [0.5 * hour for hour in range(24)],
            "volume_tiers": [{"above_kwh": 500, "used_kwh": 100, "added_eur_per_kwh": 0.02}],
        },
        "vehicles": [
            PLAIN["vehicles"][0] | {"power_curve": {0.8: 22, 1.0: 5}, "battery": battery},
        ],
    }
    file = site_file(plain, "s")
    now = "2026-11-26 19:00"
    here = Guest("A", charging("CARD-1", second("2026-11-26 17:38"), 10_000.0))
    for guests in ([], [here]):
        problem = night(now, guests, file=file).problem
        site = problem.site
        assert problem.taper is not None and np.isfinite(problem.taper.empty_kilowatt).any()
        assert problem.waiting_eur_per_kwh_hour is not None
        assert (problem.waiting_eur_per_kwh_hour > 0.0).all()
        assert site.demand_eur_per_kilowatt == 2.0
        assert [tier.above for tier in site.power_tiers] == [30.0]
        assert [tier.above for tier in site.volume_tiers] == [400.0]
        assert site.feed_in_eur_per_kwh is not None and site.feed_in_eur_per_kwh[4] == 4.0
        assert [group.name for group in site.groups] == ["west"]


def test_a_tight_phase_limits_vehicles_on_three_as_well():
    tight = PLAIN["connection"] | {"phase_limit_ampere": 60, "base_kilowatt": 0.0}
    site = night(
        "2026-11-26 19:00", file=site_file(PLAIN | {"connection": tight}, "s")
    ).problem.site
    rest = 1.0 - FILE.run.margin_fraction
    assert site.headroom_kilowatt == pytest.approx(3 * 0.06 * 230 * rest)

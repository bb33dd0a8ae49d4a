"""The guard second by second: what is missing, old or absurd gives less, never more."""

import dataclasses
import math

import numpy as np
import pytest

from tests.unit.charging.guard.conftest import SETTINGS, Led, boxes, house, wallbox
from voltherd.charging import guard as guards
from voltherd.charging.guard_hold import Patience
from voltherd.charging.guard_site import Limit, make_site

NAN = math.nan
BELIEVES = dataclasses.replace(SETTINGS, others_rise_ampere_per_second=0.5)


def test_what_fits_is_given_as_planned():
    led = Led(boxes(2, ampere=74.0))
    led.plan = np.array([20.0, 12.7])
    led.step()
    assert led.limits == [20.0, 12.0]
    assert led.reasons == ["as planned", "as planned"]
    assert led.orders.send.tolist() == [True, True]
    assert led.orders.might_ampere.tolist() == [20.0, 12.0]
    assert led.orders.spare_ampere.tolist() == [[32.0] * 3]


def test_too_much_is_shared_in_proportion_above_the_least():
    led = Led(boxes(2, ampere=46.0))
    led.plan = np.array([32.0, 19.0])  # 26 and 13 above 6; 24 is left above 12
    led.step()
    assert led.limits == [22.0, 14.0]
    assert led.reasons == ["less than planned: shared"] * 2


@pytest.mark.parametrize("age", [100.1, NAN, -1.0, math.inf])
def test_without_a_fresh_plan_all_share_equally(age):
    led = Led(boxes(2, ampere=46.0))
    led.plan, led.plan_age = np.array([32.0, 0.0]), age
    led.step()
    assert led.limits == [18.0, 18.0]
    assert led.reasons == ["equal share: no fresh plan"] * 2


@pytest.mark.parametrize("age", [0.0, 100.0])
def test_a_plan_is_fresh_up_to_its_age(age):
    led = Led(boxes(2, ampere=74.0))
    led.plan, led.plan_age = np.array([10.0, 11.0]), age
    assert led.step().limit_ampere.tolist() == [10.0, 11.0]


@pytest.mark.parametrize(
    ("setpoint", "given"),
    [
        (NAN, 0.0),
        (-9.0, 0.0),
        (math.inf, 0.0),
        (-math.inf, 0.0),
        (5.9, 0.0),
        (6.0, 6.0),
        (1e9, 32.0),
    ],
)
def test_an_absurd_setpoint_gives_nothing_and_none_more_than_the_hardware(setpoint, given):
    led = Led(boxes(2, ampere=500.0))
    led.plan = np.array([setpoint, 10.0])
    led.step()
    assert led.limits == [given, 10.0]
    assert led.reasons[0] == (
        "as planned" if given in (6.0,) or (setpoint > 32.0 and given) else "the plan gives none"
    )


def test_a_setpoint_above_the_hardware_does_not_take_more_of_a_share():
    led = Led(boxes(2, ampere=46.0))
    led.plan = np.array([1e6, 32.0])
    led.step()
    assert led.limits == [18.0, 18.0]


def test_no_car_gets_nothing():
    led = Led(boxes(2, ampere=500.0))
    led.asks = np.array([True, False])
    led.step()
    assert led.limits == [32.0, 0.0]
    assert led.reasons == ["as planned", "no car asks"]


def test_the_worst_of_the_other_loads_is_left_free():
    led = Led(boxes(1, ampere=40.0, others=20.0))
    led.step()
    assert led.limits == [20.0]


@pytest.mark.parametrize(
    ("told", "given"),
    [
        (30.0, 20.0),
        (999.0, 32.0),
        (math.inf, 32.0),
        (NAN, 0.0),
        (-1.0, 0.0),
        (15.9, 0.0),
        (16.0, 6.0),
        (0.0, 0.0),
    ],
)
def test_a_limit_told_only_tightens_and_one_that_is_none_permits_nothing(told, given):
    led = Led(boxes(1, ampere=60.0))
    led.limit = np.array([[told, 90.0, 90.0]])
    led.step()
    assert led.limits == [given]


@pytest.mark.parametrize(("told", "left"), [(NAN, -10.0), (-3.0, -10.0), (0.0, -10.0), (0.5, -9.5)])
def test_what_a_limit_leaves_is_told_even_where_it_is_less_than_nothing(told, left):
    led = Led(boxes(1, ampere=60.0))
    led.limit[0, 1] = told
    assert led.step().spare_ampere[0].tolist() == [50.0, left, 50.0]


def test_each_phase_has_its_own_limit():
    stations = [wallbox("a", phases=(0,)), wallbox("b", phases=(1,)), wallbox("c", phases=(2,))]
    limit = Limit(name="x", ampere=(10.0, 20.0, 30.0), stations=(0, 1, 2))
    led = Led(make_site(stations, [limit]))
    assert led.step().limit_ampere.tolist() == [10.0, 20.0, 30.0]
    assert led.orders.spare_ampere.tolist() == [[0.0, 0.0, 0.0]]


def test_a_group_within_a_site_has_its_own_limit():
    limits = [
        house(3, ampere=60.0),
        Limit(name="group", ampere=(20.0, 25.0, 20.0), stations=(1, 2)),
    ]
    led = Led(make_site([wallbox("a"), wallbox("b"), wallbox("c")], limits))
    assert led.step().limit_ampere.tolist() == [30.0, 10.0, 10.0]
    assert led.orders.spare_ampere.tolist() == [[0.0, 0.0, 0.0], [0.0, 5.0, 0.0]]
    led = Led(led.site, settings=BELIEVES)
    led.limit = np.array([[60.0, 60.0, 60.0], [14.0, 25.0, 25.0]])
    led.meter = np.array([[NAN] * 3, [14.5, 3.0, 3.0]])
    assert led.step().limit_ampere.tolist() == [32.0, 0.0, 0.0]


def test_as_many_as_possible_charge_and_turns_go_round():
    led = Led(boxes(3, ampere=23.0))
    led.step()
    assert led.limits == [6.0, 6.0, 0.0]
    assert led.reasons == ["less than planned: shared"] * 2 + ["waits its turn"]
    led.current = np.array([[6.0] * 3, [6.0] * 3, [0.0] * 3])
    led.steps(29)
    assert led.limits == [6.0, 6.0, 0.0]
    led.step()  # the first of those that have had their turn gives way, the waiting one waits yet
    assert led.limits == [6.0, 0.0, 0.0]
    assert led.reasons[2] == "waits for others to give way"
    led.current[1] = 0.0
    led.steps(4)
    assert led.limits == [6.0, 0.0, 6.0]
    assert led.reasons[1] == "waits its turn"
    led.current[2] = 6.0
    led.steps(25)
    assert led.limits == [6.0, 0.0, 6.0]
    led.steps(2)  # the one that stayed has had its second turn
    assert led.limits == [0.0, 0.0, 6.0]


def test_more_is_given_only_out_of_what_nobody_might_draw():
    led = Led(boxes(2, ampere=42.0), held=16.0)
    led.current = np.full((2, 3), 16.0)
    led.plan = np.array([26.0, 6.0])
    led.step()
    assert led.limits == [16.0, 6.0]
    led.current[1] = 6.0
    led.steps(2)
    assert led.limits == [16.0, 6.0]
    led.steps(2)
    assert led.limits == [26.0, 6.0]
    assert led.orders.spare_ampere.min() == 0.0


def test_a_station_rises_no_more_often_than_its_pause():
    led = Led(boxes(1, ampere=60.0))
    led.plan = np.array([10.0])
    led.step()
    led.plan = np.array([20.0])
    assert led.steps(3).limit_ampere.tolist() == [10.0]
    assert led.step().limit_ampere.tolist() == [20.0]


def test_who_lowers_is_left_in_peace_until_it_has_followed_unless_it_is_to_lower_further():
    led = Led(boxes(1, ampere=60.0), held=20.0)
    led.current[:] = 20.0
    led.plan = np.array([10.0])
    led.step()
    led.plan = np.array([15.0])
    assert led.step().limit_ampere.tolist() == [10.0]
    led.plan = np.array([8.0])
    assert led.step().limit_ampere.tolist() == [8.0]


def test_a_deaf_station_counts_with_what_it_holds_and_others_give_way():
    led = Led(boxes(2, ampere=42.0), held=16.0)
    led.current = np.full((2, 3), 16.0)
    led.deaf[0] = True
    led.limit = np.full((1, 3), 34.0)
    led.step()
    assert led.limits == [12.0, 12.0]
    led.current[1] = 12.0
    led.steps(7)
    assert led.limits == [12.0, 12.0]
    led.step()
    assert led.limits == [12.0, 8.0]
    assert led.reasons[0] == "does not follow"
    assert led.orders.might_ampere[0] == 16.0


def test_a_refusing_station_counts_with_what_it_holds():
    led = Led(boxes(2, ampere=42.0), held=16.0)
    led.current = np.full((2, 3), 16.0)
    led.refuses[0] = True
    led.limit = np.full((1, 3), 34.0)
    led.step()
    led.current[1] = 12.0
    led.steps(8)
    assert led.limits == [12.0, 8.0]


@pytest.mark.parametrize("phases", [(0, 1, 2), (0,)])
def test_a_stuck_station_is_asked_to_stop_where_nothing_else_helps(phases):
    led = Led(boxes(2, ampere=42.0, phases=phases), held=16.0)
    led.current = np.full((2, 3), 16.0)
    led.deaf[0] = True
    led.limit = np.full((1, 3), 23.0)
    led.steps(9)
    assert led.limits == [0.0, 0.0]
    assert led.orders.spare_ampere.min() == pytest.approx(23.0 - 10.0 - 32.0)


def test_a_stuck_station_is_not_asked_to_stop_where_it_just_fits():
    led = Led(boxes(2, ampere=42.0), held=16.0)
    led.current = np.full((2, 3), 16.0)
    led.deaf[0] = True
    led.limit = np.full((1, 3), 26.0)
    led.step()
    led.current[1] = 8.0
    led.steps(8)
    assert led.limits == [8.0, 0.0]


def test_a_station_that_does_not_obey_is_asked_for_nothing_and_counted_in_full():
    site = make_site([wallbox("a", obeys=False), wallbox("b")], [house(2, ampere=60.0)])
    led = Led(site)
    led.step()
    assert led.limits == [32.0, 18.0]
    assert led.orders.send.tolist() == [False, True]
    assert led.reasons[0] == "does not follow"
    led.limit = np.full((1, 3), 20.0)
    led.steps(9)
    assert led.limits == [32.0, 0.0]


def test_a_fallback_is_always_left_free():
    site = make_site([wallbox("a", default_ampere=8.0), wallbox("b")], [house(2, ampere=40.0)])
    led = Led(site)
    led.asks[0] = False
    led.step()
    assert led.limits == [0.0, 22.0]
    led.asks[0] = True
    led.plan = np.array([7.0, 32.0])  # less than it falls back to needs no room
    assert led.steps(1).limit_ampere.tolist() == [7.0, 22.0]


def test_a_fallback_stops_too_where_the_room_is_less_than_nothing():
    led = Led(boxes(1, ampere=60.0, default_ampere=8.0), held=8.0)
    led.current[:] = 8.0
    led.limit = np.full((1, 3), 17.0)
    led.step()
    assert led.limits == [0.0]


def test_who_draws_more_than_it_may_counts_with_its_hardware_at_once():
    led = Led(boxes(2, ampere=58.0))
    led.plan = np.array([16.0, 16.0])
    led.steps(5)
    led.current[0] = 32.0
    led.steps(1)
    assert led.orders.might_ampere[0] == 32.0
    assert led.orders.spare_ampere.min() == 0.0


def test_others_give_way_at_once_to_who_broke_its_word():
    led = Led(boxes(2, ampere=49.0))
    led.plan = np.array([16.0, 16.0])
    led.steps(5)
    led.current[0] = 32.0
    led.step()
    assert led.limits == [16.0, 7.0]
    assert led.reasons[0] == "does not follow"


def switched(limit_ampere, current):
    """One that is only on or off and reads a little more than its 16 A, and one that follows."""
    only = {"hardware_ampere": 16.0, "default_ampere": 16.0, "least_ampere": 16.0}
    site = make_site(
        [wallbox("a", step_ampere=16.0, **only), wallbox("b")],
        [house(2, ampere=limit_ampere, others=0.0)],
    )
    led = Led(site)
    led.plan[0] = 16.0
    led.steps(2)
    led.current[0] = current
    led.steps(5)
    assert led.limits[0] == 16.0
    return led


@pytest.mark.parametrize("current", [16.0, 16.7])
def test_who_is_only_on_or_off_is_stopped_by_the_plan_though_it_reads_a_little_high(current):
    led = switched(60.0, current)
    led.plan[0] = 0.0
    led.step()
    assert (led.limits[0], led.reasons[0]) == (0.0, "the plan gives none")
    led.current[0] = 0.0
    led.plan[0] = 16.0
    assert led.steps(10).limit_ampere[0] == 16.0, "and started again"


@pytest.mark.parametrize("current", [16.0, 16.7])
def test_and_by_what_the_meter_shows_or_a_limit_that_falls(current):
    led = switched(60.0, current)
    led.meter[:] = 60.0 + current + 1.0
    assert led.step().limit_ampere[0] == 0.0
    led = switched(60.0, current)
    led.limit[:] = 15.0
    assert led.step().limit_ampere[0] == 0.0


def test_what_it_reads_above_its_most_is_left_free_by_the_others():
    assert switched(40.0, 16.0).limits[1] == 24.0
    led = switched(40.0, 17.2)
    assert led.limits[1] == 22.0
    assert led.orders.might_ampere.tolist() == [17.2, 22.0]


def test_a_current_that_is_absurd_old_or_missing_frees_nothing():
    for absurd, age in (
        (NAN, 0.0),
        (-1.0, 0.0),
        (math.inf, 0.0),
        (64.0, 0.0),
        (6.0, 20.1),
        (6.0, -1.0),
        (6.0, NAN),
    ):
        led = Led(boxes(1, ampere=60.0), held=20.0)
        led.plan = np.array([6.0])
        led.current[0, 1], led.current_age[0] = absurd, age
        led.steps(12)
        assert led.orders.might_ampere[0] == 20.0, (absurd, age)


def test_a_current_just_below_the_absurd_counts():
    led = Led(boxes(1, ampere=90.0), held=20.0)
    led.current[:] = 63.9
    led.step()
    assert led.orders.might_ampere.tolist() == [63.9]


def test_a_phase_it_is_not_on_does_not_matter():
    led = Led(boxes(1, ampere=60.0, phases=(1,)), held=20.0)
    led.plan = np.array([6.0])
    led.current = np.array([[NAN, 6.0, 99.0]])
    led.steps(5)
    assert led.orders.might_ampere.tolist() == [6.0]


def test_an_old_current_still_shows_what_it_can():
    led = Led(boxes(1, ampere=60.0), held=20.0)
    led.plan, led.current_age = np.array([6.0]), np.array([20.0])
    led.current[:] = 6.0
    led.steps(24)
    assert led.orders.might_ampere.tolist() == [20.0]
    led.step()
    assert led.orders.might_ampere.tolist() == [6.0]


def test_the_meter_gives_room_where_other_loads_cannot_rise_fast():
    led = Led(boxes(1, ampere=40.0, others=20.0), settings=BELIEVES)
    led.meter[:] = 9.0
    led.step()
    assert led.limits == [27.0]  # 9 A of others, which in 8 s become 13
    led.meter_age = np.array([2.0])
    assert Led.step(led).limit_ampere.tolist() == [26.0]


@pytest.mark.parametrize(
    ("meter", "age"),
    [(NAN, 0.0), (math.inf, 0.0), (-math.inf, 0.0), (9.0, 5.1), (9.0, NAN), (9.0, -0.1)],
)
def test_a_lost_meter_leaves_the_worst(meter, age):
    led = Led(boxes(1, ampere=40.0, others=20.0), settings=BELIEVES)
    led.meter[:], led.meter_age = meter, np.array([age])
    led.step()
    assert led.limits == [20.0]


def test_an_export_gives_no_more_than_the_limit():
    led = Led(boxes(1, ampere=30.0, others=20.0), settings=BELIEVES)
    led.meter[:] = -50.0
    led.step()
    assert led.limits == [26.0]


def test_what_stations_report_with_the_meter_is_not_other_load():
    led = Led(boxes(2, ampere=60.0, others=20.0), held=16.0, settings=BELIEVES)
    led.plan = np.array([16.0, 32.0])
    led.meter[:], led.current[:] = 34.0, 16.0
    led.meter_age, led.current_age = np.array([1.0]), np.array([1.5, 0.5])
    led.step()  # 2 A of others now, 6.5 at the end of 9 s
    assert led.limits == [16.0, 32.0]
    assert led.orders.spare_ampere.min() == pytest.approx(5.5)


@pytest.mark.parametrize("age", [1.6, 0.4, NAN])
def test_what_they_report_apart_from_it_is(age):
    led = Led(boxes(1, ampere=60.0, others=20.0), held=16.0, settings=BELIEVES)
    led.plan = np.array([16.0])
    led.meter[:], led.current[:] = 18.0, 16.0
    led.meter_age, led.current_age = np.array([1.0]), np.array([age])
    led.step()
    assert led.orders.spare_ampere.tolist() == [[24.0] * 3]


@pytest.mark.parametrize("current", [NAN, -3.0, 1e9])
def test_an_absurd_report_takes_no_more_off_than_might_be_drawn(current):
    led = Led(boxes(1, ampere=60.0, others=20.0), held=16.0, settings=BELIEVES)
    led.plan = np.array([16.0])
    led.meter[:], led.current[0, 2] = 17.0, current
    led.current_age[:] = 0.0
    led.step()
    assert led.orders.spare_ampere.min() >= 60.0 - 20.0 - 32.0 - 1e-9
    assert led.orders.spare_ampere[0, 2] <= 60.0 - 5.0 - 16.0 + 1e-9


def test_only_what_is_reported_on_its_own_phase_is_taken_off():
    led = Led(boxes(1, ampere=60.0, others=20.0, phases=(1,)), held=16.0, settings=BELIEVES)
    led.plan = np.array([16.0])
    led.meter[:] = 10.0
    led.current = np.array([[99.0, 0.5, NAN]])
    led.step()  # 4 A more of others in 8 s
    assert led.orders.spare_ampere.tolist() == [[46.0, 30.5, 46.0]]


def test_a_station_without_a_meter_reports_nothing():
    led = Led(boxes(1, ampere=60.0, others=20.0, metered=False), held=16.0, settings=BELIEVES)
    led.plan = np.array([16.0])
    led.meter[:], led.current[:] = 18.0, 16.0
    led.step()
    assert led.orders.spare_ampere.tolist() == [[24.0] * 3]


def over(excess=8.0):
    """Two draw 16 A each of a room of 32; the meter shows more than the limit."""
    led = Led(boxes(2, ampere=42.0), held=16.0)
    led.current[:] = 16.0
    led.meter[:] = 42.0
    led.step()
    assert led.limits == [16.0, 16.0]
    led.meter[:] = 42.0 + excess
    led.step()
    return led


def test_an_excess_on_the_meter_is_cut_at_once_in_proportion():
    assert over().limits == [12.0, 12.0]
    led = Led(boxes(2, ampere=42.0), held=16.0)
    led.current[:] = 16.0
    led.meter[:], led.meter[0, 1] = 20.0, 43.0
    assert led.step().limit_ampere.tolist() == [15.0, 15.0]


def test_what_cars_draw_is_cut_not_what_they_might():
    led = Led(boxes(2, ampere=42.0), held=16.0)
    led.current[:] = 9.0
    led.meter[:] = 44.0
    assert led.step().limit_ampere.tolist() == [8.0, 8.0]


@pytest.mark.parametrize("current", [0.0, 0.5])
def test_an_excess_that_stations_do_not_make_leaves_them_nothing(current):
    led = Led(boxes(1, ampere=42.0), held=16.0)
    led.current[:] = current
    led.meter[:] = 45.0
    assert led.step().limit_ampere.tolist() == [0.0]


def test_who_reports_nothing_is_cut_from_what_it_was_asked_for():
    for current, age in ((NAN, 0.0), (9.0, 21.0), (-2.0, 0.0), (99.0, 0.0)):
        led = Led(boxes(1, ampere=42.0), held=16.0)
        led.current[:], led.current_age[:] = current, age
        led.meter[:] = 45.0
        assert led.step().limit_ampere.tolist() == [13.0], (current, age)


def test_an_excess_is_given_time_to_go_before_it_is_cut_again():
    led = over()
    led.current[:] = 12.0
    led.steps(7)
    assert led.limits == [12.0, 12.0]
    led.step()
    assert led.limits == [8.0, 8.0]


def test_an_excess_beyond_all_stops_all():
    led = over(excess=500.0)
    assert led.limits == [0.0, 0.0]
    assert led.guard.ceiling_ampere.tolist() == [0.0] * 3


def test_what_was_cut_comes_back_slowly():
    led = over()
    led.current[:], led.meter[:] = 12.0, 34.0
    led.steps(3)
    assert led.limits == [12.0, 12.0]
    rising = [led.step().limit_ampere.sum() for _ in range(14)]
    assert rising == sorted(rising)
    assert rising[-1] > 24.0
    assert max(np.diff(rising)) <= 2.0
    led.steps(20)
    assert led.limits == [16.0, 16.0]


def test_a_meter_at_its_limit_is_no_excess_and_one_that_stays_above_gives_nothing_back():
    assert over(excess=0.0).limits == [16.0, 16.0]
    led = over()
    led.current[:] = 12.0
    led.meter[:] = 42.5
    led.steps(6)
    assert led.guard.ceiling_ampere.tolist() == [24.0] * 3
    led.meter[:] = 42.0
    led.steps(2)
    assert led.guard.ceiling_ampere.tolist() == [25.0] * 3


@pytest.mark.parametrize("now", [NAN, -math.inf, -5.0, 0.0, 1.0])
def test_a_clock_that_stands_or_goes_back_stands_still(now):
    led = Led(boxes(1, ampere=60.0))
    led.step()
    second = led.guard.clock_second
    led.second = now - 1.0
    led.step()
    assert led.guard.clock_second == second
    assert math.isfinite(led.guard.now_second)


def test_a_clock_that_leaps_passes_a_little():
    led = Led(boxes(1, ampere=60.0))
    led.step()
    led.step(1e6)
    assert led.guard.clock_second == 3.0
    led.step(2.0)
    led.step(0.5)
    assert led.guard.clock_second == 5.5
    led.step(math.inf)
    assert led.guard.clock_second == 7.5
    assert led.guard.now_second == 1e6 + 3.5


def test_unknown_holders_are_brought_down_before_anybody_rises():
    led = Led(boxes(2, ampere=50.0), held=NAN)
    led.current[:] = 32.0
    led.step()
    assert led.limits == [20.0, 20.0]
    assert led.orders.spare_ampere.min() == pytest.approx(40.0 - 64.0)
    assert guards.start(boxes(2), 0.0).hold.held_ampere.tolist() == [32.0, 32.0]


def test_a_restart_keeps_what_is_held_and_counts_on():
    led = Led(boxes(2), held=16.0)
    led.steps(3)
    hold = led.guard.hold
    again = guards.start(led.site, 7.0, hold.held_ampere, hold.serial)
    assert again.hold.held_ampere.tolist() == hold.held_ampere.tolist()
    assert (again.hold.serial > hold.serial).all()
    assert again.now_second == 7.0
    assert guards.start(led.site, 7.0).hold.serial.tolist() == [0, 0]


def test_of_two_that_rise_the_first_in_order_takes_what_there_is():
    led = Led(boxes(3, ampere=50.0), held=0.0)
    led.guard = guards.start(led.site, 0.0, np.array([0.0, 0.0, 25.0]))
    led.asks[2] = False
    led.current[2] = 25.0
    led.step()
    assert led.limits == [15.0, 0.0, 0.0]
    assert led.reasons[:2] == ["waits for others to give way"] * 2
    assert led.orders.spare_ampere.min() == 0.0


def test_settings_are_what_is_documented():
    assert dataclasses.astuple(guards.Settings()) == (
        tuple(Patience()),
        900.0,
        5.0,
        60.0,
        0.5,
        math.inf,
        0.2,
        10.0,
        900.0,
        2.0,
    )


def test_a_station_is_raised_in_steps_of_its_own():
    led = Led(boxes(2, ampere=74.0, step_ampere=0.5))
    led.plan = np.array([20.3, 12.7])
    led.step()
    assert led.limits == [20.0, 12.5]
    led = Led(boxes(1, ampere=74.0, step_ampere=4.0))
    led.plan = np.array([31.0])
    led.step()
    assert led.limits == [28.0]


def test_what_is_below_its_least_in_its_steps_is_nothing():
    led = Led(boxes(1, ampere=74.0, step_ampere=4.0))
    led.plan = np.array([8.0])
    led.steps(3)
    assert led.limits == [8.0]
    led.plan = np.array([7.0])
    led.step()
    assert led.limits == [0.0]


def test_what_is_no_number_gives_nothing_to_who_charges_at_less_than_an_ampere():
    led = Led(boxes(1, ampere=74.0, step_ampere=0.5, least_ampere=0.5))
    led.plan = np.array([NAN])
    led.step()
    assert (led.limits, led.reasons) == ([0.0], ["the plan gives none"])


def test_what_one_is_raised_by_is_gone_for_the_next():
    led = Led(boxes(3, ampere=50.0))  # 40 for stations
    led.plan = np.array([0.0, 0.0, 20.0])
    led.steps(3)
    led.plan = np.array([17.0, 17.0, 6.0])
    led.deaf[2] = True
    led.step()
    assert led.orders.might_ampere[2] == 20.0
    assert sorted(led.limits) == [0.0, 6.0, 17.0]
    assert led.orders.might_ampere.sum() <= 40.0


def test_who_is_to_get_more_is_not_lowered_while_another_gives_way():
    led = Led(boxes(2, ampere=50.0))
    led.plan = np.array([8.0, 32.0])
    led.steps(6)
    assert led.limits == [8.0, 32.0]
    led.plan, led.deaf[1] = np.array([26.0, 6.0]), True
    led.limit[:] = 48.0
    led.step()
    assert led.limits == [8.0, 6.0]


def test_what_one_is_raised_by_and_no_more_is_gone_for_the_next():
    led = Led(boxes(3, ampere=50.0))
    led.plan = np.array([8.0, 6.0, 12.0])
    led.steps(6)
    led.plan, led.deaf[2] = np.array([17.0, 17.0, 6.0]), True
    led.step()
    assert led.limits[0] + led.limits[1] == 40.0 - 12.0

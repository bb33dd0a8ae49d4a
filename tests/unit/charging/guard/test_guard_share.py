"""Sharing: as many as possible charge, then all rise together, and turns go round."""

import math

import numpy as np
import pytest

from voltherd.charging.guard_share import Turns, admit, fill, jain, order_of, turned

ONE = np.ones((1, 3))
NAN = math.nan


def filled(weight, most, room, member=ONE):
    return fill(np.array(weight), np.array(most), member, np.array(room)).tolist()


def test_equal_weights_share_equally():
    assert filled([1.0, 1.0, 1.0], [9.0, 9.0, 9.0], [12.0]) == [4.0, 4.0, 4.0]


def test_weights_share_in_proportion():
    assert filled([1.0, 2.0, 3.0], [9.0, 9.0, 9.0], [12.0]) == [2.0, 4.0, 6.0]
    assert filled([1.0, 2.0, 0.5], [3.0, 9.0, 9.0], [100.0]) == [3.0, 9.0, 9.0]


def test_what_one_does_not_want_goes_to_the_others():
    assert filled([1.0, 1.0, 1.0], [1.0, 9.0, 9.0], [12.0]) == [1.0, 5.5, 5.5]
    assert filled([1.0, 1.0, 1.0], [1.0, 2.0, 3.0], [12.0]) == [1.0, 2.0, 3.0]


def test_who_has_no_weight_or_wish_gets_nothing():
    assert filled([0.0, 1.0, 1.0], [9.0, 0.0, 9.0], [12.0]) == [0.0, 0.0, 9.0]
    assert filled([0.0, 0.0, 0.0], [9.0, 9.0, 9.0], [12.0]) == [0.0, 0.0, 0.0]


def test_a_room_of_nothing_or_less_gives_nothing():
    assert filled([1.0] * 3, [9.0] * 3, [0.0]) == [0.0, 0.0, 0.0]
    assert filled([1.0] * 3, [9.0] * 3, [-5.0]) == [0.0, 0.0, 0.0]


def test_a_full_row_stops_only_its_own():
    member = np.array([[1.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 1.0, 1.0]])
    assert filled([1.0] * 3, [9.0] * 3, [4.0, 8.0, 100.0], member) == [2.0, 2.0, 8.0]
    assert filled([1.0] * 3, [9.0] * 3, [4.0, 80.0, 9.0], member) == [2.0, 2.0, 5.0]


def test_a_row_that_was_overfull_before_stops_nobody_else():
    member = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 1.0]])
    assert filled([1.0] * 3, [9.0] * 3, [-1.0, 6.0], member) == [0.0, 3.0, 3.0]


def test_as_many_as_fit_are_admitted_in_order():
    need = np.array([6.0, 6.0, 6.0])
    assert admit(np.array([2, 0, 1]), need, ONE, np.array([12.0])).tolist() == [True, False, True]
    assert admit(np.array([2, 0, 1]), need, ONE, np.array([18.0])).all()
    assert not admit(np.array([2, 0]), need, ONE, np.array([5.9])).any()
    assert admit(np.array([0]), need, ONE, np.array([6.0])).tolist() == [True, False, False]


def test_a_later_one_that_fits_is_admitted_where_an_earlier_does_not():
    member = np.array([[1.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    got = admit(np.array([0, 1, 2]), np.array([6.0, 6.0, 6.0]), member, np.array([7.0, 7.0]))
    assert got.tolist() == [True, False, True]
    mixed = admit(np.array([0, 1, 2]), np.array([9.0, 6.0, 0.0]), ONE, np.array([7.0]))
    assert mixed.tolist() == [False, True, True]


def test_who_needs_nothing_more_is_kept_out_of_an_overfull_room():
    assert not admit(np.array([0]), np.zeros(3), ONE, np.array([-1.0])).any()
    assert admit(np.array([0]), np.zeros(3), ONE, np.array([0.0])).tolist() == [True, False, False]


def test_admission_leaves_the_room_as_it_was():
    room = np.array([12.0])
    admit(np.array([0]), np.array([6.0, 6.0, 6.0]), ONE, room)
    assert room.tolist() == [12.0]


def ordered(began, until, waits, wants=(True,) * 4, phases=(3, 3, 3, 3)):
    turns = Turns(np.array(began), np.array(until), np.array(waits))
    return order_of(turns, np.array(wants), np.array(phases), 100.0).tolist()


NONE = [NAN] * 4


def test_who_is_in_turn_comes_before_who_waits_before_whose_turn_is_over():
    until = [99.0, NAN, 101.0, 99.0]
    assert ordered([10.0, NAN, 80.0, 20.0], until, [NAN, 90.0, NAN, NAN]) == [2, 1, 3, 0]


def test_a_turn_is_over_when_its_time_has_come():
    until = [100.0, NAN, 100.1, NAN]
    assert ordered([70.0, NAN, 70.0, NAN], until, [NAN, 50.0, NAN, 60.0]) == [2, 1, 3, 0]


def test_a_turn_has_begun_at_its_first_instant():
    assert ordered([100.0, NAN, NAN, NAN], [130.0, NAN, NAN, NAN], [NAN, 50.0, 60.0, 70.0]) == [
        0,
        1,
        2,
        3,
    ]


def test_who_has_waited_longest_comes_first_and_a_newcomer_last():
    assert ordered(NONE, NONE, [60.0, NAN, 50.0, 99.0]) == [2, 0, 3, 1]


def test_in_turn_the_first_begun_comes_first_and_out_of_turn_last():
    assert ordered([90.0, 80.0, 95.0, 85.0], [110.0] * 4, NONE) == [1, 3, 0, 2]
    assert ordered([90.0, 80.0, 95.0, 85.0], [100.0] * 4, NONE) == [2, 0, 3, 1]


def test_of_equals_those_on_fewer_phases_come_first():
    assert ordered(NONE, NONE, [50.0] * 4, phases=(3, 1, 3, 1)) == [1, 3, 0, 2]


def test_who_does_not_want_is_not_in_the_order():
    assert ordered(NONE, NONE, [50.0] * 4, wants=(True, False, True, False)) == [0, 2]


def test_turns_begin_go_on_begin_anew_and_end():
    turns = Turns(
        np.array([10.0, NAN, 20.0, NAN]),
        np.array([40.0, NAN, 50.0, NAN]),
        np.array([NAN, 5.0, NAN, NAN]),
    )
    wants = np.array([True, True, True, True])
    after = turned(turns, wants, np.array([True, True, False, False]), 39.0, 30.0)
    np.testing.assert_equal(after.began_second, [10.0, 39.0, NAN, NAN])
    np.testing.assert_equal(after.until_second, [40.0, 69.0, NAN, NAN])
    np.testing.assert_equal(after.waits_second, [NAN, NAN, 39.0, 39.0])
    stay = np.array([True, False, False, True])
    later = turned(after, np.array([True, False, True, True]), stay, 40.0, 30.0)
    np.testing.assert_equal(later.began_second, [10.0, NAN, NAN, 40.0])
    np.testing.assert_equal(later.until_second, [70.0, NAN, NAN, 70.0])
    np.testing.assert_equal(later.waits_second, [NAN, NAN, 39.0, NAN])


@pytest.mark.parametrize(
    ("share", "fairness"),
    [([2.0, 2.0], 1.0), ([1.0, 0.0, 0.0, 0.0], 0.25), ([0.0, 0.0], 1.0), ([1.0, 3.0], 0.8)],
)
def test_fairness(share, fairness):
    assert jain(np.array(share)) == pytest.approx(fairness)

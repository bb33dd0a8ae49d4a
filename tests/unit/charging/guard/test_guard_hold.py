"""What a station may hold: only what it confirmed, followed and showed lowers it."""

import math

import numpy as np
import pytest

from tests.unit.charging.guard.conftest import PATIENCE, boxes
from voltherd.charging.guard_hold import Heard, Patience, hear, is_stuck, might_draw, send, start

NAN = math.nan


def heard(serial=-1, accepted=True, peak=NAN, second=NAN):
    return Heard(np.array([serial]), np.array([accepted]), np.array([peak]), np.array([second]))


SITE = boxes(1, ampere=60.0)
BLIND = boxes(1, ampere=60.0, metered=False)
FALLS_BACK = boxes(1, ampere=60.0, default_ampere=8.0)
IN_FULL = boxes(1, ampere=60.0, default_ampere=32.0, least_ampere=32.0, step_ampere=32.0)
WILD = boxes(1, ampere=60.0, obeys=False)


def begun(site=SITE, held=20.0):
    return start(site, np.array([held]), np.array([4]))


def asked(limit, clock=10.0, hold=None):
    after, sending = send(hold or begun(), np.array([limit]), clock, PATIENCE)
    return after, bool(sending[0])


def lowered(site=SITE, accepted_at=11.0):
    """Asked at 10 s for 10 A instead of 20, accepted at 11 s: to be followed by 14 s."""
    hold, _ = asked(10.0, hold=begun(site))
    return hear(hold, site, heard(serial=5), accepted_at, PATIENCE)


@pytest.mark.parametrize(("held", "counts"), [(20.0, 20.0), (0.0, 0.0), (32.0, 32.0)])
def test_what_is_known_to_be_held_counts(held, counts):
    hold = begun(held=held)
    assert hold.held_ampere.tolist() == hold.sent_ampere.tolist() == [counts]


@pytest.mark.parametrize("held", [NAN, -1.0, math.inf, 33.0])
def test_what_is_not_known_counts_with_the_hardware(held):
    assert begun(held=held).held_ampere.tolist() == [32.0]


def test_who_does_not_obey_counts_with_the_hardware():
    assert begun(WILD, 6.0).held_ampere.tolist() == [32.0]


def test_the_beginning_owes_nothing():
    hold = begun()
    assert not is_stuck(hold, SITE, 1e9, PATIENCE).any()
    assert hold.serial.tolist() == [4]
    assert hold.sent_second.tolist() == hold.held_second.tolist() == [0.0]
    assert np.isnan(hold.accepted_second).all()


def test_more_counts_when_it_is_sent():
    hold, sending = asked(25.0)
    assert sending
    assert hold.held_ampere.tolist() == [25.0]
    assert hold.serial.tolist() == [5]
    assert hold.owing_second.tolist() == [math.inf]


def test_less_does_not_count_when_it_is_sent():
    hold, sending = asked(10.0)
    assert sending
    assert hold.held_ampere.tolist() == [20.0]
    assert hold.sent_ampere.tolist() == [10.0]
    assert hold.owing_second.tolist() == [10.0]


def test_less_counts_once_accepted_followed_and_seen():
    hold = hear(lowered(), SITE, heard(serial=5, peak=10.5, second=14.0), 15.0, PATIENCE)
    assert hold.held_ampere.tolist() == [10.0]
    assert hold.held_second.tolist() == [14.0]


@pytest.mark.parametrize(
    "what",
    [
        heard(),
        heard(peak=10.6, second=14.0),
        heard(peak=10.0, second=13.9),
        heard(peak=NAN, second=NAN),
        heard(serial=5, accepted=False, peak=10.0, second=14.0),
    ],
)
def test_less_does_not_count_without_all_of_it(what):
    hold = hear(lowered(), SITE, what, 15.0, PATIENCE)
    assert hold.held_ampere.tolist() == [20.0]
    assert hold.held_second.tolist() == [0.0]


@pytest.mark.parametrize("serial", [-1, 0, 4, 6])
def test_the_answer_to_another_limit_is_no_answer(serial):
    hold, _ = asked(10.0)
    hold = hear(hold, SITE, heard(serial=serial), 11.0, PATIENCE)
    assert np.isnan(hold.accepted_second).all()


def test_the_first_acceptance_counts_and_repeating_it_changes_nothing():
    hold = lowered()
    assert hold.accepted_second.tolist() == [11.0]
    assert hear(hold, SITE, heard(serial=5), 13.0, PATIENCE).accepted_second.tolist() == [11.0]
    assert hear(hold, SITE, heard(), 13.0, PATIENCE).accepted_second.tolist() == [11.0]


def test_a_refusal_takes_an_acceptance_back():
    hold = hear(lowered(), SITE, heard(serial=5, accepted=False), 12.0, PATIENCE)
    assert np.isnan(hold.accepted_second).all()


def test_a_station_without_a_meter_is_believed_when_it_has_had_its_time():
    hold = lowered(BLIND)
    assert hear(hold, BLIND, heard(), 13.9, PATIENCE).held_ampere.tolist() == [20.0]
    hold = hear(hold, BLIND, heard(), 14.0, PATIENCE)
    assert hold.held_ampere.tolist() == [10.0]
    assert hold.held_second.tolist() == [14.0]


def test_a_station_that_does_not_obey_is_never_believed():
    hold, _ = asked(10.0, hold=begun(WILD))
    hold = hear(hold, WILD, heard(serial=5), 11.0, PATIENCE)
    hold = hear(hold, WILD, heard(serial=5, peak=1.0, second=20.0), 20.0, PATIENCE)
    assert hold.held_ampere.tolist() == [32.0]


def test_who_draws_more_than_it_holds_counts_with_its_hardware_and_is_not_believed_for_a_while():
    hold = hear(begun(), SITE, heard(peak=20.5, second=5.0), 5.0, PATIENCE)
    assert hold.held_ampere.tolist() == [20.0]
    assert hold.believed_second.tolist() == [-math.inf]
    hold = hear(begun(), SITE, heard(peak=20.6, second=5.0), 6.0, PATIENCE)
    assert hold.held_ampere.tolist() == [32.0]
    assert hold.believed_second.tolist() == [66.0]
    assert is_stuck(hold, SITE, 65.9, PATIENCE).all()
    assert not is_stuck(hold, SITE, 66.0, PATIENCE).any()
    hold, _ = asked(10.0, hold=hold)
    hold = hear(hold, SITE, heard(serial=5), 11.0, PATIENCE)
    good = heard(serial=5, peak=10.0, second=60.0)
    assert hear(hold, SITE, good, 65.9, PATIENCE).held_ampere.tolist() == [32.0]
    assert hear(hold, SITE, good, 66.0, PATIENCE).held_ampere.tolist() == [10.0]


def test_what_was_measured_before_a_limit_was_followed_breaks_no_word():
    hold = hear(lowered(), SITE, heard(peak=10.0, second=14.0), 15.0, PATIENCE)
    early = hear(hold, SITE, heard(peak=20.0, second=13.9), 15.0, PATIENCE)
    assert early.held_ampere.tolist() == [10.0]
    late = hear(hold, SITE, heard(peak=20.0, second=14.0), 15.0, PATIENCE)
    assert late.held_ampere.tolist() == [32.0]


def test_falling_back_breaks_no_word():
    hold = begun(FALLS_BACK, 0.0)
    assert hear(hold, FALLS_BACK, heard(peak=8.5, second=1.0), 1.0, PATIENCE).held_ampere == 0.0
    assert hear(hold, FALLS_BACK, heard(peak=8.6, second=1.0), 1.0, PATIENCE).held_ampere == 32.0


def test_who_falls_back_to_its_hardware_breaks_no_word_by_a_little_more():
    hold = hear(begun(IN_FULL, 32.0), IN_FULL, heard(peak=33.4, second=5.0), 5.0, PATIENCE)
    assert not is_stuck(hold, IN_FULL, 5.0, PATIENCE).any()
    assert might_draw(hold, IN_FULL, heard(peak=33.4, second=5.0)).tolist() == [33.4]
    hold, _ = asked(0.0, hold=hold)
    hold = hear(hold, IN_FULL, heard(serial=5, peak=33.4, second=17.9), 17.9, PATIENCE)
    assert not is_stuck(hold, IN_FULL, 17.9, PATIENCE).any()
    assert is_stuck(hold, IN_FULL, 18.0, PATIENCE).all(), "who does not stop"
    hold = hear(hold, IN_FULL, heard(serial=5, peak=0.0, second=21.0), 21.0, PATIENCE)
    assert hold.held_ampere.tolist() == [0.0]


def test_a_station_might_draw_what_it_holds_falls_back_to_or_shows():
    assert might_draw(begun(), SITE, heard()).tolist() == [20.0]
    assert might_draw(begun(FALLS_BACK, 0.0), FALLS_BACK, heard()).tolist() == [8.0]
    assert might_draw(begun(), SITE, heard(peak=20.4, second=3.0)).tolist() == [20.4]
    assert might_draw(begun(), SITE, heard(peak=20.4)).tolist() == [20.0]
    assert might_draw(begun(held=0.0), SITE, heard()).tolist() == [0.0]


def test_a_raise_that_was_confirmed_changes_nothing():
    hold, _ = asked(25.0)
    hold = hear(hold, SITE, heard(serial=5), 11.0, PATIENCE)
    after = hear(hold, SITE, heard(serial=5, peak=25.0, second=14.0), 15.0, PATIENCE)
    assert after.held_ampere.tolist() == [25.0]
    assert after.held_second.tolist() == [0.0]


def test_it_is_stuck_when_its_time_is_up_and_no_more_when_it_has_followed():
    hold = lowered()
    assert not is_stuck(hold, SITE, 17.9, PATIENCE).any()
    assert is_stuck(hold, SITE, 18.0, PATIENCE).all()
    hold, _ = asked(9.0, 12.0, hold)  # asking again and again gives it no more time
    assert is_stuck(hold, SITE, 18.0, PATIENCE).all()
    hold = hear(hold, SITE, heard(serial=6), 13.0, PATIENCE)
    hold = hear(hold, SITE, heard(peak=9.0, second=17.0), 19.0, PATIENCE)
    hold, sending = asked(9.0, 19.0, hold)
    assert not sending
    assert not is_stuck(hold, SITE, 1e9, PATIENCE).any()


def test_who_does_not_obey_is_stuck_from_the_beginning():
    assert is_stuck(begun(WILD), WILD, 0.0, PATIENCE).all()


def test_a_new_limit_forgets_the_acceptance_of_the_one_before():
    hold, _ = asked(9.0, 12.0, lowered())
    assert np.isnan(hold.accepted_second).all()
    assert hold.serial.tolist() == [6]
    assert hold.sent_second.tolist() == [12.0]


def test_what_nothing_came_of_is_sent_again_with_the_same_number():
    hold, _ = asked(10.0)
    hold, sending = asked(10.0, 17.9, hold)
    assert not sending
    assert hold.sent_second.tolist() == [10.0]
    hold, sending = asked(10.0, 18.0, hold)
    assert sending
    assert hold.serial.tolist() == [5]
    assert hold.sent_second.tolist() == [18.0]
    _, sending = asked(10.0, 20.0, hold)
    assert not sending


def test_an_acceptance_that_was_not_followed_is_sent_again_too():
    _, sending = asked(10.0, 18.0, lowered())
    assert sending


def test_an_accepted_raise_is_not_sent_again():
    hold, _ = asked(25.0)
    hold = hear(hold, SITE, heard(serial=5), 11.0, PATIENCE)
    _, sending = asked(25.0, 99.0, hold)
    assert not sending


def test_an_unanswered_raise_is_sent_again():
    hold, _ = asked(25.0)
    _, sending = asked(25.0, 99.0, hold)
    assert sending


def test_patience_is_what_is_documented():
    assert Patience() == (6.0, 15.0, 3600.0, 0.5)

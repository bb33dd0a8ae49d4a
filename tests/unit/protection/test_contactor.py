"""The contactors open when the current has faded or its time is over, and stay open."""

import math

import pytest

from tests.unit.protection.conftest import LIMITS
from voltherd.protection.contactor import Contactor, ContactorState, reset, step
from voltherd.protection.watch import Standing

CLOSED = ContactorState(Contactor.CLOSED, 0.0)


def standing(second, ampere=0.0, trip=False):
    return Standing(second, 0.0, 0.0, trip, ampere)


def test_without_a_trip_they_stay_closed():
    assert step(CLOSED, standing(10.0, 300.0), LIMITS) == CLOSED


@pytest.mark.parametrize("ampere", [5.0, -5.0, 0.0, 4.9])
def test_without_current_they_open_at_once(ampere):
    assert step(CLOSED, standing(10.0, ampere, True), LIMITS) == ContactorState(
        Contactor.OPEN, 10.0
    )


@pytest.mark.parametrize("ampere", [5.1, -5.1, 300.0, math.nan])
def test_under_load_they_wait_until_the_time_for_fading_is_over(ampere):
    state = step(CLOSED, standing(10.0, ampere, True), LIMITS)
    assert state == ContactorState(Contactor.OPENING, 10.0)
    state = step(state, standing(13.9, ampere, True), LIMITS)
    assert state == ContactorState(Contactor.OPENING, 10.0)
    state = step(state, standing(14.0, ampere, True), LIMITS)
    assert state == ContactorState(Contactor.OPEN, 14.0)


def test_they_open_even_if_the_cause_has_gone_meanwhile():
    state = step(CLOSED, standing(10.0, 100.0, True), LIMITS)
    assert step(state, standing(11.0, 1.0, False), LIMITS) == ContactorState(Contactor.OPEN, 11.0)


def test_open_ones_stay_open_until_somebody_resets_them():
    open_ = ContactorState(Contactor.OPEN, 10.0)
    assert step(open_, standing(99.0, 0.0, False), LIMITS) == open_
    assert reset(open_, standing(99.0, 0.0, True)) == open_
    assert reset(open_, standing(99.0, 0.0, False)) == ContactorState(Contactor.CLOSED, 99.0)


@pytest.mark.parametrize("contactor", [Contactor.CLOSED, Contactor.OPENING])
def test_a_reset_changes_nothing_but_open_contactors(contactor):
    state = ContactorState(contactor, 10.0)
    assert reset(state, standing(99.0)) == state

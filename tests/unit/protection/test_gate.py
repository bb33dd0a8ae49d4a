"""Every request against every standing: never more than is left, never the other way, never NaN."""

import itertools
import math

import pytest

from tests.unit.protection.conftest import LIMITS
from voltherd.protection.contactor import Contactor
from voltherd.protection.gate import holds, permit
from voltherd.protection.watch import Standing

ODD = (math.nan, math.inf, -math.inf)
REQUESTS = (-1e9, -201.0, -200.0, -199.0, -1.0, -0.0, 0.0, 1.0, 99.0, 100.0, 101.0, 1e9, *ODD)


def standing(charge=100.0, discharge=200.0, trip=False, second=50.0):
    return Standing(second, charge, discharge, trip, 0.0)


def asked(request, left=None, contactor=Contactor.CLOSED, now=51.0, ceilings=()):
    return permit(request, left or standing(), contactor, LIMITS, now, ceilings)


@pytest.mark.parametrize("request_ampere", REQUESTS)
@pytest.mark.parametrize("trip", [False, True])
@pytest.mark.parametrize("contactor", list(Contactor))
def test_no_request_gets_more_than_is_left_or_turns_around(request_ampere, trip, contactor):
    for charge, discharge in itertools.product((0.0, 50.0, 100.0, math.nan), repeat=2):
        given = asked(request_ampere, standing(charge, discharge, trip), contactor)
        assert math.isfinite(given)
        assert given <= 0.0 or given <= charge
        assert given >= 0.0 or given >= -discharge
        assert given == 0.0 or math.copysign(1.0, given) == math.copysign(1.0, request_ampere)
        assert not math.isnan(request_ampere) or given == 0.0


@pytest.mark.parametrize(
    ("request_ampere", "given"),
    [
        (60.0, 60.0),
        (0.5, 0.5),
        (160.0, 100.0),
        (-60.0, -60.0),
        (-0.5, -0.5),
        (-260.0, -200.0),
        (math.inf, 100.0),
    ],
)
def test_what_is_left_is_given(request_ampere, given):
    assert asked(request_ampere) == given


@pytest.mark.parametrize(
    ("now", "given"),
    [
        (49.999, 0.0),
        (50.0, 60.0),
        (55.0, 60.0),
        (55.001, 0.0),
        (1e9, 0.0),
        (math.nan, 0.0),
        (-math.inf, 0.0),
    ],
)
def test_an_old_sample_or_one_from_the_future_permits_nothing(now, given):
    assert asked(60.0, now=now) == given


def test_a_sample_without_a_time_permits_nothing():
    assert asked(60.0, standing(second=math.nan)) == 0.0


def test_open_contactors_permit_nothing():
    assert asked(60.0, contactor=Contactor.OPEN) == 0.0
    assert asked(-60.0, contactor=Contactor.OPEN) == 0.0


def test_on_a_trip_charging_ends_at_once_while_traction_fades():
    fading = standing(charge=75.0, discharge=150.0, trip=True)
    assert asked(60.0, fading, Contactor.OPENING) == 0.0
    assert asked(-160.0, fading, Contactor.OPENING) == -150.0


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_ceilings_only_tighten(sign):
    assert asked(sign * 80.0, ceilings=(50.0,)) == sign * 50.0
    assert asked(sign * 80.0, ceilings=(90.0, 20.0)) == sign * 20.0
    assert abs(asked(sign * 1e6, ceilings=(1e9, math.inf))) == (100.0 if sign > 0 else 200.0)
    assert asked(sign * 80.0, ceilings=(0.5,)) == sign * 0.5
    assert asked(sign * 80.0, ceilings=(0.0,)) == 0.0


@pytest.mark.parametrize("ceiling", [math.nan, -1.0, -math.inf])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_ceiling_that_is_none_permits_nothing(ceiling, sign):
    assert asked(sign * 80.0, ceilings=(50.0, ceiling)) == 0.0


@pytest.mark.parametrize("left", [math.nan, -5.0])
def test_a_standing_that_is_none_permits_nothing(left):
    assert asked(80.0, standing(charge=left)) == 0.0
    assert asked(-80.0, standing(discharge=left)) == 0.0


@pytest.mark.parametrize(
    ("age", "valid", "obeyed"),
    [
        (0.0, 60.0, True),
        (60.0, 60.0, True),
        (60.1, 60.0, False),
        (-0.1, 60.0, False),
        (300.0, 1e9, True),
        (300.1, 1e9, False),
        (math.nan, 60.0, False),
        (1.0, math.nan, False),
        (1.0, -1.0, False),
    ],
)
def test_a_command_holds_for_its_time_and_never_longer_than_the_most(age, valid, obeyed):
    assert holds(age, valid) is obeyed

"""What people are told of a station: faults joined, the next foretold or not, orders not obeyed."""

import pytest

from voltherd.charging.station_record import (
    Deviation,
    Fault,
    disobeyed,
    faults,
    gathered,
    outlook,
    served_fraction,
)
from voltherd.types.station import ChargingPeriod, ChargingSchedule, StatusTold

DAY = 86_400.0


def told(evse, second, word, error=""):
    return StatusTold(evse, 1, word, second, error)


def test_a_station_is_faulty_from_its_first_faulty_connector_to_its_last():
    story = [
        told(2, 40.0, "Available"),
        told(1, 10.0, "Faulted", "GroundFailure"),
        told(2, 20.0, "Faulted"),
        told(1, 30.0, "Available"),
        told(1, 50.0, "Faulted"),
    ]
    assert faults(story) == (Fault(10.0, 40.0, 1, "GroundFailure"), Fault(50.0, None, 1, ""))


def test_with_few_faults_nothing_is_foretold_and_it_is_said_how_many_are_needed():
    found = [Fault(DAY, 1.1 * DAY, 1, ""), Fault(3 * DAY, 3.1 * DAY, 1, "")]
    coming = outlook(found, 0.0, 9 * DAY)
    assert (coming.chance, coming.text) == (None, "cannot tell yet (2 of 5 failures)")
    assert outlook([], 0.0, 9 * DAY).text == "cannot tell yet (0 of 5 failures)"
    assert outlook([], 5.0, 5.0).text == "cannot tell yet (0 of 5 failures)"


def test_with_enough_the_chance_has_an_interval_and_grows_with_their_rate():
    def regular(every):
        days = (0.3, 1.0, 3.2, 3.9, 4.1, 6.0, 6.4)
        return [Fault(k * every, k * every + 0.01, 1, "") for k in days]

    rare, often = (outlook(regular(e), 0.0, 6.5 * e).chance for e in (90 * DAY, 5 * DAY))
    assert 0.0 <= rare.low <= rare.value <= rare.high < often.high <= 1.0
    assert rare.value < often.value


def test_what_is_faulty_is_not_foretold():
    assert outlook([Fault(1.0, None, 1, "")], 0.0, 2.0).text == "it is faulty now"


def test_availability_is_the_mean_of_connectors_and_the_station_is_none():
    story = [
        told(0, 0.0, "Faulted"),
        told(1, 0.0, "Available"),
        told(1, 50.0, "Unavailable"),
        told(2, 0.0, "Charging"),
    ]
    assert served_fraction(story, 0.0, 100.0) == pytest.approx(0.75)
    assert served_fraction(story[:1], 0.0, 100.0) is None


PLAN = ChargingSchedule("W", (ChargingPeriod(0, 4000.0),), 0.0, 3600)


@pytest.mark.parametrize(
    ("status", "held", "told", "text"),
    [
        ("Accepted", PLAN, True, ""),
        ("Accepted", PLAN._replace(start_second=None), True, ""),
        ("Accepted", None, False, ""),
        ("Accepted", None, True, "accepted a profile and did not say what it holds"),
        (
            "Accepted",
            PLAN._replace(periods=(ChargingPeriod(0, 5000.0),)),
            True,
            "accepted a profile and holds higher limits",
        ),
        ("Rejected", None, False, "answered Rejected to a profile"),
    ],
)
def test_what_was_not_obeyed_is_said(status, held, told, text):
    assert disobeyed(PLAN, status, held, told=told) == text


def test_what_is_noted_is_counted_the_latest_first():
    noted = [(1.0, "a"), (2.0, "b"), (0.5, "a")]
    assert gathered(noted) == (Deviation("b", 1, 2.0), Deviation("a", 2, 1.0))

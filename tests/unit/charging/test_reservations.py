"""Booking: what cannot be used is promised to nobody, and the nearest that can comes first."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.wire.ocpp_samples import NOON
from voltherd.charging.central import Central, Heard, Reservation, Rules, step
from voltherd.charging.reservations import (
    EARTH_METRE,
    Place,
    distance_metre,
    granted,
    nearest,
    refusal,
    reserve,
)
from voltherd.types.station import Alive, StatusTold
from voltherd.types.station_command import Reserve

WISH = Reserve(7, 1, "CARD-1", NOON + 3600.0)


def standing(*statuses, station_id="A", central=None, second=NOON):
    """Books in which a station has told how its connectors stand: (EVSE, connector, status)."""
    central = central or Central(Rules(heartbeat_second=300))
    for evse, connector, status in statuses:
        event = StatusTold(evse, connector, status, second)
        central = step(central, Heard(station_id, second, event, True)).central
    return central


@pytest.mark.parametrize(
    ("statuses", "why"),
    [
        ([(1, 1, "Available")], ""),
        ([(1, 1, "Faulted"), (1, 2, "Available")], ""),
        ([(0, 0, "Available"), (1, 1, "Available"), (2, 1, "Occupied")], ""),
        ([(1, 1, "Faulted")], "it says that it is Faulted"),
        ([(1, 1, "Unavailable")], "it says that it is Unavailable"),
        ([(0, 0, "Faulted"), (1, 1, "Available")], "the station says that it is Faulted"),
        ([(1, 1, "Occupied"), (1, 2, "Available")], "somebody is plugged in there (Occupied)"),
        ([(1, 1, "Preparing")], "somebody is plugged in there (Preparing)"),
        ([(1, 1, "Finishing")], "somebody is plugged in there (Finishing)"),
        ([(1, 1, "Reserved")], "it says that it is Reserved"),
        ([(2, 1, "Available")], "it has not said how it stands"),
    ],
)
def test_what_a_station_says_of_an_evse_decides_whether_it_is_promised(statuses, why):
    central = standing(*statuses)
    promise = reserve(central, "A", WISH, NOON)
    assert promise.why == why
    assert (promise.command == WISH) == (not why)


def test_any_evse_of_a_station_is_promised_while_one_is_free():
    anyone = WISH._replace(evse_id=0)
    half = standing((1, 1, "Faulted"), (2, 1, "Available"))
    assert refusal(half, "A", anyone, NOON) == ""
    none = standing((1, 1, "Faulted"), (2, 1, "Occupied"))
    assert refusal(none, "A", anyone, NOON) == "no EVSE of it is free"


def test_a_station_that_was_not_heard_for_two_heartbeats_is_away_unless_its_connection_is_known():
    central = standing((1, 1, "Available"))
    assert refusal(central, "A", WISH, NOON + 600.0) == ""
    assert refusal(central, "A", WISH, NOON + 601.0) == "the station is away"
    assert refusal(central, "A", WISH, NOON + 601.0, connected=True) == ""
    assert refusal(central, "A", WISH, NOON, connected=False) == "the station is away"
    heard = step(central, Heard("A", NOON + 601.0, Alive(), True)).central
    assert refusal(heard, "A", WISH, NOON + 700.0) == ""
    assert refusal(central, "B", WISH, NOON) == "no such station"


def test_nobody_has_two_places_but_may_keep_one_for_longer():
    central = standing((1, 1, "Available"), (2, 1, "Available"))
    central = standing((1, 1, "Available"), station_id="B", central=central)
    central = granted(central, "A", WISH, NOON)
    for station_id, wish in (
        ("A", Reserve(8, 2, *WISH[2:])),
        ("B", WISH),
        ("B", Reserve(8, *WISH[1:])),
    ):
        assert refusal(central, station_id, wish, NOON) == "CARD-1 has a reservation at A already"
    central = standing((1, 1, "Reserved"), central=central, second=NOON + 1.0)
    longer = WISH._replace(expiry_second=NOON + 7200.0)
    central = reserve(central, "A", longer, NOON + 2.0).central
    assert central.stations["A"].reservations == {7: Reservation(*longer)}
    other = Reserve(9, 1, "CARD-2", NOON + 60.0)
    assert refusal(central, "A", other, NOON + 2.0) == "it is reserved already"
    over = NOON + 7201.0  # the station says Reserved until it says otherwise
    late = other._replace(expiry_second=over + 60.0)
    assert refusal(central, "A", late, over, connected=True) == "it says that it is Reserved"


def test_what_was_promised_is_booked_again_whatever_the_station_said_since():
    later = standing((1, 1, "Faulted"), second=NOON + 60.0)
    assert granted(later, "A", WISH, NOON).stations["A"].reservations == {7: Reservation(*WISH)}
    assert granted(Central(), "A", WISH, NOON).stations["A"].reservations.keys() == {7}


# The nearest.

HERE = (52.50, 13.40)
NEAR = Place("near", "A", 1, 52.501, 13.40)
FAR = Place("far", "B", 1, 52.50, 13.45)
FARTHEST = Place("farthest", "C", 1, 52.60, 13.40)


def three(**statuses):
    central = Central()
    for station_id in "ABC":
        status = statuses.get(station_id, "Available")
        central = standing((1, 1, status), station_id=station_id, central=central)
    return central


def test_the_nearest_that_can_be_had_comes_first_and_the_others_say_why_not():
    def ranked(central, connected=frozenset("ABC")):
        places = (FARTHEST, FAR, NEAR)
        return [
            (o.place.name, o.why) for o in nearest(central, places, WISH, HERE, NOON, connected)
        ]

    assert ranked(three()) == [("near", ""), ("far", ""), ("farthest", "")]
    assert ranked(three(A="Faulted", B="Occupied")) == [
        ("farthest", ""),
        ("near", "it says that it is Faulted"),
        ("far", "somebody is plugged in there (Occupied)"),
    ]
    assert ranked(three(), frozenset("BC"))[-1] == ("near", "the station is away")


def test_distances_are_those_of_a_sphere():
    quarter = 0.25 * 2.0 * 3.141592653589793 * EARTH_METRE
    assert distance_metre((0.0, 0.0), (90.0, 0.0)) == pytest.approx(quarter)
    assert distance_metre((0.0, 179.5), (0.0, -179.5)) == pytest.approx(quarter / 90.0)
    assert distance_metre((0.0, 0.0), (0.0, 180.0)) == pytest.approx(2.0 * quarter)
    # London to Paris, 343.6 km on the sphere of this radius
    assert distance_metre((51.5074, -0.1278), (48.8566, 2.3522)) == pytest.approx(343_556, abs=10)


POSITION = st.tuples(st.floats(-90.0, 90.0), st.floats(-180.0, 180.0))


@given(POSITION, POSITION, POSITION)
def test_a_detour_is_no_shorter(one, two, three):
    direct = distance_metre(one, three)
    assert direct <= distance_metre(one, two) + distance_metre(two, three) + 1.0
    assert direct == pytest.approx(distance_metre(three, one), abs=1e-3)

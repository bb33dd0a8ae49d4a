"""Transactions of one vehicle at a station that is started and stopped are one stay."""

from dataclasses import replace

import pytest

from voltherd.charging.central import Central, Heard, Rules, paused, step
from voltherd.charging.stays import STAY_SECOND_MAX, stay_at, stays_of, unplugged
from voltherd.types.station import (
    BEGIN,
    END,
    ENERGY,
    Booted,
    MeterReading,
    StatusTold,
    TokenVerdict,
    TransactionTold,
)

RULES = Rules(tokens={"CARD": TokenVerdict("Accepted"), "OTHER": TokenVerdict("Accepted")})


def wh(second, energy_wh, context):
    return (MeterReading(second, ENERGY, energy_wh, "Wh", "", context),)


def started(second, number, energy_wh=0.0, token="CARD"):
    readings = wh(second, energy_wh, BEGIN)
    return TransactionTold("started", number, second, 0, 1, 1, token, readings)


def ended(second, number, energy_wh, reason="Remote"):
    readings = wh(second, energy_wh, END)
    return TransactionTold("ended", number, second, 1, 1, 1, "", readings, reason)


def status(second, word):
    return StatusTold(1, 1, word, second)


def book(*events, noted=()):
    central = Central(RULES)
    for event in events:
        central = step(central, Heard("S", event.time_second, event, True)).central
    for number in noted:
        central = paused(central, "S", number)
    return central.stations["S"]


FIRST = (started(100.0, "a", 1000.0), ended(200.0, "a", 1300.0), status(200.0, "Occupied"))
SECOND = (started(400.0, "b", 1310.0), ended(500.0, "b", 1500.0))


def test_who_was_stopped_from_afar_waits():
    stay = stay_at(book(*FIRST), 1, 300.0, unplugged)
    assert (stay.running, stay.since_second, stay.parts) == (None, 200.0, 1)
    assert stay.whole.is_open
    assert stay.whole.energy_wh == 300.0


def nameless(event):
    """A transaction that says at which EVSE it is, and not at which of its plugs."""
    return event._replace(connector_id=0)


def test_a_plug_that_is_not_told_is_free_when_all_of_the_evse_are():
    begun, busy = map(nameless, FIRST[:2]), FIRST[2]
    other = StatusTold(1, 2, "Available", 210.0)
    waiting = (*begun, busy, other)
    assert stay_at(book(*waiting), 1, 300.0, unplugged) is not None
    left = book(*waiting, status(250.0, "Available"))
    assert stay_at(left, 1, 300.0, unplugged) is None
    assert left.transactions["a"].left_second == 250.0


AHEAD = 3600.0


def heard(central, event, second):
    return step(central, Heard("S", second, event, False)).central


def test_a_status_without_a_time_is_of_the_stations_clock_though_that_is_ahead():
    central = Central(RULES)
    central = heard(central, started(100.0 + AHEAD, "a", 1000.0), 100.0)
    central = heard(central, ended(200.0 + AHEAD, "a", 1300.0), 200.0)
    central = heard(central, status(300.0, "Available"), 300.0)
    known = central.stations["S"]
    assert known.transactions["a"].left_second == 300.0 + AHEAD
    assert known.clock_offset_second == AHEAD
    anew = heard(heard(central, Booted("Maker", "Post"), 400.0), status(410.0, "Faulted"), 410.0)
    assert anew.stations["S"].statuses[1, 1].status == "Faulted", "though its clock may be another"


def test_a_status_without_a_time_says_nothing_of_the_stations_clock():
    central = heard(Central(RULES), started(100.0 - AHEAD, "a"), 100.0)
    central = heard(central, status(200.0, "Occupied"), 200.0)
    assert central.stations["S"].clock_offset_second == -AHEAD


def test_parts_are_one_stay_with_the_energy_of_each():
    known = book(*FIRST, started(400.0, "b", 1310.0))
    stay = stay_at(known, 1, 450.0, unplugged)
    assert (stay.running.transaction_id, stay.since_second, stay.parts) == ("b", 400.0, 2)
    assert (stay.whole.transaction_id, stay.whole.start_second) == ("a", 100.0)
    [whole] = stays_of(book(*FIRST, *SECOND, status(900.0, "Available")), 1, 950.0, unplugged)
    assert whole.energy_wh == 490.0, "what the register rose by in between is nobody's"
    assert (whole.stop.time_second, whole.is_open) == (900.0, False), "when it left"


@pytest.mark.parametrize(
    ("events", "noted", "waits"),
    [
        ((*FIRST, status(250.0, "Available")), (), False),
        ((FIRST[0], status(201.0, "Available"), FIRST[1]), (), False),  # told before the end
        ((status(50.0, "Available"), *FIRST[:2]), (), True),  # of before it came
        ((FIRST[0], ended(200.0, "a", 1300.0, "Local")), (), False),
        ((FIRST[0], ended(200.0, "a", 1300.0, "Local")), ("a",), True),  # it says so of any stop
        ((FIRST[0], ended(200.0, "a", 1300.0, "PowerLoss")), (), True),
        ((FIRST[0], ended(200.0, "a", 1300.0, "EVDisconnected")), (), False),
    ],
)
def test_who_is_to_go_on(events, noted, waits):
    stay = stay_at(book(*events, noted=noted), 1, 300.0, unplugged)
    assert (stay is not None) == waits


@pytest.mark.parametrize(
    "later",
    [
        (status(300.0, "Available"), *SECOND),  # it left and came again
        (started(400.0, "b", 1310.0, "OTHER"), SECOND[1]),
        (started(100.0 + STAY_SECOND_MAX + 1.0, "b", 1310.0),),
    ],
)
def test_another_stay_is_another(later):
    known = book(*FIRST, *later)
    assert len(list(stays_of(known, 1, 1e12, unplugged))) == 2


def nights(count):
    """Each night two parts of a stay, the vehicle away in between."""
    for night in range(count):
        noon = 1e5 + night * 86_400.0
        for part in range(2):
            begin = noon + part * 7200.0
            number = f"{night}-{part}"
            yield started(begin, number, 0.0)
            yield status(begin, "Occupied")
            yield ended(begin + 3600.0, number, 500.0)
        yield status(noon + 50_000.0, "Available")


def test_stays_that_ended_long_ago_are_not_put_together_anew():
    known = book(*nights(60))
    now = 1e5 + 60 * 86_400.0
    every = list(stays_of(known, 1, now, unplugged))
    since = now - 86_400.0
    few = list(stays_of(known, 1, now, unplugged, since))
    assert len(every) == 60
    assert few == every[-len(few) :]
    assert len(few) == 17, "a day, and twice the longest stay"
    for margin in (0.0, 3600.0, 40_000.0, 80_000.0):
        some = stays_of(known, 1, now, unplugged, since - margin)
        found = [one for one in some if one.stop.time_second >= since - margin]
        assert found == [one for one in every if one.stop.time_second >= since - margin]


def test_a_stay_that_lasts_is_given_however_long_ago_it_was_stopped():
    known = book(*FIRST)
    later = 200.0 + 3.0 * STAY_SECOND_MAX
    [whole] = stays_of(known, 1, later, unplugged, later - 1.0)
    assert whole == stay_at(known, 1, later, unplugged).whole


def test_one_whose_end_was_never_told_is_over_when_another_began():
    lost = started(50.0, "lost", token="OTHER")
    stay = stay_at(book(lost, *FIRST), 1, 300.0, unplugged)
    assert (stay.whole.transaction_id, stay.running) == ("a", None)
    runs = stay_at(book(lost, FIRST[0]), 1, 150.0, unplugged)
    assert (runs.whole.transaction_id, runs.running.transaction_id) == ("a", "a")
    assert stay_at(book(FIRST[0], FIRST[1], started(400.0, "b")), 1, 450.0, unplugged).parts == 2
    unknown = ended(400.0, "c", 0.0)._replace(kind="updated", seq_no=0)
    assert stay_at(book(*FIRST, unknown), 1, 450.0, unplugged) is None, "nobody knows since when"


def test_where_nobody_tells_of_plugs_a_stay_ends_at_its_departure():
    known = book(*FIRST, status(202.0, "Available"), *SECOND, status(502.0, "Available"))

    def departure(whole):
        return whole.start_second + 800.0

    assert stay_at(known, 1, 899.0, departure).whole.energy_wh == 490.0
    assert stay_at(known, 1, 901.0, departure) is None
    [whole] = stays_of(known, 1, 901.0, departure)
    assert whole.stop.time_second == 900.0


def test_a_stay_ends_when_the_next_begins():
    known = book(*FIRST, started(400.0, "b", 1310.0, "OTHER"))
    first, _ = stays_of(known, 1, 450.0, lambda _: 900.0)
    assert first.stop.time_second == 400.0


def test_what_was_stopped_is_known_of_transactions_that_are_known():
    central = Central(RULES)
    assert paused(central, "S", "a") is central
    assert stay_at(replace(book(*FIRST), latest={}), 1, 300.0, unplugged) is None

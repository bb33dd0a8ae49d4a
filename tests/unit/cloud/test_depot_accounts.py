"""What became of a stay, and why it was not enough."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tests.unit.cloud.test_depot_tonight import FILE, charging
from voltherd.charging.central import Central, StationBook
from voltherd.charging.transactions import Said
from voltherd.cloud.depot_accounts import Watched, accounts
from voltherd.cloud.depot_tonight import chargers
from voltherd.report.depot_accounts import render_accounts


def second(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def account(start, stop, wh, watched=None):
    stay = charging("CARD-1", second(start), wh)
    if stop is not None:
        stay = replace(stay, stop=Said(second(stop), "EVDisconnected"))
    book = StationBook("A", transactions={"T1": stay})
    seen = {} if watched is None else {"A/T1": watched}
    [found] = accounts(FILE, chargers(FILE), Central(stations={"A": book}), seen)
    return found


def test_who_has_what_it_wanted_is_ready():
    found = account("2026-11-26 17:45", "2026-11-27 05:30", 70_000.0 / 0.95)
    assert (found.vehicle, found.ready, found.why) == ("bus", True, "")
    assert found.stored_kwh == pytest.approx(found.wanted_kwh)
    assert "yes" in render_accounts([found], "UTC", 100)


@pytest.mark.parametrize(
    ("start", "stop", "watched", "why"),
    [
        ("2026-11-26 17:40", "2026-11-27 04:00", None, "it left 90 min before it was to"),
        ("2026-11-26 19:40", "2026-11-27 05:30", None, "it came 120 min late"),
        ("2026-11-26 17:40", "2026-11-27 05:30", None, "not known: nobody watched"),
        (
            "2026-11-26 17:40",
            "2026-11-27 05:30",
            Watched(
                {"does not follow": 600.0, "the plan gives none": 9000.0}, "limits leave 9 kWh out"
            ),
            "limits leave 9 kWh out; does not follow for 10 min",
        ),
    ],
)
def test_why_it_is_not_is_said(start, stop, watched, why):
    found = account(start, stop, 30_000.0, watched)
    assert (found.ready, found.why) == (False, why)
    text = render_accounts([found], "UTC", 100)
    assert why in text
    assert "0 of 1 ready; 30.000 kWh by the meters" in text


def test_who_is_still_there_may_yet_be_ready():
    found = account("2026-11-26 17:40", None, 30_000.0)
    assert (found.ready, found.why, found.stop_second) == (False, "", None)
    assert "not yet" in render_accounts([found], "UTC", 100)


def test_stations_that_number_alike_are_told_apart():
    stay = charging("CARD-1", second("2026-11-26 17:40"), 1000.0)
    stay = replace(stay, stop=Said(second("2026-11-27 05:30"), "Local"))
    books = {name: StationBook(name, transactions={"T1": stay}) for name in "AB"}
    seen = {"A/T1": Watched({"does not follow": 600.0})}
    found = accounts(FILE, chargers(FILE), Central(stations=books), seen)
    assert {one.charger: one.why for one in found} == {
        "A": "does not follow for 10 min",
        "B": "not known: nobody watched",
    }


def test_nobody():
    assert render_accounts([], "UTC", 100) == "no vehicle has charged\n"

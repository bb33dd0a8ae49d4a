"""A depot that runs, by its books alone: what it keeps of a stay that waits."""

import asyncio

import pytest

from tests.unit.cloud.test_depot_tonight import PLAIN, second
from voltherd.charging.central import Central, Heard, Rules, paused, step
from voltherd.charging.live import Metered
from voltherd.cloud.depot_file import site_file
from voltherd.cloud.depot_live import TOOK_LESS, WAITS, LiveDepot
from voltherd.types.station import (
    POWER,
    MeterReading,
    MeterTold,
    NeedsTold,
    StatusTold,
    TokenVerdict,
    TransactionTold,
)
from voltherd.types.station_command import Outcome, RemoteStart

START = second("2026-11-26 18:02")
ONE = {"id": "A", "power_kilowatt": 22, "control": "start_stop"}
FILE = site_file(
    PLAIN
    | {
        "connection": {"limit_kilowatt": 60, "base_kilowatt": 9},
        "chargers": [ONE, ONE | {"id": "B"}],
        "groups": [],
    },
    "here",
)
NEEDS = NeedsTold(1, "AC_three_phase", START + 7200.0, 40e3, None, 100e3, 0.3)


def told(central, event, second):
    return step(central, Heard("A", second, event, True)).central


def begun(central, second=START):
    event = TransactionTold("started", "a", second, 0, 1, 1, "CARD-1")
    return told(central, event, second)


def stopped(central, second):
    event = TransactionTold("ended", "a", second, 1, 1, 1, reason="Remote")
    return paused(told(central, event, second), "A", "a")


class Here:
    """The depot, its books, and what its meter shows [A]."""

    def __init__(self, central):
        self.central, self.now, self.ampere, self.asked = central, START, 13.0, []
        self.live = LiveDepot(
            FILE,
            "here",
            books=lambda: self.central,
            online=lambda: ("A", "B"),
            ask=self.ask,
            meter=lambda: Metered((self.ampere,) * 3, self.now),
        )

    async def ask(self, station_id, command):
        self.asked.append((station_id, command))
        return Outcome("Accepted")

    async def seconds(self, count, each=1.0):
        for _ in range(count):
            self.now += each
            self.live.tick(self.now)
            await self.live.settled()

    @property
    def why(self):
        return self.live.watched["A/a"].why


@pytest.fixture
def here():
    return Here(Central(Rules(dict.fromkeys(("CARD-1", "CARD-2"), TokenVerdict("Accepted")))))


def test_what_a_vehicle_asked_for_is_kept_while_it_waits(here):
    here.central = told(begun(here.central), NEEDS, START)

    async def lived():
        await here.seconds(3)
        here.central = stopped(here.central, here.now)
        assert not here.central.stations["A"].needs, "the next vehicle there has its own"
        await here.seconds(3, 900.0)
        [account] = here.live.accounts()
        await here.live.stop()
        return account

    account = asyncio.run(lived())
    assert account.departure_second == NEEDS.departure_second
    assert account.wanted_kwh == pytest.approx(40.0)


def test_who_is_not_started_took_no_less_than_it_was_offered(here):
    here.central = begun(here.central)

    async def lived():
        await here.seconds(3)
        here.central = stopped(here.central, here.now)
        here.ampere = 80.0  # more than announced, so that nobody is started
        await here.seconds(60, 10.0)
        await here.live.stop()

    asyncio.run(lived())
    assert here.why[WAITS] > 100.0
    assert TOOK_LESS not in here.why


def test_who_is_on_and_draws_nothing_took_less(here):
    nothing = MeterReading(START, POWER, 0.0, "W")
    here.central = told(begun(here.central), MeterTold(1, (nothing,)), START)

    async def lived():
        await here.seconds(10)
        await here.live.stop()

    asyncio.run(lived())
    assert here.why[TOOK_LESS] > 0.0
    assert WAITS not in here.why


@pytest.mark.parametrize("ahead_second", [-3600.0, 0.0, 3600.0])
def test_what_was_just_started_counts_until_the_meter_shows_it_by_any_clock(here, ahead_second):
    """At 50 A there is room below 87 A for one of 32 A more, and not for two."""
    begins = TransactionTold("started", "a", START, 0, 1, 1, "CARD-1")
    ends = TransactionTold("ended", "a", START, 1, 1, 1, reason="Remote")

    def tell(station_id, event):
        at = here.now + ahead_second
        for one in (StatusTold(1, 1, "Occupied", at), event._replace(time_second=at)):
            here.central = step(here.central, Heard(station_id, here.now, one, True)).central

    def starts(station_id):
        return sum(
            isinstance(command, RemoteStart) for name, command in here.asked if name == station_id
        )

    async def lived():
        for name, token in (("A", "CARD-1"), ("B", "CARD-2")):
            tell(name, begins._replace(id_token=token))
        await here.seconds(3)
        for name in "AB":
            tell(name, ends)
            here.central = paused(here.central, name, "a")
        here.ampere = 50.0
        while not starts("A"):
            await here.seconds(1, 10.0)
            assert here.now < START + 3600.0
        tell("A", begins._replace(transaction_id="a2"))
        await here.seconds(5, 10.0)
        assert starts("B") == 0
        await here.seconds(3, 10.0)
        assert starts("B") == 1
        await here.live.stop()

    asyncio.run(lived())

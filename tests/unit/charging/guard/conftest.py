"""A small site, and a guard that is led through seconds."""

import numpy as np

from voltherd.charging import guard as guards
from voltherd.charging.guard import Settings
from voltherd.charging.guard_hold import Patience
from voltherd.charging.guard_site import Limit, Station, make_site

PATIENCE = Patience(
    settle_second=3.0, patience_second=8.0, distrust_second=60.0, tolerance_ampere=0.5
)
SETTINGS = Settings(
    patience=PATIENCE,
    plan_age_second_max=100.0,
    meter_age_second_max=5.0,
    current_age_second_max=20.0,
    skew_second_max=0.5,
    recover_ampere_per_second=0.5,
    raise_pause_second=4.0,
    turn_second=30.0,
    call_second_max=2.0,
)


def wallbox(name="a", **changes):
    return Station(**{"name": name, "hardware_ampere": 32.0} | changes)


def house(stations, ampere=50.0, others=10.0, name="house"):
    return Limit(
        name=name,
        ampere=(ampere,) * 3,
        stations=tuple(range(stations)),
        others_ampere=(others,) * 3,
    )


def boxes(count=2, ampere=50.0, others=10.0, **changes):
    """A site of equal stations."""
    named = [wallbox(name, **changes) for name in "abcdefgh"[:count]]
    return make_site(named, [house(count, ampere, others)])


class Led:
    """A guard and what it sees; stations accept at once unless told otherwise."""

    def __init__(self, site, held=0.0, settings=SETTINGS):
        count = len(site.stations)
        self.site, self.settings = site, settings
        self.guard = guards.start(site, 0.0, np.full(count, held))
        self.second = 0.0
        self.plan = np.full(count, 32.0)
        self.plan_age = 1.0
        self.limit = np.array([limit.ampere for limit in site.limits])
        self.meter = np.full((len(site.limits), 3), np.nan)
        self.meter_age = np.zeros(len(site.limits))
        self.current = np.zeros((count, 3))
        self.current_age = np.zeros(count)
        self.asks = np.ones(count, dtype=bool)
        self.deaf = np.zeros(count, dtype=bool)
        self.refuses = np.zeros(count, dtype=bool)
        self.answered = np.full(count, -1)
        self.orders = None

    def step(self, seconds=1.0):
        """Pass time, let the guard speak, and stations answer."""
        self.second += seconds
        seen = guards.Seen(
            now_second=self.second,
            plan_ampere=self.plan,
            plan_age_second=self.plan_age,
            limit_ampere=self.limit,
            meter_ampere=self.meter,
            meter_age_second=self.meter_age,
            current_ampere=self.current,
            current_age_second=self.current_age,
            asks=self.asks,
            answered_serial=self.answered,
            accepted=~self.refuses,
        )
        self.guard, self.orders = guards.step(self.guard, self.site, seen, self.settings)
        self.answered = np.where(self.deaf, self.answered, self.orders.serial)
        return self.orders

    def steps(self, count):
        for _ in range(count):
            self.step()
        return self.orders

    @property
    def limits(self):
        return self.orders.limit_ampere.tolist()

    @property
    def reasons(self):
        return [guards.REASONS[reason] for reason in self.orders.reason.tolist()]

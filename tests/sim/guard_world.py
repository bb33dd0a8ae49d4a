"""A site for the guard: stations that obey, refuse, hear nothing, answer late or forget.

Each second: currents flow, meters read, the guard gives its limits, stations take them or not.
What a station really has in force is known here and nowhere else.
"""

from dataclasses import dataclass, field

import numpy as np

from voltherd.charging import guard as guards
from voltherd.charging.guard import Seen, Settings
from voltherd.charging.guard_hold import Patience
from voltherd.charging.guard_site import Limit, Station, make_site, safe_default

SETTLE_SECOND = 3
PATIENCE = Patience(settle_second=3.0, patience_second=8.0, distrust_second=60.0)


@dataclass
class Machine:
    """A station as it is: what is in force, what is on its way, and how it misbehaves."""

    station: Station
    force: float
    deaf: tuple[int, int] = (0, 0)  # hears nothing from, until
    reboots: int = -1  # at this second it falls back to its default
    refuses: float = 0.0  # share of the commands
    answer_second: int = 0  # late by
    follow_second: int = 0  # after accepting
    report_second: int = 1  # measures once in
    blind: bool = False  # its meter gives NaN
    pulls: float = 1.0  # the car takes this share of what is in force
    phases: tuple[int, ...] = (0, 1, 2)
    waiting: list = field(default_factory=list)  # (second, serial, limit, accepted)
    coming: list = field(default_factory=list)  # (second, limit)
    answer: tuple[int, bool] = (-1, False)
    measured: tuple[int, np.ndarray] = (-(10**6), np.full(3, np.nan))

    def told(self, second, serial, limit, chance):
        if self.deaf[0] <= second < self.deaf[1]:
            return
        accepted = chance.random() >= self.refuses
        self.waiting.append((second + self.answer_second, serial, limit, accepted))

    def live(self, second):
        """Answer, follow, draw; gives its currents."""
        for item in [item for item in self.waiting if item[0] <= second]:
            self.waiting.remove(item)
            _, serial, limit, accepted = item
            if not (self.deaf[0] <= second < self.deaf[1]):  # a lost answer is none
                self.answer = (serial, accepted)
            if accepted:
                self.coming.append((second + self.follow_second, limit))
        for item in [item for item in self.coming if item[0] <= second]:
            self.coming.remove(item)
            self.force = item[1]
        if second == self.reboots:
            self.force, self.coming, self.waiting = self.station.default_ampere, [], []
        drawn = self.force * self.pulls if self.station.obeys else self.station.hardware_ampere
        drawn = drawn if drawn >= self.station.least_ampere else 0.0
        currents = np.zeros(3)
        currents[list(self.phases)] = drawn
        if second % self.report_second == 0:
            self.measured = (second, np.full(3, np.nan) if self.blind else currents)
        return currents


def random_site(chance):
    """A site of 1 to 10 stations behind one to three limits, safe when left alone."""
    count = int(chance.integers(1, 11))
    stations = []
    for place in range(count):
        single = chance.random() < 0.4
        stations.append(
            Station(
                name=f"s{place}",
                hardware_ampere=float(chance.choice([16.0, 32.0])),
                phases=(int(chance.integers(3)),) if single else (0, 1, 2),
                step_ampere=float(chance.choice([0.1, 1.0])),
                metered=bool(chance.random() < 0.8),
                obeys=bool(chance.random() < 0.95),
            )
        )
    split = int(chance.integers(0, count + 1))
    groups = [tuple(range(count)), tuple(range(split)), tuple(range(split, count))]
    limits = []
    for place, group in enumerate(groups[: int(chance.integers(1, 4))]):
        others = float(chance.uniform(0, 30)) if place == 0 else 0.0
        wild = sum(stations[i].hardware_ampere for i in group if not stations[i].obeys)
        ampere = others + wild + float(chance.uniform(4, 25)) * max(len(group), 1)
        limits.append(
            Limit(
                name=f"l{place}", ampere=(ampere,) * 3, stations=group, others_ampere=(others,) * 3
            )
        )
    defaults = safe_default(stations, limits) if chance.random() < 0.5 else (0.0,) * count
    with_defaults = [
        Station(**{name: getattr(s, name) for name in Station.__slots__} | {"default_ampere": d})
        for s, d in zip(stations, defaults, strict=True)
    ]
    return make_site(with_defaults, limits)


def random_machines(site, chance, seconds):
    """Half of them obey; the others have one or more ways of their own."""
    machines = []
    for station in site.stations:
        machine = Machine(station, station.default_ampere, phases=station.phases)
        machine.pulls = float(chance.choice([0.0, 0.6, 1.0], p=[0.1, 0.2, 0.7]))
        machine.report_second = int(chance.choice([1, 3]))
        if chance.random() < 0.5:
            begin = int(chance.integers(seconds))
            machine.deaf = (begin, begin + int(chance.integers(seconds)))
        if chance.random() < 0.3:
            machine.refuses = float(chance.choice([0.3, 1.0]))
        if chance.random() < 0.3:
            machine.answer_second = int(chance.integers(10))
        if chance.random() < 0.5:
            machine.follow_second = int(chance.integers(SETTLE_SECOND + 1))
        if chance.random() < 0.2:
            machine.reboots = int(chance.integers(seconds))
        machine.blind = bool(chance.random() < 0.1)
        if len(station.phases) == 3 and chance.random() < 0.3:
            machine.phases = (int(chance.integers(3)),)
        machines.append(machine)
    return machines


ABSURD = (np.nan, np.inf, -np.inf, -5.0, 1e9)


def random_plan(site, chance):
    plan = np.floor(chance.uniform(0.0, 40.0, len(site.stations)))
    odd = chance.random(len(plan)) < 0.1
    return np.where(odd, chance.choice(ABSURD, len(plan)), plan)


def see(site, machines, chance, second, plan, others, currents, faults):
    """What the guard gets to know."""
    rows = currents.T @ np.array(site.behind).T  # phases x limits
    lost = faults["meter"][0] <= second < faults["meter"][1]
    age = np.full(len(site.limits), np.nan if lost else 0.0)
    return Seen(
        now_second=float(second) if chance.random() > 0.02 else float(chance.choice(ABSURD)),
        plan_ampere=plan,
        plan_age_second=faults["plan_age"](second),
        limit_ampere=np.array([limit.ampere for limit in site.limits]),
        meter_ampere=rows.T + others,
        meter_age_second=age,
        current_ampere=np.array([machine.measured[1] for machine in machines]),
        current_age_second=np.array([float(second - machine.measured[0]) for machine in machines]),
        asks=np.array([machine.pulls > 0.0 for machine in machines]),
        answered_serial=np.array([machine.answer[0] for machine in machines]),
        accepted=np.array([machine.answer[1] for machine in machines]),
    )


@dataclass
class Told:
    """What a run showed."""

    excess_ampere: float  # the most over any limit
    excess_second: int  # seconds over one
    energy: np.ndarray  # ampere seconds by station
    spoke: int  # messages sent
    reasons: set


def run(site, machines, chance, seconds, settings=None, rise=np.inf, restart=None) -> Told:
    """Live through a scenario; other loads wander between nothing and their most."""
    settings = settings or Settings(
        patience=PATIENCE,
        others_rise_ampere_per_second=rise,
        raise_pause_second=2.0,
        turn_second=10.0,
    )
    guard = guards.start(site, 0.0, np.array([machine.force for machine in machines]))
    limits, most = (a.reshape(-1, 3) for a in (site.limit_ampere, site.others_ampere))
    begin = int(chance.integers(seconds))
    stale = int(chance.integers(seconds))
    odd_age = float(chance.choice([2000.0, np.nan, -1.0]))
    faults = {
        "meter": (begin, begin + int(chance.integers(seconds))),
        "plan_age": lambda second: odd_age if second > stale else 1.0,
    }
    told = Told(-np.inf, 0, np.zeros(len(machines)), 0, set())
    others = most * chance.random(most.shape)
    for second in range(seconds):
        step = np.minimum(rise, most) if np.isfinite(rise) else most
        others = np.clip(others + step * chance.uniform(-1, 1, most.shape), 0.0, most)
        currents = np.array([machine.live(second) for machine in machines])
        flow = (currents.T @ site.behind.T).T + others
        excess = float((flow - limits).max())
        told.excess_ampere = max(told.excess_ampere, excess)
        told.excess_second += excess > 1e-6
        told.energy += currents.max(axis=1)
        if second % 5 == 0:
            plan = random_plan(site, chance)
        seen = see(site, machines, chance, second, plan, others, currents, faults)
        if restart == second:  # only what was written down is left
            guard = guards.start(site, float(second), guard.hold.held_ampere, guard.hold.serial)
        guard, orders = guards.step(guard, site, seen, settings)
        told.reasons |= set(orders.reason.tolist())
        for place in np.flatnonzero(orders.send):
            told.spoke += 1
            serial, limit = int(orders.serial[place]), float(orders.limit_ampere[place])
            machines[place].told(second, serial, limit, chance)
    return told

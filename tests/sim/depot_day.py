"""A depot of 40 stations and a day of it: who comes when, and who misbehaves."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np

from voltherd.adapters.ocpp.schemas import schema_check
from voltherd.adapters.ocpp.server import StationServer
from voltherd.adapters.ocpp.station import StationClient
from voltherd.adapters.sqlite.calls import CallBook
from voltherd.charging.central import Rules
from voltherd.charging.guard import Settings
from voltherd.charging.guard_hold import Patience
from voltherd.charging.live import Metered
from voltherd.cloud.depot import Depot
from voltherd.cloud.depot_file import site_file
from voltherd.cloud.depot_live import Pace
from voltherd.demo.depot import DepotWorld, Make, stations_of
from voltherd.sim.station_spec import Habits, Wish
from voltherd.types.station import TokenVerdict

START = datetime(2026, 11, 26, 12, tzinfo=UTC).timestamp()
HOUR = 3600.0
IGNORES, DEAF, BLIND, AWAY, ROUNDS = "CP-03", "CP-07", "CP-05", "CP-09", "CP-10"
TELLING = {"night-02", "night-04"}
"""Who come emptier and leave earlier than the site's file says, and say so (ISO 15118)."""
STEP_SECOND = 10.0
PACE = Pace(
    guard=Settings(patience=Patience(patience_second=60.0), call_second_max=STEP_SECOND),
    plan_pause_second=60.0,
    sample_second=20,
)


@dataclass(frozen=True)
class Day:
    """A day, or one that passes so many times as fast: what happens when."""

    hours: float
    stations: int

    @property
    def limit_kilowatt(self):
        """Of the connection: what is drawn beside vehicles, the two that obey nothing, the rest."""
        return 40.0 + 44.0 + (4.5 if self.hours == 24 else 6.5) * self.stations

    @property
    def share(self):
        """Of what a stay's charger could give, that a vehicle wants at most."""
        return 0.5 if self.hours == 24 else 0.25

    def at(self, hour_of_24):
        return START + hour_of_24 * self.hours / 24.0 * HOUR

    def clock(self, hour_of_24):
        return datetime.fromtimestamp(self.at(hour_of_24), UTC).strftime("%Y-%m-%d %H:%M:%S")

    @property
    def meter_lost(self):
        return self.at(5.0), self.at(9.0)

    @property
    def away(self):
        return self.at(6.0), self.at(7.0)

    @property
    def restart(self):
        return self.at(8.0)

    @property
    def end(self):
        return self.at(22.0)

    def base_watt(self, now):
        """What is drawn beside vehicles in truth: less than announced, and never steady."""
        return 1000.0 * self._most(now) * (0.8 + 0.2 * np.sin(now / 700.0))

    def _most(self, now):
        return 40.0 if not self.at(6.0) <= now < self.at(18.0) else 15.0

    def meter(self, now, vehicles_watt):
        if self.meter_lost[0] <= now < self.meter_lost[1]:
            return None
        each = (self.base_watt(now) + vehicles_watt) / (3 * 230.0)
        return Metered((each, each, each), now)

    def habits(self):
        return {
            IGNORES: Habits(ignores_profiles=True),
            DEAF: Habits(is_deaf_to_profiles=True),
            BLIND: Habits(tells_no_samples=True),
            AWAY: Habits(offline_second=self.away),
            ROUNDS: Habits(rounds_watt=500.0),
        }

    def site(self, seed=7):
        chance = np.random.default_rng(seed)
        vehicles = []
        for place in range(self.stations):
            arrives = float(np.clip(chance.normal(5.5, 1.2), 2.5, 8.5))
            leaves = float(chance.uniform(16.5, 20.0))
            vehicles.append(self._vehicle(place, "night", arrives, leaves, chance))
            if place % 3 == 0:
                vehicles.append(self._vehicle(place, "day", 0.2, arrives - 0.5, chance))
        minutes = 15 if self.hours == 24 else 5
        steps = round(self.hours * 60 / minutes)
        hour = 12 + 24 * (np.arange(steps) + 0.5) / steps
        return site_file(
            {
                "site": "Many places",
                "start": "2026-11-26 12:00",
                "hours": round(self.hours),
                "step_minutes": minutes,
                "connection": {
                    "limit_kilowatt": self.limit_kilowatt,
                    "base_kilowatt": np.where((hour >= 18) & (hour < 30), 15.0, 40.0).tolist(),
                },
                "prices": {
                    "buy_eur_per_kwh": np.select(
                        [hour % 24 < 6, hour % 24 < 17, hour % 24 < 21], [0.16, 0.31, 0.42], 0.24
                    ).tolist()
                },
                "chargers": [
                    {"id": f"CP-{k:02d}", "power_kilowatt": 22 if k % 2 else 11}
                    for k in range(self.stations)
                ],
                "groups": [
                    {
                        "name": "west",
                        "chargers": [f"CP-{k:02d}" for k in range(self.stations // 4)],
                        "limit_kilowatt": 22.0 + 7.5 * (self.stations // 4),
                    }
                ],
                "run": {"ready_early_minutes": minutes},
                "vehicles": vehicles,
            },
            "many places",
        )

    def as_it_is(self, spec):
        """Give a station whose vehicles are not all as the file says."""
        visits = (self._telling(v) if v.id_token in TELLING else v for v in spec.visits)
        return replace(spec, visits=tuple(visits))

    def _telling(self, visit):
        stay_second = 0.6 * (visit.leave_second - visit.arrive_second)
        vehicle = replace(visit.vehicle, soc_fraction=visit.vehicle.soc_fraction - 0.1)
        could_wh = vehicle.power_watt * stay_second / 3600.0 * vehicle.efficiency_fraction
        wish = Wish(min(vehicle.soc_fraction + 0.4 * could_wh / vehicle.capacity_wh, 0.8))
        leave = visit.arrive_second + stay_second
        return replace(visit, leave_second=leave, vehicle=vehicle, wish=wish)

    def _vehicle(self, place, what, arrives, leaves, chance):
        battery = float(chance.choice([40.0, 60.0, 80.0]))
        power = 22.0 if place % 2 else 11.0
        soc = float(chance.uniform(0.15, 0.6))
        hours = (leaves - arrives) * self.hours / 24.0
        return {
            "id": f"{what}-{place:02d}",
            "charger": f"CP-{place:02d}",
            "arrives": self.clock(arrives),
            "departs": self.clock(leaves),
            "battery_kwh": battery,
            "soc_arrival": soc,
            "soc_departure": min(soc + self.share * power * hours * 0.95 / battery, 0.8),
        }


def world(day, folder):
    """The depot, its stations half of each version, and its books in a file."""
    file = day.site()
    sooner = frozenset(f"CP-{k:02d}" for k in range(1, day.stations, 2))
    found = stations_of(file, "many places", day.habits(), sooner)
    specs = [day.as_it_is(spec) for spec in found]
    return DepotWorld(file, "many places", specs, made(file, folder), day.meter, PACE, STEP_SECOND)


def made(file, folder):
    """What knows sockets and files: the real ones."""
    tokens = {one.id: TokenVerdict("Accepted") for one in file.vehicles}
    journals = []

    def desk():
        while journals:
            journals.pop().close()
        journals.append(CallBook(folder / "stations.sqlite"))
        return Depot(journals[-1], Rules(tokens=tokens), schema_check)

    def server(desk, clock, port):
        return StationServer(desk, clock, port=port, ping_second=None)

    def client(station, port, clock, pause):
        spec = station.spec
        version = "2.0.1" if spec.later else "1.6"
        url = f"ws://127.0.0.1:{port}/ocpp"
        return StationClient(station, url, spec.station_id, version, clock.unix_second, pause=pause)

    return Make(desk, server, client)

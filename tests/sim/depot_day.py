"""A depot of 40 stations and a day of it: who comes when, and who misbehaves."""

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
from voltherd.sim.station import Habits
from voltherd.types.station import TokenVerdict

STATIONS = 40
START = datetime(2026, 11, 26, 12, tzinfo=UTC).timestamp()
HOUR = 3600.0
LIMIT_KILOWATT = 260.0
IGNORES, DEAF, BLIND, AWAY, JUMPS = "CP-03", "CP-17", "CP-25", "CP-30", "CP-12"
METER_LOST = (START + 5 * HOUR, START + 9 * HOUR)
RESTART = START + 8 * HOUR
PACE = Pace(
    guard=Settings(patience=Patience(patience_second=45.0), call_second_max=5.0), sample_second=15
)


def clock_of(hours):
    return datetime.fromtimestamp(START + hours * HOUR, UTC).strftime("%Y-%m-%d %H:%M")


def site(seed=7, stations=STATIONS):
    chance = np.random.default_rng(seed)
    vehicles = []
    for place in range(stations):
        arrives = float(np.clip(chance.normal(5.5, 1.2), 2.5, 8.5))
        vehicles.append(_vehicle(place, "night", arrives, chance.uniform(16.5, 20.0), chance))
        if place % 3 == 0:
            vehicles.append(_vehicle(place, "day", 0.2, arrives - 0.5, chance))
    return site_file(
        {
            "site": "Forty places",
            "start": "2026-11-26 12:00",
            "hours": 24,
            "connection": {
                "limit_kilowatt": LIMIT_KILOWATT,
                "base_kilowatt": {"06:00": 40, "18:00": 15},
            },
            "prices": {
                "buy_eur_per_kwh": {"00:00": 0.16, "06:00": 0.31, "17:00": 0.42, "21:00": 0.24}
            },
            "chargers": [
                {"id": f"CP-{k:02d}", "power_kilowatt": 22 if k % 2 else 11}
                for k in range(stations)
            ],
            "groups": [
                {
                    "name": "west",
                    "chargers": [f"CP-{k:02d}" for k in range(stations // 4)],
                    "limit_kilowatt": 90,
                }
            ],
            "vehicles": vehicles,
        },
        "forty places",
    )


def _vehicle(place, what, arrives, departs, chance):
    battery = float(chance.choice([40.0, 60.0, 80.0]))
    power = 22.0 if place % 2 else 11.0
    soc = float(chance.uniform(0.15, 0.6))
    most = 0.6 * power * (departs - arrives) * 0.95 / battery
    return {
        "id": f"{what}-{place:02d}",
        "charger": f"CP-{place:02d}",
        "arrives": clock_of(arrives),
        "departs": clock_of(departs),
        "battery_kwh": battery,
        "soc_arrival": soc,
        "soc_departure": min(soc + most, 0.85),
    }


def habits():
    return {
        IGNORES: Habits(ignores_profiles=True),
        DEAF: Habits(is_deaf_to_profiles=True),
        BLIND: Habits(tells_no_samples=True),
        AWAY: Habits(offline_second=(START + 6 * HOUR, START + 7 * HOUR)),
        JUMPS: Habits(rounds_watt=500.0),
    }


def base_watt(now):
    """What is drawn beside vehicles in truth: less than announced, and never steady."""
    hour = (now / HOUR) % 24
    most = 40_000.0 if 6 <= hour < 18 else 15_000.0
    return most * (0.8 + 0.2 * np.sin(now / 700.0))


def meter(now, vehicles_watt):
    if METER_LOST[0] <= now < METER_LOST[1]:
        return None
    each = (base_watt(now) + vehicles_watt) / (3 * 230.0)
    return Metered((each, each, each), now)


def world(file, folder):
    sooner = frozenset(f"CP-{k:02d}" for k in range(1, STATIONS, 2))
    specs = stations_of(file, "forty places", habits(), sooner)
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

    return DepotWorld(file, "forty places", specs, Make(desk, server, client), meter, PACE)

"""The common depot: a night of 24 hours from noon in quarter hours, the same for every solver.

Vehicles are drawn from formulae with a seed; the prices are 24 recorded hourly values of each of
two days of the Netherlands' day-ahead market (origin ENTSO-E Transparency Platform; see NOTICE),
one of them with negative hours.  ``depot(5000)`` has 270,569 vehicle-steps and 176,315.77 kWh to
deliver.
"""

from typing import Final

import numpy as np

from voltherd.charging.problem import Discharge, Fleet, Problem, Taper
from voltherd.charging.site import Site

STEPS: Final = 96
STEP_HOUR: Final = 0.25
KILOWATT_PER_VEHICLE: Final = 3.0
"""Of the connection."""
EFFICIENCY: Final = 0.95
"""Each way, where vehicles give back; without loss otherwise."""
WEAR_EUR_PER_KWH: Final = 0.05
KNEE, LEFT = 0.75, 0.25
"""State of charge from which power falls where it does, and its share at a full battery."""
PRICE_EUR_PER_MWH: Final = {
    "2022-05-21": (
        "53.9 34.39 32.34 32.57 122.0 175.49 186.0 201.0 219.32 228.11 223.85 214.18 "
        "186.58 179.4 172.5 170.0 171.0 169.91 166.96 166.88 160.0 149.96 138.29 138.25"
    ),
    "2022-06-11": (
        "23.68 -15.32 -32.9 -34.0 -1.95 10.02 144.5 196.39 209.33 211.06 207.92 199.0 "
        "195.0 164.11 153.86 147.94 144.98 138.16 127.78 108.89 91.0 80.83 74.37 29.9"
    ),
}
"""Hourly, from noon of the day named [EUR/MWh]."""


def depot(
    vehicles: int,
    *,
    day: str = "2022-05-21",
    seed: int = 0,
    phased: bool = False,
    demand_eur_per_kilowatt: float = 0.0,
    gives_back: bool = False,
    bends: bool = False,
) -> Problem:
    """Draw the depot.

    Args:
        vehicles: How many; limit and base load grow with them.
        day: Of the prices.
        seed: Another fleet.
        phased: Whether each phase is limited to a third.
        demand_eur_per_kilowatt: Charge on the site's peak [EUR/kW].
        gives_back: Whether vehicles may discharge, with losses and wear.
        bends: Whether batteries are to be full, and take less from 75 % on, down to a quarter.
    """
    random = np.random.default_rng(seed)
    n, step = vehicles, np.arange(STEPS)
    arrival = np.clip(np.round(random.normal(22, 6, n)), 0, 80).astype(int)
    departure = np.clip(np.round(random.normal(76, 5, n)), arrival + 8, STEPS).astype(int)
    kind = random.choice(3, n, p=[0.3, 0.5, 0.2])
    power = np.array([7.4, 11.0, 22.0])[kind]
    stay_hour = STEP_HOUR * (departure - arrival)
    energy = np.minimum(random.uniform(10, 60, n), 0.85 * power * stay_hour)
    battery = np.maximum(energy / 0.6, 40.0)
    stored = np.minimum(random.uniform(0.15, 0.35, n) * battery, battery - energy)
    if bends:
        stored = battery - energy
    fall = (1.0 - LEFT) * power / ((1.0 - KNEE) * battery)
    limit = np.full(STEPS, n * KILOWATT_PER_VEHICLE)
    fleet = Fleet(
        arrival_step=arrival,
        departure_step=departure,
        power_max_kilowatt=power,
        energy_kwh=energy,
        battery_kwh=battery,
        stored_kwh=stored,
        phases=np.where(kind == 0, 1, 3),
        phase=np.arange(n) % 3,
        charge_efficiency=np.full(n, EFFICIENCY if gives_back else 1.0),
        power_min_kilowatt=np.where(kind == 0, 1.38, 4.14),
    )
    site = Site(
        step_hour=STEP_HOUR,
        price_eur_per_kwh=np.repeat([float(x) for x in PRICE_EUR_PER_MWH[day].split()], 4) / 1000,
        limit_kilowatt=limit,
        base_kilowatt=n * 0.6 * (1 + 0.5 * np.sin(2 * np.pi * (step - 12) / 96)),
        pv_kilowatt=np.zeros(STEPS),
        phase_limit_kilowatt=np.tile(limit / 3, (3, 1)) if phased else None,
        demand_eur_per_kilowatt=demand_eur_per_kilowatt,
    )
    discharge = Discharge(
        limit_kilowatt=power,
        efficiency=np.full(n, EFFICIENCY),
        tier_fraction=np.ones(1),
        tier_wear_eur_per_kwh=np.full((n, 1), WEAR_EUR_PER_KWH),
    )
    return Problem(
        fleet=fleet,
        site=site,
        discharge=discharge if gives_back else None,
        taper=Taper((LEFT * power + fall * battery)[:, None], fall[:, None]) if bends else None,
    )

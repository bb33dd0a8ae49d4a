"""Depots drawn at random for tests of planning, small enough for one linear programme."""

import numpy as np
from hypothesis import strategies as st

from voltherd.charging.problem import Discharge, Fleet, Problem, Taper
from voltherd.charging.sheet import depot_sheet
from voltherd.charging.site import Band, Group, Outage, Site, Tier


def fleet(random, vehicles: int, steps: int, step_hour: float = 0.5, need: float = 0.8) -> Fleet:
    arrival = random.integers(0, steps - 1, vehicles)
    departure = np.array([random.integers(a + 1, steps + 1) for a in arrival])
    power = random.choice([7.4, 11.0, 22.0], vehicles)
    efficiency = random.choice([1.0, 0.9], vehicles)
    energy = random.uniform(0, need, vehicles) * power * step_hour * (departure - arrival)
    battery = energy + random.uniform(0.0, 30.0, vehicles) + 1.0
    return Fleet(
        arrival_step=arrival,
        departure_step=departure,
        power_max_kilowatt=power,
        energy_kwh=energy * efficiency,
        battery_kwh=battery,
        stored_kwh=random.uniform(0, 1, vehicles) * (battery - energy),
        phases=random.choice([1, 3], vehicles),
        phase=random.integers(0, 3, vehicles),
        charge_efficiency=efficiency,
        power_min_kilowatt=np.where(power < 8, 1.38, 4.14),
    )


def taper(random, ours: Fleet, gives) -> Taper:
    """Bends of one or two lines for most of those that do not give back."""
    empty = np.full((ours.size, 2), np.inf)
    fall = np.zeros((ours.size, 2))
    for line in range(2):
        bent = random.random(ours.size) < 0.6
        if gives is not None:
            bent &= ~gives
        knee = random.uniform(0.2, 1.0, ours.size) * ours.battery_kwh
        left = random.uniform(0.1, 0.9, ours.size) * ours.power_max_kilowatt
        steep = (ours.power_max_kilowatt - left) / np.maximum(ours.battery_kwh - knee, 0.5)
        fall[bent, line] = steep[bent]
        empty[bent, line] = (left + steep * ours.battery_kwh)[bent]
    return Taper(empty, fall)


def depot(
    seed: int,
    vehicles: int = 12,
    steps: int = 16,
    room: float = 1.0,
    phased: bool = False,
    grouped: bool = False,
    solar: bool = False,
    demand: float = 0.0,
    gives: bool = False,
    negative: bool = False,
    tapers: bool = False,
    waits: bool = False,
    tiered: bool = False,
    outage: bool = False,
    band: bool = False,
) -> Problem:
    """A random depot; ``room`` scales its limits, below about 1 not all energy can be drawn."""
    random = np.random.default_rng(seed)
    ours = fleet(random, vehicles, steps)
    price = random.choice([-0.05 if negative else 0.05, 0.1, 0.2, 0.3], steps)
    base = random.uniform(0.0, 10.0, steps)
    pv = random.uniform(0.0, 60.0, steps) * solar * (random.random(steps) < 0.5)
    total = float((ours.energy_kwh / ours.charge_efficiency).sum())
    limit = room * 1.6 * total / (steps * 0.5) * random.uniform(0.6, 1.4, steps)
    head = limit + np.maximum(base - pv, 0.0)
    gone = np.zeros(steps, dtype=bool)
    gone[steps // 2 : steps // 2 + 3] = outage
    price = np.where(gone, 0.0, price)
    groups = ()
    if grouped:
        inner = np.arange(vehicles) < vehicles // 3
        outer = np.arange(vehicles) < 2 * vehicles // 3
        groups = (
            Group("east", outer, 0.6 * limit, by_phase=seed % 2 == 1),
            Group("east row 1", inner, 0.4 * limit, by_phase=seed % 3 == 2),
        )
    discharge = Discharge(
        limit_kilowatt=np.where(random.random(vehicles) < 0.7, ours.power_max_kilowatt, 0.0),
        efficiency=np.full(vehicles, 0.95),
        tier_fraction=np.array([0.4, 0.6]),
        tier_wear_eur_per_kwh=np.tile([0.02, 0.06], (vehicles, 1)),
    )
    return Problem(
        waiting_eur_per_kwh_hour=random.choice([0.0, 0.005, 0.02], vehicles) if waits else None,
        taper=taper(random, ours, discharge.limit_kilowatt > 0 if gives else None)
        if tapers
        else None,
        fleet=ours,
        site=Site(
            step_hour=0.5,
            price_eur_per_kwh=price,
            limit_kilowatt=head,
            base_kilowatt=base,
            pv_kilowatt=pv,
            phase_limit_kilowatt=np.tile(limit / 3, (3, 1)) * random.uniform(1.0, 1.5, (3, 1))
            + (base - pv) / 3
            if phased
            else None,
            feed_in_eur_per_kwh=0.3 * price if solar and not negative else None,
            demand_eur_per_kilowatt=demand,
            groups=groups,
            power_tiers=(
                Tier(0.4 * float(limit.mean()), 0.05),
                Tier(0.8 * float(limit.mean()), 0.1),
            )
            if tiered
            else (),
            volume_tiers=(Tier(0.5 * total, 0.04),) if tiered else (),
            outage=Outage(gone, 2.0) if outage else None,
            band=Band(random.uniform(0.0, 20.0, steps), random.choice([0.0, 0.02, 0.2], steps))
            if band
            else None,
        ),
        discharge=discharge if gives else None,
    )


def told(made, plan):
    """What is told of a site file's plan."""
    return depot_sheet(
        made.problem,
        plan,
        site="s",
        zone="UTC",
        start_second=0.0,
        chargers=made.chargers,
        batteries=made.batteries,
    )


depots = st.builds(
    depot,
    seed=st.integers(0, 10_000),
    vehicles=st.integers(1, 14),
    steps=st.integers(2, 14),
    room=st.sampled_from([0.3, 0.8, 1.0, 1.5, 3.0]),
    phased=st.booleans(),
    grouped=st.booleans(),
    solar=st.booleans(),
    demand=st.sampled_from([0.0, 0.5]),
    gives=st.booleans(),
    negative=st.booleans(),
    tapers=st.booleans(),
    waits=st.booleans(),
    tiered=st.booleans(),
    outage=st.booleans(),
    band=st.booleans(),
)

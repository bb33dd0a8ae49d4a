"""No limit is exceeded, whatever stations, meters, plans and clocks do.

``VOLTHERD_SCENARIOS`` says how many scenarios are tried; continuous integration tries
2,000, a night 100,000.
"""

import dataclasses
import os

import numpy as np
import pytest

from tests.sim.guard_world import PATIENCE, Machine, random_machines, random_site, run
from voltherd.charging.guard import REASONS, Settings
from voltherd.charging.guard_share import jain
from voltherd.charging.guard_site import Limit, Station, make_site

SCENARIOS = int(os.environ.get("VOLTHERD_SCENARIOS", "300"))
SECONDS = 30


def scenario(seed, **how):
    chance = np.random.default_rng(seed)
    site = random_site(chance)
    machines = random_machines(site, chance, SECONDS)
    return run(site, machines, chance, SECONDS, restart=int(chance.integers(2 * SECONDS)), **how)


@pytest.mark.long
def test_no_limit_is_ever_exceeded():
    reasons, energy = set(), 0.0
    for seed in range(SCENARIOS):
        told = scenario(seed)
        assert told.excess_ampere <= 1e-6, f"seed {seed}: {told.excess_ampere} A too much"
        reasons |= told.reasons
        energy += float(told.energy.sum())
    assert reasons == set(range(len(REASONS)))  # it was about something
    assert energy / SCENARIOS / SECONDS > 20.0  # and cars did charge


@pytest.mark.long
def test_the_scenarios_notice_a_guard_that_believes_too_soon():
    hasty = PATIENCE._replace(settle_second=0.0)
    settings = Settings(patience=hasty, raise_pause_second=2.0, turn_second=10.0)
    assert any(scenario(seed, settings=settings).excess_ampere > 1.0 for seed in range(300))


@pytest.mark.long
def test_with_the_meter_believed_an_excess_is_short_and_rare():
    """Loads rise by up to 0.5 A/s, and stations go deaf just then: answered, not foreseen."""
    told = [scenario(seed, rise=0.5) for seed in range(min(SCENARIOS, 300))]
    exceeded = sum(one.excess_second for one in told)
    assert exceeded <= 0.002 * len(told) * SECONDS


def forty(limit_ampere):
    stations = [
        Station(name=f"s{place}", hardware_ampere=32.0, phases=(0, 1, 2)) for place in range(40)
    ]
    whole = Limit(
        name="site",
        ampere=(limit_ampere,) * 3,
        stations=tuple(range(40)),
        others_ampere=(20.0,) * 3,
    )
    return make_site(stations, [whole])


@pytest.mark.long
def test_forty_stations_on_too_little_share_it_fairly():
    """100 A for 40 cars: 16 at a time, and after some turns all have had about the same."""
    site, chance = forty(120.0), np.random.default_rng(3)
    machines = [Machine(station, 0.0) for station in site.stations]
    settings = Settings(patience=PATIENCE, raise_pause_second=2.0, turn_second=30.0)
    settings = dataclasses.replace(settings, plan_age_second_max=0.0)  # equal share
    told = run(site, machines, chance, 600, settings=settings)
    assert told.excess_ampere <= 1e-6
    assert jain(told.energy) > 0.95
    assert told.energy.sum() / 600 > 80.0

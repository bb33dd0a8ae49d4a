"""What agents see of a step, what they earn, and that no limit is theirs to pass."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.charging.depots import depot
from voltherd.charging.agents import FEATURES, STATES, features, seen, shared, state
from voltherd.charging.baselines import depot_of, run
from voltherd.charging.reward import meant, printed


def test_the_printed_reward_pays_for_charging_nothing():
    wanted, power, limit = np.array([10.0]), np.array([5.0]), np.array([5.0])
    nothing = printed(wanted, np.array([0.0]), power, limit, 1.0, 1.0)
    everything = printed(wanted, wanted, power, limit, 1.0, 1.0)
    assert nothing > everything
    assert meant(wanted, np.array([0.0]), power, limit, 1.0, 1.0) < meant(
        wanted, wanted, power, limit, 1.0, 1.0
    )


def test_the_printed_reward_punishes_power_below_the_limit():
    full, none = np.array([10.0]), np.array([0.0])
    assert printed(full, full, none, full, 1.0, 1.0) == pytest.approx(-100.0)
    assert meant(full, full, none, full, 1.0, 1.0) == pytest.approx(0.0)
    assert meant(full, full, np.array([12.0]), full, 1.0, 1.0) == pytest.approx(-4.0)


@settings(max_examples=20)
@given(seed=st.integers(0, 1000), chance=st.integers(0, 1000))
def test_whatever_agents_want_the_limit_holds(seed, chance):
    problem = depot(seed, room=0.5)
    site, random = depot_of(problem), np.random.default_rng(chance)

    def rule(depot, now):
        of = seen(problem, depot, now)
        number, told = state(of), features(of)
        assert ((number >= 0) & (number < STATES)).all()
        assert told.shape == (problem.fleet.size, FEATURES) and np.isfinite(told).all()
        return shared(depot, now, random.random(len(number)), random.random(len(number)))

    done = run(site._replace(power_min_kilowatt=0.0 * site.power_min_kilowatt), rule)
    assert done.over_kilowatt <= 1e-6


def test_an_agent_sees_how_long_it_can_wait_and_what_is_cheaper():
    problem = depot(3)
    site, looked = depot_of(problem), []

    def rule(depot, now):
        looked.append((now, seen(problem, depot, now)))
        return now.want_kilowatt

    run(site, rule)
    now, of = looked[2]
    price, stay = problem.site.price_eur_per_kwh, slice(2, int(site.departure[0]))
    at_full = now.need_kwh[0] / site.power_max_kilowatt[0]
    assert of.wait_hour[0] == pytest.approx((site.departure[0] - 2) * 0.5 - at_full)
    if site.departure[0] > 2:
        assert of.cheaper[0] == pytest.approx(np.mean(price[stay] < price[2]))

"""Prices of wear: half a life to time, half to cycles, and how far models differ."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voltherd.charging.ageing import Use
from voltherd.charging.wear import _convex, wear_of
from voltherd.errors import UsageError
from voltherd.types.asset import Chemistry

BOTH = pytest.mark.parametrize("chemistry", [Chemistry.NMC, Chemistry.LFP])


def use(soc=0.5, depth=0.8, rate=0.3, celsius=25.0):
    return Use(*(np.array([value]) for value in (soc, depth, rate, celsius)))


@BOTH
def test_a_cycle_life_of_use_costs_half_the_pack(chemistry):
    wear = wear_of(chemistry, 120.0)
    price = wear.moved(use())
    cycles = [1.0 / float(m.life_per_cycle(use(), 0.1)[0]) for m in wear.models]
    each = sorted(0.5 * 120.0 / count / 2.0 for count in cycles)  # in and out: 2 kWh a cycle
    got = [float(v[0]) for v in (price.lowest, price.median, price.highest)]
    assert got == pytest.approx(each)


@BOTH
def test_waiting_a_calendar_life_costs_half_the_pack(chemistry):
    wear = wear_of(chemistry, 120.0)
    soc, celsius = np.array([0.8]), np.array([25.0])
    price = wear.waiting(soc, celsius)
    hours = [24.0 / float(m.life_per_day(soc, celsius, 0.1)[0]) for m in wear.models if m.calendar]
    assert float(price.highest[0]) * min(hours) == pytest.approx(60.0)
    assert float(price.lowest[0]) * max(hours) == pytest.approx(60.0)
    assert price.models == len(hours) == (3 if chemistry is Chemistry.NMC else 2)


@BOTH
def test_full_and_warm_waiting_costs_more(chemistry):
    soc, celsius = np.meshgrid(np.linspace(0.2, 1.0, 9), np.linspace(5.0, 45.0, 5))
    price = wear_of(chemistry, 100.0).waiting(soc, celsius)
    for values in (price.lowest, price.median, price.highest):
        assert (np.diff(values, axis=0) > 0.0).all()
        assert (np.diff(values, axis=1) >= 0.0).all()
    assert (price.lowest <= price.median).all() and (price.median <= price.highest).all()


@BOTH
def test_charging_later_is_cheaper_than_charging_at_once(chemistry):
    wear = wear_of(chemistry, 100.0)
    rise, stand = np.linspace(0.3, 0.9, 17), np.ones(32)
    at_once = wear.stay(np.concatenate([rise, 0.9 * stand]), 25.0, 0.25, 60.0)
    late = wear.stay(np.concatenate([0.3 * stand, rise]), 25.0, 0.25, 60.0)
    for early, later in zip(at_once[:3], late[:3], strict=True):
        assert later < early
    warm = wear.stay(np.concatenate([0.3 * stand, rise]), 35.0, 0.25, 60.0)
    assert warm.median > late.median


def test_a_stay_is_the_sum_of_what_is_moved_and_what_is_waited():
    wear = wear_of(Chemistry.NMC, 100.0)
    stay = wear.stay(np.array([0.4, 0.4, 0.4]), 25.0, 0.5, 60.0)
    price = wear.waiting(np.array([0.4]), np.array([25.0]))
    assert float(stay.median) == pytest.approx(60.0 * float(price.median[0]))
    fast = wear.stay(np.array([0.4, 0.6]), 25.0, 1e-9, 60.0)
    moved = wear.moved(use(soc=0.5, depth=0.2, rate=2e8))
    assert float(fast.highest) == pytest.approx(12.0 * float(moved.highest[0]), rel=1e-3)


def test_models_outside_their_tests_are_named():
    wear = wear_of(Chemistry.NMC, 100.0)
    assert wear.moved(use(celsius=5.0)).untested == ("Schmalstieg 2014", "Gasper 2023 NMC B1")
    assert wear.moved(use(celsius=30.0)).untested == ()
    assert wear.stay(np.array([0.2, 0.9]), 30.0, 0.25, 60.0).untested == tuple(
        model.name for model in wear.models
    )


@BOTH
def test_energy_for_the_grid_costs_ever_more(chemistry):
    wear = wear_of(chemistry, 100.0)
    for segments in wear.discharge_segments(0.9, 25.0, 60.0, 0.2):
        assert segments.width_kwh.sum() == pytest.approx(54.0)
        assert (segments.price_per_kwh > 0.0).all()
        assert (np.diff(segments.price_per_kwh) >= -1e-12).all()
    median = wear.discharge_segments(0.9, 25.0, 60.0, 0.2)[0]
    whole = wear.moved(use(soc=0.45, depth=0.9, rate=0.2)).median[0]
    total = float(median.width_kwh @ median.price_per_kwh)
    assert total == pytest.approx(2.0 * float(whole) * 54.0)


def test_prices_grow_with_the_pack_and_shrink_with_a_longer_life():
    one, two = (wear_of(Chemistry.LFP, price).moved(use()).median[0] for price in (50.0, 100.0))
    assert two == pytest.approx(2.0 * one)
    longer = wear_of(Chemistry.LFP, 100.0, soh_end=0.7).moved(use()).median[0]
    assert longer < two
    assert wear_of(Chemistry.LFP, 0.0).moved(use()).highest[0] == 0.0


@settings(max_examples=50)
@given(st.lists(st.floats(0.0, 10.0), min_size=2, max_size=12))
def test_the_convex_cost_lies_below_the_cost_and_touches_its_ends(costs):
    energy = np.arange(float(len(costs)))
    cost = np.array(costs)
    segments = _convex(energy, cost)
    assert (np.diff(segments.price_per_kwh) >= -1e-9).all()
    at = np.concatenate([[0.0], np.cumsum(segments.width_kwh)])
    hull = cost[0] + np.concatenate([[0.0], np.cumsum(segments.width_kwh * segments.price_per_kwh)])
    assert (np.interp(energy, at, hull) <= cost + 1e-9).all()
    assert hull[-1] == pytest.approx(cost[-1])


@pytest.mark.parametrize("price", [-1.0, math.nan, math.inf])
def test_a_price_that_is_none_is_refused(price):
    with pytest.raises(UsageError, match="no price of wear"):
        wear_of(Chemistry.NMC, price)


@pytest.mark.parametrize("end", [0.0, 1.0, -0.5, math.nan])
def test_an_end_of_life_that_is_none_is_refused(end):
    with pytest.raises(UsageError, match="is none"):
        wear_of(Chemistry.NMC, 100.0, soh_end=end)

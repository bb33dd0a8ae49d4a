"""Days charged in every way: limits hold, nothing is known too early, the optimum is the best."""

from dataclasses import replace

import numpy as np
import pytest

from voltherd.charging.online import as_it_goes, most_later, remaining
from voltherd.charging.problem import Fleet, Problem
from voltherd.charging.replay import together, ways
from voltherd.charging.site import Site
from voltherd.types.depot import ALL_KNOWN, AS_IT_GOES

STEPS = 24
EVERY = np.arange(12)


def day(seed, limit=25.0, vehicles=12):
    rng = np.random.default_rng(seed)
    arrival = rng.integers(0, 14, vehicles)
    departure = np.minimum(arrival + rng.integers(3, 12, vehicles), STEPS)
    power = np.full(vehicles, 11.0)
    energy = rng.uniform(2.0, 25.0, vehicles)
    fleet = Fleet(
        arrival_step=arrival,
        departure_step=departure,
        power_max_kilowatt=power,
        energy_kwh=energy,
        battery_kwh=energy,
        stored_kwh=np.zeros(vehicles),
        phases=np.full(vehicles, 3),
        phase=np.zeros(vehicles, int),
        charge_efficiency=np.ones(vehicles),
        power_min_kilowatt=np.zeros(vehicles),
    )
    site = Site(
        step_hour=1.0,
        price_eur_per_kwh=0.2 + 0.15 * np.sin(np.arange(STEPS) / 4.0),
        limit_kilowatt=np.full(STEPS, limit),
        base_kilowatt=np.zeros(STEPS),
        pv_kilowatt=np.zeros(STEPS),
    )
    return Problem(fleet=fleet, site=site)


@pytest.mark.parametrize("seed", [1])
@pytest.mark.parametrize("limit", [18.0, 60.0])
def test_no_way_but_the_uncontrolled_passes_the_limit_and_none_beats_all_known(seed, limit):
    found = {way.name: way for way in ways(day(seed, limit), [day(seed + 10, limit)])}
    best = found[ALL_KNOWN]
    for name, way in found.items():
        assert way.drawn_kwh <= best.drawn_kwh + 1e-3, name
        if name != "uncontrolled":
            assert way.over_hour == 0.0, name
            assert way.peak_kilowatt <= limit * (1 + 1e-6)
        if way.missing_kwh <= best.missing_kwh + 1e-6 and way.over_hour == 0.0:
            assert way.cost_eur >= best.cost_eur * (1 - 1e-4), name
    if limit == 60.0:
        assert found[AS_IT_GOES].missing_kwh == pytest.approx(0.0, abs=1e-4)


def test_what_is_not_there_yet_is_not_known():
    """Another afternoon does not change the morning."""
    one = day(1, vehicles=6)
    late = one.fleet.arrival_step > 6
    other = replace(
        one, fleet=replace(one.fleet, energy_kwh=one.fleet.energy_kwh * np.where(late, 0.3, 1.0))
    )
    past = [day(5, vehicles=6), day(6, vehicles=6)]
    morning, same = (as_it_goes(one, past).power_kilowatt[:, :7] for one in (one, other))
    assert np.array_equal(morning, same)


def test_what_is_left_of_a_day_is_less_by_what_was_drawn():
    one = day(2)
    power = np.zeros((12, STEPS))
    power[3, :4] = 1.0
    left = remaining(one, power, EVERY, 4)
    assert left.fleet.energy_kwh[3] == pytest.approx(max(one.fleet.energy_kwh[3] - 4.0, 0.0))
    assert left.site.steps == STEPS - 4
    assert left.fleet.arrival_step.min() >= 0


def test_days_add_up():
    first, second = (tuple(ways(day(seed, vehicles=3), [])) for seed in (1, 2))
    summed = together([first, second])
    assert summed[0].cost_eur == pytest.approx(first[0].cost_eur + second[0].cost_eur)
    assert summed[0].peak_kilowatt == max(first[0].peak_kilowatt, second[0].peak_kilowatt)


def hours(problem, *stays):
    """The same site with vehicles of 11 kW: arrival, departure, energy."""
    arrival, departure, energy = (np.array(column) for column in zip(*stays, strict=True))
    count = len(stays)
    fleet = replace(
        problem.fleet,
        arrival_step=arrival,
        departure_step=departure,
        energy_kwh=energy.astype(float),
        battery_kwh=energy.astype(float),
        power_max_kilowatt=np.full(count, 11.0),
        stored_kwh=np.zeros(count),
        phases=np.full(count, 3),
        phase=np.zeros(count, int),
        charge_efficiency=np.ones(count),
        power_min_kilowatt=np.zeros(count),
    )
    return replace(problem, fleet=fleet)


def test_the_most_that_came_later_is_of_the_fullest_day_in_each_step():
    one = hours(day(1), (0, 4, 11.0), (3, 6, 22.0))
    two = hours(day(1), (3, 6, 5.0), (5, 9, 11.0))
    most = most_later([one, two], STEPS)
    # 22 kWh in three hours: half of them are two; 11 kWh in four: half of them bring 5.5 each.
    assert most[0, 3:8].tolist() == [11.0, 11.0, 5.5, 5.5, 0.0]
    assert most[3, 3:8].tolist() == [0.0, 0.0, 5.5, 5.5, 0.0]
    assert not most_later([], STEPS).any()


def test_nobody_waits_for_a_step_that_was_full_before():
    """Cheapest is the last hour of its stay, when three others came the day before, and come."""
    price = np.where(np.arange(STEPS) == 5, 0.1, 0.3)
    site = replace(day(1, limit=22.0).site, price_eur_per_kwh=price)
    crowd = [(5, 6, 11.0)] * 2
    today = replace(hours(day(1), (0, 6, 11.0), *crowd), site=site)
    before = replace(hours(day(1), *crowd), site=site)
    foolish, wise = (as_it_goes(today, past).power_kilowatt for past in ([], [before]))
    assert foolish[0, 5] > 1.0 and foolish.sum() < 33.0 - 1.0
    assert wise[0, :5].sum() == pytest.approx(11.0) and wise.sum() == pytest.approx(33.0)


def test_who_would_go_short_does_not_wait_and_takes_nothing_from_who_need_not_hurry():
    """Both could wait one step; only the first has room later, for a crowd came every day."""
    price = np.where(np.arange(STEPS) == 1, 0.1, 0.3)
    site = replace(day(1, limit=22.0).site, price_eur_per_kwh=price)
    today = replace(hours(day(1), (0, 2, 11.0), (0, 4, 33.0)), site=site)
    before = replace(hours(day(1), *[(2, 4, 22.0)] * 4), site=site)
    power = as_it_goes(today, [before]).power_kilowatt
    assert power[0, :2] == pytest.approx([0.0, 11.0], abs=1e-6)
    assert power[1, :4] == pytest.approx([11.0] * 3 + [0.0], abs=1e-6)

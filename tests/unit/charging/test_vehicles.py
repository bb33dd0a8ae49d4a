"""Answers to prices: exact, and told apart again vehicle by vehicle."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.charging.depots import depot
from voltherd.bench.charging_reference import solved
from voltherd.charging.fill import fill
from voltherd.charging.limits import classes, limits
from voltherd.charging.vehicles import oracle as all_kinds

DEAR = 3.0
seeds = st.integers(0, 10_000)


def unlimited(problem, price):
    """The same vehicles where nothing is limited, at one price a step."""
    site = replace(
        problem.site,
        price_eur_per_kwh=price,
        limit_kilowatt=np.full(len(price), 1e6),
        phase_limit_kilowatt=None,
        groups=(),
    )
    return replace(problem, site=site)


def cost(answer, price, step_hour):
    paid = float((price * answer.power_kilowatt).sum()) * step_hour
    return paid + float(answer.wear_eur.sum()) + DEAR * float(answer.unserved_kwh.sum())


def brute_fill(problem, price):
    """Each vehicle alone, step by step from the cheapest."""
    power = np.zeros(problem.window.shape)
    for vehicle, left in enumerate(problem.reachable_kwh / problem.site.step_hour):
        for step in np.argsort(price, kind="stable"):
            if problem.window[vehicle, step] and price[step] < DEAR:
                power[vehicle, step] = min(left, problem.fleet.power_max_kilowatt[vehicle])
                left -= power[vehicle, step]
    return power


@settings(max_examples=30)
@given(seed=seeds)
def test_vehicles_together_fill_as_each_would_alone(seed):
    problem = depot(seed, phased=True)
    class_of = classes(problem)
    oracle = fill(problem, class_of, DEAR)
    random = np.random.default_rng(seed)
    price = random.uniform(-0.1, 1.2 * DEAR, (class_of.max() + 1, problem.site.steps))
    answer = oracle.answer(price)
    for number, row in enumerate(price):
        alone = brute_fill(problem, row)[class_of == number].sum(axis=0)
        np.testing.assert_allclose(answer.power_kilowatt[number], alone, atol=1e-9)
    left = np.bincount(class_of, problem.reachable_kwh) - answer.power_kilowatt.sum(axis=1) * 0.5
    np.testing.assert_allclose(answer.unserved_kwh, left, atol=1e-9)


@settings(max_examples=30)
@given(seed=seeds)
def test_mixed_answers_are_told_apart_without_loss(seed):
    problem = depot(seed, phased=True)
    class_of = classes(problem)
    oracle = fill(problem, class_of, DEAR)
    random = np.random.default_rng(seed)
    shape = (class_of.max() + 1, problem.site.steps)
    answers = [oracle.answer(random.uniform(0, 1.2 * DEAR, shape)) for _ in range(3)]
    answers.append(oracle.nothing())
    weights = random.dirichlet(np.ones(4), shape[0]).T
    profiles = oracle.profiles(answers, weights)
    mixed = sum(w[:, None] * a.power_kilowatt for w, a in zip(weights, answers, strict=True))
    for number in range(shape[0]):
        together = profiles.power_kilowatt[class_of == number].sum(axis=0)
        np.testing.assert_allclose(together, mixed[number], atol=1e-9)
    assert (profiles.power_kilowatt[~problem.window] == 0).all()
    drawn = profiles.power_kilowatt.sum(axis=1) * problem.site.step_hour
    np.testing.assert_allclose(drawn + profiles.unserved_kwh, problem.reachable_kwh, atol=1e-9)


@settings(max_examples=30)
@given(seed=seeds)
def test_a_vehicle_that_follows_one_answer_does_what_it_says(seed):
    problem = depot(seed)
    oracle = fill(problem, classes(problem), DEAR)
    random = np.random.default_rng(seed)
    price = random.uniform(0, 1.2 * DEAR, (1, problem.site.steps))
    answers = [oracle.nothing(), oracle.answer(price)]
    choice = np.ones(problem.fleet.size, dtype=int)
    np.testing.assert_allclose(
        oracle.followed(answers, choice), brute_fill(problem, price[0]), atol=1e-9
    )
    assert not oracle.followed(answers, 0 * choice).any()


@pytest.mark.long
@settings(max_examples=40)
@given(seed=seeds, lowest=st.sampled_from([-0.05, 0.0, 0.05]))
@pytest.mark.parametrize(
    "options", [{"gives": True}, {"tapers": True}, {"gives": True, "tapers": True, "waits": True}]
)
def test_answers_are_those_of_one_linear_programme(options, seed, lowest):
    problem = depot(seed, vehicles=8, **options)
    random = np.random.default_rng(seed)
    problem = unlimited(problem, random.uniform(lowest, 0.4, problem.site.steps))
    class_of = classes(problem)
    prices = np.tile(problem.site.price_eur_per_kwh, (class_of.max() + 1, 1))
    answer = all_kinds(problem, class_of, DEAR).answer(prices)
    best = solved(problem, DEAR)
    own = float((problem.drawn_kwh - problem.reachable_kwh).sum())
    reached = cost(answer, prices, problem.site.step_hour)
    wanted = best.cost_eur + DEAR * (best.unserved_kwh - own)
    assert reached == pytest.approx(wanted, abs=1e-6)


@settings(max_examples=30)
@given(seed=seeds)
def test_mixed_trades_stay_inside_batteries_and_are_never_dearer(seed):
    problem = depot(seed, vehicles=8, gives=True)
    fleet, hour = problem.fleet, problem.site.step_hour
    class_of = classes(problem)
    oracle = all_kinds(problem, class_of, DEAR)
    random = np.random.default_rng(seed)
    shape = (class_of.max() + 1, problem.site.steps)
    answers = [oracle.answer(random.uniform(0, 0.4, shape)) for _ in range(3)]
    weights = random.dirichlet(np.ones(3), shape[0]).T
    profiles = oracle.profiles(answers, weights)
    power = profiles.power_kilowatt
    into = np.maximum(power, 0.0) * fleet.charge_efficiency[:, None]
    out = np.minimum(power, 0.0) / problem.discharge.efficiency[:, None]
    path = fleet.stored_kwh[:, None] + np.cumsum(into + out, axis=1) * hour
    assert (path >= -1e-9).all()
    assert (path <= fleet.battery_kwh[:, None] + 1e-9).all()
    together = np.stack([power[class_of == c].sum(axis=0) for c in range(shape[0])])
    mixed = sum(w[:, None] * a.power_kilowatt for w, a in zip(weights, answers, strict=True))
    assert (together <= mixed + 1e-9).all()
    worn = sum(float(w @ a.wear_eur) for w, a in zip(weights, answers, strict=True))
    assert profiles.wear_eur.sum() <= worn + 1e-9


def test_multipliers_become_possible_by_shrinking_to_the_price_of_relief():
    problem = depot(5, demand=0.5, solar=True)
    rows = limits(problem, classes(problem))
    multiplier = rows.possible(np.full(rows.room_kilowatt.shape, 7.0))
    peak, surplus = rows.names.index("peak"), rows.names.index("surplus")
    assert multiplier[peak].sum() == pytest.approx(0.5)
    assert (multiplier[surplus] <= rows.relief_eur[1:] + 1e-12).all()
    assert (multiplier[rows.names.index("site")] == 7.0).all()
    assert (rows.possible(-multiplier) == 0.0).all()


def test_phases_that_sum_to_the_site_leave_no_row_for_it():
    problem = depot(5, phased=True)
    limit = problem.site.limit_kilowatt
    third = replace(problem.site, phase_limit_kilowatt=np.tile(limit / 3, (3, 1)))
    rows = limits(replace(problem, site=third), classes(problem))
    assert np.isinf(rows.room_kilowatt[rows.names.index("site")]).all()
    half = replace(problem.site, phase_limit_kilowatt=np.tile(limit / 2, (3, 1)))
    rows = limits(replace(problem, site=half), classes(problem))
    assert np.isfinite(rows.room_kilowatt[rows.names.index("site")]).all()

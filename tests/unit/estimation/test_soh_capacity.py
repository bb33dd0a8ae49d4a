"""Capacity from partial charges whose truth is known."""

import math

import numpy as np
import pytest

from voltherd.estimation.soh_capacity import (
    CHARGES_MIN,
    SECOND_PER_YEAR,
    PartialCharge,
    SohAwtls,
    SohWindow,
    _awtls,
)

DAY = 86_400.0
BOTH = pytest.mark.parametrize("estimator", [SohAwtls(), SohWindow()], ids=["awtls", "window"])


def charges(count, capacity=lambda second: 150.0, sigma=0.014, offset=0.0, seed=0, every=2.0):
    random = np.random.default_rng(seed)
    found = []
    for number in range(count):
        second = (number + 1) * every * DAY
        change = random.uniform(0.15, 0.65) * (1.0 if number % 2 else -1.0)
        hour = float(abs(change) / random.choice([0.1, 0.5]))
        found.append(
            PartialCharge(
                second,
                change + random.normal(0.0, sigma),
                sigma,
                float(change * capacity(second) + offset * hour),
                0.3,
                hour,
            )
        )
    return found


def followed(estimator, found):
    state, told = estimator.init(), []
    for charge in found:
        state, estimate = estimator.step(state, charge)
        told.append(estimate)
    return told


@BOTH
def test_before_five_charges_it_cannot_tell_and_says_how_many_there_are(estimator):
    told = followed(estimator, charges(CHARGES_MIN))
    assert [estimate.known for estimate in told] == [False] * 4 + [True]
    assert told[2].told == "cannot tell yet (3 of 5 partial charges)"
    assert "Ah (" in told[4].told


@BOTH
@pytest.mark.long
def test_a_steady_capacity_is_found_within_its_interval(estimator):
    last = [followed(estimator, charges(60, seed=seed))[-1] for seed in range(12)]
    errors = np.array([estimate.capacity_ah - 150.0 for estimate in last])
    assert np.sqrt(np.mean(errors**2)) < 1.8
    assert sum(e.low_ah <= 150.0 <= e.high_ah for e in last) >= 9


@BOTH
@pytest.mark.long
def test_uncertain_charge_makes_no_bias_as_it_does_in_ordinary_least_squares(estimator):
    """Errors of 6 % of charge take 1.6 % off the slope of ordinary least squares."""
    every, plain = [], []
    for seed in range(12):
        found = charges(150, sigma=0.06, seed=seed, every=0.2)
        x, y = np.array([(c.soc_change, c.charge_ah) for c in found]).T
        plain.append(x @ y / (x @ x) / 150.0 - 1.0)
        every.append(followed(estimator, found)[-1].capacity_ah / 150.0 - 1.0)
    assert np.mean(plain) < -0.012
    assert abs(np.mean(every)) < 0.010


@BOTH
@pytest.mark.long
def test_a_fade_of_five_percent_a_year_is_followed(estimator):
    def fading(second):
        return 150.0 * (1.0 - 0.05 * second / SECOND_PER_YEAR)

    found = charges(180, fading, seed=3)
    last = followed(estimator, found)[-1]
    assert last.capacity_ah == pytest.approx(fading(found[-1].unix_time_second), rel=0.02)
    if last.method == "soh_window":
        assert last.per_year_ah == pytest.approx(-7.5, abs=2.0 * last.per_year_sigma)


@BOTH
def test_one_charge_that_contradicts_physics_is_questioned_and_moves_nothing(estimator):
    found = charges(60, seed=5)
    wrong = found[-1]._replace(
        charge_ah=found[-1].charge_ah * 1.4, soc_change=0.5, charge_sigma=0.3
    )
    wrong = wrong._replace(charge_ah=0.5 * 150.0 * 1.4)
    before, after = followed(estimator, [*found[:-1], wrong])[-2:]
    assert after.questioned == before.questioned + 1
    assert after.capacity_ah == pytest.approx(before.capacity_ah, rel=0.01)
    assert not after.disputed


@BOTH
@pytest.mark.long
def test_many_that_agree_with_each_other_are_told_of_and_heard_at_last(estimator):
    found = charges(200, lambda second: 150.0 if second < 60 * DAY else 105.0, sigma=0.005, seed=6)
    told = followed(estimator, found)
    assert any(estimate.disputed for estimate in told[30:40])
    assert told[-1].capacity_ah < 125.0


@BOTH
def test_what_says_nothing_changes_nothing(estimator):
    found = charges(10)
    state = estimator.init()
    for charge in found:
        state, told = estimator.step(state, charge)
    for bad in (
        found[0]._replace(soc_change=math.nan),
        found[0]._replace(charge_ah=-found[0].charge_ah),
        found[0]._replace(soc_change=0.0),
        found[0]._replace(charge_ah=math.inf),
    ):
        _, after = estimator.step(state, bad)
        assert after == told


@pytest.mark.long
def test_charges_and_discharges_together_tell_the_offset_of_the_current():
    """Half an ampere over ten hours is more than a percent of what they count."""
    errors = [
        followed(SohWindow(offset_sigma=0.5), charges(100, offset=0.5, seed=seed))[-1].capacity_ah
        for seed in range(8)
    ]
    assert np.mean(errors) == pytest.approx(150.0, rel=0.005)


def test_the_gain_of_the_sensor_stays_in_the_interval_however_many_charges():
    found = charges(200, sigma=0.002)
    sure = followed(SohWindow(gain_sigma=0.0), found)[-1]
    honest = followed(SohWindow(gain_sigma=0.01), found)[-1]
    assert honest.capacity_ah == sure.capacity_ah
    assert honest.sigma_ah > 1.4 > 3.0 * sure.sigma_ah


def test_an_error_that_all_charges_share_does_not_average_out():
    found = [charge._replace(soc_common=0.02) for charge in charges(200, sigma=0.002)]
    assert followed(SohWindow(), found)[-1].sigma_ah > 0.03 * 150.0


def test_the_recursion_finds_the_minimum_of_the_exact_merit_and_its_curvature():
    """Where both sides are equally uncertain it is exact (Plett 2011, section 5)."""
    random = np.random.default_rng(2)
    x = random.uniform(0.2, 0.6, 30)
    y = 1.5 * x + random.normal(0.0, 0.02, 30)
    x = x + random.normal(0.0, 0.02, 30)
    sums = np.array([x @ x, x @ y, y @ y] * 2) / 0.02**2
    slope, sigma = _awtls(sums)

    def merit(q):
        return float((((y - q * x) / 0.02) ** 2).sum() / (1.0 + q * q))

    grid = np.linspace(1.2, 1.8, 60_001)
    assert slope == pytest.approx(grid[np.argmin([merit(q) for q in grid])], abs=2e-5)
    step = 1e-3
    bend = (merit(slope + step) - 2.0 * merit(slope) + merit(slope - step)) / step**2
    assert sigma == pytest.approx(math.sqrt(2.0 / bend), rel=1e-3)


def test_the_state_is_a_value():
    found = charges(8)
    estimator = SohAwtls()
    state = estimator.init()
    for charge in found:
        state, _ = estimator.step(state, charge)
    kept = state.sums.copy()
    estimator.step(state, found[0])
    assert (state.sums == kept).all()

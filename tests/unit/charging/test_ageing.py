"""Published ageing models give what their equations give by hand, and order stresses right."""

import math

import numpy as np
import pytest

from voltherd.charging.ageing import MODELS, Use, models_for
from voltherd.types.asset import Chemistry

BY_NAME = {model.name: model for model in MODELS}


def at(*values):
    return [np.array([value]) for value in values]


def use(soc=0.5, depth=0.8, rate=0.5, celsius=25.0):
    return Use(*at(soc, depth, rate, celsius))


def test_three_models_for_each_chemistry():
    assert len(models_for(Chemistry.NMC)) == len(models_for(Chemistry.LFP)) == 3
    assert models_for(Chemistry.NCA) == models_for(Chemistry.NMC)
    assert {m.chemistry for m in models_for(Chemistry.LFP)} == {Chemistry.LFP}


def test_naumann_by_hand():
    """At the reference of 25 °C and half charge only the constants are left: 12.4 % in 8 years."""
    model = BY_NAME["Naumann 2018/2020"]
    after = float(model.calendar(*at(0.5, 298.15))[0]) * math.sqrt(8 * 365.25)
    assert after == pytest.approx(1.2571e-5 * 0.60225 * math.sqrt(8 * 365.25 * 86400), rel=1e-6)
    per_root = float(model.cycle(use(depth=0.6, rate=1.0))[0])
    assert per_root == pytest.approx((0.0630 + 0.0971) * 1.0923 / 100)


def test_wang_by_hand():
    """At C/2 and 60 °C a 2.2 Ah cell loses about a fifth in 1,000 full cycles."""
    model = BY_NAME["Wang 2011"]
    loss_percent = 31630 * math.exp((-31700 + 370.3 * 0.5) / (8.314462618 * 333.15)) * 2200**0.55
    assert 100 * float(model.cycle(use(rate=0.5, celsius=60.0))[0]) * 1000**0.55 == pytest.approx(
        loss_percent, rel=1e-6
    )
    assert 15.0 < loss_percent < 25.0
    slow, slowest = (model.cycle(use(rate=rate))[0] for rate in (0.5, 0.01))
    assert slow == slowest
    assert model.calendar is None
    assert np.isnan(model.life_per_day(*at(0.5, 25.0), 0.1)).all()


def test_schmalstieg_by_hand():
    """At 3.667 V mean and full swing: sqrt(Ah) law of a 2.15 Ah cell."""
    model = BY_NAME["Schmalstieg 2014"]
    middle = np.linspace(0.2, 0.7, 2001)
    lowest = model.cycle(Use(middle, np.full(2001, 1.0), np.full(2001, 1.0), np.full(2001, 35.0)))
    assert lowest.min() == pytest.approx((7.6e-4 + 4.081e-3) * math.sqrt(4.3), rel=1e-4)
    assert (model.calendar(np.array([0.0]), np.array([298.15])) == 0.0).all()


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_a_life_used_up_cycle_by_cycle_is_one(model):
    for end in (0.05, 0.1):
        cycles = 1.0 / model.life_per_cycle(use(), end)
        assert model.cycle(use()) * cycles**model.cycle_power == pytest.approx(end)
        if model.calendar is not None:
            days = 1.0 / model.life_per_day(*at(0.6, 30.0), end)
            assert model.calendar(*at(0.6, 303.15)) * days**model.calendar_power == pytest.approx(
                end
            )


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_lives_are_of_a_cell_and_not_of_a_mayfly_or_a_stone(model):
    """To 80 % by full swings at 25 °C: hundreds to tens of thousands of cycles; years at half."""
    cycles = 1.0 / float(model.life_per_cycle(use(), 0.2)[0])
    assert 300.0 < cycles < 30_000.0
    if model.calendar is not None:
        years = 1.0 / float(model.life_per_day(*at(0.5, 25.0), 0.2)[0]) / 365.0
        assert years > 3.0


@pytest.mark.parametrize("model", [m for m in MODELS if m.calendar], ids=lambda model: model.name)
def test_warm_and_full_cells_age_faster_by_time(model):
    soc, celsius = np.meshgrid(np.linspace(0.1, 1.0, 10), np.linspace(0.0, 50.0, 11))
    share = model.life_per_day(soc, celsius, 0.1)
    assert (share >= 0.0).all() and np.isfinite(share).all()
    assert (np.diff(share, axis=0) >= 0.0).all()
    assert (np.diff(share, axis=1) >= 0.0).all()


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_deeper_and_faster_cycles_cost_no_less(model):
    depths = np.linspace(0.05, 1.0, 20)
    ones = np.ones(20)
    deeper = model.life_per_cycle(Use(0.5 * ones, depths, 0.5 * ones, 25.0 * ones), 0.1)
    assert (np.diff(deeper) >= -1e-15).all()
    if model.name != "Wang 2011":  # its factor falls with the rate up to 6 C
        faster = model.life_per_cycle(Use(0.5 * ones, 0.8 * ones, depths * 2, 25.0 * ones), 0.1)
        assert (np.diff(faster) >= -1e-15).all()


def test_a_model_says_where_its_cells_were_tested():
    model = BY_NAME["Naumann 2018/2020"]
    assert model.was_tested(use(celsius=20.0, rate=1.0))
    assert model.was_tested(use(celsius=40.0, rate=0.1))
    assert not model.was_tested(use(celsius=19.0))
    assert not model.was_tested(use(celsius=41.0))
    assert not model.was_tested(use(rate=1.1))

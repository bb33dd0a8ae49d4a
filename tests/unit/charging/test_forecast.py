"""Forecasts: quantiles that cover what they say, no look ahead, and the naive row always there."""

import builtins

import numpy as np
import pytest

from voltherd.charging.forecast import (
    LEVELS,
    Walk,
    lines,
    persistence,
    pinball,
    score,
    seasonal_naive,
    smoothed,
    with_quantiles,
)
from voltherd.charging.forecast_learned import boosted
from voltherd.errors import InputError, UsageError

DAY = 24


def demand(days, noise=5.0, seed=1):
    """A daily and a weekly pattern with noise."""
    r = np.random.default_rng(seed)
    hour = np.arange(24 * days)
    daily = 50 + 40 * np.sin(2 * np.pi * hour / 24)
    weekend = np.where(hour // 24 % 7 >= 5, 0.4, 1.0)
    return daily * weekend + r.normal(0, noise, len(hour))


def test_persistence_repeats_the_last_value():
    assert persistence(np.array([1.0, 7.0]), 3).tolist() == [7.0, 7.0, 7.0]


def test_smoothing_finds_the_season_in_noise():
    series = demand(70)
    truth = demand(77, noise=0.0)[-7 * DAY :]
    week = 7 * DAY
    wrong = np.abs(smoothed(week)(series, week) - truth).mean()
    naive = np.abs(seasonal_naive(week)(series, week) - truth).mean()
    assert wrong < 0.7 * naive


def test_smoothing_follows_a_level_that_has_moved():
    series = demand(28, noise=0.5)
    series[-2 * DAY :] += 30.0
    ahead = smoothed(7 * DAY)(series, DAY)
    usual = demand(29, noise=0.0)[-DAY:]
    assert (ahead - usual).mean() > 15.0


@pytest.mark.parametrize("point", [persistence, seasonal_naive(DAY), smoothed(DAY)])
def test_quantiles_ascend_and_cover_what_they_say(point):
    series = demand(80)
    walk = Walk(season=DAY, horizon=DAY, stride=DAY, begin=40 * DAY)
    method = with_quantiles(point, DAY)
    given = method(series[: 60 * DAY], DAY, LEVELS)
    assert given.shape == (3, DAY)
    assert (np.diff(given, axis=0) >= 0.0).all()
    [_, one] = score(series, {"it": method}, walk)
    assert 0.7 <= one.coverage <= 0.92  # of 0.8, over 40 days


def test_a_method_is_shown_nothing_of_what_comes_after():
    series, shown = np.arange(240.0), []

    def spy(history, horizon, levels):
        shown.append(history.copy())
        return np.zeros((len(levels), horizon))

    score(series, {"spy": spy}, Walk(season=DAY, horizon=DAY, stride=DAY, begin=8 * DAY))
    assert [len(history) for history in shown] == [192, 216]
    assert [history[-1] for history in shown] == [191.0, 215.0]


def test_no_quantile_is_below_the_least():
    series = np.maximum(demand(30) - 60.0, 0.0)
    for method in (with_quantiles(persistence, DAY, 0.0), boosted(DAY, 0.0)):
        assert method(series, DAY, LEVELS).min() >= 0.0
    assert with_quantiles(persistence, DAY)(series, DAY, LEVELS).min() < 0.0


def test_two_seasons_are_enough_for_a_first_word():
    given = with_quantiles(seasonal_naive(DAY), DAY)(demand(2), DAY, LEVELS)
    assert (given[0] < given[2]).all()


def test_pinball_is_least_at_the_quantile():
    values = np.random.default_rng(2).normal(0, 1, 4000)
    for level, best in ((0.1, -1.2816), (0.5, 0.0), (0.9, 1.2816)):
        losses = [
            pinball(values, np.full((1, 4000), at), (level,)).mean()
            for at in (best - 0.3, best, best + 0.3)
        ]
        assert losses[1] < min(losses[0], losses[2])


def test_the_naive_row_is_always_first_and_skill_is_against_it():
    walk = Walk(season=DAY, horizon=DAY, stride=3 * DAY, begin=20 * DAY)
    scores = score(demand(40), {"persistence": with_quantiles(persistence, DAY)}, walk)
    assert [one.name for one in scores] == ["seasonal naive", "persistence"]
    assert scores[0].skill == 0.0
    assert scores[1].skill == pytest.approx(1 - scores[1].pinball / scores[0].pinball)
    assert scores[1].skill < 0.0
    assert scores[0].origins == 7
    told = lines(scores)
    assert told[1].startswith("seasonal naive") and len(told) == 3


def test_a_perfect_season_leaves_nothing_to_win():
    walk = Walk(season=DAY, horizon=DAY, stride=DAY, begin=20 * DAY)
    series = np.tile(np.arange(24.0), 30)
    scores = score(series, {"smoothed": with_quantiles(smoothed(DAY), DAY)}, walk)
    assert scores[0].pinball == scores[1].pinball == pytest.approx(0.0, abs=1e-9)
    assert scores[0].coverage == 1.0


def test_trees_learn_what_a_day_and_a_week_repeat():
    walk = Walk(season=DAY, horizon=DAY, stride=5 * DAY, begin=40 * DAY)
    scores = score(demand(51), {"boosted": boosted(DAY)}, walk)
    assert scores[1].skill > 0.3  # the day before is wrong at every weekend


def test_gaps_and_short_histories_are_told():
    series = demand(10)
    series[5] = np.nan
    walk = Walk(season=DAY, horizon=DAY, stride=DAY, begin=3 * DAY)
    with pytest.raises(InputError, match="1 of 240 values are missing"):
        score(series, {}, walk)
    with pytest.raises(InputError, match="cannot tell yet: 47 of 48 steps"):
        with_quantiles(persistence, DAY)(demand(2)[:47], DAY, LEVELS)
    with pytest.raises(InputError, match="cannot tell yet"):
        boosted(DAY)(demand(8), DAY, LEVELS)


def test_without_the_extra_the_mend_is_told(monkeypatch):
    real = builtins.__import__

    def missing(name, *args, **kwargs):
        if name.startswith("sklearn"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(UsageError, match=r"voltherd\[learn\]"):
        boosted(DAY)


@pytest.mark.recorded
@pytest.mark.long
def test_recorded_demand_of_a_city_is_foreseen_better_than_by_the_week_before(recorded):
    """Energy of charges by the hour they began, Dundee, the last 42 days of 16 weeks."""
    import duckdb

    file = recorded / "ev_charging_sessions" / "dundee_boulder_sessions.parquet"
    columns = duckdb.sql(
        f"select epoch(date_trunc('hour', start)) // 3600 as hour, sum(energy_kwh) as kwh "
        f"from '{file}' where city = 'dundee' group by 1"
    ).fetchnumpy()
    hour = columns["hour"].astype(int)
    series = np.zeros(hour.max() - hour.min() + 1)
    series[hour - hour.min()] = columns["kwh"]
    walk = Walk(season=168, horizon=24, stride=24, begin=24 * 70, least=0.0)
    methods = {"smoothed": with_quantiles(smoothed(168), 168, 0.0)}
    naive, other = score(series[-24 * 112 :], methods, walk)
    assert other.skill > 0.1
    assert 0.7 < naive.coverage < 0.9
    assert 0.7 < other.coverage < 0.9

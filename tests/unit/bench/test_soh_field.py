"""The simulated field of partial charges: goals held, labelled as what it is."""

import math

import pytest

from voltherd.bench import soh_field
from voltherd.bench.soh_field import measure_field, render_field, sessions, summary_of

GOALS = [one for one in soh_field.CONDITIONS if not math.isnan(one.goal)]
CONDITIONS = soh_field.CONDITIONS


@pytest.mark.long
def test_both_estimators_hold_the_goals_and_say_that_it_is_a_simulation(monkeypatch):
    """On four packs of each kind that has a goal; the benchmark runs twelve of every kind."""
    monkeypatch.setattr(soh_field, "CONDITIONS", GOALS)
    monkeypatch.setattr(soh_field, "PACKS", 4)
    told = []
    rows = measure_field(told.append)
    text = render_field(rows)
    assert "simulated" in text and len(told) == len(GOALS)
    for condition in GOALS:
        best = min(row.rmse for row in rows if row.condition == condition.name)
        assert not best > condition.goal, condition.name
    assert all(row.microsecond > 0.0 for row in rows)
    assert {row.estimator: row.numbers for row in rows} == {"soh_window": 1680, "soh_awtls": 20}
    assert all(0.75 <= row.coverage90 <= 1.0 for row in rows), text
    told = summary_of(rows)
    assert told["primary"] in told and told[told["primary"]]["rmse"] < 1.2


def test_a_seed_gives_the_same_life_again():
    assert sessions(CONDITIONS[0], 3) == sessions(CONDITIONS[0], 3)
    assert sessions(CONDITIONS[0], 3) != sessions(CONDITIONS[0], 4)

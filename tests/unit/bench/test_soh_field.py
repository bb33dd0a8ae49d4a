"""The simulated field of partial charges: goals held, labelled as what it is."""

import pytest

from voltherd.bench.soh_field import CONDITIONS, measure_field, render_field, sessions


@pytest.mark.long
def test_both_estimators_hold_the_goals_and_say_that_it_is_a_simulation():
    told = []
    rows = measure_field(told.append)
    text = render_field(rows)
    assert "simulated" in text and len(told) == len(CONDITIONS)
    for condition in CONDITIONS:
        best = min(row.rmse for row in rows if row.condition == condition.name)
        assert not best > condition.goal, condition.name
    assert all(0.80 <= row.coverage90 <= 0.99 for row in rows), text


def test_a_seed_gives_the_same_life_again():
    assert sessions(CONDITIONS[0], 3) == sessions(CONDITIONS[0], 3)
    assert sessions(CONDITIONS[0], 3) != sessions(CONDITIONS[0], 4)

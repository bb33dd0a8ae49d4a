"""Sources together: limits kept, the need met where it can be, never dearer than any alone."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voltherd.charging.hybrid import Source, mixed
from voltherd.errors import InputError


def drawn(seed):
    """Some sources with powers and prices, negative ones too, and a battery's limit."""
    r = np.random.default_rng(seed)
    count, steps = int(r.integers(1, 4)), int(r.integers(1, 9))
    sources = [
        Source(f"{n}", r.uniform(0, 11, steps), r.uniform(-0.1, 0.5, steps), r.uniform(0.6, 1.0))
        for n in range(count)
    ]
    return sources, r.uniform(0, 15, steps), float(r.uniform(0, 4) * steps)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6))
def test_limits_hold_and_the_need_is_met_where_it_can_be(seed):
    sources, intake, need = drawn(seed)
    mix = mixed(sources, need, intake, 0.25)
    into = np.array([[one.efficiency] for one in sources])
    most = np.stack([one.kilowatt for one in sources])
    assert (mix.kilowatt >= 0.0).all() and (mix.kilowatt <= most + 1e-9).all()
    assert (mix.kilowatt * into).sum(axis=0) == pytest.approx(mix.intake_kilowatt)
    assert (mix.intake_kilowatt <= intake + 1e-9).all()
    there = float(np.minimum((most * into).sum(axis=0), intake).sum()) * 0.25
    assert mix.stored_kwh == pytest.approx(min(need, there))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6))
def test_never_dearer_than_any_single_source(seed):
    sources, intake, need = drawn(seed)
    for one in sources:
        alone = mixed([one], need, intake, 0.25)
        together = mixed(sources, alone.stored_kwh, intake, 0.25)
        assert together.stored_kwh == pytest.approx(alone.stored_kwh)
        assert together.cost_eur <= alone.cost_eur + 1e-9


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6))
def test_no_exchange_saves_anything(seed):
    """A kWh that is used costs no more than one that is not and could have been."""
    sources, intake, need = drawn(seed)
    mix = mixed(sources, need, intake, 0.25)
    into = np.array([[one.efficiency] for one in sources])
    price = np.stack([one.eur_per_kwh for one in sources]) / into
    free = mix.kilowatt < np.stack([one.kilowatt for one in sources]) - 1e-9
    full = (mix.kilowatt * into).sum(axis=0) >= intake - 1e-9
    for source, step in np.argwhere(mix.kilowatt > 1e-9):
        assert (price[source, step] <= price[:, step][free[:, step]] + 1e-9).all()
        elsewhere = price[:, ~full][free[:, ~full]]
        assert (price[source, step] <= elsewhere + 1e-9).all()


def test_the_earlier_step_is_taken_where_prices_are_equal():
    one = Source("grid", np.full(3, 4.0), np.full(3, 0.3), 1.0)
    assert mixed([one], 6.0, np.full(3, 9.0), 1.0).kilowatt.tolist() == [[4.0, 2.0, 0.0]]


def test_what_makes_no_sense_is_refused():
    power = np.ones(2)
    for sources, need in (
        ([], 1.0),
        ([Source("a", power, power, 1.2)], 1.0),
        ([Source("a", power, power * np.nan, 1.0)], 1.0),
        ([Source("a", -power, power, 1.0)], 1.0),
        ([Source("a", power, power, 1.0)], -1.0),
    ):
        with pytest.raises(InputError):
            mixed(sources, need, power, 1.0)

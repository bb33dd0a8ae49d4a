"""Droop that moves no energy in the end, and an island that lasts as long as it can."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voltherd.charging.grid import Droop, Machine, droop_kilowatt, island, respond, swing
from voltherd.errors import InputError

DROOP = Droop(offered_kilowatt=100.0)


def wander(seconds, seed=1):
    """A frequency that wanders about 50 Hz: an autoregressive walk of 20 mHz."""
    r, off, all_ = np.random.default_rng(seed), 0.0, []
    for shock in r.normal(0.0, 0.002, seconds):
        off = 0.995 * off + shock
        all_.append(50.0 + off)
    return np.array(all_)


def test_power_follows_frequency_in_proportion_beyond_the_dead_band():
    hertz = np.array([49.7, 49.8, 49.895, 49.99, 50.0, 50.01, 50.105, 50.2, 51.0])
    given_kilowatt = droop_kilowatt(DROOP, hertz)
    assert given_kilowatt == pytest.approx([-100, -100, -50, 0, 0, 0, 50, 100, 100])


def test_an_unknown_frequency_is_not_answered():
    assert droop_kilowatt(DROOP, np.array([np.nan])).tolist() == [0.0]


def test_the_answer_comes_within_the_second():
    hertz = np.concatenate([np.full(10, 50.0), np.full(5, 49.8)])
    response = respond(DROOP, hertz, 1.0)
    assert response.power_kilowatt[9] == 0.0
    assert response.power_kilowatt[10] == -100.0


def test_what_was_moved_is_given_back():
    """After an event of a quarter of an hour at full power, 25 kWh, all but 2 % in two hours."""
    hertz = np.concatenate([np.full(900, 49.8), np.full(7200, 50.0)])
    response = respond(DROOP, hertz, 1.0)
    assert response.moved_kwh[899] == pytest.approx(-20.0, abs=5.1)
    assert abs(response.moved_kwh[-1]) < 0.02 * 25.0
    assert response.power_kilowatt[900:].max() <= 20.0 + 1e-9
    never = respond(DROOP._replace(recover_second=math.inf), hertz, 1.0)
    assert never.moved_kwh[-1] == pytest.approx(-25.0)


def test_a_wandering_day_moves_next_to_nothing():
    hertz = wander(24 * 3600)
    kept = respond(DROOP, hertz, 1.0)
    free = respond(DROOP._replace(recover_second=math.inf), hertz, 1.0)
    turned = np.abs(kept.answer_kilowatt).sum() / 3600.0
    assert turned > 50.0
    assert np.abs(kept.moved_kwh).max() < 0.1 * turned
    assert np.abs(kept.moved_kwh).max() < np.abs(free.moved_kwh).max()


@settings(max_examples=30)
@given(st.lists(st.floats(48.0, 52.0), min_size=1, max_size=50))
def test_never_more_than_was_offered(hertz):
    response = respond(DROOP, np.array(hertz), 1.0)
    assert (np.abs(response.power_kilowatt) <= 100.0 + 1e-9).all()
    assert response.moved_kwh[-1] == pytest.approx(response.power_kilowatt.sum() / 3600.0)


MACHINE = Machine()
LOST = np.full(6000, 0.05 * MACHINE.kilowatt)
"""A twentieth of the grid's power goes, for ten minutes in steps of 100 ms."""


def test_without_secondary_control_governors_and_loads_share_what_is_missing():
    left = swing(MACHINE._replace(secondary_per_second=0.0), LOST, 0.1).hertz[-1]
    assert left == pytest.approx(50.0 * (1.0 - 0.05 / (MACHINE.damping + 1.0 / 0.05)), abs=1e-3)


def test_nothing_missing_moves_nothing():
    still = swing(MACHINE, np.zeros(100), 0.1, DROOP)
    assert (still.hertz == 50.0).all() and not still.storage_kilowatt.any()
    assert still.within_second(50.0, 0.01) == 0.0


def test_the_first_fall_is_that_of_the_inertia():
    fall = swing(MACHINE, LOST[:2], 0.1).hertz
    assert fall[0] - 50.0 == pytest.approx(-50.0 * 0.05 * 0.1 / (2.0 * MACHINE.inertia_second))


def test_storage_brings_a_grid_back_into_its_band_sooner():
    plain = swing(MACHINE, LOST, 0.1)
    helped = swing(MACHINE, LOST, 0.1, Droop(20_000.0))
    for band in (0.2, 0.1):
        assert helped.within_second(50.0, band) < 0.5 * plain.within_second(50.0, band) < math.inf
    assert helped.hertz.min() > plain.hertz.min() + 0.1
    assert (np.abs(helped.storage_kilowatt) <= 20_000.0).all()
    assert not helped.storage_kilowatt[:10].any()  # its delay
    assert helped.storage_kilowatt.sum() * 0.1 / 3600.0 == pytest.approx(helped.moved_kwh[-1])
    assert plain.within_second(50.0, 1e-6) == math.inf


def packs(*rows):
    """Packs of state of charge, capacity, power and reserve."""
    return tuple(np.array(column, dtype=float) for column in zip(*rows, strict=True))


TWO = packs((0.8, 60, 11, 0.3), (0.5, 40, 11, 0.3))


def test_an_island_lasts_until_the_free_energy_is_gone():
    """30 and 8 kWh above their reserves serve 5 kW at 95 % for 7.22 h."""
    done = island(*TWO, np.full(96, 5.0), 0.25, efficiency=0.95)
    assert done.hour == pytest.approx(38.0 * 0.95 / 5.0)
    assert done.served_kwh == pytest.approx(38.0 * 0.95)
    assert done.left_soc == pytest.approx([0.3, 0.3])
    assert done.limit == "energy"


def test_an_outage_shorter_than_that_is_carried_and_the_rest_kept():
    done = island(*TWO, np.full(8, 5.0), 0.25, efficiency=1.0)
    assert (done.hour, done.limit) == (2.0, "none")
    assert done.served_kwh == pytest.approx(10.0)
    assert ((done.left_soc - np.array([0.3, 0.3])) * np.array([60, 40])).sum() == pytest.approx(
        28.0
    )


def test_too_much_power_is_told_apart_from_too_little_energy():
    load = np.array([5.0, 5.0, 25.0, 5.0])
    done = island(*TWO, load, 1.0, efficiency=1.0)
    assert (done.hour, done.limit) == (2.0, "power")
    assert done.served_kwh == pytest.approx(10.0)


def test_a_pack_below_its_reserve_gives_nothing():
    done = island(*packs((0.2, 60, 11, 0.3), (0.5, 40, 11, 0.3)), np.full(99, 4.0), 1.0, 1.0)
    assert done.left_soc == pytest.approx([0.2, 0.3])
    assert done.hour == pytest.approx(2.0)


def test_no_load_is_served_for_ever():
    assert island(*TWO, np.zeros(4), 1.0).hour == math.inf


@settings(max_examples=60)
@given(st.integers(0, 10**6))
def test_no_pack_goes_below_its_reserve_or_above_its_power(seed):
    r = np.random.default_rng(seed)
    count = int(r.integers(1, 6))
    soc, reserve = r.random(count), r.random(count) * 0.5
    capacity, power = r.uniform(20, 80, count), r.uniform(3, 11, count)
    load = r.uniform(0, 15, 24)
    done = island(soc, capacity, power, reserve, load, 0.5, 0.9)
    assert (done.left_soc >= np.minimum(soc, reserve) - 1e-9).all()
    assert (done.left_soc <= soc + 1e-9).all()
    gave = ((soc - done.left_soc) * capacity).sum() * 0.9
    assert gave == pytest.approx(done.served_kwh, abs=1e-6)
    whole = int(done.hour / 0.5 + 1e-9) if math.isfinite(done.hour) else 24
    asked = load[:whole].sum() * 0.5
    if whole < 24:
        asked += load[whole] * (done.hour - whole * 0.5)
    assert done.served_kwh == pytest.approx(asked, abs=1e-6)
    assert (((soc - done.left_soc) * capacity) <= power * done.hour + 1e-6).all()


@pytest.mark.parametrize("wrong", [np.nan, -1.0, np.inf])
def test_a_load_that_makes_no_sense_is_refused(wrong):
    with pytest.raises(InputError, match="none below 0"):
        island(*TWO, np.array([wrong]), 1.0)
    with pytest.raises(InputError, match="none below 0"):
        island(*TWO, np.array([1.0]), 1.0, efficiency=1.5)

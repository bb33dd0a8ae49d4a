"""A leak that begins is told by the cell's own past; what comes at once is no leak."""

import numpy as np
import pytest

from voltherd.detection.memory import init
from voltherd.detection.onset import BEGUN_DAY, bends

CELLS, PERIODS, PER_DAY = 24, 120, 6
LEAKING = 9


def memory(change, seed=4, noise=0.0012):
    """Periods of a pack whose cells differ for ever, with ``change(days)`` added to one."""
    rng = np.random.default_rng(seed)
    age = (np.arange(PERIODS) - PERIODS + 1) / PER_DAY
    soc = 0.6 + 0.3 * np.sin(np.arange(PERIODS) * 0.7)
    charge = rng.normal(0.0, 0.01, CELLS) + np.zeros((PERIODS, 1))
    charge = charge + rng.normal(0.0, noise, charge.shape)
    charge[:, LEAKING] += change(age)
    volt = 0.8 * charge
    return init(CELLS)._replace(
        periods=PERIODS,
        history_second=1.7e9 + 86_400.0 * age,
        history_charge=charge.astype(np.float32),
        history_volt=volt.astype(np.float32),
        history_soc=soc,
    )


def leak(per_day, begun_day):
    return lambda age: -per_day * np.maximum(age + begun_day, 0.0)


@pytest.mark.parametrize("per_day", [0.006, 0.02, 0.06])
def test_a_leak_that_began_two_days_ago_is_told_with_its_rate(per_day):
    [bend] = bends(memory(leak(per_day, 2.0)))
    assert bend.cell == LEAKING
    assert bend.per_day == pytest.approx(per_day, rel=0.35)
    assert bend.begun_day in BEGUN_DAY
    assert bend.score < 0.0


@pytest.mark.parametrize("size", [-0.03, -0.012, 0.03])
@pytest.mark.parametrize("ago_day", [0.6, 1.0, 3.0])
def test_a_step_is_no_leak(size, ago_day):
    assert bends(memory(lambda age: np.where(age > -ago_day, size, 0.0))) == ()


def test_a_cell_that_gains_charge_does_not_leak():
    assert bends(memory(leak(-0.02, 2.0))) == ()


def test_healthy_packs_are_left_alone():
    assert [bends(memory(np.zeros_like, seed)) for seed in range(40)] == [()] * 40


def test_a_lack_of_capacity_swings_with_the_charge_and_is_no_leak():
    swing = memory(np.zeros_like)
    charge = swing.history_charge.copy()
    charge[:, LEAKING] += (0.15 * (swing.history_soc - 0.5)).astype(np.float32)
    assert bends(swing._replace(history_charge=charge, history_volt=0.8 * charge)) == ()


def test_a_single_cell_missing_in_some_periods_hides_nobody():
    holed = memory(leak(0.02, 2.0))
    charge = holed.history_charge.copy()
    charge[::7, 3] = np.nan
    [bend] = bends(holed._replace(history_charge=charge))
    assert bend.cell == LEAKING


def test_a_cell_never_read_hides_nobody():
    holed = memory(leak(0.02, 2.0))
    charge, volt = holed.history_charge.copy(), holed.history_volt.copy()
    charge[:, 3] = volt[:, 3] = np.nan
    charge[5] = np.nan
    [bend] = bends(holed._replace(history_charge=charge, history_volt=volt))
    assert bend.cell == LEAKING


def test_too_little_past_says_nothing():
    short = memory(leak(0.06, 2.0))
    cut = {
        name: getattr(short, name)[-8:]
        for name in ("history_second", "history_charge", "history_volt", "history_soc")
    }
    assert bends(short._replace(periods=8, **cut)) == ()

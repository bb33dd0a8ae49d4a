"""Still voltages: told from quiet ones by what the current says that they must have done."""

import numpy as np

from voltherd.estimation.stillness import quality_of, watch, watched
from voltherd.numerics.presets import LFP, NMC
from voltherd.types.quality import Quality

CELL = NMC.resized(60.0)
SOC = np.array([0.5, 0.5])


def used(rows, cell=CELL):
    """Take voltages and currents, a second apart; gives what counted as measured at the end."""
    first, *later = rows
    kept = watch(np.array(first[0]), first[1], SOC)
    for volt, ampere in later:
        charge = ampere / (3600.0 * cell.capacity_ah)
        kept, told = watched(kept, cell, np.array(volt), ampere, SOC, charge)
    return told


def test_at_rest_a_voltage_may_stand_still_for_ever():
    assert np.isfinite(used([([3.6, 3.7], 0.0)] * 500)).all()


def test_against_a_moving_current_it_may_not():
    swing = 0.05 / CELL.r0_ohm
    told = used([([3.6, 3.7], 0.0), ([3.6, 3.65], swing)])
    np.testing.assert_array_equal(told, [np.nan, 3.65])
    back = used([([3.6, 3.7], 0.0), ([3.6, 3.65], swing), ([3.6, 3.7], 0.0)])
    assert np.isnan(back[0]), "the current's return does not excuse it"
    moved = used([([3.6, 3.7], 0.0), ([3.6, 3.65], swing), ([3.61, 3.7], 0.0)])
    assert np.isfinite(moved).all(), "a voltage that moves again is believed again"


def test_coarse_steps_and_small_currents_are_no_fault():
    small = 0.015 / CELL.r0_ohm
    assert np.isfinite(used([([3.6, 3.7], small * (-1) ** t) for t in range(500)])).all()


def test_charge_that_has_gone_shows_where_the_curve_is_steep_not_where_it_is_flat():
    hour = [([3.3, 3.3], -15.0)] * 1200  # 8 % of the charge
    assert np.isnan(used(hour)).all()
    assert np.isfinite(used(hour, LFP.resized(60.0))).all()


def test_a_missing_value_between_does_not_wake_it():
    swing = 0.05 / CELL.r0_ohm
    told = used([([3.6, 3.7], 0.0), ([np.nan, 3.65], swing), ([3.6, 3.66], swing)])
    assert np.isnan(told[0])


def test_what_to_know_is_said():
    volt, gone, stuck = np.array([3.6, 3.7]), np.array([np.nan, 3.7]), np.array([np.nan, 3.7])
    assert quality_of(volt, volt, whole=True) == Quality.OK
    assert quality_of(volt, volt, whole=False) == Quality.MISSING
    assert quality_of(gone, gone, whole=True) == Quality.MISSING
    assert quality_of(volt, stuck, whole=True) == Quality.SUSPECT

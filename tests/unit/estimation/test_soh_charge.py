"""What a charge says is what went in, and a charge that says nothing says why."""

import numpy as np
import pytest

from voltherd.estimation.soh_charge import (
    ChargeFeatures,
    ChargeFlag,
    ChargeRecord,
    charge_features,
    recent,
)

CONSTANT_SECOND = 3000.0
TAIL_SECOND = 900.0


def charge(ambient=24.0, constant=CONSTANT_SECOND, warm=3.0):
    """Charge with 1.5 A from 3.6 V to 4.2 V, then let the current fade."""
    time = np.arange(0.0, 9000.0, 5.0)
    current = np.where(time < constant, 1.5, 1.5 * np.exp(-(time - constant) / TAIL_SECOND))
    volt = np.where(time < constant, 3.6 + 0.6 * time / constant, 4.2)
    celsius = ambient + warm * np.exp(-time / 1000.0)
    return ChargeRecord(time, current, volt, celsius, ambient)


def test_the_charge_is_counted_and_told_apart():
    told = charge_features(charge())
    assert isinstance(told, ChargeFeatures)
    tail_ah = 1.5 * TAIL_SECOND / 3600.0
    assert told.charged_ah == pytest.approx(1.25 + tail_ah, rel=0.02)
    # Constant current is taken to hold down to one ampere.
    assert told.constant_voltage_ah == pytest.approx(tail_ah * 1.0 / 1.5, rel=0.06)
    assert told.low_window_ah == pytest.approx(1.25 / 3.0, rel=0.02)
    assert told.high_window_ah == pytest.approx(1.25 / 4.0, rel=0.02)
    assert told.early_voltage_volt == pytest.approx(3.66, abs=0.002)
    assert told.warmth_celsius == pytest.approx(3.0, abs=0.05)
    assert told.slow_tail_second == pytest.approx(TAIL_SECOND * np.log(2.0), abs=10.0)
    assert told.late_tail_second == pytest.approx(TAIL_SECOND * np.log(2.0), abs=10.0)
    assert (told.cold, told.cold_charged_ah) == (0.0, 0.0)


def test_cold_is_told():
    told = charge_features(charge(ambient=4.0))
    assert isinstance(told, ChargeFeatures)
    assert told.cold == 1.0
    assert told.cold_charged_ah == told.charged_ah


def test_a_charge_that_says_nothing_says_why():
    whole = charge()
    early = ChargeRecord(*(part[:400] for part in whole[:4]), 24.0)
    assert charge_features(early) is ChargeFlag.UNFINISHED
    assert charge_features(whole._replace(current_ampere=0.0 * whole[1])) is ChargeFlag.SMALL
    lost = whole.voltage_volt.copy()
    lost[100:130] = np.nan
    assert charge_features(whole._replace(voltage_volt=lost)) is ChargeFlag.BROKEN
    empty = ChargeRecord(*(part[:0] for part in whole[:4]), 24.0)
    assert charge_features(empty) is ChargeFlag.BROKEN


def test_a_few_impossible_values_change_little_and_the_record_stays_as_it_was():
    whole = charge()
    broken = whole.voltage_volt.copy()
    broken[[0, 50, 700]] = 8.39, np.nan, 0.0
    before = broken.copy()
    told = charge_features(whole._replace(voltage_volt=broken))
    clean = charge_features(whole)
    assert isinstance(told, ChargeFeatures)
    assert isinstance(clean, ChargeFeatures)
    assert told.charged_ah == pytest.approx(clean.charged_ah, rel=0.005)
    assert np.array_equal(broken, before, equal_nan=True)


def test_a_charge_that_began_half_full_does_not_move_the_recent_median():
    table = np.array([[1.8], [1.79], [0.9], [1.78]])
    assert recent(table)[:, 0].tolist() == [1.8, pytest.approx(1.795), 1.79, 1.78]

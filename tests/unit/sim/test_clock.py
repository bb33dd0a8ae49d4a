"""Simulated time: to the bit where the real time is given."""

import pytest

from voltherd.sim.clock import ScaledClock, VirtualClock

START = 1_742_197_200.0


def test_scaled_time_passes_at_its_multiple():
    real = VirtualClock()
    clock = ScaledClock(START, 60.0, real.monotonic_second, real.sleep)
    real.sleep(2.0)
    assert clock.unix_second() == START + 120.0
    assert clock.monotonic_second() == 120.0
    assert clock.speed == 60.0


def test_scaled_time_begins_when_it_is_made():
    real = VirtualClock()
    real.sleep(77.0)
    clock = ScaledClock(START, 10.0, real.monotonic_second, real.sleep)
    assert clock.unix_second() == START


def test_a_scaled_nap_takes_its_share_of_real_time():
    real = VirtualClock()
    clock = ScaledClock(START, 60.0, real.monotonic_second, real.sleep)
    clock.sleep(90.0)
    assert real.monotonic_second() == 1.5
    assert clock.unix_second() == START + 90.0


def test_a_date_that_is_set_moves_no_interval():
    clock = VirtualClock(START)
    clock.sleep(10.0)
    clock.jump(-3600.0)
    assert clock.unix_second() == START - 3590.0
    assert clock.monotonic_second() == 10.0


def test_two_virtual_clocks_know_nothing_of_each_other():
    one, other = VirtualClock(START), VirtualClock(START)
    one.sleep(5.0)
    assert other.unix_second() == START


@pytest.mark.parametrize("speed", [0.0, -1.0])
def test_time_that_stands_or_runs_backwards_is_refused(speed):
    with pytest.raises(AssertionError):
        ScaledClock(START, speed, lambda: 0.0, lambda second: None)

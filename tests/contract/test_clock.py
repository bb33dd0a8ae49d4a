"""What every Clock promises; a new one adds a line to CLOCKS and inherits every test."""

import time
from collections.abc import Callable

import pytest

from voltherd.adapters.clock.system import SystemClock
from voltherd.cloud.clocks import WallClock
from voltherd.ports import Clock
from voltherd.sim.clock import ScaledClock, VirtualClock

START = 1_742_197_200.0
CLOCKS: dict[str, Callable[[], Clock]] = {
    "system": SystemClock,
    "wall": WallClock,
    "virtual": lambda: VirtualClock(START),
    "scaled": lambda: ScaledClock(START, 60.0, time.monotonic, time.sleep),
    "scaled and slow": lambda: ScaledClock(START, 0.5, time.monotonic, time.sleep),
    "scaled and virtual": lambda: _on(VirtualClock(), 1000.0),
}
NAP = 0.02


def _on(real: VirtualClock, speed: float) -> ScaledClock:
    return ScaledClock(START, speed, real.monotonic_second, real.sleep)


@pytest.fixture(params=CLOCKS.values(), ids=CLOCKS)
def clock(request) -> Clock:
    return request.param()


def test_it_is_a_clock(clock):
    assert isinstance(clock, Clock)


def test_time_for_intervals_never_runs_backwards(clock):
    seen = [clock.monotonic_second() for _ in range(200)]
    clock.sleep(NAP)
    seen += [clock.monotonic_second() for _ in range(200)]
    assert seen == sorted(seen)


def test_sleep_lets_at_least_that_time_pass_on_both_of_its_times(clock):
    unix, monotonic = clock.unix_second(), clock.monotonic_second()
    clock.sleep(NAP)
    slack = 1e-6  # a date of today is known to a quarter of a microsecond
    assert clock.monotonic_second() - monotonic >= NAP - slack
    assert clock.unix_second() - unix >= NAP - slack


@pytest.mark.parametrize("second", [0.0, -1.0])
def test_to_sleep_no_time_or_less_returns_at_once_and_turns_nothing_back(clock, second):
    unix, monotonic = clock.unix_second(), clock.monotonic_second()
    clock.sleep(second)
    assert clock.monotonic_second() >= monotonic
    assert clock.unix_second() >= unix


def test_both_times_run_at_one_pace(clock):
    """Each date is read between two times, so that a loaded machine may look away in between."""
    before = clock.monotonic_second()
    start = clock.unix_second()
    after_start = clock.monotonic_second()
    clock.sleep(5.0 * NAP)
    before_end = clock.monotonic_second()
    end = clock.unix_second()
    after = clock.monotonic_second()
    slack = 1e-3  # time servers let the date run a little slower or faster
    assert before_end - after_start - slack <= end - start <= after - before + slack


def test_dates_are_plausible(clock):
    assert 1.7e9 < clock.unix_second() < 4e9

"""Times to failure are fitted with what still runs, and told with what is not known."""

from math import exp

import numpy as np
import pytest

from tests.unit.wire.ocpp_samples import NOON
from voltherd.charging.station_health import (
    Gap,
    TooFew,
    availability_fraction,
    heartbeat_gaps,
    time_to_failure,
)
from voltherd.errors import InputError
from voltherd.types.station import StatusTold

HOUR = 3600.0
pytestmark = pytest.mark.long


def drawn(shape, scale, count, censor_at, seed=1):
    """Weibull times, cut off where watching ends."""
    found = scale * np.random.default_rng(seed).weibull(shape, count)
    return [(float(min(t, censor_at)), bool(t < censor_at)) for t in found]


def test_the_exponential_has_its_closed_form():
    """Failures over time at risk: 5 in 1,500 s."""
    times = [
        (100.0, True),
        (200.0, True),
        (300.0, True),
        (250.0, True),
        (150.0, True),
        (500.0, False),
    ]
    found = time_to_failure(times)
    assert (found.kind, found.failures, found.censored) == ("exponential", 5, 1)
    assert found.scale_second.value == pytest.approx(300.0)
    assert found.shape == (1.0, 1.0, 1.0)
    chance = found.fails_within(0.0, 300.0)
    assert chance.value == pytest.approx(1.0 - exp(-1.0))
    assert chance.low < chance.value < chance.high
    assert found.fails_within(1e4, 300.0).value == pytest.approx(chance.value), "it does not age"


def test_the_weibull_maximum_is_the_published_one():
    """Lieblein and Zelen 1956, 23 ball bearings: shape 2.10, scale 81.9 (Lawless 5.2)."""
    bearings = (
        "17.88 28.92 33.0 41.52 42.12 45.6 48.48 51.84 51.96 54.12 55.56 67.8 68.64 68.64 68.88 "
        "84.12 93.12 98.64 105.12 105.84 127.92 128.04 173.4"
    )
    found = time_to_failure([(float(value), True) for value in bearings.split()], 0.95)
    assert found.kind == "weibull"
    assert found.shape.value == pytest.approx(2.10, abs=0.01)
    assert found.scale_second.value == pytest.approx(81.9, abs=0.1)
    assert found.shape.low == pytest.approx(1.52, abs=0.08)
    assert found.shape.high == pytest.approx(2.79, abs=0.08)
    assert found.fails_within(80.0, 20.0).value > found.fails_within(10.0, 20.0).value


@pytest.mark.parametrize(
    ("shape", "kind"), [(0.5, "weibull"), (1.0, "exponential"), (2.5, "weibull")]
)
def test_censored_times_do_not_bias_the_fit(shape, kind):
    found = time_to_failure(drawn(shape, 100.0, 400, 120.0))
    assert found.kind == kind and found.censored > 20
    assert found.scale_second.low < 100.0 < found.scale_second.high
    if kind == "weibull":
        assert found.shape.low < shape < found.shape.high
    ignored = [(time, True) for time, _ in drawn(shape, 100.0, 400, 120.0)]
    assert time_to_failure(ignored).scale_second.value < found.scale_second.value


def test_a_true_exponential_is_seldom_rejected_and_intervals_cover():
    rejected, covered = 0, 0
    for seed in range(200):
        found = time_to_failure(drawn(1.0, 100.0, 30, 150.0, seed))
        rejected += found.kind == "weibull"
        covered += found.scale_second.low <= 100.0 <= found.scale_second.high
    assert rejected <= 20, "5 % with room for chance"
    assert covered >= 165, "90 % with room for chance"


def test_too_few_failures_are_no_fit():
    found = time_to_failure([(10.0, True)] * 3 + [(50.0, False)] * 9)
    assert found == TooFew(3)
    assert str(found) == "cannot tell yet (3 of 5 failures)"


@pytest.mark.parametrize("time", [0.0, -1.0, float("nan"), float("inf")])
def test_a_time_that_is_none_is_refused(time):
    with pytest.raises(InputError, match="positive"):
        time_to_failure([(time, True)])


def test_availability_counts_from_the_first_word_on():
    told = [
        StatusTold(1, 1, "Available", NOON),
        StatusTold(1, 1, "Faulted", NOON + HOUR),
        StatusTold(1, 1, "Charging", NOON + 2 * HOUR),
    ]
    assert availability_fraction(told, NOON - 9 * HOUR, NOON + 4 * HOUR) == 0.75
    assert availability_fraction(told, NOON + HOUR, NOON + 2 * HOUR) == 0.0
    assert availability_fraction(told[:1], NOON, NOON + HOUR) == 1.0
    assert availability_fraction([], NOON, NOON + HOUR) is None
    assert availability_fraction(told, NOON - HOUR, NOON) is None


def test_silences_are_gaps_also_the_one_that_lasts():
    heard = [NOON, NOON + 300.0, NOON + 2000.0, NOON + 2300.0]
    assert heartbeat_gaps(heard, 300.0, NOON + 2400.0) == (Gap(NOON + 300.0, NOON + 2000.0),)
    assert heartbeat_gaps(heard, 300.0, NOON + 9000.0)[-1] == Gap(NOON + 2300.0, NOON + 9000.0)
    assert heartbeat_gaps([], 300.0, NOON) == ()

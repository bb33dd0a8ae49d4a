"""What a station can hold never allows more than the plan, and costs as little as can be."""

from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.wire.ocpp_samples import NOON
from voltherd.charging.schedule_fit import compare, fit, limit_watt
from voltherd.errors import UsageError
from voltherd.types.station import ChargingPeriod, ChargingSchedule

LIMITS = st.sampled_from([0.0, 1380.0, 4140.0, 6900.0, 11_040.0, 22_080.0, 3333.33])
PHASES = st.sampled_from([None, 1, 3])


def plan(limits, phases=None, period_second=900):
    phases = phases or [None] * len(limits)
    periods = tuple(
        ChargingPeriod(k * period_second, limit, p)
        for k, (limit, p) in enumerate(zip(limits, phases, strict=True))
    )
    return ChargingSchedule("W", periods, NOON, len(limits) * period_second)


@st.composite
def plans(draw, size_max=12):
    count = draw(st.integers(1, size_max))
    limits = draw(st.lists(LIMITS, min_size=count, max_size=count))
    return plan(limits, draw(st.lists(PHASES, min_size=count, max_size=count)))


def per_phase(schedule, second):
    """The limit of one phase and of all, at a moment."""
    period = [p for p in schedule.periods if NOON + p.start_second <= second][-1]
    total = limit_watt(schedule, second)
    return total / (period.phases or 3), total


@given(plans(), st.integers(1, 13), st.sampled_from(["W", "A"]))
def test_no_limit_is_lifted_and_no_more_periods_are_used(wanted, periods_max, unit):
    schedule, lost_wh = fit(wanted, periods_max, unit)
    assert len(schedule.periods) <= periods_max and lost_wh >= 0.0
    assert schedule.duration_second == wanted.duration_second
    for second in np.arange(NOON, NOON + wanted.duration_second, 450.0):
        one, total = per_phase(schedule, second)
        one_wanted, total_wanted = per_phase(wanted, second)
        assert one <= one_wanted + 1e-6 and total <= total_wanted + 1e-6
    assert compare(wanted, schedule).verdict != "higher"


def energy(schedule):
    edges = np.arange(NOON, NOON + schedule.duration_second, 900.0)
    return sum(limit_watt(schedule, second) for second in edges) * 0.25


@settings(max_examples=40)
@given(plans(8), st.integers(1, 5))
def test_no_other_merging_loses_less(wanted, periods_max):
    """Against every way to cut the plan, each run at its lowest limit."""
    count = len(wanted.periods)
    phases = [p.phases or 3 for p in wanted.periods]
    rates = [p.limit / n for p, n in zip(wanted.periods, phases, strict=True)]
    best = 0.0
    for inner in range(min(periods_max, count)):
        for cuts in combinations(range(1, count), inner):
            edges = (0, *cuts, count)
            runs = [slice(a, b) for a, b in pairwise(edges)]
            kept = sum(0.25 * min(rates[r]) * min(phases[r]) * (r.stop - r.start) for r in runs)
            best = max(best, kept)
    fitted = fit(wanted, periods_max)
    rounding = 0.1 * 0.25 * count
    assert best - rounding - 1e-6 <= energy(fitted.schedule) <= best + 1e-6
    assert fitted.lost_wh == pytest.approx(energy(wanted) - energy(fitted.schedule), abs=1e-6)


def test_a_day_of_quarters_fits_into_24_periods():
    generator = np.random.default_rng(1)
    limits = np.repeat(generator.integers(0, 12, 32), 3) * 1380.0
    schedule, lost_wh = fit(plan(list(map(float, limits))), 24)
    assert len(schedule.periods) == 24
    assert lost_wh < 0.1 * limits.sum() * 0.25


def test_a_plan_that_fits_is_kept_and_equal_neighbours_are_one_period():
    schedule, lost_wh = fit(plan([5000.0, 5000.0, 0.0, 0.0]), 2)
    assert schedule.periods == (ChargingPeriod(0, 5000.0), ChargingPeriod(1800, 0.0))
    assert lost_wh == 0.0


def test_amperes_are_per_phase_at_the_voltage_given():
    schedule, _ = fit(plan([11_040.0, 3680.0], [3, 1]), 9, "A", 230.0)
    assert schedule.periods == (ChargingPeriod(0, 16.0, 3), ChargingPeriod(900, 16.0, 1))
    careful, _ = fit(plan([11_040.0], [3]), 9, "A", 253.0)
    assert careful.periods == (ChargingPeriod(0, 14.5, 3),)


@pytest.mark.parametrize(
    "wrong",
    [
        ChargingSchedule("A", (ChargingPeriod(0, 6.0),), NOON, 900),
        ChargingSchedule("W", (ChargingPeriod(0, 6.0),), NOON),
        ChargingSchedule("W", (), NOON, 900),
        ChargingSchedule("W", (ChargingPeriod(60, 6.0),), NOON, 900),
        ChargingSchedule("W", (ChargingPeriod(0, 6.0), ChargingPeriod(900, 7.0)), NOON, 900),
    ],
)
def test_what_is_no_plan_is_refused(wrong):
    with pytest.raises(UsageError):
        fit(wrong, 24)


@pytest.mark.parametrize(
    ("limits", "verdict"),
    [
        ([5000.0, 0.0], "equal"),
        ([5000.05, 0.0], "equal"),
        ([4000.0, 0.0], "lower"),
        ([4000.0, 10.0], "higher"),
    ],
)
def test_what_is_held_is_compared_with_what_was_told(limits, verdict):
    told = plan([5000.0, 0.0])
    held = plan(limits)
    assert compare(told, held).verdict == verdict


def test_only_the_time_in_common_is_compared():
    told = plan([5000.0, 0.0])
    held = ChargingSchedule("W", (ChargingPeriod(0, 0.0),), NOON + 900.0, 9000)
    found = compare(told, held)
    assert (found.verdict, found.covered_second) == ("equal", 900.0)
    amperes = ChargingSchedule("A", (ChargingPeriod(0, 7.2, 3),), NOON, 900)
    assert compare(told, amperes).verdict == "equal", "4968 W within the rounding of a tenth ampere"

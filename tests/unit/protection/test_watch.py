"""Every row at its boundaries: what counts, when, for how long, and what current it leaves."""

import math
from dataclasses import replace

import numpy as np
import pytest

from tests.unit.protection.conftest import LIMITS, ROWS, follow, healthy, measured
from voltherd.protection import watch
from voltherd.protection.limits import Harm, Quantity
from voltherd.types.event import Severity

NAME = {
    Quantity.CELL_VOLTAGE: "volt",
    Quantity.PROBE_TEMPERATURE: "celsius",
    Quantity.CURRENT: "ampere",
    Quantity.INSULATION: "ohm",
}
STEP = {"volt": 0.001, "celsius": 0.1, "ampere": 0.5, "ohm": 100.0}
each_row = pytest.mark.parametrize("row", ROWS, ids=[row.code for row in ROWS])
each_level = pytest.mark.parametrize("severity", list(Severity))


def at(row, second, value):
    extra = {"ampere": 10.0} if row.charging_only else {}
    return measured(second, **{**extra, NAME[row.quantity]: value})


def beyond(row, severity, steps):
    """The value so many steps beyond a level; negative steps stay short of it."""
    sign = 1.0 if row.above else -1.0
    return row.level(severity) + sign * steps * STEP[NAME[row.quantity]]


def of(told, row, severity):
    return [
        (second, change)
        for second, change in told
        if change.code == row.code and change.severity is severity
    ]


@each_row
@each_level
@pytest.mark.parametrize("steps", [-30, -2, -1, 0, 1, 2, 5])
def test_a_level_counts_beyond_its_value_and_not_at_it(row, severity, steps, ready):
    value = beyond(row, severity, steps)
    _, _, told = follow([at(row, 10.0 + t, value) for t in range(8)], state=ready)
    raised = [change for _, change in of(told, row, severity) if change.raised]
    assert bool(raised) == (steps > 0)
    if raised:
        assert raised[0].value == pytest.approx(value)


@each_row
@each_level
def test_a_level_counts_after_its_delay_and_not_before(row, severity, ready):
    value = beyond(row, severity, 3)
    samples = [at(row, 10.0 + 0.5 * t, value) for t in range(20)]
    _, _, told = follow(samples, state=ready)
    [(second, _)] = of(told, row, severity)
    assert second == 10.0 + row.delay(severity)


@each_row
def test_one_sample_alone_counts_for_nothing_however_long_ago_the_last_one_was(row, ready):
    value = beyond(row, Severity.SAFETY, 5)
    samples = [at(row, 5000.0, value), *healthy(3, 5001.0)]
    standing, _, told = follow(samples, state=ready)
    assert not told
    assert not standing.trip


@each_row
def test_a_break_that_pauses_begins_anew(row, ready):
    value = beyond(row, Severity.SAFETY, 5)
    times = [10.0 + 0.6 * t for t in range(12)]
    samples = [at(row, t, value) if k % 2 else measured(t) for k, t in enumerate(times)]
    _, _, told = follow(samples, state=ready)
    assert not of(told, row, Severity.SAFETY)


@each_row
@each_level
@pytest.mark.parametrize(("share", "clears"), [(0.0, False), (0.98, False), (1.02, True)])
def test_a_level_clears_only_when_the_value_has_come_back_by_the_hysteresis(
    row, severity, share, clears, ready
):
    sign = 1.0 if row.above else -1.0
    back = row.level(severity) - sign * share * row.hysteresis
    samples = [at(row, 10.0 + t, beyond(row, severity, 5)) for t in range(6)]
    samples += [at(row, 16.0 + t, back) for t in range(3)]
    _, _, told = follow(samples, state=ready)
    changes = of(told, row, severity)
    assert [change.raised for _, change in changes] == ([True, False] if clears else [True])
    if clears:
        assert changes[1][0] == 16.0


def test_a_level_clears_exactly_at_the_hysteresis(ready):
    row = next(r for r in ROWS if r.quantity is Quantity.CURRENT and r.above)
    samples = [measured(10.0 + t, ampere=101.0) for t in range(4)] + [measured(14.0, ampere=95.0)]
    _, _, told = follow(samples, state=ready)
    assert [change.raised for _, change in of(told, row, Severity.OPERATING)] == [True, False]


@pytest.mark.parametrize(
    ("row", "places"),
    [(0, (3,)), (1, (3,)), (2, (2,)), (3, (2,)), (4, ()), (5, ()), (6, ())],
)
def test_an_alarm_names_the_cells_or_probes(row, places, ready):
    value = beyond(ROWS[row], Severity.SAFETY, 5)
    _, _, told = follow([at(ROWS[row], 10.0 + t, value) for t in range(6)], state=ready)
    raised = of(told, ROWS[row], Severity.SAFETY)
    assert raised[0][1].places == places


@pytest.mark.parametrize("row", ROWS[:4], ids=[row.code for row in ROWS[:4]])
def test_a_cell_that_is_just_at_the_level_is_not_named(row, ready):
    levels = [row.level(Severity.SAFETY), beyond(row, Severity.SAFETY, 5)]
    field = {Quantity.CELL_VOLTAGE: "cell_voltage_volt"}.get(
        row.quantity, "probe_temperature_celsius"
    )
    whole = at(row, 0.0, levels[1])
    values = getattr(whole, field).copy()
    values[0] = levels[0]
    samples = [whole._replace(time_second=10.0 + t, **{field: values}) for t in range(6)]
    _, _, told = follow(samples, state=ready)
    [(_, change)] = of(told, row, Severity.SAFETY)
    assert 1 not in change.places
    assert len(change.places) == 1


def test_blindness_counts_from_nothing_and_stops_only_beyond_its_time(ready):
    blind = [measured(float(t), ampere=math.nan) for t in range(20)]
    _, _, told = follow(blind)
    assert [second for second, change in told if change.code == watch.BLIND] == [11.0]
    until = [measured(6.0 + t, ampere=math.nan) for t in range(11)]
    standing, state, _ = follow(until[:10], state=ready)
    assert standing.charge_ampere_max == LIMITS.charge_ampere_max
    standing, _, _ = follow(until[10:], state=state)
    assert standing.charge_ampere_max < LIMITS.charge_ampere_max


def test_a_pack_of_one_cell_is_seen():
    samples = [measured(float(t))._replace(cell_voltage_volt=np.array([3.7])) for t in range(6)]
    standing, _, _ = follow(samples)
    assert standing.charge_ampere_max == LIMITS.charge_ampere_max


@pytest.mark.parametrize(
    ("row", "charge_left", "discharge_left"),
    [
        (0, 0.0, 200.0),
        (1, 100.0, 0.0),
        (2, 0.0, 0.0),
        (3, 0.0, 200.0),
        (4, 0.0, 200.0),
        (5, 100.0, 0.0),
        (6, 0.0, 0.0),
    ],
)
def test_a_recommended_limit_takes_the_harmful_current_away_and_only_that(
    row, charge_left, discharge_left, ready
):
    value = beyond(ROWS[row], Severity.RECOMMENDED, 2)
    standing, _, _ = follow([at(ROWS[row], 10.0 + t, value) for t in range(9)], state=ready)
    assert (standing.charge_ampere_max, standing.discharge_ampere_max) == (
        charge_left,
        discharge_left,
    )
    assert not standing.trip


@each_row
def test_an_operating_limit_is_told_and_takes_nothing(row, ready):
    value = beyond(row, Severity.OPERATING, 1)
    standing, _, told = follow([at(row, 10.0 + t, value) for t in range(9)], state=ready)
    assert of(told, row, Severity.OPERATING)
    assert (standing.charge_ampere_max, standing.discharge_ampere_max) == (100.0, 200.0)


@each_row
def test_a_safety_limit_trips_and_takes_all_current_away(row, ready):
    value = beyond(row, Severity.SAFETY, 5)
    standing, _, _ = follow([at(row, 10.0 + t, value) for t in range(9)], state=ready)
    assert standing.trip
    assert (standing.charge_ampere_max, standing.discharge_ampere_max) == (0.0, 0.0)


def test_current_fades_and_comes_back_evenly(ready):
    row = ROWS[0]
    hot = [at(row, 10.0 + t, 4.26) for t in range(6)]
    left = []
    state = ready
    for sample in [*hot, *healthy(6, 16.0)]:
        standing, state, _ = follow([sample], state=state)
        left.append(standing.charge_ampere_max)
    # The recommended level counts from the fourth second on; 4 s to fade, 4 s to come back.
    assert left == [100.0, 100.0, 100.0, 75.0, 50.0, 25.0, 50.0, 75.0, 100.0, 100.0, 100.0, 100.0]


def test_nothing_is_permitted_before_anything_was_measured():
    state = watch.init(LIMITS, 0.0)
    _, standing, _ = watch.step(LIMITS, state, measured(0.0))
    assert (standing.charge_ampere_max, standing.discharge_ampere_max) == (0.0, 0.0)
    assert standing.time_second == 0.0


def test_a_long_silence_does_not_bring_all_current_back_at_once():
    standing, _, _ = follow([measured(0.0), measured(1.0), measured(1e6)])
    slow = replace(LIMITS, fade_second=40.0)
    slowly, _, _ = follow([measured(0.0), measured(1e6)], slow)
    assert standing.charge_ampere_max == 100.0
    assert slowly.charge_ampere_max == 100.0 * LIMITS.age_second_max / 40.0


BLIND = {
    "cell": lambda t: measured(t, volt=math.nan),
    "probe": lambda t: measured(t, celsius=math.nan),
    "current": lambda t: measured(t, ampere=math.nan),
    "insulation": lambda t: measured(t, ohm=math.nan),
    "infinite": lambda t: measured(t, volt=math.inf),
    "no cells": lambda t: measured(t)._replace(cell_voltage_volt=np.empty(0)),
}


@pytest.mark.parametrize("blind", BLIND.values(), ids=BLIND)
def test_what_is_not_measured_permits_nothing_after_a_while(blind, ready):
    samples = [blind(6.0 + t) for t in range(20)]
    standing, state, told = follow(samples, state=ready)
    assert (standing.charge_ampere_max, standing.discharge_ampere_max) == (0.0, 0.0)
    missing = [(t, c) for t, c in told if c.code == watch.BLIND]
    # Unseen since the sample at 5 s; ten seconds are borne, so it is told at 16 s.
    [(second, change)] = missing
    assert second == 16.0
    assert change.raised
    assert change.severity is Severity.RECOMMENDED
    assert change.places == ()
    assert change.value == 11.0
    standing, _, told = follow(healthy(6, 26.0), state=state)
    assert [(c.code, c.raised) for _, c in told if c.code == watch.BLIND] == [(watch.BLIND, False)]
    assert standing.charge_ampere_max == 100.0


@pytest.mark.parametrize("blind", BLIND.values(), ids=BLIND)
def test_current_does_not_come_back_blindly(blind):
    standing, _, _ = follow([blind(float(t)) for t in range(9)])
    assert (standing.charge_ampere_max, standing.discharge_ampere_max) == (0.0, 0.0)


def test_a_pack_without_an_insulation_sensor_is_not_blind():
    limits = replace(LIMITS, rows=ROWS[:-1])
    standing, _, told = follow([measured(float(t), ohm=math.nan) for t in range(20)], limits)
    assert standing.charge_ampere_max == 100.0
    assert not told


def test_a_missing_cell_does_not_hide_the_worst_of_the_others(ready):
    def sample(t):
        cells = np.array([math.nan, 3.7, 4.4, 3.7])
        return measured(t)._replace(cell_voltage_volt=cells)

    standing, _, told = follow([sample(10.0 + t) for t in range(5)], state=ready)
    assert standing.trip
    assert of(told, ROWS[0], Severity.SAFETY)[0][1].places == (3,)


def test_cold_is_judged_while_charging_only(ready):
    row = ROWS[3]
    assert row.charging_only
    cold = [measured(10.0 + t, celsius=-20.0, ampere=-10.0) for t in range(9)]
    standing, state, told = follow(cold, state=ready)
    assert not told
    assert standing.charge_ampere_max == 100.0
    resting = [measured(19.0 + t, celsius=-20.0, ampere=0.0) for t in range(9)]
    _, state, told = follow(resting, state=state)
    assert not told
    charging = [measured(28.0 + t, celsius=-20.0, ampere=0.5) for t in range(9)]
    standing, state, told = follow(charging, state=state)
    assert standing.charge_ampere_max == 0.0
    assert [c.severity for _, c in told] == [Severity.OPERATING, Severity.RECOMMENDED]
    _, _, told = follow([measured(37.0, celsius=-20.0, ampere=-1.0)], state=state)
    assert [c.raised for _, c in told] == [False, False]


@pytest.mark.parametrize("backwards", [-100.0, math.nan])
def test_a_clock_that_fails_neither_ages_nor_renews_anything(backwards, ready):
    standing, state, told = follow([measured(backwards, volt=4.5)] * 5, state=ready)
    assert standing.time_second == ready.time_second
    assert not standing.trip
    assert not told
    assert state.charge_share == ready.charge_share
    # Time goes on where it stood: the break counts from the first of those samples.
    standing, _, _ = follow([measured(6.5, volt=4.5)], state=state)
    assert standing.trip


def test_what_flows_is_told_to_the_contactors(ready):
    standing, _, _ = follow([measured(10.0, ampere=-42.0)], state=ready)
    assert standing.current_ampere == -42.0
    assert standing.time_second == 10.0


def test_arguments_are_left_as_they_are(ready):
    before = ready
    sample = measured(10.0, volt=4.5)
    volts = sample.cell_voltage_volt.copy()
    first = watch.step(LIMITS, ready, sample)
    again = watch.step(LIMITS, before, sample)
    assert first == again
    np.testing.assert_array_equal(sample.cell_voltage_volt, volts)


def test_both_directions_of_harm_are_covered_by_the_table_under_test():
    assert {row.harm for row in ROWS} == set(Harm)

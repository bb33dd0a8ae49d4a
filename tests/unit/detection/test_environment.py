"""Pressure, damp and vibration inside the pack: what is a fault, and what is weather or road."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vehicles import run, same_state
from windows_of import batch_of

from voltherd.detection import humidity, pressure, vibration
from voltherd.detection.verdict import note
from voltherd.detection.windows import closing_rows
from voltherd.types.event import LocationKind, Phenomenon, Severity
from voltherd.units import SECOND_PER_DAY

AIR = 101_000.0


def breathing(second, pascal, **scalar):
    volt = np.full((len(second), 4), 3.7)
    return batch_of(second, volt, pressure_pascal=pascal, **scalar)


def gas(batch, cuts=()):
    """Verdicts of a record cut at some rows, and what is remembered at its end."""
    vent, told = pressure.CALM, []
    for start, stop in zip([0, *cuts], [*cuts, batch.rows], strict=True):
        vent, verdicts = pressure.look(vent, batch.between(start, stop))
        told += verdicts
    return vent, told


def test_a_pressure_that_jumps_and_holds_is_urgent_from_its_second_row():
    second = np.arange(0.0, 3600.0, 10.0)
    vented = 8000.0 * np.exp(-np.maximum(second - 1200.0, 0.0) / 600.0) * (second >= 1200.0)
    _, told = gas(breathing(second, AIR + vented))
    time, verdict = told[0]
    assert time == 1210.0
    assert verdict.phenomenon is Phenomenon.PACK_PRESSURE
    assert verdict.severity is Severity.SAFETY
    assert verdict.location.kind is LocationKind.PACK
    assert verdict.numbers["rise"] == pytest.approx(8000.0, rel=0.01)
    [alarm] = note({}, [verdict], time, []).values()
    assert alarm.severity is Severity.SAFETY  # one verdict is enough


def test_a_cell_that_vents_over_half_a_minute_is_seen_too():
    second = np.arange(0.0, 600.0, 10.0)
    slow = np.clip((second - 300.0) * 150.0, 0.0, 4500.0)
    assert gas(breathing(second, AIR + slow))[1]


def test_a_reading_that_is_back_in_the_next_row_was_the_sensor():
    second = np.arange(0.0, 600.0, 10.0)
    pascal = np.full(len(second), AIR)
    pascal[[20, 40]] += 20_000.0
    assert gas(breathing(second, pascal))[1] == []


def test_weather_and_a_steep_road_are_no_gas():
    second = np.arange(0.0, SECOND_PER_DAY, 10.0)
    weather = 2000.0 * np.sin(2.0 * np.pi * second / SECOND_PER_DAY)
    pass_road = np.clip((second - 4e4) * 30.0, 0.0, 20_000.0)  # 2,000 m down without a pause
    noise = np.random.default_rng(0).normal(0.0, 60.0, len(second))
    assert gas(breathing(second, AIR + weather + pass_road + noise))[1] == []


def test_a_parked_pack_that_wakes_twice_an_hour_tells_a_vented_cell():
    second = np.arange(0.0, 20 * 1800.0, 1800.0)
    begun = second[10] - 900.0
    vented = 10_000.0 * np.exp(-np.maximum(second - begun, 0.0) / 1800.0) * (second >= begun)
    still = np.full(len(second), 5000.0)
    told = gas(breathing(second, AIR + vented, odometer_kilometre=still))[1]
    assert [time for time, _ in told][:1] == [second[11]]
    drove = still + np.arange(len(second))  # in the silence it may have come down a mountain
    assert gas(breathing(second, AIR + 0.9 * vented, odometer_kilometre=drove))[1] == []


@given(st.lists(st.integers(0, 360), max_size=8))
@settings(deadline=None)
def test_what_is_seen_of_the_pressure_does_not_depend_on_the_pieces(cuts):
    second = np.arange(0.0, 3600.0, 10.0)
    rng = np.random.default_rng(1)
    pascal = AIR + rng.normal(0.0, 500.0, len(second))
    pascal[150:200] += 5000.0
    pascal[rng.random(len(second)) < 0.1] = np.nan
    batch = breathing(second, pascal)
    whole, told = gas(batch)
    cut, told_in_pieces = gas(batch, sorted(cuts))
    assert told_in_pieces == told
    same_state(cut, whole)


def damp(values, days=2.0):
    """What is said at the end of some days of five-minute windows, half hour by half hour."""
    second = np.arange(0.0, days * SECOND_PER_DAY, 300.0)
    humid = np.asarray(values(second / SECOND_PER_DAY * 24.0 % 24.0), float)
    batch = batch_of(second, np.full((len(second), 1), 3.7), relative_humidity_fraction=humid)
    state, told = humidity.init(), []
    for begin in range(0, len(second), 6):
        rows = batch.between(begin, begin + 6)
        state = humidity.look(state, rows, np.arange(rows.rows))
        state, verdicts = humidity.judge(state)
        told.append(verdicts)
    return state, told


def test_a_pack_that_is_wet_at_night_and_dry_by_day_breathes():
    _, told = damp(lambda hour: np.where((hour < 7.0) | (hour > 20.0), 0.97, 0.6))
    assert not any(told)


@pytest.mark.parametrize(
    ("level", "severity"), [(0.84, Severity.OPERATING), (0.95, Severity.RECOMMENDED)]
)
def test_a_pack_that_is_damp_at_noon_too_holds_water(level, severity):
    _, told = damp(lambda hour: level + 0.04 * np.cos(2.0 * np.pi * hour / 24.0))
    assert told[-1][0].phenomenon is Phenomenon.HUMIDITY_HIGH
    assert told[-1][0].severity is severity
    assert not any(told[:35])  # before most of a day nobody can tell


def test_a_damp_pack_counts_as_dry_only_when_it_is_clearly_so():
    def settling(hour):
        return np.full(len(hour), 0.79)

    state, told = damp(settling)
    assert not any(told)
    _, verdicts = humidity.judge(state._replace(named=True))
    assert len(verdicts) == 1


def test_a_dry_pack_that_turns_damp_within_a_day_is_told_below_the_limit_too():
    def soaked(day, level=0.7):
        return np.where(day < 4.0, 0.3, level)

    second = np.arange(0.0, 7.0 * SECOND_PER_DAY, 300.0)
    for level, told in ((0.7, True), (0.55, False)):
        humid = soaked(second / SECOND_PER_DAY, level)
        batch = batch_of(second, np.full((len(second), 1), 3.7), relative_humidity_fraction=humid)
        state, verdicts = humidity.init(), ()
        for begin in range(0, len(second), 6):
            rows = batch.between(begin, begin + 6)
            state, verdicts = humidity.judge(humidity.look(state, rows, np.arange(rows.rows)))
        assert bool(verdicts) is told
        if told:
            assert verdicts[0].severity is Severity.OPERATING
            assert verdicts[0].numbers["usual"] == pytest.approx(0.3, abs=0.01)


def test_memory_of_damp_is_a_day_at_any_sampling():
    state, _ = damp(lambda hour: np.full(len(hour), 0.5), days=5.0)
    assert len(state.second) <= humidity.WINDOWS_MAX
    assert state.second[-1] - state.second[0] <= SECOND_PER_DAY


def shaken(factor, hours=20, seed=0, missing=False):
    """What is said of driving at changing speeds, an hour a day, period by period."""
    rng = np.random.default_rng(seed)
    state, told = vibration.init(), []
    for period in range(2 * hours):
        second = np.arange(0.0, 1800.0, 10.0) + 1800.0 * period
        speed = np.clip(60.0 + 40.0 * np.sin(second / 400.0) + rng.normal(0.0, 10.0, 180), 0.0, 140)
        level = 0.06 + 0.018 * speed * np.exp(0.2 * rng.standard_normal(180)) * factor(period)
        if missing:
            level[rng.random(180) < 0.3] = np.nan
        batch = batch_of(
            second,
            np.full((180, 1), 3.7),
            vibration_metre_per_second_squared=level,
            speed_kilometre_per_hour=speed,
        )
        state = vibration.look(state, batch, closing_rows(second)[0][:5])
        state, verdicts = vibration.judge(state)
        told.append(verdicts)
    return told


def test_the_same_roads_at_the_same_speeds_shake_as_ever():
    assert not any(shaken(lambda period: 1.0))


@pytest.mark.parametrize(
    ("factor", "severity"), [(1.9, Severity.OPERATING), (3.0, Severity.RECOMMENDED)]
)
@pytest.mark.parametrize("missing", [False, True])
def test_a_loose_mount_is_told_by_how_many_times_the_usual(factor, severity, missing):
    told = shaken(lambda period: factor if period >= 24 else 1.0, missing=missing)
    assert not any(told[:24])
    assert all(told[24:])
    last = told[-1][0]
    assert last.phenomenon is Phenomenon.VIBRATION_HIGH
    assert last.severity is severity
    assert last.numbers["factor"] == pytest.approx(factor, rel=0.12)


def test_what_shakes_since_the_beginning_is_the_usual():
    assert not any(shaken(lambda period: 3.0))


def test_a_parked_period_neither_raises_nor_clears():
    batch = batch_of(np.arange(0.0, 1800.0, 10.0), np.full((180, 1), 3.7))
    state = vibration.look(vibration.init(), batch, np.array([89, 179]))
    assert vibration.judge(state)[1] is None


@given(st.lists(st.integers(1, 900), max_size=5))
@settings(deadline=None, max_examples=20)
def test_the_whole_of_detection_sees_the_surroundings_alike_in_any_pieces(cuts):
    second = np.arange(0.0, 9000.0, 10.0)
    rng = np.random.default_rng(2)
    batch = breathing(
        second,
        AIR + 6000.0 * (second > 5000.0),
        relative_humidity_fraction=rng.uniform(0.4, 0.6, len(second)),
        vibration_metre_per_second_squared=rng.uniform(0.5, 1.0, len(second)),
        speed_kilometre_per_hour=rng.uniform(0.0, 90.0, len(second)),
    )
    whole, cut = run(batch), run(batch, sorted(cuts))
    assert cut.book == whole.book
    for part in ("vent", "damp", "shake", "gauge"):
        same_state(getattr(cut, part), getattr(whole, part))
    [alarm] = [a for a in whole.book.values() if a.verdict.cause == pressure.CAUSE]
    assert alarm.severity is Severity.SAFETY


def test_a_vehicle_without_these_channels_is_watched_without_them():
    batch = breathing(np.arange(0.0, 9000.0, 10.0), np.full(900, AIR))
    bare = replace(batch, scalar={}, scalar_quality={})
    state = run(bare)
    assert state.vent == pressure.CALM
    same_state(state.damp, humidity.init())
    same_state(state.shake, vibration.init())
